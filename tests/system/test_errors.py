# SPDX-License-Identifier: ISC
"""Every error of PROTOCOL.md section 6 that can occur with one Main."""

import json
import signal

from answers import check_error
from process import wait_for
from wire import call, http, remote


def test_node_not_found(t):
    main, alice, bob = t.pair()
    for node in (main, bob):
        err = check_error(node.rpc(remote("echo", "echo", [],
                                          node="nobody.home")), -32010)
        assert err["data"]["executed"] == "no"
        assert err["data"]["node"] == "main.test", err


def test_service_not_found(t):
    main, alice, bob = t.pair()
    for node in (main, bob):
        check_error(node.rpc(remote("nothing", "echo", [])), -32011)
        check_error(node.rpc(remote("nothing", "echo", [],
                                    node="alice.home")), -32011)
        # bob is there, and has no service of that name.
        check_error(node.rpc(remote("echo", "echo", [],
                                    node="bob.home")), -32011)


def test_node_offline(t):
    main, alice, bob = t.pair()
    assert alice.stop() == 0
    wait_for(lambda: not main.registry(), "alice's services are gone")
    for node in (main, bob):
        err = check_error(node.rpc(remote("echo", "echo", [],
                                          node="alice.home")), -32012)
        assert err["data"]["retryable"] is True, err
        check_error(node.rpc(remote("echo", "echo", [])), -32011)


def test_no_link_to_a_main(t):
    main = t.main()
    bob = t.home("bob.home", main, services=t.service("echo"))
    bob.wait_linked(main)
    assert main.stop() == 0
    err = wait_for(lambda: bob.rpc(remote("x", "y", [])).get("error"),
                   "an error")
    got = bob.rpc(remote("x", "y", []))
    err = check_error(got, -32013)
    assert err["data"]["retryable"] is True, err
    assert err["data"]["node"] == "bob.home", err
    # What is at home still works.
    assert bob.rpc(call("echo.echo", [1]))["result"] == [1]


def test_timeout_of_a_caller(t):
    """The callee never answers: the call's own timeout ends it."""
    main, alice, bob = t.pair()
    for node, stages in ((bob, ("ingress", "home-link", "backend")),
                         (main, ("home-link", "backend")),
                         (alice, ("backend",))):
        err = check_error(node.rpc(remote("echo", "hang", [], timeout=1)),
                          -32014)
        assert err["data"]["stage"] in stages, err
        assert err["data"]["executed"] == "maybe", err
        assert err["data"]["retryable"] is False, err
    for node in (main, alice, bob):
        wait_for(lambda: not any(node.show("pending").values()),
                 "no call is pending on " + node.name)


def test_timeout_of_a_silent_seed_client(t):
    main = t.main()
    with_silence = main.link("quiet.home")
    t.links.append(with_silence)
    with_silence.register(["silence"])
    err = check_error(main.rpc(remote("silence", "x", [], timeout=1)), -32014,
                      stage="home-link")
    assert err["data"]["executed"] == "maybe"
    # The late answer is dropped, the link stays.
    rq = with_silence.recv("request")
    with_silence.answer_result(rq, 1)
    with_silence.register(["silence", "more"])


def test_timeout_of_a_method_and_a_service(t):
    main = t.main()
    body = "\ttimeout 1s\n\tmethods {\n\t\thang\n\t\tsleep { timeout 20s }\n" \
        "\t\techo\n\t}\n"
    alice = t.home("alice.home", main,
                   services=t.service("echo", body=body))
    main.wait_service("alice.home", "echo")
    check_error(main.rpc(remote("echo", "hang", [])), -32014)
    got = main.rpc(remote("echo", "sleep", {"ms": 1500}))
    assert got["result"] == "late", got
    check_error(alice.rpc(remote("echo", "hang", [])), -32014)


def test_unknown_method_of_a_service(t):
    """A listed service takes only its methods; the callee never sees others."""
    main = t.main()
    t.home("alice.home", main, services=t.service(
        "echo", body="\tmethods { echo }\n"))
    main.wait_service("alice.home", "echo")
    assert main.rpc(call("echo.echo", [1]))["result"] == [1]
    check_error(main.rpc(remote("echo", "who", [])), -32601)


def test_application_errors_pass_unchanged(t):
    main, alice, bob = t.pair()
    for node in (bob, main, alice):
        err = check_error(node.rpc(remote("echo", "fail", [], id_="z")),
                          -32000, "z")
        assert err == {"code": -32000, "message": "the application says no",
                       "data": {"why": [1, 2.5]}}, err
        err = check_error(node.rpc(remote("echo", "no_method", [])), -32601)
        assert err["message"] == "Method not found", err
        text = '{"code":7,"message":"\\u00e9","data":{"n":1.50},"x":[]}'
        got = node.rpc(remote("echo", "literal_error", {"json": text}),
                       text=True)
        assert text in got, got


def test_connection_lost(t):
    """The callee's link ends with the call in flight."""
    import threading
    main = t.main()
    quiet = main.link("quiet.home")
    quiet.register(["silence"])
    out = []
    th = threading.Thread(target=lambda: out.append(
        main.rpc(remote("silence", "x", [], timeout=60))))
    th.start()
    quiet.recv("request")
    quiet.abort()
    th.join(20)
    err = check_error(out[0], -32024, stage="home-link")
    assert err["data"]["executed"] == "maybe", err


def test_the_uplink_ends_under_calls(t):
    import threading
    main, alice, bob = t.pair()
    out = []
    th = threading.Thread(target=lambda: out.append(
        bob.rpc(remote("echo", "hang", [], timeout=60))))
    th.start()
    wait_for(lambda: any(alice.show("pending").values()), "the call is there")
    main.p.send_signal(signal.SIGKILL)
    main.expect_exit = True
    th.join(20)
    check_error(out[0], -32024)
    main.wait()
    main.control = t.dir + "/none"      # a killed daemon cannot clean up


def test_draining(t):
    import threading
    main, alice, bob = t.pair()
    out = []
    th = threading.Thread(target=lambda: out.append(
        bob.rpc(remote("echo", "sleep", {"ms": 1500}))))
    th.start()
    wait_for(lambda: any(alice.show("pending").values()), "the call is there")
    main.p.send_signal(signal.SIGTERM)

    def draining():
        got = http(main.port, "POST", "/rpc", '{"jsonrpc":"2.0","method":'
                   '"echo.echo","params":[],"id":1}')
        if got[0] == 200:
            import json
            err = json.loads(got[2]).get("error")
            return err and err["code"] == -32023 and err
        return False
    err = wait_for(draining, "a call is refused as draining", 3)
    assert err["data"]["executed"] == "no" and err["data"]["retryable"], err
    # What was in flight is still answered.
    th.join(20)
    assert out[0].get("result") == "late", out
    assert main.wait() == 0


def test_ttl_exceeded(t):
    """A home that says its message may not travel on."""
    main = t.main()
    alice, bob = main.link("alice.home"), main.link("bob.home")
    t.links += [alice, bob]
    alice.register(["blog"])
    m = bob.envelope("request", server_name="blog", method="get", ttl=1,
                     routing_path=["bob.home"], jsonrpc_request={
                         "jsonrpc": "2.0", "method": "get", "id": 1})
    bob.send(m)
    a = bob.recv("response", "error")
    assert a["correlation_id"] == m["message_id"], a
    got = a.get("jsonrpc_response") or {
        "jsonrpc": "2.0", "id": 1, "error": dict(a["data"], data=a["data"],
                                                 message="x")}
    check_error(got, -32022)


def test_too_many_pending(t):
    """One session's calls in flight are limited: the next is OVERLOADED."""
    main = t.main()
    quiet, bob = main.link("quiet.home"), main.link("bob.home")
    t.links += [quiet, bob]
    quiet.register(["silence"])
    n = 4096
    for i in range(n + 1):
        bob.request("silence", "x", [], id_=i, timeout_seconds=60)
    a = bob.recv("response", "error", timeout=60)
    got = a.get("jsonrpc_response")
    err = check_error(got, -32017, got["id"])
    assert err["data"]["executed"] == "no", err
    assert err["data"]["retry_after_ms"] >= 0, err
    # Another home is not concerned.
    carol = main.link("carol.home")
    t.links.append(carol)
    assert "result" in carol.call("relay", "ping", dest={
        "type": "main", "id": "main.test"})["jsonrpc_response"]


def test_version_unavailable(t):
    main = t.main()
    alice = main.link("alice.home")
    t.links.append(alice)
    alice.register([{"service_name": "blog", "version": "1.2.0"}])
    check_error(main.rpc(remote("blog", "get", [], version="2.0.0")), -32027)
    import threading
    out = []
    th = threading.Thread(target=lambda: out.append(main.rpc(
        remote("blog", "get", [], version="1.2.0"))))
    th.start()
    alice.answer_result(alice.recv("request"), "v")
    th.join()
    assert out[0]["result"] == "v"


def test_http_statuses(t):
    main, alice, bob = t.pair()
    want = [
        (main, "GET", "/none", None, {}, 404),
        (main, "GET", "/services", None, {}, 404),
        (bob, "GET", "/registry", None, {}, 404),
        (bob, "GET", "/ws/federation", None, {}, 404),
        (main, "GET", "/rpc", None, {}, 405),
        (main, "DELETE", "/registry", None, {}, 405),
        (main, "POST", "/health", "{}", {}, 405),
        (main, "POST", "/rpc", "{}", {"Content-Type": "text/plain"}, 415),
        (main, "POST", "/rpc", "{}", {"Content-Type": None}, 415),
        (main, "POST", "/rpc", "{}", {"Origin": "http://evil.test"}, 403),
        (main, "GET", "/registry", None, {"Origin": "http://evil.test"}, 403),
        (main, "GET", "/ws/federation", None, {}, 426),
    ]
    import json
    for node, method, path, body, headers, status in want:
        got, fields, out = http(node.port, method, path, body, headers)
        assert got == status, (method, path, headers, got, out)
        assert "error" in json.loads(out), out
        if status == 405:
            assert fields["allow"], fields
    for path in ("/health", "/registry"):
        got, fields, out = http(main.port, "HEAD", path)
        assert got == 200 and not out, (path, got, out)
        assert int(fields["content-length"]) > 0, fields
    health = main.get("/health")
    assert health == {"status": "ok", "node_id": "main.test",
                      "node_type": "main"}, health
    assert bob.get("/health")["node_type"] == "home"


def test_origin_configured(t):
    main = t.main(extra='origin "https://app.test"\n')
    got = http(main.port, "GET", "/registry", headers={
        "Origin": "https://app.test"})
    assert got[0] == 200, got
    got = http(main.port, "GET", "/registry", headers={
        "Origin": "https://app.test:8443"})
    assert got[0] == 403, got


def test_refused_by_the_home_that_was_called(t):
    """The stage says that it was not where the call came in."""
    main, alice, bob = t.pair()
    err = check_error(bob.rpc(remote(None, "echo", {}, node="alice.home")),
                      -32602)
    assert err["data"]["node"] == "alice.home", err
    assert err["data"]["stage"] == "backend", err
    err = check_error(bob.rpc(remote(None, "echo", {}, node="bob.home")),
                      -32602)
    assert err["data"]["node"] == "bob.home", err
    assert err["data"]["stage"] == "ingress", err


def test_params_nested_too_deep(t):
    """32 deep in the message between the nodes, not only in the body."""
    main, alice, bob = t.pair()
    for depth, ok in ((30, True), (31, False)):
        params = "[" * depth + "]" * depth
        rq = '{"jsonrpc":"2.0","method":"echo.echo","params":%s,"id":1}' % \
            params
        for node in (main, bob):
            a = node.rpc(rq)
            if ok:
                assert json.dumps(a["result"]) == params, a
            else:
                check_error(a, -32600)
