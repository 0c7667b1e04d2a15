# SPDX-License-Identifier: ISC
"""Main Relays that federate: PROTOCOL.md sections 2, 5 and 6."""

import json
import os
import signal

from answers import check_error
from node import free_port
from process import RELAY, Proc, wait_for
from wire import call, http, remote


def two(t, **kw):
    """Mains a and b, alice.home with echo at a, bob.home at b."""
    a, b = t.mains(2)
    alice = t.home("alice.home", a, services=t.service("echo"), **kw)
    bob = t.home("bob.home", b)
    b.wait_federated(a, "alice.home", "echo")
    bob.wait_linked(b)
    return a, b, alice, bob


def test_home_main_main_home(t):
    a, b, alice, bob = two(t)
    args = {"title": "x", "content": "caf\u00e9 \U0001f600"}
    want = {"jsonrpc": "2.0", "result": args, "id": 1}
    for node in ("alice.home@a.main", "alice.home", "Alice.Home@A.MAIN", None):
        assert bob.rpc(remote("echo", "echo", args, node=node)) == want, node
        assert b.rpc(remote("echo", "echo", args, node=node)) == want, node
    assert bob.rpc(call("echo.echo", [1, {"b": None}]))["result"] == \
        [1, {"b": None}]


def test_everything_unchanged_on_the_way(t):
    a, b, alice, bob = two(t)
    for text in ('1.0', '1e2', '"\\u00e9"', 'null', '[]',
                 '12345678901234567890123', '{"b":1,"a":{"x":0.10}}'):
        got = bob.rpc(remote("echo", "literal", {"json": text}), text=True)
        assert '"result":' + text in got.replace('"result": ',
                                                 '"result":'), got
    for id_ in ('1.0', '"\\u00e9\\n"', 'null', '-1.5e-300',
                '123456789012345678901234567890'):
        got = bob.rpc('{"jsonrpc":"2.0","method":"echo.echo","params":[7],'
                      '"id":%s}' % id_, text=True)
        assert json.loads(got)["result"] == [7], got
        assert '"id":' + id_ in got.replace('"id": ', '"id":'), got


def test_the_callee_sees_who_called(t):
    a, b = t.mains(2)
    seed = a.link("callee.home")
    t.links.append(seed)
    seed.register(["svc"])
    b.wait_federated(a, "callee.home", "svc")
    caller = b.link("caller.home")
    t.links.append(caller)
    caller.request("svc", "m", [1], dest={"type": "home", "id": "callee.home",
                                          "main_relay": "a.main"})
    m = seed.recv("request")
    assert m["source_node"] == {"type": "home", "id": "caller.home",
                                "main_relay": "b.main"}, m
    assert m["routing_path"] == ["caller.home", "b.main", "a.main"], m
    assert m["ttl"] == 1, m
    seed.answer_result(m, "done")
    got = caller.recv("response")
    assert got["jsonrpc_response"]["result"] == "done", got
    assert got["source_node"] == {"type": "home", "id": "callee.home",
                                  "main_relay": "a.main"}, got
    assert got["routing_path"][-2:] == ["a.main", "b.main"], got


def test_errors_across(t):
    a, b, alice, bob = two(t)
    # The application's own passes through.
    got = bob.rpc(remote("echo", "fail"))
    assert got["error"]["data"] == {"why": [1, 2.5]}, got
    check_error(bob.rpc(remote("echo", "echo", node="no.home@a.main")), -32010)
    check_error(bob.rpc(remote("echo", "echo", node="no.home@z.main")), -32010)
    check_error(bob.rpc(remote("echo", "echo", node="no.home")), -32010)
    check_error(bob.rpc(remote("none", "echo", node="alice.home@a.main")),
                -32011)
    check_error(bob.rpc(remote("none", "echo")), -32011)
    check_error(bob.rpc(remote("echo", "echo", version="9.9.9")), -32027)
    got = bob.rpc(remote("echo", "hang", timeout=1,
                         node="alice.home@a.main"))
    check_error(got, -32014)
    assert got["error"]["data"]["executed"] == "maybe", got
    # A home that is known there and away.
    alice.stop()
    wait_for(lambda: ("a.main", "alice.home", "echo") not in b.federation(),
             "b forgets alice's service")
    check_error(bob.rpc(remote("echo", "echo", node="alice.home@a.main")),
                -32012)
    check_error(bob.rpc(remote("echo", "echo", node="alice.home")), -32012)
    check_error(bob.rpc(remote("echo", "echo")), -32011)


def test_the_main_itself_across(t):
    a, b, alice, bob = two(t)
    got = bob.rpc(remote("relay", "ping", node="a.main"))
    assert got["result"]["node_id"] == "a.main", got
    got = bob.rpc(remote("relay", "info", node="alice.home@a.main"))
    assert got["result"]["node_id"] == "alice.home", got


def test_same_main_first(t):
    a, b, alice, bob = two(t)
    carol = t.home("carol.home", b, services=t.service("echo"))
    b.wait_service("carol.home", "echo")
    pids = {bob.rpc(remote("echo", "who"))["result"]["pid"]
            for _ in range(20)}
    far = alice.rpc(remote("echo", "who"))["result"]["pid"]
    assert len(pids) == 1 and far not in pids, (pids, far)
    rows = b.show("routes")["routes"]
    assert {(r["node_id"], r["main_id"]) for r in rows} == {
        ("alice.home", "a.main"), ("carol.home", "b.main")}, rows
    # Ours is stopped: the other takes the calls.
    carol.stop()
    wait_for(lambda: bob.rpc(remote("echo", "echo", [1])).get("result") == [1],
             "alice's takes over")


def test_visibility(t):
    a, b = t.mains(2)
    services = t.service("open") + \
        t.service("inner", body="visibility main\n") + \
        t.service("own", body="visibility private\n")
    t.home("alice.home", a, services=services)
    b.wait_federated(a, "alice.home", "open")
    names = {s for _, _, s in b.federation()}
    assert names == {"open"}, names
    assert set(s for _, s in a.registry()) == {"open", "inner"}
    for name in ("inner", "own"):
        check_error(b.rpc(remote(name, "echo")), -32011)
        check_error(b.rpc(remote(name, "echo", node="alice.home@a.main")),
                    -32011)
        check_error(b.rpc(remote(name, "echo", node="alice.home")), -32011)
    assert a.rpc(remote("inner", "echo", [1]))["result"] == [1]


def test_one_link_per_pair(t):
    pa, pb = free_port(), free_port()
    a = t.main("a.main", port=pa, peers=["ws://127.0.0.1:%d" % pb])
    b = t.main("b.main", port=pb, peers=["ws://127.0.0.1:%d" % pa])

    def sessions(node):
        return [s for s in node.show("sessions").get("sessions", [])
                if s["kind"] == "peer"]
    a.wait_peer(b)
    b.wait_peer(a)
    wait_for(lambda: len(sessions(a)) == len(sessions(b)) == 1,
             "one link is left")
    # It stays that one.
    ids = [s["session"] for n in (a, b) for s in sessions(n)]
    for _ in range(3):
        for n in (a, b):
            n.ctl("reload", check=0)
    assert [s["session"] for n in (a, b) for s in sessions(n)] == ids
    # Both know by now whose URL it is that they were told.
    def rows():
        return [(p["state"], p["direction"]) for n in (a, b)
                for p in n.get("/federation/peers")["peers"]]
    wait_for(lambda: sorted(rows()) == [("up", "inbound"),
                                        ("up", "outbound")],
             "one row each: %s" % rows())


def test_structural_rule(t):
    """Nothing is passed from one peer to another."""
    b = t.main("b.main")
    a = t.main("a.main", peers=[b])
    c = t.main("c.main", peers=[b])
    a.wait_peer(b)
    c.wait_peer(b)
    t.home("alice.home", a, services=t.service("echo"))
    b.wait_federated(a, "alice.home", "echo")
    assert c.federation() == {}
    check_error(c.rpc(remote("echo", "echo")), -32011)
    check_error(c.rpc(remote("echo", "echo", node="alice.home")), -32010)
    check_error(c.rpc(remote("echo", "echo", node="alice.home@a.main")),
                -32010)


def test_views(t):
    a, b, alice, bob = two(t)
    reg = b.get("/federation/registry")
    assert reg["node_id"] == "b.main" and reg["count"] == 1, reg
    s = reg["services"][0]
    assert s["node_address"] == {"type": "home", "id": "alice.home",
                                 "main_relay": "a.main"}, s
    assert s["scope"] == "federated" and s["is_healthy"] is True, s
    assert s["service_name"] == "echo" and "last_seen" in s, s
    assert a.get("/federation/registry")["services"][0]["scope"] == "local"
    assert b.get("/registry")["count"] == 0
    peers = b.get("/federation/peers")
    assert peers["count"] == 1, peers
    p = peers["peers"][0]
    assert p["node_id"] == "a.main" and p["state"] == "up", p
    assert p["is_healthy"] is True and p["services"] == 1, p
    assert p["direction"] in ("inbound", "outbound"), p
    assert p["url"] == a.peer_url(), p
    assert set(p) >= {"last_seen", "rtt_ms", "reconnect_in_ms"}, p
    h = b.get("/federation/health")
    assert h == dict(h, status="healthy", node_id="b.main", connected_homes=1,
                     connected_peers=1, configured_peers=1, total_services=1,
                     failed_services=0), h
    assert isinstance(h["average_latency_ms"], (int, float)), h
    for path in ("/federation/registry", "/federation/peers",
                 "/federation/health"):
        assert http(b.port, "HEAD", path)[0] == 200
        status, fields, _ = http(b.port, "POST", path, "{}")
        assert status == 405 and "GET" in fields["allow"], fields
        assert http(bob.port, "GET", path)[0] == 404


def test_health_says_what_is_away(t):
    down = ["ws://127.0.0.1:%d" % free_port() for _ in range(2)]
    b = t.main("b.main")
    a = t.main("a.main", peers=[b])
    a.wait_peer(b)
    status = lambda: a.get("/federation/health")["status"]
    assert status() == "healthy"
    a.peers.append(down[0])
    a.write_conf()
    a.ctl("reload", check=0)
    wait_for(lambda: status() == "degraded", "one of two is away")
    a.peers.append(down[1])
    a.write_conf()
    a.ctl("reload", check=0)
    wait_for(lambda: status() == "partitioned", "two of three are away")
    tok = a.admin_token()
    p = wait_for(lambda: (a.peer(down[0] + "/ws/peers", tok) or
                          {}).get("reason") and
                 a.peer(down[0] + "/ws/peers", tok), "why it is away")
    assert p["state"] != "up" and p["is_healthy"] is False, p
    assert p["reconnect_in_ms"] >= 0 and "refused" in p["reason"], p
    # All of them are configured no more.
    a.peers[:] = []
    a.write_conf()
    a.ctl("reload", check=0)
    wait_for(lambda: status() == "healthy" and
             a.get("/federation/peers")["count"] == 0, "no peers, no trouble")
    wait_for(lambda: b.get("/federation/peers")["count"] == 0,
             "b's side is closed, too")


def test_draining(t):
    a, b, alice, bob = two(t)
    slow = json.dumps(remote("echo", "sleep", {"ms": 3000}))
    import threading
    got = []
    th = threading.Thread(target=lambda: got.append(a.rpc(slow)))
    th.start()
    wait_for(lambda: a.show("pending").get("pending"), "the call is pending")
    a.p.send_signal(signal.SIGTERM)
    wait_for(lambda: a.get("/federation/health")["status"] == "draining",
             "it says that it drains")
    th.join(30)
    assert "result" in got[0], got
    assert a.wait() == 0


def test_stale_and_back(t):
    a, b, alice, bob = two(t)
    a.stop()
    fed = wait_for(lambda: [s for s in b.federation().values()
                            if s.get("stale_since")], "alice's row is stale")
    assert fed[0]["node_address"]["main_relay"] == "a.main", fed
    for node in ("alice.home", "alice.home@a.main", None):
        got = check_error(bob.rpc(remote("echo", "echo", node=node)), -32013,
                          stage="peer-link")
        assert got["data"]["retryable"] is True, got
    assert b.get("/federation/health")["status"] in ("degraded",
                                                     "partitioned")
    again = a.restart()
    b.wait_federated("a.main", "alice.home", "echo")
    wait_for(lambda: bob.rpc(remote("echo", "echo", [1])).get("result") == [1],
             "calls work again")
    again.stop()


def test_kill_each_process(t):
    a, b, alice, bob = two(t)
    for prog in ("relay-registry", "relay-router", "relay-frontend",
                 "relay-dialer"):
        for node in (a, b):
            pid = node.wait_children()[prog]
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: node.children().get(prog, pid) != pid,
                     "%s of %s is back" % (prog, node.name))
            wait_for(lambda: bob.rpc(remote("echo", "echo", [1],
                     node="alice.home@a.main")).get("result") == [1],
                     "calls go on after the end of %s of %s" % (prog,
                                                                node.name))
            b.wait_federated(a, "alice.home", "echo")
            assert b.peer("a.main")["state"] == "up"
    # What changes now arrives, too.
    t.home("carol.home", a, services=t.service("late"))
    b.wait_federated(a, "carol.home", "late")


def test_registry_gone_calls_go_on(t):
    a, b, alice, bob = two(t)
    pids = [n.wait_children()["relay-registry"] for n in (a, b)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        for i in range(20):
            got = bob.rpc(remote("echo", "echo", [i],
                                 node="alice.home@a.main"))
            assert got.get("result") == [i], got
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_id_clash(t):
    a = t.main("a.main")
    b = t.main("b.main", peers=[a])
    b.wait_peer(a)
    twin = t.main("a.main", name="twin", peers=[a])
    a.wait_log(r"a\.main.*own")
    twin.wait_log(r"own|409")
    assert twin.peer(a.peer_url())["state"] != "up"
    # The one that was there is not disturbed.
    assert b.peer("a.main")["state"] == "up"
    # And a third Main that both have dialled keeps the first.
    twin.peers = [b]
    twin.write_conf()
    twin.ctl("reload", check=0)
    b.wait_log(r"a\.main.*(two|another|held out)")


def test_configured_node_id(t):
    a = t.main("a.main")
    extra = 'peer "%s" {\n\tnode "other.main"\n}\n' % a.peer_url()
    b = t.main("b.main", extra=extra)
    b.wait_log(r"other\.main")
    tok = b.admin_token()
    p = wait_for(lambda: (b.peer(a.peer_url(), tok) or {}).get("reason") and
                 b.peer(a.peer_url(), tok), "the reason stands there")
    assert p["state"] != "up", p
    b.extra = extra.replace("other.main", "a.main")
    b.write_conf()
    b.ctl("reload", check=0)
    b.wait_peer("a.main")


def test_relay_peers_flag(t):
    ports = [free_port() for _ in range(3)]
    procs = []
    for i, port in enumerate(ports):
        argv = [RELAY, "-server", "-node-type", "main", "-node-id",
                "relay-%d.com" % i, "-port", str(port)]
        if i > 0:
            # The seed's own form, and without a path.
            argv += ["-peers", ",".join(
                "ws://127.0.0.1:%d%s" % (p, "/ws/peers" if j else "")
                for j, p in enumerate(ports[:i]))]
        env = {"XDG_RUNTIME_DIR": t.dir + "/run",
               "XDG_STATE_HOME": t.dir + "/state"}
        for d in env.values():
            os.makedirs(d, mode=0o711, exist_ok=True)
        procs.append(Proc(t, "relay-%d" % i, argv, env=env))

    def up():
        out = []
        for port in ports:
            status, _, body = http(port, "GET", "/federation/peers")
            assert status == 200, status
            out.append(sum(p["state"] == "up"
                           for p in json.loads(body)["peers"]))
        return out == [2, 2, 2]
    wait_for(up, "three Mains in a full mesh")
    for p in procs:
        assert p.stop() == 0
    code, out, err = t.run([RELAY, "-node-id", "h.home", "-connect",
                            "ws://127.0.0.1:1", "-peers", "ws://127.0.0.1:2"])
    assert code != 0 and "-peers" in err, err


def test_under_load_between_mains(t):
    """1,000 calls, 50 at a time, from three homes, without an error."""
    import concurrent.futures
    mains = t.mains(3)
    homes = []
    for i, m in enumerate(mains):
        homes.append(t.home("h%d.home" % i, m,
                            services=t.service("svc%d" % i)))
    for m in mains:
        for i, o in enumerate(mains):
            m.wait_federated(o, "h%d.home" % i, "svc%d" % i)
    for h, m in zip(homes, mains):
        h.wait_linked(m)

    def one(i):
        to = (i + 1 + i // 3 % 2) % 3
        return i, homes[i % 3].rpc(remote("svc%d" % to, "echo", [i]))
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        bad = [(i, got) for i, got in pool.map(one, range(1000))
               if got.get("result") != [i]]
    assert not bad, bad[:3]
