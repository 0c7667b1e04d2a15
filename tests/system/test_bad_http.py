# SPDX-License-Identifier: ISC
"""Malformed HTTP: each is answered and closed, and nobody else notices."""

import json
import socket

from process import wait_for
from wire import Refused, connect, http, raw, read_response, remote
from watch import Watch

H = b"Host: x\r\n"
J = H + b"Content-Type: application/json\r\n"

# What is sent, and the statuses that are right (0: closed without one).
BAD = [
    (b"\r\n\r\n\r\n", {0, 400}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {0, 400}),
    (b"GET\r\n\r\n", {400}),
    (b"GET /health\r\n\r\n", {400}),
    (b"GET  /health HTTP/1.1\r\n" + H + b"\r\n", {400}),
    (b"GET /health HTTP/1.1 \r\n" + H + b"\r\n", {400}),
    (b"GET /health HTTP/2.0\r\n" + H + b"\r\n", {400, 505}),
    (b"GET /health HTTP/0.9\r\n" + H + b"\r\n", {400, 505}),
    (b"GET /health http/1.1\r\n" + H + b"\r\n", {400, 505}),
    (b"G\x00T /health HTTP/1.1\r\n" + H + b"\r\n", {400}),
    (b"GET /he\x01alth HTTP/1.1\r\n" + H + b"\r\n", {400}),
    (b"GET health HTTP/1.1\r\n" + H + b"\r\n", {400}),
    (b"GET /health HTTP/1.1\n" + b"Host: x\n\n", {400}),
    (b"GET /health HTTP/1.1\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n Host: x\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n" + H + b"A: b\r\n c\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n" + H + b"A\x00: b\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n" + H + b"A: b\x00\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n" + H + b"no colon\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n" + H + b": empty\r\n\r\n", {400}),
    (b"GET /health HTTP/1.1\r\n" + H + b"A: b\rC: d\r\n\r\n", {400}),
    (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n" + H + b"\r\n", {414}),
    (b"GET /health HTTP/1.1\r\n" + H + b"A: " + b"b" * 20000 + b"\r\n\r\n",
     {431}),
    (b"GET /health HTTP/1.1\r\n" + H + b"A: b\r\n" * 200 + b"\r\n", {431}),
    # Lengths that two readers would read differently
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: 2\r\n"
     b"Content-Length: 3\r\n\r\n{}", {400}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: 2\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: -1\r\n\r\n", {400}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: +2\r\n\r\n{}", {400}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: 0x2\r\n\r\n{}", {400}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: \r\n\r\n", {400}),
    (b"POST /rpc HTTP/1.1\r\n" + J +
     b"Content-Length: 99999999999999999999\r\n\r\n", {400, 413}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: 99999999\r\n\r\n",
     {413}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Transfer-Encoding: gzip\r\n\r\n",
     {400, 501}),
    (b"POST /rpc HTTP/1.1\r\n" + J +
     b"Transfer-Encoding: chunked, gzip\r\n\r\n", {400, 501}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Transfer-Encoding: xchunked\r\n\r\n",
     {400, 501}),
    (b"POST /rpc HTTP/1.0\r\n" + J + b"Transfer-Encoding: chunked\r\n\r\n"
     b"0\r\n\r\n", {400, 501}),
    (b"POST /rpc HTTP/1.1\r\n" + J + b"\r\n", {400, 411, 200}),
] + [
    (b"POST /rpc HTTP/1.1\r\n" + J + b"Transfer-Encoding: chunked\r\n\r\n" +
     body, {400, 413}) for body in (
        b"x\r\n", b"-1\r\n", b"\r\n", b"2\r\n{}x\r\n0\r\n\r\n",
        b"2 \r\n{}\r\n0\r\n\r\n"[:3] + b"z\r\n", b"2\n{}\n0\n\n",
        b"ffffffffffffffff\r\n", b"1000000000\r\n", b"fffffff0\r\n",
        b"0" * 5000 + b"\r\n",
        b"1;" + b"e" * 70000 + b"\r\n")
]


def test_matrix(t):
    main = t.main()
    watch = Watch(t, main)
    for data, statuses in BAD:
        status, fields, body = raw(main.port, data, shut=True)
        assert status in statuses, (data[:80], status, body)
        if status >= 400:
            assert "error" in json.loads(body), (data[:80], body)
            assert fields.get("connection", "").lower() == "close", fields
        watch.check(data[:60])
    watch.finish()


def test_matrix_on_a_home(t):
    main = t.main()
    home = t.home("alice.home", main, services=t.service("echo"))
    main.wait_service("alice.home", "echo")
    watch = Watch(t, main, home)
    for data, statuses in BAD[::3]:
        status, _, body = raw(home.port, data, shut=True)
        assert status in statuses, (data[:80], status, body)
    assert main.rpc(remote("echo", "echo", [1]))["result"] == [1]
    watch.finish()


def test_what_follows_a_refusal_is_not_served(t):
    """A second request behind a bad one: smuggling needs it answered."""
    main = t.main()
    watch = Watch(t, main)
    with connect(main.port) as s:
        s.sendall(b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: 2\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                  b"GET /health HTTP/1.1\r\n" + H + b"\r\n")
        out = b""
        while True:
            try:
                got = s.recv(65536)
            except ConnectionError:
                break
            if not got:
                break
            out += got
    assert out.count(b"HTTP/1.1 ") == 1, out
    assert out.startswith(b"HTTP/1.1 400"), out
    watch.finish()


def test_aborted_requests(t):
    main = t.main()
    watch = Watch(t, main)
    whole = b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: 20\r\n\r\n" + \
        b'{"jsonrpc":"2.0"}   '
    for cut in range(0, len(whole), 5):
        s = connect(main.port)
        s.sendall(whole[:cut])
        s.close()
    # And with a reset
    for cut in range(0, len(whole), 9):
        s = connect(main.port)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     b"\x01\x00\x00\x00\x00\x00\x00\x00")
        s.sendall(whole[:cut])
        s.close()
    watch.check("aborted requests")
    watch.finish()


def test_a_caller_that_hangs_up(t):
    main = t.main()
    home = main.link("quiet.home")
    t.links.append(home)
    home.register(["silence"])
    watch = Watch(t, main)
    body = json.dumps(remote("silence", "x", [])).encode()
    s = connect(main.port)
    s.sendall(b"POST /rpc HTTP/1.1\r\n" + J + b"Content-Length: %d\r\n\r\n%s"
              % (len(body), body))
    home.recv("request")
    s.close()
    wait_for(lambda: not any(main.show("pending").values()),
             "the call is forgotten")
    watch.finish()


def test_one_octet_at_a_time(t):
    main = t.main()
    with connect(main.port) as s:
        for b in b"GET /health HTTP/1.1\r\n" + H + b"\r\n":
            s.sendall(bytes([b]))
        status, _, body = read_response(s)
        assert status == 200, body


def test_expect_continue(t):
    main = t.main()
    body = b'{"jsonrpc":"2.0","method":"relay.ping","id":1}'
    with connect(main.port) as s:
        s.sendall(b"POST /rpc HTTP/1.1\r\n" + J + b"Expect: 100-continue\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body))
        status, _, _ = read_response(s)
        assert status == 100, status
        s.sendall(body)
        status, _, out = read_response(s)
        assert status == 200, out


UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade",
           "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
           "X-Relay-Node-ID": "a.home", "X-Relay-Node-Type": "home"}


def test_bad_upgrades(t):
    main = t.main()
    watch = Watch(t, main)
    cases = [
        ({"Upgrade": None}, {400, 426}),
        ({"Upgrade": "h2c"}, {400, 426}),
        ({"Connection": "close"}, {400, 426}),
        ({"Connection": None}, {400, 426}),
        ({"Sec-WebSocket-Version": "8"}, {426}),
        ({"Sec-WebSocket-Version": None}, {400, 426}),
        ({"Sec-WebSocket-Key": None}, {400}),
        ({"Sec-WebSocket-Key": "short"}, {400}),
        ({"Sec-WebSocket-Key": "!!!!IHNhbXBsZSBub25jZQ=="}, {400}),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZT0="}, {400}),
        ({"Origin": "http://evil.test"}, {403}),
        ({"X-Relay-Node-ID": None}, {400}),
        ({"X-Relay-Node-ID": ""}, {400}),
        ({"X-Relay-Node-ID": "a@b"}, {400}),
        ({"X-Relay-Node-ID": "a/b"}, {400}),
        ({"X-Relay-Node-ID": "a:b"}, {400}),
        ({"X-Relay-Node-ID": "a..b"}, {400}),
        ({"X-Relay-Node-ID": ".a"}, {400}),
        ({"X-Relay-Node-ID": "a b"}, {400}),
        ({"X-Relay-Node-ID": "caf\xe9"}, {400}),
        ({"X-Relay-Node-ID": "a" * 254}, {400}),
        ({"X-Relay-Node-ID": "main.test"}, {400, 403, 409}),
        ({"X-Relay-Node-Type": None}, {400}),
        ({"X-Relay-Node-Type": "main"}, {400, 403}),
        ({"X-Relay-Node-Type": "other"}, {400}),
    ]
    for change, statuses in cases:
        h = dict(UPGRADE, **change)
        status, fields, body = http(main.port, "GET", "/ws/federation",
                                    headers=h)
        assert status in statuses, (change, status, body)
        assert "error" in json.loads(body), (change, body)
        if status == 426:
            assert fields["upgrade"].lower() == "websocket", fields
            assert fields["sec-websocket-version"] == "13", fields
        watch.check(change)
    assert http(main.port, "POST", "/ws/federation", "", UPGRADE)[0] \
        in (400, 405)
    assert http(main.port, "GET", "/ws/other", headers=UPGRADE)[0] == 404
    watch.finish()


def test_per_address_cap(t):
    """Beyond the cap a connection is refused, told or closed, and below it
    served again."""
    main = t.main(extra="max-connections 100 per-address 5\n")
    held = []
    try:
        for _ in range(5):
            held.append(connect(main.port))
        def refused():
            try:
                return http(main.port, "GET", "/health")[0] in (0, 503)
            except ConnectionError:
                return True
        wait_for(refused, "the sixth is refused")
    finally:
        for s in held:
            s.close()
    wait_for(lambda: http(main.port, "GET", "/health")[0] == 200,
             "a connection is served again")


def test_upgrade_refused_is_an_answer(t):
    main = t.main()
    try:
        main.link("Not Valid")
    except Refused as e:
        assert e.status == 400 and b"error" in e.body, e
    else:
        raise AssertionError("it was accepted")
