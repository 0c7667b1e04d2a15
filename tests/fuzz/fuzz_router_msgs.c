/* SPDX-License-Identifier: ISC */
/* Messages of hostile peers to the router: see receiver_input.c. */
#include "relay-router/router.h"
#include "tests/fuzz/receiver.h"

static struct router	a_main, a_home;

static void
give(struct child *c, bool whole)
{
	struct router	*r = receiver_ctx(c);

	receiver_feed_node(c);
	if (!whole)
		return;
	r->ids.next = RECEIVER_ID;
	if (child_role(c) == ROLE_HOME) {
		receiver_feed_service(c, 0, "blog", 1, 1);
		receiver_feed_service(c, 3, "shop", 2, 0);
	}
}

static bool
idle(const void *ctx)
{
	const struct router	*r = ctx;

	return (r->sessions.n == 0 && r->pending.n == 0 && r->https.n == 0 &&
	    r->n_up == 0 && r->http_bytes == 0);
}

const struct receiver	receiver = {
	.ctx = { &a_main, &a_home },
	.peers = PROC_BIT(PROC_FRONTEND) | PROC_BIT(PROC_BACKEND) |
	    PROC_BIT(PROC_REGISTRY),
	.configure = give,
	.idle = idle,
};
