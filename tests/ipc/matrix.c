/* SPDX-License-Identifier: ISC */
/* See matrix.h. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/ipc/matrix.h"

FILE *
matrix_open(void)
{
	const char *path = getenv("MATRIX");
	FILE *f;

	if (path == NULL)
		path = "tests/ipc/matrix.txt";
	f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s: make check writes it", path);
	return (f);
}

bool
matrix_next(FILE *f, struct matrix_case *c)
{
	int n;

	n = fscanf(f, "%u %31s %u %u %u %" SCNu32 " %u %u", &c->type, c->name,
	    &c->from, &c->to, &c->phase, &c->len, &c->fd, &c->ok);
	ck_assert_msg(n == 8 || n == EOF, "malformed matrix");
	return (n == 8);
}
