# SPDX-License-Identifier: ISC
"""
Rules: who may link, publish, be told, call and administer; at ingress, at the
callee's Main and at the callee's home; what views show; what explain says.
"""

import json

from answers import check_error
from process import wait_for
from trust import KeyAuth
from wire import Refused, call, http, remote
from wire_peer import Peer

FORBIDDEN = -32020


def token(main, name):
    code, out, err = main.ctl("token", "create", name)
    assert code == 0 and len(out.split()) == 1, (out, err)
    return out.strip()


def explain(node, *args, check=None):
    code, out, err = node.ctl("-j", "explain", *args)
    if check is not None:
        assert code == check, (args, out, err)
    return json.loads(out)


def test_connect(t):
    main = t.main(extra='deny connect from home "evil.*"\n'
                  'deny connect from main any\n'.replace("main any",
                                                         'main "*"'))
    for node, kw in (("evil.home", {}), ("EVIL.x", {})):
        try:
            main.link(node, **kw).abort()
        except Refused as e:
            assert e.status == 403, e
            assert b"relayd.conf" not in e.body and b"deny" not in e.body, e
        else:
            raise AssertionError(node)
    main.wait_log(r"evil\.home.*relayd\.conf:\d+")
    link = main.link("good.home")
    t.links.append(link)
    link.register(["blog"])
    try:
        Peer(main.port, "b.main").abort()
    except Refused as e:
        assert e.status == 403, e
    else:
        raise AssertionError("a peer")
    # At a reload who may not any more is cut.
    main.extra = 'deny connect from any\n'
    main.reload()
    link.expect_close(1008)


def test_publish(t):
    main = t.main(extra='allow publish from home "alice.*" service "blog*"\n'
                  'deny publish from home "*" visibility federation\n'
                  'deny publish service "secret"\n')
    a, b = main.link("alice.home"), main.link("bob.home")
    t.links += [a, b]
    data = a.register(["blog", "blog2", "secret", {
        "service_name": "local", "visibility": "main"}])
    names = {s["service_name"] for s in data["accepted"]}
    assert names == {"blog", "blog2", "local"}, data
    rule = data["rejected"][0]
    assert rule["service_name"] == "secret", data
    assert "deny publish" in rule["rule"], data
    assert "relayd.conf" not in json.dumps(data), data
    data = b.register(["blog"])
    assert data["accepted"] == [], data
    assert {k[1] for k in main.registry()} == {"blog", "blog2", "local"}
    # New rules are held against all that homes offer.
    main.extra = 'deny publish service "blog2"\n'
    main.reload()
    wait_for(lambda: set(main.registry()) == {
        ("alice.home", "blog"), ("alice.home", "local"),
        ("alice.home", "secret"), ("bob.home", "blog")},
        "what may be is there, and nothing else")


def test_publish_at_the_home(t):
    """The home's own rules hold what is to stay."""
    main = t.main()
    t.home("alice.home", main, services=t.service("echo") +
           t.service("diary"), extra='deny publish service "diary"\n')
    main.wait_service("alice.home", "echo")
    assert {k[1] for k in main.registry()} == {"echo"}


def called(main, server, **kw):
    """True if the service was called, which says that it knows no such
    method; else the code of the error."""
    a = main.rpc(remote(server, kw.pop("method", "x"), [1],
                        node=kw.pop("node", None)), **kw)
    return a["error"]["code"] == -32601 or a["error"]["code"]


def test_call_by_token(t):
    main = t.main(extra='allow call from token "ci" service "echo"\n'
                  'deny call from token "*"\n'
                  'allow call from anonymous service "echo" method "get*"\n'
                  'deny call from anonymous\n')
    t.home("alice.home", main, services=t.service("echo") +
           t.service("other"))
    wait_for(lambda: len(json.loads(main.ctl(
        "-j", "show", "services", check=0)[1])["services"]) == 2, "both")
    ci, guest = token(main, "ci"), token(main, "guest")
    assert called(main, "echo", token=ci) is True
    assert called(main, "other", token=ci) == FORBIDDEN
    assert called(main, "echo", token=guest) == FORBIDDEN
    assert called(main, "echo") == FORBIDDEN
    assert called(main, "echo", method="get_post") is True
    assert called(main, "other", method="get_post") == FORBIDDEN
    a = main.rpc(remote("other", "x", [1]))
    check_error(a, FORBIDDEN, stage="ingress")
    assert a["error"]["data"]["executed"] == "no", a
    assert "relayd.conf" not in json.dumps(a), a
    # Nobody has this one.
    body = json.dumps(call("x"))
    for bad in ("nobody", "", "x" * 3000):
        status, fields, _ = http(main.port, "POST", "/rpc", body,
                                 headers={"Authorization": "Bearer " + bad})
        assert status in (400, 401), (bad, status)
    # Views show what may be called.
    seen = {who: {s["service_name"] for s in main.get(
        "/registry", token=tok)["services"]}
        for who, tok in (("ci", ci), ("guest", guest), ("anonymous", None))}
    assert seen == {"ci": {"echo"}, "guest": set(), "anonymous": {"echo"}}, \
        seen
    # Operators are not subject to it.
    main.ctl("call", "other", "echo", "[1]", check=0)
    # A token that is revoked ends within seconds.
    main.ctl("token", "revoke", "ci", check=0)
    wait_for(lambda: http(main.port, "GET", "/registry", headers={
        "Authorization": "Bearer " + ci})[0] == 401, "it is gone")


def test_call_between_homes(t):
    main = t.main(extra='deny call from home "mallory.*" service "echo"\n'
                  'deny call service "echo" method "admin_*"\n')
    t.home("alice.home", main, services=t.service("echo"))
    bob = t.home("bob.home", main)
    mallory = main.link("mallory.home")
    t.links.append(mallory)
    main.wait_service("alice.home", "echo")
    bob.wait_linked(main)
    assert called(bob, "echo") is True
    assert called(bob, "echo", method="admin_drop") == FORBIDDEN
    a = mallory.call("echo", "x", [1])
    err = a["data"] if a["type"] == "error" else a["jsonrpc_response"]["error"]
    assert err["code"] == FORBIDDEN, a
    # Also by the node's name, and as a notification, nothing comes through.
    a = mallory.call("echo", "x", [1], dest={"type": "home",
                                             "id": "alice.home"})
    assert "forbidden" in json.dumps(a), a
    # And who is not told of it cannot see it.
    a = mallory.call("relay", "services", {})
    assert "echo" not in json.dumps(a["jsonrpc_response"]["result"]), a


def test_choice_skips_what_is_denied(t):
    """Of two instances only the one that may be called is."""
    main = t.main(extra='deny call to home "a.home" service "echo"\n')
    for node in ("a.home", "b.home"):
        t.home(node, main, services=t.service("echo", program="echo.py"))
        main.wait_service(node, "echo") if node == "b.home" else None
    wait_for(lambda: len(json.loads(main.ctl(
        "-j", "show", "services", check=0)[1])["services"]) == 2, "both")
    for _ in range(20):
        assert called(main, "echo") is True
    assert called(main, "echo", node="a.home") == FORBIDDEN
    rows = json.loads(main.ctl("-j", "explain", "anonymous", "echo", "x",
                               check=0)[1])
    verdicts = {c["node_id"]: c["verdict"] for c in rows["candidates"]}
    assert set(verdicts) == {"a.home", "b.home"}, rows
    assert "relayd.conf:" in json.dumps(rows), rows


def test_at_the_home(t):
    """A home has the last word, whatever its Main lets pass."""
    main = t.main()
    t.home("alice.home", main, services=t.service("echo"),
           extra='allow call from home "bob.home" service "echo"\n'
                 'deny call\n')
    bob = t.home("bob.home", main)
    main.wait_service("alice.home", "echo")
    bob.wait_linked(main)
    assert called(bob, "echo") is True
    assert called(main, "echo") == FORBIDDEN
    check_error(main.rpc(remote("echo", "x", [1])), FORBIDDEN,
                stage="backend")


def test_export(t):
    """What a peer is not told of it cannot call either."""
    a = t.main("a.main", extra='deny export to main "b.*" service "secret"\n')
    b = t.main("b.main", peers=[a])
    c = t.main("c.main", peers=[a, b])
    t.home("alice.home", a, services=t.service("echo") +
           t.service("secret"))
    b.wait_federated("a.main", "alice.home", "echo")
    c.wait_federated("a.main", "alice.home", "echo", "secret")
    assert ("a.main", "alice.home", "secret") not in b.federation()
    assert called(c, "secret") is True
    assert called(b, "secret") is not True
    assert called(b, "secret", node="alice.home@a.main") == FORBIDDEN
    assert called(b, "echo") is True
    # A change of the rules is a change of what is told.
    a.extra = ""
    a.reload()
    b.wait_federated("a.main", "alice.home", "echo", "secret")
    a.extra = 'deny export service "echo"\n'
    a.reload()
    wait_for(lambda: ("a.main", "alice.home", "echo") not in b.federation(),
             "it is not told any more")


def test_import(t):
    a = t.main("a.main")
    b = t.main("b.main", peers=[a],
               extra='deny import from main "a.main" service "echo"\n')
    t.home("alice.home", a, services=t.service("echo") +
           t.service("other"))
    b.wait_federated("a.main", "alice.home", "other")
    assert ("a.main", "alice.home", "echo") not in b.federation()
    assert called(b, "echo") is not True
    assert called(b, "echo", node="alice.home@a.main") == FORBIDDEN
    assert called(b, "other", node="alice.home@a.main") is True
    b.extra = ""
    b.reload()
    b.wait_federated("a.main", "alice.home", "echo")


def test_call_across(t):
    """The callee's Main judges again, by who calls from where."""
    a = t.main("a.main", extra='deny call from home "mallory.*@b.main"\n')
    b = t.main("b.main", peers=[a])
    t.home("alice.home", a, services=t.service("echo"))
    bob = t.home("bob.home", b)
    mallory = t.home("mallory.home", b)
    b.wait_federated("a.main", "alice.home", "echo")
    bob.wait_linked(b)
    mallory.wait_linked(b)
    assert called(bob, "echo") is True
    assert called(mallory, "echo") == FORBIDDEN


def test_admin(t):
    main = t.main(extra='allow admin from token "ops"\n'
                  'deny admin from any\n')
    ops, admin = token(main, "ops"), token(main, "admin")
    body = json.dumps({"url": "ws://127.0.0.1:1"})

    def add(tok):
        return http(main.port, "POST", "/federation/peers/add", body, headers={
            "Authorization": tok and "Bearer " + tok})[0]
    assert add(None) == 401
    assert add("nobody") == 401
    assert add(admin) == 403
    assert add(ops) == 201
    # Without a rule: the token named admin, and no other.
    main.extra = ""
    main.reload()
    body = json.dumps({"url": "ws://127.0.0.1:2"})
    assert add(ops) == 403
    assert add(admin) == 201


def test_warnings(t):
    main = t.main(extra='deny call from anonymous\n'
                  'allow call from anonymous service "echo"\n'
                  'home "alice.home" { key "%s" }\n'
                  'deny connect from home "alcie.home"\n' % KeyAuth().text)
    code, out, err = t.run([main.argv[0], "-n", "-f", main.conf])
    text = out + err
    assert code == 0, text
    assert "never" in text and "alcie.home" in text, text
    for wrong in ("deny call from nobody", "permit call",
                  'deny call service "a b"', 'deny call method',
                  'deny publish method "x"', 'deny connect service "x"',
                  'deny export from main "x"', 'deny admin from home "x"',
                  'allow call from home'):
        main.extra = wrong + "\n"
        main.write_conf()
        code, out, err = t.run([main.argv[0], "-n", "-f", main.conf])
        assert code != 0, wrong
        assert "relayd.conf:" in out + err, (wrong, out, err)


def test_explain(t):
    main = t.main(extra='deny call from home "mallory.*"\n'
                  'allow call from token "ci" service "echo"\n'
                  'deny call from token "*"\n')
    t.home("alice.home", main, services=t.service("echo"))
    main.wait_service("alice.home", "echo")
    line = main.conf_text()[:main.conf_text().index("deny call")].count(
        "\n") + 1
    d = explain(main, "mallory.home", "echo", "x", check=1)["decision"][0]
    assert d["result"] == "forbidden", d
    assert "relayd.conf:%d:" % line in d["rule"], d
    d = explain(main, "token:ci", "echo", "x", check=0)["decision"][0]
    assert d["result"] == "allowed", d
    assert "relayd.conf:%d:" % (line + 1) in d["rule"], d
    d = explain(main, "token:x", "alice.home/echo", "x", check=1)
    assert d["decision"][0]["result"] == "forbidden", d
    d = explain(main, "bob.home", "echo", "x", check=0)["decision"][0]
    assert "default" in d["rule"], d
    d = explain(main, "bob.home", "nothing", "x", check=1)["decision"][0]
    assert d["result"] == "service_not_found", d
    for bad in (("", "echo", "x"), ("a b", "echo", "x"),
                ("token:", "echo", "x"), ("bob.home", "", "x")):
        assert main.ctl("explain", *bad)[0] == 1, bad
    # Nothing was sent, nothing changed.
    assert main.show("pending") in ({}, {"pending": []}), main.show("pending")
