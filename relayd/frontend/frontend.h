/* SPDX-License-Identifier: ISC */
/*
 * The front-end process: what its files share.
 *
 * A connection is in one state at a time and on one list of deadlines at
 * most.  Nothing that happens to it inside a handler frees it: conn_kill()
 * ends it at once for everybody else, and its memory goes when the loop
 * turns.  That is also when every connection with something to send is
 * flushed, once.
 */
#ifndef FRONTEND_FRONTEND_H
#define FRONTEND_FRONTEND_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include <bsd/sys/queue.h>

#include "common/child.h"
#include "common/http_chunk.h"
#include "common/id64.h"
#include "common/limits.h"
#include "common/monotime.h"
#include "relayd/frontend/addrtab.h"
#include "relayd/frontend/conn_io.h"
#include "relayd/frontend/http.h"
#include "relayd/frontend/idmap.h"
#include "relayd/frontend/reply.h"
#include "relayd/frontend/tls_io.h"
#include "relayd/frontend/upgrade.h"
#include "relayd/frontend/wsio.h"

#define RECV_SIZE	(256 * 1024)	/* octets one wake-up reads */
#define TICK_MS		500		/* grain of deadlines */
#define ORIGINS_MAX	(LIMIT_ORIGINS + 4 * LIMIT_LISTENERS + 2)
#define BOOT_ID_LEN	16		/* hexadecimal digits */

struct frontend;

enum conn_state {
	CONN_HEAD,	/* HTTP: waiting for a request or inside its head */
	CONN_BODY,	/* HTTP: inside the body */
	CONN_WAIT,	/* HTTP: the router works on the answer */
	CONN_AUTH,	/* the router decides on an upgrade; not read */
	CONN_DIAL,	/* uplink: our upgrade request is out */
	CONN_DIALED,	/* uplink: 101 is here, the router was told; not read */
	CONN_LINK,	/* a link with a session */
	CONN_CLOSING,	/* WebSocket: closing handshake */
	CONN_LINGER	/* nothing more to say: flush, shut down, drain */
};

/* Lists by deadline; all on a list got the same time, so they stay in order. */
enum due_list {
	DUE_HANDSHAKE,	/* LIMIT_HANDSHAKE_MS: head, authentication, upgrade */
	DUE_BODY,	/* LIMIT_HTTP_BODY_MS */
	DUE_IDLE,	/* LIMIT_HTTP_IDLE_MS: next request, answer taken */
	DUE_PING,	/* LIMIT_PING_MS: next ping of a link */
	DUE_CLOSE,	/* LIMIT_CLOSE_MS */
	DUE_MAX,
	DUE_NONE = DUE_MAX
};

/* Input of a connection that is not a link; freed when empty. */
struct http_in {
	uint8_t			*buf;
	size_t			 len, cap;
	struct http_scan	 scan;
	/* the present request or upgrade */
	size_t			 head_len;
	size_t			 body_len;	/* in place behind the head */
	size_t			 raw;		/* chunks not decoded yet */
	size_t			 auth_off, auth_len;	/* Authorization */
	uint64_t		 length;	/* Content-Length */
	bool			 chunked;
	struct http_chunked	 chunks;
	char			 key[WS_KEY_LEN];
};

/* What a connection we dialled has beside. */
struct uplink {
	struct conn	*c;
	uint64_t	 attempt;
	uint32_t	 index;		/* in the configuration it was */
	uint32_t	 generation;	/* dialled by */
	bool		 up;		/* the dialer was told so */
	bool		 challenged;	/* a proof was asked for */
	char		*shown;		/* what it was then shown, or NULL */
	uint8_t		 nonce[WS_KEY_RAW];
	uint8_t		*trust;		/* trust_key of its target, or NULL */
	uint16_t	 port;
	char		*host, *path;
	TAILQ_ENTRY(uplink) entry;
};

TAILQ_HEAD(uplinks, uplink);

struct conn {
	struct frontend		*fe;
	struct event		 rd;
	struct event		*wr;		/* only while a send blocks */
	struct conn_io		 io;
	uint8_t			 state;		/* enum conn_state */
	uint8_t			 due;		/* enum due_list */
	uint8_t			 route;		/* of the HTTP request */
	bool			 reading, parked, dirty, dead, shut;
	bool			 keepalive, head_only;	/* of the request */
	bool			 local;		/* loopback listener and peer */
	bool			 told_full;	/* LINK_QUEUE */
	bool			 counted;	/* in fe->addrs */
	bool			 handshake;	/* TLS has just begun */
	bool			 half;		/* in fe->half */
	bool			 peer;		/* a link with another Main */
	uint8_t			 challenges;	/* answers 401 to upgrades */
	uint64_t		 id;
	uint64_t		 request;	/* HTTP at the router, or 0 */
	uint64_t		 session;	/* link at the router, or 0 */
	int64_t			 deadline_ms;
	int64_t			 rx_ms;		/* last octet received */
	size_t			 out_counted;	/* in fe->out_octets */
	size_t			 part_counted;	/* in fe->part_octets */
	struct addr		 addr;
	char			*node;		/* of a link, for the log */
	struct http_in		*http;
	struct uplink		*up;
	struct wsio		 ws;		/* its queue serves HTTP too */
	TAILQ_ENTRY(conn)	 all, due_e, turn_e, quiet_e, park_e;
};

TAILQ_HEAD(conns, conn);

struct listener {
	int		 fd;
	bool		 unix_socket, local, tls;
	char		 address[256];
	struct event	*ev;		/* in force */
	struct frontend	*fe;
};

/* Where the dialer may link us to: an uplink of a home, a peer of a Main. */
struct conf_up {
	uint32_t	 index;
	uint16_t	 port;
	char		*host, *path;
	struct tls_target *tls;		/* of the same generation; NULL: plain */
};

/* One generation of configuration. */
struct fe_conf {
	uint32_t	 generation;
	enum node_role	 role;
	char		 node_id[LIMIT_NODE_ID + 1];
	uint32_t	 max_message, max_connections, max_per_address;
	struct listener	 listeners[LIMIT_LISTENERS];
	size_t		 nlisteners;
	char		*origins[ORIGINS_MAX];
	size_t		 norigins;
	struct conf_up	 ups[LIMIT_PEERS];
	size_t		 nups;
	struct tls_conf	*tls;
};

/*
 * Connections whose first request or TLS handshake is not complete, and what
 * the log has heard of those that failed.
 */
struct half_open {
	size_t		n;
	uint64_t	refused;	/* at the cap */
	uint64_t	refused_told;
	struct addr	worst;		/* of the refused: had the most */
	unsigned	worst_n;
	int64_t		told_ms;
	int64_t		since_ms;	/* when the first of the lines was */
	unsigned	lines;
	uint64_t	more;		/* that got no line */
};

struct fe_stats {
	uint64_t	accepted, refused, requests, links;
	uint64_t	stale;		/* messages for what is gone */
	uint64_t	text_in, text_out;
};

struct frontend {
	struct child		*child;
	struct event_base	*base;
	struct channel		*router, *dialer, *keeper;	/* or NULL */
	struct tls		 tls;
	struct half_open	 half;
	struct fe_conf		*conf, *next;
	struct id64		 ids;
	struct idmap		 by_id;		/* connections and requests */
	struct idmap		 by_session;
	struct addrtab		 addrs;
	struct conns		 all;
	struct conns		 due[DUE_MAX];
	struct conns		 quiet;		/* links by last octet */
	struct conns		 dirty, dead;
	struct conns		 parked;	/* read when the router can */
	struct event		*tick, *turn, *daily;
	struct mask_pool	 masks;
	char			 boot_id[BOOT_ID_LEN + 1];
	char			 addr_buf[ADDR_TEXT_MAX]; /* conn_addr() */
	struct uplinks		 uplinks;	/* all that were dialled */
	int			 spare_fd;
	size_t			 fd_max;
	size_t			 nconns, nlinks;
	size_t			 in_octets;	/* in all struct http_in */
	size_t			 out_octets;	/* in all queues */
	size_t			 part_octets;	/* of unfinished messages */
	bool			 turn_due, accept_paused, stopping;
	int64_t			 stop_ms;	/* deadline, while stopping */
	uint64_t		 refused_told;
	struct fe_stats		 stats;
	uint8_t			 recv[RECV_SIZE];
};

/* conn.c: life, lists and flushing of connections */
struct conn	*conn_new(struct frontend *, int fd, const struct addr *,
		    bool local);
/*
 * End a connection now: tell the router and the dialer, close the socket.
 * The memory stays until the loop turns.  why goes into the log.
 */
void		 conn_kill(struct conn *, const char *why);
/* Count what its unfinished message and its queue hold now. */
void		 conn_count(struct conn *);
/* It has something to send: flush it when the loop turns. */
void		 conn_dirty(struct conn *);
/* Send what the socket takes now. */
void		 conn_flush(struct conn *);
/* Wait until the socket takes more, and no longer. */
void		 conn_write_on(struct conn *);
void		 conn_write_off(struct conn *);
/* A WebSocket begins to close, by whoever: bound the time it takes. */
void		 conn_closing(struct conn *);
/* Stop talking: flush what is queued, then wait for the other side's end. */
void		 conn_linger(struct conn *);
const char	*conn_addr(const struct conn *);
/* One line of what strangers cause, if there were not too many. */
void		 conn_complain(struct conn *, const char *what,
		    const char *why);
void		 conn_turn(evutil_socket_t, short, void *);

/* conn_read.c: receiving */
void		 conn_on_read(evutil_socket_t, short, void *);
void		 conn_read_on(struct conn *);
void		 conn_read_off(struct conn *);
/* Read again those that waited for the router's channel. */
void		 conn_unpark(struct frontend *);

/* conn_due.c: deadlines */
void		 conn_due(struct conn *, enum due_list);
/* Look at them from now on, if that is not so already. */
void		 conn_start_tick(struct frontend *);
void		 conn_tick(evutil_socket_t, short, void *);

/* handshake.c: TLS of connections, and those that are half open */
/* Begin the handshake with a client, or with the Main of an uplink. */
void		 handshake_accept(struct conn *);
void		 handshake_dial(struct conn *, const struct tls_target *);
/* Go on with it. */
void		 handshake_step(struct conn *);
/* Data was read: was that another one, which is refused?  The log says so. */
void		 handshake_again(struct conn *);
/* It took too long. */
void		 handshake_expire(struct conn *);
/* Does it speak TLS? */
bool		 conn_is_tls(const struct conn *);
/*
 * The names in the other side's verified certificate as "dns:..." and
 * "uri:...", each followed by the next after one space; "" if it showed none.
 */
const char	*conn_certificate(const struct conn *);
/*
 * Has it shown a certificate that was believed by authorities of clients that
 * are not those of the configuration in force?
 */
bool		 conn_is_outdated(const struct conn *);
/*
 * Is this what a client of TLS begins with, on a connection without?  Then it
 * is over.
 */
bool		 handshake_stray(struct conn *, const uint8_t *, size_t);
/* Count one more that is half open; false if there are too many. */
bool		 half_begin(struct frontend *, const struct addr *);
void		 half_end(struct frontend *, const struct addr *);
/* Tell the log what was refused and not told; true: there will be more. */
bool		 half_tell(struct frontend *, int64_t now_ms);
const struct keysign_ops *handshake_ops(void);
void		 on_key_signed(void *, struct channel *, struct wire_get *,
		    int);
void		 handshake_show(struct frontend *, struct channel *,
		    uint64_t request);

/* tls_show.c */
/* Write a warning for each certificate that is not good, or not for long. */
void		 tls_conf_warn(const struct tls_conf *);
/* A row for each certificate. */
void		 tls_conf_show(const struct tls_conf *, struct channel *,
		    uint64_t request);

/* listen.c */
void		 listen_start(struct frontend *, struct listener *);
void		 listen_stop(struct listener *);
/* After a pause for want of descriptors. */
void		 listen_resume(struct frontend *);

/* conf.c: handlers of CONF_* and the two phases */
void		 conf_free(struct fe_conf *);
void		 on_conf_node(void *, struct channel *, struct wire_get *, int);
void		 on_conf_listener(void *, struct channel *, struct wire_get *,
		    int);
void		 on_conf_origin(void *, struct channel *, struct wire_get *,
		    int);
void		 on_conf_uplink(void *, struct channel *, struct wire_get *,
		    int);
void		 on_conf_peer(void *, struct channel *, struct wire_get *, int);
void		 on_conf_certificate(void *, struct channel *,
		    struct wire_get *, int);
void		 on_conf_ca(void *, struct channel *, struct wire_get *, int);
void		 fe_conf_begin(void *, uint32_t);
bool		 fe_conf_end(void *, char *, size_t);
void		 fe_conf_commit(void *);
void		 fe_conf_abort(void *);

/* http_conn.c */
struct http_in	*http_add(struct conn *, const uint8_t *, size_t);
void		 http_free(struct conn *);
/* The router need not answer the request of this connection any more. */
void		 http_cancel(struct conn *);
/* Go on with what has been received. */
void		 http_step(struct conn *);
void		 http_input(struct conn *, const uint8_t *, size_t);
/* Refuse with {"error": reason}; extra as in struct reply. */
void		 http_refuse(struct conn *, int status, uint32_t retry_after_ms,
		    const char *reason, const char *extra);
void		 on_http_response(void *, struct channel *, struct wire_get *,
		    int);

#define AUTH_MAX	4096	/* octets of an Authorization field */
#define STATUS_UNAUTHORIZED 401
#define PROOF_MAX	512	/* octets of an X-Relay-Proof field */

/* link_open.c: how they begin */
/* Of a home, or of a Main if c->route says so. */
void		 link_request(struct conn *, const struct http_head *);
void		 on_link_accept(void *, struct channel *, struct wire_get *,
		    int);
void		 on_link_ready(void *, struct channel *, struct wire_get *,
		    int);
void		 on_link_deny(void *, struct channel *, struct wire_get *, int);

/* link.c: those that are up */
void		 link_input(struct conn *, uint8_t *, size_t);
/* Tell the router that there is no such session, or not any more. */
void		 link_say_down(struct frontend *, uint64_t session,
		    const char *why);
/* The session is over: tell the router, and the dialer of an uplink. */
void		 link_down(struct conn *, const char *why);
/* Close a link from our side and tell the router. */
void		 link_close(struct conn *, uint16_t code, const char *why);
/* Close those of clients that have shown an outdated certificate. */
void		 link_prune(struct frontend *);
/* Tell the router when the queue gets too long, and when it is short again. */
void		 link_queue(struct conn *);
void		 on_link_send(void *, struct channel *, struct wire_get *, int);
void		 on_link_close(void *, struct channel *, struct wire_get *,
		    int);

/* uplink_open.c: the opening handshake */
/*
 * Ask for the upgrade, with credentials if they are not empty; false if host
 * or path cannot stand in a request.
 */
bool		 uplink_request(struct conn *, struct span authorization);
void		 on_link_prove(void *, struct channel *, struct wire_get *,
		    int);
void		 uplink_input(struct conn *, const uint8_t *, size_t);

/* uplink.c */
void		 on_uplink_fd(void *, struct channel *, struct wire_get *, int);
/*
 * The entry that leads where this connection does, as it does, or NULL, and
 * why not.
 */
const struct conf_up *uplink_place(const struct fe_conf *,
		    const struct uplink *, const char **why);
/*
 * The first words to a dialer: the uplinks that stand, so that they are not
 * dialled again.
 */
void		 uplink_sync(struct frontend *);
/*
 * The dialer is gone: drop its handshakes, as the next one knows nothing of
 * them.  Uplinks that stand stay.
 */
void		 uplink_abandon(struct frontend *);
/* Tell the dialer that it is over; up is freed. */
void		 uplink_over(struct conn *, uint32_t retry_after_ms,
		    const char *why);
/* Tell the dialer that its Main let us in. */
void		 uplink_welcome(struct conn *);
/* Tell the dialer that its Main knows us. */
void		 uplink_registered(struct conn *);
/*
 * Close those that are not configured any more, or whose Main was believed by
 * what the configuration does not say any more.
 */
void		 uplink_prune(struct frontend *);
/* How many stand. */
size_t		 uplink_count(const struct frontend *);

#endif
