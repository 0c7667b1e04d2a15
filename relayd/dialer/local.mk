# SPDX-License-Identifier: ISC
# Pure cores: shared with unit tests.
noinst_LIBRARIES += libdialer.a
libdialer_a_SOURCES = \
	relayd/dialer/plan.c relayd/dialer/plan.h \
	relayd/dialer/race.c relayd/dialer/race.h

pkglibexec_PROGRAMS += relay-dialer
relay_dialer_SOURCES = \
	relayd/dialer/dial.c \
	relayd/dialer/dialer.h \
	relayd/dialer/main.c \
	relayd/dialer/resolve.c \
	relayd/dialer/uplink.c
relay_dialer_LDADD = libdialer.a libcommon.a $(LIBEVENT_EXTRA_LIBS) \
	$(LIBEVENT_LIBS) $(LIBBSD_LIBS) $(SECCOMP_LIBS)

check_PROGRAMS += tests/unit/test_dial_plan tests/unit/test_dial_race
TESTS += tests/unit/test_dial_plan tests/unit/test_dial_race
tests_unit_test_dial_plan_SOURCES = tests/unit/test_dial_plan.c
tests_unit_test_dial_plan_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dial_plan_LDADD = libdialer.a libcommon.a $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
tests_unit_test_dial_race_SOURCES = tests/unit/test_dial_race.c
tests_unit_test_dial_race_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dial_race_LDADD = libdialer.a libcommon.a $(CHECK_LIBS) \
	$(LIBBSD_LIBS)

# The program among a parent and front-ends made of the test.
TESTS += tests/ipc/test_dialer.py
EXTRA_DIST += tests/ipc/test_dialer.py
