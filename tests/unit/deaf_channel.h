/* SPDX-License-Identifier: ISC */
/* A channel that takes no message, and on which nothing may go wrong. */
#ifndef TESTS_UNIT_DEAF_CHANNEL_H
#define TESTS_UNIT_DEAF_CHANNEL_H

#include <check.h>

#include "common/channel.h"

static void
deaf_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *detail)
{
	(void)arg;
	(void)ch;
	(void)fault;
	ck_abort_msg("%s", detail);
}

static const channel_handler	deaf_handlers[MSG_MAX];
static const struct channel_ops	deaf_ops = { .handlers = deaf_handlers,
	.fault = deaf_fault };

#endif
