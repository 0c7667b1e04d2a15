#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""RFC 6455 cases against ws-echo, octet by octet over a raw socket.

usage: cases.py PATH/TO/ws-echo

The server side is given frames, good and bad, whole and chopped, and must
answer with exactly these messages and that close code.  The client side is
run against a server made here.  Prints "N passed, N failed".
"""
import base64
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONT, TEXT, BIN, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
WAIT = 20  # seconds: a case that takes longer has failed


def frame(op, data=b"", fin=1, rsv=0, mask=True, lenform=None):
    out = bytes([fin << 7 | rsv << 4 | op])
    m = 0x80 if mask else 0
    n = len(data)
    form = lenform or (7 if n < 126 else 16 if n < 65536 else 64)
    if form == 7:
        out += bytes([m | n])
    elif form == 16:
        out += bytes([m | 126]) + struct.pack(">H", n)
    else:
        out += bytes([m | 127]) + struct.pack(">Q", n)
    if mask:
        key = os.urandom(4)
        out += key
        whole = key * (n // 4 + 1)
        data = (int.from_bytes(data, "big") ^
                int.from_bytes(whole[:n], "big")).to_bytes(n, "big")
    return out + data


class Stream:
    """The frames another side sends, for as long as it does."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""
        sock.settimeout(WAIT)

    def need(self, n):
        parts = [self.buf]
        have = len(self.buf)
        while have < n:
            try:
                got = self.sock.recv(1 << 20)
            except ConnectionResetError:
                got = b""
            if not got:
                raise EOFError
            parts.append(got)
            have += len(got)
        data = b"".join(parts)
        self.buf = data[n:]
        return data[:n]

    def line_block(self):
        out = b""
        while not out.endswith(b"\r\n\r\n"):
            out += self.need(1)
        return out.decode("latin-1")

    def frame(self):
        a, b = self.need(2)
        n = b & 127
        if n == 126:
            n = struct.unpack(">H", self.need(2))[0]
            assert n > 125, "length not minimal"
        elif n == 127:
            n = struct.unpack(">Q", self.need(8))[0]
            assert n > 65535, "length not minimal"
        assert a & 0x70 == 0, "reserved bits"
        key = self.need(4) if b & 0x80 else None
        data = self.need(n)
        if key:
            whole = key * (n // 4 + 1)
            data = (int.from_bytes(data, "big") ^
                    int.from_bytes(whole[:n], "big")).to_bytes(n, "big")
        return a >> 7, a & 15, data, key is not None

    def all_frames(self):
        out = []
        try:
            while True:
                fin, op, data, masked = self.frame()
                assert fin, "we never fragment"
                out.append((op, data))
        except EOFError:
            return out


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), WAIT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16))
    s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
              b"Connection: keep-alive, Upgrade\r\n"
              b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key +
              b"\r\n\r\n")
    st = Stream(s)
    head = st.line_block()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    assert head.startswith("HTTP/1.1 101 "), head
    assert "Sec-WebSocket-Accept: %s\r\n" % accept in head
    return s, st


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else
                 struct.pack(">H", code) + reason)


cases = []


def case(name, sent, want, code, chop=0):
    """sent: octets; want: (op, data) list before the close; code: of the
    close frame the other side must end with (None: an empty one)."""
    cases.append((name, sent, want, code, chop))


def both(name, sent, want, code):
    case(name, sent, want, code)
    if len(sent) < 3000:
        case(name + " octet by octet", sent, want, code, 1)


def build():
    end = close(1000)
    for op, word in ((TEXT, "text"), (BIN, "binary")):
        for n in (0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 1 << 20):
            d = b"*" * n if op == TEXT else os.urandom(n)
            both("1 %s of %d" % (word, n), frame(op, d) + end, [(op, d)],
                 1000)
        d = b"*" * 65536
        case("1 text chopped", frame(TEXT, d) + end, [(TEXT, d)], 1000, 997)
    for n in (0, 1, 124, 125):
        d = os.urandom(n)
        both("2 ping of %d" % n, frame(PING, d) + end, [(PONG, d)], 1000)
    both("2 ping of 126", frame(PING, b"x" * 126), [], 1002)
    both("2 unasked pong", frame(PONG, b"x") + end, [], 1000)
    both("2 pong then ping", frame(PONG) + frame(PING, b"p") + end,
         [(PONG, b"p")], 1000)
    both("2 ten pings",
         b"".join(frame(PING, b"%d" % i) for i in range(10)) + end,
         [(PONG, b"%d" % i) for i in range(10)], 1000)
    for rsv in range(1, 8):
        both("3 rsv %d" % rsv,
             frame(TEXT, b"ok") + frame(TEXT, b"no", rsv=rsv) + frame(PING),
             [(TEXT, b"ok")], 1002)
        both("3 rsv %d on ping" % rsv, frame(PING, b"no", rsv=rsv), [], 1002)
        both("3 rsv %d on close" % rsv, frame(CLOSE, b"", rsv=rsv), [], 1002)
    for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for d in (b"", b"payload"):
            both("4 opcode %d" % op,
                 frame(TEXT, b"ok") + frame(op, d) + frame(PING),
                 [(TEXT, b"ok")], 1002)
    for op in (PING, PONG, CLOSE):
        both("5 fragmented control %d" % op,
             frame(op, b"", fin=0) + frame(CONT, b""), [], 1002)
    for op in (TEXT, BIN):
        both("5 two fragments", frame(op, b"one", fin=0) +
             frame(CONT, b"two") + end, [(op, b"onetwo")], 1000)
        both("5 ping between", frame(op, b"one", fin=0) +
             frame(PING, b"p") + frame(CONT, b"two") + end,
             [(PONG, b"p"), (op, b"onetwo")], 1000)
        both("5 pings among five", b"".join(
            frame(op if i == 0 else CONT, b"%d" % i, fin=i == 4) +
            (frame(PING, b"p%d" % i) if i < 4 else b"") for i in range(5)) +
            end, [(PONG, b"p%d" % i) for i in range(4)] + [(op, b"01234")],
            1000)
        both("5 empty fragments", frame(op, b"", fin=0) +
             frame(CONT, b"", fin=0) + frame(CONT, b"") + end,
             [(op, b"")], 1000)
        both("5 empty around", frame(op, b"", fin=0) +
             frame(CONT, b"middle", fin=0) + frame(CONT, b"") + end,
             [(op, b"middle")], 1000)
        both("5 new message inside", frame(op, b"one", fin=0) +
             frame(op, b"two"), [], 1002)
        both("5 second after good", frame(op, b"one", fin=0) +
             frame(CONT, b"two") + frame(CONT, b"x"), [(op, b"onetwo")],
             1002)
    both("5 continuation of nothing", frame(CONT, b"x"), [], 1002)
    both("5 unfinished continuation of nothing",
         frame(CONT, b"x", fin=0) + frame(TEXT, b"y"), [], 1002)
    valid = [
        "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "\u0000", "\u007f", "\u0080",
        "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\uffff",
        "\U00010000", "\U0010ffff", "\ufdd0\ufffe", "aé漢𝄞" * 50,
    ]
    for s in valid:
        d = s.encode()
        both("6 valid %s" % ascii(s)[:20], frame(TEXT, d) + end,
             [(TEXT, d)], 1000)
        both("6 an octet a fragment %s" % ascii(s)[:20], b"".join(
            frame(CONT if i else TEXT, d[i:i + 1], fin=i == len(d) - 1)
            for i in range(len(d))) + end, [(TEXT, d)], 1000)
    bad = [
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\x80", b"\xbf", b"\x80\xbf", b"\xc0\xaf", b"\xc1\xbf",
        b"\xe0\x80\xaf", b"\xe0\x9f\xbf", b"\xf0\x80\x80\xaf",
        b"\xf0\x8f\xbf\xbf", b"\xf8\x88\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xed\xa0\x80",
        b"\xed\xad\xbf", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80",
        b"\xf7\xbf\xbf\xbf", b"\xf5\x80\x80\x80", b"\xc2", b"\xe1\x80",
        b"\xf1\x80\x80", b"\xc2a", b"\xe1\x80a", b"\xf1\x80\x80a",
        b"a" * 40 + b"\xff", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce",
    ]
    for d in bad:
        both("6 bad %s" % d[:12].hex(), frame(TEXT, d), [], 1007)
        both("6 bad in fragments %s" % d[:12].hex(), b"".join(
            frame(CONT if i else TEXT, d[i:i + 1], fin=i == len(d) - 1)
            for i in range(len(d))), [], 1007)
        both("6 bad is fine in binary", frame(BIN, d) + end, [(BIN, d)],
             1000)
    # refused although the rest of the frame or message never comes
    case("6 fail fast in a frame", frame(TEXT, b"\xf4\x90" + b"x" * 40)[:-40],
         [], 1007)
    case("6 fail fast in fragments", frame(TEXT, b"\xce\xba\xed", fin=0) +
         frame(CONT, b"\xa0", fin=0), [], 1007)
    both("7 nothing after close", frame(TEXT, b"a") + end +
         frame(TEXT, b"b") + frame(PING), [(TEXT, b"a")], 1000)
    both("7 two closes", end + close(1001), [], 1000)
    both("7 close inside a message", frame(TEXT, b"a", fin=0) + end +
         frame(CONT, b"b"), [], 1000)
    both("7 empty close", close(), [], None)
    both("7 half a code", frame(CLOSE, b"\x03"), [], 1002)
    both("7 reason", close(1000, b"bye"), [], 1000)
    both("7 longest reason", close(1000, b"*" * 123), [], 1000)
    both("7 too long", close(1000, b"*" * 124), [], 1002)
    both("7 bad reason", close(1000, b"\xce\xba\xed\xa0\x80"), [], 1007)
    both("7 cut reason", close(1000, b"a\xce"), [], 1007)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012,
                 1013, 1014, 3000, 3999, 4000, 4999):
        both("7 code %d" % code, close(code), [], code)
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999,
                 5000, 65535):
        both("7 bad code %d" % code, close(code), [], 1002)
    both("8 not masked", frame(TEXT, b"x", mask=False), [], 1002)
    both("8 long form of 5", frame(TEXT, b"12345", lenform=16), [], 1002)
    both("8 longest form of 5", frame(TEXT, b"12345", lenform=64), [], 1002)
    both("8 longest form of 65535",
         frame(BIN, b"x" * 65535, lenform=64)[:14], [], 1002)
    both("8 top bit of the length",
         b"\x82\xff" + b"\x80" + b"\0" * 7 + b"abcd", [], 1002)
    both("8 too big", b"\x82\xff" + struct.pack(">Q", (64 << 20) + 1) +
         b"abcd", [], 1009)
    half = 32 << 20
    case("8 too big in fragments", frame(BIN, b"\0" * half, fin=0) +
         b"\x80\xff" + struct.pack(">Q", half + 1) + b"abcd", [], 1009)
    d = os.urandom(4 << 20)
    case("9 4 MiB", frame(BIN, d) + end, [(BIN, d)], 1000)
    case("9 4 MiB in fragments of 256", b"".join(
        frame(CONT if i else BIN, d[i:i + 256], fin=i + 256 == len(d))
        for i in range(0, len(d), 256)) + end, [(BIN, d)], 1000)
    case("9 1000 messages", b"".join(
        frame(TEXT, b"m%d" % i) for i in range(1000)) + end,
        [(TEXT, b"m%d" % i) for i in range(1000)], 1000)


def run_server_case(port, sent, want, code, chop):
    s, st = connect(port)
    got = []
    reader = threading.Thread(target=lambda: got.extend(st.all_frames()))
    reader.start()
    try:
        if chop:
            for i in range(0, len(sent), chop):
                s.sendall(sent[i:i + chop])
        else:
            s.sendall(sent)
    except (BrokenPipeError, ConnectionResetError):
        pass
    reader.join(WAIT)
    s.close()
    if reader.is_alive():
        return "timed out"
    if not got or got[-1][0] != CLOSE:
        return "no close frame"
    if got[:-1] != want:
        return "other messages: %.200r" % (got[:-1],)
    data = got[-1][1]
    have = struct.unpack(">H", data[:2])[0] if data else None
    if have != code:
        return "close code %s, not %s" % (have, code)
    return None


def accept_client(listener):
    s, _ = listener.accept()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    st = Stream(s)
    head = st.line_block()
    key = [x[19:] for x in head.split("\r\n")
           if x.startswith("Sec-WebSocket-Key: ")][0].encode()
    return s, st, head, base64.b64encode(
        hashlib.sha1(key + GUID).digest()).decode()


ANSWER = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
          "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n")


def client_session(listener, octets, chop):
    """Let the client in, send octets, return the frames it sends."""
    s, st, head, accept = accept_client(listener)
    assert head.startswith("GET /echo HTTP/1.1\r\n"), head
    s.sendall((ANSWER % accept).encode() + (b"" if chop else octets))
    if chop:
        for i in range(0, len(octets), chop):
            s.sendall(octets[i:i + chop])
    out = []
    try:
        while True:
            fin, op, data, masked = st.frame()
            assert masked, "a client masks"
            out.append((op, data))
            if op == CLOSE:
                break
    except EOFError:
        pass
    s.close()
    return out


def client_cases():
    def u(*a, **k):
        return frame(*a, mask=False, **k)
    bye = u(CLOSE, b"\x03\xe8")
    big = os.urandom(1 << 20)
    return [
        ("c text", u(TEXT, b"hello") + bye, [(TEXT, b"hello")], 1000),
        ("c empty", u(BIN, b"") + bye, [(BIN, b"")], 1000),
        ("c 1 MiB", u(BIN, big) + bye, [(BIN, big)], 1000),
        ("c 65536", u(TEXT, b"x" * 65536) + bye, [(TEXT, b"x" * 65536)],
         1000),
        ("c ping between", u(TEXT, b"a", fin=0) + u(PING, b"p") +
         u(CONT, b"b") + bye, [(PONG, b"p"), (TEXT, b"ab")], 1000),
        ("c masked", frame(TEXT, b"no"), [], 1002),
        ("c rsv", u(TEXT, b"no", rsv=4), [], 1002),
        ("c bad text", u(TEXT, b"\xff"), [], 1007),
        ("c bad close", u(CLOSE, b"\x03\xed"), [], 1002),
    ]


def bad_answers():
    good = ANSWER
    return [
        ("status 200", good.replace("101", "200")),
        ("http/1.0", good.replace("HTTP/1.1", "HTTP/1.0")),
        ("wrong accept", good.replace("Accept: %s", "Accept: A%s")),
        ("no accept", good.replace("Sec-WebSocket-Accept: %s\r\n", "")),
        ("two accepts", good.replace("Sec-WebSocket-Accept: %s\r\n",
                                     "Sec-WebSocket-Accept: %s\r\n"
                                     "Sec-WebSocket-Accept: x\r\n")),
        ("no upgrade", good.replace("Upgrade: websocket\r\n", "")),
        ("other upgrade", good.replace("Upgrade: websocket", "Upgrade: h2c")),
        ("no connection", good.replace("Connection: Upgrade\r\n", "")),
        ("extension", good.replace("\r\n\r\n", "\r\nSec-WebSocket-"
                                   "Extensions: permessage-deflate\r\n\r\n")),
        ("subprotocol", good.replace("\r\n\r\n", "\r\nSec-WebSocket-"
                                     "Protocol: chat\r\n\r\n")),
        ("bare LF", good.replace("\r\n", "\n")),
        ("folded", good.replace("Upgrade: websocket", "Upgrade:\r\n "
                                "websocket")),
    ]


def run_client(echo, results):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(WAIT)
    url = "ws://127.0.0.1:%d/echo" % listener.getsockname()[1]
    p = subprocess.Popen([echo, "-c", url], stderr=subprocess.PIPE)
    for name, octets, want, code in client_cases():
        for chop in (0, 1) if len(octets) < 3000 else (0, 4093):
            got = client_session(listener, octets, chop)
            bad = None
            if not got or got[-1][0] != CLOSE or got[:-1] != want:
                bad = "%.200r" % (got,)
            elif struct.unpack(">H", got[-1][1][:2])[0] != code:
                bad = "close %r" % (got[-1],)
            results.append((name, bad))
    s, _, _, _ = accept_client(listener)
    s.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    err = p.communicate(timeout=WAIT)[1]
    results.append(("c refused", None if b"HTTP 403 No" in err else err))
    s.close()
    for name, answer in bad_answers():
        p = subprocess.Popen([echo, "-c", url], stderr=subprocess.PIPE)
        s, st, _, accept = accept_client(listener)
        text = answer % accept if "%s" in answer else answer
        s.sendall(text.encode())
        rc = p.wait(timeout=WAIT)
        p.stderr.close()
        s.close()
        results.append(("c answer: " + name, None if rc == 0 else rc))


def main():
    echo = sys.argv[1]
    server = subprocess.Popen([echo, "0"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    port = int(server.stdout.readline())
    build()
    results = []
    try:
        for name, sent, want, code, chop in cases:
            results.append((name, run_server_case(port, sent, want, code,
                                                  chop)))
            if server.poll() is not None:
                results.append((name, "the server died"))
                break
        run_client(echo, results)
    finally:
        server.terminate()
        server.wait()
    failed = [r for r in results if r[1] is not None]
    for name, why in failed:
        print("FAILED %s: %s" % (name, why))
    print("%d passed, %d failed" % (len(results) - len(failed), len(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
