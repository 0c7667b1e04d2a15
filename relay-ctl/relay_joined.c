/* SPDX-License-Identifier: ISC */
/*
 * What relay(1) keeps of a join.  In the state directory of the node:
 *
 * join		the one-time secret, until it is used
 * joined	the join string without the secret: which Main that was
 *
 * and in that of all nodes JOINED-X, the id of the node that joined last by a
 * URL, X being a digest of that.
 */

#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/b64url.h"
#include "relay-ctl/relay.h"

void
relay_join_read(char *text, size_t size)
{
	if (fgets(text, (int)size, stdin) == NULL)
		errx(1, "there is no join string on standard input");
	text[strcspn(text, "\r\n")] = '\0';
}

/* Write a file that only we can read, in one go. */
static void
write_private(const char *path, const char *text)
{
	char	 tmp[PATH_MAX];
	FILE	*f;
	int	 fd;

	relay_path(tmp, path, ".XXXXXX");
	/* mkostemp(3) makes it with mode 0600. */
	if ((fd = mkostemp(tmp, O_CLOEXEC)) == -1 ||
	    (f = fdopen(fd, "w")) == NULL)
		err(1, "%s", tmp);
	if (fprintf(f, "%s\n", text) < 0 || fflush(f) == EOF ||
	    fsync(fd) == -1 || fclose(f) == EOF || rename(tmp, path) == -1) {
		warn("%s", path);
		unlink(tmp);
		exit(1);
	}
}

/* Its line; false if there is no such file. */
static bool
read_private(const char *path, char *text, size_t size)
{
	struct stat	 st;
	FILE		*f;
	int		 fd;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return (false);
	if (fd == -1 || fstat(fd, &st) == -1)
		err(1, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		errx(1, "%s: others can read or write this file", path);
	if ((f = fdopen(fd, "r")) == NULL)
		err(1, "%s", path);
	if (fgets(text, (int)size, f) == NULL)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(f);
	return (true);
}

static void
secret_text(const struct join *j, char *text)
{
	b64url_encode(j->secret, JOIN_SECRET, text);
}

/* All but the secret and its end, which are of no more use. */
static void
public_text(const struct join *j, char *text, size_t size)
{
	struct join	 copy = *j;

	memset(copy.secret, 0, sizeof(copy.secret));
	copy.expires_ms = 0;
	if (!join_encode(&copy, text, size))
		errx(1, "the join string is too long");
}

static void
url_path(const struct relay_dirs *dirs, const char *url, char *path)
{
	char	 digest[17], name[32];

	relay_id_digest(url, strlen(url), digest);
	snprintf(name, sizeof(name), "/JOINED-%s", digest);
	relay_path(path, dirs->state_base, name);
}

void
relay_join_save(struct relay_plan *plan, const struct relay_dirs *dirs)
{
	char	 path[PATH_MAX], text[JOIN_TEXT_MAX];

	relay_path(plan->join_file, dirs->state, "/join");
	secret_text(&plan->join, text);
	write_private(plan->join_file, text);
	explicit_bzero(text, sizeof(text));
	relay_path(path, dirs->state, "/joined");
	public_text(&plan->join, text, sizeof(text));
	write_private(path, text);
	url_path(dirs, plan->uplinks[0].url.text, path);
	write_private(path, plan->node_id);
}

void
relay_join_load(struct relay_plan *plan, const struct relay_dirs *dirs)
{
	char		 path[PATH_MAX], text[JOIN_TEXT_MAX];
	const char	*why;

	relay_path(path, dirs->state, "/joined");
	if (!read_private(path, text, sizeof(text)))
		return;
	if ((why = join_decode(text, &plan->join)) != NULL)
		errx(1, "%s: %s; join again, or remove it", path, why);
	if (strcmp(plan->join.node_id, plan->node_id) != 0)
		errx(1, "%s: this is of node %s", path, plan->join.node_id);
	if (relay_join_uplink(plan) == NULL)
		return;
	relay_path(plan->join_file, dirs->state, "/join");
	if (access(plan->join_file, F_OK) == -1)
		plan->join_file[0] = '\0';
}

bool
relay_join_find(struct relay_plan *plan, const struct relay_dirs *dirs)
{
	char	 path[PATH_MAX], text[LIMIT_NODE_ID + 2];

	if (plan->nuplinks == 0)
		return (false);
	url_path(dirs, plan->uplinks[0].url.text, path);
	return (read_private(path, text, sizeof(text)) &&
	    conf_check_node_id(text, plan->node_id,
	    sizeof(plan->node_id)) == NULL);
}

/* --- for relayd(8) --- */

/* The uplink by which a configuration has this node join this Main, or NULL. */
static const struct conf_link *
find_waiting(const struct conf *conf, const struct relay_plan *plan)
{
	const struct conf_credential	*c;
	const struct conf_link		*u;
	size_t				 i;

	if (conf->role != ROLE_HOME ||
	    strcmp(conf->node_id, plan->node_id) != 0)
		return (NULL);
	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		if (c->holder != CONF_HOLDER_UPLINK ||
		    c->method != CONF_METHOD_JOIN)
			continue;
		u = &conf->uplinks[c->index];
		if (strcmp(c->file, plan->join_file) == 0 &&
		    strcmp(u->url.text, plan->uplinks[0].url.text) == 0)
			return (u);
	}
	return (NULL);
}

static bool
has_key(const struct conf *conf, const struct conf_link *u, const char *key)
{
	const struct conf_credential	*c;
	size_t				 i;

	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		if (c->holder == CONF_HOLDER_UPLINK && c->index == u->index &&
		    c->method == CONF_METHOD_KEY && strcmp(c->value, key) == 0)
			return (true);
	}
	return (false);
}

/* The uplink would not know the Main of the join string: say by what. */
static void
check_main(const char *file, const struct conf *conf,
    const struct conf_link *u, const struct join *j)
{
	const char	*what = NULL, *value = NULL;
	char		 key[MAIN_KEY_TEXT];

	relay_join_key(j, key);
	if (!has_key(conf, u, key)) {
		what = "key";
		value = key;
	} else if (strcmp(u->node_id, j->main_id) != 0) {
		what = "node";
		value = j->main_id;
	} else if (j->pin[0] != '\0' && u->ca_pos.file == NULL &&
	    (u->pin == NULL || strcmp(u->pin, j->pin) != 0)) {
		what = "pin";
		value = j->pin;
	}
	if (what != NULL)
		errx(1, "%s:%u: this uplink has another %s than the join "
		    "string: write %s \"%s\" there, or remove the file and "
		    "join anew", file, u->pos.line, what, what, value);
}

/*
 * There is such a file.  If it was written for this node and Main, a new
 * secret is all it needs.
 */
static void
output_again(struct relay_plan *plan, const char *file)
{
	struct conf_source	 source = { .name = file,
				    .open = conf_open_file, .cwd = "/" };
	struct conf_errors	 errs = { 0 };
	struct conf		*conf = conf_parse(&source, &errs);
	const struct conf_link	*u = NULL;
	char			 secret[B64URL_SIZE(JOIN_SECRET)];

	conf_errors_free(&errs);
	if (conf == NULL || (u = find_waiting(conf, plan)) == NULL)
		errx(1, "%s: exists already, and has no uplink by which %s "
		    "would join %s", file, plan->node_id,
		    plan->uplinks[0].url.text);
	check_main(file, conf, u, &plan->join);
	conf_free(conf);
	secret_text(&plan->join, secret);
	write_private(plan->join_file, secret);
	explicit_bzero(secret, sizeof(secret));
	printf("node id: %s\nuplink: %s\nconfiguration: %s, as it was\n"
	    "The secret that joins once is in %s.\n"
	    "Next: relay-ctl reload\n", plan->node_id, plan->uplinks[0].url.text,
	    file, plan->join_file);
}

/* A file that is not there yet. */
static FILE *
create(const char *path, mode_t mode)
{
	FILE	*f;
	int	 fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd == -1 || (f = fdopen(fd, "w")) == NULL)
		err(1, "%s", path);
	return (f);
}

static bool
finish(FILE *f)
{
	bool	 ok = fflush(f) == 0 && fsync(fileno(f)) == 0;

	return (fclose(f) == 0 && ok);
}

static void
print_conf(FILE *f, const struct relay_plan *plan, const char *services)
{
	fprintf(f, "# Written by relay(1).\nnode home ");
	conf_print_string(f, plan->node_id);
	fprintf(f, "\nlisten on %s port %u\n", plan->host, plan->port);
	relay_join_print(f, plan);
	if (services[0] != '\0') {
		fprintf(f, "include ");
		conf_print_string(f, services);
		fputc('\n', f);
	}
}

void
relay_join_output(struct relay_plan *plan, const struct relay_args *args)
{
	char	 conf[PATH_MAX], services[PATH_MAX] = "";
	char	 secret[B64URL_SIZE(JOIN_SECRET)];
	FILE	*f;
	bool	 ok;

	relay_path_absolute(conf, args->output);
	if (args->file != NULL)
		relay_path_absolute(services, args->file);
	relay_path(plan->join_file, conf, ".join");
	if (faccessat(AT_FDCWD, conf, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		output_again(plan, conf);
		return;
	}
	f = create(plan->join_file, 0600);
	secret_text(&plan->join, secret);
	ok = fprintf(f, "%s\n", secret) > 0;
	explicit_bzero(secret, sizeof(secret));
	if (!finish(f) || !ok) {
		warn("%s", plan->join_file);
		unlink(plan->join_file);
		exit(1);
	}
	f = create(conf, 0644);
	print_conf(f, plan, services);
	if (!finish(f)) {
		warn("%s", conf);
		unlink(conf);
		unlink(plan->join_file);
		exit(1);
	}
	printf("node id: %s\nuplink: %s\nconfiguration: %s\n"
	    "The secret that joins once is in %s.\nNext: relayd -n -f %s to "
	    "check it, then relayd -f %s\n", plan->node_id,
	    plan->uplinks[0].url.text, conf, plan->join_file, conf, conf);
}
