# SPDX-License-Identifier: ISC
"""relay-keeper under a parent and a front-end of a test's making, and keys
for it."""

import datetime
import os
import tempfile

import parent
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed25519, padding, rsa)
from fields import PROC, data, string, u8, u16, u32, u64
from parent import Child

SHOW_SUMMARY, SHOW_TLS = 1, 12
PEM = serialization.Encoding.PEM
PSS_SHA256, ECDSA_SHA256, ED25519 = 0x0804, 0x0403, 0x0807
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}


def tls13(server=True, digest=b"\x5a" * 32):
    """What a side of TLS 1.3 signs (RFC 8446 section 4.4.3)."""
    side = b"server" if server else b"client"
    return b" " * 64 + b"TLS 1.3, " + side + b" CertificateVerify\0" + digest


def tls12(group=29, point=b"\x04" * 32):
    """What a server of TLS 1.2 signs (RFC 8422 section 5.4)."""
    return (b"\xa5" * 64 + b"\x03" + group.to_bytes(2, "big")
            + bytes([len(point)]) + point)


class Key:
    """A private key with a certificate for it."""

    def __init__(self, kind):
        if kind == "ed25519":
            self.key = ed25519.Ed25519PrivateKey.generate()
            self.scheme = ED25519
        elif kind in CURVES:
            self.key = ec.generate_private_key(CURVES[kind])
            self.scheme = ECDSA_SHA256
        else:
            self.key = rsa.generate_private_key(65537, int(kind))
            self.scheme = PSS_SHA256
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "t")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(1)
        digest = None if kind == "ed25519" else hashes.SHA256()
        self.cert = (x509.CertificateBuilder().subject_name(name)
                     .issuer_name(name).public_key(self.key.public_key())
                     .serial_number(1).not_valid_before(now - day)
                     .not_valid_after(now + day).sign(self.key, digest))

    def pem(self, passphrase=None):
        how = serialization.NoEncryption() if passphrase is None else \
            serialization.BestAvailableEncryption(passphrase)
        return self.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, how)

    def cert_pem(self):
        return self.cert.public_bytes(PEM)

    def verify(self, signature, content):
        """It raises InvalidSignature."""
        public = self.key.public_key()
        if self.scheme == ED25519:
            public.verify(signature, content)
        elif self.scheme == ECDSA_SHA256:
            public.verify(signature, content, ec.ECDSA(hashes.SHA256()))
        else:
            public.verify(signature, content, padding.PSS(
                padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def file_of(content):
    """A file with this content as an fd, of which no name is left."""
    with tempfile.NamedTemporaryFile(prefix="relayd-test-") as f:
        f.write(content)
        f.flush()
        return os.open(f.name, os.O_RDONLY | os.O_CLOEXEC)


class Keeper(Child):
    """keys: (Key, server) by index; files: what is sent instead."""

    def __init__(self, *keys, **kwargs):
        super().__init__("keeper", **kwargs)
        self.keys = keys
        self.request = 100

    @property
    def frontend(self):
        return self.peers["frontend"]

    def send_key(self, index, fd, name="/k.pem"):
        self.ch.send("CONF_KEY", u32(index) + string(name), [fd])
        os.close(fd)

    def send_certificate(self, index, fd, server=True, name="/c.pem"):
        self.ch.send("CONF_CERTIFICATE",
                     u32(index) + u8(server) + string(name), [fd])
        os.close(fd)

    def begin(self):
        self.generation += 1
        self.ch.send("CONF_BEGIN", u32(self.generation))
        self.ch.send("CONF_NODE", parent.conf_node(self.role))

    def end(self):
        """"" if it is ready, else why it was rejected."""
        self.ch.send("CONF_END", u32(self.generation))
        name, r = self.ch.expect("CONF_READY", "CONF_REJECT")
        assert r.u32() == self.generation
        return "" if name == "CONF_READY" else r.string()

    def abort(self):
        self.ch.send("CONF_ABORT", u32(self.generation))

    def configure(self):
        self.begin()
        for i, (key, server) in enumerate(self.keys):
            self.send_key(i, file_of(key.pem()), f"/k{i}.pem")
            self.send_certificate(i, file_of(key.cert_pem()), server)
        assert self.end() == ""

    def ask(self, index, scheme, content, generation=None):
        self.request += 1
        self.frontend.send("KEY_SIGN", u64(self.request)
                           + u32(generation or self.generation) + u32(index)
                           + u16(scheme) + data(content))
        return self.request

    def answer(self):
        """The next one: request, signature."""
        _, r = self.frontend.expect("KEY_SIGNED")
        return r.u64(), r.data()

    def sign(self, index, scheme, content, generation=None):
        request = self.ask(index, scheme, content, generation)
        got, signature = self.answer()
        assert got == request
        return signature

    def expect_offence(self):
        """The front-end is reported and its channel closed; the next one
        is served."""
        _, r = self.ch.expect("OFFENDER")
        assert r.u8() == PROC["frontend"]
        self.frontend.expect_end()
        self.give_peer("frontend")
        self.alive()

    def rows(self, what):
        """{section: [row]}."""
        out = {}
        self.ch.send("CTL_SHOW", u64(9) + u8(what))
        while True:
            name, r = self.ch.expect("CTL_ROW", "CTL_END")
            assert r.u64() == 9
            if name == "CTL_END":
                return out
            row = {}
            out.setdefault(r.string(), []).append(row)
            for _ in range(r.u16()):
                key = r.string()
                r.u8()
                row[key] = r.string()

    def summary(self):
        return self.rows(SHOW_SUMMARY)["keeper"][0]
