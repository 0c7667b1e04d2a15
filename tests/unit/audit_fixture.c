/* SPDX-License-Identifier: ISC */
/* See audit_fixture.h. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "tests/unit/audit_fixture.h"
#include "tests/unit/suite.h"

struct registry	*r;

void
audit_setup(void)
{
	r = fixture_main(100);
}

void
audit_teardown(void)
{
	fixture_free(r);
}

static void
see(void *arg, const struct audit_row *row)
{
	struct seen *s = arg;

	if (s->n++ == 0)
		s->first = row->seq;
	else
		ck_assert_uint_gt(row->seq, s->last);
	s->last = row->seq;
	s->event = row->event;
	strlcpy(s->subject, row->subject, sizeof(s->subject));
	strlcpy(s->object, row->object, sizeof(s->object));
	strlcpy(s->detail, row->detail, sizeof(s->detail));
}

struct seen
page(uint64_t before, uint32_t count)
{
	struct seen s = { .n = 0 };

	ck_assert(audit_each(r, before, count, see, &s));
	return (s);
}

void
last_is(enum audit_event event, const char *subject, const char *object,
    const char *detail)
{
	struct seen s = page(0, 1);

	ck_assert_uint_eq(s.n, 1);
	ck_assert_str_eq(audit_event_name(s.event), audit_event_name(event));
	ck_assert_str_eq(s.subject, subject);
	ck_assert_str_eq(s.object, object);
	ck_assert_str_eq(s.detail, detail);
}

uint64_t
count_of(enum audit_event event)
{
	char sql[96];

	ck_assert(registry_commit(r, fx_now()));
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit"
	    " WHERE event = %d", event);
	return ((uint64_t)fx_number(sql));
}

struct audit_check
verify(void)
{
	struct audit_check c;

	ck_assert(audit_verify(r, &c));
	ck_assert(c.ok == (c.broken_at == 0));
	return (c);
}

void
note(unsigned int n)
{
	char text[16];

	for (; n > 0; n--) {
		snprintf(text, sizeof(text), "node%u", n);
		audit_text(r, AUDIT_NODE, "test", text, "x", fx_now());
	}
	fx_settle(r);
}

void
event(enum audit_event kind, const char *subject, int64_t ms)
{
	audit_text(r, kind, subject, "y", "z", at(ms));
}
