# SPDX-License-Identifier: ISC
"""
Walls: the keys of TLS, between a front-end that was taken over and the keeper,
and the other way round.
"""

import os
import socket
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fields import NONE, PROC, data, frame, string, u8, u16, u32, u64
from process import PATIENCE, wait_for
from puppet import Ended
from siege import LIVES, Siege

TIMEOUT = 180


def sign(s, content, generation=1, key=0, scheme=0x0403, request=[0]):
    """What the keeper makes of it."""
    request[0] += 1
    ident = (1 << 63) + request[0]
    s.puppet.say("keeper", "KEY_SIGN", u64(ident) + u32(generation) + u32(key)
                 + u16(scheme) + data(content))
    found = []

    def answered():
        found.extend(p[12:] for _, n, p in s.puppet.heard()
                     if n == "KEY_SIGNED" and p[:8] == u64(ident))
        return found
    wait_for(answered, "KEY_SIGNED")
    return found[0]


def verify_content(context=b"TLS 1.3, server CertificateVerify", hashed=32):
    """RFC 8446 section 4.4.3."""
    return b" " * 64 + context + b"\0" + b"h" * hashed


def handshake(s):
    """The generation in force, in which a handshake is signed: what is
    refused beside it is not refused for another reason."""
    signs = [g for g in range(1, 6) if sign(s, verify_content(), g)]
    assert signs, "nothing is signed"
    return max(signs)


GOOD = verify_content()
# Scheme, key, content: each costs the front-end its life.
DOCUMENTS = [
    (0x0403, 0, b"transfer everything to mallory"),
    (0x0403, 0, b"\0" * 32),
    (0x0403, 0, os.urandom(64)),
    (0x0403, 0, b"\x30\x82\x01\x0a" + b"\1" * 300),
    (0x0403, 0, GOOD[1:]),
    (0x0403, 0, GOOD + b"x"),
    (0x0403, 0, GOOD[:-1]),
    (0x0403, 0, verify_content(b"TLS 1.3, server certificateverify")),
    (0x0403, 0, verify_content(b"TLS 1.3, client CertificateVerify")),
    (0x0403, 0, verify_content(hashed=0)),
    (0x0403, 0, os.urandom(900)),
    (0x0807, 0, GOOD),
    (0x0804, 0, GOOD),
    (0x0201, 0, GOOD),
    (0x0403, 1, GOOD),
    (0x0403, NONE, GOOD),
]


def documents(t, part):
    s = Siege(t, "frontend")
    generation = handshake(s)
    for scheme, key, content in DOCUMENTS[part::len(DOCUMENTS) // LIVES]:
        try:
            s.puppet.say("keeper", "KEY_SIGN", u64(1) + u32(generation)
                         + u32(key) + u16(scheme) + data(content))
        except Ended:
            pass
        s.blamed("keeper says: KEY_SIGN")
        assert not any(n == "KEY_SIGNED" and p[:8] == u64(1)
                       for _, n, p in s.puppet.heard())
    s.stands()


def test_frontend_signs_no_documents_0(t):
    """The keeper signs handshakes; who wants more of it is ended."""
    documents(t, 0)


def test_frontend_signs_no_documents_1(t):
    documents(t, 1)


def test_frontend_signs_no_documents_2(t):
    documents(t, 2)


def test_frontend_signs_no_documents_3(t):
    documents(t, 3)


def test_frontend_signs_by_no_old_key(t):
    """Generations that are gone or never were have no keys."""
    s = Siege(t, "frontend")
    now = handshake(s)
    for generation in (0, now + 1, now + 1000, NONE):
        assert sign(s, GOOD, generation) == b"", generation
    s.stands()


# --- a keeper ---

class Shake(threading.Thread):
    """A client's handshake: error is None if it came to an end."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.error = None
        self.s = node.tls.wrap_socket(
            socket.create_connection(("127.0.0.1", node.port), PATIENCE),
            server_hostname="127.0.0.1", do_handshake_on_connect=False)
        self.start()

    def run(self):
        try:
            self.s.do_handshake()
            self.s.close()
        except (OSError, ValueError) as e:
            self.error = e

    def end(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "a handshake that does not end"
        return self.error


def asked(s):
    """(request, what is to be signed) of the next KEY_SIGN."""
    p = s.puppet.hear("KEY_SIGN")
    return p[:8], p[22:]


def key_of(s):
    with open(s.node.certs[0][1], "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def signature(key, content):
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def hand_over(s, content_to_signature):
    """A handshake signed like that; why it failed, or None."""
    shake = Shake(s.node)
    request, content = asked(s)
    s.puppet.say("frontend", "KEY_SIGNED", request + data(
        content_to_signature(content)))
    return shake.end()


def test_keeper_signs_right(t):
    """Paired with the next: the same way, signed as it should be."""
    s = Siege(t, "keeper")
    s.puppet.mute("KEY_SIGN")
    key = key_of(s)
    for _ in range(3):
        assert hand_over(s, lambda c: signature(key, c)) is None
    s.puppet.mute()
    s.stands()


def test_keeper_signs_wrong(t):
    """A signature that is none, by another key, of something else or of
    another's handshake: the client is not linked, and all others go on."""
    s = Siege(t, "keeper")
    s.puppet.mute("KEY_SIGN")
    key, other = key_of(s), ec.generate_private_key(ec.SECP256R1())
    earlier = []

    def keep(content):
        earlier.append(signature(key, content))
        return earlier[0]
    assert hand_over(s, keep) is None
    for what in (lambda c: b"", lambda c: os.urandom(70), lambda c: bytes(71),
                 lambda c: signature(other, c),
                 lambda c: signature(key, c[:-1]),
                 lambda c: signature(key, GOOD),
                 lambda c: signature(key, c)[:-1],
                 lambda c: earlier[0]):
        assert hand_over(s, what) is not None
        s.calls_go_on()
    # Those of two at once, each to the other.
    shakes, asks = [], []
    for _ in range(2):
        shakes.append(Shake(s.node))
        asks.append(asked(s))
    for (request, _), (_, content) in zip(asks, asks[::-1]):
        s.puppet.say("frontend", "KEY_SIGNED", request + data(
            signature(key, content)))
    assert all(shake.end() is not None for shake in shakes)
    s.puppet.mute()
    assert Shake(s.node).end() is None
    assert s.puppet.alive()
    s.calls_go_on()
    s.stands()


def test_keeper_signs_too_long(t):
    """One of more bytes than its key makes ends the front-end, as it trusts
    the keeper, and nothing that was not there before."""
    s = Siege(t, "keeper")
    s.puppet.mute("KEY_SIGN")
    shake = Shake(s.node)
    request, _ = asked(s)
    s.puppet.say("frontend", "KEY_SIGNED", request + data(bytes(2000)))
    assert shake.end() is not None
    s.wait_log("frontend.*: channel to keeper: KEY_SIGNED")
    s.wait_log("frontend runs again")
    s.puppet.mute()
    s.stands(others=("frontend",))


def test_keeper_silent(t):
    """Handshakes that wait for it hold up nobody who has made his."""
    s = Siege(t, "keeper")
    s.puppet.mute("KEY_SIGN")
    shakes, waiting = [Shake(s.node) for _ in range(40)], []

    def all_wait():
        waiting.extend(n for _, n, _ in s.puppet.heard() if n == "KEY_SIGN")
        return len(waiting) == len(shakes)
    wait_for(all_wait, "the handshakes wait")
    for _ in shakes:
        s.calls_go_on()
    code, out, err = s.node.ctl("node", "list")
    assert code == 0, (out, err)
    for shake in shakes:
        assert shake.is_alive()
        shake.s.shutdown(socket.SHUT_RDWR)
        assert shake.end() is not None
    s.puppet.mute()
    assert Shake(s.node).end() is None
    s.calls_go_on()
    s.stands()


def test_keeper_answers_unasked(t):
    """Signatures by the thousand that nobody has asked for."""
    s = Siege(t, "keeper")
    for base in (0, 1, 1 << 63):
        s.puppet.send("frontend", b"".join(
            frame("KEY_SIGNED", u64(base + n) + data(bytes(70)))
            for n in range(4000)))
        s.calls_go_on()
    assert Shake(s.node).end() is None
    s.stands()


def test_keeper_accuses(t):
    """Who is trusted more it cannot have ended."""
    s = Siege(t, "keeper")
    for proc in ("registry", "parent", "keeper"):
        try:
            s.puppet.say("parent", "OFFENDER", u8(PROC[proc]) + string("he"))
        except Ended:
            pass
        s.blamed("channel: OFFENDER")
        s.calls_go_on()
    s.stands()
