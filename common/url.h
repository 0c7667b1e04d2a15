/* SPDX-License-Identifier: ISC */
/*
 * URLs and origins as configuration files, command lines and requests name
 * them: checked, taken to pieces, in one canonical form.  Pure.
 */
#ifndef COMMON_URL_H
#define COMMON_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URL_TEXT_MAX	1024	/* bytes of a canonical text: what a string of
				 * the configuration may have */

/* A ws://, wss:// or http:// URL, checked and taken to pieces. */
struct url {
	char		*text;		/* canonical, with port and path */
	char		*host;		/* lower-case, without brackets */
	char		*authority;	/* for Host: as in the canonical text */
	char		*path;		/* starts with '/', with any query */
	uint16_t	 port;
	bool		 tls;		/* wss:// */
	bool		 numeric;	/* host is an address, no lookup */
	bool		 loopback;	/* 127/8, ::1, localhost */
};

/*
 * A URL with this scheme ("ws", which also takes "wss", or "http"); no path in
 * it: defpath.  The port is that of the scheme unless it is given: 80, or 443
 * for wss.  Returns NULL, or why it is refused (a constant string).  The caller
 * frees url with url_free(), which is for stack objects too.
 */
const char	*url_check(const char *, const char *, const char *,
		    struct url *);
void		 url_free(struct url *);
/* The same host, port and path, in the clear or not. */
bool		 url_same_place(const struct url *, const struct url *);

/*
 * The canonical text of scheme, host, port and path; false if it does not
 * fit.
 */
bool		 url_text(const char *, const char *, uint16_t, const char *,
		    char *, size_t);

/*
 * Who connects to the URL reaches what listens on this address, which is
 * numeric and with its port, as in "127.0.0.1:8080" or "[::]:8080".  False
 * where that cannot be told: for other names than localhost, and for an
 * address of this machine that only a wildcard covers.
 */
bool		 url_reaches(const struct url *, const char *);

/*
 * An allowed Origin, scheme://host[:port] (RFC 6454 section 6.2); out gets
 * it in lower case, the default port of the scheme left out.  Returns NULL,
 * or why it is refused (a constant string).
 */
const char	*url_check_origin(const char *, char *, size_t);

#endif
