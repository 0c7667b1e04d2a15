/* SPDX-License-Identifier: ISC */
/* Addresses of the other side, and how many connections each has.  Pure. */
#ifndef FRONTEND_ADDRTAB_H
#define FRONTEND_ADDRTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/hash.h"

#define ADDR_TEXT_MAX	64	/* octets of addr_text(), with the NUL */
#define ADDRTAB_BUCKETS	4096

/* An IP address (IPv4 as ::ffff:a.b.c.d) and port, or a unix socket. */
struct addr {
	uint8_t		ip[16];		/* network order */
	uint16_t	port;
	bool		local;		/* unix socket: no ip, no port */
};

struct addr_count {
	struct addr_count	*next;
	uint8_t			 ip[16];	/* IPv6: its network, /64 */
	unsigned		 count;
	unsigned		 half;	/* of these, that are half open */
};

struct addrtab {
	uint8_t			 key[HASH_KEY_LEN];	/* secret, random */
	struct addr_count	*buckets[ADDRTAB_BUCKETS];
};

/* From what accept() gave; any family but IP counts as a unix socket. */
void	 addr_set(struct addr *, const struct sockaddr *);
/* "1.2.3.4:567", "[2001:db8::1]:567" or "unix". */
const char *addr_text(const struct addr *, char [ADDR_TEXT_MAX]);
/* 127.0.0.0/8, ::1 or a unix socket. */
bool	 addr_is_loopback(const struct addr *);

/*
 * Count one more connection, unless there are max already (then false).
 * Addresses of one IPv6 network (/64) count as one; unix sockets do not count.
 */
bool	 addrtab_enter(struct addrtab *, const struct addr *, unsigned max);
/* One less. */
void	 addrtab_leave(struct addrtab *, const struct addr *);

/*
 * One of those that were counted is half open: its handshake or first request
 * has only begun.  As above, up to max; *n is how many there are then.
 */
bool	 addrtab_half_enter(struct addrtab *, const struct addr *,
	    unsigned max, unsigned *n);
void	 addrtab_half_leave(struct addrtab *, const struct addr *);

#endif
