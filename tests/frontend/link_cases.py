# SPDX-License-Identifier: ISC
"""Links that are up: messages, load, and the end."""

import os
import socket
import struct
import time

from rig import wait_for, wstr
from cases import BIN, CLOSE, CONT, PING, PONG, TEXT, close, frame
from steps import (
    NODE, POST, UPGRADE, Http, accept, auth, down, get_close, get_frame, link,
    request, send_text, start, text_at_router)


def test_link_closed_with_a_reason():
    """The router is told why, in characters for a log."""
    fe = start()
    for i, (data, text) in enumerate([
            (close(1000), "1000"), (frame(CLOSE, b""), "1005"),
            (frame(CLOSE, b"\x0f\xa1replaced"), "4001 replaced"),
            (frame(CLOSE, b"\x03\xf0a\n\x1bb\xc3\xa9"), "1008 a??b??"),
            (frame(CLOSE, b"\x03\xe8" + b"x" * 123), "1000 " + 123 * "x")]):
        h = link(fe, 100 + i)
        h.send(data)
        assert down(fe, 100 + i) == "closed by the other side: " + text
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
    accept(fe, conn, 16)
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
