/* SPDX-License-Identifier: ISC */
/* The client's end of a link: just enough WebSocket to load a Main. */
#ifndef BENCH_WS_H
#define BENCH_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/tls.h"

struct bytes {
	uint8_t	*p;
	size_t	 off;		/* already taken */
	size_t	 len;		/* filled */
	size_t	 cap;
};

struct link {
	int		 fd;
	SSL		*ssl;		/* NULL: in the clear */
	char		 id[32];	/* node id */
	uint8_t		 mask[8];	/* of every frame, twice in a row */
	struct bytes	 in;
	struct bytes	 out;
	char		*text;		/* the message it sends, made once */
	size_t		 text_len;
	size_t		 id_at;		/* where the id in it is ... */
	int		 id_len;	/* ... and how long */
	bool		 dirty;		/* in a list of links to flush */
	bool		 blocked;	/* waits for EPOLLOUT */
};

/*
 * Connect to 127.0.0.1, by TLS unless the context is NULL, and ask for the
 * upgrade as a home, then wait for the answer; both blocking.  They end the
 * program with a message on failure.
 */
void	 link_start(struct link *, int port, const char *path, SSL_CTX *);
void	 link_finish(struct link *);
/* Append a masked text frame to what is to be sent. */
void	 link_text(struct link *, const char *, size_t);
/* Send what there is; blocking sockets send all.  Returns false if blocked. */
bool	 link_flush(struct link *);
/* Receive once; false if there was nothing. */
bool	 link_fill(struct link *);
/*
 * The next whole text message of what was received; NULL if there is none.
 * Valid until the next link_fill().  Pings are answered into out.
 */
char	*link_next(struct link *, size_t *);
/* Wait for a message that contains word; blocking. */
void	 link_expect(struct link *, const char *word);

#endif
