# SPDX-License-Identifier: ISC
"""TLS with those who mean harm, or do it."""

import ctypes
import ctypes.util
import os
import socket
import struct
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import trust
from cases import CLOSE, TEXT, frame
from rig import wait_for
from steps import (
    accept, down, get_close, get_frame, request, respond, send_text)
from tls_rig import VERSIONS, Place
from tls_steps import GET, auth, begin, get, handshake_fails, link


def spent(fe):
    """Seconds of processor time."""
    with open("/proc/%d/stat" % fe.p.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(fe, what):
    """Nothing happens, so nothing is done."""
    before = spent(fe)
    time.sleep(0.4)
    used = spent(fe) - before
    assert used < 0.2, "%s: busy for %.2f s" % (what, used)


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


# --- ends in odd places ---

def test_tls_ends():
    """No end is waited for with work."""
    with Place() as p:
        fe = p.start()
        for end in (lambda s: s.shutdown(socket.SHUT_WR), reset):
            h = fe.http(p.client())     # an answer is waited for
            h.send(GET)
            rid = request(fe)[0]
            end(h.s)
            fe.router.expect("HTTP_CANCEL")
            idle(fe, "waiting")
            respond(fe, rid)
            h = fe.http(p.client())     # and a word of the router
            conn, _ = auth(fe, h)
            end(h.s)
            idle(fe, "authentication")
            accept(fe, conn, 5)
            down(fe, 5)
            # an answer that is not taken, and the end of the requests
            h = fe.http(p.client())
            h.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            respond(fe, request(fe)[0], 200, b"x" * (8 << 20))
            time.sleep(0.1)
            end(h.s)
            idle(fe, "lingering")
            h = fe.http(p.client())     # part of a record
            link(fe, h, 6)
            raw = socket.socket(fileno=os.dup(h.s.fileno()))
            raw.sendall(b"\x17\x03\x03\x40\x00" + b"x" * 1000)
            idle(fe, "part of a record")
            raw.close()
            end(h.s)
            down(fe, 6)
            fe.answering = False        # while the keeper works
            s = begin(fe, p)
            end(s)
            idle(fe, "the keeper")
            fe.answer()
            fe.answering = True
        get(fe, fe.http(p.client()))
        fe.stop()


def test_tls_paused():
    """Whatever ends while the keeper works, in any order."""
    with Place() as p:
        other = p.ca.issue("other", ["main.test"])
        for what in ("reload", "reload twice", "keeper", "router", "reset",
                     "stop"):
            fe = p.start()
            fe.answering = False
            paused = [begin(fe, p) for _ in range(20)]
            for s in paused[::2]:
                reset(s)
            if what.startswith("reload"):
                old, fe.certs = fe.certs, [other]
                assert fe.configure() is None
                if what != "reload":
                    assert fe.configure() is None
                fe.certs = old
            elif what == "keeper":
                fe.keeper.s.shutdown(2)
                wait_for(lambda: int(fe.section("signatures")[0]["failed"]),
                         "failed")
                fe.asked.clear()
                fe.start_keeper()
            elif what == "router":
                fe.router.s.close()
                fe.add_peer("router")
            elif what == "reset":
                for s in paused[1::2]:
                    reset(s)
            if what != "stop":
                fe.answer()
                wait_for(lambda: fe.section("signatures")[0]["pending"] ==
                         "0", "settled")
                fe.answering = True
                fe.certs = [other] if what.startswith("reload") else fe.certs
                get(fe, fe.http(p.client()))
            fe.stop()


# --- floods ---

class Raw:
    """A client by libssl itself."""

    lib = ctypes.CDLL(ctypes.util.find_library("ssl"))
    for name, kind in (("SSL_CTX_new", 1), ("TLS_client_method", 0),
                       ("SSL_new", 1)):
        fn = getattr(lib, name)
        fn.restype = ctypes.c_void_p
        fn.argtypes = [ctypes.c_void_p] * kind

    def __init__(self, sock, name=None):
        self.s = sock
        sock.settimeout(None)   # libssl reads it
        self.ctx = self.lib.SSL_CTX_new(self.lib.TLS_client_method())
        self.ssl = ctypes.c_void_p(self.lib.SSL_new(self.ctx))
        self.lib.SSL_set_fd(self.ssl, sock.fileno())
        if name is not None:
            self.lib.SSL_ctrl(self.ssl, 55, ctypes.c_long(0),
                              ctypes.c_char_p(name))

    def connect(self):
        return self.lib.SSL_connect(self.ssl)

    def write(self, data):
        return self.lib.SSL_write(self.ssl, data, len(data))

    def read(self):
        buf = ctypes.create_string_buffer(65536)
        n = self.lib.SSL_read(self.ssl, buf, len(buf))
        return buf.raw[:max(n, 0)]

    def new_keys(self, ours=True):
        return (self.lib.SSL_key_update(self.ssl, int(ours)) == 1 and
                self.lib.SSL_do_handshake(self.ssl) == 1)


def test_tls_key_updates():
    """Thousands of new keys cost their sender more than us."""
    with Place() as p:
        fe = p.start()
        other = fe.http(p.client())
        raw = Raw(fe.connect())
        assert raw.connect() == 1
        before, rss = spent(fe), fe.rss()
        sent = 0
        while sent < 20000 and raw.new_keys():
            sent += 1
        get(fe, other)
        assert spent(fe) - before < 10
        assert fe.sanitized or fe.rss() - rss < 4 << 20, fe.rss() - rss
        if sent == 20000:
            raw.write(GET)
            respond(fe, request(fe)[0])
            assert b"200" in raw.read()
        fe.stop()


def test_tls_odd_sni():
    with Place() as p:
        fe = p.start(certs=[p.cert, p.ca.issue("w", ["*.wild.test"])])
        for name in (b"x", b"\xff\xfe", b"a b", b"*", b"*.wild.test", b".",
                     b"..", b".wild.test", b"a.wild.test.", b"%s%n",
                     b"a\r\nb", b"127.0.0.1", b"x" * 255):
            raw = Raw(fe.connect(), name)
            assert raw.connect() == 1, name
            raw.write(GET)
            respond(fe, request(fe)[0])
            assert b"200" in raw.read(), name
        fe.stop()


# --- certificates of clients ---

def make(p, file, names=(), signer=None, is_ca=False, subject="test"):
    """(certificate, its key) with alternative names as they are; the file
    has the whole chain."""
    key = trust.new_key()
    issuer_cert, issuer_key, chain = signer or (p.ca.cert, p.ca.key, b"")
    b = x509.CertificateBuilder().subject_name(trust._name(subject)) \
        .issuer_name(issuer_cert.subject).public_key(key.public_key()) \
        .serial_number(x509.random_serial_number()) \
        .not_valid_before(p.ca.cert.not_valid_before) \
        .not_valid_after(p.ca.cert.not_valid_after) \
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None),
                       critical=True)
    if names:
        b = b.add_extension(x509.SubjectAlternativeName(names),
                            critical=False)
    cert = b.sign(issuer_key, hashes.SHA256())
    pem = cert.public_bytes(serialization.Encoding.PEM) + chain
    text = key.private_bytes(serialization.Encoding.PEM,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())
    return (p.ca._write(file + ".pem", pem),
            p.ca._write(file + ".key", text, 0o600)), (cert, key, pem)


def dns(text):
    """A dNSName that is not checked."""
    return x509.DNSName._init_without_validation(text)


def uri(text):
    return x509.UniformResourceIdentifier._init_without_validation(text)


def shown(fe, p, cert, version=None):
    h = fe.http(p.client(version, cert=cert))
    got = auth(fe, h)[1]
    h.s.close()
    return got


def test_tls_odd_client_names():
    with Place() as p:
        fe = p.start(client_ca=p.ca.file)
        odd = [dns("a.test\0.evil"), dns("two names"), dns("x\ny"), dns(""),
               dns("*.example.com"), dns("*"), dns("a*b.test"),
               uri("spiffe://x/ y"), uri("x\0y"), uri("a uri:spiffe://admin"),
               dns("a dns:admin"), dns("\x7f"),
               x509.RFC822Name("admin@x.test"),
               x509.DirectoryName(trust._name("dns:admin"))]
        cert, _ = make(p, "odd", odd, subject="dns:admin")
        assert shown(fe, p, cert) == ""
        cert, _ = make(p, "mixed", odd + [dns("good.test")])
        assert shown(fe, p, cert) == "dns:good.test"
        # as many as fit, whole
        cert, _ = make(p, "many", [dns("n%04d.example.com" % i)
                                   for i in range(900)])
        for version in VERSIONS:
            got = shown(fe, p, cert, version).split(" ")
            assert 80 < len(got) < 900
            assert got == ["dns:n%04d.example.com" % i
                           for i in range(len(got))]
        # more than is taken of a stranger
        cert, _ = make(p, "huge", [dns("n%04d.example.com" % i)
                                   for i in range(2500)])
        rss = fe.rss()
        for version in VERSIONS * 5:
            handshake_fails(fe, p.client(version, cert=cert))
        assert fe.sanitized or fe.rss() - rss < 8 << 20
        wait_for(lambda: "excessive message size" in fe.logged(), "said so")
        fe.stop()


def test_tls_client_chains():
    """Authorities: several in a file, and below them, but not for ever."""
    with Place() as p:
        os.mkdir(os.path.join(p.dir, "second"))
        second = trust.Authority(os.path.join(p.dir, "second"), "Second CA")
        both = p.ca._write("both.pem", p.ca._pem(p.ca.cert) +
                           second._pem(second.cert))
        fe = p.start(client_ca=both)
        assert shown(fe, p, p.ca.issue("a", ["a.test"])) == "dns:a.test"
        assert shown(fe, p, second.issue("b", ["b.test"])) == "dns:b.test"
        signer = None
        for depth in range(1, 12):
            _, signer = make(p, "ca%d" % depth, signer=signer, is_ca=True,
                             subject="CA %d" % depth)
            cert, _ = make(p, "leaf%d" % depth, [dns("x.test")], signer)
            if depth <= 8:
                assert shown(fe, p, cert) == "dns:x.test", depth
            else:
                handshake_fails(fe, p.client(cert=cert))
        # a leaf is no authority
        leaf, signer = make(p, "leaf", [dns("x.test")], subject="leaf")
        cert, _ = make(p, "below", [dns("y.test")], signer)
        handshake_fails(fe, p.client(cert=cert))
        wait_for(lambda: fe.counters()["failed"] == 4, "four failures")
        text = fe.logged()
        assert "certificate chain too long" in text, text
        assert "the certificate of the client: invalid CA certificate" in \
            text, text
        fe.stop()


def test_tls_client_ca_changes():
    """A certificate is worth what the configuration in force believes."""
    with Place() as p:
        os.mkdir(os.path.join(p.dir, "other"))
        other = trust.Authority(os.path.join(p.dir, "other"), "Other CA")
        copy = p.ca._write("copy.pem", p.ca._pem(p.ca.cert))
        mine = p.ca.issue("alice", ["alice.test"])
        for version in VERSIONS:
            for after in (other.file, None):
                fe = p.start(client_ca=p.ca.file)
                c = p.client(version, cert=mine)
                h, plain, waits, head = (
                    fe.http(c), fe.http(p.client(version)), fe.http(c),
                    fe.http(c))
                assert link(fe, h, 1) == "dns:alice.test"
                assert link(fe, plain, 2) == ""
                # the same in another file
                fe.client_ca = copy
                assert fe.configure() is None
                for session, link_ in ((1, h), (2, plain)):
                    send_text(fe, session, b"still")
                    assert get_frame(link_) == (TEXT, b"still")
                conn = auth(fe, waits)
                assert conn[1] == "dns:alice.test"
                fe.answering = False
                late = []
                t = threading.Thread(target=lambda: late.append(fe.http(c)))
                t.start()
                wait_for(lambda: fe.asked, "asked")
                fe.client_ca = after
                assert fe.configure() is None
                assert "client-ca" in get_close(h, 1012)
                assert "client-ca" in down(fe, 1)
                assert waits.answer()[0] == 503
                accept(fe, conn[0], 9)
                down(fe, 9)
                assert auth(fe, head)[1] == ""
                fe.answer()
                t.join()
                fe.answering = True
                assert auth(fe, late[0])[1] == ""
                send_text(fe, 2, b"still")
                assert get_frame(plain) == (TEXT, b"still")
                plain.send(frame(CLOSE, b"\x03\xe8"))
                down(fe, 2)
                fe.stop()
