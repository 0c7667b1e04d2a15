# SPDX-License-Identifier: ISC
"""Fields of messages as bytes (common/wire.h), and who may say what to whom.
"""

import struct

import msgtable

TABLE = msgtable.load()
MSG = msgtable.by_name(TABLE)
NUMBER = {m.number: m for m in TABLE}
LETTER = dict(zip(msgtable.NAMES, msgtable.LETTERS))
PROC = {name: i for i, name in enumerate(msgtable.NAMES)}
TRUST = ["ctl", "frontend", "dialer", "backend", "router", "keeper",
         "registry", "parent"]
EDGES = {
    "frontend": ["router", "dialer", "keeper"],
    "dialer": ["frontend", "backend"],
    "backend": ["router", "dialer"],
    "router": ["frontend", "backend", "registry"],
    "registry": ["router"],
    "keeper": ["frontend"],
}
NONE = 0xffffffff  # as an index: there is none


def less_trusted(a, b):
    return TRUST.index(a) < TRUST.index(b)


def u8(v):
    return struct.pack("<B", v)


def u16(v):
    return struct.pack("<H", v)


def u32(v):
    return struct.pack("<I", v & 0xffffffff)


def u64(v):
    return struct.pack("<Q", v & 0xffffffffffffffff)


def string(s):
    s = s.encode() if isinstance(s, str) else s
    return u16(len(s)) + s


def data(s):
    s = s.encode() if isinstance(s, str) else s
    return u32(len(s)) + s


def header(number, length, flags=0):
    return struct.pack("<IHH", length, number, flags)


def frame(what, payload=b"", fd=False, length=None):
    """A message as bytes; what is a name or a number."""
    what = MSG[what].number if isinstance(what, str) else what
    return header(what, len(payload) if length is None else length,
                  msgtable.FLAG_FD if fd else 0) + payload


class Reader:
    def __init__(self, payload):
        self.b = payload

    def take(self, n):
        if len(self.b) < n:
            raise ValueError("message too short")
        out, self.b = self.b[:n], self.b[n:]
        return out

    def num(self, fmt):
        return struct.unpack("<" + fmt, self.take(struct.calcsize(fmt)))[0]

    def u8(self):
        return self.num("B")

    def u16(self):
        return self.num("H")

    def u32(self):
        return self.num("I")

    def u64(self):
        return self.num("Q")

    def string(self):
        return self.take(self.u16()).decode()

    def data(self):
        return self.take(self.u32())


# --- what may not be said, from the oracle ---

UNKNOWN = [0, len(TABLE) + 1, 0x7fff, 0xffff]


def wrong_headers(sender, receiver, phase, fd_twins=True):
    """(description, number, length, fd) of all that may not come; fd_twins:
    with and without an fd even if it may not come at all."""
    s, r = LETTER[sender], LETTER[receiver]
    for m in TABLE:
        may = [fd for fd in (0, 1) if m.allowed(s, r, phase, m.min, fd)]
        cases = [(m.min, fd) for fd in (0, 1)
                 if fd not in may and (may or fd_twins or fd == m.number % 2)]
        if may:
            cases += [(m.max + 1, may[0]), (0xffffffff, may[0])]
            if m.min > 0:
                cases += [(m.min - 1, may[0])]
        for length, fd in cases:
            yield f"{m.name} {length} fd {fd}", m.number, length, fd
    for number in UNKNOWN:
        yield f"unknown {number}", number, 0, 0
