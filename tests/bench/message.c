/* SPDX-License-Identifier: ISC */
/* The messages of the load: made once a link, then only their id changes. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/message.h"

static const char filler[] = "What a home would write here is not looked at "
    "by the relay, but it has to be checked: caf\303\251, \"quoted\\\". ";

/* JSON string text of n bytes, escapes and characters whole. */
static void
fill(char *to, size_t n)
{
	static const char	 plain[] = "abcdefghij klmnopqrst ";
	size_t			 i = 0, k;

	/* The filler with its quotes escaped, as often as it fits whole. */
	while (i + 2 * sizeof(filler) < n)
		for (k = 0; filler[k] != '\0'; k++) {
			if (filler[k] == '"' || filler[k] == '\\')
				to[i++] = '\\';
			to[i++] = filler[k];
		}
	for (k = 0; i < n; i++, k++)
		to[i] = plain[k % (sizeof(plain) - 1)];
}

/* A message of that many bytes around an opening and an ending. */
static size_t
pad(size_t bytes, char *msg, size_t head, const char *tail)
{
	size_t	 n = strlen(tail);

	if (head + n < bytes) {
		fill(msg + head, bytes - head - n);
		head = bytes - n;
	}
	memcpy(msg + head, tail, n);
	return (head + n);
}

/* Keep a message: only the id in it changes, which stands behind id_key. */
static void
keep_text(size_t bytes, struct link *link, char *msg, int head,
    const char *tail, const char *id_key, int id_len)
{
	link->text_len = pad(bytes, msg, (size_t)head, tail);
	if ((link->text = realloc(link->text, link->text_len)) == NULL)
		err(1, NULL);
	memcpy(link->text, msg, link->text_len);
	link->id_at = (size_t)((char *)memmem(msg, link->text_len, id_key,
	    strlen(id_key)) - msg) + strlen(id_key);
	link->id_len = id_len;
}

static void
make_request(struct link *caller, size_t bytes)
{
	char	 msg[MESSAGE_MAX];
	int	 n;

	n = snprintf(msg, sizeof(msg),
	    "{\"type\":\"request\",\"message_id\":\"0123456789abcdef\","
	    "\"timestamp\":\"2026-11-22T12:00:00.123456789Z\","
	    "\"source_node\":{\"type\":\"home\",\"id\":\"%s\"},"
	    "\"destination_node\":{\"type\":\"home\",\"id\":\"%s\"},"
	    "\"routing_path\":[\"%s\"],\"ttl\":3,\"server_name\":\"bench\","
	    "\"method\":\"create_post\",\"jsonrpc_request\":{\"jsonrpc\":"
	    "\"2.0\",\"method\":\"create_post\",\"params\":{\"title\":"
	    "\"Federation Test\",\"content\":\"", caller->id, caller[1].id,
	    caller->id);
	keep_text(bytes, caller, msg, n,
	    "\"},\"id\":1},\"data\":{},\"timeout_seconds\":60}",
	    "\"message_id\":\"", 16);
}

static void
make_answer(struct link *callee, size_t bytes, const char *id, int id_len)
{
	char	 msg[MESSAGE_MAX];
	int	 n;

	n = snprintf(msg, sizeof(msg),
	    "{\"type\":\"response\",\"message_id\":\"\",\"correlation_id\":"
	    "\"%.*s\",\"timestamp\":\"2026-11-22T12:00:00.123456789Z\","
	    "\"source_node\":{\"type\":\"home\",\"id\":\"%s\"},"
	    "\"destination_node\":{\"type\":\"home\",\"id\":\"%s\"},"
	    "\"routing_path\":[\"%s\"],\"ttl\":3,\"jsonrpc_response\":"
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"status\":\"ok\","
	    "\"post_id\":12345,\"note\":\"", id_len, id, callee->id,
	    callee[-1].id, callee->id);
	keep_text(bytes, callee, msg, n, "\"}}}", "\"correlation_id\":\"",
	    id_len);
}

static void
put_hex(char *to, uint64_t v)
{
	static const char	 digits[] = "0123456789abcdef";
	int			 i;

	for (i = 15; i >= 0; i--, v >>= 4)
		to[i] = digits[v & 15];
}

void
message_request(struct link *caller, size_t bytes, uint64_t id)
{
	if (caller->text == NULL)
		make_request(caller, bytes);
	put_hex(caller->text + caller->id_at, id);
	link_text(caller, caller->text, caller->text_len);
}

void
message_answer(struct link *callee, size_t bytes, const char *id, int id_len)
{
	if (callee->text == NULL || callee->id_len != id_len)
		make_answer(callee, bytes, id, id_len);
	memcpy(callee->text + callee->id_at, id, (size_t)id_len);
	link_text(callee, callee->text, callee->text_len);
}
