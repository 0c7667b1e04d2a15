/* SPDX-License-Identifier: ISC */
/* relay-ctl: ask a running relayd, print its answer, exit with its status. */
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/channel.h"
#include "common/join.h"
#include "common/limits.h"
#include "common/log.h"
#include "relay-ctl/output.h"
#include "relay-ctl/parser.h"

#define REQUEST		1	/* we never have more than one */
#define SLACK_MS	2000	/* over what relayd itself waits for */
#define AUDIT_PAGE	500	/* records asked for at once */

struct client {
	struct event_base	*base;
	struct channel		*ch;
	struct event		*timer;
	const struct output	*output;
	struct command		 cmd;
	struct answer		 answer;
	bool			 stopping;	/* until relayd is gone */
	size_t			 records;	/* of audit show, so far */
	uint64_t		 before;	/* the first of them */
	enum ctl_status		 status;
};

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: relay-ctl [-j] [-s socket] [-t seconds] "
	    "command [argument ...]\n");
	exit(CTL_REFUSED);
}

static void
finish(struct client *c, enum ctl_status status)
{
	c->status = status;
	channel_close(c->ch);
	event_base_loopbreak(c->base);
}

/* --- answers --- */

static void
on_row(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct client *c = arg;

	(void)ch;
	(void)fd;
	(void)get_u64(msg);
	answer_take(&c->answer, msg);
}

static void
print_end(struct client *c, enum ctl_status status, const char *text)
{
	if (c->cmd.section != NULL && status == CTL_OK) {
		c->output->rows(stdout, stderr, &c->cmd, &c->answer);
		status = answer_status(&c->cmd, &c->answer);
	} else
		c->output->end(stdout, stderr, &c->cmd, status, text,
		    &c->answer);
	finish(c, status);
}

static void
put_audit(struct wire_put *w, const struct client *c)
{
	size_t left = c->cmd.count - c->records;

	put_u64(w, REQUEST);
	put_u8(w, c->cmd.op);
	put_u64(w, c->before);
	put_u32(w, (uint32_t)(left < AUDIT_PAGE ? left : AUDIT_PAGE));
}

/*
 * Records come a part at a time, the newest first and each part in its order:
 * ask for what was before.  False: these are all, and they are sorted.
 */
static bool
more_records(struct client *c)
{
	const struct section *s;
	uint64_t seq, first = c->before;
	size_t i;

	if (c->cmd.action != COMMAND_AUDIT || c->cmd.op != CTL_AUDIT_SHOW ||
	    (s = answer_section(&c->answer, "audit")) == NULL)
		return (false);
	for (i = c->records; i < s->count; i++) {
		seq = strtoull(row_value(&s->rows[i], "seq"), NULL, 10);
		if (first == 0 || seq < first)
			first = seq;
	}
	c->records = s->count;
	/* Without an end of its own this would depend on the other side. */
	if (first != c->before && first > 1 && c->records < c->cmd.count) {
		c->before = first;
		put_audit(channel_begin(c->ch, MSG_CTL_AUDIT), c);
		return (channel_commit(c->ch) == 0);
	}
	answer_sort(&c->answer, "audit", "seq");
	return (false);
}

static void
on_end(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct client *c = arg;
	struct span span;
	uint8_t status;
	char *text;

	(void)ch;
	(void)fd;
	(void)get_u64(msg);
	status = get_u8(msg);
	span = get_span(msg, UINT16_MAX);
	if (!get_done(msg) || status > CTL_NOT_FOUND) {
		msg->bad = true;
		return;
	}
	/* Its end of the connection is the proof that it is gone. */
	if (c->cmd.action == COMMAND_STOP && status == CTL_OK) {
		c->stopping = true;
		return;
	}
	if (status == CTL_OK && more_records(c))
		return;
	if ((text = strndup(span.p, span.len)) == NULL)
		err(CTL_REFUSED, NULL);
	print_end(c, (enum ctl_status)status, text);
	free(text);
}

static void
on_result(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct client *c = arg;
	struct span json;
	bool ok;

	(void)ch;
	(void)fd;
	(void)get_u64(msg);
	ok = get_bool(msg);
	json = get_bytes(msg);
	if (!get_done(msg))
		return;
	c->output->result(stdout, stderr, ok, json);
	finish(c, ok ? CTL_OK : rpc_error_status(json));
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CTL_ROW] = on_row,
	[MSG_CTL_END] = on_end,
	[MSG_CTL_RESULT] = on_result,
};

static void
on_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *detail)
{
	struct client *c = arg;

	(void)ch;
	if (c->stopping) {
		c->output->end(stdout, stderr, &c->cmd, CTL_OK,
		    "relayd has stopped", &c->answer);
		finish(c, CTL_OK);
		return;
	}
	if (fault == CHANNEL_EOF) {
		warnx("relayd ended before it answered");
		finish(c, CTL_NOT_RUNNING);
		return;
	}
	warnx("control socket: %s", detail);
	finish(c, CTL_REFUSED);
}

static const struct channel_ops ops = {
	.handlers = handlers,
	.fault = on_fault,
};

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	warnx("relayd does not answer");
	finish(c, CTL_NOT_RUNNING);
}

/* --- questions --- */

/* How long relayd itself may take for it, in ms. */
static int64_t
patience_ms(const struct command *cmd, uint32_t timeout_ms)
{
	switch (cmd->action) {
	case COMMAND_RELOAD:
		/* A change of peers that is under way comes first. */
		return (2 * LIMIT_SETUP_MS + SLACK_MS);
	case COMMAND_STOP:
		return (LIMIT_DRAIN_MS + 4 * LIMIT_STOP_MS + SLACK_MS);
	case COMMAND_CALL:
		/* Without one of ours it is the configuration's. */
		return ((int64_t)(timeout_ms != 0 ? timeout_ms :
		    LIMIT_TIMEOUT_MAX_MS) + SLACK_MS);
	case COMMAND_SHOW:
	case COMMAND_LOG:
	case COMMAND_PEER:
	case COMMAND_TOKEN:
	case COMMAND_NODE:
	case COMMAND_EXPLAIN:
		break;
	case COMMAND_AUDIT:
		/* Of each part. */
		return ((LIMIT_CTL_REPLY_MS + SLACK_MS) *
		    ((int64_t)cmd->count / AUDIT_PAGE + 1));
	}
	return (LIMIT_CTL_REPLY_MS + SLACK_MS);
}

/* "node@main" names a node and cannot be a service: as the router wants it. */
static void
put_target(struct wire_put *w, const char *target)
{
	char buf[LIMIT_CTL_TARGET + 2];

	snprintf(buf, sizeof(buf), "%s%s", target,
	    strchr(target, '@') != NULL && strchr(target, '/') == NULL ?
	    "/" : "");
	put_str(w, buf);
}

static void
put_call(struct wire_put *w, const struct command *cmd, uint32_t timeout_ms)
{
	put_u64(w, REQUEST);
	put_target(w, cmd->target);
	put_str(w, cmd->method);
	put_u32(w, timeout_ms);
	put_bytes(w, cmd->args, strlen(cmd->args));
}

static void
put_peer(struct wire_put *w, const struct command *cmd)
{
	put_u64(w, REQUEST);
	put_u8(w, cmd->op);
	put_str(w, cmd->name);
	put_str(w, cmd->node_id);
	put_bool(w, cmd->persist);
	put_bool(w, cmd->insecure);
}

static void
put_token(struct wire_put *w, const struct command *cmd)
{
	put_u64(w, REQUEST);
	put_u8(w, cmd->op);
	put_str(w, cmd->name);
}

static void
put_node(struct wire_put *w, const struct command *cmd)
{
	put_u64(w, REQUEST);
	put_u8(w, cmd->op);
	put_str(w, cmd->node_id);
	put_str(w, cmd->url);
	put_str(w, cmd->pin);
	put_u32(w, cmd->expires_s);
}

static void
put_explain(struct wire_put *w, const struct command *cmd)
{
	put_u64(w, REQUEST);
	put_str(w, cmd->caller);
	put_target(w, cmd->target);
	put_str(w, cmd->method);
}

static void
ask(struct client *c, uint32_t timeout_ms)
{
	struct wire_put *w;

	switch (c->cmd.action) {
	case COMMAND_SHOW:
		w = channel_begin(c->ch, MSG_CTL_SHOW);
		put_u64(w, REQUEST);
		put_u8(w, (uint8_t)c->cmd.what);
		break;
	case COMMAND_LOG:
		put_bool(channel_begin(c->ch, MSG_LOG_LEVEL), c->cmd.verbose);
		break;
	case COMMAND_RELOAD:
		put_u64(channel_begin(c->ch, MSG_CTL_RELOAD), REQUEST);
		break;
	case COMMAND_STOP:
		put_u64(channel_begin(c->ch, MSG_CTL_STOP), REQUEST);
		break;
	case COMMAND_CALL:
		put_call(channel_begin(c->ch, MSG_CTL_CALL), &c->cmd,
		    timeout_ms);
		break;
	case COMMAND_PEER:
		put_peer(channel_begin(c->ch, MSG_CTL_PEER), &c->cmd);
		break;
	case COMMAND_TOKEN:
		put_token(channel_begin(c->ch, MSG_CTL_TOKEN), &c->cmd);
		break;
	case COMMAND_NODE:
		put_node(channel_begin(c->ch, MSG_CTL_NODE), &c->cmd);
		break;
	case COMMAND_AUDIT:
		put_audit(channel_begin(c->ch, MSG_CTL_AUDIT), c);
		break;
	case COMMAND_EXPLAIN:
		put_explain(channel_begin(c->ch, MSG_CTL_EXPLAIN), &c->cmd);
		break;
	}
	if (channel_commit(c->ch) == -1)
		exit(CTL_REFUSED);
}

/* Texts that would not fit; what they mean is for relayd to say. */
static void
check_lengths(const struct command *cmd)
{
	const struct { const char *text, *what; size_t max; } texts[] = {
		{ cmd->caller, "caller", LIMIT_CTL_CALLER },
		/* Another byte may be put behind it. */
		{ cmd->target, "target", LIMIT_CTL_TARGET - 1 },
		{ cmd->method, "method", LIMIT_METHOD_NAME },
		{ cmd->args, "arguments", LIMIT_MESSAGE_MAX },
		{ cmd->node_id, "node id", LIMIT_NODE_ID },
		{ cmd->url, "URL", LIMIT_CONF_STRING },
		{ cmd->pin, "pin", JOIN_PIN },
		{ cmd->name, "name", cmd->action == COMMAND_TOKEN ?
		    LIMIT_TOKEN_NAME : LIMIT_CONF_STRING },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strlen(texts[i].text) > texts[i].max)
			errx(CTL_REFUSED, "the %s is longer than %zu bytes",
			    texts[i].what, texts[i].max);
	}
}

/* --- connection --- */

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		errx(CTL_REFUSED, "%s: the path is too long", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		err(CTL_REFUSED, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			errx(CTL_NOT_RUNNING, "relayd is not running: %s: %s",
			    path, strerror(errno));
		/* On a unix socket: so many wait that there is no room. */
		if (errno == EAGAIN)
			errx(CTL_NOT_RUNNING, "%s: relayd does not answer",
			    path);
		err(CTL_REFUSED, "%s", path);
	}
	return (fd);
}

static void
open_channel(struct client *c, const char *path)
{
	log_init(STDERR_FILENO, LOG_STYLE_TERMINAL, "relay-ctl", false);
	if ((c->base = event_base_new()) == NULL)
		err(CTL_REFUSED, "event loop");
	c->ch = channel_new(c->base, connect_to(path), PROC_CTL, PROC_PARENT,
	    PHASE_RUN, &ops, c);
	c->timer = evtimer_new(c->base, on_timer, c);
	if (c->ch == NULL || c->timer == NULL)
		err(CTL_REFUSED, "event loop");
}

static int
run(struct client *c, const char *path, uint32_t timeout_ms)
{
	int64_t ms = patience_ms(&c->cmd, timeout_ms);
	struct timeval tv = { .tv_sec = ms / 1000,
	    .tv_usec = ms % 1000 * 1000 };

	open_channel(c, path);
	ask(c, timeout_ms);
	evtimer_add(c->timer, &tv);
	if (event_base_dispatch(c->base) == -1)
		err(CTL_REFUSED, "event loop");
	channel_free(c->ch);
	event_free(c->timer);
	event_base_free(c->base);
	answer_clear(&c->answer);
	if (fflush(stdout) == EOF)
		err(CTL_REFUSED, "standard output");
	return ((int)c->status);
}

/* Seconds as decimal text, in ms. */
static uint32_t
timeout_option(const char *text)
{
	const char *errstr;
	long long s;

	s = strtonum(text, 1, LIMIT_TIMEOUT_MAX_MS / 1000, &errstr);
	if (errstr != NULL)
		errx(CTL_REFUSED, "-t %s: %s (1 to %d seconds)", text, errstr,
		    LIMIT_TIMEOUT_MAX_MS / 1000);
	return ((uint32_t)s * 1000);
}

int
main(int argc, char **argv)
{
	struct client client = { .output = &output_text };
	const char *path = RUN_DIR "/relayd.sock";
	uint32_t timeout_ms = 0;
	char why[512];
	int ch;

	/* A '+': what follows the command belongs to it, like -1 in JSON. */
	while ((ch = getopt(argc, argv, "+js:t:")) != -1) {
		switch (ch) {
		case 'j':
			client.output = &output_json;
			break;
		case 's':
			path = optarg;
			break;
		case 't':
			timeout_ms = timeout_option(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind == argc)
		usage();
	if (!command_parse(argc - optind, argv + optind, &client.cmd, why,
	    sizeof(why)))
		errx(CTL_REFUSED, "%s", why);
	if (timeout_ms != 0 && client.cmd.action != COMMAND_CALL)
		errx(CTL_REFUSED, "-t is only for call");
	check_lengths(&client.cmd);
	return (run(&client, path, timeout_ms));
}
