#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""relay-dialer under a parent and a front-end of this test's making: it dials
only once it knows what the front-end holds, leaves alone what stands, and goes
back to a primary beside a fallback."""

import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import parent  # noqa: E402
import runner  # noqa: E402
from dialer_rig import (  # noqa: E402
    ADDRESS, DOWN, PATH, REFUSED, REGISTERED, UP, Dialer, Main)
from parent import Gone  # noqa: E402


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
        for up, attempt in ((True, 7), (False, 0)):
            d.sync(7, main.uplink)
            d.said(up, attempt, main.uplink)
            d.expect_offence()
            d.give_peer("frontend")
        for attempt, up in ((0, True), (7, False)):
            d.said(up, attempt, main.uplink)
            d.expect_offence()
            d.give_peer("frontend")
        for uplink in (("x" * 256, 1, PATH), ("x", 1, "/" + "x" * 1025)):
            d.said(True, 7, uplink)
            d.expect_offence()
            d.give_peer("frontend")
        main.not_dialled()
        # The next one is heard, and is asked itself.
        d.sync()
        main.dialled()
        d.attempt()
        d.sync()
        d.expect_offence()


def no_such_state():
    main = Main()
    with Dialer(main.uplink) as d:
        d.to_run()
        for state, main_id, why in ((0, "", ""), (5, "", ""),
                                    (UP, "x" * 254, ""), (UP, "a\0", ""),
                                    (DOWN, "", "x" * 634)):
            d.sync(7, main.uplink)
            d.state(7, state, main_id=main_id, why=why)
            d.expect_offence()
            d.give_peer("frontend")


def longest_reason():
    """With two ids of the longest: no offence, and it tries again."""
    main = Main()
    with Dialer(main.uplink) as d:
        d.to_run()
        d.sync()
        main.dialled()
        d.state(d.attempt(), REFUSED, why="x" * 633)
        d.alive()
        main.dialled()


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


# --- the return to the primary ---

def on_fallback(d, primary, fallback):
    """Up on uplink 1: its attempt."""
    d.to_run()
    d.sync(7, fallback.uplink)
    d.wait_row("state", "up")
    primary.dialled()
    return 7


def returns_to_primary():
    primary, fallback = Main(), Main()
    with Dialer(primary.uplink, fallback.uplink, hold_down_ms=1) as d:
        old = on_fallback(d, primary, fallback)
        attempt = d.attempt(0)
        first, second = d.rows()["uplinks"]
        assert (first["state"], second["state"]) == ("handshake", "up")
        # Not before it is registered.
        d.state(attempt, UP)
        d.state(old, REGISTERED)
        d.alive()
        d.state(attempt, REGISTERED)
        end = time.monotonic() + parent.TIMEOUT
        while [u["state"] for u in d.rows()["uplinks"]] != ["up", "standby"]:
            assert time.monotonic() < end, d.rows()
        # The old one is nothing to it.
        d.state(old, DOWN)
        d.wait_row("stale", "1")
        assert d.row()["state"] == "up"
        fallback.not_dialled()
        # And now the primary is what counts.
        d.state(attempt, DOWN)
        primary.dialled()
        assert d.attempt(0) > attempt


def returns_in_vain():
    primary, fallback = Main(), Main()
    with Dialer(primary.uplink, fallback.uplink, hold_down_ms=1) as d:
        on_fallback(d, primary, fallback)
        for state in (REFUSED, DOWN):
            d.state(d.attempt(0), state)
            primary.dialled()
        rows = d.rows()
        assert rows["uplinks"][1]["state"] == "up"
        assert rows["dialer"][0]["failures"] == "0"
        fallback.not_dialled()


def fallback_ends_meanwhile():
    primary, fallback = Main(), Main()
    with Dialer(primary.uplink, fallback.uplink, hold_down_ms=1) as d:
        old = on_fallback(d, primary, fallback)
        attempt = d.attempt(0)
        d.state(old, DOWN)
        d.wait_row("state", "handshake")
        primary.not_dialled()
        d.state(attempt, UP)
        d.wait_row("state", "up")
        fallback.not_dialled()


def adopts_the_first_of_several():
    main, other = Main(), Main()
    with Dialer(main.uplink, other.uplink) as d:
        d.to_run()
        for attempt, uplink in ((8, other.uplink), (7, main.uplink),
                                (9, other.uplink), (10, ("x", 1, PATH))):
            d.said(True, attempt, uplink)
        d.alive()
        main.not_dialled()
        d.sync()
        d.wait_row("state", "up")
        for attempt in (8, 9, 10):
            d.state(attempt, DOWN)
        d.wait_row("stale", "3")
        assert d.row()["state"] == "up"
        main.not_dialled()
        d.state(7, DOWN)
        main.dialled()


if __name__ == "__main__":
    if parent.find_program("dialer") is None:
        runner.run([])
    runner.run([(f.__name__, f, ()) for f in (
        waits_for_sync, adopts, adopts_no_other, adopted_and_unconfigured,
        only_first, no_such_state, longest_reason, frontend_ends,
        attempts_are_new, returns_to_primary, returns_in_vain, fallback_ends_meanwhile,
        adopts_the_first_of_several)])
