/* SPDX-License-Identifier: ISC */
/* The command line of relay-ctl as a table of patterns.  Pure. */
#ifndef RELAY_CTL_PARSER_H
#define RELAY_CTL_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ctl.h"

enum command_action {
	COMMAND_SHOW = 1,
	COMMAND_RELOAD,
	COMMAND_STOP,
	COMMAND_LOG,
	COMMAND_CALL,
	COMMAND_PEER,
	COMMAND_TOKEN,
	COMMAND_NODE,
	COMMAND_AUDIT,
	COMMAND_EXPLAIN
};

/* Texts that are not given are empty. */
struct command {
	enum command_action	 action;
	enum ctl_show		 what;		/* COMMAND_SHOW */
	/* The section that an answer in rows is about, else NULL. */
	const char		*section;
	bool			 verbose;	/* COMMAND_LOG */
	/* enum ctl_peer, ctl_token, ctl_node or ctl_audit, by action. */
	uint8_t			 op;
	const char		*caller;	/* COMMAND_EXPLAIN */
	const char		*target;	/* the same, and COMMAND_CALL */
	const char		*method;
	const char		*args;		/* JSON text */
	const char		*name;		/* URL, node id or token */
	const char		*node_id;	/* of COMMAND_NODE; of a peer
						 * who must answer */
	const char		*url;		/* COMMAND_NODE */
	const char		*pin;
	uint32_t		 expires_s;
	uint32_t		 count;		/* COMMAND_AUDIT */
	bool			 persist;	/* COMMAND_PEER */
	bool			 insecure;
};

/*
 * Parse words; each may be shortened as long as it stays unambiguous.  False
 * with one or more lines that say what is wrong in the buffer.
 */
bool	command_parse(int, char *const *, struct command *, char *, size_t);

#endif
