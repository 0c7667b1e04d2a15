# SPDX-License-Identifier: ISC

# --- the configuration language ---
AM_YFLAGS += -Wno-yacc
BUILT_SOURCES += relayd/parse.h
noinst_LIBRARIES += libconf.a
libconf_a_SOURCES = \
	relayd/conf.c relayd/conf.h \
	relayd/conf_cross.c \
	relayd/conf_equal.c \
	relayd/conf_file.c \
	relayd/conf_input.c \
	relayd/conf_link.c \
	relayd/conf_parse.h \
	relayd/conf_peer.c \
	relayd/conf_rule.c \
	relayd/conf_service.c \
	relayd/conf_stmt.c \
	relayd/conf_tls.c \
	relayd/conf_trust.c \
	relayd/conf_trust_cross.c \
	relayd/conf_util.c \
	relayd/conf_value.c \
	relayd/lex.c \
	relayd/parse.y \
	relayd/printconf.c relayd/printconf.h \
	relayd/printconf_trust.c
# BUILT_SOURCES is for "make all"; single targets need to be told.
relayd/conf.$(OBJEXT) relayd/lex.$(OBJEXT): relayd/parse.h
conf_libs = libconf.a libcommon.a $(LIBBSD_LIBS)

check_PROGRAMS += tests/conf/conf-test
tests_conf_conf_test_SOURCES = tests/conf/conf-test.c
tests_conf_conf_test_LDADD = $(conf_libs)

check_PROGRAMS += tests/unit/test_conf tests/unit/test_conf_trust \
	tests/unit/test_conf_value
TESTS += tests/unit/test_conf tests/unit/test_conf_trust \
	tests/unit/test_conf_value tests/conf/run \
	tests/conf/check-examples.sh
tests_unit_test_conf_LDADD = $(conf_libs) $(CHECK_LIBS)
tests_unit_test_conf_trust_LDADD = $(conf_libs) $(CHECK_LIBS)
tests_unit_test_conf_value_LDADD = $(conf_libs) $(CHECK_LIBS)

FUZZERS += tests/fuzz/fuzz_conf
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_conf_LDADD = $(conf_libs)
tests_fuzz_fuzz_conf_LDFLAGS = $(FUZZ_LDFLAGS)
FUZZERS += tests/fuzz/fuzz_policy
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz_policy.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_policy_LDADD = $(conf_libs)
tests_fuzz_fuzz_policy_LDFLAGS = $(FUZZ_LDFLAGS)

EXTRA_DIST += tests/conf/run tests/conf/check-examples.sh tests/conf/cases

# --- the supervisor ---
sbin_PROGRAMS += relayd/relayd
relayd_relayd_SOURCES = \
	relayd/account.c \
	relayd/children.c \
	relayd/conffile.c \
	relayd/confsend.c \
	relayd/control.c relayd/control.h \
	relayd/ctl_ask.c \
	relayd/ctl_job.c \
	relayd/ctl_registry.c \
	relayd/dirs.c \
	relayd/files.c relayd/files.h \
	relayd/harden.c \
	relayd/keycheck.c \
	relayd/listen.c \
	relayd/main.c \
	relayd/peer_relay.c \
	relayd/peers.c relayd/peers.h \
	relayd/relayd.h \
	relayd/reload.c \
	relayd/sdnotify.c \
	relayd/services.c \
	relayd/show.c \
	relayd/spawn.c \
	relayd/stop.c \
	relayd/supervise.c \
	relayd/timer.c \
	relayd/watchdog.c
relayd_relayd_LDADD = libconf.a libcommon.a $(LIBEVENT_LIBS) $(LIBBSD_LIBS)

check_PROGRAMS += tests/unit/test_backoff
TESTS += tests/unit/test_backoff
tests_unit_test_backoff_LDADD = libcommon.a $(CHECK_LIBS) $(LIBBSD_LIBS)

check_PROGRAMS += tests/unit/test_spawn
TESTS += tests/unit/test_spawn
tests_unit_test_spawn_SOURCES = tests/unit/test_spawn.c \
	relayd/account.c relayd/conffile.c relayd/files.c relayd/spawn.c
tests_unit_test_spawn_LDADD = libconf.a libcommon.a $(LIBEVENT_LIBS) \
	$(CHECK_LIBS) $(LIBBSD_LIBS)

check_PROGRAMS += tests/unit/test_files tests/unit/test_confsend
TESTS += tests/unit/test_files tests/unit/test_confsend
tests_unit_test_files_SOURCES = tests/unit/test_files.c \
	relayd/conffile.c relayd/files.c
tests_unit_test_files_LDADD = libconf.a libcommon.a $(LIBEVENT_LIBS) \
	$(CHECK_LIBS) $(LIBBSD_LIBS)
tests_unit_test_confsend_SOURCES = tests/unit/test_confsend.c \
	tests/unit/confsend_fixture.c tests/unit/confsend_fixture.h \
	tests/unit/deaf_channel.h \
	relayd/conffile.c relayd/confsend.c relayd/files.c relayd/peers.c
tests_unit_test_confsend_LDADD = libconf.a libcommon.a $(LIBEVENT_LIBS) \
	$(CHECK_LIBS) $(LIBBSD_LIBS)

peers_test_sources = tests/unit/deaf_channel.h \
	tests/unit/parent_peers_fixture.c \
	tests/unit/parent_peers_fixture.h relayd/peer_relay.c relayd/peers.c
peers_test_libs = libconf.a libcommon.a $(LIBEVENT_LIBS) $(CHECK_LIBS) \
	$(LIBBSD_LIBS)
check_PROGRAMS += tests/unit/test_peers tests/unit/test_peers_relay
TESTS += tests/unit/test_peers tests/unit/test_peers_relay
tests_unit_test_peers_SOURCES = tests/unit/test_peers.c $(peers_test_sources)
tests_unit_test_peers_LDADD = $(peers_test_libs)
tests_unit_test_peers_relay_SOURCES = tests/unit/test_peers_relay.c \
	$(peers_test_sources)
tests_unit_test_peers_relay_LDADD = $(peers_test_libs)
