/* SPDX-License-Identifier: ISC */
/*
 * A join string as a part of the command line of relay(1).  No file is touched
 * here.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>

#include "common/b64url.h"
#include "relay-ctl/relay.h"

/* Write the reason and return false, so that callers can return it. */
static bool
refuse(char *why, size_t size, const char *reason)
{
	snprintf(why, size, "the join string: %s", reason);
	return (false);
}

/* A time of the calendar, or nothing. */
static void
print_time(char *text, size_t size, uint64_t ms)
{
	time_t		 t = (time_t)(ms / 1000);
	struct tm	 tm;

	text[0] = '\0';
	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

/* By the clock of this machine, which may be the wrong one. */
static bool
refuse_expired(char *why, size_t size, uint64_t expires_ms, int64_t now_ms)
{
	char	 end[64], now[64];

	print_time(end, sizeof(end), expires_ms);
	print_time(now, sizeof(now), now_ms < 0 ? 0 : (uint64_t)now_ms);
	snprintf(why, size, "the join string expired at %s, and here it is "
	    "%s: ask whoever runs the Main for another", end, now);
	return (false);
}

/* The ids and the pin, as the configuration will have them. */
static const char *
check_join(struct join *j)
{
	const char	*why;

	if ((why = conf_check_node_id(j->node_id, j->node_id,
	    sizeof(j->node_id))) != NULL)
		return (why);
	if ((why = conf_check_node_id(j->main_id, j->main_id,
	    sizeof(j->main_id))) != NULL)
		return (why);
	return (j->pin[0] == '\0' ? NULL : conf_check_pin(j->pin));
}

static bool
join_uplink(struct relay_plan *plan, bool insecure, char *why, size_t size)
{
	struct conf_link	*u = &plan->uplinks[0];
	const char		*reason;

	reason = url_check(plan->join.url, "ws", "/ws/federation", &u->url);
	if (reason != NULL)
		return (refuse(why, size, reason));
	plan->nuplinks = 1;
	u->insecure = !u->url.loopback && !u->url.tls;
	if (u->insecure && !insecure) {
		snprintf(why, size, "the join string leads to %s: ws:// "
		    "carries calls in the clear; add -insecure if that is "
		    "acceptable", u->url.text);
		return (false);
	}
	return (true);
}

bool
relay_join_plan(struct relay_plan *plan, const struct relay_args *args,
    int64_t now_ms, char *why, size_t size)
{
	const char	*reason;

	if ((reason = join_decode(args->string, &plan->join)) != NULL ||
	    (reason = check_join(&plan->join)) != NULL)
		return (refuse(why, size, reason));
	if (now_ms < 0 || (uint64_t)now_ms >= plan->join.expires_ms)
		return (refuse_expired(why, size, plan->join.expires_ms,
		    now_ms));
	strlcpy(plan->node_id, plan->join.node_id, sizeof(plan->node_id));
	return (join_uplink(plan, args->insecure, why, size));
}

const struct conf_link *
relay_join_uplink(const struct relay_plan *plan)
{
	struct url	 url;
	size_t		 i, found = plan->nuplinks;

	if (plan->join.node_id[0] == '\0' || url_check(plan->join.url, "ws",
	    "/ws/federation", &url) != NULL)
		return (NULL);
	for (i = 0; i < plan->nuplinks && found == plan->nuplinks; i++)
		if (strcmp(plan->uplinks[i].url.text, url.text) == 0)
			found = i;
	url_free(&url);
	return (found == plan->nuplinks ? NULL : &plan->uplinks[found]);
}

static void
print_option(FILE *f, const char *keyword, const char *value)
{
	fprintf(f, "\t%s ", keyword);
	conf_print_string(f, value);
	fputc('\n', f);
}

void
relay_join_key(const struct join *j, char key[MAIN_KEY_TEXT])
{
	strlcpy(key, MAIN_KEY_PREFIX, MAIN_KEY_TEXT);
	b64url_encode(j->main_key, JOIN_KEY, key + strlen(key));
}

void
relay_join_print(FILE *f, const struct relay_plan *plan)
{
	const struct conf_link	*u = relay_join_uplink(plan);
	char			 key[MAIN_KEY_TEXT];

	relay_join_key(&plan->join, key);
	fputs("uplink ", f);
	conf_print_string(f, u->url.text);
	fprintf(f, "%s {\n", u->insecure ? " insecure" : "");
	print_option(f, "node", plan->join.main_id);
	print_option(f, "key", key);
	if (plan->join.pin[0] != '\0')
		print_option(f, "pin", plan->join.pin);
	if (plan->join_file[0] != '\0')
		print_option(f, "join", plan->join_file);
	fputs("}\n", f);
}
