# SPDX-License-Identifier: ISC
"""relay-ctl(8), and what a stranger may write into the control socket."""

import json
import os
import random
import socket
import struct
import sys
import threading

from node import ctl
from process import RELAYD, TOP, wait_for
from watch import Watch
from wire import remote

SHOWS = ("summary", "processes", "homes", "peers", "services", "sessions",
         "pending", "channels", "sandbox", "config", "routes", "tls",
         "identity", "policy")


def test_every_show(t):
    main, alice, bob = t.pair()
    for node in (main, alice):
        for what in SHOWS:
            code, text, err = node.ctl("show", what)
            assert code == 0 and not err, (what, code, err)
            if what not in ("peers", "pending", "homes", "sessions",
                            "policy"):
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
                 ("call",), ("call", "echo"), ("log",), ("reload", "x"),
                 ("enroll",), ("enroll", "x.home", "expires", "never"),
                 ("node",), ("node", "disable"), ("token",),
                 ("token", "create"), ("token", "create", ""), ("audit",),
                 ("audit", "show", "-n", "0"), ("explain", "a", "b"),
                 ("token", "create", "x" * 65), ("node", "token", "n" * 256),
                 ("explain", "c" * 1000, "echo", "x"),
                 ("explain", "anonymous", "t" * 1000, "x"),
                 ("explain", "anonymous", "echo", "m" * 1000)):
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


def test_longest_words(t):
    """What relay-ctl lets through is refused by who knows what it means."""
    main = t.main()
    home = t.home("h.home", main)
    node, caller = "n" * 253, "home:" + "c" * 253 + "@" + "m" * 253
    url = "ws://127.0.0.1:1/" + "x" * (1024 - len("ws://127.0.0.1:1/"))
    target = node + "@" + "m" * 253 + "/" + "s" * 128
    for words in (("enroll", "n" * 253, "url", url, "pin", "p" * 64),
                  ("enroll", "x.home", "url", url),
                  ("enroll", "x.home", "url", "ws://a", "pin", "p" * 64),
                  ("node", "disable", "n" * 253), ("node", "token", "/" * 253),
                  ("token", "create", "T" * 64), ("token", "revoke", "t" * 64),
                  ("peer", "add", url, "node", "n" * 253),
                  ("explain", caller, target, "m" * 128),
                  ("explain", "token:" + "t" * 508, "t" * 758, "m" * 128),
                  ("explain", "c" * 514, "a/b", "m")):
        for n in (main, home):
            pids = n.wait_children()
            code, out, err = n.ctl(*words)
            assert code in (1, 3) and (out or err), (words, code, out, err)
            assert n.children() == pids, words


def text(s):
    return struct.pack("<H", len(s)) + s.encode()


def test_wrong_requests(t):
    """Well-formed messages with values that mean nothing, or are too long: the
    client is closed, and no process of relayd hears of it."""
    sys.path.insert(0, os.path.join(TOP, "tests/ipc"))
    import msgtable
    number = {n: m.number for n, m in msgtable.by_name().items()}
    main = t.main()
    home = t.home("h.home", main)
    ask = struct.pack("<Q", 1)
    bad = [("CTL_SHOW", bytes([what])) for what in (0, 15, 255)]
    bad += [("CTL_TOKEN", bytes([op]) + text("x")) for op in (0, 4, 255)]
    bad += [("CTL_TOKEN", b"\1" + text("x" * 65)),
            ("CTL_TOKEN", b"\1" + text("x") + b"\0")]
    bad += [("CTL_NODE", bytes([op]) + text("x") + text("") + text("") +
             b"\0\0\0\0") for op in (0, 8, 255)]
    bad += [("CTL_NODE", b"\6" + text("x" * a) + text("u" * b) +
             text("p" * c) + b"\0\0\0\0")
            for a, b, c in ((300, 0, 0), (1, 2000, 0), (1, 0, 65))]
    bad += [("CTL_AUDIT", bytes([op]) + b"\0" * 12) for op in (0, 3, 255)]
    bad += [("CTL_EXPLAIN", text("c" * a) + text("t" * b) + text("m" * c))
            for a, b, c in ((600, 1, 1), (1, 1000, 1), (1, 1, 500))]
    for node in (main, home):
        pids = node.wait_children()
        for name, body in bad:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(20)
                s.connect(node.control)
                s.sendall(struct.pack("<IHH", len(ask + body), number[name],
                                      0) + ask + body)
                got = b""
                try:
                    while chunk := s.recv(65536):
                        got += chunk
                except ConnectionError:
                    pass
                # CTL_END with status 1 is all there is to read.
                assert got[4:6] == struct.pack("<H", number["CTL_END"]) and \
                    got[16] == 1, (name, body, got)
        node.ctl("show", "summary", check=0)
        assert node.children() == pids, (node.children(), pids)


class FalseRelayd(threading.Thread):
    """
    A control socket that answers CTL_AUDIT with at most page records of those
    it has; deaf: it does not care for where to begin.
    """

    def __init__(self, t, seqs, page, deaf=False):
        super().__init__(daemon=True)
        sys.path.insert(0, os.path.join(TOP, "tests/ipc"))
        import msgtable
        self.number = {n: m.number for n, m in msgtable.by_name().items()}
        self.seqs, self.page, self.deaf = seqs, page, deaf
        self.asked = []
        self.path = os.path.join(t.dir, "false.sock")
        self.s = socket.socket(socket.AF_UNIX)
        self.s.bind(self.path)
        self.s.listen()
        self.start()

    def send(self, c, name, body):
        c.sendall(struct.pack("<IHH", len(body), self.number[name], 0) + body)

    def row(self, c, seq):
        body = struct.pack("<Q", 1) + text("audit") + \
            struct.pack("<H", 1) + text("seq") + b"\2" + \
            text(str(seq))
        self.send(c, "CTL_ROW", body)

    def run(self):
        c = self.s.accept()[0]
        while True:
            head = c.recv(8, socket.MSG_WAITALL)
            if len(head) < 8:
                return
            length, number, _ = struct.unpack("<IHH", head)
            body = c.recv(length, socket.MSG_WAITALL)
            assert number == self.number["CTL_AUDIT"]
            _, op, before, count = struct.unpack("<QBQI", body)
            self.asked.append((op, before, count))
            those = [s for s in self.seqs
                     if self.deaf or not before or s < before]
            for seq in those[-min(count, self.page):]:
                self.row(c, seq)
            self.send(c, "CTL_END", struct.pack("<QB", 1, 0) + text(""))


def audit(f, *args):
    out = ctl(f.path, "-j", "audit", "show", *args, check=0)[1]
    return [r["seq"] for r in json.loads(out)["audit"]]


def test_audit_show_asks_as_often_as_it_must(t):
    all_ = list(range(100, 2100))
    for page, count in ((7, 50), (500, 500), (500, 501), (100, 1999),
                        (5000, 5000), (1, 3)):
        f = FalseRelayd(t, all_, page)
        assert audit(f, "-n", str(count)) == all_[-count:], (page, count)
        assert f.asked[0][1] == 0 and all(a[0] == 1 for a in f.asked), f.asked
        assert all(0 < a[2] <= count for a in f.asked), f.asked
        os.unlink(f.path)
    f = FalseRelayd(t, [], 10)
    assert audit(f) == [] and len(f.asked) == 1
    os.unlink(f.path)
    f = FalseRelayd(t, [1, 2, 3], 10)
    assert audit(f) == [1, 2, 3]
    # The first record of all needs no question for what was before.
    assert len(f.asked) == 1, f.asked


def test_audit_show_ends(t):
    """Whatever comes from the other side of the socket."""
    f = FalseRelayd(t, [5, 6, 7], 10, deaf=True)
    assert set(audit(f, "-n", "100")) == {5, 6, 7}
    assert len(f.asked) <= 2, f.asked
