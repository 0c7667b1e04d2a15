/* SPDX-License-Identifier: ISC */
/*
 * Small things the configuration parser is made of: complaints, memory, and
 * values with a unit and a range.
 */

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

/* Sizes are bounded by the limits of a file, so this is the machine's end. */
static void *
or_end(void *ptr)
{
	if (ptr == NULL)
		err(1, "configuration");
	return (ptr);
}

void *
conf_alloc(size_t size)
{
	return (or_end(calloc(1, size)));
}

char *
conf_strdup(const char *s)
{
	return (or_end(strdup(s)));
}

/* One more zeroed element of size bytes at the end of an array of *count. */
void *
conf_grow(void *array, size_t *count, size_t size)
{
	array = or_end(reallocarray(array, *count + 1, size));
	memset((char *)array + *count * size, 0, size);
	(*count)++;
	return (array);
}

static void
complain(struct conf_parser *p, const struct conf_pos *pos, bool warning,
    const char *text)
{
	struct conf_errors	*errs = p->errs;
	struct conf_error	*e;

	errs->list = conf_grow(errs->list, &errs->count, sizeof(*errs->list));
	e = &errs->list[errs->count - 1];
	e->file = conf_strdup(pos->file != NULL ? pos->file : p->source->name);
	e->line = pos->line;
	e->warning = warning;
	e->text = conf_strdup(text);
	errs->nerrors += !warning;
}

void
conf_error(struct conf_parser *p, const struct conf_pos *pos,
    const char *fmt, ...)
{
	char	 text[LIMIT_CONF_STRING * 2];
	va_list	 ap;

	if (p->stop)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	complain(p, pos, false, text);
	if (p->errs->nerrors < LIMIT_CONF_ERRORS)
		return;
	p->stop = true;
	complain(p, pos, true, "too many errors, the rest was not read");
}

void
conf_warning(struct conf_parser *p, const struct conf_pos *pos,
    const char *fmt, ...)
{
	size_t	 n = p->errs->count - p->errs->nerrors;
	char	 text[LIMIT_CONF_STRING * 2];
	va_list	 ap;

	if (p->stop || n > LIMIT_CONF_ERRORS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	complain(p, pos, true, n < LIMIT_CONF_ERRORS ? text :
	    "too many warnings, the rest is left out");
}

void
conf_errors_print(const struct conf_errors *errs, FILE *f)
{
	const struct conf_error	*e;
	size_t			 i;

	for (i = 0; i < errs->count; i++) {
		e = &errs->list[i];
		fprintf(f, "%s:", e->file);
		if (e->line > 0)
			fprintf(f, "%u:", e->line);
		fprintf(f, " %s%s\n", e->warning ? "warning: " : "", e->text);
	}
}

void
conf_errors_free(struct conf_errors *errs)
{
	size_t	 i;

	for (i = 0; i < errs->count; i++) {
		free(errs->list[i].file);
		free(errs->list[i].text);
	}
	free(errs->list);
	memset(errs, 0, sizeof(*errs));
}

bool
conf_once(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_once which, const char *statement)
{
	struct conf_pos	*first = &p->once[which];

	if (first->file == NULL) {
		*first = *pos;
		return (true);
	}
	conf_error(p, pos, "%s: already given at %s:%u", statement,
	    first->file, first->line);
	return (false);
}

int
conf_choice(struct conf_parser *p, const struct conf_pos *pos,
    const char *statement, const char *text, const char *const *words)
{
	char	 list[256] = "";
	size_t	 len = 0;
	int	 i;

	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0)
			return (i);
		len += (size_t)snprintf(list + len, sizeof(list) - len,
		    "%s%s", i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ",
		    words[i]);
	}
	conf_error(p, pos, "%s: \"%s\" is not one of %s", statement, text,
	    list);
	return (-1);
}

bool
conf_visibility(struct conf_parser *p, const struct conf_pos *pos,
    const char *text, enum visibility *visibility)
{
	static const char *const	 words[] = { "private", "main",
					    "federation", NULL };
	static const enum visibility	 values[] = { VISIBILITY_PRIVATE,
					    VISIBILITY_MAIN,
					    VISIBILITY_FEDERATION };
	int				 i;

	if ((i = conf_choice(p, pos, "visibility", text, words)) == -1)
		return (false);
	*visibility = values[i];
	return (true);
}

/*
 * Digits, then a unit of the table.  The result saturates, as it is to be
 * compared with a range.  NULL, or why this is not such a value.
 */
struct unit {
	const char	*name;
	uint32_t	 factor;
};

static const char *
parse_quantity(const char *text, const struct unit *units, uint64_t *value)
{
	const char	*s = text;
	uint64_t	 n = 0;
	int		 i;

	for (; *s >= '0' && *s <= '9'; s++)
		n = n > UINT32_MAX ? n : n * 10 + (uint64_t)(*s - '0');
	if (s == text)
		return ("is not a number");
	for (i = 0; units[i].name != NULL; i++) {
		if (strcmp(s, units[i].name) != 0)
			continue;
		*value = n * units[i].factor;
		return (NULL);
	}
	return (*s == '\0' ? "has no unit" : "has an unknown unit");
}

bool
conf_number(struct conf_parser *p, const struct conf_pos *pos,
    const char *statement, const char *text, uint32_t min, uint32_t max,
    uint32_t *result)
{
	static const struct unit	 units[] = { { "", 1 }, { NULL, 0 } };
	uint64_t			 value;

	if (parse_quantity(text, units, &value) != NULL) {
		conf_error(p, pos, "%s: \"%s\" is not a number", statement,
		    text);
		return (false);
	}
	if (value < min || value > max) {
		conf_error(p, pos, "%s: %s is not between %u and %u",
		    statement, text, min, max);
		return (false);
	}
	*result = (uint32_t)value;
	return (true);
}

bool
conf_duration(struct conf_parser *p, const struct conf_pos *pos,
    const char *statement, const char *text, uint32_t min, uint32_t max,
    uint32_t *result)
{
	static const struct unit	 units[] = { { "ms", 1 },
	    { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { NULL, 0 } };
	const char			*why;
	uint64_t			 value;

	if ((why = parse_quantity(text, units, &value)) != NULL) {
		conf_error(p, pos, "%s: \"%s\" %s (a time is written as in "
		    "250ms, 10s, 5m, 1h)", statement, text, why);
		return (false);
	}
	if (value < min || value > max) {
		conf_error(p, pos, "%s: %s is not between %ums and %us",
		    statement, text, min, max / 1000);
		return (false);
	}
	*result = (uint32_t)value;
	return (true);
}

bool
conf_size(struct conf_parser *p, const struct conf_pos *pos,
    const char *statement, const char *text, uint32_t min, uint32_t max,
    uint32_t *result)
{
	static const struct unit	 units[] = { { "", 1 },
	    { "K", 1U << 10 }, { "M", 1U << 20 }, { NULL, 0 } };
	const char			*why;
	uint64_t			 value;

	if ((why = parse_quantity(text, units, &value)) != NULL) {
		conf_error(p, pos, "%s: \"%s\" %s (a size is written as in "
		    "65536, 64K, 1M)", statement, text, why);
		return (false);
	}
	if (value < min || value > max) {
		conf_error(p, pos, "%s: %s is not between %uK and %uM",
		    statement, text, min >> 10, max >> 20);
		return (false);
	}
	*result = (uint32_t)value;
	return (true);
}

/* NULL, or why nobody can be called that. */
static const char *
check_account_name(const char *name)
{
	const char	*s;

	if (strcmp(name, "root") == 0)
		return ("would give away what the accounts are for");
	if (name[0] == '\0' || name[0] == '-' || strlen(name) > 32)
		return ("is not the name of an account");
	for (s = name; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr("_.-", *s) != NULL))
			return ("is not the name of an account");
	return (NULL);
}

bool
conf_account_parse(struct conf_parser *p, const struct conf_pos *pos,
    const char *text, struct conf_account *account)
{
	const char	*why;
	uint32_t	 uid = 0;

	if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text)) {
		/* UINT32_MAX is no uid: setresuid(2) takes it for "leave". */
		if (!conf_number(p, pos, "account", text, 1, UINT32_MAX - 1,
		    &uid))
			return (false);
	} else if ((why = check_account_name(text)) != NULL) {
		conf_error(p, pos, "account \"%s\" %s", text, why);
		return (false);
	}
	free(account->name);
	account->name = uid == 0 ? conf_strdup(text) : NULL;
	account->uid = uid;
	account->pos = *pos;
	return (true);
}

/* directory of base + "/" + path, where that has a directory. */
static char *
beside(const char *base, const char *path)
{
	const char	*slash = strrchr(base, '/');
	size_t		 dirlen = slash == NULL ? 0 :
			    (size_t)(slash - base) + 1;
	char		*joined;

	while (strncmp(path, "./", 2) == 0)
		for (path += 2; *path == '/'; path++)
			continue;
	if (path[0] == '/')
		dirlen = 0;
	joined = conf_alloc(dirlen + strlen(path) + 1);
	memcpy(joined, base, dirlen);
	strcpy(joined + dirlen, path);
	return (joined);
}

char *
conf_path_beside(const struct conf_pos *pos, const char *path)
{
	return (beside(pos->file, path));
}

char *
conf_path_absolute(struct conf_parser *p, const struct conf_pos *pos,
    const char *path)
{
	char	*near, *base, *absolute;
	size_t	 size;

	near = conf_path_beside(pos, path);
	/* beside() wants a file: the directory with a slash will do. */
	size = strlen(p->source->cwd) + 2;
	base = conf_alloc(size);
	snprintf(base, size, "%s/", strcmp(p->source->cwd, "/") == 0 ? "" :
	    p->source->cwd);
	absolute = beside(base, near);
	free(base);
	free(near);
	if (strlen(absolute) <= LIMIT_CONF_STRING)
		return (absolute);
	conf_error(p, pos, "path \"%.64s...\" is too long", absolute);
	free(absolute);
	return (NULL);
}
