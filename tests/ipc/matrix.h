/* SPDX-License-Identifier: ISC */
/* Reads the lines that gen-matrix.py wrote. */
#ifndef TESTS_IPC_MATRIX_H
#define TESTS_IPC_MATRIX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct matrix_case {
	unsigned int	type;
	char		name[32];
	unsigned int	from;
	unsigned int	to;
	unsigned int	phase;
	uint32_t	len;
	unsigned int	fd;
	unsigned int	ok;
};

/* Opens the file named by MATRIX, or tests/ipc/matrix.txt of the build. */
FILE	*matrix_open(void);
/* The next case; false at the end. */
bool	 matrix_next(FILE *, struct matrix_case *);

#endif
