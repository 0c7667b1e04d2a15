# SPDX-License-Identifier: ISC
"""
Walls: a front-end that was taken over, about links and HTTP: what is its to
say is judged by who hears it.
"""

import json
import random

from fields import data, string, u8, u32, u64
from process import wait_for
from siege import Recorded, Siege

TIMEOUT = 180


def link_auth(s, conn, node, authorization="", kind=1, certificate="",
              local=1, tls=1):
    """What a front-end says of a connection; the router's answer."""
    s.puppet.say("router", "LINK_AUTH", u64(conn) + u8(kind) + u8(local)
                 + u8(tls) + string(node) + string("boot")
                 + string(authorization) + string(certificate)
                 + string("127.0.0.1:1"))
    found = []

    def answered():
        for _, name, payload in s.puppet.heard():
            if name in ("LINK_ACCEPT", "LINK_DENY") and \
                    payload[:8] == u64(conn):
                found.append((name, payload))
        return found
    wait_for(answered, "an answer to LINK_AUTH %d" % conn)
    name, payload = found[0]
    return name, int.from_bytes(payload[8:10], "little")


def test_frontend_forged_nodes(t):
    """It is not believed who somebody is: names, addresses, certificates."""
    s = Siege(t, "frontend")
    conn = 1 << 60
    for node in ("alice.home", "eve.home", "mallory.home", "bob.home"):
        for kind in (1, 2):
            for header in ("", "Bearer x", "Relay method=none", "Basic x",
                           "Relay method=key, nonce=, cnonce=, key=, proof="):
                conn += 1
                name, status = link_auth(
                    s, conn, node, header, kind,
                    "dns:alice.home uri:spiffe://alice.home")
                assert name == "LINK_DENY" and status in (400, 401, 403), (
                    node, kind, header, name, status)
    for node in ("", "..", "main.test", "x" * 300, "a\nb"):
        conn += 1
        name, status = link_auth(s, conn, node)
        assert name == "LINK_DENY", (node, name, status)
    s.stands()


def test_frontend_dials_no_node(t):
    """A Main that it says was dialled is none of the nodes that prove
    themselves here, nor one that is disabled."""
    s = Siege(t, "frontend")
    conn = 1 << 60
    for generation in range(1, 5):
        for node in ("alice.home", "eve.home", "bob.home", "main.test"):
            conn += 1
            s.puppet.say("router", "LINK_DIALED", u64(conn) + u32(0)
                         + u32(generation) + string(node) + string("boot")
                         + string("") + string("127.0.0.1:1"))
            wait_for(lambda: any(name == "LINK_DENY" and p[:8] == u64(conn)
                                 for _, name, p in s.puppet.heard()),
                     "%s is denied" % node)
    s.stands()


def test_frontend_replayed_proof(t):
    """A proof that passed through it lets nobody in a second time."""
    s = Siege(t, "frontend")
    alice = Recorded(s.alice.key)
    link = s.node.link("alice.home", auth=alice)
    t.links.append(link)
    assert alice.shown.startswith("Relay method=key")
    for conn, node, kind in ((1 << 61, "alice.home", 1),
                             (1 + (1 << 61), "eve.home", 1),
                             (2 + (1 << 61), "alice.home", 2)):
        name, status = link_auth(s, conn, node, alice.shown, kind)
        assert (name, status) == ("LINK_DENY", 401), (node, name, status)
    link.call("relay", "ping", dest=s.node.node_id)
    s.stands()


def test_frontend_foreign_sessions(t):
    """Texts, ends and congestion of sessions that it was never given."""
    s = Siege(t, "frontend")
    text = json.dumps({"type": "registration", "message_id": "m",
                       "source_node": {"type": "home", "id": "alice.home"},
                       "data": {"services": [{"service_name": "evil"}]}})
    rng = random.Random(7)
    for session in [0, 1, 2, (1 << 64) - 1] + [
            rng.getrandbits(64) for _ in range(500)]:
        s.puppet.say("router", "LINK_TEXT", u64(session) + data(text))
        s.puppet.say("router", "LINK_QUEUE", u64(session) + u8(1))
        s.puppet.say("router", "LINK_DOWN", u64(session) + string("x"))
    assert ("alice.home", "blog") in s.node.registry()
    assert not any(name == "evil" for _, name in s.node.registry())
    s.stands()


def test_frontend_admin(t):
    """Changes over HTTP need a token, whatever the front-end says."""
    s = Siege(t, "frontend")
    body = json.dumps({"url": "ws://127.0.0.1:1/ws/peers", "persist": True})
    for i, authorization in enumerate((
            "", "Bearer ", "Bearer admin", "Bearer " + "0" * 64,
            "Relay method=key", "Bearer ops")):
        request = (1 << 62) + i
        s.puppet.say("router", "HTTP_REQUEST", u64(request) + u8(8) + u8(1)
                     + string("127.0.0.1:1") + string(authorization)
                     + data(body))
        found = []

        def answered():
            found.extend(p for _, n, p in s.puppet.heard()
                         if n == "HTTP_RESPONSE" and p[:8] == u64(request))
            return found
        wait_for(answered, "an answer")
        status = int.from_bytes(found[0][8:10], "little")
        assert status in (401, 403), (authorization, found[0])
    s.stands()
