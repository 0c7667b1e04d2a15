# SPDX-License-Identifier: ISC
"""
Walls: a router that was taken over, to the registry and to the front-end: who
is let in, and what only an operator may ask.
"""

import itertools
import threading

from fields import NONE, string, u8, u16, u32, u64
from process import PATIENCE, wait_for
from puppet import Ended
from siege import Recorded, Siege
from trust import KeyAuth

TIMEOUT = 180


def session_open(s, session, node, authorization="", kind=1, certificate=""):
    s.puppet.say("registry", "SESSION_OPEN", u64(session) + u64(session)
                 + u8(kind) + u32(NONE) + u32(0) + u8(1) + u8(1)
                 + string(node) + string("boot") + string(authorization)
                 + string(certificate) + string("127.0.0.1:1"))
    found = []

    def answered():
        found.extend((n, p) for _, n, p in s.puppet.heard()
                     if n in ("SESSION_ACCEPT", "SESSION_DENY")
                     and p[:8] == u64(session))
        return found
    wait_for(answered, "an answer to SESSION_OPEN")
    return found[0]


def test_router_forged_nodes(t):
    """The registry has proofs shown to it: the router's word is none."""
    s = Siege(t, "router")
    session = 1 << 60
    for node in ("alice.home", "eve.home", "mallory.home", "bob.home"):
        for kind in (1, 2):
            for header in ("", "Bearer x", "Relay method=key, nonce=n, "
                           "cnonce=c, key=k, proof=p"):
                session += 1
                name, payload = session_open(
                    s, session, node, header, kind,
                    "dns:alice.home uri:spiffe://alice.home")
                assert name == "SESSION_DENY", (node, kind, header)
    s.stands()


def test_router_replayed_proof(t):
    s = Siege(t, "router")
    alice = Recorded(s.alice.key)
    t.links.append(s.node.link("alice.home", auth=alice))
    for session, node in ((1 << 61, "alice.home"),
                          (1 + (1 << 61), "eve.home")):
        name, _ = session_open(s, session, node, alice.shown)
        assert name == "SESSION_DENY", node
    s.stands()


def test_router_guesses_tokens(t):
    """It may ask whose a token is, and learns no token by that."""
    s = Siege(t, "router")
    for i, header in enumerate(("", "Bearer ", "Bearer admin", "Bearer ops",
                                "Bearer " + "0" * 64, "Relay x")):
        request = (1 << 62) + i
        s.puppet.say("registry", "CALLER_ASK", u64(request) + string(header)
                     + string("192.0.2.%d:7" % i))
        answer = s.puppet.hear("CALLER_ANSWER")
        assert answer[:9] == u64(request) + u8(0), (header, answer)
        assert answer[9:] == string(""), answer
    body = string("ws://127.0.0.1:1/ws/peers") + string("") + u8(1) + u8(1)
    s.puppet.say("registry", "PEER_REQUEST", u64(9) + u8(1)
                 + string("Bearer ops") + body + string("192.0.2.7:7"))
    reply = s.puppet.hear("VIEW_REPLY")
    assert int.from_bytes(reply[8:10], "little") in (401, 403), reply
    s.stands()


def test_router_has_no_orders(t):
    """What an operator may ask, the router may not: credentials, tokens, the
    audit log.  The registry names it, and the parent ends it."""
    s = Siege(t, "router")
    for name, payload in (
            ("CTL_NODE", u64(1) + u8(6) + string("mallory.home") + string("")
             + string("") + u32(3600)),
            ("CTL_TOKEN", u64(1) + u8(1) + string("admin")),
            ("CTL_AUDIT", u64(1) + u8(1) + u64(0) + u32(10)),
            ("CONF_CREDENTIAL", u8(1) + u32(0) + string("mallory.home")
             + u8(1) + string("ed25519:" + "A" * 43) + string(""))):
        try:
            s.puppet.say("registry", name, payload)
        except Ended:
            pass
        s.blamed("registry says: .*" + name)
    s.stands()


# --- sessions that it makes up, or takes from others ---

def alices(s):
    """A link of alice's, its session and epoch."""
    s.link()
    accept = s.puppet.hear("SESSION_ACCEPT")
    return s.alice_link, int.from_bytes(accept[:8], "little"), \
        int.from_bytes(accept[8:16], "little")


def resume(s, session, epoch, node, kind=1, peer=NONE):
    s.puppet.say("registry", "SESSION_RESUME", u64(session) + u64(epoch)
                 + u8(kind) + u32(peer) + u32(2) + string(node)
                 + string("127.0.0.1:1"))


def register_evil(s, session):
    """A service for that session, as the router may say of those there are."""
    s.puppet.say("registry", "REGISTER", u64(session) + u64(1) + u16(1)
                 + string("evil") + string("1.0.0") + u32(1) + u32(0) + u8(3)
                 + u8(1) + u16(0) + u16(0))
    s.puppet.hear("REGISTERED")


def nobody_new(s):
    """The registry knows of nobody but alice, and tells of nobody else."""
    listed = set(s.node.registry())
    assert listed == {("alice.home", "blog")}, listed
    s.same_rows()


def test_router_resumes_nobody(t):
    """A session that it says was there before, of a node that may not come
    now, is none: it is ended, and what is registered for it is not listed."""
    s = Siege(t, "router")
    session = 1 << 40
    for node in ("eve.home", "mallory.home", "bob.home"):
        # A home that it says was dialled, a Main that never was.
        for kind, peer in ((1, NONE), (2, NONE), (1, 0), (1, 99), (2, 99)):
            session += 1
            resume(s, session, 1 << 50, node, kind, peer)
            end = s.puppet.hear("SESSION_END")
            assert end[:10] == u64(session) + u16(1008), (node, kind, end)
            register_evil(s, session)
            nobody_new(s)
    s.stands()


def test_router_resumes_no_others_session(t):
    """A session that there is stays its node's: it is not another's by a
    word, nor of another epoch."""
    s = Siege(t, "router")
    link, session, epoch = alices(s)
    for node, when in (("mallory.home", epoch), ("eve.home", epoch),
                       ("alice.home", epoch + 1), ("alice.home", epoch - 1),
                       ("main.test", epoch), ("..", epoch)):
        resume(s, session, when, node)
        nobody_new(s)
    for node in ("mallory.home", "eve.home", "alice.home"):
        name, _ = session_open(s, session, node)
        assert name == "SESSION_DENY", node
        nobody_new(s)
    link.call("relay", "ping", dest=s.node.node_id)
    s.stands()


def test_router_resumes_who_was(t):
    """What is its to say: that a node whose link has ended is there still.
    It is the session that was let in, with what that had registered."""
    s = Siege(t, "router")
    link, session, epoch = alices(s)
    link.abort()
    wait_for(lambda: not s.node.registry(), "alice is gone")
    resume(s, session, epoch, "alice.home")
    wait_for(lambda: any(h["node_id"] == "alice.home" and
                         h["state"] == "online"
                         for h in s.node.show("homes")["homes"]),
             "alice is said to be there")
    s.same_rows("identity", "credential", "disabled", "token", "peer", "node")
    s.stands()


class Asking(threading.Thread):
    """Somebody at the door, until it opens or is shut."""

    def __init__(self, s, node, auth=None):
        super().__init__(daemon=True)
        self.s, self.node, self.auth = s, node, auth
        self.link = self.refused = None
        self.start()
        self.conn = int.from_bytes(s.puppet.hear("LINK_AUTH")[:8], "little")

    def run(self):
        try:
            self.link = self.s.node.link(self.node, auth=self.auth)
            self.s.t.links.append(self.link)
        except Exception as e:  # there is no proof, or a wrong one
            self.refused = e

    def answer(self, session, proof=""):
        self.s.puppet.say("frontend", "LINK_ACCEPT", u64(self.conn)
                          + u64(session) + string(proof))
        self.join(PATIENCE)
        assert not self.is_alive(), "neither in nor out"
        return self.link


def test_router_accepts_strangers(t):
    """It opens the door by itself: to who asks for no proof of the Main, and
    whom nobody but itself takes for linked."""
    s = Siege(t, "router")
    s.puppet.mute("LINK_AUTH")
    session = itertools.count(1 << 41)
    for node in ("mallory.home", "eve.home", "alice.home"):
        assert Asking(s, node).answer(next(session)), node
        nobody_new(s)
        for proof in ("", "Relay method=key, key=AAAA, proof=AAAA",
                      "method=key, key=%s, proof=%s" % ("A" * 43, "A" * 86)):
            asking = Asking(s, node, KeyAuth())
            assert asking.answer(next(session), proof) is None
            assert asking.refused is not None
            nobody_new(s)
    assert s.pid_of("frontend") == s.children["relay-frontend"]
    s.puppet.mute()
    s.stands()


def test_router_accepts_no_others_session(t):
    """One of a link that there is, or none: the front-end ends over it, and
    no link becomes another's.  A connection there is not is not linked."""
    s = Siege(t, "router")
    link, session, _ = alices(s)
    link.call("relay", "ping", dest=s.node.node_id)
    for conn in (0, 1, 1 << 60, (1 << 64) - 1):
        s.puppet.say("frontend", "LINK_ACCEPT", u64(conn) + u64(conn | 1)
                     + string(""))
        link.call("relay", "ping", dest=s.node.node_id)
    for which in (session, 0):
        s.puppet.mute("LINK_AUTH")
        asking = Asking(s, "mallory.home")
        assert asking.answer(which) is None, "let in by the session of another"
        s.wait_log("frontend.*: channel to router: LINK_ACCEPT")
        s.wait_log("frontend runs again")
        s.log_at = len(s.node.log())
        s.puppet.mute()
        s.link()
    assert s.puppet.alive()
    s.stands(others=("frontend",))
