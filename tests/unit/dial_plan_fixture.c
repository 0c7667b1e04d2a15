/* SPDX-License-Identifier: ISC */
/* See dial_plan_fixture.h. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dial_plan_fixture.h"

struct plan		plan;
struct plan_todo	todo;
struct monotime		now;

static uint64_t		last;	/* attempt */

void
setup(void)
{
	plan_init(&plan);
	now.ms = 1000000;
	last = 0;
}

void
later(int64_t ms)
{
	now = monotime_add_ms(now, ms);
}

void
configure(uint32_t n)
{
	struct plan_uplink	list[LIMIT_UPLINKS];
	uint32_t		i;

	memset(list, 0, sizeof(list));
	for (i = 0; i < n; i++) {
		strcpy(list[i].host, "main.example");
		strcpy(list[i].path, "/ws/federation");
		list[i].port = (uint16_t)(i + 1);
	}
	plan_set_uplinks(&plan, list, n, now);
}

void
reorder(uint32_t a, uint32_t b)
{
	struct plan_uplink	list[2] = { plan.uplinks[a],
	    plan.uplinks[b] };

	plan_set_uplinks(&plan, list, 2, now);
}

void
start(uint32_t n)
{
	configure(n);
	plan_set_taker(&plan, true, now);
}

void
expect_dial(uint32_t uplink)
{
	ck_assert_int_eq(plan_poll(&plan, now, &todo), PLAN_DO_DIAL);
	ck_assert_uint_eq(todo.uplink, uplink);
	ck_assert_ptr_nonnull(plan_find(&plan, 0));
	ck_assert_uint_eq(plan_find(&plan, 0)->uplink, uplink);
}

void
expect_nothing(void)
{
	ck_assert_int_eq(plan_poll(&plan, now, &todo), PLAN_DO_NOTHING);
}

void
expect_timer(int64_t ms)
{
	ck_assert_int_eq(plan_timer_ms(&plan, now), ms);
}

void
expect_link(enum plan_state state, uint32_t uplink)
{
	ck_assert_int_eq(plan.link.state, state);
	ck_assert_uint_eq(plan.link.uplink, uplink);
}

void
expect_candidate(enum plan_state state)
{
	ck_assert_int_eq(plan.candidate.state, state);
}

uint64_t
connected(void)
{
	plan_connected(&plan, ++last, "192.0.2.1:80", now);
	return (last);
}

void
unreached(uint32_t random)
{
	plan_failed(&plan, 0, now, 0, random);
}

void
ended(uint64_t attempt, uint32_t retry_after_ms, uint32_t random)
{
	plan_failed(&plan, attempt, now, retry_after_ms, random);
}

uint64_t
bring_up(uint32_t uplink)
{
	uint64_t	attempt;

	expect_dial(uplink);
	attempt = connected();
	plan_up(&plan, attempt, now);
	ck_assert_int_eq(plan_find(&plan, attempt)->state, PLAN_UP);
	return (attempt);
}
