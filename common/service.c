/* SPDX-License-Identifier: ISC */
/* See service.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "common/service.h"

#define METHOD_WIRE_MIN	7	/* str, bool, u32 */
#define LABEL_WIRE_MIN	4	/* two strings */

void
service_init(struct service *s)
{
	memset(s, 0, sizeof(*s));
	strlcpy(s->version, "0.0.0", sizeof(s->version));
	s->weight = 1;
	s->visibility = VISIBILITY_FEDERATION;
	s->healthy = true;
}

void
service_clear(struct service *s)
{
	free(s->methods);
	free(s->labels);
	s->methods = NULL;
	s->labels = NULL;
	s->n_methods = s->n_labels = 0;
}

/* A copy of n items of size bytes, or NULL for none of them. */
static void *
copy_items(const void *items, size_t n, size_t size)
{
	void *p;

	if (n == 0)
		return (NULL);
	if ((p = reallocarray(NULL, n, size)) == NULL)
		fatal("no memory for a service");
	memcpy(p, items, n * size);
	return (p);
}

void
service_copy(struct service *to, const struct service *from)
{
	*to = *from;
	to->methods = copy_items(from->methods, from->n_methods,
	    sizeof(*from->methods));
	to->labels = copy_items(from->labels, from->n_labels,
	    sizeof(*from->labels));
}

const struct service_method *
service_method(const struct service *s, struct span name)
{
	uint16_t i;

	for (i = 0; i < s->n_methods; i++) {
		if (span_eq(span_str(s->methods[i].name), name))
			return (&s->methods[i]);
	}
	return (NULL);
}

bool
service_takes(const struct service *s, struct span name)
{
	return (s->n_methods == 0 || service_method(s, name) != NULL);
}

void
put_service(struct wire_put *w, const struct service *s)
{
	uint16_t i;

	put_str(w, s->name);
	put_str(w, s->version);
	put_u32(w, s->weight);
	put_u32(w, s->max_concurrency);
	put_u8(w, (uint8_t)s->visibility);
	put_bool(w, s->healthy);
	put_u16(w, s->n_methods);
	for (i = 0; i < s->n_methods; i++) {
		put_str(w, s->methods[i].name);
		put_bool(w, s->methods[i].idempotent);
		put_u32(w, s->methods[i].timeout_ms);
	}
	put_u16(w, s->n_labels);
	for (i = 0; i < s->n_labels; i++) {
		put_str(w, s->labels[i].key);
		put_str(w, s->labels[i].value);
	}
}

static void
get_methods(struct wire_get *r, struct service *s)
{
	uint16_t i, n;

	n = get_count(r, LIMIT_METHODS, METHOD_WIRE_MIN);
	if (n == 0)
		return;
	if ((s->methods = calloc(n, sizeof(*s->methods))) == NULL) {
		r->bad = true;
		return;
	}
	s->n_methods = n;
	for (i = 0; i < n; i++) {
		get_str(r, s->methods[i].name, sizeof(s->methods[i].name));
		s->methods[i].idempotent = get_bool(r);
		s->methods[i].timeout_ms = get_u32(r);
		if (!name_method(span_str(s->methods[i].name)) ||
		    s->methods[i].timeout_ms > LIMIT_TIMEOUT_MAX_MS)
			r->bad = true;
	}
}

static void
get_labels(struct wire_get *r, struct service *s)
{
	uint16_t i, n;

	n = get_count(r, LIMIT_LABELS, LABEL_WIRE_MIN);
	if (n == 0)
		return;
	if ((s->labels = calloc(n, sizeof(*s->labels))) == NULL) {
		r->bad = true;
		return;
	}
	s->n_labels = n;
	for (i = 0; i < n; i++) {
		get_str(r, s->labels[i].key, sizeof(s->labels[i].key));
		get_str(r, s->labels[i].value, sizeof(s->labels[i].value));
	}
}

void
get_service(struct wire_get *r, struct service *s)
{
	service_init(s);
	get_str(r, s->name, sizeof(s->name));
	get_str(r, s->version, sizeof(s->version));
	s->weight = get_u32(r);
	s->max_concurrency = get_u32(r);
	s->visibility = get_u8(r);
	s->healthy = get_bool(r);
	get_methods(r, s);
	get_labels(r, s);
	if (!name_service(span_str(s->name)) ||
	    !name_version(span_str(s->version)) ||
	    s->weight < 1 || s->weight > LIMIT_WEIGHT ||
	    s->max_concurrency > LIMIT_CONCURRENCY ||
	    s->visibility < VISIBILITY_PRIVATE ||
	    s->visibility > VISIBILITY_FEDERATION)
		r->bad = true;
}
