#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""
Runs the system tests.

    run.py [-l] [-j N] [-k] [-r RESULTS] [PATTERN...]

Each test runs in a process of its own, N at a time.  A pattern is a piece of
"file::test".  -l lists, -k keeps the directory of a test that failed.
With RELAY_SANDBOX=log in the environment all nodes run with `sandbox log', and
at the end nothing may have been logged.
RESULTS gets a line a test: P, F or S, a tab, and its name.
"""

import argparse
import concurrent.futures
import glob
import importlib.util
import os
import signal
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = os.path.join(os.path.dirname(HERE), "system")
sys.path[:0] = [HERE, SYSTEM, os.path.join(os.path.dirname(HERE), "ipc")]
SKIP = 77
LABEL = "sandbox-log" if os.environ.get("RELAY_SANDBOX") == "log" else "system"


def load(name):
    path = os.path.join(SYSTEM, name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def discover(patterns):
    found = []
    for path in sorted(glob.glob(os.path.join(SYSTEM, "test_*.py"))):
        name = os.path.basename(path)[:-3]
        module = load(name)
        for attr in module.__dict__:
            if attr.startswith("test_"):
                full = "%s::%s" % (name[5:], attr[5:])
                limit = getattr(module, "TIMEOUT", 120)
                found.append((full, name, attr, limit))
    return [f for f in found
            if not patterns or any(p in f[0] for p in patterns)]


def one(name, attr, keep):
    """Run one test in this process; the exit status says how it went."""
    import relaytest
    module = load(name)
    t = relaytest.Test(name + "." + attr)
    failed = False
    try:
        getattr(module, attr)(t)
    except relaytest.Skip as e:
        print("skipped: %s" % e)
        t.finish()
        t.remove()
        return SKIP
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        failed = True
    for text in t.finish():
        print(text)
        failed = True
    if failed:
        for p in t.procs:
            print("--- log of %s" % p.name)
            print("\n".join(p.log().splitlines()[-60:]))
        if keep:
            print("kept: " + t.dir)
    if not (failed and keep):
        t.remove()
    return 1 if failed else 0


def spawn(test, keep):
    full, name, attr, limit = test
    if os.environ.get("RELAY_SANITIZED") == "1":
        limit *= 3
    argv = [sys.executable, os.path.abspath(__file__), "--one", name, attr]
    if keep:
        argv.append("-k")
    start = time.monotonic()
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         start_new_session=True)
    try:
        out = p.communicate(timeout=limit)[0]
        code = p.returncode
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        out = p.communicate()[0] + b"\ntook more than %d s" % limit
        code = 1
    return full, code, out.decode("utf-8", "replace"), \
        time.monotonic() - start


def listen():
    """To the kernel, or why that cannot be."""
    import process
    import seccomp_log
    try:
        listener = seccomp_log.Listener(process.ROOT)
    except OSError as e:
        return None, "the kernel's audit records: %s" % e
    if not seccomp_log.works(listener):
        listener.stop()
        return None, "the kernel's audit records do not come here"
    return listener, None


def heard(listener, why):
    """What the kernel said: (P, F or S, lines)."""
    if listener is None:
        return "S", [why]
    lines = listener.stop()
    if listener.lost:
        lines.append("records were lost, %d times" % listener.lost)
    return "F" if lines else "P", lines


def tell(results, count, full, how, took, lines):
    count[how] += 1
    word = {"P": "ok  ", "S": "skip", "F": "FAIL"}[how]
    print("%s %s (%.1f s)" % (word, full, took), flush=True)
    if how != "P":
        print("\n".join("     " + x for x in lines), flush=True)
    if results:
        results.write("%s\t%s %s\n" % (how, LABEL, full))
        results.flush()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-l", action="store_true")
    ap.add_argument("-j", type=int, default=2)
    ap.add_argument("-k", action="store_true")
    ap.add_argument("-r")
    ap.add_argument("--one", nargs=2)
    ap.add_argument("pattern", nargs="*")
    a = ap.parse_args()
    if a.one:
        sys.exit(one(a.one[0], a.one[1], a.k))
    tests = discover(a.pattern)
    if a.l:
        print("\n".join(t[0] for t in tests))
        return
    results = open(a.r, "a") if a.r else None
    count = {"P": 0, "F": 0, "S": 0}
    start, logged = time.monotonic(), None
    if os.environ.get("RELAY_SANDBOX") == "log":
        logged = listen()
    with concurrent.futures.ThreadPoolExecutor(a.j) as pool:
        futures = [pool.submit(spawn, t, a.k) for t in tests]
        for f in concurrent.futures.as_completed(futures):
            full, code, out, took = f.result()
            tell(results, count, full, {0: "P", SKIP: "S"}.get(code, "F"),
                 took, out.splitlines())
    if logged is not None:
        how, lines = heard(*logged)
        tell(results, count, "sandbox log is silent", how,
             time.monotonic() - start, lines)
    if not results:
        print("%(P)d passed, %(F)d failed, %(S)d skipped" % count)
    sys.exit(1 if count["F"] else 0)


if __name__ == "__main__":
    main()
