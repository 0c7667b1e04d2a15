# SPDX-License-Identifier: ISC
"""
Walls: what a process that was taken over says to the others.  What is not its
to say costs it its life and nobody else's; what is its to say is judged by who
hears it.
"""

import http.client
import json
import os
import random
import signal
import socket
import struct

from puppet import (IN_CONF, IN_SETUP, PROC, TABLE, Ended, data,
                    frame, msgtable, string, u8, u16, u32, u64)
from relaytest import wait_for
from siege import Siege, victim
from trust import KeyAuth
from wire import remote

TIMEOUT = 180

LETTER = dict(zip(msgtable.NAMES, msgtable.LETTERS))
LIVES = 4  # ends in a minute that relayd goes on after
PEERS = {"frontend": ("router", "dialer", "keeper"),
         "router": ("registry", "backend", "frontend"),
         "dialer": ("frontend", "backend"),
         "backend": ("router", "dialer")}
TRUST = ("frontend", "dialer", "backend", "router", "keeper", "registry",
         "parent")
PROBED = 12  # of the wrong messages to the parent, by each process
NONE = 0xffffffff


def wrong(sender, receiver):
    """(why, bytes, with an fd) of what may not be sent."""
    s, r = LETTER[sender], LETTER[receiver]
    for m in TABLE:
        may = [fd for fd in (0, 1) if m.allowed(s, r, "RUN", m.min, fd)]
        if not may:
            yield m.name, frame(m.number, bytes(m.min)), False
            continue
        yield m.name + " too long", frame(m.number, length=m.max + 1), False
        if m.min:
            yield m.name + " too short", frame(m.number, bytes(m.min - 1)), \
                False
        if m.fd == "NONE":
            yield m.name + " with an fd", frame(m.number, bytes(m.min),
                                                True), True
    for number in (0, len(TABLE) + 1, 0xffff):
        yield "unknown %d" % number, frame(number), False
    yield "garbage", b"\xff" * 64, False
    yield "HTTP", b"GET / HTTP/1.1\r\n\r\n", False


def some(sender, receiver, n):
    """The same each time, and others for each pair."""
    cases = list(wrong(sender, receiver))
    random.Random(sender + receiver).shuffle(cases)
    return cases[:n]


def offend(s, to, cases):
    for why, raw, fd in cases:
        try:
            s.puppet.send(to, raw, 0 if fd else -1)
        except Ended:
            pass
        # Another process names it to the parent by its own name.
        s.blamed("channel" if to == "parent" else "%s says" % to)


def to_parent(t, proc, part):
    s = Siege(t, proc)
    offend(s, "parent", some(proc, "parent", PROBED)[part::PROBED // LIVES])
    s.stands()


def to_peer(t, proc, peer):
    s = Siege(t, proc)
    offend(s, peer, some(proc, peer, LIVES))
    s.stands()


def to_lesser(t, proc, peer):
    """Who is less trusted ends for want of sense, and comes again."""
    s = Siege(t, proc)
    before = s.children["relay-" + peer]
    _, raw, _ = some(proc, peer, 1)[0]
    s.puppet.send(peer, raw)
    wait_for(lambda: s.node.children().get("relay-" + peer, before) != before,
             "another " + peer)
    s.wait_log("%s runs again" % peer)
    assert s.puppet.alive()
    s.stands(others=(peer,))


def _pairs():
    for proc, peers in PEERS.items():
        for part in range(PROBED // LIVES):
            yield ("test_%s_to_parent_%d" % (proc, part), to_parent,
                   (proc, part))
        for peer in peers:
            if proc != "backend" and peer == "backend":
                continue  # there is none on a Main
            lesser = TRUST.index(peer) < TRUST.index(proc)
            yield ("test_%s_to_%s" % (proc, peer),
                   to_lesser if lesser else to_peer, (proc, peer))


def _make():
    for name, function, args in _pairs():
        def test(t, function=function, args=args):
            function(t, *args)
        test.__doc__ = "What a %s may not say to %s." % (
            args[0], "its parent" if function is to_parent else args[1])
        globals()[name] = test


_make()


# --- the wrong phase ---

def early(t, proc, stage, name, payload=b""):
    """One that says it before its time: not in service, and the next is."""
    s = Siege(t, proc)
    s.puppet.stage(stage, frame(name, payload))
    os.kill(s.puppet.last, signal.SIGKILL)
    s.wait_log(r"%s .*killed: channel: %s" % (proc, name))
    s.puppet.stage(0)
    s.puppet.wait()
    s.wait_log("%s runs again" % proc)
    s.stands()


def test_frontend_early(t):
    """Nobody is let in before the set-up is over."""
    early(t, "frontend", IN_SETUP, "WATCHDOG_ACK", u32(1))


def test_router_early(t):
    early(t, "router", IN_CONF, "DRAINED", u32(0))


def test_dialer_early(t):
    early(t, "dialer", IN_CONF, "DIAL_STATE", u32(0) + u32(1) + u8(4) + u32(0)
          + string("") + string(""))


def test_backend_early(t):
    early(t, "backend", IN_SETUP, "SERVICE_RESTART", u32(0) + u32(1) + u32(0)
          + string(""))


# --- accusations ---

def test_accuse_up(t):
    """Who accuses one that is trusted more has accused itself."""
    s = Siege(t, "frontend")
    for proc in ("router", "registry", "keeper", "parent"):
        try:
            s.puppet.say("parent", "OFFENDER", u8(PROC[proc]) + string("he"))
        except Ended:
            pass
        s.blamed("channel: OFFENDER")
    s.stands()


# --- a front-end: links ---

class Recorded(KeyAuth):
    """Keeps what was shown."""

    shown = None

    def header(self, c):
        self.shown = super().header(c)
        return self.shown


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


# --- a front-end: the keys ---

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


def test_frontend_floods_keeper(t):
    """Handshakes by the thousand, and what is stale: the keeper stays."""
    s = Siege(t, "frontend")
    now = handshake(s)
    for generation in (now, now + 7):
        for _ in range(5):
            s.puppet.send("keeper", frame(
                "KEY_SIGN", u64(1) + u32(generation) + u32(0) + u16(0x0403)
                + data(GOOD)) * 500)
            s.puppet.forget()
    assert s.log().count("keeper") < 100, "the log is not flooded"
    s.stands()


# --- a router ---

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
        s.puppet.say("registry", "CALLER_ASK", u64(request) + string(header))
        answer = s.puppet.hear("CALLER_ANSWER")
        assert answer[:9] == u64(request) + u8(0), (header, answer)
        assert answer[9:] == string(""), answer
    body = string("ws://127.0.0.1:1/ws/peers") + string("") + u8(1) + u8(1)
    s.puppet.say("registry", "PEER_REQUEST", u64(9) + u8(1)
                 + string("Bearer ops") + body)
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


def test_router_resumes_nobody(t):
    """A session that it says was there before is ended at once, if its node
    may not come now; what proves nodes stays as it is."""
    s = Siege(t, "router")
    s.puppet.say("registry", "SESSION_RESUME", u64(7) + u64(1) + u8(1)
                 + u32(NONE) + u32(0) + string("eve.home")
                 + string("127.0.0.1:1"))
    end = s.puppet.hear("SESSION_END")
    assert end[:10] == u64(7) + u16(1008), end
    s.same_rows("identity", "credential", "disabled", "token", "peer")


# --- a dialer ---

def test_dialer_wrong_place(t):
    """A connection that it made to somewhere else proves nothing: the
    front-end wants the Main's certificate of the one that was to be dialled.
    """
    s = Siege(t, "dialer")
    listener, reached = victim()
    address = struct.pack("<H", socket.AF_INET) + struct.pack(
        ">H", listener.getsockname()[1]) + socket.inet_aton("127.0.0.1")
    for uplink, generation in ((0, 1), (0, 2), (9, 1), (NONE, NONE)):
        fd, why = s.puppet.call("socket", socket.AF_INET, socket.SOCK_STREAM,
                                0)
        assert fd >= 0, why
        assert s.puppet.call("connect", fd, address + bytes(8), 16)[0] == 0
        assert reached()
        s.puppet.say("frontend", "UPLINK_FD", u32(uplink) + u32(generation)
                     + u64(1 << 60) + string("127.0.0.1:9"), fd)
    listener.close()
    assert s.puppet.alive()
    assert s.node.peer("wss://127.0.0.1:9/ws/peers")["state"] != "up"
    s.stands()


def test_dialer_tells_of_no_peer(t):
    """States of peers there are none of end it, or are of no account."""
    s = Siege(t, "dialer")
    for peer, generation, state in ((99, 1, 4), (0, 1, 99)):
        try:
            s.puppet.say("parent", "DIAL_STATE", u32(peer) + u32(generation)
                         + u8(state) + u32(0) + string("mallory.main")
                         + string(""))
        except Ended:
            pass
    s.node.wait_ready()
    assert not any(r.get("node_id") == "mallory.main" and r["state"] == "up"
                   for r in s.node.get("/federation/peers")["peers"])
    s.same_rows()


# --- a backend ---

def test_backend_results_of_others(t):
    """Answers to calls that it was not asked go nowhere."""
    s = Siege(t, "backend")
    s.puppet.mute("BACKEND_CALL")
    conn = http.client.HTTPConnection("127.0.0.1", s.node.port, timeout=30)
    conn.request("POST", "/rpc", json.dumps(remote(
        "echo", "echo", ["x"], timeout=20)),
        {"Content-Type": "application/json"})
    call = int.from_bytes(s.puppet.hear("BACKEND_CALL")[:8], "little")
    for guess in [0, 1, (1 << 64) - 1] + [
            (call + d) & ((1 << 64) - 1) for d in range(-50, 51) if d]:
        s.puppet.say("router", "BACKEND_RESULT", u64(guess) + u8(1) + u32(0)
                     + u8(2) + string("") + data('"forged"'))
    s.puppet.say("router", "BACKEND_RESULT", u64(call) + u8(1) + u32(0)
                 + u8(2) + string("") + data('"its own"'))
    answer = json.loads(conn.getresponse().read())
    assert answer["result"] == "its own", answer
    s.stands()


def test_backend_connects_where_it_may(t):
    """It names services, not addresses: there is nothing to ask for."""
    s = Siege(t, "backend")
    for service in (0, 1, 2, 99, NONE):
        s.puppet.say("dialer", "SERVICE_CONNECT", u32(service) + u32(1)
                     + u64((1 << 60) + service))
        answer = s.puppet.hear("SERVICE_CONNECTED")
        assert answer[:8] == u64((1 << 60) + service), answer
        assert len(answer) > 10, "refused with a reason"
    s.stands()


def test_backend_restarts_none_of_others(t):
    """Its own services it may have started anew; there are no others."""
    s = Siege(t, "backend")
    try:
        for service, instance in ((99, 0), (NONE, 0), (0, 99), (1, NONE)):
            s.puppet.say("parent", "SERVICE_RESTART", u32(service) + u32(1)
                         + u32(instance) + string("walls"))
    except Ended:
        s.blamed()
    s.node.wait_ready()
    wait_for(lambda: s.node.rpc(remote("echo", "echo", [1])).get("result")
             == [1], "the service answers")
    s.stands()


# --- floods ---

def rss(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))


def test_frontend_floods_router(t):
    """Links that it makes up by the thousand: the router has a limit, answers
    others, and grows no further."""
    s = Siege(t, "frontend")
    router = s.pid_of("router")
    before = rss(router), rss(s.pid_of("registry"))

    def auth(conn):
        return frame("LINK_AUTH", u64(conn) + u8(1) + u8(1) + u8(1)
                     + string("n%d.home" % conn) + string("b") + string("")
                     + string("") + string("127.0.0.1:1"))
    for i in range(40):
        s.puppet.send("router", b"".join(
            auth((1 << 60) + 500 * i + n) for n in range(500)))
        s.puppet.forget()
    assert s.puppet.alive()
    grown = rss(router) - before[0], rss(s.pid_of("registry")) - before[1]
    assert max(grown) < 64 << 10, grown  # KiB
    s.stands()


def test_frontend_floods_parent(t):
    """Rows that nobody asked for are not kept."""
    s = Siege(t, "frontend")
    before = rss(s.pid)
    row = frame("CTL_ROW", u64(77) + string("x") + u16(1) + string("n")
                + u8(1) + string("v" * 4000))
    try:
        for _ in range(50):
            s.puppet.send("parent", row * 200)
    except Ended:
        s.blamed()
    s.node.wait_ready()
    assert rss(s.pid) - before < 32 << 10
    s.stands()


def test_router_floods_registry(t):
    """What is to be kept of refusals is bounded, and the log still holds."""
    s = Siege(t, "router")
    one = frame("POLICY_DENIED", u32(0) + string("anonymous") + string("x")
                + string("m" * 200) + string("rule"))
    for _ in range(10):
        s.puppet.send("registry", one * 500)
        s.puppet.forget()
    s.stands()


def test_stuck_frontend(t):
    """One that reads nothing holds up nobody but who comes by it."""
    s = Siege(t, "frontend")
    os.kill(s.puppet.last, signal.SIGSTOP)
    try:
        for _ in range(5):
            code, out, err = s.node.ctl("node", "list")
            assert code == 0, (out, err)
    finally:
        os.kill(s.puppet.last, signal.SIGCONT)
    s.stands()
