/* SPDX-License-Identifier: ISC */
/*
 * Key management of our provider: RSA, EC and ED25519 keys whose private part
 * is elsewhere.  All that is public is answered by a key of OpenSSL's own
 * provider; nothing private is ever handed out, so that OpenSSL, which first
 * tries to sign by its own means, comes to keysign_signature.c.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <stdlib.h>
#include <string.h>

#include "relayd/frontend/keysign_impl.h"

static void *
key_new(void *provctx)
{
	(void)provctx;
	return (calloc(1, sizeof(struct keysign_key)));
}

static void
key_free(void *keydata)
{
	struct keysign_key *key = keydata;

	if (key == NULL)
		return;
	EVP_PKEY_free(key->pub);
	free(key);
}

/* There is a private part, only not here. */
static int
key_has(const void *keydata, int selection)
{
	const struct keysign_key *key = keydata;

	(void)selection;
	return (key != NULL && key->pub != NULL);
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct keysign_key *x = a, *y = b;

	(void)selection;
	return (x->pub != NULL && y->pub != NULL &&
	    EVP_PKEY_eq(x->pub, y->pub) == 1);
}

/* From keysign_key() only: other keys have no keeper. */
static int
key_import(void *keydata, int selection, const OSSL_PARAM params[])
{
	struct keysign_key *key = keydata;
	const OSSL_PARAM *p;
	const void *from;
	size_t len;

	(void)selection;
	if ((p = OSSL_PARAM_locate_const(params, KEYSIGN_PARAM)) == NULL ||
	    OSSL_PARAM_get_octet_ptr(p, &from, &len) != 1 ||
	    len != sizeof(*key) || key->pub != NULL)
		return (0);
	memcpy(key, from, sizeof(*key));
	return (EVP_PKEY_up_ref(key->pub));
}

static const OSSL_PARAM *
import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_ptr(KEYSIGN_PARAM, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return (types);
}

static int
key_export(void *keydata, int selection, OSSL_CALLBACK *cb, void *arg)
{
	struct keysign_key *key = keydata;
	OSSL_PARAM *params;
	int r;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
	    EVP_PKEY_todata(key->pub, selection, &params) != 1)
		return (0);
	r = cb(params, arg);
	OSSL_PARAM_free(params);
	return (r);
}

/* What may be asked for. */
static const OSSL_PARAM public_params[] = {
	OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	OSSL_PARAM_END
};

static const OSSL_PARAM *
export_types(int selection)
{
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return (NULL);
	return (public_params);
}

static int
key_get_params(void *keydata, OSSL_PARAM params[])
{
	const struct keysign_key *key = keydata;

	return (EVP_PKEY_get_params(key->pub, params));
}

static const OSSL_PARAM *
gettable_params(void *provctx)
{
	(void)provctx;
	return (public_params);
}

static const char *
ec_operation_name(int operation)
{
	return (operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL);
}

#define FN(id, f)	{ OSSL_FUNC_KEYMGMT_##id, (void (*)(void))(f) }
#define KEY_FUNCTIONS							\
	FN(NEW, key_new),						\
	FN(FREE, key_free),						\
	FN(HAS, key_has),						\
	FN(MATCH, key_match),						\
	FN(IMPORT, key_import),						\
	FN(IMPORT_TYPES, import_types),					\
	FN(EXPORT, key_export),						\
	FN(EXPORT_TYPES, export_types),					\
	FN(GET_PARAMS, key_get_params),					\
	FN(GETTABLE_PARAMS, gettable_params)

static const OSSL_DISPATCH key_functions[] = {
	KEY_FUNCTIONS,
	{ 0, NULL }
};

static const OSSL_DISPATCH ec_functions[] = {
	KEY_FUNCTIONS,
	FN(QUERY_OPERATION_NAME, ec_operation_name),
	{ 0, NULL }
};

const OSSL_ALGORITHM keysign_keymgmt[] = {
	{ "RSA", KEYSIGN_PROPERTY, key_functions, "RSA at the keeper" },
	{ "EC", KEYSIGN_PROPERTY, ec_functions, "EC at the keeper" },
	{ "ED25519", KEYSIGN_PROPERTY, key_functions, "Ed25519 at the keeper" },
	{ NULL, NULL, NULL, NULL }
};
