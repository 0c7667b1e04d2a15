# SPDX-License-Identifier: ISC
"""A relay-frontend that speaks TLS, with a keeper made of this test."""

import os
import shutil
import socket
import ssl
import struct
import tempfile
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed25519, padding, rsa)

import trust
from rig import Frontend, wbytes, wstr
from steps import Http, Options

NONE = 0xffffffff
SHOW_TLS = 12
HASHES = {4: hashes.SHA256, 5: hashes.SHA384, 6: hashes.SHA512}


def sign(key, scheme, content):
    """A signature as TLS has it (RFC 8446 section 4.2.3)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        assert scheme == 0x0807, hex(scheme)
        return key.sign(content)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(content, ec.ECDSA(HASHES[scheme >> 8]()))
    assert isinstance(key, rsa.RSAPrivateKey)
    if scheme >> 8 == 8:
        h = HASHES[scheme & 15]()
        return key.sign(content, padding.PSS(padding.MGF1(h),
                                             h.digest_size), h)
    return key.sign(content, padding.PKCS1v15(), HASHES[scheme >> 8]())


class Tls(Frontend):
    """certs: (certificate file, key file) of the listener; shown: of those
    it dials, from index 32 on; client_ca, cas: files."""

    def __init__(self, program=None, certs=(), shown=(), client_ca=None,
                 cas=(), tls=True, **k):
        self.tls = tls
        self.certs, self.shown = list(certs), list(shown)
        self.client_ca, self.cas = client_ca, list(cas)
        self.keeper = None
        self.answering = True   # the keeper signs
        self.refusing = False
        self.asked = []         # requests not answered
        k.setdefault("sandbox", Options.sandbox)
        super().__init__(program or Options.program, **k)

    def start_keeper(self):
        self.add_peer("keeper")
        self.keeper.s.settimeout(None)
        threading.Thread(target=self.keep, args=(self.keeper,),
                         daemon=True).start()

    def keep(self, channel):
        try:
            while True:
                r = channel.expect("KEY_SIGN")
                request, _, index, scheme, content = (
                    r.take("Q"), r.take("I"), r.take("I"), r.take("H"),
                    r.bytes())
                self.asked.append((request, index, scheme, content))
                if self.answering:
                    self.answer(channel)
        except (EOFError, OSError):
            pass

    def answer(self, channel=None):
        """All that was asked and not answered."""
        while self.asked:
            request, index, scheme, content = self.asked.pop(0)
            if self.refusing:
                signature = b""
            else:
                file = (self.certs + self.shown[:0])[index][1] \
                    if index < 32 else self.shown[index - 32][1]
                with open(file, "rb") as f:
                    key = serialization.load_pem_private_key(f.read(), None)
                signature = sign(key, scheme, content)
            (channel or self.keeper).send(
                "KEY_SIGNED", struct.pack("<Q", request) + wbytes(signature))

    def send_file(self, name, head, file):
        fd = os.open(file, os.O_RDONLY)
        self.parent.send(name, head + wstr(file), fd)
        os.close(fd)

    def send_files(self):
        if self.keeper is None:
            self.start_keeper()
        for i, (cert, _) in enumerate(self.certs):
            self.send_file("CONF_CERTIFICATE", struct.pack("<IB", i, 1),
                           cert)
        for i, (cert, _) in enumerate(self.shown, 32):
            self.send_file("CONF_CERTIFICATE", struct.pack("<IB", i, 0),
                           cert)
        if self.client_ca:
            self.send_file("CONF_CA", struct.pack("<IB", 63, 1),
                           self.client_ca)
        for i, file in enumerate(self.cas):
            self.send_file("CONF_CA", struct.pack("<IB", i, 0), file)

    def wrap(self, ctx, host="main.test", **k):
        """A TLS connection; its handshake is done."""
        return ctx.wrap_socket(self.connect(), server_hostname=host, **k)

    def http(self, ctx, host="main.test", **k):
        return Http(self, self.wrap(ctx, host, **k))

    def section(self, name):
        return [row for section, row in self.show(SHOW_TLS)
                if section == name]

    def counters(self):
        return {k: int(v) for k, v in self.section("tls")[0].items()}


class Place:
    """A directory with an authority and a certificate of main.test."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="frontend-tls.")
        self.ca = trust.Authority(self.dir)
        self.cert = self.ca.issue("main", ["main.test", "127.0.0.1"])
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def start(self, **k):
        k.setdefault("certs", [self.cert])
        return Tls(**k)

    def client(self, version=None, **k):
        ctx = self.ca.client(**k)
        if version:
            ctx.minimum_version = ctx.maximum_version = version
        return ctx


VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def target(ca=0, pin="", key=NONE):
    """What CONF_UPLINK says of a Main that is dialled by TLS."""
    return struct.pack("<BI", 1, ca) + wstr(pin) + struct.pack("<I", key)


def pair():
    """(the dialer's end, the server's end) of a connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    server.settimeout(30)
    return s, server
