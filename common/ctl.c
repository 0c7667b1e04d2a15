/* SPDX-License-Identifier: ISC */
/* See ctl.h. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/ctl.h"

void
ctl_row_begin(struct ctl_row *row, struct channel *ch, uint64_t request,
    const char *section)
{
	row->ch = ch;
	row->request = request;
	row->section = section;
	row->count = 0;
	wire_put_init(&row->fields, row->buf, sizeof(row->buf));
}

static void
put_field(struct ctl_row *row, const char *name, enum ctl_type type,
    const char *value)
{
	put_str(&row->fields, name);
	put_u8(&row->fields, (uint8_t)type);
	put_str(&row->fields, value);
	row->count++;
}

void
ctl_text(struct ctl_row *row, const char *name, const char *value)
{
	char cut[CTL_TEXT_MAX + 1];

	if (strlcpy(cut, value, sizeof(cut)) >= sizeof(cut))
		memcpy(cut + CTL_TEXT_MAX - 3, "...", 4);
	put_field(row, name, CTL_TEXT, cut);
}

void
ctl_number(struct ctl_row *row, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	put_field(row, name, CTL_NUMBER, text);
}

void
ctl_bool(struct ctl_row *row, const char *name, bool value)
{
	put_field(row, name, CTL_BOOL, value ? "true" : "false");
}

void
ctl_row_end(struct ctl_row *row)
{
	struct wire_put *w;

	w = channel_begin(row->ch, MSG_CTL_ROW);
	put_u64(w, row->request);
	put_str(w, row->section);
	put_u16(w, row->count);
	put_raw(w, row->buf, row->fields.len);
	w->bad |= row->fields.bad;
	(void)channel_commit(row->ch);
}

void
ctl_end(struct channel *ch, uint64_t request, enum ctl_status status,
    const char *text)
{
	struct wire_put *w;

	w = channel_begin(ch, MSG_CTL_END);
	put_u64(w, request);
	put_u8(w, (uint8_t)status);
	put_str(w, text);
	(void)channel_commit(ch);
}

void
ctl_channel_row(struct channel *to, uint64_t request, enum proc_id self,
    const struct channel *ch)
{
	const struct channel_stats *s = channel_stats(ch);
	struct ctl_row row;

	ctl_row_begin(&row, to, request, "channels");
	ctl_text(&row, "process", proc_name(self));
	ctl_text(&row, "peer", proc_name(channel_peer(ch)));
	ctl_number(&row, "messages_in", (int64_t)s->msgs_in);
	ctl_number(&row, "messages_out", (int64_t)s->msgs_out);
	ctl_number(&row, "bytes_in", (int64_t)s->bytes_in);
	ctl_number(&row, "bytes_out", (int64_t)s->bytes_out);
	ctl_number(&row, "receives", (int64_t)s->recvs);
	ctl_number(&row, "sends", (int64_t)s->sends);
	ctl_number(&row, "refused", (int64_t)s->refused);
	ctl_number(&row, "queued_bytes", (int64_t)s->queued);
	ctl_number(&row, "queued_max_bytes", (int64_t)s->queued_max);
	ctl_row_end(&row);
}
