# SPDX-License-Identifier: ISC
"""
What the system tests stand on: nodes in a directory of their own, ports that
nobody else takes, waiting for conditions, and the assertion that nothing is
left behind.

A test is a function test_NAME(t) in tests/system/test_*.py; t is a Test.
Nothing here sleeps for time to pass: wait_for() polls a condition.
"""

import ctypes
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import trust
from wire import Link, http, remote, rpc

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ROOT = os.environ.get("RELAY_ROOT", os.path.join(TOP, "build/gcc/root"))
SANITIZED = os.environ.get("RELAY_SANITIZED") == "1"
LONG = os.environ.get("RELAY_LONG") == "1"
# enforce, log or off: goes into each configuration.
SANDBOX = os.environ.get("RELAY_SANDBOX")
# Sanitizers and a busy machine make everything slower, never different.
PATIENCE = 60 if SANITIZED else 30

RELAYD = ROOT + "/sbin/relayd"
RELAY = ROOT + "/bin/relay"
CTL = ROOT + "/bin/relay-ctl"

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

SANITIZER_SAYS = re.compile(
    r"(AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|"
    r"runtime error:|SUMMARY: )")


class Skip(Exception):
    """The test cannot run here; the text says why."""


def wait_for(cond, what, timeout=None):
    """Poll cond until it is true; returns its value."""
    end = time.monotonic() + (timeout or PATIENCE)
    last = None
    while time.monotonic() < end:
        try:
            value = cond()
            if value:
                return value
        except (AssertionError, OSError, ValueError, KeyError) as e:
            last = e
        time.sleep(0.02)
    raise AssertionError("never: %s%s" % (what, " (%r)" % last if last else ""))


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


def proc_stat(pid):
    """(comm, state, ppid) of a process, or None."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            text = f.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    comm = text[text.index("(") + 1:text.rindex(")")]
    rest = text[text.rindex(")") + 2:].split()
    return comm, rest[0], int(rest[1])


def children_of(pid):
    """{pid: comm} of the living children of pid."""
    out = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            st = proc_stat(int(name))
            if st and st[2] == pid and st[1] not in "ZX":
                out[int(name)] = st[0]
    return out


def descendants(pid):
    out = {}
    for child, comm in children_of(pid).items():
        out[child] = comm
        out.update(descendants(child))
    return out


def as_user(uid, argv):
    """argv, to be run by somebody else."""
    return [os.path.join(TOP, "tests/lib/as_user.sh"), str(uid), ROOT] + argv


def n_fds(pid):
    """Open descriptors of a process (needs to be root, or it ours)."""
    return len(os.listdir("/proc/%d/fd" % pid))


class Proc:
    """A program with its output in a file."""

    def __init__(self, t, name, argv, env=None, cwd=None, user=None):
        self.t, self.name, self.argv = t, name, argv
        self.log_path = os.path.join(t.dir, name + ".log")
        full = dict(os.environ, **(env or {}))
        full["ASAN_OPTIONS"] = "detect_leaks=0:exitcode=99:" \
            "abort_on_error=0:allocator_may_return_null=1"
        full["UBSAN_OPTIONS"] = "print_stacktrace=1"
        if user is not None:
            argv = as_user(user, argv)
            full["HOME"] = t.dir
            full.pop("XDG_RUNTIME_DIR", None)
        self.log_file = open(self.log_path, "ab")
        self.p = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.log_file,
            stderr=subprocess.STDOUT, env=full, cwd=cwd or t.dir)
        t.procs.append(self)

    @property
    def pid(self):
        return self.p.pid

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def wait_log(self, pattern, timeout=None):
        rx = re.compile(pattern)
        return wait_for(lambda: self.p.poll() is None and rx.search(self.log())
                        or rx.search(self.log()),
                        "%r in the log of %s" % (pattern, self.name), timeout)

    def alive(self):
        return self.p.poll() is None

    def wait(self, timeout=None):
        return self.p.wait(timeout or PATIENCE)

    def stop(self, sig=signal.SIGTERM, timeout=None):
        """Ask it to end; returns its exit status."""
        if self.alive():
            self.p.send_signal(sig)
        return self.wait(timeout)


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

    def peer(self, name):
        """The row of GET /federation/peers with that node id or URL."""
        for p in self.get("/federation/peers")["peers"]:
            if name in (p["node_id"], p["url"]):
                return p
        return None

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


class Test:
    """The surroundings of one test."""

    def __init__(self, name):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="relaytest-")
        os.chmod(self.dir, 0o755)
        self.procs, self.nodes, self.links, self.nets = [], [], [], []
        self.allow_sanitizer = False
        # A test that makes a process break the rules of the channels.
        self.expect_offenders = False
        # Orphans of what we started become our children, so that we see them.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        # Programs of services must be readable by the uid they get.
        self.bin = os.path.join(self.dir, "bin")
        shutil.copytree(os.path.join(TOP, "tests/system/services"), self.bin)
        for f in os.listdir(self.bin):
            os.chmod(os.path.join(self.bin, f), 0o755)
        os.chmod(self.bin, 0o755)

    def private(self, name, text):
        """A file that only this user can read; its path."""
        path = os.path.join(self.dir, name)
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text)
        return path

    def authority(self, name="Test CA"):
        return trust.Authority(self.dir, name)

    def tls_main(self, node_id="main.test", ca=None, names=("127.0.0.1",
                 "localhost"), kind="ec", **kw):
        """A Main with a TLS listener, whose certificate this authority has
        signed."""
        ca = ca or self.authority()
        certs = [ca.issue(node_id + "-server", list(names), kind)]
        main = self.main(node_id, certs=certs, tls=ca.client(), **kw)
        main.ca = ca
        return main

    def main(self, node_id="main.test", **kw):
        return Node(self, "main", node_id, **kw)

    def home(self, node_id, *uplinks, **kw):
        return Node(self, "home", node_id, uplinks=uplinks, **kw)

    def example(self, name):
        """A file of examples/, where every uid can read it."""
        where = os.path.join(self.dir, "examples")
        if not os.path.exists(where):
            shutil.copytree(os.path.join(TOP, "examples"), where)
        return os.path.join(where, name)

    def service(self, name, *args, program="echo.py", body=""):
        """A service block that runs a program of tests/system/services."""
        argv = " ".join('"%s"' % a for a in
                        [os.path.join(self.bin, program)] + list(args))
        return 'service "%s" {\n\texec %s\n%s}\n' % (name, argv, body)

    def mains(self, n, **kw):
        """n Mains a.main, b.main, ..., each of which dials those before."""
        out = []
        for i in range(n):
            out.append(self.main("%s.main" % "abcdefgh"[i], peers=out[:],
                                 **kw))
        for m in out:
            m.wait_peer(*[o for o in out if o is not m])
        return out

    def pair(self, **kw):
        """A Main and two homes, alice.home with service echo."""
        main = self.main()
        alice = self.home("alice.home", main, services=self.service("echo"),
                          **kw)
        bob = self.home("bob.home", main)
        main.wait_service("alice.home", "echo")
        bob.wait_linked(main)
        return main, alice, bob

    def run(self, argv, **kw):
        r = subprocess.run(argv, stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=PATIENCE, **kw)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def sanitizer_reports(self):
        out = []
        for p in self.procs:
            for line in p.log().splitlines():
                if SANITIZER_SAYS.search(line):
                    out.append("%s: %s" % (p.name, line))
        return out

    def offenders(self):
        """No process of ours may break the rules of the channels."""
        if self.expect_offenders:
            return []
        return ["%s: %s" % (p.name, line) for p in self.procs
                for line in p.log().splitlines()
                if "killed: channel" in line or "broke the protocol" in line]

    def finish(self):
        """End everything; returns a list of what was wrong with that."""
        wrong = []
        for link in self.links:
            link.abort()
        for p in reversed(self.procs):
            if not p.alive():
                continue
            p.p.send_signal(signal.SIGTERM)
        for p in reversed(self.procs):
            try:
                code = p.wait()
                if isinstance(p, Node) and code not in (0, None) and \
                        not getattr(p, "expect_exit", None):
                    wrong.append("%s ended with %s" % (p.name, code))
            except subprocess.TimeoutExpired:
                wrong.append("%s did not stop" % p.name)
                p.p.kill()
                p.wait()
            p.log_file.close()
        try:
            wait_for(lambda: not self.left(), "everything ended", 5)
        except AssertionError:
            for pid, comm in self.left().items():
                wrong.append("left behind: %d %s" % (pid, comm))
                os.kill(pid, signal.SIGKILL)
        for n in self.nodes:
            if os.path.exists(n.control):
                wrong.append("left behind: %s" % n.control)
        for net in self.nets:
            net.remove()
        wrong += self.sanitizer_reports() + self.offenders()
        return wrong

    def left(self):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        return descendants(os.getpid())

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def as_json(text):
    """Parse strictly; duplicate keys are a bug of whoever wrote it."""
    def pairs(items):
        keys = [k for k, _ in items]
        assert len(keys) == len(set(keys)), "duplicate keys: %s" % keys
        return dict(items)
    return json.loads(text, object_pairs_hook=pairs)


# What PROTOCOL.md says of each error: (name, executed, retryable).
ERRORS = {
    -32010: ("node_not_found", {"no"}),
    -32011: ("service_not_found", {"no"}),
    -32012: ("node_offline", {"no"}),
    -32013: ("peer_unreachable", {"no"}),
    -32014: ("timeout", {"no", "maybe"}),
    -32017: ("overloaded", {"no"}),
    -32020: ("forbidden", {"no"}),
    -32021: ("too_large", {"no", "yes"}),
    -32022: ("ttl_exceeded", {"no"}),
    -32023: ("draining", {"no"}),
    -32024: ("connection_lost", {"maybe"}),
    -32026: ("duplicate_node", {"no"}),
    -32027: ("version_unavailable", {"no"}),
}
STAGES = {"ingress", "queue", "peer-link", "home-link", "backend"}


def check_error(answer, code, id_=1, stage=None):
    """answer is a JSON-RPC error of that code with all that belongs to it."""
    assert isinstance(answer, dict), answer
    assert answer.get("jsonrpc") == "2.0", answer
    assert "result" not in answer, answer
    assert answer.get("id", "absent") == id_, answer
    err = answer["error"]
    assert err["code"] == code, answer
    assert isinstance(err["message"], str) and err["message"], answer
    if code in ERRORS:
        data = err["data"]
        name, executed = ERRORS[code]
        assert data["reason"] == name, answer
        assert data["stage"] in STAGES, answer
        if stage is not None:
            assert data["stage"] == stage, answer
        assert isinstance(data["node"], str) and data["node"], answer
        assert data["executed"] in executed, answer
        assert isinstance(data["retryable"], bool), answer
        if "retry_after_ms" in data:
            assert isinstance(data["retry_after_ms"], int), answer
    return err


def fresh_uid():
    """A uid that nobody has."""
    for uid in range(61100, 61200):
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid
    raise AssertionError("no uid")
