/* SPDX-License-Identifier: ISC */
/* A look into a real router: as relay-ctl has it. */
#include <string.h>

#include "relay-router/router.h"
#include "tests/sim/child.h"
#include "tests/sim/programs.h"

const struct program	program_router = {
	router_main, sizeof(struct router)
};

unsigned int
peek_pending(struct child *c)
{
	const struct router	*r = c->ctx;

	return (r->pending.n);
}

struct peek {
	peek_fn	 fn;
	void	*arg;
};

static void
copy(const char *key, struct span name, struct span value, char *buf,
    size_t size)
{
	if (span_eq(name, span_str(key)))
		(void)span_copy(value, buf, size);
}

/* One CTL_ROW of section "routes". */
static void
on_row(void *arg, enum msg_type type, struct wire_get *msg)
{
	const struct peek	*p = arg;
	char			 main_id[300] = "", node[300] = "";
	char			 service[300] = "", state[32] = "";
	struct peek_row		 row = {
		.main_id = main_id, .node = node, .service = service,
	};
	struct span		 name, value;
	uint16_t		 n;

	if (type != MSG_CTL_ROW)
		return;
	(void)get_u64(msg);
	(void)get_span(msg, UINT16_MAX);
	for (n = get_u16(msg); n > 0; n--) {
		name = get_span(msg, UINT16_MAX);
		(void)get_u8(msg);
		value = get_span(msg, UINT16_MAX);
		copy("main_id", name, value, main_id, sizeof(main_id));
		copy("node_id", name, value, node, sizeof(node));
		copy("service_name", name, value, service, sizeof(service));
		copy("state", name, value, state, sizeof(state));
	}
	row.live = strcmp(state, "linked") == 0;
	p->fn(p->arg, &row);
}

void
peek_routes(struct child *c, peek_fn fn, void *arg)
{
	struct channel	*ch = child_parent(c);
	struct peek	 p = { fn, arg };

	channel_take(ch, on_row, &p);
	c->ops->show(c->ctx, ch, 0, CTL_SHOW_ROUTES);
	channel_take(ch, NULL, NULL);
}
