/* SPDX-License-Identifier: ISC */
/*
 * Messages of hostile peers to the front-end, and bytes of hostile clients
 * and of a hostile Main behind an uplink: see receiver_input.c.
 *
 * RECEIVER_OWN is a client that connects to the listener given last, and what
 * it says at once.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <stdlib.h>
#include <unistd.h>

#include "relayd/frontend/frontend.h"
#include "relayd/frontend/keysign_impl.h"
#include "tests/fuzz/pem.h"
#include "tests/fuzz/receiver.h"

#define BACKLOG	8

static struct frontend		a_main, a_home;
static struct sockaddr_un	place;		/* of the last listener */
static socklen_t		place_len;

static int
unix_socket(void)
{
	int	fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		abort();
	return (fd);
}

/* It listens at an abstract address that the system chooses. */
static int
listener(void)
{
	int	fd = unix_socket();

	place.sun_family = AF_UNIX;
	place_len = sizeof(place.sun_family);
	if (bind(fd, (struct sockaddr *)&place, place_len) == -1 ||
	    listen(fd, BACKLOG) == -1)
		abort();
	place_len = sizeof(place);
	if (getsockname(fd, (struct sockaddr *)&place, &place_len) == -1)
		abort();
	return (fd);
}

/* Certificates and authorities are the parent's: always the same one. */
static int
certificate(void)
{
	static const char	pem[] = FUZZ_CERTIFICATE;
	const ssize_t		len = sizeof(pem) - 1;
	int			fd = memfd_create("pem", MFD_CLOEXEC);

	if (fd == -1 || write(fd, pem, (size_t)len) != len ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return (fd);
}

static int
make_fd(struct child *c, unsigned int type)
{
	(void)c;
	if (type == MSG_CONF_CERTIFICATE || type == MSG_CONF_CA)
		return (certificate());
	return (type == MSG_CONF_LISTENER ? listener() : -1);
}

static void
client(struct child *c, const uint8_t *data, size_t len)
{
	int	fd = unix_socket();

	/* It may be closed already, or its queue full. */
	if (connect(fd, (struct sockaddr *)&place, place_len) == -1) {
		close(fd);
		return;
	}
	(void)send(fd, data, len, MSG_NOSIGNAL);
	receiver_keep_fd(c, fd);
}

static void
give(struct child *c, bool whole)
{
	static const struct receiver_value	values[] = {
		{ "local", 1, NULL }, { "address", 0, "127.0.0.1:8080" }
	};
	static const struct receiver_value	origin[] = {
		{ "origin", 0, "https://app.example" }
	};
	struct frontend	*fe = receiver_ctx(c);

	receiver_feed_node(c);
	if (!whole)
		return;
	fe->ids.next = RECEIVER_ID;
	fe->tls.keysign->ids.next = 2 * RECEIVER_ID;
	receiver_feed(c, MSG_CONF_LISTENER, values, 2, listener());
	receiver_feed(c, MSG_CONF_ORIGIN, origin, 1, -1);
	if (child_role(c) == ROLE_HOME) {
		receiver_feed_uplink(c, 0, "main.example", 80);
		receiver_feed_uplink(c, 1, "::1", 8080);
	}
}

static bool
idle(const void *ctx)
{
	const struct frontend	*fe = ctx;
	struct keysign_stats	 ks;

	keysign_stats(fe->tls.keysign, &ks);
	return (ks.pending == 0 && fe->half.n == 0 && fe->nconns == 0 && fe->nlinks == 0 && fe->by_id.count == 0 &&
	    fe->by_session.count == 0 && fe->in_octets == 0 &&
	    fe->out_octets == 0 && fe->part_octets == 0 &&
	    TAILQ_EMPTY(&fe->quiet) && TAILQ_EMPTY(&fe->dirty) &&
	    TAILQ_EMPTY(&fe->dead) && TAILQ_EMPTY(&fe->parked));
}

const struct receiver	receiver = {
	.ctx = { &a_main, &a_home },
	.peers = PROC_BIT(PROC_DIALER) | PROC_BIT(PROC_ROUTER) |
	    PROC_BIT(PROC_KEEPER),
	.configure = give,
	.idle = idle,
	.make_fd = make_fd,
	.own = client,
};
