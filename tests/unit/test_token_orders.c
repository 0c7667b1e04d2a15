/* SPDX-License-Identifier: ISC */
/* What is written when tokens are made and revoked, and how they are named. */
#include <stdio.h>
#include <string.h>

#include "relay-registry/audit.h"
#include "relay-registry/registry_impl.h"
#include "tests/unit/registry_admin_fixture.h"
#include "tests/unit/suite.h"

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))

static void
ends(enum ctl_status status)
{
	ck_assert_uint_eq(fx_expect(r, MSG_CTL_END, 9)->status, status);
}

static void
order(unsigned int op, const char *name, enum ctl_status status)
{
	registry_ctl_token(r, 9, op, span_str(name), fx_now());
	/* What is revoked by it stays so. */
	ck_assert_int_eq(r->sync, status == CTL_OK);
	ends(status);
}

static int64_t
written(const char *what)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE event = "
	    "%d AND subject = '" AUDIT_BY_CONTROL "' AND object = 'ops' AND "
	    "detail = '%s'", AUDIT_TOKEN, what);
	return (fx_number(sql));
}

START_TEST(is_written)
{
	int i;

	for (i = 0; i < LIMIT_TOKENS; i++)
		order(CTL_TOKEN_CREATE, "ops", CTL_OK);
	ck_assert_int_eq(written("created"), LIMIT_TOKENS);
	order(CTL_TOKEN_CREATE, "ops", CTL_OK);
	ck_assert_int_eq(written("created"), LIMIT_TOKENS);
	ck_assert_int_eq(written("created, the oldest of its name revoked"),
	    1);
	order(CTL_TOKEN_REVOKE, "ops", CTL_OK);
	ck_assert_int_eq(written("revoked"), 1);
	order(CTL_TOKEN_REVOKE, "ops", CTL_NOT_FOUND);
	ck_assert_int_eq(written("revoked"), 1);
}
END_TEST

static const struct {
	const char	*name;
	bool		 good;
} names[] = {
	{ "az09_.-", true },
	{ "a{", false }, { "a`", false }, { "a/", false }, { "a:", false },
	{ "A", false }, { "a*", false }, { "a,", false }, { "", false },
	{ "\x80", false },
};

START_TEST(token_names)
{
	order(CTL_TOKEN_CREATE, names[_i].name, names[_i].good ? CTL_OK :
	    CTL_REFUSED);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("token orders");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_written);
	tcase_add_loop_test(tc, token_names, 0, N(names));
	return (suite_run("token orders", tc));
}
