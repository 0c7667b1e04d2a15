/* SPDX-License-Identifier: ISC */
/*
 * Directories: where the control socket lies, the empty one that children
 * chroot to, and the registry's own.  All of it is done on open directories,
 * so that nobody can swap one for a symbolic link on the way.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/relayd.h"

/*
 * Make what is missing of the directories that path lies in: a plain "make
 * install" leaves no run directory behind.
 */
static bool
make_ancestors(int at, const char *path)
{
	char dir[LIMIT_CONF_STRING + 1], *slash;

	if (strlcpy(dir, path, sizeof(dir)) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return (false);
	}
	for (slash = strchr(dir + 1, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(at, dir, 0755) == -1 && errno != EEXIST)
			return (false);
		*slash = '/';
	}
	return (true);
}

/* Open the last part of path, made with this mode if it is missing. */
static int
open_made(int at, const char *path, mode_t mode)
{
	if (!make_ancestors(at, path) ||
	    (mkdirat(at, path, mode) == -1 && errno != EEXIST))
		return (-1);
	return (openat(at, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* Whether strangers cannot put anything in: owner and mode. */
static bool
is_ours(int fd, uid_t other)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return (false);
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != other)
		return (false);
	return ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0);
}

/* The directory a path lies in. */
static bool
make_parent(struct relayd *rd, const char *path, const char *what,
    struct conf_errors *errs)
{
	char dir[LIMIT_CONF_STRING + 1];
	bool ok = true;
	int fd;

	strlcpy(dir, path, sizeof(dir));
	if ((fd = open_made(AT_FDCWD, dirname(dir), 0755)) == -1) {
		complain(errs, NULL, "directory of the %s %s: %s", what, path,
		    strerror(errno));
		return (false);
	}
	if (rd->root && !is_ours(fd, 0)) {
		complain(errs, NULL, "directory of the %s %s: "
		    "others than root may write to it", what, path);
		ok = false;
	}
	close(fd);
	return (ok);
}

/* The empty directory, which belongs to root and which nobody can write. */
static bool
make_empty(struct conf_errors *errs)
{
	bool ok;
	int fd;

	if ((fd = open_made(AT_FDCWD, EMPTY_DIR, 0555)) == -1) {
		complain(errs, NULL, "%s: %s", EMPTY_DIR, strerror(errno));
		return (false);
	}
	ok = fchown(fd, 0, 0) == 0 && fchmod(fd, 0555) == 0;
	if (!ok)
		complain(errs, NULL, "%s: %s", EMPTY_DIR, strerror(errno));
	close(fd);
	return (ok);
}

/*
 * One database, one registry: two that write to it would take each other's
 * records for forged.  Locked is the registry's directory, which strangers
 * cannot open, as long as this process lives.
 */
static bool
take_registry(struct relayd *rd, int fd, struct conf_errors *errs)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return (true);
	complain(errs, NULL, "%s: %s", rd->registry_dir,
	    errno == EWOULDBLOCK ? "another relayd uses it" :
	    strerror(errno));
	return (false);
}

/* Give the registry its directory below the open state directory. */
static bool
give_registry(struct relayd *rd, int state, struct conf_errors *errs)
{
	const struct ids *ids = &rd->ids[CONF_ACCOUNT_REGISTRY];
	int fd;

	if ((fd = open_made(state, "registry", 0700)) == -1) {
		complain(errs, NULL, "%s: %s", rd->registry_dir,
		    strerror(errno));
		return (false);
	}
	if (!is_ours(fd, ids->uid))
		complain(errs, NULL, "%s: it belongs to somebody else, "
		    "or others may write to it", rd->registry_dir);
	else if ((rd->root && fchown(fd, ids->uid, ids->gid) == -1) ||
	    fchmod(fd, 0700) == -1)
		complain(errs, NULL, "%s: %s", rd->registry_dir,
		    strerror(errno));
	else if (take_registry(rd, fd, errs)) {
		rd->registry_lock = fd;
		return (true);
	}
	close(fd);
	return (false);
}

static bool
make_state(struct relayd *rd, const struct conf *conf,
    struct conf_errors *errs)
{
	bool ok = true;
	int fd;

	snprintf(rd->registry_dir, sizeof(rd->registry_dir), "%s/registry",
	    conf->state_directory);
	if ((fd = open_made(AT_FDCWD, conf->state_directory, 0755)) == -1) {
		complain(errs, NULL, "state directory %s: %s",
		    conf->state_directory, strerror(errno));
		return (false);
	}
	if (!is_ours(fd, 0)) {
		complain(errs, NULL, "state directory %s: it belongs to "
		    "somebody else, or others may write to it",
		    conf->state_directory);
		ok = false;
	} else
		ok = give_registry(rd, fd, errs);
	close(fd);
	return (ok);
}

bool
dirs_prepare(struct relayd *rd, const struct conf *conf,
    struct conf_errors *errs)
{
	bool ok;

	ok = make_parent(rd, conf->control, "control socket", errs);
	/* The empty directory may lie elsewhere than the control socket. */
	if (rd->root && ok)
		ok = make_parent(rd, EMPTY_DIR, "empty directory", errs) &&
		    make_empty(errs);
	return (make_state(rd, conf, errs) && ok);
}
