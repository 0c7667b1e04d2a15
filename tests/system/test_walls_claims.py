# SPDX-License-Identifier: ISC
"""
What README.md and relayd(8) say of a process that was taken over is shown by
tests that there are; and what these tests show is said.
"""

import os
import re

import run
from process import TOP

PROCESSES = {"frontend", "dialer", "backend", "router", "keeper", "registry",
             "parent"}


def read(name):
    with open(os.path.join(TOP, name)) as f:
        return f.read()


def readme():
    """{process: names of tests} of the table."""
    part = read("README.md").split("### What an attacker who owns")[1]
    rows = re.findall(r"^\| (\w+) \|(.*)\|$", part.split("\n## ")[0], re.M)
    return {proc: set(re.findall(r"`([^`]+)`", text)) for proc, text in rows
            if proc != "Process"}


def manual():
    """The same of the list in relayd(8)."""
    part = read("man/relayd.8.in").split(".Ss If a process is taken over")[1]
    part = part.split("\n.Ss ")[0]
    part = part[part.index(".Bl "):part.index("\n.El")]
    out = {}
    for text in part.split("\n.It ")[1:]:
        quoted = re.findall(r"^\.(?:Pq )?Ql (.*)$", text, re.M)
        out[text.split()[0]] = {name for line in quoted for name in
                                line.split() if name not in ",;."}
    return out


def exists(name, system):
    """A piece of the name of a system test, or a program of unit tests."""
    if "/" in name:
        return any(os.path.exists(os.path.join(TOP, "tests", name + end))
                   for end in (".c", ".py")) or \
            name.startswith("unit/test_profile_") and \
            re.search(r"^\s*tests/%s\b|\btests/%s\b" % (name, name),
                      read("tests/ipc/local.mk"), re.M)
    return any(name in test for test in system)


def claimed(table):
    system = [t[0] for t in run.discover([])]
    walls = [t for t in system if t.startswith("walls")]
    assert set(table) == PROCESSES, table.keys()
    for proc, names in table.items():
        assert names, proc
        for name in names:
            assert exists(name, walls), (proc, name)
    said = {name for names in table.values() for name in names}
    for test in walls:
        assert test.startswith("walls_claims") or \
            any(name in test for name in said), "nothing says " + test


def test_readme(t):
    claimed(readme())


def test_manual(t):
    claimed(manual())


def test_both_say_the_same(t):
    assert readme() == manual(), [
        (proc, readme()[proc] ^ manual()[proc]) for proc in PROCESSES]
