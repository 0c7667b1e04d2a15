/* SPDX-License-Identifier: ISC */
/*
 * The processes of exec services: as many as the configuration wants, as long
 * as there is a backend to speak with them.  The parent starts and reaps them
 * and never reads a byte of theirs.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <bsd/stdlib.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/relayd.h"

/* --- messages to the backend --- */

/* The backend's channel, or NULL while there is none to talk to. */
static struct channel *
backend(struct relayd *rd)
{
	struct child *c = &rd->children[PROC_BACKEND];

	return (c->state == CHILD_RUN ? c->ch : NULL);
}

static struct wire_put *
begin(const struct instance *in, enum msg_type type)
{
	struct wire_put *w;

	w = channel_begin(backend(in->rd), type);
	put_u32(w, in->svc->index);
	put_u32(w, in->rd->generation);
	put_u32(w, in->number);
	return (w);
}

static void
send_fd(const struct instance *in, enum msg_type type, int fd)
{
	(void)begin(in, type);
	(void)channel_commit_fd(backend(in->rd), fd);
}

static void
send_exit(const struct instance *in)
{
	/* One that is not wanted any more is unknown to the backend. */
	if (in->svc == NULL || backend(in->rd) == NULL)
		return;
	put_str(begin(in, MSG_SERVICE_EXIT), in->last_exit);
	(void)channel_commit(backend(in->rd));
}

/* --- one instance --- */

static void
start_later(struct instance *in)
{
	timer_start(in->timer, backoff_next_ms(&in->backoff, arc4random()));
}

static void
instance_start(struct instance *in)
{
	int io_fd, err_fd;

	if (in->pid != 0 || in->svc == NULL || backend(in->rd) == NULL ||
	    in->rd->stop.stage != STOP_NONE)
		return;
	if (instance_spawn(in, &io_fd, &err_fd) == -1) {
		start_later(in);
		return;
	}
	in->since = monotime_now();
	in->stopping = in->again = false;
	log_info("service %s runs (pid %d)", in->name, (int)in->pid);
	send_fd(in, MSG_SERVICE_STDERR, err_fd);
	send_fd(in, MSG_SERVICE_IO, io_fd);
}

/* Signal the process and all it has started. */
static void
instance_signal(struct instance *in, int sig)
{
	if (kill(-in->pid, sig) == -1)
		(void)kill(in->pid, sig);
}

static void
instance_stop(struct instance *in)
{
	if (in->pid == 0) {
		event_del(in->timer);
		return;
	}
	if (in->stopping)
		return;
	in->stopping = true;
	instance_signal(in, SIGTERM);
	timer_start(in->timer, LIMIT_STOP_MS);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;

	(void)fd;
	(void)what;
	if (in->pid == 0) {
		instance_start(in);
		return;
	}
	log_warn("service %s does not stop: killed", in->name);
	instance_signal(in, SIGKILL);
}

static struct instance *
instance_new(struct relayd *rd, const struct conf_service *svc,
    uint32_t number)
{
	struct instance *in;

	if ((in = calloc(1, sizeof(*in))) == NULL)
		fatal("out of memory");
	in->rd = rd;
	in->svc = svc;
	in->number = number;
	snprintf(in->name, sizeof(in->name), "%s/%u", svc->def.name, number);
	in->timer = timer_new(rd, on_timer, in);
	backoff_init(&in->backoff, LIMIT_RESPAWN_MIN_MS, LIMIT_RESPAWN_MAX_MS,
	    LIMIT_STABLE_MS);
	TAILQ_INSERT_TAIL(&rd->instances, in, entry);
	return (in);
}

static void
instance_free(struct instance *in)
{
	TAILQ_REMOVE(&in->rd->instances, in, entry);
	event_free(in->timer);
	free(in);
}

/* --- all of them --- */

static struct instance *
instance_find(struct relayd *rd, const struct conf_service *svc,
    uint32_t number)
{
	struct instance *in;

	TAILQ_FOREACH(in, &rd->instances, entry) {
		if (in->svc == svc && in->number == number)
			return (in);
	}
	return (NULL);
}

static const struct conf_service *
find_equal(const struct conf *conf, const struct conf_service *svc)
{
	size_t i;

	for (i = 0; i < conf->nservices; i++) {
		if (conf_service_equal(&conf->services[i], svc))
			return (&conf->services[i]);
	}
	return (NULL);
}

/* Point each instance to its place in the new configuration, or end it. */
static void
move_instances(struct relayd *rd)
{
	struct instance *in, *next;

	for (in = TAILQ_FIRST(&rd->instances); in != NULL; in = next) {
		next = TAILQ_NEXT(in, entry);
		if (in->svc == NULL)
			continue;
		if ((in->svc = find_equal(rd->conf, in->svc)) != NULL)
			continue;
		instance_stop(in);
		if (in->pid == 0)
			instance_free(in);
	}
}

void
services_apply(struct relayd *rd)
{
	const struct conf_service *svc;
	uint32_t number;
	size_t i;

	move_instances(rd);
	for (i = 0; i < rd->conf->nservices; i++) {
		svc = &rd->conf->services[i];
		if (svc->backend != CONF_BACKEND_EXEC)
			continue;
		for (number = 0; number < svc->instances; number++) {
			if (instance_find(rd, svc, number) == NULL)
				instance_start(instance_new(rd, svc, number));
		}
	}
}

void
services_backend_up(struct relayd *rd)
{
	struct instance *in;

	TAILQ_FOREACH(in, &rd->instances, entry)
		instance_start(in);
}

/* Nobody reads what they say: they start over with the next backend. */
void
services_backend_gone(struct relayd *rd)
{
	struct instance *in;

	TAILQ_FOREACH(in, &rd->instances, entry) {
		in->again = true;
		instance_stop(in);
	}
}

void
services_stop(struct relayd *rd)
{
	struct instance *in;

	TAILQ_FOREACH(in, &rd->instances, entry)
		instance_stop(in);
}

void
services_kill(struct relayd *rd)
{
	struct instance *in;

	TAILQ_FOREACH(in, &rd->instances, entry) {
		if (in->pid != 0)
			instance_signal(in, SIGKILL);
	}
}

bool
services_left(const struct relayd *rd)
{
	const struct instance *in;

	TAILQ_FOREACH(in, &rd->instances, entry) {
		if (in->pid != 0)
			return (true);
	}
	return (false);
}

/* It has ended: say so, and see to what comes next. */
static void
instance_ended(struct instance *in, const char *text)
{
	strlcpy(in->last_exit, text, sizeof(in->last_exit));
	in->pid = 0;
	in->restarts++;
	event_del(in->timer);
	if (in->svc == NULL) {
		instance_free(in);
		return;
	}
	if (in->again) {
		instance_start(in);
		return;
	}
	send_exit(in);
	if (in->rd->stop.stage != STOP_NONE || backend(in->rd) == NULL)
		return;
	backoff_held(&in->backoff, monotime_diff_ms(monotime_now(),
	    in->since));
	start_later(in);
}

static struct instance *
instance_by_pid(struct relayd *rd, pid_t pid)
{
	struct instance *in;

	TAILQ_FOREACH(in, &rd->instances, entry) {
		if (in->pid == pid)
			break;
	}
	return (in);
}

bool
services_has(struct relayd *rd, pid_t pid)
{
	return (instance_by_pid(rd, pid) != NULL);
}

bool
services_reaped(struct relayd *rd, pid_t pid, const char *text)
{
	struct instance *in;

	if ((in = instance_by_pid(rd, pid)) == NULL)
		return (false);
	if (in->stopping)
		log_info("service %s (pid %d) %s", in->name, (int)pid, text);
	else
		log_warn("service %s (pid %d) %s", in->name, (int)pid, text);
	instance_ended(in, text);
	stop_progress(rd);
	return (true);
}

/* --- what the backend asks for --- */

/* A service of the generation in force, or NULL: stale, or out of range. */
static const struct conf_service *
service_at(struct relayd *rd, uint32_t index, uint32_t generation)
{
	if (generation != rd->generation || index >= rd->conf->nservices)
		return (NULL);
	return (&rd->conf->services[index]);
}

void
services_on_restart(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct child *c = arg;
	uint32_t index = get_u32(msg);
	uint32_t generation = get_u32(msg);
	uint32_t number = get_u32(msg);
	struct span reason = get_span(msg, 512);
	const struct conf_service *svc;
	struct instance *in;

	(void)ch;
	(void)fd;
	if (!get_done(msg) ||
	    (svc = service_at(c->rd, index, generation)) == NULL ||
	    (in = instance_find(c->rd, svc, number)) == NULL ||
	    in->pid == 0 || in->stopping)
		return;
	log_warn("service %s is restarted: %.*s", in->name, (int)reason.len,
	    reason.p);
	instance_stop(in);
}

/* Returns a connected fd, or -1 with errno. */
static int
connect_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (-1);
	/* On a unix socket this never waits: EAGAIN means a full backlog. */
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

void
services_on_connect(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct child *c = arg;
	uint32_t index = get_u32(msg);
	uint32_t generation = get_u32(msg);
	uint64_t request = get_u64(msg);
	const struct conf_service *svc;
	char error[256] = "";
	struct wire_put *w;
	int sock = -1;

	(void)fd;
	if (!get_done(msg))
		return;
	svc = service_at(c->rd, index, generation);
	if (svc == NULL || svc->backend != CONF_BACKEND_UNIX)
		strlcpy(error, "no such service in this generation",
		    sizeof(error));
	else if ((sock = connect_unix(svc->path)) == -1)
		snprintf(error, sizeof(error), "%s: %s", svc->path,
		    strerror(errno));
	w = channel_begin(ch, MSG_SERVICE_CONNECTED);
	put_u64(w, request);
	put_str(w, error);
	if (sock == -1)
		(void)channel_commit(ch);
	else
		(void)channel_commit_fd(ch, sock);
}
