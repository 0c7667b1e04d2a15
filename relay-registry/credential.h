/* SPDX-License-Identifier: ISC */
/*
 * The credentials of a configuration: what nodes must show here (home, main,
 * and peer, where it names a node), and what this node shows to the Mains it
 * dials or expects of them (uplink, peer).  Pure, but for credential_read().
 */
#ifndef RELAY_REGISTRY_CREDENTIAL_H
#define RELAY_REGISTRY_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay-registry/auth.h"

/* As in CONF_CREDENTIAL. */
enum holder { HOLDER_HOME = 1, HOLDER_MAIN, HOLDER_UPLINK, HOLDER_PEER };

#define CREDENTIAL_FILE_MAX	1024	/* bytes of a file's name */

struct credential {
	enum holder	 holder;
	uint32_t	 index;		/* of the uplink or peer */
	char		 node[LIMIT_NODE_ID + 1];	/* empty: any */
	enum auth_method method;
	/*
	 * key: 32 bytes; secret: as in the file; join: 32 bytes; token: the
	 * SHA-256 of it if a node shows it, itself if this node does;
	 * certificate: as in the configuration.
	 */
	uint8_t		*value;
	size_t		 len;
	char		*file;		/* that it was read from, or NULL */
};

struct credentials {
	struct credential	*list;
	uint32_t		 n, size;
	uint32_t		*by_node;	/* those with one, in order */
	uint32_t		 n_nodes;
};

/* As CONF_CREDENTIAL has it; contents: of its file, or empty. */
struct credential_conf {
	enum holder	 holder;
	uint32_t	 index;
	struct span	 node;
	enum auth_method method;
	struct span	 value;
	struct span	 contents;
	struct span	 file;		/* its name, or empty */
};

/*
 * The one line of a file: at most AUTH_SECRET_MAX bytes and at least
 * AUTH_SECRET_MIN, none of them a control character; its newline is not part of
 * it.  NULL, with what was read in the buffer and its length, or what is wrong
 * (a constant string).
 */
const char	*credential_read(int, char [AUTH_SECRET_MAX], size_t *);

/* Add one; NULL, or why it cannot be (a constant string). */
const char	*credentials_add(struct credentials *,
		    const struct credential_conf *);
/* All are there: prepares credentials_of().  False without memory. */
bool		 credentials_seal(struct credentials *);
/* Overwritten and freed. */
void		 credentials_clear(struct credentials *);

/*
 * Those of a node, whatever it is: the n-th from 0, or NULL after the last.
 * Sealed ones only.
 */
const struct credential *credentials_of(const struct credentials *,
		    const char *, uint32_t);
/* The same for an uplink or peer that is dialled, of a method. */
const struct credential *credentials_dialled(const struct credentials *,
		    enum holder, uint32_t, enum auth_method, uint32_t);
/* Its value as a span into it. */
struct span	 credential_value(const struct credential *);
/* The id of the next node that has some after the given one; NULL: none. */
const char	*credentials_next(const struct credentials *, const char *);

#endif
