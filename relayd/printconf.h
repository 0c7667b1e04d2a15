/* SPDX-License-Identifier: ISC */
/* What the files that print a configuration share. */
#ifndef RELAYD_PRINTCONF_H
#define RELAYD_PRINTCONF_H

#include <stdio.h>

#include "relayd/conf.h"

/* printconf_trust.c: statements, each with its newline. */
/* Certificates and authorities of listeners, url and authentication. */
void	conf_print_tls(FILE *, const struct conf *);
/* An uplink or a peer with its block. */
void	conf_print_link(FILE *, const struct conf *, enum conf_holder,
	    const struct conf_link *);
/* The home and main blocks. */
void	conf_print_nodes(FILE *, const struct conf *);
void	conf_print_rules(FILE *, const struct conf *);

#endif
