/* SPDX-License-Identifier: ISC */
/*
 * relay(1): run a node with a command line instead of a configuration file.
 * It writes the configuration and becomes relayd.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "relay-ctl/relay.h"

static const char	 usage[] =
"usage: relay -server [-host address] [-insecure] [-node-id id]\n"
"             [-node-type main] [-peers url,...] [-port port]\n"
"             [-tls-cert file -tls-key file]\n"
"       relay [file.rl] -connect url [-fallback url,...] [-host address]\n"
"             [-insecure] [-node-id id] [-node-type home] [-port port]\n"
"             [-tls-cert file -tls-key file]\n"
"       relay join [-host address] [-insecure] [-o file] [-port port]\n"
"             string [file.rl]\n";

/* The services of a file, or NULL without one.  Errors end the program. */
static struct conf *
read_services(const char *file)
{
	char			 cwd[PATH_MAX];
	struct conf_source	 source = {
		.name = file, .open = conf_open_file, .cwd = cwd,
		.flags = CONF_SERVICES_ONLY
	};
	struct conf_errors	 errs = { 0 };
	struct conf		*conf;

	if (file == NULL)
		return (NULL);
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		err(1, "the current directory");
	conf = conf_parse(&source, &errs);
	conf_errors_print(&errs, stderr);
	conf_errors_free(&errs);
	if (conf == NULL)
		exit(1);
	return (conf);
}

static void
print_statement(FILE *f, const char *keyword, const char *value,
    const char *rest)
{
	fprintf(f, "%s ", keyword);
	conf_print_string(f, value);
	fprintf(f, "%s\n", rest);
}

/* As root: uids that belong to nobody, so that no account is needed. */
static void
print_accounts(FILE *f, const char *id)
{
	uint32_t	 first;
	int		 i;

	if (geteuid() != 0)
		return;
	first = relay_id_uids(id);
	for (i = 0; i < CONF_ACCOUNT_COUNT; i++)
		fprintf(f, "account %s %u\n",
		    conf_account_name((enum conf_account_id)i),
		    first + (uint32_t)i);
}

static void
print_listener(FILE *f, const struct relay_plan *plan)
{
	bool	 tls = plan->tls_cert[0] != '\0';

	if (tls) {
		fprintf(f, "tls certificate ");
		conf_print_string(f, plan->tls_cert);
		print_statement(f, " key", plan->tls_key, "");
	}
	fprintf(f, "listen on %s port %u%s\n", plan->host, plan->port,
	    tls ? " tls" : plan->listen_insecure ? " insecure" : "");
	if (plan->no_authentication)
		fprintf(f, "authentication none\n");
}

static int
print_node(FILE *f, const struct relay_plan *plan,
    const struct relay_dirs *dirs, const struct conf *services)
{
	const struct conf_link	*joined = relay_join_uplink(plan);
	size_t			 i;

	fprintf(f, "# Written by relay(1) at each start.\n");
	print_statement(f, plan->role == ROLE_MAIN ? "node main" :
	    "node home", plan->node_id, "");
	print_listener(f, plan);
	for (i = 0; i < plan->nuplinks; i++) {
		if (&plan->uplinks[i] == joined)
			relay_join_print(f, plan);
		else
			print_statement(f, "uplink", plan->uplinks[i].url.text,
			    plan->uplinks[i].insecure ? " insecure" : "");
	}
	for (i = 0; i < plan->npeers; i++)
		print_statement(f, "peer", plan->peers[i].url.text,
		    plan->peers[i].insecure ? " insecure" : "");
	print_statement(f, "control", dirs->control, "");
	print_statement(f, "state-directory", dirs->state, "");
	print_accounts(f, plan->node_id);
	if (services != NULL)
		return (conf_print(services, f));
	return (fflush(f) == EOF ? -1 : 0);
}

/* Into its place with one rename: a running relayd may read it any time. */
static void
write_conf(const char *path, const struct relay_plan *plan,
    const struct relay_dirs *dirs, const struct conf *services)
{
	char	 tmp[PATH_MAX];
	FILE	*f;
	int	 fd;

	if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= (int)sizeof(tmp))
		errx(1, "%s: the path is too long", path);
	/* mkostemp(3) makes it with mode 0600. */
	if ((fd = mkostemp(tmp, O_CLOEXEC)) == -1 ||
	    (f = fdopen(fd, "w")) == NULL)
		err(1, "%s", tmp);
	if (print_node(f, plan, dirs, services) == -1 || fclose(f) == EOF ||
	    rename(tmp, path) == -1) {
		warn("%s", path);
		unlink(tmp);
		exit(1);
	}
}

static bool
is_program(const char *path)
{
	struct stat	 st;

	return (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0);
}

/*
 * relayd beside this program, or in its folder of the same build tree, or
 * where it was installed.
 */
static void
find_relayd(char *path, size_t size)
{
	static const char *const	 places[] = { "relayd",
					    "../relayd/relayd" };
	char				 self[PATH_MAX];
	char				*slash;
	ssize_t				 n;
	size_t				 i;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(self, '/')) != NULL)
		slash[1] = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (slash != NULL && (size_t)snprintf(path, size, "%s%s",
		    self, places[i]) < size && is_program(path))
			return;
	strlcpy(path, SBIN_DIR "/" RELAYD_NAME, size);
}

/* What somebody who looks at the terminal has to know. */
static void
announce(const struct relay_plan *plan, const struct relay_dirs *dirs,
    const struct conf *services)
{
	size_t	 i;

	printf("node type: %s\nnode id: %s\ncontrol socket: %s\n",
	    role_name(plan->role), plan->node_id, dirs->control);
	for (i = 0; i < plan->nuplinks; i++)
		printf("%s: %s\n", i == 0 ? "uplink" : "fallback",
		    plan->uplinks[i].url.text);
	for (i = 0; i < plan->npeers; i++)
		printf("peer: %s\n", plan->peers[i].url.text);
	for (i = 0; services != NULL && i < services->nservices; i++)
		printf("service: %s %s\n", services->services[i].def.name,
		    services->services[i].def.version);
	if (plan->role == ROLE_MAIN && strcmp(plan->host, "127.0.0.1") == 0)
		printf("This Main listens on loopback only. To let other "
		    "machines in, give it\n-host with an address, -tls-cert "
		    "and -tls-key.\n");
	else if (plan->role == ROLE_MAIN && !plan->no_authentication)
		printf("Nodes of other machines have to join first: "
		    "relay-ctl -s %s\nenroll NODE url URL makes a string for "
		    "relay join.\n", dirs->control);
	if (plan->no_authentication)
		printf("Any node may link with this Main, and say that it is "
		    "whoever it likes.\n");
	fflush(stdout);
}

/* The files of -tls-cert and -tls-key: relayd runs in another directory. */
static void
find_tls_file(const char *flag, char *path)
{
	char	 name[PATH_MAX];

	if (path[0] == '\0')
		return;
	strlcpy(name, path, sizeof(name));
	relay_path_absolute(path, name);
	if (access(path, R_OK) == -1)
		err(1, "-%s: %s", flag, path);
}

/* Which node this is; and where a join has been, what is known by it. */
static void
choose_node(struct relay_plan *plan, const struct relay_args *args,
    struct relay_dirs *dirs)
{
	bool	 joined = false;

	relay_dirs_base(dirs);
	if (plan->node_id[0] == '\0' && relay_join_find(plan, dirs)) {
		relay_dirs_node(dirs, plan->node_id);
		joined = !relay_dirs_in_use(dirs);
	}
	if (plan->node_id[0] != '\0' && (joined || args->join ||
	    args->node_id != NULL))
		relay_dirs_node(dirs, plan->node_id);
	else
		relay_id_automatic(plan->role, dirs, plan->node_id,
		    sizeof(plan->node_id));
	if (relay_dirs_in_use(dirs))
		errx(1, "node %s runs already: something answers on %s",
		    plan->node_id, dirs->control);
	relay_dirs_make(dirs);
	if (args->join)
		relay_join_save(plan, dirs);
	else if (plan->role == ROLE_HOME)
		relay_join_load(plan, dirs);
}

/* Since 1970. */
static int64_t
now_ms(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		err(1, "the time");
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* Read the command line; exits if there is nothing to be run. */
static void
read_arguments(struct relay_plan *plan, struct relay_args *args, int argc,
    char **argv)
{
	static char	 string[JOIN_TEXT_MAX];
	char		 why[LIMIT_CONF_STRING * 2];
	bool		 ok, understood;

	ok = relay_args_parse(args, argc, argv, why, sizeof(why));
	understood = ok;
	if (ok && args->help) {
		fputs(usage, stdout);
		exit(0);
	}
	if (ok && args->string != NULL && strcmp(args->string, "-") == 0) {
		relay_join_read(string, sizeof(string));
		args->string = string;
	}
	if (ok && relay_plan_make(plan, args, now_ms(), why, sizeof(why))) {
		explicit_bzero(string, sizeof(string));
		return;
	}
	warnx("%s", why);
	if (!understood)
		fputs(usage, stderr);
	relay_plan_free(plan);
	exit(1);
}

static void
run_relayd(const char *conf_file)
{
	char	 path[PATH_MAX];

	find_relayd(path, sizeof(path));
	execl(path, "relayd", "-d", "-f", conf_file, (char *)NULL);
	err(1, "%s", path);
}

int
main(int argc, char *argv[])
{
	struct relay_args	 args;
	struct relay_plan	 plan = { 0 };
	struct relay_dirs	 dirs;
	struct conf		*services;
	char			 conf_file[PATH_MAX + 16];

	read_arguments(&plan, &args, argc, argv);
	services = read_services(args.file);
	find_tls_file("tls-cert", plan.tls_cert);
	find_tls_file("tls-key", plan.tls_key);
	if (args.output != NULL) {
		relay_join_output(&plan, &args);
		conf_free(services);
		relay_plan_free(&plan);
		return (0);
	}
	choose_node(&plan, &args, &dirs);
	snprintf(conf_file, sizeof(conf_file), "%s/relayd.conf", dirs.run);
	write_conf(conf_file, &plan, &dirs, services);
	announce(&plan, &dirs, services);
	conf_free(services);
	relay_plan_free(&plan);
	run_relayd(conf_file);
	return (1);
}
