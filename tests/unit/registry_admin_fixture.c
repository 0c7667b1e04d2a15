/* SPDX-License-Identifier: ISC */
/* See registry_admin_fixture.h. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_admin_fixture.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

struct registry	*r;	/* main.example */

char		 bearer[64];

void
make_token_of(const char *name, char *buf, size_t size)
{
	const struct reply *e;

	registry_ctl_token(r, 5, CTL_TOKEN_CREATE, span_str(name), fx_now());
	e = fx_expect(r, MSG_CTL_END, 5);
	ck_assert_msg(e->status == CTL_OK, "%s", e->body);
	snprintf(buf, size, "Bearer %s", e->body);
}

void
make_token(char *buf, size_t size)
{
	make_token_of("admin", buf, size);
}

void
setup(void)
{
	r = fixture_main(100);
	fx_peers(r, 1, 3, 0);
	make_token(bearer, sizeof(bearer));
}

void
teardown(void)
{
	fixture_free(r);
}

struct peer_request
request_of(enum peer_op op, const char *name)
{
	return ((struct peer_request){ .op = op, .name = span_str(name),
	    .node = span_str(""), .address = span_str("192.0.2.7:7") });
}

void
http(const char *authorization, const struct peer_request *q)
{
	registry_peer_request(r, 9, span_str(authorization), q, fx_now());
}

void
answers(uint16_t status, const char *text)
{
	const struct reply *v = fx_expect(r, MSG_VIEW_REPLY, 9);
	struct json_object *o;

	ck_assert_msg(v->status == status && strstr(v->body, text) != NULL,
	    "%u %s", v->status, v->body);
	ck_assert_ptr_nonnull(o = json_tokener_parse(v->body));
	json_object_put(o);
}

void
http_add(const char *url, uint16_t status, const char *text)
{
	struct peer_request q = request_of(PEER_OP_ADD, url);

	http(bearer, &q);
	if (status == 201)
		fx_expect(r, MSG_PEER_ADD, 0);
	answers(status, text);
	fx_silent(r);
}
