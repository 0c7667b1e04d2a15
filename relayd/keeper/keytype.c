/* SPDX-License-Identifier: ISC */
/* See keytype.h. */
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/keeper/keytype.h"

static const struct {
	const char	*group;		/* as OpenSSL calls it */
	enum key_type	 type;
} curves[] = {
	{ "prime256v1", KEY_P256 },
	{ "secp384r1", KEY_P384 },
	{ "secp521r1", KEY_P521 },
};

static bool
rsa_type(const EVP_PKEY *pkey, enum key_type *type, char *why, size_t size)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (bits < LIMIT_RSA_BITS_MIN || bits > LIMIT_RSA_BITS_MAX) {
		snprintf(why, size, "RSA of %d bits: %d to %d are needed",
		    bits, LIMIT_RSA_BITS_MIN, LIMIT_RSA_BITS_MAX);
		return (false);
	}
	*type = KEY_RSA;
	return (true);
}

static bool
ec_type(const EVP_PKEY *pkey, enum key_type *type, char *why, size_t size)
{
	char group[64];
	size_t i;

	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
		strcpy(group, "a curve without a name");
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(group, curves[i].group) == 0) {
			*type = curves[i].type;
			return (true);
		}
	}
	snprintf(why, size, "EC on %s: it must be P-256, P-384 or P-521",
	    group);
	return (false);
}

bool
keytype_of(const EVP_PKEY *pkey, enum key_type *type, char *why, size_t size)
{
	const char *name;

	if (EVP_PKEY_is_a(pkey, "RSA"))
		return (rsa_type(pkey, type, why, size));
	if (EVP_PKEY_is_a(pkey, "EC"))
		return (ec_type(pkey, type, why, size));
	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		*type = KEY_ED25519;
		return (true);
	}
	name = EVP_PKEY_get0_type_name(pkey);
	snprintf(why, size, "of type %s: it must be RSA, EC or Ed25519",
	    name == NULL ? "unknown" : name);
	return (false);
}

const char *
keytype_name(enum key_type type)
{
	static const char *const names[KEY_TYPE_MAX] = {
		[KEY_RSA] = "rsa",
		[KEY_P256] = "ecdsa-p256",
		[KEY_P384] = "ecdsa-p384",
		[KEY_P521] = "ecdsa-p521",
		[KEY_ED25519] = "ed25519",
	};

	return (type < KEY_TYPE_MAX ? names[type] : "unknown");
}
