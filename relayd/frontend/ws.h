/* SPDX-License-Identifier: ISC */
/*
 * The WebSocket framing of RFC 6455, both roles, as a pure core: bytes in,
 * events out.  It keeps no payload but that of a control frame that came in
 * pieces (at most 125 octets), allocates nothing and reads no clock.  No
 * extension is ever in use, so a reserved bit is an error.
 */
#ifndef FRONTEND_WS_H
#define FRONTEND_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/utf8.h"

#define WS_HEADER_MAX	14	/* octets: 2 + 8 of length + 4 of mask */
#define WS_CONTROL_MAX	125	/* octets: RFC 6455 section 5.5 */

enum ws_role {
	WS_SERVER,		/* the other side masks, we do not */
	WS_CLIENT		/* we mask, the other side does not */
};

enum ws_opcode {
	WS_CONT = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10
};

/* Close codes: RFC 6455 section 7.4 and its IANA registry. */
enum ws_code {
	WS_CODE_NORMAL = 1000,
	WS_CODE_GOING_AWAY = 1001,
	WS_CODE_PROTOCOL = 1002,
	WS_CODE_UNSUPPORTED = 1003,
	WS_CODE_NONE = 1005,		/* a close frame without a code */
	WS_CODE_ABNORMAL = 1006,	/* no close frame; never on the wire */
	WS_CODE_BAD_DATA = 1007,
	WS_CODE_POLICY = 1008,
	WS_CODE_TOO_BIG = 1009,
	WS_CODE_INTERNAL = 1011,
	WS_CODE_RESTART = 1012,
	WS_CODE_TRY_LATER = 1013
};

enum ws_event_type {
	WS_EV_MORE,	/* all input taken, nothing (more) to tell */
	WS_EV_DATA,	/* payload of a text or binary message */
	WS_EV_PING,
	WS_EV_PONG,
	WS_EV_CLOSE,	/* the other side's close frame */
	WS_EV_ERROR	/* fail the connection with `code` */
};

struct ws_event {
	enum ws_event_type	 type;
	/*
	 * DATA: the message's opcode and, if set, that this is its first and
	 * its last piece.  Both set: data/len is the whole message, in place.
	 * An empty piece is reported only where a message ends.
	 */
	enum ws_opcode		 opcode;
	bool			 first, last;
	/*
	 * DATA, PING, PONG: unmasked payload; CLOSE: the reason text.
	 * Inside the caller's buffer or the decoder, good until the next call.
	 */
	const uint8_t		*data;
	size_t			 len;
	uint16_t		 code;	/* CLOSE (or WS_CODE_NONE), ERROR */
	const char		*why;	/* ERROR: static text for the log */
};

/* Set up by ws_dec_init(); the members belong to ws.c. */
struct ws_dec {
	uint64_t	left;		/* payload of this frame to come */
	uint32_t	msg_len;	/* of this message, announced so far */
	uint32_t	max_frame, max_msg;
	uint8_t		role, state;
	uint8_t		opcode;		/* of this frame */
	uint8_t		msg_opcode;	/* of the open message, or 0 */
	bool		fin, told;	/* told: first piece was reported */
	struct utf8	utf8;
	uint8_t		mask_pos;
	uint8_t		mask[4];
	uint8_t		hdr_len, ctl_len;
	uint8_t		hdr[WS_HEADER_MAX];
	uint8_t		ctl[WS_CONTROL_MAX];
};

/*
 * Start decoding what the other side sends to `role`.  Caps in octets of
 * payload; a frame or a message beyond its cap is an error 1009 as soon as a
 * header announces it.
 */
void	ws_dec_init(struct ws_dec *, enum ws_role role, uint32_t max_frame,
	    uint32_t max_msg);

/*
 * Take octets from the contiguous buffer (unmasking in place) until there is
 * an event or nothing left.  Returns how many were taken; call again with the
 * rest until the event is WS_EV_MORE.  After CLOSE and ERROR the decoder
 * swallows all input and says MORE (RFC 6455 sections 5.5.1, 7.1.7).
 */
size_t	ws_decode(struct ws_dec *, uint8_t *, size_t len, struct ws_event *);

/* True in the middle of a frame or of a fragmented message. */
bool	ws_dec_busy(const struct ws_dec *);

/*
 * Write the header of a frame with `len` octets of payload; fin makes it
 * the last one of its message.  mask: 4 unpredictable octets (RFC 6455
 * section 10.3) for a client, NULL for a server.  Returns its length.
 */
size_t	ws_header(uint8_t out[WS_HEADER_MAX], enum ws_opcode, bool fin,
	    uint64_t len, const uint8_t *mask);

/*
 * The length of the whole frame, header and payload, whose first octets are
 * at p.  Only for frames made by ws_header().
 */
size_t	ws_frame_len(const uint8_t *p);

/*
 * XOR len octets from src to dst (may be the same) with the mask, beginning
 * with its octet phase % 4.  Returns true if all results are ASCII.
 */
bool	ws_mask(uint8_t *dst, const uint8_t *src, size_t len,
	    const uint8_t mask[4], size_t phase);

/*
 * Payload of a close frame: code and as much of the reason as fits, cut
 * between characters.  WS_CODE_NONE gives an empty one.  Returns its length.
 */
size_t	ws_close_payload(uint8_t out[WS_CONTROL_MAX], uint16_t code,
	    const char *reason);

/* May this code stand in a close frame?  (RFC 6455 section 7.4.2, IANA) */
bool	ws_code_valid(uint16_t code);

#endif
