# SPDX-License-Identifier: ISC
"""Peers that are added and removed at run time, by HTTP and by relay-ctl."""

import json
import urllib.parse

from node import free_port
from process import wait_for
from wire import http


def token(main):
    return main.admin_token()


def add(main, tok, body, status=None, **headers):
    h = dict(headers)
    if tok is not None:
        h["Authorization"] = "Bearer " + tok
    if not isinstance(body, str):
        body = json.dumps(body)
    got, fields, out = http(main.port, "POST", "/federation/peers/add", body,
                            headers=h)
    if status is not None:
        assert got == status, (got, out, body)
    return fields, json.loads(out)


def delete(main, tok, name, status=None):
    h = {"Authorization": "Bearer " + tok} if tok else {}
    got, _, out = http(main.port, "DELETE", "/federation/peers/" +
                       urllib.parse.quote(name, safe=""), headers=h)
    if status is not None:
        assert got == status, (got, out, name)
    return out


def test_add_and_delete(t):
    a, b = t.main("a.main"), t.main("b.main")
    tok = token(a)
    _, out = add(a, tok, {"url": b.peer_url()}, 201)
    assert out["peer"]["url"] == b.peer_url(), out
    a.wait_peer(b)
    b.wait_peer(a)
    assert a.peer("b.main")["origin"] == "added"
    add(a, tok, {"url": b.peer_url()}, 409)
    add(a, tok, {"url": b.peer_url().replace("/ws/peers", "")}, 409)
    delete(a, tok, b.peer_url(), 200)
    wait_for(lambda: a.get("/federation/peers")["count"] == 0, "it is gone")
    delete(a, tok, b.peer_url(), 404)
    add(a, tok, {"url": b.peer_url(), "node_id": "b.main"}, 201)
    a.wait_peer(b)
    delete(a, tok, "b.main", 200)
    wait_for(lambda: b.get("/federation/peers")["count"] == 0, "b's side, too")


def test_rights(t):
    a, b = t.main("a.main"), t.main("b.main")
    body = {"url": b.peer_url()}
    tok = token(a)
    for bad in (None, "", "x", tok[:-1], tok + "x", tok.swapcase()):
        fields, out = add(a, bad, body, 401)
        assert fields["www-authenticate"].lower().startswith("bearer"), fields
        assert "admin" in out["error"], out
    for scheme in ("Basic " + tok, tok, "Bearer", "Bearer  ", "Token " + tok):
        add(a, None, body, 401, Authorization=scheme)
    delete(a, None, b.peer_url(), 401)
    assert a.get("/federation/peers")["count"] == 0
    # Another Main's is no good, two are valid at a time, revoked are none.
    add(a, token(b), body, 401)
    second = token(a)
    third = token(a)
    add(a, tok, body, 401)
    add(a, second, body, 201)
    add(a, third, body, 409)
    a.ctl("token", "revoke", "admin", check=0)
    for old in (tok, second, third):
        add(a, old, body, 401)
    # No token is in the log or in a process's title.
    for node in (a, b):
        assert tok not in node.log() and second not in node.log()


def test_bad_requests(t):
    a = t.main("a.main")
    tok = token(a)
    for body in ("", "{", "[]", "7", "null", "{}", '{"url":7}', '{"url":""}',
                 '{"url":"x","url":"y"}',
                 {"url": "http://127.0.0.1:1"},
                 {"url": "wss://127.0.0.1:1", "insecure": True},
                 {"url": "ws://"},
                 {"url": "ws://127.0.0.1:0"},
                 {"url": "ws://127.0.0.1:99999"},
                 {"url": "ws://127.0.0.1:1/ws/peers#x"},
                 {"url": "ws://user@127.0.0.1:1"},
                 {"url": "ws://127.0.0.1:1/a b"},
                 {"url": "ws://ho st:1"},
                 {"url": "ws://127.0.0.1:1" + "/x" * 3000},
                 {"url": "ws://example.com:1"},
                 {"url": "ws://127.0.0.1:1", "node_id": "bad id"},
                 {"url": "ws://127.0.0.1:1", "node_id": "a.main"},
                 {"url": "ws://127.0.0.1:1", "node_id": 7},
                 {"url": "ws://127.0.0.1:1", "persist": "yes"},
                 {"url": "ws://127.0.0.1:1", "insecure": 1},
                 {"url": a.peer_url()}):
        _, out = add(a, tok, body, 400)
        assert out["error"], (body, out)
    assert a.get("/federation/peers")["count"] == 0
    h = {"Authorization": "Bearer " + tok}
    got = http(a.port, "POST", "/federation/peers/add", "{}", headers=h,
               ctype="text/plain")
    assert got[0] == 415, got
    got = http(a.port, "GET", "/federation/peers/add", headers=h)
    assert got[0] == 405 and "POST" in got[1]["allow"], got
    h["Origin"] = "http://evil.example"
    got = http(a.port, "POST", "/federation/peers/add", "{}", headers=h)
    assert got[0] == 403, got
    for name in ("", "%", "%zz", "%00", "%ff", "x" * 4000):
        got = http(a.port, "DELETE", "/federation/peers/" + name,
                   headers={"Authorization": "Bearer " + tok})
        assert got[0] in (400, 404, 405, 414, 431), (name, got)


def test_unreachable(t):
    a = t.main("a.main")
    tok = token(a)
    url = "ws://127.0.0.1:%d/ws/peers" % free_port()
    add(a, tok, {"url": url}, 201)
    p = wait_for(lambda: a.peer(url, tok) and a.peer(url, tok)["reason"] and
                 a.peer(url, tok), "its state says why")
    assert p["state"] != "up" and "refused" in p["reason"], p
    # But only to who may change peers.
    other = json.loads(a.ctl("-j", "token", "create", "ci",
                             check=0)[1])["token"]
    for who in (None, other):
        p = a.peer(url, who)
        assert p["state"] != "up" and "reason" not in p, p
    add(a, tok, {"url": "ws://nobody.invalid:1", "insecure": True}, 201)
    wait_for(lambda: (a.peer("ws://nobody.invalid:1/ws/peers", tok) or
                      {}).get("reason"), "and of a name nobody has")
    assert a.get("/federation/health")["status"] == "partitioned"


def test_own_url_that_cannot_be_told(t):
    """By another name: found out at the handshake."""
    a = t.main("a.main")
    tok = token(a)
    url = "ws://localhost:%d/ws/peers" % a.port
    _, out = add(a, tok, {"url": url})
    if "peer" not in out:
        assert "itself" in out["error"], out
        return
    wait_for(lambda: "own" in (a.peer(url, tok) or {"reason": ""})["reason"],
             "the state says that it is itself")


def test_persist(t):
    b, c = t.main("b.main"), t.main("c.main")
    a = t.main("a.main")
    tok = token(a)
    add(a, tok, {"url": b.peer_url(), "persist": True}, 201)
    add(a, tok, {"url": c.peer_url()}, 201)
    a.wait_peer(b, c)
    # A reload leaves both.
    a.ctl("reload", check=0)
    assert {p["node_id"] for p in a.get("/federation/peers")["peers"]} == {
        "b.main", "c.main"}
    assert a.peer("b.main")["origin"] == "persisted"
    # So does the end of a process.
    import os
    import signal
    for prog in ("relay-registry", "relay-dialer"):
        pid = a.wait_children()[prog]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: a.children().get(prog, pid) != pid, prog)
        wait_for(lambda: a.peer("b.main") and a.peer("c.main"),
                 "both are still known after the end of " + prog)
        a.wait_peer(b, c)
    a.stop()
    a = a.restart()
    a.wait_peer(b)
    assert a.peer(c.peer_url()) is None
    # The token is still good, and what is removed stays away.
    delete(a, tok, "b.main", 200)
    a.stop()
    a = a.restart()
    assert a.get("/federation/peers")["count"] == 0


def test_configured_ones_follow_the_file(t):
    b = t.main("b.main")
    a = t.main("a.main", peers=[b])
    a.wait_peer(b)
    tok = token(a)
    out = delete(a, tok, "b.main")
    assert b"relayd.conf" in out or b"configured" in out, out
    assert a.peer("b.main")["state"] == "up"
    a.peers[:] = []
    a.write_conf()
    a.ctl("reload", check=0)
    wait_for(lambda: a.get("/federation/peers")["count"] == 0, "it is gone")


def test_relay_ctl(t):
    a, b = t.main("a.main"), t.main("b.main")
    a.ctl("peer", "add", b.peer_url(), check=0)
    a.wait_peer(b)
    code, out, err = a.ctl("show", "peers", check=0)
    assert "b.main" in out and "up" in out, out
    assert a.ctl("peer", "add", b.peer_url())[0] == 1
    assert a.ctl("peer", "add", "http://x")[0] == 1
    assert a.ctl("peer", "add")[0] == 1
    assert a.ctl("peer", "nonsense", "x")[0] == 1
    assert a.ctl("peer", "delete", "nobody.main")[0] == 3
    assert a.ctl("peer", "reset", "nobody.main")[0] == 3
    before = [s["session"] for s in a.show("sessions")["sessions"]]
    a.ctl("peer", "reset", "b.main", check=0)
    wait_for(lambda: [s["session"] for s in
                      a.show("sessions").get("sessions", [])] != before,
             "the old link is gone")
    a.wait_peer(b)
    a.ctl("peer", "delete", b.peer_url(), check=0)
    wait_for(lambda: a.show("peers").get("peers", []) == [], "none is left")
    home = t.home("h.home", a)
    for args in (("peer", "add", b.peer_url()), ("node", "list"),
                 ("enroll", "x.home")):
        code, out, err = home.ctl(*args)
        assert code == 1 and "home" in (out + err).lower(), (code, out, err)


def dials_failed(main):
    code, out, err = main.ctl("-j", "show", "summary", check=0)
    return int(json.loads(out)["dialer"][0]["failed"])


def test_a_peer_that_is_away_does_not_fill_the_log(t):
    """Told once, not each time it is dialled; and again when it is there."""
    port = free_port()
    url = "ws://127.0.0.1:%d/ws/peers" % port
    a = t.main("a.main")
    a.ctl("peer", "add", url, check=0)
    for _ in range(5):
        before = dials_failed(a)
        # This dials at once.
        a.ctl("peer", "reset", url, check=0)
        wait_for(lambda: dials_failed(a) > before, "it is dialled")
    assert a.log().count("cannot be reached") == 1, a.log()
    b = t.main("b.main", port=port)
    a.ctl("peer", "reset", url, check=0)
    a.wait_peer(b)
    a.wait_log("peer %s is up: b\\.main" % url)


def test_another_node_id_by_reload(t):
    """A link with a Main that the file does not mean any more ends."""
    b = t.main("b.main")
    a = t.main("a.main", peers=[b])
    a.wait_peer(b)
    known = '"%s"' % b.peer_url()
    text = a.conf_text()
    assert known in text
    a.write_conf(text.replace(known, known + ' { node "c.main" }'))
    a.ctl("reload", check=0)
    wait_for(lambda: b.get("/federation/peers")["count"] == 0, "it is ended")
    tok = token(a)
    wait_for(lambda: "calls itself b.main" in (
        a.peer("c.main", tok)["reason"] or ""), "the peer says why")
    a.write_conf(text.replace(known, known + ' { node "b.main" }'))
    a.ctl("reload", check=0)
    a.wait_peer(b)
