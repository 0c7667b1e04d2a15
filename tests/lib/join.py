# SPDX-License-Identifier: ISC
"""Homes that join: both ends of it."""

import json
import os

from process import RELAY, Proc, wait_for


def enroll(main, node, *args, words=("enroll",)):
    """The join string, which is alone on standard output."""
    code, out, err = main.ctl(*words, node, *args)
    assert code == 0, (code, out, err)
    assert out.startswith("relay-join-1.") and len(out.split()) == 1, out
    string = out.strip()
    assert string not in err and "once" in err, err
    return string


def rotate(main, node, *args):
    return enroll(main, node, *args, words=("node", "rotate"))


def nodes(main):
    out = main.ctl("-j", "node", "list", check=0)[1]
    return {n["node_id"]: n for n in json.loads(out)["nodes"]}


class Relay(Proc):
    """relay(1) with directories of its own, below those of the test."""

    def __init__(self, t, name, *args, stdin=None, home=None):
        self.base = os.path.join(t.dir, home or name)
        self.env = {}
        for var, sub in (("XDG_RUNTIME_DIR", "run"),
                         ("XDG_STATE_HOME", "state")):
            self.env[var] = os.path.join(self.base, sub)
            os.makedirs(self.env[var], 0o755, exist_ok=True)
        argv = [RELAY] + list(args)
        if stdin is not None:
            path = t.private(name + ".string", stdin + "\n")
            argv = ["sh", "-c", 'f=$1; shift; exec "$@" <"$f"', "sh",
                    path] + argv
        super().__init__(t, name, argv, env=self.env)

    def node_dir(self, node):
        return os.path.join(self.base, "state/relay", node)

    def control(self, node):
        return os.path.join(self.base, "run/relay", node, "relayd.sock")

    def files(self):
        return [os.path.join(d, f) for d, _, fs in os.walk(self.base)
                for f in fs]


def connected(main, node):
    return wait_for(lambda: nodes(main)[node]["connected"] and nodes(main)[
        node], "%s is linked to %s" % (node, main.name))


def used_up(file):
    """The one-time secret is no longer in its file."""
    wait_for(lambda: not os.path.exists(file), "the secret is gone")
