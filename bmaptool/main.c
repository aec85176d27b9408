/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmaptool: maps of disk images, and copies by them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "bmap/bmap.h"
#include "bmap/log.h"
#include "cli/log_terminal.h"
#include "cli/option_table.h"
#include "cli/standard_streams.h"
#include "commands.h"

enum { OPT_VERSION, OPT_QUIET, OPT_DEBUG };

static const struct cli_option option_table[] = {
	[OPT_VERSION] = {"version", 0, NULL, NULL, "print the version and leave"},
	[OPT_QUIET] = {"quiet", 'q', NULL, NULL, "say nothing but warnings and errors"},
	[OPT_DEBUG] = {"debug", 'd', NULL, NULL, "say what is being done"},
};

static const struct cli_command command = {
	.name = "bmaptool",
	.summary = "Make block maps of disk images (create) and copy images by them (copy): only "
		   "the blocks that matter are written, and each is verified.",
	.options = option_table,
	.n_options = ARRAY_SIZE(option_table),
	.epilog = "commands:\n"
		  "  create                make the map of an image\n"
		  "  copy                  copy an image to a device or file\n"
		  "  index                 make an index of a gzip image for bmapfs\n"
		  "  info                  show what a map says\n"
		  "  trace                 show what a record of bmapfs --trace says\n"
		  "\n'bmaptool COMMAND --help' says more.",
};

static const struct {
	const char *name;
	int (*run)(int argc, char **argv, const struct common_options *common);
} commands[] = {
	{"create", command_create}, {"copy", command_copy},   {"index", command_index},
	{"info", command_info},     {"trace", command_trace},
};

struct main_options {
	struct common_options common;
	bool version;
};

static int take_option(void *opaque, size_t option, const char *value)
{
	struct main_options *main_options = opaque;

	(void)value;
	switch (option) {
	case OPT_VERSION:
		main_options->version = true;
		break;
	case OPT_QUIET:
		main_options->common.quiet = true;
		break;
	default:
		main_options->common.debug = true;
		break;
	}
	return 0;
}

static int run_command(int argc, char **argv, const struct common_options *common)
{
	for (size_t i = 0; argc > 0 && i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[0], commands[i].name))
			return commands[i].run(argc, argv, common);
	}
	if (argc > 0)
		cli_usage_error(&command, "there is no command '%s'", argv[0]);
	else
		cli_usage_error(&command,
				"a command is required: create, copy, index, info or trace");
	return 2;
}

int main(int argc, char **argv)
{
	struct main_options main_options = {0};
	int first_word = argc;

	standard_streams_open();
	log_terminal_start("bmaptool", BMAP_LOG_INFO);
	switch (cli_parse(&command, argc, argv, take_option, &main_options, NULL, &first_word)) {
	case CLI_DONE:
		return standard_streams_close(EXIT_SUCCESS);
	case CLI_USAGE:
		return 2;
	case CLI_GO_ON:
		break;
	}
	if (main_options.version) {
		printf("bmaptool %s\n", bmap_version());
		return standard_streams_close(EXIT_SUCCESS);
	}
	if (main_options.common.quiet && main_options.common.debug) {
		bmap_log(BMAP_LOG_ERROR, "--quiet and --debug cannot be used together");
		return EXIT_FAILURE;
	}
	log_terminal_start("bmaptool", main_options.common.quiet   ? BMAP_LOG_WARNING
				       : main_options.common.debug ? BMAP_LOG_DEBUG
								   : BMAP_LOG_INFO);
	return standard_streams_close(
		run_command(argc - first_word, argv + first_word, &main_options.common));
}
