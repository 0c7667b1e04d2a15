/* SPDX-License-Identifier: ISC */

/*
 * The data of a service_discovery message between Mains (PROTOCOL.md section
 * 5), as typed values and rows and back.  Pure: no session, no channel.
 *
 *	snapshot {"op","epoch","seq","part","last","features","nodes":[NODE...]}
 *	delta	 {"op","epoch","seq","nodes":[NODE...]}
 *	digest	 {"op","epoch","seq","nodes":COUNT,"digest"}
 *	resync	 {"op":"query","want":"snapshot"}
 *	query	 {"op":"query","node_id"}, where the message itself may have a
 *		 server_name instead or beside it
 *	answer	 {"op","found","node":"unknown"|"offline"|"online"}
 *	NODE	 {"node_id","services":[SERVICE...]}, all that a home has, or in
 *		 a delta {"node_id","deleted":true}
 *	SERVICE	 see service_json.h
 *
 * epoch and digest are 16 lower-case hexadecimal digits.  Members that are not
 * known are passed over, one that comes twice is refused.
 */

#ifndef RELAY_ROUTER_DISCOVERY_H
#define RELAY_ROUTER_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/json_scan.h"
#include "common/limits.h"
#include "common/service.h"
#include "relay-router/text.h"

/* The first two are those of PEER_ROWS. */
enum discovery_op {
	DISCOVERY_NONE = 0,
	DISCOVERY_SNAPSHOT,
	DISCOVERY_DELTA,
	DISCOVERY_DIGEST,
	DISCOVERY_RESYNC,
	DISCOVERY_QUERY,
	DISCOVERY_ANSWER,
};

/* What a Main says of a node: the values of PEER_ANSWER. */
enum discovery_node {
	DISCOVERY_UNKNOWN = 0,
	DISCOVERY_OFFLINE,
	DISCOVERY_ONLINE,
};

#define DISCOVERY_SEQ_MAX	((1LL << 53) - 1)	/* what every reader of
							 * JSON numbers keeps */

/* All but the rows; each member is of the ops that have it. */
struct discovery {
	enum discovery_op	 op;
	uint64_t		 epoch;		/* not 0 */
	uint64_t		 seq;		/* to DISCOVERY_SEQ_MAX */
	uint32_t		 part;
	bool			 last;
	uint32_t		 max_message;	/* bytes; part 0 of a snapshot
						 * may say it, else 0 */
	uint32_t		 nodes;		/* of a digest */
	uint64_t		 digest;
	bool			 found;
	enum discovery_node	 node;
	char			 node_id[LIMIT_NODE_ID + 1]; /* or empty */
	uint16_t		 n_rows;	/* read, not written */
	struct json_span	 rows;		/* likewise; borrowed */
};

/*
 * Reads a value that the scanner has accepted, which must outlive the rows.
 * False if it is malformed: the text is static and says where, and op is what
 * it claims to be, if that can be told.
 */
bool	 discovery_read(struct discovery *, const struct json_span *,
	    const char **);

/* One home. */
struct discovery_row {
	char		 node_id[LIMIT_NODE_ID + 1];	/* lower case */
	bool		 deleted;
	uint16_t	 n;
	struct service	*services;		/* owned, NULL for none */
};

/* A walk over the rows of a message. */
struct discovery_rows {
	struct json_scan	 scan;
	const char		*main_id;
	bool			 deltas;
	bool			 foreign;
	const char		*why;
};

/*
 * Walks the rows of a snapshot or delta that came from the Main of that id:
 * next fills a row, to be freed, and returns 1; 0 after the last; -1 if the
 * row is malformed, with nothing to free: why says where, and foreign is set
 * if it is a node of another Main.
 */
void	 discovery_rows_begin(struct discovery_rows *,
	    const struct discovery *, const char *);
int	 discovery_rows_next(struct discovery_rows *, struct discovery_row *);
void	 discovery_row_free(struct discovery_row *);

/*
 * The most bytes that a message of rows has beside them, and what the rows
 * may take: however they are made, a message with rows of LIMIT_PEER_PART
 * bytes in all, or with one row of LIMIT_PEER_ROW, as put_service() counts
 * them, is no longer than LIMIT_PEER_MESSAGE.
 */
#define DISCOVERY_FRAME_MAX	4096

/* Appends a whole data object, of any op but snapshot and delta. */
void	 discovery_put(struct text *, const struct discovery *);

/*
 * Appends a data object of rows: begin, each row with its number from 0, end.
 * features is JSON text, or NULL.
 */
void	 discovery_put_begin(struct text *, const struct discovery *,
	    const char *);
void	 discovery_put_row(struct text *, uint16_t,
	    const struct discovery_row *);
void	 discovery_put_end(struct text *);

#endif /* RELAY_ROUTER_DISCOVERY_H */
