#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A service that reads nothing and writes empty lines for ever."""

import os
import socket

with socket.socket(fileno=os.dup(0)) as s:
    s.shutdown(socket.SHUT_RD)
for _ in range(7):                      # so that there is always something
    if os.fork() == 0:
        break
while True:
    os.write(1, b"\n" * 65536)
