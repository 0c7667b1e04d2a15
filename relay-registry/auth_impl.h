/* SPDX-License-Identifier: ISC */
/*
 * Who may have a session, and what this node shows to the Mains it dials: the
 * registry's part of authentication (auth.h, credential.h).
 */
#ifndef RELAY_REGISTRY_AUTH_IMPL_H
#define RELAY_REGISTRY_AUTH_IMPL_H

#include "relay-registry/auth.h"
#include "relay-registry/auth_knock.h"
#include "relay-registry/credential.h"
#include "relay-registry/registry_impl.h"

#define NODE_CREDENTIALS	64	/* of one node that are looked at */
#define CREDENTIAL_ID	48	/* bytes of what says which one it was, NUL */
#define PROOF_TEXT	256	/* bytes of an X-Relay-Proof, NUL included */
#define CHALLENGE_TEXT	128	/* bytes of a WWW-Authenticate, NUL included */

/* How a session came in that has shown nothing. */
#define BY_LOOPBACK	"loopback"
#define BY_NOTHING	"none"
/* What a Main proved that we dialled; its credential's id follows, if any. */
#define BY_MAIN		"main"

/* Whom we dial: the last attempt, and for uplinks the last session. */
struct dialled {
	bool		 asked;		/* for a proof, and not accepted since */
	uint32_t	 tries;		/* which of the credentials is next */
	uint64_t	 conn;
	enum auth_method method;	/* that was shown */
	uint32_t	 which;		/* of that method */
	bool		 joined;
	uint8_t		 seed[AUTH_KEY];	/* of KEY and JOIN */
	bool		 joining;	/* that key is not in force yet */
	char		 nonce[AUTH_NONCE_TEXT];
	char		 cnonce[AUTH_CNONCE_TEXT];
	char		 server[LIMIT_NODE_ID + 1];
	uint64_t	 session;	/* 0: none; of an uplink */
	char		 linked[LIMIT_NODE_ID + 1];	/* with whom */
	char		 credential[CREDENTIAL_ID];
};

struct trust {
	enum authentication	 authentication;
	char			 url[URL_TEXT_MAX + 1];	/* may be empty */
	struct credentials	 credentials;
	struct auth_nonces	 nonces;
	struct knocks		 knocks;
	int64_t			 expire_ms;	/* look for what has expired */
	uint8_t			 seed[AUTH_KEY];
	uint8_t			 public[AUTH_KEY];
	char			 public_text[AUTH_KEY_TEXT];
	uint32_t		 generation;
	struct uplink_conf	 uplinks[LIMIT_UPLINKS];
	uint32_t		 n_uplinks;
	struct dialled		 to_uplinks[LIMIT_UPLINKS];
	struct dialled		 to_peers[LIMIT_PEERS];
};

/* One credential that a node may show. */
struct candidate {
	enum auth_method method;
	enum node_kind	 kind;		/* of the node */
	const uint8_t	*value;
	size_t		 len;
	int64_t		 row;		/* enrolled: its row; 0: configured */
	uint8_t		 buf[AUTH_KEY];
};

/* All that a node has. */
struct candidates {
	struct candidate list[NODE_CREDENTIALS];
	uint32_t	 n;
	uint32_t	 broken;	/* rows that make no sense */
};

/* That a node may come in, and what that does. */
struct admission {
	char		 credential[CREDENTIAL_ID];	/* for the session */
	enum auth_method method;	/* 0: none */
	char		 proof[PROOF_TEXT];	/* X-Relay-Proof, or empty */
	int64_t		 row;		/* of an enrolled credential, or 0 */
	char		 key[AUTH_KEY_TEXT];	/* of KEY and JOIN */
};

/* --- identity.c --- */

struct trust	*trust_new(void);
void		 trust_free(struct trust *);
/* The own key, from the database or new; false with a reason. */
bool		 identity_load(struct trust *, struct db *, struct when, char *,
		    size_t);

/*
 * How many keys this node has for a Main, each of which may be the one it
 * takes: those of joins whose end is not known, and the one in force.
 */
uint32_t	 identity_count(struct registry *, const char *);
/* The n-th of them; true: of a join.  The last is the node's own, if it has
 * none for that Main. */
bool		 identity_turn(struct registry *, const char *, uint32_t,
		    uint8_t [AUTH_KEY]);
/* The key for a join by the one-time secret of that id: the same each time. */
void		 identity_for_join(struct registry *, const char *,
		    const char *, uint8_t [AUTH_KEY], struct when);
/* The Main has taken this key, or the one in force (NULL): no other is tried
 * any more. */
void		 identity_in_force(struct registry *, const char *,
		    const uint8_t *, struct when);

/* --- auth_node.c: what a node has --- */

void	auth_candidates(struct registry *, const char *, struct candidates *,
	    struct when);
bool	auth_disabled(struct registry *, const char *);
/* Delete what has expired, so that no secret stays longer than it is good. */
void	auth_expire(struct registry *, struct when);
/* Names a credential without telling it, also after a restart. */
void	auth_credential_id(const struct trust *, enum auth_method,
	    const uint8_t *, size_t, char [CREDENTIAL_ID]);

/* --- auth_admit.c: links that come --- */

/*
 * Whether it has proved that it is the node, by its id in lower case; else why
 * not, for it in the denial and for the log.
 */
bool	auth_admit(struct registry *, const struct session_request *,
	    const char *, struct admission *, struct denial *, struct when);
/* It was let in, if the transaction succeeds. */
void	auth_admitted(struct registry *, const struct session_request *,
	    const char *, const struct admission *, struct when);
/* It was not: to the log and, unless it may still show a proof, the audit
 * log. */
void	auth_refused(struct registry *, const struct session_request *,
	    const char *, const char *, bool, struct when);
/* Tell the router so, with a challenge if that may help. */
void	auth_deny(struct registry *, uint64_t session, const struct denial *,
	    struct when);

/* --- auth_dial.c: Mains that we dial, and what they prove --- */

enum holder	 dialled_holder(enum node_kind);
/* An uplink or peer by its index; NULL for one of another generation. */
struct dialled	*dialled_find(struct registry *, enum node_kind, uint32_t,
		    uint32_t generation);
/* The n-th credential of its block of a method; NULL after the last. */
const struct credential *dialled_credential(const struct registry *,
		    enum holder, uint32_t, enum auth_method, uint32_t);
/* Who has to answer there; empty: anyone. */
const char	*dialled_node(const struct registry *, enum node_kind,
		    uint32_t);
/* What is signed for the last attempt; with the key of who signs, or "". */
struct auth_text dialled_text(const struct registry *, enum node_kind,
		    const struct dialled *, const char *);
/* Whether the Main proved what it must; as auth_admit(). */
bool	auth_main_proved(struct registry *, const struct session_request *,
	    const char *, struct admission *, struct denial *, struct when);
/* Whether what a Main proved still is what its block asks for. */
bool	auth_main_valid(const struct registry *, enum holder, uint32_t,
	    const char *);

/*
 * Whether a Main that was dialled is the one the configuration says (empty:
 * anyone is), by the id it gives itself in lower case, or none; as
 * auth_admit().
 */
bool		 auth_main_expected(const char *, const char *,
		    struct denial *);

/* --- auth_words.c --- */

/* Add the name of a method to a list, with that between, unless it is there. */
void	auth_add_method(char *, size_t, const char *, enum auth_method);
/*
 * Why what was shown ("the key X is not one of this node's") is not taken: the
 * methods that the node has, or as what else it is known.
 */
const char	*auth_say_unknown(const char *, const struct session_request *,
		    const char *, const struct candidates *,
		    char [LIMIT_DENIAL]);
/* The same of a certificate, with the names it has. */
const char	*auth_say_certificate(const struct session_request *,
		    const char *, const struct candidates *,
		    char [LIMIT_DENIAL]);

/* --- auth_uplink.c --- */

/* The link of an uplink of this home. */
void	auth_open_uplink(struct registry *, const struct session_request *,
	    struct when);

/* --- auth_place.c: where sessions were dialled to, over a restart --- */

/* That of a session with a peer or an uplink, which was accepted just now. */
void	auth_place_peer(struct registry *, const struct session_request *);
void	auth_place_uplink(struct registry *, const struct session_request *);
void	auth_place_forget(struct registry *, uint64_t);
/* The present index of the peer that a resumed session was dialled to, or
 * PEER_NONE. */
uint32_t auth_place_of_peer(struct registry *, const struct session_request *);
/* A home's router has had that uplink before; it is judged by what it is
 * asked now. */
void	auth_resume_uplink(struct registry *, const struct session_request *,
	    struct when);
void	auth_uplink_closed(struct registry *, uint64_t, const char *,
	    struct when);
/* The router is gone: it will say which uplinks there are. */
void	auth_uplinks_unknown(struct registry *);

/* --- auth_cut.c: what was let in and may not be any more --- */

/*
 * Why a session of that credential may not stay; NULL: it may.  The buffer is
 * for a rule that denies it.
 */
const char	*auth_fault(struct registry *, enum node_kind, const char *,
		    const char *, uint64_t, struct when,
		    char [DENIED_BY_TEXT]);
/* End those sessions of a node, or of all ("") that may not stay. */
void		 auth_cut(struct registry *, const char *, struct when);

#endif
