# SPDX-License-Identifier: ISC
"""
HTTP and WebSocket with every byte in the hands of the test: what a library
would refuse to send is what these are for.
"""

import base64
import hashlib
import json
import os
import select
import socket
import struct
import time

TIMEOUT = 30
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

TEXT, BINARY, CLOSE, PING, PONG, CONT = 1, 2, 8, 9, 10, 0


def authority(port):
    """Host and port as they stand in a Host field."""
    return str(port) if hasattr(port, "connect") else "127.0.0.1:%d" % port


def connect(port, timeout=TIMEOUT, tls=None, name="localhost"):
    """
    To a port on loopback, or to an At of netns.py; with an ssl.SSLContext by
    TLS, to a server of that name.
    """
    s = port.connect(timeout) if hasattr(port, "connect") else \
        socket.create_connection(("127.0.0.1", port), timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s if tls is None else tls.wrap_socket(s, server_hostname=name)


class From:
    """A Main's port, connected to from another address of this machine."""

    def __init__(self, source, port):
        self.source, self.port = source, port

    def __str__(self):
        return "127.0.0.1:%d" % self.port

    def connect(self, timeout):
        return socket.create_connection(("127.0.0.1", self.port), timeout,
                                        (self.source, 0))


def read_head(s, buf=b""):
    while b"\r\n\r\n" not in buf:
        got = s.recv(65536)
        if not got:
            return buf, b""
        buf += got
    head, rest = buf.split(b"\r\n\r\n", 1)
    return head, rest


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    if not lines[0].startswith("HTTP/1."):
        return 0, {}
    fields = {}
    for line in lines[1:]:
        k, v = line.split(":", 1)
        fields.setdefault(k.strip().lower(), v.strip())
    return int(lines[0].split()[1]), fields


def read_response(s, method="GET"):
    """(status, fields, body bytes); status 0: closed without an answer."""
    try:
        head, body = read_head(s)
    except ConnectionError:
        return 0, {}, b""
    status, fields = parse_head(head)
    if status in (0, 204) or method == "HEAD":
        return status, fields, body
    want = fields.get("content-length")
    if want is None:
        return status, fields, body
    while len(body) < int(want):
        got = s.recv(65536)
        if not got:
            break
        body += got
    return status, fields, body[:int(want)]


def http(port, method, path, body=None, headers=None, ctype=None,
         timeout=TIMEOUT, tls=None):
    """One request on one connection."""
    h = {"Host": authority(port), "Connection": "close"}
    if body is not None:
        if isinstance(body, str):
            body = body.encode()
        h["Content-Length"] = str(len(body))
        h["Content-Type"] = ctype or "application/json"
    h.update(headers or {})
    head = "%s %s HTTP/1.1\r\n%s\r\n" % (method, path, "".join(
        "%s: %s\r\n" % kv for kv in h.items() if kv[1] is not None))
    with connect(port, timeout, tls) as s:
        try:
            s.sendall(head.encode("latin-1") + (body or b""))
        except ConnectionError:
            pass                # refused early: the answer says why
        return read_response(s, method)


def raw(port, data, shut=False):
    """Send bytes, return (status, fields, body) of the first answer."""
    with connect(port) as s:
        try:
            s.sendall(data)
            if shut:
                s.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass
        return read_response(s)


def rpc(port, obj, text=False, status=200, timeout=TIMEOUT, tls=None,
        token=None):
    """POST /rpc; the parsed answer, or its text."""
    body = obj if isinstance(obj, (str, bytes)) else json.dumps(obj)
    got, fields, out = http(
        port, "POST", "/rpc", body, timeout=timeout, tls=tls,
        headers={"Authorization": token and "Bearer " + token})
    assert got == status, (got, out)
    if status == 204:
        assert out == b"", out
        return None
    assert fields["content-type"].split(";")[0] == "application/json", fields
    return out.decode() if text else json.loads(out)


def call(method, params=None, id_=1):
    o = {"jsonrpc": "2.0", "method": method, "id": id_}
    if params is not None:
        o["params"] = params
    return o


def remote(server=None, method="echo", args=None, node=None, id_=1, **more):
    """A remote_call request."""
    p = {"method": method}
    if server is not None:
        p["server_name"] = server
    if node is not None:
        p["node_id"] = node
    if args is not None:
        p["args"] = args
    p.update(more)
    return call("remote_call", p, id_)


class Closed(Exception):
    def __init__(self, code, reason=""):
        super().__init__("closed with %s %s" % (code, reason))
        self.code, self.reason = code, reason


class Refused(Exception):
    def __init__(self, status, fields, body):
        super().__init__("refused with %d %r" % (status, body))
        self.status, self.fields, self.body = status, fields, body


class Link:
    """
    A client's end of a link, as a home that knows only SEED.md; auth is one of
    trust.py.
    """

    def __init__(self, port, node_id, node_type="home", boot_id=None,
                 headers=None, path="/ws/federation", rcvbuf=None, tls=None,
                 auth=None):
        self.node_id, self.seq = node_id, 0
        self.buf, self.partial = b"", b""
        self.queue, self.pings = [], 0
        self.port, self.node_type, self.path = port, node_type, path
        self.boot_id, self.headers = boot_id, headers or {}
        if rcvbuf is not None:
            # Before it connects, so that the window is small at once.
            self.s = socket.socket()
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            self.s.settimeout(TIMEOUT)
            self.s.connect(("127.0.0.1", port))
            self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.s = connect(port, tls=tls)
        self._upgrade(auth)

    def _upgrade(self, auth):
        status, body = self._ask({})
        context = None
        if status == 401 and auth is not None:
            context = self._context()
            status, body = self._ask({"Authorization": auth.header(context)})
        if status != 101:
            self.s.close()
            raise Refused(status, self.fields, body)
        if auth is not None:
            auth.verify(context, self.fields.get("x-relay-proof"))
        self.buf = body

    def _context(self):
        """What the challenge of a 401 says."""
        from trust import Context, parameters
        nonce = parameters(self.fields["www-authenticate"])["nonce"]
        return Context(nonce, self.node_id.lower(), self.node_type,
                       self.fields["x-relay-node-id"])

    def _ask(self, more):
        """One request for the upgrade: (status, what follows its head)."""
        key = base64.b64encode(os.urandom(16)).decode()
        h = {"Host": authority(self.port), "Upgrade": "websocket",
             "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": key, "X-Relay-Node-ID": self.node_id,
             "X-Relay-Node-Type": self.node_type}
        if self.boot_id is not None:
            h["X-Relay-Boot-ID"] = self.boot_id
        h.update(self.headers)
        h.update(more)
        req = "GET %s HTTP/1.1\r\n%s\r\n" % (self.path, "".join(
            "%s: %s\r\n" % kv for kv in h.items() if kv[1] is not None))
        self.s.sendall(req.encode("latin-1"))
        head, rest = read_head(self.s)
        status, self.fields = parse_head(head)
        if status != 101:
            want = int(self.fields.get("content-length", "0"))
            while len(rest) < want:
                got = self.s.recv(65536)
                if not got:
                    break
                rest += got
            return status, rest
        accept = base64.b64encode(hashlib.sha1(
            (key + GUID).encode()).digest()).decode()
        assert self.fields["sec-websocket-accept"] == accept, self.fields
        assert self.fields["upgrade"].lower() == "websocket", self.fields
        assert "upgrade" in self.fields["connection"].lower(), self.fields
        return status, rest

    # frames

    def send_frame(self, op, data=b"", fin=True, mask=True, rsv=0,
                   length=None):
        n = len(data)
        out = bytes([(0x80 if fin else 0) | rsv << 4 | op])
        m = 0x80 if mask else 0
        if length is not None:
            out += length
        elif n < 126:
            out += bytes([m | n])
        elif n < 65536:
            out += bytes([m | 126]) + struct.pack(">H", n)
        else:
            out += bytes([m | 127]) + struct.pack(">Q", n)
        if mask:
            key = os.urandom(4)
            data = bytes(b ^ key[i & 3] for i, b in enumerate(data)) \
                if n < 4096 else _mask(data, key)
            out += key
        self.s.sendall(out + data)

    def send_text(self, text):
        self.send_frame(TEXT, text if isinstance(text, bytes)
                        else text.encode())

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        # what TLS has read already no select(2) tells
        ready = getattr(self.s, "pending", int)() > 0
        if left <= 0 or not (ready or
                             select.select([self.s], [], [], left)[0]):
            raise TimeoutError("nothing came")
        got = self.s.recv(262144)
        if not got:
            raise Closed(1006, "no close frame")
        self.buf += got

    def _frame(self, deadline):
        while True:
            b = self.buf
            if len(b) >= 2:
                n, h = b[1] & 127, 2
                assert not b[1] & 128, "a server's frame is masked"
                if n == 126:
                    n = struct.unpack(">H", b[2:4])[0] if len(b) >= 4 else None
                    h = 4
                elif n == 127:
                    n = struct.unpack(">Q", b[2:10])[0] \
                        if len(b) >= 10 else None
                    h = 10
                if n is not None and len(b) >= h + n:
                    self.buf = b[h + n:]
                    assert b[0] & 0x70 == 0, "reserved bits are set"
                    return b[0] & 15, bool(b[0] & 128), b[h:h + n]
            self._fill(deadline)

    def recv_text(self, timeout=TIMEOUT):
        """The next message; pings are answered, a close raises Closed."""
        deadline = time.monotonic() + timeout
        while True:
            op, fin, data = self._frame(deadline)
            if op == PING:
                self.pings += 1
                self.send_frame(PONG, data)
            elif op == CLOSE:
                code = struct.unpack(">H", data[:2])[0] if data else 1005
                raise Closed(code, data[2:].decode("utf-8", "replace"))
            elif op in (TEXT, CONT):
                self.partial += data
                if fin:
                    text, self.partial = self.partial, b""
                    return text.decode()
            elif op == BINARY:
                raise AssertionError("a binary frame came")

    def expect_close(self, code=None, timeout=TIMEOUT):
        """Read on until the link is closed; returns the code."""
        try:
            deadline = time.monotonic() + timeout
            while time.monotonic() < deadline:
                self.recv_text(timeout)
        except Closed as e:
            if code is not None:
                assert e.code == code, e
            return e.code
        except ConnectionError:
            if code is not None:
                raise AssertionError("reset, without close code %d" % code)
            return 1006
        raise AssertionError("the link was not closed")

    # messages

    def envelope(self, type_, **more):
        self.seq += 1
        o = {"type": type_, "message_id": "m%d" % self.seq,
             "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) +
             ".1234567Z",
             "source_node": {"type": "home", "id": self.node_id},
             "destination_node": {"type": "", "id": ""},
             "routing_path": None, "ttl": 0, "data": None}
        o.update(more)
        return {k: v for k, v in o.items() if v is not ...}

    def send(self, obj):
        self.send_text(json.dumps(obj, ensure_ascii=False) + "\n")
        return obj

    def recv(self, *types, timeout=TIMEOUT):
        """The next message of one of these types; others wait."""
        for i, m in enumerate(self.queue):
            if m["type"] in types:
                return self.queue.pop(i)
        deadline = time.monotonic() + timeout
        while True:
            text = self.recv_text(deadline - time.monotonic())
            try:
                m = json.loads(text)
            except ValueError as e:
                raise AssertionError("%s: %s" % (e, text))
            if m["type"] in types:
                return m
            self.queue.append(m)

    def register(self, services, **data):
        """Register and return the answer's data."""
        m = self.envelope("registration",
                          data=dict({"services": services}, **data))
        self.send(m)
        a = self.recv("registration", "error")
        assert a.get("correlation_id") == m["message_id"], a
        assert a["type"] == "registration", a
        return a["data"]

    def request(self, server, method, params=None, id_=1, dest=None,
                **more):
        """Send a request as a home does; returns the envelope."""
        rq = {"jsonrpc": "2.0", "method": method, "id": id_}
        if params is not None:
            rq["params"] = params
        m = self.envelope("request", server_name=server, method=method,
                          jsonrpc_request=rq, routing_path=[self.node_id],
                          ttl=8, **more)
        if dest is not None:
            m["destination_node"] = dest
        return self.send(m)

    def call(self, server, method, params=None, **kw):
        """Send a request and wait for its answer: the whole response."""
        m = self.request(server, method, params, **kw)
        while True:
            a = self.recv("response", "error")
            if a.get("correlation_id") == m["message_id"]:
                return a

    def answer(self, request, **fields):
        """Answer a request with exactly these fields on top."""
        self.send(self.envelope(
            fields.pop("type", "response"),
            correlation_id=request["message_id"],
            destination_node=request["source_node"], **fields))

    def answer_result(self, request, result):
        self.answer(request, jsonrpc_response={
            "jsonrpc": "2.0", "result": result,
            "id": request["jsonrpc_request"].get("id")})

    def close(self, code=1000):
        self.send_frame(CLOSE, struct.pack(">H", code))
        return self.expect_close()

    def abort(self):
        self.s.close()


def _mask(data, key):
    n = len(data)
    k = int.from_bytes((key * (n // 4 + 1))[:n], "big")
    return (int.from_bytes(data, "big") ^ k).to_bytes(n, "big")
