# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libregistry.a
libregistry_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JSONC_CFLAGS)
libregistry_a_SOURCES = \
	relay-registry/clone.c relay-registry/clone.h \
	relay-registry/db.c relay-registry/db.h relay-registry/sql.def \
	relay-registry/message.c relay-registry/message.h \
	relay-registry/register.c \
	relay-registry/registry.c relay-registry/registry.h \
	relay-registry/registry_impl.h \
	relay-registry/reply.c relay-registry/reply.h \
	relay-registry/schema.c \
	relay-registry/session.c \
	relay-registry/view.c

pkglibexec_PROGRAMS += relay-registry/relay-registry
relay_registry_relay_registry_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
relay_registry_relay_registry_SOURCES = \
	relay-registry/main.c \
	relay-registry/show.c relay-registry/show.h
relay_registry_relay_registry_LDADD = libregistry.a libcommon.a \
	$(SQLITE_LIBS) $(JSONC_LIBS) $(LIBEVENT_LIBS) $(SECCOMP_LIBS) \
	$(LIBBSD_LIBS)

registry_test_libs = libregistry.a libcommon.a $(CHECK_LIBS) \
	$(SQLITE_LIBS) $(JSONC_LIBS) $(LIBBSD_LIBS)
registry_test_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS) \
	$(JSONC_CFLAGS) -DTEST_DIR=\"$(abs_top_srcdir)/tests/unit\"

check_PROGRAMS += \
	tests/unit/test_registry \
	tests/unit/test_registry_clone \
	tests/unit/test_registry_db \
	tests/unit/test_registry_message \
	tests/unit/test_registry_services
TESTS += \
	tests/unit/test_registry \
	tests/unit/test_registry_clone \
	tests/unit/test_registry_db \
	tests/unit/test_registry_message \
	tests/unit/test_registry_services

tests_unit_test_registry_SOURCES = tests/unit/test_registry.c \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_CPPFLAGS = $(registry_test_cppflags)
tests_unit_test_registry_LDADD = $(registry_test_libs)
tests_unit_test_registry_clone_SOURCES = tests/unit/test_registry_clone.c
tests_unit_test_registry_clone_CPPFLAGS = $(registry_test_cppflags)
tests_unit_test_registry_clone_LDADD = $(registry_test_libs)
tests_unit_test_registry_db_SOURCES = tests/unit/test_registry_db.c
tests_unit_test_registry_db_CPPFLAGS = $(registry_test_cppflags)
tests_unit_test_registry_db_LDADD = $(registry_test_libs)
tests_unit_test_registry_message_SOURCES = tests/unit/test_registry_message.c \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_message_CPPFLAGS = $(registry_test_cppflags)
tests_unit_test_registry_message_LDADD = $(registry_test_libs)

tests_unit_test_registry_services_SOURCES = \
	tests/unit/test_registry_services.c \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_services_CPPFLAGS = $(registry_test_cppflags)
tests_unit_test_registry_services_LDADD = $(registry_test_libs)

EXTRA_DIST += tests/unit/registry-v1.sql

FUZZERS += tests/fuzz/fuzz_registry_msgs
tests_fuzz_fuzz_registry_msgs_SOURCES = tests/fuzz/fuzz_registry_msgs.c \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_registry_msgs_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_fuzz_fuzz_registry_msgs_LDADD = libregistry.a libcommon.a \
	$(SQLITE_LIBS) $(JSONC_LIBS) $(LIBBSD_LIBS)
tests_fuzz_fuzz_registry_msgs_LDFLAGS = $(FUZZ_LDFLAGS)
