/* SPDX-License-Identifier: ISC */
/* See http_fixture.h. */
#include <string.h>

#include "relayd/frontend/http.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/suite.h"

const struct http_limits lim = { 2000, 100, 8, 1000 };
struct http_head	head;
const char	*why;

int
parse_n(const char *text, size_t len)
{
	struct http_scan	scan = { 0 };
	const uint8_t		*p = (const uint8_t *)text;
	int			 n = http_scan(&scan, &lim, p, len);

	if (n < 0)
		return (-n);
	if (n == 0)
		return (-1);
	return (http_request(&head, &lim, p, (size_t)n, &why));
}

int
parse(const char *text)
{
	return (parse_n(text, strlen(text)));
}

bool
is(struct span s, const char *want)
{
	return (span_eq(s, span_str(want)));
}
