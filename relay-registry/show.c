/* SPDX-License-Identifier: ISC */
/* See show.h. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/audit.h"
#include "relay-registry/peer_list.h"
#include "relay-registry/show.h"

static void
error_row(struct channel *ch, uint64_t request, const char *text)
{
	struct ctl_row row;

	ctl_row_begin(&row, ch, request, "errors");
	ctl_text(&row, "process", "registry");
	ctl_text(&row, "error", text);
	ctl_row_end(&row);
}

static void
ctl_time(struct ctl_row *row, const char *name, int64_t ms)
{
	char text[32];

	registry_rfc3339(ms, text, sizeof(text));
	ctl_text(row, name, text);
}

static const char *
visibility_name(int64_t v)
{
	switch (v) {
	case VISIBILITY_PRIVATE:
		return ("private");
	case VISIBILITY_MAIN:
		return ("main");
	default:
		return ("federation");
	}
}

/* --- homes --- */

static void
home_row(struct db *db, struct channel *ch, uint64_t request)
{
	struct ctl_row row;

	ctl_row_begin(&row, ch, request, "homes");
	ctl_text(&row, "node_id", db_text(db, DB_LIST_NODES, 0));
	ctl_text(&row, "state", db_int(db, DB_LIST_NODES, 1) != 0 ? "online" :
	    "offline");
	ctl_text(&row, "address", db_text(db, DB_LIST_NODES, 2));
	ctl_number(&row, "epoch", db_int(db, DB_LIST_NODES, 3));
	ctl_time(&row, "since", db_int(db, DB_LIST_NODES, 4));
	ctl_time(&row, "last_seen", db_int(db, DB_LIST_NODES, 5));
	ctl_number(&row, "services", db_int(db, DB_LIST_NODES, 6));
	ctl_row_end(&row);
}

/* --- services --- */

/* Names joined by commas, "*" for any method, "..." where it is cut. */
static void
method_names(struct db *db, int64_t service, char *buf, size_t size)
{
	const char *dots = ",...";
	size_t n = 0, len;
	int row;

	buf[0] = '\0';
	row = db_run(db, DB_LIST_METHODS, "i", service);
	for (; row == 1; row = db_next(db, DB_LIST_METHODS)) {
		len = strlen(db_text(db, DB_LIST_METHODS, 0));
		if (n + len + 1 + strlen(dots) >= size) {
			strlcat(buf, dots, size);
			break;
		}
		if (n > 0)
			buf[n++] = ',';
		strlcpy(buf + n, db_text(db, DB_LIST_METHODS, 0), size - n);
		n += len;
	}
	db_done(db, DB_LIST_METHODS);
	if (n == 0 && row == 0)
		strlcpy(buf, "*", size);
}

static void
service_row(struct db *db, struct channel *ch, uint64_t request)
{
	struct ctl_row row;
	char methods[1024];

	method_names(db, db_int(db, DB_LIST_SERVICES, 0), methods,
	    sizeof(methods));
	ctl_row_begin(&row, ch, request, "services");
	ctl_text(&row, "service_name", db_text(db, DB_LIST_SERVICES, 1));
	ctl_text(&row, "version", db_text(db, DB_LIST_SERVICES, 2));
	ctl_text(&row, "node_id", db_text(db, DB_LIST_SERVICES, 3));
	ctl_text(&row, "methods", methods);
	ctl_bool(&row, "healthy", db_int(db, DB_LIST_SERVICES, 5) != 0);
	ctl_number(&row, "weight", db_int(db, DB_LIST_SERVICES, 6));
	ctl_number(&row, "max_concurrency", db_int(db, DB_LIST_SERVICES, 7));
	ctl_text(&row, "visibility",
	    visibility_name(db_int(db, DB_LIST_SERVICES, 8)));
	ctl_row_end(&row);
}

/* --- lists --- */

/* Rows of a statement that is at its first one, until the channel is full. */
static void
show_list(struct db *db, struct channel *ch, uint64_t request,
    enum db_stmt stmt, int row,
    void (*show_row)(struct db *, struct channel *, uint64_t))
{
	char text[96];
	size_t n = 0;

	for (; row == 1 && !channel_congested(ch); n++) {
		show_row(db, ch, request);
		row = db_next(db, stmt);
	}
	db_done(db, stmt);
	if (row == 1) {
		snprintf(text, sizeof(text), "the list is cut after %zu rows",
		    n);
		error_row(ch, request, text);
	} else if (row == -1)
		error_row(ch, request, db_error(db));
}

static void
show_services(struct registry *r, struct channel *ch, uint64_t request)
{
	struct db *db = registry_db(r);
	int own;

	for (own = 1; own >= 0; own--)
		show_list(db, ch, request, DB_LIST_SERVICES,
		    db_run(db, DB_LIST_SERVICES, "i", (int64_t)own),
		    service_row);
}

/* --- peers --- */

/* A list of a few times LIMIT_PEERS rows fits. */
struct peer_rows {
	struct channel	*ch;
	uint64_t	 request;
};

static void
peer_row(void *arg, const struct peer_info *p)
{
	const struct peer_rows *rows = arg;
	struct ctl_row row;

	ctl_row_begin(&row, rows->ch, rows->request, "peers");
	ctl_text(&row, "node_id", p->node);
	ctl_text(&row, "url", p->url);
	ctl_text(&row, "state", p->state);
	ctl_text(&row, "direction", p->direction);
	ctl_text(&row, "address", p->address);
	ctl_number(&row, "services", p->services);
	ctl_number(&row, "rtt_us", p->rtt_us == 0 ? -1 : (int64_t)p->rtt_us);
	ctl_number(&row, "reconnect_in_ms", p->retry_in_ms);
	ctl_time(&row, "last_seen", p->last_seen_ms);
	ctl_text(&row, "origin", p->origin);
	ctl_text(&row, "reason", p->reason);
	ctl_row_end(&row);
}

static void
show_mesh(struct registry *r, struct channel *ch, uint64_t request)
{
	struct mesh_stats s;
	struct ctl_row row;

	mesh_stats(registry_mesh(r), &s);
	ctl_row_begin(&row, ch, request, "federation");
	ctl_number(&row, "peers_linked", peers_linked(registry_peers(r)));
	ctl_number(&row, "peers_dialled", registry_peers(r)->n);
	ctl_number(&row, "own_homes", s.own_nodes);
	ctl_number(&row, "other_homes", s.other_nodes);
	ctl_number(&row, "other_services", s.other_services);
	ctl_number(&row, "other_bytes", (int64_t)s.other_bytes);
	ctl_number(&row, "snapshots_sent", (int64_t)s.snapshots_sent);
	ctl_number(&row, "deltas_sent", (int64_t)s.deltas_sent);
	ctl_number(&row, "rows_sent", (int64_t)s.rows_sent);
	ctl_number(&row, "digests_sent", (int64_t)s.digests_sent);
	ctl_number(&row, "snapshots_received", (int64_t)s.snapshots);
	ctl_number(&row, "deltas_received", (int64_t)s.deltas);
	ctl_number(&row, "rows_received", (int64_t)s.rows);
	ctl_number(&row, "digests_received", (int64_t)s.digests);
	ctl_number(&row, "gaps", (int64_t)s.gaps);
	ctl_number(&row, "mismatches", (int64_t)s.mismatches);
	ctl_number(&row, "resyncs", (int64_t)s.resyncs);
	ctl_number(&row, "homes_purged", (int64_t)s.purged);
	ctl_number(&row, "answers_dropped", (int64_t)s.dropped);
	ctl_number(&row, "services_not_told", (int64_t)s.cut);
	ctl_row_end(&row);
}

static void
show_summary(struct registry *r, struct channel *ch, uint64_t request)
{
	const struct registry_stats *s = registry_stats(r);
	struct db *db = registry_db(r);
	struct ctl_row row;

	if (db_run(db, DB_COUNTS, "") != 1) {
		error_row(ch, request, db_error(db));
		return;
	}
	ctl_row_begin(&row, ch, request, "registry");
	ctl_number(&row, "homes_known", db_int(db, DB_COUNTS, 0));
	ctl_number(&row, "homes_online", db_int(db, DB_COUNTS, 1));
	ctl_number(&row, "services", db_int(db, DB_COUNTS, 2));
	ctl_number(&row, "services_unhealthy", db_int(db, DB_COUNTS, 3));
	ctl_number(&row, "sessions_accepted", (int64_t)s->accepted);
	ctl_number(&row, "sessions_denied", (int64_t)s->denied);
	ctl_number(&row, "sessions_resumed", (int64_t)s->resumed);
	ctl_number(&row, "sessions_replaced", (int64_t)s->replaced);
	ctl_number(&row, "sessions_closed", (int64_t)s->closed);
	ctl_number(&row, "registrations", (int64_t)s->registrations);
	ctl_number(&row, "services_rejected", (int64_t)s->rejected_services);
	ctl_number(&row, "nodes_purged", (int64_t)s->purged);
	ctl_number(&row, "stale", (int64_t)s->stale);
	ctl_number(&row, "transactions", (int64_t)db_commits(db));
	ctl_number(&row, "transactions_failed", (int64_t)s->failed);
	ctl_row_end(&row);
	db_done(db, DB_COUNTS);
	if (registry_role(r) == ROLE_MAIN)
		show_mesh(r, ch, request);
}

/* --- tokens and the audit log --- */

/* Where rows go. */
struct answer {
	struct channel	*ch;
	uint64_t	 request;
	uint32_t	 n;
};

static void
token_row(void *arg, const char *name, int64_t created_ms)
{
	const struct answer *a = arg;
	struct ctl_row row;

	ctl_row_begin(&row, a->ch, a->request, "tokens");
	ctl_text(&row, "name", name);
	ctl_time(&row, "created", created_ms);
	ctl_row_end(&row);
}

/* There are LIMIT_CALLER_TOKENS at most, which fit. */
void
registry_show_tokens(struct registry *r, struct channel *ch, uint64_t request)
{
	struct answer a = { ch, request, 0 };

	if (!registry_each_token(r, token_row, &a))
		error_row(ch, request, db_error(registry_db(r)));
}

static void
audit_row(void *arg, const struct audit_row *one)
{
	struct answer *a = arg;
	struct ctl_row row;

	a->n++;
	ctl_row_begin(&row, a->ch, a->request, "audit");
	ctl_number(&row, "seq", (int64_t)one->seq);
	ctl_time(&row, "time", one->time_ms);
	ctl_text(&row, "event", audit_event_name(one->event));
	ctl_text(&row, "subject", one->subject);
	ctl_text(&row, "object", one->object);
	ctl_text(&row, "detail", one->detail);
	ctl_row_end(&row);
}

void
registry_show_audit(struct registry *r, struct channel *ch, uint64_t request,
    uint64_t before, uint32_t count)
{
	struct answer a = { ch, request, 0 };
	char text[96];

	if (!audit_each(r, before, count, audit_row, &a)) {
		error_row(ch, request, db_error(registry_db(r)));
	} else if (a.n == AUDIT_PAGE && count > AUDIT_PAGE) {
		snprintf(text, sizeof(text), "the list is cut: %d records "
		    "are shown at once, the last ones", AUDIT_PAGE);
		error_row(ch, request, text);
	}
}

void
registry_show_verify(struct registry *r, struct channel *ch, uint64_t request)
{
	struct audit_check c;
	struct ctl_row row;

	if (!audit_verify(r, &c)) {
		error_row(ch, request, db_error(registry_db(r)));
		return;
	}
	ctl_row_begin(&row, ch, request, "verify");
	ctl_number(&row, "records", (int64_t)c.records);
	ctl_number(&row, "first_seq", (int64_t)c.first_seq);
	ctl_number(&row, "last_seq", (int64_t)c.last_seq);
	ctl_bool(&row, "ok", c.ok);
	ctl_number(&row, "broken_at", (int64_t)c.broken_at);
	ctl_text(&row, "heads", c.heads);
	ctl_row_end(&row);
}

void
registry_show(struct registry *r, struct channel *ch, uint64_t request,
    enum ctl_show what, struct when now)
{
	struct peer_rows rows = { ch, request };
	struct db *db = registry_db(r);

	switch (what) {
	case CTL_SHOW_SUMMARY:
		show_summary(r, ch, request);
		break;
	case CTL_SHOW_HOMES:
		show_list(db, ch, request, DB_LIST_NODES,
		    db_run(db, DB_LIST_NODES, ""), home_row);
		break;
	case CTL_SHOW_PEERS:
		registry_each_peer(r, peer_row, &rows, now);
		break;
	case CTL_SHOW_SERVICES:
		show_services(r, ch, request);
		break;
	case CTL_SHOW_IDENTITY:
		registry_show_identity(r, ch, request);
		break;
	default:
		break;
	}
}
