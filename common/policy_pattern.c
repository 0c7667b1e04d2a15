/* SPDX-License-Identifier: ISC */
/* Patterns of names; see policy_priv.h. */
#include <string.h>

#include "common/policy_priv.h"

struct pattern
pattern_make(const char *p, size_t len)
{
	struct pattern pat = { .p = p, .len = (uint16_t)len };

	while (pat.head < len && p[pat.head] != '*')
		pat.head++;
	pat.exact = pat.head == len;
	if (pat.exact)
		return (pat);
	while (p[len - 1 - pat.tail] != '*')
		pat.tail++;
	pat.any = strspn(p, "*") >= len;
	return (pat);
}

/*
 * The texts between stars, each at the first place it is found at: what is
 * left for the next ones is then the most it can be.
 */
static bool
match_middle(const char *p, const char *end, struct span s)
{
	const char *star, *at;
	size_t len;

	while (p < end) {
		if (*p == '*') {
			p++;
			continue;
		}
		star = memchr(p, '*', (size_t)(end - p));
		len = (size_t)((star != NULL ? star : end) - p);
		if ((at = memmem(s.p, s.len, p, len)) == NULL)
			return (false);
		at += len;
		s.len -= (size_t)(at - s.p);
		s.p = at;
		p += len;
	}
	return (true);
}

static bool
same(const char *a, const char *b, size_t len)
{
	return (len == 0 || memcmp(a, b, len) == 0);
}

bool
pattern_match(const struct pattern *pat, struct span s)
{
	if (pat->any)
		return (true);
	if (pat->exact)
		return (s.len == pat->len && same(s.p, pat->p, s.len));
	if (s.len < (size_t)pat->head + pat->tail ||
	    !same(s.p, pat->p, pat->head) ||
	    !same(s.p + s.len - pat->tail, pat->p + pat->len - pat->tail,
	    pat->tail))
		return (false);
	s.p += pat->head;
	s.len -= (size_t)pat->head + pat->tail;
	return (match_middle(pat->p + pat->head,
	    pat->p + pat->len - pat->tail, s));
}

/*
 * A star of b can be a byte that a has not, which only a star of a matches;
 * and what a star of a matches can be any other text as well.  So b as a text
 * in which its stars are such a byte decides: patterns have no other stars,
 * so that the star itself serves.
 */
bool
pattern_covers(const struct pattern *a, const struct pattern *b)
{
	if (a->exact)
		return (a->len == b->len && same(a->p, b->p, a->len));
	return (pattern_match(a, (struct span){ b->p, b->len }));
}

struct node_pattern
node_pattern_make(const char *p, enum policy_who who)
{
	const char *at = who == WHO_HOME ? strchr(p, '@') : NULL;
	struct node_pattern np;

	np.at = at != NULL;
	np.id = pattern_make(p, at != NULL ? (size_t)(at - p) : strlen(p));
	np.main = pattern_make(at != NULL ? at + 1 : "",
	    at != NULL ? strlen(at + 1) : 0);
	return (np);
}

/* Without a main it is of homes here, whose Main has a name nobody knows. */
bool
node_pattern_covers(const struct node_pattern *a, const struct node_pattern *b)
{
	if (!pattern_covers(&a->id, &b->id))
		return (false);
	if (!b->at)
		return (!a->at || a->main.any);
	return (a->at && pattern_covers(&a->main, &b->main));
}
