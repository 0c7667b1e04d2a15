/* SPDX-License-Identifier: ISC */
/* See jsonrpc.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_scan.h"
#include "common/limits.h"
#include "relayd/backend/jsonrpc.h"

/* The members of an answer that count; type JSON_NONE if not there. */
struct members {
	struct json_span	version, id, result, error, method;
	bool			twice;
};

static struct json_span *
member_named(struct members *m, const struct json_span *key)
{
	char	name[8];
	int	n;

	if ((n = json_unescape(key, name, sizeof(name))) == -1)
		return (NULL);
	if (n == 7 && memcmp(name, "jsonrpc", 7) == 0)
		return (&m->version);
	if (n == 2 && memcmp(name, "id", 2) == 0)
		return (&m->id);
	if (n == 6 && memcmp(name, "result", 6) == 0)
		return (&m->result);
	if (n == 5 && memcmp(name, "error", 5) == 0)
		return (&m->error);
	if (n == 6 && memcmp(name, "method", 6) == 0)
		return (&m->method);
	return (NULL);
}

static const char *
scan_why(const struct json_scan *s)
{
	switch (s->err) {
	case JSON_E_UTF8:
		return ("not UTF-8");
	case JSON_E_DEPTH:
		return ("nested too deep");
	default:
		return ("not JSON");
	}
}

/* Returns NULL, or why the text is no object of valid JSON. */
static const char *
scan_members(struct members *m, const void *text, size_t len)
{
	struct json_scan	 s;
	struct json_span	 key, *to;
	int			 more;

	memset(m, 0, sizeof(*m));
	json_scan_init(&s, text, len);
	/* The level of the envelope that will be around it. */
	s.depth = 1;
	if (json_peek(&s) != JSON_OBJECT)
		return (json_valid(text, len) ? "not an object" : "not JSON");
	if (!json_object_begin(&s))
		return (scan_why(&s));
	while ((more = json_object_next(&s, &key)) == 1) {
		to = member_named(m, &key);
		if (to != NULL && to->type != JSON_NONE)
			m->twice = true;
		if (!json_skip(&s, to))
			break;
	}
	/* That level is never closed. */
	return (more == 0 && json_scan_end(&s) ? NULL : scan_why(&s));
}

/* Is a string span equal to s, escapes resolved? */
static bool
string_is(const struct json_span *v, const char *s)
{
	char	buf[8];
	int	n;

	if (v->type != JSON_STRING)
		return (false);
	n = json_unescape(v, buf, sizeof(buf));
	return (n != -1 && (size_t)n == strlen(s) &&
	    memcmp(buf, s, (size_t)n) == 0);
}

/* The code of an error object (section 5.1), or NULL and why it is none. */
static const char *
error_code(const struct json_span *error, int32_t *code)
{
	struct json_scan	 s;
	struct json_span	 key, value;
	int64_t			 v;
	bool			 has_code = false, has_message = false;

	if (error->type != JSON_OBJECT)
		return ("error is not an object");
	json_scan_init(&s, error->p, error->len);
	json_object_begin(&s);
	while (json_object_next(&s, &key) == 1 && json_skip(&s, &value)) {
		if (string_is(&key, "code")) {
			if (has_code ||
			    !json_integer(&value, INT32_MIN, INT32_MAX, &v))
				return ("error code is not an integer");
			*code = (int32_t)v;
			has_code = true;
		} else if (string_is(&key, "message")) {
			if (has_message || value.type != JSON_STRING)
				return ("error message is not a string");
			has_message = true;
		}
	}
	return (has_code && has_message ? NULL :
	    "error without code and message");
}

/* What is wrong with an answer whose id is known, or NULL. */
static const char *
judge(const struct members *m, struct rpc_answer *a)
{
	bool	result = m->result.type != JSON_NONE;
	bool	error = m->error.type != JSON_NONE;

	if (m->twice)
		return ("a member twice");
	if (!string_is(&m->version, "2.0"))
		return ("jsonrpc is not \"2.0\"");
	if (result && error)
		return ("both result and error");
	if (!result && !error)
		return ("neither result nor error");
	if (error) {
		a->kind = RPC_ERROR;
		a->json = (struct span){ m->error.p, m->error.len };
		return (error_code(&m->error, &a->code));
	}
	a->kind = RPC_RESULT;
	a->json = (struct span){ m->result.p, m->result.len };
	return (NULL);
}

void
rpc_parse(const void *text, size_t len, struct rpc_answer *a)
{
	struct members	 m;
	int64_t		 id;

	memset(a, 0, sizeof(*a));
	a->kind = RPC_GARBAGE;
	if ((a->why = scan_members(&m, text, len)) != NULL)
		return;
	if (m.method.type != JSON_NONE) {
		a->kind = RPC_UNASKED;
		return;
	}
	if (m.id.type != JSON_NUMBER ||
	    !json_integer(&m.id, 1, INT64_MAX, &id)) {
		a->why = m.id.type == JSON_NULL ?
		    "an answer to no request (id null)" :
		    "an id that was never sent";
		return;
	}
	a->id = (uint64_t)id;
	if ((a->why = judge(&m, a)) != NULL) {
		a->kind = RPC_FAULTY;
		a->json = (struct span){ NULL, 0 };
	}
}

char *
rpc_request(uint64_t id, struct span method, struct span params, size_t *len)
{
	char	*text, number[32] = "", *p;
	size_t	 size, i;
	int	 n;

	if (id != 0)
		snprintf(number, sizeof(number), "\"id\":%llu,",
		    (unsigned long long)id);
	size = 64 + sizeof(number) + method.len + params.len;
	if ((text = malloc(size)) == NULL)
		return (NULL);
	n = snprintf(text, size, "{\"jsonrpc\":\"2.0\",%s\"method\":\"%.*s\"",
	    number, (int)method.len, method.p);
	p = text + n;
	if (params.len > 0) {
		memcpy(p, ",\"params\":", 10);
		p += 10;
		for (i = 0; i < params.len; i++)
			*p++ = params.p[i] == '\n' || params.p[i] == '\r' ?
			    ' ' : params.p[i];
	}
	*p++ = '}';
	*len = (size_t)(p - text);
	return (text);
}
