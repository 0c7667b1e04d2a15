# SPDX-License-Identifier: ISC
"""Tokens of those who call over HTTP: made, listed, replaced, revoked."""

import json

from process import wait_for
from wire import http, remote


def create(node, name="admin"):
    """The token, which is alone on standard output."""
    code, out, err = node.ctl("token", "create", name)
    assert code == 0 and len(out.split()) == 1, (code, out, err)
    assert "once" in err and out.strip() not in err, err
    return out.strip()


def tokens(node):
    out = node.ctl("-j", "token", "list", check=0)[1]
    return json.loads(out)["tokens"]


def names(node):
    return sorted({row["name"] for row in tokens(node)})


def status(node, token, path="/registry"):
    h = {} if token is None else {"Authorization": "Bearer " + token}
    return http(node.port, "GET", path, headers=h)[0]


def test_create_list_revoke(t):
    main = t.main()
    assert tokens(main) == []
    assert main.ctl("token", "list", check=0)[1].strip() == "no tokens"
    ci, admin = create(main, "ci"), create(main)
    assert names(main) == ["admin", "ci"], tokens(main)
    text = main.ctl("token", "list", check=0)[1]
    assert "ci" in text and ci not in text and admin not in text, text
    assert json.dumps(tokens(main)).count("ci"), tokens(main)
    assert status(main, ci) == 200
    main.ctl("token", "revoke", "ci", check=0)
    assert names(main) == ["admin"]
    wait_for(lambda: status(main, ci) == 401, "the token is worth nothing")
    assert status(main, admin) == 200
    code, out, err = main.ctl("token", "revoke", "ci")
    assert code == 3 and not out and err, (code, out, err)
    answer = json.loads(main.ctl("-j", "token", "create", "ci",
                                 check=0)[1])
    assert answer["ok"] is True and status(main, answer["token"]) == 200
    for secret in (ci, admin, answer["token"]):
        assert secret not in main.log()


def test_two_of_a_name(t):
    """One can be replaced while it is in use; a third ends the oldest."""
    main = t.main()
    other = create(main, "other")
    first, second = create(main, "ci"), create(main, "ci")
    assert first != second
    assert status(main, first) == status(main, second) == 200
    third = create(main, "ci")
    assert status(main, second) == status(main, third) == 200
    wait_for(lambda: status(main, first) == 401, "the oldest is over")
    assert status(main, other) == 200
    main.ctl("token", "revoke", "ci", check=0)
    for token in (second, third):
        wait_for(lambda: status(main, token) == 401, "revoked")


def test_unknown_tokens(t):
    main, alice, bob = t.pair()
    good = create(main, "ci")
    for bad in ("", "x", good[:-1], good + "x", good.swapcase(),
                " " + good[1:], "rat_" + "A" * 43, "x" * 5000):
        got = status(main, bad)
        assert got in (400, 401, 431), (bad, got)
    for bad in ("nonsense", good[:-1]):
        got = http(main.port, "POST", "/rpc",
                   json.dumps(remote("echo", "echo", [1])),
                   headers={"Authorization": "Bearer " + bad})
        assert got[0] == 401, got
        assert json.loads(got[2])["error"], got
    assert main.rpc(remote("echo", "echo", [1]), token=good)["result"]
    # Who shows none is anonymous, not refused.
    assert status(main, None) == 200


def test_a_token_outlives_a_restart(t):
    main = t.main()
    token = create(main, "ci")
    main.stop()
    main = main.restart()
    assert status(main, token) == 200
    assert names(main) == ["ci"]


def test_at_a_home(t):
    """A home has tokens of its own, for the programs on its machine."""
    main, alice, bob = t.pair()
    token = create(bob, "app")
    assert names(bob) == ["app"] and names(main) == []
    assert status(bob, token, "/services") == 200
    assert status(bob, token + "x", "/services") == 401
    assert status(main, token) == 401


def test_bad_names(t):
    main = t.main()
    for bad in ("", "a b", "a*", "*", "a\n", "x" * 65, "\x1b[31m", "ä"):
        code, out, err = main.ctl("token", "create", bad)
        assert code == 1 and not out and err, (bad, code, out, err)
        assert "\x1b" not in err
    assert tokens(main) == []
