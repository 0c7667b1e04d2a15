/* SPDX-License-Identifier: ISC */
/* The messages of the load: made once a link, then only their id changes. */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/ws.h"

#define MESSAGE_MAX	32768	/* bytes */

/* Links are in pairs: a caller, and its callee behind it in the array. */
/* Append a request of that many bytes whose message_id is id in 16 digits. */
void	message_request(struct link *caller, size_t bytes, uint64_t id);
/* Append the answer to the request with that message_id. */
void	message_answer(struct link *callee, size_t bytes, const char *id,
	    int id_len);

#endif
