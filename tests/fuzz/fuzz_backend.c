/* SPDX-License-Identifier: ISC */
/*
 * What a service may send: the first byte chooses between a line of JSON-RPC
 * ('L') and an HTTP response, in two pieces ('H', cut at the second byte).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_scan.h"
#include "relayd/backend/http_client.h"
#include "relayd/backend/jsonrpc.h"

#define BODY_MAX	4096

static void
check(int ok)
{
	if (!ok)
		abort();
}

/* What is passed on to the router must be JSON and lie within the text. */
static void
fuzz_line(const char *text, size_t len)
{
	struct rpc_answer	 a;
	const char		*end = text + len;

	rpc_parse(text, len, &a);
	check((a.why != NULL) ==
	    (a.kind == RPC_GARBAGE || a.kind == RPC_FAULTY));
	if (a.kind != RPC_RESULT && a.kind != RPC_ERROR) {
		check(a.json.len == 0);
		return;
	}
	check(a.id > 0 && a.json.len > 0);
	check(a.json.p > text && a.json.p + a.json.len < end);
	check(json_valid(a.json.p, a.json.len));
	check(json_valid(text, len));
}

/* The result of a response must not depend on how it was cut. */
static enum hc_event
run(struct http_client *hc, const char *text, size_t len, size_t cut,
    size_t *left)
{
	struct buf	 in = { 0 };
	enum hc_event	 event;
	size_t		 took;

	hc_init(hc, BODY_MAX);
	buf_append(&in, text, cut);
	event = hc_input(hc, buf_data(&in), in.len, &took);
	check(took <= in.len);
	buf_used(&in, took);
	if (event == HC_MORE && cut < len) {
		buf_append(&in, text + cut, len - cut);
		event = hc_input(hc, buf_data(&in), in.len, &took);
		check(took <= in.len);
		buf_used(&in, took);
		*left = in.len;
	} else
		*left = in.len + len - cut;
	buf_free(&in);
	if (event == HC_MORE)
		event = hc_eof(hc);
	check(hc->body.len <= BODY_MAX);
	return (event);
}

static void
fuzz_http(const char *text, size_t len, size_t cut)
{
	struct http_client	one, two;
	enum hc_event		a, b;
	size_t			left_a, left_b;

	a = run(&one, text, len, len, &left_a);
	b = run(&two, text, len, cut < len ? cut : len, &left_b);
	check(a == b);
	if (a == HC_DONE) {
		check(one.status >= 200 && one.status <= 599);
		check(one.status == two.status && left_a == left_b);
		check(one.keepalive == two.keepalive);
		check(one.body.len == two.body.len);
		check(memcmp(buf_data(&one.body), buf_data(&two.body),
		    one.body.len) == 0);
	}
	hc_free(&one);
	hc_free(&two);
}

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char	*text = (const char *)data;

	if (size >= 1 && data[0] == 'L')
		fuzz_line(text + 1, size - 1);
	else if (size >= 2)
		fuzz_http(text + 2, size - 2, data[1]);
	return (0);
}
