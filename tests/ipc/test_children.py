#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Real child programs under a parent that lies, and among peers that do.

The parent is trusted more than any child: what is wrong from it ends the
child with an error in its log, and never with a signal or a hang.  A peer that
is trusted less is reported to the parent and its channel closed, and the child
lives on; from a peer that is trusted more it is fatal.
"""

import os
import random
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import msgtable  # noqa: E402
import parent  # noqa: E402
import runner  # noqa: E402
from fields import (EDGES, LETTER, MSG, PROC, TABLE, data,  # noqa: E402
                    header, less_trusted, string, u8, u16, u32, u64,
                    wrong_headers)
from parent import Child, Gone  # noqa: E402

NULL = os.open("/dev/null", os.O_RDWR)
SMALL = 4096  # a payload up to here is sent whole
RANDOM_ROUNDS = int(os.environ.get("ROUNDS", "12"))


# --- wrong messages, from the oracle ---

def sample(cases, n, seed):
    """Some of them; the same ones each time."""
    cases = list(cases)
    random.Random(seed).shuffle(cases)
    return cases[:n]


def send_header(ch, number, length, fd):
    flags = msgtable.FLAG_FD if fd else 0
    ch.send_raw(header(number, length, flags), [NULL] if fd else ())


def expect_fatal(child, what):
    """It ends with status 1 and says why."""
    status = child.wait()
    log = child.read_log()
    assert status == 1, f"{what}: status {status}\n{log}"
    assert " error: " in log, f"{what}: no error in the log\n{log}"


def expect_end(child, what, *statuses):
    status = child.wait()
    assert status in statuses, f"{what}: status {status}\n{child.read_log()}"


# --- a life as it should be ---

def whole_life(proc, role):
    with Child(proc, role) as c:
        c.to_run()
        assert "seccomp=" in c.report, c.report
        if "sanitizer" not in c.report:
            assert "seccomp=enforce" in c.report, c.report
        before = c.fds()
        for _ in range(20):
            c.configure()
            c.commit()
            for peer in EDGES[proc]:
                c.give_peer(peer)
            c.alive()
        assert c.fds() == before, (before, c.fds())
        c.configure()
        c.ch.send("CONF_ABORT", u32(c.generation))
        c.alive()
        c.ch.send("LOG_LEVEL", u8(1))
        c.ch.send("CTL_SHOW", u64(7) + u8(8))
        c.ch.expect("CTL_ROW")
        _, r = c.ch.expect("CTL_END")
        assert r.u64() == 7
        c.ch.send("SHUTDOWN", u32(1000))
        expect_end(c, "SHUTDOWN", 0)


def show_all(proc, role):
    """Every show is answered, also one that does not exist."""
    with Child(proc, role) as c:
        c.to_run()
        for what in list(range(0, 12)) + [255]:
            c.ch.send("CTL_SHOW", u64(100 + what) + u8(what))
            _, r = c.ch.expect("CTL_END")
            assert r.u64() == 100 + what
        c.alive()


# --- HELLO ---

def wrong_hello(proc, role):
    changes = [
        {"version": "0.0.0-other"}, {"version": ""}, {"version": "x" * 64},
        {"proc": 0}, {"proc": 99}, {"proc": (PROC[proc] + 1) % len(PROC)},
        {"role": 0}, {"role": 3}, {"node_id": "x" * 254}, {"verbose": 2},
        {"chroot": 2}, {"sandbox": 0}, {"sandbox": 4}, {"dir": "x" * 2000},
    ]
    for change in changes:
        with Child(proc, role) as c:
            c.ch.send("HELLO", c.hello(**change))
            expect_fatal(c, str(change))
    for cut in (1, 20):
        with Child(proc, role) as c:
            payload = c.hello()[:-cut]
            c.ch.send("HELLO", payload)
            expect_fatal(c, f"HELLO cut by {cut}")
    with Child(proc, role) as c:
        c.ch.send("HELLO", c.hello() + b"x")
        expect_fatal(c, "HELLO and a byte")


def instead_of_hello(proc, role):
    """Started by something that does not know the protocol: a plain end."""
    for raw in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"\xff" * 64,
                header(MSG["SETUP_END"].number, 0),
                header(MSG["HELLO"].number, 29) + b"x" * 29,
                header(MSG["HELLO"].number, 100) + b"x" * 50,
                header(MSG["HELLO"].number, 5000)):
        with Child(proc, role) as c:
            try:
                c.ch.send_raw(raw)
            except Gone:
                pass
            c.ch.sock.shutdown(1)
            expect_end(c, raw, 1)


# --- wrong messages from the parent ---

def wrong_from_parent(proc, role, phase):
    for what, number, length, fd in sample(
            wrong_headers("parent", proc, phase), 40, f"{proc}{phase}"):
        with Child(proc, role) as c:
            c.to(phase)
            send_header(c.ch, number, length, fd)
            expect_fatal(c, f"{phase} {what}")


def out_of_order(proc, role):
    """Right messages at the wrong moment of their phase."""
    plans = [
        ("SETUP", [("PEER_FD", u8(PROC["parent"]), True)]),
        ("SETUP", [("PEER_FD", u8(PROC[proc]), True)]),
        ("SETUP", [("PEER_FD", u8(PROC["ctl"]), True)]),
        ("SETUP", [("PEER_FD", u8(200), True)]),
        ("CONF", [("CONF_END", u32(1), False)]),
        ("CONF", [("CONF_COMMIT", u32(1), False)]),
        ("CONF", [("CONF_ABORT", u32(1), False)]),
        ("CONF", [("CONF_BEGIN", u32(1), False),
                  ("CONF_BEGIN", u32(2), False)]),
        ("CONF", [("CONF_BEGIN", u32(1), False),
                  ("CONF_END", u32(2), False)]),
        ("CONF", [("CONF_BEGIN", u32(1), False),
                  ("CONF_COMMIT", u32(1), False)]),
        ("RUN", [("CONF_COMMIT", u32(1), False)]),
        ("RUN", [("CONF_END", u32(2), False)]),
    ]
    for phase, messages in plans:
        with Child(proc, role) as c:
            c.to(phase)
            for name, payload, fd in messages:
                c.ch.send(name, payload, [NULL] if fd else ())
            expect_fatal(c, str((phase, messages)))


def end_of_parent(proc, role):
    for phase in ("SETUP", "CONF", "RUN"):
        with Child(proc, role) as c:
            c.to(phase)
            c.ch.sock.close()
            expect_end(c, f"end in {phase}", 0)


def garbage_payloads(proc, role):
    """Allowed headers with any payload: an error and an end, or nothing."""
    rng = random.Random(f"{proc} payloads")
    for phase in ("SETUP", "CONF", "RUN"):
        for m in TABLE:
            if not m.allowed("P", LETTER[proc], phase, m.min, m.fd == "ONE"):
                continue
            if m.name in ("SHUTDOWN", "HELLO") or m.max == 0:
                continue
            for payload in payloads(m, rng, 4):
                one_garbage(proc, role, phase, m, payload)


def one_garbage(proc, role, phase, m, payload):
    with Child(proc, role) as c:
        c.to(phase)
        try:
            if phase == "CONF" and m.name.startswith("CONF_") and \
                    m.name != "CONF_BEGIN":
                c.ch.send("CONF_BEGIN", u32(1))
            c.ch.send(m.name, payload, [NULL] if m.fd == "ONE" else ())
            c.ch.sock.shutdown(1)
        except Gone:
            pass
        # Status 0: it was taken, and then the parent was gone.
        status = c.wait()
        log = c.read_log()
        what = f"{phase} {m.name} {payload.hex()}: status {status}\n{log}"
        assert status in (0, 1), what
        assert status == 0 or " error: " in log, what


def payloads(m, rng, n):
    """Some payloads of a size that the table allows."""
    yield b"\xff" * max(m.min, min(m.max, 40))
    yield b"\0" * m.min
    for _ in range(n):
        size = min(m.max, m.min + rng.choice((0, 1, 2, 7, 30, 200)))
        yield random_payload(m, rng, size)


def random_payload(m, rng, size):
    """Fields of the right kinds most of the time, cut or filled to size."""
    out = b""
    for kind in [f.split()[0] for f in m.fields.split(", ") if f]:
        if kind in ("u8", "bool"):
            out += u8(rng.choice((0, 1, 2, 3, 255)))
        elif kind == "u16":
            out += u16(rng.choice((0, 1, 80, 401, 0xffff)))
        elif kind in ("u32", "i32"):
            out += u32(rng.choice((0, 1, 2, 0x7fffffff, 0xffffffff)))
        elif kind == "u64":
            out += u64(rng.choice((0, 1, 2, 1 << 63, (1 << 64) - 1)))
        elif kind == "bytes":
            out += data(rng.choice((b"", b"{}", b"[", b"\xff\0x")))
        elif kind == "service":
            out += parent.service(rng.choice(("a", "..", "", "x" * 300)))
        else:
            out += string(rng.choice((b"", b"a", b"a.b", b"\xff", b"A" * 300,
                                      b"\0", b"1.2.3")))
    if rng.random() < 0.5:
        return out[:m.max] if len(out) >= m.min else out.ljust(m.min, b"\0")
    return (out + rng.randbytes(size))[:size].ljust(m.min, b"\0")


# --- wrong messages from a peer ---

def expect_offender(child, peer, what):
    _, r = child.ch.expect("OFFENDER")
    assert r.u8() == PROC[peer], what
    assert r.string(), what
    child.peers[peer].expect_end()


def wrong_from_peer(proc, role, peer):
    """The whole matrix of one edge against one process that lives on."""
    with Child(proc, role) as c:
        c.to_run()
        before = c.fds()
        for what, number, length, fd in wrong_headers(peer, proc, "RUN"):
            send_header(c.peers[peer], number, length, fd)
            expect_offender(c, peer, what)
            c.alive()
            c.give_peer(peer)
            c.alive()
            assert c.fds() == before, (what, before, c.fds())
        assert c.process.poll() is None


def wrong_from_trusted_peer(proc, role, peer):
    for what, number, length, fd in sample(
            wrong_headers(peer, proc, "RUN"), 25, f"{proc}{peer}"):
        with Child(proc, role) as c:
            c.to_run()
            send_header(c.peers[peer], number, length, fd)
            expect_fatal(c, f"{peer}: {what}")


def fuzz_from_peer(proc, role, peer):
    """Any payload in any order: the process lives, whatever the peer says."""
    rng = random.Random(f"{proc} {peer}")
    allowed = [m for m in TABLE if m.allowed(
        LETTER[peer], LETTER[proc], "RUN", m.min, m.fd == "ONE")]
    with Child(proc, role) as c:
        c.to_run()
        before = c.fds()
        for _ in range(RANDOM_ROUNDS):
            for m in allowed:
                for payload in payloads(m, rng, 6):
                    try:
                        c.peers[peer].send(m.name, payload,
                                           [NULL] if m.fd == "ONE" else ())
                    except Gone:
                        c.give_peer(peer)
            for other in c.peers.values():
                other.drain()
            c.alive()
            if not c.peers[peer].drain():
                c.give_peer(peer)
        c.give_peer(peer)
        c.alive()
        assert c.process.poll() is None, c.read_log()
        assert c.fds() <= before, (before, c.fds())


def stuck_peer(proc, role, peer):
    """A peer that sends half a message and then nothing holds up nobody."""
    with Child(proc, role) as c:
        c.to_run()
        m, fd = next((m, fd) for m in TABLE for fd in (0, 1) if m.max > 1 and
                     m.allowed(LETTER[peer], LETTER[proc], "RUN", m.max, fd))
        c.peers[peer].send_raw(header(m.number, m.max, fd) + b"x",
                               [NULL] * fd)
        c.alive()
        c.configure()
        c.commit()
        c.alive()
        c.peers[peer].close()
        c.alive()


def end_of_peers(proc, role):
    with Child(proc, role) as c:
        c.to_run()
        before = c.fds()
        for _ in range(5):
            for peer in EDGES[proc]:
                c.peers[peer].sock.shutdown(2)
            c.alive()
            for peer in EDGES[proc]:
                c.give_peer(peer)
            c.alive()
        assert c.fds() == before


def jobs():
    for proc in EDGES:
        if parent.find_program(proc) is None:
            print(f"skipped: relay-{proc} is not built")
            continue
        roles = ["home"] if proc in ("dialer", "backend") else ["main", "home"]
        for role in roles:
            for f in (whole_life, show_all, end_of_parent, end_of_peers,
                      out_of_order):
                yield f"{f.__name__} {proc} {role}", f, (proc, role)
        role = roles[-1]
        for f in (wrong_hello, instead_of_hello, garbage_payloads):
            yield f"{f.__name__} {proc}", f, (proc, role)
        for phase in ("SETUP", "CONF", "RUN"):
            yield (f"wrong_from_parent {proc} {phase}", wrong_from_parent,
                   (proc, role, phase))
        for peer in EDGES[proc]:
            yield f"stuck_peer {proc} {peer}", stuck_peer, (proc, role, peer)
            if not less_trusted(peer, proc):
                yield (f"wrong_from_trusted_peer {proc} {peer}",
                       wrong_from_trusted_peer, (proc, role, peer))
                continue
            yield (f"wrong_from_peer {proc} {peer}", wrong_from_peer,
                   (proc, role, peer))
            for role_ in roles:
                yield (f"fuzz_from_peer {proc} {peer} {role_}", fuzz_from_peer,
                       (proc, role_, peer))


if __name__ == "__main__":
    runner.run(list(jobs()))
