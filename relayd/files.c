/* SPDX-License-Identifier: ISC */
/* See files.h. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/log.h"
#include "relayd/files.h"
#include "relayd/relayd.h"

#define SECRET_MIN	16	/* bytes of a secret: less can be guessed */
#define SECRET_MAX	512	/* bytes of it ... */
#define LINE_END	2	/* ... and of the end of its line */

/* --- one file --- */

static const char *
check_size(off_t size, enum file_kind kind)
{
	if (size == 0)
		return ("it is empty");
	if (kind == FILE_SECRET)
		return (size < SECRET_MIN || size > SECRET_MAX + LINE_END ?
		    "a secret has 16 to 512 bytes" : NULL);
	return (size > (off_t)LIMIT_PEM ? "it is larger than 1 MiB" : NULL);
}

/* NULL, or why it is not to be used. */
static const char *
check_file(const struct stat *st, enum file_kind kind)
{
	if (!S_ISREG(st->st_mode))
		return ("it is not a regular file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return ("it belongs to somebody else");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ("others can write it");
	if (kind != FILE_PUBLIC && (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return ("others can read it (chmod 600)");
	return (check_size(st->st_size, kind));
}

int
file_open(const char *path, enum file_kind kind, char *why, size_t size)
{
	const char *bad;
	struct stat st;
	int fd;

	/* Nonblocking: a fifo must not hold up a reload. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, &st) == -1)
		bad = strerror(errno);
	else if ((bad = check_file(&st, kind)) == NULL)
		return (fd);
	snprintf(why, size, "%s: %s", path, bad);
	if (fd != -1)
		close(fd);
	return (-1);
}

/* Used up and removed, which is no mistake. */
static bool
is_gone(const struct conf_credential *c)
{
	return (c->method == CONF_METHOD_JOIN &&
	    access(c->file, F_OK) == -1 && errno == ENOENT);
}

/* --- all of a configuration --- */

static void
check_one(const struct conf_pos *pos, const char *what, const char *path,
    enum file_kind kind, struct conf_errors *errs)
{
	char why[LIMIT_CONF_STRING + 128];
	int fd;

	if ((fd = file_open(path, kind, why, sizeof(why))) == -1)
		complain(errs, pos, "%s %s", what, why);
	else
		close(fd);
}

bool
files_check(const struct conf *conf, struct conf_errors *errs)
{
	const struct conf_credential *c;
	size_t before = errs->nerrors, i;

	for (i = 0; i < conf->nkeys; i++) {
		check_one(&conf->keys[i].pos, "certificate",
		    conf->keys[i].certificate, FILE_PUBLIC, errs);
		check_one(&conf->keys[i].pos, "key", conf->keys[i].key,
		    FILE_KEY, errs);
	}
	for (i = 0; i < conf->ncas; i++)
		check_one(&conf->cas[i].pos, conf->cas[i].clients ?
		    "client-ca" : "ca", conf->cas[i].file, FILE_PUBLIC, errs);
	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		if (c->file != NULL && !is_gone(c))
			check_one(&c->pos, conf_method_name(c->method),
			    c->file, FILE_SECRET, errs);
	}
	return (errs->nerrors == before);
}

/* As it is found by its name, without a look into it; 0s if it is not. */
static uint64_t
mark_one(uint64_t mark, const char *path)
{
	struct stat st;
	uint64_t v[6] = { 0 };
	size_t i;

	if (stat(path, &st) == 0) {
		v[0] = st.st_dev;
		v[1] = st.st_ino;
		v[2] = (uint64_t)st.st_size;
		v[3] = (uint64_t)st.st_mtim.tv_sec;
		v[4] = (uint64_t)st.st_mtim.tv_nsec;
		v[5] = 1;
	}
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		mark = (mark ^ v[i]) * 0x9e3779b97f4a7c15ULL + (mark >> 29);
	return (mark);
}

uint64_t
files_mark(const struct conf *conf)
{
	uint64_t mark = 0;
	size_t i;

	for (i = 0; i < conf->nkeys; i++) {
		mark = mark_one(mark, conf->keys[i].certificate);
		mark = mark_one(mark, conf->keys[i].key);
	}
	return (mark);
}

/* --- those for a child --- */

static void
append(struct files *set, int fd)
{
	int *fds;

	fds = reallocarray(set->fds, set->count + 1, sizeof(*fds));
	if (fds == NULL)
		fatal("out of memory");
	set->fds = fds;
	set->fds[set->count++] = fd;
}

static bool
open_one(struct files *set, const char *path, enum file_kind kind, char *why,
    size_t size)
{
	int fd;

	if ((fd = file_open(path, kind, why, size)) == -1)
		return (false);
	append(set, fd);
	return (true);
}

static bool
open_keys(struct files *set, const struct conf *conf, char *why, size_t size)
{
	size_t i;

	for (i = 0; i < conf->nkeys; i++) {
		if (!open_one(set, conf->keys[i].key, FILE_KEY, why, size))
			return (false);
	}
	return (true);
}

static bool
open_certificates(struct files *set, const struct conf *conf, char *why,
    size_t size)
{
	size_t i;

	for (i = 0; i < conf->nkeys; i++) {
		if (!open_one(set, conf->keys[i].certificate, FILE_PUBLIC,
		    why, size))
			return (false);
	}
	return (true);
}

static bool
open_cas(struct files *set, const struct conf *conf, const char *more_ca,
    char *why, size_t size)
{
	size_t i;

	for (i = 0; i < conf->ncas; i++) {
		if (!open_one(set, conf->cas[i].file, FILE_PUBLIC, why, size))
			return (false);
	}
	return (more_ca == NULL ||
	    open_one(set, more_ca, FILE_PUBLIC, why, size));
}

static bool
open_credentials(struct files *set, const struct conf *conf, char *why,
    size_t size)
{
	const struct conf_credential *c;
	size_t i;

	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		if (c->file == NULL)
			continue;
		if (is_gone(c))
			append(set, -1);
		else if (!open_one(set, c->file, FILE_SECRET, why, size))
			return (false);
	}
	return (true);
}

bool
files_open(struct files *set, enum proc_id id, const struct conf *conf,
    const char *more_ca, char *why, size_t size)
{
	bool ok = true;

	memset(set, 0, sizeof(*set));
	if (id == PROC_KEEPER)
		ok = open_keys(set, conf, why, size) &&
		    open_certificates(set, conf, why, size);
	else if (id == PROC_FRONTEND)
		ok = open_certificates(set, conf, why, size) &&
		    open_cas(set, conf, more_ca, why, size);
	else if (id == PROC_REGISTRY)
		ok = open_credentials(set, conf, why, size);
	if (!ok)
		files_free(set);
	return (ok);
}

int
files_take(struct files *set)
{
	return (set->fds[set->taken++]);
}

void
files_free(struct files *set)
{
	for (; set->taken < set->count; set->taken++) {
		if (set->fds[set->taken] != -1)
			close(set->fds[set->taken]);
	}
	free(set->fds);
	memset(set, 0, sizeof(*set));
}

/* --- one-time secrets --- */

static const char *
join_file(const struct conf *conf, uint32_t uplink)
{
	const struct conf_credential *c;
	size_t i;

	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		if (c->holder == CONF_HOLDER_UPLINK && c->index == uplink &&
		    c->method == CONF_METHOD_JOIN)
			return (c->file);
	}
	return (NULL);
}

void
joins_remember(struct relayd *rd, const struct conf *old)
{
	const char *file;
	uint32_t i;

	for (i = 0; i < LIMIT_UPLINKS; i++) {
		free(rd->former_joins[i]);
		rd->former_joins[i] = NULL;
		if (old == NULL || (file = join_file(old, i)) == NULL)
			continue;
		if ((rd->former_joins[i] = strdup(file)) == NULL)
			fatal("out of memory");
	}
}

void
joins_on_joined(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	struct relayd *rd = c->rd;
	uint32_t uplink = get_u32(msg);
	uint32_t generation = get_u32(msg);
	const char *file = NULL;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || uplink >= LIMIT_UPLINKS) {
		msg->bad = true;
		return;
	}
	if (generation == rd->generation)
		file = join_file(rd->conf, uplink);
	else if (generation == rd->former_generation)
		file = rd->former_joins[uplink];
	if (file == NULL)
		return;
	if (unlink(file) == 0)
		log_notice("uplink %u: this node is known there now; %s is "
		    "used up and removed", uplink, file);
	else if (errno != ENOENT)
		log_warn("uplink %u: %s is used up, remove it: %s", uplink,
		    file, strerror(errno));
}
