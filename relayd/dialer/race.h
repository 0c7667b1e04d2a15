/* SPDX-License-Identifier: ISC */
/*
 * Happy Eyeballs (RFC 8305): the addresses of one host, the families taking
 * turns with IPv6 first, each with a head start of LIMIT_RACE_MS over the
 * next; the first that connects wins.  Pure: time is passed in.
 */
#ifndef DIALER_RACE_H
#define DIALER_RACE_H

#include <sys/socket.h>
#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/monotime.h"

union race_sockaddr {
	struct sockaddr		sa;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

enum runner { RUNNER_WAITING, RUNNER_STARTED, RUNNER_FAILED };

struct race {
	union race_sockaddr	addrs[LIMIT_DIAL_ADDRESSES];
	enum runner		runners[LIMIT_DIAL_ADDRESSES];
	size_t			n;
	struct monotime		next_at;	/* start of the next one */
	struct monotime		deadline;	/* of all */
};

enum race_do {
	RACE_DO_WAIT,
	RACE_DO_START,		/* connect to that address */
	RACE_DO_LOST,		/* all have failed, or there was none */
	RACE_DO_TIMEOUT
};

/* The deadline, LIMIT_DIAL_MS, starts now; the look-up counts too. */
void		race_init(struct race *, struct monotime);
/*
 * Add an IPv4 or IPv6 address with that port; others, repeated ones and those
 * beyond the cap are left out.
 */
void		race_add(struct race *, const struct sockaddr *, uint16_t);
/* All are there: put them in order. */
void		race_order(struct race *, struct monotime);
/* What to do now; *i is the address to start. */
enum race_do	race_poll(struct race *, struct monotime, size_t *);
/* An address that was started failed: the next may start at once. */
void		race_failed(struct race *, size_t, struct monotime);
/* How long until race_poll() may have something, in ms. */
int64_t		race_timer_ms(const struct race *, struct monotime);

/* Bytes to connect(2) to, and "192.0.2.1:80" or "[::1]:80". */
socklen_t	race_len(const union race_sockaddr *);
void		race_name(const union race_sockaddr *, char *, size_t);

#endif
