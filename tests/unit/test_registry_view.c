/* SPDX-License-Identifier: ISC */
/* The registry: views. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_case.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

START_TEST(view_of_a_main)
{
	struct json_object *o;

	fx_home(r, 11, "alice.home", 0);
	registry_seen(r, 11, 0, at(1));
	ck_assert_str_eq(fx_view(r, 200, 5),
	    "{\"node_id\":\"main.example\",\"count\":1,\"services\":[{"
	    "\"service_name\":\"echo\",\"node_address\":{\"type\":\"home\","
	    "\"id\":\"alice.home\",\"main_relay\":\"main.example\"},"
	    "\"methods\":[\"m0\"],\"last_seen\":\"2026-01-02T03:04:05.679Z\","
	    "\"is_healthy\":true,\"version\":\"1.0.0\","
	    "\"scope\":\"local\"}]}");
	fx_home(r, 12, "bob.home", 2);
	o = json_tokener_parse(fx_view(r, 200, 6));
	ck_assert_int_eq(json_object_get_int(json_object_object_get(o,
	    "count")), 2);
	ck_assert_uint_eq(json_object_array_length(json_object_object_get(o,
	    "services")), 2);
	json_object_put(o);
}
END_TEST

START_TEST(view_of_a_home)
{
	struct service s = fx_service("blog", 0);

	fixture_free(r);
	r = fixture_home();
	ck_assert_str_eq(fx_view(r, 200, 0),
	    "{\"node_id\":\"alice.home\",\"count\":0,\"services\":[]}");
	register_list(0, 1, &s, 1);
	fx_settle(r);
	ck_assert_str_eq(fx_view(r, 200, 5),
	    "{\"node_id\":\"alice.home\",\"count\":1,\"services\":[{"
	    "\"service_name\":\"blog\",\"node_address\":{\"type\":\"home\","
	    "\"id\":\"alice.home\"},\"methods\":[],"
	    "\"last_seen\":\"2026-01-02T03:04:05.683Z\",\"is_healthy\":true,"
	    "\"version\":\"1.0.0\",\"scope\":\"local\"}]}");
}
END_TEST

START_TEST(view_follows_at_once)
{
	fx_home(r, 11, "alice.home", 0);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 1), "\"count\":1"));
	fx_close(r, 11, 2);
	fx_settle(r);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 2), "\"count\":0"));
	fx_home(r, 12, "alice.home", 3);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 3), "\"count\":1"));
	registry_router_gone(r, at(4));
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 4), "\"count\":0"));
}
END_TEST

START_TEST(view_of_last_seen_is_a_second_old)
{
	fx_home(r, 11, "alice.home", 0);
	fx_settle(r);
	(void)fx_view(r, 200, 100);
	registry_seen(r, 11, 0, at(322));
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 1099), "05.678Z"));
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 1100), "06.000Z"));
}
END_TEST

START_TEST(view_that_is_not_there)
{
	const unsigned int routes[] = { HTTP_ROUTE_RPC, HTTP_ROUTE_SERVICES,
	    HTTP_ROUTE_HEALTH, HTTP_ROUTE_PEER_ADD, HTTP_ROUTE_PEER_DELETE };

	ck_assert_ptr_nonnull(strstr(fx_get(r, routes[_i], 404, 0),
	    "{\"error\":\"a Main has no such view\"}"));
}
END_TEST

START_TEST(view_that_a_home_has_not)
{
	const unsigned int routes[] = { HTTP_ROUTE_REGISTRY,
	    HTTP_ROUTE_FEDERATION_REGISTRY, HTTP_ROUTE_FEDERATION_PEERS,
	    HTTP_ROUTE_FEDERATION_HEALTH };

	fixture_free(r);
	r = fixture_home();
	ck_assert_ptr_nonnull(strstr(fx_get(r, routes[_i], 404, 0),
	    "{\"error\":\"a home has no such view\"}"));
}
END_TEST

START_TEST(view_that_is_too_large)
{
	struct service list[LIMIT_SERVICES];
	char node[32];
	uint64_t i;
	int k, m;

	for (i = 1; i <= 5; i++) {
		for (k = 0; k < LIMIT_SERVICES; k++) {
			list[k] = fx_service("s", LIMIT_METHODS);
			snprintf(list[k].name, sizeof(list[k].name), "s%d", k);
			for (m = 0; m < LIMIT_METHODS; m++) {
				memset(list[k].methods[m].name, 'x',
				    LIMIT_METHOD_NAME);
				list[k].methods[m].name[0] = (char)('a' +
				    m / 16);
				list[k].methods[m].name[1] = (char)('a' +
				    m % 16);
			}
		}
		snprintf(node, sizeof(node), "h%d", (int)i);
		fx_open(r, i, node, "", "", 0);
		register_list(i, 1, list, LIMIT_SERVICES);
	}
	fx_settle(r);
	ck_assert_int_eq(fx_number(SERVICES), 5 * LIMIT_SERVICES);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 500, 0), "too large"));
	fx_close(r, 1, 1);
	fx_close(r, 2, 1);
	fx_settle(r);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 2), "\"count\":192"));
}
END_TEST

START_TEST(times)
{
	char buf[32];

	registry_rfc3339(T0, buf, sizeof(buf));
	ck_assert_str_eq(buf, "2026-01-02T03:04:05.678Z");
	registry_rfc3339(0, buf, sizeof(buf));
	ck_assert_str_eq(buf, "");
	registry_rfc3339(-1, buf, sizeof(buf));
	ck_assert_str_eq(buf, "");
	registry_rfc3339(INT64_MAX, buf, sizeof(buf));
	ck_assert_uint_lt(strlen(buf), sizeof(buf));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("views");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, view_of_a_main);
	tcase_add_test(tc, view_of_a_home);
	tcase_add_test(tc, view_follows_at_once);
	tcase_add_test(tc, view_of_last_seen_is_a_second_old);
	tcase_add_loop_test(tc, view_that_is_not_there, 0, 5);
	tcase_add_loop_test(tc, view_that_a_home_has_not, 0, 4);
	tcase_add_test(tc, view_that_is_too_large);
	tcase_add_test(tc, times);
	return (suite_run("registry views", tc));
}
