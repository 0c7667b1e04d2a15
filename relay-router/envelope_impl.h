/* SPDX-License-Identifier: ISC */

/*
 * What the files of the envelope share, and nobody else.
 */

#ifndef RELAY_ROUTER_ENVELOPE_IMPL_H
#define RELAY_ROUTER_ENVELOPE_IMPL_H

#include "relay-router/envelope.h"

#define KEY_ESCAPED_MAX	128	/* bytes of a key spelled with escapes */

/*
 * The characters of a string: where they stand if there is no escape, else
 * decoded into the buffer.  False if that does not fit.
 */
bool	 env_plain_text(const struct json_span *, char *, size_t,
	    struct span *);

bool	 env_is_name(struct span, const char *);

/* A string of at most max bytes; null counts as empty. */
bool	 env_take_text(struct envelope *, const struct json_span *, size_t,
	    struct span *);

/* Takes a NodeAddress or routing_path, at which the scan stands. */
bool	 env_take_node(struct envelope *, struct json_scan *,
	    struct env_node *);
bool	 env_take_path(struct envelope *, struct json_scan *);

#endif /* RELAY_ROUTER_ENVELOPE_IMPL_H */
