/* SPDX-License-Identifier: ISC */
/*
 * Landlock: which files, TCP ports, abstract sockets and processes remain in
 * reach.  The constants are ours, as the headers of a distribution are often
 * older than the kernel it runs on: what the running kernel knows is asked at
 * run time by its ABI number (Linux, Documentation/userspace-api/landlock.rst).
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sandbox_linux.h"

#define RULESET_VERSION		1U	/* create_ruleset: ask for the ABI */
#define RULE_PATH_BENEATH	1

#define FS_WRITE_FILE		(1ULL << 1)
#define FS_READ_FILE		(1ULL << 2)
#define FS_READ_DIR		(1ULL << 3)
#define FS_REMOVE_FILE		(1ULL << 5)
#define FS_MAKE_REG		(1ULL << 8)
#define FS_ABI1			((1ULL << 13) - 1)
#define FS_REFER		(1ULL << 13)	/* ABI 2 */
#define FS_TRUNCATE		(1ULL << 14)	/* ABI 3 */
#define FS_IOCTL_DEV		(1ULL << 15)	/* ABI 5 */
/* The rights that a rule on something else than a directory may name. */
#define FS_OF_FILE		(FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)

#define NET_BIND_TCP		(1ULL << 0)	/* ABI 4 */
#define NET_CONNECT_TCP		(1ULL << 1)

#define SCOPE_ABSTRACT_UNIX	(1ULL << 0)	/* ABI 6 */
#define SCOPE_SIGNAL		(1ULL << 1)

struct ruleset_attr {
	uint64_t	fs;
	uint64_t	net;
	uint64_t	scoped;
};

struct path_beneath_attr {
	uint64_t	rights;
	int32_t		fd;
} __attribute__((packed));

static int
ruleset_create(const struct ruleset_attr *attr, size_t size, unsigned int flags)
{
	return ((int)syscall(SYS_landlock_create_ruleset, attr, size, flags));
}

/*
 * Everything the ABI can handle, so that all of it is refused unless a rule
 * grants it.  Returns how much of the struct that kernel knows.
 */
static size_t
ruleset_fill(struct ruleset_attr *attr, int abi, bool network)
{
	memset(attr, 0, sizeof(*attr));
	attr->fs = FS_ABI1;
	if (abi >= 2)
		attr->fs |= FS_REFER;
	if (abi >= 3)
		attr->fs |= FS_TRUNCATE;
	if (abi >= 5)
		attr->fs |= FS_IOCTL_DEV;
	if (abi < 4)
		return (offsetof(struct ruleset_attr, net));
	attr->net = NET_BIND_TCP;
	if (!network)
		attr->net |= NET_CONNECT_TCP;
	if (abi < 6)
		return (offsetof(struct ruleset_attr, scoped));
	attr->scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return (sizeof(*attr));
}

/* The file rights that SANDBOX_READ and SANDBOX_WRITE stand for. */
static uint64_t
rights_of(unsigned int rights, bool is_dir, uint64_t handled)
{
	uint64_t fs = 0;

	if (rights & SANDBOX_READ)
		fs |= FS_READ_FILE | FS_READ_DIR;
	if (rights & SANDBOX_WRITE)
		fs |= FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG |
		    FS_REMOVE_FILE;
	if (!is_dir)
		fs &= FS_OF_FILE;
	return (fs & handled);
}

static int
grant_path(int ruleset, const struct sandbox_path *path, uint64_t handled)
{
	struct path_beneath_attr attr;
	struct stat st;
	int fd, r, saved;

	if ((fd = open(path->path, O_PATH | O_CLOEXEC)) == -1)
		return (errno == ENOENT ? 0 : -1);
	if ((r = fstat(fd, &st)) == 0) {
		attr.rights = rights_of(path->rights, S_ISDIR(st.st_mode),
		    handled);
		attr.fd = fd;
		r = (int)syscall(SYS_landlock_add_rule, ruleset,
		    RULE_PATH_BENEATH, &attr, 0);
	}
	saved = errno;
	close(fd);
	errno = saved;
	return (r);
}

static int
grant_paths(int ruleset, const struct sandbox_path *paths, uint64_t handled,
    char *why, size_t size)
{
	if (paths == NULL)
		return (0);
	for (; paths->path != NULL; paths++) {
		if (grant_path(ruleset, paths, handled) == -1) {
			snprintf(why, size, "landlock %s: %s", paths->path,
			    strerror(errno));
			return (-1);
		}
	}
	return (0);
}

int
sandbox_landlock_prepare(const struct sandbox_request *req, int *abi, char *why,
    size_t size)
{
	struct ruleset_attr attr;
	size_t attr_size;
	int fd;

	if ((*abi = ruleset_create(NULL, 0, RULESET_VERSION)) < 1) {
		snprintf(why, size, "%s", errno == EOPNOTSUPP ?
		    "disabled when the kernel started" : strerror(errno));
		*abi = 0;
		return (-1);
	}
	attr_size = ruleset_fill(&attr, *abi, req->profile->network);
	if ((fd = ruleset_create(&attr, attr_size, 0)) == -1) {
		snprintf(why, size, "landlock ruleset: %s", strerror(errno));
		return (-1);
	}
	if (grant_paths(fd, req->profile->paths, attr.fs, why, size) == -1 ||
	    grant_paths(fd, req->paths, attr.fs, why, size) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

int
sandbox_landlock_enforce(int ruleset)
{
	return ((int)syscall(SYS_landlock_restrict_self, ruleset, 0));
}
