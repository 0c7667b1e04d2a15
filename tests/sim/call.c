/* SPDX-License-Identifier: ISC */
/*
 * Calls, and what must hold for each: an answer or a lost link, once, by
 * whom it was meant for, over two links of homes and at most one of peers.
 */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include <json.h>

#include "tests/sim/home.h"

#define TEXT_MAX	2048
#define LATE_US		(60 * US_PER_S)	/* for what was held up: the link's
					 * death and more */

#define RULES_US	(10 * US_PER_S)	/* until they are in force */

enum mood { PROMPT, SLOW, SILENT, FAILING };

struct call {
	unsigned int	 id;
	struct home	*home;		/* who calls, or NULL: a client of */
	struct node	*main;		/* this Main, which is the ingress */
	uint64_t	 life;		/* the caller's link */
	struct net_end	*end;
	int64_t		 made_us, timeout_us;
	enum mood	 mood;
	char		 node[NET_NAME];	/* exactly this one, or empty */
	int		 at;		/* exactly there, or -1 */
	char		 service[16];
	bool		 must;		/* it has to succeed */
	bool		 denied;	/* it must not */
	bool		 answered;
	unsigned int	 executed, crossed;
};

static struct {
	struct call	**p;
	unsigned int	  n;
} calls;

static void	fail(const struct call *, const char *)
		    __attribute__((noreturn));

static void
fail(const struct call *c, const char *what)
{
	sim_fail("call %u (%s at %s to %s%s%s, %s) %s", c->id,
	    c->home == NULL ? "a client" : c->home->id, c->main->id,
	    c->node[0] == '\0' ? "anybody" : c->node,
	    c->at == -1 ? "" : " at ", c->at == -1 ? "" :
	    sim.mains[c->at]->id, c->service, what);
}

static struct call *
call_find(int64_t id)
{
	return (id < 0 || id >= (int64_t)calls.n ? NULL : calls.p[id]);
}

/* --- answers --- */

static bool
excused(const struct call *c)
{
	return (c->home != NULL && (c->home->life != c->life ||
	    c->home->state != HOME_LINKED));
}

/* Something had to wait on the caller's link, or the link is half-open. */
static bool
held_up(const struct call *c, int64_t since_us)
{
	return (c->home != NULL && (c->end->stalled_us >= since_us ||
	    !c->end->other->open));
}

static void
on_late(void *arg)
{
	struct call	*c = arg;
	int64_t		 since_us = sim.now_us - LATE_US;

	if (c->answered || excused(c))
		return;
	if (!held_up(c, c->made_us > since_us ? c->made_us : since_us))
		fail(c, "has no answer");
	sim_later(LATE_US, on_late, c);
}

static struct json_object *
member(struct json_object *o, const char *key)
{
	struct json_object	*v = NULL;

	if (o != NULL && json_object_is_type(o, json_type_object))
		(void)json_object_object_get_ex(o, key, &v);
	return (v);
}

static const char *
text_of(struct json_object *o, const char *key)
{
	struct json_object	*v = member(o, key);

	return (v == NULL ? "" : json_object_get_string(v));
}

/* The JSON-RPC response, or an error message, of a call. */
static void
answer(struct call *c, struct json_object *o)
{
	struct json_object	*result = member(o, "result");

	if (c->answered)
		fail(c, "is answered again");
	c->answered = true;
	sim.stats.answered++;
	if (c->must && result == NULL)
		fail(c, o == NULL ? "fails" : json_object_to_json_string(o));
	if (result == NULL)
		return;
	if (c->denied)
		fail(c, "has a result, and rules deny it");
	sim.stats.results++;
	if (json_object_get_int64(member(result, "call")) != c->id)
		fail(c, json_object_to_json_string(o));
	if (c->node[0] != '\0' && strcmp(text_of(result, "by"), c->node) != 0)
		fail(c, "is answered by another home");
	if (c->executed != 1)
		fail(c, "has a result and was not executed");
}

void
call_answered(struct home *h, struct json_object *o)
{
	const char	*id = text_of(o, "correlation_id");
	unsigned long	 number;
	struct call	*c = NULL;

	/* Ours begin with a c, what is no call with the home's name. */
	if (id[0] != 'c')
		return;
	number = strtoul(id + 1, NULL, 10);
	if (number < h->n_calls)
		c = call_find(h->calls[number]);
	if (c == NULL)
		sim_fail("%s gets an answer that is not its own: %s", h->id,
		    json_object_to_json_string(o));
	if (c->life != h->life)
		fail(c, "is answered over another link");
	answer(c, strcmp(text_of(o, "type"), "error") == 0 ? o :
	    member(o, "jsonrpc_response"));
}

static void
on_http(void *arg, unsigned int status, struct span body)
{
	struct call		*c = arg;
	struct json_object	*o = NULL;
	char			*text;

	if (status == 200) {
		text = sim_alloc(body.len + 1);
		memcpy(text, body.p, body.len);
		o = json_tokener_parse(text);
		free(text);
	}
	answer(c, o);
	json_object_put(o);
}

/* --- serving --- */

static void
check_path(const struct call *c, const struct home *h, struct json_object *o)
{
	struct json_object	*path = member(o, "routing_path");
	size_t			 n, most = c->home == NULL ? 2 : 3;
	const char		*last, *first;

	if (!json_object_is_type(path, json_type_array) ||
	    (n = json_object_array_length(path)) + 1 < most || n > most)
		fail(c, "comes with a wrong routing_path");
	first = json_object_get_string(json_object_array_get_idx(path, 0));
	last = json_object_get_string(json_object_array_get_idx(path, n - 1));
	if (strcmp(last, sim.mains[h->at]->id) != 0 || strcmp(first,
	    c->home == NULL ? c->main->id : c->home->id) != 0)
		fail(c, "comes with a routing_path that is not its way");
	if (n == 3 && strcmp(last, json_object_get_string(
	    json_object_array_get_idx(path, 1))) == 0)
		fail(c, "comes with a Main twice in its routing_path");
	if (json_object_get_int(member(o, "ttl")) < 0)
		fail(c, "comes with a ttl below 0");
}

static void
check_source(const struct call *c, struct json_object *o)
{
	struct json_object	*from = member(o, "source_node");
	const char		*id = text_of(from, "id");

	if (c->home == NULL) {
		if (strcmp(id, c->main->id) != 0)
			fail(c, "comes with another source_node");
		return;
	}
	if (strcmp(id, c->home->id) != 0 ||
	    strcmp(text_of(from, "main_relay"), c->main->id) != 0)
		fail(c, "comes with another source_node");
}

/* What rules deny is not executed, but that they may have been others. */
static void
check_rules(const struct call *c, const struct node *at)
{
	if (!rules_call(c->main, at, home_service(c->service),
	    c->home == NULL) && rules_since(c->main, at, c->made_us - RULES_US))
		fail(c, "is executed, and rules deny it");
}

static void
check_callee(struct call *c, const struct home *h, struct json_object *o)
{
	if (c->executed++ > 0)
		fail(c, "is executed twice");
	if (c->node[0] != '\0' && strcmp(c->node, h->id) != 0)
		fail(c, "comes to another home");
	if (c->at != -1 && h->at != (unsigned int)c->at)
		fail(c, "comes to another Main's home");
	if (strcmp(text_of(o, "server_name"), c->service) != 0)
		fail(c, "comes for another service");
	check_path(c, h, o);
	check_source(c, o);
	check_rules(c, sim.mains[h->at]);
}

/* An answer that comes after a while. */
struct later {
	struct home	*h;
	uint64_t	 life;
	size_t		 len;
	char		 text[TEXT_MAX];
};

static void
on_answer(void *arg)
{
	struct later	*l = arg;

	if (l->h->state == HOME_LINKED && l->h->life == l->life)
		home_send(l->h, l->text, l->len);
	free(l);
}

static void
put_answer(struct later *l, const struct call *c, const char *correlation)
{
	struct home	*h = l->h;
	int		 n;

	n = home_head(h, l->text, TEXT_MAX, "response");
	n += snprintf(l->text + n, TEXT_MAX - (size_t)n, ",\"correlation_id\":"
	    "\"%s\",\"routing_path\":[\"%s\"],\"ttl\":3,\"jsonrpc_response\":"
	    "{\"jsonrpc\":\"2.0\",\"id\":%u,", correlation, h->id, c->id);
	n += snprintf(l->text + n, TEXT_MAX - (size_t)n, c->mood == FAILING ?
	    "\"error\":{\"code\":-32000,\"message\":\"%u%s\"}}}" :
	    "\"result\":{\"call\":%u,\"by\":\"%s\"}}}", c->id, h->id);
	l->len = (size_t)n;
}

void
call_served(struct home *h, struct json_object *o, const char *text)
{
	struct json_object	*rpc = member(o, "jsonrpc_request"), *id;
	struct later		*l;
	struct call		*c;

	id = member(member(rpc, "params"), "call");
	c = id == NULL ? NULL : call_find(json_object_get_int64(id));
	if (c == NULL)
		sim_fail("%s is asked what nobody asked: %s", h->id, text);
	check_callee(c, h, o);
	if (c->mood == SILENT)
		return;
	l = sim_alloc(sizeof(*l));
	l->h = h;
	l->life = h->life;
	put_answer(l, c, text_of(o, "message_id"));
	sim_later(c->mood == SLOW ? rnd_between(0, 2 * c->timeout_us) :
	    rnd_between(0, 20 * US_PER_MS), on_answer, l);
}

/* --- making --- */

static struct call *
call_new(struct home *h, struct node *n)
{
	struct call	*c = sim_alloc(sizeof(*c));

	calls.p = realloc(calls.p, (calls.n + 1) * sizeof(*calls.p));
	if (calls.p == NULL)
		abort();
	c->id = calls.n;
	calls.p[calls.n++] = c;
	c->home = h;
	c->main = h == NULL ? n : sim.mains[h->at];
	c->life = h == NULL ? 0 : h->life;
	c->end = h == NULL ? NULL : h->end;
	c->made_us = sim.now_us;
	c->timeout_us = rnd_between(1, 8) * US_PER_S;
	c->at = -1;
	c->mood = chance(75) ? PROMPT : (enum mood)rnd(4);
	sim.stats.calls++;
	return (c);
}

/* Every home numbers its own: two of them have the same ids. */
static unsigned int
number(struct home *h, unsigned int id)
{
	h->calls = realloc(h->calls, (h->n_calls + 1) * sizeof(*h->calls));
	if (h->calls == NULL)
		abort();
	h->calls[h->n_calls] = id;
	return (h->n_calls++);
}

static void
send_from_home(const struct call *c)
{
	char	buf[TEXT_MAX], to[400] = "";
	int	n;

	if (c->node[0] != '\0')
		snprintf(to, sizeof(to), ",\"destination_node\":{\"type\":"
		    "\"home\",\"id\":\"%s\"%s%s%s}", c->node, c->at == -1 ? ""
		    : ",\"main_relay\":\"", c->at == -1 ? "" :
		    sim.mains[c->at]->id, c->at == -1 ? "" : "\"");
	n = snprintf(buf, sizeof(buf), "{\"type\":\"request\",\"message_id\":"
	    "\"c%u\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"source_node\":"
	    "{\"type\":\"home\",\"id\":\"%s\"}%s,\"routing_path\":[\"%s\"],"
	    "\"ttl\":3,\"server_name\":\"%s\",\"method\":\"echo\","
	    "\"timeout_seconds\":%d,\"jsonrpc_request\":{\"jsonrpc\":\"2.0\","
	    "\"method\":\"echo\",\"params\":{\"call\":%u},\"id\":%u}}",
	    number(c->home, c->id), c->home->id, to, c->home->id, c->service,
	    (int)(c->timeout_us / US_PER_S), c->id, c->id);
	home_send(c->home, buf, (size_t)n);
}

static void
send_from_client(struct call *c)
{
	char	buf[TEXT_MAX], to[400] = "";

	if (c->node[0] != '\0')
		snprintf(to, sizeof(to), "\"node_id\":\"%s%s%s\",", c->node,
		    c->at == -1 ? "" : "@", c->at == -1 ? "" :
		    sim.mains[c->at]->id);
	snprintf(buf, sizeof(buf), "{\"jsonrpc\":\"2.0\",\"id\":%u,"
	    "\"method\":\"remote_call\",\"params\":{%s\"server_name\":\"%s\","
	    "\"method\":\"echo\",\"args\":{\"call\":%u},\"timeout\":%d}}",
	    c->id, to, c->service, c->id, (int)(c->timeout_us / US_PER_S));
	frontend_http(c->main, HTTP_ROUTE_RPC, buf, on_http, c);
}

static void
call_send(struct call *c)
{
	sim_later(c->timeout_us + SIM_CALL_SLACK_US, on_late, c);
	if (c->home != NULL)
		send_from_home(c);
	else
		send_from_client(c);
}

/* Whom it is for: one home, one at its Main, or a service. */
static void
choose_target(struct call *c)
{
	const struct home	*to = sim.homes[rnd(sim.n_homes)];

	snprintf(c->service, sizeof(c->service), "s%u", rnd(HOME_SERVICES));
	if (chance(50))
		return;
	strlcpy(c->node, chance(5) ? "nobody" : to->id, sizeof(c->node));
	if (chance(30))
		c->at = (int)(chance(80) ? to->at : rnd(sim.n_mains));
}

void
call_make(void)
{
	struct home	*h = sim.homes[rnd(sim.n_homes)];
	struct node	*n = sim.mains[rnd(sim.n_mains)];
	struct call	*c;

	if (chance(70)) {
		if (h->state != HOME_LINKED)
			return;
		c = call_new(h, NULL);
	} else {
		if (!n->up)
			return;
		c = call_new(NULL, n);
	}
	choose_target(c);
	call_send(c);
}

void
call_must(struct home *from, struct home *to)
{
	struct call	*c;
	unsigned int	 i, k = rnd(HOME_SERVICES - 1);

	for (i = 0; i < HOME_SERVICES - 1; i++, k++) {
		if (to->accepted & 1U << k % (HOME_SERVICES - 1))
			break;
	}
	if (i == HOME_SERVICES - 1)
		return;
	c = call_new(from, NULL);
	k %= HOME_SERVICES - 1;
	c->must = rules_call(c->main, sim.mains[to->at], k, false);
	c->denied = !c->must;
	c->mood = PROMPT;
	strlcpy(c->node, to->id, sizeof(c->node));
	c->at = chance(50) ? (int)to->at : -1;
	snprintf(c->service, sizeof(c->service), "s%u", k);
	call_send(c);
}

/* --- the end, and on the way --- */

void
call_end_check(void)
{
	unsigned int	i;

	for (i = 0; i < calls.n; i++) {
		if (calls.p[i]->answered)
			continue;
		if (!excused(calls.p[i]))
			fail(calls.p[i], "has no answer at the end");
		calls.p[i]->answered = true;
		sim.stats.lost++;
	}
}

void
call_crosses(struct span text)
{
	static const char	 key[] = "\"params\":{\"call\":";
	const char		*p;
	struct call		*c;

	p = memmem(text.p, text.len, key, sizeof(key) - 1);
	if (p == NULL || (c = call_find(strtol(p + sizeof(key) - 1, NULL,
	    10))) == NULL)
		return;
	if (c->crossed++ > 0)
		fail(c, "crosses two links of peers");
}
