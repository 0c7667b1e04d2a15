# SPDX-License-Identifier: ISC
noinst_LIBRARIES += libcommon.a
libcommon_a_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
libcommon_a_SOURCES = \
	common/b64url.c common/b64url.h \
	common/backoff.c common/backoff.h \
	common/channel.c common/channel.h common/channel_priv.h \
	common/channel_recv.c common/channel_send.c \
	common/child.c common/child.h \
	common/ctl.c common/ctl.h \
	common/hash.c common/hash.h \
	common/http_chunk.c common/http_chunk.h \
	common/http_head.c common/http_head.h \
	common/http_route.h \
	common/id64.c common/id64.h \
	common/join.c common/join.h \
	common/json_scan.c common/json_scan.h \
	common/json_value.c \
	common/limits.h \
	common/log.c common/log.h \
	common/monotime.c common/monotime.h \
	common/msg.c common/msg.h common/msg_types.def \
	common/name.c common/name.h \
	common/policy.c common/policy.h common/policy_priv.h \
	common/policy_pattern.c common/policy_rule.c \
	common/proc.c common/proc.h \
	common/sandbox.c common/sandbox.h common/sandbox_linux.h \
	common/sandbox_landlock.c common/sandbox_mode.c \
	common/sandbox_seccomp.c \
	common/service.c common/service.h \
	common/url.c common/url.h \
	common/utf8.c common/utf8.h \
	common/wire.c common/wire.h
