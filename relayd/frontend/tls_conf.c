/* SPDX-License-Identifier: ISC */
/* See tls_conf.h. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/frontend/tls_ctx.h"

#define CHAIN_MAX	65536	/* octets of a chain: clients take no more */
#define READ_STEP	16384U	/* octets: first allocation for a file */

struct tls_conf *
tls_conf_new(struct tls *t, uint32_t generation)
{
	struct tls_conf	*conf = calloc(1, sizeof(*conf));

	if (conf == NULL)
		fatal("out of memory for a configuration");
	conf->tls = t;
	conf->refs = 1;
	conf->generation = generation;
	return (conf);
}

struct tls_conf *
tls_conf_ref(struct tls_conf *conf)
{
	conf->refs++;
	return (conf);
}

static void
file_clear(struct tls_file *f)
{
	free(f->name);
	free(f->pem);
	f->name = NULL;
	f->pem = NULL;
}

static void
cert_clear(struct tls_cert *cert)
{
	file_clear(&cert->file);
	X509_free(cert->leaf);
	sk_X509_pop_free(cert->chain, X509_free);
	tls_names_free(&cert->names);
	SSL_CTX_free(cert->ctx);
}

static void
ca_clear(struct tls_ca *ca)
{
	file_clear(&ca->file);
	X509_STORE_free(ca->store);
	sk_X509_NAME_pop_free(ca->names, X509_NAME_free);
}

static void
target_free(struct tls_target *target)
{
	SSL_CTX_free(target->ctx);
	free(target->host);
	free(target);
}

void
tls_conf_unref(struct tls_conf *conf)
{
	size_t	i;

	if (conf == NULL || --conf->refs > 0)
		return;
	for (i = 0; i < conf->ncerts; i++)
		cert_clear(&conf->certs[i]);
	for (i = 0; i < conf->ncas; i++)
		ca_clear(&conf->cas[i]);
	for (i = 0; i < conf->ntargets; i++)
		target_free(conf->targets[i]);
	free(conf);
}

/* --- what comes --- */

/* Remember the first thing that is wrong. */
static void __attribute__((format(printf, 4, 5)))
complain(struct tls_conf *conf, const char *what, const char *file,
    const char *fmt, ...)
{
	va_list	ap;
	size_t	n;

	if (conf->fault[0] != '\0')
		return;
	snprintf(conf->fault, sizeof(conf->fault), "tls %s %s: ", what, file);
	n = strlen(conf->fault);
	va_start(ap, fmt);
	vsnprintf(conf->fault + n, sizeof(conf->fault) - n, fmt, ap);
	va_end(ap);
}

/* All of the file; its errno, or EFBIG, if that fails. */
static int
read_all(struct tls_file *f, int fd)
{
	size_t	cap = 0;
	ssize_t	n;

	do {
		if (f->len == cap) {
			cap = cap > 0 ? 2 * cap : READ_STEP;
			f->pem = realloc(f->pem, cap);
			if (f->pem == NULL)
				fatal("out of memory for a certificate");
		}
		n = read(fd, f->pem + f->len, cap - f->len);
		if (n > 0)
			f->len += (size_t)n;
		if (f->len > LIMIT_PEM)
			return (EFBIG);
	} while (n > 0 || (n == -1 && errno == EINTR));
	return (n == -1 ? errno : 0);
}

/* Take a file in; its fd is closed. */
static void
take_file(struct tls_conf *conf, struct tls_file *f, const char *what,
    uint32_t index, struct span file, int fd)
{
	int	error;

	f->index = index;
	f->name = strndup(file.p, file.len);
	if (f->name == NULL)
		fatal("out of memory for a certificate");
	error = read_all(f, fd);
	close(fd);
	if (error != 0)
		complain(conf, what, f->name, "%s", strerror(error));
}

bool
tls_conf_cert(struct tls_conf *conf, uint32_t index, bool server,
    struct span file, int fd)
{
	struct tls_cert	*cert;

	if (conf->ncerts == LIMIT_KEYS) {
		close(fd);
		return (false);
	}
	cert = &conf->certs[conf->ncerts++];
	cert->server = server;
	take_file(conf, &cert->file, "certificate", index, file, fd);
	return (true);
}

bool
tls_conf_ca(struct tls_conf *conf, uint32_t index, bool clients,
    struct span file, int fd)
{
	struct tls_ca	*ca;

	if (conf->ncas == LIMIT_CAS) {
		close(fd);
		return (false);
	}
	ca = &conf->cas[conf->ncas++];
	ca->clients = clients;
	take_file(conf, &ca->file, clients ? "client-ca" : "ca", index, file,
	    fd);
	return (true);
}

static bool
is_address(const char *host)
{
	struct in6_addr	addr;

	return (inet_pton(AF_INET, host, &addr) == 1 ||
	    inet_pton(AF_INET6, host, &addr) == 1);
}

struct tls_target *
tls_conf_target(struct tls_conf *conf, struct span host, uint16_t port,
    uint32_t ca, struct span pin, uint32_t key)
{
	struct tls_target	*target;

	if (conf->ntargets == LIMIT_PEERS)
		return (NULL);
	target = calloc(1, sizeof(*target));
	if (target == NULL ||
	    (target->host = strndup(host.p, host.len)) == NULL)
		fatal("out of memory for a configuration");
	target->conf = conf;
	target->port = port;
	target->numeric = is_address(target->host);
	target->ca = ca;
	target->key = key;
	if (!span_copy(pin, target->pin, sizeof(target->pin)))
		complain(conf, "pin", target->host, "too long");
	conf->targets[conf->ntargets++] = target;
	return (target);
}

/* --- parsing --- */

/* The next certificate; NULL at the end, and why if it is malformed. */
static X509 *
next_cert(BIO *b, const char **why)
{
	X509		*cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
	unsigned long	 code;

	if (cert != NULL)
		return (cert);
	code = ERR_peek_last_error();
	if (ERR_GET_LIB(code) != ERR_LIB_PEM ||
	    ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
		*why = tls_reason();
	ERR_clear_error();
	return (NULL);
}

/* All certificates of a file; NULL and why if there are none. */
static STACK_OF(X509) *
parse(const struct tls_file *f, const char **why)
{
	BIO		*b = BIO_new_mem_buf(f->pem, (int)f->len);
	STACK_OF(X509)	*all = sk_X509_new_null();
	X509		*cert;

	if (b == NULL || all == NULL)
		fatal("out of memory for a certificate");
	*why = NULL;
	ERR_clear_error();
	while ((cert = next_cert(b, why)) != NULL) {
		if (sk_X509_push(all, cert) == 0)
			fatal("out of memory for a certificate");
	}
	BIO_free(b);
	if (*why == NULL && sk_X509_num(all) == 0)
		*why = "no certificate in it";
	if (*why == NULL)
		return (all);
	sk_X509_pop_free(all, X509_free);
	return (NULL);
}

/* Octets of them on the wire. */
static size_t
chain_size(const STACK_OF(X509) *all)
{
	size_t	n = 0;
	int	i;

	for (i = 0; i < sk_X509_num(all); i++)
		n += (size_t)i2d_X509(sk_X509_value(all, i), NULL);
	return (n);
}

static bool
parse_cert(struct tls_conf *conf, struct tls_cert *cert)
{
	const char	*why;
	STACK_OF(X509)	*all = parse(&cert->file, &why);

	if (all != NULL && chain_size(all) > CHAIN_MAX) {
		sk_X509_pop_free(all, X509_free);
		all = NULL;
		why = "more certificates than anybody takes";
	}
	if (all == NULL) {
		complain(conf, "certificate", cert->file.name, "%s", why);
		return (false);
	}
	cert->leaf = sk_X509_shift(all);
	cert->chain = all;
	tls_names_get(cert->leaf, &cert->names);
	return (true);
}

/* Trust them all. */
static bool
fill_store(struct tls_ca *ca, const STACK_OF(X509) *all)
{
	X509_NAME	*name;
	int		 i;

	ca->store = X509_STORE_new();
	ca->names = sk_X509_NAME_new_null();
	if (ca->store == NULL || ca->names == NULL)
		return (false);
	for (i = 0; i < sk_X509_num(all); i++) {
		name = X509_NAME_dup(X509_get_subject_name(
		    sk_X509_value(all, i)));
		if (X509_STORE_add_cert(ca->store, sk_X509_value(all, i)) !=
		    1 || name == NULL || sk_X509_NAME_push(ca->names, name) ==
		    0)
			return (false);
	}
	return (true);
}

static bool
parse_ca(struct tls_conf *conf, struct tls_ca *ca)
{
	const char	*why;
	STACK_OF(X509)	*all = parse(&ca->file, &why);
	bool		 ok = all != NULL;

	SHA256(ca->file.pem, ca->file.len, ca->hash);
	if (ok && !fill_store(ca, all)) {
		ok = false;
		why = tls_reason();
	}
	if (!ok)
		complain(conf, ca->clients ? "client-ca" : "ca",
		    ca->file.name, "%s", why);
	sk_X509_pop_free(all, X509_free);
	return (ok);
}

/* --- contexts --- */

static struct tls_cert *
find_cert(struct tls_conf *conf, uint32_t index)
{
	size_t	i;

	for (i = 0; i < conf->ncerts; i++) {
		if (conf->certs[i].file.index == index)
			return (&conf->certs[i]);
	}
	return (NULL);
}

static struct tls_ca *
find_ca(struct tls_conf *conf, uint32_t index)
{
	size_t	i;

	for (i = 0; i < conf->ncas; i++) {
		if (conf->cas[i].file.index == index)
			return (&conf->cas[i]);
	}
	return (NULL);
}

const struct tls_ca *
tls_conf_client_ca(const struct tls_conf *conf)
{
	size_t	i;

	for (i = 0; i < conf->ncas; i++) {
		if (conf->cas[i].clients)
			return (&conf->cas[i]);
	}
	return (NULL);
}

static bool
make_server(struct tls_conf *conf, struct tls_cert *cert)
{
	char	why[160];

	cert->ctx = tls_ctx_server(conf, cert, tls_conf_client_ca(conf),
	    why, sizeof(why));
	if (cert->ctx == NULL) {
		complain(conf, "certificate", cert->file.name, "%s", why);
		return (false);
	}
	if (conf->server == NULL)
		conf->server = cert->ctx;
	return (true);
}

/*
 * What makes us trust it; and with the certificate of ours, as a session that
 * is resumed has what was shown when it began.
 */
static void
target_keys(struct tls_target *target, const struct tls_ca *ca,
    const struct tls_cert *cert)
{
	EVP_MD_CTX	*h = EVP_MD_CTX_new();
	uint8_t		 der[EVP_MAX_MD_SIZE] = { 0 };

	if (h == NULL || EVP_DigestInit_ex(h, EVP_sha256(), NULL) != 1)
		fatal("no SHA-256");
	EVP_DigestUpdate(h, target->host, strlen(target->host) + 1);
	EVP_DigestUpdate(h, &target->port, sizeof(target->port));
	EVP_DigestUpdate(h, target->pin, sizeof(target->pin));
	if (ca != NULL)
		EVP_DigestUpdate(h, ca->hash, sizeof(ca->hash));
	EVP_DigestFinal_ex(h, target->trust_key, NULL);
	if (EVP_DigestInit_ex(h, EVP_sha256(), NULL) != 1)
		fatal("no SHA-256");
	EVP_DigestUpdate(h, target->trust_key, sizeof(target->trust_key));
	if (cert != NULL && X509_digest(cert->leaf, EVP_sha256(), der,
	    NULL) == 1)
		EVP_DigestUpdate(h, der, sizeof(der));
	EVP_DigestFinal_ex(h, target->session_key, NULL);
	EVP_MD_CTX_free(h);
}

static bool
make_client(struct tls_conf *conf, struct tls_target *target)
{
	const struct tls_ca	*ca = NULL;
	const struct tls_cert	*cert = find_cert(conf, target->key);
	char			 why[160];

	/* a pin is all that counts */
	if (target->pin[0] == '\0')
		ca = target->believed = find_ca(conf, target->ca);
	if (ca == NULL && target->pin[0] == '\0')
		complain(conf, "to", target->host, "neither ca nor pin");
	else if (cert == NULL && target->key != TLS_NONE)
		complain(conf, "to", target->host, "no certificate %u",
		    target->key);
	if (conf->fault[0] != '\0')
		return (false);
	target->shown = cert;
	target_keys(target, ca, cert);
	target->ctx = tls_ctx_client(conf, target, ca, cert, why, sizeof(why));
	if (target->ctx != NULL)
		return (true);
	complain(conf, cert != NULL ? "certificate" : "to", cert != NULL ?
	    cert->file.name : target->host, "%s", why);
	return (false);
}

/* Files, then what is made of them; false at the first fault. */
static bool
make_all(struct tls_conf *conf, bool listeners)
{
	size_t	i;
	bool	ok = conf->fault[0] == '\0';

	for (i = 0; ok && i < conf->ncerts; i++)
		ok = parse_cert(conf, &conf->certs[i]);
	for (i = 0; ok && i < conf->ncas; i++)
		ok = parse_ca(conf, &conf->cas[i]);
	for (i = 0; ok && i < conf->ncerts; i++) {
		if (conf->certs[i].server)
			ok = make_server(conf, &conf->certs[i]);
	}
	if (ok && listeners && conf->server == NULL) {
		snprintf(conf->fault, sizeof(conf->fault),
		    "tls listeners without a certificate");
		ok = false;
	}
	for (i = 0; ok && i < conf->ntargets; i++)
		ok = make_client(conf, conf->targets[i]);
	return (ok);
}

bool
tls_conf_end(struct tls_conf *conf, bool listeners, char *reason, size_t size)
{
	size_t	i;
	bool	ok = make_all(conf, listeners);

	for (i = 0; i < conf->ncerts; i++) {
		free(conf->certs[i].file.pem);
		conf->certs[i].file.pem = NULL;
	}
	for (i = 0; i < conf->ncas; i++) {
		free(conf->cas[i].file.pem);
		conf->cas[i].file.pem = NULL;
	}
	if (!ok)
		snprintf(reason, size, "%s", conf->fault);
	return (ok);
}
