/* SPDX-License-Identifier: ISC */
/*
 * What root keeps.  The parent and its children before their sandboxes need
 * these capabilities and no others; nothing it starts may gain more by exec.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/relayd.h"

static const unsigned int kept[] = {
	CAP_CHOWN,		/* the registry's directory */
	CAP_DAC_OVERRIDE,	/* sockets of services, files of the caller */
	CAP_FOWNER,
	CAP_KILL,		/* children run as others */
	CAP_SETGID, CAP_SETUID,	/* children become others ... */
	CAP_SETPCAP,		/* ... and drop their bounding set */
	CAP_NET_BIND_SERVICE,
	CAP_SYS_ADMIN,		/* children unshare their namespaces */
	CAP_SYS_CHROOT,
	CAP_SYS_RESOURCE,	/* limits of open files */
};

static bool
is_kept(unsigned int cap)
{
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (kept[i] == cap)
			return (true);
	}
	return (false);
}

static void
drop_bounding(void)
{
	unsigned int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != -1; cap++) {
		if (!is_kept(cap) &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			log_warn("capability %u cannot be dropped: %s", cap,
			    strerror(errno));
	}
}

/* Own capabilities: of those we have, the ones on the list. */
static void
drop_own(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	uint64_t mask = 0;
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		mask |= UINT64_C(1) << kept[i];
	if (syscall(SYS_capget, &head, data) == -1) {
		log_warn("capget: %s", strerror(errno));
		return;
	}
	for (i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(mask >> (32 * i));
		data[i].effective &= (uint32_t)(mask >> (32 * i));
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data) == -1)
		log_warn("capset: %s", strerror(errno));
}

void
harden(struct relayd *rd)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		log_warn("no_new_privs: %s", strerror(errno));
	if (!rd->root)
		return;
	drop_bounding();
	drop_own();
}

void
harden_report(char *buf, size_t size)
{
	unsigned int cap, n = 0;
	int has;

	for (cap = 0; (has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) != -1;
	    cap++)
		n += (unsigned int)has;
	snprintf(buf, size, "%s%u of %u capabilities can be had; not in "
	    "force: uid,chroot,landlock,seccomp (it starts the others)",
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "no_new_privs," : "",
	    n, cap);
}
