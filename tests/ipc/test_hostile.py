#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A front-end that is fully taken over, against the real router and registry.

It may disturb the links it holds.  It may not register a service for a node
that did not come over one of its links, nor speak to the registry, nor change
a row that is not about a link of its own.
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import parent  # noqa: E402
import runner  # noqa: E402
from fields import (NONE, PROC, TABLE, data, header, string,  # noqa: E402
                    u8, u16, u32, u64)
from parent import Child, Gone, service  # noqa: E402

SHOW_HOMES, SHOW_SERVICES = 3, 5
EVIL = "evil"
OWN_ID = "test-node"  # the node id that Child configures


def registration(node, *names):
    return json.dumps({
        "type": "registration", "message_id": "m-1",
        "source_node": {"type": "home", "id": node},
        "destination_node": {"type": "main", "id": OWN_ID},
        "routing_path": [], "ttl": 3, "timestamp": "2026-01-01T00:00:00Z",
        "data": {"services": [{"service_name": n, "version": "1.0.0",
                               "methods": []} for n in names]}})


def discovery(main, op, node, name):
    """Rows of a Main's: that service of that home."""
    return json.dumps({
        "type": "service_discovery", "message_id": "d-1",
        "source_node": {"type": "main", "id": main},
        "data": {"op": op, "epoch": "00000000000000a1",
                 "seq": 1 + (op == "delta"), "part": 0, "last": True,
                 "nodes": [{"node_id": node, "services": [
                     {"service_name": name, "version": "1.0.0"}]}]}})


def heartbeat(node):
    return json.dumps({
        "type": "heartbeat", "message_id": "h-1",
        "source_node": {"type": "home", "id": node}, "data": {}})


class Main:
    """The router and the registry of a Main; we are parent and front-end."""

    def __init__(self):
        self.router = Child("router", "main")
        self.registry = Child("registry", "main")
        self.children = [self.registry, self.router]
        self.conn = 0

    def __enter__(self):
        try:
            for c in self.children:
                c.to_setup()
            a, b = parent.pair()
            self.router.ch.send("PEER_FD", u8(PROC["registry"]), [a.fileno()])
            self.registry.ch.send("PEER_FD", u8(PROC["router"]), [b.fileno()])
            a.close()
            b.close()
            self.frontend = self.router.give_peer("frontend")
            for c in self.children:
                c.ch.send("SETUP_END")
                c.ch.expect("SETUP_DONE")
                c.configure()
            for c in self.children:
                c.commit()
            self.settle()
        except BaseException as e:
            self.__exit__(None, e, None)
            raise
        return self

    def __exit__(self, kind, exc, trace):
        for c in self.children:
            c.__exit__(kind, exc, trace)

    def settle(self):
        """All that was sent before is done, in router and in registry: each
        hop has read its queue twice."""
        for _ in range(2):
            self.router.alive()
            self.registry.alive()
        if self.frontend.sock.fileno() != -1:
            self.frontend.drain()

    def open(self, node, **change):
        """LINK_AUTH; the answer's name and reader."""
        self.conn += 1
        f = {"kind": 1, "local": 1, "tls": 0, "boot": "b" * 32, "auth": "",
             "certificate": "", "address": "127.0.0.1:1"}
        f.update(change)
        self.frontend.send("LINK_AUTH", u64(self.conn) + u8(f["kind"])
                           + u8(f["local"]) + u8(f["tls"]) + string(node)
                           + string(f["boot"]) + string(f["auth"])
                           + string(f["certificate"]) + string(f["address"]))
        name, r = self.frontend.expect("LINK_ACCEPT", "LINK_DENY")
        assert r.u64() == self.conn
        return name, r

    def link(self, node):
        """A link of that node; its session."""
        name, r = self.open(node)
        assert name == "LINK_ACCEPT", r.b
        return r.u64()

    def text(self, session, text):
        self.frontend.send("LINK_TEXT", u64(session) + data(text))

    def register(self, session, node, *names):
        self.text(session, registration(node, *names))
        while True:
            _, r = self.frontend.expect("LINK_SEND")
            if r.u64() != session:
                continue
            answer = json.loads(r.data())
            if answer["type"] == "registration":
                return answer

    def rows(self, what):
        """What the registry shows, without times and counters."""
        self.settle()
        self.registry.ch.send("CTL_SHOW", u64(9) + u8(what))
        out = []
        while True:
            name, r = self.registry.ch.expect("CTL_ROW", "CTL_END")
            assert r.u64() == 9
            if name == "CTL_END":
                return sorted(out)
            r.string()
            row = []
            for _ in range(r.u16()):
                key, kind, value = r.string(), r.u8(), r.string()
                if kind == 1 or key in ("session", "epoch"):
                    row.append((key, value))
            out.append(tuple(row))

    def truth(self):
        return self.rows(SHOW_HOMES), self.rows(SHOW_SERVICES)

    def new_frontend(self):
        self.frontend = self.router.give_peer("frontend")

    def assert_offender(self, what):
        _, r = self.router.ch.expect("OFFENDER")
        assert r.u8() == PROC["frontend"], what
        self.frontend.expect_end()


def has(rows, text):
    return any(text in value for row in rows for _, value in row)


# --- the tests ---

def honest():
    """What the tests below look at does change when all is right."""
    with Main() as m:
        assert m.truth() == ([], [])
        s = m.link("alpha")
        answer = m.register(s, "alpha", "blog")
        assert len(answer["data"]["accepted"]) == 1, answer
        homes, services = m.truth()
        assert has(homes, "alpha") and has(services, "blog"), (homes, services)
        assert has(services, "alpha"), services
        m.frontend.send("LINK_DOWN", u64(s) + string("gone"))
        assert not has(m.rows(SHOW_SERVICES), "blog")


def foreign_sessions():
    """Texts and ends for sessions that are not there."""
    with Main() as m:
        s = m.link("alpha")
        m.register(s, "alpha", "blog")
        before = m.truth()
        for guess in (0, 1, s - 1, s + 1, s + 2, s ^ (1 << 63), (1 << 64) - 1):
            m.text(guess, registration("alpha", EVIL))
            m.text(guess, heartbeat("alpha"))
            m.frontend.send("LINK_QUEUE", u64(guess) + u8(1))
            m.frontend.send("LINK_DOWN", u64(guess) + string("x"))
            assert m.truth() == before, guess
        assert m.router.process.poll() is None


def foreign_names():
    """The node of a service is the one of its link, not of its text."""
    with Main() as m:
        s = m.link("alpha")
        m.register(s, "alpha", "blog")
        t = m.link("mallory")
        m.text(t, registration("alpha", EVIL))
        homes, services = m.truth()
        for row in services:
            if has([row], EVIL):
                assert not has([row], "alpha"), row
        assert has(services, "blog"), services
        # Nor does it move the one that is registered.
        m.register(t, "mallory", "blog")
        owners = [row for row in m.rows(SHOW_SERVICES) if has([row], "alpha")]
        assert len(owners) == 1 and has(owners, "blog"), owners


def bad_node_ids():
    """What is no name is no node; neither is the Main's own name."""
    with Main() as m:
        before = m.truth()
        for node in ("", ".", "a..b", "A B", "alpha\n", "a/b", "a@b", "\x7f",
                     "x" * 254, "x" * 1000, OWN_ID):
            name, r = m.open(node)
            assert name == "LINK_DENY", node
            status = r.u16()
            assert 400 <= status < 600, (node, status)
            assert m.truth() == before, node


def ended_session():
    """A session that ended does not come back by its number."""
    with Main() as m:
        s = m.link("alpha")
        m.register(s, "alpha", "blog")
        m.frontend.send("LINK_DOWN", u64(s) + string("gone"))
        before = m.truth()
        m.text(s, registration("alpha", EVIL))
        m.frontend.send("LINK_DOWN", u64(s) + string("gone"))
        m.frontend.send("LINK_QUEUE", u64(s) + u8(0))
        assert m.truth() == before
        assert not has(before[1], EVIL)


def words_of_the_registry():
    """Whatever router and registry say to each other, from a front-end: each
    costs it its channel, and no row changes."""
    forged = {
        "SESSION_OPEN": u64(5) + u64(6) + u8(1) + u32(NONE) + u32(0)
        + u8(1) + u8(1) + string("mallory") + string("b") + string("")
        + string("") + string("1.2.3.4"),
        "SESSION_ACCEPT": u64(5) + u64(6) + u64(0) + string("mallory")
        + string(""),
        "SESSION_DENY": u64(5) + u16(401) + u32(0) + u32(0) + string("")
        + string("no"),
        "PROOF_ASK": u64(5) + u8(3) + u32(0) + u32(1) + string("relay")
        + string('Relay nonce="x"'),
        "PROOF_ANSWER": u64(5) + string("Relay method=key") + string(""),
        "CALLER_ASK": u64(5) + string("Bearer x") + string("1.2.3.4"),
        "CALLER_ANSWER": u64(5) + u8(1) + string("admin"),
        "POLICY_DENIED": u32(0) + string("a") + string("b") + string("c")
        + string("d"),
        "JOINED": u32(0) + u32(1),
        "KEY_SIGN": u64(5) + u32(1) + u32(0) + u16(0x0807) + data(b"x"),
        "KEY_SIGNED": u64(5) + data(b"x"),
        "SESSION_RESUME": u64(5) + u64(6) + u8(1) + u32(NONE) + u32(0)
        + string("mallory") + string("1.2.3.4"),
        "SESSION_END": u64(5) + u16(4001) + string("replaced"),
        "REGISTER": u64(0) + u64(1) + u16(1) + service(EVIL),
        "REGISTERED": u64(0) + u64(1) + u16(0),
        "ROUTE_SET": u64(0) + string("mallory") + u16(1) + service(EVIL),
        "ROUTE_DELETE": u64(0) + string("alpha"),
        "NODE_STATE": string("mallory") + u8(1),
        "SERVICE_HEALTH": u64(0) + string(EVIL) + string("1.0.0") + u8(1),
        "VIEW_REPLY": u64(1) + u16(200) + data("{}"),
        "CONF_SERVICE": u32(0) + service(EVIL) + u8(1) + u32(1) + u32(0)
        + string("") + u16(0) + string(""),
        "CONF_PEER": u32(0) + string("h") + u16(80) + string("/ws/peers")
        + string("mallory") + u8(1) + u8(0) + u32(NONE) + string("")
        + u32(NONE),
        "CONF_KEY": u32(0) + string("/key"),
        "CONF_CERTIFICATE": u32(0) + u8(1) + string("/cert"),
        "CONF_CA": u32(0) + u8(1) + string("/ca"),
        "CONF_CREDENTIAL": u8(1) + u32(0) + string("mallory") + u8(1)
        + string("ed25519:x") + string(""),
        "CONF_RULE": u32(0) + u8(1) + u8(5) + u8(1) + string("*") + u8(1)
        + string("*") + string("*") + string("*") + u8(0) + string("/f")
        + u32(1),
        "PEER_ROWS": u64(0) + u8(1) + u64(1) + u64(1) + u32(0) + u8(1)
        + u16(1) + string("mallory") + u8(0) + u16(1) + service(EVIL),
        "PEER_DIGEST": u64(0) + u64(1) + u64(1) + u32(0) + u64(0),
        "PEER_RESYNC": u64(5),
        "PEER_QUERY": u64(5) + string("q") + string("alpha") + string(""),
        "PEER_ANSWER": u64(5) + string("q") + u8(1) + u8(2),
        "PEER_BARRIER": u64(1) + u64(5) + u8(1) + u8(2),
        "PEER_ROUTE_SET": string("mallory.main") + string("mallory") + u16(1)
        + service(EVIL),
        "PEER_ROUTE_DELETE": string("mallory.main") + string("mallory"),
        "PEER_ROUTES": string("mallory.main") + u8(3),
        "PEER_REQUEST": u64(1) + u8(1) + string("") + string("ws://h")
        + string("") + u8(1) + u8(1) + string("1.2.3.4"),
        "PEER_ADD": string("h") + u16(80) + string("/") + string("") + u8(0)
        + u8(1) + u8(1),
        "PEER_DIAL": u32(0) + u32(1) + u8(3),
        "PEER_STATE": u32(0) + u32(1) + u8(4) + u32(0) + string("mallory")
        + string(""),
        "CTL_PEER": u64(1) + u8(1) + string("ws://h") + string("") + u8(1)
        + u8(1),
        "CTL_TOKEN": u64(1) + u8(1) + string("admin"),
        "CTL_NODE": u64(1) + u8(6) + string("mallory") + string("")
        + string("") + u32(60),
        "CTL_AUDIT": u64(1) + u8(1) + u64(0) + u32(10),
        "CTL_EXPLAIN": u64(1) + string("anonymous") + string("x") + string("m"),
        "CONF_COMMIT": u32(1), "DRAIN": u32(0), "SHUTDOWN": u32(0),
        "CTL_SHOW": u64(1) + u8(1),
        "CTL_CALL": u64(1) + string("relay") + string("m") + u32(0)
        + data("{}"),
    }
    with Main() as m:
        for name, payload in forged.items():
            before = m.truth()
            m.frontend.send(name, payload)
            m.assert_offender(name)
            assert m.truth() == before, name
            m.new_frontend()
        assert all(c.process.poll() is None for c in m.children)


def every_type():
    """Every type of the table, as small as it may be, after a link is up:
    nobody else's row changes."""
    with Main() as m:
        for msg in TABLE:
            s = m.link("alpha")
            m.register(s, "alpha", "blog")
            try:
                m.frontend.send_raw(header(msg.number, msg.min)
                                    + b"\0" * msg.min)
            except Gone:
                pass
            m.settle()
            homes, services = m.truth()
            assert not has(homes, "mallory") and not has(services, EVIL)
            assert len(homes) <= 1, (msg.name, homes)
            m.new_frontend()
            m.settle()


def dialed(conn, peer, generation):
    return (u64(conn) + u32(peer) + u32(generation) + string("mallory.main")
            + string("boot") + string("") + string("1.2.3.4:5"))


def dialed_on_a_main():
    """A Main that has no peers dials nobody: a front-end that says so gets no
    session, whatever it says of the peer."""
    with Main() as m:
        before = m.truth()
        for conn, peer, generation in ((77, 0, 1), (78, 5, 1), (79, 0, 9)):
            m.frontend.send("LINK_DIALED", dialed(conn, peer, generation))
            _, r = m.frontend.expect("LINK_DENY")
            assert r.u64() == conn
            m.text(conn, registration("mallory", EVIL))
        m.text(0, registration("mallory", EVIL))
        assert m.truth() == before
        m.frontend.send("LINK_DIALED", dialed(80, NONE, 1))
        m.assert_offender("LINK_DIALED")
        assert m.truth() == before
        assert m.router.process.poll() is None


def home_of_another_main():
    """What a Main says of a home of ours leaves ours as it is."""
    with Main() as m:
        s = m.link("alpha")
        m.register(s, "alpha", "blog")
        before = m.truth()
        name, r = m.open("mallory.main", kind=2)
        assert name == "LINK_ACCEPT", r.b
        t = r.u64()
        for op in ("snapshot", "delta"):
            m.text(t, discovery("mallory.main", op, "alpha", EVIL))
            homes, services = m.truth()
            ours = [row for row in services if has([row], "blog")]
            assert homes == before[0] and ours == before[1], services
            for row in services:
                assert not has([row], EVIL) or has([row], "mallory.main"), row
        m.text(t, registration("alpha", EVIL))
        m.frontend.send("LINK_DOWN", u64(t) + string("gone"))
        homes, services = m.truth()
        assert homes == before[0], homes
        assert [row for row in services if has([row], "blog")] == before[1]


def front_end_that_dies():
    """Its sessions end with it, in the registry too."""
    with Main() as m:
        for _ in range(3):
            s = m.link("alpha")
            m.register(s, "alpha", "blog")
            assert has(m.rows(SHOW_SERVICES), "blog")
            m.frontend.close()
            m.settle()
            assert not has(m.rows(SHOW_SERVICES), "blog")
            m.new_frontend()
            m.settle()


def jobs():
    if all(parent.find_program(p) for p in ("router", "registry")):
        for f in (honest, foreign_sessions, foreign_names, bad_node_ids,
                  ended_session, words_of_the_registry, every_type,
                  dialed_on_a_main, home_of_another_main,
                  front_end_that_dies):
            yield f.__name__, f, ()


if __name__ == "__main__":
    runner.run(list(jobs()))
