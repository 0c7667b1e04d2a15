# SPDX-License-Identifier: ISC
"""
How nodes prove who they are: clients written from relay(7) (tests/lib/trust.py),
libraries that know nothing but a token, and relayd's own homes and Mains.
"""

import asyncio
import json
import os
import socket
import threading

from admission import TwoHomes, home_block, refused, works
from process import TOP, Proc, wait_for
from trust import Context, KeyAuth, SecretAuth, token_hash
from wire import From, Link, Refused, http, remote
from wire_peer import Peer

SECRET = "correct horse battery staple"


def logs(main, pattern):
    main.wait_log(pattern)


# --- key ---

def test_key(t):
    """A key proves the home, and the Main proves its own."""
    alice = KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % alice.text))
    alice.main_key = main.identity()
    works(t, main.link("alice.home", auth=alice), "blog")
    # as often as it comes
    works(t, main.link("ALICE.home", auth=alice), "blog")


def test_key_wrong(t):
    alice, mallory = KeyAuth(), KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % alice.text) +
                  home_block("bob.home", 'key "%s"' % mallory.text))
    asked = refused(main, 401, "alice.home")
    # What strangers are told does not say whether the id is known, nor why.
    wrong = refused(main, 401, "alice.home", auth=mallory)
    assert asked.body == wrong.body, (asked.body, wrong.body)
    logs(main, r"alice\.home.*127\.0\.0\.1")
    assert main.registry() == {}

    class Other(KeyAuth):
        """Signs with its own key and shows another's."""

        def __init__(self, shown, key):
            super().__init__(key)
            self.pub = shown.pub
    refused(main, 401, "alice.home", auth=Other(alice, mallory.key))
    works(t, main.link("alice.home", auth=alice), "blog")


def test_unknown_looks_like_known(t):
    """A stranger cannot tell ids with credentials from others."""
    main = t.main(extra="authentication required\n" + home_block(
        "alice.home", 'key "%s"' % KeyAuth().text))
    a, b = (refused(main, 401, n) for n in ("alice.home", "nobody.home"))
    assert a.body == b.body
    assert set(a.fields) == set(b.fields), (a.fields, b.fields)
    assert a.fields["www-authenticate"].startswith("Relay nonce=")
    refused(main, 401, "nobody.home", auth=KeyAuth())


def replayed(main, node, header, port=None):
    return refused(main, 401, node, headers={"Authorization": header})


def capture(auth):
    """auth, and the headers it made."""
    made = []
    plain = auth.header

    def header(c):
        made.append(plain(c))
        return made[-1]
    auth.header = header
    return made


def test_replay(t):
    for auth, line in ((lambda a: (a, 'key "%s"' % a.text))(KeyAuth()),
                       (SecretAuth(SECRET), 'secret "%s"' %
                        t.private("s", SECRET + "\n"))):
        main = t.main("m%d.test" % len(t.nodes),
                      extra=home_block("alice.home", line))
        made = capture(auth)
        works(t, main.link("alice.home", auth=auth), "blog")
        replayed(main, "alice.home", made[0])
        # Nor for another node.
        main.extra += "authentication required\n"
        main.reload()
        replayed(main, "bob.home", made[0])


def test_proof_is_bound(t):
    """Another role, Main, node, method or nonce makes the proof void."""
    alice = KeyAuth()
    line = 'key "%s"' % alice.text
    main = t.main(extra=home_block("alice.home", line) +
                  'main "alice.home.m" { %s }\n' % line)
    plain = alice.header

    def changed(**kw):
        def header(c):
            for k, v in kw.items():
                setattr(c, k, v)
            return plain(c)
        return header
    for kw in ({"server": "other.test"}, {"client": "bob.home"},
               {"kind": "main"}, {"nonce": "A" * 43}):
        alice.header = changed(**kw)
        refused(main, 401, "alice.home", auth=alice)
    alice.header = plain
    works(t, main.link("alice.home", auth=alice), "blog")


MALFORMED = [
    "Relay", "Relay ", "Relay method=key", "relay method=key,", "Bearer",
    "Bearer ", "Basic YWxpY2U6eA==", "Negotiate x", "Relay method=none",
    "Relay method=key, nonce=, cnonce=, key=, proof=",
    "Relay method=key, nonce=%s, cnonce=%s, key=%s, proof=%s" % (
        ("A" * 43,) * 3 + ("A" * 86,)),
    "Relay method=secret, nonce=%s, cnonce=%s, proof=%s" % (("A" * 43,) * 3),
    "Relay method=key, method=secret", "Relay =,=,=", "Relay ,,,,,",
    "Relay method=\xff\xfe", "Relay " + "x=y, " * 500, "Bearer " + "A" * 4000,
    "Relay method=key, nonce=\"", "Relay method=\"key", "\x01\x02",
]


def test_malformed(t):
    """Nothing that an Authorization field can hold lets anybody in."""
    main = t.main(extra="authentication required\n" + home_block(
        "alice.home", 'key "%s"' % KeyAuth().text))
    children = main.wait_children()
    for text in MALFORMED:
        try:
            main.link("alice.home", headers={"Authorization": text}).abort()
        except Refused as e:
            assert e.status in (400, 401), (text, e)
        else:
            raise AssertionError(text)
    assert main.wait_children() == children


def test_expired(t):
    """A nonce is good for ten seconds; nobody waits longer than that."""
    alice = KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % alice.text))
    s = refused(main, 401, "alice.home")
    nonce = s.fields["www-authenticate"].split("nonce=")[1].strip('"')
    c = Context(nonce, "alice.home", "home", "main.test")
    header = alice.header(c)
    # 12 s, seen from here as refusals of other proofs
    done = threading.Event()
    threading.Timer(11, done.set).start()
    wait_for(done.is_set, "the nonce is old")
    refused(main, 401, "alice.home", headers={"Authorization": header})
    works(t, main.link("alice.home", auth=alice), "blog")


def test_two_keys(t):
    """Rotation: both are good until the configuration has one."""
    old, new = KeyAuth(), KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % old.text,
                                   'key "%s"' % new.text))
    works(t, main.link("alice.home", auth=old), "blog")
    link = main.link("alice.home", auth=new)
    works(t, link, "blog")
    main.extra = home_block("alice.home", 'key "%s"' % new.text)
    main.reload()
    # Its credential is still there: the link stays.
    link.register(["blog", "more"])
    refused(main, 401, "alice.home", auth=old)


def test_removed_is_cut(t):
    """A node that is not in the configuration any more is cut at reload."""
    two = TwoHomes(t)
    main, (a, b) = two.main, two.links
    two.remove_alice()
    a.expect_close(1008)
    b.register(["b", "c"])
    wait_for(lambda: ("alice.home", "a") not in main.registry(), "a is gone")
    refused(main, 401, "alice.home", auth=two.keys[0])


# --- secret ---

def test_secret(t):
    main = t.main(extra=home_block("alice.home", 'secret "%s"' %
                                   t.private("alice", SECRET + "\n")))
    works(t, main.link("alice.home", auth=SecretAuth(SECRET)), "blog")
    refused(main, 401, "alice.home", auth=SecretAuth(SECRET + "x"))
    refused(main, 401, "alice.home", auth=SecretAuth(""))
    refused(main, 401, "alice.home", auth=KeyAuth())
    assert SECRET not in main.log()


# --- token ---

def test_token_python(t):
    """python3-websockets, which knows a token and SEED.md."""
    import websockets
    token = "t0k3n-of-alice-that-nobody-knows"
    main = t.main(extra=home_block("alice.home", 'token "%s"' %
                                   token_hash(token)))

    async def connect(bearer):
        h = {"X-Relay-Node-ID": "alice.home", "X-Relay-Node-Type": "home"}
        if bearer is not None:
            h["Authorization"] = "Bearer " + bearer
        async with websockets.connect(main.ws_url(),
                                      extra_headers=h) as ws:
            await ws.send(json.dumps({
                "type": "registration", "message_id": "1",
                "timestamp": "2026-01-02T03:04:05Z",
                "source_node": {"type": "home", "id": "alice.home"},
                "data": {"services": ["blog"]}}))
            return json.loads(await ws.recv())
    assert asyncio.run(connect(token))["type"] == "registration"
    for bad in (None, "", "x", token + "x", token_hash(token)):
        try:
            asyncio.run(connect(bad))
        except websockets.InvalidStatusCode as e:
            assert e.status_code == 401, (bad, e)
        else:
            raise AssertionError(bad)
    assert token not in main.log()


def test_token_node(t):
    """Node's ws."""
    token = "another-token-0123456789"
    main = t.main(extra=home_block("js.home", 'token "%s"' %
                                   token_hash(token)))
    env = {"RELAY_TOKEN": token,
           "NODE_PATH": os.environ.get("NODE_PATH", "/usr/share/nodejs")}
    Proc(t, "js", ["node", os.path.join(TOP, "tests/system/seed_client.js"),
                   main.ws_url(), "js.home"], env)
    main.wait_service("js.home", "blog_service")


def test_curl_sees_the_challenge(t):
    main = t.main(extra="authentication required\n")
    code, out, _ = t.run(["curl", "-si", "--max-time", "20", "-H",
                          "Connection: Upgrade", "-H", "Upgrade: websocket",
                          "-H", "Sec-WebSocket-Version: 13", "-H",
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                          "-H", "X-Relay-Node-ID: a.home", "-H",
                          "X-Relay-Node-Type: home", main.ws_url().replace(
                              "ws:", "http:")])
    assert out.startswith("HTTP/1.1 401 "), out
    assert "WWW-Authenticate: Relay nonce=" in out, out
    assert "WWW-Authenticate: Bearer" in out, out


# --- none ---

def test_none_on_loopback(t):
    """The default: who has no credentials may come, from this machine."""
    alice = KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % alice.text))
    works(t, main.link("anybody.home"), "blog")
    refused(main, 401, "alice.home")


def test_required(t):
    main = t.main(extra="authentication required\n")
    refused(main, 401, "anybody.home")
    main.extra = ""
    main.reload()
    link = main.link("anybody.home")
    works(t, link, "blog")
    main.extra = "authentication required\n"
    main.reload()
    link.expect_close(1008)


# --- relayd at both ends ---

def home_of(t, main, options, node="alice.home", **kw):
    return t.home(node, services=t.service("echo"), extra=(
        'uplink "%s" {\n%s\n}\n' % (main.ws_url(), "\n".join(options))), **kw)


def test_home_by_key(t):
    """A home's own key, told to the Main; the Main's, told to the home."""
    main = t.main()
    home = home_of(t, main, [])
    main.wait_service("alice.home", "echo")
    main.extra = "authentication required\n" + home_block(
        "alice.home", 'key "%s"' % home.identity())
    main.reload()
    home.extra = 'uplink "%s" { key "%s" }\n' % (main.ws_url(),
                                                 main.identity())
    home.reload()
    wait_for(lambda: "result" in main.rpc(remote("echo", args=[1])),
             "calls work")
    # Another Main that has taken its place cannot prove it.
    home.extra = 'uplink "%s" { key "%s" }\n' % (main.ws_url(),
                                                 KeyAuth().text)
    home.write_conf()
    assert home.stop() == 0
    home.restart().wait_log(r"prove")
    wait_for(lambda: main.registry() == {}, "it is not linked")


def test_home_by_secret(t):
    file = t.private("shared", SECRET)
    main = t.main(extra="authentication required\n" + home_block(
        "alice.home", 'secret "%s"' % file))
    home = home_of(t, main, ['secret "%s"' % file])
    main.wait_service("alice.home", "echo")
    other = t.private("other", SECRET + "!")
    bad = home_of(t, main, ['secret "%s"' % other], name="impostor")
    bad.wait_log(r"401")
    wait_for(lambda: "result" in main.rpc(remote("echo", args=[1])),
             "calls work")
    for n in (main, home, bad):
        assert SECRET not in n.log()


def test_home_by_token(t):
    token = "token-of-a-home-0123456789"
    main = t.main(extra="authentication required\n" + home_block(
        "alice.home", 'token "%s"' % token_hash(token)))
    home_of(t, main, ['token "%s"' % t.private("token", token + "\n")])
    main.wait_service("alice.home", "echo")


def test_mains_by_key(t):
    """Two Mains, each of which has the other's key."""
    a = t.main("a.main")
    b = t.main("b.main", extra="authentication required\n"
               'main "a.main" { key "%s" }\n' % a.identity())
    a.extra = 'peer "%s" { node "b.main" key "%s" }\n' % (
        b.peer_url(), b.identity())
    a.reload()
    a.wait_peer("b.main")
    b.wait_peer("a.main")
    # Nobody else is that Main, nor comes in as another.
    for node in ("a.main", "c.main"):
        try:
            Peer(b.port, node, auth=KeyAuth()).abort()
        except Refused as e:
            assert e.status == 401, e
        else:
            raise AssertionError(node)


def test_mains_by_secret(t):
    file = t.private("mesh", SECRET)
    a = t.main("a.main", extra='authentication required\n'
               'main "b.main" { secret "%s" }\n' % file)
    b = t.main("b.main", extra='peer "%s" { node "a.main" secret "%s" }\n' % (
        a.peer_url(), file))
    b.wait_peer("a.main")
    a.wait_peer("b.main")
    try:
        Peer(a.port, "b.main", auth=SecretAuth("wrong" * 5)).abort()
    except Refused as e:
        assert e.status == 401, e
    else:
        raise AssertionError("a wrong secret")


# --- floods ---

def half_request(port):
    """A connection with half a request, if it is not refused."""
    s = socket.socket()
    try:
        s.connect(("127.0.0.1", port))
        s.send(b"GET /ws/federation HTTP/1.1\r\n")
    except ConnectionError:
        pass
    return s


def test_half_open(t):
    """A thousand connections that say nothing do not keep a home out."""
    alice = KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % alice.text))
    held = []
    try:
        for _ in range(1000):
            held.append(half_request(main.port))
        main.wait_log(r"half-open.*127\.0\.0\.1")
        # Who comes from elsewhere does not notice, ...
        works(t, Link(From("127.0.0.2", main.port), "alice.home", auth=alice),
              "blog")
        # ... and who shares the address waits as long as a handshake may take.
        wait_for(lambda: works(t, main.link("alice.home", auth=alice),
                               "blog") is None, "there is room again")
    finally:
        for s in held:
            s.close()


def test_challenges_cost_nothing(t):
    """Requests without a proof leave nothing behind."""
    main = t.main(extra="authentication required\n")
    for i in range(300):
        refused(main, 401, "n%d.home" % i)
    rows = main.ctl("-j", "node", "list", check=0)[1]
    assert "n7.home" not in rows, rows
    assert main.registry() == {}


def test_slow_proof(t):
    """All of the handshake must end within ten seconds."""
    main = t.main(extra="authentication required\n")
    s = socket.create_connection(("127.0.0.1", main.port))
    s.settimeout(30)
    s.send(b"GET /ws/federation HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           b"X-Relay-Node-ID: a.home\r\nX-Relay-Node-Type: home\r\n\r\n")
    got = s.recv(4096)
    assert b" 401 " in got, got
    while got:
        got = s.recv(4096)
    s.close()


def test_home_says_what_it_showed(t):
    """Its Main does not take it: which file it is from, and never what."""
    main = t.main(extra="authentication required\n" + home_block(
        "alice.home", 'secret "%s"' % t.private("right", SECRET + "\n")))
    wrong = t.private("wrong", "another horse, battery and staple\n")
    home = home_of(t, main, ['secret "%s"' % wrong])
    home.wait_log(r"HTTP 401: main\.test does not take the secret in %s; "
                  r"its log says why" % wrong)
    logs(main, r"alice\.home at \S+ is refused: the secret is not one of "
         r"this node's \(it has: secret\)")
    tok = t.private("token", "a-token-nobody-knows-of\n")
    for options, text, reason in (
            (['token "%s"' % tok], "the token in %s" % tok,
             "the token is not one of this node's"),
            ([], r"the key ed25519:\S+ of alice\.home",
             r"the key ed25519:\S+ is not one of this node's")):
        home.extra = 'uplink "%s" {\n%s\n}\n' % (main.ws_url(),
                                                "\n".join(options))
        home.reload()
        home.wait_log("HTTP 401: main\\.test does not take " + text)
        logs(main, "alice\\.home at \\S+ is refused: " + reason)
    for log in (home.log(), main.log()):
        assert "another horse" not in log and "nobody-knows" not in log
        assert SECRET not in log


def test_kind_of_link_is_told(t):
    """A home's key where Mains link: the log says so, and only that."""
    zoe = KeyAuth()
    main = t.main(extra="authentication required\n" + home_block(
        "zoe.home", 'key "%s"' % zoe.text))
    as_main = {"node_type": "main", "path": "/ws/peers"}
    asked = refused(main, 401, "zoe.home", **as_main)
    wrong = refused(main, 401, "zoe.home", auth=zoe, **as_main)
    assert asked.body == wrong.body, (asked.body, wrong.body)
    logs(main, r"zoe\.home is known here as a home, not as a Main")


def test_refusals_are_told(t):
    """Each refusal has a line with the node, the address and the reason."""
    alice = KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % alice.text))
    main.ctl("node", "disable", "alice.home", check=0)
    refused(main, 401, "alice.home")
    logs(main, r"alice\.home at 127\.0\.0\.1:\d+ is refused: .*disabled")
    status, _, _ = http(main.port, "GET", "/registry", headers={
        "Authorization": "Bearer nobody"})
    assert status == 401
    logs(main, r"HTTP request from 127\.0\.0\.1:\d+ is refused: unknown token")
    status, _, _ = http(main.port, "GET", "/" + "x" * 20000)
    assert status in (414, 431), status
    logs(main, r"from 127\.0\.0\.1:\d+: refused with 4\d\d")
    assert "nobody" not in main.log()
