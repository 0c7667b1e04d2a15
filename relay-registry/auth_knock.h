/* SPDX-License-Identifier: ISC */
/*
 * Links that were asked for a proof: everybody comes without one first.  That
 * is a refusal, and in the audit log, only if none is shown on that connection
 * while it would be taken.
 */
#ifndef RELAY_REGISTRY_AUTH_KNOCK_H
#define RELAY_REGISTRY_AUTH_KNOCK_H

#include <stdint.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

struct knock;
struct registry;
struct session_request;
struct when;

RB_HEAD(knock_tree, knock);
TAILQ_HEAD(knock_list, knock);

struct knocks {
	struct knock_tree	 tree;		/* by connection */
	struct knock_list	 oldest;	/* in the order they came */
	uint32_t		 n;
};

void	knocks_init(struct knocks *);
void	knocks_clear(struct knocks *);

/* It was asked, by its id in lower case; the reason is a constant. */
void	knock_add(struct registry *, const struct session_request *,
	    const char *, const char *, struct when);
/* It has come again: with a proof, or still without. */
void	knock_again(struct registry *, const struct session_request *,
	    struct when);
/* Record those whose time is over. */
void	knocks_expire(struct registry *, struct when);

#endif
