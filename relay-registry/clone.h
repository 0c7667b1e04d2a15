/* SPDX-License-Identifier: ISC */
/*
 * Two machines with one node id (PROTOCOL.md section 4, "Takeover").
 *
 * Each takes the node over from the other as soon as it has lost it, so their
 * boot ids alternate: one that was replaced comes back, which a program that
 * was merely restarted never does.  More than LIMIT_CLONE_SWITCHES changes in
 * LIMIT_CLONE_MS, and the one that has the node keeps it; the other is held
 * out for as long as it keeps trying and the one that has it stays.
 *
 * A node that sends no boot id is told by its address without the port.
 * Pure: time is passed in.
 */
#ifndef RELAY_REGISTRY_CLONE_H
#define RELAY_REGISTRY_CLONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/hash.h"
#include "common/monotime.h"
#include "common/wire.h"

struct clone_node;
RB_HEAD(clone_tree, clone_node);
TAILQ_HEAD(clone_list, clone_node);

struct clone_table {
	struct clone_tree	 tree;
	struct clone_list	 oldest;	/* by last open */
	size_t			 count;
	size_t			 max;
	uint8_t			 key[HASH_KEY_LEN];
};

/* A table of at most max nodes, the one longest quiet being forgotten. */
void	clone_init(struct clone_table *, const uint8_t [HASH_KEY_LEN], size_t);
void	clone_clear(struct clone_table *);

/*
 * A link for node wants in; live says that another session has the node now.
 * Returns 0 if it may, and counts it, or after how many milliseconds it may
 * ask again.
 */
uint32_t	clone_open(struct clone_table *, const char *, struct span,
		    struct span, bool, struct monotime);
/* Forget what no longer counts. */
void		clone_expire(struct clone_table *, struct monotime);

#endif
