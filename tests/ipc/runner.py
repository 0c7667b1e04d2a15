# SPDX-License-Identifier: ISC
"""Runs test functions, two at a time, and counts them as check(3) does."""

import multiprocessing
import os
import sys
import traceback

SKIP = 77  # exit status that automake takes for "skipped"


def run_one(job):
    name, function, args = job
    try:
        function(*args)
        return name, None
    except Exception:
        return name, traceback.format_exc()


def run(jobs):
    """jobs: (name, function, args).  Ends the process."""
    if not jobs:
        print("skipped: no program to test is built")
        sys.exit(SKIP)
    wanted = sys.argv[1:]
    jobs = [j for j in jobs if not wanted or any(w in j[0] for w in wanted)]
    failures = 0
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for name, why in pool.imap_unordered(run_one, jobs):
            if os.environ.get("V"):
                print("ok" if why is None else "not ok", name, flush=True)
            if why is not None:
                failures += 1
                print(f"{name}:\n{why}", flush=True)
    good = 100 * (len(jobs) - failures) // max(len(jobs), 1)
    print(f"{good}%: Checks: {len(jobs)}, Failures: {failures}, Errors: 0")
    sys.exit(1 if failures else 0)
