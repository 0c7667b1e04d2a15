/* SPDX-License-Identifier: ISC */
/* The life of a Main and of its processes. */
#include <sys/stat.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/wire.h"
#include "tests/sim/child.h"
#include "tests/sim/node.h"

#define PORT	8081

/* Who has a channel with whom, beside the parent. */
static const struct {
	enum proc_id	a, b;
} edges[] = {
	{ PROC_FRONTEND, PROC_ROUTER },
	{ PROC_ROUTER, PROC_REGISTRY },
	{ PROC_DIALER, PROC_FRONTEND },
};

static const enum proc_id	children[] = {
	PROC_FRONTEND, PROC_DIALER, PROC_ROUTER, PROC_REGISTRY
};

#define N_EDGES		(sizeof(edges) / sizeof(edges[0]))
#define N_CHILDREN	(sizeof(children) / sizeof(children[0]))

/* --- configuration --- */

static void
put_node(struct wire_put *w, const struct node *n)
{
	put_u8(w, (uint8_t)n->role);
	put_str(w, n->id);
	put_u32(w, 30000);		/* call_timeout_ms */
	put_u32(w, LIMIT_MESSAGE);
	put_u32(w, 20000);		/* max_connections */
	put_u32(w, 20000);		/* max_per_address */
	put_u32(w, LIMIT_HOLD_DOWN_MS);
	put_u8(w, 3);			/* authentication: none */
	put_str(w, "");
}

static void
put_peer(struct wire_put *w, uint32_t index, const struct peer_conf *p)
{
	put_u32(w, index);
	put_str(w, p->host);
	put_u16(w, p->port);
	put_str(w, p->path);
	put_str(w, p->node_id);
	put_u8(w, p->origin);
	put_bool(w, false);		/* tls */
	put_u32(w, UINT32_MAX);
	put_str(w, "");
	put_u32(w, UINT32_MAX);
}

/* What a process of a Main is told, between BEGIN and END. */
static void
feed(struct child *c)
{
	const struct node	*n = c->node;
	uint8_t			 buf[2048];
	struct wire_put		 w;
	uint32_t		 i;

	wire_put_init(&w, buf, sizeof(buf));
	put_node(&w, n);
	child_feed(c, MSG_CONF_NODE, &w);
	rules_feed(c);
	for (i = 0; i < n->peers.n; i++) {
		if (c->ops->handlers[MSG_CONF_PEER] == NULL)
			return;
		wire_put_init(&w, buf, sizeof(buf));
		put_peer(&w, i, &n->peers.p[i]);
		child_feed(c, MSG_CONF_PEER, &w);
	}
}

static void
on_reload(void *arg)
{
	struct node	*n = arg;
	size_t		 i;

	if (!n->up)
		return;
	parent_new_generation(n);
	for (i = 0; i < N_CHILDREN; i++) {
		if (n->proc[children[i]] != NULL)
			child_configure(n->proc[children[i]], n->generation,
			    feed, rnd_between(1, 3 * US_PER_MS));
	}
	parent_child_up(n, PROC_DIALER);
}

void
node_reload(struct node *n)
{
	if (n->reload.pos == 0)
		timer_in(&n->reload, rnd_between(1, 20) * US_PER_MS);
}

/* --- processes --- */

static struct child *
spawn(struct node *n, enum proc_id id)
{
	struct child	*c;

	if (id == PROC_FRONTEND)
		c = frontend_new(n);
	else
		c = child_new(n, id, NULL, NULL);
	n->proc[id] = c;
	child_connect(n->proc[PROC_PARENT], c);
	if (c->ops->init != NULL) {
		sim.running = c;
		c->ops->init(c->ctx, c);
		sim.running = NULL;
	}
	return (c);
}

static void
connect_edges(struct node *n, enum proc_id id)
{
	size_t	i;

	for (i = 0; i < N_EDGES; i++) {
		if ((edges[i].a == id || edges[i].b == id) &&
		    n->proc[edges[i].a] != NULL && n->proc[edges[i].b] != NULL)
			child_connect(n->proc[edges[i].a],
			    n->proc[edges[i].b]);
	}
}

static void
end_process(struct node *n, enum proc_id id)
{
	struct child	*c = n->proc[id];

	if (c == NULL)
		return;
	n->proc[id] = NULL;
	if (id == PROC_FRONTEND)
		frontend_free(c);
	child_kill(c);
}

/* A process that died is there again. */
struct respawn {
	struct node	*n;
	enum proc_id	 id;
	int64_t		 up_us;		/* of the Main that had it */
};

static void
on_respawn(void *arg)
{
	struct respawn	*r = arg;
	struct node	*n = r->n;

	if (n->up && n->up_us == r->up_us && n->proc[r->id] == NULL) {
		sim_say("%s: %s is there again", n->id, proc_name(r->id));
		child_configure(spawn(n, r->id), n->generation, feed, 0);
		connect_edges(n, r->id);
		parent_child_up(n, r->id);
		}
	free(r);
}

void
node_kill(struct node *n, enum proc_id id)
{
	struct respawn	*r;

	if (!n->up || n->proc[id] == NULL)
		return;
	sim_say("%s: %s dies", n->id, proc_name(id));
	end_process(n, id);
	r = sim_alloc(sizeof(*r));
	r->n = n;
	r->id = id;
	r->up_us = n->up_us;
	sim_later(rnd_between(LIMIT_RESPAWN_MIN_MS, 2000) * US_PER_MS,
	    on_respawn, r);
}

/* --- the whole of it --- */

void
node_start(struct node *n)
{
	size_t	i;

	if (n->up || n->gone)
		return;
	sim_say("%s starts", n->id);
	n->up = true;
	n->up_us = sim.now_us;
	n->host->crashed = false;
	n->host->listens = true;
	n->generation = 0;
	n->added.n = n->peers.n = 0;
	parent_new_generation(n);
	n->proc[PROC_PARENT] = parent_new(n);
	for (i = 0; i < N_CHILDREN; i++)
		child_configure(spawn(n, children[i]), n->generation, feed, 0);
	for (i = 0; i < N_EDGES; i++)
		child_connect(n->proc[edges[i].a], n->proc[edges[i].b]);
}

void
node_stop(struct node *n, bool silent)
{
	size_t	i;

	if (!n->up)
		return;
	sim_say("%s %s", n->id, silent ? "crashes" : "stops");
	n->up = false;
	n->host->listens = false;
	n->host->crashed = silent;
	net_drop_host(n->host, silent);
	timer_del(&n->reload);
	for (i = 0; i < N_CHILDREN; i++)
		end_process(n, children[i]);
	child_kill(n->proc[PROC_PARENT]);
	n->proc[PROC_PARENT] = NULL;
}

/* --- who there is --- */

struct node *
node_new(unsigned int index)
{
	struct node	*n = sim_alloc(sizeof(*n));

	n->index = index;
	n->role = ROLE_MAIN;
	snprintf(n->id, sizeof(n->id), "m%u", index);
	snprintf(n->dir, sizeof(n->dir), "%s/m%u", sim.dir, index);
	if (mkdir(n->dir, 0700) == -1)
		sim_fail("%s cannot be made", n->dir);
	n->host = host_new();
	n->host->arg = n;
	timer_init(&n->reload, on_reload, n);
	return (n);
}

void
node_peer(struct node *n, const struct node *other, bool named)
{
	struct peer_conf	*p = &n->configured.p[n->configured.n++];

	snprintf(p->host, sizeof(p->host), "%s.example", other->id);
	p->port = PORT;
	strlcpy(p->path, "/ws/peers", sizeof(p->path));
	if (named)
		strlcpy(p->node_id, other->id, sizeof(p->node_id));
	p->origin = 1;
}

bool
peer_same(const struct peer_conf *a, const struct peer_conf *b)
{
	return (a->port == b->port && strcmp(a->host, b->host) == 0 &&
	    strcmp(a->path, b->path) == 0);
}

struct node *
node_at(const char *host, uint16_t port)
{
	unsigned int	i;
	char		name[64];

	if (port != PORT || strlen(host) >= sizeof(name))
		return (NULL);
	strlcpy(name, host, sizeof(name));
	name[strcspn(name, ".")] = '\0';
	for (i = 0; i < sim.n_mains; i++) {
		if (strcmp(sim.mains[i]->id, name) == 0)
			return (sim.mains[i]);
	}
	return (NULL);
}

struct node *
node_find(const char *id)
{
	return (node_at(id, PORT));
}

/* --- directories --- */

void
node_make_dir(void)
{
	struct stat	 st;
	const char	*base = "/tmp";

	if (stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0)
		base = "/dev/shm";
	snprintf(sim.dir, sizeof(sim.dir), "%s/relayd-sim.XXXXXX", base);
	if (mkdtemp(sim.dir) == NULL)
		sim_fail("%s cannot be made", sim.dir);
}

static void
remove_tree(const char *path)
{
	char		 below[400];
	struct dirent	*e;
	DIR		*d;

	if ((d = opendir(path)) != NULL) {
		while ((e = readdir(d)) != NULL) {
			if (strcmp(e->d_name, ".") == 0 ||
			    strcmp(e->d_name, "..") == 0)
				continue;
			snprintf(below, sizeof(below), "%.100s/%.255s", path,
			    e->d_name);
			if (unlink(below) == -1)
				remove_tree(below);
		}
		closedir(d);
	}
	(void)rmdir(path);
}

void
node_remove_dir(void)
{
	if (sim.dir[0] != '\0')
		remove_tree(sim.dir);
}
