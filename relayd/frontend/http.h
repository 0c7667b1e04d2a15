/* SPDX-License-Identifier: ISC */
/*
 * Heads of HTTP/1.1 requests, as strictly as common/http_head.h.
 */
#ifndef FRONTEND_HTTP_H
#define FRONTEND_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "common/http_head.h"

/*
 * Take apart a complete request head of len octets, as found by http_scan().
 * Returns 0, or the status to refuse it with: 400, 413, 414, 417, 431, 501,
 * 505; *why then is a static text for the log.
 */
int	http_request(struct http_head *, const struct http_limits *,
	    const uint8_t *, size_t len, const char **why);

#endif
