# SPDX-License-Identifier: ISC
"""Links of homes and of Mains: how they begin."""

import json
import os
import re
import struct
import time

from rig import wait_for, wstr
from cases import CONT, PING, PONG, TEXT, close, frame
from steps import (
    KEY, NODE, NONE, PEER, PEER_UPGRADE, UPGRADE, Http, accept, another_dialer,
    auth, deny, down, get_close, get_frame, link, peer_link, request, respond,
    send_text, start, text_at_router)


def test_link():
    fe = start()
    node = (b"x-relay-node-id: Alice.Home\r\nX-Relay-Node-Type: HOME\r\n"
            b"X-Relay-Boot-ID: b1\r\nAuthorization: Bearer t\r\n")
    h, conn, fields = auth(fe, node)
    kind, local, node_id, boot, authz, addr = fields
    assert (kind, local, node_id, boot, authz) == (
        1, 1, "Alice.Home", "b1", "Bearer t"), fields
    accept(fe, conn, 77)
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
    accept(fe, conn, 6)
    assert text_at_router(fe) == (6, b"behind")
    fe.stop()


def test_link_denied():
    fe = start()
    for status, retry, reason in ((403, 0, "no"), (503, 2500, "no registry"),
                                  (409, 1000, 'say "x"\n\\')):
        h, conn, _ = auth(fe)
        deny(fe, conn, status, retry, reason)
        got, f, body = h.answer()
        assert got == status, got
        assert f["x-relay-node-id"] == "main.test"
        assert json.loads(body)["error"], body
        assert f.get("retry-after") == (None if not retry else
                                        str(-(-retry // 1000)))
        assert h.closed()
    fe.stop()


def challenged(h):
    """An answer 401 and what it says of the connection."""
    head = h.st.line_block()
    assert head.startswith("HTTP/1.1 401 "), head
    assert ('\r\nWWW-Authenticate: Relay nonce="n"\r\n'
            "WWW-Authenticate: Bearer\r\n") in head, head
    assert "\r\nX-Relay-Node-ID: main.test\r\n" in head
    length = re.search("\r\nContent-Length: (\\d+)\r\n", head)
    h.st.need(int(length.group(1)))
    return re.search("\r\nConnection: (\\S+)\r\n", head).group(1)


def ask_again(fe, h, authorization=b""):
    h.send(UPGRADE + NODE + authorization + b"\r\n")
    r = fe.router.expect("LINK_AUTH")
    conn = r.take("Q")
    for _ in range(3):
        r.take("B")
    return conn, (r.str(), r.str(), r.str())[2]


def test_link_challenge():
    """Who is asked for a proof may give it on the same connection."""
    fe = start()
    h, conn, _ = auth(fe)
    deny(fe, conn, 401, 0, "unauthorized", 'Relay nonce="n"')
    assert challenged(h) == "keep-alive"
    assert ask_again(fe, h, b"Authorization: Relay x=y\r\n") == (
        conn, "Relay x=y")
    accept(fe, conn, 3, "method=key, proof=x")
    head = h.st.line_block()
    assert head.startswith("HTTP/1.1 101 ")
    assert "\r\nX-Relay-Proof: method=key, proof=x\r\n" in head
    send_text(fe, 3, b"out")
    assert get_frame(h) == (TEXT, b"out")
    fe.stop()


def test_link_challenges():
    """Some tries, not without end, and other requests do not give more."""
    fe = start()
    for between in (False, True):
        h, conn, _ = auth(fe)
        for i in range(3):
            deny(fe, conn, 401, 0, "unauthorized", 'Relay nonce="n"')
            assert challenged(h) == "keep-alive", i
            if between:
                h.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                respond(fe, request(fe)[0])
                assert h.answer()[0] == 200
            assert ask_again(fe, h)[0] == conn
        deny(fe, conn, 401, 0, "unauthorized", 'Relay nonce="n"')
        assert challenged(h) == "close"
        assert h.closed()
    # nor who says that this is its last request
    h, conn, _ = auth(fe, NODE + b"Connection: close\r\n")
    deny(fe, conn, 401, 0, "unauthorized", 'Relay nonce="n"')
    assert challenged(h) == "close"
    assert h.closed()
    # the time is that of the first request
    begin = time.monotonic()
    h, conn, _ = auth(fe)
    deny(fe, conn, 401, 0, "unauthorized", 'Relay nonce="n"')
    challenged(h)
    assert h.closed()
    assert 9 < time.monotonic() - begin < 12
    fe.stop()


def test_link_smuggled():
    """Nothing stands behind the value of a field."""
    for name, rest in (
            ("LINK_DENY", struct.pack("<HI", 401, 0) +
             wstr('Relay nonce="n"\r\nSet-Cookie: x=y') + wstr("no")),
            ("LINK_DENY", struct.pack("<HI", 401, 0) + wstr("a\nb") +
             wstr("no")),
            ("LINK_ACCEPT", struct.pack("<Q", 7) + wstr("a\r\n\r\nb"))):
        fe = start()
        h, conn, _ = auth(fe)
        fe.router.send(name, struct.pack("<Q", conn) + rest)
        assert fe.p.wait(30) != 0, rest
        fe.log.close()
        os.unlink(fe.log.name)
        assert h.closed()


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


def test_peer_link():
    fe = start(max_message=4096)
    h, conn, fields = auth(fe, PEER + b"X-Relay-Boot-ID: b\r\n",
                           upgrade=PEER_UPGRADE)
    assert fields[:5] == (2, 1, "other.main", "b", ""), fields
    deny(fe, conn, 409, 1000, "linked already")
    status, f, _ = h.answer()
    assert status == 409 and f["x-relay-node-id"] == "main.test"
    assert h.closed()
    h = peer_link(fe, 31, rest=frame(TEXT, b"early"))
    assert text_at_router(fe) == (31, b"early")
    # It takes what max-message would not, a home does not.
    big = b"x" * (1 << 20)
    h.send(frame(TEXT, big))
    assert text_at_router(fe) == (31, big)
    h.send(frame(TEXT, big + b"x"))
    get_close(h, 1009)
    down(fe, 31)
    h = link(fe, 32)
    h.send(frame(TEXT, b"x" * 4097))
    get_close(h, 1009)
    down(fe, 32)
    # LINK_READY is for what we dialled.
    h = peer_link(fe, 33)
    fe.router.send("LINK_READY", struct.pack("<Q", 33))
    fe.router.send("LINK_READY", struct.pack("<Q", 99))
    wait_for(lambda: fe.summary()["stale"] == "2", "two are none")
    h.send(frame(TEXT, b"still"))
    assert text_at_router(fe) == (33, b"still")
    assert another_dialer(fe) == NONE
    fe.configure(max_message=2 << 20)
    h2 = peer_link(fe, 34)
    h2.send(frame(TEXT, big + b"x"))
    assert text_at_router(fe)[0] == 34
    fe.stop()


def test_peer_link_bad_upgrade():
    fe = start()
    up = PEER_UPGRADE + PEER
    for data, status in [
            (b"GET /ws/peers HTTP/1.1\r\nHost: x\r\n" + PEER, 426),
            (b"GET /ws/peers HTTP/1.1\r\nHost: x\r\n", 426),
            (PEER_UPGRADE, 400), (PEER_UPGRADE + NODE, 400),
            (UPGRADE + PEER, 400),
            (PEER_UPGRADE + b"X-Relay-Node-ID: b\r\n", 400),
            (PEER_UPGRADE + b"X-Relay-Node-Type: main\r\n", 400),
            (up.replace(b"Type: main", b"Type: peer"), 400),
            (up.replace(b"Type: main", b"Type: main, home"), 400),
            (up + b"X-Relay-Node-Type: main\r\n", 400),
            (up.replace(b"other.main", b""), 400),
            (up.replace(b"other.main", b"a" * 254), 400),
            (up + b"X-Relay-Boot-ID: " + b"a" * 65 + b"\r\n", 400),
            (up + b"Content-Length: 3\r\n", 400),
            (up + b"Origin: http://evil.test\r\n", 403)]:
        h = Http(fe).send(data + b"\r\n")
        got, f, body = h.answer()
        assert got == status, (data, got, body)
    assert fe.router.quiet()
    fe.stop()


def test_link_gone_before_accept():
    fe = start()
    accept(fe, 999, 1)
    assert down(fe, 1)
    fe.stop()
