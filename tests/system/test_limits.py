# SPDX-License-Identifier: ISC
"""
What a caller may take from others: nothing.  Large messages, many questions
and names made to annoy are refused or answered, and the rest goes on.
"""

import json
import os
import re
import signal
import socket

from answers import check_error
from process import SANITIZED, wait_for
from wire import TEXT, Refused, connect, http, read_response, remote

MAX = 1 << 20


def peak(node, program):
    """The most memory it ever had, in KiB."""
    with open("/proc/%d/status" % node.children()[program]) as f:
        return int(re.search(r"VmHWM:\s+(\d+) kB", f.read()).group(1))


def sized(link, size):
    """A request to echo whose text has exactly size bytes."""
    m = link.envelope("request", server_name="echo", method="echo",
                      routing_path=[link.node_id], jsonrpc_request={
                          "jsonrpc": "2.0", "method": "echo", "id": 1,
                          "params": [""]})
    n = size - len(json.dumps(m)) - 1
    m["jsonrpc_request"]["params"] = ["x" * n]
    return m


def test_no_message_beyond_the_limit_is_forwarded(t):
    """It would make the home close its link, and fail all that is on it."""
    main, alice, bob = t.pair()
    carol = main.link("carol.home")
    for size in (MAX, MAX - 50):
        m = carol.send(sized(carol, size))
        a = carol.recv("response", "error")
        assert a["correlation_id"] == m["message_id"], a
        check_error(a["jsonrpc_response"], -32021)
        assert a["data"]["executed"] == "no", a
    a = bob.rpc(remote("echo", "echo", ["x" * (MAX - 150)]))
    check_error(a, -32021)
    assert len(main.show("sessions")["sessions"]) == 3
    assert bob.rpc(remote("echo", "echo", [1]))["result"] == [1]
    assert " down" not in alice.log() + bob.log()


def test_long_jsonrpc_id(t):
    main, alice, bob = t.pair()
    ok, long = "i" * 1000, "i" * 1100
    rq = remote("echo", "echo", [1], id_=ok)
    assert bob.rpc(rq) == {"jsonrpc": "2.0", "result": [1], "id": ok}
    check_error(bob.rpc(remote("echo", "echo", [1], id_=long)), -32600,
                id_=None)
    carol = main.link("carol.home")
    m = carol.send(carol.envelope("request", server_name="echo",
                                  method="echo", jsonrpc_request={
                                      "jsonrpc": "2.0", "method": "echo",
                                      "id": long}))
    a = carol.recv("error")
    assert a["correlation_id"] == m["message_id"], a
    assert a["data"]["code"] == -32600, a


def ask(port, path, n):
    """n requests at the same time, each on a connection of its own."""
    socks = [connect(port) for _ in range(n)]
    for s in socks:
        s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
    return socks


def answers(socks):
    out = []
    for s in socks:
        with s:
            out.append(read_response(s))
    return out


def test_views_are_answered_when_the_registry_dies(t):
    main = t.main()
    registry = main.wait_children()["relay-registry"]
    os.kill(registry, signal.SIGSTOP)
    socks = ask(main.port, "/registry", 20)
    # Answered behind them.
    assert main.get("/health")["status"] == "ok"
    os.kill(registry, signal.SIGKILL)
    for status, _, body in answers(socks):
        assert status == 503, (status, body)
    wait_for(lambda: main.get("/registry")["count"] == 0, "it is back")


def test_many_large_views(t):
    """All are answered, and nobody holds a copy for each."""
    main = t.main()
    methods = ["%0128d" % i for i in range(100)]
    for i in range(2):
        link = main.link("h%d" % i)
        link.register([{"service_name": "s%d" % n, "methods": methods}
                       for n in range(60)])
        t.links.append(link)
    size = len(http(main.port, "GET", "/registry")[2])
    assert size > 1 << 20, size
    got = answers(ask(main.port, "/registry", 100))
    assert [(s, len(b)) for s, _, b in got] == [(200, size)] * 100
    assert peak(main, "relay-registry") < 64 << 10 or SANITIZED
    assert "is lost" not in main.log()


def settled(count):
    """True once count() stays what it is."""
    first = count()
    return all(count() == first for _ in range(20))


def test_no_answer_is_lost_while_the_frontend_stands(t):
    """What services say meanwhile waits for it."""
    main = t.main()
    alice = t.home("alice.home", main, services=t.service("echo"))
    frontend = alice.wait_children()["relay-frontend"]

    def pending():
        return len(alice.show("pending").get("pending", []))

    socks = []
    for i in range(60):
        s = connect(alice.port)
        text = json.dumps(remote("echo", "big_later", {
            "n": 1000000, "ms": 500})).encode()
        s.sendall(b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: "
                  b"application/json\r\nContent-Length: %d\r\n\r\n%s"
                  % (len(text), text))
        socks.append(s)
    wait_for(lambda: pending() == 60, "the calls are placed")
    os.kill(frontend, signal.SIGSTOP)
    try:
        wait_for(lambda: pending() < 60 and settled(pending), "answers came")
    finally:
        os.kill(frontend, signal.SIGCONT)
    for status, _, out in answers(socks):
        assert status == 200 and b'"result"' in out, (status, out[:300])


def test_a_method_with_a_nul(t):
    main, alice, bob = t.pair()
    for node in (alice, bob, main):
        check_error(node.rpc(remote("echo", "a\0b", [])), -32601)
    assert " not sent" not in alice.log()


def test_refused_links_do_not_fill_the_log(t):
    main = t.main()
    before = len(main.log().splitlines())
    for i in range(200):
        try:
            main.link("not a node id")
            raise AssertionError("accepted")
        except Refused as e:
            assert e.status == 400, e
    assert len(main.log().splitlines()) - before < 60
    assert re.search(r"link from \S+ is refused: node id", main.log())
    main.wait_log(r"\d+ more links and requests were refused")


def test_batch_says_what_was_executed(t):
    """An error that is in the way of large answers stays what it is."""
    main, alice, bob = t.pair()
    # Nine of these fill what the answers of a batch may have: 8 MiB.
    n = (8 << 20) // 9 - len('{"jsonrpc":"2.0","result":"","id":0}') - 5
    batch = [remote("echo", "big", {"n": n}, id_=i) for i in range(10)]
    batch += [remote("echo", "crash", id_=10)]
    out = {a["id"]: a for a in main.rpc(batch)}
    large = [i for i in range(10) if "error" in out[i]]
    assert len(large) == 1, large
    err = check_error(out[large[0]], -32021, id_=large[0])
    assert err["data"]["executed"] == "yes", err
    check_error(out[10], -32024, id_=10)


def test_registration_of_too_many(t):
    main = t.main()
    link = main.link("alice.home")
    m = link.send(link.envelope("registration",
                                data={"services": [{}] * 250000}))
    a = link.recv("error", "registration")
    assert a["correlation_id"] == m["message_id"], a
    assert peak(main, "relay-router") < 64 << 10 or SANITIZED
    data = link.register(["one"])
    assert [s["service_name"] for s in data["accepted"]] == ["one"], data


def test_answers_nobody_reads(t):
    """They are dropped, with the connection, before memory is full."""
    main = t.main()
    methods = ["%0128d" % i for i in range(100)]
    for i in range(10):
        link = main.link("h%d" % i)
        link.register([{"service_name": "s%d" % n, "methods": methods}
                       for n in range(55)])
        t.links.append(link)
    size = len(http(main.port, "GET", "/registry")[2])
    assert size > 6 << 20, size
    socks = [socket.socket() for _ in range(120)]
    for s in socks:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", main.port))
        s.sendall(b"GET /registry HTTP/1.1\r\nHost: x\r\n\r\n" * 2)

    def ended():
        return main.show("summary")["frontend"][0]["connections"] < 125

    wait_for(ended, "some are ended")
    assert peak(main, "relay-frontend") < 400 << 10 or SANITIZED
    assert len(main.show("sessions")["sessions"]) == 10
    for s in socks:
        s.close()
    assert len(http(main.port, "GET", "/registry")[2]) == size


def test_messages_nobody_ends(t):
    main = t.main()
    part = b"x" * 1000000
    links = [main.link("h%d" % i) for i in range(300)]
    t.links += links
    for link in links:
        try:
            link.send_frame(TEXT, part, fin=False)
        except ConnectionError:
            pass
    wait_for(lambda: len(main.show("sessions")["sessions"]) < 290,
             "some are closed")
    assert peak(main, "relay-frontend") < 500 << 10 or SANITIZED
    assert links[-1].expect_close() == 1013
    link = main.link("last")
    assert link.register(["one"])["accepted"]


def test_a_home_that_changes_its_mind(t):
    """Faster than the registry writes: the router lives, the last word holds.
    """
    main = t.main()
    link = main.link("alice.home")
    t.links.append(link)
    names = ["%0128d" % i for i in range(64)]
    assert len(link.register(names)["accepted"]) == 64
    router = main.children()["relay-router"]
    registry = main.children()["relay-registry"]
    os.kill(registry, signal.SIGSTOP)
    try:
        for i in range(7200):
            link.send(link.envelope("heartbeat", message_id=..., data={
                "unhealthy": [] if i % 2 else names}))
        m = link.send(link.envelope("heartbeat", data={
            "unhealthy": names[:3]}))
        while link.recv("heartbeat").get("correlation_id") != m["message_id"]:
            pass
    finally:
        os.kill(registry, signal.SIGCONT)
    assert main.children()["relay-router"] == router

    def healthy():
        return sorted(k[1] for k, s in main.registry().items()
                      if s["is_healthy"])

    wait_for(lambda: healthy() == names[3:], "the last word holds")


def test_a_notification_with_a_pending_id(t):
    """A repeat is refused, whether it wants an answer or not."""
    main, alice, bob = t.pair()
    carol = main.link("carol.home")
    m = carol.request("echo", "hang")
    path = os.path.join(alice.dir, "note")
    carol.send(dict(m, method="note", jsonrpc_request={
        "jsonrpc": "2.0", "method": "note", "params": {"file": path}}))
    a = carol.recv("error")
    assert a["correlation_id"] == m["message_id"], a
    assert a["data"]["code"] == -32600, a
    assert bob.rpc(remote("echo", "echo", [1]))["result"] == [1]
    assert not os.path.exists(path)
