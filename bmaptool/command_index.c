/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmaptool index: the checkpoints of a gzip image, so that it can be read anywhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "bmap/log.h"
#include "bmap/view.h"
#include "cli/map_finder.h"
#include "cli/option_table.h"
#include "commands.h"

enum { OUTPUT, BMAP, NOBMAP, NO_SIG_VERIFY, INDEX_STEP, RETRIES };

static const struct cli_option option_table[] = {
	[OUTPUT] = {"output", 'o', "OUTPUT", "the image's name with .gzidx behind it",
		    "the file to write"},
	[BMAP] = {"bmap", 0, "BMAP", "looked for beside the image",
		  "the map of the image: there are no checkpoints in its holes"},
	[NOBMAP] = {"nobmap", 0, NULL, NULL, "make checkpoints everywhere"},
	[NO_SIG_VERIFY] = {"no-sig-verify", 0, NULL, NULL, "do not verify the map's signature"},
	[INDEX_STEP] = {"index-step", 0, "SIZE", "4M", "how far apart the checkpoints are"},
	[RETRIES] = {"retries", 0, "N", "5",
		     "how often to try again when a transfer breaks and gets no further"},
};

static const char *const positionals[] = {"image"};

static const struct cli_command command = {
	.name = "bmaptool index",
	.summary =
		"Decode a gzip image once and write an index of it (GZIDX). Where the index lies "
		"beside the image, bmapfs reads any place of the image without decoding what lies "
		"before it.",
	.options = option_table,
	.n_options = ARRAY_SIZE(option_table),
	.positionals = positionals,
	.n_positionals = ARRAY_SIZE(positionals),
};

struct index_options {
	const char *output;
	struct map_choice map;
	struct bmap_view_options view;
};

static int take_option(void *opaque, size_t option, const char *value)
{
	struct index_options *options = opaque;
	uint64_t number;

	switch (option) {
	case OUTPUT:
		options->output = value;
		return 0;
	case BMAP:
		options->map.bmap = value;
		return 0;
	case NOBMAP:
		options->map.nobmap = true;
		return 0;
	case NO_SIG_VERIFY:
		options->map.no_sig_verify = true;
		return 0;
	case INDEX_STEP:
		return cli_parse_size(&command, &option_table[option], value,
				      &options->view.index_step_bytes);
	default:
		if (cli_parse_number(&command, &option_table[option], value, 1000, &number) < 0)
			return -1;
		options->view.n_retries = (unsigned int)number;
		return 0;
	}
}

/* The output must be none of what is read. */
static int check_output(const char *output, const char *image, const char *map,
			struct bmap_error *err)
{
	const char *const inputs[] = {image, map};

	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		if (inputs[i] && path_is_same_file(output, inputs[i]))
			return bmap_error_set(err, EINVAL,
					      "the output and what is read are the same: '%s' and "
					      "'%s'",
					      output, inputs[i]);
	}
	return 0;
}

static int make_index(const struct index_options *options, const char *image,
		      struct map_finder *found, struct bmap_error *err)
{
	const struct bmap_image_options image_options = {.n_retries = options->view.n_retries};
	CLEANUP_FREE char *beside = NULL;
	const char *output = options->output;

	if (!output && bmap_location_is_remote(image))
		return bmap_error_set(err, EINVAL,
				      "'%s' is remote: --output says where its index goes", image);
	if (!output) {
		if (asprintf(&beside, "%s.gzidx", image) < 0) {
			beside = NULL;
			return bmap_error_set(err, ENOMEM, "out of memory");
		}
		output = beside;
	}
	if (map_choice_check(&options->map, err) < 0 ||
	    map_finder_find(found, &options->map, image, &image_options, err) < 0 ||
	    check_output(output, image, found->document ? found->document->location : NULL, err) <
		    0)
		return -err->code;
	return bmap_index_write(image, found->map, &options->view, output, err);
}

int command_index(int argc, char **argv, const struct common_options *common)
{
	struct index_options options = {.view = {.n_retries = BMAP_DEFAULT_RETRIES}};
	struct map_finder found = {0};
	struct bmap_error err = {0};
	const char *words[1];
	enum cli_outcome outcome;

	(void)common;
	outcome = cli_parse(&command, argc, argv, take_option, &options, words, NULL);
	if (outcome != CLI_GO_ON)
		return outcome;
	if (make_index(&options, words[0], &found, &err) < 0) {
		bmap_log(BMAP_LOG_ERROR, "%s", err.message);
		map_finder_explain(&found, &err);
	}
	map_finder_fini(&found);
	return err.code ? EXIT_FAILURE : EXIT_SUCCESS;
}
