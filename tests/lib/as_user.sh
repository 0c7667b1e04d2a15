#!/bin/sh
# SPDX-License-Identifier: ISC
# Runs a command as another user: as_user.sh UID ROOT COMMAND...
# If that user cannot get at ROOT, where the programs are installed (a clone
# below /root, for instance), the command sees a file system in which it can.
set -eu
uid=$1 root=$2
shift 2

as() {
	setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
}

if [ "${AS_USER_INSIDE-}" != 1 ] && ! as test -x "$root/sbin/relayd"; then
	AS_USER_INSIDE=1 exec unshare -m --propagation private \
	    "$0" "$uid" "$root" "$@"
fi
if [ "${AS_USER_INSIDE-}" = 1 ]; then
	# Put an empty directory in place of the first one that is closed,
	# and ROOT back where it was.
	closed=$root
	while [ "$(dirname "$closed")" != / ]; do
		up=$(dirname "$closed")
		as test -x "$up" || first=$up
		closed=$up
	done
	hold=$(mktemp -d)
	mount --bind "$root" "$hold"
	mount -t tmpfs -o mode=755 tmpfs "${first:?}"
	mkdir -p "$root"
	mount --bind "$hold" "$root"
	umount "$hold"
	rmdir "$hold"
	unset AS_USER_INSIDE
fi
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
