/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmaptool trace show: what a record says. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "bmap/image.h"
#include "bmap/log.h"
#include "bmap/trace.h"
#include "cli/option_table.h"
#include "commands.h"
#include "json.h"
#include "picture.h"
#include "show_options.h"

static const struct cli_option option_table[] = {
	SHOW_OPTION_ROWS("list the blocks with the same facts"),
};

static const char *const positionals[] = {"record-or-image"};

static const struct cli_command command = {
	.name = "bmaptool trace show",
	.summary = "Show what the record of a traced file says: to how many blocks, and to which, "
		   "what has happened. Either the record or the file is named.",
	.options = option_table,
	.n_options = ARRAY_SIZE(option_table),
	.positionals = positionals,
	.n_positionals = ARRAY_SIZE(positionals),
};

static const struct {
	unsigned int fact;
	const char *name, *label;
} facts[] = {
	{BMAP_WRITTEN, "written", "written"},
	{BMAP_ZEROED, "zeroed", "zeroed"},
	{BMAP_READ_BY_WRITER, "read_by_writer", "read by a writer"},
	{BMAP_READ_BY_READER, "read_by_reader", "read by a reader"},
	{BMAP_PUNCHED, "punched", "punched"},
	{BMAP_FORGOTTEN, "forgotten", "forgotten"},
};

enum { DONT_CARE, IS_WRITTEN, IS_ZEROED, RELIED_ON, READ };

static const struct picture_kind kinds[] = {
	[DONT_CARE] = {"don't care", '.', "90", "#eeeeee"},
	[IS_WRITTEN] = {"written", '#', "34", "#3366cc"},
	[IS_ZEROED] = {"zeroed", '0', "32", "#33aa55"},
	[RELIED_ON] = {"relied on", 'r', "31", "#dd4433"},
	[READ] = {"read", '-', "33", "#e6b422"},
};

struct trace_show {
	struct bmap_trace *trace;
	uint64_t n_blocks, n_mapped, n_untouched;
	uint64_t n_with[ARRAY_SIZE(facts)];
	struct bmap_partition *partitions;
	struct picture picture;
};

static unsigned int kind_of(unsigned int sum)
{
	return sum & BMAP_WRITTEN          ? IS_WRITTEN
	       : sum & BMAP_ZEROED         ? IS_ZEROED
	       : sum & BMAP_READ_BY_WRITER ? RELIED_ON
	       : sum & BMAP_READ_BY_READER ? READ
					   : DONT_CARE;
}

/* Does the file begin as a record does? */
static bool is_record(const char *path)
{
	char magic[8] = "";
	FILE *file = fopen(path, "re");
	bool is_one;

	if (!file)
		return false;
	is_one = fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
		 memcmp(magic, BMAP_TRACE_MAGIC, sizeof(magic)) == 0;
	fclose(file);
	return is_one;
}

/* The record; of an image its partitions too, as far as they can be had. */
static int find(struct trace_show *show, const char *path, struct bmap_error *err)
{
	const struct bmap_image_options options = {.n_retries = 0};
	struct bmap_error nothing = {0};
	struct bmap_image *image;

	if (is_record(path))
		return bmap_trace_open(&show->trace, path, err);
	if (bmap_trace_find(&show->trace, path, NULL, err) < 0)
		return -err->code;
	if (bmap_trace_size(show->trace) &&
	    bmap_image_open(&image, path, &options, &nothing) == 0) {
		(void)!bmap_image_partitions(image, &show->partitions, &show->picture.n_partitions,
					     &nothing);
		show->picture.partitions = show->partitions;
		bmap_image_close(image);
	}
	return 0;
}

static int count(struct trace_show *show, struct bmap_error *err)
{
	uint64_t size = bmap_trace_size(show->trace), block = BMAP_TRACE_BLOCK_BYTES;
	struct bmap_trace_run run = {0};

	show->n_blocks = DIV_ROUND_UP(size, block);
	show->picture.size_bytes = size;
	while (bmap_trace_next(show->trace, run.first_block + run.n_blocks, show->n_blocks, &run)) {
		uint64_t first = run.first_block * block;

		for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
			show->n_with[i] += run.facts & facts[i].fact ? run.n_blocks : 0;
		show->n_untouched += run.facts ? 0 : run.n_blocks;
		if (bmap_trace_is_mapped(run.facts, BMAP_TRACE_SAFE, BMAP_PUNCHED_KEEP))
			show->n_mapped += run.n_blocks;
		if (kind_of(run.facts) != DONT_CARE &&
		    picture_add(&show->picture, first, MIN(size, first + run.n_blocks * block),
				kind_of(run.facts)) < 0)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

/* ---- printing ---- */

static void print_facts(unsigned int sum, bool json)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (!(sum & facts[i].fact))
			continue;
		if (json)
			printf("%s\"%s\"", first ? "" : ", ", facts[i].name);
		else
			printf("%s%s", first ? " " : ", ", facts[i].label);
		first = false;
	}
}

static void print_ranges(const struct trace_show *show, bool json)
{
	struct bmap_trace_run run = {0};
	bool first = true;

	while (bmap_trace_next(show->trace, run.first_block + run.n_blocks, show->n_blocks, &run)) {
		if (run.facts == 0)
			continue;
		if (json) {
			fputs(first ? "{" : ", {", stdout);
			json_print_number(stdout, "first", run.first_block, true);
			json_print_number(stdout, "blocks", run.n_blocks, false);
			fputs(", \"facts\": [", stdout);
			print_facts(run.facts, true);
			fputs("]}", stdout);
		} else {
			printf("%" PRIu64 "-%" PRIu64 ":", run.first_block,
			       run.first_block + run.n_blocks - 1);
			print_facts(run.facts, false);
			putchar('\n');
		}
		first = false;
	}
}

static void print_json(const struct trace_show *show, bool ranges)
{
	putchar('{');
	json_print_text(stdout, "record", bmap_trace_name(show->trace), true);
	json_print_number(stdout, "size", bmap_trace_size(show->trace), false);
	json_print_number(stdout, "block_size", BMAP_TRACE_BLOCK_BYTES, false);
	json_print_number(stdout, "blocks", show->n_blocks, false);
	json_print_number(stdout, "mapped_blocks", show->n_mapped, false);
	json_print_number(stdout, "untouched_blocks", show->n_untouched, false);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		json_print_number(stdout, facts[i].name, show->n_with[i], false);
	if (ranges) {
		fputs(", \"list\": [", stdout);
		print_ranges(show, true);
		putchar(']');
	}
	puts("}");
}

static void print_text(const struct trace_show *show, bool ranges)
{
	printf("record             %s\n", bmap_trace_name(show->trace));
	printf("file               %" PRIu64 " bytes (%s), %" PRIu64 " blocks of %d bytes\n",
	       bmap_trace_size(show->trace), human_size(bmap_trace_size(show->trace)).text,
	       show->n_blocks, BMAP_TRACE_BLOCK_BYTES);
	printf("mapped             %" PRIu64 " (policy safe)\n", show->n_mapped);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		printf("%-18s %" PRIu64 "\n", facts[i].label, show->n_with[i]);
	printf("untouched          %" PRIu64 "\n", show->n_untouched);
	if (ranges)
		print_ranges(show, false);
	picture_print_bar(&show->picture, stdout);
}

static int show_trace(const char *path, const struct show_options *options, struct bmap_error *err)
{
	struct trace_show show = {
		.picture = {.title = path, .kinds = kinds, .n_kinds = ARRAY_SIZE(kinds)},
	};

	if (find(&show, path, err) == 0 && count(&show, err) == 0) {
		if (options->json)
			print_json(&show, options->ranges);
		else
			print_text(&show, options->ranges);
		if (options->svg)
			(void)!picture_write_svg(&show.picture, options->svg, err);
	}
	picture_fini(&show.picture);
	free(show.partitions);
	bmap_trace_close(show.trace);
	return -err->code;
}

int command_trace(int argc, char **argv, const struct common_options *common)
{
	struct show_options options = {0};
	struct bmap_error err = {0};
	const char *words[1];
	enum cli_outcome outcome;

	(void)common;
	/* "show" is the one thing that can be done with a record. */
	if (argc > 1 && strcmp(argv[1], "show") == 0) {
		argv++;
		argc--;
	} else if (argc < 2 || argv[1][0] != '-') {
		cli_usage_error(&command, "'show' is expected after 'trace'");
		return 2;
	}
	outcome = cli_parse(&command, argc, argv, show_options_take, &options, words, NULL);
	if (outcome != CLI_GO_ON)
		return outcome;
	if (show_trace(words[0], &options, &err) == 0)
		return EXIT_SUCCESS;
	bmap_log(BMAP_LOG_ERROR, "%s", err.message);
	return EXIT_FAILURE;
}
