# SPDX-License-Identifier: ISC
"""The walls between the processes, as root and as somebody else."""

import json
import os
import re
import shutil
import subprocess

from node import CHILDREN, SANDBOX, Node
from process import RELAY, SANITIZED, Proc, as_user, n_fds, wait_for
from relaytest import Skip, fresh_uid
from wire import call, http


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def uid_of(pid):
    return int(status(pid)["Uid"].split()[0])


def need_root():
    if os.getuid() != 0:
        raise Skip("needs to be root")


def sandbox_rows(node):
    """{program or process name: row} of show sandbox -j."""
    rows = [r for v in node.show("sandbox").values() for r in v]
    assert rows
    return rows


def test_root_every_process_has_its_own_uid(t):
    need_root()
    main, alice, bob = t.pair()
    pids = alice.wait_children()
    uids = {name: uid_of(pid) for name, pid in pids.items()}
    assert len(set(uids.values())) == len(CHILDREN["home"]), uids
    assert 0 not in uids.values(), uids
    for name, pid in pids.items():
        s = status(pid)
        assert s["NoNewPrivs"] == "1", (name, s)
        for caps in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"):
            assert int(s[caps], 16) == 0, (name, caps, s[caps])
        if not SANITIZED:
            assert s["Seccomp"] == "2", (name, s["Seccomp"])
        groups = s["Groups"].split()
        assert groups in ([], [str(uids[name])]), (name, groups)
        if not SANITIZED:
            root = os.readlink("/proc/%d/root" % pid)
            assert root != "/" or name == "relay-dialer", (name, root)
    me = os.readlink("/proc/self/ns/net")
    for name in ("relay-frontend", "relay-router", "relay-registry",
                 "relay-backend"):
        ns = os.readlink("/proc/%d/ns/net" % pids[name])
        assert ns != me, (name, "shares the network")


def test_root_report(t):
    need_root()
    main, alice, bob = t.pair()
    for node in (main, alice):
        rows = sandbox_rows(node)
        text = json.dumps(rows)
        parent = [r for r in rows if r["process"] == "parent"]
        assert len(parent) == 1, text
        m = re.match(r"no_new_privs,(\d+) of (\d+) ", parent[0]["in_force"])
        assert m and int(m.group(1)) <= 11 < int(m.group(2)), text
        for name in CHILDREN[node.role]:
            short = name.replace("relay-", "")
            mine = [r for r in rows if short in json.dumps(r)]
            assert mine, (name, text)
            words = json.dumps(mine)
            assert "uid" in words and "seccomp" in words, words
            if not SANITIZED:
                assert (SANDBOX or "enforce") in words, words
            assert "chroot" in words, words


def test_root_descriptors(t):
    """Nobody holds more than its channels, log and sockets."""
    need_root()
    main, alice, bob = t.pair()
    for name, pid in alice.wait_children().items():
        assert n_fds(pid) < 24, (name, n_fds(pid))


def test_root_environment_and_memory(t):
    """Not dumpable: another process of the same uid cannot look inside."""
    need_root()
    main = t.main()
    for name, pid in main.wait_children().items():
        owner = os.stat("/proc/%d/mem" % pid).st_uid
        assert owner == 0, (name, owner)


def somebody(t):
    """A uid that nobody has and that may use the test's directory."""
    need_root()
    uid = fresh_uid()
    r = subprocess.run(as_user(uid, ["true"]), capture_output=True)
    if r.returncode != 0:
        raise Skip("cannot be somebody else: %s" % r.stderr.decode())
    os.chown(t.dir, uid, uid)
    return uid


def test_user(t):
    """Without root: all works, and it says what is weaker."""
    uid = somebody(t)
    main = Node(t, "main", "main.test", user=uid)
    alice = Node(t, "home", "alice.home", uplinks=[main], user=uid,
                 services=t.service("echo"))
    main.wait_service("alice.home", "echo")
    assert main.rpc(call("echo.echo", [1]))["result"] == [1]
    got = main.rpc(call("echo.who", []))["result"]
    assert got["uid"] == uid, got
    for name, pid in alice.wait_children().items():
        assert uid_of(pid) == uid, name
        s = status(pid)
        assert s["NoNewPrivs"] == "1", (name, s)
        if not SANITIZED:
            assert s["Seccomp"] == "2", (name, s)
    text = json.dumps(sandbox_rows(alice))
    assert "not in force" in text, text
    assert "uid" in alice.log() or "root" in alice.log(), alice.log()
    code, out, err = alice.ctl("reload")
    assert code == 0, (code, out, err)


def test_user_relay(t):
    uid = somebody(t)
    main = Proc(t, "main", [RELAY, "-server", "-node-id", "u.test", "-port",
                            "0"], user=uid)
    port = int(main.wait_log(r"127\.0\.0\.1:(\d+)").group(1))
    wait_for(lambda: http(port, "GET", "/health")[0] == 200, "it is up")
    assert main.stop() == 0
    # Without XDG_RUNTIME_DIR this is where relay(1) keeps what it needs.
    shutil.rmtree("/tmp/relay-%d" % uid)


def test_another_user_may_not_control(t):
    """The control socket is not for everybody."""
    uid = somebody(t)
    main = t.main()
    from node import ctl
    code, out, err = ctl(main.control, "stop", user=uid)
    assert code in (1, 2) and err, (code, out, err)
    assert main.alive()
    main.ctl("show", "summary", check=0)


def test_root_relay_takes_uids_of_nobody(t):
    need_root()
    from test_seed import xdg
    from process import children_of
    main = Proc(t, "main", [RELAY, "-server", "-node-id", "r.test", "-port",
                            "0"], xdg(t))
    wait_for(lambda: set(children_of(main.pid).values()) >=
             CHILDREN["main"], "its children are there")
    wait_for(lambda: len({uid_of(p) for p, c in children_of(main.pid).items()
                          if c in CHILDREN["main"]} - {0}) == 5,
             "five uids of nobody")
    main.wait_log("generation 1 is in force")
    assert main.stop() == 0


def test_root_refuses_without_accounts(t):
    """Started as root without its accounts, relayd names the command."""
    need_root()
    import pwd
    try:
        pwd.getpwnam("_relayf")
        raise Skip("the accounts exist here")
    except KeyError:
        pass
    main = Node(t, "main", "main.test", ready=False)
    main.expect_exit = True
    main.stop()
    main.accounts = ""
    main.write_conf()
    from process import RELAYD
    code, out, err = t.run([RELAYD, "-d", "-f", main.conf])
    assert code == 1 and "sysusers" in out + err, (code, out, err)
