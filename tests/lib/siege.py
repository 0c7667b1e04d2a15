# SPDX-License-Identifier: ISC
"""
A node one of whose processes was taken over, and what must hold of it however
that one behaves: the parent lives and says who it was, the process is started
anew, the others are the same processes, and the registry's database is the
same row for row.
"""

import re
import socket

from puppet import Puppet, audit, truth
from process import wait_for
from trust import KeyAuth


class Siege:
    def __init__(self, t, proc, extra="", at_home=False, patient=False):
        self.t, self.proc = t, proc
        self.puppet = Puppet(t, proc, patient=patient)
        self.main = None
        if proc == "backend" or at_home:
            self.home(extra)
        else:
            self.at_main(extra)
        self.puppet.wait()
        self.node.wait_children()
        self.begin()

    def at_main(self, extra):
        """A Main with TLS where all must prove themselves, with a home that
        did, and something in each table."""
        t = self.t
        self.alice, self.eve = KeyAuth(), KeyAuth()
        self.node = t.tls_main(
            relayd=self.puppet.relayd, extra="authentication required\n" +
            "".join('home "%s" { key "%s" }\n' % h for h in (
                ("alice.home", self.alice.text),
                ("eve.home", self.eve.text))) + extra)
        self.link()
        for args in (("token", "create", "ops"),
                     ("enroll", "bob.home", "url", "wss://127.0.0.1:9"),
                     ("node", "disable", "eve.home"),
                     ("peer", "add", "wss://127.0.0.1:9/ws/peers", "persist")):
            self.node.ctl(*args, check=0)

    def link(self):
        """alice comes, as often as she is cut off."""
        def let_in():
            return self.node.link("alice.home", auth=self.alice)
        self.alice_link = wait_for(let_in, "alice is let in again")
        self.t.links.append(self.alice_link)
        assert self.alice_link.register(["blog"])["accepted"]

    def home(self, extra):
        t = self.t
        self.main = t.main()
        self.node = t.home("alice.home", self.main,
                           services=t.service("echo") +
                           t.service("other"), relayd=self.puppet.relayd,
                           extra=extra)
        self.main.wait_service("alice.home", "echo")

    def begin(self):
        self.pid = self.node.pid
        self.children = self.node.children()
        self.truth, self.audit = truth(self.node), audit(self.node)
        self.log_at = len(self.node.log())

    def log(self):
        return self.node.log()[self.log_at:]

    def wait_log(self, pattern):
        return wait_for(lambda: re.search(pattern, self.log()),
                        "%r in %s" % (pattern, self.log()[-600:]))

    def blamed(self, pattern="."):
        """The log names it, and it is there again."""
        self.wait_log(r"%s (\(pid \d+\) )?killed(: |.*)%s" % (self.proc,
                                                           pattern))
        self.puppet.ended()
        self.puppet.wait()
        self.wait_log(r"%s runs again" % self.proc)
        self.log_at = len(self.node.log())

    def stands(self, others=()):
        """All that must be as it was, but for the process itself and those
        of others."""
        assert self.node.alive() and self.node.pid == self.pid
        self.node.wait_ready()
        now = self.node.wait_children()
        for name, pid in self.children.items():
            if name[6:] != self.proc and name[6:] not in others:
                assert now[name] == pid, (name, pid, now)
        if self.main is None:
            self.link()
        self.same_rows()

    def same_rows(self, *tables):
        after = truth(self.node)
        for name, rows in self.truth.items():
            if tables and name not in tables:
                continue
            assert after[name] == rows, (name, rows, after[name])
        log = audit(self.node)
        assert log[:len(self.audit)] == self.audit
        code, out, err = self.node.ctl("audit", "verify")
        assert code == 0, (out, err)

    def calls_go_on(self):
        """Those of a link that there was before."""
        self.alice_link.call("relay", "ping", dest=self.node.node_id)

    def pid_of(self, proc):
        return self.node.pid if proc == "parent" else \
            self.node.children()["relay-" + proc]


def victim():
    """A listener nobody may reach, and whether somebody has."""
    s = socket.create_server(("127.0.0.1", 0))
    s.settimeout(0.2)

    def reached():
        try:
            s.accept()[0].close()
            return True
        except TimeoutError:
            return False
    return s, reached


class Recorded(KeyAuth):
    """Keeps what was shown."""

    shown = None

    def header(self, c):
        self.shown = super().header(c)
        return self.shown


# As many ends of one process in a minute relayd goes on after for sure.
LIVES = 4
