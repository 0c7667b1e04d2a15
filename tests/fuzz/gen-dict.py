#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Write a dictionary for libFuzzer from the message table: a header for each
message at both ends of its size, and encoded values that decoders test."""

import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ipc"))
import msgtable  # noqa: E402


def entry(name, raw):
    text = "".join(f"\\x{b:02x}" for b in raw)
    return f'{name}="{text}"\n'


def main():
    out = []
    for m in msgtable.load():
        flags = 0 if m.fd == "NONE" else msgtable.FLAG_FD
        for end, size in (("min", m.min), ("max", m.max)):
            out.append(entry(f"{m.name}_{end}",
                             struct.pack("<IHH", size, m.number, flags)))
    for text in ("a", "a.b", "1.2.3", "blog"):
        raw = text.encode()
        out.append(entry(f"str_{len(out)}", struct.pack("<H", len(raw)) + raw))
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
