/* SPDX-License-Identifier: ISC */

/*
 * The envelope of a federation message (PROTOCOL.md section 3, SEED.md
 * "Federation Message Protocol"): one scan finds the known top-level keys and
 * reads the small ones; splicing writes the message on with some of them
 * replaced and every other byte as it came.
 *
 * Nothing is allocated.  All spans point into the scanned text or into the
 * envelope's own scratch (strings that had escapes), so both must outlive
 * their use and an envelope must not be copied.
 */

#ifndef RELAY_ROUTER_ENVELOPE_H
#define RELAY_ROUTER_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"
#include "common/limits.h"
#include "common/wire.h"
#include "common/json_scan.h"

/* Known top-level keys; all others are preserved and ignored. */
#define ENV_KEYS(X)							\
	X(TYPE,			"type")					\
	X(MESSAGE_ID,		"message_id")				\
	X(CORRELATION_ID,	"correlation_id")			\
	X(TIMESTAMP,		"timestamp")				\
	X(SOURCE_NODE,		"source_node")				\
	X(DESTINATION_NODE,	"destination_node")			\
	X(ROUTING_PATH,		"routing_path")				\
	X(TTL,			"ttl")					\
	X(SERVER_NAME,		"server_name")				\
	X(METHOD,		"method")				\
	X(JSONRPC_REQUEST,	"jsonrpc_request")			\
	X(JSONRPC_RESPONSE,	"jsonrpc_response")			\
	X(DATA,			"data")					\
	X(PRIORITY,		"priority")				\
	X(TIMEOUT_SECONDS,	"timeout_seconds")			\
	X(DEADLINE_MS,		"deadline_ms")				\
	X(EPOCH,		"epoch")				\
	X(TRACEPARENT,		"traceparent")				\
	X(IDEMPOTENCY_KEY,	"idempotency_key")			\
	X(VERSION,		"version")

enum env_key {
#define X(name, text)	ENV_##name,
	ENV_KEYS(X)
#undef X
	ENV_NKEYS
};

/* Message types; the wire names are these in lower case. */
#define FED_TYPES(X)							\
	X(REGISTRATION,		"registration")				\
	X(HEARTBEAT,		"heartbeat")				\
	X(REQUEST,		"request")				\
	X(RESPONSE,		"response")				\
	X(SERVICE_DISCOVERY,	"service_discovery")			\
	X(ERROR,		"error")				\
	X(CANCEL,		"cancel")

enum fed_type {
	FED_UNKNOWN = 0,
#define X(name, text)	FED_##name,
	FED_TYPES(X)
#undef X
	FED_NTYPES
};

/* Why a text is no envelope. */
enum env_err {
	ENV_OK = 0,
	ENV_E_JSON,		/* not strict JSON or UTF-8: -32700 */
	ENV_E_DEPTH,		/* nested too deep: -32700 */
	ENV_E_OBJECT,		/* JSON, but not an object: -32600 */
	ENV_E_DUPLICATE,	/* a key came twice: -32600 */
	ENV_E_MEMBERS,		/* more than LIMIT_MEMBERS keys: -32600 */
	ENV_E_KEY,		/* an escaped key that is too long: -32600 */
	ENV_E_FIELD,		/* a known key of a wrong kind: -32600 */
	ENV_E_TYPE,		/* no type: -32600 */
};

enum node_kind { NODE_NONE = 0, NODE_MAIN, NODE_HOME };

/* A NodeAddress; absent if id is empty. */
struct env_node {
	enum node_kind	 kind;
	struct span	 id;		/* case as sent */
	struct span	 main;		/* main_relay, may be empty */
};

/* The JSON-RPC object inside; a span of type JSON_NONE is absent. */
struct env_rpc {
	bool		 present;
	bool		 versioned;	/* "jsonrpc": "2.0" is there */
	struct json_span id;
	struct json_span method;
	struct json_span params;
	struct json_span result;
	struct json_span error;
};

#define ENV_SCRATCH	2048	/* bytes: every short field once, escaped */

struct envelope {
	const char	*text;
	uint32_t	 close;		/* offset of the last brace */
	bool		 empty;		/* no member at all */
	uint32_t	 seen;		/* bits of the keys that are there */
	enum env_key	 bad_field;	/* with ENV_E_FIELD */
	struct json_span val[ENV_NKEYS];	/* valid if seen */

	enum fed_type	 type;
	struct span	 type_name;
	struct span	 message_id;	/* empty is absent */
	struct span	 correlation_id;
	struct span	 server_name;
	struct span	 method;
	struct span	 version;
	struct env_node	 source;
	struct env_node	 destination;
	struct span	 path[LIMIT_HOPS];
	uint32_t	 npath;
	int64_t		 ttl;		/* 0 is absent */
	int64_t		 priority;
	int64_t		 timeout_ms;	/* 0 is absent */
	int64_t		 deadline_ms;	/* time left; -1 is absent */
	struct env_rpc	 request;	/* in jsonrpc_request */
	struct env_rpc	 response;	/* in jsonrpc_response */

	size_t		 nscratch;
	char		 scratch[ENV_SCRATCH];
};

/*
 * Scans len bytes.  The key is the secret of the process and serves to find
 * duplicate unknown keys.  On an error the fields that were read before it
 * are set, so that the answer can name the message.
 */
enum env_err	 envelope_parse(struct envelope *, const char *, size_t,
		    const uint8_t [HASH_KEY_LEN]);

/* The name of a key, a type (NULL for unknown) and an error, for people. */
const char	*env_key_name(enum env_key);
const char	*fed_type_name(enum fed_type);
const char	*env_strerror(enum env_err);

/* True if the key is there with a value other than null. */
static inline bool
env_has(const struct envelope *e, enum env_key key)
{
	return ((e->seen & (1U << key)) != 0 && e->val[key].type != JSON_NULL);
}

/*
 * An object's member by name, for the cold paths that look into data: takes
 * the text of an object and tells the value's span.  False if it is no object
 * or has no such member, or has it twice.
 */
bool	 json_member(const struct json_span *, const char *,
	    struct json_span *);

#define SPLICE_EDITS	12	/* edits a message can have */

/* The edits of one message, in the order of the text. */
struct splice {
	const struct envelope	*e;
	size_t			 size;		/* of the result */
	unsigned int		 nedits;
	unsigned int		 nadds;
	struct {
		uint32_t	 off;
		uint32_t	 cut;
		struct span	 text;
	}			 edit[SPLICE_EDITS];
	struct {
		enum env_key	 key;
		struct span	 text;
	}			 add[SPLICE_EDITS];
};

/*
 * Collects edits: set gives a key a value (JSON text, borrowed until the
 * write), replacing the old value where it stands or adding the key at the
 * end; swap replaces any value whose span was found in the message.  Edits
 * must not overlap and there may be SPLICE_EDITS of each kind at most.
 */
void	 splice_init(struct splice *, const struct envelope *);
void	 splice_set(struct splice *, enum env_key, struct span);
void	 splice_swap(struct splice *, const struct json_span *, struct span);

/* Writes exactly s->size bytes and returns the end. */
char	*splice_write(const struct splice *, char *);

#endif /* RELAY_ROUTER_ENVELOPE_H */
