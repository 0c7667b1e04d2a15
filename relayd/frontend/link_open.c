/* SPDX-License-Identifier: ISC */
/*
 * Links: how they begin.  The router decides on an upgrade that is asked for
 * here, and on a connection that we dialled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

/* As in LINK_AUTH. */
enum link_kind { KIND_HOME = 1, KIND_PEER };

#define CODE_DENIED	4001	/* close: replaced, or another link stays */
#define STATUS_FORBIDDEN 403	/* it may not be who it says it is */
#define CHALLENGE_MAX	160	/* bytes of a challenge: it has a nonce */

static const char upgrade_extra[] =
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

/* A field as a span, empty if it is not there. */
static struct span
field(const struct http_head *h, const char *name)
{
	const struct span	*v = http_find(h, name);

	return (v != NULL ? *v : span_str(""));
}

/* What is wrong with who wants a link, or NULL. */
static const char *
check_fields(const struct http_head *h, bool peer)
{
	struct span	id = field(h, "x-relay-node-id");

	if (id.len == 0)
		return ("no x-relay-node-id");
	if (id.len > LIMIT_NODE_ID)
		return ("x-relay-node-id too long");
	if (!http_eq(field(h, "x-relay-node-type"), peer ? "main" : "home"))
		return (peer ? "x-relay-node-type must be main" :
		    "x-relay-node-type must be home");
	if (field(h, "x-relay-boot-id").len > LIMIT_MESSAGE_ID)
		return ("x-relay-boot-id too long");
	if (field(h, "authorization").len > AUTH_MAX)
		return ("authorization too long");
	return (NULL);
}

static void
send_auth(struct conn *c, const struct http_head *h)
{
	struct wire_put	*w;

	w = channel_begin(c->fe->router, MSG_LINK_AUTH);
	put_u64(w, c->id);
	put_u8(w, c->peer ? KIND_PEER : KIND_HOME);
	put_bool(w, c->local);
	put_bool(w, conn_is_tls(c));
	put_span(w, field(h, "x-relay-node-id"));
	put_span(w, field(h, "x-relay-boot-id"));
	put_span(w, field(h, "authorization"));
	put_str(w, conn_certificate(c));
	put_str(w, conn_addr(c));
	(void)channel_commit(c->fe->router);
}

/* A request for a link: check its form, let the router decide. */
void
link_request(struct conn *c, const struct http_head *h)
{
	const char	*key, *why;
	struct span	 id;
	int		 status;

	status = upgrade_check(h, &key, &why);
	if (status != 0) {
		http_refuse(c, status, 0, why,
		    status == 426 ? upgrade_extra : NULL);
		return;
	}
	c->peer = c->route == ROUTE_WS_PEERS;
	why = check_fields(h, c->peer);
	if (why != NULL) {
		http_refuse(c, 400, 0, why, NULL);
		return;
	}
	if (c->fe->router == NULL || c->fe->stopping) {
		http_refuse(c, 503, 1000, "not ready", NULL);
		return;
	}
	memcpy(c->http->key, key, sizeof(c->http->key));
	id = field(h, "x-relay-node-id");
	free(c->node);
	c->node = strndup(id.p, id.len);
	if (c->node == NULL)
		fatal("out of memory for a link");
	c->state = CONN_AUTH;
	conn_read_off(c);
	send_auth(c, h);
}

/* Octets a message on this link may have. */
static uint32_t
max_message(const struct conn *c)
{
	uint32_t	max = c->fe->conf->max_message;

	return (c->peer && max < LIMIT_PEER_MESSAGE ? LIMIT_PEER_MESSAGE :
	    max);
}

/* What comes and goes from here on is frames. */
static void
begin_frames(struct conn *c)
{
	struct sendq	out = c->ws.out;

	wsio_init(&c->ws, c->up != NULL ? WS_CLIENT : WS_SERVER,
	    max_message(c));
	c->ws.out = out;
}

/* Take the frames that came with the head. */
static void
early_frames(struct conn *c)
{
	struct http_in	*in = c->http;

	if (in != NULL && in->len > in->head_len)
		link_input(c, in->buf + in->head_len,
		    in->len - in->head_len);
	http_free(c);
}

/* The handshake is over. */
static void
link_open(struct conn *c, uint64_t session)
{
	struct frontend	*fe = c->fe;

	begin_frames(c);
	c->session = session;
	c->told_full = false;
	c->state = CONN_LINK;
	idmap_add(&fe->by_session, session, c);
	TAILQ_INSERT_TAIL(&fe->quiet, c, quiet_e);
	c->rx_ms = monotime_now().ms;
	fe->nlinks++;
	fe->stats.links++;
	conn_due(c, DUE_PING);
	conn_dirty(c);
	conn_read_on(c);
	log_info("link %s with %s: up", conn_addr(c), c->node);
	early_frames(c);
}

/* The 101, which says who we are, and proves it to who has proved itself. */
static void
send_upgraded(struct conn *c, const char *proof)
{
	struct frontend	*fe = c->fe;
	char		 out[2048];
	char		 extra[LIMIT_NODE_ID + BOOT_ID_LEN + PROOF_MAX + 96];
	size_t		 n;

	snprintf(extra, sizeof(extra), "X-Relay-Node-ID: %s\r\n"
	    "X-Relay-Boot-ID: %s\r\n%s%s%s", fe->conf->node_id, fe->boot_id,
	    proof[0] != '\0' ? "X-Relay-Proof: " : "", proof,
	    proof[0] != '\0' ? "\r\n" : "");
	n = upgrade_answer(out, sizeof(out), c->http->key, extra);
	sendq_raw(&c->ws.out, out, n);
}

void
on_link_accept(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 conn = get_u64(msg), session = get_u64(msg);
	char		 proof[PROOF_MAX];
	struct conn	*c;

	(void)ch;
	(void)fd;
	get_str(msg, proof, sizeof(proof));
	/* One that is none, or another link's, could not be taken off again. */
	if (session == 0 || idmap_find(&fe->by_session, session) != NULL ||
	    !upgrade_value(span_str(proof)))
		msg->bad = true;
	if (!get_done(msg))
		return;
	c = idmap_find(&fe->by_id, conn);
	if (c == NULL || c->id != conn ||
	    (c->state != CONN_AUTH && c->state != CONN_DIALED)) {
		fe->stats.stale++;
		link_say_down(fe, session, "gone before it was accepted");
		return;
	}
	if (c->state == CONN_AUTH)
		send_upgraded(c, proof);
	link_open(c, session);
}

void
on_link_ready(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 session = get_u64(msg);
	struct conn	*c;

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	c = idmap_find(&fe->by_session, session);
	if (c == NULL || c->up == NULL)
		fe->stats.stale++;
	else
		uplink_registered(c);
}

/*
 * An upgrade is denied: the other side still learns whom it has reached, and
 * what it may show.
 */
static void
deny_upgrade(struct conn *c, int status, uint32_t retry_after_ms,
    const char *challenge, const char *reason)
{
	char	extra[LIMIT_NODE_ID + CHALLENGE_MAX + 96];
	size_t	n;

	/* the router tells the log, as often as that is good */
	log_debug("link %s with %s: denied: %s", conn_addr(c), c->node,
	    reason);
	snprintf(extra, sizeof(extra), "X-Relay-Node-ID: %s\r\n",
	    c->fe->conf->node_id);
	n = strlen(extra);
	if (status == STATUS_UNAUTHORIZED)
		snprintf(extra + n, sizeof(extra) - n,
		    "WWW-Authenticate: %s\r\nWWW-Authenticate: Bearer\r\n",
		    challenge);
	http_refuse(c, status, retry_after_ms, reason, extra);
}

/* The router does not want a link we dialled: close it in order. */
static void
deny_dialled(struct conn *c, int status, uint32_t retry_after_ms,
    const char *reason)
{
	begin_frames(c);
	wsio_close(&c->ws, status == STATUS_FORBIDDEN ? WS_CODE_POLICY :
	    CODE_DENIED, reason, false, &c->fe->masks);
	uplink_over(c, retry_after_ms, reason);
	conn_closing(c);
	conn_read_on(c);
	early_frames(c);
}

void
on_link_deny(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 conn = get_u64(msg);
	int		 status = get_u16(msg);
	uint32_t	 retry_after_ms = get_u32(msg);
	struct conn	*c;
	char		 challenge[CHALLENGE_MAX], reason[1024];

	(void)ch;
	(void)fd;
	get_str(msg, challenge, sizeof(challenge));
	get_str(msg, reason, sizeof(reason));
	if (!upgrade_value(span_str(challenge)))
		msg->bad = true;
	if (!get_done(msg))
		return;
	c = idmap_find(&fe->by_id, conn);
	if (c == NULL || c->id != conn) {
		fe->stats.stale++;
	} else if (c->state == CONN_AUTH) {
		deny_upgrade(c, status, retry_after_ms, challenge, reason);
	} else if (c->state == CONN_DIALED) {
		deny_dialled(c, status, retry_after_ms, reason);
	} else {
		fe->stats.stale++;
	}
}
