/* SPDX-License-Identifier: ISC */
/* What instances write to their standard error, line by line into the log. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/backend/backend.h"

static void
end_line(struct errpipe *e)
{
	uint64_t	suppressed;

	e->line[e->len] = '\0';
	if (e->len > 0 &&
	    lograte_allow(&e->rate, monotime_now(), &suppressed)) {
		if (suppressed > 0)
			log_info("service %s/%u: %llu lines not logged",
			    e->svc->name, e->instance,
			    (unsigned long long)suppressed);
		log_info("service %s/%u: %s%s", e->svc->name, e->instance,
		    e->line, e->cut ? "..." : "");
	}
	e->len = 0;
	e->cut = false;
}

static void
add_text(struct errpipe *e, const char *p, size_t n)
{
	const char	*end = p + n;

	for (; p < end; p++) {
		if (*p == '\n')
			end_line(e);
		else if (e->len == LIMIT_SERVICE_LOG_LINE)
			e->cut = true;
		else if (*p != '\0' && *p != '\r')
			e->line[e->len++] = *p;
	}
}

static void
on_text(evutil_socket_t fd, short what, void *arg)
{
	struct errpipe	*e = arg;
	char		 text[8192];
	ssize_t		 n;

	(void)what;
	n = read(fd, text, sizeof(text));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		add_text(e, text, (size_t)n);
		return;
	}
	e->svc->instances[e->instance].err = NULL;
	errpipe_free(e);
}

struct errpipe *
errpipe_new(struct svc *svc, int fd, uint32_t instance)
{
	struct errpipe	*e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		fatal("out of memory");
	e->svc = svc;
	e->fd = fd;
	e->instance = instance;
	e->ev = event_new(svc->b->base, fd, EV_READ | EV_PERSIST, on_text, e);
	if (e->ev == NULL)
		fatal("out of memory");
	if (event_add(e->ev, NULL) == -1) {
		errpipe_free(e);
		return (NULL);
	}
	return (e);
}

void
errpipe_free(struct errpipe *e)
{
	if (e == NULL)
		return;
	end_line(e);
	event_free(e->ev);
	close(e->fd);
	free(e);
}
