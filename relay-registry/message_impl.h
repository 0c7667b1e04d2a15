/* SPDX-License-Identifier: ISC */
/* What the decoders of the registry's messages share. */
#ifndef RELAY_REGISTRY_MESSAGE_IMPL_H
#define RELAY_REGISTRY_MESSAGE_IMPL_H

#include "relay-registry/message.h"

#define SPAN_MAX	UINT16_MAX

/* Mark it bad; returns false. */
bool	message_bad(struct wire_get *);
/* What the router sends of other Mains; false for a type that is not that. */
bool	message_of_peers(struct registry *, enum msg_type, struct wire_get *,
	    struct when);

/* CTL_NODE; its rows go their own way (show.h). */
bool	message_ctl_node(struct registry *, struct wire_get *, struct when);

#endif
