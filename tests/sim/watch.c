/* SPDX-License-Identifier: ISC */
/* See watch.h. */
#include <string.h>

#include "tests/sim/cost.h"
#include "tests/sim/home.h"
#include "tests/sim/node.h"
#include "tests/sim/watch.h"

void
watch_peer_text(struct node *n, const char *to, struct span text)
{
	(void)n;
	(void)to;
	if (sim.conf.costs)
		cost_peer_text(text);
	else
		call_crosses(text);
}

void
watch_close(struct node *n, const char *node, uint16_t code, const char *why)
{
	sim_say("%s closes the link of %s: %u %s", n->id, node, code, why);
	if (code == 1008)
		sim_fail("%s ends the link of %s: %s", n->id, node, why);
}
