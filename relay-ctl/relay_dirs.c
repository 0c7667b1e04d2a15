/* SPDX-License-Identifier: ISC */
/*
 * Where relay(1) keeps the files of its nodes.
 *
 *		runtime				state
 * XDG set	$XDG_RUNTIME_DIR/relay		$XDG_STATE_HOME/relay
 * root		RUN_DIR/nodes			STATE_DIR/nodes
 * others	/tmp/relay-UID			$HOME/.local/state/relay, or
 *						/tmp/relay-UID/STATE
 *
 * Below both each node has a directory by its id; what is not a node's has a
 * capital letter, which an id has not.  Nothing is used that
 * somebody else could have put there.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "relay-ctl/relay.h"

void
relay_path(char *out, const char *a, const char *b)
{
	char	 tmp[PATH_MAX];
	int	 n;

	n = snprintf(tmp, sizeof(tmp), "%s%s", a, b);
	if (n < 0 || (size_t)n >= sizeof(tmp) || n > LIMIT_CONF_STRING)
		errx(1, "%s%s: the path is too long", a, b);
	memcpy(out, tmp, (size_t)n + 1);
}

void
relay_path_absolute(char *out, const char *path)
{
	char	 cwd[PATH_MAX];

	if (path[0] == '/') {
		relay_path(out, path, "");
		return;
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		err(1, "the current directory");
	if (strlcat(cwd, "/", sizeof(cwd)) >= sizeof(cwd))
		errx(1, "%s: the path is too long", path);
	relay_path(out, cwd, path);
}

/* NULL, or why others could get at what is in this directory. */
static const char *
check_private(const char *path)
{
	struct stat	 st;

	if (lstat(path, &st) == -1)
		return (strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return ("is not a directory");
	if (st.st_uid != geteuid())
		return ("belongs to somebody else");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ("can be written by others");
	return (NULL);
}

/* One directory that is ours and in which nobody else can write. */
static void
make_private(const char *path, mode_t mode)
{
	const char	*why;

	if (mkdir(path, mode) == -1 && errno != EEXIST)
		err(1, "%s", path);
	if ((why = check_private(path)) != NULL)
		errx(1, "%s: %s", path, why);
}

/* The directories above path too; those that exist are left alone. */
static void
make_parents(const char *path, mode_t mode)
{
	char	 tmp[PATH_MAX];
	char	*s;

	strlcpy(tmp, path, sizeof(tmp));
	for (s = strchr(tmp + 1, '/'); s != NULL; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdir(tmp, mode) == -1 && errno != EEXIST)
			err(1, "%s", tmp);
		*s = '/';
	}
}

/* A directory from the environment that is there and ours, or NULL. */
static const char *
environment(const char *name)
{
	const char	*dir = getenv(name);

	if (dir == NULL || dir[0] != '/')
		return (NULL);
	if (strlen(dir) > LIMIT_CONF_STRING)
		return (NULL);
	/* For root this may be left over from whom root was before. */
	return (check_private(dir) == NULL ? dir : NULL);
}

static void
choose_run(struct relay_dirs *dirs)
{
	const char	*xdg = environment("XDG_RUNTIME_DIR");
	char		 uid[32];

	snprintf(uid, sizeof(uid), "%u", (unsigned int)geteuid());
	if (xdg != NULL)
		relay_path(dirs->run_base, xdg, "/relay");
	else if (geteuid() == 0)
		relay_path(dirs->run_base, RUN_DIR, "/nodes");
	else
		relay_path(dirs->run_base, "/tmp/relay-", uid);
}

/*
 * XDG_STATE_HOME; one that is not there is made, as it was asked for (XDG Base
 * Directory Specification).  Root's may be the one of whom root was before.
 */
static const char *
state_home(void)
{
	const char	*dir = getenv("XDG_STATE_HOME");
	char		 path[PATH_MAX];

	if (geteuid() != 0 && dir != NULL && dir[0] == '/' &&
	    access(dir, F_OK) == -1 && errno == ENOENT) {
		relay_path(path, dir, "/");
		make_parents(path, 0700);
	}
	return (environment("XDG_STATE_HOME"));
}

static void
choose_state(struct relay_dirs *dirs)
{
	const char	*dir;

	if ((dir = state_home()) != NULL)
		relay_path(dirs->state_base, dir, "/relay");
	else if (geteuid() == 0)
		relay_path(dirs->state_base, STATE_DIR, "/nodes");
	else if ((dir = environment("HOME")) != NULL)
		relay_path(dirs->state_base, dir, "/.local/state/relay");
	else
		relay_path(dirs->state_base, dirs->run_base, "/STATE");
}

void
relay_dirs_base(struct relay_dirs *dirs)
{
	mode_t	 mode = geteuid() == 0 ? 0755 : 0700;

	memset(dirs, 0, sizeof(*dirs));
	umask(022);
	choose_run(dirs);
	make_parents(dirs->run_base, mode);
	make_private(dirs->run_base, mode);
	choose_state(dirs);
	make_parents(dirs->state_base, mode);
	make_private(dirs->state_base, mode);
	if (geteuid() == 0)
		make_parents(RUN_DIR "/", mode);
}

void
relay_dirs_node(struct relay_dirs *dirs, const char *id)
{
	const size_t	 max = sizeof(((struct sockaddr_un *)0)->sun_path);
	char		 name[LIMIT_NODE_ID + 2], digest[17];

	snprintf(name, sizeof(name), "/%s", id);
	relay_path(dirs->state, dirs->state_base, name);
	/* A socket address has less room than an id may take. */
	if (strlen(dirs->run_base) + strlen(name) + strlen("/relayd.sock") >=
	    max) {
		relay_id_digest(id, strlen(id), digest);
		snprintf(name, sizeof(name), "/%s", digest);
	}
	relay_path(dirs->run, dirs->run_base, name);
	relay_path(dirs->control, dirs->run, "/relayd.sock");
	if (strlen(dirs->control) >= max)
		errx(1, "%s: the path is too long for a socket",
		    dirs->control);
}

void
relay_dirs_make(const struct relay_dirs *dirs)
{
	/* Root's children are other uids, and look into their own below. */
	make_private(dirs->run, 0700);
	make_private(dirs->state, geteuid() == 0 ? 0755 : 0700);
}

bool
relay_dirs_in_use(const struct relay_dirs *dirs)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	bool			 answers;
	int			 fd;

	strlcpy(sun.sun_path, dirs->control, sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		err(1, "socket");
	answers = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	close(fd);
	return (answers);
}
