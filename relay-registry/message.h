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
 * reader marked bad and nothing done, if the payload is malformed.
 */
bool	registry_message(struct registry *, enum msg_type, struct wire_get *,
	    struct when);

#endif
