# SPDX-License-Identifier: ISC
"""
What the system tests stand on: a test's nodes, files and services, and the
assertion that nothing is left behind.

A test is a function test_NAME(t) in tests/system/test_*.py; t is a Test.
"""

import ctypes
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

import trust
from node import Node
from process import PATIENCE, TOP, descendants, wait_for

SANITIZER_SAYS = re.compile(
    r"(AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|"
    r"runtime error:|SUMMARY: )")
# By itself, or by the sandbox; tests kill with SIGKILL and SIGTERM.
CRASHED = re.compile(r" \(pid \d+\) killed by signal (?!9 |15 )")


class Skip(Exception):
    """The test cannot run here; the text says why."""


class Test:
    """The surroundings of one test."""

    def __init__(self, name):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="relaytest-")
        os.chmod(self.dir, 0o755)
        self.procs, self.nodes, self.links, self.nets = [], [], [], []
        self.allow_sanitizer = False
        # A test that makes a process break the rules of the channels.
        self.expect_offenders = False
        # Orphans of what we started become our children, so that we see them.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        # Programs of services must be readable by the uid they get.
        self.bin = os.path.join(self.dir, "bin")
        shutil.copytree(os.path.join(TOP, "tests/system/services"), self.bin)
        for f in os.listdir(self.bin):
            os.chmod(os.path.join(self.bin, f), 0o755)
        os.chmod(self.bin, 0o755)

    def private(self, name, text):
        """A file that only this user can read; its path."""
        path = os.path.join(self.dir, name)
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)
        return path

    def authority(self, name="Test CA"):
        return trust.Authority(self.dir, name)

    def tls_main(self, node_id="main.test", ca=None, names=("127.0.0.1",
                 "localhost"), kind="ec", **kw):
        """A Main with a TLS listener, whose certificate this authority has
        signed."""
        ca = ca or self.authority()
        certs = [ca.issue(node_id + "-server", list(names), kind)]
        main = self.main(node_id, certs=certs, tls=ca.client(), **kw)
        main.ca = ca
        return main

    def main(self, node_id="main.test", **kw):
        return Node(self, "main", node_id, **kw)

    def home(self, node_id, *uplinks, **kw):
        return Node(self, "home", node_id, uplinks=uplinks, **kw)

    def example(self, name):
        """A file of examples/, where every uid can read it."""
        where = os.path.join(self.dir, "examples")
        if not os.path.exists(where):
            shutil.copytree(os.path.join(TOP, "examples"), where)
        return os.path.join(where, name)

    def service(self, name, *args, program="echo.py", body=""):
        """A service block that runs a program of tests/system/services."""
        argv = " ".join('"%s"' % a for a in
                        [os.path.join(self.bin, program)] + list(args))
        return 'service "%s" {\n\texec %s\n%s}\n' % (name, argv, body)

    def mains(self, n, **kw):
        """n Mains a.main, b.main, ..., each of which dials those before."""
        out = []
        for i in range(n):
            out.append(self.main("%s.main" % "abcdefgh"[i], peers=out[:],
                                 **kw))
        for m in out:
            m.wait_peer(*[o for o in out if o is not m])
        return out

    def pair(self, **kw):
        """A Main and two homes, alice.home with service echo."""
        main = self.main()
        alice = self.home("alice.home", main, services=self.service("echo"),
                          **kw)
        bob = self.home("bob.home", main)
        main.wait_service("alice.home", "echo")
        bob.wait_linked(main)
        return main, alice, bob

    def run(self, argv, **kw):
        r = subprocess.run(argv, stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=PATIENCE, **kw)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def sanitizer_reports(self):
        out = []
        for p in self.procs:
            for line in p.log().splitlines():
                if SANITIZER_SAYS.search(line):
                    out.append("%s: %s" % (p.name, line))
        return out

    def offenders(self):
        """No process of ours may crash, or break the rules of the
        channels."""
        if self.expect_offenders:
            return []
        return ["%s: %s" % (p.name, line) for p in self.procs
                for line in p.log().splitlines()
                if "killed: channel" in line or
                "broke the protocol" in line or CRASHED.search(line)]

    def finish(self):
        """End everything; returns a list of what was wrong with that."""
        wrong = []
        for link in self.links:
            link.abort()
        for p in reversed(self.procs):
            if not p.alive():
                continue
            p.p.send_signal(signal.SIGTERM)
        for p in reversed(self.procs):
            try:
                code = p.wait()
                if isinstance(p, Node) and code not in (0, None) and \
                        not getattr(p, "expect_exit", None):
                    wrong.append("%s ended with %s" % (p.name, code))
            except subprocess.TimeoutExpired:
                wrong.append("%s did not stop" % p.name)
                p.p.kill()
                p.wait()
            p.log_file.close()
        try:
            wait_for(lambda: not self.left(), "everything ended", 5)
        except AssertionError:
            for pid, comm in self.left().items():
                wrong.append("left behind: %d %s" % (pid, comm))
                os.kill(pid, signal.SIGKILL)
        for n in self.nodes:
            if os.path.exists(n.control):
                wrong.append("left behind: %s" % n.control)
        for net in self.nets:
            net.remove()
        wrong += self.sanitizer_reports() + self.offenders()
        return wrong

    def left(self):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        return descendants(os.getpid())

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def fresh_uid():
    """A uid that nobody has."""
    for uid in range(61100, 61200):
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid
    raise AssertionError("no uid")
