/* SPDX-License-Identifier: ISC */
/*
 * relayd -n: does each key belong to its certificate?  Only a keeper, in its
 * sandbox, reads keys: one is started, told the configuration as at a start,
 * and ended before that is in force.
 */
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/log.h"
#include "relayd/relayd.h"

#define WORD_MAX	4096	/* bytes of what a keeper says until then */

/* It was not looked at, which is no mistake of the configuration. */
static bool
unchecked(const char *why)
{
	fprintf(stderr, "relayd: keys are not held against their "
	    "certificates: %s\n", why);
	return (true);
}

/* NULL, or why no keeper can be started as at a start. */
static const char *
prepare(struct relayd *rd, struct conf *conf)
{
	struct conf_errors errs = { 0 };
	const char *why = NULL;

	if (rd->root && access(EMPTY_DIR, X_OK) == -1)
		return (EMPTY_DIR " is not there before relayd runs");
	if (rd->root)
		why = account_lookup(&conf->accounts[CONF_ACCOUNT_KEEPER],
		    &rd->ids[CONF_ACCOUNT_KEEPER]);
	/* Of the programs that are not found, one counts here. */
	(void)programs_find(rd, conf, &errs);
	conf_errors_free(&errs);
	if (why == NULL && access(rd->children[PROC_KEEPER].program,
	    X_OK) == -1)
		why = "there is no keeper's program";
	return (why);
}

/* The keeper's next word, if it is of that type or the other; or NONE. */
static enum msg_type
hear(const struct child *c, enum msg_type type, enum msg_type other,
    uint8_t buf[WORD_MAX], size_t *len)
{
	enum msg_type heard;

	heard = channel_recv_blocking(channel_fd(c->ch), PROC_PARENT,
	    PROC_KEEPER, PHASE_SETUP | PHASE_CONF, buf, WORD_MAX, len);
	return (heard == type || heard == other ? heard : MSG_NONE);
}

/* Where the file stands that the keeper complains about. */
static const struct conf_pos *
position(const struct conf *conf, const char *reason)
{
	const struct conf_key *k;
	char key[LIMIT_CONF_STRING + 32], certificate[sizeof(key)];
	size_t i;

	for (i = 0; i < conf->nkeys; i++) {
		k = &conf->keys[i];
		snprintf(key, sizeof(key), "tls key %s: ", k->key);
		snprintf(certificate, sizeof(certificate),
		    "tls certificate %s: ", k->certificate);
		if (strncmp(reason, key, strlen(key)) == 0 ||
		    strncmp(reason, certificate, strlen(certificate)) == 0)
			return (&k->pos);
	}
	return (NULL);
}

/* False: it rejects them, and the errors say why. */
static bool
ask(struct child *c, const struct conf *conf, struct conf_errors *errs)
{
	const struct listeners none = { 0 };
	const struct peers nobody = { 0 };
	struct wire_get msg;
	char why[LIMIT_CONF_STRING + 128], reason[1024];
	uint8_t buf[WORD_MAX];
	size_t len;

	(void)channel_begin(c->ch, MSG_SETUP_END);
	if (channel_commit(c->ch) == -1 ||
	    channel_flush_blocking(c->ch) == -1 ||
	    hear(c, MSG_HELLO_ACK, MSG_HELLO_ACK, buf, &len) == MSG_NONE ||
	    hear(c, MSG_SETUP_DONE, MSG_SETUP_DONE, buf, &len) == MSG_NONE)
		return (unchecked("the keeper does not start"));
	if (!conf_send(c, conf, &none, &nobody, 1, why, sizeof(why))) {
		complain(errs, NULL, "%s", why);
		return (false);
	}
	if (channel_flush_blocking(c->ch) == -1)
		return (unchecked("the keeper does not listen"));
	switch (hear(c, MSG_CONF_READY, MSG_CONF_REJECT, buf, &len)) {
	case MSG_CONF_READY:
		return (true);
	case MSG_CONF_REJECT:
		break;
	default:
		return (unchecked("the keeper does not answer"));
	}
	wire_get_init(&msg, buf, len);
	(void)get_u32(&msg);
	get_str(&msg, reason, sizeof(reason));
	complain(errs, position(conf, reason), "%s", get_done(&msg) ? reason :
	    "the keeper rejects the keys");
	return (false);
}

bool
keys_check(struct relayd *rd, struct conf *conf, struct conf_errors *errs)
{
	struct child *c = &rd->children[PROC_KEEPER];
	const char *why;
	bool ok;

	if (conf->nkeys == 0)
		return (true);
	if ((why = prepare(rd, conf)) != NULL)
		return (unchecked(why));
	if ((rd->base = event_base_new()) == NULL)
		fatal("no event base: %s", strerror(errno));
	rd->change.conf = conf;
	c->rd = rd;
	c->id = PROC_KEEPER;
	/* The end of a check that never ends. */
	alarm(LIMIT_SETUP_MS / 1000);
	if (child_start(c) == -1)
		return (unchecked("no process can be started"));
	ok = ask(c, conf, errs);
	/* That ends it. */
	channel_free(c->ch);
	while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	alarm(0);
	return (ok);
}
