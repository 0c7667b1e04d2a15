/* SPDX-License-Identifier: ISC */
/*
 * Messages of hostile peers to the keeper: see receiver_input.c.
 *
 * CONF_KEY and CONF_CERTIFICATE bring files of a P-256 key, or what
 * RECEIVER_OWN has said before: u8 which (of them the lowest bit counts: 0 key
 * 1 certificate), bytes.
 */
#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/keeper/keeper.h"
#include "tests/fuzz/pem.h"
#include "tests/fuzz/receiver.h"

#define FILE_MAX	4096

static struct keeper	keeper;

/* A file to come, once. */
static struct {
	size_t	len;		/* 0: none */
	uint8_t	data[FILE_MAX];
} own[2];

/* Made for this fuzzer, and known to all the world. */
static const char key_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgg01vouPANLP0UdGu\n"
    "Vdz+I5HLH7/C6uaxeiv943x6vDyhRANCAAQhHHlECdxfBodNyNuHeJwKf0TtJiQN\n"
    "7RhQwI+QAM6o4dLHwXQVAn9pMvIkSuZMezhAMUctK1HPaYBYCag5Ikl0\n"
    "-----END PRIVATE KEY-----\n";

static const char certificate_pem[] = FUZZ_CERTIFICATE;

static void
say_file(struct child *c, const uint8_t *data, size_t len)
{
	unsigned int	which;

	(void)c;
	if (len < 1 || len - 1 > FILE_MAX)
		return;
	which = data[0] & 1;
	own[which].len = len - 1;
	memcpy(own[which].data, data + 1, len - 1);
}

static int
file_of(const void *data, size_t len)
{
	int	fd = memfd_create("pem", MFD_CLOEXEC);

	if (fd == -1 || write(fd, data, len) != (ssize_t)len)
		abort();
	return (fd);
}

static int
give_file(struct child *c, unsigned int type)
{
	unsigned int	which = type == MSG_CONF_CERTIFICATE;
	size_t		len = own[which].len;

	(void)c;
	if (type != MSG_CONF_KEY && type != MSG_CONF_CERTIFICATE)
		return (-1);
	own[which].len = 0;
	if (len > 0)
		return (file_of(own[which].data, len));
	if (which == 1)
		return (file_of(certificate_pem, sizeof(certificate_pem) - 1));
	return (file_of(key_pem, sizeof(key_pem) - 1));
}

static void
feed_key(struct child *c, uint32_t index, bool server)
{
	const struct receiver_value	values[] = {
		{ "index", index, NULL }, { "server", server, NULL },
		{ "file", 0, "/file.pem" }
	};
	const struct receiver_value	key[] = { values[0], values[2] };

	receiver_feed(c, MSG_CONF_KEY, key, 2, give_file(c, MSG_CONF_KEY));
	receiver_feed(c, MSG_CONF_CERTIFICATE, values, 3,
	    give_file(c, MSG_CONF_CERTIFICATE));
}

/* A server's key, and a client's. */
static void
give(struct child *c, bool whole)
{
	own[0].len = own[1].len = 0;
	receiver_feed_node(c);
	if (!whole)
		return;
	feed_key(c, 0, true);
	feed_key(c, 1, false);
}

static bool
no_keys(const struct keygen *g)
{
	size_t	i;

	for (i = 0; i < LIMIT_KEYS; i++) {
		if (g->slots[i].key != NULL || g->slots[i].public != NULL)
			return (false);
	}
	return (true);
}

static bool
idle(const void *ctx)
{
	const struct keeper	*k = ctx;

	return (k->keys.next == NULL && no_keys(k->keys.cur) &&
	    no_keys(k->keys.prev) &&
	    evtimer_pending(k->turn, NULL) == 0);
}

const struct receiver	receiver = {
	.ctx = { &keeper, NULL },
	.peers = PROC_BIT(PROC_FRONTEND),
	.configure = give,
	.idle = idle,
	.make_fd = give_file,
	.own = say_file,
};
