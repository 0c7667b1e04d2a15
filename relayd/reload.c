/* SPDX-License-Identifier: ISC */
/*
 * A change of the configuration, in two phases (DESIGN.md, rule 8).  The start
 * is a change too: from nothing to the first generation.  So is one of peers
 * added at run time, or of files: the configuration in force stays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/files.h"
#include "relayd/relayd.h"

/* A child may end by chance while it takes a peer in, but not so often. */
#define PEER_FAILURES	3

/* --- what only a restart can change --- */

static void
refuse_path(struct conf_errors *errs, const struct conf_pos *pos,
    const char *what, const char *old, const char *new)
{
	if (strcmp(old, new) != 0)
		complain(errs, pos, "%s changes from %s to %s: "
		    "that needs a restart", what, old, new);
}

static void
refuse_accounts(struct relayd *rd, const struct conf *new,
    struct conf_errors *errs)
{
	enum conf_account_id id;

	if (!rd->root)
		return;
	for (id = 0; id < CONF_ACCOUNT_COUNT; id++) {
		if (!conf_account_equal(&rd->conf->accounts[id],
		    &new->accounts[id]))
			complain(errs, &new->accounts[id].pos,
			    "account %s changes: that needs a restart",
			    conf_account_name(id));
	}
}

static void
refuse_restarts(struct relayd *rd, const struct conf *new,
    struct conf_errors *errs)
{
	const struct conf *old = rd->conf;

	if (old->role != new->role)
		complain(errs, &new->node_pos, "the node changes from %s to "
		    "%s: that needs a restart", role_name(old->role),
		    role_name(new->role));
	refuse_path(errs, &new->node_pos, "the node id", old->node_id,
	    new->node_id);
	refuse_path(errs, &new->control_pos, "control", old->control,
	    new->control);
	refuse_path(errs, &new->state_directory_pos, "state-directory",
	    old->state_directory, new->state_directory);
	refuse_path(errs, &new->sandbox_pos, "sandbox",
	    sandbox_mode_name(old->sandbox), sandbox_mode_name(new->sandbox));
	refuse_accounts(rd, new, errs);
}

/* --- the end of a change --- */

static void
tell(struct relayd *rd, enum ctl_status status, const char *text)
{
	struct change *chg = &rd->change;

	if (chg->client != NULL)
		control_reload_done(rd, chg->client, chg->request, &chg->errs,
		    status, text);
	chg->client = NULL;
}

/* It is about added peers, or about what is in files, only. */
static bool
is_about_peers(const struct relayd *rd)
{
	return (rd->change.conf != NULL && rd->change.conf == rd->conf);
}

static void
change_clear(struct relayd *rd)
{
	struct change *chg = &rd->change;

	if (chg->timer != NULL)
		event_del(chg->timer);
	conf_errors_free(&chg->errs);
	peers_free(&chg->peers);
	chg->state = CHANGE_NONE;
	chg->conf = NULL;
	chg->client = NULL;
	chg->rejected = false;
	chg->sent = chg->ready = 0;
}

/* What was asked for while the change was under way. */
static void
change_next(struct relayd *rd)
{
	struct change *chg = &rd->change;
	struct ctl_client *client = chg->next_client;

	if (rd->conf == NULL || rd->stop.stage != STOP_NONE)
		return;
	if (!chg->repeat) {
		peers_apply(rd);
		return;
	}
	chg->repeat = false;
	chg->next_client = NULL;
	reload(rd, client, chg->next_request);
}

static void
peers_failed(struct relayd *rd, const char *why)
{
	if (rd->stop.stage != STOP_NONE)
		return;
	log_err("change of peers or files: %s; generation %u stays in force",
	    why, rd->generation);
	/* Whatever else it was, the next try may do better. */
	if (rd->change.rejected) {
		peers_revert(rd);
		rd->change.failures = 0;
	}
}

/* Nothing has changed: say why, and to whom. */
static void
change_fail(struct relayd *rd, const char *why)
{
	struct change *chg = &rd->change;

	chg->state = CHANGE_NONE;
	listeners_close(&chg->listeners, &rd->listeners);
	if (is_about_peers(rd))
		peers_failed(rd, why);
	else if (rd->conf == NULL) {
		conf_free(chg->conf);
		start_failed(rd, &chg->errs, why);
	} else {
		conf_free(chg->conf);
		complaints_log(&chg->errs);
		log_err("reload: %s; generation %u stays in force", why,
		    rd->generation);
		tell(rd, CTL_REFUSED, why);
		sdnotify(rd->notify_fd, "READY=1\nSTATUS=reload failed, "
		    "generation %u stays in force", rd->generation);
	}
	change_clear(rd);
	change_next(rd);
}

static void
abort_children(struct relayd *rd)
{
	struct child *c;
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		if (c->state != CHILD_RUN ||
		    (rd->change.sent & PROC_BIT(id)) == 0)
			continue;
		put_u32(channel_begin(c->ch, MSG_CONF_ABORT),
		    rd->change.generation);
		(void)channel_commit(c->ch);
	}
}

/* Give up a change, whether the children have heard of it or not. */
static void
change_abort(struct relayd *rd, const char *why)
{
	if (rd->change.state == CHANGE_NONE)
		return;
	if (rd->change.state == CHANGE_SENT) {
		abort_children(rd);
		if (is_about_peers(rd) &&
		    ++rd->change.failures >= PEER_FAILURES)
			rd->change.rejected = true;
	}
	change_fail(rd, why);
}

static void
log_listeners(const struct listeners *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->list[i].fresh)
			log_notice("listening on %s", set->list[i].bound);
	}
}

/* Where traffic can be read on the way, each start says so. */
static void
log_insecure(const struct conf *conf)
{
	static const char text[] = "is insecure: no TLS";
	char name[192];
	size_t i;

	for (i = 0; i < conf->nlisteners; i++) {
		if (!conf->listeners[i].insecure)
			continue;
		conf_listener_name(&conf->listeners[i], name, sizeof(name));
		log_warn("listener %s %s", name, text);
	}
	if (conf->authentication == CONF_AUTH_NONE)
		log_warn("authentication is none: nodes without credentials "
		    "here may link from anywhere");
	for (i = 0; i < conf->nuplinks; i++) {
		if (conf->uplinks[i].insecure)
			log_warn("uplink %s %s", conf->uplinks[i].url.text,
			    text);
	}
	for (i = 0; i < conf->nservices; i++) {
		if (conf->services[i].insecure)
			log_warn("service %s %s",
			    conf->services[i].def.name, text);
	}
	if (conf->sandbox != SANDBOX_ENFORCE)
		log_warn("sandbox mode is %s",
		    sandbox_mode_name(conf->sandbox));
}

/* Every child is ready: from here on it cannot fail. */
static void
change_commit(struct relayd *rd)
{
	struct change *chg = &rd->change;
	struct listeners old_listeners = rd->listeners;
	struct conf *old = rd->conf;
	bool same = is_about_peers(rd);
	char text[64];
	enum proc_id id;

	rd->conf = chg->conf;
	rd->listeners = chg->listeners;
	rd->former_generation = rd->generation;
	rd->generation = chg->generation;
	rd->files = chg->files;
	memset(&chg->listeners, 0, sizeof(chg->listeners));
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		/* One that is being killed gets it in its next life. */
		if (child_listens(&rd->children[id]))
			child_commit(&rd->children[id], rd->generation);
	}
	peers_commit(rd, &chg->peers);
	chg->failures = 0;
	log_listeners(&rd->listeners);
	if (!same) {
		log_insecure(rd->conf);
		peers_log_insecure(&rd->peers);
	}
	joins_remember(rd, old);
	services_apply(rd);
	listeners_close(&old_listeners, &rd->listeners);
	if (old == NULL || old->log != rd->conf->log)
		set_log_level(rd, rd->opt.verbose ||
		    rd->conf->log == CONF_LOG_VERBOSE);
	snprintf(text, sizeof(text), "generation %u is in force",
	    rd->generation);
	log_notice("%s", text);
	complaints_log(&chg->errs);	/* warnings */
	tell(rd, CTL_OK, text);
	sdnotify(rd->notify_fd, "READY=1\nSTATUS=%s %s, %s",
	    role_name(rd->conf->role), rd->conf->node_id, text);
	if (!same)
		conf_free(old);
	change_clear(rd);
	if (old == NULL)
		start_done(rd);
	change_next(rd);
}

/* --- its course --- */

/* Whether this child is at the point that the change waits for. */
static bool
is_settled(const struct relayd *rd, const struct child *c)
{
	if (c->state == CHILD_UNUSED)
		return (true);
	if (rd->change.state == CHANGE_SENT)
		return ((rd->change.ready & PROC_BIT(c->id)) != 0);
	return (c->state == (rd->conf == NULL ? CHILD_IDLE : CHILD_RUN));
}

static bool
all_settled(const struct relayd *rd)
{
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if (!is_settled(rd, &rd->children[id]))
			return (false);
	}
	return (true);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct relayd *rd = arg;
	char why[160];
	enum proc_id id;

	(void)fd;
	(void)what;
	snprintf(why, sizeof(why), "not ready within %d s:",
	    LIMIT_SETUP_MS / 1000);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if (is_settled(rd, &rd->children[id]))
			continue;
		strlcat(why, " ", sizeof(why));
		strlcat(why, proc_name(id), sizeof(why));
	}
	change_abort(rd, why);
}

void
change_advance(struct relayd *rd)
{
	struct change *chg = &rd->change;
	char why[LIMIT_CONF_STRING + 128];
	enum proc_id id;

	if (chg->state != CHANGE_WAIT || !all_settled(rd))
		return;
	chg->state = CHANGE_SENT;
	/* before they are read: what is written meanwhile is not missed */
	chg->files = files_mark(chg->conf);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if (rd->children[id].state == CHILD_UNUSED)
			continue;
		if (!conf_send(&rd->children[id], chg->conf, &chg->listeners,
		    &chg->peers, chg->generation, why, sizeof(why))) {
			chg->rejected = true;
			change_abort(rd, why);
			return;
		}
		chg->sent |= PROC_BIT(id);
	}
}

/* A child is ready, or rejects with a reason. */
void
change_answer(struct child *c, uint32_t generation, const char *reason)
{
	struct relayd *rd = c->rd;
	struct change *chg = &rd->change;
	char why[1200];

	/* The answer to one that was aborted meanwhile is stale, no fault. */
	if (chg->state != CHANGE_SENT || generation != chg->generation)
		return;
	if (reason != NULL) {
		chg->rejected = true;
		snprintf(why, sizeof(why), "%s: %s", proc_name(c->id), reason);
		change_abort(rd, why);
		return;
	}
	chg->ready |= PROC_BIT(c->id);
	if (all_settled(rd))
		change_commit(rd);
}

void
change_child_gone(struct child *c)
{
	struct relayd *rd = c->rd;
	char why[700];

	/* A reload that has not been sent can wait for the next one. */
	if (rd->change.state == CHANGE_NONE ||
	    (rd->change.state == CHANGE_WAIT && rd->conf != NULL))
		return;
	snprintf(why, sizeof(why), "%s ended: %s", proc_name(c->id),
	    c->last_exit);
	change_abort(rd, why);
}

void
change_cancel(struct relayd *rd, const char *why)
{
	struct change *chg = &rd->change;

	if (chg->next_client != NULL)
		control_reload_done(rd, chg->next_client, chg->next_request,
		    &(struct conf_errors){ 0 }, CTL_REFUSED, why);
	chg->next_client = NULL;
	chg->repeat = false;
	change_abort(rd, why);
}

void
change_forget_client(struct relayd *rd, const struct ctl_client *client)
{
	if (rd->change.client == client)
		rd->change.client = NULL;
	if (rd->change.next_client == client)
		rd->change.next_client = NULL;
}

/* Errors in errs mean that it ends here. */
void
change_begin(struct relayd *rd, struct conf *conf)
{
	struct change *chg = &rd->change;
	struct ids ids[CONF_ACCOUNT_COUNT];

	chg->conf = conf;
	chg->generation = ++rd->last_generation;
	chg->sent = chg->ready = 0;
	if (chg->timer == NULL)
		chg->timer = timer_new(rd, on_timer, rd);
	if (conf != NULL && rd->conf != NULL && conf != rd->conf) {
		refuse_restarts(rd, conf, &chg->errs);
		/*
		 * Not needed before, perhaps, and then not looked up.  Not
		 * needed now: what is in force still needs it if this fails.
		 */
		if (accounts_resolve(rd, conf, ids, &chg->errs) &&
		    ids[CONF_ACCOUNT_SERVICE].uid != (uid_t)-1)
			rd->ids[CONF_ACCOUNT_SERVICE] =
			    ids[CONF_ACCOUNT_SERVICE];
	}
	if (conf != NULL && chg->errs.nerrors == 0)
		(void)listeners_open(conf, &rd->listeners, &chg->listeners,
		    &chg->errs);
	if (conf == NULL || chg->errs.nerrors > 0) {
		change_fail(rd, "the configuration is not applied");
		return;
	}
	peers_make(&chg->peers, conf, &rd->added);
	chg->state = CHANGE_WAIT;
	timer_start(chg->timer, LIMIT_SETUP_MS);
	change_advance(rd);
}

void
change_files(struct child *c)
{
	struct relayd *rd = c->rd;

	/* The keeper has keys, the front-end certificates: they must fit. */
	if ((c->id != PROC_KEEPER && c->id != PROC_FRONTEND) ||
	    rd->change.state != CHANGE_NONE || rd->stop.stage != STOP_NONE ||
	    files_mark(rd->conf) == rd->files)
		return;
	log_notice("certificates or keys have changed since generation %u: "
	    "they are read again", rd->generation);
	change_begin(rd, rd->conf);
}

const char *
reload_refusal(const struct relayd *rd)
{
	if (rd->stop.stage != STOP_NONE)
		return ("relayd stops");
	/* A change of peers is none that somebody knows of. */
	if (rd->change.next_client != NULL ||
	    (rd->change.state != CHANGE_NONE && !is_about_peers(rd)))
		return ("another reload is under way");
	return (NULL);
}

void
reload(struct relayd *rd, struct ctl_client *client, uint64_t request)
{
	struct change *chg = &rd->change;

	if (rd->stop.stage != STOP_NONE)
		return;
	if (chg->state != CHANGE_NONE) {
		chg->repeat = true;
		if (client != NULL) {
			chg->next_client = client;
			chg->next_request = request;
		}
		return;
	}
	log_notice("reading %s", rd->opt.conf_file);
	sdnotify_reloading(rd->notify_fd);
	chg->client = client;
	chg->request = request;
	change_begin(rd, conf_read(rd, &chg->errs));
}
