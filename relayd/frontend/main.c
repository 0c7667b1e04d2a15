/* SPDX-License-Identifier: ISC */
/*
 * relay-frontend: accepts connections, speaks HTTP and WebSocket, and passes
 * whole requests and messages on to the router.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"
#include "relayd/frontend/tls_age.h"

static const char *const syscalls[] = {
	"accept4", "setsockopt", NULL
};

static const struct sandbox_profile profile = {
	.name = "frontend",
	.allow = syscalls,
};

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_CONF_LISTENER] = on_conf_listener,
	[MSG_CONF_ORIGIN] = on_conf_origin,
	[MSG_CONF_UPLINK] = on_conf_uplink,
	[MSG_CONF_PEER] = on_conf_peer,
	[MSG_CONF_CERTIFICATE] = on_conf_certificate,
	[MSG_CONF_CA] = on_conf_ca,
	[MSG_KEY_SIGNED] = on_key_signed,
	[MSG_UPLINK_FD] = on_uplink_fd,
	[MSG_LINK_ACCEPT] = on_link_accept,
	[MSG_LINK_READY] = on_link_ready,
	[MSG_LINK_DENY] = on_link_deny,
	[MSG_LINK_PROVE] = on_link_prove,
	[MSG_LINK_SEND] = on_link_send,
	[MSG_LINK_CLOSE] = on_link_close,
	[MSG_HTTP_RESPONSE] = on_http_response,
};

/* Descriptors this process may have, less what is not for connections. */
static size_t
count_fds(void)
{
	struct rlimit	rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("getrlimit: %s", strerror(errno));
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > 1U << 20)
		return (1U << 20);
	if (rl.rlim_max <= LIMIT_FD_RESERVE + 2 * LIMIT_LISTENERS + 16)
		return (16);
	return (rl.rlim_max - LIMIT_FD_RESERVE - 2 * LIMIT_LISTENERS);
}

static void
random_boot_id(struct frontend *fe)
{
	uint8_t	raw[BOOT_ID_LEN / 2];
	size_t	i;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw) ||
	    getrandom(fe->addrs.key, sizeof(fe->addrs.key), 0) !=
	    (ssize_t)sizeof(fe->addrs.key))
		fatal("getrandom: %s", strerror(errno));
	for (i = 0; i < sizeof(raw); i++)
		snprintf(fe->boot_id + 2 * i, 3, "%02x", raw[i]);
}

/* Certificates expire while nothing else happens. */
static void
on_day(evutil_socket_t fd, short what, void *arg)
{
	struct frontend	*fe = arg;

	(void)fd;
	(void)what;
	if (fe->conf != NULL)
		tls_conf_warn(fe->conf->tls);
}

/* What needs files, or OpenSSL's first use. */
static void
init_tls(struct frontend *fe)
{
	static const struct timeval	day = { TLS_AGE_CHECK_S, 0 };

	if (!tls_init(&fe->tls, handshake_ops(), fe))
		fatal("OpenSSL: %s", tls_reason());
	fe->daily = event_new(fe->base, -1, EV_PERSIST, on_day, fe);
	if (fe->daily == NULL || event_add(fe->daily, &day) == -1)
		fatal("out of memory for events");
}

static void
fe_init(void *arg, struct child *child)
{
	struct frontend	*fe = arg;
	char		 accept[WS_ACCEPT_LEN + 1];
	int		 i;

	fe->child = child;
	fe->base = child_base(child);
	id64_init(&fe->ids);
	mask_pool_init(&fe->masks);
	random_boot_id(fe);
	TAILQ_INIT(&fe->all);
	for (i = 0; i < DUE_MAX; i++)
		TAILQ_INIT(&fe->due[i]);
	TAILQ_INIT(&fe->quiet);
	TAILQ_INIT(&fe->dirty);
	TAILQ_INIT(&fe->dead);
	TAILQ_INIT(&fe->parked);
	TAILQ_INIT(&fe->uplinks);
	fe->tick = evtimer_new(fe->base, conn_tick, fe);
	fe->turn = event_new(fe->base, -1, 0, conn_turn, fe);
	if (fe->tick == NULL || fe->turn == NULL)
		fatal("out of memory for events");
	fe->spare_fd = fcntl(CHILD_FD, F_DUPFD_CLOEXEC, 0);
	fe->fd_max = count_fds();
	init_tls(fe);
	upgrade_accept("AAAAAAAAAAAAAAAAAAAAAA==", accept);
}

static void
fe_peer_up(void *arg, enum proc_id peer, struct channel *ch)
{
	struct frontend	*fe = arg;

	if (peer == PROC_ROUTER) {
		fe->router = ch;
	} else if (peer == PROC_DIALER) {
		fe->dialer = ch;
		uplink_sync(fe);
	} else if (peer == PROC_KEEPER) {
		fe->keeper = ch;
	}
}

/* What waits for the router, or is a session of it, ends with it. */
static void
router_gone(struct frontend *fe)
{
	struct conn	*c, *next;

	log_warn("the router is gone: closing %zu links", fe->nlinks);
	conn_unpark(fe);
	for (c = TAILQ_FIRST(&fe->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		switch (c->state) {
		case CONN_LINK:
			link_close(c, WS_CODE_RESTART, "the router is gone");
			break;
		case CONN_WAIT:
		case CONN_AUTH:
			http_refuse(c, 503, 1000, "not ready", NULL);
			break;
		case CONN_DIALED:
			conn_kill(c, "the router is gone");
			break;
		default:
			break;
		}
	}
}

static void
fe_peer_down(void *arg, enum proc_id peer)
{
	struct frontend	*fe = arg;

	if (peer == PROC_DIALER) {
		fe->dialer = NULL;
		uplink_abandon(fe);
	} else if (peer == PROC_ROUTER) {
		fe->router = NULL;
		router_gone(fe);
	} else if (peer == PROC_KEEPER) {
		fe->keeper = NULL;
		keysign_fail_all(fe->tls.keysign);
	}
}

static void
fe_peer_drained(void *arg, enum proc_id peer)
{
	if (peer == PROC_ROUTER)
		conn_unpark(arg);
}

/* Links get 1001, requests at the router their answer, the rest is closed. */
static void
fe_shutdown(void *arg, uint32_t grace_ms)
{
	struct frontend		*fe = arg;
	struct timeval		 now = { 0, 0 };
	struct conn		*c, *next;
	size_t			 i;

	fe->stopping = true;
	fe->stop_ms = monotime_now().ms + grace_ms;
	for (i = 0; i < fe->conf->nlisteners; i++)
		listen_stop(&fe->conf->listeners[i]);
	for (c = TAILQ_FIRST(&fe->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		switch (c->state) {
		case CONN_LINK:
			link_close(c, WS_CODE_GOING_AWAY, "stopping");
			break;
		case CONN_WAIT:
			c->keepalive = false;
			break;
		case CONN_AUTH:
			http_refuse(c, 503, 1000, "stopping", NULL);
			break;
		case CONN_CLOSING:
		case CONN_LINGER:
			break;
		default:
			conn_kill(c, "stopping");
			break;
		}
	}
	evtimer_add(fe->tick, &now);
}

static void
show_summary(const struct frontend *fe, struct channel *ch, uint64_t request)
{
	struct ctl_row	row;

	ctl_row_begin(&row, ch, request, "frontend");
	ctl_number(&row, "connections", (int64_t)fe->nconns);
	ctl_number(&row, "links", (int64_t)fe->nlinks);
	ctl_number(&row, "uplinks", (int64_t)uplink_count(fe));
	ctl_number(&row, "accepted", (int64_t)fe->stats.accepted);
	ctl_number(&row, "refused", (int64_t)fe->stats.refused);
	ctl_number(&row, "links_opened", (int64_t)fe->stats.links);
	ctl_number(&row, "http_requests", (int64_t)fe->stats.requests);
	ctl_number(&row, "messages_in", (int64_t)fe->stats.text_in);
	ctl_number(&row, "messages_out", (int64_t)fe->stats.text_out);
	ctl_number(&row, "stale", (int64_t)fe->stats.stale);
	ctl_row_end(&row);
}

static void
fe_show(void *arg, struct channel *ch, uint64_t request, enum ctl_show what)
{
	struct frontend	*fe = arg;

	if (what == CTL_SHOW_SUMMARY) {
		show_summary(fe, ch, request);
	} else if (what == CTL_SHOW_TLS) {
		if (fe->conf != NULL)
			tls_conf_show(fe->conf->tls, ch, request);
		handshake_show(fe, ch, request);
	}
}

int
main(void)
{
	static const struct child_ops	ops = {
		.self = PROC_FRONTEND,
		.profile = &profile,
		.handlers = handlers,
		.init = fe_init,
		.conf_begin = fe_conf_begin,
		.conf_end = fe_conf_end,
		.conf_commit = fe_conf_commit,
		.conf_abort = fe_conf_abort,
		.peer_up = fe_peer_up,
		.peer_down = fe_peer_down,
		.peer_drained = fe_peer_drained,
		.shutdown = fe_shutdown,
		.show = fe_show,
	};
	static struct frontend		frontend;

	child_run(&ops, &frontend);
}
