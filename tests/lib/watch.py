# SPDX-License-Identifier: ISC
"""
Who must not notice anything: a link that works before, between and after, the
same processes, and no more descriptors than before.
"""

import os

from process import wait_for
from wire import http


class Watch:
    def __init__(self, t, main, *others):
        self.t, self.main, self.nodes = t, main, (main,) + others
        for node in self.nodes:
            node.wait_children()
        self.link = main.link("watch.home")
        t.links.append(self.link)
        self.link.register(["watched"])
        self.n = 0
        self.check("before")
        self.pids = [n.children() for n in self.nodes]
        self.fds = [self._fds(n) for n in self.nodes]

    def _fds(self, node):
        # Another user's process does not show its descriptors.
        return node.fds() if os.getuid() == 0 else {}

    def check(self, what):
        """The link still registers and calls."""
        self.n += 1
        a = self.link.call("relay", "ping", id_=self.n, dest={
            "type": "main", "id": self.main.node_id})
        got = a["jsonrpc_response"]
        assert "result" in got and got["id"] == self.n, (what, a)

    def finish(self):
        self.check("after")
        for link in self.t.links:
            if link is not self.link:
                link.abort()
        for node, pids in zip(self.nodes, self.pids):
            assert node.children() == pids, (pids, node.children())
            assert http(node.port, "GET", "/health")[0] == 200
        for node, fds in zip(self.nodes, self.fds):
            wait_for(lambda: all(n <= fds[c] for c, n in
                                 self._fds(node).items()),
                     "descriptors of %s are %s again" % (node.name, fds))
