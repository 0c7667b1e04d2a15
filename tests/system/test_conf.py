# SPDX-License-Identifier: ISC
"""
The configuration's files, rules and warnings, as relayd itself takes them; what
the grammar says is tested in tests/conf.
"""

import os
import re
import signal
import subprocess

from node import UIDS
from process import RELAYD, wait_for
from wire import remote


def check(t, text):
    """relayd -n: its status and what it says."""
    conf = os.path.join(t.dir, "check.conf")
    with open(conf, "w") as f:
        f.write(text)
    code, out, err = t.run([RELAYD, "-n", "-f", conf])
    return code, out + err


HOME = 'node home "h"\nuplink "ws://127.0.0.1:1" { secret "%s" }\n'


def test_bad_secret_files(t):
    """What is wrong with a file is said with file and line."""
    good = t.private("good", "x" * 16 + "\n")
    assert check(t, HOME % good)[0] == 0
    open_to_all = t.private("open", "x" * 32)
    os.chmod(open_to_all, 0o644)
    group = t.private("group", "x" * 32)
    os.chmod(group, 0o640)
    os.mkdir(os.path.join(t.dir, "dir"))
    os.mkfifo(os.path.join(t.dir, "fifo"), 0o600)
    os.symlink(open_to_all, os.path.join(t.dir, "link"))
    bad = {
        "none": "No such file", "open": "others can read", "group": "others",
        "dir": "regular", "fifo": "regular", "link": "others can read",
    }
    for name, size in (("empty", 0), ("short", 15), ("long", 515)):
        t.private(name, "x" * size)
        bad[name] = "empty" if size == 0 else "16 to 512"
    for name, why in bad.items():
        path = os.path.join(t.dir, name)
        code, said = check(t, HOME % path)
        assert code == 1, (name, said)
        assert re.search(r"check\.conf:2: secret %s: .*%s" %
                         (re.escape(path), why), said), (name, said)
    os.symlink(good, os.path.join(t.dir, "fine"))
    assert check(t, HOME % os.path.join(t.dir, "fine"))[0] == 0


def test_secrets_are_in_no_output(t):
    secret = "never-to-be-seen-" + os.urandom(8).hex()
    path = t.private("secret", secret + "\n")
    main = t.main(extra='home "alice.home" { secret "%s" }\n' % path)
    shown = main.ctl("show", "config", check=0)[1]
    assert 'secret "%s"' % path in shown and secret not in shown, shown
    conf = subprocess.run([RELAYD, "-nv", "-f", main.conf],
                          capture_output=True, check=True)
    assert path.encode() in conf.stdout
    assert secret.encode() not in conf.stdout + conf.stderr
    main.reload()
    assert secret not in main.log()
    # Only the registry has read it, and no command line has it.
    for pid in main.children().values():
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            assert secret.encode() not in f.read()


def test_a_reload_without_a_file_changes_nothing(t):
    path = t.private("secret", "x" * 32)
    extra = 'home "alice.home" { secret "%s" }\n' % path
    main = t.main(extra=extra)
    alice = t.home("bob.home", main,
                   services=t.service("echo"))
    main.wait_service("bob.home", "echo")
    before = main.show("summary")["relayd"][0]["generation"]
    os.rename(path, path + ".away")
    said = main.reload(check=1)
    assert re.search(r"relayd\.conf:\d+: secret %s: No such" %
                     re.escape(path), said), said
    assert main.show("summary")["relayd"][0]["generation"] == before
    assert main.rpc(remote("echo", "echo", [1]))["result"] == [1]
    os.rename(path + ".away", path)
    main.reload()
    assert main.show("summary")["relayd"][0]["generation"] > before
    assert alice.alive()


def test_a_child_starts_when_its_file_is_back(t):
    """A process that is started again gets its files again."""
    path = t.private("secret", "x" * 32)
    main = t.main(extra='home "alice.home" { secret "%s" }\n' % path)
    os.rename(path, path + ".away")
    os.kill(main.wait_children()["relay-registry"], 9)
    main.wait_log(r"registry killed: %s: No such file" % re.escape(path))
    os.rename(path + ".away", path)
    main.wait_log(r"registry runs again")
    assert main.show("homes") is not None


def test_policy_is_shown(t):
    main = t.main(extra="deny call from anonymous service \"x\"\n"
                  "allow connect from any\n\nallow call\ndeny call\n")
    rows = main.show("policy")["policy"]
    lines = main.conf_text().split("\n")
    assert [r["rule"] for r in rows] == [
        'deny call from anonymous service "x"', "allow connect from any",
        "allow call", "deny call"], rows
    for i, row in enumerate(rows):
        assert row["number"] == i + 1 and row["file"] == main.conf, row
        assert lines[row["line"] - 1] == row["rule"], row
    # The last one never matches, and the log says so.
    main.wait_log(r"relayd\.conf:%d: call: this rule can never match.*"
                  r"relayd\.conf:%d: allow call" %
                  (rows[3]["line"], rows[2]["line"]))
    main.extra = ""
    main.reload()
    assert main.show("policy").get("policy", []) == []


def test_insecure_and_open_are_said_at_each_start(t):
    main = t.main(extra="authentication none\n")
    main.wait_log(r"warning: authentication is none")
    main.extra = ""
    main.reload()
    assert main.log().count("authentication is none") == 1


def test_a_used_join_file_is_not_missed(t):
    join = os.path.join(t.dir, "gone")
    key = "ed25519:" + "A" * 43
    code, said = check(t, 'node home "h"\nuplink "ws://127.0.0.1:1" { '
                       'node "m" key "%s" join "%s" }\n' % (key, join))
    assert code == 0, said
    with open(join, "w") as f:
        f.write("x" * 43 + "\n")
    os.chmod(join, 0o644)
    code, said = check(t, 'node home "h"\nuplink "ws://127.0.0.1:1" { '
                       'node "m" key "%s" join "%s" }\n' % (key, join))
    assert code == 1 and "check.conf:2: join %s: others can read" % join in \
        said, said
    assert wait_for(lambda: os.path.exists(join), "it is left alone")


def test_keys_of_others(t):
    """Checking a configuration reads its keys, where only a keeper can."""
    main = t.tls_main()
    cert, key = main.certs[0]
    other = main.ca.issue("other", ["localhost"], "rsa")
    rubbish = t.private("rubbish", "no key\n")
    before = main.children()
    good = main.conf_text()
    assert check(t, good) == (0, "configuration OK\n")
    line = 1 + good.split("tls certificate")[0].count("\n")
    for old, new, why in (
            (key, other[1], "tls key %s: does not belong to %s" % (
                other[1], cert)),
            (cert, other[0], "tls key %s: does not belong to %s" % (
                key, other[0])),
            (key, rubbish, "tls key %s: has no private key" % rubbish),
            (cert, rubbish, "tls certificate %s: has no certificate" %
             rubbish)):
        code, out = check(t, good.replace('"%s"' % old, '"%s"' % new))
        assert code == 1 and ":%d: %s" % (line, why) in out, out
    # One that cannot be started changes nothing of that.
    if os.getuid() == 0:
        text = good.replace("account keeper %d" % UIDS["keeper"],
                            "account keeper nobody-of-that-name")
        code, out = check(t, text.replace(key, other[1]))
        assert code == 0 and "not held against" in out, out
    assert main.children() == before


def test_a_state_directory_is_of_one(t):
    """Two registries would take each other's audit records for forged."""
    main = t.main()
    seq = main.ctl("-j", "audit", "verify", check=0)[1]
    with open(main.conf) as f:
        text = re.sub(r'control ".*"', 'control "%s/second.sock"' % t.dir,
                      f.read())
    conf = os.path.join(t.dir, "second.conf")
    with open(conf, "w") as f:
        f.write(re.sub(r"port \d+", "port 0", text))
    code, out, err = t.run([RELAYD, "-d", "-f", conf])
    assert code == 1 and "another relayd uses it" in out + err, (code, err)
    assert main.ctl("-j", "audit", "verify", check=0)[1] == seq
    # One that was killed holds nothing.
    main.expect_exit = True
    main.stop(signal.SIGKILL)
    wait_for(lambda: not t.left(), "its children ended")
    main = main.restart()
