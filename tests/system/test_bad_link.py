# SPDX-License-Identifier: ISC
"""
Malformed frames and messages on a link: frames end that link with the right
code, messages are answered with an error and the link stays; another link,
the processes and their descriptors never notice.
"""

import glob
import json
import os
import struct

from answers import check_error
from process import TOP, wait_for
from watch import Watch
from wire import BINARY, CLOSE, CONT, PING, PONG, TEXT, Closed, remote


def send_raw(data):
    return lambda link: link.s.sendall(data)


def frame(*args, **kw):
    return lambda link: link.send_frame(*args, **kw)


def frames(*each):
    def send(link):
        for f in each:
            f(link)
    return send


# How a link is broken, and the close codes that are right (1006: just closed).
BROKEN = {
    "unmasked": (frame(TEXT, b"{}", mask=False), {1002}),
    "rsv1": (frame(TEXT, b"{}", rsv=4), {1002}),
    "rsv2": (frame(TEXT, b"{}", rsv=2), {1002}),
    "rsv3": (frame(TEXT, b"{}", rsv=1), {1002}),
    "opcode 3": (frame(3, b"{}"), {1002}),
    "opcode 7": (frame(7, b"{}"), {1002}),
    "opcode 11": (frame(11, b""), {1002}),
    "opcode 15": (frame(15, b""), {1002}),
    "binary": (frame(BINARY, b"{}"), {1003}),
    "binary, fragmented": (frames(frame(BINARY, b"{", fin=False),
                                  frame(CONT, b"}")), {1003}),
    "ping of 126 octets": (frame(PING, b"x" * 126), {1002}),
    "ping in fragments": (frame(PING, b"x", fin=False), {1002}),
    "close in fragments": (frame(CLOSE, b"\x03\xe8", fin=False), {1002}),
    "continuation of nothing": (frame(CONT, b"x"), {1002}),
    "text in text": (frames(frame(TEXT, b"{", fin=False),
                            frame(TEXT, b"}")), {1002}),
    "length 5 in two octets": (frame(TEXT, b"{   }", length=b"\xfe\x00\x05"),
                               {1002}),
    "length 300 in eight": (frame(TEXT, b" " * 300, length=b"\xff" +
                                  struct.pack(">Q", 300)), {1002}),
    "length 2^63": (send_raw(b"\x81\xff" + b"\x80" + b"\0" * 7 + b"mask"),
                    {1002, 1009}),
    "length 2^62": (send_raw(b"\x81\xff" + b"\x40" + b"\0" * 7 + b"mask"),
                    {1009}),
    "1 MiB and 1 octet": (send_raw(b"\x81\xff" +
                                   struct.pack(">Q", (1 << 20) + 1) + b"mask"),
                          {1009}),
    "fragments over 1 MiB": (frames(*([frame(TEXT, b" " * 500000, fin=False)]
                                      + [frame(CONT, b" " * 500000,
                                               fin=False)] * 2)), {1009}),
    "bad UTF-8": (frame(TEXT, b'{"a":"\xff"}'), {1007}),
    "overlong UTF-8": (frame(TEXT, b'{"a":"\xc0\xaf"}'), {1007}),
    "surrogate in UTF-8": (frame(TEXT, b'{"a":"\xed\xa0\x80"}'), {1007}),
    "cut UTF-8": (frame(TEXT, b'{"a":"\xe2\x82'), {1007}),
    "bad UTF-8, unfinished message": (
        frame(TEXT, b'{"a":"\xf5', fin=False), {1007}),
    "close with 1 octet": (frame(CLOSE, b"\x03"), {1002}),
    "close with code 999": (frame(CLOSE, struct.pack(">H", 999)), {1002}),
    "close with code 1005": (frame(CLOSE, struct.pack(">H", 1005)), {1002}),
    "close with code 1006": (frame(CLOSE, struct.pack(">H", 1006)), {1002}),
    "close with code 2999": (frame(CLOSE, struct.pack(">H", 2999)), {1002}),
    "close with bad UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), {1002, 1007}),
    "close": (frame(CLOSE, b""), {1000, 1005}),
    "close 1000": (frame(CLOSE, struct.pack(">H", 1000) + b"bye"), {1000}),
    "close 4999": (frame(CLOSE, struct.pack(">H", 4999)), {4999, 1000}),
    "HTTP": (send_raw(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), {1002}),
}


def test_frames(t):
    main = t.main()
    watch = Watch(t, main)
    for name, (send, codes) in BROKEN.items():
        link = main.link("bad.home")
        link.register(["bad"])
        try:
            send(link)
            code = link.expect_close()
        except ConnectionError:
            code = 1006
        assert code in codes, (name, code)
        link.abort()
        watch.check(name)
    wait_for(lambda: ("bad.home", "bad") not in main.registry(),
             "its service is gone")
    watch.finish()


def test_pings_and_pongs(t):
    main = t.main()
    link = main.link("ping.home")
    t.links.append(link)
    for data in (b"", b"x", b"y" * 125):
        link.send_frame(PING, data)
        # _frame() gives frames as they come
        import time
        op, fin, got = link._frame(time.monotonic() + 20)
        assert (op, fin, got) == (PONG, True, data), (op, got)
    link.send_frame(PONG, b"unasked")
    assert link.register(["a"])["accepted"]


def test_cut_frames(t):
    """A connection that ends anywhere within a frame."""
    main = t.main()
    watch = Watch(t, main)
    whole = b"\x81\xfe\x01\x00mask" + b"x" * 256
    for cut in list(range(0, 12)) + [100, 263]:
        link = main.link("cut.home")
        link.s.sendall(whole[:cut])
        link.abort()
    watch.check("cut frames")
    watch.finish()


def expect_error(link, m, codes=(-32600,)):
    """The message is answered with type error and the link stays."""
    a = link.recv("error")
    data = a["data"]
    assert data["code"] in codes, a
    assert isinstance(data["reason"], str) and data["reason"], a
    # The scan may have ended before it came to the id.
    if m is not None and a.get("correlation_id") is not None:
        assert a["correlation_id"] == m["message_id"], (m, a)
    return a


def test_messages(t):
    main = t.main()
    watch = Watch(t, main)
    link = main.link("bad.home")
    t.links.append(link)
    e = link.envelope
    bad = [
        e("unknown"), e(""), e("Request"), e("request\0"), e(None), e(7),
        e(...), e({}), e([]),
        e("request", server_name="a", method="b", ttl="x"),
        e("request", server_name="a", method="b", ttl=-1),
        e("request", server_name="a", method="b", ttl=1.5),
        e("request", server_name="a", method="b", routing_path="x"),
        e("request", server_name="a", method="b", routing_path=[1]),
        e("request", server_name="a", method="b", routing_path=["other"]),
        e("request", server_name="a", method="b",
          routing_path=["x.home", "bad.home"]),
        e("request", server_name="a", method="b",
          routing_path=["bad.home", "bad.home"]),
        e("request", server_name="a", method="b",
          routing_path=["a", "b", "c", "bad.home"]),
        e("request", server_name="a", method="b", source_node="x"),
        e("request", server_name="a", method="b", destination_node=7),
        e("request", server_name="a", method="b",
          destination_node={"type": "home", "id": 7}),
        e("request", server_name="a", method="b",
          destination_node={"type": "planet", "id": "a.home"}),
        e("request", server_name=7, method="b"),
        e("request", server_name="a", method=7),
        e("request", server_name="a", method="b", timeout_seconds="x"),
        e("request", server_name="a", method="b", timeout_seconds=-1),
        e("request", server_name="a", method="b", message_id=7),
        e("request", server_name="a", method="b", message_id="x" * 65),
        e("request", server_name="a", method="b", message_id="caf\u00e9"),
        e("request", server_name="a", method="b", message_id="a\nb"),
        e("registration", data=[]), e("registration", data={"services": 1}),
        e("registration", data={"services": {}}),
        e("registration", data={"services": "a"}),
        e("response", correlation_id=...), e("response", correlation_id=7),
    ]
    for m in bad:
        m = {k: v for k, v in m.items() if v is not ...}
        link.send(m)
        if m.get("type") == "request":
            a = link.recv("error", "response")
            if a["type"] == "response":     # as an answer to that call
                assert a["jsonrpc_response"]["error"]["code"] in (
                    -32600, -32602, -32022), (m, a)
                assert a["correlation_id"] == m["message_id"], (m, a)
        elif m.get("type") == "response":
            pass                            # dropped and counted, or an error
        else:
            expect_error(link, m, (-32600, -32602, -32700))
        watch.check(m)
    assert link.register(["still"])["accepted"]
    watch.finish()


def test_json_corpus_as_messages(t):
    main = t.main()
    watch = Watch(t, main)
    for path in sorted(glob.glob(os.path.join(TOP, "tests/corpus/json/*"))):
        name = os.path.basename(path)
        data = open(path, "rb").read()
        link = main.link("corpus.home")
        try:
            data.decode("utf-8")
            utf8 = True
        except UnicodeDecodeError:
            utf8 = False
        link.send_text(data)
        if not utf8:
            link.expect_close(1007)
            continue
        try:
            a = link.recv("error", "registration")
        except (Closed, TimeoutError) as e:
            raise AssertionError("%s: %s" % (name, e))
        if a["type"] == "registration":
            assert name == "y_seed_registration.json", name
            continue
        want = (-32700,) if name.startswith("n_") else (-32600,) \
            if name.startswith("y_") else (-32600, -32700)
        if name.startswith("y_seed"):
            want += (-32602,)
        assert a["data"]["code"] in want, (name, a)
        # The link is as good as before.
        assert link.register(["c"])["accepted"], name
        link.abort()
    watch.check("the corpus")
    watch.finish()


def test_json_corpus_through_rpc(t):
    from wire import http
    main = t.main()
    watch = Watch(t, main)
    for path in sorted(glob.glob(os.path.join(TOP, "tests/corpus/json/*"))):
        name = os.path.basename(path)
        data = open(path, "rb").read()
        status, _, body = http(main.port, "POST", "/rpc", data)
        assert status == 200, (name, status, body)
        a = json.loads(body)
        codes = {x["error"]["code"] for x in
                 (a if isinstance(a, list) else [a])}
        if name.startswith("n_"):
            assert codes == {-32700}, (name, a)
        elif name.startswith("y_") and not name.startswith("y_seed"):
            assert -32700 not in codes or "dup" in name, (name, a)
    watch.finish()


def test_json_corpus_as_params(t):
    """Every valid text arrives as it was sent; no invalid one arrives."""
    main, alice, bob = t.pair()
    for path in sorted(glob.glob(os.path.join(TOP, "tests/corpus/json/*"))):
        name = os.path.basename(path)
        data = open(path, "rb").read()
        rq = b'{"jsonrpc":"2.0","method":"echo.line","params":[' + data + \
            b'],"id":1}'
        from wire import http
        status, _, body = http(bob.port, "POST", "/rpc", rq)
        a = json.loads(body)
        assert status == 200, (name, status)
        if name.startswith("n_") and data.strip(b" \t\r\n"):
            assert "error" in a, (name, a)
        elif name.startswith("y_") and "result" in a:
            want = data.decode().strip()
            assert want in a["result"]["line"] or "\n" in want, (name, a)


def test_forged_source(t):
    """source_node is stamped from the session, never believed."""
    main = t.main()
    alice, bob = main.link("alice.home"), main.link("bob.home")
    t.links += [alice, bob]
    alice.register(["blog"])
    for forged in ({"type": "home", "id": "alice.home"},
                   {"type": "main", "id": "main.test"},
                   {"type": "home", "id": "root.home",
                    "main_relay": "other.test"},
                   {"type": "", "id": ""}, None):
        bob.request("blog", "get", [], source_node=forged)
        rq = alice.recv("request")
        assert rq["source_node"]["id"] == "bob.home", rq
        assert rq["source_node"]["type"] == "home", rq
        assert rq["source_node"].get("main_relay") in (
            None, "", "main.test"), rq
        alice.answer_result(rq, "ok")
        a = bob.recv("response", "error")
        assert a["jsonrpc_response"]["result"] == "ok", a


def test_forged_response(t):
    """Nobody answers for another: an answer counts only from the callee."""
    import threading
    main = t.main()
    alice, eve = main.link("alice.home"), main.link("eve.home")
    t.links += [alice, eve]
    alice.register(["blog"])
    out = []
    th = threading.Thread(target=lambda: out.append(
        main.rpc(remote("blog", "get", []))))
    th.start()
    rq = alice.recv("request")
    eve.answer(rq, jsonrpc_response={"jsonrpc": "2.0", "result": "evil",
                                     "id": 1})
    eve.call("relay", "ping", dest={"type": "main", "id": "main.test"})
    assert not out, out
    alice.answer_result(rq, "good")
    th.join(20)
    assert out[0]["result"] == "good", out
    # The first one wins, later ones are dropped.
    alice.answer_result(rq, "late")
    assert alice.register(["blog"])["accepted"]


def test_unknown_response(t):
    main = t.main()
    watch = Watch(t, main)
    link = main.link("late.home")
    t.links.append(link)
    for cid in ("never-heard-of", "", "x" * 64, "0", "-1",
                "18446744073709551615"):
        link.send(link.envelope("response", correlation_id=cid,
                                data={"result": 1}))
    assert link.register(["a"])["accepted"]
    watch.finish()


def test_repeated_pending_id(t):
    """A repeat is refused, never executed; other sessions may use it."""
    main = t.main()
    alice, bob, carol = (main.link(n + ".home")
                         for n in ("alice", "bob", "carol"))
    t.links += [alice, bob, carol]
    alice.register(["blog"])
    bob.request("blog", "get", [1], message_id="same")
    first = alice.recv("request")
    bob.request("blog", "get", [2], message_id="same")
    a = bob.recv("response", "error")
    got = a.get("jsonrpc_response") or {"error": a["data"]}
    assert got["error"]["code"] == -32600, a
    carol.request("blog", "get", [3], message_id="same")
    third = alice.recv("request")
    assert third["jsonrpc_request"]["params"] == [3], third
    alice.answer_result(third, "carol's")
    alice.answer_result(first, "bob's")
    assert carol.recv("response")["jsonrpc_response"]["result"] == "carol's"
    a = bob.recv("response")
    assert a["jsonrpc_response"]["result"] == "bob's", a
    # Free again
    bob.request("blog", "get", [4], message_id="same")
    assert alice.recv("request")["jsonrpc_request"]["params"] == [4]


def test_registrations_over_the_limits(t):
    main = t.main()
    watch = Watch(t, main)
    link = main.link("many.home")
    t.links.append(link)
    d = link.register(["s%d" % i for i in range(70)])
    assert len(d["accepted"]) == 64 and len(d["rejected"]) == 6, d
    assert all("64" in r["rule"] for r in d["rejected"]), d["rejected"]
    bad = [
        {"service_name": "m", "methods": ["m%d" % i for i in range(257)]},
        {"service_name": "x" * 129}, {"service_name": ""},
        {"service_name": "a b"}, {"service_name": "a/b"},
        {"service_name": "caf\u00e9"}, {"service_name": 7}, {}, 7, None, [],
        "", "a b", {"service_name": "v", "version": "1"},
        {"service_name": "v", "version": "01.0.0"},
        {"service_name": "v", "version": "x" * 65},
        {"service_name": "m", "methods": "all"},
        {"service_name": "m", "methods": ["bad name"]},
        {"service_name": "m", "methods": [7]},
        {"service_name": "w", "weight": -1},
        {"service_name": "w", "weight": "heavy"},
        {"service_name": "w", "weight": 100000},
        {"service_name": "c", "max_concurrency": -1},
        {"service_name": "l", "labels": 7},
        {"service_name": "l", "labels": {"k" * 129: "v"}},
        {"service_name": "l", "labels": {"k%d" % i: "v" for i in range(17)}},
        {"service_name": "v", "visibility": "everybody"},
        {"service_name": "v", "visibility": "private"},
    ]
    for s in bad:
        d = link.register(["good", s])
        assert [a["service_name"] for a in d["accepted"]] == ["good"], (s, d)
        assert len(d["rejected"]) == 1 and d["rejected"][0]["rule"], (s, d)
        watch.check(s)
    d = link.register(["two", "two"])
    assert len(d["accepted"]) == 1 and len(d["rejected"]) == 1, d
    # Two versions are two instances.
    d = link.register([{"service_name": "two", "version": "1.0.0"},
                       {"service_name": "two", "version": "2.0.0"}])
    assert len(d["accepted"]) == 2, d
    d = link.register(["n" * 128, {"service_name": "m", "methods": [
        "m%d" % i for i in range(256)]}])
    assert len(d["accepted"]) == 2, d
    watch.finish()


def test_a_bad_registration_changes_nothing(t):
    main = t.main()
    link = main.link("keep.home")
    t.links.append(link)
    link.register(["kept"])
    m = link.send(link.envelope("registration", data={"services": 7}))
    expect_error(link, m, (-32600, -32602))
    assert [k[1] for k in main.registry()] == ["kept"]


def test_duplicate_top_level_keys(t):
    main = t.main()
    link = main.link("dup.home")
    t.links.append(link)
    base = json.dumps(link.envelope("registration",
                                    data={"services": ["a"]}))[:-1]
    for extra in (',"type":"heartbeat"}', ',"data":{"services":["b"]}}',
                  ',"x":1,"x":2}', ',"ty\\u0070e":"heartbeat"}'):
        link.send_text(base + extra)
        expect_error(link, None, (-32600, -32700))
    assert main.registry() == {}


def test_nothing_before_the_answer_is_routable(t):
    """A call for a service whose registration was refused."""
    main = t.main()
    link = main.link("no.home")
    t.links.append(link)
    link.register([{"service_name": "p", "visibility": "private"}])
    check_error(main.rpc(remote("p", "x", [])), -32011)


def test_a_flood_of_garbage(t):
    main = t.main()
    watch = Watch(t, main)
    link = main.link("flood.home")
    t.links.append(link)
    for _ in range(2000):
        link.send_text("{]")
    for i in range(2000):
        a = link.recv("error")
        assert a["data"]["code"] == -32700, a
    watch.check("the flood")
    watch.finish()


def test_a_link_that_does_not_read(t):
    """Answers pile up: its new requests are refused or it is closed; the
    others go on."""
    main = t.main()
    watch = Watch(t, main)
    slow = main.link("slow.home", rcvbuf=4096)
    t.links.append(slow)
    slow.register(["slow"])
    payload = "z" * 100000
    dest = {"type": "home", "id": "watch.home"}
    import threading

    def shout():
        try:
            for i in range(400):
                slow.request("watched", "x", [payload], id_=i, dest=dest)
        except OSError:
            pass

    def answer():
        try:
            while True:
                rq = watch.link.recv("request")
                watch.link.answer(rq, jsonrpc_response={
                    "jsonrpc": "2.0", "result": payload,
                    "id": rq["jsonrpc_request"]["id"]})
        except OSError:
            pass
    ths = [threading.Thread(target=f, daemon=True) for f in (shout, answer)]
    for th in ths:
        th.start()
    # How many of them get there depends on how fast the answers come.
    wait_for(lambda: not ths[0].is_alive() and
             not any(main.show("pending").values()), "nothing is pending")
    slow.abort()
    carol = main.link("carol.home")
    t.links.append(carol)
    assert "result" in carol.call("relay", "ping", dest={
        "type": "main", "id": "main.test"})["jsonrpc_response"]
