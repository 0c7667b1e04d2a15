/* SPDX-License-Identifier: ISC */
/*
 * Starting the child processes: which there are, where their programs lie,
 * who talks to whom, fork, exec and HELLO.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>
#include <bsd/unistd.h>

#include "common/child.h"
#include "common/log.h"
#include "relayd/relayd.h"

/* The mesh: every channel between two children. */
static const struct {
	enum proc_id	 a;
	enum proc_id	 b;
} edges[] = {
	{ PROC_FRONTEND, PROC_ROUTER },
	{ PROC_FRONTEND, PROC_KEEPER },
	{ PROC_ROUTER, PROC_REGISTRY },
	{ PROC_ROUTER, PROC_BACKEND },
	{ PROC_DIALER, PROC_FRONTEND },
	{ PROC_DIALER, PROC_BACKEND },
};

unsigned int
child_set(enum node_role role)
{
	unsigned int set;

	set = PROC_BIT(PROC_FRONTEND) | PROC_BIT(PROC_DIALER) |
	    PROC_BIT(PROC_ROUTER) | PROC_BIT(PROC_REGISTRY) |
	    PROC_BIT(PROC_KEEPER);
	if (role == ROLE_HOME)
		set |= PROC_BIT(PROC_BACKEND);
	return (set);
}

/* The account a process runs as. */
static enum conf_account_id
child_account(enum proc_id id)
{
	switch (id) {
	case PROC_FRONTEND:
		return (CONF_ACCOUNT_FRONTEND);
	case PROC_DIALER:
		return (CONF_ACCOUNT_DIALER);
	case PROC_BACKEND:
		return (CONF_ACCOUNT_BACKEND);
	case PROC_ROUTER:
		return (CONF_ACCOUNT_ROUTER);
	case PROC_KEEPER:
		return (CONF_ACCOUNT_KEEPER);
	default:
		return (CONF_ACCOUNT_REGISTRY);
	}
}

/* --- programs --- */

/* A program that nobody but root and the caller could have put there. */
static bool
is_trusted(const char *path)
{
	char dir[PATH_MAX];
	struct stat file, above;

	strlcpy(dir, path, sizeof(dir));
	return (stat(path, &file) == 0 && stat(dirname(dir), &above) == 0 &&
	    (file.st_uid == 0 || file.st_uid == geteuid()) &&
	    (above.st_uid == 0 || above.st_uid == geteuid()) &&
	    ((file.st_mode | above.st_mode) & (S_IWGRP | S_IWOTH)) == 0);
}

static bool
is_program(const char *path)
{
	struct stat st;

	return (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0);
}

/*
 * The program in a build tree, where it lies beside relayd, one directory up
 * or in a directory of its own there; false if there is none to use.
 */
static bool
find_in_build(const char *dir, enum proc_id id, char *buf, size_t size)
{
	const char *name = proc_name(id);
	int i, len;

	for (i = 0; i < 3; i++) {
		if (i == 0)
			len = snprintf(buf, size, "%s/relay-%s", dir, name);
		else if (i == 1)
			len = snprintf(buf, size, "%s/../relay-%s", dir, name);
		else
			len = snprintf(buf, size, "%s/../relay-%s/relay-%s",
			    dir, name, name);
		if (len < 0 || (size_t)len >= size || !is_program(buf))
			continue;
		if (is_trusted(buf))
			return (true);
		log_warn("%s: not used, others may write there", buf);
	}
	return (false);
}

/* The directory relayd runs from, or "" if it is not worth a look. */
static void
own_directory(char *buf, size_t size)
{
	char self[PATH_MAX];
	ssize_t n;

	buf[0] = '\0';
	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) == -1)
		return;
	self[n] = '\0';
	if (strcmp(dirname(self), SBIN_DIR) != 0)
		strlcpy(buf, self, size);
}

bool
programs_find(struct relayd *rd, const struct conf *conf,
    struct conf_errors *errs)
{
	size_t before = errs->nerrors;
	char dir[PATH_MAX];
	struct child *c;
	enum proc_id id;

	own_directory(dir, sizeof(dir));
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		if ((child_set(conf->role) & PROC_BIT(id)) == 0 ||
		    (dir[0] != '\0' && find_in_build(dir, id, c->program,
		    sizeof(c->program))))
			continue;
		snprintf(c->program, sizeof(c->program),
		    LIBEXEC_DIR "/" CHILD_FORMAT, proc_name(id));
		if (!is_program(c->program))
			complain(errs, NULL, "%s: no such program",
			    c->program);
	}
	return (errs->nerrors == before);
}

/* --- starting one --- */

/* Nothing of the caller's environment, but what sanitizers are told by. */
static void
clean_environment(char **env, size_t n)
{
	size_t i = 0;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	static const char *const names[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS",
	    "LSAN_OPTIONS", "TSAN_OPTIONS" };
	const char *value;
	size_t k;

	for (k = 0; k < sizeof(names) / sizeof(names[0]) && i + 1 < n; k++) {
		if ((value = getenv(names[k])) != NULL &&
		    asprintf(&env[i], "%s=%s", names[k], value) != -1)
			i++;
	}
#endif
	env[i < n ? i : n - 1] = NULL;
}

static const struct conf *
conf_for_child(const struct relayd *rd)
{
	return (rd->conf != NULL ? rd->conf : rd->change.conf);
}

/* In the new process: become the program.  Never returns. */
static void __attribute__((noreturn))
run_program(const struct child *c, int fd)
{
	char name[64 + LIMIT_NODE_ID], *argv[2], *env[8];
	const struct conf *conf = conf_for_child(c->rd);
	int null;

	setsid();
	plain_signals();
	if ((null = open("/dev/null", O_RDWR)) == -1 ||
	    dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1)
		fatal("/dev/null: %s", strerror(errno));
	/* dup2() clears close-on-exec, but not of an fd onto itself. */
	if (fd == CHILD_FD ? fcntl(fd, F_SETFD, 0) == -1 :
	    dup2(fd, CHILD_FD) == -1)
		fatal("fd %d: %s", CHILD_FD, strerror(errno));
	closefrom(CHILD_FD + 1);
	if (chdir("/") == -1)
		fatal("/: %s", strerror(errno));
	/* What ps(1) shows: several nodes may run on one machine. */
	snprintf(name, sizeof(name), "relay-%s: %s %s", proc_name(c->id),
	    role_name(conf->role), conf->node_id);
	argv[0] = name;
	argv[1] = NULL;
	clean_environment(env, sizeof(env) / sizeof(env[0]));
	execve(c->program, argv, env);
	fatal("%s: %s", c->program, strerror(errno));
}

static void
say_hello(struct child *c)
{
	const struct relayd *rd = c->rd;
	const struct conf *conf = conf_for_child(rd);
	const struct ids *ids = &rd->ids[child_account(c->id)];
	const char *dir = "/";
	struct wire_put *w;

	if (c->id == PROC_REGISTRY)
		dir = rd->registry_dir;
	else if (rd->root)
		dir = EMPTY_DIR;
	w = channel_begin(c->ch, MSG_HELLO);
	put_str(w, PACKAGE_VERSION);
	put_u8(w, (uint8_t)c->id);
	put_u8(w, (uint8_t)conf->role);
	put_str(w, conf->node_id);
	put_u8(w, (uint8_t)log_get_style());
	put_bool(w, rd->verbose);
	put_u8(w, (uint8_t)conf->sandbox);
	put_u32(w, (uint32_t)ids->uid);
	put_u32(w, (uint32_t)ids->gid);
	/* The dialer reads resolv.conf and hosts again when they change. */
	put_bool(w, rd->root && c->id != PROC_DIALER);
	put_str(w, dir);
	(void)channel_commit(c->ch);
}

int
child_start(struct child *c)
{
	struct relayd *rd = c->rd;
	int fds[2];

	if (channel_pair(fds) == -1) {
		log_err("%s: socketpair: %s", proc_name(c->id),
		    strerror(errno));
		return (-1);
	}
	if ((c->pid = fork_blocked()) == -1) {
		log_err("%s: fork: %s", proc_name(c->id), strerror(errno));
		c->pid = 0;
		close(fds[0]);
		close(fds[1]);
		return (-1);
	}
	if (c->pid == 0)
		run_program(c, fds[1]);
	close(fds[1]);
	c->ch = channel_new(rd->base, fds[0], PROC_PARENT, c->id, PHASE_SETUP,
	    &child_channel_ops, c);
	if (c->ch == NULL)
		fatal("channel to %s: %s", proc_name(c->id), strerror(errno));
	c->uid = rd->root ? rd->ids[child_account(c->id)].uid : geteuid();
	c->since = monotime_now();
	c->asked = false;
	c->killed_for[0] = '\0';
	c->sandbox[0] = '\0';
	say_hello(c);
	return (0);
}

/* --- the mesh --- */

static void
send_peer(struct child *c, enum proc_id peer, int fd)
{
	put_u8(channel_begin(c->ch, MSG_PEER_FD), (uint8_t)peer);
	(void)channel_commit_fd(c->ch, fd);
}

/* It has been through child_connect() itself. */
static bool
is_connected(const struct child *c)
{
	return (c->state == CHILD_SETUP || child_listens(c));
}

void
child_connect(struct child *c)
{
	struct relayd *rd = c->rd;
	struct child *other;
	int fds[2];
	size_t i;

	/* Of two neighbours the later one makes the channel. */
	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		if (edges[i].a == c->id)
			other = &rd->children[edges[i].b];
		else if (edges[i].b == c->id)
			other = &rd->children[edges[i].a];
		else
			continue;
		if (!is_connected(other))
			continue;
		if (channel_pair(fds) == -1)
			fatal("socketpair: %s", strerror(errno));
		send_peer(c, other->id, fds[0]);
		send_peer(other, c->id, fds[1]);
	}
	(void)channel_begin(c->ch, MSG_SETUP_END);
	(void)channel_commit(c->ch);
	child_set_state(c, CHILD_SETUP);
}
