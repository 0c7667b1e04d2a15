# SPDX-License-Identifier: ISC
# Pure cores: shared with unit tests.
noinst_LIBRARIES += libdialer.a
libdialer_a_SOURCES = \
	relayd/dialer/plan.c relayd/dialer/plan.h \
	relayd/dialer/race.c relayd/dialer/race.h \
	relayd/dialer/repeat.c relayd/dialer/repeat.h

pkglibexec_PROGRAMS += relay-dialer
relay_dialer_SOURCES = \
	relayd/dialer/dial.c \
	relayd/dialer/dialer.h \
	relayd/dialer/main.c \
	relayd/dialer/resolve.c \
	relayd/dialer/show.c \
	relayd/dialer/target.c
relay_dialer_LDADD = libdialer.a libcommon.a $(LIBEVENT_EXTRA_LIBS) \
	$(LIBEVENT_LIBS) $(LIBBSD_LIBS) $(SECCOMP_LIBS)

check_PROGRAMS += tests/unit/test_dial_plan tests/unit/test_dial_race \
	tests/unit/test_dial_repeat tests/unit/test_dial_return
TESTS += tests/unit/test_dial_plan tests/unit/test_dial_race \
	tests/unit/test_dial_repeat tests/unit/test_dial_return
dial_plan_fixture = tests/unit/dial_plan_fixture.c \
	tests/unit/dial_plan_fixture.h
tests_unit_test_dial_plan_SOURCES = tests/unit/test_dial_plan.c \
	$(dial_plan_fixture)
tests_unit_test_dial_plan_LDADD = libdialer.a libcommon.a $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
tests_unit_test_dial_return_SOURCES = tests/unit/test_dial_return.c \
	$(dial_plan_fixture)
tests_unit_test_dial_return_LDADD = libdialer.a libcommon.a $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
tests_unit_test_dial_repeat_LDADD = libdialer.a libcommon.a $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
tests_unit_test_dial_race_LDADD = libdialer.a libcommon.a $(CHECK_LIBS) \
	$(LIBBSD_LIBS)

# The program among a parent and front-ends made of the test.
DIALER_PROGRAM_TESTS = tests/ipc/test_dialer.py \
	tests/ipc/test_dialer_peers.py
TESTS += $(DIALER_PROGRAM_TESTS)
EXTRA_DIST += $(DIALER_PROGRAM_TESTS) tests/ipc/dialer_rig.py

# The program itself, its main() renamed, among liars and without a network.
EXTRA_LIBRARIES += tests/fuzz/libdialer_msgs.a
tests_fuzz_libdialer_msgs_a_CPPFLAGS = $(AM_CPPFLAGS) -Dmain=program_main \
	-include $(top_srcdir)/tests/fuzz/receiver.h
tests_fuzz_libdialer_msgs_a_SOURCES = $(relay_dialer_SOURCES)
FUZZERS += tests/fuzz/fuzz_dialer_msgs
tests_fuzz_fuzz_dialer_msgs_SOURCES = tests/fuzz/fuzz_dialer_msgs.c \
	tests/fuzz/receiver_input.c $(FUZZ_RECEIVER) $(FUZZ_DRIVER)
tests_fuzz_fuzz_dialer_msgs_LDADD = tests/fuzz/libdialer_msgs.a libdialer.a \
	libcommon.a $(LIBEVENT_LIBS) $(LIBBSD_LIBS) $(SECCOMP_LIBS)
tests_fuzz_fuzz_dialer_msgs_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) \
	-Wl,--wrap=fatal -Wl,--wrap=socket -Wl,--wrap=connect
