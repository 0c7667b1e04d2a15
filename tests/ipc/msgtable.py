# SPDX-License-Identifier: ISC
"""The message table as its text says it, read without the C code.

Parses common/msg_types.def and the limits it names, so that tests can hold
the C table against an oracle of their own, and speak to real processes.
"""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# Letters of the table in the order of enum proc_id (checked by test_msg).
LETTERS = "PFDBRGKC"
NAMES = ["parent", "frontend", "dialer", "backend", "router", "registry",
         "keeper", "ctl"]
PHASES = {"SETUP": 1, "CONF": 2, "RUN": 4}
HEADER = 8
FLAG_FD = 1


class Msg:
    def __init__(self, number, name, args):
        self.number = number
        self.name = name
        self.senders = set(args[0].split("|"))
        self.receivers = set(args[1].split("|"))
        self.min = args[2]
        self.max = args[3]
        self.fd = args[4]
        self.phases = set(args[5].split("|"))
        self.bulk = args[6] == "BULK"
        self.fields = args[7]

    def allowed(self, sender, receiver, phase, length, has_fd):
        """The oracle: may this message come like this?"""
        return (sender in self.senders and receiver in self.receivers
                and phase in self.phases
                and self.min <= length <= self.max
                and not (has_fd and self.fd == "NONE")
                and not (not has_fd and self.fd == "ONE"))


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def load_limits(path=TOP / "common" / "limits.h"):
    limits = {}
    for m in re.finditer(r"^#define\s+(LIMIT_\w+)[ \t]+(.+)$",
                         strip_comments(path.read_text()), re.M):
        limits[m.group(1)] = evaluate(m.group(2), limits)
    return limits


def evaluate(expr, limits):
    """A constant of C: integers with U, names of limits, + * << and ()."""
    expr = re.sub(r"\b(\d+)U?L*\b", r"\1", expr)
    expr = re.sub(r"\bLIMIT_\w+", lambda m: str(limits[m.group(0)]), expr)
    if not re.fullmatch(r"[\d\s+*()<-]+", expr):
        raise ValueError(f"not a constant: {expr}")
    return eval(expr, {"__builtins__": {}})  # only digits and operators


def load(path=TOP / "common" / "msg_types.def"):
    limits = load_limits()
    text = strip_comments(path.read_text())
    pattern = (r'MSG\(\s*(\w+)\s*,\s*([\w|]+)\s*,\s*([\w|]+)\s*,\s*([^,]+),'
               r'\s*([^,]+),\s*(\w+)\s*,\s*([\w|]+)\s*,\s*(\w+)\s*,'
               r'\s*"([^"]*)"\s*\)')
    table = []
    for number, m in enumerate(re.finditer(pattern, text), 1):
        args = list(m.groups()[1:])
        args[2] = evaluate(args[2], limits)
        args[3] = evaluate(args[3], limits)
        table.append(Msg(number, m.group(1), args))
    if len(table) != text.count("MSG("):
        raise ValueError("a row of the table could not be read")
    return table


def by_name(table=None):
    return {m.name: m for m in (table or load())}
