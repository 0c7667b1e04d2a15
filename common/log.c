/* SPDX-License-Identifier: ISC */
/* See log.h. */
#include <sys/stat.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/monotime.h"

static struct {
	int		 fd;
	enum log_style	 style;
	const char	*name;
	bool		 verbose;
} logger = { STDERR_FILENO, LOG_STYLE_TERMINAL, "relayd", false };

static const char *const level_names[] = {
	[LOG_ERR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

void
log_init(int fd, enum log_style style, const char *name, bool verbose)
{
	logger.fd = fd;
	logger.style = style;
	logger.name = name;
	logger.verbose = verbose;
}

void
log_set_verbose(bool verbose)
{
	logger.verbose = verbose;
}

bool
log_verbose(void)
{
	return (logger.verbose);
}

enum log_style
log_get_style(void)
{
	return (logger.style);
}

enum log_style
log_style_of(int fd)
{
	struct stat st;
	const char *stream;
	unsigned long long dev, ino;

	stream = getenv("JOURNAL_STREAM");
	if (stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	    fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino)
		return (LOG_STYLE_JOURNAL);
	return (LOG_STYLE_TERMINAL);
}

/* Copy src into dst with unprintable bytes escaped; returns the length. */
static size_t
escape(char *dst, size_t size, const char *src)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;
	unsigned char c;

	for (; (c = (unsigned char)*src) != '\0' && n + 5 < size; src++) {
		if (c >= 0x20 && c < 0x7f) {
			dst[n++] = (char)c;
			continue;
		}
		dst[n++] = '\\';
		dst[n++] = 'x';
		dst[n++] = hex[c >> 4];
		dst[n++] = hex[c & 15];
	}
	dst[n] = '\0';
	return (n);
}

static int
prefix(char *buf, size_t size, int level)
{
	char when[40];

	switch (logger.style) {
	case LOG_STYLE_JOURNAL:
		return (snprintf(buf, size, "<%d>%s[%d] %s: ", level,
		    logger.name, (int)getpid(), level_names[level]));
	case LOG_STYLE_SYSLOG:
		return (snprintf(buf, size, "<%d>relayd[%d]: %s: %s: ",
		    LOG_DAEMON | level, (int)getpid(), logger.name,
		    level_names[level]));
	case LOG_STYLE_TERMINAL:
		break;
	}
	wallclock_rfc3339(when, sizeof(when));
	return (snprintf(buf, size, "%s %s[%d] %s: ", when, logger.name,
	    (int)getpid(), level_names[level]));
}

static void
vlog(int level, const char *fmt, va_list ap)
{
	char text[1024], line[2300];
	size_t n;

	if (level == LOG_DEBUG && !logger.verbose)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	n = (size_t)prefix(line, sizeof(line) - 1, level);
	n += escape(line + n, sizeof(line) - n - 1, text);
	if (logger.style != LOG_STYLE_SYSLOG)
		line[n++] = '\n';
	/* A log that cannot be written has nobody left to tell. */
	if (write(logger.fd, line, n) == -1)
		return;
}

#define LOG_FUNCTION(name, level)					\
void									\
name(const char *fmt, ...)						\
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	vlog(level, fmt, ap);						\
	va_end(ap);							\
}

LOG_FUNCTION(log_debug, LOG_DEBUG)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_notice, LOG_NOTICE)
LOG_FUNCTION(log_warn, LOG_WARNING)
LOG_FUNCTION(log_err, LOG_ERR)

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_ERR, fmt, ap);
	va_end(ap);
	_exit(1);
}
