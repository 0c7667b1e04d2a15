# SPDX-License-Identifier: ISC
"""Connections that are half open, and handshakes that wait for the keeper."""

import socket
import struct
import time

from rig import wait_for
from steps import Http, get_close, start
from tls_rig import Place
from tls_steps import begin, get, handshake_fails, link


def many(fe):
    """600 connections; some are refused before they are here."""
    got = []
    for _ in range(600):
        try:
            got.append(fe.connect())
        except ConnectionResetError:
            pass
    return got


def test_tls_half_open():
    """Those that begin and do not go on: so many, and not for long."""
    with Place() as p:
        fe = p.start(connections=6000, per_address=6000)
        begin = time.monotonic()
        idle = many(fe)
        wait_for(lambda: fe.counters()["half_open_refused"] == 88, "refused")
        assert fe.counters()["half_open"] == 512
        wait_for(lambda: "512 of the address of 127.0.0.1" in fe.logged(),
                 "said so")
        assert time.monotonic() - begin < 9
        idle[0].close()
        wait_for(lambda: fe.counters()["half_open"] == 511, "one less")
        h = fe.http(p.client())
        get(fe, h)
        wait_for(lambda: fe.counters()["half_open"] == 511, "whole")
        for s in idle[1:20]:
            s.sendall(b"\x16\x03\x01\0\x80\1")
        wait_for(lambda: fe.counters()["half_open"] == 0, "in time")
        assert 9 < time.monotonic() - begin < 25
        assert "took too long" in fe.logged()
        get(fe, h)
        fe.stop()


def test_plain_half_open():
    fe = start(connections=6000, per_address=6000)
    idle = many(fe)
    wait_for(lambda: "512 of the address of 127.0.0.1" in fe.logged(),
             "refused")
    for s in idle[:100]:
        s.close()

    def again():
        h = Http(fe)
        try:
            get(fe, h)
            return h
        except (EOFError, OSError):
            return None
    h = wait_for(again, "room again")
    get(fe, h)
    fe.stop()


def test_tls_keeper():
    with Place() as p:
        fe = p.start()
        c = p.client()
        fe.refusing = True
        assert "alert" in handshake_fails(fe, c).lower()
        fe.refusing, fe.answering = False, False
        s = fe.connect()
        gone = [begin(fe, p) for _ in range(5)]
        assert int(fe.section("signatures")[0]["pending"]) == 5
        # its end, while the keeper works
        fe.keeper.s.shutdown(socket.SHUT_RDWR)
        wait_for(lambda: fe.section("signatures")[0]["failed"] == "5",
                 "failed")
        fe.asked.clear()
        fe.answering = True
        assert "alert" in handshake_fails(fe, c).lower()
        fe.start_keeper()
        get(fe, fe.http(c))
        # late answers, and answers to nothing
        for request_id in (0, 1, 2, 1 << 40):
            fe.keeper.send("KEY_SIGNED", struct.pack("<QI", request_id, 4) +
                           b"late")
        fe.keeper.send("KEY_SIGNED", struct.pack("<QI", 77, 0))
        get(fe, fe.http(c))
        assert fe.section("signatures")[0]["stale"] == "5"
        for g in (s, *gone):
            g.close()
        fe.stop()


def test_tls_paused_and_over():
    """It takes too long while the keeper works: no answer is too late."""
    with Place() as p:
        fe = p.start()
        fe.answering = False
        s = begin(fe, p)
        wait_for(lambda: fe.counters()["half_open"] == 0, "in time")
        assert fe.section("signatures")[0]["cancelled"] == "1"
        fe.answer()
        fe.answering = True
        get(fe, fe.http(p.client()))
        s.close()
        fe.stop()


def test_tls_stop():
    with Place() as p:
        fe = p.start()
        h = fe.http(p.client())
        link(fe, h, 3)
        fe.answering = False
        s = begin(fe, p)
        fe.stop()
        assert get_close(h, 1001) == "stopping"
        s.close()
