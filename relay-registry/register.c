/* SPDX-License-Identifier: ISC */
/* What a node offers: registrations and health. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"

static int
compare_names(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

static bool
repeats(const char **names, size_t n)
{
	size_t i;

	qsort(names, n, sizeof(*names), compare_names);
	for (i = 1; i < n; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			return (true);
	}
	return (false);
}

static bool
methods_repeat(const struct service *s)
{
	const char *names[LIMIT_METHODS];
	size_t i;

	for (i = 0; i < s->n_methods; i++)
		names[i] = s->methods[i].name;
	return (repeats(names, s->n_methods));
}

static bool
labels_repeat(const struct service *s)
{
	const char *names[LIMIT_LABELS];
	size_t i;

	for (i = 0; i < s->n_labels; i++)
		names[i] = s->labels[i].key;
	return (repeats(names, s->n_labels));
}

/* Whether one of the first n that are kept is this service. */
static bool
service_repeats(const struct verdict *verdicts, size_t n,
    const struct service *s)
{
	while (n-- > 0) {
		if ((verdicts[n].rule == NULL || verdicts[n].denied) &&
		    strcmp(verdicts[n].name, s->name) == 0 &&
		    strcmp(verdicts[n].version, s->version) == 0)
			return (true);
	}
	return (false);
}

/*
 * The rule that rejects a service, or NULL.  Names, numbers and counts were
 * checked when it was decoded; these rules are the registry's own.
 */
static const char *
rule_against(const struct service *s, uint64_t session,
    const struct verdict *before, size_t n_before)
{
	if (strcmp(s->name, "relay") == 0)
		return ("service_name: relay is what each node itself serves");
	if (s->visibility == VISIBILITY_PRIVATE && session != 0)
		return ("visibility: a private service never leaves its home");
	if (service_repeats(before, n_before, s))
		return ("duplicate: this name and version is in the "
		    "registration already");
	if (methods_repeat(s))
		return ("methods: a name is there twice");
	if (labels_repeat(s))
		return ("labels: a key is there twice");
	return (NULL);
}

#define RULE_TEXT	256	/* bytes of a rule that a home is told, NUL */

/*
 * What policy says of a service that is well formed.  A home is told the rule,
 * but not where it is.
 */
static void
judge_by_policy(struct registry *r, const char *node, struct verdict *v,
    const struct service *s)
{
	const struct policy_rule *rule;

	if (registry_may_publish(r, node, s, &rule))
		return;
	if ((v->text = malloc(RULE_TEXT)) == NULL)
		fatal("no memory for a verdict");
	policy_text(rule, v->text, RULE_TEXT);
	v->rule = v->text;
	v->denied = true;
}

/*
 * Fill in the verdicts; returns how many services are accepted.  node: the
 * home's, or NULL for this node itself, which is under no policy.
 */
static uint16_t
judge(struct registry *r, uint64_t session, const char *node,
    struct verdict *verdicts, const struct service *services, size_t n)
{
	bool policy = node != NULL && policy_has(registry_policy(r),
	    POLICY_PUBLISH);
	uint16_t accepted = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		strlcpy(verdicts[i].name, services[i].name,
		    sizeof(verdicts[i].name));
		strlcpy(verdicts[i].version, services[i].version,
		    sizeof(verdicts[i].version));
		verdicts[i].rule = rule_against(&services[i], session,
		    verdicts, i);
		if (verdicts[i].rule == NULL && policy)
			judge_by_policy(r, node, &verdicts[i], &services[i]);
		accepted += verdicts[i].rule == NULL;
	}
	return (accepted);
}

static void
add_service(struct registry *r, uint64_t session, const struct service *s,
    bool denied)
{
	int64_t id, i;

	registry_run(r, DB_SERVICE_ADD, "ittiiiii", (int64_t)session,
	    s->name, s->version, (int64_t)s->weight,
	    (int64_t)s->max_concurrency, (int64_t)s->visibility,
	    (int64_t)s->healthy, (int64_t)denied);
	id = db_last_id(r->db);
	for (i = 0; i < s->n_methods && !r->broken; i++)
		registry_run(r, DB_METHOD_ADD, "iitii", id, i,
		    s->methods[i].name, (int64_t)s->methods[i].idempotent,
		    (int64_t)s->methods[i].timeout_ms);
	for (i = 0; i < s->n_labels && !r->broken; i++)
		registry_run(r, DB_LABEL_ADD, "itt", id, s->labels[i].key,
		    s->labels[i].value);
}

/*
 * The former set goes, by this statement, and this one comes; ROUTE_SET tells
 * the router.
 */
static void
replace_services(struct registry *r, uint64_t session, const char *node,
    enum db_stmt drop, const struct service *services,
    const struct verdict *verdicts, size_t n, uint16_t accepted)
{
	struct reply *reply;
	size_t i;

	registry_run(r, drop, "i", (int64_t)session);
	reply = registry_say(r, MSG_ROUTE_SET, session);
	strlcpy(reply->node, node, sizeof(reply->node));
	if (accepted > 0 && (reply->services = calloc(accepted,
	    sizeof(*reply->services))) == NULL)
		fatal("no memory for a registration");
	for (i = 0; i < n && !r->broken; i++) {
		if (verdicts[i].rule != NULL && !verdicts[i].denied)
			continue;
		add_service(r, session, &services[i], verdicts[i].denied);
		if (verdicts[i].denied)
			continue;
		service_copy(&reply->services[reply->count++], &services[i]);
	}
	view_forget(r);
}

/* --- services from the database --- */

static void
read_methods(struct registry *r, int64_t service, struct service *s)
{
	int row = registry_run(r, DB_METHODS_OF_SERVICE, "i", service);
	struct service_method *m;

	for (; row == 1 && s->n_methods < LIMIT_METHODS;
	    row = registry_check(r, db_next(r->db, DB_METHODS_OF_SERVICE))) {
		s->methods = reallocarray(s->methods, s->n_methods + 1U,
		    sizeof(*s->methods));
		if (s->methods == NULL)
			fatal("no memory for a service");
		m = &s->methods[s->n_methods++];
		strlcpy(m->name, db_text(r->db, DB_METHODS_OF_SERVICE, 0),
		    sizeof(m->name));
		m->idempotent = db_int(r->db, DB_METHODS_OF_SERVICE, 1) != 0;
		m->timeout_ms = (uint32_t)db_int(r->db,
		    DB_METHODS_OF_SERVICE, 2);
	}
	db_done(r->db, DB_METHODS_OF_SERVICE);
}

static void
read_labels(struct registry *r, int64_t service, struct service *s)
{
	int row = registry_run(r, DB_LABELS_OF_SERVICE, "i", service);
	struct service_label *l;

	for (; row == 1 && s->n_labels < LIMIT_LABELS;
	    row = registry_check(r, db_next(r->db, DB_LABELS_OF_SERVICE))) {
		s->labels = reallocarray(s->labels, s->n_labels + 1U,
		    sizeof(*s->labels));
		if (s->labels == NULL)
			fatal("no memory for a service");
		l = &s->labels[s->n_labels++];
		strlcpy(l->key, db_text(r->db, DB_LABELS_OF_SERVICE, 0),
		    sizeof(l->key));
		strlcpy(l->value, db_text(r->db, DB_LABELS_OF_SERVICE, 1),
		    sizeof(l->value));
	}
	db_done(r->db, DB_LABELS_OF_SERVICE);
}

/* The row SERVICES_OF_SESSION is at. */
static void
read_service(struct registry *r, struct service *s)
{
	enum db_stmt stmt = DB_SERVICES_OF_SESSION;

	service_init(s);
	strlcpy(s->name, db_text(r->db, stmt, 1), sizeof(s->name));
	strlcpy(s->version, db_text(r->db, stmt, 2), sizeof(s->version));
	s->weight = (uint32_t)db_int(r->db, stmt, 3);
	s->max_concurrency = (uint32_t)db_int(r->db, stmt, 4);
	s->visibility = (enum visibility)db_int(r->db, stmt, 5);
	s->healthy = db_int(r->db, stmt, 6) != 0;
	read_methods(r, db_int(r->db, stmt, 0), s);
	read_labels(r, db_int(r->db, stmt, 0), s);
}

uint16_t
register_say_routes(struct registry *r, uint64_t session, const char *node)
{
	struct reply *reply = registry_say(r, MSG_ROUTE_SET, session);
	int row;

	strlcpy(reply->node, node, sizeof(reply->node));
	reply->services = calloc(LIMIT_SERVICES, sizeof(*reply->services));
	if (reply->services == NULL)
		fatal("no memory for services");
	row = registry_run(r, DB_SERVICES_OF_SESSION, "i", (int64_t)session);
	for (; row == 1 && reply->count < LIMIT_SERVICES;
	    row = registry_check(r, db_next(r->db, DB_SERVICES_OF_SESSION)))
		read_service(r, &reply->services[reply->count++]);
	db_done(r->db, DB_SERVICES_OF_SESSION);
	view_forget(r);
	return (reply->count);
}

/* --- registrations --- */

/* A home that has its node, or this node; other Mains have other ways. */
static bool
may_offer(struct registry *r, uint64_t session, char *node)
{
	enum node_kind kind = registry_node_of(r, session, node);

	return (kind == NODE_HOME || kind == NODE_SELF);
}

/* What the audit log has of a rejected service: the operator's own words. */
static void
note_rejected(struct registry *r, const char *node, const struct verdict *v,
    const struct service *s, struct when now)
{
	char what[sizeof(v->name) + sizeof(v->version) + 1];
	char where[LIMIT_AUDIT_TEXT + 1];
	const struct policy_rule *rule;

	strlcpy(where, v->rule, sizeof(where));
	if (v->denied && !registry_may_publish(r, node, s, &rule))
		policy_where(rule, where, sizeof(where));
	snprintf(what, sizeof(what), "%s %s", v->name, v->version);
	audit_text(r, AUDIT_REJECT, node, what, where, now);
}

/* This node's own services come from its own configuration. */
static void
note_registration(struct registry *r, const char *node,
    const struct verdict *verdicts, const struct service *services, size_t n,
    uint16_t accepted, struct when now)
{
	char text[64];
	size_t i;

	snprintf(text, sizeof(text), "%u services accepted, %zu rejected",
	    accepted, n - accepted);
	audit_text(r, AUDIT_REGISTER, node, "", text, now);
	for (i = 0; i < n; i++) {
		if (verdicts[i].rule != NULL)
			note_rejected(r, node, &verdicts[i], &services[i],
			    now);
	}
}

/* The session does not have its node. */
static void
reject_all(struct verdict *verdicts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		verdicts[i].rule =
		    "session: it does not have its node any more";
}

void
registry_register(struct registry *r, uint64_t session, uint64_t tag,
    const struct service *services, size_t n, struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct verdict *verdicts;
	struct reply *reply;
	uint16_t accepted;
	bool may;

	if ((verdicts = calloc(n + 1, sizeof(*verdicts))) == NULL)
		fatal("no memory for a registration");
	may = registry_begin(r) && may_offer(r, session, node);
	accepted = judge(r, session, may && session != 0 ? node : NULL,
	    verdicts, services, n);
	if (may) {
		replace_services(r, session, node, tag != 0 ?
		    DB_SERVICE_DROP : DB_SERVICE_DROP_ROUTED, services,
		    verdicts, n, accepted);
		if (tag == 0 && session != 0)
			policy_restore(r, session, node, now);
		if (session != 0)
			note_registration(r, node, verdicts, services, n,
			    accepted, now);
	} else {
		reject_all(verdicts, n);
		accepted = 0;
		r->stats.stale++;
	}
	r->stats.registrations++;
	r->stats.rejected_services += n - accepted;
	reply = registry_say(r, MSG_REGISTERED, session);
	reply->tag = tag;
	reply->verdicts = verdicts;
	reply->count = (uint16_t)n;
}

/*
 * Peers hear of it behind what was registered this turn; if that is nothing,
 * now, for it is no reason to write to the database at once.
 */
static void
tell_health(struct registry *r, uint64_t session, const char *service,
    const char *version, bool healthy, struct when now)
{
	struct reply *reply = reply_new(MSG_SERVICE_HEALTH, session);

	if (registry_node_of(r, session, reply->node) != NODE_HOME) {
		reply_free(reply);
		return;
	}
	if ((reply->verdicts = calloc(1, sizeof(*reply->verdicts))) == NULL)
		fatal("no memory for a reply");
	strlcpy(reply->verdicts->name, service, sizeof(reply->verdicts->name));
	strlcpy(reply->verdicts->version, version,
	    sizeof(reply->verdicts->version));
	reply->known = healthy;
	if (registry_pending(r)) {
		STAILQ_INSERT_TAIL(&r->waiting, reply, entry);
		return;
	}
	discovery_committed(r, reply, now);
	reply_free(reply);
}

void
registry_health(struct registry *r, uint64_t session, struct span name,
    struct span version, bool healthy, struct when now)
{
	char service[LIMIT_SERVICE_NAME + 1], text[LIMIT_VERSION + 1];

	if (!span_copy(name, service, sizeof(service)) ||
	    !span_copy(version, text, sizeof(text)) || !registry_begin(r))
		return;
	registry_run(r, DB_SERVICE_HEALTH, "itti", (int64_t)session, service,
	    text, (int64_t)healthy);
	view_forget(r);
	tell_health(r, session, service, text, healthy, now);
}
