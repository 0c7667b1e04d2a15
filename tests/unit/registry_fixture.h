/* SPDX-License-Identifier: ISC */
/* What the tests of the registry's logic share. */
#ifndef TESTS_REGISTRY_FIXTURE_H
#define TESTS_REGISTRY_FIXTURE_H

#include "relay-registry/registry.h"

#define T0	INT64_C(1767323045678)	/* 2026-01-02T03:04:05.678Z */

/* A Main called main.example with an empty database in a file. */
struct registry	*fixture_main(uint32_t);
struct registry	*fixture_home(void);
/* End the registry; start it again on the same file. */
struct registry	*fixture_restart(struct registry *, int64_t);
void		 fixture_free(struct registry *);

/*
 * The trust of generation 1: nodes without credentials, and the credentials,
 * which are taken over; NULL: none.  A home has two uplinks; at the second one
 * main.one must answer.
 */
void	fx_trust(struct registry *, enum authentication, struct credentials *,
	    int64_t);

/* ms after the start of the test. */
struct when	 at(int64_t);
/* The time that was said last. */
struct when	 fx_now(void);

/* A home asks for a session. */
void	fx_open(struct registry *, uint64_t, const char *, const char *,
	    const char *, int64_t);
void	fx_resume(struct registry *, uint64_t, uint64_t, const char *, int64_t);
void	fx_close(struct registry *, uint64_t, int64_t);

/*
 * This Main dials ws://p0:80/ws/peers, ws://p1:80/ws/peers and so on, n in
 * all, in a generation.  At p1 expected.main must answer.
 */
void	fx_peers(struct registry *, uint32_t, uint32_t, int64_t);
/*
 * A Main asks for a session; we dialled the peer of that index, or
 * PEER_NONE.
 */
void	fx_main(struct registry *, uint64_t, const char *, uint32_t,
	    const char *, int64_t);
/* The next word to the dialer must be this, or 0 for none. */
void	fx_dial(struct registry *, uint32_t, enum peer_dial);
/*
 * The next message of discovery to the router, whose payload lives until the
 * next one; MSG_NONE if there is none.
 */
enum msg_type	fx_mesh(struct registry *, struct wire_get *);

/* Commit, which must succeed; forget what there was to say. */
void	fx_settle(struct registry *);
/*
 * The next reply, which must be of this type and id, until the next call of
 * it; NODE_STATE is passed over unless asked for.
 */
const struct reply	*fx_expect(struct registry *, enum msg_type, uint64_t);
/* No reply is left. */
void	fx_silent(struct registry *);
/* As a home that is accepted and registered echo 1.0.0 with method say. */
void	fx_home(struct registry *, uint64_t, const char *, int64_t);

/* The service name, version 1.0.0, with n methods m0, m1 ...; to be cleared. */
struct service	fx_service(const char *, uint16_t);

/*
 * The number a statement returns that is run by another connection, which sees
 * what is committed; and statements for their effect.
 */
int64_t	fx_number(const char *);
void	fx_sql(const char *);
/* The file; its journal is beside it. */
const char *fx_path(void);
/* Another connection that holds the write lock. */
sqlite3	*fx_lock(void);
void	 fx_unlock(sqlite3 *);
/* Body of the view, until the next call. */
const char	*fx_view(struct registry *, uint16_t, int64_t);
/* Of the view of that route. */
const char	*fx_get(struct registry *, unsigned int, uint16_t, int64_t);

#endif
