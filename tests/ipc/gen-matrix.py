#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Write the matrix of messages that may and may not be sent.

One line a case, for every message, every ordered pair of processes, every
phase, with and without an fd, at and beyond both ends of its size:

    type name from to phase length fd verdict

from, to: numbers of enum proc_id; phase: its bit; fd, verdict: 0 or 1.
Types that do not exist have the name "unknown" and are never allowed.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import msgtable  # noqa: E402

UINT32_MAX = 0xffffffff


def lengths(msg):
    sizes = {msg.min, msg.max, msg.max + 1, UINT32_MAX}
    if msg.min > 0:
        sizes |= {0, msg.min - 1}
    return sorted(sizes)


def edges():
    for s, sender in enumerate(msgtable.LETTERS):
        for r, receiver in enumerate(msgtable.LETTERS):
            for phase, bit in msgtable.PHASES.items():
                yield s, sender, r, receiver, phase, bit


def main():
    table = msgtable.load()
    out = []
    for s, sender, r, receiver, phase, bit in edges():
        for msg in table:
            for length in lengths(msg):
                for fd in (0, 1):
                    ok = msg.allowed(sender, receiver, phase, length, fd)
                    out.append(f"{msg.number} {msg.name} {s} {r} {bit} "
                               f"{length} {fd} {int(ok)}\n")
        for number in (0, len(table) + 1, 0x7fff, 0xffff):
            out.append(f"{number} unknown {s} {r} {bit} 0 0 0\n")
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
