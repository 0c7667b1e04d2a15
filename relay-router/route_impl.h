/* SPDX-License-Identifier: ISC */

/*
 * What the files of the route table share, and nobody else.
 */

#ifndef RELAY_ROUTER_ROUTE_IMPL_H
#define RELAY_ROUTER_ROUTE_IMPL_H

#include "relay-router/route.h"

/* The service of that name, whose hash is given too, or NULL. */
struct route_service	*route_service_find(struct route_table *, struct span,
			    uint64_t);

/* Frees one that is withdrawn and has no calls in flight. */
void	 route_instance_free(struct route_instance *);

#endif /* RELAY_ROUTER_ROUTE_IMPL_H */
