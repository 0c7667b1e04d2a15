/* SPDX-License-Identifier: ISC */
/*
 * Messages of hostile peers to the backend, and bytes of hostile services:
 * see receiver_input.c.
 */
#include "relayd/backend/backend.h"
#include "tests/fuzz/receiver.h"

static struct backend	backend;

static void
give(struct child *c, bool whole)
{
	receiver_feed_node(c);
	if (!whole)
		return;
	/* What services see is small, and what the parent sees is not. */
	backend.calls.next_id = 1;
	backend.requests.next = RECEIVER_ID;
	receiver_feed_service(c, 0, "lines", 1, 2);
	receiver_feed_service(c, 1, "web", 2, 0);
	receiver_feed_service(c, 2, "socket", 3, 0);
}

static bool
idle(const void *ctx)
{
	const struct backend	*b = ctx;

	return (TAILQ_EMPTY(&b->svcs) && TAILQ_EMPTY(&b->connects) &&
	    TAILQ_EMPTY(&b->dirty) && b->calls.count == 0);
}

/* The parent answers whatever it is asked to connect to. */
static void
settle(struct child *c)
{
	struct connect	*k;

	while ((k = TAILQ_FIRST(&backend.connects)) != NULL) {
		const struct receiver_value	values[] = {
			{ "request", k->request, NULL },
			{ "error", 0, "no such service" }
		};

		receiver_feed(c, MSG_SERVICE_CONNECTED, values, 2, -1);
	}
}

const struct receiver	receiver = {
	.ctx = { &backend, NULL },
	.peers = PROC_BIT(PROC_DIALER) | PROC_BIT(PROC_ROUTER),
	.configure = give,
	.idle = idle,
	.settle = settle,
};
