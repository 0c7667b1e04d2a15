# SPDX-License-Identifier: ISC
"""
Walls: every message of the table that a process may not say, from that
process taken over: to its parent in each phase of its life, and to each
process it has a channel with; in the wrong phase, of wrong sizes, with fds
that belong to none.
"""

import os
import random
import signal

from campaign import Campaign, wrong
from fields import EDGES, PROC, frame, string, u8, u32
from puppet import IN_CONF, IN_SETUP, Ended
from siege import LIVES, Siege

TIMEOUT = 300
MIN_CASES = 90  # of 95 messages and more nobody may say many
STDERR = 2  # an fd that each process has


def campaign(t, proc, to, phase):
    tried = Campaign(t, proc, to, phase).run()
    assert tried > MIN_CASES, tried


def as_installed(t, proc):
    """Some of them to the parent as it is installed."""
    s = Siege(t, proc)
    cases = list(wrong(proc, "parent", "RUN"))
    random.Random(proc).shuffle(cases)
    for name, raw, fd in cases[:LIVES]:
        try:
            s.puppet.send("parent", raw, STDERR if fd else -1)
        except Ended:
            pass
        s.blamed("channel: %s" % name)
    s.stands()


def _make():
    for proc, peers in EDGES.items():
        cases = [("parent", phase) for phase in ("SETUP", "CONF", "RUN")]
        for to, phase in cases + [(peer, "RUN") for peer in peers]:
            def test(t, proc=proc, to=to, phase=phase):
                campaign(t, proc, to, phase)
            in_phase = "" if phase == "RUN" else "_in_" + phase.lower()
            globals()["test_%s_to_%s%s" % (proc, to, in_phase)] = test

        def some(t, proc=proc):
            as_installed(t, proc)
        globals()["test_%s_to_parent_as_installed" % proc] = some


_make()


# --- the wrong phase ---

def early(t, proc, stage, name, payload=b""):
    """One that says it before its time: not in service, and the next is."""
    s = Siege(t, proc)
    s.puppet.stage(stage)
    s.puppet.due(frame(name, payload))
    os.kill(s.puppet.last, signal.SIGKILL)
    s.wait_log(r"%s .*killed: channel: %s" % (proc, name))
    s.puppet.stage(0)
    s.puppet.wait()
    s.wait_log("%s runs again" % proc)
    s.stands()


def test_frontend_early(t):
    """Nobody is let in before the set-up is over."""
    early(t, "frontend", IN_SETUP, "WATCHDOG_ACK", u32(1))


def test_router_early(t):
    early(t, "router", IN_CONF, "DRAINED", u32(0))


def test_dialer_early(t):
    early(t, "dialer", IN_CONF, "DIAL_STATE", u32(0) + u32(1) + u8(4) + u32(0)
          + string("") + string(""))


def test_backend_early(t):
    early(t, "backend", IN_SETUP, "SERVICE_RESTART", u32(0) + u32(1) + u32(0)
          + string(""))


# --- accusations ---

def test_accuse_up(t):
    """Who accuses one that is trusted more has accused itself."""
    s = Siege(t, "frontend")
    for proc in ("router", "registry", "keeper", "parent"):
        try:
            s.puppet.say("parent", "OFFENDER", u8(PROC[proc]) + string("he"))
        except Ended:
            pass
        s.blamed("channel: OFFENDER")
    s.stands()
