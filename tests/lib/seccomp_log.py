# SPDX-License-Identifier: ISC
"""
What the kernel says of system calls that a filter would have refused: its
audit records of type 1326 (SECCOMP), from the multicast group of
NETLINK_AUDIT, where, other than in dmesg(1), none is left out because there
are many.  Needs CAP_AUDIT_READ in the first namespaces; works() tries it.
"""

import ctypes
import os
import re
import socket
import struct
import threading
import time

NETLINK_AUDIT, READLOG = 9, 1
SECCOMP = 1326
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
RET_LOG, RET_ALLOW = 0x7ffc0000, 0x7fff0000
SECCOMP_DATA_NR = 0
SOL_NETLINK = 270
LOGGED = "code=0x%x" % RET_LOG
MARK = "seccomp-log"  # the probe's name
TAKEN = re.compile(r"/relaytest-[^/]+/taken/")  # copies, see puppet.py


class Listener:
    """Collects records of programs below a directory, and of copies of them
    that tests have made, from now on."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.records, self.lost, self.marks = [], 0, 0
        self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                               NETLINK_AUDIT)
        self.s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # RCVBUFFORCE
        self.s.bind((0, READLOG))
        self.s.settimeout(0.2)
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                raw = self.s.recv(65536)
            except TimeoutError:
                if self.over:
                    return
                continue
            except OSError:  # ENOBUFS: some were lost
                self.lost += 1
                continue
            kind = struct.unpack_from("<IHH", raw)[1]
            if kind == SECCOMP:
                self.take(raw[16:].rstrip(b"\0\n").decode("utf-8", "replace"))

    def take(self, text):
        if 'comm="%s"' % MARK in text:
            self.marks += 1
        exe = re.search(r'exe="([^"]*)"', text)
        # Another run's copies may be under filters that kill.
        if exe and (exe.group(1).startswith(self.root) or
                    LOGGED in text and TAKEN.search(exe.group(1))):
            self.records.append(text)

    def stop(self):
        """What was recorded, a line each kind of it."""
        self.over = True
        self.thread.join()
        self.s.close()
        kinds = {}
        for text in self.records:
            field = dict(re.findall(r'(\w+)="?([^" ]*)"?', text))
            key = "%s: system call %s" % (os.path.basename(field["exe"]),
                                          field["syscall"])
            kinds[key] = kinds.get(key, 0) + 1
        return ["%s, %d times" % k for k in sorted(kinds.items())]


def log_one_call():
    """A process whose getppid(2) is logged, as a profile in mode log would."""
    pid = os.fork()
    if pid == 0:
        libc = ctypes.CDLL(None)
        with open("/proc/self/comm", "w") as f:
            f.write(MARK)
        nr = {"x86_64": 110}.get(os.uname().machine, 173)
        code = b"".join(struct.pack("<HBBI", *i) for i in (
            (0x20, 0, 0, SECCOMP_DATA_NR), (0x15, 0, 1, nr),
            (0x06, 0, 0, RET_LOG), (0x06, 0, 0, RET_ALLOW)))
        buf = ctypes.create_string_buffer(code)
        prog = struct.pack("@HP", len(code) // 8, ctypes.addressof(buf))
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.create_string_buffer(prog))
        os.getppid()
        os._exit(0)
    os.waitpid(pid, 0)


def works(listener):
    """True if a record that must come does; else nothing can be said."""
    end = time.monotonic() + 10
    log_one_call()
    while not listener.marks and time.monotonic() < end:
        time.sleep(0.05)
    return listener.marks > 0
