/* SPDX-License-Identifier: ISC */
/*
 * What a control client asks of the children: the parent passes it on under
 * an id of its own, and the answers back, and waits for none of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/wire.h"
#include "relayd/control.h"

/* --- jobs --- */

static struct ctl_job *
job_find(struct relayd *rd, uint64_t id)
{
	struct ctl_job *job;

	LIST_FOREACH(job, &rd->control->jobs, entry) {
		if (job->id == id)
			return (job);
	}
	return (NULL);
}

void
ctl_job_free(struct ctl_job *job)
{
	LIST_REMOVE(job, entry);
	job->client->jobs--;
	event_free(job->timer);
	free(job);
}

/* A row that says why one process has no part in the answer. */
static void
job_error(struct ctl_job *job, enum proc_id id, const char *why)
{
	struct ctl_row row;

	ctl_row_begin(&row, job->client->ch, job->request, "errors");
	ctl_text(&row, "process", proc_name(id));
	ctl_text(&row, "error", why);
	ctl_row_end(&row);
}

/* One process has answered or never will; the last one ends the job. */
static void
job_done_by(struct ctl_job *job, enum proc_id id, enum ctl_status status,
    const char *text)
{
	job->waiting &= ~PROC_BIT(id);
	if (job->waiting != 0)
		return;
	ctl_end(job->client->ch, job->request, status, text);
	ctl_job_free(job);
}

static void
job_fail(struct ctl_job *job, enum proc_id id, const char *why)
{
	if (job->call || job->command) {
		job_done_by(job, id, CTL_REFUSED, why);
		return;
	}
	job_error(job, id, why);
	job_done_by(job, id, CTL_OK, "");
}

static void
on_job_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ctl_job *job = arg;
	unsigned int waiting = job->waiting;
	enum proc_id id;

	(void)fd;
	(void)what;
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if ((waiting & PROC_BIT(id)) == 0)
			continue;
		waiting &= ~PROC_BIT(id);
		job_fail(job, id, "no answer in time");
		/* The last one frees the job. */
		if (waiting == 0)
			return;
	}
}

static struct ctl_job *
job_new(struct ctl_client *client, uint64_t request, int64_t timeout_ms)
{
	struct ctl_job *job;

	if (client->jobs >= LIMIT_CTL_JOBS) {
		ctl_end(client->ch, request, CTL_REFUSED,
		    "too many questions at once");
		return (NULL);
	}
	if ((job = calloc(1, sizeof(*job))) == NULL)
		fatal("out of memory");
	job->client = client;
	job->id = id64_next(&client->rd->control->ids);
	job->request = request;
	job->timer = timer_new(client->rd, on_job_timer, job);
	timer_start(job->timer, timeout_ms);
	client->jobs++;
	LIST_INSERT_HEAD(&client->rd->control->jobs, job, entry);
	return (job);
}

/* --- what a client asks --- */

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
		return (PROC_BIT(PROC_REGISTRY));
	case CTL_SHOW_SESSIONS:
	case CTL_SHOW_PENDING:
	case CTL_SHOW_ROUTES:
		return (PROC_BIT(PROC_ROUTER));
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

	if ((job = job_new(client, request, LIMIT_CTL_REPLY_MS)) == NULL)
		return;
	/* The parent's own bit keeps the job until all have been asked. */
	job->waiting = set | PROC_BIT(PROC_PARENT);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		if ((set & PROC_BIT(id)) == 0)
			continue;
		if (!child_listens(c)) {
			job_fail(job, id, "not running");
			continue;
		}
		w = channel_begin(c->ch, MSG_CTL_SHOW);
		put_u64(w, job->id);
		put_u8(w, (uint8_t)what);
		(void)channel_commit(c->ch);
	}
	job_done_by(job, PROC_PARENT, CTL_OK, "");
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

void
ctl_on_call(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct child *router = &client->rd->children[PROC_ROUTER];
	uint64_t request = get_u64(msg);
	/* The router trusts us, so it must get no more than it takes. */
	struct span target = get_span(msg, LIMIT_CTL_TARGET);
	struct span method = get_span(msg, LIMIT_METHOD_NAME);
	uint32_t timeout_ms = get_u32(msg);
	struct span args = get_bytes(msg);
	struct ctl_job *job;
	struct wire_put *w;

	(void)fd;
	if (!get_done(msg))
		return;
	if (router->state != CHILD_RUN) {
		ctl_end(ch, request, CTL_REFUSED, "the router is not running");
		return;
	}
	/* The router answers before; this is for a router that does not. */
	job = job_new(client, request,
	    (int64_t)LIMIT_TIMEOUT_MAX_MS + LIMIT_CTL_REPLY_MS);
	if (job == NULL)
		return;
	job->call = true;
	job->waiting = PROC_BIT(PROC_ROUTER);
	w = channel_begin(router->ch, MSG_CTL_CALL);
	put_u64(w, job->id);
	put_span(w, target);
	put_span(w, method);
	put_u32(w, timeout_ms);
	put_bytes(w, args.p, args.len);
	if (channel_commit(router->ch) == -1)
		job_fail(job, PROC_ROUTER, "the router does not listen");
}

/*
 * A job for the registry of a Main, or NULL and an answer.  what is for
 * whom asks at a home.
 */
static struct ctl_job *
registry_job(struct ctl_client *client, uint64_t request, const char *what)
{
	struct relayd *rd = client->rd;
	char why[128];
	struct ctl_job *job;

	why[0] = '\0';
	if (rd->conf != NULL && rd->conf->role != ROLE_MAIN)
		snprintf(why, sizeof(why), "%s a main, and this node is a "
		    "home", what);
	else if (rd->children[PROC_REGISTRY].state != CHILD_RUN)
		strlcpy(why, "the registry is not running", sizeof(why));
	if (why[0] != '\0') {
		ctl_end(client->ch, request, CTL_REFUSED, why);
		return (NULL);
	}
	if ((job = job_new(client, request, LIMIT_CTL_REPLY_MS)) == NULL)
		return (NULL);
	job->command = true;
	job->waiting = PROC_BIT(PROC_REGISTRY);
	return (job);
}

static void
registry_asked(struct ctl_job *job, struct channel *ch)
{
	if (channel_commit(ch) == -1)
		job_fail(job, PROC_REGISTRY, "the registry does not listen");
}

void
ctl_on_peer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	static const char *const verbs[] = { [CTL_PEER_ADD] = "add",
	    [CTL_PEER_DELETE] = "delete", [CTL_PEER_RESET] = "reset" };
	struct ctl_client *client = arg;
	struct channel *registry = client->rd->children[PROC_REGISTRY].ch;
	uint64_t request = get_u64(msg);
	uint8_t op = get_u8(msg);
	struct span name = get_span(msg, LIMIT_CONF_STRING);
	struct span node_id = get_span(msg, LIMIT_NODE_ID);
	bool persist = get_bool(msg);
	bool insecure = get_bool(msg);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || op < CTL_PEER_ADD || op > CTL_PEER_RESET) {
		msg->bad = true;
		return;
	}
	job = registry_job(client, request, "peers are for");
	if (job == NULL)
		return;
	log_notice("uid %u asks to %s peer %.*s", (unsigned int)client->uid,
	    verbs[op], (int)name.len, name.p);
	w = channel_begin(registry, MSG_CTL_PEER);
	put_u64(w, job->id);
	put_u8(w, op);
	put_span(w, name);
	put_span(w, node_id);
	put_bool(w, persist);
	put_bool(w, insecure);
	registry_asked(job, registry);
}

void
ctl_on_token(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct channel *registry = client->rd->children[PROC_REGISTRY].ch;
	uint64_t request = get_u64(msg);
	bool revoke = get_bool(msg);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	job = registry_job(client, request, "admin tokens are for");
	if (job == NULL)
		return;
	log_notice("uid %u %s", (unsigned int)client->uid, revoke ?
	    "revokes all admin tokens" : "asks for a new admin token");
	w = channel_begin(registry, MSG_CTL_TOKEN);
	put_u64(w, job->id);
	put_bool(w, revoke);
	registry_asked(job, registry);
}

/* --- answers --- */

/* One that does not read is not worth the memory. */
static bool
too_slow(const struct ctl_job *job)
{
	return (channel_stats(job->client->ch)->queued > LIMIT_CTL_QUEUE);
}

/* Copy the fields of a row, each of them checked. */
static void
copy_fields(struct wire_get *msg, struct wire_put *w)
{
	uint16_t i, n;
	uint8_t type;

	n = get_count(msg, UINT16_MAX, 5);
	put_u16(w, n);
	for (i = 0; i < n && !msg->bad; i++) {
		put_span(w, get_span(msg, UINT16_MAX));
		type = get_u8(msg);
		if (type < CTL_TEXT || type > CTL_BOOL)
			msg->bad = true;
		put_u8(w, type);
		put_span(w, get_span(msg, UINT16_MAX));
	}
}

void
control_row(void *arg, struct channel *from, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	struct relayd *rd = c->rd;
	uint64_t id = get_u64(msg);
	struct span section = get_span(msg, UINT16_MAX);
	struct ctl_job *job = job_find(rd, id);
	struct wire_put *w;

	(void)from;
	(void)fd;
	if (job == NULL || (job->waiting & PROC_BIT(c->id)) == 0) {
		/* Its client is gone, or the answer is late. */
		msg->p = msg->end;
		return;
	}
	if (too_slow(job)) {
		log_warn("control client (uid %u, pid %d) reads too slowly",
		    (unsigned int)job->client->uid, (int)job->client->pid);
		ctl_client_free(job->client);
		msg->p = msg->end;
		return;
	}
	w = channel_begin(job->client->ch, MSG_CTL_ROW);
	put_u64(w, job->request);
	put_span(w, section);
	copy_fields(msg, w);
	if (get_done(msg))
		(void)channel_commit(job->client->ch);
	else
		channel_abort(job->client->ch);
}

void
control_end(void *arg, struct channel *from, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint64_t id = get_u64(msg);
	enum ctl_status status = get_u8(msg);
	struct span span = get_span(msg, UINT16_MAX);
	struct ctl_job *job = job_find(c->rd, id);
	char text[1024];

	(void)from;
	(void)fd;
	if (!get_done(msg) || status > CTL_NOT_FOUND) {
		msg->bad = true;
		return;
	}
	if (job == NULL || (job->waiting & PROC_BIT(c->id)) == 0)
		return;
	if (!span_copy(span, text, sizeof(text)))
		span_copy((struct span){ span.p, sizeof(text) - 1 }, text,
		    sizeof(text));
	job_done_by(job, c->id, status, text);
}

void
control_result(void *arg, struct channel *from, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint64_t id = get_u64(msg);
	bool ok = get_bool(msg);
	struct span json = get_bytes(msg);
	struct ctl_job *job = job_find(c->rd, id);
	struct wire_put *w;

	(void)from;
	(void)fd;
	if (!get_done(msg) || job == NULL || !job->call)
		return;
	w = channel_begin(job->client->ch, MSG_CTL_RESULT);
	put_u64(w, job->request);
	put_bool(w, ok);
	put_bytes(w, json.p, json.len);
	(void)channel_commit(job->client->ch);
	ctl_job_free(job);
}

void
control_child_gone(struct relayd *rd, enum proc_id id)
{
	struct ctl_job *job, *next;

	for (job = LIST_FIRST(&rd->control->jobs); job != NULL; job = next) {
		next = LIST_NEXT(job, entry);
		if ((job->waiting & PROC_BIT(id)) != 0)
			job_fail(job, id, "it ended");
	}
}
