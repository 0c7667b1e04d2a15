/* SPDX-License-Identifier: ISC */
/* What a rule may be, and how it is written; see policy.h. */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "common/policy_priv.h"

static const char *const action_names[POLICY_ACTIONS] = {
	[POLICY_CONNECT] = "connect",
	[POLICY_PUBLISH] = "publish",
	[POLICY_EXPORT] = "export",
	[POLICY_IMPORT] = "import",
	[POLICY_CALL] = "call",
	[POLICY_ADMIN] = "admin",
};

#define WHOS	(WHO_ANONYMOUS + 1)

static const char *const who_names[WHOS] = {
	[WHO_ANY] = "any",
	[WHO_HOME] = "home",
	[WHO_MAIN] = "main",
	[WHO_TOKEN] = "token",
	[WHO_ANONYMOUS] = "anonymous",
};

static const char *const visibility_names[] = {
	[VISIBILITY_PRIVATE] = "private",
	[VISIBILITY_MAIN] = "main",
	[VISIBILITY_FEDERATION] = "federation",
};

const char *
policy_action_name(enum policy_action action)
{
	if (action < POLICY_CONNECT || action > POLICY_ADMIN)
		return ("unknown");
	return (action_names[action]);
}

const char *
policy_who_name(enum policy_who who)
{
	if (who < WHO_ANY || who > WHO_ANONYMOUS)
		return ("unknown");
	return (who_names[who]);
}

/* --- what may be --- */

#define BIT(n)	(1U << (n))

/* What each action can ask for. */
static const struct {
	unsigned int	whos;		/* bits */
	bool		service;
	bool		call;		/* to and method */
	bool		visibility;
} parts[POLICY_ACTIONS] = {
	[POLICY_CONNECT] = { .whos = BIT(WHO_HOME) | BIT(WHO_MAIN) },
	[POLICY_PUBLISH] = { .whos = BIT(WHO_HOME), .service = true,
	    .visibility = true },
	[POLICY_EXPORT] = { .whos = BIT(WHO_MAIN), .service = true },
	[POLICY_IMPORT] = { .whos = BIT(WHO_MAIN), .service = true },
	[POLICY_CALL] = { .whos = BIT(WHO_HOME) | BIT(WHO_MAIN) |
	    BIT(WHO_TOKEN) | BIT(WHO_ANONYMOUS), .service = true,
	    .call = true },
	[POLICY_ADMIN] = { .whos = BIT(WHO_TOKEN) },
};

#define NODE_CHARS	"abcdefghijklmnopqrstuvwxyz0123456789_-.*"
#define WORD_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" NODE_CHARS

static bool
is_made_of(const char *s, size_t len, const char *chars, size_t max)
{
	return (len > 0 && len <= max && strspn(s, chars) == len);
}

/* An id, and at most one '@' and the id of its Main. */
static bool
home_pattern(const char *s)
{
	const char *at = strchr(s, '@');

	if (at == NULL)
		return (is_made_of(s, strlen(s), NODE_CHARS, LIMIT_NODE_ID));
	return (at - s > 0 && at - s <= LIMIT_NODE_ID &&
	    strspn(s, NODE_CHARS) == (size_t)(at - s) &&
	    is_made_of(at + 1, strlen(at + 1), NODE_CHARS, LIMIT_NODE_ID));
}

bool
policy_pattern(const char *s, enum policy_who who)
{
	switch (who) {
	case WHO_ANY:
		return (is_made_of(s, strlen(s), WORD_CHARS,
		    LIMIT_SERVICE_NAME));
	case WHO_HOME:
		return (home_pattern(s));
	case WHO_MAIN:
		return (is_made_of(s, strlen(s), NODE_CHARS, LIMIT_NODE_ID));
	case WHO_TOKEN:
		return (is_made_of(s, strlen(s), WORD_CHARS,
		    LIMIT_TOKEN_NAME));
	default:
		return (false);
	}
}

static bool
is_any(const char *pattern)
{
	return (strcmp(pattern, "*") == 0);
}

/* "any" and "anonymous" have no names, the others a pattern. */
static bool
who_ok(enum policy_who who, const char *name, unsigned int whos)
{
	if (who == WHO_ANY)
		return (is_any(name));
	if (who < WHO_ANY || who > WHO_ANONYMOUS || (whos & BIT(who)) == 0)
		return (false);
	return (who == WHO_ANONYMOUS ? is_any(name) :
	    policy_pattern(name, who));
}

bool
policy_rule_ok(const struct policy_rule *r)
{
	enum policy_action a = r->action;

	if (a < POLICY_CONNECT || a > POLICY_ADMIN)
		return (false);
	if (!who_ok(r->who, r->from, parts[a].whos) ||
	    !who_ok(r->to_who, r->to,
	    parts[a].call ? BIT(WHO_HOME) | BIT(WHO_MAIN) : 0))
		return (false);
	if (!policy_pattern(r->service, WHO_ANY) ||
	    !policy_pattern(r->method, WHO_ANY) ||
	    (!parts[a].service && !is_any(r->service)) ||
	    (!parts[a].call && !is_any(r->method)))
		return (false);
	return (r->visibility == 0 || (parts[a].visibility &&
	    r->visibility <= VISIBILITY_FEDERATION));
}

/* --- as text --- */

static void
append(char *buf, size_t size, const char *word)
{
	if (buf[0] != '\0')
		(void)strlcat(buf, " ", size);
	(void)strlcat(buf, word, size);
}

static void
append_name(char *buf, size_t size, const char *word, const char *pattern)
{
	append(buf, size, word);
	(void)strlcat(buf, " \"", size);
	(void)strlcat(buf, pattern, size);
	(void)strlcat(buf, "\"", size);
}

static void
append_who(char *buf, size_t size, const char *word, enum policy_who who,
    const char *pattern)
{
	if (who == WHO_ANY)
		return;
	append(buf, size, word);
	if (who == WHO_ANONYMOUS)
		append(buf, size, policy_who_name(who));
	else
		append_name(buf, size, policy_who_name(who), pattern);
}

void
policy_text(const struct policy_rule *r, char *buf, size_t size)
{
	if (size == 0)
		return;
	buf[0] = '\0';
	append(buf, size, r->allow ? "allow" : "deny");
	append(buf, size, policy_action_name(r->action));
	/* connect must say who, if only any. */
	if (r->action == POLICY_CONNECT && r->who == WHO_ANY)
		append(buf, size, "from any");
	append_who(buf, size, r->action == POLICY_EXPORT ? "to" : "from",
	    r->who, r->from);
	append_who(buf, size, "to", r->to_who, r->to);
	if (!is_any(r->service))
		append_name(buf, size, "service", r->service);
	if (!is_any(r->method))
		append_name(buf, size, "method", r->method);
	if (r->visibility != 0) {
		append(buf, size, "visibility");
		append(buf, size, visibility_names[r->visibility]);
	}
}

void
policy_where(const struct policy_rule *r, char *buf, size_t size)
{
	int n;

	if (r == NULL) {
		(void)strlcpy(buf, "the default", size);
		return;
	}
	n = snprintf(buf, size, "%s:%u: ", r->file, (unsigned int)r->line);
	if (n >= 0 && (size_t)n < size)
		policy_text(r, buf + n, size - (size_t)n);
}

/* --- wire --- */

void
put_rule(struct wire_put *w, const struct policy_rule *r)
{
	put_bool(w, r->allow);
	put_u8(w, (uint8_t)r->action);
	put_u8(w, (uint8_t)r->who);
	put_str(w, r->from);
	put_u8(w, (uint8_t)r->to_who);
	put_str(w, r->to);
	put_str(w, r->service);
	put_str(w, r->method);
	put_u8(w, (uint8_t)r->visibility);
	put_str(w, r->file);
	put_u32(w, r->line);
}

void
get_rule(struct wire_get *msg, struct policy_rule *r)
{
	memset(r, 0, sizeof(*r));
	r->allow = get_bool(msg);
	r->action = get_u8(msg);
	r->who = get_u8(msg);
	get_str(msg, r->from, sizeof(r->from));
	r->to_who = get_u8(msg);
	get_str(msg, r->to, sizeof(r->to));
	get_str(msg, r->service, sizeof(r->service));
	get_str(msg, r->method, sizeof(r->method));
	r->visibility = get_u8(msg);
	get_str(msg, r->file, sizeof(r->file));
	r->line = get_u32(msg);
	if (!policy_rule_ok(r))
		msg->bad = true;
}
