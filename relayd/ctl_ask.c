/* SPDX-License-Identifier: ISC */
/*
 * What a control client asks of the children: the parent passes it on under
 * an id of its own, and the answers back, and waits for none of them.
 */
#include "common/limits.h"
#include "common/wire.h"
#include "relayd/control.h"

/* Who knows the answer, besides the parent. */
static unsigned int
show_set(struct relayd *rd, enum ctl_show what)
{
	enum node_role role = rd->conf->role;

	switch (what) {
	case CTL_SHOW_SUMMARY:
	case CTL_SHOW_CHANNELS:
		return (child_set(role));
	case CTL_SHOW_HOMES:
	case CTL_SHOW_PEERS:
	case CTL_SHOW_SERVICES:
	case CTL_SHOW_IDENTITY:
		return (PROC_BIT(PROC_REGISTRY));
	case CTL_SHOW_SESSIONS:
	case CTL_SHOW_PENDING:
	case CTL_SHOW_ROUTES:
		return (PROC_BIT(PROC_ROUTER));
	case CTL_SHOW_TLS:
		return (PROC_BIT(PROC_FRONTEND) | PROC_BIT(PROC_KEEPER));
	default:
		return (0);
	}
}

static void
ask_children(struct ctl_client *client, uint64_t request, enum ctl_show what)
{
	struct relayd *rd = client->rd;
	struct ctl_job *job;
	struct wire_put *w;
	struct child *c;
	unsigned int set = show_set(rd, what);
	enum proc_id id;

	job = ctl_job_new(client, request, LIMIT_CTL_REPLY_MS);
	if (job == NULL)
		return;
	/* The parent's own bit keeps the job until all have been asked. */
	job->waiting = set | PROC_BIT(PROC_PARENT);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		if ((set & PROC_BIT(id)) == 0)
			continue;
		if (!child_listens(c)) {
			ctl_job_fail(job, id, "not running");
			continue;
		}
		w = channel_begin(c->ch, MSG_CTL_SHOW);
		put_u64(w, job->id);
		put_u8(w, (uint8_t)what);
		(void)channel_commit(c->ch);
	}
	ctl_job_done_by(job, PROC_PARENT, CTL_OK, "");
}

void
ctl_on_show(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct relayd *rd = client->rd;
	uint64_t request = get_u64(msg);
	enum ctl_show what = get_u8(msg);

	(void)fd;
	if (!get_done(msg) || what < CTL_SHOW_SUMMARY ||
	    what >= CTL_SHOW_MAX) {
		msg->bad = true;
		return;
	}
	if (rd->conf == NULL) {
		ctl_end(ch, request, CTL_REFUSED, "relayd is still starting");
		return;
	}
	show_own(rd, ch, request, what);
	ask_children(client, request, what);
}

/* --- the router --- */

/* A job for the router, or NULL and an answer. */
static struct ctl_job *
router_job(struct ctl_client *client, uint64_t request, int64_t timeout_ms)
{
	struct ctl_job *job;

	if (client->rd->children[PROC_ROUTER].state != CHILD_RUN) {
		ctl_end(client->ch, request, CTL_REFUSED,
		    "the router is not running");
		return (NULL);
	}
	if ((job = ctl_job_new(client, request, timeout_ms)) != NULL)
		job->waiting = PROC_BIT(PROC_ROUTER);
	return (job);
}

static void
router_asked(struct ctl_job *job, struct channel *router)
{
	if (channel_commit(router) == -1)
		ctl_job_fail(job, PROC_ROUTER, "the router does not listen");
}

void
ctl_on_call(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct channel *router = client->rd->children[PROC_ROUTER].ch;
	uint64_t request = get_u64(msg);
	/* The router trusts us, so it must get no more than it takes. */
	struct span target = get_span(msg, LIMIT_CTL_TARGET);
	struct span method = get_span(msg, LIMIT_METHOD_NAME);
	uint32_t timeout_ms = get_u32(msg);
	struct span args = get_bytes(msg);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	/* The router answers before; this is for a router that does not. */
	job = router_job(client, request,
	    (int64_t)LIMIT_TIMEOUT_MAX_MS + LIMIT_CTL_REPLY_MS);
	if (job == NULL)
		return;
	job->call = true;
	w = channel_begin(router, MSG_CTL_CALL);
	put_u64(w, job->id);
	put_span(w, target);
	put_span(w, method);
	put_u32(w, timeout_ms);
	put_bytes(w, args.p, args.len);
	router_asked(job, router);
}

void
ctl_on_explain(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct channel *router = client->rd->children[PROC_ROUTER].ch;
	uint64_t request = get_u64(msg);
	struct span caller = get_span(msg, LIMIT_CTL_CALLER);
	struct span target = get_span(msg, LIMIT_CTL_TARGET);
	struct span method = get_span(msg, LIMIT_METHOD_NAME);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	job = router_job(client, request, LIMIT_CTL_REPLY_MS);
	if (job == NULL)
		return;
	job->command = true;
	w = channel_begin(router, MSG_CTL_EXPLAIN);
	put_u64(w, job->id);
	put_span(w, caller);
	put_span(w, target);
	put_span(w, method);
	router_asked(job, router);
}
