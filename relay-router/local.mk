# SPDX-License-Identifier: ISC
# The pure cores, which unit tests and fuzzers link as well.
noinst_LIBRARIES += librouter.a
librouter_a_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS)
librouter_a_SOURCES = \
	relay-router/envelope.c relay-router/envelope.h \
	relay-router/envelope_impl.h relay-router/envelope_node.c \
	relay-router/jsonrpc.c relay-router/jsonrpc.h \
	relay-router/map.c relay-router/map.h \
	relay-router/pending.c relay-router/pending.h \
	relay-router/registration.c relay-router/registration.h \
	relay-router/route.c relay-router/route.h \
	relay-router/rpc_error.c relay-router/rpc_error.h \
	relay-router/rpc_errors.def \
	relay-router/splice.c \
	relay-router/text.c relay-router/text.h

pkglibexec_PROGRAMS += relay-router/relay-router
relay_router_relay_router_SOURCES = \
	relay-router/backend_link.c \
	relay-router/call.c \
	relay-router/control.c \
	relay-router/heartbeat.c \
	relay-router/http.c \
	relay-router/link_text.c \
	relay-router/main.c \
	relay-router/message.c \
	relay-router/register.c \
	relay-router/registry_link.c \
	relay-router/relay_server.c \
	relay-router/reply.c \
	relay-router/request.c \
	relay-router/router.h \
	relay-router/session.c \
	relay-router/target.c \
	relay-router/view.c
relay_router_relay_router_LDADD = librouter.a libcommon.a \
	$(LIBEVENT_LIBS) $(JSONC_LIBS) $(LIBBSD_LIBS) $(SECCOMP_LIBS)

ROUTER_TEST_LIBS = librouter.a libcommon.a $(CHECK_LIBS) $(JSONC_LIBS) \
	$(LIBBSD_LIBS)

check_PROGRAMS += tests/unit/test_json_scan
TESTS += tests/unit/test_json_scan
tests_unit_test_json_scan_SOURCES = tests/unit/test_json_scan.c
tests_unit_test_json_scan_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_json_scan_LDADD = $(ROUTER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_envelope
TESTS += tests/unit/test_envelope
tests_unit_test_envelope_SOURCES = tests/unit/test_envelope.c
tests_unit_test_envelope_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_envelope_LDADD = $(ROUTER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_jsonrpc
TESTS += tests/unit/test_jsonrpc
tests_unit_test_jsonrpc_SOURCES = tests/unit/test_jsonrpc.c
tests_unit_test_jsonrpc_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_jsonrpc_LDADD = $(ROUTER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_pending
TESTS += tests/unit/test_pending
tests_unit_test_pending_SOURCES = tests/unit/test_pending.c
tests_unit_test_pending_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_pending_LDADD = $(ROUTER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_route
TESTS += tests/unit/test_route
tests_unit_test_route_SOURCES = tests/unit/test_route.c
tests_unit_test_route_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_route_LDADD = $(ROUTER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_registration
TESTS += tests/unit/test_registration
tests_unit_test_registration_SOURCES = tests/unit/test_registration.c
tests_unit_test_registration_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) \
	$(JSONC_CFLAGS)
tests_unit_test_registration_LDADD = $(ROUTER_TEST_LIBS)

FUZZERS += tests/fuzz/fuzz_json
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_json_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS)
tests_fuzz_fuzz_json_LDADD = librouter.a libcommon.a $(JSONC_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_envelope
tests_fuzz_fuzz_envelope_SOURCES = tests/fuzz/fuzz_envelope.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_envelope_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS)
tests_fuzz_fuzz_envelope_LDADD = librouter.a libcommon.a $(JSONC_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_envelope_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_jsonrpc
tests_fuzz_fuzz_jsonrpc_SOURCES = tests/fuzz/fuzz_jsonrpc.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_jsonrpc_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_fuzz_jsonrpc_LDADD = librouter.a libcommon.a $(JSONC_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_jsonrpc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# The program itself, its main() renamed, among liars.
EXTRA_LIBRARIES += tests/fuzz/librouter_msgs.a
tests_fuzz_librouter_msgs_a_CPPFLAGS = $(AM_CPPFLAGS) -Dmain=program_main \
	-include $(top_srcdir)/tests/fuzz/receiver.h
tests_fuzz_librouter_msgs_a_SOURCES = $(relay_router_relay_router_SOURCES)
FUZZERS += tests/fuzz/fuzz_router_msgs
tests_fuzz_fuzz_router_msgs_SOURCES = tests/fuzz/fuzz_router_msgs.c \
	tests/fuzz/receiver.c tests/fuzz/receiver.h $(FUZZ_DRIVER)
tests_fuzz_fuzz_router_msgs_LDADD = tests/fuzz/librouter_msgs.a \
	$(relay_router_relay_router_LDADD)
tests_fuzz_fuzz_router_msgs_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) \
	-Wl,--wrap=fatal

# Nanoseconds a message of the scanner, the envelope and the splice.
EXTRA_PROGRAMS += tests/bench/bench_scan
tests_bench_bench_scan_SOURCES = tests/bench/bench_scan.c
tests_bench_bench_scan_LDADD = librouter.a libcommon.a $(JSONC_LIBS) \
	$(LIBBSD_LIBS)
