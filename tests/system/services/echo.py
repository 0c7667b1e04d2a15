#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""
A service for the tests: JSON-RPC 2.0 on stdin and stdout, one object a line,
with methods that misbehave on request.
"""

import json
import os
import resource
import sys
import threading
import time

lock = threading.Lock()


def put(text):
    with lock:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def answer(rq, result):
    put(json.dumps({"jsonrpc": "2.0", "id": rq["id"], "result": result}))


def error(rq, code, message, **data):
    err = {"code": code, "message": message}
    err.update(data)
    put(json.dumps({"jsonrpc": "2.0", "id": rq["id"], "error": err}))


def later(rq, ms):
    time.sleep(ms / 1000)
    answer(rq, "late")


def handle(line):
    rq = json.loads(line)
    method, params = rq["method"], rq.get("params")
    if method == "note":                # a notification leaves a file
        with open(params["file"], "a") as f:
            f.write(json.dumps(params) + "\n")
    if "id" not in rq:
        return
    if method in ("echo", "note"):
        answer(rq, params)
    elif method == "line":              # what came, to the byte
        answer(rq, {"line": line.rstrip("\n")})
    elif method == "literal":           # JSON text as it is
        put('{"jsonrpc":"2.0","id":%s,"result":%s}' %
            (json.dumps(rq["id"]), params["json"]))
    elif method == "literal_error":
        put('{"jsonrpc":"2.0","id":%s,"error":%s}' %
            (json.dumps(rq["id"]), params["json"]))
    elif method == "fail":
        error(rq, -32000, "the application says no", data={"why": [1, 2.50]})
    elif method == "no_method":
        error(rq, -32601, "Method not found")
    elif method == "sleep":
        threading.Thread(target=later, args=(rq, params["ms"]),
                         daemon=True).start()
    elif method == "big_later":
        threading.Timer(params["ms"] / 1000, answer,
                        (rq, "x" * params["n"])).start()
    elif method == "hang":
        pass
    elif method == "crash":
        os._exit(params.get("status", 1) if params else 1)
    elif method == "garbage":
        put("this is not JSON")
        answer(rq, "after garbage")
    elif method == "only_garbage":
        for _ in range(params["n"]):
            put("{]" * 10)
    elif method == "wrong_id":
        put('{"jsonrpc":"2.0","id":987654321,"result":"wrong"}')
        answer(rq, "right")
    elif method == "twice":
        answer(rq, "first")
        answer(rq, "second")
    elif method == "big":
        answer(rq, "x" * params["n"])
    elif method == "stderr":
        sys.stderr.write(params["text"] + "\n")
        sys.stderr.flush()
        answer(rq, True)
    elif method == "who":
        answer(rq, {"pid": os.getpid(), "uid": os.getuid(),
                    "gid": os.getgid(), "groups": os.getgroups(),
                    "fds": sorted(int(f) for f in os.listdir("/proc/self/fd")),
                    "args": sys.argv[1:]})
    elif method == "surroundings":      # what it was started with
        with open("/proc/self/status") as f:
            status = dict(x.rstrip("\n").split(":\t", 1) for x in f
                          if ":\t" in x)
        answer(rq, {"env": dict(os.environ), "cwd": os.getcwd(),
                    "pid": os.getpid(), "pgid": os.getpgid(0),
                    "sid": os.getsid(0), "blocked": status["SigBlk"],
                    "no_new_privs": status["NoNewPrivs"],
                    "umask": status["Umask"],
                    "core": resource.getrlimit(resource.RLIMIT_CORE)})
    else:
        error(rq, -32601, "Method not found")


if __name__ == "__main__":
    if "--crash-at-start" in sys.argv:
        sys.exit(3)
    for text in sys.stdin:
        handle(text)
