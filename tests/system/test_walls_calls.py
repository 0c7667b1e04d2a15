# SPDX-License-Identifier: ISC
"""
Walls: a dialer and a backend that were taken over: connections and calls that
are not theirs.
"""

import http.client
import json
import socket
import struct

from fields import NONE, data, string, u8, u32, u64
from process import wait_for
from puppet import Ended
from siege import Siege, victim
from wire import remote

TIMEOUT = 180


# --- a dialer ---

def test_dialer_wrong_place(t):
    """A connection that it made to somewhere else proves nothing: the
    front-end wants the Main's certificate of the one that was to be dialled.
    """
    s = Siege(t, "dialer")
    listener, reached = victim()
    address = struct.pack("<H", socket.AF_INET) + struct.pack(
        ">H", listener.getsockname()[1]) + socket.inet_aton("127.0.0.1")
    for uplink, generation in ((0, 1), (0, 2), (9, 1), (NONE, NONE)):
        fd, why = s.puppet.call("socket", socket.AF_INET, socket.SOCK_STREAM,
                                0)
        assert fd >= 0, why
        assert s.puppet.call("connect", fd, address + bytes(8), 16)[0] == 0
        assert reached()
        s.puppet.say("frontend", "UPLINK_FD", u32(uplink) + u32(generation)
                     + u64(1 << 60) + string("127.0.0.1:9"), fd)
    listener.close()
    assert s.puppet.alive()
    assert s.node.peer("wss://127.0.0.1:9/ws/peers")["state"] != "up"
    s.stands()


def test_dialer_tells_of_no_peer(t):
    """States of peers there are none of end it, or are of no account."""
    s = Siege(t, "dialer")
    for peer, generation, state in ((99, 1, 4), (0, 1, 99)):
        try:
            s.puppet.say("parent", "DIAL_STATE", u32(peer) + u32(generation)
                         + u8(state) + u32(0) + string("mallory.main")
                         + string(""))
        except Ended:
            pass
    s.node.wait_ready()
    assert not any(r.get("node_id") == "mallory.main" and r["state"] == "up"
                   for r in s.node.get("/federation/peers")["peers"])
    s.same_rows()


# --- a backend ---

def test_backend_results_of_others(t):
    """Answers to calls that it was not asked go nowhere."""
    s = Siege(t, "backend")
    s.puppet.mute("BACKEND_CALL")
    conn = http.client.HTTPConnection("127.0.0.1", s.node.port, timeout=30)
    conn.request("POST", "/rpc", json.dumps(remote(
        "echo", "echo", ["x"], timeout=20)),
        {"Content-Type": "application/json"})
    call = int.from_bytes(s.puppet.hear("BACKEND_CALL")[:8], "little")
    for guess in [0, 1, (1 << 64) - 1] + [
            (call + d) & ((1 << 64) - 1) for d in range(-50, 51) if d]:
        s.puppet.say("router", "BACKEND_RESULT", u64(guess) + u8(1) + u32(0)
                     + u8(2) + string("") + data('"forged"'))
    s.puppet.say("router", "BACKEND_RESULT", u64(call) + u8(1) + u32(0)
                 + u8(2) + string("") + data('"its own"'))
    answer = json.loads(conn.getresponse().read())
    assert answer["result"] == "its own", answer
    s.stands()


def test_backend_connects_where_it_may(t):
    """It names services, not addresses: there is nothing to ask for."""
    s = Siege(t, "backend")
    for service in (0, 1, 2, 99, NONE):
        s.puppet.say("dialer", "SERVICE_CONNECT", u32(service) + u32(1)
                     + u64((1 << 60) + service))
        answer = s.puppet.hear("SERVICE_CONNECTED")
        assert answer[:8] == u64((1 << 60) + service), answer
        assert len(answer) > 10, "refused with a reason"
    s.stands()


def test_backend_restarts_none_of_others(t):
    """Its own services it may have started anew; there are no others."""
    s = Siege(t, "backend")
    try:
        for service, instance in ((99, 0), (NONE, 0), (0, 99), (1, NONE)):
            s.puppet.say("parent", "SERVICE_RESTART", u32(service) + u32(1)
                         + u32(instance) + string("walls"))
    except Ended:
        s.blamed()
    s.node.wait_ready()
    wait_for(lambda: s.node.rpc(remote("echo", "echo", [1])).get("result")
             == [1], "the service answers")
    s.stands()
