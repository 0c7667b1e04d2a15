#!/bin/sh
# SPDX-License-Identifier: ISC
#
# relay(1) up to the point where it becomes relayd: ids, directories, the
# configuration it writes.  A script stands for relayd; it is found because it
# lies beside a copy of relay.

: "${RELAY:=$PWD/relay-ctl/relay}"
: "${CONF_TEST:=$PWD/tests/conf/conf-test}"
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
	echo "FAIL: $*"
	failed=$((failed + 1))
}

mkdir -m 700 "$tmp/bin" "$tmp/run" "$tmp/state"
cp "$RELAY" "$tmp/bin/relay" || exit 1
cat >"$tmp/bin/relayd" <<'EOS'
#!/bin/sh
# relayd -d -f FILE
[ "$1" = -d ] && [ "$2" = -f ] || exit 9
echo "conf $(stat -c %a "$3") $3"
cat "$3"
# Hold what relay left open, as a relayd would.
[ -z "$HOLD" ] || { echo held >"$HOLD"; while [ -e "$HOLD" ]; do sleep 0.05; done; }
EOS
chmod 755 "$tmp/bin/relayd"
export XDG_RUNTIME_DIR="$tmp/run" XDG_STATE_HOME="$tmp/state"

# relay ARGUMENTS: run it; what it said is in $tmp/out and $tmp/err.
relay() {
	"$tmp/bin/relay" "$@" >"$tmp/out" 2>"$tmp/err"
}

said() {
	grep -Eq -- "$1" "$tmp/out" || {
		fail "not said: $1"
		cat "$tmp/out" "$tmp/err"
	}
}

node_id() {
	sed -n 's/^node id: //p' "$tmp/out"
}

refused() {
	pattern=$1
	shift
	if relay "$@"; then
		fail "accepted: $*"
	fi
	grep -Eq -- "$pattern" "$tmp/err" || {
		fail "$*: not said: $pattern"
		cat "$tmp/err"
	}
	[ ! -s "$tmp/out" ] || fail "$*: it began to start"
}

# --- a Main with an automatic id, which stays the same
relay -server -port 0 || fail "relay -server"
said '^node type: main$'
said '^node id: main-[0-9a-f]{16}$'
said '^conf 600 '
said '^listen on 127\.0\.0\.1 port 0$'
said '^This Main listens on loopback only'
first=$(node_id)
relay -server
[ "$(node_id)" = "$first" ] || fail "the id is not stable"
said '^listen on 127\.0\.0\.1 port 8080$'
[ "$(stat -c %a "$tmp/state/relay/KEY-main.pem")" = 600 ] || fail "key mode"
[ "$(stat -c %a "$tmp/run/relay/$first")" = 700 ] || fail "directory mode"

# What it writes is a configuration.
"$CONF_TEST" "$(sed -n 's/^conf 600 //p' "$tmp/out")" >/dev/null ||
	fail "the configuration"

# --- two at the same time have different ids
HOLD=$tmp/hold "$tmp/bin/relay" -server >"$tmp/held" 2>&1 &
while [ ! -e "$tmp/hold" ]; do sleep 0.05; done
relay -server -port 0
case $(node_id) in
''|"$first")	fail "two nodes have one id" ;;
esac
grep -q "^node id: $first$" "$tmp/held" || fail "the first lost its id"
rm "$tmp/hold"
wait
relay -server -port 0
[ "$(node_id)" = "$first" ] || fail "the id did not come back"

# --- a Home with services, found beside the service file
relay "$top/examples/blog.rl" -node-id Alice.Home \
    -connect ws://127.0.0.1:8080 -fallback 'ws://[::1]:1,ws://localhost:2/x' ||
	fail "relay blog.rl"
said '^node type: home$'
said '^node id: alice.home$'
said "^control socket: $tmp/run/relay/alice.home/relayd.sock\$"
said '^uplink "ws://127.0.0.1:8080/ws/federation"$'
said '^uplink "ws://localhost:2/x"$'
said "exec \"$top/examples/blog-service\""
said "^state-directory \"$tmp/state/relay/alice.home\"\$"
relay -connect ws://relay.example.com -insecure
said '^uplink "ws://relay.example.com:80/ws/federation" insecure$'
said '^node home "home-[0-9a-f]{16}"$'

# --- a Main with peers
relay -server -node-id a.main -peers 'ws://[::1]:1,ws://relay-b.com:8081/x' \
    -insecure || fail "relay -peers"
said '^peer: ws://\[::1\]:1/ws/peers$'
said '^peer "ws://\[::1\]:1/ws/peers"$'
said '^peer "ws://relay-b.com:8081/x" insecure$'
"$CONF_TEST" "$(sed -n 's/^conf 600 //p' "$tmp/out")" >/dev/null ||
	fail "the configuration with peers"
relay -connect ws://relay.example.com -insecure

# --- uids: six different ones if root, none otherwise
n=$(sed -n 's/^account [a-z]* \([0-9]*\)$/\1/p' "$tmp/out" | sort -u | wc -l)
if [ "$(id -u)" -eq 0 ]; then want=6; else want=0; fi
[ "$n" -eq "$want" ] || fail "$n accounts, not $want"

# --- a long id has a shorter runtime directory
long=$(printf 'a%.0s' $(seq 200))
relay -server -node-id "$long" || fail "long id"
said "^control socket: $tmp/run/relay/[0-9a-f]{16}/relayd.sock\$"

# --- refusals
refused 'a Home accepts no links' -server -node-type home
refused 'only be one of them' -server -connect ws://127.0.0.1
refused 'add -insecure' -server -host 0.0.0.0
refused 'is this a Main' "$top/examples/blog.rl"
refused 'cannot read "/nonexistent.rl"' /nonexistent.rl \
    -connect 'ws://[::1]'
refused '^usage:' -nonsense
refused 'only a Main has peers' -connect 'ws://[::1]' -peers 'ws://[::1]:1'
refused 'URL 2 "": there is nothing' -server -peers 'ws://[::1]:1,,x'
printf 'node main "x"\n' >"$tmp/bad.rl"
refused 'bad.rl:1: node: a service file holds only' "$tmp/bad.rl" \
    -connect 'ws://[::1]'

# --- a directory somebody else could write to, a key others could read
chmod 777 "$tmp/state/relay"
refused 'can be written by others' -server
chmod 755 "$tmp/state/relay"
chmod 644 "$tmp/state/relay/KEY-main.pem"
refused 'others can read' -server
chmod 600 "$tmp/state/relay/KEY-main.pem"
echo rubbish >"$tmp/state/relay/KEY-main.pem"
refused 'not an Ed25519 key' -server
rm "$tmp/state/relay/KEY-main.pem"
ln -s /dev/null "$tmp/state/relay/KEY-main.pem"
refused 'KEY-main.pem' -server
rm "$tmp/state/relay/KEY-main.pem"
rm -rf "$tmp/run/relay"
ln -s "$tmp/state" "$tmp/run/relay"
refused 'is not a directory' -server

[ "$failed" -eq 0 ] && echo "relay(1): all as it should be"
[ "$failed" -eq 0 ]
