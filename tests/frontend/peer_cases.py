# SPDX-License-Identifier: ISC
"""Links to the peers of a Main."""

import struct

from rig import wait_for
from cases import CLOSE, TEXT, Stream, frame
from steps import (
    NONE, PEERS, accept, another_dialer, deny, dial, dialed, down,
    main_with_peers, send_text, state, sync, text_at_router, uplink,
    uplink_request)


def test_peers():
    fe = main_with_peers(max_message=4096)
    links = {}
    for i, who in enumerate(("b.main", "C.Main", "")):
        server = dial(fe, 50 + i, i)
        st, head, answer = uplink_request(server, who)
        host, port, path = PEERS[i]
        assert head.startswith("GET %s HTTP/1.1\r\nHost: %s\r\n" % (
            path, host if port == 80 else "%s:%d" % (host, port))), head
        assert "X-Relay-Node-ID: main.test\r\n" in head
        assert "X-Relay-Node-Type: main\r\n" in head
        server.sendall(answer)
        # the dialer gets a name that is one, the router what was said
        assert state(fe, 50 + i, who.lower()) == (1, 0, "")
        conn = dialed(fe, i, who)
        accept(fe, conn, 60 + i)
        links[i] = server, st
    fe.router.send("LINK_READY", struct.pack("<Q", 61))
    assert state(fe, 51, "c.main") == (4, 0, "")
    assert fe.summary()["uplinks"] == "3"
    for i, (server, st) in links.items():
        send_text(fe, 60 + i, b"to %d" % i)
        assert st.frame()[2:] == (b"to %d" % i, True)
        server.sendall(frame(TEXT, b"x" * (1 << 20), mask=False))
        assert text_at_router(fe)[0] == 60 + i
    # A new dialer hears of each.
    got = [another_dialer(fe)] + [sync(fe) for _ in range(3)]
    assert [g[:5] for g in got[:3]] == [(1, 50 + i) + PEERS[i]
                                        for i in range(3)], got
    assert got[3] == NONE
    links[1][0].sendall(frame(CLOSE, b"\x03\xe9", mask=False))
    down(fe, 61)
    assert state(fe, 51)[0] == 2
    # The router goes: so do they all.
    fe.router.s.close()
    assert {state(fe, n)[0] for n in (50, 52)} == {2}
    for i in (0, 2):
        assert links[i][1].frame()[2][:2] == b"\x03\xf4"
    fe.stop()


def test_peers_out_of_turn():
    """Any order of many: each ends alone."""
    fe = main_with_peers()
    a, b, c = (dial(fe, 50 + i, i) for i in range(3))
    answers = [uplink_request(s, "m%d" % i)[2]
               for i, s in enumerate((a, b, c))]
    c.sendall(answers[2])
    assert state(fe, 52)[0] == 1
    conn = dialed(fe, 2, "m2")
    b.close()
    assert state(fe, 51)[0] == 3
    a.sendall(answers[0])
    assert state(fe, 50)[0] == 1
    other = dialed(fe, 0, "m0")
    c.close()
    accept(fe, other, 70)
    accept(fe, conn, 72)
    assert down(fe, 72)
    assert state(fe, 52)[0] == 2
    send_text(fe, 70, b"still")
    assert Stream(a).frame()[2] == b"still"
    fe.stop()


def test_peer_forbidden():
    """It is not who it should be: it is told by another code."""
    fe = main_with_peers()
    server = dial(fe, 60)
    st, _, answer = uplink_request(server)
    server.sendall(answer)
    assert state(fe, 60)[0] == 1
    deny(fe, dialed(fe), 403, 0, "who?")
    assert state(fe, 60, "main.test") == (2, 0, "who?")
    fin, op, data, masked = st.frame()
    assert (op, data, masked) == (CLOSE, b"\x03\xf0who?", True)
    fe.stop()


def test_peer_denied():
    """The router does not want what we dialled: closed in order."""
    fe = main_with_peers()
    for early in (b"", frame(TEXT, b"early", mask=False),
                  frame(TEXT, b"half", mask=False)[:3]):
        server = dial(fe, 60)
        st, _, answer = uplink_request(server)
        server.sendall(answer + early)
        assert state(fe, 60)[0] == 1
        conn = dialed(fe)
        deny(fe, conn, 409, 1500, "linked already")
        assert state(fe, 60, "main.test") == (2, 1500, "linked already")
        fin, op, data, masked = st.frame()
        assert (op, data, masked) == (CLOSE, b"\x0f\xa1linked already", True)
        if len(early) == 3:
            server.sendall(frame(TEXT, b"half", mask=False)[3:])
        server.sendall(frame(CLOSE, b"\x0f\xa1", mask=False))
        assert server.recv(1) == b""
        server.close()
        # It is over for the router: what it says of it is too late.
        deny(fe, conn, 409, 0, "again")
    wait_for(lambda: fe.summary()["connections"] == "0", "all are gone")
    wait_for(lambda: fe.summary()["stale"] == "3", "late words are counted")
    assert fe.router.quiet() and fe.dialer.quiet()
    assert another_dialer(fe) == NONE
    fe.stop()


def test_peers_reload():
    fe = main_with_peers()
    links = [uplink(fe, 80 + i, 70 + i, i) for i in range(3)]
    shaking = dial(fe, 90, 1)
    _, _, late = uplink_request(shaking)
    # Two go, the other moves in the list.
    fe.configure(peers=[("e.test", 1, "/"), PEERS[2]])
    assert {state(fe, n)[0] for n in (70, 71)} == {2}
    assert state(fe, 90) == (3, 0, "no longer configured")
    assert shaking.recv(1) == b""
    for i in (0, 1):
        assert "no longer" in down(fe, 80 + i)
        assert links[i][1].frame()[2][:2] == b"\x03\xe8"
    send_text(fe, 82, b"still")
    assert links[2][1].frame()[2] == b"still"
    # An index is of its generation.
    server = dial(fe, 91, 2)
    assert state(fe, 91)[0] == 3
    server = dial(fe, 92, 1, fe.generation - 1)
    assert state(fe, 92)[0] == 3
    fe.stop()


def test_peers_reload_in_handshake():
    """The router gets the index of the generation it is told with it."""
    fe = main_with_peers()
    server = dial(fe, 93, 2)
    answer = uplink_request(server)[2]
    fe.configure(peers=[PEERS[2]])
    server.sendall(answer)
    assert state(fe, 93)[0] == 1
    dialed(fe, 0)
    fe.stop()


def test_dialer_is_ahead():
    """The dialer may hear of a new generation before we do."""
    fe = main_with_peers([])
    fe.prepare(peers=PEERS)
    server = dial(fe, 94, 1)
    answer = uplink_request(server)[2]
    server.sendall(answer)
    assert state(fe, 94)[0] == 1
    dialed(fe, 1)
    fe.decide()
    assert another_dialer(fe)[:2] == (1, 94) and sync(fe) == NONE
    # One that never comes about ends with the next that does.
    fe.prepare(peers=PEERS + [("e.test", 1, "/")])
    server = dial(fe, 95, 3)
    uplink_request(server)
    fe.decide(False)
    fe.configure(peers=PEERS)
    assert state(fe, 95)[0] == 3
    fe.stop()


def test_peers_shutdown():
    fe = main_with_peers()
    server, st = uplink(fe, 86, 96, 0)
    shaking = dial(fe, 97, 1)
    uplink_request(shaking)
    fe.parent.send("SHUTDOWN", struct.pack("<I", 5000))
    assert st.frame()[2][:2] == b"\x03\xe9"
    assert shaking.recv(1) == b""
    late = dial(fe, 98, 2)
    assert {state(fe, 96)[0], state(fe, 97)[0]} == {2, 3}
    assert state(fe, 98)[0] == 3
    server.sendall(frame(CLOSE, b"\x03\xe9", mask=False))
    assert fe.p.wait(30) == 0
    fe.stop()
