/* SPDX-License-Identifier: ISC */
/* What is seen of links and channels, to be counted or compared. */
#ifndef TESTS_SIM_WATCH_H
#define TESTS_SIM_WATCH_H

#include <stdint.h>

#include "common/wire.h"

struct node;

/* A Main sends text to a peer. */
void	watch_peer_text(struct node *, const char *, struct span);
/* A Main closes a link, with that code. */
void	watch_close(struct node *, const char *, uint16_t, const char *);

#endif
