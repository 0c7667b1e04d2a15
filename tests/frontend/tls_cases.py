# SPDX-License-Identifier: ISC
"""TLS of listeners: what goes over it, strays, and its configuration."""

import json
import os
import re
import socket
import ssl
import struct
import subprocess
import threading

from cases import CLOSE, PING, PONG, TEXT, frame
from rig import wait_for, wstr
from steps import (
    NODE, POST, UPGRADE, Http, accept, down, get_close, get_frame, request,
    respond, send_text, text_at_router)
from tls_rig import VERSIONS, Place
from tls_steps import GET, ByHand, get, handshake_fails, link


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
            h = ByHand(fe, p.client(version), step=1)
            h.until(h.tls.do_handshake)
            h.tls.write(GET)
            h.flush()
            respond(fe, request(fe)[0])
            assert h.until(lambda: h.tls.read(100)).startswith(
                b"HTTP/1.1 200 ")
            h.s.close()
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
        h = ByHand(fe, p.client())
        h.until(h.tls.do_handshake)
        h.tls.write(UPGRADE + NODE + b"\r\n")
        h.flush()
        accept(fe, fe.router.expect("LINK_AUTH").take("Q"), 4)
        h.until(lambda: h.tls.read(1000))
        h.tls.write(frame(TEXT, b"last"))
        try:
            h.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        h.flush()
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
        assert re.search(r"%s: expired at \S+Z; names: main\.test\n" %
                         re.escape(old[0]), text), text
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
