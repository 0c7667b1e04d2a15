/* SPDX-License-Identifier: ISC */
/*
 * Files that the configuration names: which the parent opens, and what it
 * removes when a one-time secret is used up.
 */
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/wire.h"
#include "relayd/files.h"
#include "relayd/relayd.h"
#include "tests/unit/suite.h"

static char	 dir[64];
static char	 path[4][80];	/* in it */

static void
make(unsigned int i, off_t size, mode_t mode)
{
	int fd;

	fd = open(path[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void
setup(void)
{
	unsigned int i;

	strcpy(dir, "/tmp/test_files.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (i = 0; i < 4; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%u", dir, i);
}

static void
teardown(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		(void)unlink(path[i]);
		(void)rmdir(path[i]);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

/* --- one file --- */

static void
accepted(enum file_kind kind)
{
	char why[256] = "";
	int fd;

	fd = file_open(path[0], kind, why, sizeof(why));
	ck_assert_msg(fd != -1, "%s", why);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
}

static void
refused(enum file_kind kind, const char *text)
{
	char why[256] = "";

	ck_assert_int_eq(file_open(path[0], kind, why, sizeof(why)), -1);
	ck_assert_msg(strstr(why, text) != NULL, "%s", why);
	ck_assert_int_eq(strncmp(why, path[0], strlen(path[0])), 0);
}

static const struct {
	mode_t		 mode;
	bool		 certificate, secret;
} modes[] = {
	{ 0600, true, true }, { 0400, true, true }, { 0700, true, true },
	{ 0640, true, false }, { 0604, true, false }, { 0644, true, false },
	{ 0610, true, false }, { 0601, true, false }, { 0620, false, false },
	{ 0602, false, false }, { 0660, false, false }, { 0666, false, false },
};

START_TEST(rights)
{
	make(0, 100, modes[_i].mode);
	if (modes[_i].certificate)
		accepted(FILE_PUBLIC);
	else
		refused(FILE_PUBLIC, "others can");
	if (modes[_i].secret) {
		accepted(FILE_KEY);
		accepted(FILE_SECRET);
	} else {
		refused(FILE_KEY, "others can");
		refused(FILE_SECRET, "others can");
	}
}
END_TEST

START_TEST(sizes)
{
	make(0, 0, 0600);
	refused(FILE_PUBLIC, "empty");
	refused(FILE_KEY, "empty");
	refused(FILE_SECRET, "empty");
	make(0, 15, 0600);
	accepted(FILE_KEY);
	refused(FILE_SECRET, "16 to 512");
	make(0, 16, 0600);
	accepted(FILE_SECRET);
	make(0, 514, 0600);
	accepted(FILE_SECRET);
	make(0, 515, 0600);
	refused(FILE_SECRET, "16 to 512");
	make(0, LIMIT_PEM, 0600);
	accepted(FILE_PUBLIC);
	accepted(FILE_KEY);
	make(0, LIMIT_PEM + 1, 0600);
	refused(FILE_PUBLIC, "larger");
	refused(FILE_KEY, "larger");
}
END_TEST

START_TEST(no_files)
{
	refused(FILE_KEY, strerror(ENOENT));
	ck_assert_int_eq(mkdir(path[0], 0700), 0);
	refused(FILE_KEY, "not a regular file");
	ck_assert_int_eq(rmdir(path[0]), 0);
	/* Nobody writes to it, and nobody waits. */
	ck_assert_int_eq(mkfifo(path[0], 0600), 0);
	refused(FILE_SECRET, "not a regular file");
	ck_assert_int_eq(unlink(path[0]), 0);
	ck_assert_int_eq(symlink("/dev/zero", path[0]), 0);
	refused(FILE_PUBLIC, "not a regular file");
	ck_assert_int_eq(unlink(path[0]), 0);
	ck_assert_int_eq(symlink(path[0], path[0]), 0);
	refused(FILE_PUBLIC, strerror(ELOOP));
}
END_TEST

/* What a link leads to is what counts. */
START_TEST(links)
{
	make(1, 100, 0644);
	ck_assert_int_eq(symlink(path[1], path[0]), 0);
	accepted(FILE_PUBLIC);
	refused(FILE_KEY, "others can read");
	ck_assert_int_eq(chmod(path[1], 0600), 0);
	accepted(FILE_KEY);
	ck_assert_int_eq(unlink(path[1]), 0);
	refused(FILE_KEY, strerror(ENOENT));
}
END_TEST

START_TEST(owners)
{
	if (geteuid() != 0)
		return;
	make(0, 100, 0600);
	ck_assert_int_eq(chown(path[0], 65534, 0), 0);
	refused(FILE_KEY, "somebody else");
	refused(FILE_PUBLIC, "somebody else");
	ck_assert_int_eq(chown(path[0], 0, 65534), 0);
	accepted(FILE_KEY);
}
END_TEST

/* --- a configuration --- */

static struct conf_key keys[1];
static struct conf_ca cas[1];
static struct conf_credential credentials[2];
static struct conf conf;

static void
configure(void)
{
	static char file[] = "x.conf";
	static char value[] = "v";

	memset(&conf, 0, sizeof(conf));
	keys[0] = (struct conf_key){ .pos = { file, 1 },
	    .certificate = path[0], .key = path[1] };
	cas[0] = (struct conf_ca){ .pos = { file, 2 }, .file = path[2] };
	credentials[0] = (struct conf_credential){ .pos = { file, 3 },
	    .holder = CONF_HOLDER_UPLINK, .index = 1,
	    .method = CONF_METHOD_JOIN, .file = path[3] };
	credentials[1] = (struct conf_credential){ .pos = { file, 4 },
	    .holder = CONF_HOLDER_UPLINK, .index = 1,
	    .method = CONF_METHOD_KEY, .value = value };
	conf.keys = keys;
	conf.nkeys = 1;
	conf.cas = cas;
	conf.ncas = 1;
	conf.credentials = credentials;
	conf.ncredentials = 2;
	make(0, 100, 0644);
	make(1, 100, 0600);
	make(2, 100, 0644);
	make(3, 44, 0600);
}

static size_t
open_fds(void)
{
	size_t n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return (n);
}

START_TEST(all_are_checked)
{
	struct conf_errors errs = { 0 };
	size_t before = open_fds(), i;

	configure();
	ck_assert(files_check(&conf, &errs));
	ck_assert_uint_eq(errs.count, 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(chmod(path[i], 0666), 0);
	ck_assert(!files_check(&conf, &errs));
	ck_assert_uint_eq(errs.nerrors, 4);
	ck_assert_uint_eq(errs.list[0].line, 1);
	ck_assert_uint_eq(errs.list[1].line, 1);
	ck_assert_uint_eq(errs.list[2].line, 2);
	ck_assert_uint_eq(errs.list[3].line, 3);
	ck_assert_str_eq(errs.list[3].file, "x.conf");
	ck_assert_uint_eq(open_fds(), before);
	conf_errors_free(&errs);
}
END_TEST

START_TEST(only_a_join_file_may_be_gone)
{
	struct conf_errors errs = { 0 };
	char below[100];

	configure();
	ck_assert_int_eq(unlink(path[3]), 0);
	ck_assert(files_check(&conf, &errs));
	credentials[0].method = CONF_METHOD_SECRET;
	ck_assert(!files_check(&conf, &errs));
	credentials[0].method = CONF_METHOD_JOIN;
	/* A file that is no file is not gone. */
	ck_assert_int_eq(mkdir(path[3], 0700), 0);
	ck_assert(!files_check(&conf, &errs));
	ck_assert_uint_eq(errs.nerrors, 2);
	/* Nor is one that cannot be looked for. */
	snprintf(below, sizeof(below), "%s/x", path[0]);
	credentials[0].file = below;
	ck_assert(!files_check(&conf, &errs));
	ck_assert_uint_eq(errs.nerrors, 3);
	conf_errors_free(&errs);
}
END_TEST

/* Written or replaced, a certificate or a key; nothing else. */
START_TEST(a_renewal_is_noticed)
{
	uint64_t before, after;
	char new[400];
	size_t i;
	FILE *f;

	configure();
	before = files_mark(&conf);
	ck_assert(files_mark(&conf) == before);
	for (i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(f = fopen(path[i], "a"));
		fputs("more\n", f);
		fclose(f);
		after = files_mark(&conf);
		ck_assert(after != before);
		snprintf(new, sizeof(new), "%s.new", path[i]);
		ck_assert_ptr_nonnull(f = fopen(new, "w"));
		fputs("new\n", f);
		fclose(f);
		ck_assert_int_eq(rename(new, path[i]), 0);
		before = files_mark(&conf);
		ck_assert(after != before);
	}
	ck_assert_int_eq(unlink(path[0]), 0);
	ck_assert(files_mark(&conf) != before);
	before = files_mark(&conf);
	ck_assert_int_eq(unlink(path[3]), 0);
	ck_assert(files_mark(&conf) == before);
}
END_TEST

START_TEST(each_child_gets_its_own)
{
	static const struct {
		enum proc_id	 id;
		size_t		 count;
	} children[] = {
		{ PROC_KEEPER, 2 }, { PROC_FRONTEND, 3 }, { PROC_REGISTRY, 1 },
		{ PROC_ROUTER, 0 }, { PROC_DIALER, 0 }, { PROC_BACKEND, 0 },
	};
	size_t before = open_fds(), i, n;
	struct files files;
	char why[256];

	configure();
	for (i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		n = children[i].count;
		ck_assert(files_open(&files, children[i].id, &conf,
		    children[i].id == PROC_FRONTEND ? path[0] : NULL, why,
		    sizeof(why)));
		ck_assert_uint_eq(files.count, n);
		ck_assert_uint_eq(open_fds(), before + n);
		if (n > 0)
			close(files_take(&files));
		files_free(&files);
		ck_assert_uint_eq(open_fds(), before);
	}
	/* One that cannot be opened leaves none open. */
	ck_assert_int_eq(unlink(path[2]), 0);
	ck_assert(!files_open(&files, PROC_FRONTEND, &conf, NULL, why,
	    sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, path[2]));
	ck_assert_uint_eq(open_fds(), before);
	ck_assert_int_eq(unlink(path[3]), 0);
	ck_assert(files_open(&files, PROC_REGISTRY, &conf, NULL, why,
	    sizeof(why)));
	ck_assert_int_eq(files_take(&files), -1);
	files_free(&files);
}
END_TEST

/* --- one-time secrets --- */

static struct relayd	 rd;

static bool
joined(uint32_t uplink, uint32_t generation)
{
	struct child *c = &rd.children[PROC_REGISTRY];
	struct wire_put put;
	struct wire_get get;
	uint8_t buf[16];

	c->rd = &rd;
	wire_put_init(&put, buf, sizeof(buf));
	put_u32(&put, uplink);
	put_u32(&put, generation);
	wire_get_init(&get, buf, put.len);
	joins_on_joined(c, NULL, &get, -1);
	return (get_done(&get));
}

static bool
is_there(void)
{
	return (access(path[3], F_OK) == 0);
}

START_TEST(a_used_secret_is_removed)
{
	configure();
	rd.conf = &conf;
	rd.generation = 5;
	rd.former_generation = 4;
	/* Neither of another uplink nor of another time. */
	ck_assert(joined(0, 5));
	ck_assert(joined(2, 5));
	ck_assert(joined(1, 4));
	ck_assert(joined(1, 3));
	ck_assert(joined(1, 6));
	ck_assert(is_there());
	ck_assert(!joined(LIMIT_UPLINKS, 5));
	ck_assert(!joined(UINT32_MAX, 5));
	ck_assert(joined(1, 5));
	ck_assert(!is_there());
	ck_assert(joined(1, 5));
	/* All else is still there. */
	ck_assert_int_eq(access(path[0], F_OK), 0);
	ck_assert_int_eq(access(path[1], F_OK), 0);
	ck_assert_int_eq(access(path[2], F_OK), 0);
}
END_TEST

START_TEST(also_of_the_generation_before)
{
	struct conf empty = { .role = ROLE_HOME };

	configure();
	memset(&rd, 0, sizeof(rd));
	rd.conf = &empty;
	rd.generation = 5;
	rd.former_generation = 4;
	joins_remember(&rd, &conf);
	ck_assert(joined(1, 5));
	ck_assert(joined(0, 4));
	ck_assert(is_there());
	ck_assert(joined(1, 4));
	ck_assert(!is_there());
	make(3, 44, 0600);
	joins_remember(&rd, &empty);
	ck_assert(joined(1, 4));
	ck_assert(is_there());
	joins_remember(&rd, NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, rights, 0, sizeof(modes) / sizeof(modes[0]));
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, no_files);
	tcase_add_test(tc, links);
	tcase_add_test(tc, owners);
	tcase_add_test(tc, all_are_checked);
	tcase_add_test(tc, only_a_join_file_may_be_gone);
	tcase_add_test(tc, a_renewal_is_noticed);
	tcase_add_test(tc, each_child_gets_its_own);
	tcase_add_test(tc, a_used_secret_is_removed);
	tcase_add_test(tc, also_of_the_generation_before);
	return (suite_run("files", tc));
}
