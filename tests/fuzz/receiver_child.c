/* SPDX-License-Identifier: ISC */
/*
 * What child.h declares, time, chance and the channels of a process: see
 * receiver.h.
 */
#include <sys/random.h>

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "tests/fuzz/receiver_impl.h"

void	__wrap_fatal(const char *, ...) __attribute__((noreturn));

static int64_t			 clock_ms = 1000;
static jmp_buf			 started;
static struct child_ops		 captured;

/* --- what differs each time elsewhere --- */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t	ms = clock_ms;

	if (id == CLOCK_REALTIME)
		ms += 1767323045678;
	ts->tv_sec = ms / 1000;
	ts->tv_nsec = ms % 1000 * 1000000;
	return (0);
}

ssize_t
getrandom(void *buf, size_t len, unsigned int flags)
{
	(void)flags;
	memset(buf, 'r', len);
	return ((ssize_t)len);
}

uint32_t
arc4random(void)
{
	return (0x72727272);
}

void
__wrap_fatal(const char *text, ...)
{
	(void)text;
	abort();
}

/* --- child.h --- */

void
child_run(const struct child_ops *ops, void *ctx)
{
	(void)ctx;
	/* It may be on the stack of main(). */
	captured = *ops;
	longjmp(started, 1);
}

/* child_run() must not return: its caller is left there. */
const struct child_ops *
rx_load_program(void)
{
	if (setjmp(started) == 0)
		program_main();
	return (&captured);
}

struct event_base *
child_base(struct child *c)
{
	return (c->base);
}

const char *
child_dir(struct child *c)
{
	(void)c;
	return ("/");
}

const char *
child_outer_dir(struct child *c)
{
	(void)c;
	return ("/");
}

enum node_role
child_role(struct child *c)
{
	return (c->role);
}

struct channel *
child_parent(struct child *c)
{
	return (c->ends[PROC_PARENT].ch);
}

struct channel *
child_peer(struct child *c, enum proc_id proc)
{
	return (c->ends[proc].up ? c->ends[proc].ch : NULL);
}

uint32_t
child_generation(struct child *c)
{
	return (c->generation);
}

void
child_exit(struct child *c)
{
	(void)c;
	abort();
}

void *
receiver_ctx(struct child *c)
{
	return (c->ctx);
}

/* --- the loop --- */

static void
drain(struct child *c, enum proc_id to)
{
	static uint8_t	buf[1U << 18];
	ssize_t		n;

	/* An fd that comes with it is closed by not being taken. */
	while ((n = read(c->ends[to].far, buf, sizeof(buf))) > 0) {
		rx_take_bytes(c, to, buf, (size_t)n);
		if ((size_t)n < sizeof(buf))
			break;
	}
}

void
receiver_turn(struct child *c)
{
	enum proc_id	proc;
	int		i;

	for (i = 0; i < 2; i++)
		(void)event_base_loop(c->base, EVLOOP_NONBLOCK);
	for (proc = 0; proc < PROC_MAX; proc++) {
		if (c->ends[proc].ch != NULL)
			drain(c, proc);
	}
}

void
receiver_later(struct child *c, int64_t ms)
{
	clock_ms += ms;
	receiver_turn(c);
}

/* --- channels --- */

void
rx_end_open(struct child *c, enum proc_id proc)
{
	struct end	*e = &c->ends[proc];
	int		 fds[2];

	if (e->ch != NULL)
		return;
	memset(e, 0, sizeof(*e));
	if (channel_pair(fds) == -1)
		abort();
	e->far = fds[1];
	e->ch = channel_new(c->base, fds[0], c->ops->self, proc, PHASE_RUN,
	    &c->channel_ops, c);
	if (e->ch == NULL)
		abort();
}

void
rx_peer_up(struct child *c, enum proc_id proc)
{
	struct end	*e = &c->ends[proc];

	e->up = true;
	if (c->ops->peer_up != NULL)
		c->ops->peer_up(c->ctx, proc, e->ch);
}

void
rx_peer_down(struct child *c, enum proc_id proc)
{
	struct end	*e = &c->ends[proc];

	if (!e->up)
		return;
	e->up = false;
	if (c->ops->peer_down != NULL)
		c->ops->peer_down(c->ctx, proc);
}

void
rx_end_close(struct child *c, enum proc_id proc)
{
	struct end	*e = &c->ends[proc];

	if (e->ch == NULL)
		return;
	channel_free(e->ch);
	close(e->far);
	e->ch = NULL;
}

void
rx_all_peers(struct child *c, void (*f)(struct child *, enum proc_id))
{
	enum proc_id	proc;

	for (proc = 0; proc < PROC_MAX; proc++) {
		if (receiver.peers & PROC_BIT(proc))
			f(c, proc);
	}
}
