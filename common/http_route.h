/* SPDX-License-Identifier: ISC */
/* What an HTTP request asks for (PROTOCOL.md section 7). */
#ifndef COMMON_HTTP_ROUTE_H
#define COMMON_HTTP_ROUTE_H

enum http_route {
	HTTP_ROUTE_RPC = 1,	/* POST /rpc */
	HTTP_ROUTE_REGISTRY,	/* GET /registry, on a Main */
	HTTP_ROUTE_SERVICES,	/* GET /services, on a home */
	HTTP_ROUTE_HEALTH,	/* GET /health */
	HTTP_ROUTE_MAX
};

#endif
