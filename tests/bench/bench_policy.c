/* SPDX-License-Identifier: ISC */

/*
 * What policy costs a call: nanoseconds to find who takes it, one home of a
 * Main calling another's service, without rules and with 10, 100 and 1000 of
 * which the last decides; and of that the decision alone.  For measuring, not
 * a test: ratios in one session are what counts.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay-router/router.h"

#define ROUNDS	200000

static const uint8_t	 secret[HASH_KEY_LEN] = "0123456789abcde";
static struct router	 r;
static struct session	 alice, bob;
static char		 alice_id[] = "alice.home", bob_id[] = "bob.home";

static int64_t
cpu_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

static void
make_main(void)
{
	struct service	 s;

	r.conf.role = ROLE_MAIN;
	strcpy(r.conf.node_id, "relay");
	route_init(&r.routes, secret);
	alice.kind = bob.kind = SESSION_HOME;
	alice.node_id = alice_id;
	bob.node_id = bob_id;
	service_init(&s);
	strcpy(s.name, "blog_service");
	route_set(&r.routes, route_node_up(&r.routes, bob_id, &bob), &s, 1);
	pending_end_init(&alice.end, END_SESSION, &alice, 0, 0);
}

/* As people write them: by home, by service, with stars or without. */
static void
make_rules(unsigned int n, bool stars)
{
	struct policy_rule	 rule;
	unsigned int		 i;

	policy_clear(&r.conf.policy);
	for (i = 0; i < n; i++) {
		memset(&rule, 0, sizeof(rule));
		rule.action = POLICY_CALL;
		rule.who = WHO_ANY;
		if (i + 1 == n) {
			rule.allow = true;
		} else if (i % 2 == 0) {
			rule.who = WHO_HOME;
			snprintf(rule.from, sizeof(rule.from), stars ?
			    "a*%u*" : "node%u.home", i);
		} else {
			snprintf(rule.service, sizeof(rule.service), stars ?
			    "b*g_*%u*" : "blog_%u", i);
		}
		if (!policy_add(&r.conf.policy, &rule))
			abort();
	}
}

static void
measure(const char *what)
{
	static struct envelope		 env;
	const struct policy_rule	*rule;
	struct call			 c = { .env = &env, .from = &alice };
	struct rpc_error		 err;
	struct target			 t;
	int64_t				 start;
	double				 find, decide;
	int				 i;

	c.to.end = &alice.end;
	c.server = span_str("blog_service");
	c.method = span_str("create");
	start = cpu_ns();
	for (i = 0; i < ROUNDS; i++)
		if (!target_find(&r, &c, &t, &err))
			abort();
	find = (double)(cpu_ns() - start) / ROUNDS;
	if (t.permit.policy == NULL) {
		printf("%-24s %9.1f ns to find\n", what, find);
		return;
	}
	start = cpu_ns();
	for (i = 0; i < ROUNDS; i++)
		if (!policy_allows(&r.conf.policy, &t.permit.ask, &rule))
			abort();
	decide = (double)(cpu_ns() - start) / ROUNDS;
	printf("%-24s %9.1f ns to find, %9.1f to decide\n", what, find,
	    decide);
}

int
main(void)
{
	static const unsigned int	 sizes[] = { 10, 100, 1000 };
	char				 what[32];
	size_t				 i;
	int				 stars;

	make_main();
	measure("no rules");
	for (stars = 0; stars < 2; stars++)
		for (i = 0; i < 3; i++) {
			make_rules(sizes[i], stars == 1);
			snprintf(what, sizeof(what), "%u rules%s", sizes[i],
			    stars == 1 ? " with stars" : "");
			measure(what);
		}
	policy_clear(&r.conf.policy);
	route_free(&r.routes);
	return (0);
}
