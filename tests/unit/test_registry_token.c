/* SPDX-License-Identifier: ISC */
/* Tokens: of administrators, and of names. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/ctl.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/token.h"
#include "tests/unit/registry_admin_fixture.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

/* --- tokens --- */

START_TEST(tokens)
{
	char a[TOKEN_SIZE], b[TOKEN_SIZE], hash[TOKEN_HASH_SIZE];
	int i;

	for (i = 0; i < 100; i++) {
		token_make(a);
		token_make(b);
		ck_assert_uint_eq(strlen(a), TOKEN_SIZE - 1);
		ck_assert_int_eq(strncmp(a, "rat_", 4), 0);
		ck_assert_uint_eq(strspn(a + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
		ck_assert_str_ne(a, b);
	}
	token_hash(span_str("abc"), hash);	/* FIPS 180-4 */
	ck_assert_str_eq(hash, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
}
END_TEST

static const struct {
	const char	*header, *token;
} headers[] = {
	{ "Bearer x", "x" }, { "bearer x", "x" }, { "BEARER  rat_y", "rat_y" },
	{ "", "" }, { "Bearer", "" }, { "Bearer ", "" }, { "Bearerx", "" },
	{ "Basic x", "" }, { "x", "" }, { " Bearer x", "" },
	{ "Bearer\tx", "" }, { "Relay x", "" },
};

START_TEST(bearer_headers)
{
	ck_assert(span_eq(token_bearer(span_str(headers[_i].header)),
	    span_str(headers[_i].token)));
}
END_TEST

static void
is_refused(const char *authorization)
{
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");

	http(authorization, &q);
	answers(401, "admin rights are needed");
	q.op = PEER_OP_DELETE;
	http(authorization, &q);
	answers(401, "admin rights are needed");
	fx_silent(r);
}

START_TEST(without_admin_rights)
{
	char text[128], hash[TOKEN_HASH_SIZE];

	is_refused("");
	is_refused("Bearer ");
	is_refused("Bearer rat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	is_refused(bearer + strlen("Bearer "));
	snprintf(text, sizeof(text), "Basic %s", bearer + strlen("Bearer "));
	is_refused(text);
	snprintf(text, sizeof(text), "%sx", bearer);
	is_refused(text);
	snprintf(text, sizeof(text), "%.*s", (int)strlen(bearer) - 1, bearer);
	is_refused(text);
	/* What is kept is of no use. */
	token_hash(span_str(bearer + strlen("Bearer ")), hash);
	ck_assert_int_eq(fx_number("SELECT length(hash) FROM token"), 64);
	snprintf(text, sizeof(text), "Bearer %s", hash);
	is_refused(text);
	http_add("ws://127.0.0.1:81", 201, "peer");
}
END_TEST

START_TEST(two_tokens_at_most)
{
	char second[64], third[64];

	make_token(second, sizeof(second));
	make_token(third, sizeof(third));
	is_refused(bearer);
	strcpy(bearer, second);
	http_add("ws://127.0.0.1:81", 201, "peer");
	strcpy(bearer, third);
	http_add("ws://127.0.0.1:82", 201, "peer");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM token"),
	    LIMIT_TOKENS);
	/* They are valid over a restart, and no more once they end. */
	r = fixture_restart(r, 100);
	http_add("ws://127.0.0.1:81", 201, "peer");
	registry_ctl_token(r, 6, CTL_TOKEN_REVOKE, span_str("admin"),
	    at(200));
	ck_assert_uint_eq(fx_expect(r, MSG_CTL_END, 6)->status, CTL_OK);
	is_refused(second);
	is_refused(third);
	make_token(bearer, sizeof(bearer));
	http_add("ws://127.0.0.1:83", 201, "peer");
}
END_TEST

START_TEST(no_token_without_the_database)
{
	sqlite3 *db = fx_lock();
	const struct reply *e;

	registry_ctl_token(r, 6, CTL_TOKEN_CREATE, span_str("admin"), at(1));
	e = fx_expect(r, MSG_CTL_END, 6);
	ck_assert_uint_eq(e->status, CTL_REFUSED);
	ck_assert_ptr_null(strstr(e->body, "rat_"));
	fx_unlock(db);
}
END_TEST

/* --- tokens of names --- */

static void
ctl_token(unsigned int op, const char *name, uint16_t status,
    const char *text)
{
	const struct reply *e;

	registry_ctl_token(r, 6, op, span_str(name), fx_now());
	e = fx_expect(r, MSG_CTL_END, 6);
	ck_assert_msg(e->status == status && strstr(e->body, text) != NULL,
	    "%s: %u %s", name, e->status, e->body);
	fx_silent(r);
}

/* Whose token it is that is shown; NULL: nobody's. */
static void
is_of(const char *authorization, const char *name)
{
	const struct reply *a;

	registry_caller(r, 8, span_str(authorization),
	    span_str("192.0.2.7:7"), fx_now());
	a = fx_expect(r, MSG_CALLER_ANSWER, 8);
	ck_assert(a->known == (name != NULL));
	ck_assert_str_eq(a->node, name == NULL ? "" : name);
}

static const char *const bad_names[] = {
	"", "A", "a b", "a/b", "a:b", "\xc3\xa4", "*", "a\n", "'", "a@b",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

START_TEST(bad_token_names)
{
	ctl_token(CTL_TOKEN_CREATE, bad_names[_i], CTL_REFUSED,
	    "1 to 64 bytes");
	ctl_token(CTL_TOKEN_REVOKE, bad_names[_i], CTL_REFUSED,
	    "1 to 64 bytes");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM token"), 1);
}
END_TEST

START_TEST(callers)
{
	char app[64], second[64], third[64], text[200];

	make_token_of("app-1.x_y", app, sizeof(app));
	is_of(app, "app-1.x_y");
	is_of(bearer, "admin");
	is_of("", NULL);
	is_of("Bearer", NULL);
	is_of("Bearer x", NULL);
	is_of(app + strlen("Bearer "), NULL);
	snprintf(text, sizeof(text), "%sx", app);
	is_of(text, NULL);
	snprintf(text, sizeof(text), "%.*s", (int)strlen(app) - 1, app);
	is_of(text, NULL);
	snprintf(text, sizeof(text), "Relay %s", app + strlen("Bearer "));
	is_of(text, NULL);
	/* Two of a name: the oldest goes, other names are left alone. */
	make_token_of("app-1.x_y", second, sizeof(second));
	is_of(app, "app-1.x_y");
	make_token_of("app-1.x_y", third, sizeof(third));
	is_of(app, NULL);
	is_of(second, "app-1.x_y");
	is_of(bearer, "admin");
	r = fixture_restart(r, 100);
	is_of(third, "app-1.x_y");
	ctl_token(CTL_TOKEN_REVOKE, "app", CTL_NOT_FOUND, "no token");
	ctl_token(CTL_TOKEN_REVOKE, "app-1.x_y", CTL_OK, "");
	ctl_token(CTL_TOKEN_REVOKE, "app-1.x_y", CTL_NOT_FOUND, "no token");
	is_of(second, NULL);
	is_of(third, NULL);
	is_of(bearer, "admin");
}
END_TEST

static void
list_one(void *arg, const char *name, int64_t created_ms)
{
	ck_assert_int_eq(created_ms, T0);
	strlcat(arg, name, 64);
	strlcat(arg, " ", 64);
}

START_TEST(list_of_tokens)
{
	char b[64], text[64] = "";

	make_token_of("b", b, sizeof(b));
	make_token_of("b", b, sizeof(b));
	make_token_of("a", b, sizeof(b));
	ck_assert(registry_each_token(r, list_one, text));
	ck_assert_str_eq(text, "a admin b b ");
	ctl_token(CTL_TOKEN_LIST, "", CTL_OK, "");
}
END_TEST

START_TEST(tokens_are_bounded)
{
	char token[64], name[16];
	int i;

	for (i = 1; i < LIMIT_CALLER_TOKENS; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		make_token_of(name, token, sizeof(token));
	}
	ctl_token(CTL_TOKEN_CREATE, "more", CTL_REFUSED, "as many");
	ctl_token(CTL_TOKEN_CREATE, "t5", CTL_REFUSED, "as many");
	ctl_token(CTL_TOKEN_REVOKE, "t5", CTL_OK, "");
	make_token_of("t6", token, sizeof(token));
	ctl_token(CTL_TOKEN_CREATE, "t7", CTL_REFUSED, "as many");
	/* Another in the place of one there is takes no room. */
	make_token_of("t6", token, sizeof(token));
	is_of(token, "t6");
}
END_TEST

START_TEST(no_admin_rights_by_another_name)
{
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");
	char app[64];

	make_token_of("app", app, sizeof(app));
	http(app, &q);
	answers(403, "no admin rights");
	fx_silent(r);
	q.op = PEER_OP_DELETE;
	http(app, &q);
	answers(403, "no admin rights");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 4 AND subject = 'token:app'"), 2);
	is_refused("Bearer x");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 4 AND subject = 'anonymous' AND object = '192.0.2.7:7' AND detail"
	    " = 'admin rights: no valid token'"), 2);
}
END_TEST

START_TEST(admin_rights_by_policy)
{
	struct policy_rule rule = { .allow = true, .action = POLICY_ADMIN,
	    .who = WHO_TOKEN, .from = "ops*" };
	struct policy rules = { .n = 0 };
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");
	char ops[64];

	make_token_of("ops1", ops, sizeof(ops));
	ck_assert(policy_add(&rules, &rule));
	rule.allow = false;
	rule.who = WHO_ANY;
	strcpy(rule.from, "*");
	ck_assert(policy_add(&rules, &rule));
	registry_configure_policy(r, &rules, fx_now());
	policy_clear(&rules);
	http(bearer, &q);
	answers(403, "no admin rights");
	strcpy(bearer, ops);
	http_add("ws://127.0.0.1:81", 201, "peer");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 9 AND subject = 'token:ops1' AND object ="
	    " 'ws://127.0.0.1:81/ws/peers' AND detail = 'added'"), 1);
	/* No secret of any kind is in the log. */
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE"
	    " instr(subject || object || detail, 'rat_') > 0 OR"
	    " detail IN (SELECT hash FROM token)"), 0);
}
END_TEST

START_TEST(made_and_revoked_is_recorded)
{
	char app[64];

	make_token_of("app", app, sizeof(app));
	ctl_token(CTL_TOKEN_REVOKE, "app", CTL_OK, "");
	ctl_token(CTL_TOKEN_REVOKE, "app", CTL_NOT_FOUND, "");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 10 AND subject = 'control socket' AND object = 'app'"), 2);
}
END_TEST

/* Where from, and never what. */
START_TEST(unknown_tokens_are_recorded)
{
	char app[64];

	make_token_of("app", app, sizeof(app));
	is_of(app, "app");
	is_of("Bearer rat_guessed", NULL);
	is_of("", NULL);
	is_of("Basic eDp5", NULL);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 4 AND subject = 'HTTP request' AND object = '192.0.2.7:7' AND"
	    " detail = 'unknown token'"), 3);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE"
	    " instr(subject || object || detail, 'guessed') > 0"), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tokens");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tokens);
	tcase_add_loop_test(tc, bearer_headers, 0,
	    (int)(sizeof(headers) / sizeof(headers[0])));
	tcase_add_test(tc, without_admin_rights);
	tcase_add_test(tc, two_tokens_at_most);
	tcase_add_test(tc, no_token_without_the_database);
	tcase_add_loop_test(tc, bad_token_names, 0,
	    (int)(sizeof(bad_names) / sizeof(bad_names[0])));
	tcase_add_test(tc, callers);
	tcase_add_test(tc, list_of_tokens);
	tcase_add_test(tc, tokens_are_bounded);
	tcase_add_test(tc, no_admin_rights_by_another_name);
	tcase_add_test(tc, admin_rights_by_policy);
	tcase_add_test(tc, made_and_revoked_is_recorded);
	tcase_add_test(tc, unknown_tokens_are_recorded);
	return (suite_run("registry tokens", tc));
}
