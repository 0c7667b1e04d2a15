/* SPDX-License-Identifier: ISC */
/* See confsend_fixture.h. */
#include <sys/socket.h>
#include <sys/stat.h>

#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/relayd.h"
#include "tests/unit/confsend_fixture.h"
#include "tests/unit/deaf_channel.h"

static const char *const names[NAMES] = { "$cert", "$key", "$ca", "$secret",
    "$join" };

static char		 dir[64];
static struct event_base *base;

#define HEADER	8	/* bytes before a payload */

/* --- the configuration, with files --- */

void
file_path(size_t i, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", dir, names[i] + 1);
}

void
confsend_setup(void)
{
	char path[128];
	size_t i;
	int fd;

	base = event_base_new();
	strcpy(dir, "/tmp/test_confsend.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (i = 0; i < NAMES; i++) {
		file_path(i, path, sizeof(path));
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		ck_assert_int_ne(fd, -1);
		/* So that each is known by its size. */
		ck_assert_int_eq(ftruncate(fd, (off_t)(100 + i)), 0);
		close(fd);
	}
}

void
confsend_teardown(void)
{
	char path[128];
	size_t i;

	for (i = 0; i < NAMES; i++) {
		file_path(i, path, sizeof(path));
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
	event_base_free(base);
}

/* "$cert" becomes the path of that file. */
static char *
fill_in(const char *text)
{
	char path[128], *out;
	size_t size, i;
	FILE *f;

	ck_assert_ptr_nonnull(f = open_memstream(&out, &size));
	while (*text != '\0') {
		for (i = 0; i < NAMES; i++)
			if (strncmp(text, names[i], strlen(names[i])) == 0)
				break;
		if (i == NAMES) {
			putc(*text++, f);
			continue;
		}
		file_path(i, path, sizeof(path));
		fputs(path, f);
		text += strlen(names[i]);
	}
	fclose(f);
	return (out);
}

static int
open_text(void *ctx, const char *name, char **data, size_t *len)
{
	(void)name;
	*data = fill_in(ctx);
	*len = strlen(*data);
	return (0);
}

struct conf *
parse(const char *text)
{
	struct conf_source source = { .name = "x.conf", .open = open_text,
	    .ctx = (void *)(uintptr_t)text, .cwd = "/" };
	struct conf_errors errs = { 0 };
	struct conf *conf;

	conf = conf_parse(&source, &errs);
	conf_errors_print(&errs, stderr);
	ck_assert_ptr_nonnull(conf);
	conf_errors_free(&errs);
	return (conf);
}

/* --- what a child gets --- */

static void
take_fds(struct got *g, struct msghdr *m)
{
	struct cmsghdr *c;
	struct stat st;
	int fd;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_uint_lt(g->n_fds, 32);
		g->sizes[g->n_fds++] = st.st_size;
		close(fd);
	}
}

static void
read_all(struct got *g, int fd)
{
	union {
		struct cmsghdr	 h;
		char		 buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr m;
	ssize_t n;

	memset(g, 0, sizeof(*g));
	for (;;) {
		iov.iov_base = g->buf + g->len;
		iov.iov_len = sizeof(g->buf) - g->len;
		memset(&m, 0, sizeof(m));
		m.msg_iov = &iov;
		m.msg_iovlen = 1;
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		if ((n = recvmsg(fd, &m, MSG_DONTWAIT)) <= 0)
			break;
		g->len += (size_t)n;
		take_fds(g, &m);
	}
}

bool
send_to(enum proc_id id, const struct conf *conf, const struct peers *added,
    struct got *g, char *why, size_t size)
{
	struct listeners set = { NULL, 0 };
	struct child c = { .id = id };
	struct peers peers;
	int fds[2];
	bool ok;

	ck_assert_int_eq(channel_pair(fds), 0);
	c.ch = channel_new(base, fds[0], PROC_PARENT, id, PHASE_CONF, &deaf_ops,
	    &c);
	ck_assert_ptr_nonnull(c.ch);
	peers_make(&peers, conf, added);
	ok = conf_send(&c, conf, &set, &peers, 7, why, size);
	ck_assert_int_eq(channel_flush_blocking(c.ch), 0);
	read_all(g, fds[1]);
	peers_free(&peers);
	channel_free(c.ch);
	close(fds[1]);
	return (ok);
}

void
get(enum proc_id id, const struct conf *conf, struct got *g)
{
	static const struct peers no_peers;
	char why[256] = "";

	ck_assert_msg(send_to(id, conf, &no_peers, g, why, sizeof(why)), "%s",
	    why);
}

/* The next message, which must be of this type; its fd by the file's size. */
struct wire_get *
expect(struct got *g, enum msg_type type, off_t fd_size)
{
	const uint8_t *h = g->buf + g->at;
	size_t len;

	ck_assert_uint_le(g->at + HEADER, g->len);
	len = h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16;
	ck_assert_msg((h[4] | h[5] << 8) == (int)type, "%s, not %s",
	    msg_name((enum msg_type)(h[4] | h[5] << 8)), msg_name(type));
	ck_assert_int_eq(h[6] != 0, fd_size != 0);
	if (fd_size != 0) {
		ck_assert_uint_lt(g->fd_at, g->n_fds);
		ck_assert_int_eq(g->sizes[g->fd_at++], fd_size);
	}
	wire_get_init(&g->msg, h + HEADER, len);
	g->at += HEADER + len;
	return (&g->msg);
}
