# SPDX-License-Identifier: ISC
"""
What clients show to prove who they are, written from relay(7) alone, and
certificates of authorities that exist for one test.
"""

import base64
import datetime
import hashlib
import hmac
import ipaddress
import os
import re
import ssl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

PATHS = {"home": "/ws/federation", "main": "/ws/peers"}
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parameters(text):
    """The parameters of a challenge or of credentials."""
    return dict(re.findall(r'(\w+)="?([^",\s]*)"?', text.split(" ", 1)[1])) \
        if " " in text else {}


class Context:
    """What both sides of a proof sign (relay(7), AUTHENTICATION)."""

    def __init__(self, nonce, client, kind, server, cnonce=None):
        self.nonce, self.client, self.kind = nonce, client, kind
        self.server = server
        self.cnonce = cnonce or b64(os.urandom(16))

    def text(self, first, method, key=""):
        return "".join(line + "\n" for line in (
            "relay/1 " + first, method, self.nonce, self.cnonce, self.client,
            self.kind, self.server, PATHS[self.kind], key)).encode()


class KeyAuth:
    """An Ed25519 key; main_key is the text of the one the Main must have."""

    method = "key"

    def __init__(self, key=None, main_key=None):
        self.key = key or ed25519.Ed25519PrivateKey.generate()
        self.main_key = main_key
        self.pub = b64(self.key.public_key().public_bytes(*RAW))

    @property
    def text(self):
        """As it stands in relayd.conf(5)."""
        return "ed25519:" + self.pub

    def sign(self, c):
        return b64(self.key.sign(c.text("client", self.method, self.pub)))

    def header(self, c):
        return "Relay method=%s, nonce=%s, cnonce=%s, key=%s, proof=%s" % (
            self.method, c.nonce, c.cnonce, self.pub, self.sign(c))

    def verify(self, c, proof):
        p = parameters("x " + proof)
        assert p["method"] == "key", proof
        if self.main_key is not None:
            assert "ed25519:" + p["key"] == self.main_key, proof
        pub = ed25519.Ed25519PublicKey.from_public_bytes(unb64(p["key"]))
        try:
            pub.verify(unb64(p["proof"]), c.text("server", self.method,
                                                 p["key"]))
        except InvalidSignature:
            raise AssertionError("the Main's proof is wrong: %s" % proof)


class JoinAuth(KeyAuth):
    """A new key, let in by the one-time secret of a join string."""

    method = "join"

    def __init__(self, secret, key=None, main_key=None):
        super().__init__(key, main_key)
        self.secret = secret

    def header(self, c):
        mac = hmac.new(self.secret, c.text("join", self.method, self.pub),
                       hashlib.sha256)
        return super().header(c) + ", mac=" + b64(mac.digest())


class SecretAuth:
    """A secret that both sides have."""

    method = "secret"

    def __init__(self, secret):
        self.secret = secret if isinstance(secret, bytes) else secret.encode()

    def mac(self, c, first):
        return b64(hmac.new(self.secret, c.text(first, "secret"),
                            hashlib.sha256).digest())

    def header(self, c):
        return "Relay method=secret, nonce=%s, cnonce=%s, proof=%s" % (
            c.nonce, c.cnonce, self.mac(c, "client"))

    def verify(self, c, proof):
        p = parameters("x " + proof)
        assert p == {"method": "secret", "proof": self.mac(c, "server")}, proof


class TokenAuth:
    """A bearer token; nothing comes back."""

    def __init__(self, token):
        self.token = token

    def header(self, c):
        return "Bearer " + self.token

    def verify(self, c, proof):
        assert proof is None, proof


def token_hash(token):
    """As it stands in relayd.conf(5)."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def join_parse(text):
    """The fields of a join string (relay(7), JOINING)."""
    prefix, body = text.rsplit(".", 1)
    assert prefix == "relay-join-1", text
    raw = unb64(body)
    assert hashlib.sha256(raw[:-4]).digest()[:4] == raw[-4:], text
    at = 1

    def take(n):
        nonlocal at
        at += n
        return raw[at - n:at]

    def string():
        return take(int.from_bytes(take(2), "little")).decode()

    out = {"version": raw[0], "url": string(), "node_id": string(),
           "main_id": string(), "main_key": "ed25519:" + b64(take(32)),
           "secret": take(32), "expires_ms": int.from_bytes(take(8), "little"),
           "pin": string()}
    assert at == len(raw) - 4, text
    return out


# --- certificates ---

def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alt(text):
    if text.startswith("spiffe://"):
        return x509.UniformResourceIdentifier(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def new_key(kind="ec"):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """A certificate authority whose files are in a directory."""

    def __init__(self, directory, name="Test CA"):
        self.dir, self.name = directory, name
        self.key = new_key()
        self.cert = self._sign(self.key, name, [], True, 3650, 0)
        self.file = self._write(name.replace(" ", "-") + ".pem",
                                self._pem(self.cert))

    @staticmethod
    def _pem(cert):
        return cert.public_bytes(serialization.Encoding.PEM)

    def _write(self, name, data, mode=0o644):
        path = os.path.join(self.dir, name)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        return path

    def _sign(self, key, subject, names, is_ca, days, begin_days):
        now = datetime.datetime.utcnow()
        b = x509.CertificateBuilder().subject_name(_name(subject)) \
            .issuer_name(_name(self.name)).public_key(key.public_key()) \
            .serial_number(x509.random_serial_number()) \
            .not_valid_before(now - datetime.timedelta(days=1 + begin_days)) \
            .not_valid_after(now + datetime.timedelta(days=days)) \
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None),
                           critical=True)
        if names:
            b = b.add_extension(x509.SubjectAlternativeName(
                [_alt(n) for n in names]), critical=False)
        return b.sign(self.key, hashes.SHA256())

    def issue(self, file, names, kind="ec", days=30, key=None, begin_days=0):
        """(certificate file, key file) for names: DNS, addresses, SPIFFE."""
        key = key or new_key(kind)
        cert = self._sign(key, "test", names, False, days, begin_days)
        pem = key.private_bytes(serialization.Encoding.PEM,
                                serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        return (self._write(file + ".pem", self._pem(cert) +
                            self._pem(self.cert)),
                self._write(file + ".key", pem, 0o600))

    def client(self, cert=None, check=True):
        """An ssl.SSLContext that trusts this authority."""
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if check:
            c.load_verify_locations(self.file)
        else:
            c.check_hostname = False
            c.verify_mode = ssl.CERT_NONE
        if cert is not None:
            c.load_cert_chain(*cert)
        return c


def pin_of(cert_file):
    """The pin of a certificate: its SubjectPublicKeyInfo's SHA-256."""
    with open(cert_file, "rb") as f:
        cert = x509.load_pem_x509_certificate(f.read())
    spki = cert.public_key().public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + b64(hashlib.sha256(spki).digest())
