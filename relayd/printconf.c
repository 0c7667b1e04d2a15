/* SPDX-License-Identifier: ISC */
/*
 * Print a configuration in its own language.
 */

#include <sys/types.h>

#include <arpa/inet.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relayd/conf.h"
#include "relayd/printconf.h"

void
conf_print_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
	putc('"', f);
}

static void
print_duration(FILE *f, uint32_t ms)
{
	if (ms % 1000 == 0)
		fprintf(f, "%" PRIu32 "s", ms / 1000);
	else
		fprintf(f, "%" PRIu32 "ms", ms);
}

static void
print_size(FILE *f, uint32_t bytes)
{
	if (bytes % (1U << 20) == 0)
		fprintf(f, "%" PRIu32 "M", bytes >> 20);
	else if (bytes % (1U << 10) == 0)
		fprintf(f, "%" PRIu32 "K", bytes >> 10);
	else
		fprintf(f, "%" PRIu32, bytes);
}

static void
print_account(FILE *f, const struct conf_account *a)
{
	if (a->name != NULL)
		conf_print_string(f, a->name);
	else
		fprintf(f, "%" PRIu32, a->uid);
	putc('\n', f);
}

static void
print_listener(FILE *f, const struct conf_listener *l)
{
	char	 name[128];

	fprintf(f, "listen on ");
	if (l->kind == CONF_LISTEN_UNIX)
		conf_print_string(f, l->path);
	else {
		conf_listener_name(l, name, sizeof(name));
		fprintf(f, "%s", name);
	}
	fprintf(f, "%s\n", l->tls ? " tls" : l->insecure ? " insecure" : "");
}

/* A keyword, a string and perhaps "insecure". */
static void
print_url(FILE *f, const char *keyword, const char *text, bool insecure)
{
	fprintf(f, "%s ", keyword);
	conf_print_string(f, text);
	fprintf(f, "%s\n", insecure ? " insecure" : "");
}

static void
print_backend(FILE *f, const struct conf_service *s)
{
	size_t	 i;

	switch (s->backend) {
	case CONF_BACKEND_EXEC:
		fprintf(f, "\texec");
		for (i = 0; i < s->argc; i++) {
			putc(' ', f);
			conf_print_string(f, s->argv[i]);
		}
		putc('\n', f);
		print_url(f, "\tdirectory", s->directory, false);
		fprintf(f, "\tinstances %" PRIu32 "\n", s->instances);
		if (s->user == NULL)
			break;
		fprintf(f, "\tuser ");
		print_account(f, s->user);
		break;
	case CONF_BACKEND_HTTP:
		print_url(f, "\thttp", s->url.text, s->insecure);
		break;
	case CONF_BACKEND_UNIX:
		print_url(f, "\tunix", s->path, false);
		break;
	}
}

static void
print_methods(FILE *f, const struct service *def)
{
	const struct service_method	*m;
	uint16_t			 i;

	if (def->n_methods == 0)
		return;
	fprintf(f, "\tmethods {\n");
	for (i = 0; i < def->n_methods; i++) {
		m = &def->methods[i];
		fprintf(f, "\t\t\"%s\"", m->name);
		if (m->idempotent || m->timeout_ms > 0)
			fprintf(f, " {");
		if (m->idempotent)
			fprintf(f, " idempotent yes");
		if (m->timeout_ms > 0) {
			fprintf(f, " timeout ");
			print_duration(f, m->timeout_ms);
		}
		fprintf(f, "%s\n", m->idempotent || m->timeout_ms > 0 ?
		    " }" : "");
	}
	fprintf(f, "\t}\n");
}

static void
print_service(FILE *f, const struct conf_service *s)
{
	const struct service	*def = &s->def;
	uint16_t		 i;

	fprintf(f, "service \"%s\" {\n\tversion \"%s\"\n", def->name,
	    def->version);
	print_methods(f, def);
	print_backend(f, s);
	if (s->timeout_ms > 0) {
		fprintf(f, "\ttimeout ");
		print_duration(f, s->timeout_ms);
		putc('\n', f);
	}
	if (def->max_concurrency > 0)
		fprintf(f, "\tmax-concurrency %" PRIu32 "\n",
		    def->max_concurrency);
	fprintf(f, "\tweight %" PRIu32 "\n", def->weight);
	for (i = 0; i < def->n_labels; i++) {
		fprintf(f, "\tlabel ");
		conf_print_string(f, def->labels[i].key);
		putc(' ', f);
		conf_print_string(f, def->labels[i].value);
		putc('\n', f);
	}
	fprintf(f, "\tvisibility %s\n}\n",
	    conf_visibility_name(def->visibility));
}

static void
print_settings(FILE *f, const struct conf *conf)
{
	int	 i;

	fprintf(f, "call-timeout ");
	print_duration(f, conf->call_timeout_ms);
	/* A Main has no uplinks, and so the statement is not for it. */
	if (conf->role == ROLE_HOME) {
		fprintf(f, "\nhold-down ");
		print_duration(f, conf->hold_down_ms);
	}
	fprintf(f, "\nmax-message ");
	print_size(f, conf->max_message);
	fprintf(f, "\nmax-connections %" PRIu32 " per-address %" PRIu32 "\n",
	    conf->max_connections, conf->max_per_address);
	fprintf(f, "log %s\n", conf->log == CONF_LOG_VERBOSE ? "verbose" :
	    "brief");
	fprintf(f, "sandbox %s\n", conf->sandbox == SANDBOX_ENFORCE ?
	    "enforce" : conf->sandbox == SANDBOX_LOG ? "log" : "off");
	print_url(f, "control", conf->control, false);
	print_url(f, "state-directory", conf->state_directory, false);
	for (i = 0; i < CONF_ACCOUNT_COUNT; i++) {
		fprintf(f, "account %s ",
		    conf_account_name((enum conf_account_id)i));
		print_account(f, &conf->accounts[i]);
	}
}

int
conf_print(const struct conf *conf, FILE *f)
{
	size_t	 i;

	/* A service file has no node, and then nothing but services. */
	if (conf->role != 0) {
		fprintf(f, "node %s ", role_name(conf->role));
		conf_print_string(f, conf->node_id);
		putc('\n', f);
		for (i = 0; i < conf->nlisteners; i++)
			print_listener(f, &conf->listeners[i]);
		conf_print_tls(f, conf);
		for (i = 0; i < conf->nuplinks; i++)
			conf_print_link(f, conf, CONF_HOLDER_UPLINK,
			    &conf->uplinks[i]);
		for (i = 0; i < conf->npeers; i++)
			conf_print_link(f, conf, CONF_HOLDER_PEER,
			    &conf->peers[i]);
		conf_print_nodes(f, conf);
		conf_print_rules(f, conf);
		for (i = 0; i < conf->norigins; i++)
			print_url(f, "origin", conf->origins[i].text, false);
		print_settings(f, conf);
	}
	for (i = 0; i < conf->nservices; i++)
		print_service(f, &conf->services[i]);
	return (fflush(f) == 0 && !ferror(f) ? 0 : -1);
}
