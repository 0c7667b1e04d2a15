/* SPDX-License-Identifier: ISC */
/*
 * relay(1): flags in, a configuration and a running relayd out.
 */

#ifndef RELAY_CTL_RELAY_H
#define RELAY_CTL_RELAY_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/b64url.h"
#include "common/join.h"
#include "common/limits.h"
#include "common/proc.h"
#include "relayd/conf.h"

/* What the command line says, as it stands there; NULL: nothing. */
struct relay_args {
	bool		 server;
	bool		 insecure;
	bool		 help;
	bool		 join;		/* the first word is join */
	const char	*string;	/* of a join; "-": on standard input */
	const char	*output;
	const char	*node_type;
	const char	*node_id;
	const char	*host;
	const char	*port;
	const char	*connect;
	const char	*fallback;
	const char	*peers;
	const char	*tls_cert;
	const char	*tls_key;
	const char	*file;
};

/* What that means, checked. */
struct relay_plan {
	enum node_role	 role;
	char		 node_id[LIMIT_NODE_ID + 1];	/* "": automatic */
	char		 host[64];		/* as in a listen statement */
	unsigned int	 port;
	bool		 listen_insecure;
	bool		 no_authentication;	/* of a Main */
	char		 tls_cert[PATH_MAX];	/* absolute; "": no TLS */
	char		 tls_key[PATH_MAX];
	struct conf_link uplinks[LIMIT_UPLINKS];
	size_t		 nuplinks;
	struct conf_link peers[LIMIT_PEERS];
	size_t		 npeers;
	/*
	 * What is known of the Main of the uplink with the same URL, by a
	 * join; node_id is empty if nothing is.
	 */
	struct join	 join;
	char		 join_file[PATH_MAX];	/* its secret; "": used up */
};

/* Where a node has its files. */
struct relay_dirs {
	char		 run_base[PATH_MAX];	/* of all nodes */
	char		 state_base[PATH_MAX];
	char		 run[PATH_MAX];		/* of this one */
	char		 state[PATH_MAX];
	char		 control[PATH_MAX];	/* in run */
};

/*
 * relay_args.c: read the command line.  False with the reason in why.  Flags
 * are those of SEED.md, "CLI Integration", in the syntax of Go: one dash or
 * two, -flag value or -flag=value, before or behind the service file.  With
 * "join" as the first word there is a join string before that file.
 */
bool	 relay_args_parse(struct relay_args *, int, char **, char *, size_t);
/*
 * Decide what kind of node that is, and check each value.  The time is in ms
 * since 1970; paths stay as they are.
 */
bool	 relay_plan_make(struct relay_plan *, const struct relay_args *,
	    int64_t, char *, size_t);
void	 relay_plan_free(struct relay_plan *);

/*
 * relay_join.c: an uplink and an id from a join string that has not expired at
 * that time.  False with the reason, in which the string is not, in why.
 */
bool	 relay_join_plan(struct relay_plan *, const struct relay_args *,
	    int64_t, char *, size_t);
/* The uplink that the join is about, or NULL. */
const struct conf_link *relay_join_uplink(const struct relay_plan *);
/* The key of the Main, as in relayd.conf(5). */
#define MAIN_KEY_PREFIX	"ed25519:"
#define MAIN_KEY_TEXT	(sizeof(MAIN_KEY_PREFIX) + B64URL_SIZE(JOIN_KEY))
void	 relay_join_key(const struct join *, char[MAIN_KEY_TEXT]);
/* The block of that uplink, as in relayd.conf(5). */
void	 relay_join_print(FILE *, const struct relay_plan *);

/* relay_joined.c; all of these end the program with a message on failure. */
/* A join string from standard input. */
void	 relay_join_read(char *, size_t);
/*
 * Keep the secret and what is known of the Main in the state directory, and
 * the id by the URL; sets join_file.
 */
void	 relay_join_save(struct relay_plan *, const struct relay_dirs *);
/* What relay_join_save() kept for this node and one of its uplinks. */
void	 relay_join_load(struct relay_plan *, const struct relay_dirs *);
/* The id that joined the first uplink last; false if there is none. */
bool	 relay_join_find(struct relay_plan *, const struct relay_dirs *);
/* Write a configuration for relayd(8) and the secret beside it. */
void	 relay_join_output(struct relay_plan *, const struct relay_args *);

/* relay_dirs.c; all of these end the program with a message on failure. */
/* Choose and make the directories that hold those of the nodes. */
void	 relay_dirs_base(struct relay_dirs *);
/* a + b, which is no longer than a configuration can name. */
void	 relay_path(char *, const char *, const char *);
/* A path that does not begin with a slash is one from where we are. */
void	 relay_path_absolute(char *, const char *);
/* Choose those of this node, without making them. */
void	 relay_dirs_node(struct relay_dirs *, const char *);
void	 relay_dirs_make(const struct relay_dirs *);
/* Whether a relayd answers on the control socket. */
bool	 relay_dirs_in_use(const struct relay_dirs *);

/*
 * relay_id.c: the automatic id of a node, role and the first 16 hex digits
 * of the SHA-256 of its Ed25519 public key.  The key is made at the first
 * use, as KEY-ROLE.pem in the state directory; nodes that run at the same time
 * have different ones.  dirs is set to the directories of that id.  Ends the
 * program with a message on failure.
 */
void	 relay_id_automatic(enum node_role, struct relay_dirs *, char *,
	    size_t);
/* First 16 hex digits of the SHA-256 of some bytes; out has 17. */
void	 relay_id_digest(const void *, size_t, char *);
/*
 * First of seven consecutive uids that no account has, the same at each
 * start of the node, for relayd started as root.
 */
uint32_t relay_id_uids(const char *);

#endif /* RELAY_CTL_RELAY_H */
