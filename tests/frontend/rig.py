# SPDX-License-Identifier: ISC
"""A relay-frontend with this test as its parent, router and dialer."""

import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "ipc"))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "ws-echo"))
import msgtable  # noqa: E402

MSGS = msgtable.by_name()
NAMES = {m.number: m.name for m in MSGS.values()}
PROCS = {"parent": 0, "frontend": 1, "dialer": 2, "backend": 3, "router": 4,
         "registry": 5, "keeper": 6}
MAIN, HOME = 1, 2
WAIT = 30
NO_TLS = b"\0\xff\xff\xff\xff\0\0\xff\xff\xff\xff"  # ca, pin, key
MODES = {"enforce": 1, "log": 2, "off": 3}


def wstr(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<H", len(b)) + b


def wbytes(b):
    return struct.pack("<I", len(b)) + b


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, fmt):
        n = struct.calcsize("<" + fmt)
        v = struct.unpack("<" + fmt, self.data[:n])
        self.data = self.data[n:]
        return v[0]

    def str(self):
        n = self.take("H")
        v, self.data = self.data[:n], self.data[n:]
        return v.decode("utf-8", "surrogateescape")

    def bytes(self):
        n = self.take("I")
        v, self.data = self.data[:n], self.data[n:]
        return v


class Channel:
    def __init__(self, sock):
        self.s = sock
        self.buf = b""
        self.s.settimeout(WAIT)

    def send(self, name, payload=b"", fd=None):
        head = struct.pack("<IHH", len(payload), MSGS[name].number,
                           1 if fd is not None else 0)
        if fd is not None:
            socket.send_fds(self.s, [head + payload], [fd])
        else:
            self.s.sendall(head + payload)

    def recv(self):
        """(name, Reader) of the next message."""
        while True:
            if len(self.buf) >= 8:
                n, t, _ = struct.unpack("<IHH", self.buf[:8])
                if len(self.buf) >= 8 + n:
                    data = self.buf[8:8 + n]
                    self.buf = self.buf[8 + n:]
                    return NAMES[t], Reader(data)
            got = self.s.recv(1 << 20)
            if not got:
                raise EOFError("channel closed")
            self.buf += got

    def expect(self, name):
        got, r = self.recv()
        assert got == name, "%s, not %s (%r)" % (got, name, r.data)
        return r

    def quiet(self, seconds=0.2):
        """Nothing comes: only where an absence must be shown."""
        r, _, _ = select.select([self.s], [], [], seconds)
        return not r and not self.buf


class Frontend:
    tls = False         # of its listener

    def send_files(self):
        """Certificates and what else is part of a configuration."""

    def __init__(self, program, role=MAIN, node_id="main.test",
                 sandbox="enforce", max_message=1 << 20, connections=1000,
                 per_address=1000, origins=(), uplinks=(), peers=(),
                 nofile=None,
                 router=True, unix=None, verbose=False):
        with open(program, "rb") as f:
            # keeps what is freed for a while
            self.sanitized = b"__asan_init" in f.read()
        mine, theirs = socket.socketpair()
        self.log = open(os.path.join(os.environ.get("TMPDIR", "/tmp"),
                        "frontend-test.%d.log" % os.getpid()), "w+b")

        def child():
            import resource
            os.dup2(theirs.fileno(), 3)
            if nofile:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))
        self.p = subprocess.Popen([program], preexec_fn=child,
                                  close_fds=False, stderr=self.log)
        theirs.close()
        self.parent = Channel(mine)
        self.parent.s.setblocking(True)
        self.parent.s.settimeout(WAIT)
        version = re.search(r"AC_INIT\(\[relayd\], \[(.*?)\]", open(
            os.path.join(HERE, "..", "..", "configure.ac")).read()).group(1)
        self.parent.send("HELLO", wstr(version) + struct.pack(
            "<BB", PROCS["frontend"], role) + wstr(node_id) + struct.pack(
            "<BBBIIB", 1, verbose, MODES[sandbox], 0xffffffff, 0xffffffff, 0)
            + wstr("/"))
        r = self.parent.expect("HELLO_ACK")
        r.str()
        self.sandbox = r.str()
        self.role, self.node_id = role, node_id
        self.router = self.dialer = None
        if router:
            self.add_peer("router")
        self.add_peer("dialer")
        self.parent.send("SETUP_END")
        self.parent.expect("SETUP_DONE")
        self.generation = 0
        self.conf = dict(max_message=max_message, connections=connections,
                         per_address=per_address, origins=origins,
                         uplinks=uplinks, peers=peers)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.unix = unix
        if unix:
            self.unix_listener = socket.socket(socket.AF_UNIX)
            self.unix_listener.bind(unix)
            self.unix_listener.listen()
        self.configure()

    def add_peer(self, name):
        mine, theirs = socket.socketpair()
        theirs.setblocking(False)
        for s in (mine, theirs):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.parent.send("PEER_FD", bytes([PROCS[name]]), theirs.fileno())
        theirs.close()
        setattr(self, name, Channel(mine))

    def configure(self, commit=True, **change):
        why = self.prepare(**change)
        if why is None:
            self.decide(commit)
        return why

    def decide(self, commit=True):
        self.parent.send("CONF_COMMIT" if commit else "CONF_ABORT",
                         struct.pack("<I", self.generation))

    def prepare(self, **change):
        """A new configuration up to READY; if rejected, the reason."""
        self.conf.update(change)
        c = self.conf
        self.generation += 1
        g = struct.pack("<I", self.generation)
        self.parent.send("CONF_BEGIN", g)
        self.parent.send("CONF_NODE", bytes([self.role]) +
                         wstr(self.node_id) + struct.pack(
                             "<IIIII", 60000, c["max_message"],
                             c["connections"], c["per_address"], 300000) +
                         b"\3" + wstr(""))
        self.listener.setblocking(False)
        self.parent.send("CONF_LISTENER", struct.pack(
            "<IBBB", 0, 0, 1, self.tls) + wstr("127.0.0.1:%d" % self.port),
            self.listener.fileno())
        if self.unix:
            self.unix_listener.setblocking(False)
            self.parent.send("CONF_LISTENER", struct.pack(
                "<IBBB", 1, 1, 1, 0) + wstr(self.unix),
                self.unix_listener.fileno())
        for o in c["origins"]:
            self.parent.send("CONF_ORIGIN", wstr(o))
        self.send_files()
        for i, (host, port, path, *trust) in enumerate(c["uplinks"]):
            self.parent.send("CONF_UPLINK", struct.pack("<I", i) +
                             wstr(host) + struct.pack("<H", port) +
                             wstr(path) + (trust or [NO_TLS])[0] + wstr(""))
        for i, (host, port, path) in enumerate(c["peers"]):
            self.parent.send("CONF_PEER", struct.pack("<I", i) + wstr(host) +
                             struct.pack("<H", port) + wstr(path) +
                             wstr("") + b"\1" + NO_TLS)
        self.parent.send("CONF_END", g)
        name, r = self.parent.recv()
        if name == "CONF_REJECT":
            r.take("I")
            return r.str()
        assert name == "CONF_READY", name
        return None

    def show(self, what):
        """(section, fields) of each row."""
        self.parent.send("CTL_SHOW", struct.pack("<QB", 7, what))
        rows = []
        while True:
            name, r = self.parent.recv()
            if name == "CTL_END":
                return rows
            assert name == "CTL_ROW", name
            r.take("Q")
            row = {}
            rows.append((r.str(), row))
            for _ in range(r.take("H")):
                k = r.str()
                r.take("B")
                row[k] = r.str()

    def summary(self):
        return self.show(1)[0][1]

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), WAIT)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def rss(self):
        # smaps_rollup of a process that dumps no core is for root alone.
        with open("/proc/%d/status" % self.p.pid) as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024

    def logged(self):
        self.log.seek(0)
        return self.log.read().decode("latin-1")

    def alive(self):
        return self.p.poll() is None

    def stop(self):
        """Orderly; the exit status must be 0."""
        if self.alive():
            self.parent.send("SHUTDOWN", struct.pack("<I", 100))
            rc = self.p.wait(WAIT)
        else:
            rc = self.p.returncode
        text = self.logged()
        self.log.close()
        os.unlink(self.log.name)
        self.listener.close()
        assert rc == 0, "exit %s\n%s" % (rc, text)
        return text

    def kill(self):
        self.p.kill()
        self.p.wait()


def wait_for(cond, what):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        v = cond()
        if v:
            return v
        time.sleep(0.01)
    raise AssertionError("never: " + what)
