/* SPDX-License-Identifier: ISC */
/*
 * The configuration parser.  What it accepts must print to text that it
 * accepts again, as the same configuration.  The first byte chooses a
 * service file; a text can include itself and a second, fixed file.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/conf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char	 other[] =
    "m = \"$n\"\nservice \"included\" { exec \"./x\" }\n";

struct text {
	const char	*data;
	size_t		 len;
};

static int
open_text(void *ctx, const char *name, char **data, size_t *len)
{
	const struct text	*text = ctx;
	struct text		 fixed = { other, sizeof(other) - 1 };

	if (strcmp(name, "other") == 0)
		text = &fixed;
	else if (strstr(name, "fuzz") == NULL)
		return (ENOENT);
	if ((*data = malloc(text->len + 1)) == NULL)
		return (ENOMEM);
	memcpy(*data, text->data, text->len);
	*len = text->len;
	return (0);
}

static struct conf *
parse(const char *data, size_t len, unsigned int flags)
{
	static const char *const	 macros[] = { "given=127.0.0.1" };
	struct text			 text = { data, len };
	struct conf_source		 source = {
		.name = "fuzz", .open = open_text, .ctx = &text,
		.cwd = "/", .macros = macros, .nmacros = 1, .flags = flags
	};
	struct conf_errors		 errs = { 0 };
	struct conf			*conf;

	conf = conf_parse(&source, &errs);
	/* A configuration or an error, never both and never neither. */
	if ((conf == NULL) != (errs.nerrors > 0))
		abort();
	conf_errors_free(&errs);
	return (conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf	*conf, *again;
	unsigned int	 flags;
	FILE		*f;
	char		*text = NULL;
	size_t		 len = 0;

	if (size == 0)
		return (0);
	flags = data[0] == 's' ? CONF_SERVICES_ONLY : 0;
	conf = parse((const char *)data + 1, size - 1, flags);
	if (conf == NULL)
		return (0);
	if ((f = open_memstream(&text, &len)) == NULL)
		abort();
	if (conf_print(conf, f) == -1 || fclose(f) == EOF)
		abort();
	again = parse(text, len, flags);
	if (again == NULL || !conf_equal(conf, again))
		abort();
	conf_free(again);
	conf_free(conf);
	free(text);
	return (0);
}
