/* SPDX-License-Identifier: ISC */
/*
 * The message table against an oracle that a script made from its text
 * (tests/ipc/gen-matrix.py), and what must hold for the table as a whole.
 */
#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/msg.h"
#include "common/service.h"
#include "tests/ipc/matrix.h"
#include "tests/unit/suite.h"

/* Names in the order of the letters that the script numbers. */
static const char *const names[] = {
	"parent", "frontend", "dialer", "backend", "router", "registry",
	"keeper", "ctl"
};

START_TEST(matrix)
{
	struct matrix_case c;
	FILE *f = matrix_open();
	const char *why;
	unsigned int wrong = 0, allowed = 0;

	while (matrix_next(f, &c)) {
		why = msg_check(c.type, c.from, c.to, c.phase, c.len,
		    c.fd == 1);
		allowed += c.ok;
		if ((why == NULL) == (c.ok == 1) &&
		    strcmp(msg_name(c.type), c.name) == 0)
			continue;
		fprintf(stderr, "%s (%u, %s) %s to %s phase %u length %u "
		    "fd %u: %s\n", c.name, c.type, msg_name(c.type),
		    proc_name(c.from), proc_name(c.to), c.phase, c.len, c.fd,
		    why == NULL ? "allowed" : why);
		wrong++;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_gt(allowed, 0);
	fclose(f);
}
END_TEST

START_TEST(processes)
{
	unsigned int i;

	ck_assert_uint_eq(PROC_MAX, sizeof(names) / sizeof(names[0]));
	for (i = 0; i < PROC_MAX; i++)
		ck_assert_str_eq(proc_name(i), names[i]);
	ck_assert_str_eq(proc_name(PROC_MAX), "unknown");
	ck_assert_str_eq(role_name(ROLE_MAIN), "main");
	ck_assert_str_eq(role_name(ROLE_HOME), "home");
}
END_TEST

/* Each process has its own rank, so of two that differ one may judge. */
START_TEST(trust)
{
	unsigned int i, j;

	for (i = 0; i < PROC_MAX; i++) {
		for (j = 0; j < PROC_MAX; j++)
			ck_assert((proc_trust(i) == proc_trust(j)) == (i == j));
		ck_assert_int_gt(proc_trust(i), proc_trust(PROC_MAX));
	}
	ck_assert_int_gt(proc_trust(PROC_PARENT), proc_trust(PROC_REGISTRY));
	ck_assert_int_gt(proc_trust(PROC_REGISTRY), proc_trust(PROC_KEEPER));
	ck_assert_int_gt(proc_trust(PROC_KEEPER), proc_trust(PROC_ROUTER));
	ck_assert_int_gt(proc_trust(PROC_ROUTER), proc_trust(PROC_BACKEND));
	ck_assert_int_gt(proc_trust(PROC_BACKEND), proc_trust(PROC_DIALER));
	ck_assert_int_gt(proc_trust(PROC_DIALER), proc_trust(PROC_FRONTEND));
	ck_assert_int_gt(proc_trust(PROC_FRONTEND), proc_trust(PROC_CTL));
}
END_TEST

static bool
reaches(enum proc_id from, enum proc_id to)
{
	unsigned int type, phase;
	const struct msg_info *m;

	for (type = MSG_NONE + 1; type < MSG_MAX; type++) {
		m = msg_info(type);
		for (phase = PHASE_SETUP; phase <= PHASE_RUN; phase <<= 1) {
			if (msg_check(type, from, to, phase, m->min,
			    m->fd == MSG_FD_ONE) == NULL)
				return (true);
		}
	}
	return (false);
}

/* Who may say anything at all to whom. */
START_TEST(walls)
{
	unsigned int proc;
	bool may;

	ck_assert(!reaches(PROC_FRONTEND, PROC_REGISTRY));
	ck_assert(!reaches(PROC_REGISTRY, PROC_FRONTEND));
	ck_assert(!reaches(PROC_FRONTEND, PROC_BACKEND));
	ck_assert(!reaches(PROC_BACKEND, PROC_FRONTEND));
	ck_assert(!reaches(PROC_DIALER, PROC_ROUTER));
	ck_assert(!reaches(PROC_ROUTER, PROC_DIALER));
	ck_assert(!reaches(PROC_DIALER, PROC_REGISTRY));
	ck_assert(!reaches(PROC_REGISTRY, PROC_DIALER));
	ck_assert(!reaches(PROC_BACKEND, PROC_REGISTRY));
	ck_assert(!reaches(PROC_REGISTRY, PROC_BACKEND));
	ck_assert(!reaches(PROC_CTL, PROC_CTL));
	/*
	 * Keys: only who shakes hands asks, and nobody else is answered.  For a
	 * control client the parent asks.
	 */
	for (proc = 0; proc < PROC_MAX; proc++) {
		may = proc == PROC_PARENT || proc == PROC_FRONTEND ||
		    proc == PROC_CTL;
		ck_assert(reaches(proc, PROC_KEEPER) == may);
		ck_assert(reaches(PROC_KEEPER, proc) == may);
	}
	ck_assert(reaches(PROC_FRONTEND, PROC_ROUTER));
	ck_assert(reaches(PROC_ROUTER, PROC_REGISTRY));
	ck_assert(reaches(PROC_ROUTER, PROC_BACKEND));
	ck_assert(reaches(PROC_DIALER, PROC_FRONTEND));
	ck_assert(reaches(PROC_BACKEND, PROC_DIALER));
}
END_TEST

START_TEST(rows)
{
	const struct msg_info *m;
	unsigned int type;
	const char *p;

	ck_assert_ptr_null(msg_info(MSG_NONE));
	ck_assert_ptr_null(msg_info(MSG_MAX));
	ck_assert_ptr_null(msg_info(~0U));
	ck_assert_str_eq(msg_name(MSG_NONE), "unknown");
	ck_assert_str_eq(msg_name(MSG_MAX), "unknown");
	for (type = MSG_NONE + 1; type < MSG_MAX; type++) {
		m = msg_info(type);
		ck_assert_ptr_nonnull(m);
		/* A decoder of an empty payload has no fields and no fd. */
		if (m->fields[0] == '\0')
			ck_assert_uint_eq(m->max, 0);
		for (p = m->name; *p != '\0'; p++)
			ck_assert(isupper((unsigned char)*p) || *p == '_');
		/* Bulk is what a client's bytes can make large. */
		if (m->class == MSG_CLASS_BULK)
			ck_assert_uint_gt(m->max, 65535);
	}
}
END_TEST

/* The least bytes a field of that kind takes. */
static uint32_t
least(const char *kind, size_t len)
{
	static const struct {
		const char	*kind;
		uint32_t	 bytes;
	} kinds[] = {
		{ "u8", 1 }, { "bool", 1 }, { "u16", 2 }, { "u32", 4 },
		{ "i32", 4 }, { "u64", 8 }, { "str", 2 }, { "bytes", 4 },
		{ "service", SERVICE_WIRE_MIN },
		{ "rule", 19 },		/* put_rule() with empty texts */
		{ "count", 0 },		/* "count * ...": may be none */
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].kind) == len &&
		    strncmp(kinds[i].kind, kind, len) == 0)
			return (kinds[i].bytes);
	}
	ck_abort_msg("a field of kind %.*s", (int)len, kind);
}

/* The text after the next comma that is not in parentheses. */
static const char *
next_field(const char *p)
{
	int depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		else if (*p == ',' && depth == 0)
			return (p + 1 + strspn(p + 1, " "));
	}
	return (p);
}

static bool
is_fixed(const char *fields)
{
	return (strstr(fields, "str ") == NULL &&
	    strstr(fields, "bytes ") == NULL &&
	    strstr(fields, ", service") == NULL &&
	    strstr(fields, ", rule") == NULL &&
	    strstr(fields, "count *") == NULL);
}

/*
 * The sizes fit the fields.  A minimum that is larger than the fields would
 * refuse a message with short strings, which nobody notices before the first
 * node has a short name.
 */
START_TEST(sizes)
{
	const struct msg_info *m;
	unsigned int type, wrong = 0;
	const char *p;
	uint32_t need;

	for (type = MSG_NONE + 1; type < MSG_MAX; type++) {
		m = msg_info(type);
		need = 0;
		for (p = m->fields; *p != '\0'; p = next_field(p))
			need += least(p, strcspn(p, " ,"));
		if (m->min == need && (m->max == need) == is_fixed(m->fields))
			continue;
		fprintf(stderr, "%s: %u to %u bytes, its fields take %u\n",
		    m->name, m->min, m->max, need);
		wrong++;
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("msg");

	tcase_add_test(tc, matrix);
	tcase_add_test(tc, processes);
	tcase_add_test(tc, trust);
	tcase_add_test(tc, walls);
	tcase_add_test(tc, rows);
	tcase_add_test(tc, sizes);
	return (suite_run("msg", tc));
}
