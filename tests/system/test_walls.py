# SPDX-License-Identifier: ISC
"""
Walls: each process but the parent, taken over, as relayd started and wired
them, tries what whoever owns it would: each attempt is an error or the end of
the process, and nothing else comes of it.
"""

import errno
import os
import signal
import socket
import struct

from puppet import Ended
from node import SANDBOX
from process import SANITIZED
from relaytest import Skip
from siege import Siege, victim

TIMEOUT = 180

DENIED = {errno.EACCES, errno.EPERM, errno.ENOSYS}
AT_FDCWD, O_RDWR, O_CREAT, O_PATH = -100, 2, 0o100, 0o10000000
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_PRIVATE, MAP_ANONYMOUS = 2, 0x20
CLONE_THREAD, CLONE_VM, CLONE_SIGHAND = 0x10000, 0x100, 0x800
F_SETOWN, F_SETSIG, F_SETOWN_EX = 8, 10, 15
MSG_FASTOPEN = 0x20000000
LISTENING = 10  # TCP_LISTEN as getsockopt(TCP_INFO) has it
ROOM = b"\0" * 4096


def needs_walls():
    if SANITIZED or SANDBOX not in (None, "enforce"):
        raise Skip("nothing is enforced in this build or mode")


def path(p):
    return str(p).encode() + b"\0"


def sockaddr(port):
    return struct.pack("<H", socket.AF_INET) + struct.pack(">H", port) + \
        socket.inet_aton("127.0.0.1") + bytes(8)


def sun(p):
    return struct.pack("<H", socket.AF_UNIX) + path(p)


def denied(puppet, name, *args):
    """It fails for want of a right; its errno."""
    got, why = puppet.call(name, *args)
    assert got == -1 and why in DENIED, (
        puppet.proc, name, args, got, errno.errorcode.get(why, why))
    return why


# --- files ---

def secrets(s):
    """What there is to steal on this machine."""
    node = s.node
    out = [node.conf, node.control, os.path.join(node.dir, "state"),
           os.path.join(node.state, "registry/registry.db"),
           os.path.join(node.state, "registry/registry.db-wal"),
           "/etc/shadow", "/etc/passwd", "/root", "/", "/dev/mem",
           "/dev/null", "/dev/tty", "/sys/kernel", "/proc/self/mem",
           "/proc/self/maps", "/proc/self/environ", "/proc/self/exe",
           "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
           "../../../../../../etc/shadow", "/proc/self/root/etc/shadow",
           s.puppet.relayd]
    for proc in ("parent", "registry", "keeper", "router", "frontend"):
        if proc != s.proc:
            out += ["/proc/%d/%s" % (s.pid_of(proc), what)
                    for what in ("mem", "environ", "fd/3", "root")]
    for cert, key in node.certs:
        out += [key]
    return [name for name in out if os.path.lexists(name)]


def files(s):
    p = s.puppet
    for name in secrets(s):
        denied(p, "open", path(name), 0)
        if not os.path.isdir(name):
            denied(p, "openat", AT_FDCWD, path(name), O_RDWR)
        denied(p, "openat2", AT_FDCWD, path(name), struct.pack(
            "<QQQ", O_PATH, 0, 0), 24)
    for name in ("/tmp/walls", "walls", "/dev/shm/walls"):
        denied(p, "open", path(name), O_RDWR | O_CREAT, 0o600)
        denied(p, "creat", path(name), 0o600)
        denied(p, "mkdir", path(name), 0o700)
        denied(p, "mknod", path(name), 0o20600, 0x103)
        denied(p, "symlink", path("/etc/shadow"), path(name))
        denied(p, "link", path("/etc/passwd"), path(name))
    db = path(os.path.join(s.node.state, "registry/registry.db"))
    for name, args in (
            ("unlink", ()), ("rename", (path("/tmp/x"),)), ("chmod", (0o777,)),
            ("chown", (0, 0)), ("truncate", (0,)), ("rmdir", ())):
        denied(p, name, db, *args)
    # Ways round a path: directories and handles of others.
    denied(p, "fchdir", 0)
    denied(p, "chdir", path(".."))
    denied(p, "getdents64", 0, ROOM, len(ROOM))
    denied(p, "name_to_handle_at", AT_FDCWD, db, ROOM, ROOM, 0)
    denied(p, "inotify_init1", 0)
    denied(p, "fanotify_init", 0, 0)
    denied(p, "memfd_create", path("x"), 0)
    denied(p, "pidfd_open", s.pid_of("parent"), 0)
    for name, args in (("landlock_create_ruleset", (ROOM, 24, 0)),
                       ("landlock_restrict_self", (0, 0)),
                       ("seccomp", (0, 0, 0)),
                       ("prctl", (22, 0, 0)), ("prctl", (4, 1, 0)),
                       ("prctl", (0x59616d61, -1, 0))):
        denied(p, name, *args)


def only_its_own_files(s):
    p = s.puppet
    for name in secrets(s):
        if name == "/":
            continue  # which is its own directory
        for how in (0, O_RDWR, O_PATH):
            got, why = p.call("openat", AT_FDCWD, path(name), how)
            assert got == -1 and why in DENIED | {errno.ENOENT}, (
                name, how, got, why)
    for name in ("/dev/null", "/walls-fifo"):
        denied(p, "mknod", path(name), 0o10600, 0)
        denied(p, "mknod", path(name), 0o20600, 0x103)
    denied(p, "symlink", path("/etc"), path("/walls"))
    # Paired: its database it opens, and makes files beside it.
    for name in ("registry.db", "registry.db-wal"):
        got, why = p.call("openat", AT_FDCWD, path("/" + name), O_RDWR)
        assert got >= 0, (name, why)
        p.call("close", got)


# --- other processes ---

def processes(s):
    p, mine = s.puppet, s.puppet.last
    others = [s.node.pid] + [pid for pid in s.node.children().values()
                             if pid != mine]
    for pid in others + [1, -1, -mine, 0]:
        for sig in (0, signal.SIGKILL, signal.SIGSTOP):
            denied(p, "kill", pid, sig)
    for pid in others:
        denied(p, "tgkill", pid, pid, signal.SIGKILL)
        denied(p, "tkill", pid, signal.SIGKILL)
        denied(p, "prlimit64", pid, 7, struct.pack("<QQ", 0, 0), 0)
        denied(p, "sched_setaffinity", pid, 8, ROOM)
        denied(p, "setpriority", 0, pid, 19)
        # A signal of its choice to whoever owns one of its sockets.
        denied(p, "fcntl", p.fd("parent"), F_SETOWN, pid)
        denied(p, "fcntl", p.fd("parent"), F_SETOWN_EX,
               struct.pack("<ii", 1, pid))
    denied(p, "fcntl", p.fd("parent"), F_SETSIG, signal.SIGKILL)
    for name in ("shmget", "msgget", "semget"):
        denied(p, name, 1, 4096, 0o1666)
    denied(p, "mq_open", path("/x"), O_RDWR | O_CREAT, 0o600, 0)
    denied(p, "ioctl", 2, 0x5412, b"x\0")  # TIOCSTI: types for the operator
    denied(p, "setrlimit", 4, struct.pack("<QQ", -1 & (1 << 64) - 1,
                                          -1 & (1 << 64) - 1))


# --- code ---

def code(s):
    p = s.puppet
    denied(p, "mmap", 0, 4096, PROT_READ | PROT_EXEC,
           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    denied(p, "mmap", 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    # Paired: without PROT_EXEC there is memory, which cannot become code.
    at, _ = p.call("mmap", 0, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    assert at > 0
    denied(p, "mprotect", at, 4096, PROT_READ | PROT_EXEC)
    denied(p, "mprotect", at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC)
    denied(p, "pkey_mprotect", at, 4096, PROT_READ | PROT_EXEC, -1)
    denied(p, "clone", CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0)
    denied(p, "clone3", ROOM, 88)


# --- the network ---

def sockets(s):
    p = s.puppet
    inet = {socket.AF_INET, socket.AF_INET6} if s.proc == "dialer" else set()
    for family in {socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET,
                   socket.AF_INET, socket.AF_INET6, 38, 40, 44} - inet:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            denied(p, "socket", family, kind, 0)
    if inet:
        denied(p, "socket", socket.AF_INET, socket.SOCK_RAW, 1)
    denied(p, "socketpair", socket.AF_UNIX, socket.SOCK_STREAM, 0, ROOM)
    listener, reached = victim()
    address = sockaddr(listener.getsockname()[1])
    if inet:
        # It connects, and is connected to by nobody.
        fd, why = p.call("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
        assert fd >= 0, why
        for port in (0, 8080, 40000):
            denied(p, "bind", fd, sockaddr(port), 16)
        denied(p, "listen", fd, 8)
        denied(p, "accept4", fd, 0, 0, 0)
    for fd in range(40 if not inet else 0):
        denied(p, "connect", fd, address, 16)
        denied(p, "connect", fd, sun(s.node.control), 110)
        denied(p, "bind", fd, sockaddr(0), 16)
        denied(p, "listen", fd, 8)
    assert not reached()
    listener.close()


def fast_open(s):
    """A listener made into a socket that is not connected, and connected by
    what it sends."""
    p = s.puppet
    listener, reached = victim()
    address = sockaddr(listener.getsockname()[1])
    tried = 0
    for fd in range(4, 60):
        denied(p, "shutdown", fd, socket.SHUT_RD)
        denied(p, "shutdown", fd, socket.SHUT_RDWR)
        got, why = p.call("sendto", fd, b"x", 1, MSG_FASTOPEN, address, 16)
        tried += why != errno.EBADF
    assert tried > 0 and not reached()
    listener.close()


# --- what ends the process at once ---

def fatal_calls(s):
    victim_pid = s.pid_of("registry")
    return [
        ("ptrace", 16, victim_pid, 0, 0),
        ("process_vm_readv", victim_pid, ROOM, 1, ROOM, 1, 0),
        ("process_vm_writev", s.node.pid, ROOM, 1, ROOM, 1, 0),
        ("execve", path("/bin/sh"), 0, 0),
        ("execveat", AT_FDCWD, path(""), 0, 0, 0x1000),
        ("clone", signal.SIGCHLD, 0, 0, 0, 0),
        ("fork",), ("vfork",), ("setuid", 0), ("setgid", 0),
        ("setresuid", 0, 0, 0), ("setgroups", 0, 0),
        ("capset", ROOM, ROOM), ("unshare", 0x10000000), ("setns", 0, 0),
        ("mount", path("none"), path("/"), path("tmpfs"), 0, 0),
        ("umount2", path("/"), 2), ("chroot", path("..")),
        ("pivot_root", path("."), path(".")),
        ("open_by_handle_at", AT_FDCWD, ROOM, O_RDWR),
        ("bpf", 5, ROOM, 64), ("perf_event_open", ROOM, 0, -1, -1, 0),
        ("io_uring_setup", 8, ROOM), ("userfaultfd", 0),
        ("keyctl", 0, -3, 0), ("add_key", path("user"), path("x"), ROOM, 1,
                               -3),
        ("pidfd_getfd", 0, 0, 0), ("kcmp", s.node.pid, victim_pid, 0, 0, 0),
        ("personality", 0x0400000), ("rt_sigqueueinfo", victim_pid, 9, ROOM),
        ("init_module", ROOM, 16, path("")), ("kexec_load", 0, 0, 0, 0),
        ("reboot", 0xfee1dead, 672274793, 0), ("swapon", path("/x"), 0),
        ("sethostname", path("x"), 1), ("clock_settime", 0, ROOM),
    ]


# So many ends of one process in a minute that relayd goes on.
LIVES = 4


def fatal(t, proc, part, parts):
    """One attempt a life; relayd names it and starts the next."""
    needs_walls()
    s = Siege(t, proc)
    for name, *args in fatal_calls(s)[part::parts][:LIVES]:
        try:
            got = s.puppet.call(name, *args)
        except Ended:
            pass
        else:
            if got[1] == errno.ENOSYS:  # not on this machine
                continue
            raise AssertionError((name, got))
        s.blamed(r"by signal 31")
    s.stands()


def quiet(t, proc, *tries):
    """All that fails without an end, in one life."""
    needs_walls()
    s = Siege(t, proc)
    for attempt in tries:
        attempt(s)
    # It still is the same process, and nobody had to be blamed.
    assert s.puppet.alive(), s.log()
    assert s.pid_of(proc) == s.puppet.last
    s.stands()


def test_frontend_calls(t):
    quiet(t, "frontend", files, processes, code, sockets)


def test_frontend_listener(t):
    """Listeners are of no use to go out by (and are lost by the attempt)."""
    quiet(t, "frontend", fast_open)


def test_router_calls(t):
    quiet(t, "router", files, processes, code, sockets)


def test_dialer_calls(t):
    quiet(t, "dialer", files, processes, code, sockets)


def test_backend_calls(t):
    quiet(t, "backend", files, processes, code, sockets)


def test_keeper_calls(t):
    quiet(t, "keeper", files, processes, code, sockets)


def test_registry_calls(t):
    """But for its database's files, of which it sees no others."""
    quiet(t, "registry", only_its_own_files, processes, code, sockets)


def test_dialer_reads_what_it_needs(t):
    """Paired with the files above: what its resolver reads, it may read."""
    needs_walls()
    s = Siege(t, "dialer")
    for name in ("/etc/resolv.conf", "/etc/hosts"):
        if os.path.exists(name):
            fd, why = s.puppet.call("openat", AT_FDCWD, path(name), 0)
            assert fd >= 0, (name, why)
            denied(s.puppet, "openat", AT_FDCWD, path(name), O_RDWR)
    listener, reached = victim()
    fd, why = s.puppet.call("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
    assert fd >= 0, why
    got, why = s.puppet.call("connect", fd, sockaddr(
        listener.getsockname()[1]), 16)
    assert got == 0 and reached(), why
    s.stands()


def _fatal_tests():
    parts = 9
    for proc in ("frontend", "router", "dialer", "backend", "keeper",
                 "registry"):
        for part in range(parts):
            def test(t, proc=proc, part=part):
                fatal(t, proc, part, parts)
            test.__doc__ = "Calls that end a %s, part %d." % (proc, part)
            globals()["test_%s_fatal_%d" % (proc, part)] = test


_fatal_tests()
