/* SPDX-License-Identifier: ISC */
/* See join.h. */
#include <openssl/evp.h>

#include <string.h>

#include <bsd/string.h>

#include "common/b64url.h"
#include "common/join.h"
#include "common/name.h"
#include "common/wire.h"

#define PREFIX	"relay-join-1."
#define FORMAT	1
#define CHECK	4		/* bytes of the SHA-256 behind the rest */
#define BYTES	((JOIN_TEXT_MAX - sizeof(PREFIX)) / 4 * 3)

static bool
make_check(const uint8_t *p, size_t n, uint8_t check[CHECK])
{
	unsigned char	hash[EVP_MAX_MD_SIZE];
	unsigned int	len = 0;

	if (EVP_Digest(p, n, hash, &len, EVP_sha256(), NULL) != 1 ||
	    len < CHECK)
		return (false);
	memcpy(check, hash, CHECK);
	return (true);
}

bool
join_encode(const struct join *j, char *text, size_t size)
{
	uint8_t		 buf[BYTES], check[CHECK];
	struct wire_put	 w;
	bool		 ok;

	wire_put_init(&w, buf, sizeof(buf));
	put_u8(&w, FORMAT);
	put_str(&w, j->url);
	put_str(&w, j->node_id);
	put_str(&w, j->main_id);
	put_raw(&w, j->main_key, sizeof(j->main_key));
	put_raw(&w, j->secret, sizeof(j->secret));
	put_u64(&w, j->expires_ms);
	put_str(&w, j->pin);
	ok = !w.bad && make_check(buf, w.len, check);
	if (ok)
		put_raw(&w, check, sizeof(check));
	ok = ok && !w.bad && strlen(PREFIX) + B64URL_SIZE(w.len) <= size;
	if (ok) {
		memcpy(text, PREFIX, strlen(PREFIX));
		b64url_encode(buf, w.len, text + strlen(PREFIX));
	}
	explicit_bzero(buf, sizeof(buf));
	return (ok);
}

/* --- decoding --- */

/* The bytes behind the prefix; false if they are none or too many. */
static bool
get_text(const char *text, uint8_t buf[BYTES], size_t *n)
{
	size_t	len = strnlen(text, JOIN_TEXT_MAX);

	if (len == JOIN_TEXT_MAX || len < strlen(PREFIX))
		return (false);
	text += strlen(PREFIX);
	len -= strlen(PREFIX);
	*n = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
	return (*n > CHECK && *n <= BYTES &&
	    b64url_decode(text, len, buf, *n));
}

static void
get_fixed(struct wire_get *g, uint8_t *p, size_t n)
{
	while (n-- > 0)
		*p++ = get_u8(g);
}

/* A text that people will see and programs will use: no odd bytes. */
static void
get_plain(struct wire_get *g, char *buf, size_t size)
{
	const char	*p;

	get_str(g, buf, size);
	for (p = buf; !g->bad && *p != '\0'; p++) {
		if (*p < 0x21 || *p > 0x7e || *p == '"' || *p == '\\')
			g->bad = true;
	}
}

static bool
get_join(struct wire_get *g, struct join *j)
{
	get_plain(g, j->url, sizeof(j->url));
	get_plain(g, j->node_id, sizeof(j->node_id));
	get_plain(g, j->main_id, sizeof(j->main_id));
	get_fixed(g, j->main_key, sizeof(j->main_key));
	get_fixed(g, j->secret, sizeof(j->secret));
	j->expires_ms = get_u64(g);
	get_plain(g, j->pin, sizeof(j->pin));
	return (get_done(g) && name_node(span_str(j->node_id)) &&
	    name_node(span_str(j->main_id)) &&
	    (strncmp(j->url, "ws://", 5) == 0 ||
	    strncmp(j->url, "wss://", 6) == 0));
}

static const char *
decode(const char *text, uint8_t buf[BYTES], struct join *j)
{
	uint8_t		 check[CHECK];
	struct wire_get	 g;
	size_t		 n;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return ("it is no join string of this version: one begins "
		    "with " PREFIX);
	if (!get_text(text, buf, &n) || !make_check(buf, n - CHECK, check) ||
	    memcmp(check, buf + n - CHECK, CHECK) != 0)
		return ("it is not as it was printed: cut, or mistyped");
	wire_get_init(&g, buf, n - CHECK);
	if (get_u8(&g) != FORMAT)
		return ("it is of a newer version than this program");
	return (get_join(&g, j) ? NULL : "it is malformed");
}

const char *
join_decode(const char *text, struct join *j)
{
	uint8_t		 buf[BYTES];
	const char	*why;

	memset(j, 0, sizeof(*j));
	if ((why = decode(text, buf, j)) != NULL)
		explicit_bzero(j, sizeof(*j));
	explicit_bzero(buf, sizeof(buf));
	return (why);
}
