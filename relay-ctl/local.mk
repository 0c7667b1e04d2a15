# SPDX-License-Identifier: ISC

# --- relay(1) ---
bin_PROGRAMS += relay-ctl/relay
relay_ctl_relay_SOURCES = \
	relay-ctl/relay.c relay-ctl/relay.h \
	relay-ctl/relay_args.c \
	relay-ctl/relay_dirs.c \
	relay-ctl/relay_id.c \
	relay-ctl/relay_join.c \
	relay-ctl/relay_joined.c
relay_ctl_relay_LDADD = libconf.a libcommon.a $(CRYPTO_LIBS) $(LIBBSD_LIBS)

RELAY_TESTS = tests/unit/test_relay_args tests/unit/test_relay_join
check_PROGRAMS += $(RELAY_TESTS)
TESTS += $(RELAY_TESTS) tests/conf/relay-cli.sh
relay_test_sources = relay-ctl/relay_args.c relay-ctl/relay_join.c \
	relay-ctl/relay.h
relay_test_libs = libconf.a libcommon.a $(CRYPTO_LIBS) $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
tests_unit_test_relay_args_SOURCES = tests/unit/test_relay_args.c \
	$(relay_test_sources)
tests_unit_test_relay_args_LDADD = $(relay_test_libs)
tests_unit_test_relay_join_SOURCES = tests/unit/test_relay_join.c \
	$(relay_test_sources)
tests_unit_test_relay_join_LDADD = $(relay_test_libs)
EXTRA_DIST += tests/conf/relay-cli.sh

# --- relay-ctl(8) ---
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = \
	relay-ctl/json_print.c \
	relay-ctl/output.c relay-ctl/output.h \
	relay-ctl/output_json.c \
	relay-ctl/output_text.c \
	relay-ctl/parser.c relay-ctl/parser.h \
	relay-ctl/rpc_error.c \
	relay-ctl/secret.c \
	relay-ctl/verdict.c
bin_PROGRAMS += relay-ctl/relay-ctl
relay_ctl_relay_ctl_SOURCES = relay-ctl/relay-ctl.c
relay_ctl_relay_ctl_LDADD = libctl.a libcommon.a $(LIBEVENT_LIBS) \
	$(JSONC_LIBS) $(LIBBSD_LIBS)

CTL_TESTS = tests/unit/test_ctl_output tests/unit/test_ctl_parser \
	tests/unit/test_ctl_result tests/unit/test_ctl_trust
check_PROGRAMS += $(CTL_TESTS)
TESTS += $(CTL_TESTS)
ctl_test_libs = libctl.a libcommon.a $(JSONC_LIBS) $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
tests_unit_test_ctl_parser_LDADD = $(ctl_test_libs)
CTL_OUTPUT_FIXTURE = tests/unit/ctl_output_fixture.c \
	tests/unit/ctl_output_fixture.h
tests_unit_test_ctl_output_SOURCES = tests/unit/test_ctl_output.c \
	$(CTL_OUTPUT_FIXTURE)
tests_unit_test_ctl_output_LDADD = $(ctl_test_libs)
tests_unit_test_ctl_result_SOURCES = tests/unit/test_ctl_result.c \
	$(CTL_OUTPUT_FIXTURE)
tests_unit_test_ctl_result_LDADD = $(ctl_test_libs)
tests_unit_test_ctl_trust_SOURCES = tests/unit/test_ctl_trust.c \
	$(CTL_OUTPUT_FIXTURE)
tests_unit_test_ctl_trust_LDADD = $(ctl_test_libs)
