/* SPDX-License-Identifier: ISC */
/* See ctl_output_fixture.h. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/output.h"
#include "tests/unit/ctl_output_fixture.h"

struct answer	answer;
char		*out, *complaints;

void
setup(void)
{
	memset(&answer, 0, sizeof(answer));
	out = complaints = NULL;
}

void
teardown(void)
{
	answer_clear(&answer);
	free(out);
	free(complaints);
}

size_t
encode(uint8_t *buf, size_t size, const char *section, const struct f *f,
    size_t n)
{
	struct wire_put w;
	size_t i;

	wire_put_init(&w, buf, size);
	put_str(&w, section);
	put_u16(&w, (uint16_t)n);
	for (i = 0; i < n; i++) {
		put_str(&w, f[i].name);
		put_u8(&w, (uint8_t)f[i].type);
		put_str(&w, f[i].value);
	}
	ck_assert(!w.bad);
	return (w.len);
}

void
add(const char *section, const struct f *f, size_t n)
{
	uint8_t buf[4096];
	struct wire_get msg;

	wire_get_init(&msg, buf, encode(buf, sizeof(buf), section, f, n));
	answer_take(&answer, &msg);
	ck_assert(get_done(&msg));
}
