/* SPDX-License-Identifier: ISC */
/*
 * What a control client asks of the registry: peers, tokens, nodes and the
 * audit log.  What it means is for the registry to say; who asked is logged
 * here, where that is known.
 */
#include <stdio.h>

#include <bsd/string.h>

#include "common/join.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/wire.h"
#include "relayd/control.h"

/*
 * A job for the registry, or NULL and an answer.  what is for whom asks at a
 * home what only a Main does; NULL: each node does it.
 */
static struct ctl_job *
registry_job(struct ctl_client *client, uint64_t request, const char *what)
{
	struct relayd *rd = client->rd;
	char why[128];
	struct ctl_job *job;

	why[0] = '\0';
	if (what != NULL && rd->conf != NULL && rd->conf->role != ROLE_MAIN)
		snprintf(why, sizeof(why), "%s a main, and this node is a "
		    "home", what);
	else if (rd->children[PROC_REGISTRY].state != CHILD_RUN)
		strlcpy(why, "the registry is not running", sizeof(why));
	if (why[0] != '\0') {
		ctl_end(client->ch, request, CTL_REFUSED, why);
		return (NULL);
	}
	job = ctl_job_new(client, request, LIMIT_CTL_REPLY_MS);
	if (job == NULL)
		return (NULL);
	job->command = true;
	job->waiting = PROC_BIT(PROC_REGISTRY);
	return (job);
}

static void
registry_asked(struct ctl_job *job, struct channel *registry)
{
	if (channel_commit(registry) == -1)
		ctl_job_fail(job, PROC_REGISTRY,
		    "the registry does not listen");
}

void
ctl_on_peer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	static const char *const verbs[] = { [CTL_PEER_ADD] = "add",
	    [CTL_PEER_DELETE] = "delete", [CTL_PEER_RESET] = "reset" };
	struct ctl_client *client = arg;
	struct channel *registry = client->rd->children[PROC_REGISTRY].ch;
	uint64_t request = get_u64(msg);
	uint8_t op = get_u8(msg);
	struct span name = get_span(msg, LIMIT_CONF_STRING);
	struct span node_id = get_span(msg, LIMIT_NODE_ID);
	bool persist = get_bool(msg);
	bool insecure = get_bool(msg);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || op < CTL_PEER_ADD || op > CTL_PEER_RESET) {
		msg->bad = true;
		return;
	}
	job = registry_job(client, request, "peers are for");
	if (job == NULL)
		return;
	log_notice("uid %u asks to %s peer %.*s", (unsigned int)client->uid,
	    verbs[op], (int)name.len, name.p);
	w = channel_begin(registry, MSG_CTL_PEER);
	put_u64(w, job->id);
	put_u8(w, op);
	put_span(w, name);
	put_span(w, node_id);
	put_bool(w, persist);
	put_bool(w, insecure);
	registry_asked(job, registry);
}

void
ctl_on_token(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct channel *registry = client->rd->children[PROC_REGISTRY].ch;
	uint64_t request = get_u64(msg);
	uint8_t op = get_u8(msg);
	struct span name = get_span(msg, LIMIT_TOKEN_NAME);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || op < CTL_TOKEN_CREATE ||
	    op > CTL_TOKEN_REVOKE) {
		msg->bad = true;
		return;
	}
	if ((job = registry_job(client, request, NULL)) == NULL)
		return;
	if (op != CTL_TOKEN_LIST)
		log_notice("uid %u asks to %s token %.*s",
		    (unsigned int)client->uid, op == CTL_TOKEN_CREATE ?
		    "create" : "revoke", (int)name.len, name.p);
	w = channel_begin(registry, MSG_CTL_TOKEN);
	put_u64(w, job->id);
	put_u8(w, op);
	put_span(w, name);
	registry_asked(job, registry);
}

void
ctl_on_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	static const char *const verbs[] = { [CTL_NODE_LIST] = "list",
	    [CTL_NODE_DISABLE] = "disable", [CTL_NODE_ENABLE] = "enable",
	    [CTL_NODE_REVOKE] = "revoke", [CTL_NODE_ROTATE] = "rotate",
	    [CTL_NODE_ENROLL] = "enroll",
	    [CTL_NODE_TOKEN] = "make a token for" };
	struct ctl_client *client = arg;
	struct channel *registry = client->rd->children[PROC_REGISTRY].ch;
	uint64_t request = get_u64(msg);
	uint8_t op = get_u8(msg);
	struct span node_id = get_span(msg, LIMIT_NODE_ID);
	struct span url = get_span(msg, LIMIT_CONF_STRING);
	struct span pin = get_span(msg, JOIN_PIN);
	uint32_t expires_s = get_u32(msg);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || op < CTL_NODE_LIST || op > CTL_NODE_TOKEN) {
		msg->bad = true;
		return;
	}
	job = registry_job(client, request, "nodes are known to");
	if (job == NULL)
		return;
	if (op != CTL_NODE_LIST)
		log_notice("uid %u asks to %s node %.*s",
		    (unsigned int)client->uid, verbs[op], (int)node_id.len,
		    node_id.p);
	w = channel_begin(registry, MSG_CTL_NODE);
	put_u64(w, job->id);
	put_u8(w, op);
	put_span(w, node_id);
	put_span(w, url);
	put_span(w, pin);
	put_u32(w, expires_s);
	registry_asked(job, registry);
}

void
ctl_on_audit(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct ctl_client *client = arg;
	struct channel *registry = client->rd->children[PROC_REGISTRY].ch;
	uint64_t request = get_u64(msg);
	uint8_t op = get_u8(msg);
	uint64_t before = get_u64(msg);
	uint32_t count = get_u32(msg);
	struct ctl_job *job;
	struct wire_put *w;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || op < CTL_AUDIT_SHOW || op > CTL_AUDIT_VERIFY) {
		msg->bad = true;
		return;
	}
	if ((job = registry_job(client, request, NULL)) == NULL)
		return;
	w = channel_begin(registry, MSG_CTL_AUDIT);
	put_u64(w, job->id);
	put_u8(w, op);
	put_u64(w, before);
	put_u32(w, count);
	registry_asked(job, registry);
}
