/* SPDX-License-Identifier: ISC */

/*
 * JSON-RPC 2.0 as POST /rpc speaks it (PROTOCOL.md section 6): single calls,
 * batches, notifications; `remote_call` and `server.method`.  Scans in place,
 * allocates nothing.
 */

#ifndef RELAY_ROUTER_JSONRPC_H
#define RELAY_ROUTER_JSONRPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/json_scan.h"
#include "common/limits.h"
#include "common/wire.h"
#include "relay-router/envelope.h"
#include "relay-router/rpc_error.h"

/* One call of a body; every span is JSON text in the body unless said. */
struct rpc_call {
	enum rpc_code	 bad;		/* RPC_NONE, or why it is refused */
	const char	*detail;	/* with bad, for people; static */
	bool		 notification;	/* no id: no answer */
	struct span	 id;		/* as sent; empty for null answers */
	struct span	 args;		/* object or array, or empty */
	struct env_node	 target;	/* absent if id is empty */
	struct span	 server;	/* plain text; may be empty */
	struct span	 method;	/* plain text */
	struct span	 version;	/* plain text; empty: any */
	struct span	 trace;		/* a string, or empty */
	struct span	 idempotency_key;	/* a string, or empty */
	int64_t		 timeout_ms;	/* 0: the default */
	int64_t		 priority;
	char		 scratch[512];	/* names that came with escapes */
	size_t		 nscratch;
};

enum rpc_body {
	RPC_BODY_BAD = 0,	/* refused as a whole: see *bad */
	RPC_BODY_SINGLE,
	RPC_BODY_BATCH,
};

/*
 * A reader over one body: open checks all of it first, so that a batch never
 * runs in part before its syntax error is found; next yields the calls.
 */
struct rpc_reader {
	struct json_scan s;
	enum rpc_body	 kind;
	size_t		 count;		/* calls in the body */
	size_t		 taken;
};

/*
 * Opens len bytes of body, which must outlive the calls.  On RPC_BODY_BAD
 * *bad says which error answers the body, with *detail.
 */
enum rpc_body	 rpc_open(struct rpc_reader *, const char *, size_t,
		    enum rpc_code *, const char **);

/* The next call; false after the last. */
bool		 rpc_next(struct rpc_reader *, struct rpc_call *);

#endif /* RELAY_ROUTER_JSONRPC_H */
