#!/bin/bash
# SPDX-License-Identifier: ISC
# Measures a Main Relay, or two that are peers, and NATS over WebSocket beside
# it in the same session, interleaved.  Compare ratios only: a machine's figures
# drift.
#
#	tests/bench/run.sh [-sx] [-n rounds] [-t seconds] [-m "mode ..."]
#
# -x is the cross-Main call: callers at one Main and callees at the other, and
# a cluster of two NATS servers beside it.  -s is TLS 1.3 for both, and beside
# the modes what full, resumed and mutual handshakes cost relayd.
#
# Modes are w1 w64 w200 r2k max idle storm.  A letter behind a mode says who
# runs where: S one processor for both, P the server on cpu 0 and the load
# on cpu 1, F the server free (max).  The build is build/gcc (./check makes it).
#
# NATS is measured if nats-server is installed and $LOADER names a loader that
# speaks its WebSocket protocol: called with --proto natsws [--tls] --port
# --port2 --pids --pairs --inflight --rate --secs --warm --cpu --idle --storm,
# it prints one line of JSON with cpu_us, rps, p50_us, p99_us, rss_per_conn and
# server_cpu_us_per_conn.

set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$top/build/gcc}
rounds=5 secs=2 modes="idle w1S w64P w200P r2kS maxF storm"
idle=10000 storm=1000 cross='' tls=''

while getopts m:n:st:x ch; do
	case $ch in
	x)	cross=1 modes="w1S w64P w200P r2kS maxF" ;;
	m)	modes=$OPTARG ;;
	n)	rounds=$OPTARG ;;
	s)	tls=1 ;;
	t)	secs=$OPTARG ;;
	*)	sed -n '3,21s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
done

tmp=$(mktemp -d "${TMPDIR:-/tmp}/relay-bench.XXXXXX")
chmod 711 "$tmp"
pids=()
cleanup() {
	for p in "${pids[@]}"; do
		kill "$p" 2>/dev/null || :
		wait "$p" 2>/dev/null || :
	done
	rm -rf "$tmp"
}
trap cleanup EXIT

say() {
	printf '%s\n' "$*" >&2
}

make -s -C "$build" tests/bench/load tests/bench/handshake >&2

# One authority, a server's certificate and a client's, of the usual kind.
make_certificates() {
	local name
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$tmp/ca.key" -out "$tmp/ca.pem" -days 2 -subj /CN=bench \
	    2>/dev/null
	for name in server client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		    -keyout "$tmp/$name.key" -out "$tmp/$name.csr" \
		    -subj "/CN=$name" 2>/dev/null
		echo "subjectAltName=IP:127.0.0.1,DNS:$name.bench" >"$tmp/ext"
		openssl x509 -req -in "$tmp/$name.csr" -CA "$tmp/ca.pem" \
		    -CAkey "$tmp/ca.key" -CAcreateserial -days 2 \
		    -extfile "$tmp/ext" -out "$tmp/$name.pem" 2>/dev/null
	done
}

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket()
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_port() {
	for _ in $(seq 300); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.05
	done
	say "nobody listens on port $1"
	exit 1
}

# start_main NAME [statement]: its port and pid are then in $port, $pid.
start_main() {
	port=$(free_port)
	mkdir -p "$tmp/$1"
	{
		printf 'node main "%s"\nlisten on 127.0.0.1 port %s%s\n' \
		    "$1" "$port" "${tls:+ tls}"
		printf 'control "%s"\nstate-directory "%s"\n%s\n' \
		    "$tmp/$1/control.sock" "$tmp/$1/state" "${2-}"
		[ -z "$tls" ] || printf \
		    'tls certificate "%s" key "%s"\ntls client-ca "%s"\n' \
		    "$tmp/server.pem" "$tmp/server.key" "$tmp/ca.pem"
		[ "$(id -u)" -ne 0 ] || accounts
	} >"$tmp/$1/relayd.conf"
	"$build/root/sbin/relayd" -d -f "$tmp/$1/relayd.conf" \
	    >"$tmp/$1.log" 2>&1 &
	pid=$!
	pids+=("$pid")
	wait_port "$port"
}

# Users that need not exist, for root.
accounts() {
	local uid=61001 name
	for name in frontend dialer backend router registry keeper service; do
		echo "account $name $uid"
		uid=$((uid + 1))
	done
}

start_relayd() {
	start_main bench.test
	relay_port=$port relay_port2=$port relay_pids=$pid
	[ -n "$cross" ] || return 0
	start_main bench2.test "peer \"ws${tls:+s}://127.0.0.1:$relay_port\" {
		${tls:+ca \"$tmp/ca.pem\"}
	}"
	relay_port2=$port relay_pids=$relay_pids,$pid
	for _ in $(seq 300); do
		curl -fsSk "http${tls:+s}://127.0.0.1:$port/federation/health" |
		    grep -q '"connected_peers": *1' && return
		sleep 0.05
	done
	say "the Mains are not linked"
	exit 1
}

# start_nats_server PORT CLUSTER-PORT ROUTE-PORT
start_nats_server() {
	cat >"$tmp/nats.$1.conf" <<EOM
server_name: n$1
listen: 127.0.0.1:$(free_port)
websocket { listen: "127.0.0.1:$1", ${nats_tls:-no_tls: true} }
${2:+cluster { name: bench, listen: "127.0.0.1:$2", routes: ["nats://127.0.0.1:$3"] \}}
EOM
	nats-server -c "$tmp/nats.$1.conf" >"$tmp/nats.$1.log" 2>&1 &
	pids+=("$!")
	nats_pids=${nats_pids:+$nats_pids,}$!
	wait_port "$1"
}

start_nats() {
	local c1 c2 nats_tls=
	[ -z "$tls" ] || nats_tls="tls {
		cert_file: \"$tmp/server.pem\", key_file: \"$tmp/server.key\" }"
	nats_port=$(free_port)
	if [ -z "$cross" ]; then
		start_nats_server "$nats_port" "" ""
		nats_port2=$nats_port
		return
	fi
	nats_port2=$(free_port) c1=$(free_port) c2=$(free_port)
	start_nats_server "$nats_port" "$c1" "$c2"
	start_nats_server "$nats_port2" "$c2" "$c1"
	sleep 2		# their routes
}

# all PID: it and its descendants
all() {
	local p
	echo "$1"
	for p in $(ps -o pid= --ppid "$1"); do
		all "$p"
	done
}

# place LETTER: who runs on which processor
place() {
	local server
	case $1 in
	S)	server=1 load_cpu=1 ;;
	P)	server=0 load_cpu=1 ;;
	*)	server=0-$(($(nproc) - 1)) load_cpu=-1 ;;
	esac
	local top
	for top in ${relay_pids//,/ } ${nats_pids//,/ }; do
		for p in $(all "$top"); do
			taskset -acp "$server" "$p" >/dev/null
		done
	done
}

# measure_relayd MODE
measure_relayd() {
	local mode=$1 args=()
	[ "$load_cpu" -ge 0 ] && args=(-c "$load_cpu")
	[ -z "$tls" ] || args+=(-s)
	case $mode in
	max)	mode=w64 args+=(-w 1) ;;
	idle)	args+=(-n "$idle") ;;
	storm)	args+=(-n "$storm") ;;
	esac
	"$build/tests/bench/load" -p "$relay_port" -2 "$relay_port2" \
	    -P "$relay_pids" -m "$mode" -t "$secs" "${args[@]}"
}

# measure_nats MODE
measure_nats() {
	local args=()
	case $1 in
	w1)	args=(--pairs 1 --inflight 1) ;;
	w64|max) args=(--pairs 1 --inflight 64) ;;
	w200)	args=(--pairs 100 --inflight 1) ;;
	r2k)	args=(--pairs 100 --rate 2000) ;;
	idle)	args=(--idle "$idle") ;;
	storm)	args=(--storm "$storm") ;;
	esac
	[ -z "$cross" ] || args+=(--port2 "$nats_port2")
	[ -z "$tls" ] || args+=(--tls)
	"$LOADER" --proto natsws --port "$nats_port" --pids "$nats_pids" \
	    --secs "$secs" --warm 0.5 --cpu "$load_cpu" "${args[@]}"
}

# measure_handshakes: full, resumed and mutual ones.
measure_handshakes() {
	local hs=("$build/tests/bench/handshake" -p "$relay_port" \
	    -P "$relay_pids")
	"${hs[@]}" | sed 's/^/relayd full /'
	"${hs[@]}" -r | sed 's/^/relayd resumed /'
	"${hs[@]}" -C "$tmp/client.pem" -K "$tmp/client.key" |
	    sed 's/^/relayd mutual /'
}

ulimit -n "$(ulimit -Hn)"
[ -z "$tls" ] || make_certificates
start_relayd
nats_pids=
if [ -n "${LOADER-}" ] && command -v nats-server >/dev/null 2>&1; then
	start_nats
else
	say "relayd alone: NATS needs nats-server and \$LOADER"
fi
for round in $(seq "$rounds"); do
	for m in $modes; do
		letter=${m##*[!SPF]}
		mode=${m%"$letter"}
		# Memory that was used once is not asked for again.
		[ "$mode" != idle ] || [ "$round" -eq 1 ] || continue
		place "${letter:-F}"
		say "round $round: $m"
		measure_relayd "$mode" | sed "s/^/relayd $m /" >>"$tmp/out"
		[ -z "$nats_pids" ] || measure_nats "$mode" |
		    sed "s/^/nats $m /" >>"$tmp/out"
	done
	place P
	[ -z "$tls" ] || measure_handshakes >>"$tmp/out"
done

# Medians, and medians of the ratios round by round.
/usr/bin/python3 - "$tmp/out" <<'EOM'
import json, statistics, sys
rows = {}
for line in open(sys.argv[1]):
    who, mode, text = line.split(" ", 2)
    rows.setdefault(mode, {}).setdefault(who, []).append(json.loads(text))
names = {"cpu_us": ("cpu_us", "server_cpu_us_per_conn"), "rps": ("rps",),
         "p50_us": ("p50_us",), "p99_us": ("p99_us",),
         "bytes": ("bytes", "rss_per_conn")}
print("%-6s %-7s %12s %12s %8s" % ("mode", "figure", "relayd", "nats",
                                   "ratio"))
for mode, who in rows.items():
    for figure, keys in names.items():
        def values(name):
            return [next((r[k] for k in keys if k in r), None)
                    for r in who.get(name, [])]
        ours, theirs = values("relayd"), values("nats")
        if not ours or None in ours:
            continue
        if mode == "idle" and figure != "bytes" or \
                mode == "storm" and figure != "cpu_us":
            continue
        line = "%-6s %-7s %12.1f" % (mode, figure, statistics.median(ours))
        if theirs and None not in theirs and all(theirs):
            line += " %12.1f %8.2f" % (
                statistics.median(theirs), statistics.median(
                    a / b for a, b in zip(ours, theirs)))
        print(line)
EOM
