/* SPDX-License-Identifier: ISC */

/*
 * The scanner against json-c in strict mode: what one takes the other must
 * take, but for what json-c is known to see otherwise.
 */

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_scan.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define DEPTH	200		/* deeper than the scanner goes */

static bool
jsonc_takes(const char *text, size_t len)
{
	json_tokener	*tok;
	json_object	*o;
	size_t		 used;
	bool		 ok;

	tok = json_tokener_new_ex(DEPTH);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
	    JSON_TOKENER_VALIDATE_UTF8);
	/* With its NUL a number at the end is known to be over. */
	o = json_tokener_parse_ex(tok, text, (int)len + 1);
	ok = json_tokener_get_error(tok) == json_tokener_success;
	used = json_tokener_get_parse_end(tok);
	while (ok && used < len && strchr(" \t\r\n", text[used]) != NULL &&
	    text[used] != '\0')
		used++;
	ok = ok && used >= len;
	json_object_put(o);
	json_tokener_free(tok);
	return (ok);
}

/*
 * What json-c takes against RFC 8259, so that it does not count against the
 * scanner: bare control characters in strings, NaN and Infinity, encoded
 * surrogates, single quotes, and numbers such as "1.", "1e" and "00".  A text
 * with such a thing is not judged.
 */
static bool
is_lenient(const char *text, size_t len, enum json_err err)
{
	size_t	 i;
	bool	 digit;

	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == '\'')
			return (true);
		/* The NUL after the text stands for what is no digit. */
		digit = text[i + 1] >= '0' && text[i + 1] <= '9';
		if ((strchr(".eE+-", text[i]) != NULL && !digit) ||
		    (text[i] == '0' && digit))
			return (true);
	}
	return (err == JSON_E_UTF8 || memmem(text, len, "NaN", 3) != NULL ||
	    memmem(text, len, "Infinity", 8) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_scan	 s;
	bool			 mine, theirs;
	char			*text;

	if (size > 100000)
		return (0);
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	json_scan_init(&s, text, size);
	mine = json_skip(&s, NULL) && json_scan_end(&s);
	if (!mine && s.err == JSON_OK)
		abort();
	theirs = jsonc_takes(text, size);
	if (mine && !theirs && memmem(text, size, "\\u0000", 6) == NULL)
		abort();
	if (!mine && theirs && s.err != JSON_E_DEPTH &&
	    !is_lenient(text, size, s.err))
		abort();
	free(text);
	return (0);
}
