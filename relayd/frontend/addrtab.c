/* SPDX-License-Identifier: ISC */
/*
 * Connections by address: chained, with a keyed hash as strangers choose
 * their IPv6 addresses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/log.h"
#include "relayd/frontend/addrtab.h"

#define NETWORK		8	/* octets of an IPv6 network: RFC 4291 2.5.1 */

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0xff, 0xff };

void
addr_set(struct addr *a, const struct sockaddr *sa)
{
	const struct sockaddr_in	*sin = (const void *)sa;
	const struct sockaddr_in6	*sin6 = (const void *)sa;

	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET) {
		memcpy(a->ip, v4_prefix, sizeof(v4_prefix));
		memcpy(a->ip + 12, &sin->sin_addr, 4);
		a->port = ntohs(sin->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(a->ip, &sin6->sin6_addr, 16);
		a->port = ntohs(sin6->sin6_port);
	} else {
		a->local = true;
	}
}

const char *
addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	char	ip[INET6_ADDRSTRLEN];

	if (a->local)
		snprintf(buf, ADDR_TEXT_MAX, "unix");
	else if (memcmp(a->ip, v4_prefix, sizeof(v4_prefix)) == 0)
		snprintf(buf, ADDR_TEXT_MAX, "%u.%u.%u.%u:%u", a->ip[12],
		    a->ip[13], a->ip[14], a->ip[15], a->port);
	else
		snprintf(buf, ADDR_TEXT_MAX, "[%s]:%u", inet_ntop(AF_INET6,
		    a->ip, ip, sizeof(ip)), a->port);
	return (buf);
}

bool
addr_is_loopback(const struct addr *a)
{
	static const uint8_t	one[16] = { [15] = 1 };

	if (a->local)
		return (true);
	if (memcmp(a->ip, v4_prefix, sizeof(v4_prefix)) == 0)
		return (a->ip[12] == 127);
	return (memcmp(a->ip, one, sizeof(one)) == 0);
}

/* What is counted as one: who has an address of IPv6 has all its network. */
static void
counted(const struct addr *a, uint8_t ip[sizeof(a->ip)])
{
	memcpy(ip, a->ip, sizeof(a->ip));
	if (memcmp(ip, v4_prefix, sizeof(v4_prefix)) != 0)
		memset(ip + NETWORK, 0, sizeof(a->ip) - NETWORK);
}

/* The link that points to its count, or to NULL at the end of its chain. */
static struct addr_count **
find(struct addrtab *t, const struct addr *a)
{
	struct addr_count	**p;
	uint8_t			 ip[sizeof(a->ip)];

	counted(a, ip);
	p = &t->buckets[siphash13(t->key, ip, sizeof(ip)) % ADDRTAB_BUCKETS];
	while (*p != NULL && memcmp((*p)->ip, ip, sizeof(ip)) != 0)
		p = &(*p)->next;
	return (p);
}

bool
addrtab_enter(struct addrtab *t, const struct addr *a, unsigned max)
{
	struct addr_count	**p;

	if (a->local)
		return (true);
	p = find(t, a);
	if (*p == NULL) {
		*p = calloc(1, sizeof(**p));
		if (*p == NULL)
			fatal("out of memory for an address");
		counted(a, (*p)->ip);
	}
	if ((*p)->count >= max)
		return (false);
	(*p)->count++;
	return (true);
}

void
addrtab_leave(struct addrtab *t, const struct addr *a)
{
	struct addr_count	**p, *dead;

	if (a->local)
		return;
	p = find(t, a);
	if (*p == NULL || --(*p)->count > 0)
		return;
	dead = *p;
	*p = dead->next;
	free(dead);
}

bool
addrtab_half_enter(struct addrtab *t, const struct addr *a, unsigned max,
    unsigned *n)
{
	struct addr_count	*p;

	*n = 0;
	if (a->local)
		return (true);
	p = *find(t, a);
	if (p == NULL)
		return (true);
	*n = p->half;
	if (p->half >= max)
		return (false);
	*n = ++p->half;
	return (true);
}

void
addrtab_half_leave(struct addrtab *t, const struct addr *a)
{
	struct addr_count	*p;

	if (a->local)
		return;
	p = *find(t, a);
	if (p != NULL && p->half > 0)
		p->half--;
}
