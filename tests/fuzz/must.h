/* SPDX-License-Identifier: ISC */
/* What holds for every input: a fuzzer that finds another ends. */
#ifndef TESTS_FUZZ_MUST_H
#define TESTS_FUZZ_MUST_H

#include <stdbool.h>
#include <stdlib.h>

static inline void
must(bool ok)
{
	if (!ok)
		abort();
}

#endif
