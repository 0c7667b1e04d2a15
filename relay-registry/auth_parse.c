/* SPDX-License-Identifier: ISC */
/* See auth.h: headers to what is in them. */
#include <string.h>
#include <strings.h>

#include "relay-registry/auth.h"

/* What is left of a header. */
struct text {
	const char	*p;
	const char	*end;
};

/* One name=value, unquoted. */
struct param {
	struct span	name;
	struct span	value;
};

const char *
auth_method_name(enum auth_method method)
{
	switch (method) {
	case AUTH_BY_KEY:
		return ("key");
	case AUTH_BY_SECRET:
		return ("secret");
	case AUTH_BY_TOKEN:
		return ("token");
	case AUTH_BY_CERTIFICATE:
		return ("certificate");
	case AUTH_BY_JOIN:
		return ("join");
	}
	return ("none");
}

/* --- lexical: RFC 9110 sections 5.6 and 11.2 --- */

static bool
is_space(char c)
{
	return (c == ' ' || c == '\t');
}

/* token68 but for the padding, and all a token of HTTP may have. */
static bool
is_token(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' &&
	    strchr("!#$%&'*+-.^_`|~/", c) != NULL));
}

static void
skip_space(struct text *t)
{
	while (t->p < t->end && is_space(*t->p))
		t->p++;
}

static bool
take_char(struct text *t, char c)
{
	if (t->p == t->end || *t->p != c)
		return (false);
	t->p++;
	return (true);
}

static struct span
take_token(struct text *t)
{
	struct span s = { t->p, 0 };

	while (t->p < t->end && is_token(*t->p))
		t->p++;
	s.len = (size_t)(t->p - s.p);
	return (s);
}

/* Behind the opening quote; escapes stay as they are. */
static bool
take_quoted(struct text *t, struct span *s)
{
	s->p = t->p;
	for (; t->p < t->end && *t->p != '"'; t->p++) {
		if (*t->p == '\\' && ++t->p == t->end)
			return (false);
	}
	s->len = (size_t)(t->p - s->p);
	return (take_char(t, '"'));
}

static bool
is_word(struct span s, const char *word)
{
	return (s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0);
}

/* name=value at the text, which stays where it is if there is none. */
static bool
take_param(struct text *t, struct param *p)
{
	struct text	at = *t;

	p->name = take_token(&at);
	skip_space(&at);
	if (p->name.len == 0 || !take_char(&at, '='))
		return (false);
	skip_space(&at);
	if (take_char(&at, '"')) {
		if (!take_quoted(&at, &p->value))
			return (false);
	} else if ((p->value = take_token(&at)).len == 0)
		return (false);
	*t = at;
	return (true);
}

/* --- Authorization and X-Relay-Proof --- */

enum field { METHOD, NONCE, CNONCE, KEY, PROOF, MAC, FIELDS };

static const char *const field_names[FIELDS] = {
	"method", "nonce", "cnonce", "key", "proof", "mac"
};

static bool
keep_field(struct span fields[FIELDS], const struct param *p)
{
	int	i;

	for (i = 0; i < FIELDS; i++) {
		if (is_word(p->name, field_names[i])) {
			if (fields[i].len > 0 || p->value.len == 0)
				return (false);
			fields[i] = p->value;
			return (true);
		}
	}
	return (false);
}

/* All that is left, as fields; each at most once. */
static bool
take_fields(struct text *t, struct span fields[FIELDS])
{
	struct param	p;

	memset(fields, 0, FIELDS * sizeof(*fields));
	for (;;) {
		skip_space(t);
		if (!take_param(t, &p) || !keep_field(fields, &p))
			return (false);
		skip_space(t);
		if (t->p == t->end)
			return (true);
		if (!take_char(t, ','))
			return (false);
	}
}

/* Exactly n bytes of base64url, kept as text. */
static bool
take_text(struct span s, char *text, size_t n)
{
	uint8_t	bytes[AUTH_NONCE];

	return (n <= sizeof(bytes) && b64url_decode(s.p, s.len, bytes, n) &&
	    span_copy(s, text, B64URL_SIZE(n)));
}

static bool
take_cnonce(struct span s, char text[AUTH_CNONCE_TEXT])
{
	size_t	n;

	for (n = AUTH_CNONCE_MIN; n <= AUTH_CNONCE_MAX; n++) {
		if (s.len == B64URL_SIZE(n) - 1)
			return (take_text(s, text, n));
	}
	return (false);
}

static enum auth_method
take_method(struct span s)
{
	static const enum auth_method proofs[] = { AUTH_BY_KEY,
	    AUTH_BY_SECRET, AUTH_BY_JOIN };
	size_t	i;

	for (i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		if (is_word(s, auth_method_name(proofs[i])))
			return (proofs[i]);
	}
	return (0);
}

/* Which fields a method has, beside nonce and cnonce. */
static bool
has_fields(const struct span f[FIELDS], enum auth_method method, bool server)
{
	bool	by_secret = method == AUTH_BY_SECRET;
	bool	mac = method == AUTH_BY_JOIN && !server;

	return (f[PROOF].len > 0 && (f[KEY].len > 0) == !by_secret &&
	    (f[MAC].len > 0) == mac && (f[NONCE].len > 0) == !server &&
	    (f[CNONCE].len > 0) == !server);
}

/* key and proof: a signature and whose, or a MAC. */
static bool
take_proof(const struct span f[FIELDS], struct auth_proof *p)
{
	if (p->method == AUTH_BY_SECRET)
		return (b64url_decode(f[PROOF].p, f[PROOF].len, p->mac,
		    AUTH_MAC));
	return (take_text(f[KEY], p->key_text, AUTH_KEY) &&
	    b64url_decode(f[KEY].p, f[KEY].len, p->key, AUTH_KEY) &&
	    b64url_decode(f[PROOF].p, f[PROOF].len, p->signature,
	    AUTH_SIGNATURE) && (f[MAC].len == 0 ||
	    b64url_decode(f[MAC].p, f[MAC].len, p->mac, AUTH_MAC)));
}

static const char *
parse_fields(struct text *t, bool server, struct auth_proof *p)
{
	struct span	f[FIELDS];

	if (!take_fields(t, f))
		return ("its fields are malformed");
	if ((p->method = take_method(f[METHOD])) == 0)
		return ("its method is not known");
	if (!has_fields(f, p->method, server))
		return ("it has other fields than its method has");
	if (!server && !take_text(f[NONCE], p->nonce, AUTH_NONCE))
		return ("its nonce is malformed");
	if (!server && !take_cnonce(f[CNONCE], p->cnonce))
		return ("its cnonce is malformed");
	if (!take_proof(f, p))
		return ("its key or proof is malformed");
	return (NULL);
}

/* What follows Bearer: one word, and nothing behind it (RFC 6750). */
static const char *
parse_token(struct text *t, struct auth_proof *p)
{
	const char	*q;

	p->method = AUTH_BY_TOKEN;
	while (t->end > t->p && is_space(t->end[-1]))
		t->end--;
	p->token = (struct span){ t->p, (size_t)(t->end - t->p) };
	for (q = t->p; q < t->end; q++) {
		if (*q < 0x21 || *q > 0x7e)
			return ("the token has odd bytes");
	}
	if (p->token.len < AUTH_SECRET_MIN || p->token.len > AUTH_SECRET_MAX)
		return ("no token has that length");
	return (NULL);
}

const char *
auth_parse(struct span header, struct auth_proof *p)
{
	struct text	t = { header.p, header.p + header.len };
	struct span	scheme;

	memset(p, 0, sizeof(*p));
	skip_space(&t);
	scheme = take_token(&t);
	if (t.p == t.end || !is_space(*t.p))
		return ("the Authorization header is malformed");
	skip_space(&t);
	if (is_word(scheme, "Relay"))
		return (parse_fields(&t, false, p));
	if (is_word(scheme, "Bearer"))
		return (parse_token(&t, p));
	return ("its scheme is not known");
}

const char *
auth_parse_server(struct span header, struct auth_proof *p)
{
	struct text	t = { header.p, header.p + header.len };

	memset(p, 0, sizeof(*p));
	return (parse_fields(&t, true, p));
}

/* --- WWW-Authenticate --- */

/* The parameters of a challenge, or its token68, or nothing. */
static bool
take_challenge(struct text *t, struct span scheme, struct auth_challenge *c)
{
	bool		relay = is_word(scheme, "Relay");
	struct text	at;
	struct param	p;

	c->bearer |= is_word(scheme, "Bearer");
	skip_space(t);
	if (!take_param(t, &p)) {
		(void)take_token(t);
		while (take_char(t, '='))
			continue;
		return (!relay);
	}
	for (;;) {
		if (relay && is_word(p.name, "nonce")) {
			if (c->relay ||
			    !take_text(p.value, c->nonce, AUTH_NONCE))
				return (false);
			c->relay = true;
		}
		at = *t;
		skip_space(&at);
		if (!take_char(&at, ','))
			break;
		skip_space(&at);
		if (!take_param(&at, &p))
			break;		/* the next challenge, or nothing */
		*t = at;
	}
	return (!relay || c->relay);
}

bool
auth_parse_challenge(struct span header, struct auth_challenge *c)
{
	struct text	t = { header.p, header.p + header.len };
	struct span	scheme;

	memset(c, 0, sizeof(*c));
	for (;;) {
		skip_space(&t);
		if (take_char(&t, ','))
			continue;	/* empty elements are allowed */
		if (t.p == t.end)
			return (true);
		if ((scheme = take_token(&t)).len == 0 ||
		    !take_challenge(&t, scheme, c))
			return (false);
		skip_space(&t);
		if (t.p < t.end && *t.p != ',')
			return (false);
	}
}
