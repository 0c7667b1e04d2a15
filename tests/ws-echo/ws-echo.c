/* SPDX-License-Identifier: ISC */
/*
 * Test-only echo program over the front-end's own WebSocket objects, for
 * protocol test suites: a server, or a client that echoes what it receives.
 *
 *	ws-echo PORT		serve on 127.0.0.1; 0 picks a port, printed
 *	ws-echo -c URL		connect, echo, connect again until refused
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <bsd/stdlib.h>
#include <event2/event.h>

#include "common/limits.h"
#include "common/log.h"
#include "relayd/frontend/http.h"
#include "relayd/frontend/reply.h"
#include "relayd/frontend/upgrade.h"
#include "relayd/frontend/wsio.h"

#define ECHO_MAX	(64U << 20)	/* octets: beyond what suites send */
#define ECHO_HIGH	(1U << 20)	/* octets queued: stop reading */

struct echo {
	struct event_base	*base;
	struct mask_pool	 masks;
	uint8_t			 recv[256 * 1024];
	/* the client */
	struct sockaddr_storage	 to;
	socklen_t		 to_len;
	char			 host[256], path[1024];
	uint8_t			 nonce[WS_KEY_RAW];
	bool			 client;
};

struct conn {
	struct echo	*echo;
	struct conn_io	 io;
	struct event	*rd, *wr;
	struct wsio	 ws;
	struct http_scan scan;
	size_t		 head_len;
	uint8_t		 head[LIMIT_HTTP_HEAD];
	bool		 upgraded, shut;
};

static void	start_client(struct echo *);

static const struct http_limits limits = {
	LIMIT_HTTP_HEAD, LIMIT_HTTP_TARGET, LIMIT_HTTP_HEADERS, 0
};

/* Free a connection; a client that was let in comes back. */
static void
drop(struct conn *c)
{
	struct echo	*e = c->echo;
	bool		 again = e->client && c->upgraded;

	event_free(c->rd);
	event_free(c->wr);
	conn_io_close(&c->io);
	wsio_clear(&c->ws);
	free(c);
	if (again)
		start_client(e);
	else if (e->client)
		event_base_loopbreak(e->base);
}

/* Send, and wait for the socket, for the other side or for its end. */
static void
flush(struct conn *c)
{
	switch (sendq_flush(&c->ws.out, &c->io)) {
	case IO_FAIL:
		drop(c);
		return;
	case IO_AGAIN:
		event_add(c->wr, NULL);
		if (sendq_len(&c->ws.out) > ECHO_HIGH)
			event_del(c->rd);
		return;
	}
	event_add(c->rd, NULL);
	if (c->ws.state == WSIO_CLOSED && !c->shut) {
		conn_io_shutdown(&c->io);
		c->shut = true;
	}
}

static void
echo_message(void *arg, enum ws_opcode opcode, const uint8_t *p, size_t len)
{
	struct conn	*c = arg;

	wsio_send(&c->ws, opcode, p, len, &c->echo->masks);
}

/* The head of a request or answer is complete. */
static bool
upgrade(struct conn *c, size_t len)
{
	struct upgrade_result	result;
	struct http_head	head;
	const char		*key, *why;
	char			 out[WS_UPGRADE_MAX];
	size_t			 n;

	if (c->echo->client) {
		upgrade_result(&result, c->head, len, c->head_len,
		    c->echo->nonce);
		if (!result.open)
			fprintf(stderr, "refused: %s\n", result.why);
		return (result.open);
	}
	if (http_request(&head, &limits, c->head, len, &why) != 0 ||
	    upgrade_check(&head, &key, &why) != 0) {
		fprintf(stderr, "bad upgrade: %s\n", why);
		return (false);
	}
	n = upgrade_answer(out, sizeof(out), key, NULL);
	sendq_raw(&c->ws.out, out, n);
	return (true);
}

/* Octets before the upgrade; returns how many belong to it, or -1. */
static ssize_t
handshake(struct conn *c, const uint8_t *p, size_t n)
{
	size_t	before = c->head_len;
	size_t	room = sizeof(c->head) - before;
	int	len;

	if (n > room)
		n = room;
	memcpy(c->head + before, p, n);
	c->head_len += n;
	len = http_scan(&c->scan, &limits, c->head, c->head_len);
	if (len == 0)
		return (n > 0 ? (ssize_t)n : -1);
	if (len < 0)
		fprintf(stderr, "malformed head\n");
	if (len < 0 || !upgrade(c, (size_t)len))
		return (-1);
	c->upgraded = true;
	return (len - (ssize_t)before);
}

static void
on_read(int fd, short what, void *arg)
{
	struct conn	*c = arg;
	struct echo	*e = c->echo;
	ssize_t		 n, used = 0;
	const char	*why;

	(void)fd;
	(void)what;
	n = conn_io_read(&c->io, e->recv, sizeof(e->recv));
	if (n == IO_AGAIN)
		return;
	if (n == IO_EOF || n == IO_FAIL) {
		if (!c->upgraded)
			fprintf(stderr, "lost before the upgrade\n");
		drop(c);
		return;
	}
	if (!c->upgraded) {
		used = handshake(c, e->recv, (size_t)n);
		if (used == -1) {
			drop(c);
			return;
		}
	}
	if (c->upgraded) {
		why = wsio_input(&c->ws, e->recv + used, (size_t)(n - used),
		    &e->masks, echo_message, c);
		if (why != NULL)
			fprintf(stderr, "failed: %u %s\n", c->ws.code, why);
		flush(c);
	}
}

static void
on_write(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static struct conn *
new_conn(struct echo *e, int fd)
{
	struct conn	*c = calloc(1, sizeof(*c));
	int		 on = 1;

	if (c == NULL)
		fatal("out of memory");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->echo = e;
	c->io.fd = fd;
	c->rd = event_new(e->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->wr = event_new(e->base, fd, EV_WRITE, on_write, c);
	wsio_init(&c->ws, e->client ? WS_CLIENT : WS_SERVER, ECHO_MAX);
	event_add(c->rd, NULL);
	return (c);
}

static void
on_accept(int fd, short what, void *arg)
{
	int	s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (s != -1)
		new_conn(arg, s);
}

static void
start_client(struct echo *e)
{
	struct upgrade_request	 r = { .host = e->host, .path = e->path };
	struct conn		*c;
	char			 out[WS_UPGRADE_MAX];
	size_t			 n;
	int			 fd;

	fd = socket(e->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&e->to,
	    e->to_len) == -1) {
		fprintf(stderr, "refused: %s\n", strerror(errno));
		event_base_loopbreak(e->base);
		return;
	}
	evutil_make_socket_nonblocking(fd);
	if (getrandom(e->nonce, sizeof(e->nonce), 0) !=
	    (ssize_t)sizeof(e->nonce))
		fatal("getrandom: %s", strerror(errno));
	memcpy(r.nonce, e->nonce, sizeof(r.nonce));
	c = new_conn(e, fd);
	n = upgrade_request(out, sizeof(out), &r);
	if (n == 0)
		fatal("bad URL");
	sendq_raw(&c->ws.out, out, n);
	flush(c);
}

/* ws://host:port/path */
static void
parse_url(struct echo *e, const char *url)
{
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM }, *res;
	char		 host[256], port[8];

	if (sscanf(url, "ws://%255[^:/]:%7[0-9]%1023s", host, port,
	    e->path) != 3)
		fatal("URL must be ws://host:port/path");
	snprintf(e->host, sizeof(e->host), "%.200s:%s", host, port);
	if (getaddrinfo(host, port, &hints, &res) != 0)
		fatal("unknown host %s", host);
	memcpy(&e->to, res->ai_addr, res->ai_addrlen);
	e->to_len = res->ai_addrlen;
	freeaddrinfo(res);
}

static struct event *
listen_on(struct echo *e, int port)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	socklen_t		 len = sizeof(sin);
	struct event		*ev;
	int			 fd, on = 1;

	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 128) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		fatal("listen: %s", strerror(errno));
	printf("%d\n", ntohs(sin.sin_port));
	fflush(stdout);
	ev = event_new(e->base, fd, EV_READ | EV_PERSIST, on_accept, e);
	event_add(ev, NULL);
	return (ev);
}

int
main(int argc, char **argv)
{
	struct echo	*e = calloc(1, sizeof(*e));
	struct event	*listener = NULL;
	const char	*why = NULL;
	int		 port = -1;

	log_init(STDERR_FILENO, LOG_STYLE_TERMINAL, "ws-echo", false);
	if (e == NULL || (e->base = event_base_new()) == NULL)
		fatal("out of memory");
	mask_pool_init(&e->masks);
	if (argc == 2)
		port = strtonum(argv[1], 0, 65535, &why);
	if (why != NULL)
		port = -1;
	if (argc == 3 && strcmp(argv[1], "-c") == 0) {
		e->client = true;
		parse_url(e, argv[2]);
		start_client(e);
	} else if (port != -1) {
		listener = listen_on(e, port);
	} else {
		fprintf(stderr, "usage: ws-echo PORT | ws-echo -c URL\n");
		return (1);
	}
	event_base_dispatch(e->base);
	if (listener != NULL)
		event_free(listener);
	event_base_free(e->base);
	free(e);
	return (0);
}
