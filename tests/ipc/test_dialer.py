#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""relay-dialer under a parent and a front-end of this test's making: it dials
only once it knows what the front-end holds, and leaves alone what stands."""

import socket
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import parent  # noqa: E402
import runner  # noqa: E402
from parent import (PROC, Child, Gone, string, u8, u16, u32,  # noqa: E402
                    u64)

PATH = "/ws/federation"
ADDRESS = "127.0.0.1:4"
UP, DOWN, REFUSED = 1, 2, 3


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


class Dialer(Child):
    def __init__(self, *uplinks):
        super().__init__("dialer")
        self.uplinks = uplinks

    def configure(self):
        self.generation += 1
        self.ch.send("CONF_BEGIN", u32(self.generation))
        for i, (host, port, path) in enumerate(self.uplinks):
            self.ch.send("CONF_UPLINK", u32(i) + string(host) + u16(port)
                         + string(path))
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

    def sync(self, attempt=0, uplink=("", 0, ""), up=None):
        host, port, path = uplink
        self.frontend.send("UPLINK_SYNC", u8(attempt > 0 if up is None else up)
                           + u64(attempt) + string(host) + u16(port)
                           + string(path) + string(ADDRESS if attempt else ""))

    def state(self, attempt, state, retry_after_ms=0, why="why"):
        self.frontend.send("UPLINK_STATE", u64(attempt) + u8(state)
                           + u32(retry_after_ms) + string(why))

    def attempt(self):
        """Of the next connection that is handed over."""
        _, r = self.frontend.expect("UPLINK_FD")
        r.u32()
        assert r.u32() == self.generation
        return r.u64()

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


def waits_for_sync():
    main = Main()
    with Dialer(main.uplink) as d:
        d.to_run()
        main.not_dialled()
        assert d.row()["state"] == "idle"
        # Nor does another message do.
        d.state(1, UP)
        d.state(0, DOWN)
        d.wait_row("stale", "2")
        d.reload(main.uplink, ("127.0.0.1", 1, "/other"))
        main.not_dialled()
        d.sync()
        main.dialled()
        assert d.attempt() > 0


def adopts():
    main = Main()
    with Dialer(("127.0.0.1", 1, PATH), main.uplink) as d:
        d.to_run()
        d.sync(7, main.uplink)
        d.wait_row("state", "up")
        main.not_dialled()
        first, second = d.rows()["uplinks"]
        assert (first["state"], first["address"]) == ("standby", "")
        assert (second["state"], second["address"]) == ("up", ADDRESS)
        assert d.row()["dials"] == "0"
        # It may move in the list.
        d.reload(main.uplink)
        assert d.row()["state"] == "up"
        # The end of another one is none of its.
        d.state(8, DOWN)
        d.wait_row("stale", "1")
        assert d.row()["state"] == "up"
        d.state(7, DOWN)
        main.dialled()
        assert d.attempt() > 7
        d.state(7, UP)
        d.wait_row("stale", "2")


def adopts_no_other():
    main = Main()
    host, port, path = main.uplink
    for other in (("localhost", port, path), (host, port ^ 1, path),
                  (host, port, path + "/"), (host, port, ""), ("", 0, "")):
        with Dialer(main.uplink) as d:
            d.to_run()
            d.sync(7, other)
            main.dialled()
            attempt = d.attempt()
            assert attempt not in (0, 7)
            d.state(7, DOWN)
            d.wait_row("stale", "1")
            assert d.row()["state"] == "handshake"
            d.state(attempt, UP)
            d.wait_row("state", "up")
    with Dialer() as d:
        d.to_run()
        d.sync(7, main.uplink)
        d.alive()
        assert d.row()["state"] == "idle"
        main.not_dialled()


def adopted_and_unconfigured():
    main, other = Main(), Main()
    with Dialer(main.uplink) as d:
        d.to_run()
        d.sync(7, main.uplink)
        d.wait_row("state", "up")
        d.reload(other.uplink)
        other.dialled()
        assert d.attempt() > 7
        d.state(7, DOWN)
        d.wait_row("stale", "1")
        assert d.row()["state"] == "handshake"


def only_first():
    """One word of a front-end on what it has, and a consistent one."""
    main = Main()
    with Dialer(main.uplink) as d:
        d.to_run()
        d.sync(7, main.uplink)
        d.sync(7, main.uplink)
        d.expect_offence()
        for attempt, up in ((0, True), (7, False)):
            d.give_peer("frontend")
            d.sync(attempt, main.uplink, up)
            d.expect_offence()
        for uplink in (("x" * 256, 1, PATH), ("x", 1, "/" + "x" * 1024)):
            d.give_peer("frontend")
            d.sync(7, uplink)
            d.expect_offence()
        main.not_dialled()
        # The next one is heard, and is asked itself.
        d.give_peer("frontend")
        main.not_dialled()
        d.sync()
        main.dialled()
        d.attempt()
        d.sync()
        d.expect_offence()


def frontend_ends():
    """Its uplink ended with it."""
    main = Main()
    with Dialer(main.uplink) as d:
        d.to_run()
        d.sync(7, main.uplink)
        d.wait_row("state", "up")
        d.give_peer("frontend")
        d.wait_row("state", "idle")
        main.not_dialled()
        d.sync()
        main.dialled()
        d.attempt()


def attempts_are_new():
    """No dialer uses a number again."""
    main, last = Main(), 0
    for _ in range(3):
        with Dialer(main.uplink) as d:
            d.to_run()
            d.sync()
            for _ in range(3):
                main.dialled()
                attempt = d.attempt()
                assert attempt > last
                last = attempt
                d.frontend.sock.shutdown(2)
                try:
                    d.frontend.recv()
                except Gone:
                    pass
                d.give_peer("frontend")
                d.sync()


if __name__ == "__main__":
    if parent.find_program("dialer") is None:
        runner.run([])
    runner.run([(f.__name__, f, ()) for f in (
        waits_for_sync, adopts, adopts_no_other, adopted_and_unconfigured,
        only_first, frontend_ends, attempts_are_new)])
