/* SPDX-License-Identifier: ISC */
/* Reading relayd.conf(5), and what there is to complain about it. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/files.h"
#include "relayd/relayd.h"

/* A file that strangers can write, if there was one. */
struct open_ctx {
	bool		 root;
	char		 unsafe[LIMIT_CONF_STRING];
};

void
complain(struct conf_errors *errs, const struct conf_pos *pos,
    const char *fmt, ...)
{
	struct conf_error *list, *e;
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	list = reallocarray(errs->list, errs->count + 1, sizeof(*list));
	if (len == -1 || list == NULL)
		fatal("out of memory");
	errs->list = list;
	e = &list[errs->count++];
	memset(e, 0, sizeof(*e));
	e->text = text;
	if (pos != NULL)
		e->line = pos->line;
	if ((e->file = strdup(e->line != 0 ? pos->file : "relayd")) == NULL)
		fatal("out of memory");
	errs->nerrors++;
}

void
complaints_log(const struct conf_errors *errs)
{
	const struct conf_error *e;
	size_t i;

	for (i = 0; i < errs->count; i++) {
		e = &errs->list[i];
		if (e->line == 0)
			log_err("%s: %s", e->file, e->text);
		else if (e->warning)
			log_warn("%s:%u: %s", e->file, e->line, e->text);
		else
			log_err("%s:%u: %s", e->file, e->line, e->text);
	}
}

/* Whoever can write the configuration of root is root. */
static bool
is_safe(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return (false);
	/* No name in the file system: nobody else can open it. */
	if (st.st_nlink == 0)
		return (true);
	return (st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0);
}

/* For conf_source: with root, open only what root alone can write. */
static int
open_checked(void *arg, const char *path, char **buf, size_t *len)
{
	struct open_ctx *ctx = arg;
	char by_fd[64];
	int fd, error;

	if (!ctx->root || strcmp(path, "-") == 0)
		return (conf_open_file(NULL, path, buf, len));
	/* Nonblocking: a fifo must not hold up a reload. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return (errno);
	if (is_safe(fd)) {
		/* The same file, whatever the name means by now. */
		snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
		error = conf_open_file(NULL, by_fd, buf, len);
	} else {
		snprintf(ctx->unsafe, sizeof(ctx->unsafe), "%s", path);
		error = EPERM;
	}
	close(fd);
	return (error);
}

struct conf *
conf_read(struct relayd *rd, struct conf_errors *errs)
{
	struct open_ctx ctx = { .root = rd->root };
	struct conf_source source = {
		.name = rd->opt.conf_file,
		.open = open_checked,
		.ctx = &ctx,
		.cwd = rd->opt.cwd,
		.macros = rd->opt.macros,
		.nmacros = rd->opt.nmacros,
	};
	struct conf *conf;

	if (rd->generation > 0 && strcmp(rd->opt.conf_file, "-") == 0) {
		complain(errs, NULL, "the configuration came from standard "
		    "input, which cannot be read again");
		return (NULL);
	}
	conf = conf_parse(&source, errs);
	if (ctx.unsafe[0] != '\0')
		complain(errs, NULL, "%s: root reads only files that belong "
		    "to root and that nobody else can write", ctx.unsafe);
	if (conf != NULL && !files_check(conf, errs)) {
		conf_free(conf);
		return (NULL);
	}
	return (conf);
}
