/* SPDX-License-Identifier: ISC */
/*
 * JSON-RPC 2.0 as its client speaks it to one service: texts of requests out,
 * texts of answers in.  Pure.
 */
#ifndef BACKEND_JSONRPC_H
#define BACKEND_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

enum rpc_kind {
	RPC_RESULT,	/* id and json, the result */
	RPC_ERROR,	/* id and json, the error object, and its code */
	RPC_FAULTY,	/* an answer to id that breaks the rules; why */
	RPC_UNASKED,	/* the service's own request or notification */
	RPC_GARBAGE	/* nothing that could be understood; why */
};

struct rpc_answer {
	enum rpc_kind	 kind;
	uint64_t	 id;
	struct span	 json;		/* points into the text */
	int32_t		 code;
	const char	*why;		/* static text */
};

/*
 * Judge one text from a service (JSON-RPC 2.0 section 5).  A result may nest
 * one level less than LIMIT_JSON_DEPTH, because a node that passes it on puts
 * it into an envelope.
 */
void	rpc_parse(const void *, size_t, struct rpc_answer *);

/*
 * The text of a request without a line end, in memory the caller frees, and
 * its length.  id 0 makes it a notification.  method is a valid method name,
 * params valid JSON or empty; line ends in it become spaces, so that the text
 * is one line (JSON has no raw line end inside a string).  NULL without memory.
 */
char	*rpc_request(uint64_t, struct span, struct span, size_t *);

#endif
