/* SPDX-License-Identifier: ISC */
/*
 * Print what a configuration says of TLS, credentials and policy.  Of secrets
 * it knows the names of their files and nothing else.
 */

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf.h"
#include "relayd/printconf.h"

static void
print_option(FILE *f, const char *keyword, const char *text)
{
	fprintf(f, "%s ", keyword);
	conf_print_string(f, text);
}

void
conf_print_tls(FILE *f, const struct conf *conf)
{
	size_t	 i;

	for (i = 0; i < conf->nkeys; i++) {
		if (!conf->keys[i].server)
			continue;
		print_option(f, "tls certificate", conf->keys[i].certificate);
		print_option(f, " key", conf->keys[i].key);
		putc('\n', f);
	}
	for (i = 0; i < conf->ncas; i++) {
		if (!conf->cas[i].clients)
			continue;
		print_option(f, "tls client-ca", conf->cas[i].file);
		putc('\n', f);
	}
	if (conf->role != ROLE_MAIN)
		return;
	if (conf->url.text != NULL) {
		print_option(f, "url", conf->url.text);
		putc('\n', f);
	}
	fprintf(f, "authentication %s\n",
	    conf_authentication_name(conf->authentication));
}

static void
print_credentials(FILE *f, const struct conf *conf, enum conf_holder holder,
    uint32_t index)
{
	const struct conf_credential	*c;
	size_t				 i;

	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		if (c->holder != holder || c->index != index)
			continue;
		putc('\t', f);
		print_option(f, conf_method_name(c->method),
		    c->value != NULL ? c->value : c->file);
		putc('\n', f);
	}
}

static bool
has_options(const struct conf *conf, enum conf_holder holder,
    const struct conf_link *l)
{
	size_t	 i;

	if (l->ca != CONF_NONE || l->key != CONF_NONE || l->pin != NULL)
		return (true);
	for (i = 0; i < conf->ncredentials; i++) {
		if (conf->credentials[i].holder == holder &&
		    conf->credentials[i].index == l->index)
			return (true);
	}
	return (false);
}

static void
print_line(FILE *f, const char *keyword, const char *text)
{
	putc('\t', f);
	print_option(f, keyword, text);
	putc('\n', f);
}

void
conf_print_link(FILE *f, const struct conf *conf, enum conf_holder holder,
    const struct conf_link *l)
{
	print_option(f, conf_holder_name(holder), l->url.text);
	if (l->insecure)
		fprintf(f, " insecure");
	if (!has_options(conf, holder, l)) {
		if (l->node_id != NULL) {
			print_option(f, " { node", l->node_id);
			fprintf(f, " }");
		}
		putc('\n', f);
		return;
	}
	fprintf(f, " {\n");
	if (l->node_id != NULL)
		print_line(f, "node", l->node_id);
	if (l->ca != CONF_NONE)
		print_line(f, "ca", conf->cas[l->ca].file);
	if (l->pin != NULL)
		print_line(f, "pin", l->pin);
	if (l->key != CONF_NONE) {
		putc('\t', f);
		print_option(f, "certificate", conf->keys[l->key].certificate);
		print_option(f, " key", conf->keys[l->key].key);
		putc('\n', f);
	}
	print_credentials(f, conf, holder, l->index);
	fprintf(f, "}\n");
}

void
conf_print_nodes(FILE *f, const struct conf *conf)
{
	const struct conf_node	*node;
	size_t			 i;

	for (i = 0; i < conf->nnodes; i++) {
		node = &conf->nodes[i];
		print_option(f, conf_holder_name(node->holder), node->node_id);
		fprintf(f, " {\n");
		print_credentials(f, conf, node->holder, node->index);
		fprintf(f, "}\n");
	}
}

void
conf_print_rules(FILE *f, const struct conf *conf)
{
	char		 text[2 * LIMIT_CONF_STRING];
	uint32_t	 i;

	for (i = 0; i < conf->policy.n; i++) {
		policy_text(&conf->policy.rules[i], text, sizeof(text));
		fprintf(f, "%s\n", text);
	}
}
