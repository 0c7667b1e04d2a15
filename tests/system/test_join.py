# SPDX-License-Identifier: ISC
"""
Joining: relay-ctl enroll on a Main, relay join on a home, and what becomes of
the node afterwards.
"""

import json
import os
import signal
import stat
import subprocess
import time

from relaytest import (RELAY, RELAYD, Proc, Skip, ctl, free_port, fresh_uid,
                       wait_for)
from trust import JoinAuth, KeyAuth, join_parse, pin_of
from wire import Refused


def enroll(main, node, *args, words=("enroll",)):
    """The join string, which is alone on standard output."""
    code, out, err = main.ctl(*words, node, *args)
    assert code == 0, (code, out, err)
    assert out.startswith("relay-join-1.") and len(out.split()) == 1, out
    string = out.strip()
    assert string not in err and "once" in err, err
    return string


def rotate(main, node, *args):
    return enroll(main, node, *args, words=("node", "rotate"))


def nodes(main):
    out = main.ctl("-j", "node", "list", check=0)[1]
    return {n["node_id"]: n for n in json.loads(out)["nodes"]}


class Relay(Proc):
    """relay(1) with directories of its own, below those of the test."""

    def __init__(self, t, name, *args, stdin=None, home=None):
        self.base = os.path.join(t.dir, home or name)
        self.env = {}
        for var, sub in (("XDG_RUNTIME_DIR", "run"),
                         ("XDG_STATE_HOME", "state")):
            self.env[var] = os.path.join(self.base, sub)
            os.makedirs(self.env[var], 0o755, exist_ok=True)
        argv = [RELAY] + list(args)
        if stdin is not None:
            path = t.private(name + ".string", stdin + "\n")
            argv = ["sh", "-c", 'f=$1; shift; exec "$@" <"$f"', "sh",
                    path] + argv
        super().__init__(t, name, argv, env=self.env)

    def node_dir(self, node):
        return os.path.join(self.base, "state/relay", node)

    def control(self, node):
        return os.path.join(self.base, "run/relay", node, "relayd.sock")

    def files(self):
        return [os.path.join(d, f) for d, _, fs in os.walk(self.base)
                for f in fs]


def connected(main, node):
    return wait_for(lambda: nodes(main)[node]["connected"] and nodes(main)[
        node], "%s is linked to %s" % (node, main.name))


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
    wait_for(lambda: not os.path.exists(home.node_dir("alice.home") +
                                        "/join"), "the secret is gone")
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
    try:
        main.link("alice.home", auth=JoinAuth(secret)).abort()
        raise AssertionError("the secret worked twice")
    except Refused as e:
        assert e.status == 401, e
    t.links.append(main.link("alice.home", auth=KeyAuth(first.key)))


def test_bad_secrets(t):
    main = t.main(extra="authentication required\n")
    j = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    for auth, node in ((JoinAuth(b"x" * 32), "alice.home"),
                       (JoinAuth(j["secret"]), "bob.home"),
                       (JoinAuth(j["secret"]), "nobody.home"),
                       (KeyAuth(), "alice.home")):
        try:
            main.link(node, auth=auth).abort()
            raise AssertionError(node)
        except Refused as e:
            assert e.status == 401, e
    # That it was tried does not use it up.
    t.links.append(main.link("alice.home", auth=JoinAuth(j["secret"])))


def test_expired(t):
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url(), "expires", "1s")
    j = join_parse(string)
    wait_for(lambda: time.time() * 1000 > j["expires_ms"], "it is over")
    try:
        main.link("alice.home", auth=JoinAuth(j["secret"])).abort()
        raise AssertionError("it worked")
    except Refused as e:
        assert e.status == 401, e
    r = Relay(t, "late", "join", string)
    assert r.wait() == 1
    assert "expired at" in r.log(), r.log()
    assert not os.path.exists(r.node_dir("alice.home"))


def test_a_new_string_ends_the_one_before(t):
    main = t.main(extra="authentication required\n")
    old = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    new = join_parse(enroll(main, "alice.home", "url", main.ws_url()))
    assert old["secret"] != new["secret"]
    try:
        main.link("alice.home", auth=JoinAuth(old["secret"])).abort()
        raise AssertionError("the old string works")
    except Refused as e:
        assert e.status == 401, e
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
    try:
        main.link("alice.home", auth=old).abort()
        raise AssertionError("the old key works")
    except Refused as e:
        assert e.status == 401, e
    t.links.append(main.link("alice.home", auth=KeyAuth(new.key)))


def keys(home, node):
    """The node's own key, and those for one Main each."""
    out = ctl(home.control(node), "-j", "show", "identity", check=0)[1]
    rows = json.loads(out)["identity"]
    assert rows[0]["main"] == "", rows
    return rows[0]["key"], {r["main"]: r["key"] for r in rows[1:]}


def test_relay_joins_again(t):
    """relay join of a node that has joined before replaces what it had."""
    main = t.main(extra="authentication required\n")
    first = Relay(t, "first", "join", enroll(main, "alice.home", "url",
                                             main.ws_url()))
    connected(main, "alice.home")
    own, before = keys(first, "alice.home")
    assert list(before) == ["main.test"] and own not in before.values()
    string = rotate(main, "alice.home", "url", main.ws_url())
    # While it runs it is refused, and nothing is written.
    files = sorted(first.files())
    busy = Relay(t, "busy", "join", string, home="first")
    assert busy.wait() == 1
    assert "runs already" in busy.log(), busy.log()
    assert sorted(first.files()) == files
    assert first.stop() == 0
    # Somebody has a copy of the key, and of all that belongs to it.
    subprocess.run(["cp", "-a", first.base, os.path.join(t.dir, "stolen")],
                   check=True)
    second = Relay(t, "second", "join", string, home="first")
    connected(main, "alice.home")
    wait_for(lambda: not os.path.exists(second.node_dir("alice.home") +
                                        "/join"), "the secret is gone")
    same, after = keys(second, "alice.home")
    assert same == own and list(after) == ["main.test"], after
    assert after["main.test"] != before["main.test"]
    assert second.stop() == 0
    thief = Relay(t, "thief", "-connect", main.ws_url(), home="stolen")
    thief.wait_log("401")
    assert not nodes(main)["alice.home"]["connected"]
    thief.stop()
    again = Relay(t, "again", "-connect", main.ws_url(), home="first")
    connected(main, "alice.home")
    assert keys(again, "alice.home") == (own, after)
    assert again.stop() == 0


def test_killed_while_it_joins(t):
    """Whatever has happened until then, it gets in by one of its keys."""
    main = t.main(extra="authentication required\n")
    url = main.ws_url()
    home = Relay(t, "first", "join", enroll(main, "alice.home", "url", url),
                 home="home")
    home.wait_log("is known there now")
    for n, said in enumerate(("node id", "generation 1 is in force",
                              "is known there now")):
        assert home.stop() == 0
        wait_for(lambda: not nodes(main)["alice.home"]["connected"],
                 "it is gone")
        home = Relay(t, "killed%d" % n, "join",
                     rotate(main, "alice.home", "url", url), home="home")
        home.wait_log(said)
        home.stop(signal.SIGKILL)
        home = Relay(t, "again%d" % n, "-connect", url, home="home")
        connected(main, "alice.home")


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
        try:
            main.link(node, headers={"Authorization": "Bearer " +
                                     text}).abort()
            raise AssertionError((node, text))
        except Refused as e:
            assert e.status == 401, e
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


def test_join_over_tls(t):
    """A pin vouches for a Main that no authority knows."""
    main = t.tls_main(extra="authentication required\n")
    pin = pin_of(main.certs[0][0])
    assert pin in main.ctl("show", "tls", check=0)[1]
    url = main.ws_url()
    string = enroll(main, "alice.home", "url", url, "pin", pin)
    assert join_parse(string)["pin"] == pin
    home = Relay(t, "home", "join", "-", t.example("blog.rl"), stdin=string)
    connected(main, "alice.home")
    main.wait_service("alice.home", "blog_service")
    assert home.stop() == 0
    again = Relay(t, "again", "-connect", url, "-node-id", "alice.home",
                  home="home")
    connected(main, "alice.home")
    assert again.stop() == 0


def test_another_pin(t):
    main = t.tls_main(extra="authentication required\n")
    wrong = "sha256:" + "A" * 43
    home = Relay(t, "home", "join", enroll(main, "alice.home", "url",
                                           main.ws_url(), "pin", wrong))
    home.wait_log("pin")
    assert not nodes(main)["alice.home"]["connected"]
    # The string was not shown to whoever that is.
    assert os.path.exists(home.node_dir("alice.home") + "/join")
    home.stop()


def test_another_main(t):
    """The home does not show its key to, nor trust, a Main that took over the
    address."""
    main = t.main(extra="authentication required\n")
    home = Relay(t, "home", "join", enroll(main, "alice.home", "url",
                                           main.ws_url()))
    connected(main, "alice.home")
    home.stop()
    port = main.number
    main.stop()
    false = t.main("main.test", name="false", port=port,
                   extra="authentication none\n")
    again = Relay(t, "again", "-connect", false.ws_url(), home="home")
    again.wait_log("did not prove|prove")
    assert false.registry() == {}
    again.stop()


def test_output(t):
    """A configuration for relayd(8)."""
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url())
    conf = os.path.join(t.dir, "joined.conf")
    rl = t.example("blog.rl")
    code, out, err = t.run([RELAY, "join", "-o", conf, "-port",
                            str(free_port()), string, rl])
    assert code == 0 and conf in out, (code, out, err)
    assert stat.S_IMODE(os.stat(conf + ".join").st_mode) == 0o600
    secret = string.split(".", 1)[1]
    with open(conf) as f:
        text = f.read()
    assert secret not in text and secret not in out + err
    code, out, err = t.run([RELAYD, "-n", "-f", conf])
    assert code == 0, (text, out, err)
    # Its own directories are those of the machine.
    with open(conf, "a") as f:
        f.write('control "%s"\nstate-directory "%s"\n%s' % (
            os.path.join(t.dir, "c.sock"), os.path.join(t.dir, "state"),
            main.accounts))
    home = Proc(t, "home", [RELAYD, "-d", "-f", conf])
    connected(main, "alice.home")
    main.wait_service("alice.home", "blog_service")
    wait_for(lambda: not os.path.exists(conf + ".join"),
             "the secret is gone")
    ctl(os.path.join(t.dir, "c.sock"), "reload", check=0)
    connected(main, "alice.home")
    assert home.stop() == 0


def command_lines():
    """Those of all processes."""
    out = b""
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%d/cmdline" % int(name), "rb") as f:
                out += f.read()
        except (ValueError, OSError):
            pass
    return out


def test_no_secret_in_the_list_of_processes(t):
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url())
    home = Relay(t, "home", "join", "-", stdin=string)
    connected(main, "alice.home")
    out = command_lines()
    assert string.encode() not in out
    home.stop()


def test_relay_on_both_sides(t):
    """As relay(1) shows it: a Main with TLS, and a home that joins it."""
    cert, key = t.authority().issue("relay", ["127.0.0.1", "localhost"])
    port = free_port()
    main = Relay(t, "main", "-server", "-node-id", "relay.test", "-port",
                 str(port), "-tls-cert", os.path.basename(cert), "-tls-key",
                 key)
    main.wait_log("generation 1 is in force")
    control = main.control("relay.test")
    # A node of this machine needs no credentials, one of another would.
    code, out, err = ctl(control, "show", "config", check=0)
    assert "authentication loopback" in out, out
    assert "listen on 127.0.0.1 port %d tls" % port in out, out
    out = ctl(control, "-j", "show", "tls", check=0)[1]
    row = json.loads(out)["certificates"][0]
    assert row["pin"] == pin_of(cert) and row["file"] == cert, row
    out = ctl(control, "enroll", "alice.home", "url",
              "wss://127.0.0.1:%d" % port, "pin", row["pin"], check=0)[1]
    home = Relay(t, "home", "join", "-", t.example("blog.rl"),
                 stdin=out.strip())

    def there():
        out = ctl(control, "-j", "node", "list", check=0)[1]
        return json.loads(out)["nodes"][0]["connected"]
    wait_for(there, "the home has joined")
    out = wait_for(lambda: [x for x in [ctl(control, "-j", "show",
                                            "services")[1]]
                            if "blog_service" in x], "its service is there")
    code, out, err = ctl(control, "call", "blog_service", "list_posts")
    assert code == 0, (code, out, err)
    assert home.stop() == 0
    assert main.stop() == 0
    for p in (main, home):
        assert "BEGIN" not in p.log()


def test_as_somebody(t):
    """Without root nothing is different."""
    if os.getuid() != 0:
        raise Skip("is somebody already")
    uid = fresh_uid()
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url())
    base = os.path.join(t.dir, "somebody")
    relay = ["env", RELAY]
    for var, sub in (("", ""), ("XDG_RUNTIME_DIR", "run"),
                     ("XDG_STATE_HOME", "state")):
        d = os.path.join(base, sub)
        os.mkdir(d, 0o700)
        os.chown(d, uid, uid)
        if var:
            relay.insert(1, "%s=%s" % (var, d))
    home = Proc(t, "home", relay + ["join", string], user=uid)
    connected(main, "alice.home")
    wait_for(lambda: not os.path.exists(
        base + "/state/relay/alice.home/join"), "the secret is gone")
    assert home.stop() == 0
    again = Proc(t, "again", relay + ["-connect", main.ws_url()], user=uid)
    again.wait_log("node id: alice.home")
    connected(main, "alice.home")
    assert again.stop() == 0


def test_another_machine_takes_over(t):
    """The key of the one before is no longer taken."""
    main = t.main(extra="authentication required\n")
    url = main.ws_url()
    first = Relay(t, "first", "join", enroll(main, "alice.home", "url", url))
    connected(main, "alice.home")
    assert first.stop() == 0
    second = Relay(t, "second", "join", rotate(main, "alice.home", "url", url))
    connected(main, "alice.home")
    wait_for(lambda: not os.path.exists(second.node_dir("alice.home") +
                                        "/join"), "the secret is gone")
    assert second.stop() == 0
    # It is the key that works, not the secret.
    second = Relay(t, "again", "-connect", url, home="second")
    connected(main, "alice.home")
    assert second.stop() == 0
    first = Relay(t, "former", "-connect", url, home="first")
    first.wait_log("401")
    assert not nodes(main)["alice.home"]["connected"]
    assert first.stop() == 0
    for log in (first.log(), second.log(), main.log()):
        assert "relay-join-1." not in log


def test_output_again(t):
    """A configuration that relay(1) has written gets another secret."""
    main = t.main(extra="authentication required\n")
    conf = os.path.join(t.dir, "joined.conf")

    def write(string):
        code, out, err = t.run([RELAY, "join", "-o", conf, string])
        assert code == 0 and string not in out + err, (code, out, err)
    write(enroll(main, "alice.home", "url", main.ws_url()))
    with open(conf, "a") as f:
        f.write('control "%s"\nstate-directory "%s"\n%s' % (
            os.path.join(t.dir, "c.sock"), os.path.join(t.dir, "state"),
            main.accounts))
    home = Proc(t, "home", [RELAYD, "-d", "-f", conf])
    connected(main, "alice.home")
    wait_for(lambda: not os.path.exists(conf + ".join"), "it is used up")
    main.ctl("node", "revoke", "alice.home", check=0)
    home.wait_log("401")
    write(enroll(main, "alice.home", "url", main.ws_url()))
    ctl(os.path.join(t.dir, "c.sock"), "reload", check=0)
    connected(main, "alice.home")
    wait_for(lambda: not os.path.exists(conf + ".join"), "it is used up")
    assert home.stop() == 0
