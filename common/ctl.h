/* SPDX-License-Identifier: ISC */
/*
 * What relay-ctl can ask, and rows of typed fields as the answer.  Each
 * process writes its own rows; the parent only passes them on.
 */
#ifndef COMMON_CTL_H
#define COMMON_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/channel.h"

enum ctl_show {
	CTL_SHOW_SUMMARY = 1,	/* every process a row or more */
	CTL_SHOW_PROCESSES,	/* parent */
	CTL_SHOW_HOMES,		/* registry */
	CTL_SHOW_PEERS,		/* registry */
	CTL_SHOW_SERVICES,	/* registry */
	CTL_SHOW_SESSIONS,	/* router */
	CTL_SHOW_PENDING,	/* router */
	CTL_SHOW_CHANNELS,	/* every process */
	CTL_SHOW_SANDBOX,	/* parent, from each HELLO_ACK */
	CTL_SHOW_CONFIG,	/* parent */
	CTL_SHOW_ROUTES,	/* router */
	CTL_SHOW_TLS,		/* frontend, keeper */
	CTL_SHOW_IDENTITY,	/* registry */
	CTL_SHOW_POLICY,	/* parent */
	CTL_SHOW_MAX
};

/* As in CTL_PEER. */
enum ctl_peer {
	CTL_PEER_ADD = 1,
	CTL_PEER_DELETE,
	CTL_PEER_RESET
};

/* As in CTL_TOKEN. */
enum ctl_token {
	CTL_TOKEN_CREATE = 1,
	CTL_TOKEN_LIST,
	CTL_TOKEN_REVOKE
};

/* As in CTL_NODE. */
enum ctl_node {
	CTL_NODE_LIST = 1,
	CTL_NODE_DISABLE,
	CTL_NODE_ENABLE,
	CTL_NODE_REVOKE,
	CTL_NODE_ROTATE,
	CTL_NODE_ENROLL,
	CTL_NODE_TOKEN
};

/* As in CTL_AUDIT. */
enum ctl_audit {
	CTL_AUDIT_SHOW = 1,
	CTL_AUDIT_VERIFY
};

/* Exit codes of relay-ctl, and status of CTL_END. */
enum ctl_status {
	CTL_OK = 0,
	CTL_REFUSED = 1,	/* refused, or wrong usage */
	CTL_NOT_RUNNING = 2,	/* or it does not answer */
	CTL_NOT_FOUND = 3
};

enum ctl_type { CTL_TEXT = 1, CTL_NUMBER, CTL_BOOL };

/*
 * Write rows: begin, any number of fields, end.  section groups rows of one
 * shape ("homes"); in one section every row has the same fields in the same
 * order.  Field names are the ones of JSON output: lower case, underscores,
 * unit at the end.  A text over CTL_TEXT_MAX bytes is cut and ends in "...".
 */
#define CTL_TEXT_MAX	4000

struct ctl_row {
	struct channel	*ch;
	uint64_t	 request;
	const char	*section;
	struct wire_put	 fields;
	uint16_t	 count;
	uint8_t		 buf[16384];
};

void	ctl_row_begin(struct ctl_row *, struct channel *, uint64_t,
	    const char *);
void	ctl_text(struct ctl_row *, const char *, const char *);
void	ctl_number(struct ctl_row *, const char *, int64_t);
void	ctl_bool(struct ctl_row *, const char *, bool);
void	ctl_row_end(struct ctl_row *);
/* The row of CTL_SHOW_CHANNELS for one channel of process self. */
void	ctl_channel_row(struct channel *, uint64_t, enum proc_id,
	    const struct channel *);
/* The last message of an answer. */
void	ctl_end(struct channel *, uint64_t, enum ctl_status, const char *);

#endif
