/* SPDX-License-Identifier: ISC */

/*
 * Services as JSON; see service_json.h.
 */

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-router/members.h"
#include "relay-router/service_json.h"

/* The rules, as the author of a refused service is told. */
#define RULE_SHAPE	"service: a name or an object"
#define RULE_TWICE	"service: each member once"
#define RULE_NAME	"service_name: 1 to 128 of [A-Za-z0-9_.-]"
#define RULE_VERSION	"version: a semantic version of at most 64 bytes"
#define RULE_METHODS	"methods: a list of at most 256"
#define RULE_METHOD	"methods: names of 1 to 128 of [A-Za-z0-9_.-]"
#define RULE_IDEMPOTENT	"methods: idempotent is true or false"
#define RULE_TIMEOUT	"methods: timeout in seconds, at most 300"
#define RULE_TIMEOUT_MS	"methods: timeout_ms, at most 300000"
#define RULE_WEIGHT	"weight: 1 to 1000"
#define RULE_CONCURRENCY "max_concurrency: 0 to 65535"
#define RULE_LABELS	"labels: at most 16 strings of at most 128 bytes"
#define RULE_CONTROL	"labels: no control characters"
#define RULE_VISIBILITY	"visibility: private, main or federation"
#define RULE_HEALTHY	"healthy: true or false"

enum member {
	M_NAME, M_VERSION, M_METHODS, M_WEIGHT, M_CONCURRENCY, M_LABELS,
	M_VISIBILITY, M_HEALTHY, M_MAX
};

static const char *const	 members[M_MAX] = {
	[M_NAME] = "service_name",
	[M_VERSION] = "version",
	[M_METHODS] = "methods",
	[M_WEIGHT] = "weight",
	[M_CONCURRENCY] = "max_concurrency",
	[M_LABELS] = "labels",
	[M_VISIBILITY] = "visibility",
	[M_HEALTHY] = "healthy",
};

static void *
alloc_or_die(size_t n, size_t size)
{
	void	*p;

	if ((p = calloc(n, size)) == NULL)
		fatal("out of memory");
	return (p);
}

/* Zero is Go's way to say nothing, and leaves the default. */
static bool
take_number(const struct json_span *v, int64_t max, uint32_t *out)
{
	int64_t	 n;

	if (v->type == JSON_NONE)
		return (true);
	if (!json_integer(v, 0, max, &n))
		return (false);
	if (n != 0)
		*out = (uint32_t)n;
	return (true);
}

static const char *
take_name(struct service *s, const struct json_span *v)
{
	char	 name[LIMIT_SERVICE_NAME + 1];

	if (!members_text(v, name, sizeof(name)) ||
	    !name_service(span_str(name)))
		return (RULE_NAME);
	memcpy(s->name, name, sizeof(name));
	return (NULL);
}

static const char *
take_version(struct service *s, const struct json_span *v)
{
	char	 version[LIMIT_VERSION + 1];

	if (v->type == JSON_NONE)
		return (NULL);
	if (!members_text(v, version, sizeof(version)))
		return (RULE_VERSION);
	if (version[0] == '\0')
		return (NULL);
	if (!name_version(span_str(version)))
		return (RULE_VERSION);
	memcpy(s->version, version, sizeof(version));
	return (NULL);
}

static const char *
take_visibility(struct service *s, const struct json_span *v)
{
	if (v->type == JSON_NONE)
		return (NULL);
	if (members_is(v, "") || members_is(v, "federation"))
		s->visibility = VISIBILITY_FEDERATION;
	else if (members_is(v, "main"))
		s->visibility = VISIBILITY_MAIN;
	else if (members_is(v, "private"))
		s->visibility = VISIBILITY_PRIVATE;
	else
		return (RULE_VISIBILITY);
	return (NULL);
}

static const char *
take_timeout(struct service_method *m, enum service_dialect dialect,
    const struct json_span *v)
{
	int64_t	 ms;

	if (v->type == JSON_NONE)
		return (NULL);
	if (dialect == SERVICE_OF_MAIN) {
		if (!json_integer(v, 0, LIMIT_TIMEOUT_MAX_MS, &ms))
			return (RULE_TIMEOUT_MS);
	} else if (!json_seconds_ms(v, LIMIT_TIMEOUT_MAX_MS + 1, &ms) ||
	    ms > LIMIT_TIMEOUT_MAX_MS) {
		return (RULE_TIMEOUT);
	}
	m->timeout_ms = (uint32_t)ms;
	return (NULL);
}

/* A method: its name, or an object with name, idempotent and a timeout. */
static const char *
take_method(struct service_method *m, enum service_dialect dialect,
    const struct json_span *v)
{
	const char *const	 names[] = { "name", "idempotent",
	    dialect == SERVICE_OF_MAIN ? "timeout_ms" : "timeout" };
	struct json_span	 val[3] = { *v };

	if (v->type == JSON_OBJECT && !members_find(v, names, 3, val))
		return (RULE_TWICE);
	if (!members_text(&val[0], m->name, sizeof(m->name)) ||
	    !name_method(span_str(m->name)))
		return (RULE_METHOD);
	if (!members_bool(&val[1], &m->idempotent))
		return (RULE_IDEMPOTENT);
	return (take_timeout(m, dialect, &val[2]));
}

static const char *
take_methods(struct service *s, enum service_dialect dialect,
    const struct json_span *list)
{
	struct json_scan	 sc;
	struct json_span	 v;
	const char		*rule = NULL;
	int			 n;

	if (list->type == JSON_NONE)
		return (NULL);
	if ((n = members_count(list, LIMIT_METHODS)) == -1)
		return (RULE_METHODS);
	if (n == 0)
		return (NULL);
	s->methods = alloc_or_die((size_t)n, sizeof(*s->methods));
	json_scan_init(&sc, list->p, list->len);
	(void)json_array_begin(&sc);
	while (rule == NULL && json_array_next(&sc) == 1 &&
	    json_skip(&sc, &v))
		rule = take_method(&s->methods[s->n_methods++], dialect, &v);
	return (rule);
}

/*
 * Labels are for people and for choosing; control characters serve neither,
 * and would make the JSON of a service many times as long as the service.
 */
static bool
has_control(const char *s)
{
	while (*s != '\0')
		if ((unsigned char)*s++ < 0x20)
			return (true);
	return (false);
}

static const char *
take_label(struct service *s, const struct json_span *key,
    const struct json_span *v)
{
	struct service_label	*l = &s->labels[s->n_labels];
	uint16_t		 i;

	if (s->n_labels == LIMIT_LABELS ||
	    !members_text(key, l->key, sizeof(l->key)) ||
	    !members_text(v, l->value, sizeof(l->value)))
		return (RULE_LABELS);
	if (has_control(l->key) || has_control(l->value))
		return (RULE_CONTROL);
	for (i = 0; i < s->n_labels; i++)
		if (strcmp(s->labels[i].key, l->key) == 0)
			return (RULE_TWICE);
	s->n_labels++;
	return (NULL);
}

static const char *
take_labels(struct service *s, const struct json_span *object)
{
	struct json_scan	 sc;
	struct json_span	 key, v;
	const char		*rule;

	if (object->type == JSON_NONE)
		return (NULL);
	json_scan_init(&sc, object->p, object->len);
	if (object->type != JSON_OBJECT || !json_object_begin(&sc))
		return (RULE_LABELS);
	while (json_object_next(&sc, &key) == 1 && json_skip(&sc, &v)) {
		if (s->labels == NULL)
			s->labels = alloc_or_die(LIMIT_LABELS,
			    sizeof(*s->labels));
		if ((rule = take_label(s, &key, &v)) != NULL)
			return (rule);
	}
	return (NULL);
}

const char *
service_json_read(struct service *s, enum service_dialect dialect,
    const struct json_span *v)
{
	struct json_span	 val[M_MAX];
	const char		*rule;
	bool			 whole;

	service_init(s);
	if (v->type == JSON_STRING && dialect == SERVICE_OF_HOME)
		return (take_name(s, v));
	if (v->type != JSON_OBJECT)
		return (RULE_SHAPE);
	whole = members_find(v, members, M_MAX, val);
	if ((rule = take_name(s, &val[M_NAME])) != NULL ||
	    (rule = take_version(s, &val[M_VERSION])) != NULL)
		return (whole ? rule : RULE_TWICE);
	if (!whole)
		return (RULE_TWICE);
	if ((rule = take_methods(s, dialect, &val[M_METHODS])) != NULL ||
	    (rule = take_labels(s, &val[M_LABELS])) != NULL)
		return (rule);
	if (!take_number(&val[M_WEIGHT], LIMIT_WEIGHT, &s->weight))
		return (RULE_WEIGHT);
	if (!take_number(&val[M_CONCURRENCY], LIMIT_CONCURRENCY,
	    &s->max_concurrency))
		return (RULE_CONCURRENCY);
	if (dialect == SERVICE_OF_HOME)
		return (take_visibility(s, &val[M_VISIBILITY]));
	return (members_bool(&val[M_HEALTHY], &s->healthy) ? NULL :
	    RULE_HEALTHY);
}

/* --- writing --- */

static void
put_method(struct text *t, enum service_dialect dialect,
    const struct service_method *m)
{
	/* Between Mains the short form: it is what there is most of. */
	if (dialect == SERVICE_OF_MAIN && !m->idempotent &&
	    m->timeout_ms == 0) {
		text_cstring(t, m->name);
		return;
	}
	text_lit(t, "{\"name\":");
	text_cstring(t, m->name);
	text_lit(t, m->idempotent ? ",\"idempotent\":true" : "");
	if (m->timeout_ms != 0 && dialect == SERVICE_OF_MAIN) {
		text_lit(t, ",\"timeout_ms\":");
		text_int(t, m->timeout_ms);
	} else if (m->timeout_ms != 0) {
		text_lit(t, ",\"timeout\":");
		text_int(t, (m->timeout_ms + 999) / 1000);
	}
	text_lit(t, "}");
}

static void
put_methods(struct text *t, enum service_dialect dialect,
    const struct service *s)
{
	uint16_t	 i;

	text_lit(t, ",\"methods\":[");
	for (i = 0; i < s->n_methods; i++) {
		text_lit(t, i == 0 ? "" : ",");
		put_method(t, dialect, &s->methods[i]);
	}
	text_lit(t, "]");
}

static void
put_labels(struct text *t, const struct service *s)
{
	uint16_t	 i;

	text_lit(t, ",\"labels\":{");
	for (i = 0; i < s->n_labels; i++) {
		text_lit(t, i == 0 ? "" : ",");
		text_cstring(t, s->labels[i].key);
		text_lit(t, ":");
		text_cstring(t, s->labels[i].value);
	}
	text_lit(t, "}");
}

static void
put_number(struct text *t, const char *member, uint32_t v)
{
	text_lit(t, member);
	text_int(t, v);
}

void
service_json_put(struct text *t, enum service_dialect dialect,
    const struct service *s)
{
	bool	 all = dialect == SERVICE_OF_HOME;

	text_lit(t, "{\"service_name\":");
	text_cstring(t, s->name);
	if (all || strcmp(s->version, "0.0.0") != 0) {
		text_lit(t, ",\"version\":");
		text_cstring(t, s->version);
	}
	if (all || s->n_methods != 0)
		put_methods(t, dialect, s);
	if (all || s->weight != 1)
		put_number(t, ",\"weight\":", s->weight);
	if (all || s->max_concurrency != 0)
		put_number(t, ",\"max_concurrency\":", s->max_concurrency);
	if (all || s->n_labels != 0)
		put_labels(t, s);
	if (all) {
		text_lit(t, ",\"visibility\":");
		text_cstring(t, s->visibility == VISIBILITY_MAIN ? "main" :
		    s->visibility == VISIBILITY_PRIVATE ? "private" :
		    "federation");
	} else if (!s->healthy) {
		text_lit(t, ",\"healthy\":false");
	}
	text_lit(t, "}");
}
