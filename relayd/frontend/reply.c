/* SPDX-License-Identifier: ISC */
/*
 * Routes (PROTOCOL.md section 7) and the heads of HTTP answers (RFC 9110).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/http_chunk.h"
#include "relayd/frontend/reply.h"

#define ROLE_BIT(r)	(1U << (r))
#define MAIN		ROLE_BIT(ROLE_MAIN)
#define HOME		ROLE_BIT(ROLE_HOME)
#define BOTH		(MAIN | HOME)

#define METHOD_BIT(m)	(1U << (m))
#define GET		METHOD_BIT(HTTP_GET)
#define READ		(GET | METHOD_BIT(HTTP_HEAD))
#define POST		METHOD_BIT(HTTP_POST)
#define DELETE		METHOD_BIT(HTTP_DELETE)

#define PEERS_PREFIX	"/federation/peers/"

/* What one path takes; a path may have several, with the same Allow. */
static const struct {
	const char	*path;
	int		 route;
	unsigned	 roles;
	unsigned	 methods;
	const char	*allow;
} routes[] = {
	{ "/registry", HTTP_ROUTE_REGISTRY, MAIN, READ, "GET, HEAD" },
	{ "/health", HTTP_ROUTE_HEALTH, BOTH, READ, "GET, HEAD" },
	{ "/services", HTTP_ROUTE_SERVICES, HOME, READ, "GET, HEAD" },
	{ "/rpc", HTTP_ROUTE_RPC, BOTH, POST, "POST" },
	{ "/ws/federation", ROUTE_WS_FEDERATION, MAIN, GET, "GET" },
	{ "/ws/peers", ROUTE_WS_PEERS, MAIN, GET, "GET" },
	{ "/federation/registry", HTTP_ROUTE_FEDERATION_REGISTRY, MAIN, READ,
	    "GET, HEAD" },
	{ "/federation/peers", HTTP_ROUTE_FEDERATION_PEERS, MAIN, READ,
	    "GET, HEAD" },
	{ "/federation/health", HTTP_ROUTE_FEDERATION_HEALTH, MAIN, READ,
	    "GET, HEAD" },
	{ "/federation/peers/add", HTTP_ROUTE_PEER_ADD, MAIN, POST,
	    "DELETE, POST" },
	{ PEERS_PREFIX "*", HTTP_ROUTE_PEER_DELETE, MAIN, DELETE, "DELETE" },
};

/* Does the path match, up to a final "*" of the pattern? */
static bool
path_matches(struct span path, const char *pattern)
{
	size_t	n = strlen(pattern);

	if (pattern[n - 1] != '*')
		return (span_eq(path, span_str(pattern)));
	return (path.len >= n - 1 && memcmp(path.p, pattern, n - 1) == 0);
}

int
route_find(enum node_role role, struct span path, enum http_method method,
    int *route, const char **allow)
{
	int	status = 404;
	size_t	i;

	*route = 0;
	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if ((routes[i].roles & ROLE_BIT(role)) == 0 ||
		    !path_matches(path, routes[i].path))
			continue;
		if ((routes[i].methods & METHOD_BIT(method)) != 0) {
			*route = routes[i].route;
			return (0);
		}
		/* the first that matches knows all methods */
		if (status == 404)
			*allow = routes[i].allow;
		status = 405;
	}
	return (status);
}

size_t
route_peer_name(struct span path, char buf[PEER_NAME_MAX])
{
	size_t	i = sizeof(PEERS_PREFIX) - 1, n;
	int	hi, lo;

	for (n = 0; i < path.len; n++) {
		if (n == PEER_NAME_MAX)
			return (0);
		buf[n] = path.p[i++];
		if (buf[n] == '%') {
			if (path.len - i < 2 ||
			    (hi = http_hex((uint8_t)path.p[i])) == -1 ||
			    (lo = http_hex((uint8_t)path.p[i + 1])) == -1)
				return (0);
			buf[n] = (char)(hi << 4 | lo);
			i += 2;
		}
		if ((uint8_t)buf[n] < ' ' || buf[n] == 0x7f)
			return (0);
	}
	return (n);
}

bool
origin_allowed(struct span origin, const char *const *origins, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++) {
		if (http_eq(origin, origins[i]))
			return (true);
	}
	return (false);
}

bool
is_json_type(const struct span *type)
{
	static const char	json[] = "application/json";
	size_t			n = sizeof(json) - 1;

	if (type == NULL || type->len < n ||
	    strncasecmp(type->p, json, n) != 0)
		return (false);
	return (type->len == n || type->p[n] == ';' || type->p[n] == ' ' ||
	    type->p[n] == '\t');
}

const char *
status_text(int status)
{
	static const struct {
		int		 status;
		const char	*text;
	} texts[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t	i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].status == status)
			return (texts[i].text);
	}
	return ("Error");
}

/* IMF-fixdate (RFC 9110 section 5.6.7), whatever the locale. */
static void
http_date(char *buf, size_t size, time_t t)
{
	static const char	days[] = "SunMonTueWedThuFriSat";
	static const char	months[] =
	    "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm		tm;

	gmtime_r(&t, &tm);
	snprintf(buf, size, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Append formatted text; the length becomes size when it did not fit. */
#define APPEND(...) do {						\
	int	w = snprintf(buf + n, size - n, __VA_ARGS__);		\
	if (w < 0 || (size_t)w >= size - n)				\
		return (0);						\
	n += (size_t)w;							\
} while (0)

size_t
reply_head(char *buf, size_t size, const struct reply *r)
{
	char	date[64];
	size_t	n = 0;

	http_date(date, sizeof(date), r->date);
	APPEND("HTTP/1.1 %d %s\r\nDate: %s\r\nCache-Control: no-store\r\n"
	    "Connection: %s\r\n", r->status, status_text(r->status), date,
	    r->keepalive ? "keep-alive" : "close");
	if (r->type != NULL)
		APPEND("Content-Type: %s\r\nX-Content-Type-Options: nosniff"
		    "\r\nContent-Length: %zu\r\n", r->type, r->length);
	else if (r->status != 204)
		APPEND("Content-Length: 0\r\n");
	APPEND("%s\r\n", r->extra != NULL ? r->extra : "");
	return (n);
}

size_t
reply_error_body(char *buf, size_t size, const char *reason)
{
	static const char	head[] = "{\"error\":\"", tail[] = "\"}\n";
	size_t			n = sizeof(head) - 1;

	if (size < sizeof(head) + sizeof(tail))
		return (0);
	memcpy(buf, head, n);
	for (; *reason != '\0' && n + sizeof(tail) < size; reason++) {
		bool	plain = *reason >= ' ' && *reason <= '~' &&
		    *reason != '"' && *reason != '\\';

		buf[n++] = plain ? *reason : '?';
	}
	memcpy(buf + n, tail, sizeof(tail));
	return (n + sizeof(tail) - 1);
}
