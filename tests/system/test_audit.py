# SPDX-License-Identifier: ISC
"""The audit log: what is in it, that it is bounded, and that it tells of a
hand that was at it."""

import json
import os
import sqlite3

from process import wait_for
from trust import KeyAuth
from wire import Refused, http, remote


def records(node, *args):
    return json.loads(node.ctl("-j", "audit", "show", *args,
                               check=0)[1])["audit"]


def find(node, event, text=""):
    return [r for r in records(node, "-n", "1000") if r["event"] == event and
            text in json.dumps(r)]


def verify(node, ok=True):
    code, out, err = node.ctl("-j", "audit", "verify")
    assert code == (0 if ok else 1), (out, err)
    return json.loads(out)["verify"][0]


def test_what_is_recorded(t):
    alice = KeyAuth()
    main = t.main(extra='home "alice.home" { key "%s" }\n'
                  'deny publish service "bad"\n'
                  'deny call service "blog" method "x"\n' % alice.text)
    link = main.link("alice.home", auth=alice)
    t.links.append(link)
    link.register(["blog", "bad"])
    try:
        main.link("alice.home", auth=KeyAuth()).abort()
    except Refused:
        pass
    main.rpc(remote("blog", "x", []))
    status = http(main.port, "GET", "/registry",
                  headers={"Authorization": "Bearer guessed"})[0]
    assert status == 401, status
    main.ctl("token", "create", "admin", check=0)
    main.ctl("node", "disable", "alice.home", check=0)
    link.expect_close()
    for event, text in (("start", ""), ("config", ""), ("admit", "alice.home"),
                        ("refuse", "alice.home"), ("refuse", "unknown token"),
                        ("register", "alice.home"),
                        ("reject", "bad"), ("deny", "blog"),
                        ("token", "admin"), ("node", "alice.home"),
                        ("end", "alice.home")):
        wait_for(lambda: find(main, event, text), "%s %s" % (event, text))
    # Once, with the reason; who guesses tokens, with where he is.
    ends = find(main, "end", "alice.home")
    assert [r["detail"] for r in ends] == ["the node is disabled"], ends
    guess = find(main, "refuse", "unknown token")[0]
    assert guess["object"].startswith("127.0.0.1"), guess
    assert "guessed" not in main.ctl("audit", "show", check=0)[1]
    seqs = [r["seq"] for r in records(main)]
    assert seqs == sorted(seqs), seqs
    assert len(records(main, "-n", "3")) == 3
    assert records(main, "-n", "3")[-1]["seq"] == seqs[-1]
    v = verify(main)
    assert v["ok"] and v["records"] >= len(seqs), v
    assert "alice.home" in main.ctl("audit", "show", check=0)[1]


def test_knocks(t):
    """Who is asked for a proof and shows none is refused; who shows it is
    not."""
    alice = KeyAuth()
    main = t.main(extra='authentication required\n'
                  'home "alice.home" { key "%s" }\n' % alice.text)
    for node in "alice.home", "nobody.home":
        try:
            main.link(node).abort()
            raise AssertionError(node + " is let in")
        except Refused as e:
            assert e.status == 401
    t.links.append(main.link("alice.home", auth=alice))
    for node in "alice.home", "nobody.home":
        wait_for(lambda: find(main, "refuse", node), node)
        got = find(main, "refuse", node)
        assert len(got) == 1, got
        assert got[0]["object"].startswith("127.0.0.1:"), got
    assert len(find(main, "admit", "alice.home")) == 1


def database(node):
    for base, _, files in os.walk(node.state):
        for f in files:
            if f.endswith(".db"):
                return os.path.join(base, f)
    raise AssertionError("no database in " + node.state)


TAMPER = [
    "UPDATE audit SET detail = 'nothing happened' WHERE seq = "
    "(SELECT max(seq) - 2 FROM audit)",
    "UPDATE audit SET at = at + 1 WHERE seq = (SELECT max(seq) FROM audit)",
    "DELETE FROM audit WHERE seq = (SELECT max(seq) - 1 FROM audit)",
    "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
    "DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)",
    "DELETE FROM audit",
    "UPDATE audit SET chain = 3 WHERE chain = 2",
    "UPDATE audit SET chain = 7 WHERE seq = (SELECT max(seq) FROM audit)",
    "UPDATE audit SET seq = -seq WHERE seq IN (1, 2); "
    "UPDATE audit SET seq = 3 + seq WHERE seq < 0",
    "UPDATE audit_head SET anchor = hash",
]


def test_tampering(t):
    for i, sql in enumerate(TAMPER):
        main = t.main("m%d.test" % i)
        t.links.append(main.link("alice.home"))
        wait_for(lambda: find(main, "admit"), "it is recorded")
        verify(main)
        assert main.stop() == 0
        db = sqlite3.connect(database(main))
        columns = [r[1] for r in db.execute("PRAGMA table_info(audit)")]
        at = next(c for c in columns if c in ("at", "at_ms", "time"))
        db.executescript(sql.replace("SET at = at",
                                     "SET %s = %s" % (at, at)))
        db.commit()
        db.close()
        again = main.restart()
        v = verify(again, ok=False)
        assert v["broken_at"], (sql, v)
        assert again.stop() == 0


def test_kill(t):
    """A chain survives the death of its registry at any time."""
    main = t.main()
    for i in range(5):
        t.links.append(main.link("n%d.home" % i))
        pid = main.wait_children()["relay-registry"]
        os.kill(pid, 9)
        wait_for(lambda: main.wait_children()["relay-registry"] != pid,
                 "another registry")
        wait_for(lambda: main.ctl("audit", "verify")[0] == 0, "it is whole")
    assert len(find(main, "start")) >= 6


def test_flood(t):
    """Strangers cannot push out what was recorded, nor a node that comes and
    goes."""
    main = t.main(extra="authentication required\n")
    main.ctl("token", "create", "admin", check=0)
    for i in range(400):
        try:
            main.link("x.home", headers={
                "Authorization": "Bearer wrong%d" % i}).abort()
        except Refused:
            pass
    wait_for(lambda: find(main, "more"), "the rest is counted")
    assert len(find(main, "refuse")) < 300
    assert find(main, "token", "admin")
    verify(main)
    main.reload(main.conf_text().replace("on required", "on none"))
    for i in range(100):
        main.link("x.home").abort()
    wait_for(lambda: [r for r in find(main, "more")
                      if r["subject"] == "x.home"], "the rest is counted")
    assert len(find(main, "admit")) + len(find(main, "end")) <= 160
    verify(main)
    assert http(main.port, "GET", "/health")[0] == 200
