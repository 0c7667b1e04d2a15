# SPDX-License-Identifier: ISC
"""Start and stop: the order, the exit status, and what is left (nothing)."""

import os
import signal
import socket
import threading

from answers import check_error
from node import free_port
from process import RELAYD, wait_for
from wire import remote


def test_sigterm_and_sigint(t):
    for i, sig in enumerate((signal.SIGTERM, signal.SIGINT)):
        main = t.main("main%d.test" % i)
        alice = t.home("alice%d.home" % i, main, services=t.service("echo"))
        main.wait_service("alice%d.home" % i, "echo")
        seed = main.link("seed.home")
        t.links.append(seed)
        seed.register(["seeds"])
        main.p.send_signal(sig)
        seed.expect_close(1001)
        seed.abort()
        assert main.wait() == 0, main.log()
        assert not os.path.exists(main.control)
        assert alice.stop(sig) == 0, alice.log()


def test_pending_calls_are_answered(t):
    main, alice, bob = t.pair()
    for node in (alice, main):
        out = []
        th = threading.Thread(target=lambda: out.append(
            bob.rpc(remote("echo", "sleep", {"ms": 700}))))
        th.start()
        wait_for(lambda: any(alice.show("pending").values()), "the call")
        node.p.send_signal(signal.SIGTERM)
        th.join(30)
        assert out[0].get("result") == "late", (node.name, out)
        assert node.wait() == 0
        if node is alice:
            alice = t.home("alice2.home", main, services=t.service("echo"))
            main.wait_service("alice2.home", "echo")


def test_a_call_that_never_ends(t):
    """The grace is bounded: the call gets an error, the stop its status."""
    main, alice, bob = t.pair()
    out = []
    th = threading.Thread(target=lambda: out.append(
        bob.rpc(remote("echo", "hang", [], timeout=120))))
    th.start()
    wait_for(lambda: any(main.show("pending").values()), "the call")
    assert main.stop() == 0
    th.join(30)
    check_error(out[0], out[0]["error"]["code"])
    assert out[0]["error"]["code"] in (-32024, -32023), out


def test_two_of_the_same(t):
    """The second relayd on one control socket or port is refused."""
    main = t.main()
    code, out, err = t.run([RELAYD, "-d", "-f", main.conf])
    assert code == 1, (code, out, err)
    assert out + err
    main.ctl("show", "summary", check=0)
    assert main.get("/health")["node_id"] == "main.test"


def test_port_in_use(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        main = t.main(port=s.getsockname()[1], ready=False)
        main.expect_exit = True
        assert main.wait() == 1
        assert str(s.getsockname()[1]) in main.log(), main.log()


def test_state_survives(t):
    """After a restart the registry knows who is known: NODE_OFFLINE."""
    main, alice, bob = t.pair()
    assert alice.stop() == 0
    assert main.stop() == 0
    again = main.restart()
    wait_for(lambda: again.rpc(remote("echo", "echo", [], node="alice.home"))
             ["error"]["code"] == -32012, "alice is known, but not there")
    bob.wait_linked(main)


def test_stale_control_socket(t):
    """What a killed relayd left does not keep the next one from starting."""
    main = t.main()
    main.expect_exit = True
    main.p.kill()
    main.wait()
    assert os.path.exists(main.control)
    wait_for(lambda: not t.left(), "the old children ended")
    again = main.restart()
    again.ctl("show", "summary", check=0)
    assert again.stop() == 0


def test_usage_and_check(t):
    main = t.main()
    for args, want in ((["-n", "-f", main.conf], 0),
                       (["-nv", "-f", main.conf], 0),
                       (["-n", "-f", "/does/not/exist"], 1),
                       (["-Z"], 1), (["-f"], 1),
                       (["-n", "-f", main.conf, "extra"], 1)):
        code, out, err = t.run([RELAYD] + args)
        assert code == want, (args, code, out, err)
        assert want == 0 or err, (args, out, err)
    code, out, err = t.run([RELAYD, "-nv", "-f", main.conf])
    again = os.path.join(t.dir, "again.conf")
    with open(again, "w") as f:
        f.write(out)
    code, twice, err = t.run([RELAYD, "-nv", "-f", again])
    assert code == 0 and twice == out, (out, twice, err)


def test_macros(t):
    port = free_port()
    conf = os.path.join(t.dir, "m.conf")
    with open(conf, "w") as f:
        f.write('id = "macro.test"\nhttp_port = "1"\nnode main $id\n'
                'listen on 127.0.0.1 port $http_port\n')
    code, out, err = t.run([RELAYD, "-nv", "-D", "http_port=%d" % port, "-f",
                            conf])
    assert code == 0 and str(port) in out, (code, out, err)
    assert "macro.test" in out, out


def test_at_the_very_start(t):
    """From when there is something to leave behind, it is not left."""
    for i in range(20):
        main = t.main("main%d.test" % i, ready=False)
        while not os.path.exists(main.control):
            assert main.p.poll() is None, main.log()
        main.p.send_signal(signal.SIGTERM)
        assert main.wait() == 0, main.log()
        assert not os.path.exists(main.control), main.log()


def test_while_a_process_starts(t):
    """It is told to end while it is set up: no fault of its own."""
    for i, prog in enumerate(("relay-dialer", "relay-registry",
                              "relay-router", "relay-frontend") * 2):
        main = t.main("main%d.test" % i)
        pid = main.wait_children()[prog]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: main.children().get(prog, pid) != pid,
                 prog + " is started again")
        assert main.stop() == 0


def test_a_crash_while_it_stops(t):
    """That processes end is no news then, but that one crashes is."""
    t.expect_offenders = True
    main = t.main()
    pid = main.wait_children()["relay-keeper"]
    os.kill(pid, signal.SIGSTOP)
    main.p.send_signal(signal.SIGTERM)
    main.wait_log("stopping: SIGTERM")
    os.kill(pid, signal.SIGABRT)
    os.kill(pid, signal.SIGCONT)
    assert main.wait() == 0
    assert "keeper (pid %d) killed by signal 6" % pid in main.log()
    assert "registry (pid" not in main.log()
