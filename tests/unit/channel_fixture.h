/* SPDX-License-Identifier: ISC */
/* A stream of messages, and two channels against each other. */
#ifndef TESTS_UNIT_CHANNEL_FIXTURE_H
#define TESTS_UNIT_CHANNEL_FIXTURE_H

#include "tests/ipc/rig.h"

/* A part of a stream that leaves in one send, with an fd or -1. */
struct part {
	size_t	at;
	int	fd;
};

struct stream {
	uint8_t		bytes[4096];
	size_t		len;
	struct part	parts[16];	/* where messages with fds begin */
	size_t		n_parts;
	size_t		n_messages;
};

struct duo {
	struct rig	from;
	struct rig	to;
};

/* What a parent sends a front-end, with and without fds, also in a row. */
void	make_stream(struct stream *);
void	free_stream(struct stream *);
/* Send bytes [from, to) in as few sends as their fds allow. */
void	send_range(struct rig *, const struct stream *, size_t, size_t);
/* The same messages with the same fds came, whatever the cuts were. */
void	assert_stream(const struct rig *, const struct stream *);

/* The raw end of one rig becomes the channel of the other. */
void	duo_open(struct duo *, enum proc_id, enum proc_id);
void	duo_close(struct duo *);
/* Commit a message of len bytes of payload; VIEW_REPLY is bulk. */
int	commit_view(struct channel *, size_t);

#endif
