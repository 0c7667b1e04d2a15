# SPDX-License-Identifier: ISC
"""Sessions: takeover, clones, liveness, and a home's way back."""

import threading
import time

from answers import check_error
from process import LONG, wait_for
from relaytest import Skip
from watch import Watch
from wire import Closed, Refused, remote


def test_takeover(t):
    """A new link for a node replaces the old one at once."""
    main = t.main()
    watch = Watch(t, main)
    old = main.link("alice.home", boot_id="1111111111111111")
    old.register(["blog", "old"])
    out = []
    th = threading.Thread(target=lambda: out.append(
        main.rpc(remote("blog", "x", [], timeout=60))))
    th.start()
    old.recv("request")
    new = main.link("alice.home", boot_id="1111111111111111")
    t.links.append(new)
    assert old.expect_close(4001) == 4001
    th.join(20)
    check_error(out[0], -32024)
    new.register(["blog"])
    assert sorted(k[1] for k in main.registry() if k[0] == "alice.home") == \
        ["blog"]
    # The old one's end removes nothing of the new one.
    old.abort()
    watch.check("the old link is gone")
    out = []
    th = threading.Thread(target=lambda: out.append(
        main.rpc(remote("blog", "y", []))))
    th.start()
    new.answer_result(new.recv("request"), "new")
    th.join(20)
    assert out[0]["result"] == "new", out
    rows = [k for k in main.registry() if k[0] == "alice.home"]
    assert rows == [("alice.home", "blog")], rows


def test_takeover_without_a_boot_id(t):
    """A seed client sends none; it may come back as often as it likes."""
    main = t.main()
    for i in range(10):
        link = main.link("seed.home")
        t.links.append(link)
        link.register(["s%d" % i])
    assert [k[1] for k in main.registry()] == ["s9"]


def test_clone(t):
    """Two processes of one node: alternating boot ids hold the second out."""
    main = t.main()
    links = []
    for i in range(12):
        boot = "%016x" % (1 + i % 2)
        try:
            links.append((boot, main.link("twin.home", boot_id=boot)))
        except Refused as e:
            assert e.status == 409, e
            assert "retry-after" in e.fields, e.fields
            break
    else:
        raise AssertionError("never held out")
    t.links += [x[1] for x in links]
    kept_boot, kept = links[-1]
    assert len(links) >= 3, "held out too early"
    assert boot != kept_boot
    # The one that is there stays and works.
    assert kept.register(["twin"])["accepted"]
    # And it may come back itself.
    again = main.link("twin.home", boot_id=kept_boot)
    t.links.append(again)
    kept.expect_close(4001)
    assert again.register(["twin"])["accepted"]


def test_two_ids_that_differ_in_case(t):
    main = t.main()
    one = main.link("Alice.Home")
    two = main.link("alice.home")
    t.links += [one, two]
    one.expect_close(4001)
    two.register(["a"])
    assert list(main.registry()) == [("alice.home", "a")]


def test_a_home_comes_back(t):
    """Main restarted: the home dials again by itself and registers."""
    main, alice, bob = t.pair()
    assert main.stop() == 0
    again = main.restart()
    again.wait_service("alice.home", "echo")
    wait_for(lambda: bob.rpc(remote("echo", "echo", [1])).get("result") ==
             [1], "bob's call gets through")


def test_fallback_of_a_home(t):
    one, two = t.main("one.test"), t.main("two.test")
    home = t.home("alice.home", one, two, services=t.service("echo"))
    one.wait_service("alice.home", "echo")
    assert not two.registry()
    assert one.stop() == 0
    two.wait_service("alice.home", "echo")
    assert two.rpc(remote("echo", "echo", [1]))["result"] == [1]
    assert home.alive()


def test_pings(t):
    """Both sides: relayd pings an idle link each 15 s, and heartbeats."""
    if not LONG:
        raise Skip("waits 15 s (./check -f)")
    main = t.main()
    link = main.link("idle.home")
    t.links.append(link)
    link.register(["idle"])
    beat = link.recv("heartbeat", timeout=25)
    assert beat["source_node"]["id"] == "main.test", beat
    wait_for(lambda: link.pings or _pump(link), "a ping came", 25)


def _pump(link):
    try:
        link.queue.append(link.recv("heartbeat", timeout=1))
    except TimeoutError:
        pass
    return link.pings


def test_dead_link(t):
    """No byte for 45 s: the link is dead, its calls end."""
    if not LONG:
        raise Skip("waits 45 s (./check -f)")
    main = t.main()
    dead = main.link("dead.home")
    dead.register(["dead"])
    out = []
    start = time.monotonic()
    th = threading.Thread(target=lambda: out.append(
        main.rpc(remote("dead", "x", [], timeout=120), timeout=150)))
    th.start()
    # From here on it neither reads nor writes.
    th.join(90)
    took = time.monotonic() - start
    check_error(out[0], -32024)
    assert 40 < took < 65, took
    assert ("dead.home", "dead") not in main.registry()
    try:
        dead.expect_close()
    except Closed:
        pass


def test_handshake_deadline(t):
    """A connection that never finishes its request is closed after 10 s."""
    if not LONG:
        raise Skip("waits 10 s (./check -f)")
    from wire import connect
    main = t.main()
    with connect(main.port, 30) as s:
        s.sendall(b"GET /ws/federation HTTP/1.1\r\nHost: x\r\n")
        start = time.monotonic()
        s.settimeout(30)
        try:
            while s.recv(4096):
                pass
        except ConnectionError:
            pass
        assert 5 < time.monotonic() - start < 20


def test_late_answer_to_another_call(t):
    """
    Two homes number their calls alike.  What comes for the first one's call
    after its timeout is not an answer to the other's.
    """
    main = t.main()
    callee, a, b = (main.link(n) for n in ("callee.home", "a.home", "b.home"))
    t.links += [callee, a, b]
    callee.register(["svc"])
    a.seq = b.seq = 6
    first = a.request("svc", "m", timeout_seconds=1)
    asked = callee.recv("request")
    late = a.recv("error")
    assert late["jsonrpc_response"]["error"]["code"] == -32014, late
    second = b.request("svc", "m")
    assert first["message_id"] == second["message_id"]
    again = callee.recv("request")
    assert again["message_id"] != asked["message_id"], again
    callee.answer_result(asked, "of the first")
    callee.answer_result(again, "of the second")
    got = b.recv("response")
    assert got["correlation_id"] == second["message_id"], got
    assert got["jsonrpc_response"]["result"] == "of the second", got
