/* SPDX-License-Identifier: ISC */
/*
 * Says what a TLS handshake costs a server.
 *
 *	handshake -p port -P pid[,pid] [-n count] [-r] [-C cert -K key]
 *
 * -n handshakes one after the other, full ones; with -r resumed ones, with -C
 * and -K mutual ones.  One line of JSON: how many, CPU of the processes in -P
 * and their descendants for each, and how long each took.
 */

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/tls.h"
#include "tests/bench/usage.h"

static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* An answer over it, behind which the tickets have come. */
static void
ask(SSL *ssl)
{
	char	 buf[8192];
	ssize_t	 n;

	if (tls_send(ssl, request, sizeof(request) - 1) <= 0)
		err(1, "send");
	if ((n = tls_recv(ssl, buf, sizeof(buf))) <= 0)
		errx(1, "no answer");
	if (memcmp(buf, "HTTP/1.1 200", 12) != 0)
		errx(1, "%.*s", (int)n, buf);
}

static SSL_SESSION *
first_session(SSL_CTX *ctx, int port)
{
	SSL_SESSION	*session;
	SSL		*ssl;
	int		 fd = tls_socket(port);

	ssl = tls_connect(ctx, fd, NULL);
	ask(ssl);
	if ((session = SSL_get1_session(ssl)) == NULL ||
	    !SSL_SESSION_is_resumable(session))
		errx(1, "the server gives no tickets");
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return (session);
}

/* One handshake: how long it took, in ns; counts if it was a resumed one. */
static uint64_t
one(SSL_CTX *ctx, int port, SSL_SESSION *session, uint32_t *resumed)
{
	int		 fd = tls_socket(port);
	uint64_t	 begun = usage_now_ns(), took;
	SSL		*ssl = tls_connect(ctx, fd, session);

	took = usage_now_ns() - begun;
	*resumed += SSL_session_reused(ssl) == 1;
	/* else it would take the session for a bad one */
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
	close(fd);
	return (took);
}

static int
compare(const void *a, const void *b)
{
	uint64_t	 x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
}

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: handshake -p port -P pid[,pid] [-n count] [-r] "
	    "[-C cert -K key]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	struct usage	 server = { .n = 0 };
	SSL_SESSION	*session = NULL;
	const char	*cert = NULL, *key = NULL;
	uint64_t	*took, cpu;
	uint32_t	 n = 1000, i, resumed = 0;
	SSL_CTX		*ctx;
	bool		 resume = false;
	int		 ch, port = 0;

	while ((ch = getopt(argc, argv, "C:K:n:p:P:r")) != -1)
		switch (ch) {
		case 'C':
			cert = optarg;
			break;
		case 'K':
			key = optarg;
			break;
		case 'n':
			n = (uint32_t)atoi(optarg);
			break;
		case 'p':
			port = atoi(optarg);
			break;
		case 'P':
			if (usage_pids(&server, optarg) == -1)
				usage();
			break;
		case 'r':
			resume = true;
			break;
		default:
			usage();
		}
	if (port == 0 || server.n == 0 || n == 0 ||
	    (cert == NULL) != (key == NULL))
		usage();
	if ((took = calloc(n, sizeof(*took))) == NULL)
		err(1, NULL);
	ctx = tls_client(cert, key);
	if (resume)
		session = first_session(ctx, port);
	cpu = usage_cpu_ns(&server);
	for (i = 0; i < n; i++)
		took[i] = one(ctx, port, session, &resumed);
	cpu = usage_cpu_ns(&server) - cpu;
	qsort(took, n, sizeof(*took), compare);
	printf("{\"handshakes\":%u,\"resumed\":%u,\"cpu_us\":%.1f,"
	    "\"p50_us\":%.1f,\"p99_us\":%.1f}\n", n, resumed,
	    (double)cpu / n / 1e3, (double)took[n / 2] / 1e3,
	    (double)took[(uint64_t)n * 99 / 100] / 1e3);
	return (0);
}
