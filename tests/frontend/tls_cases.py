# SPDX-License-Identifier: ISC
"""TLS of listeners."""

import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

import trust
from cases import CLOSE, PING, PONG, TEXT, frame
from rig import wait_for, wstr
from steps import (
    NODE, POST, UPGRADE, Http, accept, down, get_close, get_frame, request,
    respond, send_text, start, text_at_router)
from tls_rig import VERSIONS, Place

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def auth(fe, h):
    """An upgrade over TLS: (conn, certificate)."""
    h.send(UPGRADE + NODE + b"\r\n")
    r = fe.router.expect("LINK_AUTH")
    conn, kind, local, tls = (r.take("Q"), r.take("B"), r.take("B"),
                              r.take("B"))
    assert (kind, local, tls) == (1, 1, 1)
    assert (r.str(), r.str(), r.str()) == ("alice.home", "", "")
    return conn, r.str()


def link(fe, h, session):
    conn, certificate = auth(fe, h)
    accept(fe, conn, session)
    assert h.st.line_block().startswith("HTTP/1.1 101 ")
    return certificate


def get(fe, h):
    h.send(GET)
    respond(fe, request(fe)[0])
    assert h.answer()[0] == 200


def handshake_fails(fe, ctx, host="main.test"):
    """Neither the handshake nor the first read after it succeeds."""
    try:
        s = fe.wrap(ctx, host)
        s.sendall(GET)
        assert s.recv(1) == b"", "let in"
    except OSError as e:    # ssl.SSLError is one
        return str(e)
    return "closed"


def test_tls_link():
    with Place() as p:
        fe = p.start()
        for session, version in enumerate(VERSIONS, 5):
            h = fe.http(p.client(version))
            assert h.s.version() == version.name.replace("_", ".")
            assert h.s.cipher()[0].startswith("TLS_" if session == 6 else
                                              "ECDHE-ECDSA-"), h.s.cipher()
            assert link(fe, h, session) == ""
            h.send(frame(TEXT, b"one") + frame(TEXT, b"two"))
            assert text_at_router(fe) == (session, b"one")
            assert text_at_router(fe) == (session, b"two")
            send_text(fe, session, b"out")
            assert get_frame(h) == (TEXT, b"out")
            h.send(frame(PING, b"hi"))
            assert get_frame(h) == (PONG, b"hi")
            h.send(frame(CLOSE, b"\x03\xe8"))
            assert get_close(h, 1000) == ""
            # its close_notify, not only the end of the stream
            assert h.s.recv(1) == b""
            down(fe, session)
        c = fe.counters()
        assert (c["full"], c["resumed"], c["failed"]) == (2, 0, 0), c
        assert (c["tls12"], c["tls13"], c["half_open"]) == (1, 1, 0), c
        fe.stop()


def test_tls_http():
    with Place() as p:
        fe = p.start(certs=[p.ca.issue("r", ["main.test"], kind="rsa")])
        for version in VERSIONS:
            h = fe.http(p.client(version))
            get(fe, h)
            body = os.urandom(300000)
            h.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            rid, _, _, got = request(fe)
            assert got == body
            respond(fe, rid, 200, body)
            assert h.answer()[2] == body
            h.s.close()
        h = fe.http(p.client())
        for origin, status in (
                ("https://main.test", 200),
                ("https://main.test:%d" % fe.port, 200),
                ("https://127.0.0.1:%d" % fe.port, 200),
                ("https://localhost:%d" % fe.port, 200),
                ("http://127.0.0.1:%d" % fe.port, 403),
                ("http://localhost:%d" % fe.port, 403),
                ("https://other.test", 403)):
            h.send(GET[:-2] + b"Origin: " + origin.encode() + b"\r\n\r\n")
            if status == 200:
                respond(fe, request(fe)[0])
            assert h.answer()[0] == status, origin
        fe.stop()


def test_tls_drip():
    """One octet at a time, the handshake and what follows."""
    with Place() as p:
        fe = p.start()
        for version in VERSIONS:
            ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
            t = p.client(version).wrap_bio(ours, theirs,
                                           server_hostname="main.test")
            s = fe.connect()

            def flush():
                for b in theirs.read():
                    s.sendall(bytes([b]))

            def until(fn):
                while True:
                    try:
                        v = fn()
                        flush()
                        return v
                    except ssl.SSLWantReadError:
                        flush()
                        ours.write(s.recv(1 << 16))
            until(t.do_handshake)
            t.write(GET)
            flush()
            respond(fe, request(fe)[0])
            assert until(lambda: t.read(100)).startswith(b"HTTP/1.1 200 ")
            s.close()
        fe.stop()


def test_tls_big():
    """Messages of many records both ways, and one that does not read."""
    with Place() as p:
        fe = p.start()
        h = fe.http(p.client())
        link(fe, h, 7)
        big = os.urandom(1 << 19).hex().encode()
        h.send(frame(TEXT, big))
        assert text_at_router(fe) == (7, big)
        n = 6
        for i in range(n):
            send_text(fe, 7, b"%d" % i + big)
        r = fe.router.expect("LINK_QUEUE")
        assert (r.take("Q"), r.take("B")) == (7, 1)
        # a pong is put between messages while the socket is full
        h.send(frame(PING, b"now"))
        got = [get_frame(h) for _ in range(n + 1)]
        assert (PONG, b"now") in got
        assert [d for op, d in got if op == TEXT] == [
            b"%d" % i + big for i in range(n)]
        r = fe.router.expect("LINK_QUEUE")
        assert (r.take("Q"), r.take("B")) == (7, 0)
        for i in range(1000):
            send_text(fe, 7, b"%d" % i)
        assert [get_frame(h)[1] for _ in range(1000)] == [
            b"%d" % i for i in range(1000)]
        for i in range(30):
            send_text(fe, 7, big)
        fe.router.expect("LINK_QUEUE")
        assert "slow" in down(fe, 7)
        fe.stop()


def test_tls_end():
    """However the other side goes: the link is down."""
    with Place() as p:
        fe = p.start()
        h = fe.http(p.client())
        link(fe, h, 1)
        s = socket.socket(fileno=os.dup(h.s.fileno()))
        s.shutdown(socket.SHUT_WR)      # no close_notify
        assert "closed by the other side" in down(fe, 1)
        h = fe.http(p.client())
        link(fe, h, 2)
        h.send(frame(TEXT, b"last"))
        try:
            h.s.settimeout(0.1)
            h.s.unwrap()                # close_notify, and no FIN
        except OSError:
            pass
        assert text_at_router(fe) == (2, b"last")
        assert "closed by the other side" in down(fe, 2)
        h = fe.http(p.client())
        link(fe, h, 3)
        s = socket.socket(fileno=os.dup(h.s.fileno()))
        s.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        assert "decryption failed" in down(fe, 3)
        h = fe.http(p.client())
        link(fe, h, 4)
        s = socket.socket(fileno=os.dup(h.s.fileno()))
        s.sendall(GET)
        assert down(fe, 4)
        fe.stop()


def test_tls_last_words():
    """A message and close_notify in one segment, and no end of the stream:
    no event comes for the second."""
    with Place() as p:
        fe = p.start()
        ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
        t = p.client().wrap_bio(ours, theirs, server_hostname="main.test")
        s = fe.connect()

        def until(fn):
            while True:
                try:
                    return fn()
                except ssl.SSLWantReadError:
                    s.sendall(theirs.read())
                    ours.write(s.recv(1 << 16))
        until(t.do_handshake)
        t.write(UPGRADE + NODE + b"\r\n")
        s.sendall(theirs.read())
        accept(fe, fe.router.expect("LINK_AUTH").take("Q"), 4)
        until(lambda: t.read(1000))
        t.write(frame(TEXT, b"last"))
        try:
            t.unwrap()
        except ssl.SSLWantReadError:
            pass
        s.sendall(theirs.read())
        assert text_at_router(fe) == (4, b"last")
        assert "closed by the other side" in down(fe, 4)
        fe.stop()


def test_tls_answer_and_close():
    """The end comes while the answer is not there: it is still sent."""
    with Place() as p:
        fe = p.start()
        h = fe.http(p.client())
        h.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        rid = request(fe)[0]
        respond(fe, rid, 200, b"x" * 500000)
        assert h.answer()[2] == b"x" * 500000
        assert h.closed()
        fe.stop()


def test_tls_versions():
    with Place() as p:
        fe = p.start()
        old = p.client(check=False)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        assert "alert" in handshake_fails(fe, old).lower()
        for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256",
                     "DHE-RSA-AES128-GCM-SHA256", "AES256-SHA"):
            c = p.client(ssl.TLSVersion.TLSv1_2, check=False)
            c.set_ciphers(weak + ":@SECLEVEL=0")
            assert handshake_fails(fe, c)
        wait_for(lambda: fe.counters()["failed"] == 5, "five failures")
        text = fe.logged()
        assert "TLS handshake failed: unsupported protocol" in text, text
        assert "no shared cipher" in text
        get(fe, fe.http(p.client()))
        fe.stop()


def s_client(fe, *args, send=b"", wait=None):
    """What openssl s_client says; send is typed once it is connected."""
    c = subprocess.Popen(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % fe.port,
         "-servername", "main.test", *args], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = b""
    while wait is not None and wait not in text:
        got = os.read(c.stdout.fileno(), 1 << 16)
        text += got
        if not got:
            break
    try:
        rest, _ = c.communicate(send, 30)
    except BrokenPipeError:
        rest = c.stdout.read()
    c.wait()
    return (text + rest).decode("latin-1")


def test_tls_renegotiation():
    with Place() as p:
        fe = p.start()
        text = s_client(fe, "-tls1_2", send=b"R\n", wait=b"Verify return")
        assert "Secure Renegotiation IS supported" in text, text
        assert "Compression: NONE" in text
        assert "no renegotiation" in text, text
        get(fe, fe.http(p.client()))
        fe.stop()


def test_tls_key_update():
    """New keys mid-way, ours too; not without end."""
    with Place() as p:
        fe = p.start()
        c = subprocess.Popen(
            ["openssl", "s_client", "-connect", "127.0.0.1:%d" % fe.port,
             "-CAfile", p.ca.file, "-tls1_3"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        def say(line, want):
            c.stdin.write(line)
            c.stdin.flush()
            text = b""
            while want not in text:
                got = os.read(c.stdout.fileno(), 4096)
                assert got, text
                text += got
        say(b"", b"Verify return code: 0")
        for letter in (b"k\n", b"K\n"):
            say(letter, b"KEYUPDATE")
            c.stdin.write(GET)
            c.stdin.flush()
            respond(fe, request(fe)[0])
            say(b"", b"{}")
        c.kill()
        c.wait()
        fe.stop()


def test_tls_early_data():
    with Place() as p:
        fe = p.start()
        file = os.path.join(p.dir, "session")

        def resumable_session():
            """It may end before it has read its ticket."""
            s_client(fe, "-tls1_3", "-sess_out", file,
                     wait=b"Verify return")
            return os.path.exists(file)
        wait_for(resumable_session, "a ticket")
        text = s_client(fe, "-tls1_3", "-sess_in", file, send=b"")
        assert "Max Early Data: 0" in text or "Reused" in text, text
        assert "Early data was not sent" in text, text
        fe.stop()


def test_tls_alpn():
    with Place() as p:
        fe = p.start()
        for offer, got in ((["http/1.1"], "http/1.1"),
                           (["h2", "http/1.1"], "http/1.1"), ([], None)):
            c = p.client()
            if offer:
                c.set_alpn_protocols(offer)
            h = fe.http(c)
            assert h.s.selected_alpn_protocol() == got
            get(fe, h)
        c = p.client()
        c.set_alpn_protocols(["h2", "ftp"])
        assert handshake_fails(fe, c)
        fe.stop()


def test_tls_sni():
    with Place() as p:
        names = (["main.test"], ["*.wild.test"],
                 ["a.wild.test", "Other.Test"])
        certs = [p.ca.issue("c%d" % i, n) for i, n in enumerate(names)]
        certs.append(p.ca.issue("none", []))
        fe = p.start(certs=certs)
        c = p.client(check=False)
        for host, want in (("main.test", 0), ("MAIN.test", 0),
                           ("b.wild.test", 1), ("a.wild.test", 2),
                           ("other.test", 2), ("x.b.wild.test", 0),
                           ("wild.test", 0), ("unknown.test", 0),
                           (None, 0)):
            s = fe.wrap(c, host)
            der = s.getpeercert(True)
            with open(certs[want][0]) as f:
                expect = ssl.PEM_cert_to_DER_cert(
                    f.read().split("-----END")[0] +
                    "-----END CERTIFICATE-----\n")
            assert der == expect, host
            s.close()
        h = fe.http(p.client(), "other.test")
        get(fe, h)
        rows = fe.section("certificates")
        assert [r["names"] for r in rows] == [
            "main.test", "*.wild.test", "a.wild.test Other.Test", ""], rows
        assert rows[0]["pin"] == trust.pin_of(certs[0][0]), rows[0]
        assert rows[0]["file"] == certs[0][0]
        assert rows[0]["key"] == "EC prime256v1", rows[0]
        assert rows[0]["shown_to"] == "clients"
        fe.stop()


def client_cert(p, name, names, **k):
    return p.ca.issue(name, names, **k)


def test_tls_client_certificate():
    with Place() as p:
        fe = p.start(client_ca=p.ca.file)
        cert = p.ca.issue("alice", ["alice.example.com",
                                    "spiffe://x.test/alice", "Bob.test"])
        both = "dns:alice.example.com uri:spiffe://x.test/alice dns:Bob.test"
        for version in VERSIONS:
            h = fe.http(p.client(version, cert=cert))
            assert auth(fe, h)[1] == both
            h.s.close()
            h = fe.http(p.client(version))
            assert auth(fe, h)[1] == ""
            h.s.close()
        h = fe.http(p.client(cert=p.ca.issue("none", [])))
        assert auth(fe, h)[1] == ""
        os.mkdir(os.path.join(p.dir, "evil"))
        evil = trust.Authority(os.path.join(p.dir, "evil"), "Test CA")
        for bad in (evil.issue("evil", ["alice.example.com"]),
                    p.ca.issue("old", ["alice.example.com"], days=-0.5)):
            handshake_fails(fe, p.client(cert=bad))
        wait_for(lambda: fe.counters()["failed"] == 2, "two failures")
        text = fe.logged()
        assert "the certificate of the client has expired" in text, text
        assert "the certificate of the client is of no authority in %s (" % \
            p.ca.file in text, text
        fe.stop()
        fe = p.start()      # nobody asks for it
        h = fe.http(p.client(cert=cert))
        assert auth(fe, h)[1] == ""
        fe.stop()


def resumable(fe, ctx, **k):
    """A session to resume: it is there after the first read."""
    h = fe.http(ctx, **k)
    get(fe, h)
    session = h.s.session
    h.s.close()
    return session


def test_tls_resume():
    with Place() as p:
        fe = p.start()
        for n, version in enumerate(VERSIONS, 1):
            c = p.client(version)
            s = resumable(fe, c)
            h = fe.http(c, session=s)
            assert h.s.session_reused
            get(fe, h)
            assert fe.counters()["resumed"] == 2 * n - 1
            assert fe.configure() is None       # nothing changed
            h = fe.http(c, session=s)
            assert h.s.session_reused
            get(fe, h)
            asked = int(fe.section("signatures")[0]["asked"])
            assert asked == n, asked
        # another process has other keys
        fe.stop()
        fe = p.start()
        h = fe.http(c, session=s)
        assert not h.s.session_reused
        get(fe, h)
        fe.stop()


def test_tls_resume_client():
    """A session keeps who it is, and ends with what proved it."""
    with Place() as p:
        other = trust.Authority(p.dir, "Other CA")
        fe = p.start(client_ca=p.ca.file)
        for version in VERSIONS:
            c = p.client(version, cert=p.ca.issue("alice", ["alice.test"]))
            s = resumable(fe, c)
            h = fe.http(c, session=s)
            assert h.s.session_reused
            assert auth(fe, h)[1] == "dns:alice.test"
            h.s.close()
            # what it was let in by is trusted no more
            fe.client_ca = other.file
            assert fe.configure() is None
            c2 = p.client(version)
            handshake_fails(fe, c)
            s2 = resumable(fe, c2)
            h = fe.http(c2, session=s2)
            assert h.s.session_reused
            fe.client_ca = p.ca.file
            assert fe.configure() is None
            h = fe.http(c2, session=s2)
            assert not h.s.session_reused
            assert auth(fe, h)[1] == ""
            h.s.close()
        life = 3 / 86400
        c = p.client(cert=p.ca.issue("short", ["short.test"], days=life))
        end = time.monotonic() + 3
        s = resumable(fe, c)
        h = fe.http(c, session=s)
        assert h.s.session_reused
        assert auth(fe, h)[1] == "dns:short.test"
        while time.monotonic() < end + 1:
            time.sleep(0.1)
        before = fe.counters()["resumed"]
        handshake_fails(fe, c)
        try:
            fe.wrap(c, session=s).recv(1)
        except OSError:
            pass
        assert fe.counters()["resumed"] == before
        assert "the certificate of the client has expired" in fe.logged()
        fe.stop()


def test_tls_reload():
    with Place() as p:
        fe = p.start()
        c = p.client()
        h = fe.http(c)
        link(fe, h, 9)
        # a handshake that is half done when the configuration changes
        fe.answering = False
        late = []
        t = threading.Thread(target=lambda: late.append(fe.http(c)))
        t.start()
        wait_for(lambda: fe.asked, "asked")
        old_certs = fe.certs
        fe.certs = [p.ca.issue("second", ["main.test"])]
        assert fe.configure() is None
        new, fe.certs = fe.certs, old_certs
        fe.answer()
        t.join()
        fe.answering, fe.certs = True, new
        get(fe, late[0])
        send_text(fe, 9, b"still")
        assert get_frame(h) == (TEXT, b"still")
        h2 = fe.http(c)
        assert h2.s.getpeercert(True) != h.s.getpeercert(True)
        get(fe, h2)
        garbage = os.path.join(p.dir, "garbage.pem")
        with open(garbage, "w") as f:
            f.write("hello\n")
        cut = os.path.join(p.dir, "cut.pem")
        with open(p.cert[0]) as f, open(cut, "w") as g:
            g.write(f.read().replace("M", "!", 3))
        huge = os.path.join(p.dir, "huge.pem")
        with open(huge, "w") as f:
            f.write("x" * ((1 << 20) + 1))
        weak = os.path.join(p.dir, "weak")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:1024",
                        "-nodes", "-subj", "/CN=x", "-keyout",
                        weak + ".key", "-out", weak + ".pem"], check=True,
                       stderr=subprocess.DEVNULL)
        for certs, ca, why in (
                ([], None, "tls listeners without a certificate"),
                ([(garbage, "")], None,
                 "tls certificate %s: no certificate in it" % garbage),
                ([("/dev/null", "")], None, "no certificate in it"),
                ([(cut, "")], None, "tls certificate %s: bad" % cut),
                ([(huge, "")], None, "File too large"),
                ([(weak + ".pem", "")], None, "key too small"),
                (new, garbage, "tls client-ca %s: no certificate" % garbage),
                (new, huge, "File too large")):
            fe.certs, fe.client_ca = certs, ca
            got = fe.prepare()
            fe.decide(False)
            assert got is not None and why in got, (why, got)
        fe.certs, fe.client_ca = new, None
        get(fe, fe.http(c))
        soon = p.ca.issue("soon", ["main.test"], days=3.5)
        old = p.ca.issue("old", ["main.test"], days=-0.5)
        later = p.ca.issue("later", ["main.test"], days=30)
        fe.certs = [later, soon, old]
        assert fe.configure() is None
        wait_for(lambda: "%s: expired at" % old[0] in fe.logged(), "expired")
        text = fe.logged()
        assert "%s: expires in 3 days" % soon[0] in text, text
        assert later[0] not in text
        send_text(fe, 9, b"and still")
        assert get_frame(h) == (TEXT, b"and still")
        fe.stop()


def test_tls_strays():
    with Place() as p:
        fe = p.start()
        h = Http(fe).send(GET)
        status, _, body = h.answer()
        assert status == 400 and "TLS" in json.loads(body)["error"]
        assert h.closed()
        for junk in (b"SSH-2.0-x\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                     b"\0" * 100, b"\x80\x2e\x01\x00\x02" + b"x" * 46,
                     b"\x16\x03\x01\0\5\1\0\0\1\3"):
            s = fe.connect()
            s.sendall(junk)
            try:
                while s.recv(4096):
                    pass
            except OSError:
                pass
        fe.connect().close()
        s = fe.connect()
        s.sendall(b"\x16\x03\x01")
        s.close()
        wait_for(lambda: fe.counters()["failed"] == 8, "eight failures")
        text = fe.logged()
        assert "HTTP without TLS on a port for TLS" in text, text
        assert "TLS handshake failed" in text
        get(fe, fe.http(p.client()))
        fe.tls = False
        assert fe.configure() is None
        assert handshake_fails(fe, p.client())
        wait_for(lambda: "TLS on a port without" in fe.logged(), "said so")
        get(fe, Http(fe))
        # a flood of failures is counted, not written out
        fe.tls = True
        assert fe.configure() is None
        for _ in range(100):
            Http(fe).send(b"x").s.close()
            Http(fe).send(GET).answer()
        wait_for(lambda: "more handshakes and requests failed" in
                 fe.logged(), "counted")
        fe.stop()


def many(fe):
    """600 connections; some are refused before they are here."""
    got = []
    for _ in range(600):
        try:
            got.append(fe.connect())
        except ConnectionResetError:
            pass
    return got


def test_tls_half_open():
    """Those that begin and do not go on: so many, and not for long."""
    with Place() as p:
        fe = p.start(connections=6000, per_address=6000)
        begin = time.monotonic()
        idle = many(fe)
        wait_for(lambda: fe.counters()["half_open_refused"] == 88, "refused")
        assert fe.counters()["half_open"] == 512
        wait_for(lambda: "512 of the address of 127.0.0.1" in fe.logged(),
                 "said so")
        assert time.monotonic() - begin < 9
        idle[0].close()
        wait_for(lambda: fe.counters()["half_open"] == 511, "one less")
        h = fe.http(p.client())
        get(fe, h)
        wait_for(lambda: fe.counters()["half_open"] == 511, "whole")
        for s in idle[1:20]:
            s.sendall(b"\x16\x03\x01\0\x80\1")
        wait_for(lambda: fe.counters()["half_open"] == 0, "in time")
        assert 9 < time.monotonic() - begin < 25
        assert "took too long" in fe.logged()
        get(fe, h)
        fe.stop()


def test_plain_half_open():
    fe = start(connections=6000, per_address=6000)
    idle = many(fe)
    wait_for(lambda: "512 of the address of 127.0.0.1" in fe.logged(),
             "refused")
    for s in idle[:100]:
        s.close()

    def again():
        h = Http(fe)
        try:
            get(fe, h)
            return h
        except (EOFError, OSError):
            return None
    h = wait_for(again, "room again")
    get(fe, h)
    fe.stop()


def test_tls_keeper():
    with Place() as p:
        fe = p.start()
        c = p.client()
        fe.refusing = True
        assert "alert" in handshake_fails(fe, c).lower()
        fe.refusing, fe.answering = False, False
        s = fe.connect()
        gone = [fe.connect() for _ in range(5)]
        for g in gone:
            t = c.wrap_socket(g, do_handshake_on_connect=False,
                              server_hostname="main.test")
            t.settimeout(0)
            try:
                t.do_handshake()
            except (ssl.SSLWantReadError, BlockingIOError):
                pass
        wait_for(lambda: len(fe.asked) == 5, "asked")
        assert int(fe.section("signatures")[0]["pending"]) == 5
        # its end, while the keeper works
        fe.keeper.s.shutdown(socket.SHUT_RDWR)
        wait_for(lambda: fe.section("signatures")[0]["failed"] == "5",
                 "failed")
        fe.asked.clear()
        fe.answering = True
        assert "alert" in handshake_fails(fe, c).lower()
        fe.start_keeper()
        get(fe, fe.http(c))
        # late answers, and answers to nothing
        for request_id in (0, 1, 2, 1 << 40):
            fe.keeper.send("KEY_SIGNED", struct.pack("<QI", request_id, 4) +
                           b"late")
        fe.keeper.send("KEY_SIGNED", struct.pack("<QI", 77, 0))
        get(fe, fe.http(c))
        assert fe.section("signatures")[0]["stale"] == "5"
        s.close()
        fe.stop()


def test_tls_paused_and_over():
    """It takes too long while the keeper works: no answer is too late."""
    with Place() as p:
        fe = p.start()
        fe.answering = False
        s = fe.connect()
        t = p.client().wrap_socket(s, do_handshake_on_connect=False,
                                   server_hostname="main.test")
        t.settimeout(0)
        try:
            t.do_handshake()
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        wait_for(lambda: fe.asked, "asked")
        wait_for(lambda: fe.counters()["half_open"] == 0, "in time")
        assert fe.section("signatures")[0]["cancelled"] == "1"
        fe.answer()
        fe.answering = True
        get(fe, fe.http(p.client()))
        fe.stop()


def test_tls_stop():
    with Place() as p:
        fe = p.start()
        h = fe.http(p.client())
        link(fe, h, 3)
        fe.answering = False
        s = fe.connect()
        t = p.client().wrap_socket(s, do_handshake_on_connect=False,
                                   server_hostname="main.test")
        t.settimeout(0)
        try:
            t.do_handshake()
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        wait_for(lambda: fe.asked, "asked")
        fe.stop()
        assert get_close(h, 1001) == "stopping"


def test_tls_messages():
    """What the parent sends wrong ends this process, not more."""
    with Place() as p:
        for name, payload in (
                ("CONF_CERTIFICATE", struct.pack("<IB", 0, 2) + wstr("/x")),
                ("CONF_CERTIFICATE", struct.pack("<IB", 0, 1) +
                 wstr("/" + "x" * 1025)),
                ("CONF_CA", struct.pack("<IB", 0, 7) + wstr("/x"))):
            fe = p.start()
            fe.parent.send("CONF_BEGIN", struct.pack("<I", 99))
            with open("/dev/null") as f:
                fe.parent.send(name, payload, f.fileno())
            assert fe.p.wait(30) != 0, name
            fe.log.close()
            os.unlink(fe.log.name)
