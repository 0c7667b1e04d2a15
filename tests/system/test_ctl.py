# SPDX-License-Identifier: ISC
"""relay-ctl(8), and what a stranger may write into the control socket."""

import json
import os
import random
import socket

from relaytest import RELAYD, ctl, wait_for
from watch import Watch
from wire import remote

SHOWS = ("summary", "processes", "homes", "peers", "services", "sessions",
         "pending", "channels", "sandbox", "config")


def test_every_show(t):
    main, alice, bob = t.pair()
    for node in (main, alice):
        for what in SHOWS:
            code, text, err = node.ctl("show", what)
            assert code == 0 and not err, (what, code, err)
            if what not in ("peers", "pending", "homes", "sessions"):
                assert text.strip(), what
            code, out, err = node.ctl("-j", "show", what)
            assert code == 0 and not err, (what, code, err)
            json.loads(out)
    procs = json.dumps(main.show("processes"))
    for name, pid in main.children().items():
        assert str(pid) in procs, (name, pid, procs)
    homes = json.dumps(main.show("homes"))
    assert '"alice.home"' in homes and '"bob.home"' in homes, homes
    services = json.dumps(main.show("services"))
    assert '"echo"' in services and '"alice.home"' in services, services
    sessions = json.dumps(main.show("sessions"))
    assert "alice.home" in sessions and "bob.home" in sessions, sessions
    text = main.ctl("show", "homes", check=0)[1]
    assert "alice.home" in text and "bob.home" in text, text
    config = main.ctl("show", "config", check=0)[1]
    assert "main.test" in config, config


def test_show_config_parses_again(t):
    main = t.main()
    config = main.ctl("show", "config", check=0)[1]
    again = os.path.join(t.dir, "again.conf")
    with open(again, "w") as f:
        f.write(config)
    code, out, err = t.run([RELAYD, "-n", "-f", again])
    assert code == 0, (config, out, err)


def test_show_pending(t):
    import threading
    main, alice, bob = t.pair()
    th = threading.Thread(target=lambda: bob.rpc(
        remote("echo", "sleep", {"ms": 2000})))
    th.start()
    for node in (bob, main, alice):
        wait_for(lambda: any(node.show("pending").values()),
                 "the call is pending on " + node.name)
    rows = [r for v in main.show("pending").values() for r in v]
    assert len(rows) == 1, rows
    th.join()
    for node in (bob, main, alice):
        wait_for(lambda: not any(node.show("pending").values()),
                 "no call is pending on " + node.name)


def test_call(t):
    main, alice, bob = t.pair()
    for node in (main, bob, alice):
        code, out, err = node.ctl("call", "echo", "echo", '{"a":[1,2.5]}')
        assert code == 0, (code, out, err)
        assert "2.5" in out, out
        code, out, err = node.ctl("-j", "call", "echo", "echo", "[1]")
        assert code == 0 and json.loads(out), (code, out, err)
    code, out, err = bob.ctl("call", "alice.home/echo", "echo", "[5]")
    assert code == 0 and "5" in out, (code, out, err)
    code, out, err = main.ctl("call", "echo", "fail", "[]")
    assert code == 1 and "the application says no" in out + err, (out, err)
    code, out, err = main.ctl("call", "nothing", "x")
    assert code in (1, 3) and "-32011" in out + err, (code, out, err)
    code, out, err = main.ctl("call", "echo", "echo", "{not json")
    assert code == 1, (code, out, err)


def test_log_level(t):
    main = t.main()
    main.ctl("log", "verbose", check=0)
    main.link("noise.home").register(["a"])
    main.ctl("log", "brief", check=0)
    main.ctl("log", "loud", check=1)


def test_exit_codes(t):
    main = t.main()
    for args in ((), ("show",), ("show", "nothing"), ("nonsense",),
                 ("-x", "show", "summary"), ("show", "summary", "more"),
                 ("call",), ("call", "echo"), ("log",), ("reload", "x")):
        code, out, err = main.ctl(*args)
        assert code == 1 and err, (args, code, out, err)
    code, out, err = ctl(os.path.join(t.dir, "nobody.sock"), "show",
                         "summary")
    assert code == 2 and err, (code, err)
    # A socket that nobody listens on any more
    dead = os.path.join(t.dir, "dead.sock")
    s = socket.socket(socket.AF_UNIX)
    s.bind(dead)
    s.close()
    assert ctl(dead, "show", "summary")[0] == 2
    code, out, err = main.ctl("show", "homes", "nobody.home")
    assert code in (1, 3), (code, out, err)


def test_stop(t):
    main = t.main()
    main.ctl("stop", check=0)
    assert main.wait() == 0
    assert not os.path.exists(main.control)
    assert main.ctl("stop")[0] == 2


def test_garbage(t):
    """Each is told what was wrong and closed; relayd goes on."""
    main = t.main()
    watch = Watch(t, main)
    rnd = random.Random(7)
    cases = [b"\0", b"\xff" * 4, b"\xff" * 4096, b"GET / HTTP/1.1\r\n\r\n",
             b"\0" * 64, os.urandom(64), b"\x01\0\0\0" * 100]
    cases += [bytes(rnd.randrange(256) for _ in range(rnd.randrange(1, 300)))
              for _ in range(60)]
    for data in cases:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(main.control)
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except ConnectionError:
                pass
        main.ctl("show", "summary", check=0)
    watch.check("garbage on the control socket")
    watch.finish()


def test_file_descriptors_are_refused(t):
    """A control client that sends descriptors does not make relayd keep
    them."""
    main = t.main()
    watch = Watch(t, main)
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(main.control)
            with open("/dev/null") as f:
                try:
                    socket.send_fds(s, [b"\x10\0\0\0\0\0\0\0"],
                                    [f.fileno()] * 4)
                except OSError:
                    pass
    main.ctl("show", "summary", check=0)
    watch.finish()


def test_clients_are_capped(t):
    main = t.main()
    held = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        try:
            s.connect(main.control)
        except BlockingIOError:         # the queue of the socket is full
            pass
        held.append(s)
    for s in held:
        s.close()
    wait_for(lambda: main.ctl("show", "summary")[0] == 0,
             "relay-ctl is served again")


def test_mode_of_the_socket(t):
    main = t.main()
    mode = os.stat(main.control).st_mode & 0o777
    assert mode & 0o007 == 0, oct(mode)

