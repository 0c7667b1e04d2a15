# SPDX-License-Identifier: ISC
"""
Joining: relay-ctl enroll on a Main, what the string is good for, and what
becomes of the node afterwards.
"""

import json
import os
import time

from admission import refused
from join import Relay, connected, enroll, nodes, rotate, used_up
from process import wait_for
from trust import JoinAuth, KeyAuth, join_parse
from wire import Refused


def test_join(t):
    """A string, once; then the key that was made, as often as it comes."""
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url())
    j = join_parse(string)
    assert j["node_id"] == "alice.home" and j["main_id"] == "main.test", j
    assert j["main_key"] == main.identity(), j
    assert j["pin"] == "", j
    home = Relay(t, "home", "join", string, t.example("blog.rl"))
    row = connected(main, "alice.home")
    assert row["source"] == "enrolled" and "key" in row["methods"], row
    main.wait_service("alice.home", "blog_service")
    # The secret is used up, and was nowhere but in its file.
    used_up(home.node_dir("alice.home") + "/join")
    assert home.stop() == 0
    secret = string.split(".", 1)[1]
    for path in home.files():
        with open(path, "rb") as f:
            data = f.read()
        assert secret.encode() not in data, path
        assert j["secret"] not in data, path
    for log in (main.log(), home.log()):
        assert secret[-40:] not in log
    # Without the string and without the id.
    again = Relay(t, "again", "-connect", main.ws_url(), home="home")
    again.wait_log("node id: alice.home")
    connected(main, "alice.home")
    assert again.stop() == 0
    # The string is of no use to anybody else.
    other = Relay(t, "other", "join", "-", stdin=string)
    other.wait_log("401")
    assert not nodes(main)["alice.home"]["connected"]
    other.stop()


def test_join_twice_at_once(t):
    """Of two that have the same string one is in, and stays it."""
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url())
    secret = join_parse(string)["secret"]
    first = JoinAuth(secret, main_key=main.identity())
    t.links.append(main.link("alice.home", auth=first))
    refused(main, 401, "alice.home", auth=JoinAuth(secret))
    t.links.append(main.link("alice.home", auth=KeyAuth(first.key)))


def test_bad_secrets(t):
    main = t.main(extra="authentication required\n")
    j = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    for auth, node in ((JoinAuth(b"x" * 32), "alice.home"),
                       (JoinAuth(j["secret"]), "bob.home"),
                       (JoinAuth(j["secret"]), "nobody.home"),
                       (KeyAuth(), "alice.home")):
        refused(main, 401, node, auth=auth)
    # That it was tried does not use it up.
    t.links.append(main.link("alice.home", auth=JoinAuth(j["secret"])))


def test_expired(t):
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url(), "expires", "1s")
    j = join_parse(string)
    wait_for(lambda: time.time() * 1000 > j["expires_ms"], "it is over")
    refused(main, 401, "alice.home", auth=JoinAuth(j["secret"]))
    r = Relay(t, "late", "join", string)
    assert r.wait() == 1
    assert "expired at" in r.log(), r.log()
    assert not os.path.exists(r.node_dir("alice.home"))


def test_a_new_string_ends_the_one_before(t):
    main = t.main(extra="authentication required\n")
    old = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    new = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    assert old["secret"] != new["secret"]
    refused(main, 401, "alice.home", auth=JoinAuth(old["secret"]))
    t.links.append(main.link("alice.home", auth=JoinAuth(new["secret"])))


def test_rotate(t):
    """The old key works until the new one is there."""
    main = t.main(extra="authentication required\n")
    j = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    old = JoinAuth(j["secret"])
    main.link("alice.home", auth=old).abort()
    old = KeyAuth(old.key)
    new = JoinAuth(join_parse(rotate(main, "alice.home", "url",
                                     main.ws_url()))["secret"])
    main.link("alice.home", auth=old).abort()
    main.link("alice.home", auth=new).abort()
    refused(main, 401, "alice.home", auth=old)
    t.links.append(main.link("alice.home", auth=KeyAuth(new.key)))


def test_disable_enable_revoke(t):
    main = t.main(extra="authentication required\n")
    j = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    auth = JoinAuth(j["secret"])
    link = main.link("alice.home", auth=auth)
    key = KeyAuth(auth.key)

    def out():
        try:
            main.link("alice.home", auth=key).abort()
        except Refused as e:
            assert e.status in (401, 403), e
            return True
        return False
    main.ctl("node", "disable", "alice.home", check=0)
    assert link.expect_close() == 1008
    assert out() and nodes(main)["alice.home"]["disabled"]
    # It is remembered.
    main.stop()
    main = main.restart()
    assert out() and nodes(main)["alice.home"]["disabled"]
    main.ctl("node", "enable", "alice.home", check=0)
    link = main.link("alice.home", auth=key)
    main.ctl("node", "revoke", "alice.home", check=0)
    assert link.expect_close() == 1008
    assert out()
    assert main.ctl("node", "revoke", "alice.home")[0] in (1, 3)
    for op in ("disable", "enable", "revoke", "rotate"):
        args = ("url", main.ws_url()) if op == "rotate" else ()
        code, text, err = main.ctl("node", op, "nobody.home", *args)
        assert code == 3, (op, code, text, err)


def test_node_token(t):
    """A client that knows nothing but HTTP headers."""
    main = t.main(extra="authentication required\n")
    code, out, err = main.ctl("node", "token", "seed.home", check=0)
    token = out.strip()
    assert len(out.split()) == 1 and token not in err, (out, err)
    t.links.append(main.link("seed.home", headers={
        "Authorization": "Bearer " + token}))
    for node, text in (("seed.home", token[:-1]), ("seed.home", token + "x"),
                       ("seed.home", ""), ("other.home", token)):
        refused(main, 401, node,
                headers={"Authorization": "Bearer " + text})
    assert token not in main.log()


def test_what_enroll_refuses(t):
    main = t.main()
    for bad in (("a b",), ("a@b",), ("x" * 256,), ("main.test",),
                ("alice.home", "url", "http://127.0.0.1:1"),
                ("alice.home", "url", "nonsense"),
                ("alice.home", "url", "ws://127.0.0.1:1", "pin", "sha256:x"),
                ("alice.home", "url", "ws://127.0.0.1:1", "expires", "31d")):
        code, out, err = main.ctl("enroll", *bad)
        assert code == 1 and not out and err, (bad, code, out, err)
    # Nowhere is it said where homes reach it.
    code, out, err = main.ctl("enroll", "alice.home")
    assert code == 1 and "url" in err, (code, out, err)
    main.extra = 'url "%s"\n' % main.ws_url()
    main.reload()
    assert join_parse(enroll(main, "alice.home"))["url"].startswith(
        main.ws_url())


def test_json(t):
    main = t.main()
    out = main.ctl("-j", "enroll", "alice.home", "url", main.ws_url(),
                   check=0)[1]
    answer = json.loads(out)
    assert answer["ok"] is True and join_parse(answer["join"]), answer
