/* SPDX-License-Identifier: ISC */
/* Clients that prove who they are to the registry, and Mains it dials. */
#ifndef TESTS_UNIT_REGISTRY_AUTH_FIXTURE_H
#define TESTS_UNIT_REGISTRY_AUTH_FIXTURE_H

#include "relay-registry/auth_impl.h"
#include "tests/unit/registry_fixture.h"

#define SECRET_1	"a secret of sixteen bytes"
#define SECRET_2	"another of more than that"
#define TOKEN_1		"token-0123456789abcdef"

/* A client: what it says and by what.  Filled by challenged(). */
struct client {
	enum auth_method method;
	char		 nonce[AUTH_NONCE_TEXT];
	char		 cnonce[AUTH_CNONCE_TEXT];
	const char	*node;
	bool		 main;		/* it signs so */
	const char	*server;
	uint8_t		 seed[AUTH_KEY];
	char		 key[AUTH_KEY_TEXT];	/* that it shows */
	struct span	 secret;
	bool		 swap;		/* signs with another key than it shows */
};

extern struct registry	*r;

#define SESSIONS	"SELECT count(*) FROM session" \
			" WHERE id <> 0 AND closed IS NULL"

void	main_setup(void);
void	home_setup(void);
void	teardown(void);
/*
 * A Main where alice.home has the keys 1 and 2, bob.home 3, carol.home two
 * secrets, dave.home a token, erin.home certificates, and the peer b.main 4.
 */
void	nodes_setup(void);

/* The text of the n-th key, as relayd.conf has it; until the next call. */
const char	*key_conf(uint8_t);
/* Add a credential; contents may be NULL. */
void	give(struct credentials *, enum holder, uint32_t, const char *,
	    enum auth_method, const char *, const char *);

/* A link of a home asks with this header; its session and the time. */
void	ask_as(enum node_kind, uint64_t, const char *, const char *, int64_t);
void	ask(uint64_t, const char *, const char *, int64_t);
/* The same without one, from this machine or another. */
void	ask_openly(uint64_t, const char *, bool);
/* It is refused with 401; its nonce goes to the client. */
void	is_challenged(uint64_t, struct client *);
const struct reply *is_accepted(uint64_t);

/* A client with the n-th key, asked by session 1000 + n at that time. */
struct client	 challenged(const char *, uint8_t, int64_t);
/* Its header, until the next call. */
const char	*header(const struct client *);
/* The reply's header is the proof of this Main, over what was asked. */
void	 proved_back(const struct reply *, const struct client *);

#endif
