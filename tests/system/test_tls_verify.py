# SPDX-License-Identifier: ISC
"""Certificates that are verified: those of clients, and of Mains by homes."""

import os
import re
import ssl

from admission import by, home_block, mutual
from trust import pin_of
from wire import Refused

# --- client certificates ---

def test_client_certificate(t):
    main, clients = mutual(
        t, 'home "alice.home" { certificate "dns:alice.example.com" }\n'
        'home "bob.home" { certificate "spiffe://example.org/bob" }\n')
    alice = clients.issue("alice", ["alice.example.com"])
    bob = clients.issue("bob", ["spiffe://example.org/bob"])
    for cert, node in ((alice, "alice.home"), (bob, "bob.home")):
        for _ in range(2):
            t.links.append(by(main, cert, node))
        assert t.links[-1].register([node.split(".")[0]])["accepted"]
    for cert, node in ((alice, "bob.home"), (bob, "alice.home"),
                       (None, "alice.home"),
                       (clients.issue("x", ["alice.example.com.evil.org"]),
                        "alice.home"),
                       (clients.issue("y", ["bob.example.com"]),
                        "alice.home")):
        try:
            by(main, cert, node).abort()
        except Refused as e:
            assert e.status == 401, e
        else:
            raise AssertionError((cert, node))


def test_client_certificate_of_others(t):
    """Another authority, out of date, not yet: no handshake."""
    main, clients = mutual(
        t, 'home "alice.home" { certificate "dns:alice.example.com" }\n')
    others = t.authority("Others")
    for cert in (others.issue("a", ["alice.example.com"]),
                 clients.issue("b", ["alice.example.com"], days=-1,
                               begin_days=10),
                 clients.issue("c", ["alice.example.com"], begin_days=-3)):
        try:
            by(main, cert, "alice.home").abort()
        except (ssl.SSLError, OSError, AssertionError):
            pass
        except Refused:
            pass
        else:
            raise AssertionError(cert)
    for why in ("of the client is of no authority in", "of the client has "
                "expired", "of the client is not yet valid"):
        main.wait_log("TLS handshake failed: the certificate " + why)


def test_home_with_a_certificate(t):
    """relayd's own home shows one, which its keeper signs with.  Renewed, it is
    shown from the next link on, and the link that is there stays."""
    names = ["alice.example.com", "alice.example.net"]
    main, clients = mutual(t, home_block("alice.home", *[
        'certificate "dns:%s"' % name for name in names]))
    cert, key = clients.issue("alice", names[:1])
    home = t.home("alice.home", services=t.service("echo"), extra=(
        'uplink "%s" { ca "%s" certificate "%s" key "%s" }\n' % (
            main.ws_url(), main.ca.file, cert, key)))
    main.wait_service("alice.home", "echo")
    # A new keeper is the first to see that it is another.
    clients.issue("alice", names[1:])
    os.kill(home.wait_children()["relay-keeper"], 9)
    home.wait_log("generation 2 is in force(?s:.*)registered with main.test")
    assert home.log().count("with main.test: up") == 1, home.log()
    # The former is taken no more.
    main.extra = main.extra.replace('certificate "dns:%s"' % names[0], "")
    main.reload()
    home.wait_log("(?s)link .* with main.test: up.*link .* with main.test: up")
    main.wait_service("alice.home", "echo")


def test_own_certificate_is_refused(t):
    """The home's log says which file it was that the Main did not like."""
    main, clients = mutual(
        t, 'home "alice.home" { certificate "dns:alice.example.com" }\n')
    others = t.authority("Others")
    for name, (cert, key), why in (
            ("a.home", clients.issue("a", ["alice.example.com"], days=-1,
                                     begin_days=10),
             "certificate expired"),
            ("b.home", others.issue("b", ["alice.example.com"]),
             "unknown CA")):
        home = t.home(name, extra=(
            'uplink "%s" { ca "%s" certificate "%s" key "%s" }\n' % (
                main.ws_url(), main.ca.file, cert, key)))
        home.wait_log(r"refused: alert from the other side: %s \(our "
                      r"certificate: %s\)" % (why, re.escape(cert)))
        home.stop()


# --- uplinks verify ---

def test_uplink_refuses(t):
    """The wrong name, the wrong authority, the wrong pin, no certificate."""
    ca, others = t.authority(), t.authority("Others")
    main = t.tls_main(ca=ca, names=("elsewhere.test", "localhost"))
    main.tls = ca.client(check=False)
    url = main.ws_url()
    wrong = "sha256:" + "A" * 43
    for i, options in enumerate((
            '{ ca "%s" }' % ca.file, '{ ca "%s" }' % others.file,
            '{ pin "%s" }' % wrong, "")):
        home = t.home("h%d.home" % i, extra='uplink "%s" %s\n' % (
            url, options))
        home.wait_log(r"refused: tls: .*(certificate|pin|mismatch)")
        home.stop()
    assert main.registry() == {}
    # The right one needs neither name nor authority.
    t.home("pinned.home", services=t.service("echo"), extra=(
        'uplink "%s" { pin "%s" }\n' % (url, pin_of(main.certs[0][0]))))
    main.wait_service("pinned.home", "echo")
    # By the name that the certificate has.
    t.home("named.home", services=t.service("echo"), extra=(
        'uplink "wss://localhost:%d" { ca "%s" }\n' % (main.number, ca.file)))
    main.wait_service("named.home", "echo")


def test_uplink_to_a_plain_port(t):
    main = t.main()
    home = t.home("alice.home", extra='uplink "wss://127.0.0.1:%d"\n' %
                  main.number)
    home.wait_log(r"(?i)tls|ssl|handshake")
    assert main.alive() and main.registry() == {}
