# SPDX-License-Identifier: ISC
# Pure cores: shared with unit tests and the fuzzer.
noinst_LIBRARIES += libbackend.a
libbackend_a_SOURCES = \
	relayd/backend/buf.c relayd/backend/buf.h \
	relayd/backend/http_client.c relayd/backend/http_client.h \
	relayd/backend/jsonrpc.c relayd/backend/jsonrpc.h \
	relayd/backend/lograte.c relayd/backend/lograte.h \
	relayd/backend/pool.c relayd/backend/pool.h
backend_libs = libbackend.a libcommon.a

pkglibexec_PROGRAMS += relay-backend
relay_backend_SOURCES = \
	relayd/backend/answer.c \
	relayd/backend/backend.h \
	relayd/backend/conf.c \
	relayd/backend/conn.c \
	relayd/backend/conn_http.c \
	relayd/backend/conn_line.c \
	relayd/backend/connect.c \
	relayd/backend/errpipe.c \
	relayd/backend/instance.c \
	relayd/backend/main.c \
	relayd/backend/svc.c
relay_backend_LDADD = $(backend_libs) $(LIBEVENT_LIBS) $(LIBBSD_LIBS) \
	$(SECCOMP_LIBS)

backend_test_libs = $(backend_libs) $(CHECK_LIBS) $(LIBBSD_LIBS)

check_PROGRAMS += \
	tests/unit/test_backend_core \
	tests/unit/test_backend_jsonrpc \
	tests/unit/test_http_client
TESTS += \
	tests/unit/test_backend_core \
	tests/unit/test_backend_jsonrpc \
	tests/unit/test_http_client
tests_unit_test_backend_core_LDADD = $(backend_test_libs)
tests_unit_test_backend_jsonrpc_LDADD = $(backend_test_libs)
tests_unit_test_http_client_LDADD = $(backend_test_libs)

FUZZERS += tests/fuzz/fuzz_backend
tests_fuzz_fuzz_backend_SOURCES = tests/fuzz/fuzz_backend.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_backend_LDADD = $(backend_libs) $(LIBBSD_LIBS)
tests_fuzz_fuzz_backend_LDFLAGS = $(FUZZ_LDFLAGS)

# The program itself, its main() renamed, among liars.
EXTRA_LIBRARIES += tests/fuzz/libbackend_msgs.a
tests_fuzz_libbackend_msgs_a_CPPFLAGS = $(AM_CPPFLAGS) -Dmain=program_main \
	-include $(top_srcdir)/tests/fuzz/receiver.h
tests_fuzz_libbackend_msgs_a_SOURCES = $(relay_backend_SOURCES)
FUZZERS += tests/fuzz/fuzz_backend_msgs
tests_fuzz_fuzz_backend_msgs_SOURCES = tests/fuzz/fuzz_backend_msgs.c \
	tests/fuzz/receiver_input.c $(FUZZ_RECEIVER) $(FUZZ_DRIVER)
tests_fuzz_fuzz_backend_msgs_LDADD = tests/fuzz/libbackend_msgs.a \
	$(relay_backend_LDADD)
tests_fuzz_fuzz_backend_msgs_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) \
	-Wl,--wrap=fatal
