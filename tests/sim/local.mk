# SPDX-License-Identifier: ISC
# A whole federation in one process.  The real programs, each with its main()
# renamed, and names of the router's that the registry has as well.
sim_program = -include $(top_srcdir)/tests/sim/programs.h
check_LIBRARIES += tests/sim/librouter.a tests/sim/libregistry.a \
	tests/sim/libdialer.a
tests_sim_librouter_a_CPPFLAGS = $(AM_CPPFLAGS) $(sim_program) \
	-Dmain=router_main \
	-Dregistry_register=router_registry_register
tests_sim_librouter_a_SOURCES = $(relay_router_relay_router_SOURCES)
tests_sim_libregistry_a_CPPFLAGS = $(AM_CPPFLAGS) $(sim_program) \
	-Dmain=registry_main
tests_sim_libregistry_a_SOURCES = $(relay_registry_relay_registry_SOURCES)
# Without dial.c and resolve.c, which know the real network.
tests_sim_libdialer_a_CPPFLAGS = $(AM_CPPFLAGS) $(sim_program) \
	-Dmain=dialer_main
tests_sim_libdialer_a_SOURCES = relayd/dialer/main.c relayd/dialer/show.c \
	relayd/dialer/target.c

check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = \
	tests/sim/call.c \
	tests/sim/channel.c \
	tests/sim/chaos.c tests/sim/chaos.h \
	tests/sim/check.c \
	tests/sim/child.c tests/sim/child.h \
	tests/sim/clock.c \
	tests/sim/cost.c tests/sim/cost.h \
	tests/sim/dial.c \
	tests/sim/event.c \
	tests/sim/frontend.c tests/sim/frontend.h \
	tests/sim/frontend_link.c \
	tests/sim/home.c tests/sim/home.h \
	tests/sim/main.c \
	tests/sim/net.c tests/sim/net.h \
	tests/sim/node.c tests/sim/node.h \
	tests/sim/parent.c \
	tests/sim/peek_registry.c \
	tests/sim/peek_router.c \
	tests/sim/programs.h \
	tests/sim/rules.c tests/sim/rules.h \
	tests/sim/say.c \
	tests/sim/sim.h \
	tests/sim/views.c \
	tests/sim/watch.c tests/sim/watch.h
tests_sim_sim_LDADD = tests/sim/librouter.a tests/sim/libregistry.a \
	tests/sim/libdialer.a librouter.a libregistry.a libdialer.a \
	libcommon.a $(JSONC_LIBS) $(SQLITE_LIBS) $(CRYPTO_LIBS) $(LIBBSD_LIBS)

# Many seeds, each counted.
TESTS += tests/sim/run
EXTRA_DIST += tests/sim/run
