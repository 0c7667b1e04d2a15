# SPDX-License-Identifier: ISC
"""
Mains, homes and strangers that mean harm: what they can use up, and whom they
can push out (PROTOCOL.md sections 2, 4 and 5).
"""

import json
import time

from node import free_port
from process import wait_for
from watch import Watch
from wire import Closed, Refused, authority, call, connect, remote
from wire_peer import Peer

SVC = [{"service_name": "svc", "version": "1.2.3", "methods": ["m"]}]
PEERS = 64                      # LIMIT_PEERS
FAULTS = 16                     # LIMIT_PEER_FAULTS


def peer(t, main, node_id="evil.main", **kw):
    p = Peer(main.port, node_id, **kw)
    t.links.append(p)
    return p


def in_step(p):
    """All that this peer has said was taken."""
    q = p.discovery("query", node_id="nobody.home")
    while p.recv_op("answer").get("correlation_id") != q["message_id"]:
        pass


def joined(t, main, node_id="evil.main", nodes=("far.home",)):
    p = peer(t, main, node_id)
    p.snapshot({n: SVC for n in nodes})
    in_step(p)
    return p


def mains_of(rows, key):
    """The other Mains that these are of."""
    return {key(r) for r in rows} - {"", None, "main.test"}


def test_a_notification_of_one_who_leaves(t):
    """It waits for the peers' word, and nobody waits for it."""
    main = t.main()
    p = joined(t, main)
    watch = Watch(t, main)
    note = {"jsonrpc": "2.0", "method": "remote_call"}
    for i in range(12):
        calls = [dict(note, params={"server_name": "none%d" % (3 * i + k),
                                    "method": "m"}) for k in range(3)]
        if i % 3 == 0:
            calls.append(call("relay.ping"))
        body = json.dumps(calls if i % 2 == 0 else calls[0]).encode()
        s = connect(main.port)
        s.sendall(b"POST /rpc HTTP/1.1\r\nHost: %s\r\nContent-Type: "
                  b"application/json\r\nContent-Length: %d\r\n\r\n" %
                  (authority(main.port).encode(), len(body)) + body)
        p.recv_op("query")
        s.close()
    watch.check("they are gone")
    # The peer is asked, and it still may say what it likes.
    for m in p.queue:
        if m["type"] == "service_discovery":
            p.discovery("answer", correlation_id=m["message_id"],
                        found=True, node="online")
    watch.finish()


def test_text_that_is_no_envelope(t):
    main = t.main()
    watch = Watch(t, main)
    good = joined(t, main, "good.main")
    for i, text in enumerate(("", "{", "[]", "{}", '{"type":7}', "x" * 1000,
                              '{"type":"response","correlation_id":[]}')):
        p = peer(t, main, "evil%d.main" % i)
        try:
            for _ in range(4 * FAULTS):
                p.send_text(text)
        except ConnectionError:
            pass
        assert p.expect_close() in (1008, 1006), text
        main.wait_log("evil%d.main.*malformed messages" % i)
    # What is merely unknown costs no link.
    for _ in range(4 * FAULTS):
        good.send(good.envelope("news"))
        assert good.recv("error")
    in_step(good)
    watch.finish()


def test_snapshots_asked_for_without_end(t):
    main = t.main()
    home = main.link("own.home")
    t.links.append(home)
    home.register(["own"])
    p = peer(t, main)
    p.rows()
    end = time.monotonic() + 3
    parts = 0
    while time.monotonic() < end:
        for _ in range(100):
            p.discovery("query", want="snapshot")
        try:
            while p.recv_op("snapshot", timeout=0.02):
                parts += 1
        except TimeoutError:
            pass
    assert 1 <= parts <= 5, parts


def test_mains_that_come_and_go(t):
    """Ids cost nothing; what is kept of those that had them does."""
    main = t.main()
    watch = Watch(t, main)
    good = joined(t, main, "good.main")
    n = PEERS + 40
    for i in range(n):
        p = joined(t, main, "m%03d.main" % i, ["a.home", "b.home"])
        p.abort()
        t.links.remove(p)

    def at_most():
        rows = main.show("routes").get("routes", [])
        listed = mains_of(rows, lambda r: r["main_id"])
        return listed if len(listed) <= PEERS + 1 and \
            "m%03d.main" % (n - 1) in listed else None

    routes = wait_for(at_most, "the last ones are listed")
    assert "good.main" in routes, routes
    seen = mains_of(main.federation().values(),
                    lambda s: s["node_address"].get("main_relay"))
    assert len(seen) <= PEERS + 1, len(seen)
    in_step(good)
    watch.finish()


def test_strangers_leave_room_for_the_configured(t):
    port = free_port()
    main = t.main(extra='peer "ws://127.0.0.1:%d" { node "late.main" }\n' %
                  port)
    for i in range(PEERS - 1):
        peer(t, main, "n%d.main" % i)
    try:
        peer(t, main, "n%d.main" % PEERS)
    except Refused as e:
        assert e.status == 503, e
    else:
        raise AssertionError("the place of another")
    joined(t, main, "late.main")
    assert main.peer("late.main")["state"] == "up"


def test_homes_that_take_all_room(t):
    """They are cut, the link of their Main is not."""
    a, b = t.mains(2)
    a.wait_peer("b.main")
    b.wait_peer("a.main")
    services = [{"service_name": "s%d" % i,
                 "methods": ["m%d" % k for k in range(256)]}
                for i in range(64)]
    for i in range(60):
        home = a.link("greedy%d.home" % i)
        t.links.append(home)
        home.register(services)
    small = a.link("small.home")
    t.links.append(small)
    small.register(["svc"])
    b.wait_federated("a.main", "small.home", "svc")
    a.wait_log("peers are not told")
    for main in (a, b):
        assert "its link is closed" not in main.log(), main.log()
    small.register(["svc", "more"])
    b.wait_federated("a.main", "small.home", "more")


def test_a_peer_that_claims_every_miss(t):
    """Each call still ends, and none goes round."""
    main = t.main()
    watch = Watch(t, main)
    p = joined(t, main)
    own = main.link("own.home")
    t.links.append(own)
    for i in range(20):
        r = own.request("none%d" % i, "m")
        q = p.recv_op("query")
        for _ in range(3):
            p.discovery("answer", correlation_id=q["message_id"], found=True,
                        node="online")
        a = own.recv("response", "error")
        assert a["correlation_id"] == r["message_id"], a
        assert a["jsonrpc_response"]["error"]["code"] == -32011, a
    got = main.rpc(remote("relay", "ping", node="main.test"))
    assert "result" in got, got
    try:
        in_step(p)
    except Closed as e:
        raise AssertionError(e)
    watch.finish()
