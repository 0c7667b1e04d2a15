# SPDX-License-Identifier: ISC
etc_paths = $(SED) \
	-e 's|@CONF_FILE[@]|$(CONF_FILE)|g' \
	-e 's|@RUN_DIR[@]|$(RUN_DIR)|g' \
	-e 's|@SBIN_DIR[@]|$(sbindir)|g' \
	-e 's|@RELAYD_NAME[@]|$(RELAYD_NAME)|g' \
	-e 's|@STATE_DIR[@]|$(STATE_DIR)|g'

systemdsystemunit_DATA = etc/systemd/relayd.service
sysusers_DATA = etc/sysusers/relayd.conf
tmpfiles_DATA = etc/tmpfiles/relayd.conf
CLEANFILES += etc/systemd/relayd.service etc/tmpfiles/relayd.conf
EXTRA_DIST += etc/relayd.conf etc/sysusers/relayd.conf \
	etc/systemd/relayd.service.in etc/tmpfiles/relayd.conf.in

etc/systemd/relayd.service: etc/systemd/relayd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && \
	    $(etc_paths) $(srcdir)/etc/systemd/relayd.service.in > $@

etc/tmpfiles/relayd.conf: etc/tmpfiles/relayd.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/tmpfiles && \
	    $(etc_paths) $(srcdir)/etc/tmpfiles/relayd.conf.in > $@

# The sample becomes the configuration, unless there is one.
install-data-local:
	$(MKDIR_P) "$(DESTDIR)$$(dirname "$(CONF_FILE)")"
	test -e "$(DESTDIR)$(CONF_FILE)" || \
	    $(INSTALL_DATA) $(srcdir)/etc/relayd.conf "$(DESTDIR)$(CONF_FILE)"

uninstall-local:
	! cmp -s $(srcdir)/etc/relayd.conf "$(DESTDIR)$(CONF_FILE)" || \
	    rm -f "$(DESTDIR)$(CONF_FILE)"
