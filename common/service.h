/* SPDX-License-Identifier: ISC */
/*
 * One service as it is registered (PROTOCOL.md section 5), and its one
 * encoding in CONF_SERVICE, REGISTER and ROUTE_SET.
 *
 * Wire: str name, str version, u32 weight, u32 max_concurrency,
 * u8 visibility, bool healthy, u16 count of methods * (str name,
 * bool idempotent, u32 timeout_ms), u16 count of labels * (str key, str value).
 */
#ifndef COMMON_SERVICE_H
#define COMMON_SERVICE_H

#include "common/limits.h"
#include "common/wire.h"

enum visibility {
	VISIBILITY_PRIVATE = 1,		/* never leaves the home */
	VISIBILITY_MAIN,		/* the home's Main and its homes */
	VISIBILITY_FEDERATION
};

struct service_method {
	char		 name[LIMIT_METHOD_NAME + 1];
	bool		 idempotent;
	uint32_t	 timeout_ms;	/* 0: none of its own */
};

struct service_label {
	char		 key[LIMIT_LABEL + 1];
	char		 value[LIMIT_LABEL + 1];
};

struct service {
	char			 name[LIMIT_SERVICE_NAME + 1];
	char			 version[LIMIT_VERSION + 1];
	uint32_t		 weight;		/* 1 to LIMIT_WEIGHT */
	uint32_t		 max_concurrency;	/* 0: no limit */
	enum visibility		 visibility;
	bool			 healthy;
	struct service_method	*methods;	/* empty: any method */
	uint16_t		 n_methods;
	struct service_label	*labels;
	uint16_t		 n_labels;
};

/* A service with defaults (weight 1, federation, healthy, version 0.0.0). */
void	service_init(struct service *);
/* Frees what it holds, not the struct itself. */
void	service_clear(struct service *);
/* Deep copy into an uninitialised struct. */
void	service_copy(struct service *, const struct service *);
/* The method of that name, or NULL. */
const struct service_method	*service_method(const struct service *,
				    struct span);
/* True if it has that method or takes any. */
bool	service_takes(const struct service *, struct span);

void	put_service(struct wire_put *, const struct service *);
/*
 * Decode into an uninitialised struct, which the caller clears whatever
 * happens.  Errors stick to the reader: counts and lengths are checked first,
 * names against name_service() and name_method().
 */
void	get_service(struct wire_get *, struct service *);

/* Least bytes of an encoded service, for get_count(). */
#define SERVICE_WIRE_MIN	18

#endif
