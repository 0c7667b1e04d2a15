/* SPDX-License-Identifier: ISC */
/*
 * Equality of configurations and their parts, by value.
 */

#include <string.h>

#include "relayd/conf.h"

static bool
str_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a == b);
	return (strcmp(a, b) == 0);
}

bool
conf_listener_equal(const struct conf_listener *a,
    const struct conf_listener *b)
{
	return (a->kind == b->kind && a->port == b->port &&
	    a->insecure == b->insecure && str_equal(a->path, b->path) &&
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0);
}

bool
conf_uplink_equal(const struct conf_uplink *a, const struct conf_uplink *b)
{
	return (a->insecure == b->insecure &&
	    str_equal(a->url.text, b->url.text));
}

bool
conf_peer_equal(const struct conf_peer *a, const struct conf_peer *b)
{
	return (a->insecure == b->insecure &&
	    str_equal(a->url.text, b->url.text) &&
	    str_equal(a->node_id, b->node_id));
}

bool
conf_account_equal(const struct conf_account *a, const struct conf_account *b)
{
	return (a->uid == b->uid && str_equal(a->name, b->name));
}

/* Order counts: it is the order in which they are listed. */
static bool
def_equal(const struct service *a, const struct service *b)
{
	uint16_t	 i;

	if (strcmp(a->name, b->name) != 0 ||
	    strcmp(a->version, b->version) != 0 ||
	    a->weight != b->weight ||
	    a->max_concurrency != b->max_concurrency ||
	    a->visibility != b->visibility ||
	    a->n_methods != b->n_methods || a->n_labels != b->n_labels)
		return (false);
	for (i = 0; i < a->n_methods; i++)
		if (strcmp(a->methods[i].name, b->methods[i].name) != 0 ||
		    a->methods[i].idempotent != b->methods[i].idempotent ||
		    a->methods[i].timeout_ms != b->methods[i].timeout_ms)
			return (false);
	for (i = 0; i < a->n_labels; i++)
		if (strcmp(a->labels[i].key, b->labels[i].key) != 0 ||
		    strcmp(a->labels[i].value, b->labels[i].value) != 0)
			return (false);
	return (true);
}

static bool
backend_equal(const struct conf_service *a, const struct conf_service *b)
{
	size_t	 i;

	if (a->backend != b->backend || a->insecure != b->insecure ||
	    a->argc != b->argc || a->instances != b->instances ||
	    !str_equal(a->url.text, b->url.text) ||
	    !str_equal(a->path, b->path) ||
	    !str_equal(a->directory, b->directory))
		return (false);
	for (i = 0; i < a->argc; i++)
		if (strcmp(a->argv[i], b->argv[i]) != 0)
			return (false);
	if (a->user == NULL || b->user == NULL)
		return (a->user == b->user);
	return (conf_account_equal(a->user, b->user));
}

bool
conf_service_equal(const struct conf_service *a, const struct conf_service *b)
{
	return (a->timeout_ms == b->timeout_ms && backend_equal(a, b) &&
	    def_equal(&a->def, &b->def));
}

static bool
settings_equal(const struct conf *a, const struct conf *b)
{
	int	 i;

	for (i = 0; i < CONF_ACCOUNT_COUNT; i++)
		if (!conf_account_equal(&a->accounts[i], &b->accounts[i]))
			return (false);
	return (a->role == b->role && str_equal(a->node_id, b->node_id) &&
	    a->call_timeout_ms == b->call_timeout_ms &&
	    a->hold_down_ms == b->hold_down_ms &&
	    a->max_message == b->max_message &&
	    a->max_connections == b->max_connections &&
	    a->max_per_address == b->max_per_address &&
	    a->log == b->log && a->sandbox == b->sandbox &&
	    str_equal(a->control, b->control) &&
	    str_equal(a->state_directory, b->state_directory));
}

bool
conf_equal(const struct conf *a, const struct conf *b)
{
	size_t	 i;

	if (!settings_equal(a, b) || a->nlisteners != b->nlisteners ||
	    a->nuplinks != b->nuplinks || a->npeers != b->npeers ||
	    a->norigins != b->norigins || a->nservices != b->nservices)
		return (false);
	for (i = 0; i < a->nlisteners; i++)
		if (!conf_listener_equal(&a->listeners[i], &b->listeners[i]))
			return (false);
	for (i = 0; i < a->nuplinks; i++)
		if (!conf_uplink_equal(&a->uplinks[i], &b->uplinks[i]))
			return (false);
	for (i = 0; i < a->npeers; i++)
		if (!conf_peer_equal(&a->peers[i], &b->peers[i]))
			return (false);
	for (i = 0; i < a->norigins; i++)
		if (strcmp(a->origins[i].text, b->origins[i].text) != 0)
			return (false);
	for (i = 0; i < a->nservices; i++)
		if (!conf_service_equal(&a->services[i], &b->services[i]))
			return (false);
	return (true);
}
