/* SPDX-License-Identifier: ISC */
/* See msg.h. */
#include <stddef.h>

#include "common/msg.h"

/* The letters and words of msg_types.def. */
#define P	PROC_BIT(PROC_PARENT)
#define F	PROC_BIT(PROC_FRONTEND)
#define D	PROC_BIT(PROC_DIALER)
#define B	PROC_BIT(PROC_BACKEND)
#define R	PROC_BIT(PROC_ROUTER)
#define G	PROC_BIT(PROC_REGISTRY)
#define K	PROC_BIT(PROC_KEEPER)
#define C	PROC_BIT(PROC_CTL)
#define SETUP	PHASE_SETUP
#define CONF	PHASE_CONF
#define RUN	PHASE_RUN

static const struct msg_info table[MSG_MAX] = {
#define MSG(mname, mfrom, mto, mmin, mmax, mfd, mphases, mclass, mfields)	\
	[MSG_##mname] = {						\
		.name = #mname, .fields = mfields,			\
		.from = mfrom, .to = mto, .min = mmin, .max = mmax,	\
		.fd = MSG_FD_##mfd, .phases = mphases,			\
		.class = MSG_CLASS_##mclass,				\
	},
#include "common/msg_types.def"
#undef MSG
};

#define MSG(mname, mfrom, mto, mmin, mmax, mfd, mphases, mclass, mfields)	\
	_Static_assert((mmin) <= (mmax), #mname ": min over max");	\
	_Static_assert((mfrom) != 0 && (mto) != 0, #mname ": no edge");	\
	_Static_assert((mphases) != 0, #mname ": no phase");
#include "common/msg_types.def"
#undef MSG

const struct msg_info *
msg_info(unsigned int type)
{
	if (type == MSG_NONE || type >= MSG_MAX)
		return (NULL);
	return (&table[type]);
}

const char *
msg_name(unsigned int type)
{
	const struct msg_info *m = msg_info(type);

	return (m == NULL ? "unknown" : m->name);
}

const char *
msg_check(unsigned int type, enum proc_id from, enum proc_id to,
    unsigned int phase, uint32_t len, bool has_fd)
{
	const struct msg_info *m;

	if ((m = msg_info(type)) == NULL)
		return ("unknown message type");
	if ((m->from & PROC_BIT(from)) == 0)
		return ("not this sender's message");
	if ((m->to & PROC_BIT(to)) == 0)
		return ("not this receiver's message");
	if ((m->phases & phase) == 0)
		return ("wrong phase");
	if (len < m->min)
		return ("too short");
	if (len > m->max)
		return ("too long");
	if (has_fd && m->fd == MSG_FD_NONE)
		return ("carries an fd");
	if (!has_fd && m->fd == MSG_FD_ONE)
		return ("lacks its fd");
	return (NULL);
}
