/* SPDX-License-Identifier: ISC */
/*
 * A relayd of more patience, for tests that end a process some hundred times:
 * all of the real one's own objects, linked with --wrap=child_start.  It
 * starts a child at once, as if the ones before had each lived for long, and
 * so never ends by itself because they do not.
 */
#include "relayd/relayd.h"

int	__real_child_start(struct child *);
int	__wrap_child_start(struct child *);

int
__wrap_child_start(struct child *c)
{
	c->crashes = 0;
	backoff_init(&c->backoff, 1, 1, 1);
	return (__real_child_start(c));
}
