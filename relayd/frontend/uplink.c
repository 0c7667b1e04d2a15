/* SPDX-License-Identifier: ISC */
/*
 * Connections that the dialer made, to the Main of a home or to the peers of
 * a Main: the client's side of the opening handshake, and what the dialer is
 * told about them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>
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
	char		 reason[256];

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
	return (memcmp(conf->tls->session_key, up->trust, TLS_HASH_LEN) == 0);
}

/*
 * The entry that leads where this connection does, as it does, or NULL, and
 * why not.
 */
static const struct conf_up *
find_same(const struct fe_conf *conf, const struct uplink *up,
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
		if (find_same(fe->conf, up, &why) != NULL)
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

/* --- the handshake --- */

/* The Host field: brackets around an IPv6 address, no default port. */
static void
host_field(char *buf, size_t size, const struct uplink *up)
{
	bool	bare6 = strchr(up->host, ':') != NULL && up->host[0] != '[';
	int	n;

	n = snprintf(buf, size, bare6 ? "[%s]" : "%s", up->host);
	if (up->port != (conn_is_tls(up->c) ? 443 : 80) && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, ":%u", up->port);
}

/* Ask for the upgrade, with credentials if they are not empty. */
static bool
send_request(struct conn *c, struct span authorization)
{
	struct frontend		*fe = c->fe;
	struct uplink		*up = c->up;
	char			 host[600], extra[AUTH_MAX + 128];
	char			 out[WS_UPGRADE_MAX];
	struct upgrade_request	 r = { .host = host, .path = up->path,
	    .node_id = fe->conf->node_id,
	    .node_type = role_name(fe->conf->role), .extra = extra };
	bool			 auth = authorization.len > 0;
	size_t			 n;

	host_field(host, sizeof(host), up);
	snprintf(extra, sizeof(extra), "X-Relay-Boot-ID: %s\r\n%s%.*s%s",
	    fe->boot_id, auth ? "Authorization: " : "",
	    (int)authorization.len, authorization.p, auth ? "\r\n" : "");
	if (getrandom(up->nonce, sizeof(up->nonce), 0) !=
	    (ssize_t)sizeof(up->nonce))
		fatal("no random octets");
	memcpy(r.nonce, up->nonce, sizeof(r.nonce));
	n = upgrade_request(out, sizeof(out), &r);
	sendq_raw(&c->ws.out, out, n);
	explicit_bzero(extra, sizeof(extra));
	explicit_bzero(out, sizeof(out));
	conn_dirty(c);
	return (n > 0);
}

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
		memcpy(up->trust, conf->tls->session_key, TLS_HASH_LEN);
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
	if (!c->dead && !send_request(c, span_str("")))
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

/* Keep who answered, as it named itself. */
static void
keep_name(struct conn *c, const struct upgrade_result *r)
{
	free(c->node);
	if ((c->node = strdup(r->node_id)) == NULL)
		fatal("out of memory for an uplink");
}

/* The Main let us in: the router decides when frames may come. */
static void
opened(struct conn *c, const struct upgrade_result *r, uint32_t index,
    uint32_t generation)
{
	struct frontend	*fe = c->fe;
	struct wire_put	*w;

	c->up->up = true;
	c->state = CONN_DIALED;
	conn_read_off(c);
	tell(c, UPLINK_UP, 0, "");
	w = channel_begin(fe->router, MSG_LINK_DIALED);
	put_u64(w, c->id);
	put_u32(w, index);
	put_u32(w, generation);
	put_str(w, r->node_id);
	put_str(w, r->boot_id);
	put_str(w, r->proof);
	put_str(w, conn_addr(c));
	(void)channel_commit(fe->router);
}

/* The answer is a good 101: is its link still wanted? */
static void
welcomed(struct conn *c, const struct upgrade_result *r)
{
	struct frontend		*fe = c->fe;
	const struct fe_conf	*conf = fe->conf;
	const char		*why;
	const struct conf_up	*up = find_same(conf, c->up, &why);

	if (up == NULL && fe->next != NULL) {
		conf = fe->next;
		up = find_same(conf, c->up, &why);
	}
	if (up == NULL || fe->router == NULL)
		conn_kill(c, "not wanted any more");
	else
		opened(c, r, up->index, conf->generation);
}

/* --- a proof is asked for --- */

/* The Main wants one: the registry may have it. */
static void
ask_proof(struct conn *c, const struct upgrade_result *r)
{
	struct frontend	*fe = c->fe;
	struct wire_put	*w;

	c->up->challenged = true;
	http_free(c);
	conn_read_off(c);
	w = channel_begin(fe->router, MSG_LINK_CHALLENGED);
	put_u64(w, c->id);
	put_u32(w, c->up->index);
	put_u32(w, c->up->generation);
	put_str(w, r->node_id);
	put_str(w, r->challenge);
	(void)channel_commit(fe->router);
}

/* The request again, with what the registry has for that Main. */
static void
prove(struct conn *c, struct span authorization, const char *reason)
{
	if (authorization.len == 0) {
		uplink_over(c, 0, reason);
		conn_kill(c, "refused");
	} else if (upgrade_value(authorization) &&
	    send_request(c, authorization))
		conn_read_on(c);
	else
		conn_kill(c, "the credentials cannot stand in a request");
}

void
on_link_prove(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 id = get_u64(msg);
	struct span	 authorization = get_span(msg, AUTH_MAX);
	char		 reason[256];
	struct conn	*c;

	(void)ch;
	(void)fd;
	get_str(msg, reason, sizeof(reason));
	if (!get_done(msg))
		return;
	c = idmap_find(&fe->by_id, id);
	/* not while it reads: then it was asked already */
	if (c == NULL || c->id != id || c->state != CONN_DIAL ||
	    c->up == NULL || !c->up->challenged || c->reading)
		fe->stats.stale++;
	else
		prove(c, authorization, reason);
}

/* It is refused for good, or first asked who it is. */
static void
refused(struct conn *c, const struct upgrade_result *r, size_t have)
{
	if (r->challenge[0] != '\0' && !c->up->challenged) {
		if (r->end > have)
			return;		/* the rest of it will come */
		if (r->end == have && c->fe->router != NULL) {
			ask_proof(c, r);
			return;
		}
	}
	uplink_over(c, r->retry_after_s * 1000, r->why);
	conn_kill(c, "refused");
}

void
uplink_input(struct conn *c, const uint8_t *p, size_t len)
{
	static const struct http_limits	lim = { LIMIT_HTTP_HEAD,
	    LIMIT_HTTP_TARGET, LIMIT_HTTP_HEADERS, 0 };
	struct upgrade_result		r;
	struct http_in			*in = http_add(c, p, len);
	int				 n;

	if (in == NULL) {
		conn_kill(c, "overloaded");
		return;
	}
	if (in->head_len == 0) {
		n = http_scan(&in->scan, &lim, in->buf, in->len);
		if (n == 0)
			return;
		if (n < 0) {
			conn_kill(c, "malformed answer");
			return;
		}
		in->head_len = (size_t)n;
	}
	upgrade_result(&r, in->buf, in->head_len, in->len, c->up->nonce);
	keep_name(c, &r);
	if (r.open)
		welcomed(c, &r);
	else
		refused(c, &r, in->len);
}
