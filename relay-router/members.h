/* SPDX-License-Identifier: ISC */

/*
 * The members of a JSON object that a reader knows, found in one pass.
 */

#ifndef RELAY_ROUTER_MEMBERS_H
#define RELAY_ROUTER_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/json_scan.h"
#include "common/wire.h"

/*
 * Finds the values of n names in an object that was scanned before; out has
 * type JSON_NONE for what is absent or null.  Other members are passed over.
 * False if it is no object or one of the names comes twice.
 */
bool	 members_find(const struct json_span *, const char *const [], size_t,
	    struct json_span []);

/*
 * Copies the characters of a string into a buffer, with a NUL; false if it is
 * no string, does not fit or has a NUL in it.
 */
bool	 members_text(const struct json_span *, char *, size_t);

/* True if it is a string of exactly these characters, escaped or not. */
bool	 members_is(const struct json_span *, const char *);

/* A boolean; absent is the default, anything else false. */
bool	 members_bool(const struct json_span *, bool *);

/* The items of an array, or -1 if it is none or has more than max. */
int	 members_count(const struct json_span *, int);

#endif /* RELAY_ROUTER_MEMBERS_H */
