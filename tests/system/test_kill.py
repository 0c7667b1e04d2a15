# SPDX-License-Identifier: ISC
"""
DESIGN.md, rule 10: what dies is started again, on the same listening sockets.
Registry gone: calls go on.  Router gone: links end with 1012 and come back.
"""

import os
import signal
import sqlite3
import threading
import time

from node import CHILDREN
from process import children_of, wait_for
from wire import Closed, Refused, http, remote


class Caller(threading.Thread):
    """Calls without a pause; keeps what was answered."""

    def __init__(self, node, make):
        super().__init__(daemon=True)
        self.node, self.make, self.answers = node, make, []
        self.end = threading.Event()

    def run(self):
        i = 0
        while not self.end.is_set():
            i += 1
            start = time.monotonic()
            try:
                got = self.node.rpc(self.make(i))
                kind = "ok" if "result" in got else got["error"]["code"]
            except AssertionError as e:         # a status but 200
                got, kind = str(e), "http"
            except OSError as e:
                got, kind = repr(e), "connection"
            self.answers.append((kind, time.monotonic() - start, got))
            if kind != "ok":
                self.end.wait(0.02)

    def ok(self):
        return sum(1 for a in self.answers if a[0] == "ok")

    def wait_more(self, n=20):
        want = self.ok() + n
        wait_for(lambda: self.ok() >= want, "%d more answers" % n)

    def stop(self):
        self.end.set()
        self.join(70)
        return self.answers


def integrity(node):
    """The registry's file, seen by another program."""
    files = [os.path.join(d, f) for d, _, fs in os.walk(node.state)
             for f in fs if not f.endswith(("-wal", "-shm"))]
    checked = 0
    for path in files:
        with open(path, "rb") as f:
            if f.read(16) != b"SQLite format 3\0":
                continue
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.close()
        checked += 1
    assert checked >= 1, files


def kill(node, program):
    """kill -9 one child; returns when another has its place."""
    old = node.wait_children()
    os.kill(old[program], signal.SIGKILL)
    wait_for(lambda: node.children().get(program, old[program])
             != old[program], "%s is started again" % program)
    new = node.wait_children()
    for name, pid in old.items():
        if name != program:
            assert new[name] == pid, (name, "was restarted too")
    return new


def allowed(answers, codes):
    bad = [a for a in answers if a[0] != "ok" and a[0] not in codes]
    assert not bad, bad[:5]
    slow = [a for a in answers if a[1] > 20]
    assert not slow, slow[:3]


def test_registry_of_the_main(t):
    """Calls go on as if nothing were."""
    main, alice, bob = t.pair()
    c = Caller(bob, lambda i: remote("echo", "echo", [i]))
    c.start()
    c.wait_more()
    for _ in range(3):
        kill(main, "relay-registry")
        c.wait_more()
    allowed(c.stop(), ())
    wait_for(lambda: ("alice.home", "echo") in main.registry(),
             "the registry knows the sessions again")
    assert main.registry()[("alice.home", "echo")]["is_healthy"]
    integrity(main)
    # New homes are let in again.
    carol = t.home("carol.home", main, services=t.service("carols"))
    main.wait_service("carol.home", "carols")
    assert alice.stop() == 0
    wait_for(lambda: ("alice.home", "echo") not in main.registry(),
             "the resumed session's end is noticed")
    assert carol.alive()


def test_router_of_the_main(t):
    """Links end with 1012, every pending call ends at once, nodes return."""
    main, alice, bob = t.pair()
    seed = main.link("seed.home")
    t.links.append(seed)
    seed.register(["seeds"])
    out = []
    start = time.monotonic()
    th = threading.Thread(target=lambda: out.append(
        bob.rpc(remote("seeds", "x", [], timeout=60))))
    th.start()
    seed.recv("request")
    kill(main, "relay-router")
    seed.expect_close(1012)
    th.join(20)
    assert time.monotonic() - start < 20
    assert out[0]["error"]["code"] == -32024, out
    main.wait_service("alice.home", "echo")
    bob.wait_linked(main)
    assert bob.rpc(remote("echo", "echo", [1]))["result"] == [1]
    integrity(main)


def test_router_of_the_main_under_calls(t):
    main, alice, bob = t.pair()
    c = Caller(main, lambda i: remote("echo", "echo", [i]))
    c.start()
    c.wait_more()
    kill(main, "relay-router")
    c.wait_more()
    allowed(c.stop(), ("http", "connection", -32010, -32011, -32012, -32024))
    wait_for(lambda: ("alice.home", "echo") in main.registry(), "registered")


def test_frontend_of_the_main(t):
    """The listening socket stays: connections wait or are served."""
    main, alice, bob = t.pair()
    c = Caller(bob, lambda i: remote("echo", "echo", [i]))
    c.start()
    c.wait_more()
    kill(main, "relay-frontend")
    c.wait_more()
    allowed(c.stop(), (-32011, -32012, -32013, -32024))
    status = http(main.port, "GET", "/health")[0]
    assert status == 200, status
    integrity(main)


def test_frontend_of_a_home(t):
    main, alice, bob = t.pair()
    kill(bob, "relay-frontend")
    bob.wait_ready()
    bob.wait_linked(main)
    kill(alice, "relay-frontend")
    alice.wait_ready()
    main.wait_service("alice.home", "echo")
    wait_for(lambda: "result" in bob.rpc(remote("echo", "echo", [1])),
             "alice answers again")


def test_router_of_a_home(t):
    main, alice, bob = t.pair()
    for home in (alice, bob):
        kill(home, "relay-router")
    wait_for(lambda: "result" in bob.rpc(remote("echo", "echo", [1])),
             "alice answers bob again")


def test_registry_of_a_home(t):
    main, alice, bob = t.pair()
    for home in (alice, bob):
        kill(home, "relay-registry")
    assert bob.rpc(remote("echo", "echo", [1]))["result"] == [1]
    wait_for(lambda: [s["service_name"] for s in
                      alice.get("/services")["services"]] == ["echo"],
             "GET /services of alice")
    integrity(alice)


def test_dialer_of_a_home(t):
    """The uplink belongs to the front-end: it stays, and calls on it."""
    main, alice, bob = t.pair()

    def sessions():
        return {node.name: [(s["session"], s["node_id"]) for s in
                            node.show("sessions")["sessions"]]
                for node in (main, alice, bob)}
    before = sessions()
    assert [len(v) for v in before.values()] == [2, 1, 1], before
    out = []
    th = threading.Thread(target=lambda: out.append(
        bob.rpc(remote("echo", "sleep", {"ms": 5000}, timeout=60))))
    th.start()
    wait_for(lambda: any(alice.show("pending").values()), "the call is there")
    for home in (alice, bob):
        for _ in range(2):
            kill(home, "relay-dialer")
            wait_for(lambda: [u["state"] for u in home.show("summary").get(
                "uplinks", [])] == ["up"], "%s has its uplink" % home.name)
    assert th.is_alive() and not out, "the call ended too early"
    th.join(30)
    assert out[0]["result"] == "late", out
    assert sessions() == before
    assert "replaced" not in main.log(), main.log()
    for home in (alice, bob):
        row = home.show("summary")["dialer"][0]
        assert (row["state"], row["dials"]) == ("up", 0), row
    # What ends later is dialled again, by that dialer.
    kill(main, "relay-frontend")
    wait_for(lambda: "result" in bob.rpc(remote("echo", "echo", [1])),
             "alice answers bob over new links")


def test_backend_of_a_home(t):
    """Calls in its hands end as CONNECTION_LOST, then it serves again."""
    main, alice, bob = t.pair()
    out = []
    th = threading.Thread(target=lambda: out.append(
        bob.rpc(remote("echo", "hang", [], timeout=60))))
    th.start()
    wait_for(lambda: any(alice.show("pending").values()), "the call is there")
    kill(alice, "relay-backend")
    th.join(20)
    err = out[0]["error"]
    assert err["code"] == -32024, out
    assert err["data"]["stage"] == "backend", out
    assert err["data"]["executed"] == "maybe", out

    def answered():
        got = bob.rpc(remote("echo", "echo", [1]))
        if "error" in got:
            assert got["error"]["code"] in (-32017, -32024, -32011), got
        return "result" in got
    wait_for(answered, "the service answers again")


def test_each_child_twice_at_once(t):
    """Two at the same time, in every pair."""
    main, alice, bob = t.pair()
    names = sorted(CHILDREN["home"])
    for i, a in enumerate(names):
        b = names[(i + 1) % len(names)]
        pids = alice.wait_children()
        os.kill(pids[a], signal.SIGKILL)
        os.kill(pids[b], signal.SIGKILL)
        wait_for(lambda: alice.children().get(a, pids[a]) != pids[a] and
                 alice.children().get(b, pids[b]) != pids[b],
                 "%s and %s are there again" % (a, b))
        wait_for(lambda: "result" in bob.rpc(remote("echo", "echo", [1])),
                 "alice answers after %s and %s died" % (a, b))
    integrity(alice)


def test_crash_loop_ends(t):
    """A child that dies again and again ends relayd, and not with 0."""
    main = t.main()
    main.expect_exit = True
    main.wait_children()
    end = time.monotonic() + 60
    while main.alive() and time.monotonic() < end:
        pid = main.children().get("relay-router")
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
    assert not main.alive(), "it goes on for ever"
    assert main.p.returncode != 0
    assert "router ended 10 times in 60 s, at last: killed by signal 9" in \
        main.log(), main.log()
    assert not children_of(main.pid)


def test_parent_killed(t):
    """Children end when relayd itself is killed, services too."""
    main = t.main()
    alice = t.home("alice.home", main, services=t.service("echo"))
    main.wait_service("alice.home", "echo")
    alice.expect_exit = True
    alice.p.kill()
    alice.wait()
    os.unlink(alice.control)
    wait_for(lambda: ("alice.home", "echo") not in main.registry(),
             "its link is gone")
    wait_for(lambda: not [p for p, c in t.left().items()
                          if p != main.pid and p not in
                          main.children().values()],
             "no process of it is left")


def test_link_state_after_a_kill(t):
    """Upgrades while the router is away are refused, not left hanging."""
    main = t.main()
    main.wait_children()
    os.kill(main.children()["relay-router"], signal.SIGKILL)

    def accepted():
        try:
            main.link("n.home").close()
            return True
        except (Refused, Closed) as e:
            assert not isinstance(e, Refused) or e.status == 503, e
            return False
    wait_for(accepted, "links are accepted again")
