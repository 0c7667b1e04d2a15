/* SPDX-License-Identifier: ISC */
/*
 * Any text as a join string, and any bytes behind its prefix with a sum that is
 * right: what is taken for good is the same when it is written anew.
 */
#include <openssl/evp.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "common/join.h"
#include "common/name.h"
#include "tests/fuzz/must.h"

#define PREFIX	"relay-join-1."

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const char *text)
{
	char again[JOIN_TEXT_MAX];
	struct join j;

	if (join_decode(text, &j) != NULL)
		return;
	must(name_node(span_str(j.node_id)) && name_node(span_str(j.main_id)));
	must(join_encode(&j, again, sizeof(again)));
	must(strcmp(again, text) == 0);
}

/* The same bytes with a sum that is right. */
static void
check_summed(const uint8_t *data, size_t size)
{
	static uint8_t bytes[JOIN_TEXT_MAX];
	static char text[B64URL_SIZE(JOIN_TEXT_MAX) + sizeof(PREFIX)];
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (size > sizeof(bytes) - 4)
		size = sizeof(bytes) - 4;
	memcpy(bytes, data, size);
	must(EVP_Digest(bytes, size, hash, &n, EVP_sha256(), NULL) == 1);
	memcpy(bytes + size, hash, 4);
	memcpy(text, PREFIX, strlen(PREFIX));
	b64url_encode(bytes, size + 4, text + strlen(PREFIX));
	check(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	must(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	check(copy);
	free(copy);
	if (size > 0)
		check_summed(data, size);
	return (0);
}
