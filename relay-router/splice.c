/* SPDX-License-Identifier: ISC */

/*
 * Writing a message on with a few values replaced (envelope.h).
 */

#include <string.h>

#include "relay-router/envelope.h"

void
splice_init(struct splice *s, const struct envelope *e)
{
	s->e = e;
	s->size = e->close + 1;
	s->nedits = 0;
	s->nadds = 0;
}

void
splice_swap(struct splice *s, const struct json_span *old, struct span text)
{
	uint32_t	 off = (uint32_t)(old->p - s->e->text);
	unsigned int	 i;

	if (s->nedits == SPLICE_EDITS)
		return;
	for (i = s->nedits++; i > 0 && s->edit[i - 1].off > off; i--)
		s->edit[i] = s->edit[i - 1];
	s->edit[i].off = off;
	s->edit[i].cut = old->len;
	s->edit[i].text = text;
	s->size += text.len - old->len;
}

/* What an added member takes besides its key and value: ,"": */
#define ADD_OVERHEAD	4

void
splice_set(struct splice *s, enum env_key key, struct span text)
{
	if (s->e->seen & (1U << key)) {
		splice_swap(s, &s->e->val[key], text);
		return;
	}
	if (s->nadds == SPLICE_EDITS)
		return;
	s->size += strlen(env_key_name(key)) + text.len + ADD_OVERHEAD;
	if (s->e->empty && s->nadds == 0)
		s->size--;
	s->add[s->nadds].key = key;
	s->add[s->nadds].text = text;
	s->nadds++;
}

static char *
put(char *dst, const char *src, size_t len)
{
	memcpy(dst, src, len);
	return (dst + len);
}

char *
splice_write(const struct splice *s, char *dst)
{
	const char	*name;
	uint32_t	 at = 0;
	unsigned int	 i;

	for (i = 0; i < s->nedits; i++) {
		dst = put(dst, s->e->text + at, s->edit[i].off - at);
		dst = put(dst, s->edit[i].text.p, s->edit[i].text.len);
		at = s->edit[i].off + s->edit[i].cut;
	}
	dst = put(dst, s->e->text + at, s->e->close - at);
	for (i = 0; i < s->nadds; i++) {
		name = env_key_name(s->add[i].key);
		if (i > 0 || !s->e->empty)
			*dst++ = ',';
		*dst++ = '"';
		dst = put(dst, name, strlen(name));
		*dst++ = '"';
		*dst++ = ':';
		dst = put(dst, s->add[i].text.p, s->add[i].text.len);
	}
	*dst++ = '}';
	return (dst);
}
