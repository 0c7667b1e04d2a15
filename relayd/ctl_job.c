/* SPDX-License-Identifier: ISC */
/*
 * What was asked of the children for control clients: under which id of ours
 * it was passed on, and who of them has not answered.
 */
#include <stdlib.h>

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

void
ctl_job_done_by(struct ctl_job *job, enum proc_id id, enum ctl_status status,
    const char *text)
{
	job->waiting &= ~PROC_BIT(id);
	if (job->waiting != 0)
		return;
	ctl_end(job->client->ch, job->request, status, text);
	ctl_job_free(job);
}

void
ctl_job_fail(struct ctl_job *job, enum proc_id id, const char *why)
{
	if (job->call || job->command) {
		ctl_job_done_by(job, id, CTL_REFUSED, why);
		return;
	}
	job_error(job, id, why);
	ctl_job_done_by(job, id, CTL_OK, "");
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
		ctl_job_fail(job, id, "no answer in time");
		/* The last one frees the job. */
		if (waiting == 0)
			return;
	}
}

struct ctl_job *
ctl_job_new(struct ctl_client *client, uint64_t request, int64_t timeout_ms)
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
	ctl_job_done_by(job, c->id, status, text);
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
			ctl_job_fail(job, id, "it ended");
	}
}
