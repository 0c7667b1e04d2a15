# SPDX-License-Identifier: ISC
# How ./demo and ./check build.  Sourced by both, with $top set to the tree.
# Everything that is made goes below build/, one directory a configuration:
# build/NAME is the build, build/NAME/root is where it is installed.

. "$top/tests/lib/packages.sh"

say() {
	printf '== %s\n' "$*"
}

# Two at a time at most: more would only swap on a small machine.
jobs() {
	n=$(nproc 2>/dev/null || echo 1)
	[ "$n" -gt 2 ] && n=2
	echo "$n"
}

# quietly LOG COMMAND...: run it with its output in LOG, shown on failure.
quietly() {
	log=$1
	shift
	if ! "$@" >"$log" 2>&1; then
		echo "failed: $*" >&2
		tail -n 60 "$log" >&2
		echo "all of it is in $log" >&2
		return 1
	fi
}

# prepare: make configure if it is not there or is older than its sources.
prepare() {
	mkdir -p "$top/build"
	if [ ! -x "$top/configure" ] || [ -n "$(find "$top/configure.ac" \
	    "$top/Makefile.am" "$top"/*/local.mk "$top"/relayd/*/local.mk \
	    -newer "$top/configure" 2>/dev/null)" ]; then
		say "making configure (autoreconf -fi)"
		(cd "$top" && quietly build/autoreconf.log autoreconf -fi)
	fi
}

# configure_build NAME [VARIABLE=VALUE] [--OPTION]...
configure_build() {
	name=$1
	shift
	dir=$top/build/$name
	mkdir -p "$dir"
	if [ ! -f "$dir/config.status" ] || [ "$top/configure" -nt \
	    "$dir/config.status" ] || [ "$*" != "$(cat "$dir/.args")" ]; then
		say "configuring build/$name" "$@"
		(cd "$dir" && quietly configure.log "$top/configure" \
		    --prefix="$dir/root" "$@") || return 1
		printf '%s' "$*" >"$dir/.args"
	fi
}

# make_build NAME TARGET...
make_build() {
	name=$1
	shift
	say "building build/$name ($*)"
	quietly "$top/build/$name/make.log" make -C "$top/build/$name" \
	    -j "$(jobs)" "$@"
}

# install_build NAME: into build/NAME/root.
install_build() {
	quietly "$top/build/$1/install.log" make -C "$top/build/$1" install
}
