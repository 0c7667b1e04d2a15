/* SPDX-License-Identifier: ISC */
/*
 * What the lexer of relayd.conf(5) reads from: files that include others,
 * and the values of macros.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

void
conf_position(const struct conf_parser *p, struct conf_pos *pos)
{
	const struct conf_input	*in;

	SLIST_FOREACH(in, &p->inputs, entry) {
		if (in->is_macro)
			continue;
		pos->file = in->name;
		pos->line = in->line;
		return;
	}
}

/* Bytes of the line end at off: 0, 1 (LF) or 2 (CR LF). */
static size_t
line_end(const struct conf_input *in, size_t off)
{
	if (off < in->len && in->buf[off] == '\n')
		return (1);
	if (off + 1 < in->len && in->buf[off] == '\r' &&
	    in->buf[off + 1] == '\n')
		return (2);
	return (0);
}

int
conf_peek(struct conf_parser *p)
{
	struct conf_input	*in = SLIST_FIRST(&p->inputs);
	size_t			 eol;

	while (in->off < in->len && in->buf[in->off] == '\\' &&
	    (eol = line_end(in, in->off + 1)) > 0) {
		in->off += 1 + eol;
		in->line++;
	}
	return (conf_peek_raw(p));
}

int
conf_peek_raw(const struct conf_parser *p)
{
	const struct conf_input	*in = SLIST_FIRST(&p->inputs);

	if (in->off >= in->len)
		return (in->is_macro ? CONF_C_END : CONF_C_EOF);
	if (line_end(in, in->off) > 0)
		return ('\n');
	return ((unsigned char)in->buf[in->off]);
}

void
conf_advance(struct conf_parser *p)
{
	struct conf_input	*in = SLIST_FIRST(&p->inputs);
	size_t			 eol = line_end(in, in->off);

	if (eol > 0)
		in->line++;
	in->off += eol > 0 ? eol : 1;
}

void
conf_pop(struct conf_parser *p)
{
	struct conf_input	*in = SLIST_FIRST(&p->inputs);

	SLIST_REMOVE_HEAD(&p->inputs, entry);
	p->depth--;
	free(in->buf);
	free(in);
}

void
conf_skip_comment(struct conf_parser *p)
{
	struct conf_input	*in = SLIST_FIRST(&p->inputs);

	while (in->off < in->len && line_end(in, in->off) == 0)
		in->off++;
}

bool
conf_macro_character(int c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_');
}

static struct conf_macro *
find_macro(struct conf_parser *p, const char *name)
{
	struct conf_macro	*m;

	SLIST_FOREACH(m, &p->macros, entry)
		if (strcmp(m->name, name) == 0)
			return (m);
	return (NULL);
}

static bool
is_open(const struct conf_parser *p, const char *name, bool is_macro)
{
	const struct conf_input	*in;

	SLIST_FOREACH(in, &p->inputs, entry)
		if (in->is_macro == is_macro && strcmp(in->name, name) == 0)
			return (true);
	return (false);
}

static void
push(struct conf_parser *p, const char *name, char *buf, size_t len,
    bool is_macro)
{
	struct conf_input	*in;

	in = conf_alloc(sizeof(*in));
	in->name = name;
	in->is_macro = is_macro;
	in->buf = buf;
	in->len = len;
	in->line = 1;
	SLIST_INSERT_HEAD(&p->inputs, in, entry);
	p->depth++;
}

const char *
conf_push_macro(struct conf_parser *p, const char *name)
{
	struct conf_macro	*m = find_macro(p, name);

	if (m == NULL)
		return ("is not defined");
	if (is_open(p, name, true))
		return ("is defined by itself");
	if (p->depth >= LIMIT_CONF_DEPTH)
		return ("is nested too deep");
	if (strlen(m->value) > LIMIT_CONF_EXPAND - p->expanded)
		return ("expands to too much text");
	p->expanded += strlen(m->value);
	/* The list keeps its names, the value may be replaced meanwhile. */
	push(p, m->name, conf_strdup(m->value), strlen(m->value), true);
	return (NULL);
}

static const char *
keep_file_name(struct conf *conf, const char *name)
{
	conf->files = conf_grow(conf->files, &conf->nfiles,
	    sizeof(conf->files[0]));
	return (conf->files[conf->nfiles - 1] = conf_strdup(name));
}

/* A file that could not be text: false and an error where it is not. */
static bool
check_text(struct conf_parser *p, const char *name, const char *buf,
    size_t len)
{
	struct conf_pos	 pos = { name, 1 };
	const char	*nul;

	if (len > LIMIT_CONF_FILE) {
		pos.line = 0;
		conf_error(p, &pos, "file is larger than %u bytes",
		    LIMIT_CONF_FILE);
		return (false);
	}
	if (len == 0 || (nul = memchr(buf, '\0', len)) == NULL)
		return (true);
	for (; buf < nul; buf++)
		pos.line += *buf == '\n';
	conf_error(p, &pos, "NUL byte: this is not a text file");
	return (false);
}

bool
conf_push_file(struct conf_parser *p, const struct conf_pos *pos,
    const char *name)
{
	char	*buf = NULL;
	size_t	 len = 0;
	int	 error;

	if (is_open(p, name, false)) {
		conf_error(p, pos, "\"%s\" includes itself", name);
		return (false);
	}
	if (p->depth >= LIMIT_CONF_DEPTH || p->nreads >= LIMIT_CONF_FILES) {
		conf_error(p, pos, "cannot include \"%s\": %s", name,
		    p->depth >= LIMIT_CONF_DEPTH ?
		    "includes are nested too deep" : "too many files");
		return (false);
	}
	p->nreads++;
	if ((error = p->source->open(p->source->ctx, name, &buf, &len)) != 0) {
		conf_error(p, pos, "cannot read \"%s\": %s", name,
		    strerror(error));
		return (false);
	}
	name = keep_file_name(p->conf, name);
	if (!check_text(p, name, buf, len)) {
		free(buf);
		return (false);
	}
	push(p, name, buf, len, false);
	return (true);
}

/* NULL, or why this cannot be the name of a macro. */
static const char *
check_macro_name(const char *name)
{
	const char	*s;

	for (s = name; *s != '\0'; s++)
		if (!conf_macro_character((unsigned char)*s))
			return ("may have letters, digits and '_' only");
	if (name[0] == '\0' || (name[0] >= '0' && name[0] <= '9'))
		return ("must begin with a letter or '_'");
	if (conf_is_keyword(name, 0))
		return ("is a keyword, and no statement has a '='");
	return (NULL);
}

void
conf_set_macro(struct conf_parser *p, const struct conf_pos *pos,
    const char *name, const char *value, bool fixed)
{
	struct conf_macro	*m;
	const char		*why;

	if ((why = check_macro_name(name)) != NULL) {
		conf_error(p, pos, "macro name \"%s\" %s", name, why);
		return;
	}
	if ((m = find_macro(p, name)) == NULL) {
		if (p->nmacros++ >= LIMIT_CONF_MACROS) {
			conf_error(p, pos, "more than %d macros",
			    LIMIT_CONF_MACROS);
			return;
		}
		m = conf_alloc(sizeof(*m));
		m->name = conf_strdup(name);
		SLIST_INSERT_HEAD(&p->macros, m, entry);
	} else if (m->fixed && !fixed)
		return;
	free(m->value);
	m->value = conf_strdup(value);
	m->fixed = fixed;
}

void
conf_input_init(struct conf_parser *p)
{
	SLIST_INIT(&p->inputs);
	SLIST_INIT(&p->macros);
	SLIST_INIT(&p->scratch);
}

void
conf_input_finish(struct conf_parser *p)
{
	struct conf_macro	*m;
	struct conf_scratch	*s;

	while (!SLIST_EMPTY(&p->inputs))
		conf_pop(p);
	while ((m = SLIST_FIRST(&p->macros)) != NULL) {
		SLIST_REMOVE_HEAD(&p->macros, entry);
		free(m->name);
		free(m->value);
		free(m);
	}
	while ((s = SLIST_FIRST(&p->scratch)) != NULL) {
		SLIST_REMOVE_HEAD(&p->scratch, entry);
		free(s);
	}
}
