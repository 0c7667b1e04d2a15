/* SPDX-License-Identifier: ISC */

/*
 * A growing text, for JSON this process writes itself.  One is reused for
 * every message, so that the hot path does not allocate.
 */

#ifndef RELAY_ROUTER_TEXT_H
#define RELAY_ROUTER_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

struct text {
	char	*p;		/* owned, no NUL at the end */
	size_t	 len;
	size_t	 size;
};

/* Frees the memory; the struct is then empty and usable. */
void		 text_free(struct text *);

/* Appends; memory failure is fatal, for lengths are capped before. */
void		 text_put(struct text *, const char *, size_t);
void		 text_lit(struct text *, const char *);
void		 text_span(struct text *, struct span);
void		 text_int(struct text *, int64_t);

/*
 * Appends a JSON string, quotes included.  The bytes must be UTF-8; control
 * characters, quotes and backslashes are escaped (RFC 8259 section 7).
 */
void		 text_string(struct text *, struct span);
void		 text_cstring(struct text *, const char *);

/*
 * What was written, as a C string in memory that fits it exactly and is the
 * caller's to free; its length goes to the pointer, if that is not NULL.  The
 * text is empty again.
 */
char		*text_take(struct text *, size_t *);

/* What is in it, valid until the next append. */
static inline struct span
text_get(const struct text *t)
{
	struct span	 s = { t->len == 0 ? "" : t->p, t->len };

	return (s);
}

static inline void
text_reset(struct text *t)
{
	t->len = 0;
}

#endif /* RELAY_ROUTER_TEXT_H */
