/* SPDX-License-Identifier: ISC */
/* The message table (msg_types.def) as an enum and a checked lookup. */
#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/proc.h"

enum msg_type {
	MSG_NONE,
#define MSG(name, from, to, min, max, fd, phases, class, fields) MSG_##name,
#include "common/msg_types.def"
#undef MSG
	MSG_MAX
};

enum msg_fd { MSG_FD_NONE, MSG_FD_ONE, MSG_FD_MAY };
enum msg_class { MSG_CLASS_CONTROL, MSG_CLASS_BULK };

#define PHASE_SETUP	0x1U
#define PHASE_CONF	0x2U
#define PHASE_RUN	0x4U

struct msg_info {
	const char	*name;
	const char	*fields;
	unsigned int	 from;		/* PROC_BIT()s */
	unsigned int	 to;
	uint32_t	 min;		/* payload bytes */
	uint32_t	 max;
	enum msg_fd	 fd;
	unsigned int	 phases;
	enum msg_class	 class;
};

/* The table's row, or NULL for a number that is no message. */
const struct msg_info	*msg_info(unsigned int);
/* The name, or "unknown". */
const char		*msg_name(unsigned int);

/*
 * Whether a message of this type, payload size and number of fds may come
 * from one process to another in this phase.  Returns NULL if so, else what
 * is wrong with it as static text.
 */
const char	*msg_check(unsigned int, enum proc_id, enum proc_id,
		    unsigned int, uint32_t, bool);

#endif
