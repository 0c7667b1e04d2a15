# SPDX-License-Identifier: ISC
"""
What is under test, processes, and waiting: nothing here sleeps for time to
pass, wait_for() polls a condition.
"""

import os
import re
import signal
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ROOT = os.environ.get("RELAY_ROOT", os.path.join(TOP, "build/gcc/root"))
SANITIZED = os.environ.get("RELAY_SANITIZED") == "1"
LONG = os.environ.get("RELAY_LONG") == "1"
# Sanitizers and a busy machine make everything slower, never different.
PATIENCE = 60 if SANITIZED else 30

RELAYD = ROOT + "/sbin/relayd"
RELAY = ROOT + "/bin/relay"
CTL = ROOT + "/bin/relay-ctl"


def wait_for(cond, what, timeout=None):
    """Poll cond until it is true; returns its value."""
    end = time.monotonic() + (timeout or PATIENCE)
    last = None
    while time.monotonic() < end:
        try:
            value = cond()
            if value:
                return value
        except (AssertionError, OSError, ValueError, KeyError) as e:
            last = e
        time.sleep(0.02)
    raise AssertionError("never: %s%s" % (what, " (%r)" % last if last else ""))


def proc_stat(pid):
    """(comm, state, ppid) of a process, or None."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            text = f.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    comm = text[text.index("(") + 1:text.rindex(")")]
    rest = text[text.rindex(")") + 2:].split()
    return comm, rest[0], int(rest[1])


def children_of(pid):
    """{pid: comm} of the living children of pid."""
    out = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            st = proc_stat(int(name))
            if st and st[2] == pid and st[1] not in "ZX":
                out[int(name)] = st[0]
    return out


def descendants(pid):
    out = {}
    for child, comm in children_of(pid).items():
        out[child] = comm
        out.update(descendants(child))
    return out


def as_user(uid, argv):
    """argv, to be run by somebody else."""
    return [os.path.join(TOP, "tests/lib/as_user.sh"), str(uid), ROOT] + argv


def n_fds(pid):
    """Open descriptors of a process (needs to be root, or it ours)."""
    return len(os.listdir("/proc/%d/fd" % pid))


class Proc:
    """A program with its output in a file."""

    def __init__(self, t, name, argv, env=None, cwd=None, user=None):
        self.t, self.name, self.argv = t, name, argv
        self.log_path = os.path.join(t.dir, name + ".log")
        full = dict(os.environ, **(env or {}))
        full["ASAN_OPTIONS"] = "detect_leaks=0:exitcode=99:" \
            "abort_on_error=0:allocator_may_return_null=1"
        full["UBSAN_OPTIONS"] = "print_stacktrace=1"
        if user is not None:
            argv = as_user(user, argv)
            full["HOME"] = t.dir
            full.pop("XDG_RUNTIME_DIR", None)
        self.log_file = open(self.log_path, "ab")
        self.p = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.log_file,
            stderr=subprocess.STDOUT, env=full, cwd=cwd or t.dir)
        t.procs.append(self)

    @property
    def pid(self):
        return self.p.pid

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def wait_log(self, pattern, timeout=None):
        rx = re.compile(pattern)
        return wait_for(lambda: self.p.poll() is None and rx.search(self.log())
                        or rx.search(self.log()),
                        "%r in the log of %s" % (pattern, self.name), timeout)

    def alive(self):
        return self.p.poll() is None

    def wait(self, timeout=None):
        return self.p.wait(timeout or PATIENCE)

    def stop(self, sig=signal.SIGTERM, timeout=None):
        """Ask it to end; returns its exit status."""
        if self.alive():
            self.p.send_signal(sig)
        return self.wait(timeout)
