# SPDX-License-Identifier: ISC
"""
All that a process that was taken over may not say, one by one: each costs it
(or the one it says it to, if that is trusted less) its life, is named in the
log, and changes no row of the registry's.
"""

import os
import re
import signal
import time

from fields import (LETTER, NUMBER, TABLE, frame, less_trusted,
                    wrong_headers)
from puppet import IN_CONF, IN_RUN, IN_SETUP, truth
from process import PATIENCE, n_fds, wait_for
from siege import Siege

STAGE = {"SETUP": IN_SETUP, "CONF": IN_CONF, "RUN": IN_RUN}


# Answers to nobody are let fall before they are read.
UNREAD = {"CTL_ROW", "CTL_END", "CTL_RESULT"}


def malformed(sender, receiver, phase):
    """Of the right size, and with a byte behind the last field."""
    for m in TABLE:
        if m.name in UNREAD:
            continue
        for fd in (0, 1):
            if m.max > m.min and m.allowed(LETTER[sender], LETTER[receiver],
                                           phase, m.min + 1, fd):
                yield m.name, frame(m.number, bytes(m.min + 1), fd), fd
                break


def wrong(sender, receiver, phase):
    """(what the log calls it, bytes, with an fd)"""
    for _, number, length, fd in wrong_headers(sender, receiver, phase, False):
        name = NUMBER[number].name if number in NUMBER else "unknown"
        yield name, frame(number, fd=fd, length=length), fd
    yield from malformed(sender, receiver, phase)
    yield "unknown", b"\xff" * 64, 0
    yield "unknown", b"GET / HTTP/1.1\r\n\r\n", 0


class Tail:
    """New lines of a log, one by one."""

    def __init__(self, node):
        self.node, self.f = node, open(node.log_path, "rb")
        self.f.seek(0, 2)
        self.rest = b""

    def lines(self):
        *whole, self.rest = (self.rest + self.f.read()).split(b"\n")
        return [x.decode("utf-8", "replace") for x in whole]

    def find(self, *patterns):
        """Lines in which these are, in this order; none is passed over that
        says of another end."""
        end = time.monotonic() + PATIENCE
        found, seen = [], []
        while len(found) < len(patterns):
            for line in self.lines():
                seen.append(line)
                if len(found) < len(patterns) and \
                        re.search(patterns[len(found)], line):
                    found.append(line)
            if time.monotonic() > end or not self.node.alive():
                raise AssertionError("not in the log: %r\n%s" % (
                    patterns[len(found):], "\n".join(seen[-20:])))
            time.sleep(0.001)
        return found


class Campaign:
    def __init__(self, t, proc, to, phase="RUN"):
        at_home = "backend" in (proc, to)
        self.s = Siege(t, proc, at_home=at_home, patient=True)
        self.proc, self.to, self.phase = proc, to, phase
        self.lesser = less_trusted(to, proc)
        if self.s.main is None:
            self.unlink()
        self.tail = Tail(self.s.node)
        self.rows = truth(self.s.node)

    def unlink(self):
        """alice goes: she would be cut off each time, and her rows with her
        link."""
        self.s.alice_link.abort()
        wait_for(lambda: truth(self.s.node)["service"] == [], "alice is gone")

    def names(self, name):
        """What the log says of that message, and then of what came of it."""
        if self.lesser:
            return (r"%s.*: channel to %s: %s" % (self.to, self.proc, name),
                    r"%s runs again" % self.to)
        by = "channel" if self.to == "parent" else self.to + " says"
        return (r"%s killed: %s: %s[ :]" % (self.proc, by, name),)

    def run(self):
        s, cases = self.s, list(wrong(self.proc, self.to, self.phase))
        fds = n_fds(s.pid)
        s.puppet.stage(STAGE[self.phase], self.to, once=not self.lesser)
        if self.phase != "RUN":
            os.kill(s.puppet.last, signal.SIGKILL)
        for name, raw, fd in cases:
            s.puppet.due(raw, fd)
            self.tail.find(*self.names(name))
            assert s.node.alive()
            rows = truth(s.node)
            assert rows == self.rows, (name, self.rows, rows)
        s.puppet.stage(0)
        if not self.lesser:
            self.tail.find("%s runs again" % self.proc)
            s.puppet.last = 0
            s.puppet.wait()
        s.stands(others=(self.to,) if self.lesser else ())
        wait_for(lambda: n_fds(s.pid) <= fds,
                 "the parent has its %d fds, not %d" % (fds, n_fds(s.pid)))
        return len(cases)
