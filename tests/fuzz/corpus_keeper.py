# SPDX-License-Identifier: ISC
"""Conversations of the keeper with its parent and a front-end."""

import struct

from corpus_input import (
    FRONTEND, PARENT, conf, lose, msg, raw_msg, restart, show)

ECDSA_SHA256 = 0x0403


def tls13(side, digest=32):
    return (b" " * 64 + b"TLS 1.3, " + side + b" CertificateVerify\0"
            + b"Z" * digest)


def tls12(group=29, point=b"\x04" * 32, kind=3):
    return (b"R" * 64 + struct.pack(">BHB", kind, group, len(point)) + point)


def sign(content, key=0, scheme=ECDSA_SHA256, generation=1, request=1,
         turn=True):
    return msg(FRONTEND, "KEY_SIGN", 0, turn, request=request,
               generation=generation, key=key, scheme=scheme, content=content)


def key(index, file="/k"):
    return msg(PARENT, "CONF_KEY", index=index, file=file)


def certificate(index, server=1, file="/c"):
    return msg(PARENT, "CONF_CERTIFICATE", index=index, server=server,
               file=file)


def own(which, raw):
    return raw_msg(PARENT, "OWN", bytes([which]) + raw)


def keeper():
    good = tls13(b"server")
    yield "signs", 0, [
        sign(good), sign(tls13(b"server", 48)), sign(tls12()),
        sign(tls12(23, b"\x04" + b"P" * 64)),
        sign(tls12(24, b"\x04" + b"P" * 96)),
        sign(tls12(25, b"\x04" + b"P" * 132)), sign(tls12(30, b"P" * 56)),
        sign(tls13(b"client"), 1), show(), show(2, 12)]
    yield "offends", 1, [
        sign(good[:-1]), sign(good, 1), sign(good, 2), sign(good, 64),
        sign(good, 0xffffffff), sign(good, scheme=0x0804),
        sign(good, scheme=0x0603), sign(good, scheme=0), sign(b""),
        sign(tls13(b"client")), sign(tls12(), 1), sign(tls12(kind=1)),
        sign(tls12(23, b"\x02" + b"P" * 64)), sign(tls12()[:-1]),
        sign(b"x" * 1002), sign(good)]
    yield "stale", 0, [
        sign(good, generation=0), sign(good, generation=2), sign(good),
        show(2, 12)]
    yield "reload", 0, [
        *conf(1, 2, key(0), certificate(0)), sign(good), sign(good, 0,
                                                              generation=2),
        *conf(1, 3, key(5), certificate(5)), sign(good),
        sign(good, generation=2), sign(good, 5, generation=3),
        *conf(1, 4, end="CONF_ABORT"), sign(good, 5, generation=3), show(2, 12)]
    yield "ahead", 0, [
        *conf(1, 2, key(0), certificate(0), end="CONF_END")[:-1],
        sign(good, generation=2), msg(PARENT, "CONF_ABORT", generation=2),
        sign(good, generation=2)]
    yield "rejected", 0, [
        own(0, b"junk"), *conf(1, 2, key(0), certificate(0),
                               end="CONF_ABORT"),
        *conf(1, 3, key(0), end="CONF_ABORT"),
        *conf(1, 4, certificate(0), end="CONF_ABORT"),
        own(1, b"-----BEGIN CERTIFICATE-----\nMIIB\n"
            b"-----END CERTIFICATE-----\n"),
        *conf(1, 5, certificate(3), key(3), end="CONF_ABORT"),
        own(0, b"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
            b"DEK-Info: AES-128-CBC,00\n\nAAAA\n"
            b"-----END EC PRIVATE KEY-----\n"),
        *conf(1, 6, key(3), certificate(3), end="CONF_ABORT"), sign(good)]
    yield "flood", 0, [
        *[sign(good, request=i, turn=False) for i in range(40)],
        restart(FRONTEND), sign(good), lose(FRONTEND), sign(good),
        restart(FRONTEND), sign(good)]
