#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ws-echo against the websockets library, both roles.

usage: interop.py PATH/TO/ws-echo; exits 77 if the library is not there.
"""
import asyncio
import http
import os
import subprocess
import sys

try:
    import websockets
except ImportError:
    sys.exit(77)

SIZES = (0, 1, 125, 126, 127, 65535, 65536, 1 << 20)
count = 0


async def same(ws, sent, want):
    global count
    await ws.send(sent)
    got = await asyncio.wait_for(ws.recv(), 20)
    assert got == want, "%r..." % (got[:40],)
    count += 1


async def exercise(ws):
    for n in SIZES:
        await same(ws, "é" * (n // 2) + "x" * (n % 2),
                   "é" * (n // 2) + "x" * (n % 2))
        data = os.urandom(n)
        await same(ws, data, data)
    await same(ws, ["frag", "", "ments é", "漢"], "fragments é漢")
    await same(ws, [b"\xff", b"", b"\xfe" * 70000], b"\xff" + b"\xfe" * 70000)
    await asyncio.wait_for(await ws.ping(b"payload"), 20)
    many = ["message %d" % i for i in range(500)]
    for m in many:
        await ws.send(m)
    for m in many:
        assert await asyncio.wait_for(ws.recv(), 20) == m
    await ws.close(4321, "done")
    assert ws.close_code == 4321, ws.close_code


async def as_server(echo):
    p = subprocess.Popen([echo, "0"], stdout=subprocess.PIPE)
    try:
        port = int(p.stdout.readline())
        for compression in (None, "deflate"):
            async with websockets.connect(
                    "ws://127.0.0.1:%d/" % port, max_size=None,
                    compression=compression) as ws:
                await exercise(ws)
    finally:
        p.terminate()
        p.wait()


async def as_client(echo):
    served = []
    done = asyncio.get_running_loop().create_future()

    async def handler(ws, path):
        try:
            await exercise(ws)
            served.append(path)
        except BaseException as e:
            if not done.done():
                done.set_exception(e)
            raise

    async def gate(path, headers):
        if served:
            return http.HTTPStatus.FORBIDDEN, [], b"enough\n"

    async with websockets.serve(handler, "127.0.0.1", 0, max_size=None,
                                process_request=gate) as server:
        port = server.sockets[0].getsockname()[1]
        p = await asyncio.create_subprocess_exec(
            echo, "-c", "ws://127.0.0.1:%d/x" % port,
            stderr=asyncio.subprocess.PIPE)
        waiting = asyncio.ensure_future(p.communicate())
        await asyncio.wait({waiting, done}, timeout=60,
                           return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            p.terminate()
            done.result()
        err = (await waiting)[1]
        assert served == ["/x"] and b"HTTP 403" in err, (served, err)


async def main():
    await as_server(sys.argv[1])
    await as_client(sys.argv[1])
    print("%d passed, 0 failed" % count)


asyncio.run(main())
