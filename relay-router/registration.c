/* SPDX-License-Identifier: ISC */

/*
 * Registrations; see registration.h.
 */

#include <bsd/string.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_scan.h"
#include "common/log.h"
#include "common/name.h"
#include "relay-router/registration.h"

/* The rules, as a rejected service is told. */
#define RULE_SHAPE	"service: a name or an object"
#define RULE_SIZE	"service: at most 131072 bytes"
#define RULE_NAME	"service_name: 1 to 128 of [A-Za-z0-9_.-]"
#define RULE_VERSION	"version: a semantic version of at most 64 bytes"
#define RULE_METHODS	"methods: a list of at most 256"
#define RULE_METHOD	"methods: names of 1 to 128 of [A-Za-z0-9_.-]"
#define RULE_TIMEOUT	"methods: timeout in seconds, at most 300"
#define RULE_WEIGHT	"weight: 1 to 1000"
#define RULE_CONCURRENCY "max_concurrency: 0 to 65535"
#define RULE_LABELS	"labels: at most 16 strings of at most 128 bytes"
#define RULE_VISIBILITY	"visibility: private, main or federation"
#define RULE_LIMIT	"limit: 64 services"

void
registration_item(struct text *t, const char *name, const char *version,
    const char *rule)
{
	text_lit(t, t->len == 0 ? "" : ",");
	text_lit(t, "{\"service_name\":");
	text_cstring(t, name);
	text_lit(t, ",\"version\":");
	text_cstring(t, version);
	if (rule != NULL) {
		text_lit(t, ",\"rule\":");
		text_cstring(t, rule);
	}
	text_lit(t, "}");
}

void
registration_free(struct registration *r)
{
	uint16_t	 i;

	for (i = 0; i < r->n; i++)
		service_clear(&r->services[i]);
	r->n = 0;
	text_free(&r->rejected);
}

static struct span
string_of(json_object *o)
{
	struct span	 s;

	s.p = json_object_get_string(o);
	s.len = (size_t)json_object_get_string_len(o);
	return (s);
}

/* An integer member in its bounds; absent, null and 0 leave the default. */
static bool
take_number(json_object *o, const char *key, int64_t max, uint32_t *out)
{
	json_object	*v;
	int64_t		 n;

	if (!json_object_object_get_ex(o, key, &v) || v == NULL)
		return (true);
	if (!json_object_is_type(v, json_type_int))
		return (false);
	n = json_object_get_int64(v);
	if (n < 0 || n > max)
		return (false);
	if (n != 0)
		*out = (uint32_t)n;
	return (true);
}

static const char *
take_version(json_object *o, struct service *s)
{
	json_object	*v;
	struct span	 text;

	if (!json_object_object_get_ex(o, "version", &v) || v == NULL)
		return (NULL);
	if (!json_object_is_type(v, json_type_string))
		return (RULE_VERSION);
	text = string_of(v);
	if (text.len == 0)
		return (NULL);
	if (!name_version(text) ||
	    !span_copy(text, s->version, sizeof(s->version))) {
		strlcpy(s->version, "0.0.0", sizeof(s->version));
		return (RULE_VERSION);
	}
	return (NULL);
}

static const char *
take_visibility(json_object *o, struct service *s)
{
	json_object	*v;
	struct span	 text;

	if (!json_object_object_get_ex(o, "visibility", &v) || v == NULL)
		return (NULL);
	if (!json_object_is_type(v, json_type_string))
		return (RULE_VISIBILITY);
	text = string_of(v);
	if (text.len == 0 || span_eq(text, span_str("federation")))
		s->visibility = VISIBILITY_FEDERATION;
	else if (span_eq(text, span_str("main")))
		s->visibility = VISIBILITY_MAIN;
	else if (span_eq(text, span_str("private")))
		s->visibility = VISIBILITY_PRIVATE;
	else
		return (RULE_VISIBILITY);
	return (NULL);
}

/* A method: its name, or an object with name, idempotent and timeout. */
static const char *
take_method(json_object *o, struct service_method *m)
{
	json_object	*v, *name = o;
	double		 timeout;

	memset(m, 0, sizeof(*m));
	if (json_object_is_type(o, json_type_object)) {
		if (!json_object_object_get_ex(o, "name", &name))
			return (RULE_METHOD);
		if (json_object_object_get_ex(o, "idempotent", &v))
			m->idempotent = json_object_get_boolean(v);
		if (json_object_object_get_ex(o, "timeout", &v) && v != NULL) {
			timeout = json_object_get_double(v) * 1000.0;
			if (!(timeout >= 0 && timeout <= LIMIT_TIMEOUT_MAX_MS))
				return (RULE_TIMEOUT);
			m->timeout_ms = (uint32_t)timeout;
		}
	}
	if (!json_object_is_type(name, json_type_string) ||
	    !name_method(string_of(name)) ||
	    !span_copy(string_of(name), m->name, sizeof(m->name)))
		return (RULE_METHOD);
	return (NULL);
}

static void *
alloc_or_die(size_t n, size_t size)
{
	void	*p;

	if ((p = calloc(n, size)) == NULL)
		fatal("out of memory");
	return (p);
}

static const char *
take_methods(json_object *o, struct service *s)
{
	json_object	*v;
	const char	*rule;
	size_t		 i, n;

	if (!json_object_object_get_ex(o, "methods", &v) || v == NULL)
		return (NULL);
	if (!json_object_is_type(v, json_type_array) ||
	    (n = json_object_array_length(v)) > LIMIT_METHODS)
		return (RULE_METHODS);
	if (n == 0)
		return (NULL);
	s->methods = alloc_or_die(n, sizeof(*s->methods));
	for (i = 0; i < n; i++) {
		rule = take_method(json_object_array_get_idx(v, i),
		    &s->methods[i]);
		if (rule != NULL)
			return (rule);
		s->n_methods++;
	}
	return (NULL);
}

static const char *
take_labels(json_object *o, struct service *s)
{
	json_object	*v;
	int		 n;

	if (!json_object_object_get_ex(o, "labels", &v) || v == NULL)
		return (NULL);
	if (!json_object_is_type(v, json_type_object) ||
	    (n = json_object_object_length(v)) > LIMIT_LABELS)
		return (RULE_LABELS);
	if (n == 0)
		return (NULL);
	s->labels = alloc_or_die((size_t)n, sizeof(*s->labels));
	json_object_object_foreach(v, key, value) {
		if (!json_object_is_type(value, json_type_string) ||
		    !span_copy(span_str(key), s->labels[s->n_labels].key,
		    sizeof(s->labels[0].key)) ||
		    !span_copy(string_of(value), s->labels[s->n_labels].value,
		    sizeof(s->labels[0].value)))
			return (RULE_LABELS);
		s->n_labels++;
	}
	return (NULL);
}

static const char *
take_name(json_object *o, struct service *s)
{
	if (!json_object_is_type(o, json_type_string) ||
	    !name_service(string_of(o)) ||
	    !span_copy(string_of(o), s->name, sizeof(s->name)))
		return (RULE_NAME);
	return (NULL);
}

/* Fills one service; returns the rule it breaks, or NULL. */
static const char *
take_service(json_object *o, struct service *s)
{
	json_object	*name;
	const char	*rule;

	if (json_object_is_type(o, json_type_string))
		return (take_name(o, s));
	if (!json_object_is_type(o, json_type_object))
		return (RULE_SHAPE);
	if (!json_object_object_get_ex(o, "service_name", &name))
		return (RULE_NAME);
	if ((rule = take_name(name, s)) != NULL ||
	    (rule = take_version(o, s)) != NULL ||
	    (rule = take_methods(o, s)) != NULL ||
	    (rule = take_labels(o, s)) != NULL ||
	    (rule = take_visibility(o, s)) != NULL)
		return (rule);
	if (!take_number(o, "weight", LIMIT_WEIGHT, &s->weight))
		return (RULE_WEIGHT);
	if (!take_number(o, "max_concurrency", LIMIT_CONCURRENCY,
	    &s->max_concurrency))
		return (RULE_CONCURRENCY);
	return (NULL);
}

#define REJECTED_MAX	65536	/* bytes of rejected items in an answer */
#define ITEM_MAX	131072	/* bytes of an item: more than twice what the
				 * largest service needs */
#define ITEMS_MAX	(4 * LIMIT_SERVICES)	/* items that are told one by
						 * one what is wrong */

/* What a rejected service calls itself, cut to whole characters. */
static void
name_given(json_object *o, char *buf, size_t size)
{
	json_object	*name = o;
	struct span	 text;

	if (json_object_is_type(o, json_type_object) &&
	    !json_object_object_get_ex(o, "service_name", &name))
		return;
	if (!json_object_is_type(name, json_type_string))
		return;
	text = string_of(name);
	if (text.len >= size)
		text.len = size - 1;
	while (text.len > 0 && ((unsigned char)text.p[text.len] & 0xc0) == 0x80)
		text.len--;
	(void)span_copy(text, buf, size);
}

static void
take_one(struct registration *r, json_object *o, const char *rule)
{
	struct service	 s;

	service_init(&s);
	if (rule == NULL)
		rule = take_service(o, &s);
	if (rule == NULL && r->n == LIMIT_SERVICES)
		rule = RULE_LIMIT;
	if (rule == NULL) {
		r->services[r->n++] = s;
		return;
	}
	if (s.name[0] == '\0')
		name_given(o, s.name, sizeof(s.name));
	if (r->rejected.len < REJECTED_MAX)
		registration_item(&r->rejected, s.name, s.version, rule);
	service_clear(&s);
}

/* One item as json-c has it; what is no string and no object is refused. */
static void
take_item(struct registration *r, json_tokener *tok,
    const struct json_span *item)
{
	json_object	*o = NULL;

	if (item->len > ITEM_MAX) {
		take_one(r, NULL, RULE_SIZE);
		return;
	}
	if (item->type == JSON_OBJECT || item->type == JSON_STRING) {
		json_tokener_reset(tok);
		o = json_tokener_parse_ex(tok, item->p, (int)item->len);
	}
	take_one(r, o, NULL);
	json_object_put(o);
}

/*
 * Item by item, for a tree needs many times the memory of its text: all of
 * a message at once would be a gift to who wants to use it up.
 */
bool
registration_parse(struct registration *r, struct span json)
{
	struct json_scan	 s;
	struct json_span	 item;
	json_tokener		*tok;
	size_t			 n = 0;

	memset(r, 0, sizeof(*r));
	json_scan_init(&s, json.p, json.len);
	if (json.len == 0 || json_peek(&s) == JSON_NULL)
		return (true);
	if (!json_array_begin(&s))
		return (false);
	if ((tok = json_tokener_new_ex(LIMIT_JSON_DEPTH + 1)) == NULL)
		fatal("out of memory");
	while (json_array_next(&s) == 1 && json_skip(&s, &item) &&
	    ++n <= ITEMS_MAX)
		take_item(r, tok, &item);
	json_tokener_free(tok);
	return (s.err == JSON_OK && n <= ITEMS_MAX);
}

static void
put_methods(struct text *t, const struct service *s)
{
	const struct service_method	*m;
	uint16_t			 i;

	text_lit(t, ",\"methods\":[");
	for (i = 0; i < s->n_methods; i++) {
		m = &s->methods[i];
		text_lit(t, i == 0 ? "{\"name\":" : ",{\"name\":");
		text_cstring(t, m->name);
		text_lit(t, m->idempotent ? ",\"idempotent\":true" : "");
		if (m->timeout_ms != 0) {
			text_lit(t, ",\"timeout\":");
			text_int(t, (m->timeout_ms + 999) / 1000);
		}
		text_lit(t, "}");
	}
	text_lit(t, "]");
}

void
registration_put(struct text *t, const struct service *s)
{
	uint16_t	 i;

	text_lit(t, "{\"service_name\":");
	text_cstring(t, s->name);
	text_lit(t, ",\"version\":");
	text_cstring(t, s->version);
	put_methods(t, s);
	text_lit(t, ",\"weight\":");
	text_int(t, s->weight);
	text_lit(t, ",\"max_concurrency\":");
	text_int(t, s->max_concurrency);
	text_lit(t, ",\"labels\":{");
	for (i = 0; i < s->n_labels; i++) {
		text_lit(t, i == 0 ? "" : ",");
		text_cstring(t, s->labels[i].key);
		text_lit(t, ":");
		text_cstring(t, s->labels[i].value);
	}
	text_lit(t, "},\"visibility\":");
	text_cstring(t, s->visibility == VISIBILITY_MAIN ? "main" :
	    s->visibility == VISIBILITY_PRIVATE ? "private" : "federation");
	text_lit(t, "}");
}
