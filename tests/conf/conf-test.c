/* SPDX-License-Identifier: ISC */
/*
 * Parse a configuration and print it, for tests/conf/run: what relayd -nv
 * does, but with defaults that do not depend on where relayd is installed.
 *
 * usage: conf-test [-s] [-C cwd] [-D name=value] file
 * -s: a service file.  Errors and warnings go to standard error; exit
 * status 1 if there were errors, 2 if the printed text does not parse to
 * the same configuration.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/conf.h"

#define MACROS_MAX	16

static const struct conf_defaults defaults = {
	.control = "/run/relayd/relayd.sock",
	.state_directory = "/var/lib/relayd",
	.ca_file = "/etc/ssl/certs/ca-certificates.crt",
};

/* An open() that gives out ctx, the text that was printed. */
static int
open_text(void *ctx, const char *name, char **data, size_t *len)
{
	(void)name;
	*data = strdup(ctx);
	*len = strlen(ctx);
	return (*data == NULL ? -1 : 0);
}

static char *
print(const struct conf *conf)
{
	FILE	*f;
	char	*text;
	size_t	 len;

	if ((f = open_memstream(&text, &len)) == NULL)
		err(1, "open_memstream");
	if (conf_print(conf, f) == -1 || fclose(f) == EOF)
		err(1, "conf_print");
	return (text);
}

/* Whether text gives the same configuration, and is printed the same. */
static bool
round_trip(const struct conf *conf, char *text, unsigned int flags)
{
	struct conf_source	 source = {
		.name = "printed", .open = open_text, .ctx = text,
		.cwd = "/nowhere", .flags = flags, .defaults = &defaults
	};
	struct conf_errors	 errs = { 0 };
	struct conf		*again;
	char			*more = NULL;
	bool			 same;

	again = conf_parse(&source, &errs);
	if (again == NULL) {
		conf_errors_print(&errs, stderr);
		conf_errors_free(&errs);
		return (false);
	}
	conf_errors_free(&errs);
	more = print(again);
	same = conf_equal(conf, again) && strcmp(text, more) == 0;
	free(more);
	conf_free(again);
	return (same);
}

int
main(int argc, char *argv[])
{
	const char		*macros[MACROS_MAX];
	struct conf_source	 source = {
		.open = conf_open_file, .cwd = "/cwd", .macros = macros,
		.defaults = &defaults
	};
	struct conf_errors	 errs = { 0 };
	struct conf		*conf;
	char			*text;
	int			 ch, status = 0;

	while ((ch = getopt(argc, argv, "C:D:s")) != -1) {
		switch (ch) {
		case 'C':
			source.cwd = optarg;
			break;
		case 'D':
			if (source.nmacros == MACROS_MAX)
				errx(1, "too many macros");
			macros[source.nmacros++] = optarg;
			break;
		case 's':
			source.flags |= CONF_SERVICES_ONLY;
			break;
		default:
			return (1);
		}
	}
	if (argc - optind != 1)
		errx(1, "usage: conf-test [-s] [-C cwd] [-D name=value] file");
	source.name = argv[optind];
	conf = conf_parse(&source, &errs);
	conf_errors_print(&errs, stderr);
	conf_errors_free(&errs);
	if (conf == NULL)
		return (1);
	text = print(conf);
	fputs(text, stdout);
	if (!round_trip(conf, text, source.flags)) {
		warnx("the printed configuration is not the same");
		status = 2;
	}
	free(text);
	conf_free(conf);
	return (status);
}
