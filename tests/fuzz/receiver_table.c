/* SPDX-License-Identifier: ISC */
/* Payloads by the fields of the message table: see receiver.h. */
#include <stdlib.h>
#include <string.h>

#include "common/service.h"
#include "tests/fuzz/receiver_impl.h"

enum kind { KIND_OTHER, KIND_NUMBER, KIND_STR, KIND_BYTES, KIND_SERVICE };

/* The types of fields (wire.h). */
static const struct type {
	const char	*name;
	enum kind	 kind;
	size_t		 size;		/* 0: differs */
} types[] = {
	{ "u64", KIND_NUMBER, 8 }, { "u32", KIND_NUMBER, 4 },
	{ "i32", KIND_NUMBER, 4 }, { "u16", KIND_NUMBER, 2 },
	{ "u8", KIND_NUMBER, 1 }, { "bool", KIND_NUMBER, 1 },
	{ "str", KIND_STR, 0 }, { "bytes", KIND_BYTES, 0 },
	{ "service", KIND_SERVICE, 0 }, { "", KIND_OTHER, 0 }
};

/* One field as "u8 kind (1 home 2 peer)" describes it. */
struct field {
	const struct type	*type;
	struct span		 name;
};

/* The word at p, and p to what is behind it. */
static struct span
word(const char **p)
{
	struct span	s = { *p, strcspn(*p, " ,(") };

	*p += s.len;
	*p += strspn(*p, " ");
	return (s);
}

/* Behind the comma that ends a field; NULL if it was the last. */
static const char *
skip_note(const char *p)
{
	int	depth = 0;

	for (; *p != '\0' && (*p != ',' || depth > 0); p++)
		depth += (*p == '(') - (*p == ')');
	return (*p == '\0' ? NULL : p + 1 + strspn(p + 1, " "));
}

/* The field at p, and where the next one is. */
static const char *
take_field(const char *p, struct field *f)
{
	struct span	t = word(&p);

	for (f->type = types; f->type->kind != KIND_OTHER; f->type++) {
		if (t.len == strlen(f->type->name) &&
		    memcmp(t.p, f->type->name, t.len) == 0)
			break;
	}
	f->name = f->type->kind == KIND_SERVICE ? t : word(&p);
	return (skip_note(p));
}

const struct id_fields *
rx_id_fields(unsigned int type)
{
	static struct id_fields	 all[MSG_MAX];
	struct id_fields	*ids = &all[type];
	const char		*p = msg_info(type)->fields;
	struct field		 f;
	size_t			 at = 0;

	while (!ids->known && p != NULL && *p != '\0') {
		p = take_field(p, &f);
		if (f.type->size == 0)
			break;
		if (f.type->size == 8 && ids->n < ID_FIELDS_MAX &&
		    at + 8 <= FRAME_SEEN - FRAME_HEADER)
			ids->at[ids->n++] = at;
		at += f.type->size;
	}
	ids->known = true;
	return (ids);
}

/* --- encoding --- */

static void
put_named_service(struct wire_put *w, const char *name)
{
	struct service	s;

	service_init(&s);
	if (!span_copy(span_str(name), s.name, sizeof(s.name)))
		abort();
	s.max_concurrency = 4;
	put_service(w, &s);
}

static void
put_number(struct wire_put *w, size_t size, uint64_t v)
{
	switch (size) {
	case 1:
		put_u8(w, (uint8_t)v);
		break;
	case 2:
		put_u16(w, (uint16_t)v);
		break;
	case 4:
		put_u32(w, (uint32_t)v);
		break;
	default:
		put_u64(w, v);
		break;
	}
}

static void
put_field(struct wire_put *w, const struct field *f,
    const struct receiver_value *v)
{
	const char	*text = v->text != NULL ? v->text : "";

	switch (f->type->kind) {
	case KIND_NUMBER:
		put_number(w, f->type->size, v->number);
		break;
	case KIND_STR:
		put_str(w, text);
		break;
	case KIND_BYTES:
		put_bytes(w, text, strlen(text));
		break;
	case KIND_SERVICE:
		put_named_service(w, text);
		break;
	case KIND_OTHER:
		break;			/* as many as the count says: none */
	}
}

void
receiver_encode(struct wire_put *w, enum msg_type type,
    const struct receiver_value *values, size_t n)
{
	static const struct receiver_value	 zero;
	const struct receiver_value		*v;
	const char				*p = msg_info(type)->fields;
	struct field				 f;
	size_t					 i, found = 0;

	while (p != NULL && *p != '\0') {
		p = take_field(p, &f);
		for (i = 0, v = &zero; i < n; i++) {
			if (f.name.len == strlen(values[i].name) &&
			    memcmp(f.name.p, values[i].name, f.name.len) == 0)
				v = &values[i];
		}
		found += v != &zero;
		put_field(w, &f, v);
	}
	/* All that was named is a field. */
	if (found != n || w->bad)
		abort();
}

/* --- what the parent sends --- */

void
receiver_feed(struct child *c, enum msg_type type,
    const struct receiver_value *values, size_t n, int fd)
{
	uint8_t		buf[RECEIVER_PAYLOAD];
	struct wire_put	w;
	struct wire_get	msg;

	wire_put_init(&w, buf, sizeof(buf));
	receiver_encode(&w, type, values, n);
	if (msg_check(type, PROC_PARENT, c->ops->self, PHASE_RUN,
	    (uint32_t)w.len, fd != -1) != NULL)
		abort();
	wire_get_init(&msg, w.buf, w.len);
	c->ops->handlers[type](c->ctx, child_parent(c), &msg, fd);
	if (!get_done(&msg))
		abort();
}

void
receiver_feed_node(struct child *c)
{
	const struct receiver_value	values[] = {
		{ "role", c->role, NULL },
		{ "node_id", 0, c->role == ROLE_MAIN ? "main.example" :
		    "home.example" },
		{ "call_timeout_ms", 30000, NULL },
		{ "max_message", 1U << 16, NULL },
		{ "max_connections", 16, NULL },
		{ "max_per_address", 8, NULL },
		{ "authentication", 3, NULL }
	};

	receiver_feed(c, MSG_CONF_NODE, values, 7, -1);
}

void
receiver_feed_service(struct child *c, uint32_t index, const char *name,
    uint8_t kind, uint32_t instances)
{
	const struct receiver_value	values[] = {
		{ "index", index, NULL }, { "service", 0, name },
		{ "backend", kind, NULL }, { "instances", instances, NULL },
		{ "timeout_ms", 5000, NULL },
		{ "host", 0, kind == 2 ? "localhost" : "" },
		{ "port", kind == 2 ? 8080 : 0, NULL },
		{ "path", 0, "/rpc" }
	};

	receiver_feed(c, MSG_CONF_SERVICE, values, 8, -1);
}

void
receiver_feed_uplink(struct child *c, uint32_t index, const char *host,
    uint16_t port)
{
	const struct receiver_value	values[] = {
		{ "index", index, NULL }, { "host", 0, host },
		{ "port", port, NULL }, { "path", 0, "/ws/federation" },
		{ "ca", UINT32_MAX, NULL }, { "key", UINT32_MAX, NULL }
	};

	receiver_feed(c, MSG_CONF_UPLINK, values, 6, -1);
}
