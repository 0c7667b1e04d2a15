/* SPDX-License-Identifier: ISC */
/* How many requests wait to be told whose token they have, and are known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

#define ONE	"Bearer one"
#define BODY	(1U << 20)	/* bytes */

static unsigned int	 status;

static void
setup(void)
{
	fix_mains();
	fix_rules("allow call from token ci\ndeny call service svc");
	fix_router->conf.max_connections = 2 * LIMIT_CALLER_WAITS;
}

static void
request(uint64_t id, struct span authorization, struct span body)
{
	caller_request(fix_router, id, HTTP_ROUTE_RPC, span_str("127.0.0.1"),
	    authorization, body);
}

/* What the registry was asked, by which token; 0 if nothing. */
static uint64_t
asked(char *token, size_t size)
{
	struct sent	*s = fix_sent(MSG_CALLER_ASK);
	uint64_t	 id;

	if (s == NULL)
		return (0);
	id = get_u64(&s->get);
	get_str(&s->get, token, size);
	ck_assert(!s->get.bad);
	return (id);
}

static uint64_t
is_asked(void)
{
	char		 token[8192];
	uint64_t	 id = asked(token, sizeof(token));

	ck_assert_uint_ne(id, 0);
	ck_assert_str_eq(token, ONE);
	return (id);
}

static void
answers(uint64_t id, bool known, const char *name)
{
	uint8_t		 buf[512];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, id);
	put_bool(&w, known);
	put_str(&w, name);
	ck_assert(fix_tell(PROC_REGISTRY, MSG_CALLER_ANSWER, &w));
}

static void
answered(uint64_t id, unsigned int want, const char *part)
{
	ck_has(fix_answer(id, &status), part);
	ck_assert_uint_eq(status, want);
}

/* Who was answered waits no more. */
START_TEST(waits)
{
	uint64_t	 i, last = 0;

	for (i = 1; i <= LIMIT_CALLER_WAITS; i++) {
		request(i, span_str(ONE), span_str("x"));
		last = is_asked();
		fix_forget();
	}
	request(i, span_str(ONE), span_str("x"));
	answered(i, 503, "too many");
	answers(last, false, "");
	answered(i - 1, 401, "unknown token");
	request(i, span_str(ONE), span_str("x"));
	(void)is_asked();
	request(i + 1, span_str(ONE), span_str("x"));
	answered(i + 1, 503, "too many");
}
END_TEST

/* Nor is its body there any longer. */
START_TEST(bodies)
{
	struct span	 body = { malloc(BODY), BODY };
	uint64_t	 i, last = 0;

	ck_assert_ptr_nonnull(body.p);
	memset((char *)(uintptr_t)body.p, ' ', BODY);
	for (i = 1; i <= LIMIT_CALLER_BYTES / BODY; i++) {
		request(i, span_str(ONE), body);
		last = is_asked();
		fix_forget();
	}
	request(i, span_str(ONE), span_str("x"));
	answered(i, 503, "too many");
	answers(last, false, "");
	answered(i - 1, 401, "unknown token");
	request(i, span_str(ONE), body);
	(void)is_asked();
	request(i + 1, span_str(ONE), span_str("x"));
	answered(i + 1, 503, "too many");
	free((char *)(uintptr_t)body.p);
}
END_TEST

/* A token that is in two is no token: the registry is shown none. */
START_TEST(odd_tokens)
{
	static const char	 text[] = "Bearer one\0two";
	char			 token[64];

	request(1, (struct span){ text, sizeof(text) - 1 }, span_str("x"));
	answers(asked(token, sizeof(token)), false, "");
	ck_assert_str_eq(token, "");
	answered(1, 401, "unknown token");
}
END_TEST

static void
shows(unsigned int n)
{
	char	 text[32];

	snprintf(text, sizeof(text), "Bearer %u", n);
	request(1, span_str(text), span_str("x"));
}

static bool
is_known(unsigned int n)
{
	char		 token[64];
	uint64_t	 id;

	fix_forget();
	shows(n);
	id = asked(token, sizeof(token));
	if (id != 0)
		answers(id, true, "ci");
	answered(1, 200, "-32");
	return (id == 0);
}

/* The one that ends first makes room for another. */
START_TEST(cache)
{
	unsigned int	 n;

	for (n = 0; n < LIMIT_CALLER_CACHE; n++)
		ck_assert(!is_known(n));
	for (n = 0; n < LIMIT_CALLER_CACHE; n++)
		ck_assert(is_known(n));
	ck_assert(!is_known(n));
	ck_assert(is_known(1));
	ck_assert(!is_known(0));
	ck_assert(!is_known(1));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("bounds");

	tcase_add_checked_fixture(tc, setup, fix_end);
	tcase_add_test(tc, waits);
	tcase_add_test(tc, bodies);
	tcase_add_test(tc, odd_tokens);
	tcase_add_test(tc, cache);
	return (suite_run("callers' bounds", tc));
}
