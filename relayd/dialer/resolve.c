/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses without blocking: numbers and localhost here, the rest
 * by evdns with the system's hosts file and name servers, asked anew each
 * time.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/dialer/dialer.h"

#define RESOLV_CONF	"/etc/resolv.conf"
#define HOSTS		"/etc/hosts"

struct lookup {
	struct resolver		*r;
	struct race		*race;
	uint16_t		 port;
	lookup_done		 done;
	void			*arg;
	struct evdns_getaddrinfo_request *request;
	bool			 over;		/* called back already */
	bool			 cancelled;
};

static struct seen
look(const char *path)
{
	struct seen	s;
	struct stat	st;

	memset(&s, 0, sizeof(s));
	if (stat(path, &st) == -1)
		return (s);
	s.there = true;
	s.dev = st.st_dev;
	s.ino = st.st_ino;
	s.size = st.st_size;
	s.mtime = st.st_mtim;
	return (s);
}

static bool
same(const struct seen *a, const struct seen *b)
{
	return (a->there == b->there && a->dev == b->dev && a->ino == b->ino &&
	    a->size == b->size && a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec);
}

/* May be read, or was not there before either. */
static bool
readable(const char *path, const struct seen *before)
{
	int	fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (errno == ENOENT && !before->there);
	close(fd);
	return (true);
}

static void
read_files(struct resolver *r)
{
	char			 skew[16];
	struct evdns_base	*dns;

	if ((dns = evdns_base_new(r->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE)) ==
	    NULL)
		fatal("no resolver: out of memory");
	/* Without name servers names fail; numbers and hosts still work. */
	(void)evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL, RESOLV_CONF);
	snprintf(skew, sizeof(skew), "%d.%03d", LIMIT_RESOLVE_SKEW_MS / 1000,
	    LIMIT_RESOLVE_SKEW_MS % 1000);
	(void)evdns_base_set_option(dns, "getaddrinfo-allow-skew", skew);
	if (r->dns != NULL)
		evdns_base_free(r->dns, 0);
	r->dns = dns;
}

/*
 * Read the files again if they changed, unless a look-up is under way.  A
 * file that went away may be about to be replaced: keep what it said.
 */
static void
refresh(struct resolver *r)
{
	struct seen	conf = look(RESOLV_CONF), hosts = look(HOSTS);
	bool		usable;

	if (r->dns != NULL && (r->lookups > 0 ||
	    (same(&conf, &r->conf) && same(&hosts, &r->hosts))))
		return;
	usable = readable(RESOLV_CONF, &r->conf) && readable(HOSTS, &r->hosts);
	r->conf = conf;
	r->hosts = hosts;
	if (r->dns == NULL || usable)
		read_files(r);
	else
		log_warn("%s or %s changed but cannot be read; "
		    "what was read before stays in use", RESOLV_CONF, HOSTS);
}

void
resolver_init(struct resolver *r, struct event_base *base)
{
	memset(r, 0, sizeof(*r));
	r->base = base;
	refresh(r);
}

/* --- what needs no look-up --- */

static bool
add_number(struct race *race, const char *host, uint16_t port)
{
	union race_sockaddr	a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, host, &a.in.sin_addr) == 1)
		a.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1)
		a.sa.sa_family = AF_INET6;
	else
		return (false);
	race_add(race, &a.sa, port);
	return (true);
}

/* localhost and names below it never leave the machine (RFC 6761). */
static bool
add_localhost(struct race *race, const char *host, uint16_t port)
{
	static const char	name[] = "localhost";
	size_t			len = strlen(host), n = sizeof(name) - 1;

	if (len < n || strcasecmp(host + len - n, name) != 0 ||
	    (len > n && host[len - n - 1] != '.'))
		return (false);
	return (add_number(race, "::1", port) &&
	    add_number(race, "127.0.0.1", port));
}

/* --- look-ups --- */

static const char *
dns_error(int error)
{
	switch (error) {
	case EVUTIL_EAI_NONAME:
#if EVUTIL_EAI_NODATA != EVUTIL_EAI_NONAME
	case EVUTIL_EAI_NODATA:
#endif
		return ("no such host");
	case EVUTIL_EAI_AGAIN:
		return ("the name server does not answer");
	case EVUTIL_EAI_FAIL:
		return ("the name server fails");
	default:
		return (evutil_gai_strerror(error));
	}
}

static void
on_addrinfo(int error, struct evutil_addrinfo *list, void *arg)
{
	struct lookup		*l = arg;
	struct evutil_addrinfo	*ai;

	l->r->lookups--;
	l->over = true;
	if (!l->cancelled) {
		for (ai = list; ai != NULL; ai = ai->ai_next)
			race_add(l->race, ai->ai_addr, l->port);
		l->done(l->arg, error == 0 ? NULL : dns_error(error));
	}
	if (list != NULL)
		evutil_freeaddrinfo(list);
	/* Without a request yet lookup_start() still holds it. */
	if (l->request != NULL)
		free(l);
}

struct lookup *
lookup_start(struct resolver *r, const char *host, uint16_t port,
    struct race *race, lookup_done done, void *arg)
{
	struct evutil_addrinfo	 hints;
	struct lookup		*l;

	if (add_number(race, host, port) || add_localhost(race, host, port)) {
		done(arg, NULL);
		return (NULL);
	}
	refresh(r);
	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("out of memory");
	l->r = r;
	l->race = race;
	l->port = port;
	l->done = done;
	l->arg = arg;
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = PF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	r->lookups++;
	l->request = evdns_getaddrinfo(r->dns, host, NULL, &hints, on_addrinfo,
	    l);
	if (l->over) {
		free(l);
		return (NULL);
	}
	return (l);
}

void
lookup_cancel(struct lookup *l)
{
	/* It calls back with EVUTIL_EAI_CANCEL, now or when the loop turns. */
	l->cancelled = true;
	evdns_getaddrinfo_cancel(l->request);
}
