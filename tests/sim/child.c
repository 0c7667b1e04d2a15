/* SPDX-License-Identifier: ISC */
/* child.h for many processes in one: the frame of each, without its fds. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/child.h"
#include "tests/sim/node.h"
#include "tests/sim/programs.h"

static const struct program *const	programs[PROC_MAX] = {
	[PROC_DIALER] = &program_dialer,
	[PROC_ROUTER] = &program_router,
	[PROC_REGISTRY] = &program_registry,
};

/* --- the programs' main() --- */

static jmp_buf			 started;
static struct child_ops		 captured[PROC_MAX];

/* It must not return, and what it was given may be its caller's own. */
void
child_run(const struct child_ops *ops, void *ctx)
{
	(void)ctx;
	captured[ops->self] = *ops;
	longjmp(started, 1);
}

const struct child_ops *
program_ops(enum proc_id id)
{
	if (captured[id].handlers == NULL && setjmp(started) == 0)
		programs[id]->start();
	return (&captured[id]);
}

/* --- child.h --- */

struct event_base *
child_base(struct child *c)
{
	return (&c->base);
}

const char *
child_dir(struct child *c)
{
	return (c->node->dir);
}

const char *
child_outer_dir(struct child *c)
{
	return (c->node->dir);
}

enum node_role
child_role(struct child *c)
{
	return (c->node->role);
}

struct channel *
child_parent(struct child *c)
{
	return (c->ch[PROC_PARENT]);
}

struct channel *
child_peer(struct child *c, enum proc_id proc)
{
	return (c->running ? c->ch[proc] : NULL);
}

uint32_t
child_generation(struct child *c)
{
	return (c->generation);
}

void
child_exit(struct child *c)
{
	sim_fail("%s of %s ends itself", proc_name(c->id), c->node->id);
}

/* --- configuration --- */

void
child_feed(struct child *c, enum msg_type type, const struct wire_put *w)
{
	struct wire_get	msg;

	if (c->ops->handlers[type] == NULL)
		sim_fail("%s has no use for %s", proc_name(c->id),
		    msg_name(type));
	wire_get_init(&msg, w->buf, w->len);
	c->ops->handlers[type](c->ctx, c->ch[PROC_PARENT], &msg, -1);
	if (w->bad || !get_done(&msg))
		sim_fail("%s of %s finds %s malformed", proc_name(c->id),
		    c->node->id, msg_name(type));
}

static void
peer_up(struct child *c, enum proc_id proc)
{
	channel_resume(c->ch[proc]);
	if (c->ops->peer_up == NULL)
		return;
	sim.running = c;
	c->ops->peer_up(c->ctx, proc, c->ch[proc]);
	sim.running = NULL;
}

static void
on_commit(void *arg)
{
	struct child	*c = arg;
	bool		 first = !c->running;
	enum proc_id	 proc;

	if (c->stalled_us > sim.now_us) {
		timer_at(&c->commit, c->stalled_us);
		return;
	}
	c->staged = false;
	c->generation = c->next;
	c->running = true;
	sim.running = c;
	c->ops->conf_commit(c->ctx);
	sim.running = NULL;
	for (proc = 0; first && proc < PROC_MAX; proc++) {
		if (proc != PROC_PARENT && c->ch[proc] != NULL)
			peer_up(c, proc);
	}
}

void
child_commit_now(struct child *c)
{
	if (!c->staged)
		return;
	timer_del(&c->commit);
	on_commit(c);
}

void
child_configure(struct child *c, uint32_t generation,
    void (*feed)(struct child *), int64_t commit_in_us)
{
	char	reason[512] = "";

	/* The one before is committed first, as the parent waits for it. */
	c->stalled_us = c->staged ? 0 : c->stalled_us;
	child_commit_now(c);
	sim.running = c;
	c->ops->conf_begin(c->ctx, generation);
	feed(c);
	if (!c->ops->conf_end(c->ctx, reason, sizeof(reason)))
		sim_fail("%s of %s rejects its configuration: %s",
		    proc_name(c->id), c->node->id, reason);
	sim.running = NULL;
	c->next = generation;
	c->staged = true;
	if (commit_in_us == 0)
		on_commit(c);
	else
		timer_in(&c->commit, commit_in_us);
}

/* --- life --- */

struct child *
child_new(struct node *n, enum proc_id id, const struct child_ops *ops,
    void *ctx)
{
	struct child	*c = sim_alloc(sizeof(*c));

	c->node = n;
	c->id = id;
	c->ops = ops != NULL ? ops : program_ops(id);
	c->ctx = ctx != NULL ? ctx : sim_alloc(programs[id]->size);
	c->base.child = c;
	LIST_INIT(&c->base.events);
	c->alive = true;
	timer_init(&c->commit, on_commit, c);
	return (c);
}

void
child_drop(struct child *c, enum proc_id proc)
{
	struct channel	*ch = c->ch[proc];

	if (ch == NULL)
		return;
	c->ch[proc] = NULL;
	if (c->running && c->ops->peer_down != NULL && proc != PROC_PARENT) {
		sim.running = c;
		c->ops->peer_down(c->ctx, proc);
		sim.running = NULL;
	}
	channel_free(ch);
}

void
child_connect(struct child *a, struct child *b)
{
	child_drop(a, b->id);
	child_drop(b, a->id);
	channel_connect(a, b);
	/* Until a process has its configuration it does not read. */
	if (a->id != PROC_PARENT && b->id != PROC_PARENT) {
		channel_pause(a->ch[b->id]);
		channel_pause(b->ch[a->id]);
	}
	if (a->running && b->id != PROC_PARENT)
		peer_up(a, b->id);
	if (b->running && a->id != PROC_PARENT)
		peer_up(b, a->id);
}

void
child_kill(struct child *c)
{
	enum proc_id	 proc;
	struct event	*ev;

	c->alive = c->running = false;
	timer_del(&c->commit);
	for (proc = 0; proc < PROC_MAX; proc++) {
		if (c->ch[proc] != NULL)
			channel_free(c->ch[proc]);
		c->ch[proc] = NULL;
	}
	while ((ev = LIST_FIRST(&c->base.events)) != NULL)
		event_free(ev);
	if (c->id == PROC_REGISTRY)
		program_registry_end(c->ctx);
}

void
child_stall(struct child *c, int64_t us)
{
	c->stalled_us = sim.now_us + us;
}
