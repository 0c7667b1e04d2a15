/* SPDX-License-Identifier: ISC */
/*
 * HTTP heads and chunked bodies: the same verdict whole and octet by octet,
 * and what is accepted keeps its promises.  The first octet chooses what the
 * rest is: a request, a response or chunks.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_chunk.h"
#include "relayd/frontend/http.h"
#include "relayd/frontend/reply.h"
#include "relayd/frontend/upgrade.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct http_limits lim = { 4096, 256, 16, 100000 };

static void
require(bool truth)
{
	if (!truth)
		abort();
}

/* The head's length or negative status, the same for every way of feeding. */
static int
scan(const uint8_t *p, size_t size)
{
	struct http_scan	a = { 0 }, b = { 0 };
	int			whole, n = 0;
	size_t			i;

	whole = http_scan(&a, &lim, p, size);
	for (i = 1; i <= size && n == 0; i++)
		n = http_scan(&b, &lim, p, i);
	require(n == whole);
	require(whole <= (int)size);
	return (whole);
}

static bool
inside(struct span s, const uint8_t *p, size_t len)
{
	return ((const uint8_t *)s.p >= p &&
	    (const uint8_t *)s.p + s.len <= p + len);
}

static void
check_fields(const struct http_head *h, const uint8_t *p, size_t len)
{
	size_t	i, k;

	require(h->nfields <= lim.fields);
	for (i = 0; i < h->nfields; i++) {
		struct span	name = h->fields[i].name;
		struct span	value = h->fields[i].value;

		require(inside(name, p, len) && inside(value, p, len));
		require(name.len > 0);
		for (k = 0; k < value.len; k++)
			require(value.p[k] != '\r' && value.p[k] != '\n' &&
			    value.p[k] != '\0');
	}
}

static void
request(const uint8_t *p, size_t len)
{
	struct http_head	h;
	const char		*why = NULL, *allow, *key;
	char			 accept[WS_ACCEPT_LEN + 1];
	int			 status, route;

	status = http_request(&h, &lim, p, len, &why);
	if (status != 0) {
		require(status >= 400 && status <= 505 && why != NULL);
		return;
	}
	check_fields(&h, p, len);
	require(h.path.len > 0 && (h.path.p[0] == '/' || h.path.p[0] == '*'));
	require(h.target.len <= lim.target && h.length <= lim.body);
	require(!(h.chunked && h.has_length));
	require(h.minor == 0 || http_count(&h, "host") == 1);
	require(memchr(h.path.p, '?', h.path.len) == NULL);
	(void)route_find(ROLE_MAIN, h.path, h.method, &route, &allow);
	(void)is_json_type(http_find(&h, "content-type"));
	if (upgrade_check(&h, &key, &why) == 0) {
		require(http_has_token(&h, "connection", "upgrade"));
		upgrade_accept(key, accept);
	}
}

static void
response(const uint8_t *p, size_t len)
{
	struct upgrade_result	r;
	struct http_head	h;
	const char		*why;
	size_t			i;

	if (http_response(&h, &lim, p, len, &why) == 0) {
		check_fields(&h, p, len);
		require(h.status >= 0 && h.status <= 999);
	}
	upgrade_result(&r, p, len, len, (const uint8_t *)"the sample nonce");
	require(!r.open || r.status == 101);
	for (i = 0; r.why[i] != '\0'; i++)
		require(r.why[i] >= ' ' && r.why[i] <= '~');
}

/* Decode in steps: the last event, and a digest of the body. */
static int
chunks(const uint8_t *data, size_t size, size_t step, uint64_t *digest,
    size_t *used)
{
	struct http_chunked	k = { 0 };
	struct span		body;
	size_t			at = 0, end = 0, took, i, total = 0;
	int			ev = HTTP_CHUNK_MORE;

	*digest = 7;
	while (end < size && ev == HTTP_CHUNK_MORE) {
		end = size - end < step ? size : end + step;
		do {
			ev = http_chunked(&k, data + at, end - at, lim.body,
			    &took, &body);
			if (ev < 0)
				return (ev);
			at += took;
			require(at <= end);
			if (ev != HTTP_CHUNK_DATA)
				continue;
			require(inside(body, data, size));
			total += body.len;
			require(total <= lim.body);
			for (i = 0; i < body.len; i++)
				*digest = (*digest ^ (uint8_t)body.p[i]) *
				    0x100000001b3ULL;
		} while (ev == HTTP_CHUNK_DATA);
	}
	*used = at;
	return (ev);
}

static void
chunked(const uint8_t *data, size_t size)
{
	uint64_t	a, b;
	size_t		used_a = 0, used_b = 0;
	int		ev;

	ev = chunks(data, size, size, &a, &used_a);
	require(chunks(data, size, 1, &b, &used_b) == ev);
	require(a == b && used_a == used_b);
	require(chunks(data, size, 3, &b, &used_b) == ev);
	require(a == b && used_a == used_b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t	*copy;
	int	 n;

	if (size < 2)
		return (0);
	/* of the exact size, so that its end is watched */
	copy = malloc(size - 1);
	require(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 3 == 2) {
		chunked(copy, size - 1);
	} else if ((n = scan(copy, size - 1)) > 0) {
		uint8_t	*head = malloc((size_t)n);

		require(head != NULL);
		memcpy(head, copy, (size_t)n);
		if (data[0] % 3 == 0)
			request(head, (size_t)n);
		else
			response(head, (size_t)n);
		free(head);
	}
	free(copy);
	return (0);
}
