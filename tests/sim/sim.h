/* SPDX-License-Identifier: ISC */
/*
 * A whole federation in one process, under virtual time: what the files of
 * the simulator share.
 *
 * Router, registry and dialer are the real programs, every Main has its own;
 * channel.h, child.h, libevent, the clock, random numbers and connecting are
 * replaced by what is here.  The front-end and the parent, the network and
 * the homes are simulated.  All that happens follows from the seed.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define US_PER_MS	INT64_C(1000)
#define US_PER_S	INT64_C(1000000)

/* --- clock.c: virtual time, what is to happen, chance --- */

typedef void (*sim_fn)(void *);

/* Something that is to happen at a time; embedded by its owner. */
struct timer {
	int64_t		 at_us;
	uint64_t	 seq;		/* among those of one time */
	size_t		 pos;		/* in the heap, from 1; 0: not armed */
	sim_fn		 fn;
	void		*arg;
};

void	timer_init(struct timer *, sim_fn, void *);
/* Arms it for that time, or moves it there. */
void	timer_at(struct timer *, int64_t);
void	timer_in(struct timer *, int64_t);
void	timer_del(struct timer *);
/* Calls the function once, so many microseconds from now. */
void	sim_later(int64_t, sim_fn, void *);
int64_t	sim_now(void);
/* Runs what is due until that time, which it is then. */
void	sim_run_until(int64_t);

void		sim_seed(uint64_t);
uint64_t	rnd64(void);
/* 0 to n - 1; 0 if n is 0. */
uint32_t	rnd(uint32_t);
/* True so many times of a hundred. */
bool		chance(unsigned int);
/* Between the two, both included. */
int64_t		rnd_between(int64_t, int64_t);

/* --- say.c: words --- */

/* A rule of the federation is broken: says so, and ends this seed. */
void	sim_fail(const char *, ...)
	    __attribute__((format(printf, 1, 2), noreturn));
/* One line with -v; it is also part of what makes two runs the same. */
void	sim_say(const char *, ...) __attribute__((format(printf, 1, 2)));
/* Mixes bytes into the hash of all that happened. */
void	sim_trace(const void *, size_t);
/* malloc() and calloc() that never fail. */
void	*sim_alloc(size_t);

/* --- the run --- */

/* What a seed makes of it, and what the command line says. */
struct sim_conf {
	uint64_t	seed;
	unsigned int	mains;		/* 0: by the seed */
	unsigned int	homes;		/* 0: by the seed */
	int64_t		time_us;	/* of the disorder; 0: by the seed */
	bool		verbose;
	bool		costs;		/* count, no disorder and no checks */
};

struct node;
struct home;

#define SIM_MAINS	64
#define SIM_CALL_SLACK_US (3 * US_PER_S)

/* Counted for the last line of a run. */
struct sim_stats {
	uint64_t	calls, answered, results, lost, disorder;
	uint64_t	msgs;
};

struct sim {
	struct sim_conf		 conf;
	struct node		*mains[SIM_MAINS];
	unsigned int		 n_mains;
	struct home		**homes;
	unsigned int		 n_homes;
	struct child		*running;	/* whose code runs now */
	int64_t			 now_us;
	uint64_t		 trace;		/* hash of all that happened */
	char			 dir[64];	/* of the databases */
	struct sim_stats	 stats;
	/* Smaller than in limits.h for some seeds, to be met. */
	size_t			 channel_high, channel_low;
	size_t			 link_high, link_low, link_max;
	unsigned int		 lose_rows;	/* that many messages of them */
	bool			 loses_rows;	/* this seed may do so */
	bool			 calm;		/* the disorder is over */
	FILE			*out;
};

extern struct sim	sim;

#endif
