# SPDX-License-Identifier: ISC
"""A parent of the tests' own making: starts real child programs on fd 3 and
speaks the messages of common/msg_types.def to them, right or wrong."""

import os
import select
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import msgtable
from fields import (EDGES, MSG, NONE, NUMBER, PROC, Reader, header, string,
                    u8, u16, u32)

CHILD_FD = 3
while os.dup(0) <= CHILD_FD:  # so that no pipe of subprocess is fd 3
    pass
TIMEOUT = 30  # seconds; only a hang lasts so long
SANDBOX = {"enforce": 1, "log": 2, "off": 3}
ANYONE = 3  # authentication none


class Gone(Exception):
    """The other end is closed."""


class Slow(Exception):
    """Nothing came in time: a hang."""


def service(name, version="1.0.0", visibility=3):
    """An encoded service without methods and labels (common/service.h)."""
    return (string(name) + string(version) + u32(1) + u32(0)
            + u8(visibility) + u8(1) + u16(0) + u16(0))


def conf_node(role, hold_down_ms=300000, authentication=ANYONE):
    return (u8(1 if role == "main" else 2) + string("test-node") + u32(60000)
            + u32(1 << 20) + u32(100) + u32(100) + u32(hold_down_ms)
            + u8(authentication) + string(""))


def conf_uplink(index, host, port, path):
    """One without TLS, of any Main."""
    return (u32(index) + string(host) + u16(port) + string(path) + u8(0)
            + u32(NONE) + string("") + u32(NONE) + string(""))


def conf_peer(index, host, port, path, node_id=""):
    """A configured one without TLS."""
    return (u32(index) + string(host) + u16(port) + string(path)
            + string(node_id) + u8(1) + u8(0) + u32(NONE) + string("")
            + u32(NONE))


# --- one end of a channel ---

class Channel:
    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self.buf = b""

    def send_raw(self, raw, fds=()):
        deadline = time.monotonic() + TIMEOUT
        while raw or fds:
            try:
                if fds:
                    n = socket.send_fds(self.sock, [raw], fds)
                else:
                    n = self.sock.send(raw)
                raw, fds = raw[n:], ()
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Slow("no room") from None
                select.select([], [self.sock], [], 1)
            except (BrokenPipeError, ConnectionResetError):
                raise Gone("send") from None

    def send(self, name, payload=b"", fds=()):
        flags = msgtable.FLAG_FD if fds else 0
        self.send_raw(header(MSG[name].number, len(payload), flags) + payload,
                      fds)

    def fill(self, timeout):
        if not select.select([self.sock], [], [], max(timeout, 0))[0]:
            return False
        try:
            part, fds, _, _ = socket.recv_fds(self.sock, 1 << 18, 4)
        except ConnectionResetError:
            raise Gone("reset") from None
        for fd in fds:
            os.close(fd)
        if not part:
            raise Gone("end")
        self.buf += part
        return True

    def next(self):
        """A whole message from the buffer as (name, payload), or None."""
        if len(self.buf) < msgtable.HEADER:
            return None
        length, number, _ = struct.unpack("<IHH", self.buf[:8])
        if len(self.buf) < 8 + length:
            return None
        payload, self.buf = self.buf[8:8 + length], self.buf[8 + length:]
        return NUMBER[number].name, payload

    def recv(self, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while (got := self.next()) is None:
            if not self.fill(deadline - time.monotonic()) and \
                    time.monotonic() >= deadline:
                raise Slow("no message")
        return got

    def expect(self, *names):
        """The next message of these names; others are passed over."""
        while True:
            name, payload = self.recv()
            if name in names:
                return name, Reader(payload)

    def expect_end(self):
        try:
            while True:
                self.recv()
        except Gone:
            return

    def drain(self):
        """Take what is there; false at the end of the stream."""
        try:
            while self.fill(0):
                pass
            while self.next():
                pass
        except Gone:
            return False
        return True

    def close(self):
        self.sock.close()


def pair():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for s in (a, b):
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return a, b


# --- a child ---

def find_program(proc):
    """The built program, or None."""
    name = f"relay-{proc}"
    top = Path(os.environ.get("BUILD", "."))
    for place in (top / name, top / name / name, top / "relayd" / proc / name,
                  top / "relayd" / name):
        if place.is_file() and os.access(place, os.X_OK):
            return place.resolve()
    return None


def version():
    """The version of this build: what every program compares HELLO with."""
    top = Path(os.environ.get("BUILD", "."))
    for line in (top / "Makefile").read_text().splitlines():
        if line.startswith("PACKAGE_VERSION = "):
            return line.split("=", 1)[1].strip()
    raise ValueError("no PACKAGE_VERSION in the Makefile")


class Child:
    """A running program and our end of its fd 3.  A role, "main" or "home".

    As root it gets a uid of its own and a chroot, as relayd would do.
    """

    def __init__(self, proc, role="home", sandbox="enforce"):
        self.proc = proc
        self.role = role
        self.sandbox = sandbox
        self.dir = tempfile.TemporaryDirectory(prefix="relayd-test-ipc.")
        self.root = os.geteuid() == 0
        self.uid = 59000 + PROC[proc] if self.root else 0xffffffff
        if self.root:
            os.chown(self.dir.name, self.uid, self.uid)
        ours, theirs = pair()
        r, w = os.pipe()
        self.log = b""
        self.log_fd = r
        os.set_blocking(r, False)
        self.process = subprocess.Popen(
            [f"relay-{proc}"], executable=find_program(proc), stderr=w,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.dup2(theirs.fileno(), CHILD_FD),
            close_fds=False, start_new_session=True,
            env={k: v for k, v in os.environ.items() if k.endswith("_OPTIONS")})
        theirs.close()
        os.close(w)
        self.ch = Channel(ours)
        self.generation = 0
        self.seq = 0
        self.peers = {}

    def hello(self, **change):
        f = {"version": version(), "proc": PROC[self.proc],
             "role": 1 if self.role == "main" else 2, "node_id": "test-node",
             "log_style": 1, "verbose": 0,
             "sandbox": SANDBOX[self.sandbox], "uid": self.uid,
             "gid": self.uid, "chroot": int(self.root), "dir": self.dir.name}
        f.update(change)
        return (string(f["version"]) + u8(f["proc"]) + u8(f["role"])
                + string(f["node_id"]) + u8(f["log_style"]) + u8(f["verbose"])
                + u8(f["sandbox"]) + u32(f["uid"]) + u32(f["gid"])
                + u8(f["chroot"]) + string(f["dir"]))

    # The stages of a life, each from the one before.

    def to_setup(self):
        self.ch.send("HELLO", self.hello())
        _, r = self.ch.expect("HELLO_ACK")
        assert r.string() == version()
        self.report = r.string()
        return self

    def to_conf(self):
        self.to_setup()
        for peer in EDGES[self.proc]:
            self.give_peer(peer)
        self.ch.send("SETUP_END")
        self.ch.expect("SETUP_DONE")
        return self

    def configure(self):
        """A generation, up to READY."""
        self.generation += 1
        self.ch.send("CONF_BEGIN", u32(self.generation))
        self.ch.send("CONF_NODE", conf_node(self.role))
        self.ch.send("CONF_END", u32(self.generation))
        name, r = self.ch.expect("CONF_READY", "CONF_REJECT")
        assert name == "CONF_READY", r.b

    def commit(self):
        self.ch.send("CONF_COMMIT", u32(self.generation))

    def to_run(self):
        self.to_conf()
        self.configure()
        self.commit()
        self.alive()
        return self

    def to(self, phase):
        return {"HELLO": lambda: self, "SETUP": self.to_setup,
                "CONF": self.to_conf, "RUN": self.to_run}[phase]()

    def give_peer(self, peer):
        """A new channel to a peer, which we play."""
        if peer in self.peers:
            self.peers.pop(peer).close()
        ours, theirs = pair()
        self.ch.send("PEER_FD", u8(PROC[peer]), [theirs.fileno()])
        theirs.close()
        self.peers[peer] = Channel(ours)
        return self.peers[peer]

    def alive(self):
        """It answers, and has read all we sent before."""
        self.seq += 1
        self.ch.send("WATCHDOG", u32(self.seq))
        while True:
            _, r = self.ch.expect("WATCHDOG_ACK")
            if r.u32() == self.seq:
                break
        self.read_log()  # or the pipe fills and its writer waits

    def read_log(self):
        try:
            while part := os.read(self.log_fd, 65536):
                self.log = (self.log + part)[-65536:]
        except BlockingIOError:
            pass
        return self.log.decode(errors="replace")

    def fds(self):
        """How many it has open; only root may count those of a process that
        is not dumpable."""
        try:
            return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        except PermissionError:
            return 0

    def wait(self):
        """Its exit status; a hang is an error."""
        try:
            return self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Slow(f"{self.proc} does not end") from None

    def close(self):
        self.ch.close()
        for ch in self.peers.values():
            ch.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.log_fd)
        self.dir.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, _, exc, __):
        if exc is not None:
            if self.process.poll() is None:
                self.process.kill()
            exc.add_note(f"{self.proc}: status {self.process.wait()}\n"
                         + self.read_log())
        self.close()
