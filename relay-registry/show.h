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

#endif
