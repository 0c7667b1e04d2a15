/* SPDX-License-Identifier: ISC */
/* The registry's rows for relay-ctl show. */
#ifndef RELAY_REGISTRY_SHOW_H
#define RELAY_REGISTRY_SHOW_H

#include <stdint.h>

#include "common/channel.h"
#include "common/ctl.h"
#include "relay-registry/registry.h"

/*
 * Write the rows of an answer to the channel.  A list that would congest it
 * is cut short with a row in section "errors" that says so.
 */
void	registry_show(struct registry *, struct channel *, uint64_t,
	    enum ctl_show, struct when);

/* CTL_TOKEN list: section "tokens". */
void	registry_show_tokens(struct registry *, struct channel *, uint64_t);
/*
 * CTL_AUDIT: the last records before one (0: the end), oldest first, in section
 * "audit"; or section "verify".
 */
void	registry_show_audit(struct registry *, struct channel *, uint64_t,
	    uint64_t, uint32_t);
void	registry_show_verify(struct registry *, struct channel *, uint64_t);

/* CTL_NODE list: section "nodes"; CTL_SHOW_IDENTITY: "identity". */
void	registry_show_nodes(struct registry *, struct channel *, uint64_t,
	    struct when);
void	registry_show_identity(struct registry *, struct channel *, uint64_t);

#endif
