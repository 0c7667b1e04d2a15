#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""relay-frontend against a router, dialer and parent made of this test.

usage: frontend.py PATH/TO/relay-frontend [-s MODE] [NAME ...]

-s enforce|log|off chooses the sandbox.  Prints "N passed, N failed".
"""
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


def main():
    args = sys.argv[1:]
    if "-s" in args:
        i = args.index("-s")
        Options.sandbox = args[i + 1]
        del args[i:i + 2]
    Options.program, *wanted = args
    passed = failed = 0
    cases = [case for part in (http_cases, link_open_cases, link_cases,
                               uplink_cases, peer_cases, tls_cases,
                               tls_handshake_cases, tls_half_cases,
                               tls_uplink_cases, tls_hostile_cases)
             for case in vars(part).items()]
    for name, fn in cases:
        if not name.startswith("test_") or (
                wanted and name[5:] not in wanted):
            continue
        try:
            fn()
            passed += 1
        except BaseException:
            failed += 1
            print("FAILED", name)
            traceback.print_exc(limit=6, file=sys.stdout)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
