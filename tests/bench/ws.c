/* SPDX-License-Identifier: ISC */
/* The client's end of a link: just enough WebSocket to load a Main. */

#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/ws.h"

#define RECV_CHUNK	65536

enum { OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

/* Room for n more bytes at the end. */
static uint8_t *
reserve(struct bytes *b, size_t n)
{
	if (b->off == b->len)
		b->off = b->len = 0;
	if (b->len + n > b->cap && b->off > 0) {
		memmove(b->p, b->p + b->off, b->len - b->off);
		b->len -= b->off;
		b->off = 0;
	}
	if (b->len + n > b->cap) {
		b->cap = (b->len + n) * 2;
		if ((b->p = realloc(b->p, b->cap)) == NULL)
			err(1, NULL);
	}
	return (b->p + b->len);
}

/* XOR eight bytes at a time: the mask repeats every four. */
static void
apply_mask(uint8_t *to, const char *from, size_t n, const uint8_t mask[8])
{
	uint64_t	 m, v;
	size_t		 i;

	memcpy(&m, mask, sizeof(m));
	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&v, from + i, sizeof(v));
		v ^= m;
		memcpy(to + i, &v, sizeof(v));
	}
	for (; i < n; i++)
		to[i] = (uint8_t)from[i] ^ mask[i & 3];
}

static void
put_frame(struct link *l, int op, const char *data, size_t n)
{
	uint8_t	*p = reserve(&l->out, n + 14);
	size_t	 h = 2;

	p[0] = (uint8_t)(0x80 | op);
	if (n < 126)
		p[1] = (uint8_t)(0x80 | n);
	else if (n < 65536) {
		p[1] = 0x80 | 126;
		p[2] = (uint8_t)(n >> 8);
		p[3] = (uint8_t)n;
		h = 4;
	} else
		errx(1, "a frame of %zu bytes", n);
	memcpy(p + h, l->mask, 4);
	apply_mask(p + h + 4, data, n, l->mask);
	l->out.len += h + 4 + n;
}

void
link_text(struct link *l, const char *text, size_t n)
{
	put_frame(l, OP_TEXT, text, n);
}

bool
link_flush(struct link *l)
{
	struct bytes	*b = &l->out;
	ssize_t		 n;

	while (b->off < b->len) {
		n = l->ssl != NULL ?
		    tls_send(l->ssl, b->p + b->off, b->len - b->off) :
		    send(l->fd, b->p + b->off, b->len - b->off, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return (false);
		if (n == -1)
			err(1, "send to %s", l->id);
		b->off += (size_t)n;
	}
	return (true);
}

bool
link_fill(struct link *l)
{
	uint8_t	*p = reserve(&l->in, RECV_CHUNK);
	ssize_t	 n;

	do
		n = l->ssl != NULL ? tls_recv(l->ssl, p, RECV_CHUNK) :
		    recv(l->fd, p, RECV_CHUNK, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return (false);
	if (n == -1)
		err(1, "recv from %s", l->id);
	if (n == 0)
		errx(1, "%s: the server closed the connection", l->id);
	l->in.len += (size_t)n;
	return (true);
}

char *
link_next(struct link *l, size_t *len)
{
	struct bytes	*b = &l->in;
	uint8_t		*p;
	size_t		 have, h, n, i;
	int		 op;

	for (;;) {
		p = b->p + b->off;
		have = b->len - b->off;
		if (have < 2)
			return (NULL);
		n = p[1] & 127U;
		h = n < 126 ? 2 : n == 126 ? 4 : 10;
		if (have < h)
			return (NULL);
		if (n >= 126)
			for (n = 0, i = 2; i < h; i++)
				n = n << 8 | p[i];
		if (have < h + n)
			return (NULL);
		op = p[0] & 15;
		if (!(p[0] & 0x80))
			errx(1, "%s: a fragment came", l->id);
		b->off += h + n;
		if (op == OP_CLOSE)
			errx(1, "%s: closed with %d", l->id,
			    n >= 2 ? p[h] << 8 | p[h + 1] : 1005);
		if (op == OP_PING)
			put_frame(l, OP_PONG, (char *)p + h, n);
		if (op == OP_TEXT) {
			*len = n;
			return ((char *)p + h);
		}
	}
}

void
link_expect(struct link *l, const char *word)
{
	size_t	 n;
	char	*text;

	for (;;) {
		while ((text = link_next(l, &n)) != NULL)
			if (memmem(text, n, word, strlen(word)) != NULL)
				return;
		link_fill(l);
		link_flush(l);
	}
}

void
link_start(struct link *l, int port, const char *path, SSL_CTX *tls)
{
	char	 req[512];
	int	 n;

	l->fd = tls_socket(port);
	if (tls != NULL)
		l->ssl = tls_connect(tls, l->fd, NULL);
	/* The key of RFC 6455's example: the load needs no fresh one. */
	n = snprintf(req, sizeof(req),
	    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\nX-Relay-Node-ID: %s\r\n"
	    "X-Relay-Node-Type: home\r\n\r\n", path, port, l->id);
	memcpy(reserve(&l->out, (size_t)n), req, (size_t)n);
	l->out.len += (size_t)n;
	link_flush(l);
}

void
link_finish(struct link *l)
{
	uint8_t	*end;

	while (link_fill(l)) {
		end = memmem(l->in.p, l->in.len, "\r\n\r\n", 4);
		if (end == NULL)
			continue;
		if (memcmp(l->in.p, "HTTP/1.1 101", 12) != 0)
			errx(1, "%s: %.*s", l->id, (int)l->in.len, l->in.p);
		l->in.off = (size_t)(end + 4 - l->in.p);
		return;
	}
}
