/* SPDX-License-Identifier: ISC */
/* See policy_fixture.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

/* --- rules --- */

static const char *
word(char **line)
{
	const char	*w = strsep(line, " ");

	ck_assert_ptr_nonnull(w);
	return (w);
}

static enum policy_action
action(const char *w)
{
	int	 a;

	for (a = POLICY_CONNECT; a <= POLICY_ADMIN; a++)
		if (strcmp(policy_action_name((enum policy_action)a), w) == 0)
			return ((enum policy_action)a);
	ck_abort_msg("%s", w);
}

static void
take_who(char **line, enum policy_who *who, char *name)
{
	const char	*w = word(line);
	int		 i;

	for (i = WHO_ANY; i <= WHO_ANONYMOUS; i++)
		if (strcmp(policy_who_name((enum policy_who)i), w) == 0)
			*who = (enum policy_who)i;
	if (*who != WHO_ANY && *who != WHO_ANONYMOUS)
		strcpy(name, word(line));
}

static struct policy_rule
parse(char *line)
{
	struct policy_rule	 r = { .who = WHO_ANY, .to_who = WHO_ANY,
				    .from = "*", .to = "*", .service = "*",
				    .method = "*", .file = "conf" };
	const char		*w;

	r.allow = strcmp(word(&line), "allow") == 0;
	r.action = action(word(&line));
	while (line != NULL) {
		w = word(&line);
		if (strcmp(w, "from") == 0 || r.action == POLICY_EXPORT)
			take_who(&line, &r.who, r.from);
		else if (strcmp(w, "to") == 0)
			take_who(&line, &r.to_who, r.to);
		else if (strcmp(w, "service") == 0)
			strcpy(r.service, word(&line));
		else if (strcmp(w, "method") == 0)
			strcpy(r.method, word(&line));
		else
			ck_abort_msg("%s", w);
		if (r.action == POLICY_EXPORT && line != NULL) {
			(void)word(&line);
			strcpy(r.service, word(&line));
		}
	}
	return (r);
}

static void
tell_rule(uint32_t n, char *line)
{
	struct policy_rule	 r = parse(line);
	uint8_t			 buf[8192];
	struct wire_put		 w;

	r.line = n;
	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, n);
	put_rule(&w, &r);
	ck_assert(fix_tell(PROC_PARENT, MSG_CONF_RULE, &w));
}

static void
tell_generation(enum msg_type type)
{
	uint8_t		 buf[4];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, RECEIVER_GENERATION);
	ck_assert(fix_tell(PROC_PARENT, type, &w));
}

void
fix_rules(const char *text)
{
	char		*copy = strdup(text), *rest = copy, *line;
	uint64_t	 next = fix_router->ids.next;
	uint32_t	 n = 0;

	tell_generation(MSG_CONF_BEGIN);
	receiver.configure(fix_child, true);
	fix_router->ids.next = next;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			tell_rule(++n, line);
	tell_generation(MSG_CONF_END);
	tell_generation(MSG_CONF_COMMIT);
	ck_assert_uint_eq(fix_router->conf.policy.n, n);
	free(copy);
	fix_forget();
}

/* --- denials --- */

struct denial *
fix_denial(void)
{
	static struct denial	 d;
	struct sent		*s = fix_sent(MSG_POLICY_DENIED);

	if (s == NULL)
		return (NULL);
	ck_assert_int_eq(s->to, PROC_REGISTRY);
	d.more = get_u32(&s->get);
	get_str(&s->get, d.caller, sizeof(d.caller));
	get_str(&s->get, d.target, sizeof(d.target));
	get_str(&s->get, d.method, sizeof(d.method));
	get_str(&s->get, d.rule, sizeof(d.rule));
	ck_assert(get_done(&s->get));
	return (&d);
}

void
fix_forbidden(uint64_t session, const char *stage)
{
	const char	*t = fix_text(session);
	char		 part[64];

	ck_has(t, "'type':'error'");
	ck_has(t, "'code':-32020");
	ck_has(t, "'reason':'forbidden'");
	ck_has(t, "'executed':'no'");
	ck_has(t, "'retryable':false");
	snprintf(part, sizeof(part), "'stage':'%s'", stage);
	ck_has(t, part);
	/* The rule and its file are nobody's business. */
	ck_assert_ptr_null(strstr(t, "conf"));
	ck_assert_ptr_null(strstr(t, "deny"));
	ck_assert_ptr_null(fix_sent(MSG_LINK_SEND));
	ck_assert_ptr_null(fix_sent(MSG_BACKEND_CALL));
	ck_assert_uint_eq(fix_router->pending.n, 0);
}

/* --- explain --- */

#define ROWS	64
#define ROW	4096

static struct {
	size_t	 len;
	char	 data[ROW];
} rows[ROWS];
static size_t	 n_rows;

static void
take_rows(void)
{
	struct sent	*s;

	for (n_rows = 0; (s = fix_sent(MSG_CTL_ROW)) != NULL; n_rows++) {
		ck_assert(n_rows < ROWS && s->len <= ROW);
		rows[n_rows].len = s->len;
		memcpy(rows[n_rows].data, s->data, s->len);
	}
}

unsigned int
fix_explain(const char *caller, const char *target, const char *method)
{
	uint8_t		 buf[4096];
	struct wire_put	 w;
	struct sent	*s;
	unsigned int	 status;

	fix_forget();
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, 5);
	put_str(&w, caller);
	put_str(&w, target);
	put_str(&w, method);
	ck_assert(fix_tell(PROC_PARENT, MSG_CTL_EXPLAIN, &w));
	take_rows();
	s = fix_sent(MSG_CTL_END);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(get_u64(&s->get), 5);
	status = get_u8(&s->get);
	return (status);
}

static bool
has(size_t i, const char *part)
{
	return (memmem(rows[i].data, rows[i].len, part, strlen(part)) != NULL);
}

unsigned int
fix_rows(const char *section, const char *a, const char *b, const char *c)
{
	unsigned int	 found = 0;
	size_t		 i;

	for (i = 0; i < n_rows; i++)
		found += has(i, section) && has(i, a) && has(i, b) &&
		    has(i, c);
	return (found);
}

/* --- calls --- */

void
fix_home_calls(const char *more)
{
	static unsigned int	 n;

	fix_say(fix_home, "{'type':'request','message_id':'h%u',"
	    "'method':'get'," RPC "%s}", ++n, more);
}

void
fix_peer_calls(const char *source, const char *path, const char *more)
{
	static unsigned int	 n;

	fix_say(fix_peer, "{'type':'request','message_id':'q%u',%s,"
	    "'routing_path':%s,'ttl':2,'method':'get'," RPC "%s}", ++n, source,
	    path, more);
}

void
fix_gone_to(uint64_t session)
{
	ck_has(fix_text(session), "'type':'request'");
	ck_assert_ptr_null(fix_sent(MSG_LINK_SEND));
	ck_assert_ptr_null(fix_denial());
	call_end_gone(fix_router, &session_find(fix_router, session)->end,
	    STAGE_HOME_LINK);
	fix_forget();
}

void
fix_denied(const char *caller, const char *target, const char *rule)
{
	struct denial	*d = fix_denial();

	ck_assert_ptr_nonnull(d);
	ck_assert_str_eq(d->caller, caller);
	ck_assert_str_eq(d->target, target);
	ck_assert_str_eq(d->rule, rule);
	ck_assert_uint_eq(d->more, 0);
	ck_assert_ptr_null(fix_denial());
}
