# SPDX-License-Identifier: ISC
"""The manual's examples are run, and its options are the programs'."""

import os
import re
import shlex
import subprocess

from process import CTL, RELAY, RELAYD, ROOT, TOP
from relaytest import Skip

MAN = os.path.join(ROOT, "share/man")


def page(name):
    section = name.rsplit(".", 1)[1]
    path = os.path.join(MAN, "man" + section, name)
    if not os.path.exists(path):
        raise AssertionError("%s is not installed" % path)
    try:
        out = subprocess.run(["mandoc", "-Tascii", path],
                             capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise Skip("mandoc is not installed")
    return re.sub(".\b", "", out.decode())


def source(name):
    with open(os.path.join(MAN, "man" + name.rsplit(".", 1)[1], name)) as f:
        return f.read()


def displays(name, section="EXAMPLES"):
    """The literal displays of a section."""
    text = source(name)
    part = re.search(r"^\.Sh %s$(.*?)(?=^\.Sh |\Z)" % section, text,
                     re.M | re.S)
    if not part:
        return []
    out = re.findall(r"^\.Bd [^\n]*-literal[^\n]*\n(.*?)^\.Ed", part.group(1),
                     re.M | re.S)
    return [re.sub(r"\\&", "", x).replace("\\e", "\\").replace("\\-", "-")
            for x in out]


def test_examples_of_the_configuration(t):
    shown = displays("relayd.conf.5")
    assert shown, "no examples"
    for i, text in enumerate(shown):
        conf = os.path.join(t.dir, "ex%d.conf" % i)
        # Its files are here, and what is in them is not looked at.
        text = text.replace("/etc/relayd/", t.dir + "/")
        for name in re.findall(r'"(%s/[^"]+)"' % re.escape(t.dir), text):
            with open(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600),
                      "w") as f:
                f.write(32 * "x")
        with open(conf, "w") as f:
            f.write(text)
        code, out, err = t.run([RELAYD, "-n", "-f", conf])
        assert code == 0, (text, out, err)


def commands(name, program):
    """The words behind a program in the displays of a page."""
    for text in displays(name):
        for line in re.sub(r"\\\n\s*", "", text).splitlines():
            line = line.replace("\\(aq", "'")
            m = re.search(r"(?:^[#$] |&& |\$\()%s (.*)$" % program, line)
            if m:
                yield shlex.split(re.split(r"[|><)]", m.group(1))[0])


def test_examples_of_relay_ctl(t):
    """They are understood, and then there is no relayd."""
    found = 0
    for name in ("relay-ctl.8", "relay.1"):
        for words in commands(name, "relay-ctl"):
            if words[0] == "-s":
                words = words[2:]
            code, out, err = t.run([CTL, "-s", t.dir + "/nobody.sock"] +
                                   words)
            assert code == 2 and "not running" in err, (words, code, err)
            found += 1
    assert found > 12, found


def test_examples_of_relay(t):
    found = 0
    for words in commands("relay.1", "relay"):
        code, out, err = t.run([RELAY] + words + ["-help"])
        assert code == 0, (words, err)
        found += 1
    assert found > 6, found


def test_sample_configuration(t):
    found = 0
    for dirpath, _, files in os.walk(ROOT):
        for f in files:
            if re.match(r"relayd.*\.conf.*", f) and "/etc" in dirpath or \
                    f.endswith((".conf.sample", ".conf.example")):
                path = os.path.join(dirpath, f)
                if "sysusers" in path or "tmpfiles" in path:
                    continue
                code, out, err = t.run([RELAYD, "-n", "-f", path])
                assert code == 0, (path, out, err)
                found += 1
    for f in os.listdir(os.path.join(TOP, "etc")):
        if f.endswith(".conf") and f.startswith("relayd"):
            if "sysusers" in f or "tmpfiles" in f:
                continue
            code, out, err = t.run([RELAYD, "-n", "-f",
                                    os.path.join(TOP, "etc", f)])
            assert code == 0, (f, out, err)
            found += 1
    assert found, "no sample configuration"


def test_options_are_documented(t):
    for name, program in (("relayd.8", RELAYD), ("relay-ctl.8", CTL),
                          ("relay.1", RELAY)):
        text = page(name)
        r = subprocess.run([program, "-?"], capture_output=True,
                           stdin=subprocess.DEVNULL)
        usage = r.stderr.decode()
        assert "usage" in usage.lower(), usage
        for option in set(re.findall(r"(?<![\w-])-([a-z][a-z-]*)", usage)):
            if program == RELAY:
                assert "-" + option in text, (name, option)
            else:
                for letter in option:
                    assert re.search(r"-\w*" + letter, text), (name, option)


def test_protocol_page_names_every_error(t):
    from answers import ERRORS
    text = page("relay.7")
    for code, (name, _) in ERRORS.items():
        assert str(code) in text, code
        assert name.upper() in text or name in text, name
    for code in (1001, 1003, 1007, 1008, 1009, 1012, 1013, 4001):
        assert str(code) in text, code


def test_appendix_names_every_message(t):
    text = page("relayd.8")
    with open(os.path.join(TOP, "common/msg_types.def")) as f:
        names = re.findall(r"^MSG\((\w+),", f.read(), re.M)
    assert len(names) > 40
    for name in names:
        assert name in text, name


def test_exit_codes_are_documented(t):
    text = page("relay-ctl.8")
    for code in "0123":
        assert re.search(r"^\s+%s\s" % code, text, re.M), code
