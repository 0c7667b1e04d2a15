#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""relay-frontend against a router, dialer and parent made of this test.

usage: frontend.py PATH/TO/relay-frontend [-s MODE] [NAME ...]

-s enforce|log|off chooses the sandbox.  Prints "N passed, N failed".
"""
import multiprocessing
import sys
import traceback

sys.dont_write_bytecode = True

import http_cases  # noqa: E402
import link_cases  # noqa: E402
import link_open_cases  # noqa: E402
import peer_cases  # noqa: E402
import tls_cases  # noqa: E402
import tls_half_cases  # noqa: E402
import tls_handshake_cases  # noqa: E402
import tls_hostile_cases  # noqa: E402
import tls_uplink_cases  # noqa: E402
import uplink_cases  # noqa: E402
from steps import Options  # noqa: E402


# They wait more than they compute.
AT_ONCE = 4
CASES = {name[5:]: fn for part in (
    http_cases, link_open_cases, link_cases, uplink_cases, peer_cases,
    tls_cases, tls_handshake_cases, tls_half_cases, tls_uplink_cases,
    tls_hostile_cases)
    for name, fn in vars(part).items() if name.startswith("test_")}


def one(name):
    """Its name, and how it failed or None; in a process of its own."""
    try:
        CASES[name]()
        return name, None
    except BaseException:
        return name, traceback.format_exc(limit=6)


def main():
    args = sys.argv[1:]
    if "-s" in args:
        i = args.index("-s")
        Options.sandbox = args[i + 1]
        del args[i:i + 2]
    Options.program, *wanted = args
    failed = 0
    names = [name for name in CASES if not wanted or name in wanted]
    with multiprocessing.get_context("fork").Pool(
            AT_ONCE, maxtasksperchild=1) as pool:
        for name, fault in pool.imap_unordered(one, names, chunksize=1):
            if fault is not None:
                failed += 1
                print("FAILED", name)
                print(fault, flush=True)
    print("%d passed, %d failed" % (len(names) - failed, failed))
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
