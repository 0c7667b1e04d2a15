/* SPDX-License-Identifier: ISC */

/*
 * Any text as the body of POST /rpc: every call of it is either refused with
 * a code or complete, and no more calls come than were counted.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay-router/jsonrpc.h"
#include "tests/fuzz/must.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct rpc_call *c)
{
	must(c->id.len == 0 || json_valid(c->id.p, c->id.len));
	must(!(c->notification && c->id.len != 0));
	if (c->bad != RPC_NONE) {
		must(c->detail != NULL);
		return;
	}
	must(c->method.len != 0 && c->method.len <= LIMIT_METHOD_NAME);
	must(c->server.len != 0 || c->target.id.len != 0);
	must(c->args.len == 0 || json_valid(c->args.p, c->args.len));
	must(c->timeout_ms >= 0 && c->timeout_ms <= LIMIT_TIMEOUT_MAX_MS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_reader	 r;
	struct rpc_call		 c;
	enum rpc_code		 bad;
	const char		*detail;
	char			*text;
	size_t			 n = 0;

	text = malloc(size == 0 ? 1 : size);
	memcpy(text, data, size);
	if (rpc_open(&r, text, size, &bad, &detail) == RPC_BODY_BAD) {
		must(bad == RPC_E_PARSE || bad == RPC_E_INVALID_REQUEST);
		must((bad == RPC_E_PARSE) == !json_valid(text, size));
	} else {
		while (rpc_next(&r, &c)) {
			check(&c);
			n++;
		}
		must(n == r.count && n <= LIMIT_BATCH);
	}
	free(text);
	return (0);
}
