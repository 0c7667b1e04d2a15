/* SPDX-License-Identifier: ISC */
/* The uplink of this home, or the peers of this Main: plans put to work. */
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/url.h"
#include "relayd/dialer/dialer.h"

/* As in UPLINK_STATE. */
enum uplink_state { UPLINK_UP = 1, UPLINK_DOWN, UPLINK_REFUSED,
    UPLINK_REGISTERED };

/* As in DIAL_STATE. */
enum peer_state { PEER_WAITING = 1, PEER_DIALING, PEER_HANDSHAKE, PEER_UP,
    PEER_HELD };

/* As in DIAL_ORDER. */
enum peer_dial { DIAL_HOLD = 1, DIAL_GO_ON, DIAL_AT_ONCE };

#define NAME_MAX_LEN	(URL_TEXT_MAX + 32)

static void	on_timer(evutil_socket_t, short, void *);

static bool
is_main(const struct target *t)
{
	return (child_role(t->d->child) == ROLE_MAIN);
}

void
target_host(const struct target *t, uint32_t i, char *buf, size_t size)
{
	const struct plan_uplink *u = &t->plan.uplinks[i];

	snprintf(buf, size, strchr(u->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    u->host, (unsigned int)u->port);
}

/* As a log line names it. */
static const char *
name(const struct target *t, uint32_t i, char buf[NAME_MAX_LEN])
{
	const struct plan_uplink	*u = &t->plan.uplinks[i];
	char				 url[URL_TEXT_MAX + 1], host[DIAL_NAME];

	if (is_main(t)) {
		(void)url_text(u->tls ? "wss" : "ws", u->host, u->port,
		    u->path, url, sizeof(url));
		snprintf(buf, NAME_MAX_LEN, "peer %s", url);
	} else {
		target_host(t, i, host, sizeof(host));
		snprintf(buf, NAME_MAX_LEN, "uplink %u (%s)", i, host);
	}
	return (buf);
}

/* --- what the registry is told of peers --- */

static enum peer_state
peer_state(const struct target *t)
{
	switch (t->plan.link.state) {
	case PLAN_DIALING:
		return (PEER_DIALING);
	case PLAN_HANDSHAKE:
		return (PEER_HANDSHAKE);
	case PLAN_UP:
		return (PEER_UP);
	case PLAN_IDLE:
	case PLAN_WAIT:
		break;
	}
	return (t->plan.held ? PEER_HELD : PEER_WAITING);
}

/* Tell the state if it is not what was told. */
static void
tell(struct target *t)
{
	struct channel	*parent = child_parent(t->d->child);
	enum peer_state	 state = peer_state(t);
	int64_t		 ms = 0;
	struct wire_put	*w;

	if (!is_main(t) || t->told == (int)state)
		return;
	t->told = (int)state;
	if (t->plan.link.state == PLAN_WAIT)
		ms = plan_timer_ms(&t->plan, monotime_now());
	w = channel_begin(parent, MSG_DIAL_STATE);
	put_u32(w, t->index);
	put_u32(w, t->d->cur->number);
	put_u8(w, (uint8_t)state);
	put_u32(w, (uint32_t)ms);
	put_str(w, t->main_id);
	put_str(w, t->reason);
	(void)channel_commit(parent);
}

/* --- work --- */

/* The plan has changed: drop a dial it has forgotten, set the timer, tell. */
static void
settle(struct target *t)
{
	int64_t		ms = plan_timer_ms(&t->plan, monotime_now());
	struct timeval	tv = { ms / 1000, (ms % 1000) * 1000 };

	if (t->dial != NULL && plan_find(&t->plan, 0) == NULL) {
		dial_cancel(t->dial);
		t->dial = NULL;
	}
	if (ms == -1)
		evtimer_del(t->timer);
	else
		(void)evtimer_add(t->timer, &tv);
	tell(t);
}

/* What comes after a failure, for the log. */
static void
next_step(const struct target *t, char *buf, size_t size)
{
	int64_t	ms = plan_timer_ms(&t->plan, monotime_now());
	char	text[NAME_MAX_LEN];

	if (t->plan.held && t->plan.link.state == PLAN_IDLE)
		snprintf(buf, size, "held, as it is linked");
	else if (t->plan.link.state == PLAN_DIALING ||
	    t->plan.link.state == PLAN_HANDSHAKE)
		snprintf(buf, size, "now it is %s", name(t,
		    t->plan.link.uplink, text));
	else if (ms > 0)
		snprintf(buf, size, "next try in %lld ms", (long long)ms);
	else if (ms == 0)
		snprintf(buf, size, "next try now");
	else
		snprintf(buf, size, "%s is up", name(t, t->plan.link.uplink,
		    text));
}

/*
 * The link with a peer went as links do: that of the other side took its
 * place, or somebody wanted it to end.
 */
static bool
is_ordinary(const struct target *t, const char *why)
{
	static const char *const reasons[] = { "replaced", "linked already",
	    "reset", "no longer configured" };
	size_t			 i, n = strlen(why), k;

	for (i = 0; is_main(t) && i < sizeof(reasons) / sizeof(*reasons); i++) {
		k = strlen(reasons[i]);
		if (n >= k && strcmp(why + n - k, reasons[i]) == 0)
			return (true);
	}
	return (false);
}

/* Say that the uplink failed, if that is news, and what comes next. */
static void
log_failure(struct target *t, uint32_t uplink, const char *why)
{
	char		text[NAME_MAX_LEN], next[NAME_MAX_LEN + 32];
	uint32_t	n;

	name(t, uplink, text);
	if (is_ordinary(t, why)) {
		log_info("%s %s", text, t->reason);
		return;
	}
	next_step(t, next, sizeof(next));
	n = repeat_failed(&t->logged[uplink], t->reason, monotime_now());
	if (n == 0)
		log_debug("%s %s; %s", text, t->reason, next);
	else if (n == 1)
		log_warn("%s %s; %s", text, t->reason, next);
	else
		log_warn("%s still %s, after %u tries; %s", text, t->reason, n,
		    next);
}

/* An attempt (0: the dial) is over: say so, and what comes next. */
static void
failed(struct target *t, uint64_t attempt, uint32_t retry_after_ms,
    const char *what, const char *why)
{
	const struct plan_try	*try = plan_find(&t->plan, attempt);
	struct monotime		 now = monotime_now();
	uint32_t		 uplink;

	if (try == NULL)
		return;
	uplink = try->uplink;
	if (try->state == PLAN_UP &&
	    monotime_diff_ms(now, try->up_since) >= LIMIT_STABLE_MS)
		repeat_clear(&t->logged[uplink]);
	snprintf(t->reason, sizeof(t->reason), "%s: %s", what, why);
	plan_failed(&t->plan, attempt, now, retry_after_ms, arc4random());
	log_failure(t, uplink, why);
	settle(t);
}

static void
on_dialled(void *arg, int fd, const char *address, const char *error)
{
	struct target	*t = arg;
	struct dialer	*d = t->d;
	struct channel	*frontend = child_peer(d->child, PROC_FRONTEND);
	uint64_t	 attempt;
	uint32_t	 uplink = plan_find(&t->plan, 0)->uplink;
	struct wire_put	*w;
	char		 text[NAME_MAX_LEN];

	t->dial = NULL;
	if (fd == -1) {
		d->failed++;
		failed(t, 0, 0, "cannot be reached", error);
		return;
	}
	d->connected++;
	attempt = id64_next(&d->attempts);
	log_debug("%s: connected to %s", name(t, uplink, text), address);
	plan_connected(&t->plan, attempt, address, monotime_now());
	w = channel_begin(frontend, MSG_UPLINK_FD);
	put_u32(w, is_main(t) ? t->index : uplink);
	put_u32(w, d->cur->number);
	put_u64(w, attempt);
	put_str(w, address);
	if (channel_commit_fd(frontend, fd) == -1)
		failed(t, attempt, 0, "failed",
		    "the front-end cannot take it");
	settle(t);
}

/* Do what the plan says. */
static void
work(struct target *t)
{
	const struct plan_uplink	*u;
	struct plan_todo		 todo;

	settle(t);
	switch (plan_poll(&t->plan, monotime_now(), &todo)) {
	case PLAN_DO_DIAL:
		u = &t->plan.uplinks[todo.uplink];
		t->dial = dial_start(t->d, u->host, u->port, on_dialled, t);
		break;
	case PLAN_DO_GIVE_UP:
		failed(t, todo.attempt, 0, "failed",
		    "no answer from the front-end");
		return;
	case PLAN_DO_NOTHING:
		break;
	}
	settle(t);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	work(arg);
}

/* --- configuration --- */

void
targets_init(struct dialer *d)
{
	id64_init(&d->attempts);
}

static struct target *
target_new(struct dialer *d)
{
	struct target	*t = calloc(1, sizeof(*t));

	if (t == NULL || (t->timer = evtimer_new(d->base, on_timer, t)) == NULL)
		fatal("out of memory");
	t->d = d;
	plan_init(&t->plan);
	plan_set_taker(&t->plan, d->synced, monotime_now());
	return (t);
}

static void
target_free(struct target *t)
{
	if (t->dial != NULL)
		dial_cancel(t->dial);
	event_free(t->timer);
	free(t);
}

/* The target of that peer, taken out of the list, or a new one. */
static struct target *
take(struct dialer *d, struct target **list, uint32_t n,
    const struct plan_uplink *u)
{
	const struct plan_uplink	*v;
	struct target			*t;
	uint32_t			 i;

	for (i = 0; i < n; i++) {
		if ((t = list[i]) == NULL)
			continue;
		v = &t->plan.uplinks[0];
		if (u->port == v->port && strcmp(u->host, v->host) == 0 &&
		    strcmp(u->path, v->path) == 0) {
			list[i] = NULL;
			return (t);
		}
	}
	return (target_new(d));
}

/* One target for each peer; those that were there go on. */
static void
configure_peers(struct dialer *d)
{
	struct target	*old[LIMIT_PEERS];
	uint32_t	 n_old = d->n_targets, i;

	memcpy(old, d->targets, sizeof(old));
	d->n_targets = d->cur->n_uplinks;
	for (i = 0; i < d->n_targets; i++) {
		d->targets[i] = take(d, old, n_old, &d->cur->uplinks[i]);
		d->targets[i]->index = i;
		plan_set_uplinks(&d->targets[i]->plan, &d->cur->uplinks[i], 1,
		    monotime_now());
	}
	for (i = 0; i < n_old; i++) {
		if (old[i] != NULL)
			target_free(old[i]);
	}
}

void
targets_configure(struct dialer *d)
{
	uint32_t	i;

	if (child_role(d->child) == ROLE_MAIN) {
		configure_peers(d);
	} else {
		if (d->n_targets == 0)
			d->targets[d->n_targets++] = target_new(d);
		plan_set_hold_down(&d->targets[0]->plan, d->cur->hold_down_ms);
		plan_set_uplinks(&d->targets[0]->plan, d->cur->uplinks,
		    d->cur->n_uplinks, monotime_now());
	}
	for (i = 0; i < d->n_targets; i++) {
		d->targets[i]->told = 0;
		work(d->targets[i]);
	}
}

/* --- the front-end --- */

void
targets_adopt(struct dialer *d, uint64_t attempt, const struct plan_uplink *u,
    const char *address, const char *main_id)
{
	struct target	*t;
	char		 text[NAME_MAX_LEN];
	uint32_t	 i;

	for (i = 0; i < d->n_targets; i++) {
		t = d->targets[i];
		if (!plan_adopt(&t->plan, u, attempt, address, monotime_now()))
			continue;
		t->reason[0] = '\0';
		strlcpy(t->main_id, main_id, sizeof(t->main_id));
		log_notice("%s is still up at %s", name(t,
		    t->plan.link.uplink, text), address);
		settle(t);
		return;
	}
}

void
targets_synced(struct dialer *d)
{
	uint32_t	i;

	d->synced = true;
	for (i = 0; i < d->n_targets; i++) {
		plan_set_taker(&d->targets[i]->plan, true, monotime_now());
		work(d->targets[i]);
	}
}

void
targets_gone(struct dialer *d)
{
	uint32_t	i;

	d->synced = false;
	for (i = 0; i < d->n_targets; i++) {
		plan_set_taker(&d->targets[i]->plan, false, monotime_now());
		work(d->targets[i]);
	}
}

static struct target *
find_target(struct dialer *d, uint64_t attempt)
{
	uint32_t	i;

	for (i = 0; attempt != 0 && i < d->n_targets; i++) {
		if (plan_find(&d->targets[i]->plan, attempt) != NULL)
			return (d->targets[i]);
	}
	return (NULL);
}

static void
went_up(struct target *t, uint64_t attempt)
{
	const struct plan_try	*try = plan_find(&t->plan, attempt);
	char			 text[NAME_MAX_LEN];

	plan_up(&t->plan, attempt, monotime_now());
	t->reason[0] = '\0';
	name(t, try->uplink, text);
	if (repeat_goes_on(&t->logged[try->uplink], "is down: "))
		log_debug("%s is up again", text);
	else
		log_notice("%s is up: %s at %s", text, t->main_id,
		    try->address);
	settle(t);
}

static void
registered(struct target *t, uint64_t attempt)
{
	char	text[NAME_MAX_LEN];

	if (plan_registered(&t->plan, attempt, monotime_now()))
		log_notice("%s is registered and takes over", name(t,
		    t->plan.link.uplink, text));
	settle(t);
}

void
targets_state(struct dialer *d, uint64_t attempt, unsigned int state,
    uint32_t retry_after_ms, const char *main_id, const char *reason)
{
	struct target	*t = find_target(d, attempt);

	if (t == NULL) {
		d->stale++;
		return;
	}
	if (main_id[0] != '\0')
		strlcpy(t->main_id, main_id, sizeof(t->main_id));
	if (state == UPLINK_UP)
		went_up(t, attempt);
	else if (state == UPLINK_REGISTERED)
		registered(t, attempt);
	else
		failed(t, attempt, retry_after_ms, state == UPLINK_REFUSED ?
		    "was refused" : "is down", reason);
}

/* --- the registry --- */

void
target_dial(struct target *t, unsigned int what)
{
	if (what == DIAL_AT_ONCE)
		plan_at_once(&t->plan, monotime_now());
	else
		plan_hold(&t->plan, what == DIAL_HOLD, monotime_now());
	t->told = 0;
	work(t);
}
