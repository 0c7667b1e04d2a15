/* SPDX-License-Identifier: ISC */
/* What an HTTP request asks for (PROTOCOL.md section 7). */
#ifndef COMMON_HTTP_ROUTE_H
#define COMMON_HTTP_ROUTE_H

enum http_route {
	HTTP_ROUTE_RPC = 1,	/* POST /rpc */
	HTTP_ROUTE_REGISTRY,	/* GET /registry, on a Main */
	HTTP_ROUTE_SERVICES,	/* GET /services, on a home */
	HTTP_ROUTE_HEALTH,	/* GET /health */
	HTTP_ROUTE_FEDERATION_REGISTRY,	/* GET /federation/registry */
	HTTP_ROUTE_FEDERATION_PEERS,	/* GET /federation/peers */
	HTTP_ROUTE_FEDERATION_HEALTH,	/* GET /federation/health */
	HTTP_ROUTE_PEER_ADD,	/* POST /federation/peers/add */
	HTTP_ROUTE_PEER_DELETE,	/* DELETE /federation/peers/NAME; the body
				 * is NAME, percent-decoded */
	HTTP_ROUTE_MAX
};

#endif
