/* SPDX-License-Identifier: ISC */
/* Whose token an HTTP request shows: asked, waited for, believed a while. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

#define ONE	"Bearer one"
#define TWO	"Bearer two"

static unsigned int	 status;

static void
setup(void)
{
	fix_mains();
	fix_rules("allow call from token ci\ndeny call service svc");
}

static void
post(uint64_t id, const char *authorization)
{
	fix_http(id, HTTP_ROUTE_RPC, authorization,
	    "{'jsonrpc':'2.0','method':'svc.get','params':[1],'id':7}");
}

/* What the registry was asked; 0 if nothing. */
static uint64_t
asked(const char *authorization)
{
	struct sent	*s = fix_sent(MSG_CALLER_ASK);
	uint64_t	 id;
	char		 buf[8192];

	if (s == NULL)
		return (0);
	id = get_u64(&s->get);
	get_str(&s->get, buf, sizeof(buf));
	ck_assert_str_eq(buf, authorization);
	get_str(&s->get, buf, sizeof(buf));
	ck_assert_str_eq(buf, "127.0.0.1");
	ck_assert(get_done(&s->get));
	return (id);
}

static bool
answers(uint64_t id, bool known, const char *name)
{
	uint8_t		 buf[512];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, id);
	put_bool(&w, known);
	put_str(&w, name);
	return (fix_tell(PROC_REGISTRY, MSG_CALLER_ANSWER, &w));
}

/* The home gets the call; it is over then. */
static void
placed(void)
{
	const char	*t = fix_text(fix_home);

	ck_has(t, "'server_name':'svc'");
	ck_has(t, "'params':[1],'id':7");
	fix_say(fix_home, "{'type':'response','message_id':'y',"
	    "'correlation_id':'%s','data':{'result':3}}", fix_id_of(t));
}

static void
answered(uint64_t id, unsigned int want, const char *part)
{
	ck_has(fix_answer(id, &status), part);
	ck_assert_uint_eq(status, want);
}

START_TEST(known)
{
	uint64_t	 id;

	post(1, ONE);
	id = asked(ONE);
	ck_assert_uint_ne(id, 0);
	ck_assert_ptr_null(fix_answer(1, &status));
	ck_assert_ptr_null(fix_text(fix_home));
	ck_assert(answers(id, true, "ci"));
	placed();
	answered(1, 200, "'result':3,'id':7");
	/* It is believed for a while. */
	post(2, ONE);
	ck_assert_uint_eq(asked(ONE), 0);
	placed();
	answered(2, 200, "'result':3");
	ck_assert_uint_eq(fix_router->https.n, 0);
	/* But not another's, nor the same in other words. */
	post(3, TWO);
	ck_assert_uint_ne(asked(TWO), 0);
	post(4, "bearer one");
	ck_assert_uint_ne(asked("bearer one"), 0);
}
END_TEST

START_TEST(another_name)
{
	post(1, ONE);
	ck_assert(answers(asked(ONE), true, "other"));
	answered(1, 200, "'code':-32020");
	ck_assert_str_eq(fix_denial()->caller, "token:other");
	post(2, "");
	answered(2, 200, "'code':-32020");
	ck_assert_str_eq(fix_denial()->caller, "anonymous");
	ck_assert_ptr_null(fix_text(fix_home));
}
END_TEST

START_TEST(unknown)
{
	post(1, ONE);
	ck_assert(answers(asked(ONE), false, ""));
	answered(1, 401, "{'error':'unknown token'}");
	ck_assert_ptr_null(fix_text(fix_home));
	/* Nobody's are not remembered. */
	post(2, ONE);
	ck_assert(answers(asked(ONE), false, "ci"));
	answered(2, 401, "unknown token");
	ck_assert_uint_eq(fix_router->stats.strangers, 2);
	fix_http(3, HTTP_ROUTE_REGISTRY, TWO, "");
	ck_assert(answers(asked(TWO), false, ""));
	answered(3, 401, "unknown token");
	ck_assert_ptr_null(fix_sent(MSG_VIEW_REQUEST));
	/* Of the health everybody is told. */
	fix_http(4, HTTP_ROUTE_HEALTH, TWO, "");
	answered(4, 200, "'status':'ok'");
	ck_assert_uint_eq(asked(TWO), 0);
}
END_TEST

START_TEST(not_for_long)
{
	post(1, ONE);
	ck_assert(answers(asked(ONE), true, "ci"));
	placed();
	receiver_later(fix_child, LIMIT_CALLER_MS);
	post(2, ONE);
	ck_assert_uint_ne(asked(ONE), 0);
}
END_TEST

START_TEST(not_after_a_change)
{
	uint64_t	 id;

	post(1, ONE);
	ck_assert(answers(asked(ONE), true, "ci"));
	placed();
	fix_rules("deny call from token ci");
	post(2, ONE);
	id = asked(ONE);
	ck_assert_uint_ne(id, 0);
	ck_assert(answers(id, true, "ci"));
	answered(2, 200, "'code':-32020");
}
END_TEST

START_TEST(not_a_token)
{
	char	 text[LIMIT_AUTHORIZATION + 2];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	/* The registry is told that somebody tries, and no more. */
	post(1, text);
	ck_assert(answers(asked(""), false, ""));
	answered(1, 401, "unknown token");
	text[sizeof(text) - 2] = '\0';
	post(2, text);
	ck_assert_uint_ne(asked(text), 0);
}
END_TEST

/* The registry's word is taken as it is said, or not at all. */
START_TEST(bad_answers)
{
	static const char *const	 names[] = { "", "*", "ci*", "a b",
					    "a@b", "\xc3\xa4" };
	uint64_t			 id;
	size_t				 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		post(1, ONE);
		id = asked(ONE);
		ck_assert_msg(!answers(id, true, names[i]), "%s", names[i]);
		ck_assert_ptr_null(fix_text(fix_home));
		fix_end();
		setup();
	}
	post(1, ONE);
	id = asked(ONE);
	ck_assert(answers(id + 1, true, "ci"));
	ck_assert(answers(0, true, "ci"));
	ck_assert_uint_eq(fix_router->stats.stale, 2);
	ck_assert_ptr_null(fix_text(fix_home));
	ck_assert(answers(id, true, "ci"));
	placed();
	ck_assert(answers(id, true, "ci"));
	ck_assert_uint_eq(fix_router->stats.stale, 3);
	ck_assert_ptr_null(fix_text(fix_home));
}
END_TEST

START_TEST(gone_before)
{
	uint8_t		 buf[8];
	struct wire_put	 w;
	uint64_t	 id;

	post(1, ONE);
	id = asked(ONE);
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, 1);
	ck_assert(fix_tell(PROC_FRONTEND, MSG_HTTP_CANCEL, &w));
	ck_assert_uint_eq(fix_router->https.n, 0);
	/* Its id is another's now, who has another token. */
	post(1, TWO);
	ck_assert(answers(id, true, "ci"));
	ck_assert_ptr_null(fix_text(fix_home));
	ck_assert(answers(asked(TWO), false, ""));
	answered(1, 401, "unknown token");
}
END_TEST

START_TEST(registry_goes)
{
	struct receiver_message	 m = { .from = PROC_REGISTRY,
				    .type = RECEIVER_LOSE_PEER };

	post(1, ONE);
	post(2, TWO);
	(void)receiver_take(fix_child, &m);
	answered(1, 503, "registry");
	answered(2, 503, "registry");
	post(3, ONE);
	answered(3, 503, "registry");
	ck_assert_uint_eq(fix_router->https.n, 0);
}
END_TEST

START_TEST(too_many)
{
	uint64_t	 i;

	fix_router->conf.max_connections = 2 * LIMIT_CALLER_WAITS;
	for (i = 1; i <= LIMIT_CALLER_WAITS; i++) {
		post(i, ONE);
		fix_forget();
	}
	post(i, ONE);
	answered(i, 503, "too many");
	ck_assert_ptr_null(fix_sent(MSG_CALLER_ASK));
	/* Others are not in its way. */
	post(i + 1, "");
	answered(i + 1, 200, "-32020");
}
END_TEST

/* --- views --- */

static uint64_t
view_asked(const char *caller)
{
	struct sent	*s = fix_sent(MSG_VIEW_REQUEST);
	char		 name[LIMIT_TOKEN_NAME + 1];
	uint64_t	 id;

	ck_assert_ptr_nonnull(s);
	id = get_u64(&s->get);
	(void)get_u8(&s->get);
	(void)get_bool(&s->get);
	(void)get_u32(&s->get);
	get_str(&s->get, name, sizeof(name));
	ck_assert(get_done(&s->get));
	ck_assert_str_eq(name, caller);
	return (id);
}

static void
view(uint64_t id, const char *body)
{
	uint8_t		 buf[128];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, id);
	put_u16(&w, 200);
	put_bytes(&w, body, strlen(body));
	ck_assert(fix_tell(PROC_REGISTRY, MSG_VIEW_REPLY, &w));
}

/* Each sees what is his, however they come. */
START_TEST(views)
{
	uint64_t	 id;

	fix_http(1, HTTP_ROUTE_REGISTRY, "", "");
	fix_http(2, HTTP_ROUTE_REGISTRY, ONE, "");
	ck_assert(answers(asked(ONE), true, "ci"));
	fix_http(3, HTTP_ROUTE_REGISTRY, "", "");
	fix_http(4, HTTP_ROUTE_REGISTRY, TWO, "");
	ck_assert(answers(asked(TWO), true, "other"));
	id = view_asked("");
	ck_assert_ptr_null(fix_sent(MSG_VIEW_REQUEST));
	view(id, "[0]");
	answered(1, 200, "[0]");
	answered(3, 200, "[0]");
	ck_assert_ptr_null(fix_answer(2, &status));
	ck_assert_ptr_null(fix_answer(4, &status));
	fix_http(5, HTTP_ROUTE_REGISTRY, ONE, "");
	id = view_asked("ci");
	view(id, "[1]");
	answered(2, 200, "[1]");
	answered(5, 200, "[1]");
	ck_assert_ptr_null(fix_answer(4, &status));
	view(view_asked("other"), "[2]");
	answered(4, 200, "[2]");
	ck_assert_ptr_null(fix_sent(MSG_VIEW_REQUEST));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_caller");

	tcase_add_checked_fixture(tc, setup, fix_end);
	tcase_add_test(tc, known);
	tcase_add_test(tc, another_name);
	tcase_add_test(tc, unknown);
	tcase_add_test(tc, not_for_long);
	tcase_add_test(tc, not_after_a_change);
	tcase_add_test(tc, not_a_token);
	tcase_add_test(tc, bad_answers);
	tcase_add_test(tc, gone_before);
	tcase_add_test(tc, registry_goes);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, views);
	return (suite_run("router_caller", tc));
}
