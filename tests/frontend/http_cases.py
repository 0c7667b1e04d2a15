# SPDX-License-Identifier: ISC
"""HTTP."""

import json
import os
import socket
import time

from rig import HOME, wait_for
from steps import NODE, POST, UPGRADE, Http, request, respond, start


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
            ("GET", "/federation", 404, None),
            ("GET", "/federation/registry/", 404, None),
            ("POST", "/federation/registry", 405, "GET, HEAD"),
            ("DELETE", "/federation/peers", 405, "GET, HEAD"),
            ("PUT", "/federation/health", 405, "GET, HEAD"),
            ("GET", "/federation/peers/add", 405, "DELETE, POST"),
            ("PUT", "/federation/peers/add", 405, "DELETE, POST"),
            ("GET", "/federation/peers/x", 405, "DELETE"),
            ("POST", "/federation/peers/x", 405, "DELETE"),
            ("delete", "/federation/peers/x", 405, "DELETE"),
            ("POST", "/ws/peers", 405, "GET"),
            ("DELETE", "/health", 405, "GET, HEAD"),
            ("DELETE", "/rpc", 405, "POST"),
            ("GET", "/rpc", 405, "POST"), ("PUT", "/health", 405,
                                          "GET, HEAD"),
            ("DELETE", "/ws/federation", 405, "GET"),
            ("GET", "/registry/", 404, None), ("GET", "/Health", 404, None)]:
        h.send(("%s %s HTTP/1.1\r\nHost: x\r\n\r\n" % (method, path))
               .encode())
        got, f, body = h.answer()
        assert got == status and f.get("allow") == allow, (path, got, f)
        assert json.loads(body)["error"], body
    for path, route in (("/registry", 2), ("/federation/registry", 5),
                        ("/federation/peers", 6), ("/federation/health", 7)):
        h.send(("GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x"
                "\r\n\r\n" % path).encode())
        rid, got, _, body = request(fe, "Bearer x")
        assert (got, body) == (route, b"")
        respond(fe, rid)
        assert h.answer()[0] == 200
    fe.stop()
    fe = start(role=HOME, node_id="alice.home")
    h = Http(fe)
    for path in ("/registry", "/ws/federation", "/ws/peers",
                 "/federation/registry", "/federation/peers",
                 "/federation/health", "/federation/peers/add",
                 "/federation/peers/x"):
        for method in ("GET", "POST", "DELETE"):
            h.send(("%s %s HTTP/1.1\r\nHost: x\r\n\r\n" % (method, path))
                   .encode())
            assert h.answer()[0] == 404
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


def test_peer_add():
    fe = start()
    h = Http(fe)
    post = (b"POST /federation/peers/add HTTP/1.1\r\nHost: x\r\n")
    body = b'{"url":"ws://b"}'
    typed = post + b"Content-Type: application/json\r\n"
    for head, rest in [
            (b"Content-Length: %d\r\n\r\n" % len(body), body),
            (b"Transfer-Encoding: chunked\r\n\r\n",
             b"5\r\n" + body[:5] + b"\r\n%x\r\n" % len(body[5:]) +
             body[5:] + b"\r\n0\r\n\r\n")]:
        for token in ("", "Bearer rat_x", "x" * 4096):
            line = b"Authorization: %s\r\n" % token.encode() if token else b""
            # the credentials are found again however the body comes
            h.send(typed + line + head)
            for i in range(0, len(rest), 7):
                h.send(rest[i:i + 7])
            rid, route, _, got = request(fe, token)
            assert (route, got) == (8, body)
            respond(fe, rid, 401, b'{"error":"no"}')
            status, f, _ = h.answer()
            assert status == 401 and f["www-authenticate"] == "Bearer"
    h.send(typed + b"Content-Length: 0\r\n\r\n")
    respond(fe, request(fe)[0], 409)
    status, f, _ = h.answer()
    assert status == 409 and "www-authenticate" not in f
    # another request's credentials are not these
    h.send(POST + b"Authorization: Bearer x\r\nContent-Length: 2\r\n\r\n{}" +
           typed + b"Content-Length: 2\r\n\r\n{}")
    respond(fe, request(fe, "Bearer x")[0])
    respond(fe, request(fe)[0])
    assert h.answer()[0] == h.answer()[0] == 200
    for data, status in [
            (post + b"Content-Length: 2\r\n\r\n{}", 415),
            (post + b"Content-Type: text/plain\r\nContent-Length: 2"
             b"\r\n\r\n{}", 415),
            (typed + b"\r\n", 411),
            (typed + b"Origin: http://evil.test\r\nContent-Length: 2"
             b"\r\n\r\n{}", 403),
            (typed + b"Authorization: " + b"x" * 4097 +
             b"\r\nContent-Length: 2\r\n\r\n{}", 400),
            (typed + b"Authorization: a\r\nAuthorization: b\r\n"
             b"Content-Length: 2\r\n\r\n{}", 400)]:
        h = Http(fe).send(data)
        got, _, body = h.answer()
        assert got == status, (data[:60], got, body)
    assert fe.router.quiet()
    fe.stop()


def test_peer_delete():
    fe = start()
    h = Http(fe)
    path = b"DELETE /federation/peers/"
    rest = b" HTTP/1.1\r\nHost: x\r\n"
    for name, want in [
            (b"relay-b.example.com", b"relay-b.example.com"),
            (b"ws%3A%2F%2Fb%3a8081%2fws%2fpeers", b"ws://b:8081/ws/peers"),
            (b"ws://b:8081/ws/peers", b"ws://b:8081/ws/peers"),
            (b"add", b"add"), (b"%25", b"%"), (b"%c3%a9", b"\xc3\xa9"),
            (b"a?b=c", b"a"), (b"a+b", b"a+b"), (b"%2e%2e", b".."),
            (b"x" * 2030, b"x" * 2030)]:
        h.send(path + name + rest + b"Authorization: Bearer t\r\n\r\n")
        rid, route, _, got = request(fe, "Bearer t")
        assert (route, got) == (9, want), (name, route, got)
        respond(fe, rid, 200)
        assert h.answer()[0] == 200
    for name, status in [
            (b"", 400), (b"?x", 400), (b"%", 400), (b"%4", 400),
            (b"a%zz", 400), (b"a%4g", 400), (b"%-1", 400), (b"% 41", 400),
            (b"%00", 400), (b"a%00b", 400), (b"%0a", 400), (b"%7f", 400),
            (b"a%", 400), (b"#", 400), (b"x" * 2031, 414),
            (b"%41" * 700, 414)]:
        h = Http(fe).send(path + name + rest + b"\r\n")
        got, _, body = h.answer()
        assert got == status, (name[:20], got, body)
    for more, status in [
            (b"Content-Length: 2\r\n\r\n{}", 413),
            (b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
            (b"Origin: http://evil.test\r\n\r\n", 403),
            (b"Authorization: " + b"x" * 4097 + b"\r\n\r\n", 400)]:
        h = Http(fe).send(path + b"b" + rest + more)
        assert h.answer()[0] == status, more[:40]
    assert fe.router.quiet()
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
