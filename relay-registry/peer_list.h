/* SPDX-License-Identifier: ISC */
/* Every other Main this one knows of, as views and relay-ctl show it. */
#ifndef RELAY_REGISTRY_PEER_LIST_H
#define RELAY_REGISTRY_PEER_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "relay-registry/registry.h"

/* Text is static or lives for the call. */
struct peer_info {
	const char	*node;		/* empty: not known */
	const char	*url;		/* empty: it dials us */
	const char	*state;
	const char	*direction;	/* empty: not linked */
	const char	*origin;	/* configured, added, persisted, inbound */
	const char	*address;	/* empty: not linked */
	const char	*reason;	/* of the last failure, or empty */
	bool		 up;
	bool		 ours;		/* one that this Main dials */
	uint32_t	 services;
	uint32_t	 rtt_us;	/* 0: not measured */
	int64_t		 retry_in_ms;	/* -1: it is not to be dialled */
	int64_t		 last_seen_ms;	/* since 1970; 0: never */
};

/*
 * First those this Main dials, in the order of its configuration, then those
 * that dial it, and those that did and whose services are stale.
 */
void	registry_each_peer(struct registry *, void (*)(void *,
	    const struct peer_info *), void *, struct when);
/* What is known of the one at that URL; "waiting" if it is not configured. */
void	registry_peer_at(struct registry *, const struct peer_conf *,
	    void (*)(void *, const struct peer_info *), void *, struct when);

#endif
