/* SPDX-License-Identifier: ISC */
/* See credential.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/join.h"
#include "common/log.h"
#include "common/name.h"
#include "relay-registry/credential.h"

/* --- files --- */

/* As many bytes as there are and fit; false on an error. */
static bool
read_all(int fd, char *buf, size_t size, size_t *len)
{
	ssize_t n;

	*len = 0;
	while (*len < size) {
		n = read(fd, buf + *len, size - *len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (false);
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return (true);
}

/* What is wrong with a line; its newline is taken off. */
static const char *
check_line(const char *s, size_t *len)
{
	size_t i;

	if (*len > 0 && s[*len - 1] == '\n')
		--*len;
	if (*len < AUTH_SECRET_MIN)
		return ("has fewer than 16 bytes");
	if (*len > AUTH_SECRET_MAX)
		return ("has more than 512 bytes");
	for (i = 0; i < *len; i++) {
		if (s[i] == '\n')
			return ("has more than one line");
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return ("has control characters");
	}
	return (NULL);
}

const char *
credential_read(int fd, char out[AUTH_SECRET_MAX], size_t *len)
{
	/* The newline, and one more, to see that there is more. */
	char buf[AUTH_SECRET_MAX + 2];
	const char *why;

	why = !read_all(fd, buf, sizeof(buf), len) ? "cannot be read" :
	    check_line(buf, len);
	if (why == NULL)
		memcpy(out, buf, *len);
	explicit_bzero(buf, sizeof(buf));
	return (why);
}

/* --- values --- */

static bool
starts(struct span s, const char *with)
{
	return (s.len >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0);
}

static bool
set_value(struct credential *c, const void *p, size_t len)
{
	if ((c->value = malloc(len)) == NULL)
		return (false);
	memcpy(c->value, p, len);
	c->len = len;
	return (true);
}

static const char *
take_key(struct credential *c, struct span s)
{
	static const char prefix[] = "ed25519:";
	uint8_t key[AUTH_KEY];
	const size_t n = sizeof(prefix) - 1;

	if (!starts(s, prefix) ||
	    !b64url_decode(s.p + n, s.len - n, key, sizeof(key)))
		return ("is no key: ed25519: and 43 characters of base64url");
	return (set_value(c, key, sizeof(key)) ? NULL : "no memory");
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1);
}

static const char *
take_hash(struct credential *c, struct span s)
{
	static const char bad[] =
	    "is no hash of a token: sha256: and 64 hexadecimal digits";
	static const char prefix[] = "sha256:";
	uint8_t hash[AUTH_MAC];
	const char *p = s.p + sizeof(prefix) - 1;
	size_t i;

	if (!starts(s, prefix) ||
	    s.len != sizeof(prefix) - 1 + 2 * sizeof(hash))
		return (bad);
	for (i = 0; i < sizeof(hash); i++, p += 2) {
		if (hex_digit(p[0]) == -1 || hex_digit(p[1]) == -1)
			return (bad);
		hash[i] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
	}
	return (set_value(c, hash, sizeof(hash)) ? NULL : "no memory");
}

/* It goes into a header. */
static const char *
take_token(struct credential *c, struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return ("is no token: it has blanks or odd bytes");
	}
	return (set_value(c, s.p, s.len) ? NULL : "no memory");
}

static const char *
take_join(struct credential *c, struct span s)
{
	uint8_t secret[JOIN_SECRET];
	const char *why = NULL;

	if (!b64url_decode(s.p, s.len, secret, sizeof(secret)))
		why = "is no one-time secret: 43 characters of base64url";
	else if (!set_value(c, secret, sizeof(secret)))
		why = "no memory";
	explicit_bzero(secret, sizeof(secret));
	return (why);
}

static const char *
take_certificate(struct credential *c, struct span s)
{
	if ((!starts(s, "dns:") || s.len == 4) && !starts(s, "spiffe://"))
		return ("is no name of a certificate: dns:NAME or spiffe://...");
	return (set_value(c, s.p, s.len) ? NULL : "no memory");
}

static bool
shown_by_us(enum holder holder)
{
	return (holder == HOLDER_UPLINK || holder == HOLDER_PEER);
}

static const char *
take_value(struct credential *c, const struct credential_conf *conf)
{
	bool ours = shown_by_us(c->holder);

	switch (c->method) {
	case AUTH_BY_KEY:
		return (take_key(c, conf->value));
	case AUTH_BY_SECRET:
		return (set_value(c, conf->contents.p, conf->contents.len) ?
		    NULL : "no memory");
	case AUTH_BY_TOKEN:
		return (ours ? take_token(c, conf->contents) :
		    take_hash(c, conf->value));
	case AUTH_BY_CERTIFICATE:
		return (ours ? "is a name, where a file is needed" :
		    take_certificate(c, conf->value));
	case AUTH_BY_JOIN:
		return (ours ? take_join(c, conf->contents) :
		    "is of no method for nodes");
	}
	return ("is of no method");
}

/* Whether it comes by a file. */
static bool
needs_file(enum holder holder, enum auth_method method)
{
	return (method == AUTH_BY_SECRET || method == AUTH_BY_JOIN ||
	    (method == AUTH_BY_TOKEN && shown_by_us(holder)));
}

static bool
grow(struct credentials *s)
{
	uint32_t size = s->size == 0 ? 16 : s->size * 2;
	struct credential *list;

	if (s->n < s->size)
		return (true);
	if (s->n >= LIMIT_CONF_CREDENTIALS)
		return (false);
	/* Secrets are behind pointers: what is moved here is none. */
	if ((list = reallocarray(s->list, size, sizeof(*list))) == NULL)
		return (false);
	s->list = list;
	s->size = size;
	return (true);
}

const char *
credentials_add(struct credentials *s, const struct credential_conf *conf)
{
	struct credential *c;
	const char *why;

	if (!grow(s))
		return ("is one more credential than may be");
	c = &s->list[s->n];
	*c = (struct credential){ .holder = conf->holder,
	    .index = conf->index, .method = conf->method };
	if (conf->node.len > 0 ?
	    !name_node_lower(conf->node, c->node, sizeof(c->node)) :
	    !shown_by_us(c->holder))
		return ("belongs to no node");
	if (needs_file(c->holder, c->method) &&
	    conf->contents.len < AUTH_SECRET_MIN)
		return ("is missing its file");
	if ((why = take_value(c, conf)) != NULL)
		return (why);
	if (conf->file.len > 0 && (c->file = strndup(conf->file.p,
	    conf->file.len)) == NULL)
		fatal("no memory for the name of a file");
	s->n++;
	return (NULL);
}

/* --- those of a node --- */

/* What a node shows here; a peer's certificate and token are ours to show. */
static bool
is_of_node(const struct credential *c)
{
	if (c->node[0] == '\0' || c->holder == HOLDER_UPLINK)
		return (false);
	return (c->holder != HOLDER_PEER || c->method == AUTH_BY_KEY ||
	    c->method == AUTH_BY_SECRET);
}

static int
compare(const void *a, const void *b, void *arg)
{
	const struct credentials *s = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order = strcmp(s->list[i].node, s->list[j].node);

	return (order != 0 ? order : i < j ? -1 : i > j);
}

bool
credentials_seal(struct credentials *s)
{
	uint32_t i;

	if (s->n == 0)
		return (true);
	if ((s->by_node = reallocarray(NULL, s->n, sizeof(*s->by_node))) ==
	    NULL)
		return (false);
	for (i = 0; i < s->n; i++) {
		if (is_of_node(&s->list[i]))
			s->by_node[s->n_nodes++] = i;
	}
	qsort_r(s->by_node, s->n_nodes, sizeof(*s->by_node), compare, s);
	return (true);
}

void
credentials_clear(struct credentials *s)
{
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		freezero(s->list[i].value, s->list[i].len);
		free(s->list[i].file);
	}
	free(s->list);
	free(s->by_node);
	memset(s, 0, sizeof(*s));
}

/* The first place in the order whose node is not below this one. */
static uint32_t
lower_bound(const struct credentials *s, const char *node)
{
	uint32_t low = 0, high = s->n_nodes, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(s->list[s->by_node[mid]].node, node) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return (low);
}

const struct credential *
credentials_of(const struct credentials *s, const char *node, uint32_t n)
{
	uint32_t i = lower_bound(s, node);
	const struct credential *c;

	if (n >= s->n_nodes - i)
		return (NULL);
	c = &s->list[s->by_node[i + n]];
	return (strcmp(c->node, node) == 0 ? c : NULL);
}

const struct credential *
credentials_dialled(const struct credentials *s, enum holder holder,
    uint32_t index, enum auth_method method, uint32_t n)
{
	const struct credential *c;
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		c = &s->list[i];
		if (c->holder == holder && c->index == index &&
		    c->method == method && n-- == 0)
			return (c);
	}
	return (NULL);
}

struct span
credential_value(const struct credential *c)
{
	return ((struct span){ (const char *)c->value, c->len });
}

const char *
credentials_next(const struct credentials *s, const char *node)
{
	uint32_t i = lower_bound(s, node);

	while (i < s->n_nodes &&
	    strcmp(s->list[s->by_node[i]].node, node) == 0)
		i++;
	return (i < s->n_nodes ? s->list[s->by_node[i]].node : NULL);
}
