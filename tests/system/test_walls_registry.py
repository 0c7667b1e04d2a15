# SPDX-License-Identifier: ISC
"""
Walls: a registry that was taken over.  It decides who is let in; to the parent
and to the router it is one that may be wrong.
"""

import os
import signal

from fields import PROC, data, frame, string, u8, u16, u32, u64
from process import wait_for
from puppet import Ended
from siege import Siege
from test_walls_floods import rss

TIMEOUT = 180


def peer_add(host, port=9, path="/ws/peers", node="", tls=1):
    return string(host) + u16(port) + string(path) + string(node) + u8(tls) \
        + u8(0) + u8(0)


def test_registry_wrong_peers(t):
    """What is dialled the parent looks at itself; who is linked stays so."""
    s = Siege(t, "registry")
    for wrong in (peer_add("a b"), peer_add("127.0.0.1", 0),
                  peer_add("127.0.0.1", path="/x y"),
                  peer_add("127.0.0.1", node="..")):
        try:
            s.puppet.say("parent", "PEER_ADD", wrong)
        except Ended:
            pass
        s.blamed("channel: PEER_ADD")
        s.calls_go_on()
    s.stands()


def test_registry_floods_parent(t):
    """Peers by the thousand: there is a limit to them, and the parent does
    its work."""
    s = Siege(t, "registry")
    before = rss(s.pid)
    for part in range(10):
        s.puppet.send("parent", b"".join(frame("PEER_ADD", peer_add(
            "n%d.invalid" % (part * 100 + n))) for n in range(100)))
    code, out, err = s.node.ctl("show", "processes")
    assert code == 0, (out, err)
    assert rss(s.pid) - before < 32 << 10
    assert s.puppet.alive()
    s.calls_go_on()
    assert s.node.alive() and s.node.pid == s.pid
    s.same_rows()


def test_registry_answers_unasked(t):
    """To the router: of sessions, calls and questions that there are not."""
    s = Siege(t, "registry")
    for n in (0, 1, 77, (1 << 64) - 1):
        for name, payload in (
                ("SESSION_ACCEPT", u64(n) + u64(1) + u64(0) +
                 string("mallory.home") + string("")),
                ("SESSION_DENY", u64(n) + u16(403) + u32(0) + u32(0) +
                 string("") + string("no")),
                ("SESSION_END", u64(n) + u16(1008) + string("no")),
                ("PROOF_ANSWER", u64(n) + string("x") + string("")),
                ("CALLER_ANSWER", u64(n) + u8(1) + string("ops")),
                ("REGISTERED", u64(n) + u64(1) + u16(0)),
                ("ROUTE_DELETE", u64(n) + string("mallory.home")),
                ("VIEW_REPLY", u64(n) + u16(200) + data("{}"))):
            s.puppet.say("router", name, payload)
            s.calls_go_on()
    assert s.puppet.alive()
    s.stands()


def test_registry_floods_router(t):
    s = Siege(t, "registry")
    before = rss(s.pid_of("router"))
    one = frame("VIEW_REPLY", u64(7) + u16(200) + data("x" * 2000))
    for _ in range(20):
        s.puppet.send("router", one * 500)
        s.calls_go_on()
    assert rss(s.pid_of("router")) - before < 32 << 10
    s.stands()


def test_registry_silent(t):
    """One that does not answer lets nobody in; who is in goes on."""
    s = Siege(t, "registry")
    link = s.alice_link
    os.kill(s.puppet.last, signal.SIGSTOP)
    try:
        for _ in range(20):
            link.call("relay", "ping", dest=s.node.node_id)
        code, out, err = s.node.ctl("show", "processes")
        assert code == 0, (out, err)
    finally:
        os.kill(s.puppet.last, signal.SIGCONT)
    s.stands()


def test_registry_accuses(t):
    """Of the parent it can say nothing, nor of itself; the next comes, and
    links outlive the change."""
    s = Siege(t, "registry")
    link = s.alice_link
    for proc in ("parent", "registry"):
        try:
            s.puppet.say("parent", "OFFENDER", u8(PROC[proc]) + string("he"))
        except Ended:
            pass
        s.blamed("channel: OFFENDER")
        link.call("relay", "ping", dest=s.node.node_id)
    wait_for(lambda: ("alice.home", "blog") in s.node.registry(),
             "the next one knows of alice")
    s.stands()
