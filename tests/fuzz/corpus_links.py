# SPDX-License-Identifier: ISC
"""Conversations of the front-end and of the dialer: see gen-corpus.py."""

import base64
import hashlib

from corpus_input import (
    BACKEND, DIALER, FRONTEND, KEEPER, NONE, PARENT, ROUTER, close, conf, frame,
    head, lose, msg, out_id, raw_msg, restart, show, write)


# --- front-end ---

def conf_peer(index, host):
    return msg(PARENT, "CONF_PEER", index=index, host=host, port=443,
               path="/ws/peers", origin=1, ca=NONE, key=NONE)


def client(data=""):
    """A client comes, and what it says at once."""
    return raw_msg(PARENT, "OWN", data if isinstance(data, bytes) else
                   data.encode())


def upgrade(node, path="/ws/federation", kind="home"):
    return head(f"GET {path} HTTP/1.1", "Host: main.example",
                "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "X-Relay-Node-ID: " + node, "X-Relay-Node-Type: " + kind)


def post(body, *more):
    return head("POST /rpc HTTP/1.1", "Host: a",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}", *more) + body


def uplink_fd(attempt=9001, index=0, generation=1):
    return msg(DIALER, "UPLINK_FD", uplink=index, generation=generation,
               attempt=attempt, address="10.0.0.2:8080")


# Of the nonce "rrrrrrrrrrrrrrrr", which the receiver's getrandom() makes.
ANSWER = head("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket",
              "Connection: Upgrade",
              "Sec-WebSocket-Accept: ACCEPT",
              "X-Relay-Node-ID: main.example")


def link_accept(n, session):
    return msg(ROUTER, "LINK_ACCEPT", conn=out_id(n), session=session)


def link_send(session, body="{}"):
    return msg(ROUTER, "LINK_SEND", session=session, text=body)


def link_close(session, why=4001):
    return msg(ROUTER, "LINK_CLOSE", session=session, code=why, reason="why")


def answer(n, status=200, body='{"ok":1}', retry=0):
    return msg(ROUTER, "HTTP_RESPONSE", request=out_id(n), status=status,
               retry_after_ms=retry, body=body)


def conf_listener():
    return msg(PARENT, "CONF_LISTENER", local=1, address="127.0.0.1:80")


def frontend():
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    digest = hashlib.sha1(base64.b64encode(b"r" * 16) + guid).digest()
    switch = ANSWER.replace("ACCEPT", base64.b64encode(digest).decode())
    body = '{"jsonrpc":"2.0","method":"blog.get","id":1}'
    health = head("GET /health HTTP/1.1", "Host: a")
    asked = head("HTTP/1.1 401 who?", 'WWW-Authenticate: Relay nonce="n"',
                 "WWW-Authenticate: Bearer", "X-Relay-Node-ID: main.example",
                 "Content-Length: 0")

    def prove(n, authorization, reason=""):
        return msg(ROUTER, "LINK_PROVE", conn=out_id(n),
                   authorization=authorization, reason=reason)

    yield "link", 0, [
        client(upgrade("a.home")), link_accept(0, 77), link_send(77),
        write(0, frame(1, "{}") + frame(9, "ping") +
              frame(1, "{", fin=False) + frame(0, "}")),
        link_send(77, "x" * 200), link_send(78), show(later=16000),
        write(0, frame(10, "")), link_close(77), write(0, frame(8, "\3\xe8")),
        link_send(77), close(0)]
    yield "links", 0, [
        client(upgrade("a.home")), client(upgrade("b.home")),
        client(upgrade("c.home")), link_accept(0, 77), link_accept(1, 78),
        msg(ROUTER, "LINK_DENY", conn=out_id(2), status=503,
            retry_after_ms=1500, reason="too \"many\" links"),
        write(0, frame(8, b"\3\xe8bye")), link_close(77), link_accept(1, 79),
        write(1, frame(2, "binary")), link_accept(0, 80), restart(ROUTER),
        client(upgrade("d.home")), link_accept(3, 81), close(2)]
    yield "again", 0, [
        client(upgrade("a.home")), client(upgrade("b.home")),
        client(upgrade("c.home")), link_accept(0, 77), link_accept(1, 77),
        link_accept(2, 0), link_send(77), link_close(77), link_send(77),
        write(1, frame(1, "{}"))]
    yield "http", 0, [
        client(post(body)), answer(0), answer(1), client(health * 2),
        answer(2, 503, "", 1200), answer(3), answer(4, 204, ""),
        client(head("GET /nothing HTTP/1.1", "Host: a")),
        client(head("POST /rpc HTTP/1.1", "Host: a", "Expect: 100-continue",
                    "Content-Type: application/json",
                    "Transfer-Encoding: chunked")),
        write(3, "5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n"), answer(5), answer(6),
        answer(7, 999), client("nonsense\r\n\r\n"), close(0),
        client(post(body, "Connection: close")), close(4)]
    yield "late", 0, [
        client("GET /hea"), client(post(body)[:-5]), client(health),
        restart(ROUTER), client(upgrade("a.home")), show(later=16000),
        show(later=16000), write(0, "lth"), close(1)]
    yield "alone", 1, [
        uplink_fd(), client(upgrade("a.home")), client(post(body)),
        lose(ROUTER), client(post(body)), client(upgrade("b.home")),
        uplink_fd(9002), write(0, switch), lose(DIALER), restart(ROUTER),
        restart(DIALER), client(post(body)), answer(4), answer(5)]
    yield "dead", 0, [
        client(upgrade("a.home")), link_accept(0, 77),
        *[show(later=16000) for _ in range(6)],
        client(head("GET /health HTTP/1.1", "Host: a",
                    "Origin: https://other.example")),
        client(post(body)[:-3]), show(later=16000), show(later=16000)]
    yield "full", 1, [
        uplink_fd(), write(0, switch), link_accept(0, 77),
        *[link_send(77, "x" * 1500) for _ in range(7)], write(0, ""),
        write(0, ""), link_close(77), close(0)]
    yield "peers", 0, [
        *conf(1, 2, conf_peer(0, "one.example"), conf_peer(1, "two.example")),
        uplink_fd(9001, 0, 2), write(0, switch), link_accept(0, 77),
        msg(ROUTER, "LINK_READY", session=77),
        uplink_fd(9002, 1, 2), write(1, switch), link_accept(1, 78),
        restart(DIALER), uplink_fd(9003, 1, 2), write(2, switch),
        link_accept(2, 79), msg(ROUTER, "LINK_READY", session=79),
        link_close(78), *conf(1, 3, conf_peer(0, "two.example")),
        uplink_fd(9004, 0, 2), link_send(79), close(0)]
    yield "peer_comes", 0, [
        *conf(1, 2, conf_listener()),
        client(upgrade("one.example", "/ws/peers", "main")),
        client(upgrade("two.example", "/ws/peers")), link_accept(0, 77),
        msg(ROUTER, "LINK_READY", session=77), write(0, frame(1, "{}")),
        link_send(77), link_close(77), close(0)]
    yield "replaced", 1, [
        uplink_fd(), write(0, switch), link_accept(0, 77), uplink_fd(9002, 1),
        write(1, switch), link_accept(1, 78),
        msg(ROUTER, "LINK_READY", session=78), link_close(77),
        msg(ROUTER, "LINK_READY", session=77), restart(DIALER),
        *conf(2, 2), link_send(78)]
    yield "uplink", 1, [
        uplink_fd(), write(0, switch + "\x81\x02{}"), link_accept(0, 77),
        write(0, frame(1, "{}", False) + frame(9, "", False)), link_send(77),
        restart(DIALER), uplink_fd(9002), write(1, switch),
        link_accept(1, 78), link_send(77), link_close(78), close(0),
        write(1, frame(8, "", False)), close(1)]
    yield "challenged", 1, [
        uplink_fd(), write(0, asked), prove(0, "Relay method=key, proof=p"),
        write(0, switch), link_accept(0, 77), uplink_fd(9002, 1),
        write(1, asked), prove(1, "", "no key"), uplink_fd(9003),
        write(2, asked), prove(2, "Relay x\r\nX: y"), uplink_fd(9004),
        write(3, asked * 2), prove(3, "x"), prove(3, "x"), uplink_fd(9005),
        write(4, head("HTTP/1.1 401 no", "WWW-Authenticate: Bearer")),
        prove(4, "Bearer x")]
    yield "proved", 0, [
        client(upgrade("a.home")),
        msg(ROUTER, "LINK_DENY", conn=out_id(0), status=401,
            challenge='Relay nonce="n"'),
        write(0, upgrade("a.home").replace("\r\n\r\n", "\r\nAuthorization: "
                                           "Relay method=key\r\n\r\n")),
        msg(ROUTER, "LINK_ACCEPT", conn=out_id(0), session=77,
            proof="method=key, key=k, proof=p"), link_send(77)]
    yield "refused", 1, [
        uplink_fd(), write(0, head("HTTP/1.1 503 no", "Retry-After: 7")),
        uplink_fd(9002, 1), write(1, switch),
        msg(ROUTER, "LINK_DENY", conn=out_id(1), status=503,
            reason="draining"),
        uplink_fd(9003), restart(DIALER), uplink_fd(9004, 9), uplink_fd(9005),
        write(3, switch), restart(ROUTER), uplink_fd(9006), close(4)]
    yield "conf", 1, [
        client(upgrade("a.home")), uplink_fd(), write(1, switch),
        link_accept(1, 77), *conf(2, 2, conf_listener()), client(post(body)),
        answer(2), *conf(2, 3, conf_listener(), conf_listener(), msg(
            PARENT, "CONF_ORIGIN", origin="https://a.example"), msg(
            PARENT, "CONF_UPLINK", index=0, host="::1", port=80,
            path="/x", ca=NONE, key=NONE), end="CONF_ABORT"), client(health)]
    for name, steps in tls():
        yield name, 0, steps


# What a client of TLS 1.3 begins with: it asks for "t".
HELLO = base64.b64decode(
    "FgMBAOYBAADiAwMalyR9ng3VozxuW0b29clqNoyKimg87DYiupcDP54bNyAIe2HKaeUZEv3s"
    "tKuiJnD3b9lWOQLVZdilUqLh1+h9ewAIEwITAxMBAP8BAACRAAAABgAEAAABdAALAAQDAAEC"
    "AAoAFgAUAB0AFwAeABkAGAEAAQEBAgEDAQQAIwAAABYAAAAXAAAADQAeABwEAwUDBgMIBwgI"
    "CAkICggLCAQIBQgGBAEFAQYBACsAAwIDBAAtAAIBAQAzACYAJAAdACDn0UBX7zypXRTX4NiQ"
    "FO82keFBtO+S6Os9zsd+2K/nNw==")


def conf_file(name, index, **more):
    return msg(PARENT, name, index=index, file="/t.pem", **more)


def signed(n, signature=b"s" * 70):
    return msg(KEEPER, "KEY_SIGNED", request=out_id(n), signature=signature)


def conf_tls(generation=2, *rows):
    return conf(1, generation, msg(
        PARENT, "CONF_LISTENER", local=1, tls=1, address="127.0.0.1:443"),
        conf_file("CONF_CERTIFICATE", 0, server=1),
        conf_file("CONF_CERTIFICATE", 1),
        conf_file("CONF_CA", 0), conf_file("CONF_CA", 1, clients=1), *rows)


def tls():
    yield "tls", [
        *conf_tls(), client(HELLO), signed(0), client(HELLO[:50]),
        write(1, HELLO[50:]), signed(1, b""), client(HELLO), close(2),
        client(HELLO), restart(KEEPER), signed(3),
        client("GET / HTTP/1.1\r\n\r\n"), show(2, 12), client(HELLO),
        signed(4, b"x" * 600)]
    yield "tls_reload", [
        *conf_tls(), client(HELLO), client(HELLO), *conf_tls(3), signed(0),
        lose(KEEPER), client(HELLO), restart(ROUTER), restart(KEEPER),
        *conf_tls(4, conf_file("CONF_CA", 1, clients=1)), client(HELLO),
        show(2, 12, 16000)]
    yield "tls_dialled", [
        *conf_tls(2, msg(PARENT, "CONF_PEER", index=0, host="t", port=443,
                         path="/ws/peers", origin=1, tls=1, ca=0, key=1)),
        uplink_fd(9001, 0, 2), write(0, HELLO), uplink_fd(9002, 0, 2),
        write(1, b"\x15\x03\x03\0\2\2\x28"), uplink_fd(9003, 0, 2),
        *conf_tls(3), uplink_fd(9004, 0, 3), uplink_fd(9005, 0, 2),
        restart(DIALER)]


# --- dialer ---

def looked_up(n, addresses="", error=0):
    """The end of a look-up: see fuzz_dialer_msgs.c."""
    return raw_msg(PARENT, "OWN", bytes([n, error]) + addresses.encode())


def sync(attempt=0, host="", path="", address="", main_id=""):
    return msg(FRONTEND, "UPLINK_SYNC", up=attempt != 0, attempt=attempt,
               host=host, port=443 if host else 0, path=path, address=address,
               main_id=main_id)


def state(n, value, retry=0, why="", main_id=""):
    return msg(FRONTEND, "UPLINK_STATE", attempt=out_id(n), state=value,
               retry_after_ms=retry, main_id=main_id, reason=why)


def peer_dial(peer, what, generation=2):
    return msg(PARENT, "DIAL_ORDER", peer=peer, generation=generation,
               what=what)


def errand(ident, which, generation=1):
    return msg(BACKEND, "SERVICE_CONNECT", service=which,
               generation=generation, request=ident)


def conf_uplink(index, host):
    return msg(PARENT, "CONF_UPLINK", index=index, host=host, port=443,
               path="/ws/federation", ca=NONE, key=NONE)


def dialer():
    # Of an address the last digit says what becomes of it.
    yield "up", 1, [
        sync(), looked_up(0, "10.0.0.1 10.0.0.4 fd00::8"), show(later=600),
        state(0, 1), show(later=16000), state(0, 2, 1500, "closed"),
        show(later=2000), looked_up(0, "10.0.0.4"), show(later=10),
        state(1, 3, 0, "503"), show(later=16000), close(0)]
    yield "lost", 1, [
        sync(), looked_up(0, "10.0.0.1 10.0.0.5"), show(later=10),
        looked_up(0, "", 2), looked_up(0, "10.0.0.2"), show(later=600),
        close(0), show(later=2000), show(later=16000),
        looked_up(0, "10.0.0.4 10.0.0.2 10.0.0.3 10.0.0.6"),
        restart(FRONTEND), sync(), looked_up(0)]
    yield "errands", 1, [
        errand(501, 1), errand(502, 2), errand(503, 3), errand(504, 9),
        looked_up(0, "10.0.0.4"), looked_up(0, "10.0.0.1"),
        errand(505, 1, 2), show(later=600), errand(506, 2), close(0),
        errand(507, 2), restart(BACKEND), looked_up(0, "10.0.0.4")]
    yield "adopt", 1, [
        sync(9001, "one.example", "/ws/federation", "10.0.0.2:443"),
        msg(FRONTEND, "UPLINK_STATE", attempt=9001, state=2,
            reason="closed"), show(later=2000), restart(FRONTEND),
        sync(9002, "gone.example", "/", ""), sync()]
    yield "peers", 0, [
        *conf(1, 2, conf_peer(0, "one.example"), conf_peer(1, "10.0.0.4"),
              conf_peer(2, "two.example")),
        sync(9001, "two.example", "/ws/peers", "10.0.0.2:443"), sync(),
        looked_up(0, "10.0.0.4"), show(later=600),
        state(0, 1, main_id="one.example"), state(1, 4), peer_dial(0, 1),
        state(0, 2, why="closed"), peer_dial(0, 2), peer_dial(1, 3),
        peer_dial(2, 1), show(later=2000),
        *conf(1, 3, conf_peer(0, "10.0.0.4")), peer_dial(0, 3),
        peer_dial(0, 3, 3), show(later=16000)]
    yield "fallback", 1, [
        sync(), looked_up(0), looked_up(0, "10.0.0.4"), show(later=600),
        state(0, 1), state(0, 4), show(later=16000), show(later=16000),
        looked_up(0, "10.0.0.4"), show(later=10), state(1, 1), state(1, 4),
        state(0, 2, why="closed"), show(later=600)]
    yield "alone", 1, [
        sync(), errand(501, 1), looked_up(0, "10.0.0.4"), lose(FRONTEND),
        lose(BACKEND), show(later=600), restart(FRONTEND), sync(),
        looked_up(0, "10.0.0.4"), restart(BACKEND), errand(502, 9)]
    yield "conf", 1, [
        sync(), looked_up(0, "10.0.0.4"), show(later=10), state(0, 1),
        *conf(2, 2, conf_uplink(0, "two.example"),
              conf_uplink(1, "one.example"),
              msg(PARENT, "CONF_ENDPOINT", service=4, host="127.0.0.8",
                  port=80)), errand(501, 4, 2), show(later=10),
        *conf(2, 3, conf_uplink(0, "three.example")), show(later=600),
        looked_up(0, "10.0.0.2"), show(later=600),
        *conf(2, 4, conf_uplink(0, "localhost"), end="CONF_ABORT"),
        *conf(2, 5)]
