# SPDX-License-Identifier: ISC
"""Homes with fallbacks: PROTOCOL.md section 4, reconnect."""

import threading

from node import free_port
from process import wait_for
from wire import remote


class Caller(threading.Thread):
    """Calls all the time; bad() are those that the rules do not allow."""

    def __init__(self, caller, *args, **kw):
        super().__init__(daemon=True)
        self.caller, self.args, self.kw = caller, args, kw
        self.done, self.errors, self.end = 0, [], threading.Event()
        self.start()

    def run(self):
        while not self.end.is_set():
            got = self.caller.rpc(remote(*self.args, **self.kw))
            if "result" in got:
                self.done += 1
            else:
                self.errors.append(got["error"])

    def stop(self):
        self.end.set()
        self.join(60)


def where(*mains):
    """The Mains that have a link with alice.home now."""
    return [m.node_id for m in mains if any(
        h["node_id"] == "alice.home" and h["state"] == "online"
        for h in m.show("homes").get("homes", []))]


def trio(t, hold_down="hold-down 1s\n"):
    """Mains a and b, alice with fallback b, bob at b."""
    # Each dials the other, so that they are linked as soon as both are there.
    port = free_port()
    a = t.main("a.main", peers=["ws://127.0.0.1:%d" % port])
    b = t.main("b.main", peers=[a], port=port)
    a.wait_peer(b)
    b.wait_peer(a)
    alice = t.home("alice.home", a, b, services=t.service("echo"),
                   extra=hold_down)
    bob = t.home("bob.home", b)
    b.wait_federated(a, "alice.home", "echo")
    bob.wait_linked(b)
    return a, b, alice, bob


def test_failover_and_return(t):
    a, b, alice, bob = trio(t)
    assert where(a, b) == ["a.main"]
    a.stop()
    b.wait_service("alice.home", "echo")
    got = bob.rpc(remote("echo", "echo", [1], node="alice.home"))
    assert got["result"] == [1], got
    a = a.restart()
    # Back at its primary, and nowhere else.
    wait_for(lambda: where(a, b) == ["a.main"], "alice is back at a")
    b.wait_federated("a.main", "alice.home", "echo")
    wait_for(lambda: bob.rpc(remote("echo", "echo", [2],
             node="alice.home")).get("result") == [2], "found there")
    a.stop()


def test_return_without_a_lost_call(t):
    """Make before break: calls go on while alice moves back."""
    a, b, alice, bob = trio(t)
    a.stop()
    b.wait_service("alice.home", "echo")
    caller = Caller(bob, "echo", "echo", [1])
    outward = Caller(alice, "relay", "ping", node="b.main")
    a = a.restart()
    wait_for(lambda: where(a, b) == ["a.main"], "alice is back at a")
    n = caller.done
    wait_for(lambda: caller.done > n + 20, "calls go on")
    caller.stop()
    outward.stop()
    assert not caller.errors, caller.errors[:3]
    assert not outward.errors, outward.errors[:3]
    a.stop()


def test_calls_in_flight_finish_on_the_old_link(t):
    a, b, alice, bob = trio(t)
    a.stop()
    b.wait_service("alice.home", "echo")
    got = []
    th = threading.Thread(target=lambda: got.append(bob.rpc(
        remote("echo", "sleep", {"ms": 6000}, node="alice.home"))))
    th.start()
    wait_for(lambda: b.show("pending").get("pending"), "it is under way")
    a = a.restart()
    wait_for(lambda: where(a) == ["a.main"], "alice is at a again")
    th.join(60)
    assert got[0].get("result") == "late", got
    wait_for(lambda: where(a, b) == ["a.main"], "the old link is closed")
    a.stop()


def test_no_return_within_the_hold_down(t):
    a, b, alice, bob = trio(t, "hold-down 1h\n")
    a.stop()
    b.wait_service("alice.home", "echo")
    a = a.restart()
    a.wait_peer("b.main")
    # A home without a hold-down of that length would be there before.
    other = t.home("other.home", a)
    other.wait_linked(a)
    assert where(a, b) == ["b.main"]
    # Its fallback goes: then at once.
    b.stop()
    a.wait_service("alice.home", "echo")
    a.stop()


def test_found_at_its_new_main(t):
    """Within a second of the move, from a third Main."""
    import time
    a, b, c = t.mains(3)
    alice = t.home("alice.home", a, b, services=t.service("echo"),
                   extra="hold-down 1h\n")
    dave = t.home("dave.home", c)
    c.wait_federated(a, "alice.home", "echo")
    dave.wait_linked(c)
    a.stop()
    b.wait_service("alice.home", "echo")
    began = time.monotonic()
    wait_for(lambda: dave.rpc(remote("echo", "echo", [1],
             node="alice.home")).get("result") == [1], "found at b")
    t.took = time.monotonic() - began


def test_pending_call_when_the_primary_goes(t):
    a, b, alice, bob = trio(t)
    import os
    import signal
    got = []
    th = threading.Thread(target=lambda: got.append(bob.rpc(
        remote("echo", "hang", node="alice.home@a.main"))))
    th.start()
    wait_for(lambda: a.show("pending").get("pending"), "it is under way")
    pids = a.children()
    a.expect_exit = True
    for pid in [a.pid] + list(pids.values()):
        os.kill(pid, signal.SIGKILL)
    th.join(30)
    err = got[0]["error"]
    assert err["code"] == -32024 and err["data"]["executed"] == "maybe", err
    b.wait_service("alice.home", "echo")
    os.unlink(a.control)
