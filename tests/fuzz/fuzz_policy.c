/* SPDX-License-Identifier: ISC */
/*
 * Rules of policy: text to rules and back, and decisions.  The input stands
 * behind a fixed beginning of a configuration; its first byte chooses the
 * role.  What is accepted must print to the same rules, decide as the simple
 * evaluator below does, and be in the shadow of what covers it there.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/policy.h"
#include "relayd/conf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define RULES_MAX	16	/* that are looked at: each with all before */
#define NAME_SIZE	512	/* bytes of a name in a question */

static const char main_text[] = "node main \"m\"\nlisten on /s\n";
static const char home_text[] = "node home \"m\"\n";

/* --- text --- */

struct text {
	const char	*head;
	const char	*data;
	size_t		 len;
};

static int
open_text(void *ctx, const char *name, char **data, size_t *len)
{
	const struct text	*text = ctx;
	size_t			 head = strlen(text->head);

	if (strcmp(name, "fuzz") != 0)
		return (ENOENT);
	if ((*data = malloc(head + text->len + 1)) == NULL)
		return (ENOMEM);
	memcpy(*data, text->head, head);
	memcpy(*data + head, text->data, text->len);
	*len = head + text->len;
	return (0);
}

static struct conf *
parse(const char *head, const char *data, size_t len)
{
	struct text		 text = { head, data, len };
	struct conf_source	 source = {
		.name = "fuzz", .open = open_text, .ctx = &text, .cwd = "/"
	};
	struct conf_errors	 errs = { 0 };
	struct conf		*conf;

	conf = conf_parse(&source, &errs);
	conf_errors_free(&errs);
	return (conf);
}

/* Each rule alone, as it is shown, is that rule. */
static void
round_trip(const char *head, const struct policy *policy)
{
	char		 text[4096];
	struct conf	*conf;
	struct policy	 one;
	uint32_t	 i;

	for (i = 0; i < policy->n && i < RULES_MAX; i++) {
		policy_text(&policy->rules[i], text, sizeof(text));
		strlcat(text, "\n", sizeof(text));
		if ((conf = parse(head, text, strlen(text))) == NULL)
			abort();
		memset(&one, 0, sizeof(one));
		if (!policy_add(&one, &policy->rules[i]) ||
		    !policy_equal(&one, &conf->policy))
			abort();
		policy_clear(&one);
		conf_free(conf);
	}
}

/* --- a simple evaluator --- */

static bool
glob(const char *p, const char *s)
{
	const char	*star = NULL, *from = NULL;

	while (*s != '\0') {
		if (*p == '*') {
			star = p++;
			from = s;
		} else if (*p == *s) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star + 1;
			s = ++from;
		} else
			return (false);
	}
	return (strspn(p, "*") == strlen(p));
}

struct question {
	enum policy_action	 action;
	enum policy_who		 who, to_who;
	char			 name[NAME_SIZE], main[NAME_SIZE];
	char			 to[NAME_SIZE], to_main[NAME_SIZE];
	char			 service[NAME_SIZE], method[NAME_SIZE];
	enum visibility		 visibility;
	const char		*self;
};

static bool
node_matches(enum policy_who pattern_who, const char *pattern,
    enum policy_who who, const char *name, const char *main, const char *self)
{
	char	 id[NAME_SIZE], *at;
	bool	 here = main[0] == '\0' || strcmp(main, self) == 0;

	if (pattern_who == WHO_ANY)
		return (true);
	if (pattern_who != who)
		return (false);
	if (who == WHO_ANONYMOUS)
		return (true);
	strlcpy(id, pattern, sizeof(id));
	if (who != WHO_HOME || (at = strchr(id, '@')) == NULL)
		return ((who != WHO_HOME || here) && glob(id, name));
	*at++ = '\0';
	return (glob(id, name) && glob(at, here ? self : main));
}

/* Of a name that is not said: what is denied of some, allowed of all. */
static bool
name_matches(const struct policy_rule *r, const char *pattern,
    const char *name)
{
	return (glob(pattern, name) || (name[0] == '\0' && !r->allow));
}

static bool
rule_matches(const struct policy_rule *r, const struct question *q)
{
	return (r->action == q->action &&
	    node_matches(r->who, r->from, q->who, q->name, q->main, q->self) &&
	    node_matches(r->to_who, r->to, q->to_who, q->to, q->to_main,
	    q->self) &&
	    name_matches(r, r->service, q->service) &&
	    name_matches(r, r->method, q->method) &&
	    (r->visibility == 0 || r->visibility == q->visibility));
}

static bool
simple_allows(const struct policy *p, const struct question *q,
    const struct policy_rule **rule)
{
	uint32_t	 i;

	for (i = 0; i < p->n; i++) {
		*rule = &p->rules[i];
		if (rule_matches(*rule, q))
			return ((*rule)->allow);
	}
	*rule = NULL;
	return (q->action != POLICY_ADMIN || (q->who == WHO_TOKEN &&
	    strcmp(q->name, "admin") == 0));
}

static void
ask(const struct policy *p, const struct question *q)
{
	const struct policy_rule	*by, *simply_by;
	struct policy_ask		 a = {
		.action = q->action, .who = q->who, .name = span_str(q->name),
		.main = span_str(q->main), .to_who = q->to_who,
		.to = span_str(q->to), .to_main = span_str(q->to_main),
		.service = span_str(q->service),
		.method = span_str(q->method), .visibility = q->visibility,
		.self = span_str(q->self)
	};
	bool				 allowed = policy_allows(p, &a, &by);

	if (allowed != simple_allows(p, q, &simply_by) || by != simply_by)
		abort();
	/* What may be called may be seen. */
	if (allowed && !policy_may_see(p, &a))
		abort();
}

/* --- questions that a rule is about --- */

/* The pattern with another text for each star, up to an '@'. */
static const char *
name_of(const char *pattern, const char *star, char *buf)
{
	size_t	 n = 0, k;

	for (; *pattern != '\0' && *pattern != '@'; pattern++) {
		if (*pattern != '*') {
			buf[n++] = *pattern;
			continue;
		}
		for (k = 0; star[k] != '\0' && n < NAME_SIZE - 1; k++)
			buf[n++] = star[k];
	}
	buf[n] = '\0';
	return (*pattern == '@' ? pattern + 1 : "");
}

/* All that one side of a question can be, of an action. */
struct side {
	enum policy_who	 who;
	bool		 elsewhere;	/* a home of another Main */
};

static const struct side sides[] = {
	{ 0, false }, { WHO_HOME, false }, { WHO_HOME, true },
	{ WHO_MAIN, false }, { WHO_TOKEN, false }, { WHO_ANONYMOUS, false }
};
#define SIDES	(sizeof(sides) / sizeof(sides[0]))

/* Whether one who is meant by "any" is asked about in this action. */
static bool
is_asked(enum policy_action action, const struct side *s)
{
	switch (action) {
	case POLICY_CONNECT:
		return (s->who == WHO_MAIN ||
		    (s->who == WHO_HOME && !s->elsewhere));
	case POLICY_PUBLISH:
		return (s->who == WHO_HOME && !s->elsewhere);
	case POLICY_EXPORT:
	case POLICY_IMPORT:
		return (s->who == WHO_MAIN);
	case POLICY_ADMIN:
		return (s->who == WHO_TOKEN || s->who == WHO_ANONYMOUS);
	case POLICY_CALL:
		break;
	}
	return (s->who != 0);
}

/* A name of that side that the pattern is for; false if there is none. */
static bool
make_side(const struct side *s, enum policy_who who, const char *pattern,
    const char *star, char *name, char *main)
{
	const char	*behind;

	name[0] = main[0] = '\0';
	if (who != WHO_ANY && who != s->who)
		return (false);
	behind = name_of(pattern, star, name);
	if (who == WHO_HOME && (behind[0] != '\0') != s->elsewhere)
		return (false);
	if (s->elsewhere)
		(void)name_of(behind[0] != '\0' ? behind : "*", star, main);
	if (s->who == 0 || s->who == WHO_ANONYMOUS)
		name[0] = '\0';
	return (true);
}

/* Tell f of each question that a rule is for, with that text for stars. */
static bool
each_question(const struct policy_rule *r, const char *star, const char *self,
    bool (*f)(const struct question *, void *), void *arg)
{
	struct question	 q = { .action = r->action, .self = self };
	size_t		 i, k;
	unsigned int	 v;

	(void)name_of(r->service, star, q.service);
	(void)name_of(r->method, star, q.method);
	for (i = 0; i < SIDES; i++) {
		q.who = sides[i].who;
		if ((r->who == WHO_ANY && !is_asked(r->action, &sides[i])) ||
		    !make_side(&sides[i], r->who, r->from, star, q.name,
		    q.main))
			continue;
		for (k = 0; k < SIDES; k++) {
			q.to_who = sides[k].who;
			if (sides[k].who > WHO_MAIN ||
			    (r->action != POLICY_CALL && k > 0) ||
			    !make_side(&sides[k], r->to_who, r->to, star,
			    q.to, q.to_main))
				continue;
			for (v = VISIBILITY_PRIVATE;
			    v <= VISIBILITY_FEDERATION; v++) {
				q.visibility = r->visibility != 0 ?
				    r->visibility : (enum visibility)v;
				if (!f(&q, arg))
					return (false);
			}
		}
	}
	return (true);
}

static bool
ask_policy(const struct question *q, void *arg)
{
	ask(arg, q);
	return (true);
}

static bool
takes(const struct question *q, void *arg)
{
	return (rule_matches(arg, q));
}

/* --- shadows --- */

/*
 * No pattern has a '~', so one that matches it in place of each star matches
 * all that the star does.
 */
static uint32_t
simple_shadow(const struct policy *p, uint32_t index)
{
	uint32_t	 i;

	for (i = 0; i < index; i++)
		if (p->rules[i].action == p->rules[index].action &&
		    each_question(&p->rules[index], "~", "", takes,
		    &p->rules[i]))
			return (i);
	return (UINT32_MAX);
}

static void
decide(struct policy *p)
{
	static const char *const	 stars[] = { "", "~", "m", "ab" };
	uint32_t			 i;
	size_t				 k;

	for (i = 0; i < p->n && i < RULES_MAX; i++) {
		if (policy_shadow(p, i) != simple_shadow(p, i))
			abort();
		for (k = 0; k < sizeof(stars) / sizeof(stars[0]); k++) {
			(void)each_question(&p->rules[i], stars[k], "",
			    ask_policy, p);
			(void)each_question(&p->rules[i], stars[k], "m",
			    ask_policy, p);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char	*head;
	struct conf	*conf;

	if (size == 0)
		return (0);
	head = data[0] == 'h' ? home_text : main_text;
	conf = parse(head, (const char *)data + 1, size - 1);
	if (conf == NULL)
		return (0);
	round_trip(head, &conf->policy);
	decide(&conf->policy);
	conf_free(conf);
	return (0);
}
