# SPDX-License-Identifier: ISC

# --- relay(1) ---
bin_PROGRAMS += relay-ctl/relay
relay_ctl_relay_SOURCES = \
	relay-ctl/relay.c relay-ctl/relay.h \
	relay-ctl/relay_args.c \
	relay-ctl/relay_dirs.c \
	relay-ctl/relay_id.c
relay_ctl_relay_LDADD = libconf.a libcommon.a $(CRYPTO_LIBS) $(LIBBSD_LIBS)

check_PROGRAMS += tests/unit/test_relay_args
TESTS += tests/unit/test_relay_args tests/conf/relay-cli.sh
tests_unit_test_relay_args_SOURCES = tests/unit/test_relay_args.c \
	relay-ctl/relay_args.c relay-ctl/relay.h
tests_unit_test_relay_args_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_relay_args_LDADD = libconf.a libcommon.a $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
EXTRA_DIST += tests/conf/relay-cli.sh

# --- relay-ctl(8) ---
noinst_LIBRARIES += libctl.a
libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(JSONC_CFLAGS)
libctl_a_SOURCES = \
	relay-ctl/json_print.c \
	relay-ctl/output.c relay-ctl/output.h \
	relay-ctl/output_json.c \
	relay-ctl/output_text.c \
	relay-ctl/parser.c relay-ctl/parser.h \
	relay-ctl/rpc_error.c
bin_PROGRAMS += relay-ctl/relay-ctl
relay_ctl_relay_ctl_SOURCES = relay-ctl/relay-ctl.c
relay_ctl_relay_ctl_LDADD = libctl.a libcommon.a $(LIBEVENT_LIBS) \
	$(JSONC_LIBS) $(LIBBSD_LIBS)

CTL_TESTS = tests/unit/test_ctl_output tests/unit/test_ctl_parser \
	tests/unit/test_ctl_result
check_PROGRAMS += $(CTL_TESTS)
TESTS += $(CTL_TESTS)
ctl_test_libs = libctl.a libcommon.a $(JSONC_LIBS) $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
tests_unit_test_ctl_parser_SOURCES = tests/unit/test_ctl_parser.c
tests_unit_test_ctl_parser_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ctl_parser_LDADD = $(ctl_test_libs)
CTL_OUTPUT_FIXTURE = tests/unit/ctl_output_fixture.c \
	tests/unit/ctl_output_fixture.h
tests_unit_test_ctl_output_SOURCES = tests/unit/test_ctl_output.c \
	$(CTL_OUTPUT_FIXTURE)
tests_unit_test_ctl_output_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ctl_output_LDADD = $(ctl_test_libs)
tests_unit_test_ctl_result_SOURCES = tests/unit/test_ctl_result.c \
	$(CTL_OUTPUT_FIXTURE)
tests_unit_test_ctl_result_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ctl_result_LDADD = $(ctl_test_libs)
