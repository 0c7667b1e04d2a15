/* SPDX-License-Identifier: ISC */
/* What the files of the audit log share. */
#ifndef RELAY_REGISTRY_AUDIT_IMPL_H
#define RELAY_REGISTRY_AUDIT_IMPL_H

#include "relay-registry/audit.h"

/* Of a record behind one with that hash; the two hashes may be one. */
void		 audit_hash(const char *, const struct audit_row *,
		    char [AUDIT_HASH_SIZE]);

/* "operator" ... */
const char	*audit_chain_name(enum audit_chain);

/* What the database says of a head; false: it has none. */
bool		 audit_read_head(struct registry *, enum audit_chain,
		    struct audit_head *);

#endif
