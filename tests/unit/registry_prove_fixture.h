/* SPDX-License-Identifier: ISC */
/* A node that dials Mains, and what they answer to what it shows. */
#ifndef TESTS_UNIT_REGISTRY_PROVE_FIXTURE_H
#define TESTS_UNIT_REGISTRY_PROVE_FIXTURE_H

#include "tests/unit/registry_auth_fixture.h"

#define NONCE	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define ASKED	"Relay nonce=\"" NONCE "\", Bearer"
#define JOIN_TEXT	"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"

extern struct credentials	list;	/* that the configuration has next */
extern struct auth_proof	shown;	/* the last header of ours */
/* What went with it: what it is, or why there is none. */
extern char			said[LIMIT_DENIAL];

/* A home with nothing in the list. */
void	prove_setup(void);
/* It is a Main, with so many peers, instead. */
void	dials_peers(uint32_t);
/* The list is in force. */
void	configure(void);
/* The first uplink must prove the n-th key. */
void	expect_key(uint8_t);

/* We are asked for a proof; its header, or NULL and there is a reason. */
const char	*prove(enum node_kind, uint64_t, uint32_t, uint32_t,
		    const char *, const char *);
/* What was signed for the header shown last; with the key of who signs. */
struct auth_text text_of(const char *, bool, const char *);
/* What the Main with the n-th key answers, or the one with a secret. */
const char	*answer(const char *, bool, uint8_t);
const char	*answer_mac(const char *, const char *);
/* The Main of an uplink or peer lets us in, with this proof. */
void	opened(enum node_kind, uint64_t, uint64_t, uint32_t, const char *,
	    const char *);
/* That of the first uplink. */
void	uplink(uint64_t, uint64_t, const char *, const char *);
void	is_denied(uint64_t, uint16_t);

#endif
