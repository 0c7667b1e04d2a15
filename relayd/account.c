/* SPDX-License-Identifier: ISC */
/* Accounts: who each process becomes when relayd was started as root. */
#include <sys/types.h>

#include <pwd.h>
#include <string.h>

#include "relayd/relayd.h"

const char *
account_lookup(const struct conf_account *a, struct ids *ids)
{
	const struct passwd *pw;

	if (a->name == NULL) {
		ids->uid = a->uid;
		ids->gid = a->uid;
		return (NULL);
	}
	if ((pw = getpwnam(a->name)) == NULL)
		return ("there is no such account");
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return ("it is root, or in root's group");
	ids->uid = pw->pw_uid;
	ids->gid = pw->pw_gid;
	return (NULL);
}

static const char *
account_text(const struct conf_account *a)
{
	return (a->name != NULL ? a->name : "(a number)");
}

static bool
has_exec_service(const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nservices; i++) {
		if (conf->services[i].backend == CONF_BACKEND_EXEC &&
		    conf->services[i].user == NULL)
			return (true);
	}
	return (false);
}

static bool
account_needed(const struct conf *conf, enum conf_account_id id)
{
	switch (id) {
	case CONF_ACCOUNT_FRONTEND:
	case CONF_ACCOUNT_DIALER:
	case CONF_ACCOUNT_ROUTER:
	case CONF_ACCOUNT_REGISTRY:
	case CONF_ACCOUNT_KEEPER:
		return (true);
	case CONF_ACCOUNT_BACKEND:
		return (conf->role == ROLE_HOME);
	case CONF_ACCOUNT_SERVICE:
		return (has_exec_service(conf));
	case CONF_ACCOUNT_COUNT:
		break;
	}
	return (false);
}

/* Two processes of one uid would have no wall between them. */
static void
check_distinct(const struct conf *conf, const struct ids *ids,
    enum conf_account_id id, struct conf_errors *errs)
{
	enum conf_account_id other;

	for (other = 0; other < id; other++) {
		if (account_needed(conf, other) &&
		    ids[other].uid == ids[id].uid)
			complain(errs, &conf->accounts[id].pos,
			    "account %s %s has the uid of account %s",
			    conf_account_name(id),
			    account_text(&conf->accounts[id]),
			    conf_account_name(other));
	}
}

/* A service's user must exist, and be none of our own processes. */
static void
check_user(const struct conf *conf, const struct ids *ids,
    const struct conf_account *user, struct conf_errors *errs)
{
	enum conf_account_id id;
	struct ids own;
	const char *why;

	if ((why = account_lookup(user, &own)) != NULL) {
		complain(errs, &user->pos, "user %s: %s", account_text(user),
		    why);
		return;
	}
	for (id = 0; id < CONF_ACCOUNT_SERVICE; id++) {
		if (account_needed(conf, id) && ids[id].uid == own.uid)
			complain(errs, &user->pos,
			    "user %s has the uid of account %s",
			    account_text(user), conf_account_name(id));
	}
}

bool
accounts_resolve(struct relayd *rd, const struct conf *conf, struct ids *ids,
    struct conf_errors *errs)
{
	size_t before = errs->nerrors, i;
	enum conf_account_id id;
	const char *why;

	for (id = 0; id < CONF_ACCOUNT_COUNT; id++)
		ids[id].uid = (uid_t)-1, ids[id].gid = (gid_t)-1;
	if (!rd->root)
		return (true);
	for (id = 0; id < CONF_ACCOUNT_COUNT; id++) {
		if (!account_needed(conf, id))
			continue;
		why = account_lookup(&conf->accounts[id], &ids[id]);
		if (why != NULL)
			complain(errs, &conf->accounts[id].pos,
			    "account %s %s: %s", conf_account_name(id),
			    account_text(&conf->accounts[id]), why);
		else
			check_distinct(conf, ids, id, errs);
	}
	if (errs->nerrors > before)
		complain(errs, NULL, "the accounts are made by: "
		    "systemd-sysusers " SYSUSERS_DIR "/relayd.conf");
	for (i = 0; i < conf->nservices; i++) {
		if (conf->services[i].user != NULL)
			check_user(conf, ids, conf->services[i].user, errs);
	}
	return (errs->nerrors == before);
}
