/* SPDX-License-Identifier: ISC */
/* Which names are valid (PROTOCOL.md sections 4 and 5).  Pure. */
#ifndef COMMON_NAME_H
#define COMMON_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "common/wire.h"

/* Labels of [a-z0-9_-] joined by dots, 1 to LIMIT_NODE_ID bytes. */
bool	name_node(struct span);
/*
 * Lower the ASCII letters of a node id into buf; false if the result is no
 * valid id or does not fit.
 */
bool	name_node_lower(struct span, char *, size_t);
/* 1 to LIMIT_SERVICE_NAME bytes of [A-Za-z0-9_.-]. */
bool	name_service(struct span);
/* 1 to LIMIT_METHOD_NAME bytes of [A-Za-z0-9_.-]. */
bool	name_method(struct span);
/* A semantic version 2.0.0 of at most LIMIT_VERSION bytes. */
bool	name_version(struct span);
/*
 * Order of two valid semantic versions (semver.org section 11): negative,
 * 0 or positive.  Build metadata does not count.
 */
int	name_version_cmp(struct span, struct span);

#endif
