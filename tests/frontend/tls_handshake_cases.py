# SPDX-License-Identifier: ISC
"""TLS of listeners: what a handshake agrees on, and who is who."""

import os
import ssl
import subprocess
import time

import early
import trust
from rig import wait_for
from steps import request, respond
from tls_rig import VERSIONS, Place
from tls_steps import GET, auth, get, handshake_fails


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
        wait_for(lambda: "TLS renegotiation: refused" in fe.logged(),
                 "said so")
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
        assert "Early data was not sent" in text, text
        # and from who sends some nevertheless
        early.allow(file)
        words = os.path.join(p.dir, "words")
        with open(words, "wb") as f:
            f.write(GET)
        text = early.offer(fe.port, file, words, "-servername", "main.test")
        assert "Reused, TLS" in text, text
        assert "Early data was rejected" in text, text
        wait_for(lambda: "TLS early data: refused" in fe.logged(), "said so")
        assert fe.logged().count("TLS early data") == 1
        assert fe.router.quiet()
        get(fe, fe.http(p.client()))
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
