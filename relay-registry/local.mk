# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libregistry.a
libregistry_a_SOURCES = \
	relay-registry/audit.c relay-registry/audit.h \
	relay-registry/audit_budget.c relay-registry/audit_budget.h \
	relay-registry/audit_check.c relay-registry/audit_impl.h \
	relay-registry/auth.h relay-registry/auth_impl.h \
	relay-registry/auth_admit.c \
	relay-registry/auth_answer.c \
	relay-registry/auth_conf.c \
	relay-registry/auth_cut.c \
	relay-registry/auth_dial.c \
	relay-registry/auth_knock.c relay-registry/auth_knock.h \
	relay-registry/auth_node.c \
	relay-registry/auth_nonce.c \
	relay-registry/auth_parse.c \
	relay-registry/auth_place.c \
	relay-registry/auth_proof.c \
	relay-registry/auth_uplink.c \
	relay-registry/auth_words.c \
	relay-registry/clone.c relay-registry/clone.h \
	relay-registry/credential.c relay-registry/credential.h \
	relay-registry/db.c relay-registry/db.h relay-registry/sql.def \
	relay-registry/discovery.c \
	relay-registry/identity.c \
	relay-registry/mesh.c relay-registry/mesh.h \
	relay-registry/mesh_impl.h \
	relay-registry/mesh_out.c \
	relay-registry/mesh_own.c \
	relay-registry/mesh_peer.c \
	relay-registry/mesh_policy.c \
	relay-registry/mesh_row.c \
	relay-registry/message.c relay-registry/message.h \
	relay-registry/message_impl.h \
	relay-registry/message_peer.c \
	relay-registry/node_admin.c \
	relay-registry/node_list.c \
	relay-registry/peer.c relay-registry/peer.h \
	relay-registry/peer_admin.c \
	relay-registry/peer_link.c \
	relay-registry/peer_list.c relay-registry/peer_list.h \
	relay-registry/peer_session.c \
	relay-registry/policy.c relay-registry/policy_impl.h \
	relay-registry/register.c \
	relay-registry/registry.c relay-registry/registry.h \
	relay-registry/registry_impl.h \
	relay-registry/reply.c relay-registry/reply.h \
	relay-registry/schema.c \
	relay-registry/session.c \
	relay-registry/session_end.c \
	relay-registry/token.c relay-registry/token.h \
	relay-registry/token_admin.c \
	relay-registry/view.c relay-registry/view_impl.h \
	relay-registry/view_peers.c

pkglibexec_PROGRAMS += relay-registry/relay-registry
relay_registry_relay_registry_SOURCES = \
	relay-registry/links.c \
	relay-registry/main.c relay-registry/registry_main.h \
	relay-registry/show.c relay-registry/show.h \
	relay-registry/show_node.c \
	relay-registry/staged.c
relay_registry_relay_registry_LDADD = libregistry.a libcommon.a \
	$(SQLITE_LIBS) $(JSONC_LIBS) $(CRYPTO_LIBS) $(LIBEVENT_LIBS) \
	$(SECCOMP_LIBS) $(LIBBSD_LIBS)

registry_test_libs = libregistry.a libcommon.a $(CHECK_LIBS) \
	$(SQLITE_LIBS) $(JSONC_LIBS) $(CRYPTO_LIBS) $(LIBBSD_LIBS)
registry_test_cppflags = $(AM_CPPFLAGS) \
	-DTEST_DIR=\"$(abs_top_srcdir)/tests/unit\"

REGISTRY_TESTS = \
	tests/unit/test_auth \
	tests/unit/test_credential_values \
	tests/unit/test_dialled_mains \
	tests/unit/test_join \
	tests/unit/test_node_orders \
	tests/unit/test_policy_changes \
	tests/unit/test_token_orders \
	tests/unit/test_uplink_places \
	tests/unit/test_registry_admission \
	tests/unit/test_registry_auth \
	tests/unit/test_registry_credential \
	tests/unit/test_registry_cut \
	tests/unit/test_registry_damage \
	tests/unit/test_registry_identity \
	tests/unit/test_registry_node \
	tests/unit/test_registry_outlives \
	tests/unit/test_registry_prove \
	tests/unit/test_registry \
	tests/unit/test_registry_admin \
	tests/unit/test_audit_budget \
	tests/unit/test_registry_audit \
	tests/unit/test_registry_audit_chain \
	tests/unit/test_registry_knock \
	tests/unit/test_registry_secrets \
	tests/unit/test_registry_clone \
	tests/unit/test_registry_db \
	tests/unit/test_registry_dial \
	tests/unit/test_registry_links \
	tests/unit/test_registry_mesh \
	tests/unit/test_registry_message \
	tests/unit/test_registry_peer \
	tests/unit/test_registry_policy \
	tests/unit/test_registry_policy_view \
	tests/unit/test_registry_reply \
	tests/unit/test_registry_resume \
	tests/unit/test_registry_services \
	tests/unit/test_registry_token \
	tests/unit/test_registry_view \
	tests/unit/test_registry_view_peers
check_PROGRAMS += $(REGISTRY_TESTS)
TESTS += $(REGISTRY_TESTS)

REGISTRY_CASE = tests/unit/registry_case.c tests/unit/registry_case.h \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_SOURCES = tests/unit/test_registry.c \
	$(REGISTRY_CASE)
tests_unit_test_registry_LDADD = $(registry_test_libs)
tests_unit_test_auth_SOURCES = tests/unit/test_auth.c \
	tests/unit/auth_example.h
tests_unit_test_auth_CPPFLAGS = $(registry_test_cppflags)
tests_unit_test_auth_LDADD = $(registry_test_libs)
REGISTRY_AUTH_FIXTURE = tests/unit/registry_auth_fixture.c \
	tests/unit/registry_auth_fixture.h \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_auth_SOURCES = tests/unit/test_registry_auth.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_auth_LDADD = $(registry_test_libs)
tests_unit_test_registry_credential_SOURCES = tests/unit/test_registry_credential.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_credential_LDADD = $(registry_test_libs)
tests_unit_test_credential_values_SOURCES = tests/unit/test_credential_values.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_credential_values_LDADD = $(registry_test_libs)
tests_unit_test_dialled_mains_SOURCES = tests/unit/test_dialled_mains.c \
	$(REGISTRY_PROVE_FIXTURE)
tests_unit_test_dialled_mains_LDADD = $(registry_test_libs)
tests_unit_test_join_SOURCES = tests/unit/test_join.c
tests_unit_test_join_LDADD = $(registry_test_libs)
tests_unit_test_node_orders_SOURCES = tests/unit/test_node_orders.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_node_orders_LDADD = $(registry_test_libs)
tests_unit_test_registry_admission_SOURCES = \
	tests/unit/test_registry_admission.c $(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_admission_LDADD = $(registry_test_libs)
tests_unit_test_registry_cut_SOURCES = tests/unit/test_registry_cut.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_cut_LDADD = $(registry_test_libs)
tests_unit_test_registry_node_SOURCES = tests/unit/test_registry_node.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_node_LDADD = $(registry_test_libs)
REGISTRY_PROVE_FIXTURE = tests/unit/registry_prove_fixture.c \
	tests/unit/registry_prove_fixture.h $(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_prove_SOURCES = tests/unit/test_registry_prove.c \
	$(REGISTRY_PROVE_FIXTURE)
tests_unit_test_registry_prove_LDADD = $(registry_test_libs)
tests_unit_test_registry_identity_SOURCES = tests/unit/test_registry_identity.c \
	$(REGISTRY_PROVE_FIXTURE)
tests_unit_test_registry_identity_LDADD = $(registry_test_libs)
tests_unit_test_registry_outlives_SOURCES = tests/unit/test_registry_outlives.c \
	$(REGISTRY_PROVE_FIXTURE)
tests_unit_test_registry_outlives_LDADD = $(registry_test_libs)
tests_unit_test_uplink_places_SOURCES = tests/unit/test_uplink_places.c \
	$(REGISTRY_PROVE_FIXTURE)
tests_unit_test_uplink_places_LDADD = $(registry_test_libs)
tests_unit_test_registry_resume_SOURCES = tests/unit/test_registry_resume.c \
	$(REGISTRY_CASE)
tests_unit_test_registry_resume_LDADD = $(registry_test_libs)
tests_unit_test_registry_clone_LDADD = $(registry_test_libs)
KILL_FIXTURE = tests/unit/kill_fixture.c tests/unit/kill_fixture.h
DB_FIXTURE = tests/unit/db_fixture.c tests/unit/db_fixture.h
tests_unit_test_registry_db_SOURCES = tests/unit/test_registry_db.c \
	$(DB_FIXTURE)
tests_unit_test_registry_db_CPPFLAGS = $(registry_test_cppflags)
tests_unit_test_registry_db_LDADD = $(registry_test_libs)
tests_unit_test_registry_damage_SOURCES = tests/unit/test_registry_damage.c \
	$(DB_FIXTURE) $(KILL_FIXTURE)
tests_unit_test_registry_damage_LDADD = $(registry_test_libs)
tests_unit_test_registry_message_SOURCES = tests/unit/test_registry_message.c \
	tests/unit/registry_message_fixture.c \
	tests/unit/registry_message_fixture.h \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_message_LDADD = $(registry_test_libs)
tests_unit_test_registry_reply_SOURCES = tests/unit/test_registry_reply.c \
	tests/unit/registry_message_fixture.c \
	tests/unit/registry_message_fixture.h \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_reply_LDADD = $(registry_test_libs)

tests_unit_test_registry_services_SOURCES = tests/unit/test_registry_services.c \
	$(REGISTRY_CASE)
tests_unit_test_registry_services_LDADD = $(registry_test_libs)
tests_unit_test_registry_view_SOURCES = tests/unit/test_registry_view.c \
	$(REGISTRY_CASE)
tests_unit_test_registry_view_LDADD = $(registry_test_libs)

tests_unit_test_audit_budget_LDADD = $(registry_test_libs)
AUDIT_FIXTURE = tests/unit/audit_fixture.c tests/unit/audit_fixture.h \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_audit_SOURCES = tests/unit/test_registry_audit.c \
	$(AUDIT_FIXTURE)
tests_unit_test_registry_audit_LDADD = $(registry_test_libs)
tests_unit_test_registry_audit_chain_SOURCES = \
	tests/unit/test_registry_audit_chain.c $(AUDIT_FIXTURE) $(KILL_FIXTURE)
tests_unit_test_registry_audit_chain_LDADD = $(registry_test_libs)
tests_unit_test_registry_knock_SOURCES = tests/unit/test_registry_knock.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_knock_LDADD = $(registry_test_libs)
tests_unit_test_registry_secrets_SOURCES = tests/unit/test_registry_secrets.c \
	$(REGISTRY_AUTH_FIXTURE)
tests_unit_test_registry_secrets_LDADD = $(registry_test_libs)
REGISTRY_POLICY_FIXTURE = tests/unit/registry_policy_fixture.c \
	tests/unit/registry_policy_fixture.h $(REGISTRY_CASE)
tests_unit_test_registry_policy_SOURCES = tests/unit/test_registry_policy.c \
	$(REGISTRY_POLICY_FIXTURE)
tests_unit_test_registry_policy_LDADD = $(registry_test_libs)
tests_unit_test_policy_changes_SOURCES = tests/unit/test_policy_changes.c \
	$(REGISTRY_POLICY_FIXTURE)
tests_unit_test_policy_changes_LDADD = $(registry_test_libs)
tests_unit_test_registry_policy_view_SOURCES = \
	tests/unit/test_registry_policy_view.c $(REGISTRY_POLICY_FIXTURE)
tests_unit_test_registry_policy_view_LDADD = $(registry_test_libs)

REGISTRY_PEER_FIXTURE = tests/unit/registry_peer_fixture.c \
	tests/unit/registry_peer_fixture.h
tests_unit_test_registry_peer_SOURCES = tests/unit/test_registry_peer.c \
	$(REGISTRY_PEER_FIXTURE)
tests_unit_test_registry_peer_LDADD = $(registry_test_libs)
tests_unit_test_registry_dial_SOURCES = tests/unit/test_registry_dial.c \
	$(REGISTRY_PEER_FIXTURE)
tests_unit_test_registry_dial_LDADD = $(registry_test_libs)

REGISTRY_LINKS_FIXTURE = tests/unit/registry_links_fixture.c \
	tests/unit/registry_links_fixture.h \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_links_SOURCES = tests/unit/test_registry_links.c \
	$(REGISTRY_LINKS_FIXTURE)
tests_unit_test_registry_links_LDADD = $(registry_test_libs)
tests_unit_test_registry_mesh_SOURCES = tests/unit/test_registry_mesh.c \
	$(REGISTRY_LINKS_FIXTURE)
tests_unit_test_registry_mesh_LDADD = $(registry_test_libs)

REGISTRY_ADMIN_FIXTURE = tests/unit/registry_admin_fixture.c \
	tests/unit/registry_admin_fixture.h \
	tests/unit/registry_fixture.c tests/unit/registry_fixture.h
tests_unit_test_registry_admin_SOURCES = tests/unit/test_registry_admin.c \
	$(REGISTRY_ADMIN_FIXTURE)
tests_unit_test_registry_admin_LDADD = $(registry_test_libs)
tests_unit_test_registry_token_SOURCES = tests/unit/test_registry_token.c \
	$(REGISTRY_ADMIN_FIXTURE)
tests_unit_test_registry_token_LDADD = $(registry_test_libs)
tests_unit_test_token_orders_SOURCES = tests/unit/test_token_orders.c \
	$(REGISTRY_ADMIN_FIXTURE)
tests_unit_test_token_orders_LDADD = $(registry_test_libs)
tests_unit_test_registry_view_peers_SOURCES = \
	tests/unit/test_registry_view_peers.c $(REGISTRY_ADMIN_FIXTURE)
tests_unit_test_registry_view_peers_LDADD = $(registry_test_libs)

EXTRA_DIST += tests/unit/registry-v1.sql tests/unit/registry-v2.sql

FUZZERS += tests/fuzz/fuzz_registry_msgs
tests_fuzz_fuzz_registry_msgs_SOURCES = tests/fuzz/fuzz_registry_msgs.c \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_registry_msgs_LDADD = libregistry.a libcommon.a \
	$(SQLITE_LIBS) $(JSONC_LIBS) $(CRYPTO_LIBS) $(LIBBSD_LIBS)
tests_fuzz_fuzz_registry_msgs_LDFLAGS = $(FUZZ_LDFLAGS) \
	-Wl,--wrap=sqlite3_open_v2,--wrap=db_close

MESH_TESTS = tests/unit/test_mesh tests/unit/test_mesh_limits \
	tests/unit/test_mesh_lost tests/unit/test_mesh_out \
	tests/unit/test_mesh_parts tests/unit/test_mesh_policy \
	tests/unit/test_mesh_rows
check_PROGRAMS += $(MESH_TESTS)
TESTS += $(MESH_TESTS)
MESH_FIXTURE = tests/unit/mesh_fixture.c tests/unit/mesh_fixture.h \
	tests/unit/mesh_fixture_check.c tests/unit/mesh_fixture_impl.h \
	tests/unit/mesh_fixture_router.c
MESH_PAIR_FIXTURE = tests/unit/mesh_pair_fixture.c \
	tests/unit/mesh_pair_fixture.h $(MESH_FIXTURE)
tests_unit_test_mesh_SOURCES = tests/unit/test_mesh.c $(MESH_PAIR_FIXTURE)
tests_unit_test_mesh_LDADD = $(registry_test_libs)
tests_unit_test_mesh_lost_SOURCES = tests/unit/test_mesh_lost.c \
	$(MESH_PAIR_FIXTURE)
tests_unit_test_mesh_lost_LDADD = $(registry_test_libs)
tests_unit_test_mesh_parts_SOURCES = tests/unit/test_mesh_parts.c \
	$(MESH_PAIR_FIXTURE)
tests_unit_test_mesh_parts_LDADD = $(registry_test_libs)
tests_unit_test_mesh_policy_SOURCES = tests/unit/test_mesh_policy.c \
	$(MESH_PAIR_FIXTURE)
tests_unit_test_mesh_policy_LDADD = $(registry_test_libs)
MESH_ROWS_FIXTURE = tests/unit/mesh_rows_fixture.c \
	tests/unit/mesh_rows_fixture.h
tests_unit_test_mesh_rows_SOURCES = tests/unit/test_mesh_rows.c \
	$(MESH_ROWS_FIXTURE)
tests_unit_test_mesh_rows_LDADD = $(registry_test_libs)
tests_unit_test_mesh_limits_SOURCES = tests/unit/test_mesh_limits.c \
	$(MESH_ROWS_FIXTURE)
tests_unit_test_mesh_limits_LDADD = $(registry_test_libs)
tests_unit_test_mesh_out_SOURCES = tests/unit/test_mesh_out.c \
	$(MESH_ROWS_FIXTURE)
tests_unit_test_mesh_out_LDADD = $(registry_test_libs)

FUZZERS += tests/fuzz/fuzz_mesh
tests_fuzz_fuzz_mesh_SOURCES = tests/fuzz/fuzz_mesh.c \
	$(MESH_FIXTURE) $(FUZZ_DRIVER)
tests_fuzz_fuzz_mesh_LDADD = libregistry.a libcommon.a $(LIBBSD_LIBS)
tests_fuzz_fuzz_mesh_LDFLAGS = $(FUZZ_LDFLAGS)

FUZZERS += tests/fuzz/fuzz_auth tests/fuzz/fuzz_join
tests_fuzz_fuzz_auth_SOURCES = tests/fuzz/fuzz_auth.c tests/fuzz/must.h \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_auth_LDADD = libregistry.a libcommon.a $(CRYPTO_LIBS) \
	$(LIBBSD_LIBS)
tests_fuzz_fuzz_auth_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_join_SOURCES = tests/fuzz/fuzz_join.c tests/fuzz/must.h \
	$(FUZZ_DRIVER)
tests_fuzz_fuzz_join_LDADD = libcommon.a $(CRYPTO_LIBS) $(LIBBSD_LIBS)
tests_fuzz_fuzz_join_LDFLAGS = $(FUZZ_LDFLAGS)
