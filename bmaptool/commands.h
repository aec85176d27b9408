/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of bmaptool.  Each returns the exit status. */
#ifndef BMAPTOOL_COMMANDS_H
#define BMAPTOOL_COMMANDS_H

#include <stdbool.h>

/* What stands in front of the command. */
struct common_options {
	bool quiet, debug;
};

int command_create(int argc, char **argv, const struct common_options *common);
int command_index(int argc, char **argv, const struct common_options *common);
int command_info(int argc, char **argv, const struct common_options *common);
int command_trace(int argc, char **argv, const struct common_options *common);
int command_copy(int argc, char **argv, const struct common_options *common);

#endif
