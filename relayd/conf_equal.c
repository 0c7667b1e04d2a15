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
	    a->tls == b->tls && a->insecure == b->insecure &&
	    str_equal(a->path, b->path) &&
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0);
}

static bool
key_equal(const struct conf_key *a, const struct conf_key *b)
{
	return (strcmp(a->certificate, b->certificate) == 0 &&
	    strcmp(a->key, b->key) == 0);
}

static bool
index_equal(uint32_t a, uint32_t b)
{
	return ((a == CONF_NONE) == (b == CONF_NONE));
}

/* Indices count by what they stand for. */
static bool
link_equal(const struct conf *ca, const struct conf_link *a,
    const struct conf *cb, const struct conf_link *b)
{
	if (a->insecure != b->insecure ||
	    !str_equal(a->url.text, b->url.text) ||
	    !str_equal(a->node_id, b->node_id) ||
	    !str_equal(a->pin, b->pin) || !index_equal(a->ca, b->ca) ||
	    !index_equal(a->key, b->key))
		return (false);
	return ((a->ca == CONF_NONE ||
	    strcmp(ca->cas[a->ca].file, cb->cas[b->ca].file) == 0) &&
	    (a->key == CONF_NONE ||
	    key_equal(&ca->keys[a->key], &cb->keys[b->key])));
}

static bool
links_equal(const struct conf *a, const struct conf *b)
{
	size_t	 i;

	if (a->nuplinks != b->nuplinks || a->npeers != b->npeers)
		return (false);
	for (i = 0; i < a->nuplinks; i++)
		if (!link_equal(a, &a->uplinks[i], b, &b->uplinks[i]))
			return (false);
	for (i = 0; i < a->npeers; i++)
		if (!link_equal(a, &a->peers[i], b, &b->peers[i]))
			return (false);
	return (true);
}

/* The nth certificate that listeners show, and the nth for their clients. */
static bool
server_tls_equal(const struct conf *a, const struct conf *b)
{
	size_t	 i = 0, k = 0;

	for (;; i++, k++) {
		while (i < a->nkeys && !a->keys[i].server)
			i++;
		while (k < b->nkeys && !b->keys[k].server)
			k++;
		if (i == a->nkeys || k == b->nkeys)
			break;
		if (!key_equal(&a->keys[i], &b->keys[k]))
			return (false);
	}
	if (i != a->nkeys || k != b->nkeys)
		return (false);
	for (i = 0; i < a->ncas && !a->cas[i].clients;)
		i++;
	for (k = 0; k < b->ncas && !b->cas[k].clients;)
		k++;
	if (i == a->ncas || k == b->ncas)
		return (i == a->ncas && k == b->ncas);
	return (strcmp(a->cas[i].file, b->cas[k].file) == 0);
}

static bool
credential_equal(const struct conf_credential *a,
    const struct conf_credential *b)
{
	return (a->index == b->index && a->method == b->method &&
	    str_equal(a->value, b->value) && str_equal(a->file, b->file));
}

/* The next one of a holder from i on, or the end. */
static size_t
next_of(const struct conf *conf, enum conf_holder holder, size_t i)
{
	while (i < conf->ncredentials && conf->credentials[i].holder != holder)
		i++;
	return (i);
}

/* Their order counts where it is one: among those of one kind of block. */
static bool
credentials_equal(const struct conf *a, const struct conf *b,
    enum conf_holder holder)
{
	size_t	 i = 0, k = 0;

	for (;; i++, k++) {
		i = next_of(a, holder, i);
		k = next_of(b, holder, k);
		if (i == a->ncredentials || k == b->ncredentials)
			return (i == a->ncredentials && k == b->ncredentials);
		if (!credential_equal(&a->credentials[i], &b->credentials[k]))
			return (false);
	}
}

static bool
nodes_equal(const struct conf *a, const struct conf *b)
{
	size_t	 i;

	if (a->nnodes != b->nnodes)
		return (false);
	for (i = 0; i < a->nnodes; i++)
		if (a->nodes[i].holder != b->nodes[i].holder ||
		    strcmp(a->nodes[i].node_id, b->nodes[i].node_id) != 0)
			return (false);
	return (true);
}

static bool
trust_equal(const struct conf *a, const struct conf *b)
{
	return (a->authentication == b->authentication &&
	    str_equal(a->url.text, b->url.text) && links_equal(a, b) &&
	    server_tls_equal(a, b) && nodes_equal(a, b) &&
	    credentials_equal(a, b, CONF_HOLDER_HOME) &&
	    credentials_equal(a, b, CONF_HOLDER_MAIN) &&
	    credentials_equal(a, b, CONF_HOLDER_UPLINK) &&
	    credentials_equal(a, b, CONF_HOLDER_PEER) &&
	    policy_equal(&a->policy, &b->policy));
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

	if (!settings_equal(a, b) || !trust_equal(a, b) ||
	    a->nlisteners != b->nlisteners || a->norigins != b->norigins ||
	    a->nservices != b->nservices)
		return (false);
	for (i = 0; i < a->nlisteners; i++)
		if (!conf_listener_equal(&a->listeners[i], &b->listeners[i]))
			return (false);
	for (i = 0; i < a->norigins; i++)
		if (strcmp(a->origins[i].text, b->origins[i].text) != 0)
			return (false);
	for (i = 0; i < a->nservices; i++)
		if (!conf_service_equal(&a->services[i], &b->services[i]))
			return (false);
	return (true);
}
