/* SPDX-License-Identifier: ISC */
/*
 * The real programs, their main() renamed by the compiler's command line.
 * Their private headers do not go together in one file, so each has one here
 * that starts it and looks into it.
 */
#ifndef TESTS_SIM_PROGRAMS_H
#define TESTS_SIM_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child;

/* A program: its main() and the size of its context. */
struct program {
	int	(*start)(void);
	size_t	 size;
};

extern const struct program	program_dialer, program_router,
				program_registry;

int	dialer_main(void);
int	router_main(void);
int	registry_main(void);

/* Ends a registry that was killed: its open transaction never happened. */
void	program_registry_end(void *);

/* A service of a home, as a process of a Main has it. */
struct peek_row {
	const char	*main_id;
	const char	*node;
	const char	*service;
	bool		 live;		/* not stale */
	int64_t		 stale_ms;	/* since when, if so and known */
};

typedef void (*peek_fn)(void *, const struct peek_row *);

/* The registry's rows of others' homes, and all of the router's routes. */
void	peek_registry(struct child *, peek_fn, void *);
void	peek_routes(struct child *, peek_fn, void *);
/* The calls that the router has in flight. */
unsigned int	peek_pending(struct child *);

#endif
