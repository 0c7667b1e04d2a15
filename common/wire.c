/* SPDX-License-Identifier: ISC */
/* See wire.h. */
#include <string.h>

#include "common/wire.h"

struct span
span_str(const char *s)
{
	return ((struct span){ s, strlen(s) });
}

bool
span_eq(struct span a, struct span b)
{
	return (a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0));
}

bool
span_copy(struct span s, char *buf, size_t size)
{
	if (s.len >= size) {
		if (size > 0)
			buf[0] = '\0';
		return (false);
	}
	if (s.len > 0)
		memcpy(buf, s.p, s.len);
	buf[s.len] = '\0';
	return (true);
}

void
wire_put_init(struct wire_put *w, uint8_t *buf, size_t size)
{
	memset(w, 0, sizeof(*w));
	w->buf = buf;
	w->size = size;
}

/* Room for n more bytes, or NULL and a sticky error. */
static uint8_t *
reserve(struct wire_put *w, size_t n)
{
	uint8_t *p;

	if (w->bad)
		return (NULL);
	if (w->size - w->len < n &&
	    (w->grow == NULL || !w->grow(w, n) || w->size - w->len < n)) {
		w->bad = true;
		return (NULL);
	}
	p = w->buf + w->len;
	w->len += n;
	return (p);
}

static void
store_le(uint8_t *p, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void
put_le(struct wire_put *w, uint64_t v, size_t n)
{
	uint8_t *p;

	if ((p = reserve(w, n)) != NULL)
		store_le(p, v, n);
}

void
put_u8(struct wire_put *w, uint8_t v)
{
	put_le(w, v, 1);
}

void
put_u16(struct wire_put *w, uint16_t v)
{
	put_le(w, v, 2);
}

void
put_u32(struct wire_put *w, uint32_t v)
{
	put_le(w, v, 4);
}

void
put_u64(struct wire_put *w, uint64_t v)
{
	put_le(w, v, 8);
}

void
put_i32(struct wire_put *w, int32_t v)
{
	put_le(w, (uint32_t)v, 4);
}

void
put_bool(struct wire_put *w, bool v)
{
	put_le(w, v ? 1 : 0, 1);
}

void
put_str(struct wire_put *w, const char *s)
{
	put_span(w, span_str(s));
}

void
put_span(struct wire_put *w, struct span s)
{
	uint8_t *p;

	if (s.len > UINT16_MAX ||
	    (s.len > 0 && memchr(s.p, '\0', s.len) != NULL)) {
		w->bad = true;
		return;
	}
	put_u16(w, (uint16_t)s.len);
	if ((p = reserve(w, s.len)) != NULL && s.len > 0)
		memcpy(p, s.p, s.len);
}

void
put_bytes(struct wire_put *w, const void *data, size_t len)
{
	uint8_t *p;

	if ((p = put_bytes_reserve(w, len)) != NULL && len > 0)
		memcpy(p, data, len);
}

void
put_raw(struct wire_put *w, const void *data, size_t len)
{
	uint8_t *p;

	if ((p = reserve(w, len)) != NULL && len > 0)
		memcpy(p, data, len);
}

static void
put_le_at(struct wire_put *w, size_t off, uint64_t v, size_t n)
{
	if (w->bad || off > w->len || w->len - off < n)
		w->bad = true;
	else
		store_le(w->buf + off, v, n);
}

void
put_bool_at(struct wire_put *w, size_t off, bool v)
{
	put_le_at(w, off, v ? 1 : 0, 1);
}

void
put_u16_at(struct wire_put *w, size_t off, uint16_t v)
{
	put_le_at(w, off, v, 2);
}

uint8_t *
put_bytes_reserve(struct wire_put *w, size_t len)
{
	if (len > UINT32_MAX) {
		w->bad = true;
		return (NULL);
	}
	put_u32(w, (uint32_t)len);
	return (reserve(w, len));
}

void
wire_get_init(struct wire_get *r, const void *data, size_t len)
{
	r->p = data;
	r->end = r->p + len;
	r->bad = false;
}

/* The next n bytes, or NULL and a sticky error. */
static const uint8_t *
take(struct wire_get *r, size_t n)
{
	const uint8_t *p;

	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return (NULL);
	}
	p = r->p;
	r->p += n;
	return (p);
}

static uint64_t
get_le(struct wire_get *r, size_t n)
{
	const uint8_t *p;
	uint64_t v = 0;
	size_t i;

	if ((p = take(r, n)) == NULL)
		return (0);
	for (i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return (v);
}

uint8_t
get_u8(struct wire_get *r)
{
	return ((uint8_t)get_le(r, 1));
}

uint16_t
get_u16(struct wire_get *r)
{
	return ((uint16_t)get_le(r, 2));
}

uint32_t
get_u32(struct wire_get *r)
{
	return ((uint32_t)get_le(r, 4));
}

uint64_t
get_u64(struct wire_get *r)
{
	return (get_le(r, 8));
}

int32_t
get_i32(struct wire_get *r)
{
	return ((int32_t)(uint32_t)get_le(r, 4));
}

bool
get_bool(struct wire_get *r)
{
	uint8_t v;

	if ((v = get_u8(r)) > 1)
		r->bad = true;
	return (v == 1);
}

struct span
get_span(struct wire_get *r, size_t max)
{
	struct span s = { "", 0 };
	const uint8_t *p;
	size_t len;

	len = get_u16(r);
	if (len > max) {
		r->bad = true;
		return (s);
	}
	if ((p = take(r, len)) == NULL)
		return (s);
	if (len > 0 && memchr(p, '\0', len) != NULL) {
		r->bad = true;
		return (s);
	}
	s.p = (const char *)p;
	s.len = len;
	return (s);
}

void
get_str(struct wire_get *r, char *buf, size_t size)
{
	struct span s;

	s = get_span(r, size - 1);
	span_copy(s, buf, size);
}

struct span
get_bytes(struct wire_get *r)
{
	struct span s = { "", 0 };
	const uint8_t *p;
	size_t len;

	len = get_u32(r);
	if ((p = take(r, len)) == NULL)
		return (s);
	s.p = (const char *)p;
	s.len = len;
	return (s);
}

uint16_t
get_count(struct wire_get *r, uint16_t max, size_t min_size)
{
	uint16_t n;

	n = get_u16(r);
	if (n > max || (size_t)(r->end - r->p) / min_size < n)
		r->bad = true;
	return (r->bad ? 0 : n);
}

bool
get_done(const struct wire_get *r)
{
	return (!r->bad && r->p == r->end);
}
