# SPDX-License-Identifier: ISC
"""Nodes: a relayd each, in a directory and on a port of its own."""

import json
import os
import socket
import subprocess

from process import (
    CTL, PATIENCE, RELAYD, Proc, as_user, children_of, n_fds, wait_for)
from wire import Link, http, remote, rpc

# enforce, log or off: goes into each configuration.
SANDBOX = os.environ.get("RELAY_SANDBOX")
CHILDREN = {
    "main": {"relay-frontend", "relay-router", "relay-registry",
             "relay-dialer", "relay-keeper"},
    "home": {"relay-frontend", "relay-router", "relay-registry",
             "relay-dialer", "relay-keeper", "relay-backend"},
}
# Nobody has these; relayd takes a number that is not in passwd(5).
UIDS = {"frontend": 61001, "dialer": 61002, "backend": 61003,
        "router": 61004, "registry": 61005, "service": 61006,
        "keeper": 61007}

# Ports below the ephemeral range.  Each is held by an abstract socket that
# ends with this process, so that tests that run at the same time do not choose
# the same one.
_held = []


def free_port():
    first = os.getpid() * 37
    for i in range(8000):
        port = 20000 + (first + i) % 8000
        lock, s = socket.socket(socket.AF_UNIX), socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            lock.bind("\0relaytest-port-%d" % port)
            s.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        finally:
            s.close()
        _held.append(lock)
        return port
    raise AssertionError("no free port")


def quoted(url):
    """A URL in relayd.conf; beyond loopback it needs one more word."""
    return '"%s"%s' % (url, "" if "//127.0.0.1" in url else " insecure")


class Node(Proc):
    """A relayd with a configuration of its own."""

    def __init__(self, t, role, node_id, uplinks=(), services="", extra="",
                 port=None, user=None, flags=(), ready=True, peers=(),
                 address="127.0.0.1", name=None, host=None, certs=(),
                 tls=None, relayd=RELAYD):
        self.role, self.node_id = role, node_id
        self.relayd = relayd
        # (certificate, key) files of a listener with TLS; how to talk to it.
        self.certs, self.tls = list(certs), tls
        self.number = port if port is not None else free_port()
        # A host of netns.py has its own network.
        self.host = host
        self.port = self.number if host is None else \
            host.at(address, self.number)
        self.name, self.address = name or node_id, address
        self.dir = os.path.join(t.dir, self.name)
        os.mkdir(self.dir, 0o755)
        self.state = os.path.join(self.dir, "state")
        self.control = os.path.join(self.dir, "control.sock")
        self.conf = os.path.join(self.dir, "relayd.conf")
        self.uplinks, self.services, self.extra = uplinks, services, extra
        self.peers = list(peers)
        self.listen = "listen on %s port %d" % (address, self.number)
        if self.certs:
            self.listen += " tls" + "".join(
                '\ntls certificate "%s" key "%s"' % c for c in self.certs)
        elif address != "127.0.0.1":
            self.listen += " insecure"
            # Who comes over a network is not believed without that.
            if role == "main" and "authentication" not in extra:
                self.listen += "\nauthentication none"
        self.user = user
        self.accounts = ""
        if os.getuid() == 0 and user is None:
            self.accounts = "".join("account %s %d\n" % a
                                    for a in UIDS.items())
        self.write_conf()
        if user is not None:
            for d in (self.dir, self.conf):
                os.chown(d, user, user)
        super().__init__(t, self.name, self.run_by() + [relayd, "-d"] +
                         list(flags) + ["-f", self.conf], user=user)
        t.nodes.append(self)
        if ready:
            self.wait_ready()

    def run_by(self):
        return [] if self.host is None else self.host.argv()

    def conf_text(self):
        lines = ['node %s "%s"' % (self.role, self.node_id), self.listen,
                 'control "%s"' % self.control,
                 'state-directory "%s"' % self.state]
        if SANDBOX and "sandbox " not in self.extra:
            lines.append("sandbox " + SANDBOX)
        for up in self.uplinks:
            lines.append('uplink ' + quoted(up if isinstance(up, str)
                                            else up.ws_url()))
        for peer in self.peers:
            lines.append('peer ' + quoted(peer if isinstance(peer, str)
                                          else peer.peer_url()))
        return "\n".join(lines) + "\n" + self.accounts + self.extra + \
            "\n" + self.services + "\n"

    def write_conf(self, text=None):
        with open(self.conf, "w") as f:
            f.write(self.conf_text() if text is None else text)

    def restart(self, ready=True):
        """Another relayd with the configuration of this one, which ended."""
        again = Node.__new__(Node)
        again.__dict__.update(self.__dict__)
        again.expect_exit = None
        Proc.__init__(again, self.t, self.name + "+",
                      self.run_by() + [self.relayd, "-d", "-f", self.conf],
                      user=self.user)
        self.t.nodes.append(again)
        if ready:
            again.wait_ready()
        return again

    def ws_url(self, path="/ws/federation"):
        return "%s://%s:%d%s" % ("wss" if self.certs else "ws",
                                 self.address, self.number, path)

    def peer_url(self):
        return self.ws_url("/ws/peers")

    def wait_ready(self):
        def ready():
            if not self.alive():
                raise SystemError("%s ended with %d:\n%s" % (
                    self.name, self.p.returncode, self.log()))
            status, body = http(self.port, "GET", "/health",
                                tls=self.tls)[::2]
            return status == 200 and json.loads(body)["node_id"] == \
                self.node_id
        wait_for(ready, "%s answers GET /health" % self.name)

    def rpc(self, obj, **kw):
        return rpc(self.port, obj, tls=self.tls, **kw)

    def get(self, path, token=None):
        status, _, body = http(
            self.port, "GET", path, tls=self.tls,
            headers={"Authorization": token and "Bearer " + token})
        assert status == 200, (status, body)
        return json.loads(body)

    def registry(self):
        """{(node, service): ServiceInfo} of a Main."""
        return {(s["node_address"]["id"], s["service_name"]): s
                for s in self.get("/registry")["services"]}

    def wait_service(self, node, *names):
        def there():
            reg = self.registry()
            return all((node, n) in reg for n in names)
        wait_for(there, "%s lists %s of %s" % (self.name, names, node))

    def wait_linked(self, main):
        """A home's link is up: the Main itself answers a ping."""
        wait_for(lambda: "result" in self.rpc(remote(
            "relay", "ping", node=main.node_id)),
            "%s is linked to %s" % (self.name, main.name))

    def federation(self):
        """{(main, node, service): ServiceInfo} of all Mains."""
        out = {}
        for s in self.get("/federation/registry")["services"]:
            at = s["node_address"]
            key = (at["main_relay"], at["id"], s["service_name"])
            assert key not in out or out[key]["version"] != s["version"], s
            out[key] = s
        return out

    def peer(self, name, token=None):
        """The row of GET /federation/peers with that node id or URL."""
        for p in self.get("/federation/peers", token)["peers"]:
            if name in (p["node_id"], p["url"]):
                return p
        return None

    def admin_token(self):
        return json.loads(self.ctl("-j", "token", "create", "admin",
                                   check=0)[1])["token"]

    def wait_peer(self, *names):
        """Links with these Mains are up."""
        for name in names:
            name = name if isinstance(name, str) else name.node_id
            wait_for(lambda: (self.peer(name) or {}).get("state") == "up",
                     "%s is linked to %s" % (self.name, name))

    def wait_federated(self, main, node, *names):
        """Lists these services, and not as stale."""
        main = main if isinstance(main, str) else main.node_id

        def there():
            fed = self.federation()
            return all((main, node, n) in fed and
                       not fed[(main, node, n)].get("stale_since")
                       for n in names)
        wait_for(there, "%s lists %s of %s@%s" % (self.name, names, node,
                                                  main))

    def children(self):
        """{program: pid}; only relayd's own programs."""
        return {c: p for p, c in children_of(self.pid).items()
                if c in CHILDREN["home"]}

    def wait_children(self):
        want = CHILDREN[self.role]
        return wait_for(lambda: set(self.children()) >= want and
                        self.children(), "children of " + self.name)

    def fds(self):
        """Open descriptors of every process of the node, by program."""
        out = {"relayd": n_fds(self.pid)}
        for comm, pid in self.children().items():
            out[comm] = n_fds(pid)
        return out

    def ctl(self, *args, check=None):
        return ctl(self.control, *args, check=check, user=self.user)

    def show(self, what):
        """Rows of show WHAT in JSON: {section: [row]}."""
        code, out, err = self.ctl("-j", "show", what)
        assert code == 0, (code, out, err)
        return json.loads(out)

    def link(self, node_id, **kw):
        return Link(self.port, node_id, tls=self.tls, **kw)

    def identity(self):
        """Its public key, as relayd.conf(5) has it."""
        return self.show("identity")["identity"][0]["key"]

    def reload(self, text=None, check=0):
        """Apply what its configuration is now; the output of relay-ctl."""
        self.write_conf(text)
        _, out, err = self.ctl("reload", check=check)
        return out + err


def ctl(control, *args, check=None, user=None):
    argv = [CTL, "-s", control] + list(args)
    if user is not None:
        argv = as_user(user, argv)
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=PATIENCE)
    out, err = r.stdout.decode(), r.stderr.decode()
    if check is not None:
        assert r.returncode == check, (args, r.returncode, out, err)
    return r.returncode, out, err
