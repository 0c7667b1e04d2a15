# SPDX-License-Identifier: ISC
"""
TLS 1.3 early data (0-RTT, RFC 8446 section 2.3), offered whether or not the
server's ticket allows any.
"""

import ctypes
import ctypes.util
import subprocess

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
_ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
for _lib, _name in ((_crypto, "BIO_new_file"),
                    (_ssl, "PEM_read_bio_SSL_SESSION")):
    getattr(_lib, _name).restype = ctypes.c_void_p


def allow(file, octets=16384):
    """Write into a stored session that so much early data may be sent."""
    bio = ctypes.c_void_p(_crypto.BIO_new_file(file.encode(), b"r"))
    session = ctypes.c_void_p(_ssl.PEM_read_bio_SSL_SESSION(
        bio, None, None, None))
    _crypto.BIO_free(bio)
    assert session.value, "no session in %s" % file
    assert _ssl.SSL_SESSION_set_max_early_data(
        session, ctypes.c_uint32(octets)) == 1
    bio = ctypes.c_void_p(_crypto.BIO_new_file(file.encode(), b"w"))
    assert _ssl.PEM_write_bio_SSL_SESSION(bio, session) == 1
    _crypto.BIO_free(bio)
    _ssl.SSL_SESSION_free(session)


def offer(port, session, data, *args):
    """
    What openssl s_client says that sends the contents of a file as early data,
    with a stored session, and nothing after it.
    """
    r = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-tls1_3",
         "-sess_in", session, "-early_data", data, *args], input=b"",
        capture_output=True, timeout=30)
    return (r.stdout + r.stderr).decode("utf-8", "replace")
