# SPDX-License-Identifier: ISC
"""relay-dialer under a parent and a front-end of a test's making."""

import socket
import time

import parent
from fields import PROC, string, u8, u16, u32, u64
from parent import Child

PATH = "/ws/federation"
ADDRESS = "127.0.0.1:4"
UP, DOWN, REFUSED, REGISTERED = 1, 2, 3, 4
HOLD, GO_ON, AT_ONCE = 1, 2, 3
PEER_STATES = ["", "waiting", "dialing", "handshake", "up", "held"]


class Main:
    """Where an uplink leads to: connections come, nothing is said."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(parent.TIMEOUT)
        self.uplink = ("127.0.0.1", self.listener.getsockname()[1], PATH)

    def dialled(self):
        s, _ = self.listener.accept()
        s.close()

    def not_dialled(self, seconds=0.2):
        self.listener.settimeout(seconds)
        try:
            self.dialled()
            raise AssertionError("it was dialled")
        except TimeoutError:
            pass
        self.listener.settimeout(parent.TIMEOUT)


class Listener(parent.Channel):
    """Of the parent: keeps all DIAL_STATE, whatever else is waited for."""

    def recv(self, timeout=parent.TIMEOUT):
        name, payload = super().recv(timeout)
        if name == "DIAL_STATE":
            r = parent.Reader(payload)
            self.states.append((r.u32(), r.u32(), PEER_STATES[r.u8()],
                                r.u32(), r.string(), r.string()))
            assert not r.b
        return name, payload


class Dialer(Child):
    """On a Main its uplinks are peers."""

    def __init__(self, *uplinks, role="home", hold_down_ms=300000):
        super().__init__("dialer", role)
        self.uplinks = uplinks
        self.hold_down_ms = hold_down_ms
        self.ch.__class__ = Listener
        self.ch.states = []

    def configure(self):
        self.generation += 1
        self.ch.send("CONF_BEGIN", u32(self.generation))
        self.ch.send("CONF_NODE", parent.conf_node(self.role,
                                                   self.hold_down_ms))
        for i, where in enumerate(self.uplinks):
            if self.role == "main":
                self.ch.send("CONF_PEER", parent.conf_peer(i, *where))
            else:
                self.ch.send("CONF_UPLINK", parent.conf_uplink(i, *where))
        self.ch.send("CONF_END", u32(self.generation))
        self.ch.expect("CONF_READY")

    def reload(self, *uplinks):
        self.uplinks = uplinks
        self.configure()
        self.commit()
        self.alive()

    @property
    def frontend(self):
        return self.peers["frontend"]

    def said(self, up, attempt, uplink=("", 0, "")):
        host, port, path = uplink
        self.frontend.send("UPLINK_SYNC", u8(up) + u64(attempt) + string(host)
                           + u16(port) + string(path)
                           + string(ADDRESS if attempt else "")
                           + string("r.test" if attempt else ""))

    def sync(self, attempt=0, uplink=None):
        """What a front-end says when it comes: of one that is up, or of
        none, and that this was all."""
        if attempt:
            self.said(True, attempt, uplink)
        self.said(False, 0)

    def state(self, attempt, state, retry_after_ms=0, why="why", main_id=""):
        self.frontend.send("UPLINK_STATE", u64(attempt) + u8(state)
                           + u32(retry_after_ms) + string(main_id)
                           + string(why))

    def handed_over(self):
        """The next connection: its index and attempt."""
        _, r = self.frontend.expect("UPLINK_FD")
        index = r.u32()
        assert r.u32() == self.generation
        return index, r.u64()

    def attempt(self, index=None):
        got, attempt = self.handed_over()
        assert index in (None, got), (index, got)
        return attempt

    def dial(self, peer, what, generation=None):
        self.ch.send("DIAL_ORDER", u32(peer)
                     + u32(generation or self.generation) + u8(what))

    def peer_state(self, peer, *states):
        """The next of that peer, which is one of states: (state, retry,
        node_id, reason)."""
        while not (got := [s for s in self.ch.states if s[0] == peer]):
            self.ch.recv()
        self.ch.states.remove(got[0])
        assert got[0][1] == self.generation, got
        assert got[0][2] in states, (got, states)
        return got[0][2:]

    def wait_peer(self, peer, state):
        while self.peer_state(peer, *PEER_STATES)[0] != state:
            pass

    def rows(self):
        """The summary: {section: [row]}."""
        out = {}
        self.ch.send("CTL_SHOW", u64(9) + u8(1))
        while True:
            name, r = self.ch.expect("CTL_ROW", "CTL_END")
            r.u64()
            if name == "CTL_END":
                return out
            row = {}
            out.setdefault(r.string(), []).append(row)
            for _ in range(r.u16()):
                key = r.string()
                r.u8()
                row[key] = r.string()

    def row(self):
        return self.rows()["dialer"][0]

    def wait_row(self, key, value):
        end = time.monotonic() + parent.TIMEOUT
        while self.row()[key] != value:
            assert time.monotonic() < end, (key, value, self.row())

    def expect_offence(self):
        """The front-end is reported and its channel closed, no more."""
        _, r = self.ch.expect("OFFENDER")
        assert r.u8() == PROC["frontend"]
        self.frontend.expect_end()
        self.alive()
        assert self.row()["state"] == "idle"
