/* SPDX-License-Identifier: ISC */
/*
 * Uplinks: the client's side of the opening handshake on a connection that
 * the dialer made, and what the dialer is told about it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

enum uplink_state { UPLINK_UP = 1, UPLINK_DOWN, UPLINK_REFUSED };

static void
send_state(struct frontend *fe, uint64_t attempt, enum uplink_state state,
    uint32_t retry_after_ms, const char *why)
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
	put_str(w, reason);
	(void)channel_commit(fe->dialer);
}

void
uplink_sync(struct frontend *fe)
{
	const struct conn	*c = fe->uplink;
	struct wire_put		*w;

	w = channel_begin(fe->dialer, MSG_UPLINK_SYNC);
	put_bool(w, c != NULL);
	put_u64(w, c != NULL ? c->up->attempt : 0);
	put_str(w, c != NULL ? c->up->host : "");
	put_u16(w, c != NULL ? c->up->port : 0);
	put_str(w, c != NULL ? c->up->path : "");
	put_str(w, c != NULL ? conn_addr(c) : "");
	(void)channel_commit(fe->dialer);
}

void
uplink_abandon(struct frontend *fe)
{
	struct conn	*c, *next;

	for (c = TAILQ_FIRST(&fe->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->state == CONN_DIAL)
			conn_kill(c, "the dialer is gone");
	}
}

void
uplink_over(struct conn *c, uint32_t retry_after_ms, const char *why)
{
	struct frontend	*fe = c->fe;
	struct uplink	*up = c->up;

	if (up == NULL)
		return;
	c->up = NULL;
	if (fe->uplink == c)
		fe->uplink = NULL;
	send_state(fe, up->attempt, up->up ? UPLINK_DOWN : UPLINK_REFUSED,
	    retry_after_ms, why);
	if (!up->up)
		log_notice("uplink %s to %s: refused: %s", conn_addr(c),
		    up->host, why);
	free(up->host);
	free(up->path);
	free(up);
}

static const struct conf_up *
find_conf(const struct fe_conf *conf, uint32_t index)
{
	size_t	i;

	for (i = 0; i < conf->nuplinks; i++) {
		if (conf->uplinks[i].index == index)
			return (&conf->uplinks[i]);
	}
	return (NULL);
}

bool
uplink_wanted(const struct conn *c)
{
	const struct fe_conf	*conf = c->fe->conf;
	size_t			 i;

	for (i = 0; i < conf->nuplinks; i++) {
		if (conf->uplinks[i].port == c->up->port &&
		    strcmp(conf->uplinks[i].host, c->up->host) == 0 &&
		    strcmp(conf->uplinks[i].path, c->up->path) == 0)
			return (true);
	}
	return (false);
}

/* The Host field: brackets around an IPv6 address, no default port. */
static void
host_field(char *buf, size_t size, const struct uplink *up)
{
	bool	bare6 = strchr(up->host, ':') != NULL && up->host[0] != '[';
	int	n;

	n = snprintf(buf, size, bare6 ? "[%s]" : "%s", up->host);
	if (up->port != 80 && n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, ":%u", up->port);
}

/* Ask for the upgrade. */
static bool
send_request(struct conn *c)
{
	struct frontend		*fe = c->fe;
	struct uplink		*up = c->up;
	char			 host[600], boot[64], out[WS_UPGRADE_MAX];
	struct upgrade_request	 r = { .host = host, .path = up->path,
	    .node_id = fe->conf->node_id,
	    .node_type = role_name(fe->conf->role), .extra = boot };
	size_t			 n;

	host_field(host, sizeof(host), up);
	snprintf(boot, sizeof(boot), "X-Relay-Boot-ID: %s\r\n", fe->boot_id);
	if (getrandom(up->nonce, sizeof(up->nonce), 0) !=
	    (ssize_t)sizeof(up->nonce))
		fatal("no random octets");
	memcpy(r.nonce, up->nonce, sizeof(r.nonce));
	n = upgrade_request(out, sizeof(out), &r);
	sendq_raw(&c->ws.out, out, n);
	conn_dirty(c);
	return (n > 0);
}

static struct uplink *
uplink_new(const struct conf_up *conf, uint64_t attempt)
{
	struct uplink	*up = calloc(1, sizeof(*up));

	if (up == NULL || (up->host = strdup(conf->host)) == NULL ||
	    (up->path = strdup(conf->path)) == NULL)
		fatal("out of memory for an uplink");
	up->index = conf->index;
	up->port = conf->port;
	up->attempt = attempt;
	return (up);
}

static void
start(struct frontend *fe, int fd, const struct conf_up *conf,
    uint64_t attempt)
{
	struct sockaddr_storage	 ss = { .ss_family = AF_UNSPEC };
	socklen_t		 len = sizeof(ss);
	struct addr		 addr;
	struct conn		*c;

	(void)getpeername(fd, (struct sockaddr *)&ss, &len);
	addr_set(&addr, (struct sockaddr *)&ss);
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	c = conn_new(fe, fd, &addr, false);
	c->up = uplink_new(conf, attempt);
	c->state = CONN_DIAL;
	if (!send_request(c))
		conn_kill(c, "host or path cannot stand in a request");
}

void
on_uplink_fd(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend		*fe = arg;
	uint32_t		 index = get_u32(msg);
	uint32_t		 generation = get_u32(msg);
	uint64_t		 attempt = get_u64(msg);
	const struct conf_up	*conf;
	const char		*why = NULL;

	(void)ch;
	(void)get_span(msg, 512);	/* the address, as the dialer has it */
	if (!get_done(msg)) {
		close(fd);
		return;
	}
	conf = find_conf(fe->conf, index);
	if (generation != child_generation(fe->child) || conf == NULL)
		why = "the configuration is changing";
	else if (fe->router == NULL)
		why = "the router is not there";
	else if (fe->stopping)
		why = "stopping";
	if (why != NULL) {
		fe->stats.stale++;
		close(fd);
		send_state(fe, attempt, UPLINK_REFUSED, 1000, why);
		return;
	}
	start(fe, fd, conf, attempt);
}

void
uplink_drop(struct frontend *fe, const char *why)
{
	if (fe->uplink == NULL)
		return;
	if (fe->uplink->state == CONN_LINK)
		link_close(fe->uplink, WS_CODE_NORMAL, why);
	else
		conn_kill(fe->uplink, why);
}

/* The Main let us in: the router decides when frames may come. */
static void
opened(struct conn *c, const struct upgrade_result *r)
{
	struct frontend	*fe = c->fe;
	struct wire_put	*w;

	/* make before break: the old one ends when the new one stands */
	uplink_drop(fe, "replaced");
	fe->uplink = c;
	c->up->up = true;
	free(c->node);
	c->node = strdup(r->node_id);
	if (c->node == NULL)
		fatal("out of memory for an uplink");
	c->state = CONN_DIALED;
	conn_read_off(c);
	send_state(fe, c->up->attempt, UPLINK_UP, 0, "");
	w = channel_begin(fe->router, MSG_LINK_DIALED);
	put_u64(w, c->id);
	put_u32(w, c->up->index);
	put_str(w, r->node_id);
	put_str(w, conn_addr(c));
	(void)channel_commit(fe->router);
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
	n = http_scan(&in->scan, &lim, in->buf, in->len);
	if (n == 0)
		return;
	if (n < 0) {
		conn_kill(c, "malformed answer");
		return;
	}
	in->head_len = (size_t)n;
	upgrade_result(&r, in->buf, (size_t)n, in->len, c->up->nonce);
	if (r.open && c->fe->router != NULL && uplink_wanted(c)) {
		opened(c, &r);
		return;
	}
	if (!r.open)
		uplink_over(c, r.retry_after_s * 1000, r.why);
	conn_kill(c, r.open ? "not wanted any more" : "refused");
}
