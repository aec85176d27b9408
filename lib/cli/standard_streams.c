/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bmap/log.h"
#include "cli/standard_streams.h"

void standard_streams_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			exit(EXIT_FAILURE);
	}
}

int standard_streams_close(int status)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0) {
		bmap_log(BMAP_LOG_ERROR, "cannot write to standard output: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return status;
}
