/* SPDX-License-Identifier: ISC */
/* The head that was parsed last. */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include "common/http_chunk.h"
#include "relayd/frontend/http.h"
#include "relayd/frontend/reply.h"
#include "relayd/frontend/upgrade.h"

#define HOST	"Host: x\r\n"
#define END	"\r\n"

extern const struct http_limits lim;
extern struct http_head	head;
extern const char	*why;

/* Scan and parse a whole request; 0, a status, or -1 if incomplete. */
int	parse_n(const char *, size_t);
int	parse(const char *);
bool	is(struct span, const char *);

#endif
