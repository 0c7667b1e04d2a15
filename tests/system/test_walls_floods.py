# SPDX-License-Identifier: ISC
"""
Walls: processes that were taken over and send without end, or read nothing:
others keep their time and their memory.
"""

import itertools
import os
import signal

from fields import data, frame, string, u8, u16, u32, u64
from process import wait_for
from puppet import Ended
from siege import Siege
from test_walls_frontend import link_auth
from test_walls_keys import GOOD, handshake

TIMEOUT = 180


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
    # Until those are answered there is no room for another: 503.
    conn = itertools.count(1 << 61)
    wait_for(lambda: link_auth(s, next(conn), "alice.home") == (
        "LINK_DENY", 401), "the flood has run off")
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
