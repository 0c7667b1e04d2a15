/* SPDX-License-Identifier: ISC */
/*
 * relay-keeper: holds the private keys of TLS and signs handshakes for the
 * front-end, which never has them.  It does nothing else: it decrypts
 * nothing, and opens, sends and receives nothing beyond its two channels.
 *
 * The sandbox makes the process not dumpable, without core files and out of
 * reach of ptrace(2): that is what keeps its memory from others, so pages are
 * not marked one by one with madvise(2).  They are not locked either; who has
 * a swap device must encrypt it, as with any program that holds keys.
 */
#include <openssl/crypto.h>

#include <unistd.h>

#include "common/limits.h"
#include "common/log.h"
#include "relayd/keeper/keeper.h"
#include "relayd/keeper/pemfile.h"

/* --- configuration --- */

/* The role and the limits of others: nothing of it is for a keeper. */
static void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	char	text[LIMIT_CONF_STRING + 1];
	int	i;

	(void)arg;
	(void)ch;
	(void)fd;
	(void)get_u8(msg);
	get_str(msg, text, sizeof(text));
	for (i = 0; i < 5; i++)
		(void)get_u32(msg);
	(void)get_u8(msg);
	get_str(msg, text, sizeof(text));
}

static void
on_conf_key(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct keeper	*k = arg;
	struct span	 pem = { NULL, 0 };
	char		 file[LIMIT_CONF_STRING + 1], why[200] = "";
	uint32_t	 index = get_u32(msg);
	bool		 there;

	(void)ch;
	get_str(msg, file, sizeof(file));
	if (get_done(msg)) {
		there = pemfile_read(fd, &pem, why, sizeof(why));
		if (!keyset_key(&k->keys, index, there ? &pem : NULL, why,
		    file))
			msg->bad = true;
		if (there)
			pemfile_free(&pem);
	}
	close(fd);
}

static void
on_conf_certificate(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct keeper	*k = arg;
	struct span	 pem = { NULL, 0 };
	char		 file[LIMIT_CONF_STRING + 1], why[200] = "";
	uint32_t	 index = get_u32(msg);
	bool		 server = get_bool(msg), there;

	(void)ch;
	get_str(msg, file, sizeof(file));
	if (get_done(msg)) {
		there = pemfile_read(fd, &pem, why, sizeof(why));
		if (!keyset_certificate(&k->keys, index, server,
		    there ? &pem : NULL, why, file))
			msg->bad = true;
		if (there)
			pemfile_free(&pem);
	}
	close(fd);
}

static void
begin(void *ctx, uint32_t generation)
{
	struct keeper	*k = ctx;

	keyset_begin(&k->keys, generation);
}

static bool
end(void *ctx, char *reason, size_t size)
{
	struct keeper	*k = ctx;

	return (keyset_end(&k->keys, reason, size));
}

static void
commit(void *ctx)
{
	struct keeper	*k = ctx;

	keyset_commit(&k->keys);
}

static void
cancel(void *ctx)
{
	struct keeper	*k = ctx;

	keyset_abort(&k->keys);
}

/* --- signatures --- */

/* A line each LIMIT_KEEPER_LOG_MS, the rest counted. */
static void
log_refusal(struct keeper *k, uint32_t index, const char *why)
{
	struct monotime	 now = monotime_now();

	k->untold++;
	if (k->told.ms != 0 &&
	    monotime_diff_ms(now, k->told) < LIMIT_KEEPER_LOG_MS)
		return;
	log_warn("no signature by key %u: %s (%llu refused since the last "
	    "such line)", index, why, (unsigned long long)k->untold);
	k->told = now;
	k->untold = 0;
}

/*
 * Signing is slow, and a whole flood of requests may have come in one receive:
 * leave it to the next turn of the loop, in which the parent is heard too.
 */
static void
take_turns(struct keeper *k, struct channel *ch)
{
	struct timeval	 now = { 0, 0 };

	if (k->spent_us < LIMIT_KEEPER_TURN_MS * 1000)
		return;
	channel_pause(ch);
	evtimer_add(k->turn, &now);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct keeper	*k = arg;
	struct channel	*frontend = child_peer(k->child, PROC_FRONTEND);

	(void)fd;
	(void)what;
	k->spent_us = 0;
	if (frontend != NULL)
		channel_resume(frontend);
}

static void
answer(struct channel *ch, uint64_t request, const struct keyset_answer *a)
{
	struct wire_put	*w = channel_begin(ch, MSG_KEY_SIGNED);

	put_u64(w, request);
	put_bytes(w, a->sig, a->len);
	(void)channel_commit(ch);
}

/*
 * The error policy of relayd: the front-end is less trusted than the keeper,
 * so what no honest one sends ends it (the frame reports the offender).  What
 * an honest one may send, and cannot be signed, gets an empty signature.
 */
static void
on_key_sign(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	static struct keyset_answer	a;
	struct keeper			*k = arg;
	uint64_t			 request = get_u64(msg);
	uint32_t			 generation = get_u32(msg);
	uint32_t			 index = get_u32(msg);
	uint16_t			 scheme = get_u16(msg);
	struct span			 content = get_bytes(msg);
	int64_t				 us = monotime_us();

	(void)fd;
	if (!get_done(msg))
		return;
	keyset_sign(&k->keys, generation, index, scheme, content, &a);
	us = monotime_us() - us;
	k->spent_us += us;
	switch (a.verdict) {
	case KEYSET_SIGNED:
		a.slot->total_us += (uint64_t)us;
		k->signatures++;
		break;
	case KEYSET_OFFENCE:
		msg->bad = true;
		/* FALLTHROUGH */
	case KEYSET_FAILED:
	case KEYSET_STALE:
		if (a.verdict == KEYSET_STALE)
			k->stale++;
		else
			k->refused++;
		log_refusal(k, index, a.why);
		break;
	}
	if (msg->bad)
		return;
	answer(ch, request, &a);
	take_turns(k, ch);
}

/* --- the frame's callbacks --- */

/*
 * No configuration file of OpenSSL: it could bring code into this process.
 */
static void
init(void *ctx, struct child *child)
{
	struct keeper	*k = ctx;

	k->child = child;
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		fatal("OpenSSL cannot be used");
	if ((k->turn = evtimer_new(child_base(child), on_turn, k)) == NULL)
		fatal("out of memory for events");
}

static void
peer_down(void *ctx, enum proc_id proc)
{
	struct keeper	*k = ctx;

	if (proc != PROC_FRONTEND)
		return;
	evtimer_del(k->turn);
	k->spent_us = 0;
}

static void
show_key(const struct keyslot *slot, size_t index, struct channel *ch,
    uint64_t request)
{
	struct ctl_row	 row;
	uint64_t	 n = slot->signatures;

	ctl_row_begin(&row, ch, request, "keys");
	ctl_number(&row, "index", (int64_t)index);
	ctl_text(&row, "file", slot->file);
	ctl_text(&row, "type", keytype_name(key_type(slot->key)));
	ctl_number(&row, "bits", key_bits(slot->key));
	ctl_number(&row, "signatures", (int64_t)n);
	ctl_number(&row, "refused", (int64_t)slot->refused);
	ctl_number(&row, "mean_us", n == 0 ? 0 :
	    (int64_t)(slot->total_us / n));
	ctl_row_end(&row);
}

/* Returns how many there are. */
static size_t
each_key(const struct keeper *k, struct channel *ch, uint64_t request)
{
	const struct keygen	*g = k->keys.cur;
	size_t			 i, n = 0;

	for (i = 0; i < LIMIT_KEYS; i++) {
		if (g->slots[i].key == NULL)
			continue;
		n++;
		if (ch != NULL)
			show_key(&g->slots[i], i, ch, request);
	}
	return (n);
}

static void
show(void *ctx, struct channel *ch, uint64_t request, enum ctl_show what)
{
	struct keeper	*k = ctx;
	struct ctl_row	 row;

	if (what == CTL_SHOW_TLS)
		(void)each_key(k, ch, request);
	if (what != CTL_SHOW_SUMMARY)
		return;
	ctl_row_begin(&row, ch, request, "keeper");
	ctl_number(&row, "keys", (int64_t)each_key(k, NULL, 0));
	ctl_number(&row, "signatures", (int64_t)k->signatures);
	ctl_number(&row, "refused", (int64_t)k->refused);
	ctl_number(&row, "stale", (int64_t)k->stale);
	ctl_row_end(&row);
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_CONF_KEY] = on_conf_key,
	[MSG_CONF_CERTIFICATE] = on_conf_certificate,
	[MSG_KEY_SIGN] = on_key_sign,
};

/* The common list is all it needs. */
static const struct sandbox_profile profile = {
	.name = "keeper",
};

int
main(void)
{
	static const struct child_ops	ops = {
		.self = PROC_KEEPER,
		.profile = &profile,
		.handlers = handlers,
		.init = init,
		.conf_begin = begin,
		.conf_end = end,
		.conf_commit = commit,
		.conf_abort = cancel,
		.peer_down = peer_down,
		.show = show,
	};
	static struct keeper		keeper;

	child_run(&ops, &keeper);
}
