# SPDX-License-Identifier: ISC
"""What the cases of relay-frontend do: see frontend.py."""

import base64
import hashlib
import re
import socket
import struct

from rig import HOME, Frontend, wbytes, wstr
from cases import CLOSE, GUID, Stream

KEY = base64.b64encode(b"0123456789abcdef")
ACCEPT = base64.b64encode(hashlib.sha1(KEY + GUID).digest()).decode()
UPGRADE = (b"GET /ws/federation HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: " + KEY + b"\r\n")
NODE = b"X-Relay-Node-ID: alice.home\r\nX-Relay-Node-Type: home\r\n"
PEER_UPGRADE = UPGRADE.replace(b"/ws/federation", b"/ws/peers")
PEER = b"X-Relay-Node-ID: other.main\r\nX-Relay-Node-Type: main\r\n"
POST = (b"POST /rpc HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\n")


class Options:
    program = None
    sandbox = "enforce"


def start(**k):
    k.setdefault("sandbox", Options.sandbox)
    return Frontend(Options.program, **k)


class Http:
    def __init__(self, fe, sock=None):
        self.s = sock or fe.connect()
        self.st = Stream(self.s)

    def send(self, data):
        self.s.sendall(data)
        return self

    def answer(self, head_only=False):
        """(status, fields, body)"""
        head = self.st.line_block()
        lines = head.split("\r\n")
        status = int(lines[0].split()[1])
        fields = {}
        for line in lines[1:-2]:
            k, v = line.split(": ", 1)
            assert k.lower() not in fields, head
            fields[k.lower()] = v
        n = 0 if head_only else int(fields.get("content-length", 0))
        return status, fields, self.st.need(n)

    def closed(self):
        try:
            self.st.need(1)
            return False
        except EOFError:
            return True


def request(fe, authorization=""):
    """The next HTTP_REQUEST at the router: (id, route, local, body)."""
    r = fe.router.expect("HTTP_REQUEST")
    rid, route, local = r.take("Q"), r.take("B"), r.take("B")
    addr = r.str()
    assert addr.startswith("127.0.0.1:") or addr == "unix", addr
    assert r.str() == authorization
    return rid, route, local, r.bytes()


def respond(fe, rid, status=200, body=b"{}", retry=0):
    fe.router.send("HTTP_RESPONSE", struct.pack("<QHI", rid, status, retry) +
                   wbytes(body))


def auth(fe, node=NODE, rest=b"", upgrade=UPGRADE):
    """An upgrade request and its LINK_AUTH: (Http, conn, fields)."""
    h = Http(fe).send(upgrade + node + b"\r\n" + rest)
    r = fe.router.expect("LINK_AUTH")
    conn, kind, local = r.take("Q"), r.take("B"), r.take("B")
    assert r.take("B") == 0, "no TLS"
    fields = kind, local, r.str(), r.str(), r.str()
    assert r.str() == "", "no certificate"
    return h, conn, (*fields, r.str())


def accept(fe, conn, session, proof=""):
    fe.router.send("LINK_ACCEPT", struct.pack("<QQ", conn, session) +
                   wstr(proof))


def deny(fe, conn, status, retry, reason, challenge=""):
    fe.router.send("LINK_DENY", struct.pack("<QHI", conn, status, retry) +
                   wstr(challenge) + wstr(reason))


def link(fe, session, rest=b"", **k):
    h, conn, _ = auth(fe, rest=rest, **k)
    accept(fe, conn, session)
    head = h.st.line_block()
    assert head.startswith("HTTP/1.1 101 "), head
    assert "Sec-WebSocket-Accept: %s\r\n" % ACCEPT in head, head
    assert "X-Relay-Node-ID: main.test\r\n" in head, head
    assert re.search("\r\nX-Relay-Boot-ID: [0-9a-f]{16}\r\n", head), head
    return h


def peer_link(fe, session, rest=b""):
    return link(fe, session, rest, node=PEER, upgrade=PEER_UPGRADE)


def text_at_router(fe):
    r = fe.router.expect("LINK_TEXT")
    return r.take("Q"), r.bytes()


def down(fe, session=None):
    r = fe.router.expect("LINK_DOWN")
    got = r.take("Q")
    assert session is None or got == session, (got, session)
    return r.str()


def send_text(fe, session, text):
    fe.router.send("LINK_SEND", struct.pack("<Q", session) + wbytes(text))


def get_frame(h):
    fin, op, data, masked = h.st.frame()
    assert fin and not masked
    return op, data


def get_close(h, code):
    op, data = get_frame(h)
    assert op == CLOSE, (op, data)
    got = struct.unpack(">H", data[:2])[0]
    assert got == code, (got, data)
    return data[2:].decode()


# --- uplinks ---

def dial(fe, attempt=1, index=0, generation=None):
    """The dialer's fd: the server's end of it."""
    listener = socket.create_server(("127.0.0.1", 0))
    s = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    server.settimeout(30)
    fe.dialer.send("UPLINK_FD", struct.pack(
        "<IIQ", index, generation or fe.generation, attempt) +
        wstr("127.0.0.1:1"), s.fileno())
    s.close()
    return server


def uplink_request(server, who="main.test"):
    """Its request is read: (Stream, head, an answer that lets it in)."""
    st = Stream(server)
    head = st.line_block()
    key = [x for x in head.split("\r\n")
           if x.startswith("Sec-WebSocket-Key: ")][0][19:]
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest())
    return st, head, (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: "
                      b"websocket\r\nConnection: Upgrade\r\n"
                      b"Sec-WebSocket-Accept: " + accept +
                      b"\r\nX-Relay-Node-ID: " + who.encode() +
                      b"\r\nX-Relay-Boot-ID: b7\r\n\r\n")


def state(fe, attempt, main_id=None):
    """What the dialer is told: (state, retry, reason)."""
    r = fe.dialer.expect("UPLINK_STATE")
    assert r.take("Q") == attempt
    number, retry, got = r.take("B"), r.take("I"), r.str()
    assert main_id is None or got == main_id, got
    return number, retry, r.str()


def dialed(fe, index=0, who="main.test"):
    """What the router is told: the connection."""
    r = fe.router.expect("LINK_DIALED")
    conn = r.take("Q")
    got = r.take("I"), r.take("I"), r.str(), r.str()
    assert got == (index, fe.generation, who, "b7"), got
    assert r.str() == "", "no proof"
    assert r.str().startswith("127.0.0.1:")
    return conn


NONE = (0, 0, "", 0, "", "", "")


def sync(fe):
    """What a new dialer is told: up, attempt, host, port, path, address,
    main id."""
    r = fe.dialer.expect("UPLINK_SYNC")
    return (r.take("B"), r.take("Q"), r.str(), r.take("H"), r.str(), r.str(),
            r.str())


def home(**k):
    k.setdefault("uplinks", [("main.test", 8080, "/ws/federation")])
    fe = start(role=HOME, node_id="alice.home", **k)
    assert sync(fe) == NONE
    return fe


PEERS = [("b.test", 8081, "/ws/peers"), ("c.test", 80, "/p?q"),
         ("d.test", 8081, "/ws/peers")]


def main_with_peers(peers=PEERS, **k):
    fe = start(peers=peers, **k)
    assert sync(fe) == NONE
    return fe


def another_dialer(fe):
    """The dialer ends, and a new one takes its place."""
    fe.dialer.s.close()
    fe.add_peer("dialer")
    return sync(fe)


def uplink(fe, session, attempt=1, index=0, who="main.test"):
    server = dial(fe, attempt, index)
    st, head, answer = uplink_request(server, who)
    server.sendall(answer)
    assert state(fe, attempt, who) == (1, 0, "")
    conn = dialed(fe, index, who)
    accept(fe, conn, session)
    return server, st
