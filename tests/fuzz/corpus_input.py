# SPDX-License-Identifier: ISC
"""Inputs of the fuzzers that run a process's real handlers, message by
message, by the message table (see receiver_input.c)."""

import json
import re
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ipc"))
import msgtable  # noqa: E402

TABLE = msgtable.by_name()
PARENT, FRONTEND, DIALER, BACKEND, ROUTER, REGISTRY, KEEPER = range(7)
NONE = 0xffffffff  # as an index: there is none
SPECIAL = {"END_PEER": 0xffff, "FD_WRITE": 0xfffe, "FD_CLOSE": 0xfffd,
           "OWN": 0xfffc, "LOSE_PEER": 0xfffb}
LATER = {0: 0, 10: 0x40, 600: 0x50, 2000: 0x60, 16000: 0x70}
TURN = 0x80
NUMBERS = {"u8": "<B", "bool": "<B", "u16": "<H", "u32": "<I", "i32": "<i",
           "u64": "<Q"}


def out_id(n):
    """Stands for the n-th id that the process has given out."""
    return bytes([n]) + b"relayid"


def text(s):
    raw = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<H", len(raw)) + raw


def service(name, methods=(), labels=()):
    """As put_service() writes it."""
    raw = text(name) + text("1.0.0") + struct.pack("<IIBBH", 1, 4, 3, 1,
                                                   len(methods))
    for method in methods:
        raw += text(method) + struct.pack("<BI", 1, 0)
    raw += struct.pack("<H", len(labels))
    for key, value in labels:
        raw += text(key) + text(value)
    return raw


def code(name):
    """The type of a message in the input: FNV-1a of its name, folded."""
    if name in SPECIAL:
        return SPECIAL[name]
    h = 0x811c9dc5
    for c in name.encode():
        h = (h ^ c) * 0x01000193 & 0xffffffff
    return (h >> 16 ^ h) & 0xffff


def fields(name):
    """(type, name) of each, notes in parentheses left out."""
    said = re.sub(r"\([^()]*\)", "", TABLE[name].fields)
    for field in filter(None, (f.split() for f in said.split(","))):
        if field[0] == "service":
            yield "service", "service"
        elif field[:2] == ["count", "*"]:
            yield "rows", "rows"
        else:
            yield field[0], field[1]


def payload(name, values):
    raw = b""
    left = dict(values)
    for kind, field in fields(name):
        value = left.pop(field, None)
        if kind in NUMBERS:
            raw += (value if isinstance(value, bytes) else
                    struct.pack(NUMBERS[kind], value or 0))
        elif kind == "str":
            raw += text(value or "")
        elif kind == "bytes":
            body = value or b""
            body = body if isinstance(body, bytes) else body.encode()
            raw += struct.pack("<I", len(body)) + body
        else:
            raw += value or b""
    if left:
        raise KeyError(f"{name} has no {left}")
    return raw


def raw_msg(sender, name, raw, later=0, turn=True):
    how = sender | LATER[later] | (TURN if turn else 0)
    return struct.pack("<BHH", how, code(name), len(raw)) + raw


def msg(sender, name, /, later=0, turn=True, **values):
    return raw_msg(sender, name, payload(name, values), later, turn)


def restart(sender):
    return raw_msg(sender, "END_PEER", b"")


def lose(sender):
    return raw_msg(sender, "LOSE_PEER", b"")


def write(which, data, later=0):
    data = data if isinstance(data, bytes) else data.encode()
    return raw_msg(PARENT, "FD_WRITE", bytes([which]) + data, later)


def close(which, later=0):
    return raw_msg(PARENT, "FD_CLOSE", bytes([which]), later)


def show(request=1, what=1, later=0):
    return msg(PARENT, "CTL_SHOW", later, request=request, what=what)


def conf(role, generation, *rows, end="CONF_COMMIT"):
    node = "home.example" if role == 2 else "main.example"
    return [msg(PARENT, "CONF_BEGIN", generation=generation),
            msg(PARENT, "CONF_NODE", role=role, node_id=node,
                call_timeout_ms=1000, max_message=65536, max_connections=4,
                max_per_address=2, authentication=3), *rows,
            msg(PARENT, "CONF_END", generation=generation),
            msg(PARENT, end, generation=generation)]


def conf_service(name, kind):
    return msg(PARENT, "CONF_SERVICE", index=1, service=service(name),
               backend=kind, instances=1, timeout_ms=1000, host="h", port=80,
               path="/x")


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def head(*lines):
    return "\r\n".join(lines) + "\r\n\r\n"


def frame(opcode, data, mask=True, fin=True):
    data = data if isinstance(data, bytes) else data.encode()
    first = opcode | (0x80 if fin else 0)
    bit = 0x80 if mask else 0
    if len(data) < 126:
        raw = bytes([first, bit | len(data)])
    else:
        raw = bytes([first, bit | 126]) + struct.pack(">H", len(data))
    if mask:
        key = b"\1\2\3\4"
        data = key + bytes(c ^ key[i % 4] for i, c in enumerate(data))
    return raw + data
