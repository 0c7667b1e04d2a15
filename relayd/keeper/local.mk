# SPDX-License-Identifier: ISC
# Pure cores: shared with unit tests.
noinst_LIBRARIES += libkeeper.a libkeysign.a
keeper_judge = \
	relayd/keeper/content.c relayd/keeper/content.h \
	relayd/keeper/keytype.c relayd/keeper/keytype.h
libkeeper_a_SOURCES = $(keeper_judge) \
	relayd/keeper/key.c relayd/keeper/key.h \
	relayd/keeper/keyset.c relayd/keeper/keyset.h

# The front-end's side: keys without their private part.
libkeysign_a_SOURCES = $(keeper_judge) \
	relayd/frontend/keysign.c relayd/frontend/keysign.h \
	relayd/frontend/keysign_impl.h \
	relayd/frontend/keysign_keymgmt.c \
	relayd/frontend/keysign_signature.c

pkglibexec_PROGRAMS += relay-keeper
relay_keeper_SOURCES = relayd/keeper/keeper.h relayd/keeper/main.c \
	relayd/keeper/pemfile.c relayd/keeper/pemfile.h
relay_keeper_LDADD = libkeeper.a libcommon.a $(LIBEVENT_LIBS) \
	$(CRYPTO_LIBS) $(LIBBSD_LIBS) $(SECCOMP_LIBS)

tls_fixture = tests/unit/tls_fixture.c tests/unit/tls_fixture.h
keysign_fixture = $(tls_fixture) tests/unit/keysign_fixture.c \
	tests/unit/keysign_fixture.h
KEEPER_TESTS = tests/unit/test_keeper_content tests/unit/test_keeper_key \
	tests/unit/test_keeper_keyset tests/unit/test_keysign \
	tests/unit/test_keysign_faults
check_PROGRAMS += $(KEEPER_TESTS)
TESTS += $(KEEPER_TESTS)
KEEPER_TEST_LIBS = libkeeper.a libcommon.a $(CHECK_LIBS) $(LIBSSL_LIBS) \
	$(CRYPTO_LIBS) $(LIBBSD_LIBS)
KEYSIGN_TEST_LIBS = libkeysign.a libfrontend.a $(KEEPER_TEST_LIBS)
tests_unit_test_keeper_content_SOURCES = tests/unit/test_keeper_content.c \
	$(tls_fixture)
tests_unit_test_keeper_content_LDADD = $(KEEPER_TEST_LIBS)
tests_unit_test_keeper_key_SOURCES = tests/unit/test_keeper_key.c \
	$(tls_fixture)
tests_unit_test_keeper_key_LDADD = $(KEEPER_TEST_LIBS)
tests_unit_test_keeper_keyset_SOURCES = tests/unit/test_keeper_keyset.c \
	$(tls_fixture)
tests_unit_test_keeper_keyset_LDADD = $(KEEPER_TEST_LIBS)
tests_unit_test_keysign_SOURCES = tests/unit/test_keysign.c \
	$(keysign_fixture)
tests_unit_test_keysign_LDADD = $(KEYSIGN_TEST_LIBS)
tests_unit_test_keysign_faults_SOURCES = tests/unit/test_keysign_faults.c \
	$(keysign_fixture)
tests_unit_test_keysign_faults_LDADD = $(KEYSIGN_TEST_LIBS)

# The program among a parent and front-ends made of the test.
KEEPER_PROGRAM_TESTS = tests/ipc/test_keeper.py
TESTS += $(KEEPER_PROGRAM_TESTS)
EXTRA_DIST += $(KEEPER_PROGRAM_TESTS) tests/ipc/keeper_rig.py

# The program itself, its main() renamed, among liars.
EXTRA_LIBRARIES += tests/fuzz/libkeeper_msgs.a
tests_fuzz_libkeeper_msgs_a_CPPFLAGS = $(AM_CPPFLAGS) -Dmain=program_main \
	-include $(top_srcdir)/tests/fuzz/receiver.h
tests_fuzz_libkeeper_msgs_a_SOURCES = $(relay_keeper_SOURCES)
FUZZERS += tests/fuzz/fuzz_keeper_msgs
tests_fuzz_fuzz_keeper_msgs_SOURCES = tests/fuzz/fuzz_keeper_msgs.c \
	tests/fuzz/receiver_input.c $(FUZZ_RECEIVER) $(FUZZ_DRIVER)
tests_fuzz_fuzz_keeper_msgs_LDADD = tests/fuzz/libkeeper_msgs.a \
	$(relay_keeper_LDADD)
tests_fuzz_fuzz_keeper_msgs_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS) \
	-Wl,--wrap=fatal
EXTRA_DIST += tests/fuzz/corpus_keeper.py
