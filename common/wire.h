/* SPDX-License-Identifier: ISC */
/*
 * Typed values in messages between processes.  Integers are little-endian;
 * a string is a u16 length and bytes without NUL; bytes are a u32 length and
 * bytes.  No struct is ever copied to or from the wire.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of bytes somebody else owns. */
struct span {
	const char	*p;
	size_t		 len;
};

/* A span of a C string. */
struct span	span_str(const char *);
bool		span_eq(struct span, struct span);
/* Copy into buf as a C string; false (and an empty buf) if it does not fit. */
bool		span_copy(struct span, char *, size_t);

/*
 * Writer.  grow is asked for room when the buffer is full and may move it; a
 * fixed buffer has none.  An error sticks; check once at the end.
 */
struct wire_put {
	uint8_t		*buf;
	size_t		 len;
	size_t		 size;
	bool		 bad;
	bool		(*grow)(struct wire_put *, size_t);
	void		*arg;
};

void	wire_put_init(struct wire_put *, uint8_t *, size_t);
void	put_u8(struct wire_put *, uint8_t);
void	put_u16(struct wire_put *, uint16_t);
void	put_u32(struct wire_put *, uint32_t);
void	put_u64(struct wire_put *, uint64_t);
void	put_i32(struct wire_put *, int32_t);
void	put_bool(struct wire_put *, bool);
/* A string: bad if it is over 65535 bytes or has a NUL. */
void	put_str(struct wire_put *, const char *);
void	put_span(struct wire_put *, struct span);
/* Bytes with a u32 length. */
void	put_bytes(struct wire_put *, const void *, size_t);
/* Bytes with nothing before them: what another writer has encoded. */
void	put_raw(struct wire_put *, const void *, size_t);
/*
 * A value over one that was written at that offset: what is known only once
 * the items behind it are written.  Bad if it is not all within what was.
 */
void	put_bool_at(struct wire_put *, size_t, bool);
void	put_u16_at(struct wire_put *, size_t, uint16_t);
/*
 * Room for len bytes with their u32 length written before, to be filled by
 * the caller before the next call on the writer; NULL on error.
 */
uint8_t	*put_bytes_reserve(struct wire_put *, size_t);

/*
 * Reader.  An error sticks: all later gets return 0 or an empty span, so a
 * decoder reads straight through and asks get_done() once.
 */
struct wire_get {
	const uint8_t	*p;
	const uint8_t	*end;
	bool		 bad;
};

void		wire_get_init(struct wire_get *, const void *, size_t);
uint8_t		get_u8(struct wire_get *);
uint16_t	get_u16(struct wire_get *);
uint32_t	get_u32(struct wire_get *);
uint64_t	get_u64(struct wire_get *);
int32_t		get_i32(struct wire_get *);
/* 0 or 1; anything else is an error. */
bool		get_bool(struct wire_get *);
/* A string of at most max bytes, pointing into the message; never has NUL. */
struct span	get_span(struct wire_get *, size_t);
/* A string copied into buf with a NUL; an error if it does not fit. */
void		get_str(struct wire_get *, char *, size_t);
/* Bytes, pointing into the message. */
struct span	get_bytes(struct wire_get *);
/*
 * A u16 count of items that need at least min_size bytes each: an error if
 * it is over max or the message cannot hold so many.  Check before allocating.
 */
uint16_t	get_count(struct wire_get *, uint16_t, size_t);
/* True if there was no error and the message was consumed exactly. */
bool		get_done(const struct wire_get *);

#endif
