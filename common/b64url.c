/* SPDX-License-Identifier: ISC */
/* See b64url.h. */
#include "common/b64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789-_";

void
b64url_encode(const uint8_t *p, size_t n, char *out)
{
	uint32_t	bits = 0;
	unsigned int	have = 0;

	while (n > 0 || have > 0) {
		if (have < 6 && n > 0) {
			bits = bits << 8 | *p++;
			have += 8;
			n--;
		}
		if (have < 6) {		/* the last ones */
			bits <<= 6 - have;
			have = 6;
		}
		have -= 6;
		*out++ = alphabet[bits >> have & 0x3f];
	}
	*out = '\0';
}

/* The value of a character, or -1. */
static int
value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == '-' ? 62 : c == '_' ? 63 : -1);
}

bool
b64url_decode(const char *s, size_t len, uint8_t *out, size_t n)
{
	uint32_t	bits = 0;
	unsigned int	have = 0;
	size_t		i;
	int		v;

	if (len != B64URL_SIZE(n) - 1)
		return (false);
	for (i = 0; i < len; i++) {
		if ((v = value(s[i])) == -1)
			return (false);
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = (uint8_t)(bits >> have);
		}
	}
	return ((bits & ((1U << have) - 1)) == 0);
}
