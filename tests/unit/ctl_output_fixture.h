/* SPDX-License-Identifier: ISC */
/* Output that is kept. */
#ifndef TESTS_UNIT_CTL_OUTPUT_FIXTURE_H
#define TESTS_UNIT_CTL_OUTPUT_FIXTURE_H

#include "relay-ctl/output.h"

struct f {
	const char	*name;
	enum ctl_type	 type;
	const char	*value;
};

#define ADD(section, ...)	do {					\
	const struct f fields_[] = { __VA_ARGS__ };			\
	add(section, fields_, sizeof(fields_) / sizeof(fields_[0]));	\
} while (0)

extern struct answer	answer;
extern char		*out, *complaints;

void	setup(void);
void	teardown(void);

size_t	encode(uint8_t *, size_t, const char *, const struct f *, size_t);
void	add(const char *, const struct f *, size_t);

#endif
