/* SPDX-License-Identifier: ISC */
/* What the parts of the loader share, see load.c. */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include "tests/bench/usage.h"
#include "tests/bench/ws.h"

#define SEC		UINT64_C(1000000000)

struct slot {
	uint64_t	 start_ns;
	uint32_t	 seq;		/* of the request in flight */
	uint32_t	 pair;
	bool		 busy;
};

struct load {
	int		 port;
	int		 port2;		/* of the callees' Main */
	const char	*mode;
	SSL_CTX		*tls;		/* NULL: in the clear */
	struct usage	 server;
	size_t		 pairs;
	size_t		 depth;		/* in flight a pair; 0: open loop */
	double		 rate;		/* requests/s of an open loop */
	size_t		 bytes;
	uint64_t	 warm_ns, run_ns;

	struct link	*links;		/* 2 a pair: caller, callee */
	int		 ep;
	struct link	**dirty;
	size_t		 ndirty;
	struct slot	*slots;
	uint32_t	*spare;		/* free slots of an open loop */
	size_t		 nslots, nspare;
	uint32_t	 seq;

	bool		 measuring;
	uint64_t	 done, wrong, refused;
	uint32_t	*samples;	/* ns */
	size_t		 nsamples;
};

/* Connect the first n links; all but idle ones register, too. */
void	open_links(struct load *, size_t n, bool registers);
/* Calls over pairs of links: says what they cost and how long they took. */
void	run_calls(struct load *);

#endif
