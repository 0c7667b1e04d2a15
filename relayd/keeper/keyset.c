/* SPDX-License-Identifier: ISC */
/* See keyset.h. */
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/keeper/content.h"
#include "relayd/keeper/keyset.h"

static void
keygen_free(struct keygen *g)
{
	size_t i;

	if (g == NULL)
		return;
	for (i = 0; i < LIMIT_KEYS; i++) {
		key_free(g->slots[i].key);
		EVP_PKEY_free(g->slots[i].public);
	}
	free(g);
}

/* Only the first: the rest often follows from it. */
static void
failure(struct keygen *g, const char *what, const char *file, const char *why)
{
	if (g->failure[0] == '\0')
		snprintf(g->failure, sizeof(g->failure), "tls %s %s: %s",
		    what, file, why);
}

void
keyset_begin(struct keyset *set, uint32_t generation)
{
	if ((set->next = calloc(1, sizeof(*set->next))) == NULL)
		fatal("out of memory");
	set->next->generation = generation;
}

static struct keyslot *
next_slot(struct keyset *set, uint32_t index)
{
	if (set->next == NULL || set->next->ready || index >= LIMIT_KEYS)
		return (NULL);
	return (&set->next->slots[index]);
}

bool
keyset_key(struct keyset *set, uint32_t index, const struct span *pem,
    const char *unread, const char *file)
{
	struct keyslot *slot = next_slot(set, index);
	char why[200];

	if (slot == NULL || slot->has_key)
		return (false);
	slot->has_key = true;
	strlcpy(slot->file, file, sizeof(slot->file));
	if (pem == NULL)
		failure(set->next, "key", file, unread);
	else if ((slot->key = key_load(*pem, why, sizeof(why))) == NULL)
		failure(set->next, "key", file, why);
	return (true);
}

bool
keyset_certificate(struct keyset *set, uint32_t index, bool server,
    const struct span *pem, const char *unread, const char *file)
{
	struct keyslot *slot = next_slot(set, index);
	char why[200];

	if (slot == NULL || slot->has_certificate)
		return (false);
	slot->has_certificate = true;
	slot->server = server;
	strlcpy(slot->certificate, file, sizeof(slot->certificate));
	if (pem == NULL) {
		failure(set->next, "certificate", file, unread);
		return (true);
	}
	slot->public = key_of_certificate(*pem, why, sizeof(why));
	if (slot->public == NULL)
		failure(set->next, "certificate", file, why);
	return (true);
}

/* Both halves are there and belong to each other. */
static void
check_slot(struct keygen *g, const struct keyslot *slot)
{
	char why[LIMIT_CONF_STRING + 32];

	if (slot->has_key != slot->has_certificate) {
		failure(g, slot->has_key ? "key" : "certificate",
		    slot->has_key ? slot->file : slot->certificate,
		    slot->has_key ? "has no certificate" : "has no key");
	} else if (slot->key != NULL && slot->public != NULL &&
	    !key_belongs(slot->key, slot->public)) {
		snprintf(why, sizeof(why), "does not belong to %s",
		    slot->certificate);
		failure(g, "key", slot->file, why);
	}
}

bool
keyset_end(struct keyset *set, char *reason, size_t size)
{
	struct keygen *g = set->next;
	size_t i;

	for (i = 0; i < LIMIT_KEYS && g->failure[0] == '\0'; i++)
		check_slot(g, &g->slots[i]);
	g->ready = g->failure[0] == '\0';
	if (!g->ready)
		strlcpy(reason, g->failure, size);
	return (g->ready);
}

/*
 * A key goes on counting if its file is that of before; it may have signed
 * before its commit.
 */
static void
take_counters(struct keygen *to, const struct keygen *from)
{
	size_t i;

	for (i = 0; from != NULL && i < LIMIT_KEYS; i++) {
		if (strcmp(to->slots[i].file, from->slots[i].file) != 0)
			continue;
		to->slots[i].signatures += from->slots[i].signatures;
		to->slots[i].refused += from->slots[i].refused;
		to->slots[i].total_us += from->slots[i].total_us;
	}
}

void
keyset_commit(struct keyset *set)
{
	take_counters(set->next, set->cur);
	keygen_free(set->prev);
	set->prev = set->cur;
	set->cur = set->next;
	set->next = NULL;
}

void
keyset_abort(struct keyset *set)
{
	keygen_free(set->next);
	set->next = NULL;
}

void
keyset_free(struct keyset *set)
{
	keyset_abort(set);
	keygen_free(set->cur);
	keygen_free(set->prev);
	memset(set, 0, sizeof(*set));
}

/* The front-end may be a moment ahead with a new configuration. */
static struct keygen *
find_generation(struct keyset *set, uint32_t generation)
{
	struct keygen *const all[] = { set->cur, set->prev, set->next };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] != NULL && all[i]->ready &&
		    all[i]->generation == generation)
			return (all[i]);
	}
	return (NULL);
}

static enum keyset_verdict
decide(struct keyset *set, uint32_t generation, uint32_t index,
    uint16_t scheme, struct span content, struct keyset_answer *a)
{
	struct keygen *g = find_generation(set, generation);

	if (g == NULL) {
		a->why = "its configuration is gone";
		return (KEYSET_STALE);
	}
	if (index >= LIMIT_KEYS || g->slots[index].key == NULL) {
		a->why = "there is no such key";
		return (KEYSET_OFFENCE);
	}
	a->slot = &g->slots[index];
	a->why = content_refusal(key_type(a->slot->key), a->slot->server,
	    scheme, content);
	if (a->why != NULL)
		return (KEYSET_OFFENCE);
	a->len = key_sign(a->slot->key, scheme, content, a->sig);
	if (a->len == 0) {
		a->why = "OpenSSL failed";
		return (KEYSET_FAILED);
	}
	return (KEYSET_SIGNED);
}

void
keyset_sign(struct keyset *set, uint32_t generation, uint32_t index,
    uint16_t scheme, struct span content, struct keyset_answer *a)
{
	a->slot = NULL;
	a->why = NULL;
	a->len = 0;
	a->verdict = decide(set, generation, index, scheme, content, a);
	if (a->slot == NULL)
		return;
	if (a->verdict == KEYSET_SIGNED)
		a->slot->signatures++;
	else
		a->slot->refused++;
}
