# SPDX-License-Identifier: ISC
# The Debian 12 packages that ./demo and ./check need, and why.  Sourced by
# both; the only place where a package is named.

# To build and to run the demo.
PACKAGES_BUILD="
gcc			the compiler
libc6-dev		its headers
make			runs the build
autoconf		makes configure from configure.ac
automake		makes Makefile.in from Makefile.am
bison			makes the parser of relayd.conf
pkgconf			finds the libraries
libevent-dev		event loop of every process
libjson-c-dev		JSON where speed does not matter
libbsd-dev		strlcpy, queue.h and tree.h as BSD has them
libseccomp-dev		system call filters
libsqlite3-dev		the registry's database
libssl-dev		TLS, signatures and hashes
python3			the services in examples/ are written in it
curl			the demo calls with it
"

# More, to check.
PACKAGES_CHECK="
check			unit tests
clang			second compiler
libclang-rt-dev		sanitizers of clang
mandoc			reads and checks the manual
python3-websockets	a client that is not ours
python3-cryptography	Ed25519 and certificates of clients that are not ours
ca-certificates		the authorities that uplinks are verified by
openssl			a TLS client that is not ours
sslscan			tells what a TLS server takes
nodejs			another
node-ws			its WebSocket library
jq			the JSON goldens
iproute2		hosts of their own for tests between Mains
systemd			systemd-analyze verify
"

# install_packages LIST: install what is missing of it, with apt-get.
install_packages() {
	command -v dpkg-query >/dev/null 2>&1 || {
		echo "no dpkg: install by hand what tests/lib/packages.sh lists"
		return 0
	}
	missing=$(printf '%s\n' "$1" | while read -r pkg _why; do
		[ -n "$pkg" ] || continue
		dpkg-query -W -f '${db:Status-Abbrev}' "$pkg" 2>/dev/null |
		    grep -q '^ii' || printf '%s ' "$pkg"
	done)
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -eq 0 ]; then
		sudo=
	elif command -v sudo >/dev/null 2>&1; then
		sudo=sudo
	else
		echo "missing: $missing"
		echo "neither root nor sudo: install them and start again" >&2
		return 1
	fi
	echo "installing with apt-get: $missing"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
	    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	    --no-install-recommends $missing >/dev/null
}
