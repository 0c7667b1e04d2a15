/* SPDX-License-Identifier: ISC */
/* A process that writes a database, and that is killed while it does. */
#ifndef TESTS_UNIT_KILL_FIXTURE_H
#define TESTS_UNIT_KILL_FIXTURE_H

/*
 * Run the writer in a process of its own, with a pipe of which it fills in a
 * byte for each thing written, and kill it after so many of them or a few
 * more.  The writer does not return.
 */
void	kill_writer(void (*)(int), int);

#endif
