# SPDX-License-Identifier: ISC
"""
What SEED.md shows: its own commands, and clients that send only what its
Connect() sends, in the ways Go's encoding/json and gorilla/websocket do.
"""

import asyncio
import json
import os
import re
import subprocess
import threading

from answers import as_json, check_error
from node import free_port
from process import PATIENCE, RELAY, TOP, Proc, wait_for
from relaytest import Skip
from wire import CONT, TEXT, http, remote, rpc

RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def xdg(t):
    """Directories that relay(1) uses, below the test's own."""
    env = {"HOME": t.dir, "TMPDIR": t.dir}
    for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        env[name] = os.path.join(t.dir, name.lower())
        os.makedirs(env[name], exist_ok=True)
        os.chmod(env[name], 0o711)
    return env


def service_info(s):
    """The shape of SEED.md's ServiceInfo, and what PROTOCOL.md adds."""
    assert isinstance(s["service_name"], str), s
    assert s["node_address"]["type"] == "home", s
    assert isinstance(s["node_address"]["id"], str), s
    assert isinstance(s["node_address"]["main_relay"], str), s
    assert isinstance(s["methods"], list), s
    assert all(isinstance(m, str) for m in s["methods"]), s
    assert RFC3339.match(s["last_seen"]), s
    assert isinstance(s["is_healthy"], bool), s
    assert isinstance(s["version"], str), s
    assert s["scope"] == "local", s


def test_commands_of_the_seed(t):
    port = free_port()
    env = xdg(t)
    Proc(t, "main", [RELAY, "-server", "-node-type", "main", "-node-id",
                     "relay.example.com", "-port", str(port)], env)
    wait_for(lambda: http(port, "GET", "/health")[0] == 200, "the main is up")
    home = Proc(t, "home", [
        RELAY, t.example("blog.rl"), "-node-type", "home",
        "-node-id", "alice.home", "-port", "0", "-connect",
        "ws://127.0.0.1:%d/ws/federation" % port], env)
    assert "relay.example.com" in t.procs[0].log(), t.procs[0].log()

    def registered():
        body = json.loads(http(port, "GET", "/registry")[2])
        return body if body["count"] else None
    reg = wait_for(registered, "the home is registered")
    assert set(reg) == {"node_id", "count", "services"}, reg
    assert reg["node_id"] == "relay.example.com", reg
    assert reg["count"] == len(reg["services"]) == 1, reg
    info = reg["services"][0]
    service_info(info)
    assert info["service_name"] == "blog_service", info
    assert info["node_address"] == {
        "type": "home", "id": "alice.home",
        "main_relay": "relay.example.com"}, info
    assert info["is_healthy"] is True, info
    # The call of SEED.md, to the letter, with curl.
    call = """{
        "jsonrpc": "2.0",
        "method": "remote_call",
        "params": {
            "node_id": "alice.home@relay.example.com",
            "server_name": "blog_service",
            "method": "create_post",
            "args": {
                "title": "Federation Test",
                "content": "Testing cross-federation calls"
            },
            "timeout": 60
        },
        "id": 1
    }"""
    code, out, err = t.run(["curl", "-sS", "-H", "Content-Type: application/"
                            "json", "-d", call,
                            "http://127.0.0.1:%d/rpc" % port])
    assert code == 0, err
    made = as_json(out)
    assert made["id"] == 1 and "result" in made, made
    # Read it back, through the Main.
    code, out, err = t.run(["curl", "-sS", "-H", "Content-Type: application/"
                            "json", "-d", json.dumps(remote(
                                "blog_service", "list_posts", {},
                                node="alice.home")),
                            "http://127.0.0.1:%d/rpc" % port])
    assert "Federation Test" in out, out
    assert "Testing cross-federation calls" in json.dumps(
        rpc(port, remote("blog_service", "get_post", {
            "id": made["result"]["id"]}))), made
    assert "alice.home" in home.log(), home.log()
    for p in t.procs:
        assert p.stop() == 0, (p.name, p.log())


def test_relay_without_options(t):
    """-server alone is a Main, -connect alone is a home."""
    env = xdg(t)
    port = free_port()
    Proc(t, "main", [RELAY, "-server", "-port", str(port)], env)
    wait_for(lambda: http(port, "GET", "/health")[0] == 200, "the main is up")
    info = json.loads(http(port, "GET", "/health")[2])
    assert info["node_type"] == "main", info
    Proc(t, "home", [RELAY, t.example("blog.rl"), "-port",
                     "0", "-connect", "ws://127.0.0.1:%d" % port], env)
    wait_for(lambda: json.loads(http(port, "GET", "/registry")[2])["count"],
             "the home is registered")
    # Stable over a restart: derived from the node's own key.
    assert t.procs[0].stop() == 0
    Proc(t, "main2", [RELAY, "-server", "-port", str(port)], env)
    wait_for(lambda: http(port, "GET", "/health")[0] == 200, "it is up again")
    again = json.loads(http(port, "GET", "/health")[2])
    assert again["node_id"] == info["node_id"], (info, again)


def test_relay_refuses_nonsense(t):
    env = dict(os.environ, **xdg(t))
    blog = t.example("blog.rl")
    for args in (["-server", "-node-type", "home"],
                 ["-server", "-connect", "ws://127.0.0.1:1"],
                 [], ["-nonsense"], ["-server", "-port", "99999"],
                 ["-server", "-port", "x"], ["-server", "-node-id", "a@b"],
                 ["-server", "-node-type", "other"],
                 ["-connect", "http://127.0.0.1:1", blog],
                 ["-connect", "ws://127.0.0.1:1", "/does/not/exist.rl"],
                 ["-server", "-host", "0.0.0.0", "-port", "0"],
                 [blog]):
        r = subprocess.run([RELAY] + args, env=env, capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=PATIENCE)
        assert r.returncode == 1, (args, r)
        assert r.stderr.strip(), (args, r)


def test_fallback(t):
    main = t.main()
    env = xdg(t)
    dead = free_port()
    Proc(t, "home", [RELAY, t.example("blog.rl"),
                     "-node-id", "alice.home", "-port", "0",
                     "-connect", "ws://127.0.0.1:%d" % dead, "-fallback",
                     "ws://127.0.0.1:%d,ws://127.0.0.1:%d" % (
                         free_port(), main.port)], env)
    main.wait_service("alice.home", "blog_service")


class SeedClient(threading.Thread):
    """python3-websockets: Connect() of SEED.md, and an answer to calls."""

    def __init__(self, url, node_id, services):
        super().__init__(daemon=True)
        self.url, self.node_id, self.services = url, node_id, services
        self.seen, self.failed = [], None
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()

    def run(self):
        try:
            self.loop.run_until_complete(self.talk())
        except Exception as e:
            self.failed = e
            self.ready.set()

    async def talk(self):
        import websockets
        async with websockets.connect(self.url, extra_headers={
                "X-Relay-Node-ID": self.node_id,
                "X-Relay-Node-Type": "home"}) as ws:
            self.ws = ws
            # encoding/json of a FederationMessage with zero values
            await ws.send(json.dumps({
                "type": "registration", "message_id": "",
                "timestamp": "2026-11-22T13:37:00.12345678Z",
                "source_node": {"type": "home", "id": self.node_id},
                "destination_node": {"type": "", "id": ""},
                "routing_path": None, "ttl": 0,
                "data": {"services": self.services}},
                separators=(",", ":")) + "\n")
            self.ready.set()
            async for text in ws:
                await self.on(json.loads(text))

    async def on(self, m):
        self.seen.append(m["type"])
        if m["type"] != "request":
            return
        await self.ws.send(json.dumps({
            "type": "response", "message_id": "",
            "correlation_id": m["message_id"],
            "timestamp": "2026-11-22T13:37:00.5+01:00",
            "source_node": {"type": "home", "id": self.node_id},
            "destination_node": m["source_node"],
            "routing_path": None, "ttl": 0,
            "data": {"result": {"got": m["jsonrpc_request"].get("params"),
                                "method": m["method"]}}}) + "\n")

    def close(self):
        asyncio.run_coroutine_threadsafe(self.ws.close(),
                                         self.loop).result(10)
        self.join(10)


def test_python_websockets_client(t):
    try:
        import websockets  # noqa: F401
    except ImportError:
        raise Skip("python3-websockets is not installed")
    main = t.main()
    c = SeedClient(main.ws_url(), "py.home", ["blog_service", "notes"])
    c.start()
    assert c.ready.wait(20)
    assert c.failed is None, c.failed
    main.wait_service("py.home", "blog_service", "notes")
    for s in main.get("/registry")["services"]:
        service_info(s)
    a = main.rpc(remote("blog_service", "create_post", {"title": "x"},
                        node="py.home", id_="7"))
    assert a == {"jsonrpc": "2.0", "id": "7", "result": {
        "got": {"title": "x"}, "method": "create_post"}}, a
    bob = t.home("bob.home", main)
    bob.wait_linked(main)
    a = bob.rpc(remote("notes", "list", [1, 2]))
    assert a["result"] == {"got": [1, 2], "method": "list"}, a
    c.close()
    wait_for(lambda: not main.registry(), "the services are gone")


def test_node_ws_client(t):
    main = t.main()
    env = {"NODE_PATH": "/usr/share/nodejs"}
    try:
        ok = subprocess.run(["node", "-e", "require('ws')"], env=dict(
            os.environ, **env), capture_output=True).returncode == 0
    except FileNotFoundError:
        ok = False
    if not ok:
        raise Skip("node-ws is not installed")
    js = Proc(t, "node-client", ["node", os.path.join(
        TOP, "tests/system/seed_client.js"), main.ws_url(), "js.home"], env)
    main.wait_service("js.home", "blog_service")
    a = main.rpc(remote("blog_service", "create_post", {"title": "x"}))
    assert a["result"] == {"got": {"title": "x"},
                           "method": "create_post"}, a
    bob = t.home("bob.home", main, services=t.service("echo"))
    main.wait_service("bob.home", "echo")
    a = bob.rpc(remote("blog_service", "fail", {}, id_=3))
    err = a["error"]
    assert err["code"] == -32000 and err["message"] == "no such post", a
    # It calls out itself, too.
    a = main.rpc(remote("blog_service", "call_echo", {"n": 1}))
    assert a["result"]["jsonrpc_response"]["result"] == {"n": 1}, a
    js.stop()


def test_zero_values(t):
    """Empty, null and zero all mean absent."""
    main = t.main()
    home = main.link("zero.home")
    t.links.append(home)
    for change in ({"message_id": ""}, {"message_id": ...},
                   {"routing_path": ...}, {"routing_path": []},
                   {"ttl": ...}, {"destination_node": ...},
                   {"source_node": {"type": "home", "id": "zero.home",
                                    "main_relay": ""}}):
        name = "s%d" % home.seq
        home.send(home.envelope("registration", data={"services": [name]},
                                **change))
        a = home.recv("registration", "error")
        assert a["type"] == "registration", (change, a)
        assert [s["service_name"] for s in a["data"]["accepted"]] == [name]
        assert a["data"]["rejected"] in ([], None), a
        main.wait_service("zero.home", name)


def test_timestamps(t):
    """Informational only: whatever it says, the message counts."""
    main = t.main()
    home = main.link("time.home")
    t.links.append(home)
    for ts in ("2026-11-22T13:37:00Z", "2026-11-22T13:37:00.1Z",
               "2026-11-22T13:37:00.123456789Z", "1970-01-01T00:00:00Z",
               "2099-12-31T23:59:59.999999999+14:00"):
        m = home.envelope("registration", timestamp=ts,
                          data={"services": ["s"]})
        home.send(m)
        assert home.recv("registration", "error")["type"] == "registration", ts


def test_answer_to_a_registration(t):
    main = t.main()
    home = main.link("reg.home")
    t.links.append(home)
    m = home.envelope("registration", message_id="my-id", data={"services": [
        "a", {"service_name": "b", "version": "1.2.3", "methods": [
            "x", {"name": "y", "idempotent": True, "timeout": 5}],
            "weight": 3, "max_concurrency": 2, "labels": {"k": "v"},
            "visibility": "main"},
        {"service_name": "bad name"}, {"service_name": "p",
                                       "visibility": "private"}]})
    home.send(m)
    a = home.recv("registration")
    assert a["correlation_id"] == "my-id", a
    assert a["source_node"] == {"type": "main", "id": "main.test"} or \
        a["source_node"]["id"] == "main.test", a
    assert RFC3339.match(a["timestamp"]), a
    assert a["message_id"], a
    data = a["data"]
    assert data["accepted"] == [
        {"service_name": "a", "version": "0.0.0"},
        {"service_name": "b", "version": "1.2.3"}], data
    assert sorted(r["service_name"] for r in data["rejected"]) == \
        ["bad name", "p"], data
    assert all(isinstance(r["rule"], str) and r["rule"]
               for r in data["rejected"]), data
    assert isinstance(data["epoch"], int), data
    assert set(data["features"]) >= {"deadline_ms", "cancel"}, data
    reg = main.registry()
    assert sorted(reg) == [("reg.home", "a"), ("reg.home", "b")], reg
    b = reg[("reg.home", "b")]
    assert b["version"] == "1.2.3" and sorted(b["methods"]) == ["x", "y"], b


def test_registration_replaces(t):
    """It is a full snapshot: what is not in it is gone."""
    main = t.main()
    home = main.link("reg.home")
    t.links.append(home)
    home.register(["a", "b"])
    main.wait_service("reg.home", "a", "b")
    home.register(["b", "c"])
    assert sorted(k[1] for k in main.registry()) == ["b", "c"]
    check_error(main.rpc(remote("a", "x", [])), -32011)
    home.register([])
    assert main.registry() == {}


def test_fragments(t):
    """A message in many frames, with a ping between them."""
    main = t.main()
    home = main.link("frag.home")
    t.links.append(home)
    text = (json.dumps(home.envelope("registration", data={
        "services": ["caf\u00e9".replace("\u00e9", "e"), "b"]},
        note="caf\u00e9 \U0001f600"), ensure_ascii=False) + "\n").encode()
    home.send_frame(TEXT, text[:1], fin=False)
    for i in range(1, len(text) - 1):
        home.send_frame(CONT, text[i:i + 1], fin=False)
        if i % 50 == 0:
            home.send_frame(9, b"ping")
    home.send_frame(CONT, b"", fin=False)
    home.send_frame(CONT, text[-1:])
    assert home.recv("registration")["data"]["accepted"], "accepted"


def test_forms_of_a_response(t):
    main = t.main()
    home = main.link("forms.home")
    t.links.append(home)
    home.register(["forms"])
    rpc_error = {"code": -32000, "message": "no", "data": {"x": 1}}
    forms = [
        ({"jsonrpc_response": {"jsonrpc": "2.0", "result": [1], "id": 1}},
         {"result": [1]}),
        ({"jsonrpc_response": {"jsonrpc": "2.0", "error": rpc_error,
                               "id": 1}}, {"error": rpc_error}),
        ({"data": {"result": {"a": 1}}}, {"result": {"a": 1}}),
        ({"data": {"result": None}}, {"result": None}),
        ({"data": {"error": rpc_error}}, {"error": rpc_error}),
        ({"data": {"status": "ok", "post_id": 5}},
         {"result": {"status": "ok", "post_id": 5}}),
        ({"data": {}}, {"result": {}}),
    ]
    for fields, want in forms:
        out = []
        th = threading.Thread(target=lambda: out.append(
            main.rpc(remote("forms", "x", [], id_="i"))))
        th.start()
        home.answer(home.recv("request"), **fields)
        th.join(20)
        assert out[0] == dict(want, jsonrpc="2.0", id="i"), (fields, out)
    for fields in ({"data": {"error": "a text"}},
                   {"type": "error", "data": {"code": -32000,
                                              "reason": "broken"}},
                   {"type": "error", "data": {"error": "broken"}}):
        out = []
        th = threading.Thread(target=lambda: out.append(
            main.rpc(remote("forms", "x", [], id_="i"))))
        th.start()
        home.answer(home.recv("request"), **fields)
        th.join(20)
        err = out[0]["error"]
        assert isinstance(err["code"], int) and err["message"], out
        assert out[0]["id"] == "i" and "result" not in out[0], out


def test_request_of_a_seed_client(t):
    """jsonrpc_request is omitempty in SEED.md: method and data then count."""
    main = t.main()
    alice = t.home("alice.home", main, services=t.service("echo"))
    main.wait_service("alice.home", "echo")
    bob = main.link("bob.home")
    t.links.append(bob)
    a = bob.call("echo", "echo", [1], id_=7)
    assert a["jsonrpc_response"] == {"jsonrpc": "2.0", "result": [1],
                                     "id": 7}, a
    assert a["source_node"]["id"] == "alice.home", a
    for data, want in (({"args": {"x": 1}}, {"x": 1}),
                       ({"params": [2]}, [2])):
        m = bob.envelope("request", server_name="echo", method="echo",
                         data=data)
        bob.send(m)
        a = bob.recv("response", "error")
        assert a["correlation_id"] == m["message_id"], a
        assert a["jsonrpc_response"]["result"] == want, a
    # Addressed to a node, with and without main_relay.
    for dest in ({"type": "home", "id": "alice.home"},
                 {"type": "home", "id": "alice.home", "main_relay": ""},
                 {"type": "home", "id": "alice.home",
                  "main_relay": "main.test"}):
        a = bob.call("echo", "echo", [dest], dest=dest)
        assert a["jsonrpc_response"]["result"] == [dest], a
    assert alice.alive()


def test_heartbeat_is_answered(t):
    main = t.main()
    home = main.link("beat.home")
    t.links.append(home)
    home.register(["a", "b"])
    m = home.envelope("heartbeat", data={"seq": 1, "unhealthy": ["a"]})
    home.send(m)
    while True:
        a = home.recv("heartbeat")
        if a.get("correlation_id"):
            break
    assert a["correlation_id"] == m["message_id"], a
    wait_for(lambda: not main.registry()[("beat.home", "a")]["is_healthy"],
             "a is unhealthy")
    assert main.registry()[("beat.home", "b")]["is_healthy"]
    # A heartbeat without a list says nothing about health.
    home.send(home.envelope("heartbeat", data={"seq": 2}))
    home.recv("heartbeat")
    assert not main.registry()[("beat.home", "a")]["is_healthy"]
    home.send(home.envelope("heartbeat", data={"seq": 3, "unhealthy": []}))
    wait_for(lambda: main.registry()[("beat.home", "a")]["is_healthy"],
             "a is healthy again")


def test_headers_of_the_answer(t):
    main = t.main()
    home = main.link("head.home")
    t.links.append(home)
    assert home.fields["x-relay-node-id"] == "main.test", home.fields


def test_additions_only_for_who_announced_them(t):
    """PROTOCOL.md section 3: optional additions."""
    main = t.main()
    plain = main.link("plain.home")
    plain.register(["plain"])
    modern = main.link("modern.home")
    modern.register(["modern"], features=[
        "deadline_ms", "traceparent", "idempotency_key", "unknown"])
    t.links += [plain, modern]
    for home, name in ((plain, "plain"), (modern, "modern")):
        # A notification: nobody waits for this home's answer.
        rq = remote(name, "m", {}, trace="00-a-b-01", idempotency_key="k")
        del rq["id"]
        assert main.rpc(rq, status=204) is None
        got = home.recv("request")
        found = {k: got[k] for k in ("traceparent", "idempotency_key")
                 if k in got}
        assert found == ({} if home is plain else {
            "traceparent": "00-a-b-01", "idempotency_key": "k"}), got
        assert ("deadline_ms" in got) == (home is modern), got


def test_relay_is_nobodys_service(t):
    main = t.main()
    home = main.link("r.home")
    t.links.append(home)
    data = home.register(["relay", "relay2"])
    assert [s["service_name"] for s in data["accepted"]] == ["relay2"], data
    assert [s["service_name"] for s in data["rejected"]] == ["relay"], data
    assert "relay" in data["rejected"][0]["rule"], data
