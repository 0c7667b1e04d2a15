/* SPDX-License-Identifier: ISC */
/*
 * Every limit of relayd, with its unit and its reason.  What a configuration
 * may change says so; the value here is then the default.
 */
#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

/* --- names (PROTOCOL.md sections 3 to 5) --- */
#define LIMIT_NODE_ID		253	/* bytes; a DNS name's length */
#define LIMIT_SERVICE_NAME	128	/* bytes */
#define LIMIT_METHOD_NAME	128	/* bytes */
#define LIMIT_VERSION		64	/* bytes of a semver text */
#define LIMIT_MESSAGE_ID	64	/* bytes of printable ASCII */
#define LIMIT_LABEL		128	/* bytes of a label's key or value */

/* --- messages --- */
#define LIMIT_MESSAGE		(1U << 20)	/* bytes, default of max-message */
#define LIMIT_MESSAGE_MAX	(16U << 20)	/* bytes, what max-message may ask */
#define LIMIT_SPLICE		4096	/* bytes a node may add to a message
					 * when it forwards: addresses, path */
#define LIMIT_JSON_DEPTH	32	/* nesting of arrays and objects */
#define LIMIT_BATCH		100	/* requests in a JSON-RPC batch */
#define LIMIT_RPC_ID		1024	/* bytes of a JSON-RPC id: it is kept
					 * while the call is pending */
#define LIMIT_MEMBERS		256	/* unknown keys of a message: each is
					 * compared with all before it */
#define LIMIT_HOPS		3	/* links crossed, ends included */
#define LIMIT_VIEW_BODY		(8U << 20)	/* bytes of a registry view */
#define LIMIT_HTTP_ANSWERS	(256U << 20)	/* bytes of answers that wait for
					 * the rest of their batch, together:
					 * then 503 */

/* --- registrations (PROTOCOL.md section 5) --- */
#define LIMIT_SERVICES		64	/* services of a home */
#define LIMIT_METHODS		256	/* methods of a service */
#define LIMIT_LABELS		16	/* labels of a service */
#define LIMIT_WEIGHT		1000	/* largest weight */
#define LIMIT_CONCURRENCY	65535	/* largest max-concurrency */
#define LIMIT_NODES		100000	/* known nodes the registry keeps */

/* --- calls --- */
#define LIMIT_TIMEOUT_DEFAULT_MS 60000	/* a call without a timeout */
#define LIMIT_TIMEOUT_MAX_MS	300000	/* ceiling of any call */
#define LIMIT_PENDING_SESSION	4096	/* calls one session has in flight */
#define LIMIT_PENDING_TOTAL	131072	/* calls a router has in flight */

/* --- registry --- */
#define LIMIT_OPENING		4096	/* links that wait for its word: each
					 * is a message of some kilobytes */
#define LIMIT_DATABASE		(1U << 30)	/* bytes; far more than LIMIT_NODES
					 * nodes need, so that a flood of
					 * registrations cannot fill the disk */
#define LIMIT_DATABASE_WAL	(16U << 20)	/* bytes of journal at which it
					 * is folded into the file */
#define LIMIT_DATABASE_BUSY_MS	2000	/* wait for another's lock: a backup, or
					 * the process that was before */
#define LIMIT_BOOT_ID		64	/* bytes of a boot id that are kept */
#define LIMIT_CLONE_MS		60000	/* window in which boot ids alternate */
#define LIMIT_CLONE_SWITCHES	3	/* more in that window is a clone */

/* --- links and connections --- */
#define LIMIT_CONNECTIONS	12000	/* sockets a front-end holds, default:
					 * the 10,000 homes of SEED.md and room */
#define LIMIT_CONNECTIONS_MAX	1000000	/* what max-connections may ask */
#define LIMIT_PER_ADDRESS	12000	/* of these from one address, default:
					 * no lower, as a proxy or NAT may stand
					 * before every home */
#define LIMIT_FD_RESERVE	16	/* fds kept free for channels and logs */
#define LIMIT_ACCEPT_BUDGET	64	/* accepts a wake-up */
#define LIMIT_HANDSHAKE_MS	10000	/* header, authentication and upgrade */
#define LIMIT_HTTP_BODY_MS	30000	/* whole body of a request */
#define LIMIT_HTTP_IDLE_MS	60000	/* keep-alive without a request */
#define LIMIT_HTTP_HEAD		16384	/* bytes of request line and headers */
#define LIMIT_HTTP_HEADERS	64	/* header lines */
#define LIMIT_HTTP_TARGET	2048	/* bytes of a request target */
#define LIMIT_HTTP_INPUT	(256U << 20)	/* bytes of all requests not yet
					 * passed on, together: then 503 */
#define LIMIT_HTTP_CHUNK_EXTRA	65536	/* bytes of a chunked body that are not
					 * body, and 8 more for each that is */
#define LIMIT_PING_MS		15000	/* between pings and heartbeats */
#define LIMIT_DEAD_MS		45000	/* a link without a received byte */
#define LIMIT_CONTROL_AHEAD	1024	/* bytes of pongs put ahead of data that
					 * a slow link does not take */
#define LIMIT_CLOSE_MS		5000	/* wait for the peer's close frame */
#define LIMIT_SESSION_HIGH	(1U << 20)	/* bytes queued to a link at which
					 * its new requests are OVERLOADED */
#define LIMIT_SESSION_LOW	(256U << 10)	/* bytes at which they are not */
#define LIMIT_SESSION_QUEUE	(8U << 20)	/* bytes queued at which a slow
					 * link is closed with 1013 */
#define LIMIT_OUTPUT		(256U << 20)	/* bytes queued to all connections
					 * together: then those that are slow
					 * to take LIMIT_SESSION_LOW end */
#define LIMIT_UNFINISHED	(256U << 20)	/* bytes of messages that came to
					 * links in part, together: then the
					 * links that add to them end */

/* --- uplinks (PROTOCOL.md section 4) --- */
#define LIMIT_DIAL_MS		10000	/* one connection attempt */
#define LIMIT_RACE_MS		250	/* head start of IPv6 (RFC 8305) */
#define LIMIT_BACKOFF_MIN_MS	1000
#define LIMIT_BACKOFF_MAX_MS	60000
#define LIMIT_STABLE_MS		60000	/* up this long resets the back-off */
#define LIMIT_REPEAT_MS		600000	/* a failure that goes on is logged
					 * again */
#define LIMIT_UPLINKS		16	/* a primary and its fallbacks */
#define LIMIT_DIAL_ADDRESSES	16	/* addresses of one host that are tried */
#define LIMIT_RESOLVE_SKEW_MS	50	/* wait for the other family's answer
					 * (RFC 8305 section 3) */
#define LIMIT_RETRY_AFTER_MS	600000	/* longest wait a Main may ask for: a
					 * wrong number must not lose a home */

#define LIMIT_HOLD_DOWN_MS	300000	/* default of hold-down: on a fallback
					 * this long before the primary is
					 * tried again */
#define LIMIT_HOLD_DOWN_MAX_MS	86400000	/* what hold-down may ask */

/* --- peers (PROTOCOL.md sections 2 and 5) --- */
#define LIMIT_PEERS		64	/* Mains this one dials: SEED.md has 50; and
					 * those that link by themselves with
					 * those it knows to be its peers */
#define LIMIT_PEER_MESSAGE	(1U << 20)	/* bytes; a peer link takes that
					 * much whatever max-message says, for
					 * discovery is cut to fit */
#define LIMIT_PEER_PART		(128U << 10)	/* bytes of rows a discovery message
					 * is filled with; one row may be more */
#define LIMIT_PEER_ROW		(192U << 10)	/* bytes of the services of one home
					 * as peers are told: a registration
					 * over it is cut */
#define LIMIT_PEER_NODES	20000	/* homes one peer may advertise */
#define LIMIT_PEER_BYTES	(128U << 20)	/* bytes they may take together, in
					 * the registry and the router */
#define LIMIT_PEERS_GONE	LIMIT_PEERS	/* Mains that are gone and whose
					 * rows are listed still: ids are free */
#define LIMIT_PEERS_BYTES	(256U << 20)	/* bytes the homes of all Mains
					 * may take together: then those end
					 * that want more than an equal share */
#define LIMIT_PEER_BURST	100000	/* rows a peer may send at once ... */
#define LIMIT_PEER_RATE		5000	/* ... and each second after */
#define LIMIT_PEER_WORDS	65536	/* answers to queries of peers, and
					 * barriers, that wait for the router:
					 * it takes none while it is congested */
#define LIMIT_PENDING_PEER	32768	/* calls one peer link has in flight: it
					 * stands for many homes */
#define LIMIT_DIGEST_MS		30000	/* between digests */
#define LIMIT_STALE_MS		600000	/* rows of a Main that is gone are listed
					 * this long */
#define LIMIT_QUERY_MS		250	/* wait for the peers' answers to a miss */
#define LIMIT_QUERY_MISS_MS	2000	/* a miss is not asked about again */
#define LIMIT_QUERIES		1024	/* calls that wait for such answers, and
					 * misses that are remembered */
#define LIMIT_QUERY_BYTES	(64U << 20)	/* bytes these calls hold */
#define LIMIT_PEER_QUERIES	1000	/* questions of one peer a second that are
					 * answered */
#define LIMIT_PEER_FAULTS	16	/* malformed messages, or messages for
					 * nodes of others, in the life of a link
					 * with a peer: one more ends it */
#define LIMIT_RESYNC_MS		1000	/* least time between requests for a
					 * snapshot to one peer */
#define LIMIT_RETIRE_MS		LIMIT_TIMEOUT_MAX_MS /* an uplink that was
					 * switched away from finishes its calls */
#define LIMIT_PEER_ASKS		64	/* requests to add or delete a peer that
					 * wait for the registry */
#define LIMIT_AUTHORIZATION	4096	/* bytes of such a request's header: a
					 * token is far shorter */
#define LIMIT_TOKENS		2	/* tokens of one name: to replace one */

/* --- services of a home --- */
#define LIMIT_INSTANCES		64	/* processes of one exec service */
#define LIMIT_BACKEND_LINE	LIMIT_MESSAGE_MAX /* bytes of one line */
#define LIMIT_BACKEND_QUEUE	1024	/* calls waiting for one service */
#define LIMIT_HTTP_POOL		8	/* connections to one http service */
#define LIMIT_HTTP_POOL_IDLE_MS	4000	/* an idle one is closed: servers close
					 * theirs after 5 s at the earliest */
#define LIMIT_HTTP_INTERIM	8	/* 1xx answers before the answer */
#define LIMIT_BACKEND_QUEUE_BYTES (64U << 20)	/* bytes these calls hold */
#define LIMIT_BACKEND_ABANDON_MS 60000	/* a cancelled call keeps its place at a
					 * service that does not answer */
#define LIMIT_BACKEND_GARBAGE	16	/* bad lines in a row from a service
					 * before it is restarted */
#define LIMIT_SERVICE_HIGH	(1U << 20)	/* bytes queued to an instance at
						 * which it gets no more calls */
#define LIMIT_SERVICE_LOW	(256U << 10)	/* bytes at which it does again */
#define LIMIT_SERVICE_RECV	(64U << 10)	/* bytes a wake-up reads */
#define LIMIT_SERVICE_DRAIN	16	/* such reads of what one left behind: more
					 * than the buffer of its socket */
#define LIMIT_SERVICE_PROOF_MS	500	/* an instance that lives this long, or
					 * answers, is up */
#define LIMIT_SERVICE_START_MS	2000	/* calls wait for a service that starts */
#define LIMIT_SERVICE_EXIT_MS	1000	/* from a closed output to the exit */
#define LIMIT_SERVICE_BACKOFF_MIN_MS 100	/* connecting to a service that */
#define LIMIT_SERVICE_BACKOFF_MAX_MS 10000	/* is down */
#define LIMIT_SERVICE_LOG_LINE	512	/* bytes of a stderr line that are kept */
#define LIMIT_SERVICE_LOG_LINES	50	/* lines logged of one instance ... */
#define LIMIT_SERVICE_LOG_MS	1000	/* ... in this time, the rest counted */

/* --- channels --- */
#define LIMIT_CHANNEL_RECV	(256U << 10)	/* bytes a wake-up reads */
#define LIMIT_CHANNEL_HIGH	(4U << 20)	/* bytes queued at which a channel
					 * is congested: bulk is refused */
#define LIMIT_CHANNEL_LOW	(1U << 20)	/* bytes at which it is not */
#define LIMIT_CHANNEL_SLACK	(20U << 20)	/* bytes over HIGH that bulk may still take:
					 * what was received before reading paused
					 * must be answered */
#define LIMIT_CHANNEL_HARD	(64U << 20)	/* bytes queued at which the other
					 * side is taken for stuck */
#define LIMIT_CHANNEL_FDS	32	/* fds received and not yet claimed */
#define LIMIT_CHANNEL_FDS_MS	2000	/* wait for a receiver to take them: it
					 * reads, or it is stuck */
#define LIMIT_CHANNEL_SOCKBUF	(1U << 20)	/* SO_SNDBUF of a channel */

/* --- control socket --- */
#define LIMIT_CTL_CLIENTS	32	/* clients in all */
#define LIMIT_CTL_PER_UID	8	/* clients of one uid, root excepted */
#define LIMIT_CTL_REPLY_MS	5000	/* a child's answer to a show */
#define LIMIT_CTL_TARGET (3 * LIMIT_NODE_ID) /* bytes of a call's target:
					 * node, main and service */
#define LIMIT_CTL_CALLER (2 * LIMIT_NODE_ID + 8) /* bytes of who is explained:
					 * home:id@main */
#define LIMIT_CTL_JOBS		16	/* questions of one client at once */
#define LIMIT_CTL_QUEUE		(32U << 20)	/* bytes queued to one client: one
					 * that reads more slowly is closed */

/* --- supervision --- */
#define LIMIT_SETUP_MS		15000	/* hello, set-up and configuration */
#define LIMIT_RESPAWN_MIN_MS	100	/* first back-off of a child */
#define LIMIT_RESPAWN_MAX_MS	10000
#define LIMIT_RESPAWN_CRASHES	10	/* deaths of one child ... */
#define LIMIT_RESPAWN_WINDOW_MS	60000	/* ... in this time end relayd */
#define LIMIT_WATCHDOG_MS	10000	/* between questions to a child */
#define LIMIT_WATCHDOG_DEAD_MS	30000	/* a child that does not answer */
#define LIMIT_DRAIN_MS		5000	/* pending calls at a stop */
#define LIMIT_STOP_MS		3000	/* a child's exit at a stop */

/* --- trust --- */
#define LIMIT_PATTERN		(2 * LIMIT_NODE_ID + 1) /* bytes: id@main */
#define LIMIT_RULE_FILE		255	/* bytes of a rule's file that are kept */
#define LIMIT_RULES		1000	/* of a configuration: a call is held against
					 * all that are about calls */
#define LIMIT_KEYS		64	/* TLS keys of a node: of its own names, and
					 * what it shows to those it dials */
#define LIMIT_CAS		64	/* files with certificates of authorities */
#define LIMIT_PEM		(1U << 20)	/* bytes of a file with keys or
					 * certificates; the system's has 220 K */
#define LIMIT_RSA_BITS_MIN	2048	/* of a TLS key: what browsers take */
#define LIMIT_RSA_BITS_MAX	8192	/* its signature takes 25 ms of the one keeper,
					 * one of twice that 8 times as long */
#define LIMIT_KEEPER_TURN_MS	50	/* the keeper signs this long, then hears the
					 * parent */
#define LIMIT_KEEPER_LOG_MS	1000	/* between log lines about refusals */
#define LIMIT_CREDENTIALS	2	/* of one method for one node at once: to
					 * replace one */
#define LIMIT_CONF_CREDENTIALS	65536	/* of a configuration: two of two methods
					 * of 10,000 homes, and room */
#define LIMIT_HANDSHAKES	4096	/* connections whose TLS handshake or first
					 * request has only begun: each costs a
					 * stranger nothing */
#define LIMIT_HANDSHAKES_ADDRESS 512	/* of these from one address */
#define LIMIT_CHALLENGES	3	/* answers 401 to upgrades that leave a
					 * connection open: each makes a nonce
					 * in the registry */
#define LIMIT_DENIAL (2 * LIMIT_NODE_ID + 128)	/* bytes of why a link is
					 * denied, or of what is shown to get
					 * one, and a NUL: with two ids */
#define LIMIT_NONCE_MS		10000	/* a proof over a nonce is taken this long */
#define LIMIT_NONCES		65536	/* nonces that were used and may not be again:
					 * more in that time are told to wait */
#define LIMIT_JOIN_S		3600	/* default life of a join string */
#define LIMIT_JOIN_MAX_S	2592000	/* longest */
#define LIMIT_CALLER_TOKENS	1000	/* tokens of callers */
#define LIMIT_TOKEN_NAME	64	/* bytes of a token's name */
#define LIMIT_CALLER_MS		5000	/* the router believes what it was told of a
					 * token this long */
#define LIMIT_CALLER_CACHE	(2 * LIMIT_CALLER_TOKENS) /* that it keeps */
#define LIMIT_CALLER_WAITS	1024	/* requests that wait to be told whose
					 * token they have: then 503 */
#define LIMIT_CALLER_BYTES	(64U << 20)	/* bytes of their bodies */
#define LIMIT_AUDIT		100000	/* records that are kept: those of nodes and
					 * of strangers, and what the operator
					 * did in the rest */
#define LIMIT_AUDIT_NODES	60000	/* of nodes that were let in: three returns
					 * of 10,000 homes, and room */
#define LIMIT_AUDIT_STRANGERS	20000	/* of refusals and denied calls */
#define LIMIT_AUDIT_BURST	200	/* refusals, or denials, that are recorded one
					 * by one ... */
#define LIMIT_AUDIT_REFILL_MS	30000	/* ... and one more each time: with both
					 * counts 6 a minute, which fill their
					 * part in 2 days */
#define LIMIT_AUDIT_NODE_BURST	150	/* records of one node: two registrations of
					 * LIMIT_SERVICES that are rejected ... */
#define LIMIT_AUDIT_NODE_REFILL_MS 60000 /* ... and one more each time: with its
					 * count 2 a minute, which fill that part
					 * in 20 days */
#define LIMIT_AUDIT_ALL_BURST	20000	/* records of all nodes: 10,000 homes that
					 * return and register ... */
#define LIMIT_AUDIT_ALL_REFILL_MS 1000	/* ... and one more each time: where nodes
					 * need no credentials, anybody may be
					 * many, and needs 11 hours to fill it */
#define LIMIT_AUDIT_PACED	20000	/* nodes whose share of that is used in part:
					 * each is forgotten soon after */
#define LIMIT_AUDIT_MORE_MS	60000	/* between counts of what was not recorded */
#define LIMIT_AUDIT_RATE	20	/* denied calls a second that the registry is
					 * told of one by one */
#define LIMIT_KNOCKS		4096	/* links asked for a proof that may still show
					 * it: as many as may be asked about */
#define LIMIT_AUDIT_TEXT	512	/* bytes of one text of a record */

/* --- configuration --- */
#define LIMIT_CONF_ERRORS	50	/* errors printed in one run, and warnings */
#define LIMIT_CONF_DEPTH	16	/* nested includes */
#define LIMIT_CONF_FILE		(1U << 20)	/* bytes of one file */
#define LIMIT_CONF_FILES	256	/* files read, includes counted each time */
#define LIMIT_CONF_EXPAND	(1U << 20)	/* bytes that macros expand to: they
					 * nest, so text grows exponentially */
#define LIMIT_CONF_MACROS	256
#define LIMIT_CONF_STRING	1024	/* bytes of one string */
#define LIMIT_CONF_ARGS		64	/* words of an exec command */
#define LIMIT_MESSAGE_MIN	4096	/* bytes, what max-message may ask:
					 * envelopes and errors must fit */
#define LIMIT_LISTENERS		32
#define LIMIT_ORIGINS		32
#define LIMIT_CONF_NODES	10000	/* home and main blocks: more homes than a
					 * Main has connections are enrolled */
#define LIMIT_CONF_SECRETS	256	/* files with secrets: each is an fd on its
					 * way to the registry; keys need none */

#endif
