/* SPDX-License-Identifier: ISC */
/* A file the parent has opened, as bytes. */
#ifndef KEEPER_PEMFILE_H
#define KEEPER_PEMFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/wire.h"

/*
 * Read a regular file of 1 to LIMIT_PEM bytes from its begin; the fd stays
 * the caller's.  False with the reason.  To be freed with pemfile_free().
 */
bool	pemfile_read(int, struct span *, char *, size_t);
/* Overwrites it first. */
void	pemfile_free(struct span *);

#endif
