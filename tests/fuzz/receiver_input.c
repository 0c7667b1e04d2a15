/* SPDX-License-Identifier: ISC */
/*
 * Liars around one process: any sequence of messages from its parent and its
 * peers to the handlers of the real program.
 *
 * Input: u8 flags (bit 0: on a home), then messages, each u8 how, u16 type,
 * u16 length, payload, little-endian.  how: bits 0 to 2 are the sender, bits
 * 4 to 6 how much later it is, bit 7 turns the loop after it.  The type is a
 * hash of the message's name, so that a corpus outlives a change of the
 * table, or one of enum receiver_special; any other stands for some message
 * too.  Eight bytes made of u8 n and "relayid", where a message has an id,
 * become the n-th id that the process has given out during this input.
 *
 * Whatever comes: no crash, no fatal(), nothing sent that the message table
 * refuses, and nothing left when the peers are gone: no memory, no fd.
 *
 * The clock is the input's, also for libevent, so that one input does the same
 * each time; libFuzzer must be bounded by -runs, not by time.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/receiver_impl.h"

#define MESSAGES_MAX	64	/* of one input */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
is_sender(enum proc_id from)
{
	return (from == PROC_PARENT ||
	    (from < PROC_MAX && (receiver.peers & PROC_BIT(from)) != 0));
}

/* FNV-1a of the name, its halves put together. */
static uint16_t
name_code(const char *name)
{
	uint32_t	h = 0x811c9dc5;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x01000193;
	return ((uint16_t)(h >> 16 ^ h));
}

static unsigned int
type_of(uint16_t code)
{
	static uint16_t	codes[MSG_MAX];
	unsigned int	type;

	if (code >= RECEIVER_SPECIAL)
		return (code);
	for (type = 1; type < MSG_MAX; type++) {
		if (codes[type] == 0)
			codes[type] = name_code(msg_name(type));
		if (codes[type] == code)
			return (type);
	}
	return (code % MSG_MAX);
}

/* The sender of what is malformed ends, and is started anew. */
static bool
take(struct child *c, const struct receiver_message *m)
{
	const struct receiver_message	end = { .from = m->from,
	    .type = RECEIVER_END_PEER };

	if (receiver_take(c, m))
		return (true);
	return (m->from != PROC_PARENT && receiver_take(c, &end));
}

/* One message; false when the process would have ended. */
static bool
one(struct child *c, uint8_t how, unsigned int type, const uint8_t *p,
    size_t len)
{
	static const int16_t	later_ms[] = {
		0, 0, 0, 0, 10, 600, 2000, 16000
	};
	struct receiver_message		m = { .from = how & 7, .type = type,
	    .len = len };
	bool			good;

	if ((how & 0x40) != 0)
		receiver_later(c, later_ms[how >> 4 & 7]);
	/* Exactly as large, for a sanitizer to see what is behind. */
	if ((m.data = malloc(len > 0 ? len : 1)) == NULL)
		abort();
	memcpy(m.data, p, len);
	good = !is_sender(m.from) || take(c, &m);
	free(m.data);
	if ((how & 0x80) != 0)
		receiver_turn(c);
	return (good);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t	*p = data + 1, *end = data + size;
	struct child	*c;
	size_t		 len;
	bool		 good = true;
	int		 n;

	if (size < 1)
		return (0);
	c = receiver_start(data[0] & 1);
	for (n = 0; good && end - p >= 5 && n < MESSAGES_MAX; n++) {
		len = (size_t)rx_load_le(p + 3, 2);
		if (len > (size_t)(end - p) - 5)
			len = (size_t)(end - p) - 5;
		good = one(c, p[0], type_of((uint16_t)rx_load_le(p + 1, 2)),
		    p + 5, len);
		p += 5 + len;
	}
	receiver_end(c);
	return (0);
}
