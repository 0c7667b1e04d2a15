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

# --- TLS: absolute paths, and nothing in the clear
mkdir "$tmp/tls"
touch "$tmp/tls/cert.pem" "$tmp/tls/key.pem"
(cd "$tmp/tls" && relay -server -port 0 -host 0.0.0.0 -tls-cert cert.pem \
    -tls-key "$tmp/tls/key.pem") || fail "relay -tls-cert"
said "^tls certificate \"$tmp/tls/cert.pem\" key \"$tmp/tls/key.pem\"\$"
said '^listen on 0\.0\.0\.0 port 0 tls$'
said 'enroll NODE url URL'
grep -q '^authentication' "$tmp/out" && fail "authentication without -insecure"
"$CONF_TEST" "$(sed -n 's/^conf 600 //p' "$tmp/out")" >/dev/null ||
	fail "the configuration with TLS"
refused '-tls-cert: .*/nonexistent.pem: No such file' -server \
    -tls-cert /nonexistent.pem -tls-key "$tmp/tls/key.pem"
relay -server -port 0 -host 0.0.0.0 -insecure
said '^listen on 0\.0\.0\.0 port 0 insecure$'
said '^authentication none$'
said '^Any node may link'
relay -connect wss://relay.example.com || fail "relay -connect wss://"
said '^uplink "wss://relay.example.com:443/ws/federation"$'
relay -connect ws://relay.example.com -insecure

# --- uids: seven different ones if root, none otherwise
n=$(sed -n 's/^account [a-z]* \([0-9]*\)$/\1/p' "$tmp/out" | sort -u | wc -l)
if [ "$(id -u)" -eq 0 ]; then want=7; else want=0; fi
[ "$n" -eq "$want" ] || fail "$n accounts, not $want"

# --- join: "relay-join-1." and what common/join.h says
joined() {
	python3 - "$@" <<'EOS'
import base64, hashlib, os, struct, sys
url, node, main, secret, expires_s, pin = sys.argv[1:]
def text(s):
    return struct.pack("<H", len(s)) + s.encode()
key = os.environ.get("MAIN_KEY", "K").encode() * 32
body = b"\1" + text(url) + text(node) + text(main) + key + \
    secret.encode() * 32 + struct.pack("<Q", int(expires_s) * 1000) + text(pin)
body += hashlib.sha256(body).digest()[:4]
print("relay-join-1." + base64.urlsafe_b64encode(body).decode().rstrip("="))
EOS
}
later=$(($(date +%s) + 600))
pin=sha256:$(printf 'A%.0s' $(seq 43))
one=$(joined wss://relay.example.com alice.home main.x s "$later" "$pin")
state=$tmp/state/relay/alice.home
secret=$(printf 's%.0s' $(seq 32) | base64 | tr '+/' '-_' | tr -d =)
relay join "$one" "$top/examples/blog.rl" || fail "relay join"
said '^node id: alice.home$'
said '^uplink "wss://relay.example.com:443/ws/federation" \{$'
said '^	node "main.x"$'
said '^	key "ed25519:S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s"$'
said "^	pin \"$pin\"\$"
said "^	join \"$state/join\"\$"
said "exec \"$top/examples/blog-service\""
"$CONF_TEST" "$(sed -n 's/^conf 600 //p' "$tmp/out")" >/dev/null ||
	fail "the configuration of a join"
[ "$(stat -c %a "$state/join" "$state/joined" | sort -u)" = 600 ] ||
	fail "modes of what a join leaves"
[ "$(cat "$state/join")" = "$secret" ] || fail "the secret of a join"
grep -rqF -e "$one" -e "$secret" "$tmp/out" "$tmp/err" "$tmp/run" \
    "$state/joined" && fail "the secret of a join is elsewhere too"

# It is remembered, by the id and by the URL, until the secret is used up.
relay -connect wss://relay.example.com || fail "relay -connect after a join"
said '^node id: alice.home$'
said '^	key "ed25519:S0tL'
said "^	join \"$state/join\"\$"
rm "$state/join"
relay -node-id alice.home -connect ws://127.0.0.1:1 \
    -fallback wss://relay.example.com || fail "relay -fallback after a join"
said '^uplink "ws://127.0.0.1:1/ws/federation"$'
said "^	pin \"$pin\"\$"
grep -q '^	join' "$tmp/out" && fail "a secret that is not there"
relay -connect wss://relay.example.com -node-id bob.home
said '^uplink "wss://relay.example.com:443/ws/federation"$'
relay -connect wss://relay.example.com/other
said '^node id: home-'

# Again, from standard input, with another secret and another Main.
joined ws://127.0.0.1:7 alice.home main.y t "$later" "" |
    relay join -port 7777 - || fail "relay join -"
said '^listen on 127.0.0.1 port 7777$'
said '^	node "main.y"$'
grep -q '^	pin' "$tmp/out" && fail "the pin of another Main"
[ "$(cat "$state/join")" != "$secret" ] || fail "the former secret"
relay -connect wss://relay.example.com -node-id alice.home
said '^uplink "wss://relay.example.com:443/ws/federation"$'

# For relayd(8): relative names, nothing overwritten.
(cd "$tmp/tls" && cp "$top/examples/blog.rl" . &&
    relay join -o home.conf "$one" blog.rl) || fail "relay join -o"
said "^configuration: $tmp/tls/home.conf\$"
said "relayd -f $tmp/tls/home.conf\$"
[ "$(cat "$tmp/tls/home.conf.join")" = "$secret" ] || fail "secret of -o"
[ "$(stat -c %a "$tmp/tls/home.conf.join")" = 600 ] || fail "mode of -o"
grep -qx "include \"$tmp/tls/blog.rl\"" "$tmp/tls/home.conf" ||
	fail "services of -o"
grep -qx "	join \"$tmp/tls/home.conf.join\"" "$tmp/tls/home.conf" ||
	fail "secret's place of -o"
"$CONF_TEST" "$tmp/tls/home.conf" >/dev/null || fail "configuration of -o"
# Again, it only needs another secret; but not if it is of somebody else.
two=$(joined wss://relay.example.com alice.home main.x u "$later" "$pin")
cp "$tmp/tls/home.conf" "$tmp/tls/before"
for left in yes no; do
	[ $left = yes ] || rm "$tmp/tls/home.conf.join"
	relay join -o "$tmp/tls/home.conf" "$two" || fail "relay join -o again"
	said 'relay-ctl reload$'
	cmp -s "$tmp/tls/home.conf" "$tmp/tls/before" || fail "-o again wrote"
	[ "$(stat -c %a "$tmp/tls/home.conf.join")" = 600 ] ||
		fail "mode of -o again"
	[ "$(cat "$tmp/tls/home.conf.join")" != "$secret" ] ||
		fail "secret of -o again"
done
cp "$tmp/tls/home.conf.join" "$tmp/tls/before.join"
for args in 'wss://relay.example.com bob.home' 'wss://other.com alice.home'; do
	refused 'home.conf: exists already' join -o "$tmp/tls/home.conf" \
	    "$(joined $args main.x v "$later" "")"
done
# Nor if it would not know the Main again.
other=sha256:$(printf 'E%.0s' $(seq 43))
refused "home.conf:4: .* another pin .*$other" join -o "$tmp/tls/home.conf" \
    "$(joined wss://relay.example.com alice.home main.x v "$later" "$other")"
refused 'home.conf:4: .* another node .*main.y' join -o "$tmp/tls/home.conf" \
    "$(joined wss://relay.example.com alice.home main.y v "$later" "$pin")"
refused 'home.conf:4: .* another key .*ed25519:TExM' join \
    -o "$tmp/tls/home.conf" "$(MAIN_KEY=L joined wss://relay.example.com \
    alice.home main.x v "$later" "$pin")"
sed '/pin/d' "$tmp/tls/before" >"$tmp/tls/home.conf"
refused 'home.conf:4: .* another pin' join -o "$tmp/tls/home.conf" "$two"
cmp -s "$tmp/tls/home.conf.join" "$tmp/tls/before.join" ||
	fail "a join string of another Main was taken"
sed 's/pin.*/ca "ca.pem"/' "$tmp/tls/before" >"$tmp/tls/home.conf"
relay join -o "$tmp/tls/home.conf" "$two" || fail "-o again with a ca"
cp "$tmp/tls/before" "$tmp/tls/home.conf"
relay join -o "$tmp/tls/home.conf" \
    "$(joined wss://relay.example.com alice.home main.x v "$later" "")" ||
	fail "-o again without a pin"
cp "$tmp/tls/home.conf.join" "$tmp/tls/before.join"
echo nonsense >"$tmp/tls/other.conf"
refused 'other.conf: exists already' join -o "$tmp/tls/other.conf" "$one"
cmp -s "$tmp/tls/home.conf.join" "$tmp/tls/before.join" ||
	fail "a refused join -o wrote"
rm "$tmp/tls/home.conf"
refused 'home.conf.join: File exists' join -o "$tmp/tls/home.conf" "$one"
[ ! -e "$tmp/tls/home.conf" ] || fail "half of -o"

# Nothing is written for what is refused.
find "$tmp/state" "$tmp/run" "$tmp/tls" -type f | sort |
    xargs md5sum >"$tmp/before"
old=$(joined wss://relay.example.com new.home main.x s 1 "")
refused 'expired at 1970-01-01 00:00:01 UTC' join "$old"
refused 'not as it was printed' join "${one%?}"
! grep -q '^usage:' "$tmp/err" || fail "a string cut short is told as usage"
refused 'begins with relay-join-1' join blog.rl
refused 'there is no join string' join - </dev/null
refused 'add -insecure' join \
    "$(joined ws://relay.example.com new.home main.x s "$later" "")"
refused 'cannot read' join "$one" /nonexistent.rl
refused 'join: its string is missing' join
find "$tmp/state" "$tmp/run" "$tmp/tls" -type f | sort |
    xargs md5sum | cmp -s - "$tmp/before" || fail "a refused join wrote"

# What others could have written, or what is damaged, is not believed.
chmod 644 "$state/joined"
refused 'joined: others can read' -connect ws://127.0.0.1:7 -node-id alice.home
chmod 600 "$state/joined"
echo rubbish >"$state/joined"
refused 'joined: .*; join again' -connect ws://127.0.0.1:7 -node-id alice.home
rm -r "$state"

# --- a state directory that is not there yet is made
mkdir -m 711 "$tmp/new"
mkdir -m 700 "$tmp/new/run"
as=
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$tmp" "$tmp/bin"
	chown -R 65534:65534 "$tmp/new"
	as='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
XDG_RUNTIME_DIR="$tmp/new/run" XDG_STATE_HOME="$tmp/new/of/mine" \
    $as "$tmp/bin/relay" join "$one" >"$tmp/out" 2>"$tmp/err" ||
    { fail "join into a new directory"; cat "$tmp/err"; }
[ -f "$tmp/new/of/mine/relay/alice.home/join" ] || fail "XDG_STATE_HOME"
[ "$(stat -c %a "$tmp/new/of" "$tmp/new/of/mine" | uniq)" = 700 ] ||
	fail "the mode of a new XDG_STATE_HOME"

# --- a long id has a shorter runtime directory
long=$(printf 'a%.0s' $(seq 200))
relay -server -node-id "$long" || fail "long id"
said "^control socket: $tmp/run/relay/[0-9a-f]{16}/relayd.sock\$"

# --- refusals
refused 'a Home accepts no links' -server -node-type home
refused 'only be one of them' -server -connect ws://127.0.0.1
refused "-tls-cert and -tls-key, or -insecure" -server -host 0.0.0.0
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
