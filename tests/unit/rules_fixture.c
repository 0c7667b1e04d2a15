/* SPDX-License-Identifier: ISC */
/* See rules_fixture.h. */
#include <string.h>

#include "tests/unit/rules_fixture.h"
#include "tests/unit/suite.h"

struct policy p;
const struct policy_rule *decided;

struct policy_rule
rule(bool allow, enum policy_action action, enum policy_who who,
    const char *from)
{
	struct policy_rule r;

	memset(&r, 0, sizeof(r));
	r.allow = allow;
	r.action = action;
	r.who = who;
	strcpy(r.from, from);
	strcpy(r.file, "f");
	r.line = p.n + 1;
	return (r);
}

void
add(struct policy_rule r)
{
	ck_assert(policy_add(&p, &r));
	ck_assert(policy_rule_ok(&p.rules[p.n - 1]));
}

void
call_rule(bool allow, enum policy_who who, const char *from, const char *s,
    const char *m)
{
	struct policy_rule r = rule(allow, POLICY_CALL, who, from);

	strcpy(r.service, s);
	strcpy(r.method, m);
	add(r);
}

struct policy_ask
ask_call(enum policy_who who, const char *name, const char *main,
    const char *service, const char *method)
{
	struct policy_ask a;

	memset(&a, 0, sizeof(a));
	a.action = POLICY_CALL;
	a.who = who;
	a.name = span_str(name);
	a.main = span_str(main);
	a.to_who = WHO_HOME;
	a.to = span_str("bob");
	a.to_main = span_str("");
	a.service = span_str(service);
	a.method = span_str(method);
	a.self = span_str("here");
	return (a);
}

bool
allows(struct policy_ask a)
{
	return (policy_allows(&p, &a, &decided));
}

void
rules_setup(void)
{
	memset(&p, 0, sizeof(p));
}

void
rules_teardown(void)
{
	policy_clear(&p);
}
