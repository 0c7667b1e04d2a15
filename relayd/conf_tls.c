/* SPDX-License-Identifier: ISC */
/*
 * TLS of the node itself: certificates with their keys, and authorities.  The
 * configuration has the names of the files; who opens them is not known here.
 */

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

char *
conf_file(struct conf_parser *p, const struct conf_pos *pos, const char *what,
    const char *text)
{
	size_t	 len = strlen(text);

	if (len > 0 && text[len - 1] != '/')
		return (conf_path_absolute(p, pos, text));
	conf_error(p, pos, "%s \"%s\": this is not the path of a file", what,
	    text);
	return (NULL);
}

uint32_t
conf_ca_add(struct conf_parser *p, const struct conf_pos *pos,
    const char *file, bool clients)
{
	struct conf	*conf = p->conf;
	struct conf_ca	*ca;
	uint32_t	 i;

	for (i = 0; i < conf->ncas; i++) {
		if (conf->cas[i].clients == clients &&
		    strcmp(conf->cas[i].file, file) == 0)
			return (i);
	}
	/* One more may be needed for peers that are added at run time. */
	if (i >= LIMIT_CAS - 1) {
		conf_error(p, pos, "ca: more than %d files", LIMIT_CAS - 1);
		return (CONF_NONE);
	}
	conf->cas = conf_grow(conf->cas, &conf->ncas, sizeof(*conf->cas));
	ca = &conf->cas[i];
	ca->index = i;
	ca->pos = *pos;
	ca->clients = clients;
	ca->file = conf_strdup(file);
	return (i);
}

uint32_t
conf_key_add(struct conf_parser *p, const struct conf_pos *pos,
    const char *certificate, const char *key, bool server)
{
	struct conf	*conf = p->conf;
	struct conf_key	*k;
	uint32_t	 i;

	for (i = 0; i < conf->nkeys; i++) {
		k = &conf->keys[i];
		if (k->server == server && strcmp(k->key, key) == 0 &&
		    strcmp(k->certificate, certificate) == 0)
			return (i);
	}
	if (i >= LIMIT_KEYS) {
		conf_error(p, pos, "certificate: more than %d", LIMIT_KEYS);
		return (CONF_NONE);
	}
	conf->keys = conf_grow(conf->keys, &conf->nkeys, sizeof(*conf->keys));
	k = &conf->keys[i];
	k->index = i;
	k->pos = *pos;
	k->server = server;
	k->certificate = conf_strdup(certificate);
	k->key = conf_strdup(key);
	return (i);
}

static void
add_server_key(struct conf_parser *p, const struct conf_pos *pos,
    const char *certificate, const char *key)
{
	const struct conf	*conf = p->conf;
	size_t			 i;

	for (i = 0; i < conf->nkeys; i++) {
		if (!conf->keys[i].server ||
		    strcmp(conf->keys[i].certificate, certificate) != 0)
			continue;
		conf_error(p, pos, "tls certificate \"%s\": already given at "
		    "%s:%u", certificate, conf->keys[i].pos.file,
		    conf->keys[i].pos.line);
		return;
	}
	(void)conf_key_add(p, pos, certificate, key, true);
}

void
conf_stmt_tls(struct conf_parser *p, const struct conf_pos *pos,
    const char *certificate, const char *key)
{
	char	*cert_file, *key_file = NULL;

	cert_file = conf_file(p, pos, "tls certificate", certificate);
	if (cert_file != NULL)
		key_file = conf_file(p, pos, "key", key);
	if (key_file != NULL)
		add_server_key(p, pos, cert_file, key_file);
	free(cert_file);
	free(key_file);
}

void
conf_stmt_client_ca(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	char	*file;

	if (!conf_once(p, pos, CONF_ONCE_CLIENT_CA, "tls client-ca") ||
	    (file = conf_file(p, pos, "tls client-ca", text)) == NULL)
		return;
	(void)conf_ca_add(p, pos, file, true);
	free(file);
}

void
conf_stmt_url(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	const char	*why;

	if (!conf_once(p, pos, CONF_ONCE_URL, "url"))
		return;
	if ((why = url_check(text, "ws", "/ws/federation", &p->conf->url)) !=
	    NULL)
		conf_error(p, pos, "url \"%s\": %s", text, why);
	else
		p->conf->url_pos = *pos;
}

void
conf_stmt_authentication(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	static const char *const	 words[] = { "required", "loopback",
					    "none", NULL };
	int				 i;

	if (conf_once(p, pos, CONF_ONCE_AUTHENTICATION, "authentication") &&
	    (i = conf_choice(p, pos, "authentication", text, words)) != -1)
		p->conf->authentication =
		    (enum conf_authentication)(CONF_AUTH_REQUIRED + i);
}

/* --- cross checks --- */

static size_t
count_tls_listeners(const struct conf *conf)
{
	size_t	 i, n = 0;

	for (i = 0; i < conf->nlisteners; i++)
		n += conf->listeners[i].tls;
	return (n);
}

static const struct conf_key *
first_server_key(const struct conf *conf)
{
	size_t	 i;

	for (i = 0; i < conf->nkeys; i++)
		if (conf->keys[i].server)
			return (&conf->keys[i]);
	return (NULL);
}

void
conf_check_tls(struct conf_parser *p)
{
	const struct conf	*conf = p->conf;
	const struct conf_key	*key = first_server_key(conf);
	const struct conf_pos	*clients = &p->once[CONF_ONCE_CLIENT_CA];
	size_t			 i;

	if (count_tls_listeners(conf) == 0) {
		if (key != NULL)
			conf_warning(p, &key->pos, "tls certificate: no "
			    "listener has \"tls\" behind it");
		if (clients->file != NULL)
			conf_warning(p, clients, "tls client-ca: no listener "
			    "has \"tls\" behind it");
		return;
	}
	for (i = 0; key == NULL && i < conf->nlisteners; i++) {
		if (conf->listeners[i].tls)
			conf_error(p, &conf->listeners[i].pos, "listen ... "
			    "tls: there is no \"tls certificate\" statement");
	}
}
