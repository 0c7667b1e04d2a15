# SPDX-License-Identifier: ISC
"""Uplinks of a home."""

import struct

from rig import wait_for, wstr
from cases import CLOSE, TEXT, frame
from steps import (
    NONE, Http, accept, another_dialer, dial, dialed, down, home, send_text,
    state, sync, text_at_router, uplink, uplink_request)


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
    conn = dialed(fe)
    server.sendall(frame(TEXT, b"early", mask=False))
    assert fe.router.quiet()
    accept(fe, conn, 21)
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
    said = b"X-Relay-Node-ID: Main.Test\r\n"
    for attempt, (answer, retry, why, who) in enumerate([
            (b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0"
             b"\r\n" + said + b"\r\n", 7000, "503 Busy", "main.test"),
            (b"HTTP/1.1 409 No\r\nContent-Length: 4\r\n" + said +
             b"\r\nbody", 0, "409", "main.test"),
            (b"HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nbody", 0, "401",
             ""),
            (b"HTTP/1.1 409 No\r\nX-Relay-Node-ID: a b\r\n\r\n", 0, "409",
             ""),
            (b"HTTP/1.1 409 No\r\nX-Relay-Node-ID: " + b"a" * 254 +
             b"\r\n\r\n", 0, "409", ""),
            (b"HTTP/1.1 409 No\r\n" + said + said + b"\r\n", 0, "repeated",
             ""),
            (b"HTTP/1.1 200 OK\r\n\r\n", 0, "200", ""),
            (b"garbage\r\n\r\n", 0, "", ""), (b"a\nb", 0, "", ""),
            (b"", 0, "", ""),
            (b"HTTP/1.1 101 OK\r\n\r\n", 0, "upgrade", ""),
            (b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n"
             b"Connection: Upgrade\r\n" + said + b"\r\n", 0, "accept", ""),
            (b"HTTP/1.1 101 " + b"x" * 20000, 0, "", "")], 10):
        server = dial(fe, attempt)
        uplink_request(server)
        server.sendall(answer)
        if not answer:
            server.close()
        s, r, text = state(fe, attempt, who)
        assert (s, r) == (3, retry) and why in text, (s, r, text)
    for attempt, (old, new) in enumerate([
            (b"main.test", b"a" * 254), (b"b7", b"b" * 65)], 40):
        server = dial(fe, attempt)
        server.sendall(uplink_request(server)[2].replace(old, new))
        assert state(fe, attempt)[0] == 3
    for attempt, (index, generation) in enumerate([
            (0, 99), (0, 0xffffffff), (5, None), (0xffffffff, None)], 30):
        server = dial(fe, attempt, index, generation)
        assert state(fe, attempt)[:2] == (3, 1000)
        assert server.recv(1) == b""
    assert fe.router.quiet()
    fe.stop()


def refuse_401(body=b"no", fields=b""):
    return (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\n"
            b"X-Relay-Node-ID: Main.Test\r\n"
            b'WWW-Authenticate: Relay nonce="n"\r\n'
            b"WWW-Authenticate: Bearer\r\n" % len(body) + fields +
            b"\r\n" + body)


def asked(fe, who="main.test", challenge='Relay nonce="n", Bearer'):
    """What the router is asked a proof for."""
    r = fe.router.expect("LINK_CHALLENGED")
    conn = r.take("Q")
    assert (r.take("I"), r.take("I")) == (0, fe.generation)
    got = r.str(), r.str()
    assert got == (who, challenge), got
    return conn


def prove(fe, conn, authorization, reason=""):
    fe.router.send("LINK_PROVE", struct.pack("<Q", conn) +
                   wstr(authorization) + wstr(reason))


def test_uplink_challenge():
    """The request again, on the same connection, with what proves it."""
    fe = home()
    server = dial(fe)
    uplink_request(server)
    for octet in refuse_401():
        server.sendall(bytes([octet]))
    conn = asked(fe)
    prove(fe, conn, "Relay method=key, proof=x")
    st, head, answer = uplink_request(server)
    assert "\r\nAuthorization: Relay method=key, proof=x\r\n" in head, head
    # a second one is too much
    prove(fe, conn, "Bearer again")
    server.sendall(answer)
    assert state(fe, 1, "main.test") == (1, 0, "")
    accept(fe, dialed(fe), 5)
    send_text(fe, 5, b"out")
    assert st.frame()[2] == b"out"
    prove(fe, conn, "Bearer late")
    send_text(fe, 5, b"still")
    assert st.frame()[2] == b"still"
    fe.stop()


def test_uplink_challenge_refused():
    fe = home()
    good = refuse_401()
    for attempt, (answer, why) in enumerate((
            (good.replace(b"Content-Length: 2",
                          b"Transfer-Encoding: chunked"), "no proof"),
            (good.replace(b"Content-Length: 2\r\n", b""), "no proof"),
            (good.replace(b"Content-Length: 2", b"Content-Length: 4097"),
             "no proof"),
            (good.replace(b"Content-Length: 2", b"Content-Length: -1"), ""),
            (good.replace(b"HTTP/1.1", b"HTTP/1.0"), "no proof"),
            (refuse_401(fields=b"Connection: close\r\n"), "no proof"),
            (good + b"x", "401"),
            (good + good, "401"),
            (good.replace(b'"n"', b'"' + b"n" * 600 + b'"').replace(
                b"WWW-Authenticate: Bearer\r\n", b""), "401"),
            (good.replace(b"WWW-Authenticate", b"X-Other"), "401"),
            (good.replace(b'"n"', b'"\0"'), "")), 50):
        server = dial(fe, attempt)
        uplink_request(server)
        server.sendall(answer)
        number, _, text = state(fe, attempt)
        assert number in (2, 3) and why in text, (answer, text)
        assert server.recv(1) == b"", answer
    # an empty one; no more can be said than Bearer
    server = dial(fe, 70)
    uplink_request(server)
    server.sendall(good.replace(b'Relay nonce="n"', b"Basic").replace(
        b"Content-Length: 2", b"Content-Length: 0")[:-2])
    prove(fe, asked(fe, challenge="Bearer"), "", "there is no token")
    assert state(fe, 70) == (3, 0, "there is no token")
    # in chunks, as proxies send it on
    server = dial(fe, 68)
    uplink_request(server)
    for octet in good.replace(b"Content-Length: 2", b"Transfer-Encoding: "
                              b"chunked")[:-2] + b"2\r\nno\r\n0\r\n\r\n":
        server.sendall(bytes([octet]))
    prove(fe, asked(fe), "Bearer x")
    assert b"Bearer x" in uplink_request(server)[1].encode()
    server.close()
    assert state(fe, 68)[0] == 3
    # twice
    server = dial(fe, 71)
    uplink_request(server)
    server.sendall(good)
    prove(fe, asked(fe), "Bearer x")
    uplink_request(server)
    server.sendall(refuse_401(fields=b"Retry-After: 9\r\n"))
    number, retry, text = state(fe, 71)
    assert (number, retry) == (3, 9000) and "401" in text, text
    # before it was asked, and behind it
    server = dial(fe, 72)
    server.sendall(good)
    conn = asked(fe)
    server.sendall(good)
    prove(fe, conn, "Bearer x")
    assert "401" in state(fe, 72)[2]
    # it goes while the registry thinks, and the registry is too slow
    server = dial(fe, 73)
    uplink_request(server)
    server.sendall(good)
    conn = asked(fe)
    server.close()
    assert "too long" in state(fe, 73)[2]
    prove(fe, conn, "Bearer x")
    # a token of the configuration may be what no field may have
    for attempt, odd in enumerate(("Bearer x\r\nX-Relay-Node-ID: eve",
                                   "a\nb", "Bearer \xe9", "a\tb"), 74):
        server = dial(fe, attempt)
        uplink_request(server)
        server.sendall(good)
        prove(fe, asked(fe), odd)
        assert "cannot stand" in state(fe, attempt)[2]
        assert server.recv(1) == b""
    fe.stop()


def test_uplink_challenge_says_what():
    """Its Main answers 401 to what was shown: that is what is logged."""
    fe = home()
    name = b"n" * 253
    for attempt, (shown, who) in enumerate((
            ("the secret in /etc/relayd/s", b"main.test"),
            # an id, and a key with an id, of the longest
            ("the key ed25519:" + 43 * "k" + " of " + 253 * "i", name)), 80):
        server = dial(fe, attempt)
        uplink_request(server)
        answer = refuse_401().replace(b"Main.Test", who)
        server.sendall(answer)
        conn = asked(fe, who.decode())
        prove(fe, conn, "Bearer x", shown)
        uplink_request(server)
        server.sendall(answer)
        number, _, text = state(fe, attempt)
        assert (number, text) == (3, "HTTP 401: %s does not take %s; its log "
                                  "says why" % (who.decode(), shown)), text
    # why there is none may name two ids
    long = "it calls itself %s, the configuration says %s" % (
        253 * "a", 253 * "b")
    server = dial(fe, 82)
    uplink_request(server)
    server.sendall(refuse_401())
    prove(fe, asked(fe), "", long)
    assert state(fe, 82) == (3, 0, long)
    # one that asks for nothing again
    server = dial(fe, 83)
    uplink_request(server)
    server.sendall(refuse_401().replace(b"WWW-Authenticate", b"X-Other"))
    assert "does not take" not in state(fe, 83)[2]
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


def test_uplink_moves():
    """Make before break: the router says when the old one ends."""
    fe = home(uplinks=[("main.test", 8080, "/ws/federation"),
                       ("next.test", 8080, "/ws/federation")])
    old, old_st = uplink(fe, 24, 5, 1)
    new, new_st = uplink(fe, 25, 6, 0)
    assert fe.summary()["uplinks"] == "2"
    for session, st in ((24, old_st), (25, new_st)):
        send_text(fe, session, b"both")
        assert st.frame()[2] == b"both"
    fe.router.send("LINK_READY", struct.pack("<Q", 25))
    assert state(fe, 6, "main.test") == (4, 0, "")
    fe.router.send("LINK_CLOSE", struct.pack("<QH", 24, 1000) + wstr("moved"))
    assert state(fe, 5)[0] == 2
    assert old_st.frame()[2] == b"\x03\xe8moved"
    fe.router.send("LINK_READY", struct.pack("<Q", 24))
    wait_for(lambda: fe.summary()["stale"] == "1", "it is gone")
    send_text(fe, 25, b"still")
    assert new_st.frame()[2] == b"still"
    assert another_dialer(fe)[:2] == (1, 6) and sync(fe) == NONE
    fe.stop()


def test_dialer_gone():
    """The uplink stands, and the next dialer hears of it first."""
    fe = home()
    server, st = uplink(fe, 26, 8)
    address = "%s:%d" % server.getsockname()
    for _ in range(2):
        assert another_dialer(fe) == (1, 8, "main.test", 8080,
                                      "/ws/federation", address,
                                      "main.test")
        assert sync(fe) == NONE
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
    conn = dialed(fe)
    assert another_dialer(fe)[:2] == (1, 10) and sync(fe) == NONE
    accept(fe, conn, 28)
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
    assert another_dialer(fe)[:2] == (1, 12) and sync(fe) == NONE
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
