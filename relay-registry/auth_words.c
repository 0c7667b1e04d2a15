/* SPDX-License-Identifier: ISC */
/*
 * See auth_impl.h: what the operator reads of nodes and their credentials.  No
 * value of a secret is in it.
 */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/auth_impl.h"

#define METHODS_TEXT	64	/* bytes of the names of all, NUL included */
#define NAMES_TEXT	201	/* bytes of a certificate's names, NUL included */

void
auth_add_method(char *list, size_t size, const char *between,
    enum auth_method method)
{
	const char *name = auth_method_name(method);

	if (strstr(list, name) != NULL)
		return;
	if (list[0] != '\0')
		strlcat(list, between, size);
	strlcat(list, name, size);
}

static const char *
kind_name(enum node_kind kind)
{
	return (kind == NODE_HOME ? "home" : "Main");
}

const char *
auth_say_unknown(const char *what, const struct session_request *q,
    const char *node, const struct candidates *all, char why[LIMIT_DENIAL])
{
	char methods[METHODS_TEXT] = "";
	enum node_kind other = 0;
	uint32_t i;

	for (i = 0; i < all->n; i++) {
		if (all->list[i].kind == q->kind)
			auth_add_method(methods, sizeof(methods), ", ",
			    all->list[i].method);
		else
			other = all->list[i].kind;
	}
	if (methods[0] != '\0')
		snprintf(why, LIMIT_DENIAL, "%s (it has: %s)", what, methods);
	else if (other != 0)
		snprintf(why, LIMIT_DENIAL, "%s is known here as a %s, not as "
		    "a %s", node, kind_name(other), kind_name(q->kind));
	else
		snprintf(why, LIMIT_DENIAL, "%s (%s)", what, all->broken > 0 ?
		    "what it has cannot be read" : "it has none");
	return (why);
}

const char *
auth_say_certificate(const struct session_request *q, const char *node,
    const struct candidates *all, char why[LIMIT_DENIAL])
{
	char names[NAMES_TEXT], what[NAMES_TEXT + 64];

	registry_clean(q->certificate, names, sizeof(names));
	snprintf(what, sizeof(what), "its certificate has %s%s, and none of "
	    "these is this node's", names,
	    q->certificate.len >= sizeof(names) ? "..." : "");
	return (auth_say_unknown(what, q, node, all, why));
}
