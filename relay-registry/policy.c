/* SPDX-License-Identifier: ISC */
/*
 * See policy_impl.h.
 *
 * What a home registered and policy denies is kept as denied in the database,
 * so that a new policy, either way, is true at once: a mistake in the rules
 * that is put right by a reload costs no home its link.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"

static const struct policy no_rules;

const struct policy *
registry_policy(const struct registry *r)
{
	return (r->policy == NULL ? &no_rules : r->policy);
}

void
registry_policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	policy_clear(p);
	free(p);
}

/* --- questions --- */

static struct policy_ask
ask_of(const struct registry *r, enum policy_action action,
    enum policy_who who, const char *name)
{
	return ((struct policy_ask){ .action = action, .who = who,
	    .name = span_str(name), .main = span_str(""),
	    .to = span_str(""), .to_main = span_str(""),
	    .service = span_str(""), .method = span_str(""),
	    .self = span_str(r->role == ROLE_MAIN ? r->node_id : "") });
}

bool
registry_may_connect(struct registry *r, enum node_kind kind,
    const char *node, const struct policy_rule **rule)
{
	struct policy_ask ask = ask_of(r, POLICY_CONNECT,
	    kind == NODE_HOME ? WHO_HOME : WHO_MAIN, node);

	return (policy_allows(registry_policy(r), &ask, rule));
}

void
registry_denied_by(const struct policy_rule *rule, char text[DENIED_BY_TEXT])
{
	char where[DENIED_BY_TEXT - sizeof("denied by ")];

	policy_where(rule, where, sizeof(where));
	snprintf(text, DENIED_BY_TEXT, "denied by %s", where);
}

static bool
may_publish(struct registry *r, const char *node, const char *service,
    enum visibility visibility, const struct policy_rule **rule)
{
	struct policy_ask ask = ask_of(r, POLICY_PUBLISH, WHO_HOME, node);

	ask.service = span_str(service);
	ask.visibility = visibility;
	return (policy_allows(registry_policy(r), &ask, rule));
}

bool
registry_may_publish(struct registry *r, const char *node,
    const struct service *s, const struct policy_rule **rule)
{
	return (may_publish(r, node, s->name, s->visibility, rule));
}

bool
registry_is_admin(struct registry *r, const char *token)
{
	struct policy_ask ask = ask_of(r, POLICY_ADMIN, WHO_TOKEN, token);
	const struct policy_rule *rule;

	return (policy_allows(registry_policy(r), &ask, &rule));
}

static bool
main_may(const struct policy *p, enum policy_action action, const char *main_id,
    const char *service)
{
	const struct policy_ask ask = { .action = action, .who = WHO_MAIN,
	    .name = span_str(main_id), .main = span_str(""),
	    .to = span_str(""), .to_main = span_str(""),
	    .service = span_str(service), .method = span_str(""),
	    .self = span_str("") };
	const struct policy_rule *rule;

	return (policy_allows(p, &ask, &rule));
}

bool
registry_may_export(struct registry *r, const char *main_id,
    const char *service)
{
	return (main_may(registry_policy(r), POLICY_EXPORT, main_id, service));
}

/* --- discovery --- */

static bool
export(const void *policy, const char *main_id, const char *service)
{
	return (main_may(policy, POLICY_EXPORT, main_id, service));
}

static bool
import(const void *policy, const char *main_id, const char *service)
{
	return (main_may(policy, POLICY_IMPORT, main_id, service));
}

static void
filter_discovery(struct registry *r)
{
	const struct policy *p = registry_policy(r);
	const struct mesh_policy filter = {
		.may_export = policy_has(p, POLICY_EXPORT) ? export : NULL,
		.may_import = policy_has(p, POLICY_IMPORT) ? import : NULL,
		.arg = p
	};

	mesh_set_policy(r->mesh, &filter);
}

/* --- what was registered, judged again --- */

/* A service whose verdict is another now. */
struct change {
	int64_t		id;
	uint64_t	session;
	bool		denied;
};

struct changes {
	struct change	*list;
	size_t		 n, size;
};

static void
change_add(struct changes *c, const struct change *one)
{
	size_t size = c->size == 0 ? 64 : 2 * c->size;

	if (c->n == c->size) {
		c->list = reallocarray(c->list, size, sizeof(*c->list));
		if (c->list == NULL)
			fatal("no memory for a policy");
		c->size = size;
	}
	c->list[c->n++] = *one;
}

static void
note_denied(struct registry *r, const char *node, const char *service,
    const struct policy_rule *rule, struct when now)
{
	char where[LIMIT_AUDIT_TEXT + 1];

	policy_where(rule, where, sizeof(where));
	audit_text(r, AUDIT_REJECT, node, service, where, now);
}

/* The row SERVICES_OF_HOMES is at. */
static void
judge_row(struct registry *r, struct changes *c, struct when now)
{
	const char *node = db_text(r->db, DB_SERVICES_OF_HOMES, 2);
	const char *name = db_text(r->db, DB_SERVICES_OF_HOMES, 3);
	const struct policy_rule *rule;
	struct change change = {
		.id = db_int(r->db, DB_SERVICES_OF_HOMES, 0),
		.session = (uint64_t)db_int(r->db, DB_SERVICES_OF_HOMES, 1)
	};
	bool was = db_int(r->db, DB_SERVICES_OF_HOMES, 5) != 0;

	change.denied = !may_publish(r, node, name, (enum visibility)
	    db_int(r->db, DB_SERVICES_OF_HOMES, 4), &rule);
	if (change.denied == was)
		return;
	change_add(c, &change);
	if (change.denied)
		note_denied(r, node, name, rule, now);
}

static void
find_changes(struct registry *r, struct changes *c, struct when now)
{
	int row = registry_run(r, DB_SERVICES_OF_HOMES, "");

	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_SERVICES_OF_HOMES)))
		judge_row(r, c, now);
	db_done(r->db, DB_SERVICES_OF_HOMES);
}

/* What is left of a home's services, to the router and to peers. */
static void
say_left(struct registry *r, uint64_t session, struct when now)
{
	char node[LIMIT_NODE_ID + 1], text[64];
	uint16_t n;

	if (registry_node_of(r, session, node) == 0)
		return;
	n = register_say_routes(r, session, node);
	snprintf(text, sizeof(text), "policy has changed: %u services", n);
	audit_text(r, AUDIT_REGISTER, node, "", text, now);
}

static void
judge_again(struct registry *r, struct when now)
{
	struct changes c = { 0 };
	size_t i;

	find_changes(r, &c, now);
	for (i = 0; i < c.n && !r->broken; i++)
		registry_run(r, DB_SERVICE_DENY, "ii", c.list[i].id,
		    (int64_t)c.list[i].denied);
	/* They come in the order of sessions. */
	for (i = 0; i < c.n && !r->broken; i++) {
		if (i + 1 == c.n || c.list[i + 1].session != c.list[i].session)
			say_left(r, c.list[i].session, now);
	}
	if (c.n > 0)
		log_info("policy has changed: %zu services of homes are "
		    "judged otherwise", c.n);
	free(c.list);
}

void
policy_restore(struct registry *r, uint64_t session, const char *node,
    struct when now)
{
	const struct policy_rule *rule;
	struct change change = { .session = session };
	struct changes c = { 0 };
	int row = registry_run(r, DB_DENIED_OF_SESSION, "i", (int64_t)session);
	size_t i;

	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_DENIED_OF_SESSION))) {
		change.id = db_int(r->db, DB_DENIED_OF_SESSION, 0);
		if (may_publish(r, node, db_text(r->db, DB_DENIED_OF_SESSION,
		    1), (enum visibility)db_int(r->db, DB_DENIED_OF_SESSION,
		    2), &rule))
			change_add(&c, &change);
	}
	db_done(r->db, DB_DENIED_OF_SESSION);
	for (i = 0; i < c.n && !r->broken; i++)
		registry_run(r, DB_SERVICE_DENY, "ii", c.list[i].id,
		    INT64_C(0));
	if (c.n > 0)
		say_left(r, session, now);
	free(c.list);
}

/* --- a generation --- */

static struct policy *
copy_of(const struct policy *p)
{
	struct policy *copy;
	uint32_t i;

	if ((copy = calloc(1, sizeof(*copy))) == NULL)
		fatal("no memory for rules");
	for (i = 0; i < p->n; i++) {
		if (!policy_add(copy, &p->rules[i]))
			fatal("no memory for rules");
	}
	return (copy);
}

static void
note_config(struct registry *r, struct when now)
{
	char text[96];

	snprintf(text, sizeof(text), "generation %u, %u rules",
	    r->peers.generation, r->policy->n);
	audit_text(r, AUDIT_CONFIG, r->node_id, "", text, now);
}

/* Other rules than before, which discovery needs once more. */
static void
put_in_force(struct registry *r, const struct policy *policy, struct when now)
{
	struct policy *former = r->policy;
	bool published = policy_has(registry_policy(r), POLICY_PUBLISH);

	r->policy = copy_of(policy);
	view_forget(r);
	if ((published || policy_has(r->policy, POLICY_PUBLISH)) &&
	    r->role == ROLE_MAIN && registry_begin(r))
		judge_again(r, now);
	filter_discovery(r);
	registry_policy_free(former);
}

/* The same rules, which may be in other places: who is told sees those. */
static void
replace_alike(struct registry *r, const struct policy *policy)
{
	struct policy *copy = copy_of(policy);

	policy_clear(r->policy);
	*r->policy = *copy;
	free(copy);
}

void
registry_configure_policy(struct registry *r, const struct policy *policy,
    struct when now)
{
	if (r->policy != NULL && policy_equal(r->policy, policy))
		replace_alike(r, policy);
	else
		put_in_force(r, policy, now);
	note_config(r, now);
	(void)registry_commit(r, now);
}

/* --- denials of the router --- */

void
registry_denied(struct registry *r, uint32_t more, struct span caller,
    struct span target, struct span method, struct span rule, struct when now)
{
	char detail[LIMIT_AUDIT_TEXT + 1];

	snprintf(detail, sizeof(detail), "%.*s: %.*s", (int)method.len,
	    method.p, (int)rule.len, rule.p);
	/* Nobody: it tells of no other but those that are counted. */
	if (caller.len != 0)
		audit_note(r, AUDIT_DENY, caller, target, span_str(detail),
		    now);
	audit_more(r, more, now);
}
