# SPDX-License-Identifier: ISC
"""relay join on a home: again, killed, over TLS, for relayd(8), by anybody."""

import json
import os
import signal
import stat
import subprocess

from join import Relay, connected, enroll, nodes, rotate, used_up
from node import ctl, free_port
from process import RELAY, RELAYD, Proc, wait_for
from relaytest import Skip, fresh_uid
from trust import join_parse, pin_of


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
    used_up(second.node_dir("alice.home") + "/join")
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


def run_written(t, conf, main):
    """A relayd with a configuration that relay(1) has written, but for its
    own directories, which are those of the machine; linked."""
    with open(conf, "a") as f:
        f.write('control "%s"\nstate-directory "%s"\n%s' % (
            os.path.join(t.dir, "c.sock"), os.path.join(t.dir, "state"),
            main.accounts))
    home = Proc(t, "home", [RELAYD, "-d", "-f", conf])
    connected(main, "alice.home")
    return home


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
    home = run_written(t, conf, main)
    main.wait_service("alice.home", "blog_service")
    used_up(conf + ".join")
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
    used_up(base + "/state/relay/alice.home/join")
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
    used_up(second.node_dir("alice.home") + "/join")
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


def test_output_in_the_way(t):
    """Nothing is written where something else stands, and no secret left."""
    main = t.main(extra="authentication required\n")
    string = enroll(main, "alice.home", "url", main.ws_url())
    conf = os.path.join(t.dir, "joined.conf")
    for path in (conf, conf + ".join"):
        for where in (os.path.join(t.dir, "nowhere"), main.conf):
            os.symlink(where, path)
            before = sorted(os.listdir(t.dir))
            code, out, err = t.run([RELAY, "join", "-o", conf, string])
            assert code == 1 and path in err, (code, out, err)
            assert sorted(os.listdir(t.dir)) == before
            os.unlink(path)


def test_output_again(t):
    """A configuration that relay(1) has written gets another secret."""
    main = t.main(extra="authentication required\n")
    conf = os.path.join(t.dir, "joined.conf")

    def write(string):
        code, out, err = t.run([RELAY, "join", "-o", conf, string])
        assert code == 0 and string not in out + err, (code, out, err)
    write(enroll(main, "alice.home", "url", main.ws_url()))
    home = run_written(t, conf, main)
    used_up(conf + ".join")
    main.ctl("node", "revoke", "alice.home", check=0)
    home.wait_log("401")
    write(enroll(main, "alice.home", "url", main.ws_url()))
    ctl(os.path.join(t.dir, "c.sock"), "reload", check=0)
    connected(main, "alice.home")
    used_up(conf + ".join")
    # A link that is up makes way for the new secret, at once.
    write(rotate(main, "alice.home", "url", main.ws_url()))
    ctl(os.path.join(t.dir, "c.sock"), "reload", check=0)
    used_up(conf + ".join")
    connected(main, "alice.home")
    assert main.log().count("alice.home has joined") == 3, main.log()
    home.wait_log("new one-time secret")
    assert home.stop() == 0
