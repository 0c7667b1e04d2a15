/* SPDX-License-Identifier: ISC */
/* The disorder of a seed, and what must be true during it and after. */
#ifndef TESTS_SIM_CHAOS_H
#define TESTS_SIM_CHAOS_H

#include "tests/sim/sim.h"

/* --- chaos.c --- */
/* Something happens every now and then until that time. */
void	chaos_begin(int64_t);
/* All is mended: what was cut heals, what was off starts. */
void	chaos_end(void);
/* Two Mains give up what they have and dial each other. */
void	chaos_redial(unsigned int, unsigned int);
/* One Main stays away for good. */
bool	chaos_lost_main(void);

/* --- check.c --- */
/* Looks for ghosts every now and then. */
void	check_begin(void);
/* After the quiet: every Main's view must be the truth. */
void	check_truth(void);
/* The same as HTTP shows it; the answers come in a moment. */
void	check_http(void);
void	check_http_done(void);
/* And when the calls it made are over. */
void	check_rest(void);
/* All Mains dial each other at once: in a moment each pair has one link. */
void	check_redial(void);
/* A home that moves is found at its new Main within a second. */
void	check_moves(void);
/* A Main that stays away: nobody may list its homes any more. */
void	check_purged(void);

#endif
