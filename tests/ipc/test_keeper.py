#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""relay-keeper in its sandbox under a parent and a front-end of this test's
making: what it signs, what it refuses and how, keys that change under way,
files that are none, and a front-end that asks without end."""

import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import parent  # noqa: E402
import runner  # noqa: E402
from fields import u8, u64  # noqa: E402
from keeper_rig import (  # noqa: E402
    ECDSA_SHA256, ED25519, PSS_SHA256, SHOW_TLS, Keeper, Key, file_of, tls12,
    tls13)

KINDS = ("2048", "P-256", "P-384", "ed25519")


def signs():
    keys = [Key(kind) for kind in KINDS]
    with Keeper(*((k, True) for k in keys)) as d:
        d.to_run()
        for i, key in enumerate(keys):
            contents = [tls12(), tls12(23, b"\x04" + b"\x01" * 64)]
            if KINDS[i] != "P-384":  # of TLS 1.3 it has another hash
                contents += [tls13(), tls13(digest=b"\x01" * 48)]
            for content in contents:
                key.verify(d.sign(i, key.scheme, content), content)
        assert d.summary() == {"keys": "4", "signatures": "14",
                               "refused": "0", "stale": "0"}
        rows = d.rows(SHOW_TLS)["keys"]
        assert [r["type"] for r in rows] == [
            "rsa", "ecdsa-p256", "ecdsa-p384", "ed25519"]
        assert [r["signatures"] for r in rows] == ["4", "4", "2", "4"]
        assert [r["file"] for r in rows] == [f"/k{i}.pem" for i in range(4)]
        assert [r["index"] for r in rows] == ["0", "1", "2", "3"]
        assert rows[0]["bits"] == "2048" and int(rows[0]["mean_us"]) > 0
        assert "seccomp=enforce" in d.report or "sanitizer" in d.report
        # Nothing of a key or a handshake is said.
        assert "PRIVATE" not in d.read_log() and "TLS 1.3" not in d.read_log()


def as_a_client():
    key = Key("P-256")
    with Keeper((key, False)) as d:
        d.to_run()
        content = tls13(server=False)
        key.verify(d.sign(0, key.scheme, content), content)
        for content in (tls13(server=True), tls12()):
            d.ask(0, key.scheme, content)
            d.expect_offence()


def offends():
    """What no honest front-end sends ends it."""
    keys = [Key("P-256"), Key("2048")]
    with Keeper((keys[0], True), (keys[1], True)) as d:
        d.to_run()
        wrong = [
            (0, ECDSA_SHA256, b""), (0, ECDSA_SHA256, b"\0" * 32),
            (0, ECDSA_SHA256, b"x" * 1002), (0, ECDSA_SHA256, tls13()[:-1]),
            (0, ECDSA_SHA256, tls13(server=False)),
            (0, ECDSA_SHA256, tls13() + b"x"), (0, 0x0203, tls12()),
            (0, ECDSA_SHA256, tls12()[:-1]), (0, ECDSA_SHA256, tls12(30)),
            (0, PSS_SHA256, tls13()), (0, ED25519, tls13()), (0, 0, tls13()),
            (1, ECDSA_SHA256, tls13()), (1, 0x0401, tls13()),
            (2, ECDSA_SHA256, tls13()), (64, ECDSA_SHA256, tls13()),
            (0xffffffff, ECDSA_SHA256, tls13()),
        ]
        for i, case in enumerate(wrong):
            d.ask(*case)
            d.expect_offence()
            assert d.summary()["refused"] == str(i + 1), case
            assert d.summary()["signatures"] == str(i)
            keys[0].verify(d.sign(0, ECDSA_SHA256, tls13()), tls13())
        assert "no signature by key 0" in d.read_log()


def refuses():
    """What an honest one may send, when it is too late."""
    key = Key("ed25519")
    with Keeper((key, True)) as d:
        d.to_run()
        for generation in (2, 3, 0xffffffff):
            assert d.sign(0, ED25519, tls13(), generation) == b""
        assert d.summary()["stale"] == "3"
        assert d.sign(0, ED25519, tls13()) != b""


def reloads():
    old, new = Key("ed25519"), Key("ed25519")
    with Keeper((old, True)) as d:
        d.to_run()
        d.keys = [(new, True)]
        d.configure()
        # The front-end may be ahead of the commit ...
        new.verify(d.sign(0, ED25519, tls13()), tls13())
        d.commit()
        d.alive()
        # ... and of handshakes of before it has the old key.
        new.verify(d.sign(0, ED25519, tls13(), 2), tls13())
        old.verify(d.sign(0, ED25519, tls13(), 1), tls13())
        d.configure()
        d.commit()
        d.alive()
        assert d.sign(0, ED25519, tls13(), 1) == b""
        new.verify(d.sign(0, ED25519, tls13(), 2), tls13())
        new.verify(d.sign(0, ED25519, tls13(), 3), tls13())
        # Of the same file, by the key of the day.
        assert d.rows(SHOW_TLS)["keys"][0]["signatures"] == "3"


def rejected(d, key, certificate, text):
    """A generation that is not taken, and changes nothing."""
    d.begin()
    if key is not None:
        d.send_key(0, key)
    if certificate is not None:
        d.send_certificate(0, certificate)
    why = d.end()
    assert text in why, (why, text)
    d.abort()


def rejects():
    key, other = Key("ed25519"), Key("ed25519")
    good, cert = key.pem(), key.cert_pem()
    with Keeper((key, True)) as d:
        d.to_run()
        for pem, text in (
                (other.pem(), "tls key /k.pem: does not belong to /c.pem"),
                (b"", "tls key /k.pem: is empty"),
                (b"junk", "tls key /k.pem: has no private key"),
                (cert, "tls key /k.pem: has no private key"),
                (b"\n" * (1 << 20) + good, "tls key /k.pem: is over 1048576"),
                (key.pem(b"hush"), "tls key /k.pem: is encrypted"),
                (Key("1024").pem(), "tls key /k.pem: RSA of 1024 bits")):
            rejected(d, file_of(pem), file_of(cert), text)
        for pem, text in (
                (other.cert_pem(), "does not belong to /c.pem"),
                (b"", "tls certificate /c.pem: is empty"),
                (good, "tls certificate /c.pem: has no certificate"),
                (Key("1024").cert_pem(), "/c.pem: its key is RSA of 1024")):
            rejected(d, file_of(good), file_of(pem), text)
        rejected(d, file_of(good), None, "/k.pem: has no certificate")
        rejected(d, None, file_of(cert), "/c.pem: has no key")
        r, w = os.pipe()
        rejected(d, r, file_of(cert), "/k.pem: is not a regular file")
        os.close(w)
        with tempfile.TemporaryDirectory() as path:
            rejected(d, os.open(path, os.O_RDONLY), file_of(cert),
                     "tls key /k.pem: ")
        assert len(good) < 1 << 20
        d.generation = 1
        assert d.sign(0, ED25519, tls13()) != b""
        fds = d.fds()
        d.generation = 50
        rejected(d, file_of(b""), file_of(b""), "is empty")
        assert d.fds() == fds


def starts_without_keys():
    with Keeper() as d:
        d.to_run()
        assert d.rows(SHOW_TLS) == {}
        assert d.summary()["keys"] == "0"
        d.ask(0, ED25519, tls13())
        d.expect_offence()


def ends_at_a_parents_mistake():
    """The parent is trusted more: what it does wrong is fatal."""
    key = Key("ed25519")
    for index, twice in ((64, False), (0, True)):
        with Keeper() as d:
            d.to_run()
            d.begin()
            d.send_key(index, file_of(key.pem()))
            if twice:
                d.send_key(index, file_of(key.pem()))
            assert d.wait() != 0


def hears_the_parent_in_a_flood():
    """One receive may bring seconds of work: it is cut into turns."""
    key = Key("3072")
    with Keeper((key, True)) as d:
        d.to_run()
        d.ch.send("CTL_SHOW", u64(9) + u8(1))
        d.ch.expect("CTL_END")
        many = 400
        for _ in range(many):
            d.ask(0, PSS_SHA256, tls13())
        d.alive()
        before = 0
        d.frontend.fill(0)
        while d.frontend.next() is not None:
            before += 1
        assert before < many, "the parent waited for all of them"
        for _ in range(many - before):
            _, signature = d.answer()
            assert signature != b""
        # A front-end that dies amid its flood leaves nothing behind.
        for _ in range(many):
            d.ask(0, PSS_SHA256, tls13())
        d.give_peer("frontend")
        key.verify(d.sign(0, PSS_SHA256, tls13()), tls13())


if __name__ == "__main__":
    if parent.find_program("keeper") is None:
        runner.run([])
    runner.run([(f.__name__, f, ()) for f in (
        signs, as_a_client, offends, refuses, reloads, rejects,
        starts_without_keys, ends_at_a_parents_mistake,
        hears_the_parent_in_a_flood)])
