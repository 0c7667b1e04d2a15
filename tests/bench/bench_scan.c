/* SPDX-License-Identifier: ISC */

/*
 * What a message costs in the router's cores: nanoseconds a message for the
 * scan, the envelope, and envelope and splice, on a request of about 600
 * bytes.  For measuring, not a test: ratios in one session are what counts.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay-router/envelope.h"

#define ROUNDS	2000000

static const uint8_t	 secret[HASH_KEY_LEN] = "0123456789abcde";

static int64_t
cpu_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

static size_t
make_message(char *buf, size_t size)
{
	char	 filler[256];

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	return ((size_t)snprintf(buf, size, "{\"type\":\"request\","
	    "\"message_id\":\"0123456789abcdef\",\"timestamp\":"
	    "\"2024-05-01T10:20:30.123456789Z\",\"source_node\":{\"type\":"
	    "\"home\",\"id\":\"alice.home\"},\"destination_node\":{\"type\":"
	    "\"home\",\"id\":\"bob.home\",\"main_relay\":\"relay\"},"
	    "\"routing_path\":[\"alice.home\"],\"ttl\":3,\"server_name\":"
	    "\"blog_service\",\"method\":\"create\",\"jsonrpc_request\":"
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"create\",\"params\":"
	    "{\"text\":\"%s\",\"n\":[1,2.5,true]}},\"data\":null}",
	    filler));
}

static void
report(const char *what, int64_t start, size_t len)
{
	printf("%-20s %6.1f ns a message of %zu bytes\n", what,
	    (double)(cpu_ns() - start) / ROUNDS, len);
}

int
main(void)
{
	static struct envelope	 e;
	struct splice		 sp;
	char			 in[2048], out[4096];
	size_t			 len = make_message(in, sizeof(in));
	int64_t			 start;
	int			 i, ok = 0;

	start = cpu_ns();
	for (i = 0; i < ROUNDS; i++)
		ok += json_valid(in, len);
	report("scan", start, len);

	start = cpu_ns();
	for (i = 0; i < ROUNDS; i++)
		ok += envelope_parse(&e, in, len, secret) == ENV_OK;
	report("envelope", start, len);

	start = cpu_ns();
	for (i = 0; i < ROUNDS; i++) {
		ok += envelope_parse(&e, in, len, secret) == ENV_OK;
		splice_init(&sp, &e);
		splice_set(&sp, ENV_SOURCE_NODE, span_str(
		    "{\"type\":\"home\",\"id\":\"alice.home\"}"));
		splice_set(&sp, ENV_ROUTING_PATH,
		    span_str("[\"alice.home\",\"relay\"]"));
		splice_set(&sp, ENV_TTL, span_str("2"));
		(void)splice_write(&sp, out);
	}
	report("envelope and splice", start, len);
	return (ok == 3 * ROUNDS ? 0 : 1);
}
