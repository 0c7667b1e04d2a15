/* SPDX-License-Identifier: ISC */
/* A plan and its time, for the tests of relayd/dialer/plan.h. */
#ifndef TESTS_UNIT_DIAL_PLAN_FIXTURE_H
#define TESTS_UNIT_DIAL_PLAN_FIXTURE_H

#include "relayd/dialer/plan.h"

#define RANDOM_MAX	UINT32_MAX	/* the longest delay of a back-off */

extern struct plan		plan;
extern struct plan_todo		todo;	/* of the last plan_poll() */
extern struct monotime		now;

/* Before each test. */
void	setup(void);
/* Let time pass, in ms. */
void	later(int64_t);

/* Configure n uplinks on ports 1 to n of one host. */
void	configure(uint32_t);
/* Configure these two of the present ones, in that order. */
void	reorder(uint32_t, uint32_t);
/* Configure n, with a front-end that has none of them. */
void	start(uint32_t);

/* What the plan wants now. */
void	expect_dial(uint32_t);
void	expect_nothing(void);
void	expect_timer(int64_t);
/* How it is. */
void	expect_link(enum plan_state, uint32_t);
void	expect_candidate(enum plan_state);

/* What was dialled is connected: its attempt. */
uint64_t connected(void);
/* The dial fails, with that random number. */
void	unreached(uint32_t);
/* The attempt fails: retry_after_ms, random. */
void	ended(uint64_t, uint32_t, uint32_t);
/* Dial that uplink, connect and come up: the attempt. */
uint64_t bring_up(uint32_t);

#endif
