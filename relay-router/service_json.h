/* SPDX-License-Identifier: ISC */

/*
 * One service as JSON (PROTOCOL.md section 5), as a home registers it and as
 * Mains tell each other of it.
 */

#ifndef RELAY_ROUTER_SERVICE_JSON_H
#define RELAY_ROUTER_SERVICE_JSON_H

#include "common/json_scan.h"
#include "common/service.h"
#include "relay-router/text.h"

/*
 * Who speaks to whom.  A home says the visibility and the timeouts of methods
 * in seconds; a Main says the health and the timeouts in milliseconds
 * (timeout_ms), for nothing must be lost on the way.
 */
enum service_dialect {
	SERVICE_OF_HOME,
	SERVICE_OF_MAIN,
};

/*
 * Reads a value that the scanner has accepted into an uninitialised struct,
 * which the caller clears whatever happens.  Of a home it may be just a name.
 * Members that are not known are passed over.  Returns NULL, or the rule that
 * it breaks, static text for people; the name and version are then what could
 * be read of them.
 */
const char	*service_json_read(struct service *, enum service_dialect,
		    const struct json_span *);

/*
 * Appends a service.  A Main leaves out what is a default; the labels must be
 * without control characters, as service_json_read() has it.
 */
void		 service_json_put(struct text *, enum service_dialect,
		    const struct service *);

#endif /* RELAY_ROUTER_SERVICE_JSON_H */
