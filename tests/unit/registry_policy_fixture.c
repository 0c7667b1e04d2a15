/* SPDX-License-Identifier: ISC */
/* See registry_policy_fixture.h. */
#include <check.h>
#include <stdlib.h>

#include <bsd/string.h>

#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"
#include "tests/unit/registry_policy_fixture.h"

const char *const	wiki_and_blog[] = { "wiki", "blog" };

static struct policy	rules;		/* being written */

struct policy_rule
fx_new_rule(bool allow, enum policy_action action, enum policy_who who,
    const char *from, const char *service)
{
	struct policy_rule one = { .allow = allow, .action = action,
	    .who = who, .to_who = WHO_ANY, .line = rules.n + 1 };

	strlcpy(one.from, from, sizeof(one.from));
	strlcpy(one.service, service, sizeof(one.service));
	strlcpy(one.file, "/etc/secret.conf", sizeof(one.file));
	return (one);
}

void
fx_add_rule(const struct policy_rule *one)
{
	ck_assert(policy_add(&rules, one));
}

void
fx_rule(bool allow, enum policy_action action, enum policy_who who,
    const char *from, const char *service)
{
	struct policy_rule one = fx_new_rule(allow, action, who, from,
	    service);

	fx_add_rule(&one);
}

void
fx_call_rule(bool allow, enum policy_who who, const char *from, const char *to,
    const char *service, const char *method)
{
	struct policy_rule one = fx_new_rule(allow, POLICY_CALL, who, from,
	    service);

	one.to_who = to[0] == '\0' ? WHO_ANY : WHO_HOME;
	strlcpy(one.to, to, sizeof(one.to));
	strlcpy(one.method, method, sizeof(one.method));
	fx_add_rule(&one);
}

void
fx_rules(void)
{
	registry_configure_policy(r, &rules, fx_now());
	policy_clear(&rules);
}

const char *
fx_verdict(uint64_t session, const char *const *names, size_t n, size_t i)
{
	static char text[300];
	struct service list[4];
	const struct reply *reply;
	size_t k;

	for (k = 0; k < n; k++)
		list[k] = fx_service(names[k], 1);
	register_list(session, 5, list, n);
	reply = fx_expect(r, MSG_ROUTE_SET, session);
	reply = fx_expect(r, MSG_REGISTERED, session);
	ck_assert_uint_eq(reply->count, n);
	if (reply->verdicts[i].rule == NULL)
		return (NULL);
	strlcpy(text, reply->verdicts[i].rule, sizeof(text));
	return (text);
}

void
fx_open_home(uint64_t session, const char *node)
{
	fx_open(r, session, node, "", "192.0.2.1:1", 0);
	fx_settle(r);
}
