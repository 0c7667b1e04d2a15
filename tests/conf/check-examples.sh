#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every configuration that is shown somewhere must parse: the displays in
# EXAMPLES of relayd.conf(5), the files in examples and the sample in etc.

: "${CONF_TEST:=$PWD/tests/conf/conf-test}"
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0 count=0

check() {
	name=$1 file=$2
	shift 2
	count=$((count + 1))
	if ! "$CONF_TEST" "$@" "$file" >"$tmp/out" 2>"$tmp/err"; then
		echo "FAIL: $name"
		cat "$tmp/err"
		failed=$((failed + 1))
	fi
}

# Each literal display of EXAMPLES into a file of its own, as man(1) shows it.
awk -v dir="$tmp" '
/^\.Sh/		{ on = /EXAMPLES/ }
on && /^\.Bd/	{ n++; text = 1; next }
/^\.Ed/		{ text = 0 }
text		{ gsub(/\\&/, ""); gsub(/\\e/, "\\"); gsub(/\\-/, "-")
		  print > sprintf("%s/%02d.conf", dir, n) }
' "$top/man/relayd.conf.5.in"
for file in "$tmp"/[0-9]*.conf; do
	[ -e "$file" ] || { echo "no EXAMPLES in relayd.conf(5)"; exit 1; }
	check "relayd.conf(5), example $(basename "$file" .conf)" "$file"
done
for file in "$top"/examples/*.conf "$top/etc/relayd.conf"; do
	check "$file" "$file"
done
for file in "$top"/examples/*.rl; do
	check "$file" "$file" -s
done
echo "$count examples, $failed failed"
[ "$failed" -eq 0 ]
