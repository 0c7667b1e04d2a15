/* SPDX-License-Identifier: ISC */
/* A parent with a registry and a dialer, whose ends are read here. */
#ifndef TESTS_UNIT_PARENT_PEERS_FIXTURE_H
#define TESTS_UNIT_PARENT_PEERS_FIXTURE_H

#include "common/wire.h"
#include "relayd/relayd.h"

#define GENERATION	7

extern struct relayd		 rd;
extern struct conf_link		 configured[2];
extern struct conf		 conf;
extern unsigned int		 changes;

/* What change_commit() does about peers. */
void	commit(void);
void	setup(void);
void	teardown(void);
/* The next message to a child; MSG_NONE if there is none. */
enum msg_type	next(enum proc_id, struct wire_get *);
void	nothing(enum proc_id);
struct wire_put	*say(void);
bool	heard(channel_handler, enum proc_id);
bool	say_add(const char *, uint16_t, const char *, const char *, bool, bool);
/* With TLS, to any Main, until relayd stops. */
bool	say_add_tls(const char *, uint16_t, const char *, bool);
bool	say_dial(uint32_t, uint32_t, unsigned int);
bool	say_state(uint32_t, uint32_t, unsigned int, uint32_t, const char *,
	    const char *);

#endif
