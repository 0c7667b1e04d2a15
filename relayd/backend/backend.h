/* SPDX-License-Identifier: ISC */
/*
 * Private header of relay-backend: it speaks JSON-RPC to the services of this
 * home over fds it is given.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include <event2/event.h>

#include <bsd/sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/backoff.h"
#include "common/child.h"
#include "common/id64.h"
#include "common/limits.h"
#include "relayd/backend/buf.h"
#include "relayd/backend/http_client.h"
#include "relayd/backend/lograte.h"
#include "relayd/backend/pool.h"

/* As in CONF_SERVICE. */
enum svc_kind { SVC_EXEC = 1, SVC_HTTP, SVC_UNIX };

enum svc_state {
	SVC_STARTING,		/* nothing is known yet: calls wait */
	SVC_UP,
	SVC_DOWN		/* calls are refused */
};

/* As in BACKEND_RESULT. */
enum result_kind { RESULT_OK = 1, RESULT_ERROR, RESULT_FAILED };
enum executed { EXECUTED_NO, EXECUTED_MAYBE, EXECUTED_YES };

/* PROTOCOL.md section 6 and JSON-RPC 2.0 section 5.1. */
enum fail_code {
	FAIL_METHOD = -32601,
	FAIL_INTERNAL = -32603,
	FAIL_TIMEOUT = -32014,
	FAIL_OVERLOADED = -32017,
	FAIL_TOO_LARGE = -32021,
	FAIL_CONNECTION_LOST = -32024
};

struct backend;
struct svc;

/* A connection to a service: an instance's stdin and stdout, or a socket. */
struct conn {
	TAILQ_ENTRY(conn)	 entry;
	TAILQ_ENTRY(conn)	 dirty_entry;
	struct svc		*svc;
	struct slot		 slot;
	uint32_t		 instance;	/* exec */
	int			 fd;
	struct event		*read_ev;
	struct event		*write_ev;
	struct buf		 in;
	struct buf		 out;
	bool			 dirty;		/* on the list to be flushed */
	bool			 writing;	/* waits for room */
	struct monotime		 since;		/* when it was made */
	/* lines */
	size_t			 scanned;	/* of in: no line end there */
	unsigned int		 garbage;	/* bad lines in a row */
	/* HTTP */
	struct http_client	 http;
	bool			 busy;		/* a request is out */
	struct monotime		 idle_since;
};

/* The standard error of an instance. */
struct errpipe {
	struct svc		*svc;
	uint32_t		 instance;
	int			 fd;
	struct event		*ev;
	char			 line[LIMIT_SERVICE_LOG_LINE + 1];
	size_t			 len;
	bool			 cut;		/* the line was longer */
	struct lograte		 rate;
};

/* A place for one process of an exec service. */
struct instance {
	struct conn		*conn;
	struct errpipe		*err;
	bool			 closed;	/* its output, at closed_at */
	struct monotime		 closed_at;
};

TAILQ_HEAD(conn_list, conn);

struct svc_stats {
	uint64_t		 calls;
	uint64_t		 results;
	uint64_t		 errors;	/* the service's own */
	uint64_t		 failed;	/* ours */
	uint64_t		 garbage;
	uint64_t		 unasked;
	uint64_t		 late;		/* answers nobody waits for */
};

/*
 * A service.  It lives as long as a configuration has one equal by value, and
 * then until its last call is over.
 */
struct svc {
	TAILQ_ENTRY(svc)	 entry;
	struct backend		*b;
	uint8_t			*conf;		/* CONF_SERVICE after the index */
	size_t			 conf_len;
	char			 name[LIMIT_SERVICE_NAME + 1];
	enum svc_kind		 kind;
	char			 host[256];
	uint16_t		 port;
	char			 path[LIMIT_CONF_STRING + 1];
	uint32_t		 index;		/* in the generation in force */
	bool			 started;
	bool			 retired;	/* no longer configured */

	enum svc_state		 state;
	char			 reason[160];	/* why it is down */
	struct pool		 pool;
	struct conn_list	 conns;
	struct instance		*instances;	/* exec */
	uint32_t		 n_instances;
	uint32_t		 connecting;	/* requests for an fd */
	struct backoff		 backoff;
	struct event		*timer;		/* start is over; try again */
	struct lograte		 rate;
	struct svc_stats	 stats;
};

/* What one configuration calls which service. */
struct generation {
	uint32_t		 number;
	uint32_t		 max_message;
	struct svc		*svcs[LIMIT_SERVICES];
};

/* A SERVICE_CONNECT that is not answered. */
struct connect {
	TAILQ_ENTRY(connect)	 entry;
	uint64_t		 request;
	enum proc_id		 proc;
	struct svc		*svc;
};

struct backend {
	struct child		*child;
	struct event_base	*base;
	struct calls		 calls;
	TAILQ_HEAD(, svc)	 svcs;
	struct generation	*prev, *cur, *next;
	TAILQ_HEAD(, connect)	 connects;
	struct id64		 requests;
	struct conn_list	 dirty;
	struct event		*flush_ev;	/* when the loop turns */
	struct event		*tick_ev;
	bool			 held;		/* the router is congested */
	bool			 tell_again;	/* health, at the next tick */
	uint64_t		 stale;		/* of another generation */
};

/* --- conf.c: generations --- */
void		 conf_begin(struct backend *, uint32_t);
void		 conf_node(struct backend *, struct wire_get *);
void		 conf_service(struct backend *, struct wire_get *);
void		 conf_commit(struct backend *);
void		 conf_abort(struct backend *);
/* What a generation calls that index, or NULL. */
struct svc	*conf_lookup(const struct backend *, uint32_t, uint32_t);

/* --- svc.c: one service --- */
struct svc	*svc_new(struct backend *, const uint8_t *, size_t);
/* Frees one without connections; queued calls fail. */
void		 svc_free(struct svc *);
void		 svc_start(struct svc *);
/* It is not configured any more: no new calls, running ones may end. */
void		 svc_retire(struct svc *);
void		 svc_up(struct svc *);
void		 svc_down(struct svc *, const char *);
void		 svc_report_health(struct svc *);
/* Hand out queued calls; ask for connections if there are too few. */
void		 svc_dispatch(struct svc *);
/* A connection is made or lost. */
void		 svc_conn_made(struct svc *);
void		 svc_conn_lost(struct svc *, const char *, int64_t);
/* An fd was asked for, and the answer: fd or -1 and why. */
void		 svc_connected(struct svc *, int, const char *);
/* The dialer is there (again): connect if that is what is missing. */
void		 svc_seek(struct svc *);
/* Nobody waits for this call any more. */
void		 svc_forget_call(struct backend *, struct call *);
/* What is due by time: true if there is more to wait for. */
bool		 svc_tick(struct svc *, struct monotime);

/* --- connect.c: fds asked for from the parent and the dialer --- */
void		 connect_request(struct svc *);
void		 connect_answer(struct backend *, enum proc_id, uint64_t, int,
		    const char *);
void		 connect_peer_gone(struct backend *, enum proc_id);

/* --- conn.c: bytes --- */
struct conn	*conn_new(struct svc *, int, uint32_t);
/* Every call on it fails as CONNECTION_LOST, and it is freed. */
void		 conn_lost(struct conn *, const char *);
/* Frees one that has no calls. */
void		 conn_close(struct conn *);
void		 conn_send(struct conn *, struct call *);
/* Read and handle what is there; false if it was freed. */
bool		 conn_drain(struct conn *);
/* Something was put into out. */
void		 conn_dirty(struct conn *);
void		 conn_flush_all(struct backend *);
/* Resume reading from all services. */
void		 conn_resume_all(struct backend *);
/* True if no more may be sent to the router now; it then stopped reading. */
bool		 conn_held(struct backend *);

/* --- conn_line.c, conn_http.c: what the bytes mean --- */
void		 line_send(struct conn *, struct call *);
/* False if the connection was freed, here and below. */
bool		 line_input(struct conn *);
/* False (and the connection is freed) if it had been closed meanwhile. */
bool		 http_usable(struct conn *);
void		 http_send(struct conn *, struct call *);
bool		 http_input(struct conn *);
/* Close it if it is idle or its call is late; false if it was freed. */
bool		 http_tick(struct conn *, struct monotime);
void		 http_eof(struct conn *);

/* --- instance.c: processes of exec services --- */
/* Its stdin and stdout came; the fd is taken over. */
void		 instance_io(struct backend *, struct svc *, uint32_t, int);
void		 instance_exit(struct svc *, uint32_t, const char *);
/* Ask the parent to restart it. */
void		 instance_restart(struct svc *, uint32_t, const char *);
/* One that closed its output but does not end; true if one may yet do so. */
bool		 instance_tick(struct svc *, struct monotime);

/* --- errpipe.c --- */
struct errpipe	*errpipe_new(struct svc *, int, uint32_t);
void		 errpipe_free(struct errpipe *);

/* --- answer.c: results to the router --- */
void		 answer_json(struct backend *, struct call *, enum result_kind,
		    int32_t, struct span);
void		 answer_failed(struct backend *, struct call *, enum fail_code,
		    enum executed, const char *, ...)
		    __attribute__((format(printf, 5, 6)));
/* The same for a call that was not taken: service (or NULL) and id. */
void		 answer_refused(struct backend *, struct svc *, uint64_t, bool,
		    enum fail_code, const char *, ...)
		    __attribute__((format(printf, 6, 7)));

/* --- main.c --- */
/* See to it that the tick comes within a second. */
void		 backend_tick(struct backend *);

#endif
