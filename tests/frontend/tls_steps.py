# SPDX-License-Identifier: ISC
"""Steps of the cases over TLS."""

import ssl

from rig import wait_for
from steps import NODE, UPGRADE, accept, request, respond

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


def auth(fe, h):
    """An upgrade over TLS: (conn, certificate)."""
    h.send(UPGRADE + NODE + b"\r\n")
    r = fe.router.expect("LINK_AUTH")
    conn, kind, local, tls = (r.take("Q"), r.take("B"), r.take("B"),
                              r.take("B"))
    assert (kind, local, tls) == (1, 1, 1)
    assert (r.str(), r.str(), r.str()) == ("alice.home", "", "")
    return conn, r.str()


def link(fe, h, session):
    conn, certificate = auth(fe, h)
    accept(fe, conn, session)
    assert h.st.line_block().startswith("HTTP/1.1 101 ")
    return certificate


def get(fe, h):
    h.send(GET)
    respond(fe, request(fe)[0])
    assert h.answer()[0] == 200


def handshake_fails(fe, ctx, host="main.test"):
    """Neither the handshake nor the first read after it succeeds."""
    try:
        s = fe.wrap(ctx, host)
        s.sendall(GET)
        assert s.recv(1) == b"", "let in"
    except OSError as e:    # ssl.SSLError is one
        return str(e)
    return "closed"


def begin(fe, p, **k):
    """A handshake up to where the keeper is asked."""
    s = p.client(**k).wrap_socket(
        fe.connect(), do_handshake_on_connect=False,
        server_hostname="main.test")
    s.settimeout(0)
    n = len(fe.asked)
    try:
        s.do_handshake()
    except (ssl.SSLWantReadError, BlockingIOError):
        pass
    wait_for(lambda: len(fe.asked) > n, "asked")
    return s


class ByHand:
    """A client whose octets go when it is told, step of them at a time."""

    def __init__(self, fe, ctx, step=1 << 16):
        self.ours, self.theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.ours, self.theirs,
                                server_hostname="main.test")
        self.s = fe.connect()
        self.step = step

    def flush(self):
        data = self.theirs.read()
        for i in range(0, len(data), self.step):
            self.s.sendall(data[i:i + self.step])

    def until(self, fn):
        """What it returns once nothing more is wanted for it."""
        while True:
            try:
                v = fn()
            except ssl.SSLWantReadError:
                self.flush()
                self.ours.write(self.s.recv(1 << 16))
            else:
                self.flush()
                return v
