/* SPDX-License-Identifier: ISC */
/* See registry_peer_fixture.h. */
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/peer.h"
#include "tests/unit/registry_peer_fixture.h"
#include "tests/unit/suite.h"

struct peers	 p;

void
setup(void)
{
	peers_init(&p);
}

void
teardown(void)
{
	peers_clear(&p);
}

struct monotime
at(int64_t ms)
{
	return ((struct monotime){ 1000000 + ms });
}

struct peer_conf
conf_of(const char *host, const char *node)
{
	struct peer_conf c = { .port = 80, .path = "/ws/peers",
	    .origin = PEER_CONFIGURED };

	strlcpy(c.host, host, sizeof(c.host));
	strlcpy(c.node, node, sizeof(c.node));
	return (c);
}

void
configure(uint32_t generation)
{
	const struct peer_conf list[3] = { conf_of("a", ""),
	    conf_of("b", "b.main"), conf_of("c", "") };

	peers_configure(&p, generation, list, 3);
}

struct peer_ask
ask(const char *node, uint32_t peer, const char *boot)
{
	return ((struct peer_ask){ "m.main", node, boot, peer,
	    peer != PEER_NONE });
}

struct peer_link *
add(uint64_t session, const char *node, uint32_t peer, const char *boot,
    int64_t ms)
{
	const struct peer_ask q = ask(node, peer, boot);
	struct peer_link *l = peers_link_add(&p, session, &q, "x:1", at(ms));

	peers_link_up(&p, l);
	return (l);
}
