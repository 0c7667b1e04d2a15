/* SPDX-License-Identifier: ISC */
/* See race.h. */
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "relayd/dialer/race.h"

void
race_init(struct race *r, struct monotime now)
{
	memset(r, 0, sizeof(*r));
	r->next_at = now;
	r->deadline = monotime_add_ms(now, LIMIT_DIAL_MS);
}

socklen_t
race_len(const union race_sockaddr *a)
{
	return (a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in));
}

void
race_name(const union race_sockaddr *a, char *buf, size_t size)
{
	char	text[INET6_ADDRSTRLEN] = "";
	bool	v6 = a->sa.sa_family == AF_INET6;

	inet_ntop(a->sa.sa_family, v6 ? (const void *)&a->in6.sin6_addr :
	    (const void *)&a->in.sin_addr, text, sizeof(text));
	snprintf(buf, size, v6 ? "[%s]:%u" : "%s:%u", text,
	    (unsigned int)ntohs(v6 ? a->in6.sin6_port : a->in.sin_port));
}

/* The address alone, without what a resolver may leave in other fields. */
static bool
take_address(union race_sockaddr *a, const struct sockaddr *sa, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET) {
		memcpy(&a->in, sa, sizeof(a->in));
		memset(a->in.sin_zero, 0, sizeof(a->in.sin_zero));
		a->in.sin_port = htons(port);
		return (true);
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&a->in6, sa, sizeof(a->in6));
		a->in6.sin6_port = htons(port);
		a->in6.sin6_flowinfo = 0;
		return (true);
	}
	return (false);
}

void
race_add(struct race *r, const struct sockaddr *sa, uint16_t port)
{
	union race_sockaddr	a;
	size_t			i;

	if (r->n == LIMIT_DIAL_ADDRESSES || !take_address(&a, sa, port))
		return;
	for (i = 0; i < r->n; i++) {
		if (memcmp(&r->addrs[i], &a, sizeof(a)) == 0)
			return;
	}
	r->addrs[r->n++] = a;
}

/* The next address of a family from *i on, or n. */
static size_t
next_of(const struct race *r, int family, size_t i)
{
	while (i < r->n && r->addrs[i].sa.sa_family != family)
		i++;
	return (i);
}

void
race_order(struct race *r, struct monotime now)
{
	union race_sockaddr	sorted[LIMIT_DIAL_ADDRESSES];
	size_t			n = 0, six, four;

	six = next_of(r, AF_INET6, 0);
	four = next_of(r, AF_INET, 0);
	while (n < r->n) {
		if (six < r->n) {
			sorted[n++] = r->addrs[six];
			six = next_of(r, AF_INET6, six + 1);
		}
		if (four < r->n) {
			sorted[n++] = r->addrs[four];
			four = next_of(r, AF_INET, four + 1);
		}
	}
	memcpy(r->addrs, sorted, n * sizeof(sorted[0]));
	r->next_at = now;
}

enum race_do
race_poll(struct race *r, struct monotime now, size_t *out)
{
	size_t	i, failed = 0;

	if (monotime_reached(r->deadline, now))
		return (RACE_DO_TIMEOUT);
	for (i = 0; i < r->n && r->runners[i] != RUNNER_WAITING; i++)
		failed += r->runners[i] == RUNNER_FAILED;
	if (i == r->n)
		return (failed == r->n ? RACE_DO_LOST : RACE_DO_WAIT);
	if (!monotime_reached(r->next_at, now))
		return (RACE_DO_WAIT);
	r->runners[i] = RUNNER_STARTED;
	r->next_at = monotime_add_ms(now, LIMIT_RACE_MS);
	*out = i;
	return (RACE_DO_START);
}

void
race_failed(struct race *r, size_t i, struct monotime now)
{
	r->runners[i] = RUNNER_FAILED;
	r->next_at = now;
}

int64_t
race_timer_ms(const struct race *r, struct monotime now)
{
	struct monotime	at = r->deadline;
	size_t		i;

	for (i = 0; i < r->n; i++) {
		if (r->runners[i] == RUNNER_WAITING &&
		    monotime_diff_ms(r->next_at, at) < 0)
			at = r->next_at;
	}
	return (monotime_reached(at, now) ? 0 : monotime_diff_ms(at, now));
}
