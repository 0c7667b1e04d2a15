/* SPDX-License-Identifier: ISC */
/* See channel_fixture.h. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/ipc/rig.h"
#include "tests/unit/channel_fixture.h"
#include "tests/unit/suite.h"

static void
add_message(struct stream *s, unsigned int type, const void *payload,
    size_t len, int fd)
{
	if (fd != -1)
		s->parts[s->n_parts++] = (struct part){ s->len, fd };
	s->len += rig_header(s->bytes + s->len, type, (uint32_t)len,
	    fd == -1 ? 0 : RIG_FLAG_FD);
	memcpy(s->bytes + s->len, payload, len);
	s->len += len;
	s->n_messages++;
}

void
make_stream(struct stream *s)
{
	static const char text[] = "\x01\x02\x03\x04\x05\x06\x07\x08"
	    "some payload of some length";
	int fds[2], i;

	memset(s, 0, sizeof(*s));
	add_message(s, MSG_CONF_BEGIN, text, 4, -1);
	add_message(s, MSG_CONF_NODE, text, 30, -1);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		add_message(s, MSG_CONF_LISTENER, text, 9 + (size_t)i, fds[0]);
		add_message(s, MSG_CONF_ORIGIN, text, 2 + (size_t)i, -1);
		ck_assert_int_eq(close(fds[1]), 0);
	}
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	add_message(s, MSG_PEER_FD, text, 1, fds[0]);
	add_message(s, MSG_CONF_LISTENER, text, 12, fds[1]);
	add_message(s, MSG_CONF_UPLINK, text, 23, -1);
	add_message(s, MSG_CONF_END, text, 4, -1);
}

void
free_stream(struct stream *s)
{
	size_t i;

	for (i = 0; i < s->n_parts; i++)
		close(s->parts[i].fd);
}

void
send_range(struct rig *rig, const struct stream *s, size_t from, size_t to)
{
	size_t i, end;
	int fd;

	while (from < to) {
		end = to;
		fd = -1;
		for (i = 0; i < s->n_parts; i++) {
			if (s->parts[i].at == from)
				fd = s->parts[i].fd;
			else if (s->parts[i].at > from && s->parts[i].at < end)
				end = s->parts[i].at;
		}
		rig_send(rig, s->bytes + from, end - from, &fd, fd != -1);
		from = end;
	}
}

void
assert_stream(const struct rig *rig, const struct stream *s)
{
	const struct rig_record *r = rig->records;
	size_t i, pos = 0, len, part = 0;
	unsigned int type;

	ck_assert_uint_eq(rig->faults, 0);
	ck_assert_uint_eq(rig->n_records, s->n_messages);
	for (i = 0; i < s->n_messages; i++, r++) {
		len = s->bytes[pos];
		type = s->bytes[pos + 4];
		ck_assert_uint_eq(r->type, type);
		ck_assert_uint_eq(r->len, len);
		ck_assert_uint_eq(r->sum, rig_sum(s->bytes + pos + RIG_HEADER,
		    len));
		if (part < s->n_parts && s->parts[part].at == pos)
			ck_assert_uint_eq(r->ino,
			    rig_ino(s->parts[part++].fd));
		else
			ck_assert_uint_eq(r->ino, 0);
		pos += RIG_HEADER + len;
	}
}

void
duo_open(struct duo *d, enum proc_id from, enum proc_id to)
{
	rig_open(&d->to, to, from, PHASE_RUN);
	rig_open(&d->from, from, to, PHASE_RUN);
	channel_free(d->from.ch);
	close(d->from.raw);
	d->from.ch = channel_new(d->from.base, d->to.raw, from, to, PHASE_RUN,
	    &d->from.ops, &d->from);
	ck_assert_ptr_nonnull(d->from.ch);
	d->from.raw = d->to.raw = -1;
}

void
duo_close(struct duo *d)
{
	rig_close(&d->from);
	rig_close(&d->to);
}

int
commit_view(struct channel *ch, size_t len)
{
	struct wire_put *w;
	uint8_t *p;

	w = channel_begin(ch, MSG_VIEW_REPLY);
	put_u64(w, 1);
	put_u16(w, 200);
	if ((p = put_bytes_reserve(w, len)) != NULL)
		memset(p, 'x', len);
	return (channel_commit(ch));
}
