/* SPDX-License-Identifier: ISC */
/*
 * Tokens of callers, each under a name that policy knows: made, listed and
 * revoked through the control socket, and looked up when they are shown.
 */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/ctl.h"
#include "common/log.h"
#include "relay-registry/registry_impl.h"
#include "relay-registry/token.h"

void
registry_ctl_end(struct registry *r, uint64_t request, uint16_t status,
    const char *text)
{
	struct reply *reply = registry_say(r, MSG_CTL_END, request);

	reply->status = status;
	reply_set_body(reply, text, strlen(text));
}

/* --- who shows it --- */

void
token_by(const char *name, char by[TOKEN_BY_SIZE])
{
	if (name[0] == '\0')
		strlcpy(by, "anonymous", TOKEN_BY_SIZE);
	else
		snprintf(by, TOKEN_BY_SIZE, "token:%s", name);
}

/*
 * The hash is what is looked up: how long that takes tells something of the
 * hash of what was shown, which is no help in finding another token.
 */
bool
token_holder(struct registry *r, struct span authorization,
    char name[LIMIT_TOKEN_NAME + 1])
{
	char asked[TOKEN_HASH_SIZE], known[TOKEN_HASH_SIZE];
	struct span token = token_bearer(authorization);

	name[0] = '\0';
	if (token.len == 0 || token.len > LIMIT_AUTHORIZATION)
		return (false);
	token_hash(token, asked);
	if (registry_run(r, DB_TOKEN_OF_HASH, "t", asked) == 1 &&
	    strlcpy(known, db_text(r->db, DB_TOKEN_OF_HASH, 1),
	    sizeof(known)) == sizeof(known) - 1 && token_same(asked, known))
		strlcpy(name, db_text(r->db, DB_TOKEN_OF_HASH, 0),
		    LIMIT_TOKEN_NAME + 1);
	db_done(r->db, DB_TOKEN_OF_HASH);
	return (name[0] != '\0');
}

void
registry_caller(struct registry *r, uint64_t request,
    struct span authorization, struct span address, struct when now)
{
	struct reply *reply = registry_say(r, MSG_CALLER_ANSWER, request);
	char name[LIMIT_TOKEN_NAME + 1];

	reply->known = token_holder(r, authorization, name);
	strlcpy(reply->node, name, sizeof(reply->node));
	if (!reply->known)
		audit_note(r, AUDIT_REFUSE, span_str("HTTP request"), address,
		    span_str("unknown token"), now);
}

/* --- the operator --- */

static bool
good_name(struct span s, char name[LIMIT_TOKEN_NAME + 1])
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if ((s.p[i] < 'a' || s.p[i] > 'z') &&
		    (s.p[i] < '0' || s.p[i] > '9') &&
		    s.p[i] != '_' && s.p[i] != '.' && s.p[i] != '-')
			return (false);
	}
	return (s.len > 0 && span_copy(s, name, LIMIT_TOKEN_NAME + 1));
}

/* How many there are, and of that name. */
static bool
count(struct registry *r, const char *name, int64_t *all, int64_t *of_name)
{
	bool ok = registry_run(r, DB_TOKEN_COUNT, "t", name) == 1;

	*all = db_int(r->db, DB_TOKEN_COUNT, 0);
	*of_name = db_int(r->db, DB_TOKEN_COUNT, 1);
	db_done(r->db, DB_TOKEN_COUNT);
	return (ok);
}

static void
create(struct registry *r, uint64_t request, const char *name,
    struct when now)
{
	char token[TOKEN_SIZE], hash[TOKEN_HASH_SIZE];
	int64_t all, of_name;

	if (!registry_begin(r) || !count(r, name, &all, &of_name)) {
		registry_ctl_end(r, request, CTL_REFUSED, "");
		return;
	}
	if (all >= LIMIT_CALLER_TOKENS && of_name < LIMIT_TOKENS) {
		registry_ctl_end(r, request, CTL_REFUSED,
		    "there are as many tokens as may be");
		return;
	}
	token_make(token);
	token_hash(span_str(token), hash);
	r->sync = true;		/* as below: the oldest may go */
	if (registry_run(r, DB_TOKEN_ADD, "tit", hash, now.wall_ms,
	    name) == 0)
		registry_run(r, DB_TOKEN_TRIM, "ti", name,
		    (int64_t)LIMIT_TOKENS);
	audit_text(r, AUDIT_TOKEN, AUDIT_BY_CONTROL, name,
	    of_name < LIMIT_TOKENS ? "created" :
	    "created, the oldest of its name revoked", now);
	registry_ctl_end(r, request, CTL_OK, token);
	explicit_bzero(token, sizeof(token));
}

static void
revoke(struct registry *r, uint64_t request, const char *name,
    struct when now)
{
	int64_t all, of_name;

	if (!registry_begin(r) || !count(r, name, &all, &of_name)) {
		registry_ctl_end(r, request, CTL_REFUSED, "");
		return;
	}
	if (of_name == 0) {
		registry_ctl_end(r, request, CTL_NOT_FOUND,
		    "there is no token of that name");
		return;
	}
	r->sync = true;		/* what is said to be revoked stays so */
	registry_run(r, DB_TOKEN_TRIM, "ti", name, INT64_C(0));
	audit_text(r, AUDIT_TOKEN, AUDIT_BY_CONTROL, name, "revoked", now);
	registry_ctl_end(r, request, CTL_OK,
	    "no token of that name is valid any more");
}

void
registry_ctl_token(struct registry *r, uint64_t request, unsigned int op,
    struct span text, struct when now)
{
	char name[LIMIT_TOKEN_NAME + 1];

	if (op == CTL_TOKEN_LIST)
		registry_ctl_end(r, request, CTL_OK, "");
	else if (!good_name(text, name))
		registry_ctl_end(r, request, CTL_REFUSED, "the name of a "
		    "token is 1 to 64 bytes of [a-z0-9_.-]");
	else if (op == CTL_TOKEN_CREATE)
		create(r, request, name, now);
	else
		revoke(r, request, name, now);
}

bool
registry_each_token(struct registry *r,
    void (*each)(void *, const char *, int64_t), void *arg)
{
	int row = registry_run(r, DB_TOKEN_LIST, "");

	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_TOKEN_LIST)))
		each(arg, db_text(r->db, DB_TOKEN_LIST, 0),
		    db_int(r->db, DB_TOKEN_LIST, 1));
	db_done(r->db, DB_TOKEN_LIST);
	return (row == 0);
}
