# SPDX-License-Identifier: ISC
"""relay-ctl reload and SIGHUP: all of the new configuration, or nothing."""

import os
import re
import signal

from answers import check_error
from node import free_port
from process import wait_for
from wire import Closed, http, remote


def reload(node, status=0):
    code, out, err = node.ctl("reload")
    assert code == status, (code, out, err)
    return out + err


def test_links_are_kept(t):
    main, alice, bob = t.pair()
    seed = main.link("seed.home")
    t.links.append(seed)
    seed.register(["seeds"])
    pids = main.children(), alice.children(), bob.children()
    for node in (main, alice, bob):
        for _ in range(3):
            reload(node)
    assert (main.children(), alice.children(), bob.children()) == pids
    a = seed.call("echo", "echo", [1])
    assert a["jsonrpc_response"]["result"] == [1], a
    assert bob.rpc(remote("echo", "echo", [2]))["result"] == [2]
    # By signal
    main.p.send_signal(signal.SIGHUP)
    a = seed.call("echo", "echo", [3])
    assert a["jsonrpc_response"]["result"] == [3], a


def test_under_calls(t):
    import threading
    main, alice, bob = t.pair()
    out, end = [], threading.Event()

    def run():
        i = 0
        while not end.is_set():
            i += 1
            out.append((i, bob.rpc(remote("echo", "echo", [i]))))
    th = threading.Thread(target=run)
    th.start()
    for _ in range(10):
        for node in (main, bob, alice):
            reload(node)
    end.set()
    th.join(30)
    assert len(out) > 5
    bad = [o for o in out if o[1].get("result") != [o[0]]]
    assert not bad, bad[:3]


def test_a_bad_file_changes_nothing(t):
    main, alice, bob = t.pair()
    before = main.ctl("show", "config", check=0)[1]
    bad = [
        "nonsense\n",
        main.conf_text() + "listen on 127.0.0.1 port 70000\n",
        main.conf_text() + 'include "/does/not/exist"\n',
        main.conf_text() + "max-message lots\n",
        "", "\0\0\0", main.conf_text() + 'service "x" {\n',
        main.conf_text() + '$undefined\n',
        'node home "other.home"\n' + main.listen + "\n",
    ]
    for text in bad:
        main.write_conf(text)
        said = reload(main, 1)
        assert re.search(r"relayd\.conf:\d+: |relayd\.conf: ", said), \
            (text[-60:], said)
        assert main.ctl("show", "config", check=0)[1] == before
        assert bob.rpc(remote("echo", "echo", [1]))["result"] == [1]
    # Ten errors, all in one run, each with its line
    main.write_conf(main.conf_text() + "".join(
        "max-message x%d\n" % i for i in range(10)))
    said = reload(main, 1)
    assert len(re.findall(r"relayd\.conf:\d+: ", said)) >= 10, said
    os.unlink(main.conf)
    reload(main, 1)
    main.write_conf()
    reload(main)
    assert bob.rpc(remote("echo", "echo", [2]))["result"] == [2]


def test_a_port_in_use_changes_nothing(t):
    main, alice, bob = t.pair()
    main.write_conf(main.conf_text() +
                    "listen on 127.0.0.1 port %d\n" % bob.port)
    said = reload(main, 1)
    assert str(bob.port) in said, said
    assert bob.rpc(remote("echo", "echo", [2]))["result"] == [2]
    assert http(main.port, "GET", "/health")[0] == 200


def test_listeners_come_and_go(t):
    main, alice, bob = t.pair()
    second = free_port()
    path = os.path.join(main.dir, "http.sock")
    main.write_conf(main.conf_text() +
                    "listen on 127.0.0.1 port %d\n" % second +
                    'listen on "%s"\n' % path)
    reload(main)
    assert http(second, "GET", "/health")[0] == 200
    code, out, err = t.run(["curl", "-sS", "--unix-socket", path,
                            "http://x/health"])
    assert code == 0 and "main.test" in out, (out, err)
    seed = main.link("seed.home")
    t.links.append(seed)
    seed.register(["seeds"])
    main.write_conf()
    reload(main)

    def refused():
        try:
            http(second, "GET", "/health")
        except ConnectionRefusedError:
            return True
    wait_for(refused, "the second port is closed")
    assert not os.path.exists(path)
    assert bob.rpc(remote("echo", "echo", [2]))["result"] == [2]


def test_links_of_a_removed_listener_stay(t):
    from wire import Link
    second = free_port()
    main = t.main(extra="listen on 127.0.0.1 port %d\n" % second)
    seed = Link(second, "seed.home")
    t.links.append(seed)
    seed.register(["seeds"])
    main.extra = ""
    main.write_conf()
    reload(main)
    try:
        assert seed.register(["seeds", "more"])["accepted"]
    except Closed as e:
        raise AssertionError("the link was closed: %s" % e)


def test_services_change(t):
    main, alice, bob = t.pair()
    who = bob.rpc(remote("echo", "who", []))["result"]["pid"]
    alice.services = t.service("echo") + t.service("two", "x")
    alice.write_conf()
    reload(alice)
    main.wait_service("alice.home", "echo", "two")
    # What did not change was not started again.
    assert bob.rpc(remote("echo", "who", []))["result"]["pid"] == who
    got = wait_for(lambda: bob.rpc(remote("two", "who", [])).get("result"),
                   "the new service answers")
    assert got["args"] == ["x"], got
    # Changed
    alice.services = t.service("two", "y")
    alice.write_conf()
    reload(alice)
    wait_for(lambda: ("alice.home", "echo") not in main.registry(),
             "the old service is gone")
    wait_for(lambda: bob.rpc(remote("two", "who", [])).get(
        "result", {}).get("args") == ["y"], "the changed one answers")
    check_error(bob.rpc(remote("echo", "who", [])), -32011)
    wait_for(lambda: not os.path.exists("/proc/%d" % who),
             "the old service's process ended")


def test_an_uplink_changes(t):
    one, two = t.main("one.test"), t.main("two.test")
    home = t.home("alice.home", one, services=t.service("echo"))
    one.wait_service("alice.home", "echo")
    home.uplinks = (two,)
    home.write_conf()
    reload(home)
    two.wait_service("alice.home", "echo")
    wait_for(lambda: ("alice.home", "echo") not in one.registry(),
             "the old link is closed")
    assert two.rpc(remote("echo", "echo", [1]))["result"] == [1]


def test_what_cannot_change(t):
    """Role and id belong to the process: a reload says so."""
    main = t.main()
    main.write_conf(main.conf_text().replace("main.test", "other.test"))
    reload(main, 1)
    assert main.get("/health")["node_id"] == "main.test"


def test_call_timeout_changes(t):
    main, alice, bob = t.pair()
    main.extra = "call-timeout 1s\n"
    main.write_conf()
    reload(main)
    check_error(main.rpc(remote("echo", "hang", [])), -32014)
