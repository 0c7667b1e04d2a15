/* SPDX-License-Identifier: ISC */
/* Keepers that are late, wrong or gone, and handshakes that end badly. */
#include <string.h>

#include "tests/unit/keysign_fixture.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

START_TEST(an_answer_that_never_comes)
{
	struct world	*w = world_new("P-256");
	struct pair	 p[3];
	size_t		 i;

	for (i = 0; i < 3; i++) {
		pair_begin(&p[i], w);
	}
	pair_free(&p[1]);
	ck_assert_uint_eq(stats(w).pending, 2);
	ck_assert_uint_eq(stats(w).cancelled, 1);
	/* too late: dropped, and the others go on */
	answer(w, 1);
	ck_assert_uint_eq(stats(w).stale, 1);
	ck_assert_uint_eq(w->resumes, 0);
	answer(w, 2);
	steps(&p[2]);
	check_talk(&p[2]);
	pair_free(&p[2]);
	pair_free(&p[0]);
	ck_assert_uint_eq(stats(w).pending, 0);
	ck_assert_uint_eq(stats(w).cancelled, 2);
	world_free(w);
}
END_TEST

/* The answer is there, but the connection ended before it was entered. */
START_TEST(a_connection_that_ends_with_its_answer)
{
	struct world	*w = world_new("P-256");
	struct pair	 p;

	pair_begin(&p, w);
	answer(w, 0);
	ck_assert(keysign_paused(&p.wait));
	pair_free(&p);
	ck_assert_uint_eq(stats(w).cancelled, 0);
	ck_assert_uint_eq(stats(w).answered, 1);
	world_free(w);
}
END_TEST

START_TEST(nothing_to_abandon)
{
	struct world	*w = world_new("P-256");
	struct pair	 p;

	pair_new(&p, w, true);
	keysign_abandon(w->ks, &p.wait, p.ours);
	ck_assert(!p.failed);
	steps(&p);
	answer(w, 0);
	steps(&p);
	keysign_abandon(w->ks, &p.wait, p.ours);
	check_talk(&p);
	pair_free(&p);
	world_free(w);
}
END_TEST

static void
bad_answer(struct span sig, bool fits, const char *failure, int version)
{
	struct world	*w = world_new("P-256");
	struct pair	 p;

	SSL_CTX_set_max_proto_version(w->client, version);
	pair_begin(&p, w);
	ck_assert(keysign_answer(w->ks, w->asked[0].request, sig) == fits);
	ck_assert_uint_eq(w->resumes, 1);
	steps(&p);
	ck_assert(!SSL_is_init_finished(p.theirs));
	if (failure == NULL) {
		ck_assert_ptr_null(keysign_failure(&p.wait));
		ck_assert_uint_eq(stats(w).answered, 1);
	} else {
		ck_assert(p.failed);
		ck_assert_str_eq(keysign_failure(&p.wait), failure);
		ck_assert_uint_eq(stats(w).refused, 1);
	}
	/* a second answer is nobody's */
	ck_assert(keysign_answer(w->ks, w->asked[0].request, sig));
	ck_assert_uint_eq(stats(w).stale, 1);
	pair_free(&p);
	world_free(w);
}

START_TEST(rubbish_instead_of_a_signature)
{
	static const char	junk[2048];
	int			v;

	for (v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		bad_answer(span_str(""), true, "the keeper refused", v);
		bad_answer((struct span){ junk, 73 }, false,
		    "the keeper refused", v);
		bad_answer((struct span){ junk, sizeof(junk) }, false,
		    "the keeper refused", v);
		/* the client finds out */
		bad_answer((struct span){ junk, 72 }, true, NULL, v);
		bad_answer((struct span){ junk, 1 }, true, NULL, v);
	}
}
END_TEST

START_TEST(answers_nobody_asked_for)
{
	struct world	*w = world_new("P-256");

	ck_assert(keysign_answer(w->ks, 0, span_str("x")));
	ck_assert(keysign_answer(w->ks, 1, span_str("x")));
	ck_assert(keysign_answer(w->ks, UINT64_MAX, span_str("")));
	ck_assert_uint_eq(stats(w).stale, 3);
	ck_assert_uint_eq(w->resumes, 0);
	world_free(w);
}
END_TEST

START_TEST(no_keeper)
{
	struct world	*w = world_new("P-256");
	struct pair	 p;

	w->away = true;
	pair_begin(&p, w);
	ck_assert(p.failed);
	ck_assert_str_eq(keysign_failure(&p.wait), "there is no keeper");
	ck_assert_uint_eq(stats(w).failed, 1);
	ck_assert_uint_eq(stats(w).pending, 0);
	pair_free(&p);
	w->away = false;
	pair_begin(&p, w);
	pair_finish(&p);
	ck_assert_ptr_null(keysign_failure(&p.wait));
	pair_free(&p);
	world_free(w);
}
END_TEST

START_TEST(a_keeper_that_goes_away)
{
	struct world	*w = world_new("P-256");
	struct pair	 p[20];
	size_t		 i;

	for (i = 0; i < 20; i++) {
		pair_begin(&p[i], w);
	}
	w->away = true;
	keysign_fail_all(w->ks);
	ck_assert_uint_eq(w->resumes, 20);
	ck_assert_uint_eq(stats(w).pending, 0);
	ck_assert_uint_eq(stats(w).failed, 20);
	for (i = 0; i < 20; i++) {
		steps(&p[i]);
		ck_assert(p[i].failed);
		ck_assert_str_eq(keysign_failure(&p[i].wait),
		    "the keeper is gone");
		pair_free(&p[i]);
	}
	keysign_fail_all(w->ks);
	ck_assert_uint_eq(w->resumes, 20);
	world_free(w);
}
END_TEST

/* Without a job nothing can wait: refused at once, not for ever. */
START_TEST(outside_of_a_job)
{
	struct world	*w = world_new("P-256");
	struct pair	 p;

	pair_new(&p, w, true);
	SSL_clear_mode(p.ours, SSL_MODE_ASYNC);
	steps(&p);
	ck_assert(p.failed);
	ck_assert_uint_eq(w->n_asked, 0);
	ck_assert_uint_eq(stats(w).odd, 1);
	pair_free(&p);
	world_free(w);
}
END_TEST

START_TEST(clients_that_want_what_is_not_signed)
{
	static const char *const sigalgs[] = {
		"ECDSA+SHA1", "RSA-PSS+SHA256", "ECDSA+SHA224", "DSA+SHA256"
	};
	struct world	*w = world_new("P-256");
	struct pair	 p;
	size_t		 i;

	/* even of a server that would: only the keeper's word counts */
	SSL_CTX_set_security_level(w->server, 0);
	SSL_CTX_set_security_level(w->client, 0);
	ck_assert(SSL_CTX_set1_sigalgs_list(w->server,
	    "ECDSA+SHA1:ECDSA+SHA224:ECDSA+SHA256") == 1);
	SSL_CTX_set_max_proto_version(w->client, TLS1_2_VERSION);
	for (i = 0; i < 4; i++) {
		ck_assert(SSL_CTX_set1_sigalgs_list(w->client,
		    sigalgs[i]) == 1);
		pair_begin(&p, w);
		ck_assert(!SSL_is_init_finished(p.theirs));
		pair_free(&p);
	}
	ck_assert_uint_eq(w->n_asked, 0);
	ck_assert_uint_ge(stats(w).odd, 2);
	world_free(w);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("keysign_faults");

	tcase_add_test(tc, an_answer_that_never_comes);
	tcase_add_test(tc, a_connection_that_ends_with_its_answer);
	tcase_add_test(tc, nothing_to_abandon);
	tcase_add_test(tc, rubbish_instead_of_a_signature);
	tcase_add_test(tc, answers_nobody_asked_for);
	tcase_add_test(tc, no_keeper);
	tcase_add_test(tc, a_keeper_that_goes_away);
	tcase_add_test(tc, outside_of_a_job);
	tcase_add_test(tc, clients_that_want_what_is_not_signed);
	return (suite_run("keysign_faults", tc));
}
