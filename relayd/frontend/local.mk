# SPDX-License-Identifier: ISC
# Pure cores and the I/O layer: shared with unit tests, fuzzers and ws-echo.
noinst_LIBRARIES += libfrontend.a
libfrontend_a_SOURCES = \
	relayd/frontend/addrtab.c relayd/frontend/addrtab.h \
	relayd/frontend/conn_io.c relayd/frontend/conn_io.h \
	relayd/frontend/http.c relayd/frontend/http.h \
	relayd/frontend/idmap.c relayd/frontend/idmap.h \
	relayd/frontend/reply.c relayd/frontend/reply.h \
	relayd/frontend/sendq.c relayd/frontend/sendq.h \
	relayd/frontend/tls.c relayd/frontend/tls.h \
	relayd/frontend/tls_age.c relayd/frontend/tls_age.h \
	relayd/frontend/tls_conf.c relayd/frontend/tls_conf.h \
	relayd/frontend/tls_ctx.c relayd/frontend/tls_ctx.h \
	relayd/frontend/tls_io.c relayd/frontend/tls_io.h \
	relayd/frontend/tls_name.c relayd/frontend/tls_name.h \
	relayd/frontend/tls_ticket.c relayd/frontend/tls_ticket.h \
	relayd/frontend/tls_why.c \
	relayd/frontend/upgrade.c relayd/frontend/upgrade.h \
	relayd/frontend/ws.c relayd/frontend/ws.h \
	relayd/frontend/wsio.c relayd/frontend/wsio.h

pkglibexec_PROGRAMS += relay-frontend
relay_frontend_SOURCES = \
	relayd/frontend/conf.c \
	relayd/frontend/conn.c \
	relayd/frontend/conn_due.c \
	relayd/frontend/conn_read.c \
	relayd/frontend/frontend.h \
	relayd/frontend/handshake.c \
	relayd/frontend/http_conn.c \
	relayd/frontend/link.c \
	relayd/frontend/link_open.c \
	relayd/frontend/listen.c \
	relayd/frontend/main.c \
	relayd/frontend/tls_show.c \
	relayd/frontend/uplink.c \
	relayd/frontend/uplink_open.c
# libkeysign.a is of relayd/keeper/local.mk
# (each needs the other)
FRONTEND_LIBS = libfrontend.a libkeysign.a libfrontend.a libcommon.a
FRONTEND_TLS_LIBS = $(LIBSSL_LIBS) $(CRYPTO_LIBS)
relay_frontend_LDADD = $(FRONTEND_LIBS) $(LIBEVENT_LIBS) \
	$(FRONTEND_TLS_LIBS) $(LIBBSD_LIBS) $(SECCOMP_LIBS)

check_PROGRAMS += tests/ws-echo/ws-echo
tests_ws_echo_ws_echo_SOURCES = tests/ws-echo/ws-echo.c
tests_ws_echo_ws_echo_LDADD = $(FRONTEND_LIBS) $(LIBEVENT_LIBS) \
	$(FRONTEND_TLS_LIBS) $(LIBBSD_LIBS)

# Protocol cases over real sockets: ws-echo, and relay-frontend with a parent,
# router and dialer made of the test.
TESTS += tests/frontend/run
EXTRA_DIST += tests/frontend/run tests/frontend/frontend.py \
	tests/frontend/http_cases.py tests/frontend/link_cases.py \
	tests/frontend/link_open_cases.py \
	tests/frontend/peer_cases.py tests/frontend/uplink_cases.py \
	tests/frontend/rig.py tests/frontend/steps.py \
	tests/frontend/tls_cases.py tests/frontend/tls_half_cases.py \
	tests/frontend/tls_handshake_cases.py \
	tests/frontend/tls_hostile_cases.py tests/frontend/tls_rig.py \
	tests/frontend/tls_steps.py \
	tests/frontend/tls_uplink_cases.py tests/ws-echo/cases.py \
	tests/ws-echo/interop.py tests/ws-echo/interop.js

FRONTEND_TEST_LIBS = $(FRONTEND_LIBS) $(CHECK_LIBS) \
	$(FRONTEND_TLS_LIBS) $(LIBBSD_LIBS)

check_PROGRAMS += tests/unit/test_utf8
TESTS += tests/unit/test_utf8
tests_unit_test_utf8_LDADD = $(FRONTEND_TEST_LIBS)

check_PROGRAMS += tests/unit/test_ws
TESTS += tests/unit/test_ws
tests_unit_test_ws_LDADD = $(FRONTEND_TEST_LIBS)

HTTP_FIXTURE = tests/unit/http_fixture.c tests/unit/http_fixture.h
check_PROGRAMS += tests/unit/test_http tests/unit/test_upgrade
TESTS += tests/unit/test_http tests/unit/test_upgrade
tests_unit_test_http_SOURCES = tests/unit/test_http.c $(HTTP_FIXTURE)
tests_unit_test_http_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_upgrade_SOURCES = tests/unit/test_upgrade.c $(HTTP_FIXTURE)
tests_unit_test_upgrade_LDADD = $(FRONTEND_TEST_LIBS)

check_PROGRAMS += tests/unit/test_addrtab
TESTS += tests/unit/test_addrtab
tests_unit_test_addrtab_LDADD = $(FRONTEND_TEST_LIBS)
check_PROGRAMS += tests/unit/test_upgrade_values
TESTS += tests/unit/test_upgrade_values
tests_unit_test_upgrade_values_LDADD = $(FRONTEND_TEST_LIBS)
check_PROGRAMS += tests/unit/test_sendq
TESTS += tests/unit/test_sendq
tests_unit_test_sendq_LDADD = $(FRONTEND_TEST_LIBS)

# tls_fixture is of relayd/keeper/local.mk
check_PROGRAMS += tests/unit/test_tls tests/unit/test_tls_age \
	tests/unit/test_tls_name tests/unit/test_tls_pin tests/unit/test_tls_resume
TESTS += tests/unit/test_tls tests/unit/test_tls_age \
	tests/unit/test_tls_name tests/unit/test_tls_pin tests/unit/test_tls_resume
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c $(tls_fixture)
tests_unit_test_tls_LDADD = libkeeper.a $(FRONTEND_TEST_LIBS)
tests_unit_test_tls_age_SOURCES = tests/unit/test_tls_age.c $(tls_fixture)
tests_unit_test_tls_age_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_tls_name_SOURCES = tests/unit/test_tls_name.c $(tls_fixture)
tests_unit_test_tls_name_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_tls_pin_SOURCES = tests/unit/test_tls_pin.c $(tls_fixture)
tests_unit_test_tls_pin_LDADD = $(FRONTEND_TEST_LIBS)
tests_unit_test_tls_resume_LDADD = $(FRONTEND_TEST_LIBS)

FUZZERS += tests/fuzz/fuzz_ws
tests_fuzz_fuzz_ws_SOURCES = tests/fuzz/fuzz_ws.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_ws_LDADD = $(FRONTEND_LIBS) $(FRONTEND_TLS_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_ws_LDFLAGS = $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_http
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_http_LDADD = $(FRONTEND_LIBS) $(FRONTEND_TLS_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_http_LDFLAGS = $(FUZZ_LDFLAGS)

# The program itself, its main() renamed, among liars.
EXTRA_LIBRARIES += tests/fuzz/libfrontend_msgs.a
tests_fuzz_libfrontend_msgs_a_CPPFLAGS = $(AM_CPPFLAGS) -Dmain=program_main \
	-include $(top_srcdir)/tests/fuzz/receiver.h
tests_fuzz_libfrontend_msgs_a_SOURCES = $(relay_frontend_SOURCES)
FRONTEND_RECEIVER = tests/fuzz/fuzz_frontend_msgs.c tests/fuzz/pem.h \
	$(FUZZ_RECEIVER)
FUZZERS += tests/fuzz/fuzz_frontend_msgs
tests_fuzz_fuzz_frontend_msgs_SOURCES = $(FRONTEND_RECEIVER) \
	tests/fuzz/receiver_input.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_frontend_msgs_LDADD = tests/fuzz/libfrontend_msgs.a \
	$(relay_frontend_LDADD)
tests_fuzz_fuzz_frontend_msgs_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) \
	-Wl,--wrap=fatal

check_PROGRAMS += tests/unit/test_frontend_half tests/unit/test_frontend_link
TESTS += tests/unit/test_frontend_half tests/unit/test_frontend_link
frontend_program_libs = tests/fuzz/libfrontend_msgs.a \
	$(relay_frontend_LDADD) $(CHECK_LIBS)
tests_unit_test_frontend_half_SOURCES = tests/unit/test_frontend_half.c \
	$(FRONTEND_RECEIVER)
tests_unit_test_frontend_half_LDADD = $(frontend_program_libs)
tests_unit_test_frontend_half_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fatal
tests_unit_test_frontend_link_SOURCES = tests/unit/test_frontend_link.c \
	$(FRONTEND_RECEIVER)
tests_unit_test_frontend_link_LDADD = $(frontend_program_libs)
tests_unit_test_frontend_link_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fatal
