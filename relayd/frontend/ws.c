/* SPDX-License-Identifier: ISC */
/*
 * WebSocket framing (RFC 6455).  The decoder walks header, payload, header,
 * payload; payload is handed on as it arrives, so that bad text is refused
 * in the middle of a frame, and a frame that is there as a whole is handed on
 * as a whole, without a copy.
 */
#include <string.h>

#include "relayd/frontend/ws.h"

#define FIN_BIT		0x80
#define RSV_BITS	0x70
#define OPCODE_BITS	0x0f
#define MASK_BIT	0x80
#define LEN_BITS	0x7f
#define HIGH_BITS	0x8080808080808080ULL

enum state {
	ST_HEADER,
	ST_PAYLOAD,
	ST_DONE			/* closed or failed: swallow all */
};

static bool
is_control(uint8_t opcode)
{
	return ((opcode & 0x08) != 0);
}

static uint64_t
get_be(const uint8_t *p, size_t n)
{
	uint64_t	v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return (v);
}

bool
ws_mask(uint8_t *dst, const uint8_t *src, size_t len, const uint8_t mask[4],
    size_t phase)
{
	uint8_t		m[8];
	uint64_t	key, a, b, seen = 0;
	size_t		i;

	for (i = 0; i < sizeof(m); i++)
		m[i] = mask[(phase + i) % 4];
	memcpy(&key, m, sizeof(key));
	for (i = 0; i + 16 <= len; i += 16) {
		memcpy(&a, src + i, 8);
		memcpy(&b, src + i + 8, 8);
		a ^= key;
		b ^= key;
		seen |= a | b;
		memcpy(dst + i, &a, 8);
		memcpy(dst + i + 8, &b, 8);
	}
	for (; i < len; i++) {
		dst[i] = src[i] ^ m[i % 8];
		seen |= dst[i];
	}
	return ((seen & HIGH_BITS) == 0);
}

void
ws_dec_init(struct ws_dec *d, enum ws_role role, uint32_t max_frame,
    uint32_t max_msg)
{
	memset(d, 0, sizeof(*d));
	d->role = role;
	d->max_frame = max_frame;
	d->max_msg = max_msg;
}

bool
ws_dec_busy(const struct ws_dec *d)
{
	return (d->state != ST_DONE && (d->state == ST_PAYLOAD ||
	    d->hdr_len > 0 || d->msg_opcode != 0));
}

static void
fail(struct ws_dec *d, struct ws_event *ev, uint16_t code, const char *why)
{
	d->state = ST_DONE;
	ev->type = WS_EV_ERROR;
	ev->code = code;
	ev->why = why;
}

/* What is wrong with the first octet of a header, or NULL. */
static const char *
check_first(const struct ws_dec *d, uint8_t c)
{
	uint8_t	opcode = c & OPCODE_BITS;

	if ((c & RSV_BITS) != 0)
		return ("reserved bit set");
	switch (opcode) {
	case WS_CONT:
		if (d->msg_opcode == 0)
			return ("continuation of nothing");
		return (NULL);
	case WS_TEXT:
	case WS_BINARY:
		if (d->msg_opcode != 0)
			return ("new message inside a fragmented one");
		return (NULL);
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		if ((c & FIN_BIT) == 0)
			return ("fragmented control frame");
		return (NULL);
	default:
		return ("unknown opcode");
	}
}

/* What is wrong with the second one, given the first. */
static const char *
check_second(const struct ws_dec *d, uint8_t first, uint8_t c)
{
	if (d->role == WS_SERVER && (c & MASK_BIT) == 0)
		return ("frame from a client is not masked");
	if (d->role == WS_CLIENT && (c & MASK_BIT) != 0)
		return ("frame from a server is masked");
	if (is_control(first & OPCODE_BITS) && (c & LEN_BITS) > WS_CONTROL_MAX)
		return ("control frame too long");
	return (NULL);
}

/*
 * Look at the first `have` octets of a header.  Returns how many octets the
 * header needs as far as can be told by now, or 0 and *why.
 */
static size_t
header_need(const struct ws_dec *d, const uint8_t *p, size_t have,
    const char **why)
{
	size_t	need = 2;

	if (have < 1)
		return (need);
	if ((*why = check_first(d, p[0])) != NULL)
		return (0);
	if (have < 2)
		return (need);
	if ((*why = check_second(d, p[0], p[1])) != NULL)
		return (0);
	if ((p[1] & LEN_BITS) == 126)
		need += 2;
	else if ((p[1] & LEN_BITS) == 127)
		need += 8;
	if ((p[1] & MASK_BIT) != 0)
		need += 4;
	return (need);
}

/* Payload length of a complete header; false if not in its shortest form. */
static bool
header_len(const uint8_t *p, uint64_t *len)
{
	*len = p[1] & LEN_BITS;
	if (*len == 126) {
		*len = get_be(p + 2, 2);
		return (*len >= 126);
	}
	if (*len == 127) {
		*len = get_be(p + 2, 8);
		return (*len > 0xffff && (*len >> 63) == 0);
	}
	return (true);
}

/* Take over a complete header of n octets. */
static bool
begin_frame(struct ws_dec *d, const uint8_t *p, size_t n, struct ws_event *ev)
{
	uint64_t	len;

	if (!header_len(p, &len)) {
		fail(d, ev, WS_CODE_PROTOCOL, "length not in shortest form");
		return (false);
	}
	d->opcode = p[0] & OPCODE_BITS;
	d->fin = (p[0] & FIN_BIT) != 0;
	if (!is_control(d->opcode)) {
		if (len > d->max_frame) {
			fail(d, ev, WS_CODE_TOO_BIG, "frame too big");
			return (false);
		}
		if (len > d->max_msg - d->msg_len) {
			fail(d, ev, WS_CODE_TOO_BIG, "message too big");
			return (false);
		}
		d->msg_len += (uint32_t)len;
		if (d->opcode != WS_CONT)
			d->msg_opcode = d->opcode;
	}
	if (d->role == WS_SERVER)
		memcpy(d->mask, p + n - 4, 4);
	d->mask_pos = 0;
	d->left = len;
	d->hdr_len = 0;
	d->ctl_len = 0;
	d->state = ST_PAYLOAD;
	return (true);
}

/*
 * Get a header together, from the input alone if it is there as a whole.
 * Returns octets taken; on success the state is ST_PAYLOAD.
 */
static size_t
take_header(struct ws_dec *d, const uint8_t *p, size_t len,
    struct ws_event *ev)
{
	const char	*why = NULL;
	size_t		 need, took = 0;

	if (d->hdr_len == 0) {
		need = header_need(d, p, len, &why);
		if (need > 0 && need <= len) {
			begin_frame(d, p, need, ev);
			return (need);
		}
	}
	while (why == NULL) {
		need = header_need(d, d->hdr, d->hdr_len, &why);
		if (need == 0)
			break;
		if (d->hdr_len == need) {
			begin_frame(d, d->hdr, need, ev);
			return (took);
		}
		if (took == len)
			return (took);
		d->hdr[d->hdr_len++] = p[took++];
	}
	fail(d, ev, WS_CODE_PROTOCOL, why);
	return (took);
}

static void
end_frame(struct ws_dec *d)
{
	d->state = ST_HEADER;
	if (is_control(d->opcode) || !d->fin)
		return;
	d->msg_opcode = 0;
	d->msg_len = 0;
	d->told = false;
}

/* A close frame: RFC 6455 sections 5.5.1 and 7.4. */
static void
close_event(struct ws_dec *d, const uint8_t *p, size_t len,
    struct ws_event *ev)
{
	struct utf8	u = { 0, 0, 0 };

	ev->code = WS_CODE_NONE;
	if (len == 1) {
		fail(d, ev, WS_CODE_PROTOCOL, "close frame with half a code");
		return;
	}
	if (len >= 2) {
		ev->code = (uint16_t)get_be(p, 2);
		if (!ws_code_valid(ev->code)) {
			fail(d, ev, WS_CODE_PROTOCOL, "bad close code");
			return;
		}
		if (!utf8_feed(&u, p + 2, len - 2) || !utf8_complete(&u)) {
			fail(d, ev, WS_CODE_BAD_DATA, "bad close reason");
			return;
		}
		ev->data = p + 2;
		ev->len = len - 2;
	}
	ev->type = WS_EV_CLOSE;
	d->state = ST_DONE;
}

/* Payload of a control frame: told only when complete. */
static size_t
take_control(struct ws_dec *d, uint8_t *p, size_t len, struct ws_event *ev)
{
	size_t		 n = len < d->left ? len : (size_t)d->left;
	const uint8_t	*body = p;
	size_t		 body_len = n;

	if (d->role == WS_SERVER)
		ws_mask(p, p, n, d->mask, d->mask_pos);
	d->mask_pos = (uint8_t)((d->mask_pos + n) % 4);
	d->left -= n;
	if (d->left > 0 || d->ctl_len > 0) {
		if (n > 0)
			memcpy(d->ctl + d->ctl_len, p, n);
		d->ctl_len += (uint8_t)n;
		body = d->ctl;
		body_len = d->ctl_len;
	}
	if (d->left > 0)
		return (n);
	end_frame(d);
	if (d->opcode == WS_CLOSE) {
		close_event(d, body, body_len, ev);
		return (n);
	}
	ev->type = d->opcode == WS_PING ? WS_EV_PING : WS_EV_PONG;
	ev->data = body;
	ev->len = body_len;
	return (n);
}

/* Payload of a text or binary frame: told as it comes. */
static size_t
take_data(struct ws_dec *d, uint8_t *p, size_t len, struct ws_event *ev)
{
	size_t	n = len < d->left ? len : (size_t)d->left;
	bool	ascii = false, ends;

	if (d->role == WS_SERVER)
		ascii = ws_mask(p, p, n, d->mask, d->mask_pos);
	d->mask_pos = (uint8_t)((d->mask_pos + n) % 4);
	d->left -= n;
	ends = d->left == 0 && d->fin;
	if (d->msg_opcode == WS_TEXT) {
		if (!(ascii && utf8_complete(&d->utf8)) &&
		    !utf8_feed(&d->utf8, p, n)) {
			fail(d, ev, WS_CODE_BAD_DATA, "text is not UTF-8");
			return (n);
		}
		if (ends && !utf8_complete(&d->utf8)) {
			fail(d, ev, WS_CODE_BAD_DATA, "text ends in a "
			    "character");
			return (n);
		}
	}
	if (n > 0 || ends) {
		ev->type = WS_EV_DATA;
		ev->opcode = d->msg_opcode;
		ev->first = !d->told;
		ev->last = ends;
		ev->data = p;
		ev->len = n;
		d->told = true;
	}
	if (d->left == 0)
		end_frame(d);
	return (n);
}

size_t
ws_decode(struct ws_dec *d, uint8_t *p, size_t len, struct ws_event *ev)
{
	size_t	took = 0;

	memset(ev, 0, sizeof(*ev));
	ev->type = WS_EV_MORE;
	while (d->state != ST_DONE) {
		if (d->state == ST_HEADER) {
			if (took == len)
				return (took);
			took += take_header(d, p + took, len - took, ev);
			if (d->state != ST_PAYLOAD)
				return (took);
		}
		if (d->left > 0 && took == len)
			return (took);
		if (is_control(d->opcode))
			took += take_control(d, p + took, len - took, ev);
		else
			took += take_data(d, p + took, len - took, ev);
		if (ev->type != WS_EV_MORE)
			return (took);
	}
	return (len);
}

size_t
ws_header(uint8_t out[WS_HEADER_MAX], enum ws_opcode opcode, bool fin,
    uint64_t len, const uint8_t *mask)
{
	size_t	n = 2, i, ext = 0;

	out[0] = (uint8_t)((fin ? FIN_BIT : 0) | opcode);
	if (len < 126) {
		out[1] = (uint8_t)len;
	} else {
		ext = len > 0xffff ? 8 : 2;
		out[1] = ext == 8 ? 127 : 126;
	}
	for (i = 0; i < ext; i++)
		out[n++] = (uint8_t)(len >> 8 * (ext - 1 - i));
	if (mask != NULL) {
		out[1] |= MASK_BIT;
		memcpy(out + n, mask, 4);
		n += 4;
	}
	return (n);
}

size_t
ws_frame_len(const uint8_t *p)
{
	uint64_t	len = p[1] & LEN_BITS;
	size_t		n = 2;

	if (len == 126) {
		len = get_be(p + 2, 2);
		n += 2;
	} else if (len == 127) {
		len = get_be(p + 2, 8);
		n += 8;
	}
	if ((p[1] & MASK_BIT) != 0)
		n += 4;
	return (n + (size_t)len);
}

bool
ws_code_valid(uint16_t code)
{
	if (code >= 3000 && code <= 4999)
		return (true);
	return ((code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014));
}

size_t
ws_close_payload(uint8_t out[WS_CONTROL_MAX], uint16_t code,
    const char *reason)
{
	size_t	n;

	if (code == WS_CODE_NONE)
		return (0);
	out[0] = (uint8_t)(code >> 8);
	out[1] = (uint8_t)code;
	n = strlen(reason);
	if (n > WS_CONTROL_MAX - 2) {
		n = WS_CONTROL_MAX - 2;
		while (n > 0 && ((uint8_t)reason[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(out + 2, reason, n);
	return (n + 2);
}
