#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""relay-dialer on a Main: it dials its peers one by one."""

import socket
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import parent  # noqa: E402
import runner  # noqa: E402
from dialer_rig import (  # noqa: E402
    AT_ONCE, DOWN, GO_ON, HOLD, PATH, REFUSED, REGISTERED, UP, Dialer, Main)
from fields import u32  # noqa: E402


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def peers_are_dialled_one_by_one():
    a, b = Main(), Main()
    with Dialer(a.uplink, ("127.0.0.1", closed_port(), "/ws/peers"),
                b.uplink, role="main") as d:
        d.to_run()
        for i in range(3):
            assert d.peer_state(i, "waiting") == ("waiting", 0, "", "")
        a.not_dialled()
        d.sync()
        a.dialled()
        b.dialled()
        attempts = dict(d.handed_over() for _ in range(2))
        assert sorted(attempts) == [0, 2]
        for i in (0, 2):
            d.peer_state(i, "dialing")
            d.peer_state(i, "handshake")
        d.peer_state(1, "dialing")
        state, _, _, why = d.peer_state(1, "waiting")
        assert why.startswith("cannot be reached: "), why
        d.state(attempts[0], UP, main_id="main-a")
        assert d.peer_state(0, "up") == ("up", 0, "main-a", "")
        # Its name is news of a refusal too.
        d.state(attempts[2], REFUSED, 60000, "HTTP 409 linked", "main-c")
        state, retry, node, why = d.peer_state(2, "waiting")
        assert (node, why) == ("main-c", "was refused: HTTP 409 linked")
        assert 59000 <= retry <= 60000, retry
        d.state(attempts[0], REGISTERED, main_id="main-a")
        rows = d.rows()
        assert [r["state"] for r in rows["dialed_peers"]][::2] == [
            "up", "waiting"], rows
        assert "uplinks" not in rows
        d.state(attempts[0], DOWN, why="closed")
        assert d.peer_state(0, "waiting")[3] == "is down: closed"
        a.dialled()


def peer_is_held():
    main = Main()
    with Dialer(main.uplink, role="main") as d:
        d.to_run()
        d.peer_state(0, "waiting")
        d.dial(0, HOLD)
        d.peer_state(0, "held")
        d.sync()
        d.alive()
        main.not_dialled()
        assert d.rows()["dialed_peers"][0]["state"] == "held"
        # A word about it is answered, whether it changes anything or not.
        d.dial(0, HOLD)
        d.peer_state(0, "held")
        # It holds over a reload of the same, not of another.
        d.reload(main.uplink)
        d.peer_state(0, "held")
        main.not_dialled()
        d.dial(0, GO_ON)
        main.dialled()
        attempt = d.attempt(0)
        d.state(attempt, UP, main_id="main-a")
        d.wait_peer(0, "up")
        # Held while up: it is not ended, nor dialled again.
        d.dial(0, HOLD)
        assert d.peer_state(0, "up") == ("up", 0, "main-a", "")
        d.state(attempt, DOWN, why="replaced")
        assert d.peer_state(0, "held") == ("held", 0, "main-a",
                                           "is down: replaced")
        main.not_dialled()
        d.dial(0, AT_ONCE)
        main.dialled()


def peer_at_once():
    main = Main()
    with Dialer(main.uplink, role="main") as d:
        d.to_run()
        d.sync()
        main.dialled()
        d.state(d.attempt(0), REFUSED, 600000)
        for state in ("waiting", "dialing", "handshake"):
            d.peer_state(0, state)
        assert d.peer_state(0, "waiting")[1] > 500000
        d.dial(0, GO_ON)
        assert d.peer_state(0, "waiting")[1] > 500000
        main.not_dialled()
        d.dial(0, AT_ONCE)
        main.dialled()
        d.attempt(0)


def peer_dial_of_none():
    """Of another generation, of a peer that is not there, or at a home."""
    main = Main()
    with Dialer(main.uplink, role="main") as d:
        d.to_run()
        d.peer_state(0, "waiting")
        d.sync()
        main.dialled()
        d.attempt(0)
        for stale, (peer, generation) in enumerate((
                (1, 1), (64, 1), (0xffffffff, 1), (0, 2),
                (0, 0xffffffff)), 1):
            for what in (HOLD, GO_ON, AT_ONCE):
                d.dial(peer, what, generation)
            d.wait_row("stale", str(3 * stale))
        assert d.rows()["dialed_peers"][0]["state"] == "handshake"
    with Dialer(main.uplink) as d:
        d.to_run()
        d.dial(0, HOLD)
        d.wait_row("stale", "1")
        d.sync()
        main.dialled()


def peer_dial_of_no_kind():
    for what in (0, 4, 255):
        with Dialer(Main().uplink, role="main") as d:
            d.to_run()
            d.dial(0, what)
            assert d.wait() != 0


def peers_change():
    """A reload keeps the peers that stay, under a new index."""
    a, b, c = Main(), Main(), Main()
    with Dialer(a.uplink, b.uplink, role="main") as d:
        d.to_run()
        d.sync()
        a.dialled()
        b.dialled()
        attempts = dict(d.handed_over() for _ in range(2))
        d.state(attempts[0], UP, main_id="main-a")
        d.state(attempts[1], UP, main_id="main-b")
        for i in range(2):
            d.wait_peer(i, "up")
        d.reload(b.uplink, c.uplink)
        assert d.peer_state(0, "up")[2] == "main-b"
        c.dialled()
        d.attempt(1)
        b.not_dialled()
        # The one that went is nobody's.
        d.state(attempts[0], DOWN)
        d.wait_row("stale", "1")
        d.state(attempts[1], DOWN, why="x")
        d.peer_state(0, "waiting")
        b.dialled()
        # A peer that is back is a new one.
        d.reload()
        assert "dialed_peers" not in d.rows()
        d.ch.states.clear()
        d.reload(a.uplink)
        a.dialled()
        assert d.rows()["dialed_peers"][0]["peer"] == "0"


def peers_adopted():
    a, b = Main(), Main()
    with Dialer(a.uplink, b.uplink, role="main") as d:
        d.to_run()
        # One it does not know, and one twice.
        d.said(True, 5, ("127.0.0.1", 1, PATH))
        d.said(True, 6, b.uplink)
        d.said(True, 7, b.uplink)
        d.peer_state(1, "waiting")
        assert d.peer_state(1, "up") == ("up", 0, "r.test", "")
        a.not_dialled()
        d.sync()
        a.dialled()
        b.not_dialled()
        d.state(5, DOWN)
        d.state(7, DOWN)
        d.wait_row("stale", "2")
        assert d.rows()["dialed_peers"][1]["state"] == "up"
        d.state(6, DOWN)
        b.dialled()


def no_uplinks_on_a_main():
    for role, name, encode in (("main", "CONF_UPLINK", parent.conf_uplink),
                               ("home", "CONF_PEER", parent.conf_peer)):
        with Dialer(role=role) as d:
            d.to_run()
            d.ch.send("CONF_BEGIN", u32(2))
            d.ch.send(name, encode(0, "x", 1, "/x"))
            assert d.wait() != 0


if __name__ == "__main__":
    if parent.find_program("dialer") is None:
        runner.run([])
    runner.run([(f.__name__, f, ()) for f in (
        peers_are_dialled_one_by_one, peer_is_held, peer_at_once,
        peer_dial_of_none, peer_dial_of_no_kind, peers_change, peers_adopted,
        no_uplinks_on_a_main)])
