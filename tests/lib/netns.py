# SPDX-License-Identifier: ISC
"""
Hosts of their own: network namespaces on one bridge, made with iproute2.  Root
only; a test that cannot have them is skipped.

A host can be cut off so that packets vanish, as when a cable is pulled: no end
of a connection is told.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading

from relaytest import Skip

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_lock = threading.Lock()


def _enter(ns):
    # Not ip netns exec: that makes mounts, which a chroot may not allow.
    return ["nsenter", "--net=/run/netns/" + ns]


def _ip(*args, ns=None):
    r = subprocess.run((_enter(ns) if ns else []) + ["ip"] + list(args),
                       capture_output=True)
    if r.returncode != 0:
        raise OSError("ip %s: %s" % (" ".join(args), r.stderr.decode()))


@contextlib.contextmanager
def _inside(name):
    """This thread makes its sockets in that namespace."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + name, os.O_RDONLY)
    try:
        if _libc.setns(there, CLONE_NEWNET) == -1:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        _libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


class At:
    """An address as it is reached from a host."""

    def __init__(self, ns, address, port):
        self.ns, self.address, self.port = ns, address, port

    def __str__(self):
        return "%s:%d" % (self.address, self.port)

    def connect(self, timeout):
        with _inside(self.ns):
            return socket.create_connection((self.address, self.port),
                                            timeout)


class Host:
    def __init__(self, net, name, address):
        self.net, self.address = net, address
        self.ns = net.prefix + "-" + name
        self.veth = self.ns

    def argv(self):
        """What a command is run by here."""
        return _enter(self.ns)

    def at(self, address, port):
        return At(self.ns, address, port)

    def cut(self):
        _ip("link", "set", self.veth, "nomaster")

    def heal(self):
        _ip("link", "set", self.veth, "master", self.net.bridge)


class Net:
    """A bridge in a namespace of its own, and hosts on it."""

    def __init__(self, t):
        if os.getuid() != 0:
            raise Skip("network namespaces need root")
        if shutil.which("ip") is None or shutil.which("nsenter") is None:
            raise Skip("no iproute2 or no nsenter")
        # Names of interfaces have 15 bytes at most.
        self.prefix = "r%x" % (os.getpid() & 0xffffff)
        self.bridge = self.prefix + "-br"
        self.hosts = []
        t.nets.append(self)
        try:
            _ip("link", "add", self.bridge, "type", "bridge")
            _ip("link", "set", self.bridge, "up")
        except OSError as e:
            raise Skip("no network namespaces here: %s" % e)

    def host(self, name):
        h = Host(self, name, "10.213.%d.%d" % (os.getpid() % 250 + 1,
                                               len(self.hosts) + 1))
        self.hosts.append(h)
        _ip("netns", "add", h.ns)
        _ip("link", "add", h.veth, "type", "veth", "peer", "name", "eth0",
            "netns", h.ns)
        _ip("link", "set", h.veth, "master", self.bridge, "up")
        _ip("addr", "add", h.address + "/24", "dev", "eth0", ns=h.ns)
        _ip("link", "set", "lo", "up", ns=h.ns)
        _ip("link", "set", "eth0", "up", ns=h.ns)
        return h

    def remove(self):
        for h in self.hosts:
            subprocess.run(["ip", "link", "del", h.veth], capture_output=True)
            subprocess.run(["ip", "netns", "del", h.ns], capture_output=True)
        subprocess.run(["ip", "link", "del", self.bridge],
                       capture_output=True)
