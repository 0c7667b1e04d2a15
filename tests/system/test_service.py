# SPDX-License-Identifier: ISC
"""A home's services: exec, http and unix, well and badly behaved."""

import http.server
import json
import os
import signal
import socketserver
import threading

from answers import check_error
from node import free_port
from process import wait_for
from wire import call, remote


def one_home(t, services, **kw):
    main = t.main()
    home = t.home("alice.home", main, services=services, **kw)
    main.wait_service("alice.home")
    home.wait_linked(main)
    return main, home


def test_exec_environment(t):
    main, home = one_home(t, t.service("echo", "a b", "$x", '\\"q'))
    main.wait_service("alice.home", "echo")
    got = main.rpc(remote("echo", "who", []))["result"]
    assert got["args"] == ["a b", "$x", '"q'], got
    # stdin, stdout, stderr, and the directory that is being listed
    assert [f for f in got["fds"] if f > 2] in ([], [3]), got
    if os.getuid() == 0:
        assert got["uid"] == 61006 and got["gid"] == 61006, got
        assert got["groups"] in ([], [61006]), got
    else:
        assert got["uid"] == os.getuid(), got


def test_exec_user(t):
    if os.getuid() != 0:
        from relaytest import Skip
        raise Skip("only root gives a service another uid")
    main, home = one_home(t, t.service("echo", body='\tuser 61050\n'))
    got = wait_for(lambda: main.rpc(remote("echo", "who", [])).get("result"),
                   "the service answers")
    assert got["uid"] == 61050, got


def test_exec_instances(t):
    main, home = one_home(t, t.service("echo", body="\tinstances 3\n"))
    main.wait_service("alice.home", "echo")
    got = main.rpc([remote("echo", "who", [], id_=i) for i in range(30)])
    pids = {g["result"]["pid"] for g in got}
    assert len(pids) == 3, pids
    # One dies: the others serve, and it is started again.
    victim = pids.pop()
    os.kill(victim, signal.SIGKILL)

    def three_again():
        got = main.rpc([remote("echo", "who", [], id_=i)
                        for i in range(30)])
        now = {g["result"]["pid"] for g in got if "result" in g}
        assert all("result" in g or g["error"]["code"] == -32024
                   for g in got), got
        return victim not in now and len(now) == 3
    wait_for(three_again, "three instances again")


def test_exec_crash(t):
    """The call in its hands is lost, the next one is served."""
    main, home = one_home(t, t.service("echo"))
    main.wait_service("alice.home", "echo")
    for i in range(2):
        err = check_error(main.rpc(remote("echo", "crash", [])), -32024,
                          stage="backend")
        assert err["data"]["executed"] == "maybe", err
        assert err["data"]["node"] == "alice.home", err

        def again():
            a = main.rpc(call("echo.echo", [i]))
            if "error" in a:
                assert a["error"]["code"] in (-32017, -32011), a
            return "result" in a
        wait_for(again, "the service is back")


def test_exec_that_cannot_start(t):
    main, home = one_home(t, t.service("echo", "--crash-at-start"))
    home.wait_log("echo")

    def refused():
        err = main.rpc(remote("echo", "echo", []))["error"]
        # A process that lives for a moment may be sent the call.
        assert err["code"] in (-32011, -32017, -32024), err
        return err["code"] != -32024 and err
    err = wait_for(refused, "an error")
    assert err["data"]["executed"] == "no", err
    wait_for(lambda: not main.registry()[("alice.home", "echo")]
             ["is_healthy"], "it is listed as unhealthy")
    assert home.alive()


def test_exec_missing_program(t):
    main = t.main()
    home = t.home("alice.home", main, services='service "gone" {\n'
                  '\texec "/does/not/exist"\n}\n' + t.service("echo"),
                  ready=False)
    # Either the configuration says so, or the service is down.
    wait_for(lambda: not home.alive() or
             ("alice.home", "echo") in main.registry(), "a decision")
    assert "/does/not/exist" in home.log(), home.log()
    if home.alive():
        assert main.rpc(call("echo.echo", [1]))["result"] == [1]
        assert "error" in main.rpc(call("gone.x", []))
    else:
        home.expect_exit = True


def test_exec_garbage(t):
    main, home = one_home(t, t.service("echo"))
    main.wait_service("alice.home", "echo")
    got = main.rpc(remote("echo", "garbage", []))
    assert got.get("result") == "after garbage", got
    assert main.rpc(remote("echo", "wrong_id", []))["result"] == "right"
    assert main.rpc(remote("echo", "twice", []))["result"] == "first"
    assert main.rpc(call("echo.echo", [1]))["result"] == [1]
    pid = main.rpc(remote("echo", "who", []))["result"]["pid"]
    # Nothing but garbage: it is started again.
    err = main.rpc(remote("echo", "only_garbage", {"n": 1000},
                          timeout=20))["error"]
    assert err["code"] in (-32024, -32014), err
    new = wait_for(lambda: main.rpc(remote("echo", "who", [])).get("result"),
                   "it answers again")
    assert new["pid"] != pid or err["code"] == -32014, (new, pid, err)


def test_exec_bad_results(t):
    """What is no JSON is no answer; the others' calls go on."""
    main, home = one_home(t, t.service("echo"))
    main.wait_service("alice.home", "echo")
    for text in ('{"a":', '[1,]', '01', '"\\x"', 'nul', '"\\ud800',
                 '[' * 40 + ']' * 40, '\ufeff1'):
        a = main.rpc(remote("echo", "literal", {"json": text}, timeout=2))
        assert "error" in a, (text, a)
        assert a["error"]["code"] in (-32603, -32014, -32024), (text, a)
    assert wait_for(lambda: main.rpc(call("echo.echo", [1])).get("result"),
                    "it answers") == [1]


def test_exec_stderr_goes_to_the_log(t):
    main, home = one_home(t, t.service("echo"))
    main.wait_service("alice.home", "echo")
    main.rpc(remote("echo", "stderr", {"text": "a word \x1b[31m\x07 of it"}))
    home.wait_log(r"echo.*a word")
    assert "\x1b" not in home.log() and "\x07" not in home.log()


def test_exec_slow_and_fast(t):
    """A slow call does not hold up the others."""
    import time
    main, home = one_home(t, t.service("echo"))
    main.wait_service("alice.home", "echo")
    out = []
    th = threading.Thread(target=lambda: out.append(
        main.rpc(remote("echo", "sleep", {"ms": 3000}))))
    th.start()
    wait_for(lambda: any(home.show("pending").values()), "the slow call")
    start = time.monotonic()
    for i in range(20):
        assert main.rpc(call("echo.echo", [i]))["result"] == [i]
    assert time.monotonic() - start < 3
    th.join()
    assert out[0]["result"] == "late"


def test_max_concurrency(t):
    main, home = one_home(t, t.service("echo", body="\tmax-concurrency 2\n"))
    main.wait_service("alice.home", "echo")
    got = main.rpc([remote("echo", "sleep", {"ms": 400}, id_=i)
                    for i in range(6)])
    # Over the limit a call waits or is refused; it is never lost.
    for g in got:
        if "error" in g:
            check_error(g, -32017, g["id"])
        else:
            assert g["result"] == "late", g
    assert sum("result" in g for g in got) >= 2, got


def test_private_service(t):
    main, home = one_home(t, t.service(
        "secret", body="\tvisibility private\n") + t.service("echo"))
    main.wait_service("alice.home", "echo")
    assert ("alice.home", "secret") not in main.registry()
    assert home.rpc(call("secret.echo", [1]))["result"] == [1]
    check_error(main.rpc(call("secret.echo", [1])), -32011)
    check_error(main.rpc(remote("secret", "echo", [1], node="alice.home")),
                -32011)
    names = [s["service_name"] for s in home.get("/services")["services"]]
    assert "echo" in names, names


def test_health_of_a_home(t):
    main, home = one_home(t, t.service("echo"))
    body = home.get("/services")
    assert body["node_id"] == "alice.home" and body["count"] == 1, body
    s = body["services"][0]
    assert s["service_name"] == "echo" and s["is_healthy"] is True, s


class RpcHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        n = int(self.headers["Content-Length"])
        rq = json.loads(self.rfile.read(n))
        self.server.seen.append((dict(self.headers), rq, self.path))
        mode = rq["method"]
        if mode == "drop":
            self.close_connection = True
            return
        if mode == "hang":
            self.server.release.wait(60)
            self.close_connection = True
            return
        out = json.dumps({"jsonrpc": "2.0", "id": rq.get("id"), "result": {
            "params": rq.get("params"), "method": mode}}).encode()
        status = 200
        if mode == "fail":
            out = json.dumps({"jsonrpc": "2.0", "id": rq["id"], "error": {
                "code": -32000, "message": "no"}}).encode()
        elif mode == "garbage":
            out = b"<html>"
        elif mode == "status":
            status, out = 500, b"oops"
        elif mode == "wrong_id":
            out = out.replace(b'"id": ', b'"id": 9')
        elif mode == "bad_http":
            self.wfile.write(b"garbage garbage\r\n\r\n")
            self.close_connection = True
            return
        elif mode == "huge":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: "
                             b"99999999999\r\n\r\n")
            self.close_connection = True
            return
        elif mode == "chunked":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/"
                             b"json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(0, len(out), 10):
                part = out[i:i + 10]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        if "id" not in rq:
            status, out = 204, b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *args):
        pass


def http_service(port=None):
    s = http.server.ThreadingHTTPServer(
        ("127.0.0.1", port or free_port()), RpcHandler)
    s.daemon_threads = True
    s.seen, s.release = [], threading.Event()
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s


def test_http(t):
    s = http_service()
    port = s.server_address[1]
    main, home = one_home(t, 'service "web" {\n\thttp '
                          '"http://127.0.0.1:%d/api/rpc"\n}\n' % port)
    main.wait_service("alice.home", "web")
    for args in ({"a": 1.5}, [1, 2]):
        a = main.rpc(remote("web", "get", args, id_="x"))
        assert a == {"jsonrpc": "2.0", "id": "x", "result": {
            "params": args, "method": "get"}}, a
    headers, rq, path = s.seen[0]
    assert path == "/api/rpc", path
    assert headers["Content-Type"].startswith("application/json"), headers
    assert headers["Host"] == "127.0.0.1:%d" % port, headers
    assert rq["jsonrpc"] == "2.0", rq
    a = main.rpc(remote("web", "chunked", [1]))
    assert a["result"]["params"] == [1], a
    err = check_error(main.rpc(remote("web", "fail", [])), -32000)
    assert err["message"] == "no", err
    for mode in ("garbage", "status", "drop", "bad_http", "wrong_id",
                 "huge"):
        a = main.rpc(remote("web", mode, [], timeout=3))
        assert "error" in a, (mode, a)
        assert a["error"]["code"] in (-32603, -32024, -32014, -32021), \
            (mode, a)
        a = main.rpc(remote("web", "get", [mode]))
        assert a["result"]["params"] == [mode], a
    err = check_error(main.rpc(remote("web", "hang", [], timeout=1)), -32014)
    assert err["data"]["executed"] == "maybe", err
    s.release.set()
    got = main.rpc([remote("web", "get", [i], id_=i) for i in range(50)])
    assert all(g["result"]["params"] == [g["id"]] for g in got), got
    s.shutdown()
    s.server_close()


def test_http_down_and_up(t):
    port = free_port()
    main, home = one_home(t, 'service "web" {\n\thttp '
                          '"http://127.0.0.1:%d/"\n}\n' % port)
    home.wait_linked(main)

    def refused():
        err = main.rpc(remote("web", "get", [])).get("error")
        return err and err["code"] in (-32017, -32011) and err
    err = wait_for(refused, "an error while it is down")
    assert err["data"]["executed"] == "no", err
    s = http_service(port)
    wait_for(lambda: "result" in main.rpc(remote("web", "get", [])),
             "it answers once it is up")
    s.shutdown()
    s.server_close()


class LineHandler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            rq = json.loads(line)
            if rq["method"] == "drop":
                return
            if "id" not in rq or rq["method"] == "hang":
                continue
            self.wfile.write(json.dumps({
                "jsonrpc": "2.0", "id": rq["id"],
                "result": {"params": rq.get("params")}}).encode() + b"\n")
            self.wfile.flush()


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def test_unix(t):
    path = os.path.join(t.dir, "svc.sock")
    main, home = one_home(t, 'service "local" {\n\tunix "%s"\n}\n' % path)

    def refused():
        err = main.rpc(remote("local", "get", [])).get("error")
        return err and err["code"] in (-32017, -32011) and err
    err = wait_for(refused, "an error while it is down")
    assert err["data"]["executed"] == "no", err
    s = UnixServer(path, LineHandler)
    os.chmod(path, 0o777)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    wait_for(lambda: "result" in main.rpc(remote("local", "get", [])),
             "it answers once it is up")
    a = main.rpc(remote("local", "get", {"x": 1}, id_="i"))
    assert a == {"jsonrpc": "2.0", "id": "i",
                 "result": {"params": {"x": 1}}}, a
    err = check_error(main.rpc(remote("local", "drop", [])), -32024,
                      stage="backend")
    assert err["data"]["executed"] == "maybe", err
    wait_for(lambda: "result" in main.rpc(remote("local", "get", [])),
             "it answers again")
    check_error(main.rpc(remote("local", "hang", [], timeout=1)), -32014)
    s.shutdown()
    s.server_close()
