/* SPDX-License-Identifier: ISC */
/*
 * relayd: options, the log, the start in the foreground or as a daemon, the
 * event loop and the exit.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <bsd/string.h>
#include <bsd/unistd.h>

#include "common/log.h"
#include "relayd/relayd.h"

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr,
	    "usage: relayd [-dnv] [-D macro=value] [-f file]\n");
	exit(1);
}

static void __attribute__((noreturn))
die(const char *what)
{
	fprintf(stderr, "relayd: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- options --- */

static void
add_macro(struct options *opt, const char *macro)
{
	const char **list;

	if (strchr(macro, '=') == NULL)
		usage();
	list = reallocarray(opt->macros, opt->nmacros + 1, sizeof(*list));
	if (list == NULL)
		die("-D");
	opt->macros = list;
	opt->macros[opt->nmacros++] = macro;
}

/*
 * The path from anywhere, since a daemon leaves the directory it was started
 * in.  A check keeps the name as it was given.
 */
static void
fix_file(struct options *opt, const char *file)
{
	char *path;

	if (getcwd(opt->cwd, sizeof(opt->cwd)) == NULL)
		die("current directory");
	opt->conf_file = file;
	if (opt->check || file[0] == '/' || strcmp(file, "-") == 0)
		return;
	if (asprintf(&path, "%s/%s", opt->cwd, file) == -1)
		die(file);
	opt->conf_file = path;
}

static void
parse_options(struct options *opt, int argc, char **argv)
{
	const char *file = CONF_FILE;
	int c;

	while ((c = getopt(argc, argv, "dnvD:f:")) != -1) {
		switch (c) {
		case 'd':
			opt->foreground = true;
			break;
		case 'n':
			opt->check = true;
			break;
		case 'v':
			opt->verbose = true;
			break;
		case 'D':
			add_macro(opt, optarg);
			break;
		case 'f':
			file = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	fix_file(opt, file);
}

/* --- the log --- */

/* 0, 1 and 2 must be something, or a socket of ours could become one. */
static void
open_standard_fds(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			die("/dev/null");
	} while (fd <= STDERR_FILENO);
	close(fd);
}

/* A socket to syslogd(8), which children can inherit as their fd 2. */
static int
open_syslog(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	strlcpy(sun.sun_path, _PATH_LOG, sizeof(sun.sun_path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		fprintf(stderr, "relayd: cannot log to %s: %s; "
		    "-d logs to standard error\n", _PATH_LOG, strerror(errno));
		exit(1);
	}
	return (fd);
}

/*
 * In the caller's process: wait for the daemon to say how the start went.
 * One NUL is success; else it is the text of what went wrong.
 */
static void __attribute__((noreturn))
wait_for_start(int fd)
{
	char buf[4096];
	bool ok = false;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		if (buf[n - 1] == '\0')
			ok = true;
		else
			fwrite(buf, 1, (size_t)n, stderr);
	}
	_exit(ok ? 0 : 1);
}

static void
daemonise(struct relayd *rd)
{
	int log_fd, fds[2], null;
	pid_t pid;

	log_fd = open_syslog();
	if (pipe2(fds, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		die("fork");
	if (pid != 0) {
		close(fds[1]);
		wait_for_start(fds[0]);
	}
	close(fds[0]);
	rd->start_fd = fds[1];
	if (setsid() == -1 || chdir("/") == -1 ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1 ||
	    dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 ||
	    dup2(log_fd, STDERR_FILENO) == -1)
		fatal("daemon: %s", strerror(errno));
	close(null);
	close(log_fd);
	log_init(STDERR_FILENO, LOG_STYLE_SYSLOG, "relayd", rd->verbose);
}

/* --- how the start went --- */

void
start_done(struct relayd *rd)
{
	if (rd->start_fd == -1)
		return;
	if (write(rd->start_fd, "", 1) == -1)
		log_debug("the caller does not wait any more");
	close(rd->start_fd);
	rd->start_fd = -1;
}

void
start_failed(struct relayd *rd, const struct conf_errors *errs,
    const char *why)
{
	FILE *f;

	complaints_log(errs);
	/* To be told to stop while starting is no failure to report. */
	if (rd->stop.stage == STOP_NONE)
		log_err("the start failed: %s", why);
	if (rd->start_fd != -1 && (f = fdopen(rd->start_fd, "w")) != NULL) {
		conf_errors_print(errs, f);
		fprintf(f, "relayd: the start failed: %s\n", why);
		fclose(f);
		rd->start_fd = -1;
	}
	stop_begin(rd, 1, "the start failed");
}

/* --- signals --- */

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct relayd *rd = arg;

	(void)what;
	switch (sig) {
	case SIGCHLD:
		children_reap(rd);
		break;
	case SIGHUP:
		reload(rd, NULL, 0);
		break;
	default:
		stop_begin(rd, 0, sig == SIGTERM ? "SIGTERM" : "SIGINT");
		break;
	}
}

static void
catch_signals(struct relayd *rd)
{
	static const int wanted[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		rd->signals[i] = evsignal_new(rd->base, wanted[i], on_signal,
		    rd);
		if (rd->signals[i] == NULL ||
		    evsignal_add(rd->signals[i], NULL) == -1)
			fatal("signals: %s", strerror(errno));
	}
}

/* --- the start --- */

/* Services may have thousands of fds between us; they get the old limit. */
static void
raise_nofile(struct relayd *rd)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == -1)
		fatal("getrlimit: %s", strerror(errno));
	rd->nofile = lim.rlim_cur;
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) == -1)
		log_warn("limit of open files: %s", strerror(errno));
}

/* What must be there before anything is started. */
static bool
prepare(struct relayd *rd, const struct conf *conf, struct conf_errors *errs)
{
	return (accounts_resolve(rd, conf, rd->ids, errs) &&
	    programs_find(rd, conf, errs) &&
	    dirs_prepare(rd, conf, errs) &&
	    control_open(rd, conf, errs));
}

/* Errors, if there are any, are already with whoever waits. */
static void
start(struct relayd *rd, struct conf *conf)
{
	struct conf_errors *errs = &rd->change.errs;

	log_notice("relayd " PACKAGE_VERSION " starts: %s %s",
	    role_name(conf->role), conf->node_id);
	if (!rd->root)
		log_notice("not root: all processes keep uid %u, and none "
		    "is in a chroot", (unsigned int)geteuid());
	/* Before there is anything that would be left behind. */
	catch_signals(rd);
	if (!prepare(rd, conf, errs)) {
		start_failed(rd, errs, "it cannot run like this");
		conf_free(conf);
		return;
	}
	harden(rd);
	children_init(rd, conf->role);
	change_begin(rd, conf);
	if (rd->stop.stage != STOP_NONE)
		return;
	children_start(rd);
	watchdog_start(rd);
}

static int
run(struct relayd *rd, struct conf *conf)
{
	/*
	 * In the foreground the caller may have left a lock in our hands, as
	 * relay(1) does; no child and no service gets it.
	 */
	if (!rd->opt.foreground)
		closefrom(STDERR_FILENO + 1);
	open_standard_fds();
	rd->verbose = rd->opt.verbose || conf->log == CONF_LOG_VERBOSE;
	if (rd->opt.foreground)
		log_init(STDERR_FILENO, log_style_of(STDERR_FILENO), "relayd",
		    rd->verbose);
	else
		daemonise(rd);
	umask(022);
	raise_nofile(rd);
	rd->started = monotime_now();
	rd->notify_fd = sdnotify_open();
	if ((rd->base = event_base_new()) == NULL)
		fatal("no event base: %s", strerror(errno));
	start(rd, conf);
	if (event_base_dispatch(rd->base) == -1)
		fatal("event loop: %s", strerror(errno));
	control_close(rd);
	listeners_close(&rd->listeners, NULL);
	log_notice("stopped");
	return (rd->stop.status);
}

static int
check(const struct relayd *rd, struct conf *conf)
{
	int status = 0;

	if (rd->opt.verbose &&
	    (conf_print(conf, stdout) == -1 || fflush(stdout) == EOF)) {
		fprintf(stderr, "relayd: standard output: %s\n",
		    strerror(errno));
		status = 1;
	} else
		fprintf(stderr, "configuration OK\n");
	conf_free(conf);
	return (status);
}

int
main(int argc, char **argv)
{
	static struct relayd relayd;
	struct relayd *rd = &relayd;
	struct conf *conf;

	rd->start_fd = rd->notify_fd = -1;
	TAILQ_INIT(&rd->instances);
	parse_options(&rd->opt, argc, argv);
	rd->root = geteuid() == 0;
	conf = conf_read(rd, &rd->change.errs);
	if (conf != NULL && rd->opt.check) {
		open_standard_fds();
		if (!keys_check(rd, conf, &rd->change.errs)) {
			conf_free(conf);
			conf = NULL;
		}
	}
	if (conf == NULL || rd->opt.check || !rd->opt.foreground)
		conf_errors_print(&rd->change.errs, stderr);
	if (conf == NULL)
		return (1);
	if (rd->opt.check)
		return (check(rd, conf));
	return (run(rd, conf));
}
