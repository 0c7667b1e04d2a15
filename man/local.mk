# SPDX-License-Identifier: ISC
# Man pages: paths are configure-time values; the appendix of relayd(8) is
# made from the message table.
MAN_PAGES = man/relayd.8 man/relayd.conf.5 man/relay-ctl.8 man/relay.1 \
	man/relay.7
man_MANS += $(MAN_PAGES)
EXTRA_DIST += man/messages.awk man/relayd.8.in man/relayd.conf.5.in \
	man/relay-ctl.8.in man/relay.1.in man/relay.7.in
CLEANFILES += $(MAN_PAGES) man/messages.mdoc

man/messages.mdoc: common/msg_types.def man/messages.awk
	$(AM_V_GEN)$(MKDIR_P) man && $(AWK) -f $(srcdir)/man/messages.awk \
	    $(srcdir)/common/msg_types.def > $@.tmp && mv $@.tmp $@

$(MAN_PAGES): man/messages.mdoc Makefile
	$(AM_V_GEN)$(MKDIR_P) man && $(SED) \
	    -e '/^@MESSAGES@$$/r man/messages.mdoc' \
	    -e '/^@MESSAGES@$$/d' \
	    -e 's|@CONF_FILE[@]|$(CONF_FILE)|g' \
	    -e 's|@RUN_DIR[@]|$(RUN_DIR)|g' \
	    -e 's|@STATE_DIR[@]|$(STATE_DIR)|g' \
	    -e 's|@CA_FILE[@]|$(CA_FILE)|g' \
	    -e 's|@SYSUSERS_DIR[@]|$(sysusersdir)|g' \
	    -e 's|@LIBEXEC_DIR[@]|$(pkglibexecdir)|g' \
	    $(srcdir)/$@.in > $@.tmp && mv $@.tmp $@

man/relayd.8: man/relayd.8.in
man/relayd.conf.5: man/relayd.conf.5.in
man/relay-ctl.8: man/relay-ctl.8.in
man/relay.1: man/relay.1.in
man/relay.7: man/relay.7.in
