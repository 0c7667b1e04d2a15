/* SPDX-License-Identifier: ISC */

/*
 * Registrations: which services are taken, and by which rule others are not.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-router/registration.h"
#include "tests/unit/suite.h"

static struct registration	 reg;

static bool
parse(const char *s)
{
	registration_free(&reg);
	return (registration_parse(&reg, span_str(s)));
}

START_TEST(names_and_objects)
{
	ck_assert(parse("[\"blog_service\",{\"service_name\":\"chat\","
	    "\"version\":\"1.2.3\",\"methods\":[\"say\",{\"name\":\"get\","
	    "\"idempotent\":true,\"timeout\":1.5}],\"weight\":5,"
	    "\"max_concurrency\":7,\"labels\":{\"region\":\"eu\"},"
	    "\"visibility\":\"main\",\"unknown\":[1]}]"));
	ck_assert_uint_eq(reg.n, 2);
	ck_assert_uint_eq(reg.rejected.len, 0);
	ck_assert_str_eq(reg.services[0].name, "blog_service");
	ck_assert_str_eq(reg.services[0].version, "0.0.0");
	ck_assert_uint_eq(reg.services[0].weight, 1);
	ck_assert_int_eq(reg.services[0].visibility, VISIBILITY_FEDERATION);
	ck_assert(reg.services[0].healthy);
	ck_assert_str_eq(reg.services[1].name, "chat");
	ck_assert_str_eq(reg.services[1].version, "1.2.3");
	ck_assert_uint_eq(reg.services[1].n_methods, 2);
	ck_assert_str_eq(reg.services[1].methods[0].name, "say");
	ck_assert(!reg.services[1].methods[0].idempotent);
	ck_assert(reg.services[1].methods[1].idempotent);
	ck_assert_uint_eq(reg.services[1].methods[1].timeout_ms, 1500);
	ck_assert_uint_eq(reg.services[1].weight, 5);
	ck_assert_uint_eq(reg.services[1].max_concurrency, 7);
	ck_assert_str_eq(reg.services[1].labels[0].value, "eu");
	ck_assert_int_eq(reg.services[1].visibility, VISIBILITY_MAIN);
}
END_TEST

/* Go writes zero values; they mean what is absent. */
START_TEST(zero_values)
{
	ck_assert(parse("[{\"service_name\":\"x\",\"version\":\"\","
	    "\"methods\":null,\"weight\":0,\"max_concurrency\":0,"
	    "\"labels\":null,\"visibility\":\"\",\"node_address\":{}}]"));
	ck_assert_uint_eq(reg.n, 1);
	ck_assert_str_eq(reg.services[0].version, "0.0.0");
	ck_assert_uint_eq(reg.services[0].weight, 1);
	ck_assert(parse(""));
	ck_assert_uint_eq(reg.n, 0);
	ck_assert(parse("null"));
	ck_assert(parse("[]"));
}
END_TEST

START_TEST(no_list)
{
	static const char *const bad[] = { "{}", "\"x\"", "1", "true" };
	size_t			 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!parse(bad[i]), "%s", bad[i]);
}
END_TEST

static const struct {
	const char	*text;
	const char	*rule;		/* how it begins */
} bad[] = {
	{ "1", "service:" }, { "null", "service:" }, { "[]", "service:" },
	{ "\"\"", "service_name:" }, { "\"a b\"", "service_name:" },
	{ "\"a/b\"", "service_name:" }, { "\"a\\u0000b\"", "service_name:" },
	{ "\"\\u00e9\"", "service_name:" }, { "{}", "service_name:" },
	{ "{\"service_name\":1}", "service_name:" },
	{ "{\"service_name\":null}", "service_name:" },
	{ "{\"service_name\":\"x\",\"version\":1}", "version:" },
	{ "{\"service_name\":\"x\",\"version\":\"1.0\"}", "version:" },
	{ "{\"service_name\":\"x\",\"version\":\"v1.0.0\"}", "version:" },
	{ "{\"service_name\":\"x\",\"methods\":\"m\"}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":{}}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[1]}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[\"\"]}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[\"ok\",\"a b\"]}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[{}]}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[{\"name\":\"m\","
	    "\"timeout\":-1}]}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[{\"name\":\"m\","
	    "\"timeout\":1e9}]}", "methods:" },
	{ "{\"service_name\":\"x\",\"weight\":-1}", "weight:" },
	{ "{\"service_name\":\"x\",\"weight\":1001}", "weight:" },
	{ "{\"service_name\":\"x\",\"weight\":1.5}", "weight:" },
	{ "{\"service_name\":\"x\",\"weight\":\"1\"}", "weight:" },
	{ "{\"service_name\":\"x\",\"max_concurrency\":65536}",
	    "max_concurrency:" },
	{ "{\"service_name\":\"x\",\"max_concurrency\":-1}",
	    "max_concurrency:" },
	{ "{\"service_name\":\"x\",\"labels\":[]}", "labels:" },
	{ "{\"service_name\":\"x\",\"labels\":{\"a\":1}}", "labels:" },
	{ "{\"service_name\":\"x\",\"labels\":{\"a\":null}}", "labels:" },
	{ "{\"service_name\":\"x\",\"labels\":{\"a\":\"\\n\"}}", "labels:" },
	{ "{\"service_name\":\"x\",\"labels\":{\"a\\u0000\":\"\"}}", "labels:" },
	{ "{\"service_name\":\"x\",\"labels\":{\"a\":\"1\","
	    "\"a\":\"2\"}}", "service:" },
	{ "{\"service_name\":\"x\",\"weight\":1,\"weight\":2}", "service:" },
	{ "{\"service_name\":\"x\",\"methods\":[{\"name\":\"m\","
	    "\"idempotent\":\"yes\"}]}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[{\"name\":\"m\","
	    "\"timeout\":\"1\"}]}", "methods:" },
	{ "{\"service_name\":\"x\",\"methods\":[{\"name\":\"m\","
	    "\"timeout\":300.1}]}", "methods:" },
	{ "{\"service_name\":\"x\",\"visibility\":\"all\"}", "visibility:" },
	{ "{\"service_name\":\"x\",\"visibility\":1}", "visibility:" },
};

/* One that breaks a rule is named with it, and the others stay. */
START_TEST(rejected)
{
	char	 buf[512], want[64];

	snprintf(buf, sizeof(buf), "[\"good\",%s,\"fine\"]", bad[_i].text);
	ck_assert(parse(buf));
	ck_assert_msg(reg.n == 2, "%s", bad[_i].text);
	snprintf(want, sizeof(want), "\"rule\":\"%s", bad[_i].rule);
	ck_assert_ptr_nonnull(memmem(reg.rejected.p, reg.rejected.len, want,
	    strlen(want)));
}
END_TEST

START_TEST(limits)
{
	char	 buf[16 * (LIMIT_SERVICES + 2)];
	size_t	 len = 0;
	int	 i;

	buf[len++] = '[';
	for (i = 0; i <= LIMIT_SERVICES; i++)
		len += (size_t)snprintf(buf + len, sizeof(buf) - len,
		    "%s\"s%d\"", i == 0 ? "" : ",", i);
	buf[len++] = ']';
	buf[len] = '\0';
	ck_assert(parse(buf));
	ck_assert_uint_eq(reg.n, LIMIT_SERVICES);
	ck_assert_ptr_nonnull(memmem(reg.rejected.p, reg.rejected.len,
	    "\"service_name\":\"s64\"", 20));
}
END_TEST

static bool
with_methods(int n)
{
	static char	 buf[8 * (LIMIT_METHODS + 8) + 64];
	size_t		 len;
	int		 i;

	len = (size_t)snprintf(buf, sizeof(buf),
	    "[{\"service_name\":\"x\",\"methods\":[");
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(buf + len, sizeof(buf) - len,
		    "%s\"m%d\"", i == 0 ? "" : ",", i);
	snprintf(buf + len, sizeof(buf) - len, "]}]");
	ck_assert(parse(buf));
	return (reg.n == 1);
}

START_TEST(method_limit)
{
	ck_assert(with_methods(LIMIT_METHODS));
	ck_assert(!with_methods(LIMIT_METHODS + 1));
}
END_TEST

/* What is sent to a Main is what a Main reads. */
/* What nobody needs is not turned into a tree. */
START_TEST(too_many)
{
	char	 buf[4 * LIMIT_SERVICES * 5 + 16];
	size_t	 i, n = 0;

	for (i = 0; i < 4 * LIMIT_SERVICES; i++)
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s\"a\"",
		    i == 0 ? "[" : ",");
	snprintf(buf + n, sizeof(buf) - n, "]");
	ck_assert(parse(buf));
	ck_assert_uint_eq(reg.n, LIMIT_SERVICES);
	snprintf(buf + n, sizeof(buf) - n, ",\"a\"]");
	ck_assert(!parse(buf));
}
END_TEST

START_TEST(too_long)
{
	static char	 buf[131072 + 32];
	const size_t	 end = 131072 + 1;

	memset(buf, ' ', sizeof(buf));
	memcpy(buf, "[{", 2);
	memcpy(buf + 40, "\"service_name\":\"x\"", 18);
	memcpy(buf + end - 1, "}]", 3);
	ck_assert(parse(buf));
	ck_assert_uint_eq(reg.n, 1);
	memcpy(buf + end - 1, " }]", 4);
	ck_assert(parse(buf));
	ck_assert_uint_eq(reg.n, 0);
	ck_assert(strstr(reg.rejected.p, "at most 131072 bytes") != NULL);
}
END_TEST

START_TEST(round_trip)
{
	struct text	 t = { 0 };

	ck_assert(parse("[{\"service_name\":\"chat\",\"version\":\"1.2.3-a+b\","
	    "\"methods\":[{\"name\":\"get\",\"idempotent\":true,"
	    "\"timeout\":2}],\"weight\":5,\"max_concurrency\":7,"
	    "\"labels\":{\"q\\\"\":\"\\u00e9\"},\"visibility\":\"main\"}]"));
	ck_assert_uint_eq(reg.n, 1);
	text_lit(&t, "[");
	registration_put(&t, &reg.services[0]);
	text_lit(&t, "]");
	text_put(&t, "", 1);
	ck_assert(parse(t.p));
	ck_assert_uint_eq(reg.n, 1);
	ck_assert_str_eq(reg.services[0].version, "1.2.3-a+b");
	ck_assert_uint_eq(reg.services[0].methods[0].timeout_ms, 2000);
	ck_assert_str_eq(reg.services[0].labels[0].key, "q\"");
	ck_assert_str_eq(reg.services[0].labels[0].value, "\xc3\xa9");
	ck_assert_int_eq(reg.services[0].visibility, VISIBILITY_MAIN);
	text_free(&t);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("registration");

	tcase_add_test(tc, names_and_objects);
	tcase_add_test(tc, zero_values);
	tcase_add_test(tc, no_list);
	tcase_add_loop_test(tc, rejected, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tc, limits);
	tcase_add_test(tc, method_limit);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, round_trip);
	return (suite_run("registration", tc));
}
