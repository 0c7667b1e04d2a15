/* SPDX-License-Identifier: ISC */
/*
 * Log lines over a file descriptor that was opened before the sandbox closed:
 * a terminal or pipe (with a time), the journal (with its <N> prefix), or a
 * datagram socket to syslog.  Each line names level and process.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_style { LOG_STYLE_TERMINAL = 1, LOG_STYLE_JOURNAL, LOG_STYLE_SYSLOG };

/* Start logging to fd as process name; debug lines only when verbose. */
void	log_init(int, enum log_style, const char *, bool);
void	log_set_verbose(bool);
bool	log_verbose(void);
enum log_style	log_get_style(void);

/*
 * Style for the given fd: JOURNAL if it is the journal's stream (systemd's
 * JOURNAL_STREAM names device and inode), else TERMINAL.
 */
enum log_style	log_style_of(int);

/*
 * One line a call.  Control characters and bytes that are not printable ASCII
 * are written as \xNN, so that nothing a stranger sent can forge a line.
 */
void	log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_notice(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void	log_err(const char *, ...) __attribute__((format(printf, 1, 2)));

/* Log at level error and end the process with status 1. */
void	fatal(const char *, ...)
	    __attribute__((format(printf, 1, 2), noreturn));

#endif
