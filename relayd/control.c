/* SPDX-License-Identifier: ISC */
/*
 * The control socket: who may speak, and what the parent does by itself.
 * What needs the children is in ctl_ask.c and ctl_registry.c.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/wire.h"
#include "relayd/control.h"

#define BACKLOG		16
#define SOCKET_MODE	0600
#define ACCEPT_PAUSE_MS	1000	/* after there was no fd for a client */

/* --- clients --- */

void
ctl_client_free(struct ctl_client *client)
{
	struct control *ctl = client->rd->control;
	struct ctl_job *job, *next;

	for (job = LIST_FIRST(&ctl->jobs); job != NULL; job = next) {
		next = LIST_NEXT(job, entry);
		if (job->client == client)
			ctl_job_free(job);
	}
	change_forget_client(client->rd, client);
	LIST_REMOVE(client, entry);
	channel_free(client->ch);
	free(client);
}

/*
 * A last word on a socket that has no channel, or none that is of use: one
 * CTL_END, if there is room for it.
 */
static void
send_refusal(int fd, const char *why)
{
	uint8_t buf[512];
	struct wire_put w;
	size_t len;

	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, 0);
	put_u16(&w, MSG_CTL_END);
	put_u16(&w, 0);
	put_u64(&w, 0);
	put_u8(&w, CTL_REFUSED);
	put_str(&w, why);
	if (w.bad)
		return;
	len = w.len;
	w.len = 0;
	put_u32(&w, (uint32_t)(len - 8));
	(void)send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
on_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *detail)
{
	struct ctl_client *client = arg;

	if (fault != CHANNEL_EOF)
		log_warn("control client (uid %u, pid %d): %s",
		    (unsigned int)client->uid, (int)client->pid, detail);
	/* In the middle of another answer it would only be garbage. */
	if (fault == CHANNEL_PROTOCOL && channel_stats(ch)->queued == 0)
		send_refusal(channel_fd(ch), detail);
	ctl_client_free(client);
}

/* --- what a client asks --- */

static void
on_log_level(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	bool verbose = get_bool(msg);

	(void)fd;
	if (!get_done(msg))
		return;
	set_log_level(client->rd, verbose);
	log_notice("log %s, by uid %u", verbose ? "verbose" : "brief",
	    (unsigned int)client->uid);
	ctl_end(ch, 0, CTL_OK, "");
}

static void
on_reload(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct relayd *rd = client->rd;
	uint64_t request = get_u64(msg);
	const char *why;

	(void)fd;
	if (!get_done(msg))
		return;
	if ((why = reload_refusal(rd)) != NULL)
		ctl_end(ch, request, CTL_REFUSED, why);
	else
		reload(rd, client, request);
}

static void
on_stop(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	uint64_t request = get_u64(msg);

	(void)fd;
	if (!get_done(msg))
		return;
	ctl_end(ch, request, CTL_OK, "stopping");
	stop_begin(client->rd, 0, "relay-ctl asked for it");
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CTL_SHOW] = ctl_on_show,
	[MSG_CTL_CALL] = ctl_on_call,
	[MSG_CTL_PEER] = ctl_on_peer,
	[MSG_CTL_TOKEN] = ctl_on_token,
	[MSG_CTL_NODE] = ctl_on_node,
	[MSG_CTL_AUDIT] = ctl_on_audit,
	[MSG_CTL_EXPLAIN] = ctl_on_explain,
	[MSG_LOG_LEVEL] = on_log_level,
	[MSG_CTL_RELOAD] = on_reload,
	[MSG_CTL_STOP] = on_stop,
};

static const struct channel_ops client_ops = {
	.handlers = handlers,
	.fault = on_fault,
};

/* --- answers --- */

void
control_reload_done(struct relayd *rd, struct ctl_client *client,
    uint64_t request, const struct conf_errors *errs, enum ctl_status status,
    const char *text)
{
	const struct conf_error *e;
	struct ctl_row row;
	size_t i;

	(void)rd;
	for (i = 0; i < errs->count; i++) {
		e = &errs->list[i];
		ctl_row_begin(&row, client->ch, request, "errors");
		ctl_text(&row, "file", e->file);
		ctl_number(&row, "line", e->line);
		ctl_bool(&row, "warning", e->warning);
		ctl_text(&row, "text", e->text);
		ctl_row_end(&row);
	}
	ctl_end(client->ch, request, status, text);
}

/* --- the socket --- */

/* Why this client is not served, or NULL. */
static const char *
refusal(struct control *ctl, uid_t uid)
{
	const struct ctl_client *client;
	unsigned int all = 0, own = 0;

	if (uid != 0 && uid != geteuid())
		return ("only root and the user relayd runs as may do this");
	LIST_FOREACH(client, &ctl->clients, entry) {
		all++;
		if (client->uid == uid)
			own++;
	}
	if (uid != 0 && own >= LIMIT_CTL_PER_UID)
		return ("too many control clients of this user");
	if (all >= LIMIT_CTL_CLIENTS)
		return ("too many control clients");
	return (NULL);
}

static void
client_new(struct relayd *rd, int fd)
{
	struct control *ctl = rd->control;
	struct ctl_client *client;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	const char *why;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1) {
		close(fd);
		return;
	}
	if ((why = refusal(ctl, cred.uid)) != NULL) {
		log_notice("control client (uid %u, pid %d) refused: %s",
		    (unsigned int)cred.uid, (int)cred.pid, why);
		send_refusal(fd, why);
		close(fd);
		return;
	}
	if ((client = calloc(1, sizeof(*client))) == NULL ||
	    (client->ch = channel_new(rd->base, fd, PROC_PARENT, PROC_CTL,
	    PHASE_RUN, &client_ops, client)) == NULL)
		fatal("control client: %s", strerror(errno));
	client->rd = rd;
	client->uid = cred.uid;
	client->pid = cred.pid;
	LIST_INSERT_HEAD(&ctl->clients, client, entry);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct relayd *rd = arg;
	int client;

	(void)what;
	client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client != -1) {
		client_new(rd, client);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	log_warn("control socket: accept: %s", strerror(errno));
	event_del(rd->control->accept_ev);
	timer_start(rd->control->pause_timer, ACCEPT_PAUSE_MS);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct relayd *rd = arg;

	(void)fd;
	(void)what;
	event_add(rd->control->accept_ev, NULL);
}

bool
control_open(struct relayd *rd, const struct conf *conf,
    struct conf_errors *errs)
{
	struct control *ctl;
	int fd;

	if ((fd = listen_unix(conf->control, SOCKET_MODE, BACKLOG)) == -1) {
		if (errno == EADDRINUSE)
			complain(errs, &conf->control_pos, "control socket %s "
			    "is in use: is relayd already running?",
			    conf->control);
		else
			complain(errs, &conf->control_pos,
			    "control socket %s: %s", conf->control,
			    strerror(errno));
		return (false);
	}
	if ((ctl = calloc(1, sizeof(*ctl))) == NULL ||
	    (ctl->path = strdup(conf->control)) == NULL)
		fatal("out of memory");
	LIST_INIT(&ctl->clients);
	LIST_INIT(&ctl->jobs);
	id64_init(&ctl->ids);
	ctl->fd = fd;
	rd->control = ctl;
	ctl->pause_timer = timer_new(rd, on_pause_over, rd);
	ctl->accept_ev = event_new(rd->base, fd, EV_READ | EV_PERSIST,
	    on_accept, rd);
	if (ctl->accept_ev == NULL || event_add(ctl->accept_ev, NULL) == -1)
		fatal("out of memory");
	return (true);
}

void
control_close(struct relayd *rd)
{
	struct control *ctl = rd->control;
	struct ctl_client *client;

	if (ctl == NULL)
		return;
	/* First the name, so that a new relayd can take it at once. */
	(void)unlink(ctl->path);
	while ((client = LIST_FIRST(&ctl->clients)) != NULL)
		ctl_client_free(client);
	event_free(ctl->accept_ev);
	event_free(ctl->pause_timer);
	close(ctl->fd);
	free(ctl->path);
	free(ctl);
	rd->control = NULL;
}
