#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Write the corpora of the fuzzers that run a process's real handlers: one
conversation a file.

    gen-corpus.py [directory]
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from corpus_input import (  # noqa: E402
    DIALER, PARENT, ROUTER, close, compact, conf, conf_service, lose, msg,
    out_id, raw_msg, restart, show, write)
from corpus_keeper import keeper  # noqa: E402
from corpus_links import dialer, frontend  # noqa: E402
from corpus_peers import peers  # noqa: E402
from corpus_router import router  # noqa: E402


# --- backend ---

def call(ident, which, later=0, note=0, generation=1, timeout=1000,
         params='{"a":1}', turn=True):
    return msg(ROUTER, "BACKEND_CALL", later, turn, call=ident, service=which,
               generation=generation, timeout_ms=timeout, notification=note,
               method="get", params=params)


def instance(name, n, which=0, generation=1, **more):
    return msg(PARENT, name, service=which, generation=generation, instance=n,
               **more)


def connected(sender, n, error="", later=0):
    return msg(sender, "SERVICE_CONNECTED", later, request=out_id(n),
               error=error)


def answers(first, last):
    return "".join(compact({"jsonrpc": "2.0", "id": i, "result": {"n": i}}) +
                   "\n" for i in range(first, last + 1))


def backend():
    # Ids of 0 and 1 are what it asks for at the start: unix, then http.
    body = '{"jsonrpc":"2.0","id":%d,"result":[1]}'
    ok = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
          "Content-Length: %d\r\n\r\n%s")
    chunked = ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "5\r\n{\"jso\r\n0\r\n\r\n")

    def cancel(ident):
        return msg(ROUTER, "BACKEND_CANCEL", call=ident)

    yield "lines", 0, [
        instance("SERVICE_IO", 0), instance("SERVICE_STDERR", 0), show(),
        call(1, 0, 2000), call(2, 0, note=1), call(3, 0),
        write(0, answers(1, 8)), write(1, "a complaint\nand half"),
        write(0, "garbage\n" + compact({
            "jsonrpc": "2.0", "id": 4,
            "error": {"code": 1, "message": "x"}}) + "\n"),
        call(4, 0), cancel(4), call(5, 0, timeout=10), close(0, 2000),
        instance("SERVICE_EXIT", 0, status="status 1"),
        instance("SERVICE_IO", 0), instance("SERVICE_IO", 1), call(6, 0),
        restart(ROUTER)]
    yield "http", 0, [
        *[connected(DIALER, n) for n in (0, 1)], call(1, 1),
        *[connected(DIALER, n) for n in (2, 3)],
        *[write(w, ok % (len(body % 1), body % 1)) for w in (0, 1)],
        call(2, 1), call(3, 1), call(4, 1),
        *[connected(DIALER, n) for n in (2, 3, 4)],
        *[write(w, chunked) for w in range(4)], cancel(3),
        connected(DIALER, 5, "refused"), restart(DIALER), call(7, 1),
        close(1), show(1, 1, 16000)]
    yield "http_end", 0, [
        connected(DIALER, 1), call(1, 1), close(0),
        call(2, 1), connected(DIALER, 2),
        write(0, "HTTP/1.0 200 OK\r\n\r\n" + body % 2), close(0),
        call(3, 1), connected(DIALER, 3), close(0),
        call(4, 1), connected(DIALER, 4),
        write(0, ok % (len(body % 4), body % 4)),
        raw_msg(PARENT, "FD_CLOSE", b"\0", turn=False), call(5, 1),
        connected(DIALER, 5), call(6, 1, later=16000), show(later=16000)]
    yield "http_status", 0, [
        connected(DIALER, 1),
        *[call(i + 1, 1) + write(0, "HTTP/1.1 %d no\r\nContent-Length: 0\r\n"
                                 "\r\n" % status)
          for i, status in enumerate((503, 413, 404, 301, 500, 204))],
        call(7, 1, note=1), write(0, ok % (0, "")), call(8, 1),
        write(0, ok % (2, "{}")), call(9, 1), write(0, ok % (1 << 30, ""))]
    yield "full", 0, [
        instance("SERVICE_IO", 0), show(later=2000),
        *[call(i, 0, note=1, params=compact(["x" * 1500])) for i in range(6)],
        write(0, ""), write(0, "\n"), call(7, 0, turn=False),
        close(0), connected(PARENT, 0), call(8, 2, turn=False), close(0),
        call(9, 2)]
    yield "alone", 0, [
        instance("SERVICE_IO", 0), lose(DIALER), call(1, 1),
        connected(PARENT, 0), call(2, 2), lose(ROUTER),
        write(1, answers(1, 3)), restart(DIALER), restart(ROUTER), call(3, 1),
        lose(DIALER), call(4, 1, 600)]
    yield "unix", 0, [
        call(1, 2), *[connected(PARENT, n) for n in (0, 1)],
        write(0, answers(1, 8)), call(2, 2), call(3, 2),
        write(0, answers(2, 3)), close(0), call(4, 2, 600),
        connected(PARENT, 2, "no such file"), connected(PARENT, 3),
        connected(PARENT, 4, later=2000), call(5, 2)]
    yield "conf", 0, [
        instance("SERVICE_IO", 0), call(1, 0),
        *conf(1, 2, conf_service("lines", 1)), call(2, 1, generation=2),
        write(0, answers(1, 8)),
        *conf(1, 3, conf_service("other", 3), end="CONF_ABORT"), call(3, 0),
        instance("SERVICE_IO", 0, 1, 2), call(4, 1, generation=2, timeout=600),
        show(2, 1, 2000)]
    yield "ahead", 0, [
        *conf(1, 2, conf_service("socket", 3), end="CONF_END")[:-1],
        call(1, 1, generation=2), instance("SERVICE_STDERR", 0, 1, 2),
        msg(PARENT, "CONF_ABORT", generation=2), call(2, 1, generation=2)]


def main():
    top = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus"
    for to, make in (("router", router), ("router", peers),
                     ("backend", backend), ("frontend", frontend),
                     ("dialer", dialer), ("keeper", keeper)):
        into = top / f"{to}_msgs"
        into.mkdir(parents=True, exist_ok=True)
        for name, flags, parts in make():
            (into / name).write_bytes(bytes([flags]) + b"".join(parts))


if __name__ == "__main__":
    main()
