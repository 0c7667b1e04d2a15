/* SPDX-License-Identifier: ISC */
/* The keys that a node has: its own, and those for a Main that it joins. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_prove_fixture.h"
#include "tests/unit/suite.h"

/* The second uplink, which is main.one's, has a key and a one-time secret. */
static void
configure_join(const char *secret)
{
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_KEY, key_conf(1), NULL);
	if (secret != NULL)
		give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_JOIN, "", secret);
	configure();
}

/* It asks; by which method and key it is answered. */
static void
asks(uint64_t conn, enum auth_method method, char key[AUTH_KEY_TEXT])
{
	struct auth_text text;

	ck_assert_ptr_nonnull(prove(NODE_UPLINK, conn, 1, 1, "main.one",
	    ASKED));
	ck_assert_int_eq(shown.method, method);
	text = text_of("main.one", false, shown.key_text);
	ck_assert(auth_verify(shown.key, &text, SIDE_CLIENT,
	    shown.signature));
	strcpy(key, shown.key_text);
}

static void
lets_in(uint64_t session, uint64_t conn)
{
	opened(NODE_UPLINK, session, conn, 1, "main.one",
	    answer("main.one", false, 1));
	is_accepted(session);
}

static void
joined(uint32_t generation)
{
	ck_assert_uint_eq(fx_expect(r, MSG_JOINED, 1)->tag, generation);
	fx_silent(r);
}

static int64_t
identities(const char *where)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM identity WHERE %s",
	    where);
	return (fx_number(sql));
}

struct identities {
	char	text[512];
};

static void
list_identity(void *arg, const char *key, const char *main_id)
{
	struct identities *l = arg;
	size_t at = strlen(l->text);

	snprintf(l->text + at, sizeof(l->text) - at, "%s %s\n", key, main_id);
}

/* The keys that are shown: the node's own, and that of main.one, or NULL. */
static void
are_identities(const char *key)
{
	struct identities l = { "" };
	char want[512];

	snprintf(want, sizeof(want), "ed25519:%s \n%s%s%s",
	    r->trust->public_text, key != NULL ? "ed25519:" : "",
	    key != NULL ? key : "", key != NULL ? " main.one\n" : "");
	registry_each_identity(r, list_identity, &l);
	ck_assert_str_eq(l.text, want);
}

START_TEST(joins)
{
	struct auth_text text;
	char secret[33], key[AUTH_KEY_TEXT], again[AUTH_KEY_TEXT];

	memset(secret, 2, sizeof(secret));
	configure_join(JOIN_TEXT);
	asks(5, AUTH_BY_JOIN, key);
	text = text_of("main.one", false, key);
	ck_assert(auth_verify_mac((struct span){ secret, 32 }, &text,
	    SIDE_JOIN, shown.mac));
	/* It is one for this Main, and kept before anybody hears of it. */
	ck_assert_str_ne(key, r->trust->public_text);
	ck_assert_int_eq(identities("main = 'main.one' AND joining <> ''"), 1);
	are_identities(NULL);
	opened(NODE_UPLINK, 1, 5, 1, "main.one", "");
	is_denied(1, 403);			/* not joined by that */
	are_identities(NULL);
	lets_in(2, 5);
	joined(1);
	ck_assert_int_eq(identities("joining <> ''"), 0);
	are_identities(key);
	/* From now on by that key, also after a start. */
	asks(6, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, key);
	r = fixture_restart(r, 1);
	configure_join(NULL);
	are_identities(key);
	asks(5, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, key);
	/* Whoever is not main.one by the configuration sees the own one. */
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 6, 0, 1, "main.x", ASKED));
	ck_assert_str_eq(shown.key_text, r->trust->public_text);
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 7, 0, 1, "main.one", ASKED));
	ck_assert_str_eq(shown.key_text, r->trust->public_text);
}
END_TEST

/* Which Main that is must be known. */
START_TEST(joins_nobody)
{
	expect_key(1);
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_JOIN, "", JOIN_TEXT);
	configure();
	(void)prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	ck_assert_int_eq(shown.method, AUTH_BY_KEY);
	ck_assert_str_eq(shown.key_text, r->trust->public_text);
}
END_TEST

/* A secret that was used, with the answer lost, locks nobody out. */
START_TEST(joined_before)
{
	char key[AUTH_KEY_TEXT], again[AUTH_KEY_TEXT];

	configure_join(JOIN_TEXT);
	asks(5, AUTH_BY_JOIN, key);
	if (_i % 2 == 1) {		/* killed at once */
		r = fixture_restart(r, 1);
		configure_join(JOIN_TEXT);
		asks(5, AUTH_BY_JOIN, again);
		ck_assert_str_eq(again, key);
	}
	asks(6, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, key);
	asks(7, AUTH_BY_JOIN, again);
	ck_assert_str_eq(again, key);
	asks(8, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, r->trust->public_text);
	if (_i < 2) {
		asks(9, AUTH_BY_JOIN, again);
		asks(10, AUTH_BY_KEY, again);
		ck_assert_str_eq(again, key);
		lets_in(1, 10);
		joined(1);
		are_identities(key);
	} else {
		/* It never was: the key of before is the right one. */
		lets_in(1, 8);
		joined(1);
		are_identities(NULL);
		ck_assert_int_eq(identities("main <> ''"), 0);
	}
}
END_TEST

#define OTHER_JOIN	"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"

START_TEST(joins_again)
{
	char first[AUTH_KEY_TEXT], key[AUTH_KEY_TEXT], again[AUTH_KEY_TEXT];

	configure_join(JOIN_TEXT);
	asks(5, AUTH_BY_JOIN, first);
	lets_in(1, 5);
	joined(1);
	configure_join(OTHER_JOIN);
	asks(6, AUTH_BY_JOIN, key);
	ck_assert_str_ne(key, first);
	ck_assert_str_ne(key, r->trust->public_text);
	are_identities(first);
	if (_i == 0) {
		lets_in(2, 6);
	} else {
		r = fixture_restart(r, 1);
		configure_join(OTHER_JOIN);
		asks(6, AUTH_BY_JOIN, again);
		asks(7, AUTH_BY_KEY, again);
		ck_assert_str_eq(again, key);
		if (_i == 2) {
			asks(8, AUTH_BY_JOIN, again);
			asks(9, AUTH_BY_KEY, again);
			ck_assert_str_eq(again, first);
		}
		lets_in(2, _i == 2 ? 9 : 7);
	}
	joined(1);
	are_identities(_i == 2 ? first : key);
	ck_assert_int_eq(identities("joining <> ''"), 0);
	ck_assert_int_eq(identities("1"), 2);
}
END_TEST

/* A key that is not in the database is shown to nobody. */
START_TEST(join_not_written)
{
	char key[AUTH_KEY_TEXT];
	sqlite3 *lock;

	configure_join(JOIN_TEXT);
	lock = fx_lock();
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 1, 1, "main.one", ASKED));
	fx_unlock(lock);
	ck_assert_int_eq(identities("1"), 1);
	asks(6, AUTH_BY_KEY, key);
	ck_assert_str_eq(key, r->trust->public_text);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, prove_setup, teardown);
	tcase_add_test(tc, joins);
	tcase_add_test(tc, joins_nobody);
	tcase_add_loop_test(tc, joined_before, 0, 4);
	tcase_add_loop_test(tc, joins_again, 0, 3);
	tcase_add_test(tc, join_not_written);
	return (suite_run("identity", tc));
}
