/* SPDX-License-Identifier: ISC */
/*
 * The registry's part of policy (common/policy.h): which rules are in force,
 * and what it asks them.  They are those of the last
 * registry_configure_policy().
 */
#ifndef RELAY_REGISTRY_POLICY_IMPL_H
#define RELAY_REGISTRY_POLICY_IMPL_H

#include "common/policy.h"
#include "relay-registry/registry_impl.h"

/*
 * The rules of a generation, which are copied; to be said at each commit,
 * behind registry_configure_peers().  What homes registered is judged again by
 * them, and peers that may have other services than before are told anew.  It
 * ends the transaction, as the other registry_configure calls do.
 */
void			 registry_configure_policy(struct registry *,
			    const struct policy *, struct when);
/* Those in force; never NULL. */
const struct policy	*registry_policy(const struct registry *);
void			 registry_policy_free(struct policy *);

/*
 * Whether a node, by its id in lower case, may have a session; the rule that
 * decided, or NULL for the default, which policy_where() knows.
 */
bool	registry_may_connect(struct registry *, enum node_kind, const char *,
	    const struct policy_rule **);
/* "denied by relayd.conf:7: ..." for the rule that decided so. */
void	registry_denied_by(const struct policy_rule *, char [DENIED_BY_TEXT]);
/* Whether a home may offer that service; the same. */
bool	registry_may_publish(struct registry *, const char *,
	    const struct service *, const struct policy_rule **);
/*
 * Whether that Main may be told of a service, by its name; an empty name asks
 * for what is not about one service.
 */
bool	registry_may_export(struct registry *, const char *, const char *);

/* Whether the holder of a token of that name has admin rights over HTTP. */
bool	registry_is_admin(struct registry *, const char *);

/*
 * A session was resumed and the router has said what it routes: what was denied
 * before, and is not by now, is added.
 */
void	policy_restore(struct registry *, uint64_t, const char *,
	    struct when);

/*
 * A home's services as the database has them, and policy leaves them, as
 * ROUTE_SET; how many there are.  (register.c)
 */
uint16_t	register_say_routes(struct registry *, uint64_t, const char *);

#endif
