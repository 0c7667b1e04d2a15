/* SPDX-License-Identifier: ISC */
/*
 * Opening handshake of a WebSocket: RFC 6455 sections 4.1 and 4.2.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "common/http_chunk.h"
#include "common/name.h"
#include "relayd/frontend/upgrade.h"

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* Base64 of exactly 16 octets: 22 characters, the last with 4 zero bits. */
static bool
key_valid(struct span s)
{
	static const char	alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t			i;

	if (s.len != WS_KEY_LEN || s.p[22] != '=' || s.p[23] != '=')
		return (false);
	for (i = 0; i < 22; i++) {
		if (s.p[i] == '\0' || strchr(alphabet, s.p[i]) == NULL)
			return (false);
	}
	return (strchr("AQgw", s.p[21]) != NULL);
}

int
upgrade_check(const struct http_head *h, const char **key, const char **why)
{
	const struct span	*v;

	*why = "upgrade needs GET";
	if (h->method != HTTP_GET)
		return (405);
	*why = "no websocket upgrade asked for";
	if (!http_has_token(h, "upgrade", "websocket") ||
	    !http_has_token(h, "connection", "upgrade"))
		return (426);
	*why = "upgrade in HTTP/1.0";
	if (h->minor < 1)
		return (400);
	*why = "upgrade with a body";
	if (h->chunked || h->length > 0)
		return (400);
	*why = "unsupported websocket version";
	v = http_find(h, "sec-websocket-version");
	if (v == NULL || !http_eq(*v, "13"))
		return (426);
	*why = "malformed sec-websocket-key";
	v = http_find(h, "sec-websocket-key");
	if (v == NULL || !key_valid(*v))
		return (400);
	*key = v->p;
	return (0);
}

void
upgrade_accept(const char *key, char out[WS_ACCEPT_LEN + 1])
{
	char		text[WS_KEY_LEN + sizeof(guid)];
	uint8_t		md[EVP_MAX_MD_SIZE];
	unsigned	len = 0;

	memcpy(text, key, WS_KEY_LEN);
	memcpy(text + WS_KEY_LEN, guid, sizeof(guid));
	if (EVP_Digest(text, sizeof(text) - 1, md, &len, EVP_sha1(),
	    NULL) != 1)
		memset(md, 0, sizeof(md));	/* no client accepts that */
	EVP_EncodeBlock((unsigned char *)out, md, 20);
}

size_t
upgrade_answer(char *buf, size_t size, const char *key, const char *extra)
{
	char	accept[WS_ACCEPT_LEN + 1];
	int	n;

	upgrade_accept(key, accept);
	n = snprintf(buf, size, "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n%s\r\n", accept,
	    extra != NULL ? extra : "");
	return (n > 0 && (size_t)n < size ? (size_t)n : 0);
}

/* Visible ASCII only, so that no value can smuggle in a field. */
static bool
visible(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~')
			return (false);
	}
	return (true);
}

bool
upgrade_value(struct span s)
{
	size_t	i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~')
			return (false);
	}
	return (true);
}

size_t
upgrade_request(char *buf, size_t size, const struct upgrade_request *r)
{
	char	key[WS_KEY_LEN + 1], node[512] = "";
	int	n;

	if (!visible(r->host) || !visible(r->path))
		return (0);
	if (r->node_id != NULL) {
		if (!visible(r->node_id) || !visible(r->node_type))
			return (0);
		n = snprintf(node, sizeof(node), "X-Relay-Node-ID: %s\r\n"
		    "X-Relay-Node-Type: %s\r\n", r->node_id, r->node_type);
		if (n < 0 || (size_t)n >= sizeof(node))
			return (0);
	}
	EVP_EncodeBlock((unsigned char *)key, r->nonce, WS_KEY_RAW);
	n = snprintf(buf, size, "GET %s HTTP/1.1\r\nHost: %s\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n",
	    r->path, r->host, key, node, r->extra != NULL ? r->extra : "");
	return (n > 0 && (size_t)n < size ? (size_t)n : 0);
}

/* RFC 6455 section 4.1, the list of what a client must check in a 101. */
static const char *
check_101(const struct http_head *h, const uint8_t nonce[WS_KEY_RAW])
{
	const struct span	*v;
	char			 key[WS_KEY_LEN + 1];
	char			 accept[WS_ACCEPT_LEN + 1];

	if (h->minor < 1)
		return ("101 in HTTP/1.0");
	v = http_find(h, "upgrade");
	if (v == NULL || http_count(h, "upgrade") != 1 ||
	    !http_eq(*v, "websocket"))
		return ("101 without upgrade to websocket");
	if (!http_has_token(h, "connection", "upgrade"))
		return ("101 without connection: upgrade");
	EVP_EncodeBlock((unsigned char *)key, nonce, WS_KEY_RAW);
	upgrade_accept(key, accept);
	v = http_find(h, "sec-websocket-accept");
	if (v == NULL || !span_eq(*v, span_str(accept)))
		return ("101 with a wrong sec-websocket-accept");
	if (http_find(h, "sec-websocket-extensions") != NULL)
		return ("101 with an extension nobody asked for");
	if (http_find(h, "sec-websocket-protocol") != NULL)
		return ("101 with a subprotocol nobody asked for");
	return (NULL);
}

/* Retry-After in seconds (RFC 9110 section 10.2.3); dates are ignored. */
static uint32_t
retry_after(const struct http_head *h)
{
	const struct span	*v = http_find(h, "retry-after");
	uint32_t		 s = 0;
	size_t			 i;

	if (v == NULL || v->len == 0 || v->len > 6)
		return (0);
	for (i = 0; i < v->len; i++) {
		if (v->p[i] < '0' || v->p[i] > '9')
			return (0);
		s = s * 10 + (uint32_t)(v->p[i] - '0');
	}
	return (s);
}

/* Append printable text to why, as much as fits. */
static void
describe(struct upgrade_result *r, const char *p, size_t len)
{
	size_t	n = strlen(r->why), i;

	for (i = 0; i < len && n + 1 < sizeof(r->why); i++) {
		if (p[i] == '\r' || p[i] == '\n')
			break;
		r->why[n++] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '?';
	}
	r->why[n] = '\0';
}

/* What {"error":"..."} says, or the body as it is. */
static struct span
body_text(struct span body)
{
	static const char	head[] = "{\"error\":\"", tail[] = "\"}";
	const size_t		n = sizeof(head) - 1, k = sizeof(tail) - 1;

	while (body.len > 0 && (body.p[body.len - 1] == '\n' ||
	    body.p[body.len - 1] == '\r'))
		body.len--;
	if (body.len > n + k && memcmp(body.p, head, n) == 0 &&
	    memcmp(body.p + body.len - k, tail, k) == 0) {
		body.p += n;
		body.len -= n + k;
	}
	return (body);
}

/* Status, reason and the beginning of the body, if that is here. */
static void
describe_refusal(struct upgrade_result *r, const struct http_head *h,
    struct span body)
{
	snprintf(r->why, sizeof(r->why), "HTTP %d ", r->status);
	describe(r, h->reason.p, h->reason.len);
	body = body_text(body);
	/* the size of a chunk says nothing */
	if (body.len > 0 && http_find(h, "transfer-encoding") == NULL) {
		describe(r, ": ", 2);
		describe(r, body.p, body.len);
	}
}

/* Who refused us, for whom a name that is none is no news. */
static void
refused_by(struct upgrade_result *r, const struct http_head *h)
{
	const struct span	*id = http_find(h, "x-relay-node-id");

	if (id == NULL || !name_node_lower(*id, r->node_id,
	    sizeof(r->node_id)))
		r->node_id[0] = '\0';
}

/* Does a challenge have this scheme?  RFC 9110 section 11.6.1 */
static bool
has_scheme(struct span challenge, const char *scheme)
{
	size_t	n = strlen(scheme);

	return (challenge.len >= n && strncasecmp(challenge.p, scheme, n) ==
	    0 && (challenge.len == n || challenge.p[n] == ' '));
}

/* "Relay nonce=..., Bearer", or one of them: what is offered, in one text. */
static void
take_challenge(struct upgrade_result *r, const struct http_head *h)
{
	static const char	 more[] = ", Bearer";
	const struct http_field	*f;
	bool			 bearer = false;
	size_t			 i, n;

	for (i = 0; i < h->nfields; i++) {
		f = &h->fields[i];
		if (!http_eq(f->name, "www-authenticate"))
			continue;
		bearer |= has_scheme(f->value, "Bearer");
		if (has_scheme(f->value, "Relay") &&
		    !span_copy(f->value, r->challenge, sizeof(r->challenge) -
		    (sizeof(more) - 1)))
			r->challenge[0] = '\0';
	}
	n = strlen(r->challenge);
	if (bearer)
		snprintf(r->challenge + n, sizeof(r->challenge) - n, "%s",
		    n > 0 ? more : "Bearer");
}

/* Octets of a body in chunks; more than are here if its end is not; or 0. */
static size_t
chunked_length(const uint8_t *p, size_t len)
{
	struct http_chunked	 chunks = { 0 };
	struct span		 data;
	size_t			 at = 0, took;
	int			 ev;

	/* it is decoded anew for each part that comes */
	if (len > 2 * UPGRADE_BODY_MAX)
		return (0);
	do {
		ev = http_chunked(&chunks, p + at, len - at, UPGRADE_BODY_MAX,
		    &took, &data);
		if (ev < 0)
			return (0);
		at += took;
	} while (ev == HTTP_CHUNK_DATA);
	return (ev == HTTP_CHUNK_END ? at : len + 1);
}

/* The connection may be used again behind this answer. */
static void
find_end(struct upgrade_result *r, const struct http_head *h, struct span body)
{
	const struct span	*v = http_find(h, "content-length");
	const struct span	*te = http_find(h, "transfer-encoding");
	uint64_t		 length = 0;

	if (h->minor < 1 || http_has_token(h, "connection", "close") ||
	    (v == NULL) == (te == NULL))
		return;
	if (te != NULL) {
		if (http_eq(*te, "chunked"))
			length = chunked_length((const uint8_t *)body.p,
			    body.len);
		if (length == 0)
			return;
	} else if (!http_parse_length(*v, &length) ||
	    length > UPGRADE_BODY_MAX) {
		return;
	}
	r->end = h->len + (size_t)length;
}

/* What it asks for, unless nothing can be said on this connection. */
static void
asked(struct upgrade_result *r, const struct http_head *h, struct span body)
{
	static const char	text[] = " (of a length that is not told: no "
	    "proof can follow)";

	take_challenge(r, h);
	find_end(r, h, body);
	if (r->challenge[0] != '\0' && r->end == 0)
		describe(r, text, sizeof(text) - 1);
}

/* Copy a field that may be absent; false if it is too long. */
static bool
copy_field(const struct http_head *h, const char *name, char *buf, size_t size)
{
	const struct span	*v = http_find(h, name);

	return (v == NULL || span_copy(*v, buf, size));
}

/* What is wrong with a 101, or NULL; who sent it goes into the result. */
static const char *
accepted_by(struct upgrade_result *r, const struct http_head *h,
    const uint8_t nonce[WS_KEY_RAW])
{
	const char	*why = check_101(h, nonce);

	if (why != NULL)
		return (why);
	if (!copy_field(h, "x-relay-node-id", r->node_id, sizeof(r->node_id)))
		return ("x-relay-node-id too long");
	if (!copy_field(h, "x-relay-boot-id", r->boot_id, sizeof(r->boot_id)))
		return ("x-relay-boot-id too long");
	if (!copy_field(h, "x-relay-proof", r->proof, sizeof(r->proof)))
		return ("x-relay-proof too long");
	return (NULL);
}

void
upgrade_result(struct upgrade_result *r, const uint8_t *p, size_t head_len,
    size_t len, const uint8_t nonce[WS_KEY_RAW])
{
	static const struct http_limits	lim = { LIMIT_HTTP_HEAD,
	    LIMIT_HTTP_TARGET, LIMIT_HTTP_HEADERS, 0 };
	struct http_head		h;
	struct span			 body;
	const char			*why;

	memset(r, 0, sizeof(*r));
	if (http_response(&h, &lim, p, head_len, &why) == -1) {
		snprintf(r->why, sizeof(r->why), "%s", why);
		return;
	}
	r->status = h.status;
	if (h.status != 101) {
		body.p = (const char *)p + head_len;
		body.len = len - head_len;
		describe_refusal(r, &h, body);
		r->retry_after_s = retry_after(&h);
		refused_by(r, &h);
		if (h.status == 401)
			asked(r, &h, body);
		return;
	}
	why = accepted_by(r, &h, nonce);
	if (why != NULL)
		snprintf(r->why, sizeof(r->why), "%s", why);
	r->open = why == NULL;
}
