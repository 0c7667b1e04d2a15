/* SPDX-License-Identifier: ISC */
/* What a process sends, and the ids in it: see receiver.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/receiver_impl.h"

/* --- ids --- */

uint64_t
rx_load_le(const uint8_t *p, size_t n)
{
	uint64_t	v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return (v);
}

static bool
has_id(const struct ids *ids, uint64_t id)
{
	size_t	i;

	for (i = 0; i < ids->n; i++) {
		if (ids->id[i] == id)
			return (true);
	}
	return (false);
}

static void
add_id(struct ids *ids, uint64_t id)
{
	if (ids->n < IDS_MAX)
		ids->id[ids->n++] = id;
}

/* What it was told by others it does not give out. */
static void
note_given(struct child *c, unsigned int type, const uint8_t *payload)
{
	const struct id_fields	*f = rx_id_fields(type);
	uint64_t		 id;
	size_t			 i;

	for (i = 0; i < f->n; i++) {
		id = rx_load_le(payload + f->at[i], 8);
		if (id != 0 && !has_id(&c->heard, id) &&
		    !has_id(&c->given, id))
			add_id(&c->given, id);
	}
}

void
rx_put_ids(struct child *c, const struct receiver_message *m)
{
	const struct id_fields	*f = rx_id_fields(m->type);
	uint8_t			*p;
	uint64_t		 id;
	size_t			 i, j;

	for (i = 0; i < f->n && f->at[i] + 8 <= m->len; i++) {
		p = m->data + f->at[i];
		id = receiver_id(c, p[0]);
		if (memcmp(p + 1, "relayid", 7) == 0 && id != 0) {
			for (j = 0; j < 8; j++)
				p[j] = (uint8_t)(id >> 8 * j);
		}
		id = rx_load_le(p, 8);
		if (!has_id(&c->given, id) && !has_id(&c->heard, id))
			add_id(&c->heard, id);
	}
}

uint64_t
receiver_id(const struct child *c, size_t n)
{
	return (n < c->given.n ? c->given.id[n] : 0);
}

/* --- what the process sends --- */

/* The begin of a frame is there: remember ids that an answer names. */
static void
note_frame(struct child *c, enum proc_id to, struct end *e)
{
	unsigned int	type = (unsigned int)rx_load_le(e->frame + 4, 2);

	if (msg_check(type, c->ops->self, to, PHASE_RUN,
	    (uint32_t)rx_load_le(e->frame, 4), e->frame[6] & 1) != NULL)
		abort();
	note_given(c, type, e->frame + FRAME_HEADER);
}

/* How much of a frame is looked at: all of its header at first. */
static size_t
frame_want(const struct end *e)
{
	const size_t	max = FRAME_SEEN - FRAME_HEADER;
	uint64_t	len;

	if (e->n_frame < FRAME_HEADER)
		return (FRAME_HEADER);
	len = rx_load_le(e->frame, 4);
	return (FRAME_HEADER + (len < max ? (size_t)len : max));
}

void
rx_take_bytes(struct child *c, enum proc_id to, const uint8_t *p, size_t len)
{
	struct end	*e = &c->ends[to];
	size_t		 n;

	while (len > 0) {
		n = e->skip > 0 ? e->skip : frame_want(e) - e->n_frame;
		if (n > len)
			n = len;
		if (e->skip > 0)
			e->skip -= n;
		else {
			memcpy(e->frame + e->n_frame, p, n);
			e->n_frame += n;
		}
		p += n;
		len -= n;
		if (e->n_frame >= FRAME_HEADER &&
		    e->n_frame == frame_want(e)) {
			note_frame(c, to, e);
			e->skip = FRAME_HEADER + rx_load_le(e->frame, 4) -
			    e->n_frame;
			e->n_frame = 0;
		}
	}
}
