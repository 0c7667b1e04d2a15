# SPDX-License-Identifier: ISC
"""Conversations of the router: see gen-corpus.py."""

from corpus_input import (
    BACKEND, FRONTEND, PARENT, REGISTRY, compact, conf, conf_service, lose,
    msg, out_id, restart, service, show, text)

# The number of the first id that the router gives out: see receiver.h.
FIRST_ID = 1000000

STAMP = "2024-05-01T10:20:30.12Z"


def home(node):
    return {"type": "home", "id": node}


def envelope(kind, ident, **more):
    return compact({"type": kind, "message_id": ident, "timestamp": STAMP,
                    **more})


def request(ident, to, server="blog", via=()):
    return envelope(
        "request", ident, source_node=home("a.home"),
        destination_node=home(to), routing_path=["a.home", *via], ttl=3,
        server_name=server, method="get", timeout_seconds=60,
        jsonrpc_request={"jsonrpc": "2.0", "method": "get",
                         "params": {"a": [1]}, "id": 1})


def response(ident, error=False):
    body = {"error": {"code": -32000, "message": "no"}} if error else \
        {"result": {"ok": True}}
    return envelope("error" if error else "response", "r" + ident,
                    correlation_id=ident, source_node=home("b.home"),
                    jsonrpc_response={"jsonrpc": "2.0", "id": 1, **body})


def services(**more):
    """Of the second one all is said."""
    plain = {"service_name": "blog", "methods": ["get", "put"]}
    whole = {"service_name": "shop", "version": "2.1.0-rc.1", "weight": 5,
             "max_concurrency": 3, "labels": {"zone": "eu \"1\"", "k": ""},
             "methods": [{"name": "buy", "idempotent": True, **more}]}
    return [plain, whole]


def registration(ident, *more):
    rows = [*services(timeout=2.5), "tiny", *more]
    return envelope("registration", ident, source_node=home("b.home"),
                    data={"services": rows, "features": ["cancel"]})


def link(n, conn, node):
    return (msg(FRONTEND, "LINK_AUTH", conn=conn, kind=1, node_id=node,
                boot_id="boot", authorization="Bearer x", address="10.0.0.1")
            + accept(n, node))


def accept(n, node, replaced=0, proof=""):
    return msg(REGISTRY, "SESSION_ACCEPT", session=out_id(n), epoch=7,
               replaced=replaced, node_id=node, proof=proof)


def link_text(n, body, later=0):
    return msg(FRONTEND, "LINK_TEXT", later, session=out_id(n), text=body)


def routes(n, node, *rows):
    return msg(REGISTRY, "ROUTE_SET", session=out_id(n), node_id=node,
               count=len(rows), rows=b"".join(rows))


def http(ident, route, body, authorization=""):
    return msg(FRONTEND, "HTTP_REQUEST", request=ident, route=route, local=1,
               address="127.0.0.1", authorization=authorization, body=body)


def result(n, kind, body='{"ok":1}'):
    return msg(BACKEND, "BACKEND_RESULT", call=out_id(n), kind=kind,
               code=-32014 if kind == 3 else 0, executed=1,
               reason="late" if kind == 3 else "",
               json=body if kind < 3 else "")


def router():
    two = (link(0, 1001, "a.home") + link(1, 1002, "b.home") +
           routes(1, "b.home", service("blog", ("get",))))
    batch = compact([
        {"jsonrpc": "2.0", "method": "blog.get", "params": {}, "id": 1},
        {"jsonrpc": "2.0", "method": "relay.health", "id": 2},
        {"jsonrpc": "2.0", "method": "blog.put"}, {"x": 1}])
    up = (msg(FRONTEND, "LINK_DIALED", conn=5001, main_id="main.example",
              address="10.0.0.2") + accept(0, "main.example") +
          msg(BACKEND, "BACKEND_HEALTH", service=0, generation=1, healthy=1))

    def down(n):
        return msg(FRONTEND, "LINK_DOWN", session=out_id(n), reason="gone")

    def ask(ident, **more):
        return link_text(0, request(ident, "home.example",
                                    via=("main.example",), **more))

    def ctl(ident, target, args="{}"):
        return msg(PARENT, "CTL_CALL", request=ident, target=target,
                   method="get", timeout_ms=500, args=args)

    yield "call", 0, [
        two, link_text(0, request("m1", "b.home")),
        link_text(1, response("m1")), link_text(0, request("m2", "b.home")),
        link_text(1, response("m2", True)),
        link_text(0, request("m3", "b.home")), down(1), down(0)]
    yield "cancel", 0, [
        two, link_text(0, request("m1", "b.home")),
        link_text(0, envelope("cancel", "c", correlation_id="m1")),
        link_text(1, response("m1")), link_text(0, request("m4", "nobody")),
        link_text(0, request("m5", "b.home"), 16000),
        link_text(0, envelope("heartbeat", "h"), 16000)]
    yield "answers", 0, [
        two, *[link_text(0, request(f"m{n}", "b.home")) for n in range(9)],
        *[link_text(1, envelope(
            "error" if n > 4 else "response", "x", correlation_id=f"m{n}",
            source_node="b.home@main.example", **more))
          for n, more in enumerate((
              {"data": {"result": 1}}, {"data": {"k": 1}}, {},
              {"data": {"error": {"code": 5, "message": "m"}}},
              {"data": {"error": "text"}}, {}, {"data": {"reason": "no"}},
              {"jsonrpc_response": {"jsonrpc": "2.0", "id": 7, "error": 1}},
              {"jsonrpc_response": 1}))], ctl(9, "b.home@main.example/blog"),
        link_text(1, envelope("response", "y", jsonrpc_response={
            "jsonrpc": "2.0", "id": "1", "result": 1},
            correlation_id=f"r{FIRST_ID + 2:016x}")), ctl(10, "none/"),
        ctl(11, "/", "1"), ctl(12, "blog", "{"), show(11, 7), show(12, 11)]
    yield "addresses", 0, [
        two, *[link_text(0, envelope(
            "request", f"m{n}", destination_node=to, method="get",
            server_name="blog", routing_path=path))
            for n, (to, path) in enumerate((
                ("b.home", ["a.home"]), ("b.home@main.example", None),
                ("b.home@", []), ({"id": "b.home@main.example"}, ["\u0061"]),
                ({"type": "main", "id": "b.home@main.example"}, None),
                ({"type": "x", "id": "b"}, None), ({"id": 1}, None),
                ({"id": "b.home", "main_relay": None, "more": 1}, None),
                (7, None), (None, 7), (None, ["a.home", "a.home"]),
                (None, ["a", "b", "c", "d", "e"])))]]
    yield "register", 0, [
        link(0, 1002, "b.home"), link_text(0, registration("g1", 7, {
            "service_name": "-"}, {"service_name": "old", "version": "x"})),
        msg(REGISTRY, "REGISTERED", session=out_id(0), tag=out_id(1), count=1,
            rows=text("blog") + text("1.0.0") + b"\1" + text("")),
        routes(0, "b.home", service("blog", ("get", "put"), (("k", "v"),))),
        msg(REGISTRY, "ROUTE_DELETE", session=out_id(0), node_id="b.home"),
        restart(REGISTRY), link_text(0, registration("g2")),
        msg(REGISTRY, "NODE_STATE", node_id="c.home", known=1),
        msg(REGISTRY, "NODE_STATE", node_id="c.home", known=0)]
    yield "deny", 0, [
        msg(FRONTEND, "LINK_AUTH", conn=1, kind=1, node_id="a.home"),
        msg(REGISTRY, "SESSION_DENY", session=out_id(0), status=403,
            code=-32001, reason="no"),
        msg(FRONTEND, "LINK_AUTH", conn=2, kind=1, node_id="a.home"),
        restart(REGISTRY), link(2, 3, "a.home"),
        msg(FRONTEND, "LINK_AUTH", conn=4, kind=1, node_id="a.home"),
        accept(3, "a.home", out_id(2)),
        msg(FRONTEND, "LINK_QUEUE", session=out_id(3), full=1),
        link_text(3, envelope("service_discovery", "d")), restart(FRONTEND)]
    yield "proof", 0, [
        msg(FRONTEND, "LINK_AUTH", conn=1, kind=1, tls=1, node_id="a.home",
            certificate="dns:a.example uri:spiffe://a"),
        msg(REGISTRY, "SESSION_DENY", session=out_id(0), status=401,
            challenge='Relay nonce="n"'),
        msg(FRONTEND, "LINK_AUTH", conn=1, kind=1, node_id="a.home",
            authorization="Relay method=secret, nonce=n, cnonce=c, proof=p"),
        accept(1, "a.home", proof="method=secret, proof=q"),
        http(2000, 1, batch, "Bearer t"),
        *[msg(REGISTRY, "CALLER_ANSWER", request=out_id(n), known=n & 1,
              name="me") for n in range(2, 5)],
        http(2001, 2, "", "Bearer t"), http(2002, 1, batch, "Basic x"),
        msg(PARENT, "CTL_EXPLAIN", request=9, caller="a.home",
            target="b.home/blog", method="get"),
        msg(PARENT, "CTL_EXPLAIN", request=10, caller="token:",
            target="", method="")]
    yield "proof_home", 1, [
        msg(FRONTEND, "LINK_CHALLENGED", conn=5001, main_id="main.example",
            generation=1, challenge='Relay nonce="n"'),
        msg(REGISTRY, "PROOF_ANSWER", conn=5001, authorization="Relay x"),
        msg(REGISTRY, "PROOF_ANSWER", conn=5002, reason="none"),
        msg(FRONTEND, "LINK_DIALED", conn=5001, main_id="main.example",
            generation=1, proof="method=key, key=k, proof=p"),
        msg(REGISTRY, "SESSION_DENY", session=out_id(0), status=403,
            reason="the Main did not prove its key"),
        restart(REGISTRY), msg(FRONTEND, "LINK_CHALLENGED", conn=5003)]
    yield "again", 0, [
        link(0, 1, "a.home"), accept(0, "b.home"), accept(0, "A.Home"),
        link(1, 2, "a.home"), link(2, 3, "b.home"), accept(2, "a.home"),
        msg(FRONTEND, "LINK_DOWN", session=out_id(2), reason="gone")]
    yield "http", 0, [
        two, *[http(2000 + r, r, batch) for r in range(8)],
        http(2010, 1, batch), msg(FRONTEND, "HTTP_CANCEL", request=2010),
        *[msg(REGISTRY, "VIEW_REPLY", request=out_id(n), status=200, body="{}")
          for n in range(2, 6)]]
    yield "alone", 0, [
        two, http(2000, 1, batch), lose(REGISTRY), http(2001, 1, batch),
        msg(FRONTEND, "LINK_AUTH", conn=9, kind=1, node_id="c.home"),
        link_text(1, registration("g1")), lose(FRONTEND), restart(REGISTRY),
        routes(1, "b.home", service("blog", ("get",))), restart(FRONTEND)]
    yield "home_alone", 1, [
        up, ask("m1"), lose(BACKEND), ask("m2"),
        http(2000, 0, batch), restart(BACKEND), ask("m3"),
        lose(REGISTRY), http(2001, 2, "")]
    yield "home_call", 1, [
        up, ask("m1"), result(1, 1), ask("m2"),
        result(2, 2, '{"code":1,"message":"x"}'), ask("m3", server="shop"),
        result(3, 3), ask("m4"), result(4, 2, '"no object"'), ask("m5"),
        result(1, 1), ask("m6", server="none"), restart(BACKEND)]
    yield "home_http", 1, [
        up, *[http(2000 + r, r, batch) for r in range(4)],
        *[result(n, 1) for n in range(6)],
        msg(BACKEND, "BACKEND_HEALTH", service=3, generation=1, reason="down"),
        http(2010, 1, batch), msg(FRONTEND, "HTTP_CANCEL", request=2010),
        ctl(9, "blog"), ctl(10, "home.example/blog"), show(11, 1, 600),
        show(11, 2)]
    yield "conf", 1, [
        up, ask("m1"), *conf(2, 2, conf_service("blog", 1)),
        ask("m2"),
        *conf(2, 3, conf_service("blog", 2), end="CONF_ABORT"),
        link_text(0, envelope("registration_response", "x",
                              correlation_id="m1"))]
