/* SPDX-License-Identifier: ISC */
/*
 * Connections that the dialer made, to the Main of a home or to the peers of
 * a Main: where they lead, and what the dialer is told about them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/name.h"
#include "relayd/frontend/frontend.h"

enum uplink_state { UPLINK_UP = 1, UPLINK_DOWN, UPLINK_REFUSED,
    UPLINK_REGISTERED };

/* --- the dialer --- */

static void
send_state(struct frontend *fe, uint64_t attempt, enum uplink_state state,
    uint32_t retry_after_ms, const char *main_id, const char *why)
{
	struct wire_put	*w;
	char		 reason[LIMIT_DENIAL];

	if (fe->dialer == NULL)
		return;
	snprintf(reason, sizeof(reason), "%s", why);
	w = channel_begin(fe->dialer, MSG_UPLINK_STATE);
	put_u64(w, attempt);
	put_u8(w, (uint8_t)state);
	put_u32(w, retry_after_ms);
	put_str(w, main_id);
	put_str(w, reason);
	(void)channel_commit(fe->dialer);
}

/* The name its Main gave itself, in lower case, or empty. */
static void
main_name(const struct conn *c, char id[LIMIT_NODE_ID + 1])
{
	if (c->node == NULL || !name_node_lower(span_str(c->node), id,
	    LIMIT_NODE_ID + 1))
		id[0] = '\0';
}

static void
tell(const struct conn *c, enum uplink_state state, uint32_t retry_after_ms,
    const char *why)
{
	char	id[LIMIT_NODE_ID + 1];

	main_name(c, id);
	send_state(c->fe, c->up->attempt, state, retry_after_ms, id, why);
}

static void
send_sync(struct frontend *fe, const struct uplink *up)
{
	char		 id[LIMIT_NODE_ID + 1] = "";
	struct wire_put	*w;

	if (up != NULL)
		main_name(up->c, id);
	w = channel_begin(fe->dialer, MSG_UPLINK_SYNC);
	put_bool(w, up != NULL);
	put_u64(w, up != NULL ? up->attempt : 0);
	put_str(w, up != NULL ? up->host : "");
	put_u16(w, up != NULL ? up->port : 0);
	put_str(w, up != NULL ? up->path : "");
	put_str(w, up != NULL ? conn_addr(up->c) : "");
	put_str(w, id);
	(void)channel_commit(fe->dialer);
}

void
uplink_sync(struct frontend *fe)
{
	const struct uplink	*up;

	/* all are up: handshakes ended with the dialer before */
	TAILQ_FOREACH(up, &fe->uplinks, entry)
		send_sync(fe, up);
	send_sync(fe, NULL);
}

void
uplink_abandon(struct frontend *fe)
{
	struct uplink	*up, *next;

	for (up = TAILQ_FIRST(&fe->uplinks); up != NULL; up = next) {
		next = TAILQ_NEXT(up, entry);
		if (!up->up)
			conn_kill(up->c, "the dialer is gone");
	}
}

void
uplink_welcome(struct conn *c)
{
	c->up->up = true;
	tell(c, UPLINK_UP, 0, "");
}

void
uplink_registered(struct conn *c)
{
	tell(c, UPLINK_REGISTERED, 0, "");
}

void
uplink_over(struct conn *c, uint32_t retry_after_ms, const char *why)
{
	struct uplink	*up = c->up;

	if (up == NULL)
		return;
	tell(c, up->up ? UPLINK_DOWN : UPLINK_REFUSED, retry_after_ms, why);
	/* The dialer says so in the log, and what comes next. */
	if (!up->up)
		log_debug("link %s to %s: refused: %s", conn_addr(c),
		    up->host, why);
	c->up = NULL;
	TAILQ_REMOVE(&c->fe->uplinks, up, entry);
	free(up->shown);
	free(up->host);
	free(up->path);
	free(up->trust);
	free(up);
}

size_t
uplink_count(const struct frontend *fe)
{
	const struct uplink	*up;
	size_t			 n = 0;

	TAILQ_FOREACH(up, &fe->uplinks, entry)
		n += up->up;
	return (n);
}

/* --- configuration --- */

/* Does it lead to the same place? */
static bool
same_place(const struct conf_up *conf, const struct uplink *up)
{
	return (conf->port == up->port && strcmp(conf->host, up->host) == 0 &&
	    strcmp(conf->path, up->path) == 0);
}

/* Would what it says there let in whom we have met there? */
static bool
same_trust(const struct conf_up *conf, const struct uplink *up)
{
	if (conf->tls == NULL || up->trust == NULL)
		return (conf->tls == NULL && up->trust == NULL);
	return (memcmp(conf->tls->trust_key, up->trust, TLS_HASH_LEN) == 0);
}

const struct conf_up *
uplink_place(const struct fe_conf *conf, const struct uplink *up,
    const char **why)
{
	size_t	i;

	*why = "no longer configured";
	for (i = 0; i < conf->nups; i++) {
		if (!same_place(&conf->ups[i], up))
			continue;
		if (same_trust(&conf->ups[i], up))
			return (&conf->ups[i]);
		*why = "its TLS is configured otherwise now";
	}
	return (NULL);
}

void
uplink_prune(struct frontend *fe)
{
	struct uplink	*up, *next;
	const char	*why;

	for (up = TAILQ_FIRST(&fe->uplinks); up != NULL; up = next) {
		next = TAILQ_NEXT(up, entry);
		if (uplink_place(fe->conf, up, &why) != NULL)
			continue;
		if (up->c->state == CONN_LINK)
			link_close(up->c, WS_CODE_NORMAL, why);
		else
			conn_kill(up->c, why);
	}
}

/*
 * The configuration of that number, in force or about to be: the dialer may
 * have heard of it first.
 */
static const struct fe_conf *
find_conf(const struct frontend *fe, uint32_t generation)
{
	if (fe->conf->generation == generation)
		return (fe->conf);
	if (fe->next != NULL && fe->next->generation == generation)
		return (fe->next);
	return (NULL);
}

static const struct conf_up *
find_index(const struct fe_conf *conf, uint32_t index)
{
	size_t	i;

	for (i = 0; i < conf->nups; i++) {
		if (conf->ups[i].index == index)
			return (&conf->ups[i]);
	}
	return (NULL);
}

/* --- a connection --- */

static void
uplink_new(struct conn *c, const struct conf_up *conf, uint32_t generation,
    uint64_t attempt)
{
	struct uplink	*up = calloc(1, sizeof(*up));

	if (up == NULL || (up->host = strdup(conf->host)) == NULL ||
	    (up->path = strdup(conf->path)) == NULL)
		fatal("out of memory for an uplink");
	if (conf->tls != NULL) {
		up->trust = malloc(TLS_HASH_LEN);
		if (up->trust == NULL)
			fatal("out of memory for an uplink");
		memcpy(up->trust, conf->tls->trust_key, TLS_HASH_LEN);
	}
	up->port = conf->port;
	up->index = conf->index;
	up->generation = generation;
	up->attempt = attempt;
	up->c = c;
	c->up = up;
	TAILQ_INSERT_TAIL(&c->fe->uplinks, up, entry);
}

static void
start(struct frontend *fe, int fd, const struct conf_up *conf,
    uint32_t generation, uint64_t attempt)
{
	struct sockaddr_storage	 ss = { .ss_family = AF_UNSPEC };
	socklen_t		 len = sizeof(ss);
	struct addr		 addr;
	struct conn		*c;

	(void)getpeername(fd, (struct sockaddr *)&ss, &len);
	addr_set(&addr, (struct sockaddr *)&ss);
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	c = conn_new(fe, fd, &addr, false);
	c->peer = fe->conf->role == ROLE_MAIN;
	c->state = CONN_DIAL;
	uplink_new(c, conf, generation, attempt);
	if (conf->tls != NULL)
		handshake_dial(c, conf->tls);
	if (!c->dead && !uplink_request(c, span_str("")))
		conn_kill(c, "host or path cannot stand in a request");
}

void
on_uplink_fd(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend		*fe = arg;
	uint32_t		 index = get_u32(msg);
	uint32_t		 generation = get_u32(msg);
	uint64_t		 attempt = get_u64(msg);
	const struct fe_conf	*conf;
	const struct conf_up	*up = NULL;
	const char		*why = NULL;

	(void)ch;
	(void)get_span(msg, 512);	/* the address, as the dialer has it */
	if (!get_done(msg)) {
		close(fd);
		return;
	}
	if ((conf = find_conf(fe, generation)) != NULL)
		up = find_index(conf, index);
	if (up == NULL)
		why = "the configuration is changing";
	else if (fe->router == NULL)
		why = "the router is not there";
	else if (fe->stopping)
		why = "stopping";
	if (why != NULL) {
		fe->stats.stale++;
		close(fd);
		send_state(fe, attempt, UPLINK_REFUSED, 1000, "", why);
		return;
	}
	start(fe, fd, up, generation, attempt);
}
