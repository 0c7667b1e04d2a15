/* SPDX-License-Identifier: ISC */
/*
 * Messages of hostile peers to the dialer, and a network that does as the
 * input says: see receiver_input.c.
 *
 * No name server is asked.  RECEIVER_OWN ends a look-up: u8 which of those
 * under way, u8 error (evutil's, as a positive number), addresses with a
 * space between them.  Nothing is connected to: of the last digit of an
 * address the two low bits say what becomes of it, see __wrap_connect().
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/dialer/dialer.h"
#include "tests/fuzz/receiver.h"

#define ADDRESSES_MAX	20	/* of one answer: more than a race takes */

int	__wrap_socket(int, int, int);
int	__wrap_connect(int, const struct sockaddr *, socklen_t);

static struct dialer	 a_main, a_home;
static struct child	*present;	/* whose turn it is */

/* --- name servers --- */

struct evdns_getaddrinfo_request {
	TAILQ_ENTRY(evdns_getaddrinfo_request) entry;
	evdns_getaddrinfo_cb	 done;
	void			*arg;
};

struct evdns_base {
	int	 dummy;
};

/* An answer, one list. */
struct addresses {
	struct evutil_addrinfo	 info[ADDRESSES_MAX];
	union race_sockaddr	 addr[ADDRESSES_MAX];
	size_t			 n;
};

static struct evdns_base	 the_base;
static TAILQ_HEAD(, evdns_getaddrinfo_request) requests =
    TAILQ_HEAD_INITIALIZER(requests);

struct evdns_base *
evdns_base_new(struct event_base *base, int flags)
{
	(void)base;
	(void)flags;
	return (&the_base);
}

void
evdns_base_free(struct evdns_base *base, int fail_requests)
{
	(void)base;
	(void)fail_requests;
}

int
evdns_base_resolv_conf_parse(struct evdns_base *base, int flags,
    const char *path)
{
	(void)base;
	(void)flags;
	(void)path;
	return (0);
}

int
evdns_base_set_option(struct evdns_base *base, const char *name,
    const char *value)
{
	(void)base;
	(void)name;
	(void)value;
	return (0);
}

/* An empty name has its answer before this returns, as evdns does it. */
struct evdns_getaddrinfo_request *
evdns_getaddrinfo(struct evdns_base *base, const char *name,
    const char *service, const struct evutil_addrinfo *hints,
    evdns_getaddrinfo_cb done, void *arg)
{
	struct evdns_getaddrinfo_request	*r;

	(void)base;
	(void)service;
	(void)hints;
	if (name[0] == '\0') {
		done(EVUTIL_EAI_NONAME, NULL, arg);
		return (NULL);
	}
	if ((r = calloc(1, sizeof(*r))) == NULL)
		abort();
	r->done = done;
	r->arg = arg;
	TAILQ_INSERT_TAIL(&requests, r, entry);
	return (r);
}

static void
on_cancelled(evutil_socket_t fd, short what, void *arg)
{
	struct evdns_getaddrinfo_request	*r = arg;

	(void)fd;
	(void)what;
	r->done(EVUTIL_EAI_CANCEL, NULL, r->arg);
	free(r);
}

/* It is told when the loop turns. */
void
evdns_getaddrinfo_cancel(struct evdns_getaddrinfo_request *r)
{
	static const struct timeval	now;

	TAILQ_REMOVE(&requests, r, entry);
	if (event_base_once(child_base(present), -1, EV_TIMEOUT, on_cancelled,
	    r, &now) == -1)
		abort();
}

/* The list is part of struct addresses. */
void
evutil_freeaddrinfo(struct evutil_addrinfo *info)
{
	(void)info;
}

static bool
add_address(struct addresses *as, const char *text)
{
	union race_sockaddr	*a = &as->addr[as->n];
	struct evutil_addrinfo	*info = &as->info[as->n];

	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1)
		a->sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1)
		a->sa.sa_family = AF_INET6;
	else
		return (false);
	memset(info, 0, sizeof(*info));
	info->ai_family = a->sa.sa_family;
	info->ai_addr = &a->sa;
	info->ai_addrlen = race_len(a);
	if (as->n > 0)
		as->info[as->n - 1].ai_next = info;
	as->n++;
	return (true);
}

static void
answer_lookup(struct child *c, const uint8_t *data, size_t len)
{
	struct evdns_getaddrinfo_request	*r;
	struct addresses			 as;
	char					 text[512], *p = text, *one;
	size_t					 i;

	(void)c;
	if (len < 2)
		return;
	r = TAILQ_FIRST(&requests);
	for (i = 0; i < data[0] && r != NULL; i++)
		r = TAILQ_NEXT(r, entry);
	if (r == NULL)
		return;
	i = len - 2 < sizeof(text) ? len - 2 : sizeof(text) - 1;
	memcpy(text, data + 2, i);
	text[i] = '\0';
	as.n = 0;
	while ((one = strsep(&p, " ")) != NULL && as.n < ADDRESSES_MAX)
		(void)add_address(&as, one);
	TAILQ_REMOVE(&requests, r, entry);
	if (data[1] != 0 || as.n == 0)
		r->done(data[1] != 0 ? -(int)data[1] : EVUTIL_EAI_NODATA,
		    NULL, r->arg);
	else
		r->done(0, as.info, r->arg);
	free(r);
}

/* --- the network --- */

int
__wrap_socket(int family, int type, int protocol)
{
	(void)family;
	(void)type;
	(void)protocol;
	return (receiver_socket(present));
}

/*
 * 0: it connects; 1: it refuses at once; 2: it never answers; 3: it refuses
 * later.  A pipe's reading end is never ready to write, and no socket.
 */
int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	const uint8_t	*p = (const uint8_t *)sa;
	int		 fds[2], digit;

	digit = sa->sa_family == AF_INET ? p[7] :
	    ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr[15];
	(void)len;
	switch (digit & 3) {
	case 0:
		break;
	case 1:
		errno = ECONNREFUSED;
		return (-1);
	default:
		if (pipe(fds) == -1 || dup3(fds[0], fd, O_CLOEXEC) == -1)
			abort();
		close(fds[0]);
		if ((digit & 3) == 2)
			receiver_keep_fd(present, fds[1]);
		else
			close(fds[1]);
		break;
	}
	errno = EINPROGRESS;
	return (-1);
}

/* --- the program --- */

static void
feed_endpoint(struct child *c, uint32_t service, const char *host)
{
	const struct receiver_value	values[] = {
		{ "service", service, NULL }, { "host", 0, host },
		{ "port", 8080, NULL }
	};

	receiver_feed(c, MSG_CONF_ENDPOINT, values, 3, -1);
}

static void
give(struct child *c, bool whole)
{
	struct dialer	*d = receiver_ctx(c);

	present = c;
	receiver_feed_node(c);
	if (!whole)
		return;
	d->attempts.next = RECEIVER_ID;
	if (child_role(c) == ROLE_MAIN)
		return;
	receiver_feed_uplink(c, 0, "one.example", 443);
	receiver_feed_uplink(c, 1, "two.example", 80);
	feed_endpoint(c, 1, "web.example");
	feed_endpoint(c, 2, "127.0.0.8");
	feed_endpoint(c, 3, "localhost");
}

static bool
idle(const void *ctx)
{
	const struct dialer	*d = ctx;

	return (TAILQ_EMPTY(&requests) && TAILQ_EMPTY(&d->errands) &&
	    d->resolver.lookups == 0);
}

const struct receiver	receiver = {
	.ctx = { &a_main, &a_home },
	.peers = PROC_BIT(PROC_FRONTEND) | PROC_BIT(PROC_BACKEND),
	.configure = give,
	.idle = idle,
	.own = answer_lookup,
};
