# SPDX-License-Identifier: ISC
"""TLS of uplinks: this front-end is the client."""

import os
import shutil
import ssl
import struct
import threading

import trust
from cases import CLOSE, TEXT, frame
from rig import HOME, wait_for, wstr
from steps import (
    NONE, another_dialer, accept, dialed, down, send_text, state, sync,
    text_at_router, uplink_request)
from tls_rig import NONE as NO_FILE
from tls_rig import VERSIONS, Place, Tls, pair, target

def home(p, trust_of=None, host="main.test", port=443, **k):
    k.setdefault("cas", [p.ca.file])
    fe = Tls(role=HOME, node_id="alice.home", tls=False,
             uplinks=[(host, port, "/ws/federation",
                       trust_of or target())], **k)
    assert sync(fe) == NONE
    return fe


def server_context(p, cert=None, version=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(*(cert or p.cert))
    if version:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


def dial(fe, attempt):
    s, server = pair()
    fe.dialer.send("UPLINK_FD", struct.pack(
        "<IIQ", 0, fe.generation, attempt) + wstr("127.0.0.1:1"), s.fileno())
    s.close()
    return server


def serve(fe, ctx, attempt):
    """The server's end, its handshake done; or why it failed."""
    server = dial(fe, attempt)
    try:
        return ctx.wrap_socket(server, server_side=True)
    except OSError as e:
        return e


def refused(fe, ctx, attempt, why):
    serve(fe, ctx, attempt)
    number, _, text = state(fe, attempt)
    assert number in (2, 3) and why in text, text


def works(fe, ctx, attempt, session):
    s = serve(fe, ctx, attempt)
    assert isinstance(s, ssl.SSLSocket), s
    st, head, answer = uplink_request(s)
    s.sendall(answer)
    assert state(fe, attempt, "main.test") == (1, 0, "")
    accept(fe, dialed(fe), session)
    send_text(fe, session, b"out")
    assert st.frame()[2] == b"out"
    s.sendall(frame(TEXT, b"in", mask=False))
    assert text_at_router(fe) == (session, b"in")
    return s, st, head


def over(fe, s, attempt, session):
    s.sendall(frame(CLOSE, b"\x03\xe9", mask=False))
    down(fe, session)
    assert state(fe, attempt)[0] == 2


def test_tls_uplink():
    with Place() as p:
        fe = home(p)
        for n, version in enumerate(VERSIONS, 1):
            names = []
            ctx = server_context(p, version=version)
            ctx.sni_callback = lambda _s, name, _c: names.append(name)
            ctx.set_alpn_protocols(["http/1.1"])
            s, st, head = works(fe, ctx, n, n)
            assert "\r\nHost: main.test\r\n" in head, head
            assert names == ["main.test"], names
            assert s.selected_alpn_protocol() == "http/1.1"
            assert not s.session_reused
            over(fe, s, n, n)
            # a second time it need not be proved again
            s, _, _ = works(fe, ctx, n + 10, n + 10)
            assert s.session_reused
            # nor after a reload that changes nothing
            assert fe.configure() is None
            over(fe, s, n + 10, n + 10)
            s, _, _ = works(fe, ctx, n + 20, n + 20)
            assert s.session_reused
            over(fe, s, n + 20, n + 20)
        c = fe.counters()
        assert (c["dialled"], c["dialled_resumed"], c["full"]) == (2, 4, 0), c
        fe.stop()


def test_tls_uplink_port():
    with Place() as p:
        fe = home(p, port=80)
        s, st, head = works(fe, server_context(p), 1, 1)
        assert "\r\nHost: main.test:80\r\n" in head, head
        fe.stop()


def test_tls_uplink_reload():
    """A link lives on; what is not configured any more ends."""
    with Place() as p:
        fe = home(p)
        s, st, _ = works(fe, server_context(p), 1, 1)
        assert another_dialer(fe)[:2] == (1, 1) and sync(fe) == NONE
        assert fe.configure() is None
        send_text(fe, 1, b"still")
        assert st.frame()[2] == b"still"
        # the same place in the clear is another
        assert fe.configure(uplinks=[("main.test", 443, "/ws/federation")]) \
            is None
        assert st.frame()[1] == CLOSE
        down(fe, 1)
        fe.stop()


def lives(fe, link):
    send_text(fe, 1, b"still")
    assert link[1].frame()[2] == b"still"
    assert fe.router.quiet(0.05)


def ends(fe, attempt, link, session):
    assert link[1].frame()[1] == CLOSE
    assert "configured otherwise" in down(fe, session)
    number, _, why = state(fe, attempt)
    assert number == 2 and "configured otherwise" in why, why


def test_tls_uplink_trust():
    """A link ends when who it is with would not be believed any more by what
    the configuration says; its contents count, not where they are."""
    with Place() as p:
        os.mkdir(os.path.join(p.dir, "other"))
        other = trust.Authority(os.path.join(p.dir, "other"))
        mine, renewed = (p.ca.issue(n, ["alice.home"]) for n in "ab")
        copy = os.path.join(p.dir, "copy.pem")
        shutil.copy(p.ca.file, copy)
        path = ("main.test", 443, "/ws/federation")
        fe = home(p)
        ctx = server_context(p)
        link = works(fe, ctx, 1, 1)
        # the same authorities from elsewhere, behind another uplink
        fe.cas = [other.file, copy]
        assert fe.configure(uplinks=[("x.test", 443, "/", target(0)),
                                     (*path, target(1))]) is None
        lives(fe, link)
        # not committed, and then so
        fe.cas = [other.file]
        assert fe.configure(commit=False, uplinks=[(*path, target())]) is None
        lives(fe, link)
        assert fe.configure() is None
        ends(fe, 1, link, 1)
        # other contents of the same file
        fe.cas = [copy]
        assert fe.configure() is None
        link = works(fe, ctx, 2, 1)
        shutil.copy(other.file, copy)
        assert fe.configure() is None
        ends(fe, 2, link, 1)
        shutil.copy(p.ca.file, copy)
        # one authority more
        assert fe.configure() is None
        link = works(fe, ctx, 3, 1)
        with open(other.file) as f, open(copy, "a") as g:
            g.write(f.read())
        assert fe.configure() is None
        ends(fe, 3, link, 1)
        # a pin, and another, which needs no authority
        pins = [target(NO_FILE, trust.pin_of(c[0])) for c in (p.cert, mine)]
        assert fe.configure() is None
        link = works(fe, ctx, 4, 1)
        assert fe.configure(uplinks=[(*path, pins[0])]) is None
        ends(fe, 4, link, 1)
        link = works(fe, ctx, 5, 1)
        shutil.copy(other.file, copy)
        assert fe.configure() is None
        lives(fe, link)
        assert fe.configure(uplinks=[(*path, pins[1])]) is None
        ends(fe, 5, link, 1)
        # what we show is no matter of trust: none, one, its successor
        assert fe.configure(uplinks=[(*path, pins[0])]) is None
        link = works(fe, ctx, 6, 1)
        shown = target(NO_FILE, trust.pin_of(p.cert[0]), 32)
        fe.shown = [mine]
        assert fe.configure(uplinks=[(*path, shown)]) is None
        lives(fe, link)
        fe.shown = [renewed]
        assert fe.configure() is None
        lives(fe, link)
        assert fe.configure(uplinks=[(*path, pins[1])]) is None
        ends(fe, 6, link, 1)
        # half way: the handshake, the 101, and the word of the router
        fe.shown = [mine]
        assert fe.configure(uplinks=[(*path, pins[0])]) is None
        s = serve(fe, ctx, 8)
        assert fe.configure(uplinks=[(*path, pins[1])]) is None
        assert "configured otherwise" in state(fe, 8)[2]
        assert fe.configure(uplinks=[(*path, pins[0])]) is None
        s = serve(fe, ctx, 9)
        s.sendall(uplink_request(s)[2])
        assert state(fe, 9)[0] == 1
        conn = dialed(fe)
        assert fe.configure(uplinks=[(*path, pins[1])]) is None
        assert "configured otherwise" in state(fe, 9)[2]
        accept(fe, conn, 9)
        down(fe, 9)
        fe.stop()


def test_tls_uplink_wrong():
    with Place() as p:
        fe = home(p)
        os.mkdir(os.path.join(p.dir, "other"))
        other = trust.Authority(os.path.join(p.dir, "other"), "Other CA")
        name = "tls: the certificate is not for main.test (hostname mismatch)"
        cases = (
            (p.ca.issue("host", ["other.test"]), name),
            (p.ca.issue("cn", []), name),
            (p.ca.issue("ip", ["127.0.0.1"]), name),
            (p.ca.issue("part", ["m*.test"]), name),
            (p.ca.issue("top", ["*.test"]), name),
            (p.ca.issue("old", ["main.test"], days=-0.5),
             "tls: the certificate of main.test has expired"),
            (p.ca.issue("new", ["main.test"], begin_days=-3),
             "tls: the certificate of main.test is not yet valid"),
            (other.issue("ca", ["main.test"]), "tls: the certificate of "
             "main.test is of no authority in %s (" % p.ca.file))
        for attempt, (cert, why) in enumerate(cases, 1):
            refused(fe, server_context(p, cert), attempt, why)
        old = server_context(p)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        refused(fe, old, 30, "alert")
        # no TLS at all
        for attempt, words in ((31, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
                               (32, b""), (33, b"\x15\x03\x01\0\2\2\x28")):
            server = dial(fe, attempt)
            server.recv(1)
            server.sendall(words)
            server.close()
            assert "tls: " in state(fe, attempt)[2]
        good = works(fe, server_context(p), 40, 40)
        assert fe.counters()["dialled_failed"] == len(cases) + 4
        assert "took too long" not in fe.logged()
        server = dial(fe, 41)       # says nothing
        assert "took too long" in state(fe, 41)[2]
        send_text(fe, 40, b"still")
        assert good[1].frame()[2] == b"still"
        assert fe.router.quiet()
        fe.stop()


def test_tls_uplink_address():
    with Place() as p:
        fe = home(p, host="127.0.0.1")
        s, _, _ = works(fe, server_context(p), 1, 1)
        refused(fe, server_context(p, p.ca.issue("x", ["127.0.0.2"])), 2,
                "tls: the certificate is not for 127.0.0.1 "
                "(IP address mismatch)")
        fe.stop()


def test_tls_uplink_pin():
    with Place() as p:
        # neither name nor date nor authority count
        cert = p.ca.issue("pinned", ["x.test"], days=-0.5)
        fe = home(p, target(NO_FILE, trust.pin_of(cert[0])), cas=[])
        s, _, _ = works(fe, server_context(p, cert), 1, 1)
        over(fe, s, 1, 1)
        refused(fe, server_context(p), 2, "tls: the key of main.test is not "
                "the one of the pin, it is " + trust.pin_of(p.cert[0]))
        # a session of the pinned key is none of another pin
        fe.conf["uplinks"] = [("main.test", 443, "/ws/federation", target(
            0xffffffff, trust.pin_of(p.cert[0])))]
        assert fe.configure() is None
        refused(fe, server_context(p, cert), 3, "pin")
        s, _, _ = works(fe, server_context(p), 4, 4)
        fe.stop()
        fe = home(p)
        for bad, why in (
                (target(NO_FILE), "neither ca nor pin"),
                (target(7), "neither ca nor pin"),
                (target(key=5), "no certificate 5"),
                (target(pin="sha256:" + "x" * 60), "pin")):
            fe.conf["uplinks"] = [("main.test", 443, "/", bad)]
            got = fe.prepare()
            fe.decide(False)
            assert got is not None and why in got, got
        fe.stop()


def test_tls_uplink_certificate():
    with Place() as p:
        mine = p.ca.issue("alice", ["alice.home"])
        fe = home(p, target(key=32), shown=[mine])
        ctx = server_context(p)
        ctx.verify_mode = ssl.CERT_REQUIRED
        ctx.load_verify_locations(p.ca.file)
        s, _, _ = works(fe, ctx, 1, 1)
        assert ("DNS", "alice.home") in s.getpeercert()["subjectAltName"]
        over(fe, s, 1, 1)
        row = fe.section("certificates")[0]
        assert row["shown_to"] == "mains" and row["file"] == mine[0]
        # the keeper signs nothing for TLS 1.2, so it is not spoken
        old = server_context(p, version=ssl.TLSVersion.TLSv1_2)
        refused(fe, old, 2, "alert from the other side: protocol version")
        # a keeper that is not there, and one that is too late
        fe.keeper.s.shutdown(2)
        wait_for(lambda: fe.section("signatures")[0]["asked"] == "1", "one")
        ctx2 = server_context(p)    # resumes nothing
        ctx2.verify_mode = ssl.CERT_REQUIRED
        ctx2.load_verify_locations(p.ca.file)
        refused(fe, ctx2, 3, "keeper")
        fe.start_keeper()
        fe.answering = False
        got = []
        t = threading.Thread(target=lambda: got.append(serve(fe, ctx2, 4)))
        t.start()
        wait_for(lambda: fe.asked, "asked")
        # the dialer goes, and its handshakes with it
        assert another_dialer(fe) == NONE
        t.join()
        fe.answer()
        fe.answering = True
        works(fe, ctx2, 5, 5)
        fe.stop()


def test_tls_uplink_early():
    """UPLINK_FD for a configuration that has only begun to come."""
    with Place() as p:
        fe = home(p)
        g = fe.generation + 1
        fe.parent.send("CONF_BEGIN", struct.pack("<I", g))
        fe.parent.send("CONF_UPLINK", struct.pack("<I", 0) +
                       wstr("main.test") + struct.pack("<H", 443) +
                       wstr("/ws/federation") + target() + wstr(""))
        fe.summary()
        s, server = pair()
        fe.dialer.send("UPLINK_FD", struct.pack("<IIQ", 0, g, 1) +
                       wstr("127.0.0.1:1"), s.fileno())
        s.close()
        assert "changing" in state(fe, 1)[2]
        fe.parent.send("CONF_ABORT", struct.pack("<I", g))
        works(fe, server_context(p), 2, 2)
        fe.stop()
