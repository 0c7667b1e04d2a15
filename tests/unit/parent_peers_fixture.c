/* SPDX-License-Identifier: ISC */
/* See parent_peers_fixture.h. */
#include <sys/socket.h>

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/wire.h"
#include "relayd/relayd.h"
#include "tests/unit/deaf_channel.h"
#include "tests/unit/parent_peers_fixture.h"
#include "tests/unit/suite.h"

struct relayd		 rd;
struct conf_link		 configured[2];
struct conf		 conf = { .peers = configured };
static int			 ends[PROC_MAX];

unsigned int		 changes;	/* begun */

void
change_begin(struct relayd *relayd, struct conf *c)
{
	ck_assert_ptr_eq(relayd, &rd);
	ck_assert_ptr_eq(c, &conf);
	changes++;
	rd.change.state = CHANGE_WAIT;
	rd.change.conf = c;
}

void
commit(void)
{
	struct peers set;

	peers_make(&set, &conf, &rd.added);
	rd.former_generation = rd.generation++;
	rd.change.state = CHANGE_NONE;
	peers_commit(&rd, &set);
}

static void
child(enum proc_id id)
{
	struct child *c = &rd.children[id];
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	c->rd = &rd;
	c->id = id;
	c->state = CHILD_RUN;
	c->ch = channel_new(rd.base, fds[0], PROC_PARENT, id, PHASE_RUN, &deaf_ops,
	    c);
	ck_assert_ptr_nonnull(c->ch);
	ends[id] = fds[1];
}

void
setup(void)
{
	size_t i;

	memset(&rd, 0, sizeof(rd));
	rd.base = event_base_new();
	rd.conf = &conf;
	conf.role = ROLE_MAIN;
	conf.npeers = 2;
	for (i = 0; i < 2; i++)
		ck_assert_ptr_null(url_check(i == 0 ? "ws://127.0.0.1:1" :
		    "ws://127.0.0.1:2", "ws", "/ws/peers",
		    &configured[i].url));
	rd.generation = GENERATION - 1;
	child(PROC_REGISTRY);
	child(PROC_DIALER);
	commit();
	changes = 0;
}

void
teardown(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		url_free(&configured[i].url);
	peers_free(&rd.peers);
	peers_free(&rd.former_peers);
	peers_free(&rd.added);
	channel_free(rd.children[PROC_REGISTRY].ch);
	channel_free(rd.children[PROC_DIALER].ch);
	close(ends[PROC_REGISTRY]);
	close(ends[PROC_DIALER]);
	event_base_free(rd.base);
}

enum msg_type
next(enum proc_id id, struct wire_get *msg)
{
	static uint8_t buf[4096];
	enum msg_type type;
	size_t len;
	char byte;

	ck_assert_int_eq(channel_flush_blocking(rd.children[id].ch), 0);
	if (recv(ends[id], &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
		return (MSG_NONE);
	type = channel_recv_blocking(ends[id], id, PROC_PARENT, PHASE_RUN, buf,
	    sizeof(buf), &len);
	wire_get_init(msg, buf, len);
	return (type);
}

void
nothing(enum proc_id id)
{
	struct wire_get msg;

	ck_assert_int_eq(next(id, &msg), MSG_NONE);
}

static uint8_t		 said[8192];
static struct wire_put	 put;

struct wire_put *
say(void)
{
	wire_put_init(&put, said, sizeof(said));
	return (&put);
}

bool
heard(channel_handler handler, enum proc_id from)
{
	struct wire_get msg;

	ck_assert(!put.bad);
	wire_get_init(&msg, said, put.len);
	handler(&rd.children[from], rd.children[from].ch, &msg, -1);
	return (get_done(&msg));
}

static bool
add(const char *host, uint16_t port, const char *path, const char *node,
    bool tls, bool insecure, bool persist)
{
	struct wire_put *w = say();

	put_str(w, host);
	put_u16(w, port);
	put_str(w, path);
	put_str(w, node);
	put_bool(w, tls);
	put_bool(w, insecure);
	put_bool(w, persist);
	return (heard(peers_on_add, PROC_REGISTRY));
}

bool
say_add(const char *host, uint16_t port, const char *path, const char *node,
    bool insecure, bool persist)
{
	return (add(host, port, path, node, false, insecure, persist));
}

bool
say_add_tls(const char *host, uint16_t port, const char *path, bool insecure)
{
	return (add(host, port, path, "", true, insecure, false));
}

bool
say_dial(uint32_t peer, uint32_t generation, unsigned int what)
{
	struct wire_put *w = say();

	put_u32(w, peer);
	put_u32(w, generation);
	put_u8(w, (uint8_t)what);
	return (heard(peers_on_dial, PROC_REGISTRY));
}

bool
say_state(uint32_t peer, uint32_t generation, unsigned int state,
    uint32_t retry_in_ms, const char *node, const char *reason)
{
	struct wire_put *w = say();

	put_u32(w, peer);
	put_u32(w, generation);
	put_u8(w, (uint8_t)state);
	put_u32(w, retry_in_ms);
	put_str(w, node);
	put_str(w, reason);
	return (heard(peers_on_state, PROC_DIALER));
}
