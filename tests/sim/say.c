/* SPDX-License-Identifier: ISC */
/*
 * What the simulator says, and what the programs in it log: with -v each line
 * has the virtual time and the process.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/sim/child.h"
#include "tests/sim/node.h"
#include "tests/sim/sim.h"

void *
sim_alloc(size_t size)
{
	void	*p = calloc(1, size);

	if (p == NULL)
		abort();
	return (p);
}

void
sim_trace(const void *p, size_t len)
{
	const uint8_t	*b = p;

	while (len-- > 0)
		sim.trace = (sim.trace ^ *b++) * UINT64_C(0x100000001b3);
	sim.trace ^= sim.trace >> 29;
}

static void
print_line(const char *who, const char *fmt, va_list ap)
{
	fprintf(sim.out, "%10.6f %s", (double)sim.now_us / US_PER_S, who);
	vfprintf(sim.out, fmt, ap);
	fputc('\n', sim.out);
}

void
sim_say(const char *fmt, ...)
{
	va_list	ap;

	if (!sim.conf.verbose)
		return;
	va_start(ap, fmt);
	print_line("-- ", fmt, ap);
	va_end(ap);
}

void
sim_fail(const char *fmt, ...)
{
	va_list	ap;

	fprintf(sim.out, "seed %llu: ", (unsigned long long)sim.conf.seed);
	va_start(ap, fmt);
	print_line("", fmt, ap);
	va_end(ap);
	fflush(sim.out);
	node_remove_dir();
	_exit(1);
}

/* --- log.h --- */

static void
log_line(const char *level, const char *fmt, va_list ap)
{
	char	who[300];

	if (!sim.conf.verbose)
		return;
	snprintf(who, sizeof(who), "%s %s: %s: ", sim.running == NULL ? "?" :
	    sim.running->node->id, sim.running == NULL ? "?" :
	    proc_name(sim.running->id), level);
	print_line(who, fmt, ap);
}

#define LOG_FUNCTION(name, level)					\
void									\
name(const char *fmt, ...)						\
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	log_line(level, fmt, ap);					\
	va_end(ap);							\
}

LOG_FUNCTION(log_debug, "debug")
LOG_FUNCTION(log_info, "info")
LOG_FUNCTION(log_notice, "notice")
LOG_FUNCTION(log_warn, "warning")
LOG_FUNCTION(log_err, "error")

bool
log_verbose(void)
{
	return (sim.conf.verbose);
}

void
fatal(const char *fmt, ...)
{
	char	text[512];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_fail("%s of %s ends itself: %s", sim.running == NULL ? "?" :
	    proc_name(sim.running->id), sim.running == NULL ? "?" :
	    sim.running->node->id, text);
}
