/* SPDX-License-Identifier: ISC */
/* See http_client.h. */
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/backend/http_client.h"

static const struct http_limits head_limits = {
	.head = LIMIT_HTTP_HEAD,
	.target = LIMIT_HTTP_TARGET,
	.fields = LIMIT_HTTP_HEADERS,
};

void
hc_init(struct http_client *hc, size_t body_max)
{
	memset(hc, 0, sizeof(*hc));
	hc->body_max = body_max;
}

void
hc_free(struct http_client *hc)
{
	buf_free(&hc->body);
}

static enum hc_event
bad(struct http_client *hc, const char *why)
{
	hc->why = why;
	return (HC_BAD);
}

/* How the body ends (RFC 9112 section 6.3). */
static enum hc_event
framing(struct http_client *hc, const struct http_head *h)
{
	size_t	coded = http_count(h, "transfer-encoding");
	size_t	sized = http_count(h, "content-length");

	if (h->status == 204 || h->status == 304) {
		hc->framing = HC_NONE;
		return (HC_DONE);
	}
	if (coded > 0) {
		if (sized > 0)
			return (bad(hc, "both chunked and Content-Length"));
		if (h->minor == 0 || coded > 1 ||
		    !http_eq(*http_find(h, "transfer-encoding"), "chunked"))
			return (bad(hc, "a transfer coding but chunked"));
		hc->framing = HC_CHUNKED;
		return (HC_MORE);
	}
	if (sized == 0) {
		hc->framing = HC_UNTIL_CLOSE;
		hc->keepalive = false;
		return (HC_MORE);
	}
	/* A repeated one was refused with the head. */
	if (!http_parse_length(*http_find(h, "content-length"), &hc->left))
		return (bad(hc, "malformed Content-Length"));
	if (hc->left > hc->body_max)
		return (HC_TOO_LARGE);
	hc->framing = HC_LENGTH;
	return (hc->left == 0 ? HC_DONE : HC_MORE);
}

/* A complete head of len bytes. */
static enum hc_event
take_head(struct http_client *hc, const char *p, size_t len)
{
	struct http_head h;

	if (http_response(&h, &head_limits, (const uint8_t *)p, len,
	    &hc->why) != 0)
		return (HC_BAD);
	memset(&hc->scan, 0, sizeof(hc->scan));
	if (h.status < 100 || h.status > 599)
		return (bad(hc, "status out of range"));
	if (h.status == 101)
		return (bad(hc, "switched protocols unasked"));
	if (h.status < 200) {
		if (++hc->interim > LIMIT_HTTP_INTERIM)
			return (bad(hc, "too many interim responses"));
		return (HC_MORE);
	}
	hc->status = h.status;
	hc->keepalive = !http_has_token(&h, "connection", "close") &&
	    (h.minor == 1 || http_has_token(&h, "connection", "keep-alive"));
	return (framing(hc, &h));
}

static enum hc_event
take_length(struct http_client *hc, const char *p, size_t len, size_t *took)
{
	size_t	n = len < hc->left ? len : (size_t)hc->left;

	buf_append(&hc->body, p, n);
	hc->left -= n;
	*took += n;
	return (hc->left == 0 ? HC_DONE : HC_MORE);
}

static enum hc_event
take_chunked(struct http_client *hc, const char *p, size_t len, size_t *took)
{
	struct span	data;
	size_t		n, off = 0;
	int		event;

	do {
		event = http_chunked(&hc->chunked, (const uint8_t *)p + off,
		    len - off, hc->body_max, &n, &data);
		if (event == -413)
			return (HC_TOO_LARGE);
		if (event < 0)
			return (bad(hc, "malformed chunk"));
		if (event == HTTP_CHUNK_DATA)
			buf_append(&hc->body, data.p, data.len);
		off += n;
	} while (event == HTTP_CHUNK_DATA);
	*took += off;
	return (event == HTTP_CHUNK_END ? HC_DONE : HC_MORE);
}

static enum hc_event
take_body(struct http_client *hc, const char *p, size_t len, size_t *took)
{
	switch (hc->framing) {
	case HC_LENGTH:
		return (take_length(hc, p, len, took));
	case HC_CHUNKED:
		return (take_chunked(hc, p, len, took));
	case HC_UNTIL_CLOSE:
		if (len > hc->body_max - hc->body.len)
			return (HC_TOO_LARGE);
		buf_append(&hc->body, p, len);
		*took += len;
		return (HC_MORE);
	case HC_HEAD:
	case HC_NONE:
		break;
	}
	return (HC_DONE);
}

enum hc_event
hc_input(struct http_client *hc, const char *p, size_t len, size_t *took)
{
	enum hc_event	event;
	int		n;

	*took = 0;
	hc->began = hc->began || len > 0;
	while (hc->framing == HC_HEAD) {
		n = http_scan(&hc->scan, &head_limits,
		    (const uint8_t *)p + *took, len - *took);
		if (n < 0)
			return (bad(hc, "malformed or too long head"));
		if (n == 0)
			return (HC_MORE);
		event = take_head(hc, p + *took, (size_t)n);
		*took += (size_t)n;
		if (event != HC_MORE)
			return (event);
	}
	return (take_body(hc, p + *took, len - *took, took));
}

enum hc_event
hc_eof(struct http_client *hc)
{
	if (hc->framing == HC_UNTIL_CLOSE)
		return (HC_DONE);
	return (bad(hc, hc->began ? "closed within the response" :
	    "closed without a response"));
}

void
hc_request(struct buf *out, const char *host, uint16_t port, const char *path,
    size_t len)
{
	bool	v6 = strchr(host, ':') != NULL;
	size_t	room = strlen(host) + strlen(path) + 256;
	int	n;

	n = snprintf(buf_room(out, room), room, "POST %s HTTP/1.1\r\n"
	    "Host: %s%s%s:%u\r\n"
	    "User-Agent: relayd\r\n"
	    "Content-Type: application/json\r\n"
	    "Accept: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    path, v6 ? "[" : "", host, v6 ? "]" : "", (unsigned int)port, len);
	buf_added(out, (size_t)n);
}
