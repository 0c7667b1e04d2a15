/* SPDX-License-Identifier: ISC */
/*
 * The configuration of relayd(8): what a parsed relayd.conf(5) looks like,
 * and how to get, compare and print one.
 *
 * This is a pure core.  It opens nothing by itself (files come through
 * struct conf_source), knows no clock and no socket, and keeps no state
 * outside the structures below.  conf_parse() returns a complete and
 * cross-checked configuration or nothing.
 *
 * Every string in struct conf is owned by it and lives until conf_free().
 * Everything is read-only for the users of this header.
 */

#ifndef RELAYD_CONF_H
#define RELAYD_CONF_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/policy.h"
#include "common/proc.h"
#include "common/sandbox.h"
#include "common/service.h"
#include "common/url.h"

/* Where a statement was written.  line 0: a default, nobody wrote it. */
struct conf_pos {
	const char	*file;
	unsigned int	 line;
};

enum conf_log {
	CONF_LOG_BRIEF,
	CONF_LOG_VERBOSE
};

/* Who a child process becomes when relayd was started as root. */
enum conf_account_id {
	CONF_ACCOUNT_FRONTEND,
	CONF_ACCOUNT_DIALER,
	CONF_ACCOUNT_BACKEND,
	CONF_ACCOUNT_ROUTER,
	CONF_ACCOUNT_REGISTRY,
	CONF_ACCOUNT_KEEPER,
	CONF_ACCOUNT_SERVICE,		/* exec backends without `user' */
	CONF_ACCOUNT_COUNT
};

/*
 * An account: a name for getpwnam(3), or a number that is used as uid and
 * as gid and need not be in passwd(5).  name == NULL means the number.
 * Never root: the parser refuses the name "root" and the number 0.  What a
 * name resolves to is for the user of this structure to check.
 */
struct conf_account {
	struct conf_pos	 pos;
	char		*name;
	uint32_t	 uid;
};

enum conf_listener_kind {
	CONF_LISTEN_INET,	/* addr, an IPv4 address in 4 bytes */
	CONF_LISTEN_INET6,	/* addr, an IPv6 address in 16 bytes */
	CONF_LISTEN_ANY,	/* "*": every address of both families */
	CONF_LISTEN_UNIX	/* path */
};

struct conf_listener {
	uint32_t		 index;		/* its place in the file */
	struct conf_pos		 pos;
	enum conf_listener_kind	 kind;
	uint8_t			 addr[16];	/* network byte order */
	uint16_t		 port;		/* 0: the kernel picks one */
	bool			 tls;
	bool			 insecure;
	char			*path;		/* absolute, CONF_LISTEN_UNIX */
};

/* A certificate that is shown in TLS, and its key, which the keeper holds. */
struct conf_key {
	uint32_t	 index;		/* of both */
	struct conf_pos	 pos;
	bool		 server;	/* listeners show it */
	char		*certificate;	/* absolute paths */
	char		*key;
};

/* Certificates of authorities. */
struct conf_ca {
	uint32_t	 index;
	struct conf_pos	 pos;
	bool		 clients;	/* verifies those that connect to us */
	char		*file;		/* absolute path */
};

#define CONF_NONE	UINT32_MAX	/* no ca, no key */

/* An uplink of a home, the first is the primary; or a peer of a Main. */
struct conf_link {
	uint32_t	 index;
	struct conf_pos	 pos;
	struct url	 url;
	bool		 insecure;
	char		*node_id;	/* who must answer; NULL: any Main */
	struct conf_pos	 node_pos;
	uint32_t	 ca;		/* index; with TLS and no pin always */
	struct conf_pos	 ca_pos;
	uint32_t	 key;		/* index of what it is shown */
	struct conf_pos	 key_pos;
	char		*pin;		/* "sha256:..."; NULL: none */
	struct conf_pos	 pin_pos;
};

/* Whom a credential is of, as in CONF_CREDENTIAL. */
enum conf_holder {
	CONF_HOLDER_HOME = 1,	/* index is that of a struct conf_node */
	CONF_HOLDER_MAIN,
	CONF_HOLDER_UPLINK,	/* index is that of a struct conf_link */
	CONF_HOLDER_PEER
};

/* A home or main block: a node that may link with this Main. */
struct conf_node {
	uint32_t	 index;
	struct conf_pos	 pos;
	enum conf_holder holder;
	char		*node_id;	/* lower case */
};

/* As in CONF_CREDENTIAL. */
enum conf_method {
	CONF_METHOD_KEY = 1,	/* value: "ed25519:" and base64url */
	CONF_METHOD_SECRET,	/* file */
	CONF_METHOD_TOKEN,	/* value: "sha256:" and hex; in a link: file */
	CONF_METHOD_CERTIFICATE, /* value: "dns:..." or "spiffe://..." */
	CONF_METHOD_JOIN	/* file, of an uplink; gone when it was used */
};

struct conf_credential {
	struct conf_pos	 pos;
	enum conf_holder holder;
	uint32_t	 index;
	enum conf_method method;
	char		*value;		/* canonical; NULL: it is in the file */
	char		*file;		/* absolute path, or NULL */
};

/* Which nodes without credentials here may link, as in CONF_NODE. */
enum conf_authentication {
	CONF_AUTH_REQUIRED = 1,	/* none */
	CONF_AUTH_LOOPBACK,	/* those on this machine */
	CONF_AUTH_NONE		/* any */
};

struct conf_origin {
	uint32_t	 index;
	struct conf_pos	 pos;
	char		*text;		/* lower-case scheme://host[:port] */
};

enum conf_backend {
	CONF_BACKEND_EXEC,	/* argv; line JSON-RPC on stdin and stdout */
	CONF_BACKEND_HTTP,	/* url; JSON-RPC by POST */
	CONF_BACKEND_UNIX	/* path; line JSON-RPC */
};

/*
 * A service: def is what is registered (defaults of service_init() where
 * the file says nothing, always healthy), the rest is how it is run.
 */
struct conf_service {
	uint32_t		 index;
	struct conf_pos		 pos;
	struct service		 def;
	enum conf_backend	 backend;
	struct conf_pos		 backend_pos;
	char		       **argv;		/* and NULL; argv[0] absolute */
	size_t			 argc;
	char			*directory;	/* absolute; where exec runs */
	struct url		 url;		/* CONF_BACKEND_HTTP */
	bool			 insecure;	/* http beyond loopback */
	char			*path;		/* of CONF_BACKEND_UNIX */
	uint32_t		 instances;	/* of exec; else 1 */
	struct conf_account	*user;		/* NULL: account service */
	uint32_t		 timeout_ms;	/* 0: call-timeout */
};

struct conf {
	enum node_role		 role;
	struct conf_pos		 node_pos;
	char			*node_id;	/* lower-case */

	struct conf_listener	*listeners;
	size_t			 nlisteners;
	struct conf_link	*uplinks;
	size_t			 nuplinks;
	struct conf_link	*peers;
	size_t			 npeers;
	struct conf_key		*keys;
	size_t			 nkeys;
	struct conf_ca		*cas;
	size_t			 ncas;
	struct conf_node	*nodes;
	size_t			 nnodes;
	struct conf_credential	*credentials;	/* in their order */
	size_t			 ncredentials;
	struct policy		 policy;
	struct conf_origin	*origins;
	size_t			 norigins;
	struct conf_service	*services;
	size_t			 nservices;

	struct url		 url;		/* where homes reach a Main */
	struct conf_pos		 url_pos;	/* no file: url is empty */
	enum conf_authentication authentication;
	uint32_t		 call_timeout_ms;
	uint32_t		 hold_down_ms;	/* of a home */
	uint32_t		 max_message;	/* bytes */
	uint32_t		 max_connections;
	uint32_t		 max_per_address;
	enum conf_log		 log;
	enum sandbox_mode	 sandbox;
	struct conf_pos		 sandbox_pos;
	char			*control;	/* path of the socket */
	struct conf_pos		 control_pos;
	char			*state_directory; /* absolute path */
	struct conf_pos		 state_directory_pos;
	struct conf_account	 accounts[CONF_ACCOUNT_COUNT];

	char		       **files;		/* what the pos.file point to */
	size_t			 nfiles;
};

/*
 * Values for what the file does not say.  A NULL field means the value that
 * was built in at configure time.
 */
struct conf_defaults {
	const char	*control;
	const char	*state_directory;
	const char	*ca_file;	/* certificates this machine trusts */
	const char	*accounts[CONF_ACCOUNT_COUNT];
};

#define CONF_SERVICES_ONLY	0x01	/* a service file: see relay(1) */

/*
 * Where the text comes from.  open() gets name itself, or the path of an
 * included file, which is relative where name is.  It returns 0 and a
 * malloc(3)ed buffer that the parser frees, or an errno value.
 */
struct conf_source {
	const char	*name;		/* of the first file, as in errors */
	int		(*open)(void *, const char *, char **, size_t *);
	void		*ctx;		/* first argument of open() */
	const char	*cwd;		/* absolute; what name is relative to */
	const char *const *macros;	/* "name=value", these win */
	size_t		 nmacros;
	unsigned int	 flags;
	const struct conf_defaults *defaults;	/* may be NULL */
};

/* One complaint.  text has no position and no newline in it. */
struct conf_error {
	char		*file;
	unsigned int	 line;		/* 0: the file as a whole */
	bool		 warning;
	char		*text;
};

struct conf_errors {
	struct conf_error *list;
	size_t		 count;		/* entries in list */
	size_t		 nerrors;	/* how many of them are no warnings */
};

/*
 * Parse and check a configuration.  Returns it, or NULL with at least one
 * error in errs.  Warnings may be there in both cases.  errs must be zeroed
 * before; the caller frees it with conf_errors_free().
 */
struct conf	*conf_parse(const struct conf_source *, struct conf_errors *);
void		 conf_free(struct conf *);

/* "file:line: text" a line; warnings say so. */
void		 conf_errors_print(const struct conf_errors *, FILE *);
void		 conf_errors_free(struct conf_errors *);

/*
 * An open() for struct conf_source that reads regular files, and standard
 * input for the name "-".  The only part of this header that does I/O.
 */
int		 conf_open_file(void *, const char *, char **, size_t *);

/*
 * Print the effective configuration, defaults included, in the grammar of
 * relayd.conf(5).  Parsing the output gives a configuration that is
 * conf_equal() to this one.  Returns 0, or -1 if the stream failed.
 */
int		 conf_print(const struct conf *, FILE *);
/* Print s as a quoted string of the grammar (for generated files). */
void		 conf_print_string(FILE *, const char *);

/*
 * Equality by value: positions and indices do not count.  For a reload:
 * what is equal may be kept running.
 */
bool		 conf_listener_equal(const struct conf_listener *,
		    const struct conf_listener *);
bool		 conf_service_equal(const struct conf_service *,
		    const struct conf_service *);
bool		 conf_account_equal(const struct conf_account *,
		    const struct conf_account *);
bool		 conf_equal(const struct conf *, const struct conf *);

/* Loopback address or unix socket. */
bool		 conf_listener_is_local(const struct conf_listener *);
/*
 * Who connects to this URL reaches this listener.  False where that cannot
 * be told, see url_reaches(), and for a port the kernel picks.
 */
bool		 conf_listener_reached(const struct conf_listener *,
		    const struct url *);
/*
 * The address to bind.  family chooses AF_INET or AF_INET6 for
 * CONF_LISTEN_ANY, for which the caller binds one socket of each (with
 * IPV6_V6ONLY); other kinds ignore it.  Returns the length.
 */
socklen_t	 conf_listener_sockaddr(const struct conf_listener *, int,
		    struct sockaddr_storage *);
/* As it is written in the file, for log lines: "127.0.0.1 port 80". */
void		 conf_listener_name(const struct conf_listener *, char *,
		    size_t);

const char	*conf_account_name(enum conf_account_id);
const char	*conf_authentication_name(enum conf_authentication);
const char	*conf_holder_name(enum conf_holder);
const char	*conf_method_name(enum conf_method);
/* The id of the node a credential is of, or NULL if the block names none. */
const char	*conf_credential_node(const struct conf *,
		    const struct conf_credential *);
/* Index of a file among the certificates of authorities, or CONF_NONE. */
uint32_t	 conf_ca_find(const struct conf *, const char *);
const char	*conf_backend_name(enum conf_backend);
const char	*conf_visibility_name(enum visibility);

/*
 * Check one value and bring it into its canonical form, as the parser
 * does; for programs that take the same values from their command line.
 * Returns NULL, or why the value is refused (a constant string).  URLs and
 * origins: common/url.h.  This is a node id, see relay(7); out gets it in
 * lower case.
 */
const char	*conf_check_node_id(const char *, char *, size_t);
/* "ed25519:" and 32 bytes in base64url; "sha256:" and the same. */
const char	*conf_check_key(const char *);
const char	*conf_check_pin(const char *);
/* "sha256:" and 32 bytes in hex, which out gets in lower case. */
#define CONF_TOKEN_SIZE	72	/* bytes, with the NUL */
const char	*conf_check_token(const char *, char *, size_t);
/* "dns:NAME", which out gets in lower case, or "spiffe://DOMAIN/PATH". */
const char	*conf_check_certificate(const char *, char *, size_t);

#endif /* RELAYD_CONF_H */
