/* SPDX-License-Identifier: ISC */
/* See mesh_rows_fixture.h. */
#include <stdio.h>

#include "relay-registry/mesh.h"
#include "tests/unit/mesh_rows_fixture.h"
#include "tests/unit/suite.h"

#define EPOCH	0xfeed

const struct mesh_limits	 small = {
	.nodes = 4, .bytes = 4U << 20, .burst = 10, .rate = 2, .gone = 2,
	.total = 1U << 30
};
struct mesh		*m;
struct monotime		 now;
uint8_t			 out[4U << 20];
struct wire_put		 put;
enum msg_type		 type;

void
setup(void)
{
	now.ms = 1000;
	m = mesh_new(EPOCH, &small);
	mesh_link_up(m, A, "a", false, now);
}

void
teardown(void)
{
	mesh_free(m);
}

void
limit(const struct mesh_limits *limits)
{
	mesh_free(m);
	m = mesh_new(EPOCH, limits);
	mesh_link_up(m, A, "a", false, now);
}

bool
next(void)
{
	wire_put_init(&put, out, sizeof(out));
	if (!mesh_next(m, &type, &put, now))
		return (false);
	ck_assert(!put.bad);
	ck_assert_ptr_null(msg_check(type, PROC_REGISTRY, PROC_ROUTER,
	    PHASE_RUN, (uint32_t)put.len, false));
	return (true);
}

const char *
said(void)
{
	static char text[64];
	size_t n;

	for (n = 0; n < sizeof(text) - 1 && next(); n++) {
		switch (type) {
		case MSG_PEER_ROWS:
			text[n] = out[8] == 1 ? 'P' : 'D';
			break;
		case MSG_PEER_ROUTE_SET:
			text[n] = 's';
			break;
		case MSG_PEER_ROUTE_DELETE:
			text[n] = 'd';
			break;
		case MSG_PEER_ROUTES:
			text[n] = "0BEF"[out[put.len - 1]];
			break;
		default:
			text[n] = type == MSG_PEER_ANSWER ? 'a' :
			    type == MSG_PEER_BARRIER ? 'b' :
			    type == MSG_PEER_DIGEST ? 'g' : 'r';
		}
	}
	text[n] = '\0';
	return (text);
}

struct mesh_main
main_a(void)
{
	struct mesh_main main;

	(void)mesh_main(m, "a", &main);
	return (main);
}

struct mesh_stats
stats(void)
{
	struct mesh_stats s;

	mesh_stats(m, &s);
	return (s);
}

const char *
begin(unsigned int op, uint64_t epoch, uint64_t seq, uint32_t part)
{
	return (mesh_rows_begin(m, A, op, epoch, seq, part, now));
}

const char *
row_of(const char *node, const struct service *services, uint16_t n)
{
	struct mesh_row_in in = { span_str(node), false, services, n };

	return (mesh_rows_row(m, A, &in, now));
}

const char *
row(const char *node)
{
	struct service s;

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "s");
	return (row_of(node, &s, 1));
}

const char *
gone(const char *node)
{
	struct mesh_row_in in = { span_str(node), true, NULL, 0 };

	return (mesh_rows_row(m, A, &in, now));
}

void
end(bool last)
{
	ck_assert_ptr_null(mesh_rows_end(m, A, last, now));
}

/* A whole part of a snapshot or delta with some homes of one letter. */
static void
say(unsigned int op, uint64_t seq, uint32_t part, bool last, const char *homes)
{
	char node[2] = "";

	ck_assert_ptr_null(begin(op, 1, seq, part));
	for (; *homes != '\0'; homes++) {
		node[0] = *homes;
		ck_assert_ptr_null(row(node));
	}
	end(last);
}

void
part(uint64_t seq, uint32_t number, bool last, const char *homes)
{
	say(1, seq, number, last, homes);
}

void
delta(uint64_t seq, const char *homes)
{
	say(2, seq, 0, true, homes);
}
