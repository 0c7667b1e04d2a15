/* SPDX-License-Identifier: ISC */
/* What a node offers: registrations and health. */
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
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

/* Whether one of the first n that were accepted is this service. */
static bool
service_repeats(const struct verdict *verdicts, size_t n,
    const struct service *s)
{
	while (n-- > 0) {
		if (verdicts[n].rule == NULL &&
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

/* Fill in the verdicts; returns how many services are accepted. */
static uint16_t
judge(struct verdict *verdicts, uint64_t session,
    const struct service *services, size_t n)
{
	uint16_t accepted = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		strlcpy(verdicts[i].name, services[i].name,
		    sizeof(verdicts[i].name));
		strlcpy(verdicts[i].version, services[i].version,
		    sizeof(verdicts[i].version));
		verdicts[i].rule = rule_against(&services[i], session,
		    verdicts, i);
		accepted += verdicts[i].rule == NULL;
	}
	return (accepted);
}

static void
add_service(struct registry *r, uint64_t session, const struct service *s)
{
	int64_t id, i;

	registry_run(r, DB_SERVICE_ADD, "ittiiii", (int64_t)session,
	    s->name, s->version, (int64_t)s->weight,
	    (int64_t)s->max_concurrency, (int64_t)s->visibility,
	    (int64_t)s->healthy);
	id = db_last_id(r->db);
	for (i = 0; i < s->n_methods && !r->broken; i++)
		registry_run(r, DB_METHOD_ADD, "iitii", id, i,
		    s->methods[i].name, (int64_t)s->methods[i].idempotent,
		    (int64_t)s->methods[i].timeout_ms);
	for (i = 0; i < s->n_labels && !r->broken; i++)
		registry_run(r, DB_LABEL_ADD, "itt", id, s->labels[i].key,
		    s->labels[i].value);
}

/* The former set goes, this one comes; ROUTE_SET tells the router. */
static void
replace_services(struct registry *r, uint64_t session, const char *node,
    const struct service *services, const struct verdict *verdicts, size_t n,
    uint16_t accepted)
{
	struct reply *reply;
	size_t i;

	registry_run(r, DB_SERVICE_DROP, "i", (int64_t)session);
	reply = registry_say(r, MSG_ROUTE_SET, session);
	strlcpy(reply->node, node, sizeof(reply->node));
	if (accepted > 0 && (reply->services = calloc(accepted,
	    sizeof(*reply->services))) == NULL)
		fatal("no memory for a registration");
	for (i = 0; i < n && !r->broken; i++) {
		if (verdicts[i].rule != NULL)
			continue;
		add_service(r, session, &services[i]);
		service_copy(&reply->services[reply->count++], &services[i]);
	}
	view_forget(r);
}

/* A home that has its node, or this node; other Mains have other ways. */
static bool
may_offer(struct registry *r, uint64_t session, char *node)
{
	enum node_kind kind = registry_node_of(r, session, node);

	return (kind == NODE_HOME || kind == NODE_SELF);
}

void
registry_register(struct registry *r, uint64_t session, uint64_t tag,
    const struct service *services, size_t n)
{
	char node[LIMIT_NODE_ID + 1];
	struct verdict *verdicts;
	struct reply *reply;
	uint16_t accepted;
	size_t i;

	if ((verdicts = calloc(n + 1, sizeof(*verdicts))) == NULL)
		fatal("no memory for a registration");
	accepted = judge(verdicts, session, services, n);
	if (registry_begin(r) && may_offer(r, session, node)) {
		replace_services(r, session, node, services, verdicts, n,
		    accepted);
	} else {
		for (i = 0; i < n; i++)
			verdicts[i].rule =
			    "session: it does not have its node any more";
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
