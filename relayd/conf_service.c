/* SPDX-License-Identifier: ISC */
/*
 * Service blocks.  A service is added to the configuration when its block
 * opens, so that errors in it do not hide those of the rest.
 */

#include <sys/types.h>
#include <sys/un.h>

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/limits.h"
#include "common/name.h"
#include "relayd/conf_parse.h"

/* Forget what stood once before, from this statement on. */
static void
forget(struct conf_parser *p, enum conf_once first)
{
	memset(&p->once[first], 0,
	    (CONF_ONCE_COUNT - (size_t)first) * sizeof(p->once[0]));
}

void
conf_service_begin(struct conf_parser *p, const struct conf_pos *pos,
    const char *name)
{
	struct conf		*conf = p->conf;
	struct conf_service	*s;

	conf->services = conf_grow(conf->services, &conf->nservices,
	    sizeof(*s));
	s = &conf->services[conf->nservices - 1];
	s->index = (uint32_t)conf->nservices - 1;
	s->pos = *pos;
	s->instances = 1;
	service_init(&s->def);
	p->service = s;
	p->method = NULL;
	p->service_errors = p->errs->nerrors;
	forget(p, CONF_ONCE_VERSION);
	if (!name_service(span_str(name)))
		conf_error(p, pos, "service \"%s\": a name has 1 to %d bytes "
		    "of letters, digits, '_', '.' and '-'", name,
		    LIMIT_SERVICE_NAME);
	else if (strcmp(name, "relay") == 0)
		conf_error(p, pos, "service \"relay\": that name is what each "
		    "node itself serves");
	else
		strlcpy(s->def.name, name, sizeof(s->def.name));
	if (conf->nservices == LIMIT_SERVICES + 1)
		conf_error(p, pos, "service: more than %d services",
		    LIMIT_SERVICES);
}

/* directory, instances and user are about processes: only exec has any. */
static void
check_exec_only(struct conf_parser *p, enum conf_once which,
    const char *statement)
{
	if (p->once[which].file != NULL &&
	    p->service->backend != CONF_BACKEND_EXEC)
		conf_error(p, &p->once[which], "%s: only for a service with "
		    "exec", statement);
}

/* A program runs where the file is that names it. */
static void
default_directory(struct conf_parser *p)
{
	struct conf_service	*s = p->service;
	size_t			 len;

	if (s->backend != CONF_BACKEND_EXEC || s->directory != NULL ||
	    (s->directory = conf_path_absolute(p, &s->pos, "")) == NULL)
		return;
	for (len = strlen(s->directory); len > 1; len--) {
		if (s->directory[len - 1] != '/')
			break;
		s->directory[len - 1] = '\0';
	}
}

void
conf_service_end(struct conf_parser *p)
{
	struct conf_service	*s = p->service;

	default_directory(p);
	if (p->once[CONF_ONCE_BACKEND].file != NULL) {
		check_exec_only(p, CONF_ONCE_DIRECTORY, "directory");
		check_exec_only(p, CONF_ONCE_INSTANCES, "instances");
		check_exec_only(p, CONF_ONCE_USER, "user");
	} else if (p->errs->nerrors == p->service_errors)
		conf_error(p, &s->pos, "service \"%s\": it has no backend, "
		    "which is one of exec, http and unix", s->def.name);
	p->service = NULL;
	p->method = NULL;
}

void
conf_service_version(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	struct service	*def = &p->service->def;

	if (!conf_once(p, pos, CONF_ONCE_VERSION, "version"))
		return;
	if (!name_version(span_str(text)))
		conf_error(p, pos, "version \"%s\": written as in 1.0.0 or "
		    "2.1.0-rc.1 (semver.org), at most %d bytes", text,
		    LIMIT_VERSION);
	else
		strlcpy(def->version, text, sizeof(def->version));
}

void
conf_service_methods(struct conf_parser *p, const struct conf_pos *pos)
{
	conf_once(p, pos, CONF_ONCE_METHODS, "methods");
}

/* p->method is then where its block goes, NULL if there was an error. */
void
conf_service_method(struct conf_parser *p, const struct conf_pos *pos,
    const char *name)
{
	struct service	*def = &p->service->def;
	size_t		 n = def->n_methods;

	p->method = NULL;
	forget(p, CONF_ONCE_IDEMPOTENT);
	if (!name_method(span_str(name))) {
		conf_error(p, pos, "method \"%s\": a name has 1 to %d bytes "
		    "of letters, digits, '_', '.' and '-'", name,
		    LIMIT_METHOD_NAME);
		return;
	}
	if (service_method(def, span_str(name)) != NULL) {
		conf_error(p, pos, "method \"%s\": already in this service",
		    name);
		return;
	}
	if (n >= LIMIT_METHODS) {
		conf_error(p, pos, "method \"%s\": more than %d methods",
		    name, LIMIT_METHODS);
		return;
	}
	def->methods = conf_grow(def->methods, &n, sizeof(def->methods[0]));
	p->method = &def->methods[n - 1];
	def->n_methods = (uint16_t)n;
	strlcpy(p->method->name, name, sizeof(p->method->name));
}

void
conf_method_idempotent(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	static const char *const	 words[] = { "no", "yes", NULL };
	int				 i;

	if (conf_once(p, pos, CONF_ONCE_IDEMPOTENT, "idempotent") &&
	    (i = conf_choice(p, pos, "idempotent", text, words)) != -1 &&
	    p->method != NULL)
		p->method->idempotent = i == 1;
}

void
conf_method_timeout(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	uint32_t	 ms;

	if (conf_once(p, pos, CONF_ONCE_METHOD_TIMEOUT, "timeout") &&
	    conf_duration(p, pos, "timeout", text, 1, LIMIT_TIMEOUT_MAX_MS,
	    &ms) && p->method != NULL)
		p->method->timeout_ms = ms;
}

/* False, and an error, if the service has a backend already. */
static bool
set_backend(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_backend backend)
{
	struct conf_service	*s = p->service;
	const struct conf_pos	*first = &p->once[CONF_ONCE_BACKEND];

	if (first->file != NULL) {
		conf_error(p, pos, "%s: the service has a backend already, at "
		    "%s:%u", conf_backend_name(backend), first->file,
		    first->line);
		return (false);
	}
	p->once[CONF_ONCE_BACKEND] = *pos;
	s->backend = backend;
	s->backend_pos = *pos;
	return (true);
}

void
conf_service_exec(struct conf_parser *p, const struct conf_pos *pos,
    const char *program)
{
	struct conf_service	*s = p->service;

	p->in_exec = false;
	if (!set_backend(p, pos, CONF_BACKEND_EXEC))
		return;
	if (program[0] == '\0') {
		conf_error(p, pos, "exec: the program has no name");
		return;
	}
	if ((program = conf_path_absolute(p, pos, program)) == NULL)
		return;
	s->argv = conf_alloc((LIMIT_CONF_ARGS + 1) * sizeof(s->argv[0]));
	s->argv[s->argc++] = (char *)(uintptr_t)program;
	p->in_exec = true;
}

void
conf_service_arg(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	struct conf_service	*s = p->service;

	if (!p->in_exec)
		return;
	if (s->argc >= LIMIT_CONF_ARGS) {
		conf_error(p, pos, "exec: more than %d words",
		    LIMIT_CONF_ARGS);
		p->in_exec = false;
		return;
	}
	s->argv[s->argc++] = conf_strdup(text);
}

void
conf_service_http(struct conf_parser *p, const struct conf_pos *pos,
    const char *text, bool insecure)
{
	struct conf_service	*s = p->service;
	const char		*why;

	if (!set_backend(p, pos, CONF_BACKEND_HTTP))
		return;
	if ((why = url_check(text, "http", "/", &s->url)) != NULL) {
		conf_error(p, pos, "http \"%s\": %s", text, why);
		return;
	}
	if (!s->url.loopback && !insecure)
		conf_error(p, pos, "http \"%s\": http:// carries calls in the "
		    "clear; write \"insecure\" behind it if that is "
		    "acceptable", text);
	s->insecure = insecure;
}

void
conf_service_unix(struct conf_parser *p, const struct conf_pos *pos,
    const char *path)
{
	struct conf_service	*s = p->service;

	if (!set_backend(p, pos, CONF_BACKEND_UNIX))
		return;
	if (path[0] == '\0') {
		conf_error(p, pos, "unix: the path is empty");
		return;
	}
	if ((s->path = conf_path_absolute(p, pos, path)) == NULL)
		return;
	if (strlen(s->path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		conf_error(p, pos, "unix \"%s\": the path is longer than the "
		    "%zu bytes of a socket address", s->path,
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
}

void
conf_service_directory(struct conf_parser *p, const struct conf_pos *pos,
    const char *path)
{
	if (!conf_once(p, pos, CONF_ONCE_DIRECTORY, "directory"))
		return;
	if (path[0] == '\0')
		conf_error(p, pos, "directory: the path is empty");
	else
		p->service->directory = conf_path_absolute(p, pos, path);
}

void
conf_service_instances(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_INSTANCES, "instances"))
		conf_number(p, pos, "instances", text, 1, LIMIT_INSTANCES,
		    &p->service->instances);
}

void
conf_service_user(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	struct conf_account	 account = { 0 };

	if (!conf_once(p, pos, CONF_ONCE_USER, "user") ||
	    !conf_account_parse(p, pos, text, &account))
		return;
	p->service->user = conf_alloc(sizeof(account));
	*p->service->user = account;
}

void
conf_service_timeout(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_TIMEOUT, "timeout"))
		conf_duration(p, pos, "timeout", text, 1,
		    LIMIT_TIMEOUT_MAX_MS, &p->service->timeout_ms);
}

void
conf_service_max_concurrency(struct conf_parser *p,
    const struct conf_pos *pos, const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_MAX_CONCURRENCY, "max-concurrency"))
		conf_number(p, pos, "max-concurrency", text, 1,
		    LIMIT_CONCURRENCY, &p->service->def.max_concurrency);
}

void
conf_service_weight(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_WEIGHT, "weight"))
		conf_number(p, pos, "weight", text, 1, LIMIT_WEIGHT,
		    &p->service->def.weight);
}

void
conf_service_label(struct conf_parser *p, const struct conf_pos *pos,
    const char *key, const char *value)
{
	struct service	*def = &p->service->def;
	size_t		 n;

	if (!name_service(span_str(key)) || strlen(key) > LIMIT_LABEL) {
		conf_error(p, pos, "label \"%s\": a key has 1 to %d bytes of "
		    "letters, digits, '_', '.' and '-'", key, LIMIT_LABEL);
		return;
	}
	if (strlen(value) > LIMIT_LABEL) {
		conf_error(p, pos, "label \"%s\": the value has more than %d "
		    "bytes", key, LIMIT_LABEL);
		return;
	}
	for (n = 0; n < def->n_labels; n++) {
		if (strcmp(def->labels[n].key, key) != 0)
			continue;
		conf_error(p, pos, "label \"%s\": already in this service",
		    key);
		return;
	}
	if (n >= LIMIT_LABELS) {
		conf_error(p, pos, "label \"%s\": more than %d labels", key,
		    LIMIT_LABELS);
		return;
	}
	def->labels = conf_grow(def->labels, &n, sizeof(def->labels[0]));
	def->n_labels = (uint16_t)n;
	strlcpy(def->labels[n - 1].key, key, sizeof(def->labels[0].key));
	strlcpy(def->labels[n - 1].value, value,
	    sizeof(def->labels[0].value));
}

void
conf_service_visibility(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_VISIBILITY, "visibility"))
		(void)conf_visibility(p, pos, text,
		    &p->service->def.visibility);
}
