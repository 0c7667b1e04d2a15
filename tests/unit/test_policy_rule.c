/* SPDX-License-Identifier: ISC */
/*
 * Patterns (matching and covering, against brute force), rules that others
 * shadow, rules as text and on the wire.
 */
#include <stdio.h>
#include <string.h>

#include "common/policy_priv.h"
#include "tests/unit/suite.h"

/* --- patterns --- */

/* What a pattern means, by its definition. */
static bool
naive(const char *pat, const char *s)
{
	if (*pat == '\0')
		return (*s == '\0');
	if (*pat == '*')
		return (naive(pat + 1, s) || (*s != '\0' && naive(pat, s + 1)));
	return (*pat == *s && naive(pat + 1, s + 1));
}

static bool
matches(const char *pat, const char *s)
{
	struct pattern made = pattern_make(pat, strlen(pat));

	return (pattern_match(&made, span_str(s)));
}

static bool
covers(const char *a, const char *b)
{
	struct pattern pa = pattern_make(a, strlen(a));
	struct pattern pb = pattern_make(b, strlen(b));

	return (pattern_covers(&pa, &pb));
}

/* All words of up to max letters of an alphabet, the empty one first. */
static unsigned int
words(char list[][12], const char *alphabet, unsigned int max)
{
	unsigned int n = 1, begin = 0, end = 1, i, k, len = strlen(alphabet);

	list[0][0] = '\0';
	while (max-- > 0) {
		for (i = begin; i < end; i++)
			for (k = 0; k < len; k++, n++)
				snprintf(list[n], 12, "%s%c", list[i],
				    alphabet[k]);
		begin = end;
		end = n;
	}
	return (n);
}

static char texts[4096][12], pats[4096][12];

START_TEST(test_match)
{
	unsigned int np = words(pats, "ab*", 5), nt = words(texts, "abc", 6);
	unsigned int i, k;

	for (i = 0; i < np; i++)
		for (k = 0; k < nt; k++)
			ck_assert_msg(matches(pats[i], texts[k]) ==
			    naive(pats[i], texts[k]), "'%s' and '%s'",
			    pats[i], texts[k]);
}
END_TEST

/*
 * The patterns have a and b only, the texts a third letter as well: as any
 * name has letters that a pattern has not.
 */
START_TEST(test_cover)
{
	unsigned int np = words(pats, "ab*", 4), nt = words(texts, "abc", 6);
	unsigned int i, j, k;
	static bool in[128][4096];
	bool all;

	for (i = 0; i < np; i++)
		for (k = 0; k < nt; k++)
			in[i][k] = naive(pats[i], texts[k]);
	for (i = 0; i < np; i++)
		for (j = 0; j < np; j++) {
			all = true;
			for (k = 0; k < nt && all; k++)
				all = in[i][k] || !in[j][k];
			ck_assert_msg(covers(pats[i], pats[j]) == all,
			    "'%s' and '%s'", pats[i], pats[j]);
		}
}
END_TEST

/* What takes a backtracking matcher years. */
START_TEST(test_linear)
{
	char pat[LIMIT_SERVICE_NAME + 1], s[LIMIT_SERVICE_NAME + 1];
	int i;

	memset(s, 'a', sizeof(s) - 1);
	s[sizeof(s) - 1] = '\0';
	for (i = 0; i + 1 < LIMIT_SERVICE_NAME; i += 2)
		memcpy(pat + i, "*a", 3);
	ck_assert(matches(pat, s));
	pat[i - 1] = 'b';
	ck_assert(!matches(pat, s));
}
END_TEST

START_TEST(test_pattern_ok)
{
	char longest[LIMIT_PATTERN + 2];

	ck_assert(policy_pattern("*", WHO_ANY));
	ck_assert(policy_pattern("Blog_1.x-*", WHO_ANY));
	ck_assert(!policy_pattern("", WHO_ANY));
	ck_assert(!policy_pattern("a b", WHO_ANY));
	ck_assert(!policy_pattern("a@b", WHO_ANY));
	ck_assert(!policy_pattern("a?", WHO_ANY));
	ck_assert(!policy_pattern("[a]", WHO_ANY));
	ck_assert(!policy_pattern("a\n", WHO_ANY));
	ck_assert(!policy_pattern("\xc3\xa4", WHO_ANY));
	ck_assert(policy_pattern("al*.home", WHO_HOME));
	ck_assert(policy_pattern("*@*", WHO_HOME));
	ck_assert(!policy_pattern("Alice", WHO_HOME));
	ck_assert(!policy_pattern("@b", WHO_HOME));
	ck_assert(!policy_pattern("a@", WHO_HOME));
	ck_assert(!policy_pattern("@", WHO_HOME));
	ck_assert(!policy_pattern("a@b@c", WHO_HOME));
	ck_assert(!policy_pattern("a:b", WHO_HOME));
	ck_assert(policy_pattern("relay-*", WHO_MAIN));
	ck_assert(!policy_pattern("a@b", WHO_MAIN));
	ck_assert(!policy_pattern("Relay", WHO_MAIN));
	ck_assert(policy_pattern("Ci-*", WHO_TOKEN));
	ck_assert(!policy_pattern("a@b", WHO_TOKEN));
	ck_assert(!policy_pattern("*", WHO_ANONYMOUS));
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(!policy_pattern(longest, WHO_HOME));
	longest[LIMIT_NODE_ID] = '@';
	longest[LIMIT_PATTERN] = '\0';
	ck_assert(policy_pattern(longest, WHO_HOME));
	longest[LIMIT_NODE_ID] = '\0';
	ck_assert(policy_pattern(longest, WHO_MAIN));
	ck_assert(!policy_pattern(longest, WHO_ANY));
	longest[LIMIT_SERVICE_NAME] = '\0';
	ck_assert(policy_pattern(longest, WHO_ANY));
	ck_assert(!policy_pattern(longest, WHO_TOKEN));
}
END_TEST

/* --- shadows --- */

static struct policy p;

static struct policy_rule
rule(enum policy_action action, enum policy_who who, const char *from)
{
	struct policy_rule r;

	memset(&r, 0, sizeof(r));
	r.allow = true;
	r.action = action;
	r.who = who;
	r.to_who = WHO_ANY;
	strcpy(r.from, from);
	strcpy(r.to, "*");
	strcpy(r.service, "*");
	strcpy(r.method, "*");
	strcpy(r.file, "f.conf");
	r.line = 7;
	return (r);
}

/* Does the first rule shadow the second? */
static bool
shadows(struct policy_rule a, struct policy_rule b)
{
	uint32_t by;

	policy_clear(&p);
	ck_assert(policy_add(&p, &a) && policy_add(&p, &b));
	ck_assert_uint_eq(policy_shadow(&p, 0), UINT32_MAX);
	by = policy_shadow(&p, 1);
	ck_assert(by == 0 || by == UINT32_MAX);
	return (by == 0);
}

static bool
homes(const char *a, const char *b)
{
	return (shadows(rule(POLICY_CALL, WHO_HOME, a),
	    rule(POLICY_CALL, WHO_HOME, b)));
}

START_TEST(test_shadow_who)
{
	ck_assert(shadows(rule(POLICY_CALL, WHO_ANY, "*"),
	    rule(POLICY_CALL, WHO_HOME, "a")));
	ck_assert(shadows(rule(POLICY_CALL, WHO_ANY, "*"),
	    rule(POLICY_CALL, WHO_ANONYMOUS, "*")));
	ck_assert(!shadows(rule(POLICY_CALL, WHO_HOME, "*"),
	    rule(POLICY_CALL, WHO_ANY, "*")));
	ck_assert(!shadows(rule(POLICY_CALL, WHO_HOME, "*"),
	    rule(POLICY_CALL, WHO_MAIN, "a")));
	ck_assert(!shadows(rule(POLICY_CALL, WHO_TOKEN, "*"),
	    rule(POLICY_CALL, WHO_ANONYMOUS, "*")));
	ck_assert(!shadows(rule(POLICY_CONNECT, WHO_ANY, "*"),
	    rule(POLICY_CALL, WHO_ANY, "*")));
	/* Only Mains are told, only homes here publish. */
	ck_assert(shadows(rule(POLICY_EXPORT, WHO_MAIN, "*"),
	    rule(POLICY_EXPORT, WHO_ANY, "*")));
	ck_assert(shadows(rule(POLICY_IMPORT, WHO_MAIN, "**"),
	    rule(POLICY_IMPORT, WHO_ANY, "*")));
	ck_assert(shadows(rule(POLICY_PUBLISH, WHO_HOME, "*"),
	    rule(POLICY_PUBLISH, WHO_ANY, "*")));
	ck_assert(!shadows(rule(POLICY_PUBLISH, WHO_HOME, "a*"),
	    rule(POLICY_PUBLISH, WHO_ANY, "*")));
	ck_assert(!shadows(rule(POLICY_CONNECT, WHO_HOME, "*"),
	    rule(POLICY_CONNECT, WHO_ANY, "*")));
}
END_TEST

START_TEST(test_shadow_homes)
{
	ck_assert(homes("*", "a"));
	ck_assert(homes("a*", "a*b"));
	ck_assert(!homes("a*b", "a*"));
	ck_assert(!homes("*", "a@m"));
	ck_assert(!homes("*", "*@*"));
	ck_assert(homes("*@*", "a@m"));
	ck_assert(homes("*@*", "*"));
	ck_assert(homes("a*@**", "ab"));
	ck_assert(!homes("*@m", "a"));
	ck_assert(!homes("*@m*", "a"));
	ck_assert(homes("*@m*", "a@m1"));
	ck_assert(!homes("*@m1", "a@m*"));
	ck_assert(!homes("b*@*", "a@m"));
}
END_TEST

START_TEST(test_shadow_parts)
{
	struct policy_rule any = rule(POLICY_CALL, WHO_ANY, "*"), a = any;
	struct policy_rule b = any;

	strcpy(b.service, "blog");
	ck_assert(shadows(any, b));
	ck_assert(!shadows(b, any));
	strcpy(a.service, "b*");
	ck_assert(shadows(a, b));
	strcpy(a.method, "x");
	ck_assert(!shadows(a, b));
	strcpy(b.method, "x*");
	ck_assert(!shadows(a, b));
	strcpy(a.method, "*");
	ck_assert(shadows(a, b));
	b.to_who = WHO_HOME;
	strcpy(b.to, "bob");
	ck_assert(shadows(a, b));
	a.to_who = WHO_HOME;
	strcpy(a.to, "b*");
	ck_assert(shadows(a, b));
	a.to_who = WHO_MAIN;
	ck_assert(!shadows(a, b));
	b.to_who = WHO_ANY;
	strcpy(b.to, "*");
	strcpy(a.to, "*");
	ck_assert(!shadows(a, b));
	a = b = rule(POLICY_PUBLISH, WHO_ANY, "*");
	a.visibility = VISIBILITY_MAIN;
	ck_assert(!shadows(a, b));
	ck_assert(shadows(b, a));
	b.visibility = VISIBILITY_FEDERATION;
	ck_assert(!shadows(a, b));
	b.visibility = VISIBILITY_MAIN;
	b.allow = false;
	ck_assert(shadows(a, b));
}
END_TEST

/* Index and rules of other actions between. */
START_TEST(test_shadow_index)
{
	struct policy_rule r = rule(POLICY_CONNECT, WHO_ANY, "*");

	policy_clear(&p);
	ck_assert(policy_add(&p, &r));
	r = rule(POLICY_CALL, WHO_HOME, "a*");
	ck_assert(policy_add(&p, &r));
	r = rule(POLICY_CALL, WHO_HOME, "b");
	ck_assert(policy_add(&p, &r));
	r = rule(POLICY_CALL, WHO_HOME, "ab");
	ck_assert(policy_add(&p, &r));
	ck_assert_uint_eq(policy_shadow(&p, 1), UINT32_MAX);
	ck_assert_uint_eq(policy_shadow(&p, 2), UINT32_MAX);
	ck_assert_uint_eq(policy_shadow(&p, 3), 1);
}
END_TEST

/* --- text --- */

static const char *
text(struct policy_rule r)
{
	static char buf[2048];

	policy_text(&r, buf, sizeof(buf));
	return (buf);
}

START_TEST(test_text)
{
	struct policy_rule r = rule(POLICY_CALL, WHO_HOME, "x*");
	char buf[256];

	ck_assert_str_eq(text(r), "allow call from home \"x*\"");
	r.allow = false;
	strcpy(r.service, "y");
	ck_assert_str_eq(text(r), "deny call from home \"x*\" service \"y\"");
	r.to_who = WHO_MAIN;
	strcpy(r.to, "m");
	strcpy(r.method, "get*");
	ck_assert_str_eq(text(r), "deny call from home \"x*\" to main \"m\" "
	    "service \"y\" method \"get*\"");
	ck_assert_str_eq(text(rule(POLICY_CALL, WHO_ANONYMOUS, "*")),
	    "allow call from anonymous");
	ck_assert_str_eq(text(rule(POLICY_CALL, WHO_ANY, "*")), "allow call");
	ck_assert_str_eq(text(rule(POLICY_CONNECT, WHO_ANY, "*")),
	    "allow connect from any");
	ck_assert_str_eq(text(rule(POLICY_EXPORT, WHO_MAIN, "m")),
	    "allow export to main \"m\"");
	ck_assert_str_eq(text(rule(POLICY_IMPORT, WHO_MAIN, "m")),
	    "allow import from main \"m\"");
	ck_assert_str_eq(text(rule(POLICY_ADMIN, WHO_TOKEN, "t")),
	    "allow admin from token \"t\"");
	r = rule(POLICY_PUBLISH, WHO_ANY, "*");
	r.visibility = VISIBILITY_MAIN;
	ck_assert_str_eq(text(r), "allow publish visibility main");
	policy_where(&r, buf, sizeof(buf));
	ck_assert_str_eq(buf, "f.conf:7: allow publish visibility main");
	policy_where(NULL, buf, sizeof(buf));
	ck_assert_str_eq(buf, "the default");
	memset(buf, 'x', sizeof(buf));
	policy_text(&r, buf, 6);
	ck_assert_str_eq(buf, "allow");
	policy_where(&r, buf, 4);
	ck_assert_str_eq(buf, "f.c");
	ck_assert_int_eq(buf[6], 'x');
	ck_assert_str_eq(policy_action_name(POLICY_ADMIN), "admin");
	ck_assert_str_eq(policy_action_name(0), "unknown");
	ck_assert_str_eq(policy_action_name(POLICY_ADMIN + 1), "unknown");
	ck_assert_str_eq(policy_who_name(WHO_TOKEN), "token");
	ck_assert_str_eq(policy_who_name(0), "unknown");
	ck_assert_str_eq(policy_who_name(WHO_ANONYMOUS + 1), "unknown");
}
END_TEST

/* --- the wire --- */

static bool
passes(const struct policy_rule *r, struct policy_rule *out)
{
	uint8_t buf[8192];
	struct wire_put w;
	struct wire_get g;

	wire_put_init(&w, buf, sizeof(buf));
	put_rule(&w, r);
	ck_assert(!w.bad);
	wire_get_init(&g, buf, w.len);
	get_rule(&g, out);
	return (get_done(&g));
}

START_TEST(test_wire)
{
	struct policy_rule r = rule(POLICY_CALL, WHO_HOME, "a*@m"), out;
	uint8_t buf[8192];
	struct wire_put w;
	struct wire_get g;
	size_t len;

	r.allow = false;
	r.to_who = WHO_HOME;
	strcpy(r.to, "bob");
	strcpy(r.service, "s");
	strcpy(r.method, "m");
	ck_assert(passes(&r, &out));
	ck_assert_mem_eq(&r, &out, sizeof(r));
	wire_put_init(&w, buf, sizeof(buf));
	put_rule(&w, &r);
	for (len = 0; len < w.len; len++) {
		wire_get_init(&g, buf, len);
		get_rule(&g, &out);
		ck_assert(!get_done(&g));
	}
}
END_TEST

START_TEST(test_wire_bad)
{
	const struct policy_rule call = rule(POLICY_CALL, WHO_HOME, "a");
	struct policy_rule r, out;

#define good(made, change)						\
	do {								\
		r = made;						\
		change;							\
		ck_assert(passes(&r, &out));				\
	} while (0)
#define bad(made, change)						\
	do {								\
		r = made;						\
		change;							\
		ck_assert_msg(!passes(&r, &out), #made " " #change);	\
	} while (0)
	good(call, );
	bad(call, r.action = 0);
	bad(call, r.action = POLICY_ADMIN + 1);
	bad(call, r.action = 255);
	bad(call, r.who = 0);
	bad(call, r.who = WHO_ANONYMOUS + 1);
	bad(call, r.who = 255);
	bad(call, r.who = WHO_ANY);		/* with a name */
	bad(call, r.who = WHO_ANONYMOUS);
	bad(call, r.from[0] = '\0');
	bad(call, r.from[0] = 'A');
	bad(call, r.from[0] = ' ');
	bad(call, r.to_who = 0);
	bad(call, r.to_who = WHO_TOKEN);
	bad(call, r.to_who = WHO_ANONYMOUS);
	bad(call, r.to[0] = 'a');		/* any with a name */
	bad(call, r.to[0] = '\0');
	bad(call, r.service[0] = '\0');
	bad(call, r.service[0] = '/');
	bad(call, r.method[0] = '\0');
	bad(call, r.method[0] = '"');
	bad(call, r.visibility = VISIBILITY_MAIN);
	bad(rule(POLICY_CONNECT, WHO_TOKEN, "a"), );
	bad(rule(POLICY_CONNECT, WHO_ANONYMOUS, "*"), );
	bad(rule(POLICY_CONNECT, WHO_HOME, "a"), r.service[0] = 'a');
	bad(rule(POLICY_PUBLISH, WHO_MAIN, "a"), );
	good(rule(POLICY_PUBLISH, WHO_HOME, "a"), r.visibility = 3);
	bad(rule(POLICY_PUBLISH, WHO_HOME, "a"), r.visibility = 4);
	bad(rule(POLICY_PUBLISH, WHO_HOME, "a"), r.method[0] = 'a');
	bad(rule(POLICY_EXPORT, WHO_HOME, "a"), );
	bad(rule(POLICY_EXPORT, WHO_MAIN, "a@b"), );
	bad(rule(POLICY_EXPORT, WHO_MAIN, "a"), r.to_who = WHO_HOME);
	bad(rule(POLICY_IMPORT, WHO_TOKEN, "a"), );
	bad(rule(POLICY_ADMIN, WHO_HOME, "a"), );
	bad(rule(POLICY_ADMIN, WHO_ANONYMOUS, "*"), );
	good(rule(POLICY_ADMIN, WHO_TOKEN, "a"), );
	bad(rule(POLICY_ADMIN, WHO_TOKEN, "a"), r.service[0] = 'a');
}
END_TEST

static void
teardown(void)
{
	policy_clear(&p);
}

int
main(void)
{
	TCase *tc = tcase_create("policy_rule");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_match);
	tcase_add_test(tc, test_cover);
	tcase_add_test(tc, test_linear);
	tcase_add_test(tc, test_pattern_ok);
	tcase_add_test(tc, test_shadow_who);
	tcase_add_test(tc, test_shadow_homes);
	tcase_add_test(tc, test_shadow_parts);
	tcase_add_test(tc, test_shadow_index);
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_wire);
	tcase_add_test(tc, test_wire_bad);
	return (suite_run("policy_rule", tc));
}
