/* SPDX-License-Identifier: ISC */

/*
 * Registrations; see registration.h.
 */

#include <string.h>

#include "common/json_scan.h"
#include "relay-router/members.h"
#include "relay-router/registration.h"
#include "relay-router/service_json.h"

/* More rules, beside those of service_json.c. */
#define RULE_SIZE	"service: at most 131072 bytes"
#define RULE_LIMIT	"limit: 64 services"

void
registration_item(struct text *t, const char *name, const char *version,
    const char *rule)
{
	text_lit(t, t->len == 0 ? "" : ",");
	text_lit(t, "{\"service_name\":");
	text_cstring(t, name);
	text_lit(t, ",\"version\":");
	text_cstring(t, version);
	if (rule != NULL) {
		text_lit(t, ",\"rule\":");
		text_cstring(t, rule);
	}
	text_lit(t, "}");
}

void
registration_free(struct registration *r)
{
	uint16_t	 i;

	for (i = 0; i < r->n; i++)
		service_clear(&r->services[i]);
	r->n = 0;
	text_free(&r->rejected);
}

#define REJECTED_MAX	65536	/* bytes of rejected items in an answer */
#define ITEM_MAX	131072	/* bytes of an item: more than twice what the
				 * largest service needs */
#define ITEMS_MAX	(4 * LIMIT_SERVICES)	/* items that are told one by
						 * one what is wrong */

/* What a rejected service calls itself, cut to whole characters. */
static void
name_given(const struct json_span *item, char *buf, size_t size)
{
	static const char *const member[] = { "service_name" };
	struct json_span	 name = *item;
	struct span		 text;

	if (item->type == JSON_OBJECT)
		(void)members_find(item, member, 1, &name);
	if (name.type != JSON_STRING || members_text(&name, buf, size) ||
	    name.escaped)
		return;
	text.p = name.p + 1;
	text.len = name.len - 2 < size ? name.len - 2 : size - 1;
	while (text.len > 0 && ((unsigned char)text.p[text.len] & 0xc0) == 0x80)
		text.len--;
	(void)span_copy(text, buf, size);
}

static void
take_item(struct registration *r, const struct json_span *item)
{
	const char	*rule = RULE_SIZE;
	struct service	 s;

	service_init(&s);
	if (item->len <= ITEM_MAX)
		rule = service_json_read(&s, SERVICE_OF_HOME, item);
	if (rule == NULL && r->n == LIMIT_SERVICES)
		rule = RULE_LIMIT;
	if (rule == NULL) {
		r->services[r->n++] = s;
		return;
	}
	if (s.name[0] == '\0')
		name_given(item, s.name, sizeof(s.name));
	if (r->rejected.len < REJECTED_MAX)
		registration_item(&r->rejected, s.name, s.version, rule);
	service_clear(&s);
}

bool
registration_parse(struct registration *r, struct span json)
{
	struct json_scan	 s;
	struct json_span	 item;
	size_t			 n = 0;

	memset(r, 0, sizeof(*r));
	json_scan_init(&s, json.p, json.len);
	if (json.len == 0 || json_peek(&s) == JSON_NULL)
		return (true);
	if (!json_array_begin(&s))
		return (false);
	while (json_array_next(&s) == 1 && json_skip(&s, &item) &&
	    ++n <= ITEMS_MAX)
		take_item(r, &item);
	return (s.err == JSON_OK && n <= ITEMS_MAX);
}

void
registration_put(struct text *t, const struct service *s)
{
	service_json_put(t, SERVICE_OF_HOME, s);
}
