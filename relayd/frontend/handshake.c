/* SPDX-License-Identifier: ISC */
/*
 * TLS handshakes of connections, the keeper's part in them, and the count of
 * those that have only begun: a stranger needs next to nothing to begin one.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

#define NOISE_LINES	10	/* logged of failures ... */
#define NOISE_MS	1000	/* ... in this time, the rest counted */

#define RECORD_HANDSHAKE 22	/* RFC 8446 section 5.1 */
#define RECORD_MAJOR	3	/* first octet of its version */

static const char no_tls[] = "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: application/json\r\nContent-Length: 31\r\n"
    "Connection: close\r\n\r\n{\"error\":\"this port takes TLS\"}";

/* --- the log --- */

static void
tell_more(struct half_open *half)
{
	if (half->more > 0)
		log_info("%llu more handshakes and requests failed",
		    (unsigned long long)half->more);
	half->more = 0;
	half->lines = 0;
}

void
conn_complain(struct conn *c, const char *what, const char *why)
{
	struct half_open	*half = &c->fe->half;
	int64_t			 now = monotime_now().ms;

	if (now - half->since_ms >= NOISE_MS) {
		tell_more(half);
		half->since_ms = now;
	}
	if (half->lines == NOISE_LINES) {
		half->more++;
		return;
	}
	half->lines++;
	log_info("connection from %s: %s: %s", conn_addr(c), what, why);
}

/* --- those that are half open --- */

/* One at the cap: remember who has the most of them. */
static void
refuse(struct half_open *half, const struct addr *addr, unsigned n)
{
	half->refused++;
	if (n >= half->worst_n) {
		half->worst = *addr;
		half->worst_n = n;
	}
}

bool
half_begin(struct frontend *fe, const struct addr *addr)
{
	struct half_open	*half = &fe->half;
	unsigned		 max = LIMIT_HANDSHAKES_ADDRESS, n;

	if (half->n >= LIMIT_HANDSHAKES)
		max = 0;
	if (!addrtab_half_enter(&fe->addrs, addr, max, &n) || max == 0) {
		refuse(half, addr, n);
		return (false);
	}
	half->n++;
	return (true);
}

void
half_end(struct frontend *fe, const struct addr *addr)
{
	fe->half.n--;
	addrtab_half_leave(&fe->addrs, addr);
}

bool
half_tell(struct frontend *fe, int64_t now_ms)
{
	struct half_open	*half = &fe->half;

	if (now_ms - half->since_ms >= NOISE_MS)
		tell_more(half);
	if (half->refused == half->refused_told)
		return (half->more > 0);
	if (now_ms - half->told_ms < NOISE_MS)
		return (true);
	log_warn("half-open connections: %llu more refused, at the cap: "
	    "%zu in all, %u of the address of %s",
	    (unsigned long long)(half->refused - half->refused_told), half->n,
	    half->worst_n, addr_text(&half->worst, fe->addr_buf));
	half->refused_told = half->refused;
	half->worst_n = 0;
	half->told_ms = now_ms;
	return (half->more > 0);
}

/* --- handshakes --- */

void
handshake_accept(struct conn *c)
{
	c->io.tls = tls_io_accept(c->fe->conf->tls, c->io.fd, c);
	c->handshake = true;
}

void
handshake_dial(struct conn *c, const struct tls_target *target)
{
	if (target->ctx == NULL) {
		conn_kill(c, "the configuration is changing");
		return;
	}
	c->io.tls = tls_io_dial(target, c->io.fd, c);
	c->handshake = true;
	handshake_step(c);
}

/* Whoever it is has done its part: data may flow. */
static void
complete(struct conn *c)
{
	c->handshake = false;
	if (c->io.tls->early)
		conn_complain(c, "TLS early data", "refused");
	conn_write_off(c);
	conn_read_on(c);
	conn_dirty(c);
	/* what came with the end of the handshake is in the SSL already */
	if (c->reading)
		event_active(&c->rd, EV_READ, 0);
}

static void
failed(struct conn *c)
{
	const struct tls_io	*io = c->io.tls;
	char			 why[512];

	snprintf(why, sizeof(why), "tls: %s", tls_io_why(io));
	if (io->http) {
		conn_complain(c, "HTTP without TLS on a port for TLS", "refused");
		(void)send(c->io.fd, no_tls, sizeof(no_tls) - 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	} else if (io->server && !io->eof) {
		conn_complain(c, "TLS handshake failed", tls_io_why(io));
	}
	conn_kill(c, why);
}

void
handshake_step(struct conn *c)
{
	enum tls_step	step = tls_io_handshake(c->io.tls);

	if (step == TLS_DONE) {
		complete(c);
	} else if (step == TLS_FAILED) {
		failed(c);
	} else if (step == TLS_WANT_READ) {
		conn_write_off(c);
		conn_read_on(c);
	} else {
		/* what it sends meanwhile is none of our business */
		conn_read_off(c);
		if (step == TLS_WANT_WRITE)
			conn_write_on(c);
		else
			conn_write_off(c);
	}
}

void
handshake_again(struct conn *c)
{
	struct tls_io	*io = c->io.tls;

	if (io == NULL || !io->again)
		return;
	conn_complain(c, "TLS renegotiation", "refused");
	io->again = false;
}

void
handshake_expire(struct conn *c)
{
	if (c->up == NULL)
		conn_complain(c, "TLS handshake failed", "took too long");
	c->fe->tls.stats.failed += c->up == NULL;
	c->fe->tls.stats.dialled_failed += c->up != NULL;
	conn_kill(c, "tls: handshake took too long");
}

bool
handshake_stray(struct conn *c, const uint8_t *p, size_t len)
{
	if (p[0] != RECORD_HANDSHAKE || c->io.tls != NULL || c->http != NULL ||
	    (len > 1 && p[1] != RECORD_MAJOR))
		return (false);
	conn_complain(c, "TLS on a port without", "closed");
	conn_kill(c, "TLS on a port without");
	return (true);
}

bool
conn_is_tls(const struct conn *c)
{
	return (c->io.tls != NULL);
}

bool
conn_is_outdated(const struct conn *c)
{
	const struct tls_io	*io = c->io.tls;
	const struct tls_ca	*ca = tls_conf_client_ca(c->fe->conf->tls);

	return (io != NULL && io->names != NULL && (ca == NULL ||
	    memcmp(io->believed, ca->hash, TLS_HASH_LEN) != 0));
}

const char *
conn_certificate(const struct conn *c)
{
	return (c->io.tls != NULL && c->io.tls->names != NULL &&
	    !conn_is_outdated(c) ? c->io.tls->names : "");
}

/* --- the keeper --- */

/* Runs inside a handshake, on a small stack. */
static bool
ask_keeper(void *arg, uint64_t request, uint32_t generation, uint32_t key,
    uint16_t scheme, struct span content)
{
	struct frontend	*fe = arg;
	struct wire_put	*w;

	if (fe->keeper == NULL)
		return (false);
	w = channel_begin(fe->keeper, MSG_KEY_SIGN);
	put_u64(w, request);
	put_u32(w, generation);
	put_u32(w, key);
	put_u16(w, scheme);
	put_bytes(w, content.p, content.len);
	return (channel_commit(fe->keeper) == 0);
}

static void
on_signature(void *arg, struct keysign_wait *wait)
{
	(void)arg;
	handshake_step(tls_io_of(wait)->owner);
}

const struct keysign_ops *
handshake_ops(void)
{
	static const struct keysign_ops	ops = {
		.ask = ask_keeper,
		.resume = on_signature,
	};

	return (&ops);
}

void
on_key_signed(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 request = get_u64(msg);
	struct span	 signature = get_bytes(msg);

	(void)ch;
	(void)fd;
	if (get_done(msg) &&
	    !keysign_answer(fe->tls.keysign, request, signature))
		msg->bad = true;
}

/* --- showing --- */

static void
show_number(struct ctl_row *row, const char *name, uint64_t v)
{
	ctl_number(row, name, (int64_t)v);
}

void
handshake_show(struct frontend *fe, struct channel *ch, uint64_t request)
{
	const struct tls_stats	*st = &fe->tls.stats;
	struct keysign_stats	 ks;
	struct ctl_row		 row;

	keysign_stats(fe->tls.keysign, &ks);
	ctl_row_begin(&row, ch, request, "tls");
	show_number(&row, "full", st->full);
	show_number(&row, "resumed", st->resumed);
	show_number(&row, "failed", st->failed);
	show_number(&row, "dialled", st->dialled);
	show_number(&row, "dialled_resumed", st->dialled_resumed);
	show_number(&row, "dialled_failed", st->dialled_failed);
	show_number(&row, "tls12", st->tls12);
	show_number(&row, "tls13", st->tls13);
	show_number(&row, "half_open", fe->half.n);
	show_number(&row, "half_open_refused", fe->half.refused);
	ctl_row_end(&row);
	ctl_row_begin(&row, ch, request, "signatures");
	show_number(&row, "asked", ks.asked);
	show_number(&row, "answered", ks.answered);
	show_number(&row, "refused", ks.refused);
	show_number(&row, "failed", ks.failed);
	show_number(&row, "cancelled", ks.cancelled);
	show_number(&row, "stale", ks.stale);
	show_number(&row, "pending", ks.pending);
	show_number(&row, "mean_us", ks.answered > 0 ? ks.total_us /
	    ks.answered : 0);
	show_number(&row, "max_us", ks.max_us);
	ctl_row_end(&row);
}
