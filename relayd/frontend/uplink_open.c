/* SPDX-License-Identifier: ISC */
/*
 * Connections that the dialer made: the client's side of the opening
 * handshake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

/* The Host field: brackets around an IPv6 address, no default port. */
static void
host_field(char *buf, size_t size, const struct uplink *up)
{
	bool	bare6 = strchr(up->host, ':') != NULL && up->host[0] != '[';
	int	n;

	n = snprintf(buf, size, bare6 ? "[%s]" : "%s", up->host);
	if (up->port != (conn_is_tls(up->c) ? 443 : 80) && n > 0 &&
	    (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, ":%u", up->port);
}

bool
uplink_request(struct conn *c, struct span authorization)
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

	c->state = CONN_DIALED;
	conn_read_off(c);
	uplink_welcome(c);
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
	const struct conf_up	*up = uplink_place(conf, c->up, &why);

	if (up == NULL && fe->next != NULL) {
		conf = fe->next;
		up = uplink_place(conf, c->up, &why);
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
	    uplink_request(c, authorization)) {
		free(c->up->shown);
		if ((c->up->shown = strdup(reason)) == NULL)
			fatal("out of memory for an uplink");
		conn_read_on(c);
	} else
		conn_kill(c, "the credentials cannot stand in a request");
}

void
on_link_prove(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 id = get_u64(msg);
	struct span	 authorization = get_span(msg, AUTH_MAX);
	char		 reason[LIMIT_DENIAL];
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
	char	why[LIMIT_DENIAL];

	if (r->challenge[0] != '\0' && !c->up->challenged) {
		if (r->end > have)
			return;		/* the rest of it will come */
		if (r->end == have && c->fe->router != NULL) {
			ask_proof(c, r);
			return;
		}
	}
	if (r->status == 401 && c->up->shown != NULL)
		snprintf(why, sizeof(why), "HTTP 401: %s does not take %s; "
		    "its log says why", c->node[0] != '\0' ? c->node :
		    "it", c->up->shown);
	else
		snprintf(why, sizeof(why), "%s", r->why);
	uplink_over(c, r->retry_after_s * 1000, why);
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
