/* SPDX-License-Identifier: ISC */
/*
 * Generations of the configuration.  The one before and the one after are
 * known too, as the router may be a moment behind or ahead; services that are
 * equal by value are one object in all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relayd/backend/backend.h"

void
conf_begin(struct backend *b, uint32_t number)
{
	if ((b->next = calloc(1, sizeof(*b->next))) == NULL)
		fatal("out of memory");
	b->next->number = number;
	b->next->max_message = LIMIT_MESSAGE;
}

void
conf_node(struct backend *b, struct wire_get *msg)
{
	char		node_id[LIMIT_NODE_ID + 1];
	uint32_t	max_message;

	(void)get_u8(msg);		/* role */
	get_str(msg, node_id, sizeof(node_id));
	(void)get_u32(msg);		/* call_timeout_ms */
	max_message = get_u32(msg);
	(void)get_u32(msg);		/* max_connections */
	(void)get_u32(msg);		/* max_per_address */
	(void)get_u32(msg);		/* hold_down_ms */
	(void)get_u8(msg);		/* authentication */
	(void)get_span(msg, UINT16_MAX);	/* url */
	if (b->next == NULL || max_message > LIMIT_MESSAGE_MAX) {
		msg->bad = true;
		return;
	}
	b->next->max_message = max_message;
}

/* The service of the present configuration that is written the same. */
static struct svc *
find_equal(struct backend *b, const uint8_t *conf, size_t len)
{
	struct svc	*svc;
	size_t		 i;

	for (i = 0; b->cur != NULL && i < LIMIT_SERVICES; i++) {
		svc = b->cur->svcs[i];
		if (svc != NULL && svc->conf_len == len &&
		    memcmp(svc->conf, conf, len) == 0)
			return (svc);
	}
	return (NULL);
}

static bool
in_generation(const struct generation *g, const struct svc *svc)
{
	size_t	i;

	for (i = 0; g != NULL && i < LIMIT_SERVICES; i++) {
		if (g->svcs[i] == svc)
			return (true);
	}
	return (false);
}

void
conf_service(struct backend *b, struct wire_get *msg)
{
	uint32_t	 index = get_u32(msg);
	const uint8_t	*conf = msg->p;
	size_t		 len = (size_t)(msg->end - msg->p);
	struct svc	*svc;

	if (msg->bad || b->next == NULL || index >= LIMIT_SERVICES ||
	    b->next->svcs[index] != NULL) {
		msg->bad = true;
		return;
	}
	svc = find_equal(b, conf, len);
	if (svc == NULL || in_generation(b->next, svc))
		svc = svc_new(b, conf, len);
	if (svc == NULL) {
		msg->bad = true;
		return;
	}
	b->next->svcs[index] = svc;
	msg->p = msg->end;
}

static void
retire_old(struct backend *b)
{
	struct svc	*svc;

	TAILQ_FOREACH(svc, &b->svcs, entry) {
		if (svc->started && !svc->retired &&
		    !in_generation(b->cur, svc))
			svc_retire(svc);
	}
}

void
conf_commit(struct backend *b)
{
	struct svc	*svc;
	uint32_t	 i;

	free(b->prev);
	b->prev = b->cur;
	b->cur = b->next;
	b->next = NULL;
	retire_old(b);
	for (i = 0; i < LIMIT_SERVICES; i++) {
		if ((svc = b->cur->svcs[i]) == NULL)
			continue;
		svc->index = i;
		if (!svc->started)
			svc_start(svc);
		svc_report_health(svc);
	}
	/* The router may commit after us and drop what is of its future. */
	b->tell_again = true;
	backend_tick(b);
}

void
conf_abort(struct backend *b)
{
	struct generation	*g = b->next;
	size_t			 i;

	b->next = NULL;
	for (i = 0; i < LIMIT_SERVICES; i++) {
		if (g->svcs[i] != NULL && !g->svcs[i]->started)
			svc_free(g->svcs[i]);
	}
	free(g);
}

static struct svc *
lookup_in(const struct generation *g, uint32_t number, uint32_t index)
{
	if (g == NULL || g->number != number || index >= LIMIT_SERVICES)
		return (NULL);
	return (g->svcs[index]);
}

struct svc *
conf_lookup(const struct backend *b, uint32_t number, uint32_t index)
{
	struct svc	*svc;

	if ((svc = lookup_in(b->cur, number, index)) == NULL &&
	    (svc = lookup_in(b->prev, number, index)) == NULL)
		svc = lookup_in(b->next, number, index);
	return (svc);
}
