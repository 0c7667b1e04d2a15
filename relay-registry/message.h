/* SPDX-License-Identifier: ISC */
/* The messages the registry takes, from payload to call. */
#ifndef RELAY_REGISTRY_MESSAGE_H
#define RELAY_REGISTRY_MESSAGE_H

#include <stdbool.h>

#include "common/msg.h"
#include "common/wire.h"
#include "relay-registry/registry.h"

/*
 * Decode a message of the router and act on it.  Returns false, with the
 * reader marked bad, if the payload is malformed; then nothing is done, but
 * rows of PEER_ROWS before the malformed one are taken.
 */
bool	registry_message(struct registry *, enum msg_type, struct wire_get *,
	    struct when);

/*
 * CONF_PEER into the next of n elements; false if it is malformed, not the
 * next one or one too many.
 */
bool	message_conf_peer(struct wire_get *, struct peer_conf *, uint32_t *);
/*
 * PEER_STATE, CTL_PEER, CTL_TOKEN and CTL_AUDIT of the parent, as
 * registry_message(); rows that are an answer to the last two are for show.h.
 */
bool	registry_parent_message(struct registry *, enum msg_type,
	    struct wire_get *, struct when);

#endif
