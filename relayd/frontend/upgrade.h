/* SPDX-License-Identifier: ISC */
/*
 * The opening handshake of a WebSocket (RFC 6455 section 4), both sides.
 * Pure, but for SHA-1 and base64 from libcrypto.
 */
#ifndef FRONTEND_UPGRADE_H
#define FRONTEND_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http_head.h"

#define WS_KEY_RAW	16	/* random octets of a key */
#define WS_KEY_LEN	24	/* the same in base64 */
#define WS_ACCEPT_LEN	28	/* base64 of a SHA-1 */
#define WS_UPGRADE_MAX	8192	/* octets of a request or answer we write */

/*
 * Check a parsed request.  Returns 0 (*key points to WS_KEY_LEN characters),
 * or the status to refuse it with: 400, 405, or 426 (answer with "Upgrade:
 * websocket" and "Sec-WebSocket-Version: 13"); *why then is static text.
 */
int	upgrade_check(const struct http_head *, const char **key,
	    const char **why);

/* The accept value of a key of WS_KEY_LEN characters, with a NUL. */
void	upgrade_accept(const char *key, char out[WS_ACCEPT_LEN + 1]);

/*
 * Write the 101 answer; extra fields as in struct reply, or NULL.  Returns
 * its length, or 0 if it does not fit.
 */
size_t	upgrade_answer(char *, size_t size, const char *key,
	    const char *extra);

struct upgrade_request {
	const char	*host;		/* value of Host, with any port */
	const char	*path;		/* with any query */
	uint8_t		 nonce[WS_KEY_RAW];	/* unpredictable */
	const char	*node_id;	/* NULL: no X-Relay fields */
	const char	*node_type;
	const char	*extra;		/* more fields, or NULL */
};

/*
 * Write a client's request.  Returns its length, or 0 if it does not fit or
 * a value has a control character or space.
 */
size_t	upgrade_request(char *, size_t size, const struct upgrade_request *);

/*
 * May this stand in a request or an answer as the value of a field, and is it
 * one, with nothing behind it?
 */
bool	upgrade_value(struct span);

#define UPGRADE_PROOF_MAX	511	/* octets */
#define UPGRADE_CHALLENGE_MAX	511
#define UPGRADE_BODY_MAX	4096	/* octets of a 401's body */

/* What became of our request. */
struct upgrade_result {
	bool		 open;		/* 101, and all of it right */
	int		 status;	/* the server's, 0: not even HTTP */
	uint32_t	 retry_after_s;	/* from a refusal, or 0 */
	/*
	 * X-Relay-Node-ID as it came with a 101, and in lower case and only if
	 * it is valid with a refusal; X-Relay-Boot-ID of a 101.  "" if absent.
	 */
	char		 node_id[LIMIT_NODE_ID + 1];
	char		 boot_id[LIMIT_BOOT_ID + 1];
	/* X-Relay-Proof of a 101. */
	char		 proof[UPGRADE_PROOF_MAX + 1];
	/*
	 * Of a 401: what it asks for, "Relay nonce=..., Bearer" or one of them;
	 * and where its answer ends, 0 if the connection ends with it.
	 */
	char		 challenge[UPGRADE_CHALLENGE_MAX + 1];
	size_t		 end;
	char		 why[160];	/* for the log, printable */
};

/*
 * Judge an answer to the request with that nonce: its head has head_len
 * octets, and len octets of it are here.
 */
void	upgrade_result(struct upgrade_result *, const uint8_t *,
	    size_t head_len, size_t len, const uint8_t nonce[WS_KEY_RAW]);

#endif
