# SPDX-License-Identifier: ISC
"""
Trust, where other files of tests look at one part of it only: clients that are
not ours for each method, who is let in after the registry was killed, and what
the rules that are shown to readers do.
"""

import asyncio
import os
import re
import signal

from admission import TwoHomes, home_block, mutual, refused, works
from process import TOP, Proc, wait_for
from trust import Context, KeyAuth, SecretAuth, parameters
from wire import Link, Refused

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket",
           "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
           "X-Relay-Node-Type: home")


# --- clients that are not ours ---

def websockets_prove(main, node, auth):
    """Two connections: one for the challenge, one with the proof."""
    import websockets

    async def once(header):
        h = {"X-Relay-Node-ID": node, "X-Relay-Node-Type": "home"}
        if header is not None:
            h["Authorization"] = header
        async with websockets.connect(main.ws_url(), extra_headers=h) as ws:
            return ws.response_headers

    try:
        asyncio.run(once(None))
    except websockets.InvalidStatusCode as e:
        assert e.status_code == 401, e
        asked = e.headers
    else:
        raise AssertionError("no challenge")
    challenge = [v for v in asked.get_all("WWW-Authenticate")
                 if v.startswith("Relay ")][0]
    context = Context(parameters(challenge)["nonce"], node, "home",
                      asked["X-Relay-Node-ID"])
    answer = asyncio.run(once(auth.header(context)))
    auth.verify(context, answer["X-Relay-Proof"])


def test_proofs_python(t):
    """python3-websockets, which is told the headers of relay(7)."""
    alice, bob = KeyAuth(), SecretAuth("correct horse battery staple")
    main = t.main(extra="authentication required\n" +
                  home_block("alice.home", 'key "%s"' % alice.text) +
                  home_block("bob.home", 'secret "%s"' % t.private(
                      "secret", bob.secret.decode() + "\n")))
    alice.main_key = main.identity()
    websockets_prove(main, "alice.home", alice)
    websockets_prove(main, "bob.home", bob)


def with_certificates(t):
    """A Main, and certificates of alice, of bob, and one nobody vouches for."""
    main, clients = mutual(
        t, home_block("alice.home", 'certificate "dns:alice.example.com"') +
        home_block("bob.home", 'certificate "spiffe://example.org/bob"'))
    return (main, clients.issue("alice", ["alice.example.com"]),
            clients.issue("bob", ["spiffe://example.org/bob"]),
            t.authority("Others").issue("other", ["alice.example.com"]))


def test_certificate_curl(t):
    main, alice, bob, other = with_certificates(t)

    def status(node, cert):
        argv = ["curl", "-si", "--http1.1", "--max-time", "5",
                "--cacert", main.ca.file, "-H", "X-Relay-Node-ID: " + node]
        for field in UPGRADE:
            argv += ["-H", field]
        if cert is not None:
            argv += ["--cert", cert[0], "--key", cert[1]]
        return t.run(argv + [main.ws_url().replace("wss:", "https:")])[1][:13]
    assert status("alice.home", alice) == "HTTP/1.1 101 "
    assert status("bob.home", bob) == "HTTP/1.1 101 "
    for node, cert in (("alice.home", bob), ("bob.home", alice),
                       ("alice.home", None), ("nobody.home", alice)):
        assert status(node, cert) == "HTTP/1.1 401 ", (node, cert)
    assert status("alice.home", other) == ""
    main.wait_log(r"TLS handshake failed: .*(certificate|issuer)")


def test_certificate_openssl(t):
    main, alice, _, other = with_certificates(t)
    path = "GET /ws/federation HTTP/1.1\r\nHost: localhost:%d\r\n" % main.port
    request = t.private("request", path + "".join(
        f + "\r\n" for f in UPGRADE + ("X-Relay-Node-ID: alice.home", "")))

    def answer(cert):
        # It stays until it was answered: -ign_eof, and a limit.
        return t.run(["sh", "-c", 'f=$1; shift; exec "$@" <"$f"', "sh",
                      request, "timeout", "5", "openssl", "s_client",
                      "-ign_eof", "-quiet", "-connect", "127.0.0.1:%d" %
                      main.port, "-CAfile", main.ca.file, "-cert", cert[0],
                      "-key", cert[1]])[1]
    assert "HTTP/1.1 101 " in answer(alice)
    assert "HTTP/1.1 " not in answer(other)


def test_certificate_node(t):
    """Node's ws; its services are registered by who it has proved to be."""
    main, alice, _, _ = with_certificates(t)
    env = {"RELAY_CERT": alice[0], "RELAY_KEY": alice[1],
           "NODE_EXTRA_CA_CERTS": main.ca.file,
           "NODE_PATH": os.environ.get("NODE_PATH", "/usr/share/nodejs")}
    Proc(t, "js", ["node", os.path.join(TOP, "tests/system/seed_client.js"),
                   main.ws_url(), "alice.home"], env)
    main.tls = main.ca.client(alice)
    main.wait_service("alice.home", "blog_service")


# --- the registry was killed ---

def kill_registry(main):
    old = main.wait_children()["relay-registry"]
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: main.children().get("relay-registry", old) != old,
             "another registry")


def test_a_proof_for_a_dead_registry(t):
    """A nonce of the one that was killed is none of the next."""
    alice = KeyAuth()
    main = t.main(extra=home_block("alice.home", 'key "%s"' % alice.text))
    asked = refused(main, 401, "alice.home")
    context = Context(parameters(asked.fields["www-authenticate"])["nonce"],
                      "alice.home", "home", "main.test")
    kill_registry(main)
    wait_for(lambda: main.ctl("node", "list")[0] == 0, "it answers")
    try:
        Link(main.port, "alice.home",
             headers={"Authorization": alice.header(context)}).abort()
    except Refused as e:
        assert e.status == 401, e
    else:
        raise AssertionError("let in")
    main.wait_log(r"alice\.home.*nonce is not of this relay")
    works(t, main.link("alice.home", auth=alice), "blog")


def test_removed_after_a_kill(t):
    """The next registry knows by what a link was let in, and ends it."""
    two = TwoHomes(t)
    main, (a, b) = two.main, two.links
    kill_registry(main)
    wait_for(lambda: main.ctl("node", "list")[0] == 0, "it answers")
    two.remove_alice()
    a.expect_close(1008)
    assert b.register(["b", "c"])["accepted"]
    main.ctl("node", "disable", "bob.home", check=0)
    b.expect_close(1008)


def test_denied_after_a_kill(t):
    """A mistake in the rules costs a home nothing, whatever comes between."""
    main = t.main(extra='deny publish service "wiki"\n')
    link = main.link("alice.home")
    link.register(["wiki", "blog"])
    assert set(main.registry()) == {("alice.home", "blog")}
    kill_registry(main)
    main.wait_service("alice.home", "blog")
    assert set(main.registry()) == {("alice.home", "blog")}
    main.extra = ""
    main.reload()
    main.wait_service("alice.home", "wiki")
    works(t, link, "blog")


def test_uplink_after_a_kill(t):
    """A home's next registry knows what its Main has proved, of whichever
    configuration the link is, and ends it if that is not asked for now."""
    main = t.main()
    home = t.home("alice.home", services=t.service("echo"))
    block = 'uplink "%s" { key "%%s" }\n' % main.ws_url()
    main.extra = "authentication required\n" + home_block(
        "alice.home", 'key "%s"' % home.identity())
    main.reload()
    home.extra = block % main.identity()
    home.reload()
    main.wait_service("alice.home", "echo")
    link = home.show("sessions")["sessions"][0]["session"]

    def links():
        return [s["session"] for s in home.show("sessions")["sessions"]]
    for _ in range(2):		# of an older generation the second time
        kill_registry(home)
        wait_for(lambda: home.ctl("show", "identity")[0] == 0, "it answers")
        assert links() == [link], "it stays"
        home.extra += "# another\n"
        home.reload()
        assert links() == [link], "it stays"
    home.extra = block % KeyAuth().text
    home.reload()
    wait_for(lambda: link not in links(), "the link is gone")
    home.wait_log(r"the uplink at .*what it has proved is not what is asked")
    home.wait_log(r"did not prove its key")
    out = home.ctl("audit", "show")[1]
    assert "what it has proved" in out, out


def test_long_names(t):
    """A Main may have the longest of names, and be another than it should."""
    label = "x" * 62 + "."
    main = t.main(4 * label + "y", name="main")
    home = t.home("alice.home", services=t.service("echo"))
    children = home.wait_children()
    home.extra = 'uplink "%s" { node "%s" }\n' % (main.ws_url(),
                                                  4 * label + "z")
    home.reload()
    home.wait_log(r"the configuration says %sz" % (4 * label))
    wait_for(lambda: len(re.findall("is refused: it calls", home.log())) > 2,
             "it tries again")
    assert home.wait_children() == children


# --- what readers are told ---

def test_loopback_is_the_listener(t):
    """Over a listener for all addresses nobody is of this machine."""
    main = t.main(address="*", extra="authentication loopback\n")
    refused(main, 401, "anybody.home")
    main.wait_log(r"anybody\.home.*no credentials here")


def readme_rules():
    with open(os.path.join(TOP, "README.md")) as f:
        text = f.read()
    block = re.search(r"^```\n(node main .*?)^```", text, re.M | re.S)
    return re.findall(r"^(?:allow|deny) .*$", block.group(1), re.M)


def test_rules_of_the_readme(t):
    """The token of the example may do what it says, and no more."""
    rules = readme_rules()
    assert len(rules) > 2, rules
    main = t.main(extra="\n".join(rules) + "\n")
    works(t, main.link("alice.home"), "blog_service")
    for caller, method, code in (("token:ci", "get_post", 0),
                                 ("token:ci", "create_post", 1),
                                 ("token:other", "get_post", 1),
                                 ("anonymous", "get_post", 1),
                                 ("bob.home", "create_post", 0)):
        main.ctl("explain", caller, "blog_service", method, check=code)
    link = main.link("bob.home")
    t.links.append(link)
    answer = link.register(["admin_panel", "notes"])
    assert [a["service_name"] for a in answer["accepted"]] == ["notes"], answer
    assert "admin_panel" in str(answer["rejected"]), answer
