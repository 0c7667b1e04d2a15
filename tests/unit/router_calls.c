/* SPDX-License-Identifier: ISC */
/* The router in a test; see router_calls.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/router_calls.h"

#define SENT_MAX	512
#define TEXT_MAX	8192

struct wire_put	*__real_channel_begin(struct channel *, enum msg_type);
struct wire_put	*__wrap_channel_begin(struct channel *, enum msg_type);
int		 __real_channel_commit(struct channel *);
int		 __wrap_channel_commit(struct channel *);

struct child	*fix_child;
struct router	*fix_router;
uint64_t	 fix_home, fix_peer, fix_other;

static struct sent	 log_of[SENT_MAX];
static size_t		 n_sent;
static struct sent	 taken;
static char		 taken_text[LIMIT_PEER_MESSAGE + 1];

/* The message being written: there is only one at a time. */
static struct wire_put	*writer;
static enum msg_type	 writer_type;
static size_t		 writer_from;

struct wire_put *
__wrap_channel_begin(struct channel *ch, enum msg_type type)
{
	writer = __real_channel_begin(ch, type);
	writer_type = type;
	writer_from = writer->len;
	return (writer);
}

int
__wrap_channel_commit(struct channel *ch)
{
	struct sent	*s;

	if (n_sent == SENT_MAX)
		abort();
	s = &log_of[n_sent];
	s->to = channel_peer(ch);
	s->type = writer_type;
	s->len = writer->len - writer_from;
	if ((s->data = malloc(s->len + 1)) == NULL)
		abort();
	memcpy(s->data, writer->buf + writer_from, s->len);
	if (__real_channel_commit(ch) == -1) {
		free(s->data);
		return (-1);
	}
	n_sent++;
	return (0);
}

void
fix_forget(void)
{
	while (n_sent > 0)
		free(log_of[--n_sent].data);
}

void
fix_start(bool home)
{
	fix_child = receiver_start(home);
	fix_router = receiver_ctx(fix_child);
	memset(&fix_router->stats, 0, sizeof(fix_router->stats));
	fix_forget();
}

void
fix_end(void)
{
	receiver_end(fix_child);
	fix_forget();
	free(taken.data);
	taken.data = NULL;
}

static struct sent *
take(size_t i)
{
	free(taken.data);
	taken = log_of[i];
	memmove(&log_of[i], &log_of[i + 1],
	    (--n_sent - i) * sizeof(log_of[0]));
	wire_get_init(&taken.get, taken.data, taken.len);
	return (&taken);
}

struct sent *
fix_sent(enum msg_type type)
{
	size_t	 i;

	for (i = 0; i < n_sent; i++)
		if (log_of[i].type == type)
			return (take(i));
	return (NULL);
}

const char *
fix_text(uint64_t session)
{
	struct wire_get	 g;
	struct span	 text;
	size_t		 i;

	for (i = 0; i < n_sent; i++) {
		if (log_of[i].type != MSG_LINK_SEND)
			continue;
		wire_get_init(&g, log_of[i].data, log_of[i].len);
		if (get_u64(&g) != session)
			continue;
		text = get_bytes(&g);
		memcpy(taken_text, text.p, text.len);
		taken_text[text.len] = '\0';
		(void)take(i);
		return (taken_text);
	}
	return (NULL);
}

bool
fix_tell(enum proc_id from, enum msg_type type, const struct wire_put *w)
{
	struct receiver_message	 m = { .from = from, .type = type };
	bool			 ok;

	if (w->bad || msg_check(type, from, PROC_ROUTER, PHASE_RUN,
	    (uint32_t)w->len, false) != NULL)
		abort();
	/* Exactly as large, for a sanitizer to see what is behind. */
	if ((m.data = malloc(w->len)) == NULL)
		abort();
	memcpy(m.data, w->buf, w->len);
	m.len = w->len;
	ok = receiver_take(fix_child, &m);
	free(m.data);
	receiver_turn(fix_child);
	return (ok);
}

static void
requote(char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\'')
			*s = '"';
}

void
fix_say(uint64_t session, const char *fmt, ...)
{
	uint8_t		 buf[TEXT_MAX + 64];
	char		 text[TEXT_MAX];
	struct wire_put	 w;
	va_list		 ap;
	int		 n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		abort();
	requote(text);
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, session);
	put_bytes(&w, text, (size_t)n);
	if (!fix_tell(PROC_FRONTEND, MSG_LINK_TEXT, &w))
		abort();
}

void
fix_accept(uint64_t session, const char *node_id)
{
	uint8_t		 buf[512];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, session);
	put_u64(&w, 1);
	put_u64(&w, 0);
	put_str(&w, node_id);
	put_str(&w, "");
	if (!fix_tell(PROC_REGISTRY, MSG_SESSION_ACCEPT, &w))
		abort();
}

uint64_t
fix_open(enum session_kind kind, const char *node_id)
{
	static uint64_t	 conn;
	uint8_t		 buf[1024];
	struct wire_put	 w;
	uint64_t	 id;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, ++conn);
	put_u8(&w, (uint8_t)kind);
	put_bool(&w, true);
	put_bool(&w, false);
	put_str(&w, node_id);
	put_str(&w, "boot");
	put_str(&w, "");
	put_str(&w, "");
	put_str(&w, "127.0.0.1");
	if (!fix_tell(PROC_FRONTEND, MSG_LINK_AUTH, &w))
		abort();
	id = TAILQ_LAST(&fix_router->session_list, session_list)->id;
	fix_accept(id, node_id);
	return (id);
}

uint64_t
fix_dialed(const char *main_id)
{
	static uint64_t	 conn = 1000;
	uint8_t		 buf[512];
	struct wire_put	 w;
	struct session	*s;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, ++conn);
	put_u32(&w, 0);
	put_u32(&w, 1);
	put_str(&w, main_id);
	put_str(&w, "boot");
	put_str(&w, "");
	put_str(&w, "192.0.2.1");
	if (!fix_tell(PROC_FRONTEND, MSG_LINK_DIALED, &w))
		abort();
	s = TAILQ_LAST(&fix_router->session_list, session_list);
	if (!s->up)
		fix_accept(s->id, main_id);
	return (s->id);
}

void
fix_down(uint64_t session)
{
	uint8_t		 buf[64];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, session);
	put_str(&w, "gone");
	if (!fix_tell(PROC_FRONTEND, MSG_LINK_DOWN, &w))
		abort();
}

void
fix_queue(uint64_t session, bool full)
{
	uint8_t		 buf[64];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, session);
	put_bool(&w, full);
	if (!fix_tell(PROC_FRONTEND, MSG_LINK_QUEUE, &w))
		abort();
}

static void
put_one(struct wire_put *w, const char *name, enum visibility visibility)
{
	struct service	 s;

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "%s", name);
	s.visibility = visibility;
	put_u16(w, 1);
	put_service(w, &s);
}

void
fix_route(uint64_t session, const char *node_id, const char *name,
    enum visibility visibility)
{
	uint8_t		 buf[1024];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, session);
	put_str(&w, node_id);
	put_one(&w, name, visibility);
	if (!fix_tell(PROC_REGISTRY, MSG_ROUTE_SET, &w))
		abort();
}

void
fix_peer_route(const char *main_id, const char *node_id, const char *name)
{
	uint8_t		 buf[1024];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_str(&w, main_id);
	put_str(&w, node_id);
	put_one(&w, name, VISIBILITY_FEDERATION);
	if (!fix_tell(PROC_REGISTRY, MSG_PEER_ROUTE_SET, &w))
		abort();
}

void
fix_http(uint64_t request, uint8_t route, const char *authorization,
    const char *body)
{
	uint8_t		 buf[2 * TEXT_MAX];
	char		 text[TEXT_MAX];
	struct wire_put	 w;

	snprintf(text, sizeof(text), "%s", body);
	requote(text);
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, request);
	put_u8(&w, route);
	put_bool(&w, true);
	put_str(&w, "127.0.0.1");
	put_str(&w, authorization);
	put_bytes(&w, text, strlen(text));
	if (!fix_tell(PROC_FRONTEND, MSG_HTTP_REQUEST, &w))
		abort();
}

const char *
fix_answer(uint64_t request, unsigned int *status)
{
	struct wire_get	 g;
	struct span	 body;
	size_t		 i;

	for (i = 0; i < n_sent; i++) {
		if (log_of[i].type != MSG_HTTP_RESPONSE)
			continue;
		wire_get_init(&g, log_of[i].data, log_of[i].len);
		if (get_u64(&g) != request)
			continue;
		*status = get_u16(&g);
		(void)get_u32(&g);
		body = get_bytes(&g);
		memcpy(taken_text, body.p, body.len);
		taken_text[body.len] = '\0';
		(void)take(i);
		return (taken_text);
	}
	return (NULL);
}

bool
fix_has(const char *text, const char *part)
{
	char	 buf[1024];

	snprintf(buf, sizeof(buf), "%s", part);
	requote(buf);
	return (text != NULL && strstr(text, buf) != NULL);
}

const char *
fix_id_of(const char *text)
{
	static char	 id[128];
	const char	*p = text == NULL ? NULL :
			    strstr(text, "\"message_id\":\"");

	if (p == NULL)
		abort();
	p += strlen("\"message_id\":\"");
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(p, "\""), p);
	return (id);
}

void
fix_mains(void)
{
	fix_start(false);
	fix_home = fix_open(SESSION_HOME, "alice.h");
	fix_route(fix_home, "alice.h", "svc", VISIBILITY_FEDERATION);
	fix_peer = fix_open(SESSION_PEER, "a.main");
	fix_peer_route("a.main", "ah", "far");
	fix_other = fix_open(SESSION_PEER, "c.main");
	fix_peer_route("c.main", "ch", "third");
	fix_forget();
}
