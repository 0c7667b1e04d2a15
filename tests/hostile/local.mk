# SPDX-License-Identifier: ISC
# Programs that were taken over: the real ones, which do what a test orders
# beside their work (tests/lib/puppet.py).  tests/system/test_walls*.py start
# them in place of the real ones.
hostile_link_flags = $(AM_LDFLAGS) -Wl,--wrap=child_run
HOSTILE = tests/hostile/relay-frontend tests/hostile/relay-dialer \
	tests/hostile/relay-backend tests/hostile/relay-router \
	tests/hostile/relay-keeper tests/hostile/relay-registry \
	tests/hostile/relayd
check_PROGRAMS += $(HOSTILE)
check_LIBRARIES += tests/hostile/libpuppet.a
tests_hostile_libpuppet_a_SOURCES = tests/hostile/puppet.c \
	tests/hostile/puppet.h
tests_hostile_relay_frontend_SOURCES = $(relay_frontend_SOURCES)
tests_hostile_relay_frontend_LDFLAGS = $(hostile_link_flags)
tests_hostile_relay_frontend_LDADD = tests/hostile/libpuppet.a \
	$(relay_frontend_LDADD)
tests_hostile_relay_dialer_SOURCES = $(relay_dialer_SOURCES)
tests_hostile_relay_dialer_LDFLAGS = $(hostile_link_flags)
tests_hostile_relay_dialer_LDADD = tests/hostile/libpuppet.a \
	$(relay_dialer_LDADD)
tests_hostile_relay_backend_SOURCES = $(relay_backend_SOURCES)
tests_hostile_relay_backend_LDFLAGS = $(hostile_link_flags)
tests_hostile_relay_backend_LDADD = tests/hostile/libpuppet.a \
	$(relay_backend_LDADD)
tests_hostile_relay_router_SOURCES = $(relay_router_relay_router_SOURCES)
tests_hostile_relay_router_LDFLAGS = $(hostile_link_flags)
tests_hostile_relay_router_LDADD = tests/hostile/libpuppet.a \
	$(relay_router_relay_router_LDADD)
tests_hostile_relay_keeper_SOURCES = $(relay_keeper_SOURCES)
tests_hostile_relay_keeper_LDFLAGS = $(hostile_link_flags)
tests_hostile_relay_keeper_LDADD = tests/hostile/libpuppet.a \
	$(relay_keeper_LDADD)
tests_hostile_relay_registry_CPPFLAGS = \
	$(relay_registry_relay_registry_CPPFLAGS)
tests_hostile_relay_registry_SOURCES = \
	$(relay_registry_relay_registry_SOURCES)
tests_hostile_relay_registry_LDFLAGS = $(hostile_link_flags)
tests_hostile_relay_registry_LDADD = tests/hostile/libpuppet.a \
	$(relay_registry_relay_registry_LDADD)

# A relayd that ends no test because a process ends often.
tests_hostile_relayd_SOURCES = tests/hostile/patience.c \
	$(relayd_relayd_SOURCES)
tests_hostile_relayd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=child_start
tests_hostile_relayd_LDADD = $(relayd_relayd_LDADD)

.PHONY: hostile
hostile: $(HOSTILE)
