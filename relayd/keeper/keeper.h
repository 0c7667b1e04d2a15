/* SPDX-License-Identifier: ISC */
/* The keeper's process. */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include <event2/event.h>

#include "common/child.h"
#include "common/monotime.h"
#include "relayd/keeper/keyset.h"

struct keeper {
	struct child	*child;
	struct keyset	 keys;
	struct event	*turn;		/* hear the front-end again */
	int64_t		 spent_us;	/* signing since the last turn */
	uint64_t	 signatures, refused, stale;
	struct monotime	 told;		/* the last line about refusals */
	uint64_t	 untold;	/* refusals since */
};

#endif
