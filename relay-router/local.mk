# SPDX-License-Identifier: ISC
# The pure cores, which unit tests and fuzzers link as well.
noinst_LIBRARIES += librouter.a
librouter_a_SOURCES = \
	relay-router/discovery.c relay-router/discovery.h \
	relay-router/envelope.c relay-router/envelope.h \
	relay-router/envelope_impl.h relay-router/envelope_node.c \
	relay-router/hop.c relay-router/hop.h \
	relay-router/jsonrpc.c relay-router/jsonrpc.h \
	relay-router/map.c relay-router/map.h \
	relay-router/members.c relay-router/members.h \
	relay-router/pending.c relay-router/pending.h \
	relay-router/registration.c relay-router/registration.h \
	relay-router/route.c relay-router/route.h \
	relay-router/route_choose.c relay-router/route_impl.h \
	relay-router/rpc_error.c relay-router/rpc_error.h \
	relay-router/rpc_errors.def \
	relay-router/service_json.c relay-router/service_json.h \
	relay-router/splice.c \
	relay-router/text.c relay-router/text.h

pkglibexec_PROGRAMS += relay-router/relay-router
relay_router_relay_router_SOURCES = \
	relay-router/backend_link.c \
	relay-router/call.c relay-router/call.h \
	relay-router/caller.c \
	relay-router/conf.c \
	relay-router/control.c \
	relay-router/explain.c \
	relay-router/forward.c \
	relay-router/heartbeat.c \
	relay-router/http.c \
	relay-router/link.c \
	relay-router/link_text.c \
	relay-router/main.c \
	relay-router/message.c \
	relay-router/peer_ask.c \
	relay-router/peer_impl.h \
	relay-router/peer_link.c relay-router/peer_link.h \
	relay-router/peer_text.c \
	relay-router/permit.c relay-router/permit.h \
	relay-router/query.c relay-router/query.h \
	relay-router/query_impl.h relay-router/query_table.c \
	relay-router/register.c \
	relay-router/registry_link.c \
	relay-router/relay_server.c \
	relay-router/reply.c \
	relay-router/request.c \
	relay-router/router.h \
	relay-router/session.c \
	relay-router/target.c \
	relay-router/uplink.c \
	relay-router/verdict.c \
	relay-router/view.c
relay_router_relay_router_LDADD = librouter.a libcommon.a \
	$(LIBEVENT_LIBS) $(LIBBSD_LIBS) $(SECCOMP_LIBS)

# The cores, and the rules of who takes a call, with sessions that lead nowhere.
ROUTER_TESTS = \
	tests/unit/test_discovery \
	tests/unit/test_discovery_rows \
	tests/unit/test_envelope \
	tests/unit/test_hop \
	tests/unit/test_json_scan \
	tests/unit/test_jsonrpc \
	tests/unit/test_pending \
	tests/unit/test_policy \
	tests/unit/test_policy_edges \
	tests/unit/test_policy_rule \
	tests/unit/test_policy_see \
	tests/unit/test_registration \
	tests/unit/test_route \
	tests/unit/test_route_peer \
	tests/unit/test_route_permit \
	tests/unit/test_target
check_PROGRAMS += $(ROUTER_TESTS)
TESTS += $(ROUTER_TESTS)

ROUTER_TEST_LIBS = librouter.a libcommon.a $(CHECK_LIBS) $(LIBBSD_LIBS)
DISCOVERY_FIXTURE = tests/unit/discovery_fixture.c \
	tests/unit/discovery_fixture.h
ROUTE_FIXTURE = tests/unit/route_fixture.c tests/unit/route_fixture.h
RULES_FIXTURE = tests/unit/rules_fixture.c tests/unit/rules_fixture.h
tests_unit_test_discovery_SOURCES = tests/unit/test_discovery.c \
	$(DISCOVERY_FIXTURE)
tests_unit_test_discovery_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_discovery_rows_SOURCES = tests/unit/test_discovery_rows.c \
	$(DISCOVERY_FIXTURE)
tests_unit_test_discovery_rows_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_envelope_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_hop_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_json_scan_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_jsonrpc_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_pending_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c $(RULES_FIXTURE)
tests_unit_test_policy_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_policy_edges_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_policy_rule_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_policy_see_SOURCES = tests/unit/test_policy_see.c \
	$(RULES_FIXTURE)
tests_unit_test_policy_see_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_registration_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_route_SOURCES = tests/unit/test_route.c $(ROUTE_FIXTURE)
tests_unit_test_route_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_route_peer_SOURCES = tests/unit/test_route_peer.c \
	$(ROUTE_FIXTURE)
tests_unit_test_route_peer_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_route_permit_SOURCES = tests/unit/test_route_permit.c \
	$(ROUTE_FIXTURE)
tests_unit_test_route_permit_LDADD = $(ROUTER_TEST_LIBS)
tests_unit_test_target_SOURCES = tests/unit/test_target.c \
	relay-router/permit.c \
	relay-router/target.c
tests_unit_test_target_LDADD = $(ROUTER_TEST_LIBS) $(LIBEVENT_LIBS)

FUZZERS += tests/fuzz/fuzz_json
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_json_LDADD = librouter.a libcommon.a $(JSONC_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_envelope
tests_fuzz_fuzz_envelope_SOURCES = tests/fuzz/fuzz_envelope.c tests/fuzz/must.h \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_envelope_LDADD = librouter.a libcommon.a $(JSONC_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_envelope_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_jsonrpc
tests_fuzz_fuzz_jsonrpc_SOURCES = tests/fuzz/fuzz_jsonrpc.c tests/fuzz/must.h \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_jsonrpc_LDADD = librouter.a libcommon.a $(LIBBSD_LIBS)
tests_fuzz_fuzz_jsonrpc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_discovery
tests_fuzz_fuzz_discovery_SOURCES = tests/fuzz/fuzz_discovery.c tests/fuzz/must.h \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_discovery_LDADD = librouter.a libcommon.a $(LIBBSD_LIBS)
tests_fuzz_fuzz_discovery_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# The program itself, its main() renamed, among liars.
EXTRA_LIBRARIES += tests/fuzz/librouter_msgs.a
tests_fuzz_librouter_msgs_a_CPPFLAGS = $(AM_CPPFLAGS) -Dmain=program_main \
	-include $(top_srcdir)/tests/fuzz/receiver.h
tests_fuzz_librouter_msgs_a_SOURCES = $(relay_router_relay_router_SOURCES)
FUZZERS += tests/fuzz/fuzz_router_msgs
tests_fuzz_fuzz_router_msgs_SOURCES = tests/fuzz/fuzz_router_msgs.c \
	tests/fuzz/receiver_input.c $(FUZZ_RECEIVER) $(FUZZ_DRIVER)
tests_fuzz_fuzz_router_msgs_LDADD = tests/fuzz/librouter_msgs.a \
	$(relay_router_relay_router_LDADD)
tests_fuzz_fuzz_router_msgs_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) \
	-Wl,--wrap=fatal

# The program itself among peers made of the test: what it does with sessions,
# registry and peers; and, with what it sends kept to be looked at, with calls
# and by the rules of policy that come from the parent.
ROUTER_PROGRAM_TESTS = \
	tests/unit/test_caller_bounds \
	tests/unit/test_explain_home \
	tests/unit/test_router_caller \
	tests/unit/test_router_calls \
	tests/unit/test_router_explain \
	tests/unit/test_router_held \
	tests/unit/test_router_home_policy \
	tests/unit/test_router_links \
	tests/unit/test_router_peer \
	tests/unit/test_router_peer_in \
	tests/unit/test_router_peer_policy \
	tests/unit/test_router_policy \
	tests/unit/test_router_query \
	tests/unit/test_router_rules \
	tests/unit/test_router_session \
	tests/unit/test_router_uplink
check_PROGRAMS += $(ROUTER_PROGRAM_TESTS)
TESTS += $(ROUTER_PROGRAM_TESTS)

router_program_libs = tests/fuzz/librouter_msgs.a \
	$(relay_router_relay_router_LDADD) $(CHECK_LIBS)
router_program_link = $(AM_LDFLAGS) -Wl,--wrap=fatal
router_peer_link = $(router_program_link) -Wl,--wrap=rx_take_bytes
router_calls_link = $(router_program_link) -Wl,--wrap=channel_begin \
	-Wl,--wrap=channel_commit
ROUTER_RECEIVER = tests/fuzz/fuzz_router_msgs.c $(FUZZ_RECEIVER)
PEER_FIXTURE = tests/unit/peer_fixture.c tests/unit/peer_fixture.h \
	$(ROUTER_RECEIVER)
QUERY_FIXTURE = tests/unit/query_fixture.c tests/unit/query_fixture.h \
	$(PEER_FIXTURE)
ROUTER_PEER_FIXTURE = tests/unit/router_peer_fixture.c \
	tests/unit/router_peer_fixture.h $(PEER_FIXTURE)
CALLS_FIXTURE = tests/unit/router_calls.c tests/unit/router_calls.h \
	$(ROUTER_RECEIVER)
POLICY_FIXTURE = tests/unit/policy_fixture.c tests/unit/policy_fixture.h \
	$(CALLS_FIXTURE)
tests_unit_test_router_session_SOURCES = tests/unit/test_router_session.c \
	$(ROUTER_RECEIVER)
tests_unit_test_router_session_LDADD = $(router_program_libs)
tests_unit_test_router_session_LDFLAGS = $(router_program_link)
tests_unit_test_router_query_SOURCES = tests/unit/test_router_query.c \
	$(QUERY_FIXTURE)
tests_unit_test_router_query_LDADD = $(router_program_libs)
tests_unit_test_router_query_LDFLAGS = $(router_peer_link)
tests_unit_test_router_held_SOURCES = tests/unit/test_router_held.c \
	$(QUERY_FIXTURE)
tests_unit_test_router_held_LDADD = $(router_program_libs)
tests_unit_test_router_held_LDFLAGS = $(router_peer_link)
tests_unit_test_router_peer_SOURCES = tests/unit/test_router_peer.c \
	$(ROUTER_PEER_FIXTURE)
tests_unit_test_router_peer_LDADD = $(router_program_libs)
tests_unit_test_router_peer_LDFLAGS = $(router_peer_link)
tests_unit_test_router_peer_in_SOURCES = tests/unit/test_router_peer_in.c \
	$(ROUTER_PEER_FIXTURE)
tests_unit_test_router_peer_in_LDADD = $(router_program_libs)
tests_unit_test_router_peer_in_LDFLAGS = $(router_peer_link)
tests_unit_test_router_calls_SOURCES = tests/unit/test_router_calls.c \
	$(CALLS_FIXTURE)
tests_unit_test_router_calls_LDADD = $(router_program_libs)
tests_unit_test_router_calls_LDFLAGS = $(router_calls_link)
tests_unit_test_router_links_SOURCES = tests/unit/test_router_links.c \
	$(CALLS_FIXTURE)
tests_unit_test_router_links_LDADD = $(router_program_libs)
tests_unit_test_router_links_LDFLAGS = $(router_calls_link)
tests_unit_test_router_uplink_SOURCES = tests/unit/test_router_uplink.c \
	$(CALLS_FIXTURE)
tests_unit_test_router_uplink_LDADD = $(router_program_libs)
tests_unit_test_router_uplink_LDFLAGS = $(router_calls_link)
tests_unit_test_router_policy_SOURCES = tests/unit/test_router_policy.c \
	$(POLICY_FIXTURE)
tests_unit_test_router_policy_LDADD = $(router_program_libs)
tests_unit_test_router_policy_LDFLAGS = $(router_calls_link)
tests_unit_test_router_rules_SOURCES = tests/unit/test_router_rules.c \
	$(POLICY_FIXTURE)
tests_unit_test_router_rules_LDADD = $(router_program_libs)
tests_unit_test_router_rules_LDFLAGS = $(router_calls_link)
tests_unit_test_router_peer_policy_SOURCES = tests/unit/test_router_peer_policy.c \
	$(POLICY_FIXTURE)
tests_unit_test_router_peer_policy_LDADD = $(router_program_libs)
tests_unit_test_router_peer_policy_LDFLAGS = $(router_calls_link)
tests_unit_test_caller_bounds_SOURCES = tests/unit/test_caller_bounds.c \
	$(POLICY_FIXTURE)
tests_unit_test_caller_bounds_LDADD = $(router_program_libs)
tests_unit_test_caller_bounds_LDFLAGS = $(router_calls_link)
tests_unit_test_explain_home_SOURCES = tests/unit/test_explain_home.c \
	$(POLICY_FIXTURE)
tests_unit_test_explain_home_LDADD = $(router_program_libs)
tests_unit_test_explain_home_LDFLAGS = $(router_calls_link)
tests_unit_test_router_caller_SOURCES = tests/unit/test_router_caller.c \
	$(POLICY_FIXTURE)
tests_unit_test_router_caller_LDADD = $(router_program_libs)
tests_unit_test_router_caller_LDFLAGS = $(router_calls_link)
tests_unit_test_router_explain_SOURCES = tests/unit/test_router_explain.c \
	$(POLICY_FIXTURE)
tests_unit_test_router_explain_LDADD = $(router_program_libs)
tests_unit_test_router_explain_LDFLAGS = $(router_calls_link)
tests_unit_test_router_home_policy_SOURCES = tests/unit/test_router_home_policy.c \
	$(POLICY_FIXTURE)
tests_unit_test_router_home_policy_LDADD = $(router_program_libs)
tests_unit_test_router_home_policy_LDFLAGS = $(router_calls_link)

# Nanoseconds a message of the scanner, the envelope and the splice.
EXTRA_PROGRAMS += tests/bench/bench_scan
tests_bench_bench_scan_SOURCES = tests/bench/bench_scan.c
tests_bench_bench_scan_LDADD = librouter.a libcommon.a $(LIBBSD_LIBS)

# Nanoseconds a decision by 10, 100 and 1000 rules, and without any.
EXTRA_PROGRAMS += tests/bench/bench_policy
tests_bench_bench_policy_SOURCES = tests/bench/bench_policy.c \
	relay-router/permit.c relay-router/target.c
tests_bench_bench_policy_LDADD = librouter.a libcommon.a $(LIBEVENT_LIBS) \
	$(LIBBSD_LIBS)
