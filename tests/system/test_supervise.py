# SPDX-License-Identifier: ISC
"""
The parent: children and services that die, hang or misbehave, reloads in the
midst of it, and who may give it orders.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from node import free_port
from process import CTL, LONG, PATIENCE, as_user, wait_for
from relaytest import Skip
from wire import http, remote

TIMEOUT = 180


def freeze(pid):
    os.kill(pid, signal.SIGSTOP)
    return pid


def thaw(pid):
    os.kill(pid, signal.SIGCONT)


def process(node, name):
    """Its row of show processes."""
    return [r for r in node.show("processes")["processes"]
            if r["process"] == name][0]


class Manager:
    """Stands in for systemd(1): what it is told, in order."""

    def __init__(self, t, **env):
        path = os.path.join(t.dir, "notify.sock")
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.s.bind(path)
        self.s.setblocking(False)
        os.environ["NOTIFY_SOCKET"] = path
        os.environ.update(env)
        self.states = []

    def read(self):
        try:
            while True:
                self.states.append(self.s.recv(4096).decode())
        except BlockingIOError:
            return self.states

    def wait(self, state, n=1):
        wait_for(lambda: len([s for s in self.read()
                              if state in s.split("\n")]) >= n,
                 "%s, %d times" % (state, n))


# --- children ---

def test_respawn(t):
    """It says what ended, how, and when it is started again."""
    main = t.main()
    pid = main.wait_children()["relay-registry"]
    os.kill(pid, signal.SIGKILL)
    main.wait_log(r"registry \(pid %d\) killed by signal 9" % pid)
    main.wait_log(r"registry is started again in \d+ ms")
    main.wait_log(r"registry runs again \(pid \d+\)")
    row = process(main, "registry")
    assert row["restarts"] == 1 and "signal 9" in row["last_exit"], row
    assert row["pid"] not in (0, pid), row


def test_frozen_child_is_killed(t):
    """By the watchdog, which takes half a minute."""
    if not LONG:
        raise Skip("RELAY_LONG is not set")
    main = t.main()
    pid = freeze(main.wait_children()["relay-router"])
    main.wait_log(r"router killed: no answer to the watchdog", 60)
    main.wait_log(r"router runs again")
    assert main.children()["relay-router"] != pid
    main.wait_ready()


def test_watchdog_of_the_manager(t):
    """A child that cannot start is the parent's to mend, not the manager's."""
    manager = Manager(t, WATCHDOG_USEC="400000")
    main = t.main()
    manager.wait("READY=1")
    manager.wait("WATCHDOG=1", 3)
    with contextlib.closing(sqlite3.connect(
            main.state + "/registry/registry.db")) as db:
        db.execute("BEGIN IMMEDIATE")
        os.kill(main.wait_children()["relay-registry"], signal.SIGKILL)
        main.wait_log("registry is started again")
        n = manager.read().count("WATCHDOG=1")
        manager.wait("WATCHDOG=1", n + 5)
        assert "registry runs again" not in main.log(), main.log()
        main.wait_log("registry killed: it rejects .*locked")
    main.wait_log("registry runs again")


# --- reload ---

def test_reload_while_a_child_is_down(t):
    main = t.main()
    main.wait_children()
    for name in ("registry", "router", "frontend"):
        os.kill(main.children()["relay-" + name], signal.SIGKILL)
        code, out, err = main.ctl("reload")
        # It waits for the child, or the child died in the midst of it.
        assert code == 0 or name in err, (name, code, out, err)
        main.wait_ready()
    main.ctl("reload", check=0)


def test_two_reloads_at_once(t):
    main = t.main()
    pid = freeze(main.wait_children()["relay-registry"])
    first = []
    th = threading.Thread(target=lambda: first.append(main.ctl("reload")))
    th.start()
    try:
        main.wait_log(r"reading .*relayd\.conf")
        code, out, err = main.ctl("reload")
        assert code == 1 and "under way" in err, (code, out, err)
    finally:
        thaw(pid)
    th.join(PATIENCE)
    assert first[0][0] == 0 and "generation 2" in first[0][1], first


def test_reload_with_a_frozen_child(t):
    """It times out, says for whom it waited, and nothing has changed."""
    main = t.main()
    port = free_port()
    pid = freeze(main.wait_children()["relay-registry"])
    try:
        main.write_conf(main.conf_text() +
                        "listen on 127.0.0.1 port %d\n" % port)
        code, out, err = main.ctl("reload")
        assert code == 1, (code, out, err)
        assert "not ready within 15 s: registry" in err, err
    finally:
        thaw(pid)

    def refused():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) != 0
    wait_for(refused, "the front-end has closed it too")
    main.ctl("reload", check=0)
    assert http(port, "GET", "/health")[0] == 200
    assert main.children()["relay-registry"] == pid


def test_storm_of_signals(t):
    """However many come, the last file is what is in force."""
    main = t.main()
    main.wait_children()
    port = free_port()
    for _ in range(50):
        main.p.send_signal(signal.SIGHUP)
    main.write_conf(main.conf_text() + "listen on 127.0.0.1 port %d\n" % port)
    main.p.send_signal(signal.SIGHUP)
    wait_for(lambda: http(port, "GET", "/health")[0] == 200, "the new port")
    assert main.log().count("is in force") <= 52


def test_manager_is_told_of_a_reload(t):
    manager = Manager(t)
    main = t.main()
    manager.wait("READY=1")
    main.p.send_signal(signal.SIGHUP)
    manager.wait("READY=1", 2)
    reloading = [s for s in manager.states if s.startswith("RELOADING=1\n")]
    assert len(reloading) == 1, manager.states
    assert re.search(r"\nMONOTONIC_USEC=\d+\n", reloading[0]), reloading
    # A stop in the midst of a reload: it is never ready again.
    pid = freeze(main.children()["relay-registry"])
    main.p.send_signal(signal.SIGHUP)
    manager.wait("RELOADING=1", 2)
    main.p.send_signal(signal.SIGTERM)
    manager.wait("STOPPING=1")
    thaw(pid)
    assert main.wait() == 0
    last = [s.split("\n")[0] for s in manager.read()]
    assert last[-1] == "STOPPING=1", last


def test_failed_reload_keeps_the_account(t):
    """What is in force goes on to work after a reload that failed."""
    if os.getuid() != 0:
        raise Skip("only root gives services another account")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        home = t.home("alice.home", services=t.service("echo"))
        pid = wait_for(lambda: home.rpc(remote(
            "echo", "who", [])).get("result"), "an answer")["pid"]
        home.services = ""
        home.write_conf(home.conf_text() + "listen on 127.0.0.1 port %d\n" %
                        taken.getsockname()[1])
        home.ctl("reload", check=1)
    os.kill(pid, signal.SIGKILL)
    got = wait_for(lambda: home.rpc(remote("echo", "who", [])).get("result"),
                   "the service is started again")
    assert got["pid"] != pid and got["uid"] == 61006, got


# --- stop ---

def test_stop_with_a_frozen_child(t):
    home = t.home("alice.home", services=t.service("echo"))
    children = home.wait_children()
    for name in ("relay-router", "relay-frontend", "relay-backend"):
        freeze(children[name])
    assert home.stop(timeout=40) == 0, home.log()
    assert "router killed: it does not stop" in home.log()


def test_stop_while_a_child_is_down(t):
    """It is not started again for the stop."""
    main = t.main(flags=("-v",))
    for _ in range(4):
        pid = wait_for(lambda: main.children().get("relay-registry"), "it")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: main.children().get("relay-registry") != pid, "end")
    router = freeze(main.children()["relay-router"])
    main.p.send_signal(signal.SIGTERM)
    main.wait_log("stopping: SIGTERM")
    started = main.log().count("registry: down -> starting")
    assert main.wait(40) == 0
    assert main.log().count("registry: down -> starting") == started
    assert not os.path.exists("/proc/%d" % router)


# --- services ---

def test_surroundings_of_a_service(t):
    os.environ["SECRET"] = "of the caller"
    home = t.home("alice.home", services=t.service(
        "echo", body="\tinstances 2\n"))
    got = wait_for(lambda: home.rpc(remote("echo", "surroundings", [])).get(
        "result"), "an answer")
    assert {k: v for k, v in got["env"].items() if k != "LC_CTYPE"} == {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent",
        "RELAY_NODE_ID": "alice.home", "RELAY_SERVICE": "echo",
        "RELAY_INSTANCE": got["env"]["RELAY_INSTANCE"]}, got["env"]
    assert got["env"]["RELAY_INSTANCE"] in ("0", "1"), got
    assert got["pid"] == got["pgid"] == got["sid"], got
    assert int(got["blocked"], 16) == 0, got
    assert got["no_new_privs"] == "1" and got["umask"] == "0022", got
    assert got["core"] == [0, 0], got


def test_program_that_ends_at_once(t):
    """It is never called up: that would be said at each new try."""
    home = t.home("alice.home", services='service "gone" {\n'
                  '\texec "/bin/false"\n}\n')
    wait_for(lambda: home.log().count("exited with status 1") >= 5,
             "five tries")
    assert "service gone is up" not in home.log(), home.log()
    assert home.log().count("service gone is down") == 1, home.log()


def test_service_is_up(t):
    """Silent, it is up after a moment."""
    home = t.home("alice.home", services='service "quiet" {\n'
                  '\texec "/bin/sleep" "1000"\n}\n')
    home.wait_log("service quiet is up")
    row = home.show("summary")["backends"][0]
    assert row["service"] == "quiet" and row["state"] == "up", row


def test_reason_is_for_the_log(t):
    """Whoever calls learns that a service is down, not where it lives."""
    path, port = os.path.join(t.dir, "none.sock"), free_port()
    home = t.home("alice.home", services='service "a" {\n\tunix "%s"\n}\n'
                  'service "b" {\n\thttp "http://127.0.0.1:%d/"\n}\n' %
                  (path, port))
    for name, where in (("a", path), ("b", "127.0.0.1:%d" % port)):
        home.wait_log("service %s is down: .*%s" % (name, re.escape(where)))
        for _ in range(2):
            a = home.rpc(remote(name, "x", []))
            assert a["error"]["code"] == -32017, a
            assert where not in str(a) and t.dir not in str(a), a


def test_service_that_floods(t):
    """It reads nothing and never stops writing: others are served."""
    home = t.home("alice.home", services=t.service("echo") + t.service(
        "flood", program="flood.py"))
    pid = home.wait_children()["relay-backend"]
    home.wait_log("service flood/0 runs")
    for i in range(20):
        home.rpc(remote("flood", "x", [], timeout=1))
        got = home.rpc(remote("echo", "echo", [i], timeout=10))
        assert got.get("result") == [i], got
    assert home.children()["relay-backend"] == pid


def test_parent_killed(t):
    """A service that does not care for the end of its input ends too."""
    home = t.home("alice.home", services='service "deaf" {\n'
                  '\texec "/bin/sleep" "1000"\n}\n')
    home.wait_log("service deaf is up")
    home.expect_exit = True
    home.p.kill()
    home.wait()
    os.unlink(home.control)
    wait_for(lambda: not t.left(), "no process of it is left")


def test_many_instances(t):
    """More fds at once than a channel holds, also for another backend."""
    home = t.home("alice.home", services='service "s" {\n'
                  '\texec "/bin/sleep" "1000"\n\tinstances 64\n}\n')

    def connected():
        rows = home.show("summary")["backends"]
        return [r["connections"] for r in rows] == [64]
    wait_for(connected, "64 instances")
    pid = home.children()["relay-backend"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: home.children().get("relay-backend", pid) != pid,
             "another backend")
    wait_for(connected, "64 instances again")
    assert "not sent" not in home.log(), home.log()


# --- the control socket ---

def test_control_is_for_the_owner(t):
    if os.getuid() != 0:
        raise Skip("only root can be somebody else")
    main = t.main()
    code = subprocess.run(as_user(61099, [CTL, "-s", main.control, "show",
                                          "summary"]),
                          capture_output=True).returncode
    assert code == 1
    os.chmod(main.control, 0o666)
    for words in (["show", "summary"], ["stop"], ["reload"],
                  ["log", "verbose"]):
        r = subprocess.run(as_user(61099, [CTL, "-s", main.control] + words),
                           capture_output=True, text=True)
        assert r.returncode == 1 and "only root" in r.stderr, (words, r)
    main.wait_log(r"control client \(uid 61099, pid \d+\) refused: ")
    main.ctl("show", "summary", check=0)


def test_frozen_parent(t):
    """relay-ctl says so and ends, also when the queue of the socket is full."""
    main = t.main()
    freeze(main.pid)
    held = []
    try:
        start = time.monotonic()
        code, out, err = main.ctl("show", "summary")
        assert code == 2 and "does not answer" in err, (code, out, err)
        assert time.monotonic() - start < 15
        for _ in range(40):
            s = socket.socket(socket.AF_UNIX)
            s.setblocking(False)
            held.append(s)
            if s.connect_ex(main.control) != 0:
                break
        code, out, err = main.ctl("show", "summary")
        assert code == 2 and "does not answer" in err, (code, out, err)
    finally:
        thaw(main.pid)
    for s in held:
        s.close()
    wait_for(lambda: main.ctl("show", "summary")[0] == 0, "it answers again")


def test_clean_socket_path(t):
    """A file in the place of the control socket is not removed."""
    main = t.main()
    assert main.stop() == 0
    for make in (lambda p: open(p, "w").close(),
                 lambda p: os.symlink("/etc/passwd", p), os.mkdir):
        make(main.control)
        again = main.restart(ready=False)
        again.expect_exit = True
        assert again.wait() == 1, again.log()
        assert main.control in again.log(), again.log()
        assert os.path.lexists(main.control)
        if os.path.isdir(main.control):
            shutil.rmtree(main.control)
        else:
            os.unlink(main.control)
