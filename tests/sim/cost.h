/* SPDX-License-Identifier: ISC */
/* What discovery costs, measured: sim -c. */
#ifndef TESTS_SIM_COST_H
#define TESTS_SIM_COST_H

#include "common/wire.h"

/* Prints the table: each federation in a process of its own. */
int	cost_run(void);
/* A Main sends text to a peer. */
void	cost_peer_text(struct span);

#endif
