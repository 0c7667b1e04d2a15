/* SPDX-License-Identifier: ISC */
/* The modes by name, for who shows them but is in no sandbox itself. */
#include "common/sandbox.h"

const char *
sandbox_mode_name(enum sandbox_mode mode)
{
	switch (mode) {
	case SANDBOX_ENFORCE:
		return ("enforce");
	case SANDBOX_LOG:
		return ("log");
	case SANDBOX_OFF:
		return ("off");
	}
	return ("unknown");
}
