/* SPDX-License-Identifier: ISC */
/* TLS on a socket that takes and gives what it likes, and its files. */
#include <openssl/err.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relayd/frontend/conn_io.h"
#include "relayd/frontend/sendq.h"
#include "relayd/frontend/tls_io.h"
#include "relayd/keeper/keyset.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

/* This process with one certificate, and a client that is not ours. */
struct world {
	struct tls	 tls;
	struct keyset	 keys;
	struct tls_conf	*conf;
	EVP_PKEY	*key;
	X509		*cert;
	SSL_CTX		*ctx;		/* the client's */
	SSL		*client;
	int		 fd[2];		/* ours, theirs */
	struct conn_io	 io;
	uint64_t	 request;	/* that waits, 0 for none */
	uint32_t	 generation, index;
	uint16_t	 scheme;
	uint8_t		 content[1024];
	size_t		 len;
};

static bool
on_ask(void *arg, uint64_t request, uint32_t generation, uint32_t key,
    uint16_t scheme, struct span content)
{
	struct world	*w = arg;

	ck_assert_uint_le(content.len, sizeof(w->content));
	w->request = request;
	w->generation = generation;
	w->index = key;
	w->scheme = scheme;
	memcpy(w->content, content.p, content.len);
	w->len = content.len;
	return (true);
}

static void
on_resume(void *arg, struct keysign_wait *wait)
{
	struct world	*w = arg;

	ck_assert_ptr_eq(tls_io_of(wait), w->io.tls);
}

static void
sign(struct world *w)
{
	static struct keyset_answer	a;

	keyset_sign(&w->keys, w->generation, w->index, w->scheme,
	    (struct span){ (const char *)w->content, w->len }, &a);
	ck_assert_msg(a.verdict == KEYSET_SIGNED, "%s", a.why);
	ck_assert(keysign_answer(w->tls.keysign, w->request,
	    (struct span){ (const char *)a.sig, a.len }));
	w->request = 0;
}

/* A file with that text. */
static int
file_of(struct span text)
{
	FILE	*f = tmpfile();
	int	 fd;

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text.p, 1, text.len, f), text.len);
	ck_assert_int_eq(fflush(f), 0);
	fd = dup(fileno(f));
	fclose(f);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return (fd);
}

static struct world *
world_new(int version)
{
	static const struct keysign_ops	 ops = { on_ask, on_resume };
	struct world			*w = calloc(1, sizeof(*w));
	struct span			 key, cert;
	char				 why[200];

	w->key = fixture_key("P-256");
	w->cert = fixture_named(w->key, "DNS:main.test");
	key = fixture_key_pem(w->key, NULL);
	cert = fixture_certificate_pem(w->cert);
	ck_assert(tls_init(&w->tls, &ops, w));
	keyset_begin(&w->keys, 3);
	ck_assert(keyset_key(&w->keys, 0, &key, NULL, "/k"));
	ck_assert(keyset_certificate(&w->keys, 0, true, &cert, NULL, "/c"));
	ck_assert(keyset_end(&w->keys, why, sizeof(why)));
	keyset_commit(&w->keys);
	w->conf = tls_conf_new(&w->tls, 3);
	ck_assert(tls_conf_cert(w->conf, 0, true, span_str("/c"),
	    file_of(cert)));
	ck_assert_msg(tls_conf_end(w->conf, true, why, sizeof(why)), "%s",
	    why);
	fixture_free(&key);
	fixture_free(&cert);
	w->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(w->ctx, version);
	SSL_CTX_set_max_proto_version(w->ctx, version);
	return (w);
}

/* A new connection, with a buffer of that size towards the client. */
static void
connect_to(struct world *w, int sndbuf)
{
	int	i;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, w->fd), 0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(fcntl(w->fd[i], F_SETFL, O_NONBLOCK), 0);
	if (sndbuf > 0)
		ck_assert_int_eq(setsockopt(w->fd[0], SOL_SOCKET, SO_SNDBUF,
		    &sndbuf, sizeof(sndbuf)), 0);
	w->io.fd = w->fd[0];
	w->io.tls = tls_io_accept(w->conf, w->fd[0], w);
	w->client = SSL_new(w->ctx);
	SSL_set_fd(w->client, w->fd[1]);
	SSL_set_connect_state(w->client);
}

static void
disconnect(struct world *w)
{
	conn_io_close(&w->io);
	ck_assert_ptr_null(w->io.tls);
	SSL_free(w->client);
	close(w->fd[1]);
}

static void
world_free(struct world *w)
{
	struct keysign_stats	st;

	keysign_stats(w->tls.keysign, &st);
	ck_assert_uint_eq(st.pending, 0);
	ck_assert_uint_eq(w->conf->refs, 1);
	tls_conf_unref(w->conf);
	tls_clear(&w->tls);
	keyset_free(&w->keys);
	SSL_CTX_free(w->ctx);
	X509_free(w->cert);
	EVP_PKEY_free(w->key);
	free(w);
}

/* The handshake to its end; how often it had to wait to write. */
static int
shake(struct world *w)
{
	enum tls_step	step = TLS_WANT_READ;
	int		i, writes = 0, theirs = 0;

	for (i = 0; i < 1000 && (step != TLS_DONE || theirs != 1); i++) {
		theirs = SSL_do_handshake(w->client);
		ERR_clear_error();
		if (step != TLS_DONE)
			step = tls_io_handshake(w->io.tls);
		ck_assert(step != TLS_FAILED);
		writes += step == TLS_WANT_WRITE;
		if (step == TLS_PAUSED && w->request != 0)
			sign(w);
	}
	ck_assert(step == TLS_DONE && theirs == 1);
	return (writes);
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

START_TEST(talk)
{
	struct world	*w = world_new(versions[_i]);
	static uint8_t	 buf[TLS_READ_MIN], in[64];

	connect_to(w, 0);
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), IO_AGAIN);
	ck_assert_int_eq(conn_io_write(&w->io, "x", 1), IO_AGAIN);
	ck_assert_int_eq(shake(w), 0);
	ck_assert_ptr_null(w->io.tls->conf);
	ck_assert_ptr_null(w->io.tls->names);
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), IO_AGAIN);
	ck_assert_int_eq(SSL_write(w->client, "one", 3), 3);
	ck_assert_int_eq(SSL_write(w->client, "two", 3), 3);
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), 6);
	ck_assert(memcmp(buf, "onetwo", 6) == 0);
	ck_assert_int_eq(conn_io_write(&w->io, "out", 3), 3);
	ck_assert_int_eq(SSL_read(w->client, in, sizeof(in)), 3);
	ck_assert(!conn_io_ready(&w->io));
	/* data and the end at once: the end is not lost */
	ck_assert_int_eq(SSL_write(w->client, "bye", 3), 3);
	SSL_shutdown(w->client);
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), 3);
	ck_assert(conn_io_ready(&w->io));
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), IO_EOF);
	conn_io_shutdown(&w->io);
	ck_assert_int_eq(SSL_read(w->client, in, sizeof(in)), 0);
	ck_assert_int_eq(SSL_get_shutdown(w->client), SSL_SENT_SHUTDOWN |
	    SSL_RECEIVED_SHUTDOWN);
	disconnect(w);
	world_free(w);
}
END_TEST

/*
 * What comes with the end of a handshake is in the SSL: no event will say so,
 * however late it is read.
 */
START_TEST(early_words)
{
	struct world	*w = world_new(TLS1_3_VERSION);
	static uint8_t	 buf[TLS_READ_MIN];
	enum tls_step	 step = TLS_WANT_READ;
	bool		 said = false;
	int		 i;

	connect_to(w, 0);
	for (i = 0; i < 1000 && step != TLS_DONE; i++) {
		if (!said && SSL_do_handshake(w->client) == 1) {
			ck_assert_int_eq(SSL_write(w->client, "one", 3), 3);
			said = true;
		}
		ERR_clear_error();
		ck_assert(!conn_io_ready(&w->io));
		step = tls_io_handshake(w->io.tls);
		if (step == TLS_PAUSED && w->request != 0)
			sign(w);
	}
	ck_assert(step == TLS_DONE);
	ck_assert_int_eq(recv(w->io.fd, buf, 1, MSG_PEEK), -1);
	ck_assert(conn_io_ready(&w->io));
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), 3);
	ck_assert(!conn_io_ready(&w->io));
	disconnect(w);
	world_free(w);
}
END_TEST

/* More than the buffer of a reader, from both sides of record borders. */
START_TEST(much_in)
{
	struct world	*w = world_new(versions[_i]);
	static uint8_t	 buf[TLS_READ_MIN], out[3 * TLS_READ_MIN];
	static uint8_t	 got[3 * TLS_READ_MIN];
	size_t		 i, sent = 0, n = 0;
	ssize_t		 r;
	int		 k;

	for (i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 251);
	connect_to(w, 0);
	shake(w);
	SSL_set_mode(w->client, SSL_MODE_ENABLE_PARTIAL_WRITE);
	for (i = 0; n < sizeof(out); i++) {
		ck_assert_uint_lt(i, 100000);
		k = sent < sizeof(out) ? SSL_write(w->client, out + sent,
		    (int)(sizeof(out) - sent)) : 0;
		sent += k > 0 ? (size_t)k : 0;
		ERR_clear_error();
		r = conn_io_read(&w->io, buf, sizeof(buf));
		ck_assert(r > 0 || r == IO_AGAIN);
		if (r > 0) {
			ck_assert_uint_le(n + (size_t)r, sizeof(got));
			memcpy(got + n, buf, (size_t)r);
			n += (size_t)r;
		}
	}
	ck_assert(memcmp(got, out, n) == 0);
	disconnect(w);
	world_free(w);
}
END_TEST

/*
 * A socket that takes little: frames are put ahead, what TLS took stays as it
 * was, and all comes in order.
 */
START_TEST(slow_reader)
{
	struct world	*w = world_new(versions[_i]);
	struct sendq	 q = { 0 };
	static uint8_t	 body[40000], got[400000];
	size_t		 n = 0, want = 0, i, texts = 0, pongs = 0;
	bool		 ponged = false;
	int		 r, sent = IO_AGAIN;

	connect_to(w, 4608);
	shake(w);
	for (i = 0; i < 8; i++) {
		memset(body, 'a' + (int)i, sizeof(body));
		sendq_frame(&q, WS_TEXT, body, sizeof(body), NULL);
		want += sizeof(body) + 4;
	}
	want += 6;
	for (i = 0; n < want || sent != 0; i++) {
		ck_assert_uint_lt(i, 100000);
		sent = sendq_flush(&q, &w->io);
		ck_assert_int_ne(sent, IO_FAIL);
		ck_assert_int_eq(sent == 0, sendq_len(&q) == 0 &&
		    !conn_io_pending(&w->io));
		if (!ponged && q.blocked) {
			ck_assert(sendq_control(&q, WS_PONG,
			    (const uint8_t *)"pong", 4, NULL));
			ponged = true;
		}
		r = SSL_read(w->client, got + n, (int)(sizeof(got) - n));
		n += r > 0 ? (size_t)r : 0;
		ERR_clear_error();
	}
	ck_assert(ponged);
	ck_assert_uint_eq(n, want);
	for (i = 0; i < n; i += ws_frame_len(got + i)) {
		if ((got[i] & 15) == WS_PONG)
			pongs++;
		else
			ck_assert_uint_eq(got[i + 4], 'a' + texts++);
	}
	ck_assert_uint_eq(pongs, 1);
	ck_assert_uint_eq(texts, 8);
	sendq_clear(&q);
	disconnect(w);
	world_free(w);
}
END_TEST

/* Its end while the keeper works; and a socket that is broken. */
START_TEST(cut)
{
	struct world	*w = world_new(versions[_i]);
	static uint8_t	 buf[TLS_READ_MIN];

	connect_to(w, 0);
	(void)SSL_do_handshake(w->client);
	ERR_clear_error();
	ck_assert_int_eq(tls_io_handshake(w->io.tls), TLS_PAUSED);
	ck_assert_int_eq(tls_io_handshake(w->io.tls), TLS_PAUSED);
	ck_assert_uint_eq(w->conf->refs, 2);
	disconnect(w);
	ck_assert_uint_eq(w->conf->refs, 1);
	connect_to(w, 0);
	shutdown(w->fd[1], SHUT_WR);
	ck_assert_int_eq(tls_io_handshake(w->io.tls), TLS_FAILED);
	ck_assert_str_eq(tls_io_why(w->io.tls), "closed by the other side");
	ck_assert_int_eq(tls_io_handshake(w->io.tls), TLS_FAILED);
	disconnect(w);
	connect_to(w, 0);
	shake(w);
	ck_assert_int_eq(SSL_write(w->client, "last", 4), 4);
	shutdown(w->fd[1], SHUT_RDWR);
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), 4);
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), IO_EOF);
	ck_assert_int_eq(conn_io_write(&w->io, "x", 1), IO_FAIL);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(conn_io_flush(&w->io), IO_FAIL);
	conn_io_shutdown(&w->io);
	disconnect(w);
	world_free(w);
}
END_TEST

/* Not TLS at all, or TLS that was tampered with. */
START_TEST(garbage)
{
	struct world	*w = world_new(versions[_i]);
	static uint8_t	 buf[TLS_READ_MIN], record[45] = { 23, 3, 3, 0, 40 };

	connect_to(w, 0);
	ck_assert_int_eq(write(w->fd[1], "GET / HTTP/1.1\r\n", 16), 16);
	ck_assert_int_eq(tls_io_handshake(w->io.tls), TLS_FAILED);
	ck_assert(w->io.tls->http);
	disconnect(w);
	connect_to(w, 0);
	ck_assert_int_eq(write(w->fd[1], "SSH-2.0-OpenSSH\r\n", 17), 17);
	ck_assert_int_eq(tls_io_handshake(w->io.tls), TLS_FAILED);
	ck_assert(!w->io.tls->http);
	disconnect(w);
	connect_to(w, 0);
	shake(w);
	ck_assert_int_eq(SSL_write(w->client, "good", 4), 4);
	ck_assert_int_eq(write(w->fd[1], record, sizeof(record)),
	    sizeof(record));
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), 4);
	ck_assert(conn_io_ready(&w->io));
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), IO_FAIL);
	ck_assert_msg(strstr(conn_io_error(&w->io), "bad record mac") != NULL,
	    "%s", conn_io_error(&w->io));
	ck_assert_int_eq(conn_io_write(&w->io, "x", 1), IO_FAIL);
	disconnect(w);
	world_free(w);
}
END_TEST

/* It is answered once, and what was said before it is heard. */
START_TEST(renegotiation)
{
	struct world	*w = world_new(TLS1_2_VERSION);
	static uint8_t	 buf[TLS_READ_MIN];

	connect_to(w, 0);
	shake(w);
	ck_assert(!w->io.tls->early);
	ck_assert_int_eq(SSL_write(w->client, "one", 3), 3);
	ck_assert_int_eq(SSL_renegotiate(w->client), 1);
	ck_assert_int_eq(SSL_do_handshake(w->client), -1);
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), 3);
	ck_assert(memcmp(buf, "one", 3) == 0);
	ck_assert(w->io.tls->again);
	ck_assert(conn_io_ready(&w->io));
	ck_assert_int_eq(conn_io_read(&w->io, buf, sizeof(buf)), IO_FAIL);
	ck_assert_str_eq(conn_io_error(&w->io), "renegotiation is refused");
	ck_assert_int_eq(conn_io_write(&w->io, "x", 1), IO_FAIL);
	ERR_clear_error();
	ck_assert_int_eq(SSL_do_handshake(w->client), -1);
	ck_assert_int_eq(ERR_GET_REASON(ERR_peek_error()),
	    SSL_R_NO_RENEGOTIATION);
	ERR_clear_error();
	disconnect(w);
	world_free(w);
}
END_TEST

/* --- files --- */

START_TEST(files)
{
	struct world	*w = world_new(TLS1_3_VERSION);
	struct tls_conf	*conf;
	struct span	 pem = fixture_certificate_pem(w->cert), two;
	char		 why[200];
	size_t		 i;

	two = fixture_both(pem, pem);
	conf = tls_conf_new(&w->tls, 4);
	ck_assert(tls_conf_cert(conf, 0, true, span_str("/c"), file_of(two)));
	ck_assert(tls_conf_end(conf, true, why, sizeof(why)));
	ck_assert_int_eq(sk_X509_num(conf->certs[0].chain), 1);
	tls_conf_unref(conf);
	/* cut short at every place of its second half */
	for (i = pem.len / 2; i < pem.len - 1; i += 7) {
		conf = tls_conf_new(&w->tls, 4);
		ck_assert(tls_conf_cert(conf, 0, true, span_str("/c"),
		    file_of((struct span){ pem.p, i })));
		ck_assert(!tls_conf_end(conf, true, why, sizeof(why)));
		ck_assert(strncmp(why, "tls certificate /c: ", 20) == 0);
		tls_conf_unref(conf);
	}
	conf = tls_conf_new(&w->tls, 4);
	for (i = 0; i < LIMIT_KEYS; i++)
		ck_assert(tls_conf_cert(conf, (uint32_t)i, false,
		    span_str("/c"), file_of(pem)));
	ck_assert(!tls_conf_cert(conf, 99, false, span_str("/c"),
	    file_of(pem)));
	ck_assert(!tls_conf_end(conf, true, why, sizeof(why)));
	ck_assert_str_eq(why, "tls listeners without a certificate");
	tls_conf_unref(conf);
	fixture_free(&pem);
	fixture_free(&two);
	world_free(w);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tls");

	tcase_add_loop_test(tc, talk, 0, 2);
	tcase_add_test(tc, early_words);
	tcase_add_loop_test(tc, much_in, 0, 2);
	tcase_add_loop_test(tc, slow_reader, 0, 2);
	tcase_add_loop_test(tc, cut, 0, 2);
	tcase_add_loop_test(tc, garbage, 0, 2);
	tcase_add_test(tc, renegotiation);
	tcase_add_test(tc, files);
	return (suite_run("tls", tc));
}
