/* SPDX-License-Identifier: ISC */
/* Log lines: one a call, of one shape, whatever a stranger put into them. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/suite.h"

static int fds[2];
static char got[4096];

static void
open_log(enum log_style style, bool verbose)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	log_init(fds[1], style, "router", verbose);
}

/* What one write made, "" if there was none. */
static const char *
next_line(void)
{
	ssize_t n;

	n = recv(fds[0], got, sizeof(got) - 1, 0);
	got[n < 0 ? 0 : n] = '\0';
	return (got);
}

/* The line without its prefix up to and with "LEVEL: ". */
static const char *
text_of(const char *line, const char *level)
{
	const char *p = strstr(line, level);

	ck_assert_msg(p != NULL, "%s", line);
	return (p + strlen(level));
}

START_TEST(terminal)
{
	char want[64];
	const char *line;

	open_log(LOG_STYLE_TERMINAL, false);
	log_warn("%s %d", "text", 42);
	line = next_line();
	/* 2026-01-02T03:04:05.678Z router[123] warning: text 42 */
	snprintf(want, sizeof(want), " router[%d] warning: text 42\n",
	    (int)getpid());
	ck_assert_str_eq(line + 24, want);
	ck_assert_int_eq(line[4], '-');
	ck_assert_int_eq(line[10], 'T');
	ck_assert_int_eq(line[23], 'Z');
	ck_assert_str_eq(next_line(), "");
}
END_TEST

START_TEST(journal)
{
	char want[64];

	open_log(LOG_STYLE_JOURNAL, false);
	log_err("text");
	snprintf(want, sizeof(want), "<3>router[%d] error: text\n",
	    (int)getpid());
	ck_assert_str_eq(next_line(), want);
	log_notice("text");
	ck_assert_int_eq(strncmp(next_line(), "<5>", 3), 0);
	log_info("text");
	ck_assert_int_eq(strncmp(next_line(), "<6>", 3), 0);
}
END_TEST

START_TEST(syslog_datagrams)
{
	char want[64];

	open_log(LOG_STYLE_SYSLOG, true);
	log_debug("text");
	snprintf(want, sizeof(want), "<31>relayd[%d]: router: debug: text",
	    (int)getpid());
	/* A datagram is a line: no newline. */
	ck_assert_str_eq(next_line(), want);
}
END_TEST

START_TEST(verbose)
{
	open_log(LOG_STYLE_TERMINAL, false);
	ck_assert(!log_verbose());
	log_debug("hidden");
	ck_assert_str_eq(next_line(), "");
	log_set_verbose(true);
	ck_assert(log_verbose());
	log_debug("shown");
	ck_assert_str_eq(text_of(next_line(), "debug: "), "shown\n");
	log_set_verbose(false);
	log_debug("hidden");
	ck_assert_str_eq(next_line(), "");
	ck_assert_int_eq(log_get_style(), LOG_STYLE_TERMINAL);
}
END_TEST

/* Nothing can forge a line, move a cursor or hide what it is. */
START_TEST(every_byte)
{
	char text[2] = "", want[8];
	int c;

	open_log(LOG_STYLE_TERMINAL, false);
	for (c = 1; c < 256; c++) {
		text[0] = (char)c;
		log_info("%s", text);
		if (c >= 0x20 && c < 0x7f)
			snprintf(want, sizeof(want), "%c\n", c);
		else
			snprintf(want, sizeof(want), "\\x%02x\n", c);
		ck_assert_str_eq(text_of(next_line(), "info: "), want);
	}
}
END_TEST

START_TEST(forged_line)
{
	open_log(LOG_STYLE_JOURNAL, false);
	log_info("node %s", "a\n<0>kernel: panic\r\x1b[2J");
	ck_assert_str_eq(text_of(next_line(), "info: "),
	    "node a\\x0a<0>kernel: panic\\x0d\\x1b[2J\n");
}
END_TEST

/* Long ones are cut, whole escapes only, and still end in a newline. */
START_TEST(long_lines)
{
	static char text[10000];
	const char *line;
	size_t len;

	open_log(LOG_STYLE_TERMINAL, false);
	memset(text, 'x', sizeof(text) - 1);
	log_info("%s", text);
	line = next_line();
	len = strlen(line);
	ck_assert_uint_gt(len, 1000);
	ck_assert_uint_lt(len, 4000);
	ck_assert_int_eq(line[len - 1], '\n');

	memset(text, '\x01', sizeof(text) - 1);
	log_info("%s", text);
	line = text_of(next_line(), "info: ");
	len = strlen(line);
	ck_assert_uint_gt(len, 1000);
	ck_assert_int_eq(line[len - 1], '\n');
	ck_assert_uint_eq((len - 1) % 4, 0);
	ck_assert_uint_eq(strspn(line, "\\x01\n"), len);
}
END_TEST

START_TEST(closed_log)
{
	open_log(LOG_STYLE_TERMINAL, false);
	close(fds[1]);
	log_err("nobody hears it");
	log_init(-1, LOG_STYLE_TERMINAL, "router", false);
	log_err("nobody hears it");
}
END_TEST

START_TEST(fatal_ends)
{
	int status;
	pid_t pid;

	open_log(LOG_STYLE_TERMINAL, false);
	if ((pid = fork()) == 0)
		fatal("the %s", "end");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	ck_assert_str_eq(text_of(next_line(), "error: "), "the end\n");
}
END_TEST

/* The journal is known by the device and inode it announced, only. */
START_TEST(style_of_fd)
{
	struct stat st;
	char text[80];

	open_log(LOG_STYLE_TERMINAL, false);
	ck_assert_int_eq(fstat(fds[0], &st), 0);
	unsetenv("JOURNAL_STREAM");
	ck_assert_int_eq(log_style_of(fds[0]), LOG_STYLE_TERMINAL);
	snprintf(text, sizeof(text), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
	ck_assert_int_eq(log_style_of(fds[0]), LOG_STYLE_JOURNAL);
	ck_assert_int_eq(log_style_of(fds[1]), LOG_STYLE_TERMINAL);
	ck_assert_int_eq(log_style_of(-1), LOG_STYLE_TERMINAL);
	setenv("JOURNAL_STREAM", "", 1);
	ck_assert_int_eq(log_style_of(fds[0]), LOG_STYLE_TERMINAL);
	setenv("JOURNAL_STREAM", "x:y", 1);
	ck_assert_int_eq(log_style_of(fds[0]), LOG_STYLE_TERMINAL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, terminal);
	tcase_add_test(tc, journal);
	tcase_add_test(tc, syslog_datagrams);
	tcase_add_test(tc, verbose);
	tcase_add_test(tc, every_byte);
	tcase_add_test(tc, forged_line);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, closed_log);
	tcase_add_test(tc, fatal_ends);
	tcase_add_test(tc, style_of_fd);
	return (suite_run("log", tc));
}
