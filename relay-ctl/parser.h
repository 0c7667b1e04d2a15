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
	COMMAND_TOKEN
};

struct command {
	enum command_action	 action;
	enum ctl_show		 what;		/* COMMAND_SHOW */
	const char		*what_name;	/* its word */
	bool			 verbose;	/* COMMAND_LOG */
	const char		*target;	/* COMMAND_CALL */
	const char		*method;
	const char		*args;		/* JSON text, or "" */
	enum ctl_peer		 peer;		/* COMMAND_PEER */
	const char		*name;		/* URL or node id */
	const char		*node_id;	/* who must answer, or "" */
	bool			 persist;
	bool			 insecure;
	bool			 revoke;	/* COMMAND_TOKEN */
};

/*
 * Parse words; each may be shortened as long as it stays unambiguous.  False
 * with one or more lines that say what is wrong in the buffer.
 */
bool	command_parse(int, char *const *, struct command *, char *, size_t);

#endif
