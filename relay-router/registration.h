/* SPDX-License-Identifier: ISC */

/*
 * The services[] of a registration (PROTOCOL.md section 5), as names or as
 * objects, to typed rows and back.
 */

#ifndef RELAY_ROUTER_REGISTRATION_H
#define RELAY_ROUTER_REGISTRATION_H

#include "common/service.h"
#include "common/wire.h"
#include "relay-router/text.h"

struct registration {
	struct service	 services[LIMIT_SERVICES];
	uint16_t	 n;
	struct text	 rejected;	/* JSON list items, commas between */
};

/*
 * Reads JSON text that the scanner has accepted.  A service that breaks a
 * rule becomes an item of rejected; false if the whole is no list (an empty
 * text and null are an empty one) or has more than four times the services a
 * home may have.  The caller frees in both cases.
 */
bool	 registration_parse(struct registration *, struct span);
void	 registration_free(struct registration *);

/* Appends {"service_name","version","rule"} to a list; rule may be NULL. */
void	 registration_item(struct text *, const char *, const char *,
	    const char *);

/* Appends a service as it is sent to a Main. */
void	 registration_put(struct text *, const struct service *);

#endif /* RELAY_ROUTER_REGISTRATION_H */
