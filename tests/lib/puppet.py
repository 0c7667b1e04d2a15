# SPDX-License-Identifier: ISC
"""
A process of relayd that was taken over: the real program, started by relayd
in the place of the real one, which beside its work does what a test orders
(tests/hostile/puppet.c).  What an order does shows as it would to an attacker:
a result and errno, or the end of the process.
"""

import ctypes
import errno
import mmap
import os
import shutil
import sqlite3
import struct
import time

import msgtable
from fields import MSG, NUMBER, PROC, frame
from process import PATIENCE, ROOT, proc_stat, wait_for
from relaytest import Skip

HOSTILE = os.environ.get("RELAY_HOSTILE") or os.path.join(
    os.path.dirname(ROOT.rstrip("/")), "tests/hostile")

# As in puppet.h.
SIZE, DATA, HEARD = 16 << 20, 4096, 8 << 20
SYSCALL, SEND, FD = 1, 2, 3
IN_SETUP, IN_CONF, IN_RUN = 1, 2, 3
PID, BASE, ASKED, DONE, OP, ARGS = 0, 8, 16, 24, 32, 40
RESULT, ERROR, HEARD_LEN, STAGE, STAGE_LEN, MUTE = 104, 112, 120, 128, 136, 144
DUE, SENT, STAGE_TO, STAGE_FD, ONCE = 152, 160, 168, 176, 184

_seccomp = None


def number(name):
    """Of a system call on this machine; None if it has none of that name."""
    global _seccomp
    if _seccomp is None:
        _seccomp = ctypes.CDLL("libseccomp.so.2")
    nr = _seccomp.seccomp_syscall_resolve_name(name.encode())
    return nr if nr >= 0 else None


class Ended(Exception):
    """The process ended over it."""


class Puppet:
    """One program of a copy of what is installed; patient: under a relayd
    that goes on however often it ends (tests/hostile/patience.c)."""

    def __init__(self, t, proc, name="taken", patient=False):
        program = os.path.join(HOSTILE, "relay-" + proc)
        if not os.path.exists(program):
            raise Skip("%s is not built (make hostile)" % program)
        t.expect_offenders = True
        self.t, self.proc = t, proc
        self.dir = os.path.join(t.dir, name)
        shutil.copytree(os.path.join(ROOT, "libexec/relayd"), self.dir)
        shutil.copy2(program, self.dir)
        shutil.copy2(os.path.join(HOSTILE if patient else ROOT + "/sbin",
                                  "relayd"), self.dir)
        self.relayd = os.path.join(self.dir, "relayd")
        path = os.path.join(self.dir, "relay-%s.puppet" % proc)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(fd, SIZE)
        self.map = mmap.mmap(fd, SIZE)
        os.close(fd)
        self.read_to = 0
        self.last = 0

    def get(self, at, fmt="Q"):
        return struct.unpack_from("<" + fmt, self.map, at)[0]

    def put(self, at, value, fmt="Q"):
        struct.pack_into("<" + fmt, self.map, at, value)

    def alive(self):
        st = self.last and proc_stat(self.last)
        return bool(st) and st[1] not in "ZX"

    def wait(self):
        """The next one is in its place, and ready; its pid."""
        def there():
            pid = self.get(PID)
            return pid and pid != self.last and proc_stat(pid) and pid
        self.last = wait_for(there, "a taken over %s" % self.proc)
        self.read_to = self.get(HEARD_LEN)
        return self.last

    def ended(self):
        wait_for(lambda: not self.alive(), "the end of %s" % self.proc)

    # --- orders ---

    def order(self, op, *args):
        """(result, errno); Ended."""
        if not self.alive():
            raise Ended()
        self.put(OP, op)
        for i, a in enumerate(args):
            self.put(ARGS + 8 * i, a & 0xffffffffffffffff)
        for i in range(len(args), 8):
            self.put(ARGS + 8 * i, 0)
        asked = self.get(ASKED) + 1
        self.put(ASKED, asked)
        end = time.monotonic() + PATIENCE
        while self.get(DONE) != asked:
            if not self.alive():
                raise Ended()
            if time.monotonic() > end:
                raise AssertionError("%s does not obey" % self.proc)
            time.sleep(0.0005)
        return self.get(RESULT, "q"), self.get(ERROR)

    def place(self, *parts):
        """Bytes where the process can point to them; their addresses."""
        at, out = DATA, []
        for p in parts:
            self.map[at:at + len(p)] = p
            out.append(self.get(BASE) + at)
            at += (len(p) + 63) & ~63
        return out

    def call(self, name, *args):
        """A system call; arguments that are bytes are passed by address."""
        nr = number(name) if isinstance(name, str) else name
        if nr is None:
            return -1, errno.ENOSYS
        where = iter(self.place(*[a for a in args if isinstance(a, bytes)]))
        return self.order(SYSCALL, nr, *[
            next(where) if isinstance(a, bytes) else a for a in args])

    def send(self, to, raw, fd=-1):
        """Bytes into its channel to that process."""
        at, n = DATA, 0
        while n < len(raw) or not raw:
            part = raw[n:n + (4 << 20)]
            self.map[at:at + len(part)] = part
            got = self.order(SEND, PROC[to], at, len(part), fd)
            if got[0] != len(part):
                return got
            n, fd = n + len(part), -1
            if not raw:
                break
        return n, 0

    def say(self, to, name, payload=b"", fd=-1):
        return self.send(to, frame(name, payload, fd != -1), fd)

    def fd(self, to):
        return self.order(FD, PROC[to])[0]

    def stage(self, stage, to="parent", once=True):
        """When it sends what is due(): IN_SETUP or IN_CONF, where it stays
        until stage(0), or IN_RUN; once: one each life."""
        self.put(STAGE_TO, PROC[to])
        self.put(ONCE, once)
        self.put(STAGE, stage)

    def due(self, raw, fd=False):
        """What it sends next."""
        self.map[DATA:DATA + len(raw)] = raw
        self.put(STAGE_LEN, len(raw))
        self.put(STAGE_FD, fd)
        self.put(DUE, self.get(DUE) + 1)

    # --- what it was told ---

    def mute(self, name=None):
        """It does not look at messages of that name, from now on."""
        self.put(MUTE, MSG[name].number if name else 0)

    def heard(self):
        """New messages: (sender, name, payload)."""
        out = []
        while self.read_to < self.get(HEARD_LEN):
            at = HEARD + self.read_to
            proc, kind, n = struct.unpack_from("<III", self.map, at)
            out.append((msgtable.NAMES[proc], NUMBER[kind].name,
                        bytes(self.map[at + 12:at + 12 + n])))
            self.read_to += 12 + n
        return out

    def forget(self):
        """There is room for what it hears next."""
        self.put(HEARD_LEN, 0)
        self.read_to = 0

    def hear(self, name, what="", timeout=None):
        """The next message of that name: its payload."""
        got = []

        def there():
            got.extend(p for _, n, p in self.heard() if n == name)
            return got
        wait_for(there, what or "%s at %s" % (name, self.proc), timeout)
        return got[0]


# --- the truth ---

ROWS = {
    "identity": "SELECT * FROM identity",
    "credential": "SELECT * FROM credential",
    "disabled": "SELECT * FROM disabled",
    "token": "SELECT * FROM token",
    "peer": "SELECT * FROM peer",
    "node": "SELECT id, kind, first_seen FROM node",
    "service": "SELECT node, name, version, weight, max_concurrency, "
               "visibility, denied FROM service JOIN session "
               "ON session.id = service.session",
    "method": "SELECT node, service.name, method.* FROM method JOIN service "
              "ON service.id = method.service JOIN session "
              "ON session.id = service.session",
    "label": "SELECT node, service.name, key, value FROM label JOIN service "
             "ON service.id = label.service JOIN session "
             "ON session.id = service.session",
}


def truth(node):
    """What the registry of a node keeps, row for row: all but when a session
    was, and the audit log, which is apart."""
    path = os.path.join(node.state, "registry/registry.db")
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        return {name: sorted(db.execute(sql).fetchall())
                for name, sql in ROWS.items()}


def audit(node):
    path = os.path.join(node.state, "registry/registry.db")
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        return db.execute("SELECT seq, time, event, subject, object, detail, "
                          "hash FROM audit ORDER BY seq").fetchall()
