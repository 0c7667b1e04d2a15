/* SPDX-License-Identifier: ISC */
/* What the files that write the views of HTTP share. */
#ifndef RELAY_REGISTRY_VIEW_IMPL_H
#define RELAY_REGISTRY_VIEW_IMPL_H

#include <json-c/json.h>

#include "relay-registry/registry_impl.h"

/* Text that grows up to LIMIT_VIEW_BODY. */
struct view_body {
	char	*p;
	size_t	 len;
	size_t	 size;
	bool	 full;
};

void	view_append(struct view_body *, const char *, size_t);
/* An object, which is freed. */
void	view_append_json(struct view_body *, struct json_object *);
void	view_add_text(struct json_object *, const char *, const char *);
/* RFC 3339 of milliseconds since 1970; null for 0. */
void	view_add_time(struct json_object *, const char *, int64_t);

/* The bodies of /federation/peers (for an admin?) and /federation/health. */
void	view_of_peers(struct registry *, bool, struct view_body *,
	    struct when);
void	view_of_health(struct registry *, const struct view_request *,
	    struct view_body *, struct when);

/* {"error": text} to a request. */
void	view_answer_error(struct registry *, uint64_t, uint16_t, const char *);
/* {"peer": ...} to an admin's request: what is known of that peer. */
void	view_answer_peer(struct registry *, uint64_t, uint16_t,
	    const struct peer_conf *, struct when);

#endif
