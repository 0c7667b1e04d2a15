# SPDX-License-Identifier: ISC
# The unit tests' and fuzzers' own lines are in the local.mk of what they test.

.PHONY: fuzzers
fuzzers: $(FUZZERS)

# A program among a parent and peers made of a test or a fuzzer's input.
FUZZ_RECEIVER = tests/fuzz/receiver.c tests/fuzz/receiver.h \
	tests/fuzz/receiver_child.c tests/fuzz/receiver_impl.h \
	tests/fuzz/receiver_table.c tests/fuzz/receiver_wire.c

# The loaders of the benchmark, see tests/bench/run.sh.
EXTRA_PROGRAMS += tests/bench/load tests/bench/handshake
CLEANFILES += $(EXTRA_PROGRAMS) $(EXTRA_LIBRARIES)
tests_bench_load_SOURCES = tests/bench/calls.c \
	tests/bench/load.c tests/bench/load.h \
	tests/bench/message.c tests/bench/message.h tests/bench/ws.c \
	tests/bench/ws.h tests/bench/tls.c tests/bench/tls.h \
	tests/bench/usage.c tests/bench/usage.h
tests_bench_load_LDADD = $(LIBSSL_LIBS) $(CRYPTO_LIBS) -lm
tests_bench_handshake_SOURCES = tests/bench/handshake.c \
	tests/bench/tls.c tests/bench/tls.h tests/bench/usage.c \
	tests/bench/usage.h
tests_bench_handshake_LDADD = $(LIBSSL_LIBS) $(CRYPTO_LIBS)

# What python left beside the sources is not ours.  The script "check" is not in
# EXTRA_DIST, where it would be taken for the target of that name.
dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +
	cp -p $(srcdir)/check $(distdir)/check

EXTRA_DIST += .ci/run tests/lib tests/system tests/bench/run.sh \
	tests/bench/visibility.py \
	tests/corpus tests/fuzz/corpus tests/fuzz/driver.c \
	tests/fuzz/corpus_input.py tests/fuzz/corpus_links.py \
	tests/fuzz/corpus_peers.py tests/fuzz/corpus_router.py \
	tests/fuzz/gen-corpus.py
