# SPDX-License-Identifier: ISC
"""Calls from home to home, PROTOCOL.md sections 3 and 6."""

import json

from answers import as_json, check_error
from process import wait_for
from wire import call, http, remote


def test_home_main_home(t):
    main, alice, bob = t.pair()
    args = {"title": "Federation Test", "content": "caf\u00e9 \U0001f600"}
    a = bob.rpc(remote("echo", "echo", args, node="alice.home"))
    assert a == {"jsonrpc": "2.0", "result": args, "id": 1}, a
    # By service name alone, and by the text form of an address.
    assert bob.rpc(remote("echo", "echo", args)) == a
    assert bob.rpc(remote("echo", "echo", args,
                          node="alice.home@main.test")) == a
    # From the Main, and from the home that has the service.
    assert main.rpc(remote("echo", "echo", args)) == a
    assert alice.rpc(remote("echo", "echo", args)) == a


def test_node_id_in_any_case(t):
    main, alice, bob = t.pair()
    a = bob.rpc(remote("echo", "echo", [1], node="Alice.HOME"))
    assert a["result"] == [1], a


def test_service_name_is_an_alias(t):
    main, alice, bob = t.pair()
    p = {"service_name": "echo", "method": "echo", "args": {"n": 1}}
    assert bob.rpc(call("remote_call", p))["result"] == {"n": 1}
    p["server_name"] = "echo"
    assert bob.rpc(call("remote_call", p))["result"] == {"n": 1}
    p["server_name"] = "other"
    check_error(bob.rpc(call("remote_call", p)), -32602)


def test_server_dot_method(t):
    main, alice, bob = t.pair()
    for params in ({"a": 1}, [1, 2, {"b": None}]):
        a = bob.rpc(call("echo.echo", params))
        assert a["result"] == params, a
        assert main.rpc(call("echo.echo", params))["result"] == params


def test_args_are_params_unchanged(t):
    main, alice, bob = t.pair()
    texts = [
        '{"a":1.0,"b":1e2,"c":12345678901234567890123,"d":-0.0,"e":1E+3}',
        '[1,1.50,"\\u00e9\\/",{"z":1,"a":2},[]]',
        '{"":{"":[]},"x":"\\ud83d\\ude00"}',
        '[]', '{}',
    ]
    for args in texts:
        rq = '{"jsonrpc":"2.0","method":"remote_call","params":{' \
            '"server_name":"echo","method":"line","args":%s},"id":1}' % args
        for node in (bob, main, alice):
            line = node.rpc(rq)["result"]["line"]
            assert '"params":' + args in line.replace('"params": ',
                                                      '"params":'), line


def test_no_args_no_params(t):
    main, alice, bob = t.pair()
    line = as_json(bob.rpc(remote("echo", "line"))["result"]["line"])
    assert line.get("params") in (None, {}, []), line
    assert line["method"] == "line"


def test_result_is_unchanged(t):
    main, alice, bob = t.pair()
    for text in ('1.0', '1e2', '"\\u00e9"', 'null', '[]', 'false',
                 '12345678901234567890123', '{"b":1,"a":{"x":0.10}}'):
        rq = remote("echo", "literal", {"json": text})
        for node in (bob, main, alice):
            got = node.rpc(rq, text=True)
            assert '"result":' + text in got.replace('"result": ',
                                                     '"result":'), got


def test_ids_byte_for_byte(t):
    main, alice, bob = t.pair()
    ids = ['1', '0', '-1', '1.0', '1e2', '1E+2', '-0', '0.10', '"x"', '""',
           '"1"', '"\\u00e9\\n"', '"\u00e9"', 'null',
           '9007199254740993', '123456789012345678901234567890',
           '-1.5e-300']
    for node in (bob, main, alice):
        for id_ in ids:
            rq = '{"jsonrpc":"2.0","method":"echo.echo","params":[7],' \
                '"id":%s}' % id_
            got = node.rpc(rq, text=True)
            assert json.loads(got)["result"] == [7], got
            assert '"id":' + id_ in got.replace('"id": ', '"id":'), got
            # The same in errors.
            rq = '{"jsonrpc":"2.0","method":"none.echo","id":%s}' % id_
            got = node.rpc(rq, text=True)
            assert json.loads(got)["error"]["code"] == -32011, got
            assert '"id":' + id_ in got.replace('"id": ', '"id":'), got


def test_bad_ids(t):
    main = t.main()
    for id_ in ('{}', '[]', 'true', 'false', '[1]'):
        got = main.rpc('{"jsonrpc":"2.0","method":"echo.echo","id":%s}' % id_)
        check_error(got, -32600, None)


def test_notification(t):
    main, alice, bob = t.pair()
    where = t.dir + "/notes"
    open(where, "w").close()
    import os
    os.chmod(where, 0o666)
    for i, node in enumerate((bob, main, alice)):
        o = remote("echo", "note", {"file": where, "n": i})
        del o["id"]
        assert node.rpc(o, status=204) is None
        wait_for(lambda: len(open(where).readlines()) == i + 1,
                 "notification %d ran" % i)
    # A notification that fails is still not answered.
    o = call("none.such")
    del o["id"]
    assert bob.rpc(o, status=204) is None
    assert main.rpc(o, status=204) is None


def test_batch(t):
    main, alice, bob = t.pair()
    note = call("echo.echo")
    del note["id"]
    for node in (bob, main):
        got = node.rpc([
            remote("echo", "echo", [1], id_="a"), note,
            call("none.such", id_=2), 1, {"foo": "bar"},
            remote("echo", "sleep", {"ms": 200}, id_=3),
            remote("echo", "echo", [4], id_=4.5)])
        assert len(got) == 6, got
        by_id = {json.dumps(g["id"]): g for g in got}
        assert by_id['"a"']["result"] == [1], got
        check_error(by_id["2"], -32011, 2)
        assert by_id["3"]["result"] == "late", got
        assert by_id["4.5"]["result"] == [4], got
        bad = [g for g in got if g["id"] is None]
        assert [b["error"]["code"] for b in bad] == [-32600, -32600], got
        assert node.rpc([note, note], status=204) is None
        check_error(node.rpc([]), -32600, None)
        many = node.rpc([call("echo.echo", [i], i) for i in range(100)])
        assert sorted(m["id"] for m in many) == list(range(100))
        assert all(m["result"] == [m["id"]] for m in many)
        got = node.rpc([call("echo.echo", [i], i) for i in range(101)])
        check_error(got, -32600, None)


def test_batch_of_answers_keeps_the_order(t):
    main, alice, bob = t.pair()
    got = bob.rpc([remote("echo", "sleep", {"ms": 300}, id_=1),
                   remote("echo", "echo", [], id_=2)])
    assert [g["id"] for g in got] == [1, 2], got


def test_invalid_requests(t):
    main = t.main()
    for text in ('{"method":"a.b","id":1}',
                 '{"jsonrpc":"1.0","method":"a.b","id":1}',
                 '{"jsonrpc":2.0,"method":"a.b","id":1}',
                 '{"jsonrpc":"2.0","id":1}',
                 '{"jsonrpc":"2.0","method":1,"id":1}',
                 '{"jsonrpc":"2.0","method":"a.b","params":1,"id":1}',
                 '{"jsonrpc":"2.0","method":"a.b","params":"x","id":1}'):
        got = main.rpc(text)
        assert got["error"]["code"] in (-32600, -32602), (text, got)
        assert got["id"] in (1, None), got
    for text in ('1', '"x"', 'null', 'true', '{}'):
        check_error(main.rpc(text), -32600, None)
    for text in ('', '{', '[1,', '{"jsonrpc":"2.0"', '\x00', '{"a":1}x',
                 "{'a':1}"):
        check_error(main.rpc(text), -32700, None)


def test_duplicate_keys_in_a_call(t):
    main = t.main()
    got = main.rpc('{"jsonrpc":"2.0","method":"a.b","method":"c.d","id":1}')
    assert got["error"]["code"] in (-32600, -32700), got


def test_methods_without_a_service(t):
    main = t.main()
    check_error(main.rpc(call("nothing")), -32601)


def test_remote_call_params(t):
    main, alice, bob = t.pair()
    bad = [
        None, [], {},
        {"server_name": "echo"},                        # no method
        {"method": "echo"},                             # nothing to call
        {"server_name": 1, "method": "echo"},
        {"server_name": "echo", "method": 1},
        {"server_name": "echo", "method": ""},
        {"server_name": "", "method": "echo"},
        {"server_name": "echo", "method": "echo", "args": 1},
        {"server_name": "echo", "method": "echo", "args": "x"},
        {"server_name": "echo", "method": "echo", "timeout": "60"},
        {"server_name": "echo", "method": "echo", "timeout": -1},
        {"server_name": "echo", "method": "echo", "node_id": 7},
        {"server_name": "echo", "method": "echo", "node_id": "a@b@c"},
        {"server_name": "echo", "method": "echo", "node_id": "a/b"},
        {"server_name": "echo", "method": "echo", "version": 1},
    ]
    for node in (main, bob):
        for params in bad:
            check_error(node.rpc(call("remote_call", params)), -32602)


def test_unknown_keys_are_kept(t):
    """A seed client sees the key that a home put into its message."""
    main = t.main()
    alice, bob = main.link("alice.home"), main.link("bob.home")
    t.links += [alice, bob]
    alice.register(["blog"])
    extra = {"deep": [1, {"x": None}], "n": 1.50}
    rq = bob.request("blog", "get", {"a": 1}, id_="k", x_extra=extra,
                     priority=7, timeout_seconds=9)
    got = alice.recv("request")
    assert got["x_extra"] == extra, got
    assert got["priority"] == 7, got
    assert got["source_node"]["type"] == "home", got
    assert got["source_node"]["id"] == "bob.home", got
    assert got["routing_path"] == ["bob.home", "main.test"], got
    assert 0 < got["ttl"] <= 3, got
    assert got["server_name"] == "blog" and got["method"] == "get", got
    assert got["jsonrpc_request"] == rq["jsonrpc_request"], got
    assert got["destination_node"]["id"] == "alice.home", got
    alice.answer(got, jsonrpc_response={
        "jsonrpc": "2.0", "result": 5, "id": "k"}, x_back=[1])
    a = bob.recv("response")
    assert a["correlation_id"] == rq["message_id"], a
    assert a["jsonrpc_response"] == {"jsonrpc": "2.0", "result": 5,
                                     "id": "k"}, a
    assert a["x_back"] == [1], a
    assert a["source_node"]["id"] == "alice.home", a


def test_answers_name_the_caller(t):
    """A home that routes by destination_node knows its answers as its own."""
    main, alice, bob = t.pair()
    seed = main.link("seed.home")
    t.links.append(seed)
    seed.request("echo", "echo", {"a": 1})
    got = seed.recv("response")
    assert got["destination_node"]["id"] == "seed.home", got
    assert got["source_node"]["id"] != "main.test", got


def test_the_main_itself(t):
    main, alice, bob = t.pair()
    for node in (main, bob):
        for how in (remote("relay", "ping", node="main.test"),
                    remote("relay", "info", node="main.test"),
                    remote("relay", "services", node="main.test")):
            assert "result" in node.rpc(how), (node.name, how)
    info = bob.rpc(remote("relay", "info", node="main.test"))["result"]
    assert info["node_id"] == "main.test", info
    listed = json.dumps(bob.rpc(remote("relay", "services",
                                       node="main.test"))["result"])
    assert '"echo"' in listed, listed
    check_error(bob.rpc(remote("relay", "no_such", node="main.test")), -32601)


def test_many_at_once(t):
    """Answers find their callers when hundreds are in flight."""
    import threading
    main, alice, bob = t.pair()
    wrong = []

    def run(node, base):
        for i in range(base, base + 30):
            got = node.rpc([call("echo.echo", [i, j], "%d-%d" % (i, j))
                            for j in range(10)])
            for g in got:
                if g["id"] != "%d-%d" % tuple(g["result"]):
                    wrong.append(g)
    threads = [threading.Thread(target=run, args=(n, 1000 * k))
               for k, n in enumerate((main, bob, alice, bob, main))]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    assert not wrong, wrong[:3]


def test_keep_alive_and_pipelining(t):
    import socket
    from wire import connect, read_response
    main, alice, bob = t.pair()
    with connect(bob.port) as s:
        for i in range(3):
            body = json.dumps(call("echo.echo", [i])).encode()
            s.sendall(b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: "
                      b"application/json\r\nContent-Length: %d\r\n\r\n%s"
                      % (len(body), body))
            status, _, out = read_response(s)
            assert status == 200 and json.loads(out)["result"] == [i], out
        s.shutdown(socket.SHUT_RDWR)


def test_body_in_chunks_and_slowly(t):
    main, alice, bob = t.pair()
    from wire import connect, read_response
    body = json.dumps(call("echo.echo", ["x" * 300])).encode()
    with connect(bob.port) as s:
        s.sendall(b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: "
                  b"application/json; charset=utf-8\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(0, len(body), 7):
            part = body[i:i + 7]
            s.sendall(b"%x;ext=1\r\n%s\r\n" % (len(part), part))
        s.sendall(b"0\r\nTrailer: x\r\n\r\n")
        status, _, out = read_response(s)
        assert status == 200, out
        assert json.loads(out)["result"] == ["x" * 300]


def test_big_messages(t):
    """Up to the limit in both directions, and beyond it an error."""
    main, alice, bob = t.pair()
    big = "y" * 900000
    a = bob.rpc(remote("echo", "echo", [big]))
    assert a["result"] == [big]
    got = http(bob.port, "POST", "/rpc", json.dumps(
        remote("echo", "echo", ["y" * (1 << 20)])))
    assert got[0] == 413, got[:2]
    check_error(bob.rpc(remote("echo", "big", {"n": 2 << 20})), -32021)
    a = bob.rpc(remote("echo", "echo", [1]))
    assert a["result"] == [1], a
