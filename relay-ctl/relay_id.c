/* SPDX-License-Identifier: ISC */
/*
 * Who a node is that was not told: an Ed25519 key, and an id made of it.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "relay-ctl/relay.h"

#define SLOTS		64	/* automatic nodes of one kind at once */

/*
 * Uids that are nobody's: 60578 to 61183 are not given out by distributions
 * nor by systemd (systemd.io/UIDS-GIDS), and exist in containers, which
 * often have no more than 65536.
 */
#define UID_FIRST	60578
#define UID_GROUPS	86
#define UID_GROUP	CONF_ACCOUNT_COUNT

void
relay_id_digest(const void *data, size_t len, char *out)
{
	unsigned char	 md[EVP_MAX_MD_SIZE];
	size_t		 i;

	if (EVP_Digest(data, len, md, NULL, EVP_sha256(), NULL) != 1)
		errx(1, "SHA-256 failed");
	for (i = 0; i < 8; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}

static EVP_PKEY *
key_generate(void)
{
	EVP_PKEY	*key;

	if ((key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")) == NULL)
		errx(1, "cannot make an Ed25519 key");
	return (key);
}

/* Open a file that only we can read; a new one is empty. */
static int
open_private(const char *path, int flags)
{
	struct stat	 st;
	int		 fd;

	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | flags, 0600);
	if (fd == -1 || fstat(fd, &st) == -1)
		err(1, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		errx(1, "%s: others can read or write this file", path);
	return (fd);
}

/* The key in a file; an empty one gets a new key. */
static EVP_PKEY *
key_of_file(const char *path)
{
	EVP_PKEY	*key;
	FILE		*f;

	if ((f = fdopen(open_private(path, O_CLOEXEC), "r+")) == NULL)
		err(1, "%s", path);
	if (getc(f) == EOF) {
		key = key_generate();
		rewind(f);
		if (PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL,
		    NULL) != 1 || fflush(f) == EOF || fsync(fileno(f)) == -1)
			err(1, "%s", path);
	} else {
		rewind(f);
		key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	}
	if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
		errx(1, "%s: this is not an Ed25519 key", path);
	fclose(f);
	return (key);
}

static void
id_of_key(enum node_role role, EVP_PKEY *key, char *id, size_t size)
{
	unsigned char	 pub[32];
	size_t		 len = sizeof(pub);
	char		 digest[17];

	if (EVP_PKEY_get_raw_public_key(key, pub, &len) != 1)
		errx(1, "the key has no public part");
	relay_id_digest(pub, len, digest);
	snprintf(id, size, "%s-%s", role_name(role), digest);
}

/* "KEY-main.pem", "KEY-main.2.pem" ... in the state directory. */
static void
slot_path(const struct relay_dirs *dirs, enum node_role role, int slot,
    const char *suffix, char *path)
{
	char	 number[16] = "";
	int	 n;

	if (slot > 1)
		snprintf(number, sizeof(number), ".%d", slot);
	n = snprintf(path, PATH_MAX, "%s/KEY-%s%s.%s", dirs->state_base,
	    role_name(role), number, suffix);
	if (n < 0 || n >= PATH_MAX)
		errx(1, "%s: the path is too long", dirs->state_base);
}

/*
 * Try one key.  The lock, which is not the key itself, stays open in relayd,
 * so that nodes that start at the same moment do not take the same key.  A
 * node may also run under this id by -node-id, without the lock: then its
 * socket answers.
 */
static bool
try_slot(enum node_role role, int slot, struct relay_dirs *dirs, char *id,
    size_t size)
{
	char		 path[PATH_MAX];
	EVP_PKEY	*key;
	int		 lock;

	slot_path(dirs, role, slot, "lock", path);
	lock = open_private(path, 0);
	if (flock(lock, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK)
			err(1, "%s", path);
		close(lock);
		return (false);
	}
	slot_path(dirs, role, slot, "pem", path);
	key = key_of_file(path);
	id_of_key(role, key, id, size);
	EVP_PKEY_free(key);
	relay_dirs_node(dirs, id);
	if (!relay_dirs_in_use(dirs))
		return (true);
	close(lock);
	return (false);
}

void
relay_id_automatic(enum node_role role, struct relay_dirs *dirs, char *id,
    size_t size)
{
	int	 slot;

	for (slot = 1; slot <= SLOTS; slot++)
		if (try_slot(role, slot, dirs, id, size))
			return;
	errx(1, "%d nodes of this kind run already: give this one a -node-id",
	    SLOTS);
}

uint32_t
relay_id_uids(const char *id)
{
	char		 digest[17];
	unsigned long	 hash;
	uint32_t	 first, uid;
	unsigned int	 i;

	relay_id_digest(id, strlen(id), digest);
	digest[8] = '\0';
	hash = strtoul(digest, NULL, 16);
	for (i = 0; i < UID_GROUPS; i++) {
		first = UID_FIRST + UID_GROUP *
		    (uint32_t)((hash + i) % UID_GROUPS);
		for (uid = first; uid < first + UID_GROUP; uid++)
			if (getpwuid(uid) != NULL)
				break;
		if (uid == first + UID_GROUP)
			return (first);
	}
	errx(1, "no %d free uids between %d and %d", UID_GROUP, UID_FIRST,
	    UID_FIRST + UID_GROUPS * UID_GROUP - 1);
}
