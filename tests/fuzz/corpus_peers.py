# SPDX-License-Identifier: ISC
"""Conversations of the router with other Mains and of a home's router with
two of them: see gen-corpus.py."""

from corpus_input import (
    BACKEND, FRONTEND, REGISTRY, compact, msg, out_id, restart, service, show,
    text)
from corpus_router import (
    FIRST_ID, accept, envelope, http, link, link_text, request, response,
    result, routes, services)

# Where a Main's rows are in its life.
PLACE = {"epoch": "00000000000000a1", "seq": 7}
ROWS = {"epoch": 0xa1, "seq": 7, "last": 1}


def peer(n, conn, node):
    """The n-th link, with a Main that has dialled."""
    return (msg(FRONTEND, "LINK_AUTH", conn=conn, kind=2, node_id=node,
                boot_id="boot", address="10.0.0.2") + accept(n, node))


def dialed(conn, main_id):
    """A link that this node has dialled."""
    return msg(FRONTEND, "LINK_DIALED", conn=conn, generation=1,
               main_id=main_id, boot_id="boot", address="10.0.0.1")


def three():
    """A home and two other Mains, as the links 0, 1 and 2."""
    return (link(0, 1001, "a.home") + peer(1, 1002, "two.example") +
            peer(2, 1003, "three.example"))


def peer_routes(phase):
    return msg(REGISTRY, "PEER_ROUTES", main_id="two.example", phase=phase)


def peer_route(node):
    return msg(REGISTRY, "PEER_ROUTE_SET", main_id="two.example",
               node_id=node, count=1, rows=service("blog", ("get",)))


def queue(n, full):
    return msg(FRONTEND, "LINK_QUEUE", session=out_id(n), full=full)


def down(n):
    return msg(FRONTEND, "LINK_DOWN", session=out_id(n), reason="gone")


def later(ms):
    return show(1, 6, ms)


# --- discovery ---

def discovery(n, data, wait=0, **more):
    return link_text(n, envelope("service_discovery", "d1", data=data, **more),
                     wait)


def rows(n, op, nodes, wait=0, **more):
    return discovery(n, {"op": op, "nodes": nodes, **PLACE, **more}, wait)


def snapshot(n, nodes, part=0, last=True, **more):
    return rows(n, "snapshot", nodes, part=part, last=last, **more)


def delta(n, *nodes):
    return rows(n, "delta", list(nodes))


def digest(n, value="00000000000000ff"):
    return discovery(n, {"op": "digest", "nodes": 1, "digest": value, **PLACE})


def ask(n, node=None, server=None):
    data = {"op": "query"}
    more = {}
    if node is not None:
        data["node_id"] = node
    if server is not None:
        more["server_name"] = server
    return discovery(n, data, **more)


def question(n):
    """The message_id of a question that has the n-th number."""
    return f"q{FIRST_ID + n:016x}"


def told(n, number, found=False, node="unknown", wait=0):
    return discovery(n, {"op": "answer", "found": found, "node": node}, wait,
                     correlation_id=question(number))


def barrier(number, n, node=2):
    return msg(REGISTRY, "PEER_BARRIER", query=FIRST_ID + number,
               session=out_id(n), found=1, node=node)


def out_rows(session, op, part=0, label="v"):
    row = (text("a.home") + b"\0\1\0" +
           service("shop", ("get",), (("k", label),)))
    return msg(REGISTRY, "PEER_ROWS", session=session, op=op, part=part,
               count=2, rows=row + text("b.home") + b"\1\0\0", **ROWS)


def discoveries():
    node = {"node_id": "z.home", "services": services(timeout_ms=5)}
    yield "rows", 0, [
        three(), snapshot(1, [node], last=False,
                          features=["cancel", "deadline_ms", "traceparent"]),
        snapshot(1, [], part=1),
        delta(1, {"node_id": "z.home", "deleted": True},
              {"node_id": "Y.home", "services": [],
               "main_relay": "Two.example"}),
        digest(1), digest(1, "short"), discovery(1, {
            "op": "query", "want": "snapshot"}),
        delta(2, {"node_id": "q", "services": [], "main_relay": "other"}),
        digest(2), show(11, 1)]
    yield "rows_bad", 0, [
        three(), delta(1, {}), delta(1, {"node_id": "z.home"}),
        delta(1, {"node_id": "z.home", "deleted": 1}),
        snapshot(1, [{"node_id": "z.home", "deleted": True}]),
        delta(1, {"node_id": "z.home", "deleted": True, "services": []}),
        delta(1, {"node_id": "z.home", "services": ["blog"]}),
        delta(1, {"node_id": "z.home", "services": [
            {"service_name": "blog", "labels": {"k": "\n"}}]}),
        rows(2, "delta", 7), rows(2, "snapshot", []),
        discovery(2, {"op": "delta", "nodes": [], "epoch": "a1", "seq": 7}),
        discovery(2, {"op": "digest", "nodes": -1, "digest": "", **PLACE}),
        discovery(2, {"op": "query", "want": "all"}), discovery(2, {}),
        discovery(2, {"op": "answer", "found": True, "node": "gone"})]
    yield "rows_alone", 0, [
        three(), restart(REGISTRY), snapshot(1, [node]), delta(1, node),
        digest(1), ask(1, server="blog"), restart(FRONTEND), digest(1)]
    yield "asked", 0, [
        three(), ask(1, "a.home"), ask(1, server="blog"), ask(1), ask(1, "-"),
        ask(2, "b.home", "shop"), ask(2, server="not a name"),
        *[msg(REGISTRY, "PEER_ANSWER", session=out_id(1), message_id="d1",
              found=n == 2, node=n) for n in (0, 1, 2)],
        msg(REGISTRY, "PEER_ANSWER", session=out_id(7), message_id="d1"),
        msg(REGISTRY, "PEER_RESYNC", session=out_id(1)),
        msg(REGISTRY, "PEER_RESYNC", session=out_id(0))]
    yield "told", 0, [
        three(), out_rows(out_id(1), 1), out_rows(0, 2), queue(1, 1),
        out_rows(out_id(1), 1, 1), out_rows(0, 2, label="x" * 100),
        msg(REGISTRY, "PEER_DIGEST", epoch=0xa1, seq=7, nodes=1, digest=5),
        queue(1, 0), queue(2, 1), out_rows(0, 2), queue(2, 0),
        msg(REGISTRY, "PEER_DIGEST", session=out_id(2), epoch=0xa1, seq=8,
            nodes=1, digest=5), down(1), out_rows(0, 2), restart(FRONTEND)]


# --- questions of ours ---

def misses():
    # The ids before it are the links', and of a call over HTTP its own.
    by_link, by_http = 3, 4
    lost = three() + link_text(0, request("m1", "nobody"))
    server = http(2000, 1, compact({"jsonrpc": "2.0", "method": "far.get",
                                    "id": 1}))
    yield "miss_route", 0, [
        lost, link_text(0, request("m2", "nobody")),
        told(2, by_link), told(1, by_link, True, "online"), peer_routes(1),
        peer_route("nobody"), peer_routes(2), barrier(by_link, 1),
        link_text(1, response("m1")), link_text(1, response("m2", True)),
        link_text(0, request("m3", "nobody"))]
    yield "miss_node", 0, [
        lost, told(1, by_link, False, "online"), barrier(by_link, 1),
        link_text(1, response("m1")), show(1, 7)]
    yield "miss_offline", 0, [
        lost, told(1, by_link, False, "offline"), told(2, by_link),
        told(2, by_link), link_text(0, request("m2", "nobody"))]
    yield "miss_nowhere", 0, [
        lost, told(1, by_link), told(2, by_link),
        link_text(0, request("m2", "nobody")),
        later(16000), link_text(0, request("m3", "nobody")), later(600),
        later(16000), barrier(by_link, 1)]
    yield "miss_gone", 0, [
        lost, down(1), down(2), lost, restart(REGISTRY), lost,
        told(1, by_link, True, "online"), later(16000)]
    yield "miss_caller", 0, [
        lost, link_text(0, envelope("cancel", "c", correlation_id="m1")),
        link_text(0, request("m2", "nobody3")), down(0), later(2000)]
    yield "miss_server", 0, [
        three(), server, told(1, by_http, True), peer_routes(1),
        msg(REGISTRY, "PEER_ROUTE_SET", main_id="two.example",
            node_id="z.home", count=1, rows=service("far", ("get",))),
        peer_routes(2), barrier(by_http, 1, 0), http(2001, 1, compact(
            {"jsonrpc": "2.0", "method": "farther.get", "id": 1})),
        msg(FRONTEND, "HTTP_CANCEL", request=2001), show(1, 11)]


# --- calls from and to peers ---

def hop(ident, node="z.home", main_id="two.example", path=None, ttl=2,
        kind="request", server="blog", to="a.home", **more):
    body = {"jsonrpc": "2.0", "method": more.pop("method", "get"), "id": 1}
    return envelope(
        kind, ident, source_node={"type": "home", "id": node,
                                  "main_relay": main_id},
        destination_node={"type": "home", "id": to,
                          "main_relay": "main.example"},
        routing_path=[node, main_id] if path is None else path, ttl=ttl,
        server_name=server, method=body["method"], jsonrpc_request=body,
        **more)


def calls():
    have = three() + routes(0, "a.home", service("blog", ("get",)))
    relay = {"type": "main", "id": "main.example"}
    ours = {"type": "main", "id": "two.example"}

    def at_relay(n, method, to=relay, **more):
        return link_text(n, envelope(
            "request", "m" + method, destination_node=to, method=method,
            server_name="relay", ttl=2, jsonrpc_request={
                "jsonrpc": "2.0", "method": method, "id": 1}, **more))

    yield "hop", 0, [
        have, link_text(1, hop("m1")), link_text(0, response("m1")),
        link_text(1, hop("m2")), link_text(1, envelope(
            "cancel", "c", correlation_id="m2", source_node=ours,
            routing_path=["two.example"], ttl=1)),
        link_text(1, hop("m3", to="nobody")), link_text(1, hop("m4", ttl=0)),
        link_text(1, hop("m5", path=[])), link_text(1, hop(
            "m6", path=["z.home", "main.example"])),
        link_text(1, hop("m7", path=["two.example", "two.example"])),
        link_text(1, hop("m8", node="bad id")),
        link_text(1, hop("m9", deadline_ms=5, priority=3)), later(600),
        *[link_text(2, hop(f"f{n}")) for n in range(18)]]
    yield "hop_relay", 0, [
        have, *[at_relay(1, m, source_node=ours, routing_path=["two.example"])
                for m in ("ping", "info", "services", "other")],
        *[at_relay(0, m) for m in ("ping", "info", "services", "other")],
        link_text(1, envelope("service_discovery", "d")),
        link_text(0, envelope("service_discovery", "d", server_name="blog")),
        link_text(0, envelope("service_discovery", "d",
                              data={"op": "snapshot"})),
        link_text(1, envelope("registration", "g")),
        link_text(1, envelope("nothing", "n")), link_text(1, "{"),
        link_text(1, envelope("request", "b", ttl="x"))]
    yield "hop_out", 0, [
        have, peer_routes(1), peer_route("z.home"), peer_routes(2),
        link_text(0, request("m1", "z.home")), link_text(1, response("m1")),
        link_text(0, envelope(
            "request", "m2", destination_node=None, server_name="blog",
            method="get", jsonrpc_request={"jsonrpc": "2.0", "method": "get",
                                           "id": 1})),
        at_relay(0, "ping", ours),
        http(2000, 1, compact({
            "jsonrpc": "2.0", "method": "remote_call", "id": 1, "params": {
                "server_name": "blog", "method": "get", "args": {"a": 1},
                "node_id": "z.home@two.example", "timeout": 3,
                "version": "1.0.0", "priority": 2, "trace": "00-a-b-01",
                "idempotency_key": "k"}})),
        http(2001, 1, compact([
            {"jsonrpc": "2.0", "method": "blog.get"},
            {"jsonrpc": "2.0", "method": "relay.info", "id": 2},
            {"jsonrpc": "2.0", "method": "remote_call", "id": 3, "params": {
                "node_id": "two.example", "method": "ping",
                "service_name": "relay"}}])),
        link_text(1, envelope("response", "x", correlation_id="m2")),
        down(1), show(1, 7), show(1, 11)]
    yield "beats", 0, [
        have, later(16000), *[link_text(n, envelope(
            "heartbeat", "h", correlation_id=f"r{FIRST_ID + k:016x}"))
            for n in (1, 2) for k in range(3, 9)],
        link_text(0, envelope("heartbeat", "", data={"unhealthy": [
            "blog", {"service_name": "blog", "version": "1.0.0"}, 7]})),
        link_text(0, envelope("heartbeat", "h", data={"unhealthy": []})),
        link_text(0, envelope("heartbeat", ""), 2000),
        restart(REGISTRY), link_text(0, envelope(
            "heartbeat", "h", data={"unhealthy": ["blog"]}))]
    yield "peer", 0, [
        peer(0, 1, "two.example"), peer_routes(1), peer_route("b.home"),
        peer_routes(2), link(1, 2, "a.home"),
        link_text(1, request("m1", "b.home")), link_text(0, response("m1")),
        link_text(1, request("m2", "c.home")), peer_routes(1), peer_routes(2),
        show(11, 1), show(12, 11),
        msg(REGISTRY, "PEER_ROUTE_DELETE", main_id="two.example",
            node_id="b.home"),
        link_text(0, envelope("heartbeat", "h"), 16000),
        link_text(0, envelope("service_discovery", "d")),
        msg(REGISTRY, "SESSION_END", session=out_id(0), code=4001,
            reason="replaced"), peer_routes(3)]
    yield "peer_dialed", 0, [
        dialed(1, "two.example"), accept(0, "two.example"), peer_routes(1),
        peer_route("b.home"), peer_routes(2),
        http(2000, 1, compact({"jsonrpc": "2.0", "id": 1,
                               "method": "blog.get"})),
        *[http(2001 + r, r, "{}") for r in range(4, 8)],
        msg(REGISTRY, "PEER_ANSWER", session=out_id(0), message_id="q",
            found=1), restart(REGISTRY), restart(FRONTEND)]


# --- peers, added and deleted ---

def admin():
    def add(ident, **body):
        return http(ident, 8, compact(body), "Bearer rat_x")

    def reply(n, status=200):
        return msg(REGISTRY, "VIEW_REPLY", request=out_id(n), status=status,
                   body='{"ok":true}')

    yield "admin", 0, [
        add(1, url="ws://two.example/ws/peers", node_id="two.example",
            persist=True, insecure=False), reply(0),
        http(2, 9, "two.example", "Bearer rat_x"), reply(1, 403),
        http(3, 8, "{"), http(4, 8, "[]"), add(5), add(6, url=7),
        add(7, url="x", node_id=""), add(8, url="x", persist=1),
        add(9, url="x", insecure="y"), add(10, url="a\0b"),
        http(11, 8, '{"url":"a","url":"b"}'), http(12, 9, ""),
        http(13, 9, "x", "y" * 5000), add(14, url="x", more=1),
        msg(FRONTEND, "HTTP_CANCEL", request=13),
        *[add(n, url="x") for n in range(15, 35)],
        restart(REGISTRY), add(40, url="x"), reply(9)]
    yield "admin_home", 1, [
        http(1, 8, '{"url":"x"}'), http(2, 9, "x")]


# --- a home's uplinks ---

def registered(n, ident="", **data):
    return link_text(n, envelope("registration", "g", correlation_id=ident,
                                 data=data))


def uplinks():
    healthy = (msg(BACKEND, "BACKEND_HEALTH", generation=1, healthy=1) +
               msg(BACKEND, "BACKEND_HEALTH", service=3, generation=1,
                   healthy=0, reason="down"))
    up = healthy + dialed(5001, "one.example") + accept(
        0, "one.example") + registered(
        0, accepted=[], rejected=[{"service_name": "shop", "rule": "no"}],
        features=["deadline_ms", "cancel", "traceparent", "idempotency_key"])
    ask_far = compact({
        "jsonrpc": "2.0", "method": "remote_call", "id": 1, "params": {
            "server_name": "far", "method": "get", "node_id": "z.home",
            "trace": "t", "idempotency_key": "k", "timeout": 3}})
    two = dialed(5002, "two.example") + accept(2, "two.example")

    yield "uplink_moves", 1, [
        up, http(2000, 1, ask_far), link_text(0, request(
            "m1", "home.example", via=("one.example",))), two,
        http(2001, 1, ask_far), registered(2, features=["cancel"]),
        http(2002, 1, ask_far), show(1, 6),
        *[result(n, 1) for n in range(2, 9)],
        *[link_text(0, envelope(
            "response", "x", correlation_id=f"r{FIRST_ID + n:016x}",
            jsonrpc_response={"jsonrpc": "2.0", "id": 1, "result": 1}))
          for n in range(1, 9)],
        registered(0), later(2000), later(16000), show(1, 6)]
    yield "uplink_stays", 1, [
        up, two, dialed(5003, "three.example"),
        accept(4, "three.example"), down(0), registered(2),
        http(2000, 1, ask_far), down(2), http(2001, 1, ask_far),
        dialed(5004, "one.example"), accept(6, "one.example"), later(16000), down(2)]
    yield "uplink_refused", 1, [
        dialed(5001, "one.example"), accept(0, "one.example"),
        link_text(0, envelope("error", "e",
                              correlation_id=f"r{FIRST_ID + 1:016x}",
                              data={"reason": "\"no\""})), later(2000),
        later(16000), dialed(5002, ""), accept(2, ""), link_text(0, envelope(
            "heartbeat", "h")), registered(0, "other"), later(16000),
        later(16000), later(16000), restart(FRONTEND)]


def peers():
    for part in (discoveries, misses, calls, admin, uplinks):
        yield from part()
