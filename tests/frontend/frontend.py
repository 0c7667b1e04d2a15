#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""relay-frontend against a router, dialer and parent made of this test.

usage: frontend.py PATH/TO/relay-frontend [-s MODE] [NAME ...]

-s enforce|log|off chooses the sandbox.  Prints "N passed, N failed".
"""
import base64
import hashlib
import json
import os
import socket
import struct
import sys
import time
import traceback

sys.dont_write_bytecode = True

from rig import HOME, Frontend, wait_for, wbytes, wstr  # noqa: E402
from cases import (BIN, CLOSE, CONT, GUID, PING, PONG, TEXT, Stream, close,
                   frame)  # noqa: E402

ARGS = sys.argv[1:]
PROGRAM = ARGS[0]
MODE = "enforce"
if "-s" in ARGS:
    MODE = ARGS[ARGS.index("-s") + 1]
    del ARGS[ARGS.index("-s"):ARGS.index("-s") + 2]

KEY = base64.b64encode(b"0123456789abcdef")
ACCEPT = base64.b64encode(hashlib.sha1(KEY + GUID).digest()).decode()
UPGRADE = (b"GET /ws/federation HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: " + KEY + b"\r\n")
NODE = b"X-Relay-Node-ID: alice.home\r\nX-Relay-Node-Type: home\r\n"
POST = (b"POST /rpc HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\n")


def start(**k):
    k.setdefault("sandbox", MODE)
    return Frontend(PROGRAM, **k)


class Http:
    def __init__(self, fe, sock=None):
        self.s = sock or fe.connect()
        self.st = Stream(self.s)

    def send(self, data):
        self.s.sendall(data)
        return self

    def answer(self, head_only=False):
        """(status, fields, body)"""
        head = self.st.line_block()
        lines = head.split("\r\n")
        status = int(lines[0].split()[1])
        fields = {}
        for line in lines[1:-2]:
            k, v = line.split(": ", 1)
            assert k.lower() not in fields, head
            fields[k.lower()] = v
        n = 0 if head_only else int(fields.get("content-length", 0))
        return status, fields, self.st.need(n)

    def closed(self):
        try:
            self.st.need(1)
            return False
        except EOFError:
            return True


def request(fe):
    """The next HTTP_REQUEST at the router: (id, route, local, body)."""
    r = fe.router.expect("HTTP_REQUEST")
    rid, route, local = r.take("Q"), r.take("B"), r.take("B")
    addr = r.str()
    assert addr.startswith("127.0.0.1:") or addr == "unix", addr
    return rid, route, local, r.bytes()


def respond(fe, rid, status=200, body=b"{}", retry=0):
    fe.router.send("HTTP_RESPONSE", struct.pack("<QHI", rid, status, retry) +
                   wbytes(body))


def auth(fe, node=NODE, rest=b""):
    """An upgrade request and its LINK_AUTH: (Http, conn, fields)."""
    h = Http(fe).send(UPGRADE + node + b"\r\n" + rest)
    r = fe.router.expect("LINK_AUTH")
    conn, kind, local = r.take("Q"), r.take("B"), r.take("B")
    return h, conn, (kind, local, r.str(), r.str(), r.str(), r.str())


def link(fe, session, rest=b""):
    h, conn, _ = auth(fe, rest=rest)
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, session))
    head = h.st.line_block()
    assert head.startswith("HTTP/1.1 101 "), head
    assert "Sec-WebSocket-Accept: %s\r\n" % ACCEPT in head, head
    assert "X-Relay-Node-ID: main.test\r\n" in head, head
    return h


def text_at_router(fe):
    r = fe.router.expect("LINK_TEXT")
    return r.take("Q"), r.bytes()


def down(fe, session=None):
    r = fe.router.expect("LINK_DOWN")
    got = r.take("Q")
    assert session is None or got == session, (got, session)
    return r.str()


def send_text(fe, session, text):
    fe.router.send("LINK_SEND", struct.pack("<Q", session) + wbytes(text))


def get_frame(h):
    fin, op, data, masked = h.st.frame()
    assert fin and not masked
    return op, data


def get_close(h, code):
    op, data = get_frame(h)
    assert op == CLOSE, (op, data)
    got = struct.unpack(">H", data[:2])[0]
    assert got == code, (got, data)
    return data[2:].decode()


# --- HTTP ---

def test_health():
    fe = start()
    h = Http(fe)
    for _ in range(3):
        h.send(b"GET /health?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        rid, route, local, body = request(fe)
        assert (route, local, body) == (4, 1, b""), (route, local, body)
        respond(fe, rid, 200, b'{"status":"ok"}')
        status, f, body = h.answer()
        assert (status, body) == (200, b'{"status":"ok"}')
        assert f["connection"] == "keep-alive"
        assert f["content-type"] == "application/json" and f["date"]
    h.send(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    respond(fe, request(fe)[0], 200, b'{"status":"ok"}')
    status, f, body = h.answer(head_only=True)
    assert status == 200 and f["content-length"] == "15" and h.closed()
    fe.stop()


def test_routes():
    fe = start()
    h = Http(fe)
    for method, path, status, allow in [
            ("GET", "/", 404, None), ("GET", "/services", 404, None),
            ("GET", "/federation/registry", 404, None),
            ("GET", "/rpc", 405, "POST"), ("PUT", "/health", 405,
                                          "GET, HEAD"),
            ("DELETE", "/ws/federation", 405, "GET"),
            ("GET", "/registry/", 404, None), ("GET", "/Health", 404, None)]:
        h.send(("%s %s HTTP/1.1\r\nHost: x\r\n\r\n" % (method, path))
               .encode())
        got, f, body = h.answer()
        assert got == status and f.get("allow") == allow, (path, got, f)
        assert json.loads(body)["error"], body
    h.send(b"GET /registry HTTP/1.1\r\nHost: x\r\n\r\n")
    assert request(fe)[1] == 2
    fe.stop()
    fe = start(role=HOME, node_id="alice.home")
    h = Http(fe)
    for path, status in (("/registry", 404), ("/ws/federation", 404)):
        h.send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path).encode())
        assert h.answer()[0] == status
    h.send(b"GET /services HTTP/1.1\r\nHost: x\r\n\r\n")
    assert request(fe)[1] == 3
    fe.stop()


def test_post():
    fe = start()
    h = Http(fe)
    big = b"[" + b"1," * 200000 + b"1]"
    for body in (b"{}", b"", big):
        h.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        rid, route, local, got = request(fe)
        assert route == 1 and got == body
        respond(fe, rid, 200, body[::-1])
        assert h.answer()[2] == body[::-1]
    h.send(POST + b"Content-Length: 2\r\n\r\n[]")
    respond(fe, request(fe)[0], 204, b"")
    status, f, body = h.answer()
    assert status == 204 and "content-length" not in f
    respond_retry = request
    h.send(POST + b"Content-Length: 2\r\n\r\n[]")
    respond(fe, respond_retry(fe)[0], 503, b'{"error":"x"}', 1500)
    status, f, body = h.answer()
    assert status == 503 and f["retry-after"] == "2"
    fe.stop()


def test_chunked():
    fe = start()
    for chop in (0, 1):
        h = Http(fe)
        for chunks in ([b"{", b'"a":1', b"}"], [b"x" * 70000, b"y"], []):
            data = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(c), c)
                            for c in chunks)
            data = POST + b"Transfer-Encoding: chunked\r\n\r\n" + data + \
                b"0\r\nTrailer: x\r\n\r\n"
            if chop and len(data) < 3000:
                for i in range(len(data)):
                    h.send(data[i:i + 1])
            else:
                h.send(data)
            rid, _, _, got = request(fe)
            assert got == b"".join(chunks), len(got)
            respond(fe, rid)
            assert h.answer()[0] == 200
    fe.stop()


def test_pipelining():
    fe = start()
    n = 200
    h = Http(fe)
    h.send(b"".join(POST + b"Content-Length: %d\r\n\r\n%d" % (len(str(i)), i)
                    for i in range(n)) +
           b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for i in range(n):
        rid, _, _, body = request(fe)
        assert body == b"%d" % i
        if i == 0:
            assert fe.router.quiet(), "two requests at once"
        respond(fe, rid, 200, body)
    for i in range(n):
        assert h.answer()[2] == b"%d" % i
    assert h.answer()[0] == 404 and h.closed()
    # who sends on and on while it waits is not read for ever
    h = Http(fe).send(POST + b"Content-Length: 2\r\n\r\n{}")
    request(fe)
    h.s.setblocking(False)
    sent, stuck = 0, 0
    while stuck < 20:
        assert sent < 64 << 20, "all is taken in"
        try:
            sent += h.s.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
            stuck = 0
        except BlockingIOError:
            stuck += 1
            time.sleep(0.01)
    h.s.close()
    fe.stop()


def test_refused():
    fe = start(max_message=1000)
    for data, status in [
            (POST + b"Content-Length: 1001\r\n\r\n", 413),
            (POST + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413),
            (POST + b"\r\n", 411),
            (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
            (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked"
             b"\r\n\r\n{}", 400),
            (b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
             b"Content-Length: 2\r\n\r\n{}", 415),
            (b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
             415),
            (b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
             413),
            (b"GET /health HTTP/1.1\r\n\r\n", 400),
            (b"GET /health HTTP/1.1\nHost: x\n\n", 400),
            (b"GET /health HTTP/3.1\r\nHost: x\r\n\r\n", 505),
            (b"GET /" + b"a" * 4000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 17000, 431),
            (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 70 + b"\r\n",
             431),
            (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n", 417),
            (b"GET /health HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.test"
             b"\r\n\r\n", 403),
            (b"GET /health HTTP/1.1\r\nHost: x\r\nOrigin: null\r\n\r\n",
             403)]:
        h = Http(fe).send(data)
        got, f, body = h.answer()
        assert got == status, (data[:60], got, body)
        assert json.loads(body)["error"]
        if status not in (403, 415):
            assert f["connection"] == "close" and h.closed(), data[:60]
    assert fe.router.quiet()
    fe.stop()


def test_origins():
    fe = start(origins=["https://app.test"])
    h = Http(fe)
    for origin in ("https://app.test", "HTTPS://APP.TEST",
                   "http://main.test", "https://main.test",
                   "http://127.0.0.1:%d" % fe.port,
                   "http://localhost:%d" % fe.port,
                   "http://main.test:%d" % fe.port):
        h.send(b"GET /health HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\n\r\n" %
               origin.encode())
        respond(fe, request(fe)[0])
        assert h.answer()[0] == 200
    for origin in ("https://app.test:1", "http://app.test",
                   "https://app.test.evil.test", "http://127.0.0.1",
                   "http://localhost:1"):
        h.send(b"GET /health HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\n\r\n" %
               origin.encode())
        assert h.answer()[0] == 403
    fe.stop()


def test_expect_continue():
    fe = start()
    h = Http(fe).send(POST + b"Expect: 100-continue\r\nContent-Length: 2"
                      b"\r\n\r\n")
    assert h.st.line_block() == "HTTP/1.1 100 Continue\r\n\r\n"
    h.send(b"{}")
    respond(fe, request(fe)[0])
    assert h.answer()[0] == 200
    fe.stop()


def test_http10():
    fe = start()
    h = Http(fe).send(b"GET /health HTTP/1.0\r\n\r\n")
    respond(fe, request(fe)[0])
    assert h.answer()[1]["connection"] == "close" and h.closed()
    h = Http(fe).send(b"GET /health HTTP/1.0\r\nConnection: keep-alive"
                      b"\r\n\r\n")
    respond(fe, request(fe)[0])
    assert h.answer()[1]["connection"] == "keep-alive"
    fe.stop()


def test_cancel():
    fe = start()
    h = Http(fe).send(POST + b"Content-Length: 2\r\n\r\n{}")
    rid = request(fe)[0]
    h.s.close()
    assert fe.router.expect("HTTP_CANCEL").take("Q") == rid
    respond(fe, rid)
    respond(fe, 12345)
    wait_for(lambda: fe.summary()["stale"] == "2", "stale answers counted")
    fe.stop()


def test_no_router():
    fe = start(router=False)
    h = Http(fe).send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert h.answer()[0] == 503
    h2 = Http(fe).send(UPGRADE + NODE + b"\r\n")
    status, f, _ = h2.answer()
    assert status == 503 and f["retry-after"] == "1"
    fe.add_peer("router")
    h.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    respond(fe, request(fe)[0])
    assert h.answer()[0] == 200
    fe.stop()


def test_big_view():
    fe = start()
    h = Http(fe).send(b"GET /registry HTTP/1.1\r\nHost: x\r\n\r\n")
    body = b"v" * (8 << 20)
    respond(fe, request(fe)[0], 200, body)
    assert h.answer()[2] == body
    fe.stop()


def test_unix():
    path = "/tmp/frontend-test.%d.sock" % os.getpid()
    try:
        fe = start(unix=path)
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(path)
        h = Http(fe, s).send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        rid, _, local, _ = request(fe)
        assert local == 1
        respond(fe, rid)
        assert h.answer()[0] == 200
        fe.stop()
    finally:
        os.unlink(path)


def test_caps():
    fe = start(per_address=5)
    held = [Http(fe) for _ in range(5)]
    wait_for(lambda: fe.summary()["connections"] == "5", "five in")
    h = Http(fe)
    assert h.answer()[0] == 503 and h.closed()
    held.pop().s.close()
    wait_for(lambda: fe.summary()["connections"] == "4", "one out")
    h = Http(fe).send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert h.answer()[0] == 404
    fe.configure(connections=6, per_address=100)
    held.append(Http(fe).send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"))
    assert held[-1].answer()[0] == 404
    wait_for(lambda: fe.summary()["connections"] == "6", "six in")
    assert Http(fe).answer()[0] == 503
    fe.stop()


def test_descriptors():
    """At the limit of descriptors the rest is turned away, then served:
    with 120 the front-end knows its limit, with 24 accept() fails."""
    for nofile in (120, 24):
        fe = start(nofile=nofile, connections=10000, per_address=10000)
        held = [fe.connect() for _ in range(300)]
        wait_for(lambda: int(fe.summary()["refused"]) >= 200, "refused")
        assert int(fe.summary()["connections"]) < nofile
        for s in held:
            s.close()
        # Those still in the listener's queue would take the places again.
        wait_for(lambda: sum(int(fe.summary()[k]) for k in
                             ("accepted", "refused")) == len(held),
                 "each taken or turned away")
        wait_for(lambda: fe.summary()["connections"] == "0", "all gone")
        h = Http(fe).send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert h.answer()[0] == 404
        fe.stop()


# --- links ---

def test_link():
    fe = start()
    node = (b"x-relay-node-id: Alice.Home\r\nX-Relay-Node-Type: HOME\r\n"
            b"X-Relay-Boot-ID: b1\r\nAuthorization: Bearer t\r\n")
    h, conn, fields = auth(fe, node)
    kind, local, node_id, boot, authz, addr = fields
    assert (kind, local, node_id, boot, authz) == (
        1, 1, "Alice.Home", "b1", "Bearer t"), fields
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, 77))
    assert h.st.line_block().startswith("HTTP/1.1 101 ")
    for n in (0, 1, 125, 126, 65535, 65536, 1 << 20):
        t = b"x" * n
        h.send(frame(TEXT, t))
        assert text_at_router(fe) == (77, t)
        if n == 0:
            continue
        send_text(fe, 77, t)
        assert get_frame(h) == (TEXT, t)
    h.send(frame(TEXT, b"a", fin=0) + frame(PING, b"p") +
           frame(CONT, b"b"))
    assert text_at_router(fe) == (77, b"ab")
    assert get_frame(h) == (PONG, b"p")
    h.send(close(1000, b"bye"))
    assert "1000" in down(fe, 77)
    get_close(h, 1000)
    assert h.closed()
    fe.stop()


def test_link_early_frames():
    """Frames that come with or right behind the request are kept."""
    fe = start()
    h = link(fe, 5, rest=frame(TEXT, b"early"))
    assert text_at_router(fe) == (5, b"early")
    h2, conn, _ = auth(fe)
    h2.send(frame(TEXT, b"behind"))
    assert fe.router.quiet()
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, 6))
    assert text_at_router(fe) == (6, b"behind")
    fe.stop()


def test_link_denied():
    fe = start()
    for status, retry, reason in ((401, 0, "no"), (503, 2500, "no registry"),
                                  (409, 1000, 'say "x"\n\\')):
        h, conn, _ = auth(fe)
        fe.router.send("LINK_DENY", struct.pack("<QHI", conn, status, retry)
                       + wstr(reason))
        got, f, body = h.answer()
        assert got == status, got
        assert json.loads(body)["error"], body
        assert f.get("retry-after") == (None if not retry else
                                        str(-(-retry // 1000)))
        assert h.closed()
    fe.stop()


def test_link_bad_upgrade():
    fe = start()
    up = UPGRADE + NODE
    for data, status in [
            (up.replace(b"websocket", b"h2c"), 426),
            (up.replace(b"Version: 13", b"Version: 8"), 426),
            (up.replace(b"Version: 13", b"Version: 13, 8"), 426),
            (up.replace(KEY, b"short"), 400),
            (up.replace(KEY, KEY[:-4] + b"h==="), 400),
            (up.replace(KEY, KEY[:-3] + b"h=="), 400),
            (up.replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
            (up + b"Content-Length: 3\r\n", 400),
            (up + b"X-Relay-Node-ID: b\r\n", 400),
            (up.replace(b"alice.home", b""), 400),
            (up.replace(b"alice.home", b"a" * 254), 400),
            (up.replace(b"Type: home", b"Type: main"), 400),
            (UPGRADE, 400),
            (up + b"Origin: http://evil.test\r\n", 403)]:
        h = Http(fe).send(data + b"\r\n")
        got, f, body = h.answer()
        assert got == status, (data, got, body)
        if status == 426:
            assert f["sec-websocket-version"] == "13"
            assert f["upgrade"] == "websocket"
    assert fe.router.quiet()
    fe.stop()


def test_link_gone_before_accept():
    fe = start()
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", 999, 1))
    assert down(fe, 1)
    fe.stop()


def test_link_errors():
    fe = start(max_message=1000)
    for i, (data, code) in enumerate([
            (frame(BIN, b"x"), 1003), (frame(TEXT, b"\xff"), 1007),
            (frame(TEXT, b"x", mask=False), 1002),
            (frame(TEXT, b"x", rsv=1), 1002),
            (frame(TEXT, b"x" * 1001), 1009),
            (frame(TEXT, b"x" * 600, fin=0) + frame(CONT, b"x" * 401), 1009),
            (close(1005), 1002)]):
        h = link(fe, 100 + i)
        h.send(data)
        get_close(h, code)
        assert down(fe, 100 + i)
        assert h.closed()
    assert fe.router.quiet()
    fe.stop()


def test_link_lost():
    fe = start()
    h = link(fe, 9)
    h.s.close()
    assert down(fe, 9)
    h = link(fe, 10)
    h.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                   struct.pack("ii", 1, 0))
    h.s.close()
    assert down(fe, 10)
    send_text(fe, 10, b"late")
    wait_for(lambda: fe.summary()["stale"] == "1", "late message counted")
    fe.stop()


def test_link_close():
    """Closed by the router: no LINK_DOWN, nothing more is passed on."""
    fe = start()
    h = link(fe, 11)
    send_text(fe, 11, b"before")
    fe.router.send("LINK_CLOSE", struct.pack("<QH", 11, 4001) +
                   wstr("replaced"))
    send_text(fe, 11, b"after")
    assert get_frame(h) == (TEXT, b"before")
    assert get_close(h, 4001) == "replaced"
    h.send(frame(TEXT, b"ignored") + close(4001))
    assert h.closed()
    assert fe.router.quiet()
    wait_for(lambda: fe.summary()["connections"] == "0", "closed")
    fe.stop()


def test_router_gone():
    fe = start()
    h = link(fe, 12)
    h2, _, _ = auth(fe)
    h3 = Http(fe).send(POST + b"Content-Length: 2\r\n\r\n{}")
    request(fe)
    fe.router.s.close()
    get_close(h, 1012)
    h.send(close(1012))
    assert h.closed()
    assert h2.answer()[0] == 503
    assert h3.answer()[0] == 503
    fe.add_peer("router")
    h3.s.close()
    assert fe.router.quiet(), "a cancel for what the old router had"
    link(fe, 13)
    fe.stop()


def test_slow_link():
    """A link that does not read: told full, told ok, or closed."""
    fe = start()
    h = link(fe, 14)
    msg = b"m" * 65536
    sent = 0
    while fe.router.quiet(0.02):
        send_text(fe, 14, msg)
        sent += 1
    r = fe.router.expect("LINK_QUEUE")
    assert (r.take("Q"), r.take("B")) == (14, 1)
    h.send(frame(PING, b"ahead"))
    pong_at = None
    for i in range(sent):
        op, data = get_frame(h)
        if op == PONG:
            pong_at = i
            op, data = get_frame(h)
        assert (op, data) == (TEXT, msg)
    r = fe.router.expect("LINK_QUEUE")
    assert (r.take("Q"), r.take("B")) == (14, 0)
    assert pong_at is None or pong_at < sent - 1
    h2 = link(fe, 15)
    for _ in range(400):
        send_text(fe, 15, msg)
    r = fe.router.expect("LINK_QUEUE")
    assert "slow" in down(fe, 15)
    h2.s.close()
    fe.stop()


def test_pong_overtakes():
    """Control frames do not wait behind queued data."""
    fe = start()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(30)
    s.connect(("127.0.0.1", fe.port))
    h = Http(fe, s).send(UPGRADE + NODE + b"\r\n")
    conn = fe.router.expect("LINK_AUTH").take("Q")
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, 16))
    assert h.st.line_block().startswith("HTTP/1.1 101 ")
    n = 0
    while fe.router.quiet(0.02):
        send_text(fe, 16, b"m" * 65536)
        n += 1
    fe.router.expect("LINK_QUEUE")
    h.send(frame(PING, b"1") + frame(PING, b"2") + frame(TEXT, b"seen"))
    assert text_at_router(fe) == (16, b"seen")
    ops = [get_frame(h) for _ in range(n + 2)]
    pongs = [i for i, (op, _) in enumerate(ops) if op == PONG]
    assert len(pongs) == 2 and pongs[1] < n - 5, pongs
    assert [ops[i][1] for i in pongs] == [b"1", b"2"]
    assert all(d == b"m" * 65536 for op, d in ops if op == TEXT)
    fe.stop()


def test_congested_router():
    """While the router does not read, clients are not read, nothing is
    lost, and it goes on in order."""
    fe = start()
    h = link(fe, 17)
    msg = b"c" * 100000
    n = 200
    import threading
    t = threading.Thread(target=lambda: [
        h.send(frame(TEXT, b"%06d" % i + msg)) for i in range(n)])
    t.start()
    wait_for(lambda: t.is_alive() and fe.summary()["messages_in"] != "0",
             "messages move")
    last = None
    while last != fe.summary()["messages_in"]:
        last = fe.summary()["messages_in"]
        time.sleep(0.2)
    assert int(last) < n, "everything was taken in"
    for i in range(n):
        session, text = text_at_router(fe)
        assert session == 17 and text[:6] == b"%06d" % i
    t.join()
    fe.stop()


def test_many_links():
    fe = start(connections=3000, per_address=3000)
    links = [link(fe, 1000 + i) for i in range(300)]
    for i, h in enumerate(links):
        h.send(frame(TEXT, b"from %d" % i))
    got = sorted(text_at_router(fe) for _ in links)
    assert got == sorted((1000 + i, b"from %d" % i)
                         for i in range(len(links)))
    for i in range(len(links)):
        send_text(fe, 1000 + i, b"to %d" % i)
    for i, h in enumerate(links):
        assert get_frame(h) == (TEXT, b"to %d" % i)
    for h in links:
        h.s.close()
    assert sorted(fe.router.expect("LINK_DOWN").take("Q")
                  for _ in links) == [1000 + i for i in range(len(links))]
    fe.stop()


def test_deadlines():
    """Every deadline of limits.h, all at once; about a minute long."""
    if os.environ.get("RELAY_LONG") != "1":
        return
    fe = start()
    began = time.monotonic()

    def at(lo, hi, what):
        took = time.monotonic() - began
        assert lo - 0.1 <= took <= hi + 2, "%s after %.1f s" % (what, took)

    silent, slow_head = Http(fe), Http(fe)
    half = Http(fe)
    half.send(POST + b"Content-Length: 5\r\n\r\n")
    waiting, _, _ = auth(fe)
    live = link(fe, 1)
    dead = link(fe, 2)
    closing = link(fe, 3)
    closing.st.sock.settimeout(90)
    for h in (silent, slow_head, half, waiting, live, dead):
        h.s.settimeout(90)
    fe.router.s.settimeout(90)
    idle = Http(fe).send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert idle.answer()[0] == 404
    idle.s.settimeout(90)
    fe.router.send("LINK_CLOSE", struct.pack("<QH", 3, 4001) + wstr("x"))
    get_close(closing, 4001)
    # a byte now and then does not buy time
    for c in b"GET /":
        slow_head.send(bytes([c]))
    assert closing.closed()
    at(5, 5, "close without an answer")
    assert silent.closed()
    at(10, 10, "nothing sent")
    assert slow_head.answer()[0] == 408 and slow_head.closed()
    assert waiting.answer()[0] == 503
    at(10, 10, "slow head and authentication")
    assert get_frame(live) == (PING, b"")
    at(15, 15, "first ping")
    live.send(frame(PONG, b""))
    assert half.answer()[0] == 408
    at(30, 30, "half a body")
    assert get_frame(live) == (PING, b"")
    live.send(frame(PONG, b""))
    for _ in range(2):
        assert get_frame(dead) == (PING, b"")
    assert "dead" in down(fe, 2)
    at(45, 45, "dead link")
    assert idle.closed()
    at(60, 60, "idle keep-alive")
    live.send(frame(TEXT, b"still here"))
    assert text_at_router(fe) == (1, b"still here")
    fe.stop()


def test_shutdown():
    fe = start()
    h = link(fe, 18)
    idle = Http(fe)
    wait_for(lambda: fe.summary()["connections"] == "2", "both in")
    fe.parent.send("SHUTDOWN", struct.pack("<I", 5000))
    get_close(h, 1001)
    assert idle.closed()
    h.send(close(1001))
    assert fe.p.wait(30) == 0
    fe.stop()


# --- uplinks ---

def dial(fe, attempt=1, index=0, generation=None):
    """The dialer's fd: the server's end of it."""
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    server.settimeout(30)
    fe.dialer.send("UPLINK_FD", struct.pack(
        "<IIQ", index, generation or fe.generation, attempt) +
        wstr("127.0.0.1:1"), s.fileno())
    s.close()
    return server


def uplink_request(server):
    st = Stream(server)
    head = st.line_block()
    key = [x for x in head.split("\r\n")
           if x.startswith("Sec-WebSocket-Key: ")][0][19:]
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())
    return st, head, (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: "
                      b"websocket\r\nConnection: Upgrade\r\n"
                      b"Sec-WebSocket-Accept: " + accept +
                      b"\r\nX-Relay-Node-ID: main.test\r\n\r\n")


def state(fe, attempt):
    r = fe.dialer.expect("UPLINK_STATE")
    assert r.take("Q") == attempt
    return r.take("B"), r.take("I"), r.str()


NONE = (0, 0, "", 0, "", "")


def sync(fe):
    """What a new dialer is told: up, attempt, host, port, path, address."""
    r = fe.dialer.expect("UPLINK_SYNC")
    return r.take("B"), r.take("Q"), r.str(), r.take("H"), r.str(), r.str()


def home(**k):
    k.setdefault("uplinks", [("main.test", 8080, "/ws/federation")])
    fe = start(role=HOME, node_id="alice.home", **k)
    assert sync(fe) == NONE
    return fe


def another_dialer(fe):
    """The dialer ends, and a new one takes its place."""
    fe.dialer.s.close()
    fe.add_peer("dialer")
    return sync(fe)


def uplink(fe, session, attempt=1):
    server = dial(fe, attempt)
    st, head, answer = uplink_request(server)
    server.sendall(answer)
    assert state(fe, attempt) == (1, 0, "")
    r = fe.router.expect("LINK_DIALED")
    conn, index = r.take("Q"), r.take("I")
    assert (index, r.str()) == (0, "main.test")
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, session))
    return server, st


def test_uplink():
    fe = home()
    server = dial(fe)
    st, head, answer = uplink_request(server)
    assert head.startswith("GET /ws/federation HTTP/1.1\r\n"
                           "Host: main.test:8080\r\n"), head
    assert "X-Relay-Node-ID: alice.home\r\n" in head
    assert "X-Relay-Node-Type: home\r\n" in head
    boot = [x for x in head.split("\r\n") if x.startswith("X-Relay-Boot-ID")]
    assert len(boot[0]) == len("X-Relay-Boot-ID: ") + 16, boot
    for i in range(len(answer)):
        server.sendall(answer[i:i + 1])
    assert state(fe, 1) == (1, 0, "")
    r = fe.router.expect("LINK_DIALED")
    conn = r.take("Q")
    server.sendall(frame(TEXT, b"early", mask=False))
    assert fe.router.quiet()
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, 21))
    assert text_at_router(fe) == (21, b"early")
    send_text(fe, 21, b"out")
    fin, op, data, masked = st.frame()
    assert (fin, op, data, masked) == (1, TEXT, b"out", True)
    server.sendall(frame(CLOSE, b"\x03\xe9", mask=False))
    assert "1001" in down(fe, 21)
    assert state(fe, 1)[0] == 2
    fe.stop()


def test_uplink_refused():
    fe = home()
    for attempt, (answer, retry, why) in enumerate([
            (b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0"
             b"\r\n\r\n", 7000, "503 Busy"),
            (b"HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nbody", 0, "401"),
            (b"HTTP/1.1 200 OK\r\n\r\n", 0, "200"),
            (b"garbage\r\n\r\n", 0, ""), (b"a\nb", 0, ""), (b"", 0, ""),
            (b"HTTP/1.1 101 OK\r\n\r\n", 0, "upgrade"),
            (b"HTTP/1.1 101 " + b"x" * 20000, 0, "")], 10):
        server = dial(fe, attempt)
        uplink_request(server)
        server.sendall(answer)
        if not answer:
            server.close()
        s, r, text = state(fe, attempt)
        assert (s, r) == (3, retry) and why in text, (s, r, text)
    s = dial(fe, 30, generation=99)
    assert state(fe, 30)[0] == 3
    s = dial(fe, 31, index=5)
    assert state(fe, 31)[0] == 3
    fe.stop()


def test_uplink_lost():
    fe = home()
    server, _ = uplink(fe, 22, 2)
    server.close()
    assert down(fe, 22)
    assert state(fe, 2)[0] == 2
    server, st = uplink(fe, 23, 3)
    fe.router.s.close()
    assert state(fe, 3)[0] == 2
    fin, op, data, masked = st.frame()
    assert op == CLOSE and masked and data[:2] == b"\x03\xf4"
    s = dial(fe, 4)
    assert state(fe, 4)[0] == 3
    fe.stop()


def test_uplink_replaced():
    fe = home()
    old, old_st = uplink(fe, 24, 5)
    new = dial(fe, 6)
    _, _, answer = uplink_request(new)
    new.sendall(answer)
    assert down(fe, 24) == "replaced"
    assert fe.router.expect("LINK_DIALED")
    assert state(fe, 5)[0] == 2
    assert state(fe, 6)[0] == 1
    assert old_st.frame()[1] == CLOSE
    fe.stop()


def test_dialer_gone():
    """The uplink stands, and the next dialer hears of it first."""
    fe = home()
    server, st = uplink(fe, 26, 8)
    address = "%s:%d" % server.getsockname()
    for _ in range(2):
        assert another_dialer(fe) == (1, 8, "main.test", 8080,
                                      "/ws/federation", address)
        send_text(fe, 26, b"still")
        assert st.frame()[2] == b"still"
    server.sendall(frame(CLOSE, b"\x03\xe9", mask=False))
    assert down(fe, 26)
    assert state(fe, 8)[0] == 2
    assert another_dialer(fe) == NONE
    server, st = uplink(fe, 27, 9)
    fe.stop()


def test_dialer_gone_before_accept():
    """Up is up from the 101 on, whenever the router gives it a session."""
    fe = home()
    server = dial(fe, 10)
    st, _, answer = uplink_request(server)
    server.sendall(answer)
    assert state(fe, 10)[0] == 1
    conn = fe.router.expect("LINK_DIALED").take("Q")
    assert another_dialer(fe)[:2] == (1, 10)
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, 28))
    send_text(fe, 28, b"in")
    assert st.frame()[2] == b"in"
    fe.stop()


def test_dialer_gone_in_handshake():
    """Nobody waits for that handshake any more; a link that stands stays."""
    fe = home()
    server = dial(fe, 11)
    uplink_request(server)
    assert another_dialer(fe) == NONE
    assert server.recv(1) == b""
    server, st = uplink(fe, 29, 12)
    second = dial(fe, 13)
    _, _, answer = uplink_request(second)
    assert another_dialer(fe)[:2] == (1, 12)
    assert second.recv(1) == b""
    send_text(fe, 29, b"still")
    assert st.frame()[2] == b"still"
    fe.stop()


def test_dialer_gone_meanwhile_down():
    """It ended while there was no dialer: the next one has to dial."""
    fe = home()
    server, st = uplink(fe, 30, 14)
    fe.dialer.s.close()
    server.sendall(frame(CLOSE, b"\x03\xe9", mask=False))
    assert down(fe, 30)
    fe.add_peer("dialer")
    assert sync(fe) == NONE
    fe.stop()


def test_reload():
    fe = home()
    server, st = uplink(fe, 25, 7)
    fe.configure(uplinks=[("other.test", 1, "/x"),
                          ("main.test", 8080, "/ws/federation")])
    send_text(fe, 25, b"still")
    assert st.frame()[2] == b"still"
    fe.configure(commit=False, uplinks=[])
    send_text(fe, 25, b"still")
    assert st.frame()[2] == b"still"
    fe.configure(uplinks=[("other.test", 1, "/x")])
    assert "no longer" in down(fe, 25)
    assert state(fe, 7)[0] == 2
    assert fe.configure(max_message=1 << 30)
    h = Http(fe).send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert h.answer()[0] == 404
    fe.parent.send("CONF_ABORT", struct.pack("<I", fe.generation))
    fe.stop()


def main():
    wanted = ARGS[1:]
    passed = failed = 0
    for name, fn in list(globals().items()):
        if not name.startswith("test_") or (
                wanted and name[5:] not in wanted):
            continue
        try:
            fn()
            passed += 1
        except BaseException:
            failed += 1
            print("FAILED", name)
            traceback.print_exc(limit=6, file=sys.stdout)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
