# SPDX-License-Identifier: ISC
# Sandbox, message table, channels, and trust between the processes.

MATRIX_PY = tests/ipc/gen-matrix.py tests/ipc/msgtable.py
tests/ipc/matrix.txt: $(MATRIX_PY) common/msg_types.def common/limits.h
	$(AM_V_GEN)$(MKDIR_P) tests/ipc && \
	    $(PYTHON3) $(top_srcdir)/tests/ipc/gen-matrix.py >$@.tmp && \
	    mv $@.tmp $@
check_DATA += tests/ipc/matrix.txt
CLEANFILES += tests/ipc/matrix.txt

check_LIBRARIES += tests/unit/libprobe.a tests/ipc/librig.a
tests_unit_libprobe_a_SOURCES = tests/unit/sandbox_probe.c \
	tests/unit/sandbox_probe.h tests/unit/sandbox_probe_calls.c
tests_ipc_librig_a_SOURCES = tests/ipc/matrix.c tests/ipc/matrix.h \
	tests/ipc/rig.c tests/ipc/rig.h

IPC_LIBS = libcommon.a $(CHECK_LIBS) $(LIBEVENT_LIBS) $(LIBBSD_LIBS) \
	$(SECCOMP_LIBS)

IPC_UNIT_TESTS = tests/unit/test_channel tests/unit/test_channel_end \
	tests/unit/test_channel_flow tests/unit/test_channel_send \
	tests/unit/test_log tests/unit/test_msg tests/unit/test_name \
	tests/unit/test_sandbox tests/unit/test_sandbox_files \
	tests/unit/test_sandbox_net tests/unit/test_sandbox_root \
	tests/unit/test_service tests/unit/test_wire tests/ipc/test_live
check_PROGRAMS += $(IPC_UNIT_TESTS)
TESTS += $(IPC_UNIT_TESTS)
CHANNEL_FIXTURE = tests/unit/channel_fixture.c tests/unit/channel_fixture.h
tests_unit_test_channel_SOURCES = tests/unit/test_channel.c $(CHANNEL_FIXTURE)
tests_unit_test_channel_LDADD = tests/ipc/librig.a $(IPC_LIBS)
tests_unit_test_channel_end_SOURCES = tests/unit/test_channel_end.c $(CHANNEL_FIXTURE)
tests_unit_test_channel_end_LDADD = tests/ipc/librig.a $(IPC_LIBS)
tests_unit_test_channel_flow_SOURCES = tests/unit/test_channel_flow.c $(CHANNEL_FIXTURE)
tests_unit_test_channel_flow_LDADD = tests/ipc/librig.a $(IPC_LIBS)
tests_unit_test_channel_send_SOURCES = tests/unit/test_channel_send.c $(CHANNEL_FIXTURE)
tests_unit_test_channel_send_LDADD = tests/ipc/librig.a $(IPC_LIBS)
tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_LDADD = $(IPC_LIBS)
tests_unit_test_msg_SOURCES = tests/unit/test_msg.c
tests_unit_test_msg_LDADD = tests/ipc/librig.a $(IPC_LIBS)
tests_unit_test_name_SOURCES = tests/unit/test_name.c
tests_unit_test_name_LDADD = $(IPC_LIBS)
SANDBOX_FIXTURE = tests/unit/sandbox_fixture.c tests/unit/sandbox_fixture.h
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c $(SANDBOX_FIXTURE)
tests_unit_test_sandbox_LDADD = tests/unit/libprobe.a $(IPC_LIBS)
tests_unit_test_sandbox_files_SOURCES = tests/unit/test_sandbox_files.c $(SANDBOX_FIXTURE)
tests_unit_test_sandbox_files_LDADD = tests/unit/libprobe.a $(IPC_LIBS)
tests_unit_test_sandbox_net_SOURCES = tests/unit/test_sandbox_net.c $(SANDBOX_FIXTURE)
tests_unit_test_sandbox_net_LDADD = tests/unit/libprobe.a $(IPC_LIBS)
tests_unit_test_sandbox_root_SOURCES = tests/unit/test_sandbox_root.c $(SANDBOX_FIXTURE)
tests_unit_test_sandbox_root_LDADD = tests/unit/libprobe.a $(IPC_LIBS)
tests_unit_test_service_SOURCES = tests/unit/test_service.c
tests_unit_test_service_LDADD = $(IPC_LIBS)
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
tests_unit_test_wire_LDADD = $(IPC_LIBS)
tests_ipc_test_live_SOURCES = tests/ipc/test_live.c
tests_ipc_test_live_LDADD = tests/ipc/librig.a $(IPC_LIBS)

# The profile of each real program: its own objects, whose main() gets the
# test's child_run().
profile_link_flags = $(AM_LDFLAGS) -Wl,--wrap=child_run
check_LIBRARIES += tests/unit/libprofile.a
tests_unit_libprofile_a_SOURCES = tests/unit/test_profile.c \
	$(tests_unit_libprobe_a_SOURCES)
PROFILE_TESTS = tests/unit/test_profile_frontend \
	tests/unit/test_profile_dialer tests/unit/test_profile_backend \
	tests/unit/test_profile_router tests/unit/test_profile_registry \
	tests/unit/test_profile_keeper
check_PROGRAMS += $(PROFILE_TESTS)
TESTS += $(PROFILE_TESTS)
tests_unit_test_profile_frontend_SOURCES = $(relay_frontend_SOURCES)
tests_unit_test_profile_frontend_LDFLAGS = $(profile_link_flags)
tests_unit_test_profile_frontend_LDADD = tests/unit/libprofile.a \
	$(relay_frontend_LDADD) $(CHECK_LIBS)
tests_unit_test_profile_dialer_SOURCES = $(relay_dialer_SOURCES)
tests_unit_test_profile_dialer_LDFLAGS = $(profile_link_flags)
tests_unit_test_profile_dialer_LDADD = tests/unit/libprofile.a \
	$(relay_dialer_LDADD) $(CHECK_LIBS)
tests_unit_test_profile_backend_SOURCES = $(relay_backend_SOURCES)
tests_unit_test_profile_backend_LDFLAGS = $(profile_link_flags)
tests_unit_test_profile_backend_LDADD = tests/unit/libprofile.a \
	$(relay_backend_LDADD) $(CHECK_LIBS)
tests_unit_test_profile_router_SOURCES = $(relay_router_relay_router_SOURCES)
tests_unit_test_profile_router_LDFLAGS = $(profile_link_flags)
tests_unit_test_profile_router_LDADD = tests/unit/libprofile.a \
	$(relay_router_relay_router_LDADD) $(CHECK_LIBS)
tests_unit_test_profile_registry_SOURCES = \
	$(relay_registry_relay_registry_SOURCES)
tests_unit_test_profile_registry_LDFLAGS = $(profile_link_flags)
tests_unit_test_profile_registry_LDADD = tests/unit/libprofile.a \
	$(relay_registry_relay_registry_LDADD) $(CHECK_LIBS)
tests_unit_test_profile_keeper_SOURCES = $(relay_keeper_SOURCES)
tests_unit_test_profile_keeper_LDFLAGS = $(profile_link_flags)
tests_unit_test_profile_keeper_LDADD = tests/unit/libprofile.a \
	$(relay_keeper_LDADD) $(CHECK_LIBS)

# The real programs among liars.
IPC_PROGRAM_TESTS = tests/ipc/test_children.py tests/ipc/test_hostile.py
TESTS += $(IPC_PROGRAM_TESTS)
EXTRA_DIST += $(IPC_PROGRAM_TESTS) $(MATRIX_PY) tests/ipc/fields.py \
	tests/ipc/parent.py tests/ipc/runner.py tests/unit/suite.h

FUZZERS += tests/fuzz/fuzz_channel
tests_fuzz_fuzz_channel_SOURCES = tests/fuzz/fuzz_channel.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_channel_LDADD = libcommon.a $(LIBEVENT_LIBS) $(LIBBSD_LIBS)
tests_fuzz_fuzz_channel_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# libFuzzer's dictionary of messages: fuzz_channel -dict=...
tests/fuzz/channel.dict: tests/fuzz/gen-dict.py $(MATRIX_PY) \
	common/msg_types.def common/limits.h
	$(AM_V_GEN)$(MKDIR_P) tests/fuzz && \
	    $(PYTHON3) $(top_srcdir)/tests/fuzz/gen-dict.py >$@.tmp && \
	    mv $@.tmp $@
if FUZZING
check_DATA += tests/fuzz/channel.dict
endif
CLEANFILES += tests/fuzz/channel.dict
EXTRA_DIST += tests/fuzz/gen-dict.py
