# SPDX-License-Identifier: ISC
"""
TLS on listeners and uplinks, with clients that are not ours: Python's ssl,
openssl s_client, curl, Node's ws, sslscan.
"""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time

import early
from process import LONG, TOP, Proc, wait_for
from relaytest import Skip
from trust import pin_of
from wire import From, Link, call, connect, http, remote


def s_client(main, *args, send=b"", timeout=30):
    """openssl s_client: what it printed, and what came."""
    r = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % main.number,
         "-CAfile", main.ca.file] + list(args), input=send,
        capture_output=True, timeout=timeout)
    return (r.stdout + r.stderr).decode("utf-8", "replace")


GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def shows(main, section):
    return main.show("tls")[section]


# --- listeners ---

def test_https(t):
    """curl, Python and Node over TLS; every kind of key."""
    for kind in ("ec", "rsa", "ed25519"):
        main = t.tls_main("%s.test" % kind, ca=t.authority(), kind=kind)
        code, out, err = t.run(["curl", "-sS", "--cacert", main.ca.file,
                                "https://localhost:%d/health" % main.number])
        assert code == 0, err
        assert json.loads(out)["node_id"] == "%s.test" % kind
        link = main.link("alice.home")
        t.links.append(link)
        assert link.register(["blog"])["accepted"]
        assert main.rpc(call("nothing"))["error"]["code"] == -32601


def test_calls(t):
    """Homes over TLS: relayd's own, Node's ws, and one by hand."""
    main = t.tls_main()
    alice = t.home("alice.home", services=t.service("echo"), extra=(
        'uplink "%s" { ca "%s" }\n' % (main.ws_url(), main.ca.file)))
    main.wait_service("alice.home", "echo")
    Proc(t, "js", ["node", os.path.join(TOP, "tests/system/seed_client.js"),
                   main.ws_url(), "js.home"],
         {"NODE_EXTRA_CA_CERTS": main.ca.file,
          "NODE_PATH": os.environ.get("NODE_PATH", "/usr/share/nodejs")})
    main.wait_service("js.home", "blog_service")
    big = "x" * 600000
    for node, server in (("alice.home", "echo"), ("js.home", "blog_service")):
        a = main.rpc(remote(server, args=[big], node=node))
        assert big in json.dumps(a["result"]), node
    a = alice.rpc(remote("blog_service", args=[1]))
    assert a["result"]["got"] == [1], a


def test_mains(t):
    """Two Mains, one link, by TLS."""
    ca = t.authority()
    a = t.tls_main("a.main", ca=ca)
    b = t.tls_main("b.main", ca=ca, extra='peer "%s" { ca "%s" }\n' % (
        a.peer_url(), ca.file))
    a.wait_peer("b.main")
    link = a.link("alice.home")
    t.links.append(link)
    link.register(["blog"])
    b.wait_federated("a.main", "alice.home", "blog")


def test_versions(t):
    main = t.tls_main()
    for flag, ok in (("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False),
                     ("-tls1", False)):
        out = s_client(main, flag, "-cipher", "ALL:@SECLEVEL=0", "-quiet",
                       "-ign_eof", send=GET)
        assert ("200 OK" in out) == ok, (flag, out)
    # No key exchange without forward secrecy, no CBC, nothing without a name.
    for cipher in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256",
                   "aNULL", "DES-CBC3-SHA"):
        out = s_client(main, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0",
                       "-quiet", "-ign_eof", send=GET)
        assert "200 OK" not in out, (cipher, out)


def test_sslscan(t):
    if shutil.which("sslscan") is None:
        raise Skip("no sslscan")
    main = t.tls_main(kind="rsa")
    code, out, err = t.run(["sslscan", "--no-colour", "--show-certificate",
                            "127.0.0.1:%d" % main.number])
    assert code == 0, err
    for line in ("SSLv2     disabled", "SSLv3     disabled",
                 "TLSv1.0   disabled", "TLSv1.1   disabled",
                 "TLSv1.2   enabled", "TLSv1.3   enabled"):
        assert line in out, (line, out)
    assert "Compression enabled" not in out, out
    assert "Session renegotiation not supported" in out, out
    assert "vulnerable to heartbleed" not in out.replace(
        "not vulnerable to heartbleed", ""), out
    assert not re.search(r"Accepted.*(CBC|RC4|3DES|NULL|EXP)", out), out


def test_no_renegotiation(t):
    main = t.tls_main()
    p = subprocess.Popen(
        ["timeout", "30", "openssl", "s_client", "-connect",
         "127.0.0.1:%d" % main.number, "-CAfile", main.ca.file, "-tls1_2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    out = b""
    while b"Verify return" not in out:
        got = os.read(p.stdout.fileno(), 65536)
        assert got, out
        out += got
    # It ends by itself, with its input still open.
    p.stdin.write(b"R\n")
    p.stdin.flush()
    rest = p.stdout.read()
    p.communicate()
    assert b"no renegotiation" in rest, rest
    main.wait_log(r"connection from \S+: TLS renegotiation: refused")


def test_no_early_data(t):
    """0-RTT is not offered, and not taken: a ticket allows none."""
    main = t.tls_main()
    sess = os.path.join(t.dir, "session")
    s_client(main, "-tls1_3", "-sess_out", sess, "-quiet", "-ign_eof",
             send=GET)
    r = subprocess.run(["openssl", "sess_id", "-in", sess, "-noout", "-text"],
                       capture_output=True, check=True)
    assert b"Max Early Data: 0" in r.stdout, r.stdout
    # Whoever sends some nevertheless is not heard: it could be sent again.
    link = main.link("alice.home")
    t.links.append(link)
    link.register(["blog"])
    post = early_post("blog", "early")
    s_client(main, "-quiet", "-ign_eof", send=post)
    assert link.recv("request")["method"] == "early", "its words are good"
    early.allow(sess)
    out = early.offer(main.number, sess, t.private("early", post.decode()),
                      "-CAfile", main.ca.file)
    assert "Reused, TLS" in out and "Early data was rejected" in out, out
    main.wait_log(r"connection from \S+: TLS early data: refused")
    s_client(main, "-quiet", "-ign_eof", send=early_post("blog", "late"))
    assert link.recv("request")["method"] == "late"


def early_post(server, method):
    """A call that waits for no answer, in all its octets."""
    o = remote(server, method)
    del o["id"]
    body = json.dumps(o).encode()
    return (b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" %
            len(body) + body)


def test_resumption(t):
    """Tickets are taken, also after a reload."""
    main = t.tls_main()
    sess = os.path.join(t.dir, "session")
    for version in ("-tls1_2", "-tls1_3"):
        out = s_client(main, version, "-sess_out", sess, "-ign_eof", send=GET)
        assert "New, TLS" in out and "Reused, TLS" not in out, out
        out = s_client(main, version, "-sess_in", sess, "-ign_eof", send=GET)
        assert "Reused, TLS" in out, out
        main.reload()
        out = s_client(main, version, "-sess_in", sess, "-ign_eof", send=GET)
        assert "Reused, TLS" in out, out


def served(port, ca, name):
    """The serial number of the certificate that is shown for a name."""
    with connect(port, tls=ca.client(), name=name) as s:
        return s.getpeercert()["serialNumber"]


def test_sni(t):
    ca = t.authority()
    first = ca.issue("first", ["first.test", "127.0.0.1", "localhost"])
    second = ca.issue("second", ["second.test", "*.wild.test"], "rsa")
    main = t.main(certs=[first, second], tls=ca.client())
    one = served(main.port, ca, "first.test")
    two = served(main.port, ca, "second.test")
    assert one != two
    assert served(main.port, ca, "SECOND.test".lower()) == two
    assert served(main.port, ca, "a.wild.test") == two
    # Another name gets the first: the client then refuses it.
    try:
        served(main.port, ca, "a.b.wild.test")
    except ssl.SSLCertVerificationError:
        pass
    else:
        raise AssertionError("a wildcard over two labels")


def test_certificate_reload(t):
    """A new certificate is shown to new connections, old links stay."""
    main = t.tls_main()
    link = main.link("alice.home")
    t.links.append(link)
    link.register(["blog"])
    before = served(main.port, main.ca, "localhost")
    main.ca.issue("main.test-server", ["localhost", "127.0.0.1"], "rsa")
    main.reload()
    assert served(main.port, main.ca, "localhost") != before
    link.register(["blog", "more"])
    wait_for(lambda: ("alice.home", "more") in main.registry(), "it works")


def test_renewal_and_a_new_process(t):
    """New files and no reload: a process that is started again would have
    what the others have not, so all read them."""
    main = t.tls_main()
    link = main.link("alice.home")
    t.links.append(link)
    link.register(["blog"])
    for n, program in enumerate(("relay-keeper", "relay-frontend"), 2):
        before = served(main.port, main.ca, "localhost")
        main.ca.issue("main.test-server", ["localhost", "127.0.0.1"])
        assert served(main.port, main.ca, "localhost") == before
        pid = main.wait_children()[program]
        os.kill(pid, 9)
        main.wait_log("generation %d is in force" % n)

        def renewed():
            try:
                return served(main.port, main.ca, "localhost") != before
            except OSError:
                return False
        wait_for(renewed, "the new certificate is shown")
        if n == 2:
            link.register(["blog", "more"])
    # The same files: nothing is to be done.
    pid = main.wait_children()["relay-keeper"]
    os.kill(pid, 9)
    wait_for(lambda: main.wait_children()["relay-keeper"] != pid, "again")
    main.wait_log("keeper runs again.*(?s:.*)keeper runs again")
    assert "generation 4" not in main.log()


def test_half_renewed_files(t):
    """A keeper that is started again between the writing of the certificate
    and that of its key is tried until they belong to each other; the others
    go on, however often that is."""
    main = t.tls_main()
    link = main.link("alice.home")
    t.links.append(link)
    link.register(["blog"])
    cert, key = main.certs[0]
    with open(cert) as f:
        good = f.read()
    with open(main.ca.issue("other", ["localhost"])[0]) as f:
        other = f.read()
    with open(cert, "w") as f:
        f.write(other)
    os.kill(main.wait_children()["relay-keeper"], 9)
    tries = 12 if LONG else 3
    wait_for(lambda: not main.alive() or len(re.findall(
        "keeper killed: it rejects the configuration in force: .*%s" %
        re.escape(key), main.log())) >= tries, "it is tried again", 100)
    assert main.alive(), main.log()
    assert link.register(["blog", "more"])["accepted"]
    with open(cert, "w") as f:
        f.write(good)
    main.wait_log("keeper runs again")
    served(main.port, main.ca, "localhost")
    # Nor is a file that is away for a moment the end of a front-end.
    os.rename(cert, cert + ".away")
    os.kill(main.wait_children()["relay-frontend"], 9)
    main.wait_log("frontend killed: .*%s" % re.escape(cert))
    os.rename(cert + ".away", cert)
    main.wait_log("frontend runs again")
    served(main.port, main.ca, "localhost")


def test_bad_files_change_nothing(t):
    main = t.tls_main()
    cert, key = main.certs[0]
    good = {f: open(f).read() for f in (cert, key)}
    other = main.ca.issue("other", ["localhost"])
    expired = main.ca.issue("old", ["localhost"], days=-1, begin_days=10)
    before = served(main.port, main.ca, "localhost")
    children, fds = main.wait_children(), main.fds()
    for file, text in ((cert, "rubbish"), (cert, ""), (key, "rubbish"),
                       (key, ""), (cert, good[key]), (key, good[cert]),
                       (key, open(other[1]).read()),
                       (cert, open(other[0]).read())):
        with open(file, "w") as f:
            f.write(text)
        out = main.reload(check=1)
        assert cert in out or key in out, out
        with open(file, "w") as f:
            f.write(good[file])
        assert served(main.port, main.ca, "localhost") == before
    os.chmod(key, 0o644)
    out = main.reload(check=1)
    assert "relayd.conf:" in out and key in out, out
    os.chmod(key, 0o600)
    os.rename(key, key + ".away")
    assert key in main.reload(check=1)
    os.rename(key + ".away", key)
    assert main.wait_children() == children
    wait_for(lambda: main.fds() == fds, "nothing of them is open")
    main.listen = main.listen.replace(cert, expired[0]).replace(
        key, expired[1])
    main.reload()
    main.wait_log("tls certificate %s: expired at" % re.escape(expired[0]))


def test_key_is_not_in_the_frontend(t):
    """The keeper has the private key; the front-end's memory has not."""
    if os.getuid() != 0:
        raise Skip("reading another process's memory needs root")
    ca = t.authority()
    pair = ca.issue("server", ["localhost", "127.0.0.1"], "rsa")
    from cryptography.hazmat.primitives.serialization import \
        load_pem_private_key
    with open(pair[1], "rb") as f:
        pem = f.read()
    p = load_pem_private_key(pem, None).private_numbers().p
    needles = [n for raw in (p.to_bytes(128, "big"),)
               for n in (raw[20:52], raw[::-1][20:52])]
    needles.append(pem[100:160])
    main = t.main(certs=[pair], tls=ca.client())
    for _ in range(20):
        http(main.port, "GET", "/health", tls=main.tls)
    found = {}
    for program, pid in main.children().items():
        memory = read_memory(pid)
        found[program] = any(n in memory for n in needles)
    assert found.pop("relay-keeper"), found
    assert not any(found.values()), found


def read_memory(pid):
    out = []
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            area, flags = line.split()[:2]
            if not flags.startswith("rw"):
                continue
            a, b = (int(x, 16) for x in area.split("-"))
            if b - a > 1 << 30:
                continue        # a sanitizer's bookkeeping
            try:
                mem.seek(a)
                out.append(mem.read(b - a))
            except (OSError, ValueError, OverflowError):
                pass
    return b"".join(out)


def test_keeper_dies(t):
    """Handshakes wait for the next keeper; links do not notice."""
    main = t.tls_main()
    link = main.link("alice.home")
    t.links.append(link)
    link.register(["blog"])
    os.kill(main.wait_children()["relay-keeper"], 9)

    def again():
        with connect(main.port, tls=main.tls):
            return True
    wait_for(again, "handshakes work again")
    link.register(["blog", "more"])


# --- what does not fit ---

def test_plain_to_tls_port(t):
    main = t.tls_main()
    status, _, _ = http(main.port, "GET", "/health")
    assert status in (0, 400), status
    main.wait_log("HTTP without TLS on a port for TLS")


def test_tls_to_plain_port(t):
    main = t.main()
    try:
        with connect(main.port, tls=t.authority().client()):
            raise AssertionError("a handshake with a plain port")
    except (ssl.SSLError, OSError):
        pass
    main.wait_log("TLS on a port without")
    assert main.rpc(call("nothing"))["error"]["code"] == -32601


def test_half_open_tls(t):
    """A thousand handshakes that stop half-way keep nobody out."""
    main = t.tls_main()
    hello = client_hello()
    held = []
    try:
        for i in range(1000):
            s = socket.socket()
            held.append(s)
            try:
                s.connect(("127.0.0.1", main.port))
                s.sendall(hello[:i % len(hello)])
            except ConnectionError:
                pass
        main.wait_log(r"half-open.*127\.0\.0\.1")
        # Who comes from elsewhere does not notice, ...
        t.links.append(Link(From("127.0.0.2", main.port), "alice.home",
                            tls=main.tls))
        # ... and who shares the address waits as long as a handshake may take.
        t.links.append(wait_for(lambda: main.link("bob.home"),
                                "there is room again"))
    finally:
        for s in held:
            s.close()


def client_hello():
    """The first octets of a handshake."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    o = c.wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        o.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def test_rubbish_in_a_handshake(t):
    main = t.tls_main()
    children = main.wait_children()
    hello = client_hello()
    for i in range(0, len(hello), 7):
        with socket.create_connection(("127.0.0.1", main.port)) as s:
            s.sendall(hello[:i] + bytes([hello[i] ^ 0xff]) + hello[i + 1:])
            s.shutdown(socket.SHUT_WR)
            s.settimeout(30)
            try:
                while s.recv(4096):
                    pass
            except OSError:
                pass
    assert main.wait_children() == children
    t.links.append(main.link("alice.home"))


def test_drip(t):
    """One octet at a time: cut within the time of a handshake."""
    main = t.tls_main()
    s = socket.create_connection(("127.0.0.1", main.port))
    begun = time.monotonic()
    try:
        for b in client_hello():
            s.send(bytes([b]))
            time.sleep(0.1)
            if time.monotonic() - begun > 60:
                raise AssertionError("never cut")
        s.settimeout(30)
        while s.recv(100):
            pass
    except (ConnectionError, BrokenPipeError):
        pass


def test_show_tls(t):
    main = t.tls_main()
    rows = shows(main, "certificates")
    assert rows[0]["file"] == main.certs[0][0], rows
    assert rows[0]["pin"] == pin_of(main.certs[0][0]), rows
    code, out, _ = main.ctl("show", "tls", check=0)
    assert main.certs[0][0] in out and "BEGIN" not in out, out
