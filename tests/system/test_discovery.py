# SPDX-License-Identifier: ISC
"""
What another Main may say and what it may not (PROTOCOL.md sections 2, 3 and
5), by a Main that is not ours.
"""

import os
import time

from process import wait_for
from watch import Watch
from wire import Closed, Refused, remote
from wire_peer import Peer

SVC = [{"service_name": "svc", "version": "1.2.3", "methods": ["m"]}]


def peer(t, main, node_id="evil.main", **kw):
    p = Peer(main.port, node_id, **kw)
    t.links.append(p)
    return p


def joined(t, main, nodes=None, node_id="evil.main"):
    """A peer whose snapshot is in."""
    p = peer(t, main, node_id)
    nodes = {"far.home": SVC} if nodes is None else nodes
    p.snapshot(nodes)
    for n, services in nodes.items():
        for s in services:
            main.wait_federated(node_id, n, s["service_name"])
    return p


def routes(main, main_id="evil.main"):
    return {(r["node_id"], r["service_name"])
            for r in main.show("routes").get("routes", [])
            if r["main_id"] == main_id}


def test_handshake(t):
    main = t.main()
    for kw in ({"path": "/ws/federation"}, {"headers": {
            "X-Relay-Node-Type": "home"}}):
        try:
            peer(t, main, **kw)
        except Refused as e:
            assert e.status == 400, (kw, e)
        else:
            raise AssertionError(kw)
    for bad in ("", "a b", "ev/il", "a..b", "x" * 254, "a@b", "-." * 130):
        try:
            peer(t, main, bad)
        except Refused as e:
            assert e.status in (400, 403), (bad, e)
        else:
            raise AssertionError(bad)
    try:
        peer(t, main, "main.test")
    except Refused as e:
        assert e.status == 409, e
    else:
        raise AssertionError("its own id")
    main.wait_log("two Mains with one id")
    p = peer(t, main)
    assert p.main_id == "main.test" and p.fields["x-relay-boot-id"], p.fields


def test_a_peer_of_a_home(t):
    home = t.home("h.home")
    try:
        peer(t, home)
    except Refused as e:
        assert e.status in (403, 404), e
    else:
        raise AssertionError("a home has no peers")


def test_snapshot_and_deltas(t):
    main = t.main()
    home = main.link("own.home")
    t.links.append(home)
    home.register([{"service_name": "own", "version": "2.0.0",
                    "methods": ["a", {"name": "b", "idempotent": True}],
                    "labels": {"region": "eu"}, "weight": 5},
                   {"service_name": "near", "visibility": "main"}])
    p = peer(t, main)
    rows = p.rows()
    assert set(rows) == {"own.home"}, rows
    assert [s["service_name"] for s in rows["own.home"]] == ["own"], rows
    s = rows["own.home"][0]
    assert s["version"] == "2.0.0" and s["weight"] == 5, s
    assert s["labels"] == {"region": "eu"}, s
    # Each change is one more.
    seq = None
    for names in (["one"], ["one", "two"], []):
        home.register(names)
        d = p.recv_op("delta")["data"]
        assert seq is None or d["seq"] == seq + 1, d
        seq = d["seq"]
        n, = d["nodes"]
        assert n["node_id"] == "own.home", n
        if names:
            assert sorted(x["service_name"] for x in n["services"]) == names
        else:
            assert n["deleted"] is True, n
    home.register(["one"])
    p.recv_op("delta")
    home.abort()
    n, = p.recv_op("delta")["data"]["nodes"]
    assert n == {"node_id": "own.home", "deleted": True}, n
    # The other way.
    p.snapshot({"far.home": SVC, "gone.home": SVC})
    main.wait_federated("evil.main", "far.home", "svc")
    p.delta({"gone.home": None, "new.home": SVC})
    wait_for(lambda: routes(main) == {("far.home", "svc"),
                                      ("new.home", "svc")}, "the delta is in")
    # A snapshot replaces all of it.
    p.snapshot({"last.home": SVC})
    wait_for(lambda: routes(main) == {("last.home", "svc")}, "the snapshot")


def test_health_travels(t):
    main = t.main()
    home = main.link("own.home")
    t.links.append(home)
    home.register(["own"])
    p = peer(t, main)
    p.rows()
    home.send(home.envelope("heartbeat", data={"unhealthy": ["own"]}))
    n, = p.recv_op("delta")["data"]["nodes"]
    assert n["services"][0]["healthy"] is False, n


def test_gaps_ask_for_a_snapshot(t):
    main = t.main()
    p = joined(t, main)
    p.state_seq += 5
    p.delta({"new.home": SVC})
    m = p.recv_op("query")
    assert m["data"]["want"] == "snapshot", m
    # What came out of order is not believed.
    assert routes(main) == {("far.home", "svc")}
    p.snapshot({"far.home": SVC, "new.home": SVC})
    main.wait_federated("evil.main", "new.home", "svc")
    # A repeat is a gap, too, and so is another epoch.
    p.state_seq -= 1
    p.delta({"again.home": SVC})
    assert p.recv_op("query")["data"]["want"] == "snapshot"
    p.snapshot({"far.home": SVC})
    wait_for(lambda: routes(main) == {("far.home", "svc")}, "one row again")
    p.delta({"x.home": SVC}, epoch="00000000000000ff")
    assert p.recv_op("query")["data"]["want"] == "snapshot"


def test_digests_that_never_match(t):
    """Asked for a snapshot at most each second, whatever comes."""
    main = t.main()
    p = joined(t, main)
    asked, end = 0, time.monotonic() + 3
    while time.monotonic() < end:
        for _ in range(50):
            p.discovery("digest", epoch=p.state_epoch, seq=p.state_seq,
                        nodes=1, digest=os.urandom(8).hex())
        try:
            while True:
                m = p.recv("service_discovery", timeout=0.05)
                if m["data"]["op"] == "query":
                    asked += 1
                    p.snapshot({"far.home": SVC})
        except TimeoutError:
            pass
    assert 1 <= asked <= 5, asked
    assert routes(main) == {("far.home", "svc")}


def test_parts(t):
    main = t.main()
    p = joined(t, main, {"old.home": SVC})
    for part in range(3):
        p.snapshot({"h%d.home" % part: SVC}, part=part, last=part == 2)
    wait_for(lambda: routes(main) == {("h%d.home" % i, "svc")
                                      for i in range(3)},
             "three parts are one snapshot")
    # One that does not go on changes nothing away.
    p.snapshot({"x.home": SVC}, part=0, last=False)
    p.snapshot({"y.home": SVC}, part=5, last=True)
    p.recv_op("query")
    assert ("h0.home", "svc") in routes(main)


def test_refused_rows(t):
    main = t.main()
    watch = Watch(t, main)
    good = {"far.home": SVC}
    for i, nodes in enumerate((
            [{"node_id": "bad id", "services": SVC}],
            [{"node_id": "", "services": SVC}],
            [{"node_id": "x" * 300, "services": SVC}],
            [{"node_id": 5, "services": SVC}],
            [{"node_id": "a.home"}],
            [{"node_id": "a.home", "services": "svc"}],
            [{"node_id": "a.home", "services": [{}]}],
            [{"node_id": "a.home", "services": [{"service_name": "a b"}]}],
            [{"node_id": "a.home", "services": [{"service_name": "x" * 129}]}],
            [{"node_id": "a.home", "services": [
                {"service_name": "a", "version": "one"}]}],
            [{"node_id": "a.home", "services": [
                {"service_name": "a", "weight": -1}]}],
            [{"node_id": "a.home", "services": [
                {"service_name": "a", "methods": ["m"] * 257}]}],
            [{"node_id": "a.home", "services": SVC * 65}],
            "nodes", {"a": 1}, [7], [None], [[]])):
        p = joined(t, main, node_id="evil%d.main" % i)
        p.delta({}, nodes=nodes)
        got = []
        try:
            while not got:
                m = p.recv("error", "service_discovery")
                if m["type"] == "error" or m["data"]["op"] == "query":
                    got.append(m)
        except Closed as e:
            assert e.code == 1008, (nodes, e)
        assert routes(main, "evil%d.main" % i) <= {("far.home", "svc")}, nodes
        p.abort()
    watch.finish()


def test_rows_for_other_mains(t):
    main = t.main()
    good = joined(t, main, node_id="good.main")
    p = joined(t, main)
    p.delta({}, nodes=[{"node_id": "far.home", "main_relay": "good.main",
                        "services": []}])
    p.expect_close(1008)
    assert routes(main, "good.main") == {("far.home", "svc")}
    # Its rows are its own, whatever another calls its homes.
    q = joined(t, main, {"far.home": []}, node_id="evil2.main")
    q.delta({"far.home": None})
    q.snapshot({})
    got = main.rpc(remote("relay", "ping", node="main.test"))
    assert "result" in got
    assert routes(main, "good.main") == {("far.home", "svc")}


def test_a_million_rows(t):
    main = t.main()
    watch = Watch(t, main)
    good = joined(t, main, node_id="good.main")
    p = peer(t, main)
    sent = 0
    try:
        for part in range(1000):
            p.snapshot({"h%d.home" % (sent + i): SVC for i in range(1000)},
                       part=part, last=part == 999)
            sent += 1000
        p.expect_close(1008)
    except (ConnectionError, Closed):
        pass
    wait_for(lambda: (main.peer("evil.main") or {"state": "x"})["state"] !=
             "up", "the link is gone")
    main.wait_log("evil.main.*(rows|homes)")
    assert len(routes(main)) == 0 or \
        all(r["state"] == "stale" for r in main.show("routes")["routes"]
            if r["main_id"] == "evil.main")
    assert routes(main, "good.main") == {("far.home", "svc")}
    assert len(main.federation()) < 25000
    watch.finish()


def test_garbage_discovery(t):
    main = t.main()
    watch = Watch(t, main)
    p = joined(t, main)
    errors = 0
    try:
        for data in ({"op": "nonsense"}, {}, None, [], {"op": 7},
                     {"op": "snapshot"}, {"op": "delta", "seq": "x"},
                     {"op": "delta", "epoch": "zz", "seq": 1, "nodes": []},
                     {"op": "digest"}, {"op": "answer"},
                     {"op": "query", "want": "everything"},
                     {"op": "delta", "epoch": p.state_epoch, "seq": -1,
                      "nodes": []},
                     {"op": "delta", "epoch": p.state_epoch, "seq": 2 ** 63,
                      "nodes": []},
                     {"op": "delta", "epoch": p.state_epoch, "seq": 1.5,
                      "nodes": []}):
            m = p.envelope("service_discovery", data=data, source_node={
                "type": "main", "id": "evil.main"})
            p.send(m)
            while True:
                a = p.recv("error", "service_discovery")
                if a["type"] == "error":
                    assert a["correlation_id"] == m["message_id"], a
                    errors += 1
                    break
                if a["data"]["op"] == "query":
                    continue
    except Closed as e:
        assert e.code == 1008, e
    assert errors > 5, errors
    watch.finish()


def caller(t, main):
    """A peer, and an own home of that Main with a service of each kind."""
    home = main.link("own.home")
    t.links.append(home)
    home.register(["open", {"service_name": "near", "visibility": "main"}])
    return joined(t, main), home


DEST = {"type": "home", "id": "own.home", "main_relay": "main.test"}


def test_a_good_call(t):
    main = t.main()
    p, home = caller(t, main)
    p.forward("open", "m", [1], destination_node=DEST)
    m = home.recv("request")
    assert m["source_node"]["main_relay"] == "evil.main", m
    assert m["routing_path"] == ["caller.home", "evil.main", "main.test"], m
    assert m["ttl"] == 1, m
    home.answer_result(m, "ok")
    assert p.recv("response")["jsonrpc_response"]["result"] == "ok"


def test_forged_calls(t):
    main = t.main()
    watch = Watch(t, main)
    p, home = caller(t, main)
    good = joined(t, main, node_id="good.main")
    src = {"type": "home", "id": "caller.home", "main_relay": "evil.main"}
    for code, more in (
            (-32020, {"source": dict(src, main_relay="good.main")}),
            (-32020, {"source": {"type": "home", "id": "own.home"}}),
            (-32020, {"source": dict(src, main_relay="main.test")}),
            (-32020, {"source": {"type": "main", "id": "good.main"}}),
            (-32600, {"routing_path": ["caller.home", "good.main"]}),
            (-32600, {"routing_path": ["evil.main", "caller.home"]}),
            (-32600, {"routing_path": ["evil.main", "evil.main"]}),
            (-32600, {"routing_path": ["a", "b", "evil.main"]}),
            (-32600, {"routing_path": ["main.test", "evil.main"]}),
            (-32600, {"routing_path": []}),
            (-32022, {"ttl": 0}),
            (-32022, {"ttl": 1}),
            (-32022, {"ttl": -5}),
            (-32010, {"destination_node": dict(DEST, main_relay="x.main")}),
            (-32010, {"destination_node": {"type": "home", "id": "far.home",
                                           "main_relay": "good.main"}}),
            (-32010, {"destination_node": {"type": "home",
                                           "id": "far.home"}}),
            (-32010, {"destination_node": {"type": "main",
                                           "id": "good.main"}}),
            (-32011, {"server": "svc", "destination_node": ...}),
            (-32011, {"server": "near"}),
            (-32011, {"server": "none"})):
        more = dict({"destination_node": DEST, "server": "open"}, **more)
        server = more.pop("server")
        a = p.forward_call(server, "m", [1], **more)
        got = a["data"]["code"]
        assert got == code or (code == -32022 and got == -32600 and
                               more.get("ttl") == -5), (more, a)
    home.s.settimeout(0.2)
    assert not [m for m in home.queue if m["type"] == "request"]
    good.s.settimeout(0.2)
    assert not [m for m in good.queue if m["type"] == "request"]
    watch.finish()


def test_one_that_forges_on_is_cut(t):
    main = t.main()
    p, home = caller(t, main)
    src = {"type": "home", "id": "x.home", "main_relay": "good.main"}
    try:
        for _ in range(100):
            p.forward("open", "m", source=src, destination_node=DEST)
        p.expect_close(1008)
    except ConnectionError:
        pass
    main.wait_log("evil.main.*speaks for")


def test_answers_that_speak_for_others(t):
    main = t.main()
    p = joined(t, main)
    own = main.link("own.home")
    t.links.append(own)
    own.request("svc", "m", [1])
    m = p.recv("request")
    assert m["routing_path"] == ["own.home", "main.test"], m
    assert m["ttl"] == 2 and m["source_node"]["main_relay"] == "main.test", m
    p.send(p.envelope("response", correlation_id=m["message_id"],
                      source_node={"type": "home", "id": "far.home",
                                   "main_relay": "good.main"},
                      routing_path=["far.home", "evil.main"], ttl=2,
                      jsonrpc_response={"jsonrpc": "2.0", "id": 1,
                                        "result": "forged"}))
    a = own.recv("response", "error")
    assert "error" in a["jsonrpc_response"], a


def test_link_lost_under_a_call(t):
    main = t.main()
    p = joined(t, main)
    own = main.link("own.home")
    t.links.append(own)
    own.request("svc", "m", [1])
    p.recv("request")
    p.abort()
    a = own.recv("error")
    err = a["jsonrpc_response"]["error"]
    assert err["code"] == -32024 and err["data"]["executed"] == "maybe", a
    assert err["data"]["stage"] == "peer-link", a
    a = own.call("svc", "m", [1])
    assert a["jsonrpc_response"]["error"]["code"] == -32013, a


def test_miss_query(t):
    """A home without services, and a peer that does not answer."""
    main = t.main()
    p = joined(t, main)
    own = main.link("own.home")
    t.links.append(own)
    own.request("relay", "ping", dest={"type": "home", "id": "shy.home"})
    q = p.recv_op("query")
    assert q["data"]["node_id"] == "shy.home", q
    p.discovery("answer", correlation_id=q["message_id"], found=False,
                node="online")
    m = p.recv("request")
    assert m["destination_node"]["id"] == "shy.home", m
    p.answer(m, source_node={"type": "home", "id": "shy.home",
                             "main_relay": "evil.main"},
             routing_path=["shy.home", "evil.main"], ttl=2,
             jsonrpc_response={"jsonrpc": "2.0", "id": 1, "result": "pong"})
    assert own.recv("response")["jsonrpc_response"]["result"] == "pong"
    # Silence is a miss, and asked about once in two seconds.
    for _ in range(3):
        a = own.call("none", "m")
        assert a["jsonrpc_response"]["error"]["code"] == -32011, a
    asked = [m for m in p.queue if m["type"] == "service_discovery" and
             m["data"]["op"] == "query"]
    assert len(asked) <= 1, asked
    # It is asked, too.
    q = p.discovery("query", node_id="own.home")
    while True:
        a = p.recv_op("answer")
        if a.get("correlation_id") == q["message_id"]:
            break
    assert a["data"]["node"] == "online", a
    q = p.discovery("query", node_id="nobody.home")
    a = p.recv_op("answer")
    assert a["data"] == dict(a["data"], found=False, node="unknown"), a


def test_takeover(t):
    main = t.main()
    first = joined(t, main)
    second = peer(t, main)
    first.expect_close(4001)
    second.snapshot({"far.home": SVC})
    main.wait_federated("evil.main", "far.home", "svc")
    assert len([s for s in main.show("sessions")["sessions"]
                if s["kind"] == "peer"]) == 1
