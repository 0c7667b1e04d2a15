#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""
How long a change takes to be seen at every other Main: from the moment a home
sends its registration to the one at which all others have the service in their
forwarding tables, as a call by name finds out.

    RELAY_ROOT=build/gcc/root tests/bench/visibility.py [-m mains] [-n changes]

The figure is an upper bound: it has the home's own round trip and the polls in
it.  One line of JSON.
"""

import argparse
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

from relaytest import Test                                      # noqa: E402


def percentile(sorted_, p):
    return sorted_[min(len(sorted_) - 1, int(len(sorted_) * p))]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-m", type=int, default=3)
    ap.add_argument("-n", type=int, default=200)
    args = ap.parse_args()
    t = Test("visibility")
    took = []
    try:
        mains = t.mains(args.m)
        home = mains[0].link("mover.home")
        probes = [m.link("probe.home") for m in mains[1:]]
        t.links += [home] + probes
        for p in probes:
            p.register([])
        for i in range(args.n):
            name = "svc%d" % i
            m = home.envelope("registration", data={"services": [
                {"service_name": name, "methods": ["only"]}]})
            began = time.monotonic()
            home.send(m)
            for p in probes:
                # "No such method" is said only where the service is known.
                while p.call(name, "other")["jsonrpc_response"]["error"][
                        "code"] != -32601:
                    pass
            took.append((time.monotonic() - began) * 1000)
            home.recv("registration")
    finally:
        wrong = t.finish()
        t.remove()
    took.sort()
    print(json.dumps({
        "mains": args.m, "changes": args.n,
        "p50_ms": round(percentile(took, .5), 1),
        "p99_ms": round(percentile(took, .99), 1),
        "max_ms": round(took[-1], 1)}))
    for w in wrong:
        print(w, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
