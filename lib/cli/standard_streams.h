/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The standard streams at the beginning and end of a program.  Threads: one. */
#ifndef CLI_STANDARD_STREAMS_H
#define CLI_STANDARD_STREAMS_H

/*
 * What is opened later must not become a standard stream that somebody has closed.  What stands in
 * its place can be used in the wrong direction only, so that using it is an error as before.
 */
void standard_streams_open(void);

/* What went to standard output must have arrived there.  Returns the status to leave with. */
int standard_streams_close(int status);

#endif
