/* SPDX-License-Identifier: ISC */

/*
 * The errors of PROTOCOL.md section 6 and how they are written.
 */

#ifndef RELAY_ROUTER_RPC_ERROR_H
#define RELAY_ROUTER_RPC_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire.h"
#include "relay-router/text.h"

enum rpc_code {
	RPC_NONE = 0,
#define RPC_ERROR(name, code, reason, text, executed, retryable)	\
	RPC_E_##name = (code),
#include "relay-router/rpc_errors.def"
#undef RPC_ERROR
};

/* How far the call got; the numbers are those of BACKEND_RESULT. */
enum executed {
	EXECUTED_NO = 0,
	EXECUTED_MAYBE,
	EXECUTED_YES,
	EXECUTED_DEFAULT,	/* what the table says */
};

enum stage {
	STAGE_INGRESS,
	STAGE_QUEUE,
	STAGE_PEER_LINK,
	STAGE_HOME_LINK,
	STAGE_BACKEND,
};

/* One failure, before it is written. */
struct rpc_error {
	enum rpc_code	 code;
	enum stage	 stage;
	enum executed	 executed;
	uint32_t	 retry_after_ms;	/* 0: no hint */
	const char	*detail;		/* for people, or NULL */
};

#define RPC_RETRY_MS	1000	/* hint to those we are too busy for */

/*
 * An error with the defaults of the table; what passes by itself (OVERLOADED,
 * DRAINING) hints at RPC_RETRY_MS.
 */
struct rpc_error rpc_error(enum rpc_code, enum stage, const char *);
/* The same into *err, for those who refuse: returns false. */
bool		 rpc_refuse(struct rpc_error *, enum rpc_code, enum stage,
		    const char *);

/* The code's reason ("node_offline"), or "unknown" for other codes. */
const char	*rpc_error_reason(enum rpc_code);

/*
 * Appends the members reason, stage, node, executed, retryable and
 * retry_after_ms, without braces.  node is the id of the node that fails.
 */
void		 rpc_error_data(struct text *, const struct rpc_error *,
		    const char *);

/* Appends the data object of a federation `error`: code, message and those. */
void		 rpc_error_data_object(struct text *,
		    const struct rpc_error *, const char *);

/* Appends the JSON-RPC error object: code, message, data. */
void		 rpc_error_object(struct text *, const struct rpc_error *,
		    const char *);

/* Appends a whole JSON-RPC response; id is JSON text, empty for null. */
void		 rpc_error_response(struct text *, const struct rpc_error *,
		    const char *, struct span);

/* Appends {"jsonrpc":"2.0","<member>":<json>,"id":<id>}. */
void		 rpc_response(struct text *, const char *, struct span,
		    struct span);

#endif /* RELAY_ROUTER_RPC_ERROR_H */
