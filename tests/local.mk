# SPDX-License-Identifier: ISC
# The unit tests' and fuzzers' own lines are in the local.mk of what they test.

.PHONY: fuzzers
fuzzers: $(FUZZERS)

# The loader of the benchmark, see tests/bench/run.sh.
EXTRA_PROGRAMS += tests/bench/load
CLEANFILES += $(EXTRA_PROGRAMS) $(EXTRA_LIBRARIES)
tests_bench_load_SOURCES = tests/bench/load.c \
	tests/bench/message.c tests/bench/message.h tests/bench/ws.c \
	tests/bench/ws.h tests/bench/usage.c tests/bench/usage.h
tests_bench_load_LDADD = -lm

# What python left beside the sources is not ours.  The script "check" is not in
# EXTRA_DIST, where it would be taken for the target of that name.
dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +
	cp -p $(srcdir)/check $(distdir)/check

EXTRA_DIST += .ci/run tests/lib tests/system tests/bench/run.sh \
	tests/corpus tests/fuzz/corpus tests/fuzz/driver.c
