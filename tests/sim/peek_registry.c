/* SPDX-License-Identifier: ISC */
/* A look into a real registry. */
#include "relay-registry/registry_impl.h"
#include "relay-registry/registry_main.h"
#include "tests/sim/child.h"
#include "tests/sim/programs.h"

const struct program	program_registry = {
	registry_main, sizeof(struct context)
};

void
program_registry_end(void *ctx)
{
	registry_free(((struct context *)ctx)->registry);
}

struct peek {
	peek_fn		 fn;
	void		*arg;
	struct monotime	 now;
};

static bool
pass(void *arg, const struct mesh_view *v)
{
	const struct peek	*p = arg;
	struct peek_row		 row = {
		.main_id = v->main_id, .node = v->node, .live = !v->stale,
	};
	uint16_t		 i;

	if (v->stale)
		row.stale_ms = monotime_diff_ms(p->now, v->stale_since);
	for (i = 0; i < v->n; i++) {
		row.service = v->services[i].name;
		p->fn(p->arg, &row);
	}
	return (true);
}

void
peek_registry(struct child *c, peek_fn fn, void *arg)
{
	const struct context	*ctx = c->ctx;
	struct peek		 p = { fn, arg, monotime_now() };

	mesh_each(ctx->registry->mesh, pass, &p);
}
