/* SPDX-License-Identifier: ISC */
/* The keys of configurations: what belongs together, and what is signed. */
#include <string.h>

#include "relayd/keeper/content.h"
#include "relayd/keeper/keyset.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

static char	why[1024];

static void
add(struct keyset *set, uint32_t index, bool server, const struct keypair *key,
    const struct keypair *cert)
{
	ck_assert(keyset_key(set, index, &key->key_pem, NULL, "/k.pem"));
	ck_assert(keyset_certificate(set, index, server, &cert->cert_pem,
	    NULL, "/c.pem"));
}

static void
commit(struct keyset *set, uint32_t generation, const struct keypair *p)
{
	keyset_begin(set, generation);
	if (p != NULL)
		add(set, 0, true, p, p);
	ck_assert_msg(keyset_end(set, why, sizeof(why)), "%s", why);
	keyset_commit(set);
}

static enum keyset_verdict
ask(struct keyset *set, uint32_t generation, uint32_t index)
{
	static struct keyset_answer	a;
	char				buf[CONTENT_MAX];

	keyset_sign(set, generation, index, SCHEME_ED25519,
	    fixture_tls13(buf, true, 32), &a);
	ck_assert((a.len > 0) == (a.verdict == KEYSET_SIGNED));
	ck_assert((a.why == NULL) == (a.verdict == KEYSET_SIGNED));
	return (a.verdict);
}

START_TEST(generations)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct keypair	p = keypair_new("ED25519");

	ck_assert_int_eq(ask(&set, 0, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_STALE);
	commit(&set, 1, &p);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_SIGNED);
	ck_assert_int_eq(ask(&set, 1, 1), KEYSET_OFFENCE);
	ck_assert_int_eq(ask(&set, 1, LIMIT_KEYS), KEYSET_OFFENCE);
	ck_assert_int_eq(ask(&set, 1, UINT32_MAX), KEYSET_OFFENCE);
	ck_assert_int_eq(ask(&set, 0, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 2, 0), KEYSET_STALE);
	commit(&set, 2, &p);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_SIGNED);
	ck_assert_int_eq(ask(&set, 2, 0), KEYSET_SIGNED);
	/* what was collected is not there before it was checked ... */
	keyset_begin(&set, 3);
	add(&set, 0, true, &p, &p);
	ck_assert_int_eq(ask(&set, 3, 0), KEYSET_STALE);
	ck_assert(keyset_end(&set, why, sizeof(why)));
	/* ... and then the front-end may be ahead */
	ck_assert_int_eq(ask(&set, 3, 0), KEYSET_SIGNED);
	keyset_abort(&set);
	ck_assert_int_eq(ask(&set, 3, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_SIGNED);
	/* a configuration without keys */
	commit(&set, 4, NULL);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 2, 0), KEYSET_SIGNED);
	ck_assert_int_eq(ask(&set, 4, 0), KEYSET_OFFENCE);
	keyset_free(&set);
	keypair_free(&p);
}
END_TEST

START_TEST(counters_go_on_with_the_file)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct keypair	p = keypair_new("ED25519");
	const struct keyslot *slot;

	commit(&set, 1, &p);
	ask(&set, 1, 0);
	ask(&set, 1, 0);
	commit(&set, 2, &p);
	ask(&set, 2, 0);
	slot = &set.cur->slots[0];
	ck_assert_uint_eq(slot->signatures, 3);
	ck_assert_uint_eq(slot->refused, 0);
	/* another file */
	keyset_begin(&set, 3);
	ck_assert(keyset_key(&set, 0, &p.key_pem, NULL, "/other.pem"));
	ck_assert(keyset_certificate(&set, 0, true, &p.cert_pem, NULL,
	    "/c.pem"));
	ck_assert(keyset_end(&set, why, sizeof(why)));
	keyset_commit(&set);
	ck_assert_uint_eq(set.cur->slots[0].signatures, 0);
	keyset_free(&set);
	keypair_free(&p);
}
END_TEST

static void
reject(struct keyset *set, const char *text)
{
	why[0] = '\0';
	ck_assert(!keyset_end(set, why, sizeof(why)));
	ck_assert_str_eq(why, text);
	ck_assert_int_eq(ask(set, 7, 0), KEYSET_STALE);
	keyset_abort(set);
}

START_TEST(configurations_that_are_rejected)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct keypair	p = keypair_new("ED25519"), q = keypair_new("ED25519");
	struct span	junk = span_str("junk");

	keyset_begin(&set, 7);
	add(&set, 0, true, &p, &p);
	add(&set, 3, true, &p, &q);
	reject(&set, "tls key /k.pem: does not belong to /c.pem");
	keyset_begin(&set, 7);
	keyset_key(&set, 0, &p.key_pem, NULL, "/k.pem");
	reject(&set, "tls key /k.pem: has no certificate");
	keyset_begin(&set, 7);
	keyset_certificate(&set, 63, true, &p.cert_pem, NULL, "/c.pem");
	reject(&set, "tls certificate /c.pem: has no key");
	keyset_begin(&set, 7);
	keyset_key(&set, 0, NULL, "is empty", "/k.pem");
	keyset_certificate(&set, 0, true, NULL, "is empty", "/c.pem");
	reject(&set, "tls key /k.pem: is empty");
	keyset_begin(&set, 7);
	keyset_certificate(&set, 0, true, NULL, "is empty", "/c.pem");
	reject(&set, "tls certificate /c.pem: is empty");
	keyset_begin(&set, 7);
	keyset_certificate(&set, 0, true, &junk, NULL, "/c.pem");
	keyset_key(&set, 0, &junk, NULL, "/k.pem");
	reject(&set, "tls certificate /c.pem: has no certificate that can be "
	    "read");
	commit(&set, 8, &p);
	keyset_free(&set);
	keypair_free(&p);
	keypair_free(&q);
}
END_TEST

START_TEST(messages_out_of_order)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct keypair	p = keypair_new("ED25519");

	ck_assert(!keyset_key(&set, 0, &p.key_pem, NULL, "/k"));
	ck_assert(!keyset_certificate(&set, 0, true, &p.cert_pem, NULL, "/c"));
	keyset_begin(&set, 1);
	ck_assert(!keyset_key(&set, LIMIT_KEYS, &p.key_pem, NULL, "/k"));
	ck_assert(!keyset_certificate(&set, LIMIT_KEYS, true, &p.cert_pem,
	    NULL, "/c"));
	/* in either order, each once */
	ck_assert(keyset_certificate(&set, 0, true, &p.cert_pem, NULL, "/c"));
	ck_assert(!keyset_certificate(&set, 0, true, &p.cert_pem, NULL, "/c"));
	ck_assert(keyset_key(&set, 0, &p.key_pem, NULL, "/k"));
	ck_assert(!keyset_key(&set, 0, &p.key_pem, NULL, "/k"));
	ck_assert(keyset_end(&set, why, sizeof(why)));
	ck_assert(!keyset_key(&set, 1, &p.key_pem, NULL, "/k"));
	keyset_free(&set);
	keypair_free(&p);
}
END_TEST

START_TEST(offences)
{
	static struct keyset_answer a;
	struct keyset	set = { NULL, NULL, NULL };
	struct keypair	p = keypair_new("P-256");
	char		buf[CONTENT_MAX];

	keyset_begin(&set, 1);
	add(&set, 0, true, &p, &p);
	add(&set, 1, false, &p, &p);
	ck_assert(keyset_end(&set, why, sizeof(why)));
	keyset_commit(&set);
	keyset_sign(&set, 1, 0, SCHEME_ECDSA_SHA256, span_str("Hi"), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	keyset_sign(&set, 1, 0, SCHEME_RSA_PSS_SHA256,
	    fixture_tls13(buf, true, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	/* each side only its own */
	keyset_sign(&set, 1, 0, SCHEME_ECDSA_SHA256,
	    fixture_tls13(buf, false, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	keyset_sign(&set, 1, 1, SCHEME_ECDSA_SHA256,
	    fixture_tls13(buf, true, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	keyset_sign(&set, 1, 1, SCHEME_ECDSA_SHA256,
	    fixture_tls12(buf, 29, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	ck_assert_uint_eq(set.cur->slots[0].refused, 3);
	ck_assert_uint_eq(set.cur->slots[1].refused, 2);
	ck_assert_uint_eq(a.len, 0);
	keyset_sign(&set, 1, 1, SCHEME_ECDSA_SHA256,
	    fixture_tls13(buf, false, 48), &a);
	ck_assert_int_eq(a.verdict, KEYSET_SIGNED);
	ck_assert_uint_eq(set.cur->slots[1].signatures, 1);
	keyset_free(&set);
	keypair_free(&p);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("keeper keyset");

	tcase_add_test(tc, generations);
	tcase_add_test(tc, counters_go_on_with_the_file);
	tcase_add_test(tc, configurations_that_are_rejected);
	tcase_add_test(tc, messages_out_of_order);
	tcase_add_test(tc, offences);
	return (suite_run("keeper keyset", tc));
}
