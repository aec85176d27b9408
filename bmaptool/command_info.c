/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmaptool info: what a map says. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/units.h"
#include "bmap/log.h"
#include "cli/map_finder.h"
#include "cli/option_table.h"
#include "commands.h"
#include "json.h"
#include "picture.h"
#include "show_options.h"

static const struct cli_option option_table[] = {
	SHOW_OPTION_ROWS("list the mapped ranges"),
};

static const char *const positionals[] = {"bmap"};

static const struct cli_command command = {
	.name = "bmaptool info",
	.summary = "Show what a map says: its geometry, its checksums, which part of the image is "
		   "mapped.",
	.options = option_table,
	.n_options = ARRAY_SIZE(option_table),
	.positionals = positionals,
	.n_positionals = ARRAY_SIZE(positionals),
};

static const struct picture_kind kinds[] = {
	{"not mapped", '.', "90", "#eeeeee"},
	{"mapped", '#', "34", "#3366cc"},
};

static const char *checksum_name(const struct bmap *map)
{
	const char *type = bmap_checksum_type(map);

	return type ? type : "none";
}

static double mapped_percent(const struct bmap *map)
{
	uint64_t n = bmap_n_blocks(map);

	return n ? 100.0 * (double)bmap_n_mapped_blocks(map) / (double)n : 0;
}

static void format_checksum(const struct bmap *map, size_t i, char *hex)
{
	const uint8_t *digest;
	size_t len = 0;

	bmap_get_range(map, i, &digest, &len);
	hex[0] = '\0';
	for (size_t k = 0; digest && k < len; k++)
		snprintf(hex + 2 * k, 3, "%02x", digest[k]);
}

static void print_json(const char *name, const struct bmap *map, bool ranges)
{
	char hex[2 * BMAP_MAX_DIGEST_LEN + 1];

	putchar('{');
	json_print_text(stdout, "file", name, true);
	json_print_text(stdout, "version", bmap_format_version(map), false);
	json_print_number(stdout, "image_size", bmap_image_size_bytes(map), false);
	json_print_number(stdout, "block_size", bmap_block_size_bytes(map), false);
	json_print_number(stdout, "blocks", bmap_n_blocks(map), false);
	json_print_number(stdout, "mapped_blocks", bmap_n_mapped_blocks(map), false);
	json_print_number(stdout, "mapped_bytes", bmap_mapped_bytes(map), false);
	json_print_text(stdout, "checksum_type", checksum_name(map), false);
	json_print_number(stdout, "ranges", bmap_n_ranges(map), false);
	if (ranges)
		fputs(", \"list\": [", stdout);
	for (size_t i = 0; ranges && i < bmap_n_ranges(map); i++) {
		struct bmap_range range = bmap_get_range(map, i, NULL, NULL);

		format_checksum(map, i, hex);
		fputs(i ? ", {" : "{", stdout);
		json_print_number(stdout, "first", range.first_block, true);
		json_print_number(stdout, "blocks", range.n_blocks, false);
		if (hex[0])
			json_print_text(stdout, "checksum", hex, false);
		putchar('}');
	}
	puts(ranges ? "]}" : "}");
}

static void print_text(const char *name, const struct bmap *map, bool ranges)
{
	char hex[2 * BMAP_MAX_DIGEST_LEN + 1];

	printf("map           %s (version %s)\n", name, bmap_format_version(map));
	printf("image size    %" PRIu64 " bytes (%s)\n", bmap_image_size_bytes(map),
	       human_size(bmap_image_size_bytes(map)).text);
	printf("blocks        %" PRIu64 " of %" PRIu64 " bytes\n", bmap_n_blocks(map),
	       bmap_block_size_bytes(map));
	printf("mapped        %" PRIu64 " blocks (%s, %.1f%%) in %zu ranges\n",
	       bmap_n_mapped_blocks(map), human_size(bmap_mapped_bytes(map)).text,
	       mapped_percent(map), bmap_n_ranges(map));
	printf("checksums     %s\n", checksum_name(map));
	for (size_t i = 0; ranges && i < bmap_n_ranges(map); i++) {
		struct bmap_range range = bmap_get_range(map, i, NULL, NULL);

		format_checksum(map, i, hex);
		printf("%" PRIu64 "-%" PRIu64 "%s%s\n", range.first_block,
		       range.first_block + range.n_blocks - 1, hex[0] ? " " : "", hex);
	}
}

static int make_picture(struct picture *picture, const struct bmap *map, struct bmap_error *err)
{
	uint64_t block = bmap_block_size_bytes(map), size = bmap_image_size_bytes(map);

	picture->size_bytes = size;
	for (size_t i = 0; i < bmap_n_ranges(map); i++) {
		struct bmap_range range = bmap_get_range(map, i, NULL, NULL);
		uint64_t first = range.first_block * block;

		if (picture_add(picture, first, MIN(size, first + range.n_blocks * block), 1) < 0)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int show(const char *location, const struct show_options *options, struct map_finder *found,
		struct bmap_error *err)
{
	const struct map_choice choice = {.bmap = location, .no_sig_verify = true};
	const struct bmap_image_options image_options = {.n_retries = BMAP_DEFAULT_RETRIES};
	struct picture picture = {.kinds = kinds, .n_kinds = ARRAY_SIZE(kinds)};

	if (map_finder_find(found, &choice, location, &image_options, err) < 0)
		return -err->code;
	picture.title = found->document->name;
	if (make_picture(&picture, found->map, err) == 0) {
		if (options->json) {
			print_json(found->document->name, found->map, options->ranges);
		} else {
			print_text(found->document->name, found->map, options->ranges);
			picture_print_bar(&picture, stdout);
		}
		if (options->svg)
			(void)!picture_write_svg(&picture, options->svg, err);
	}
	picture_fini(&picture);
	return -err->code;
}

int command_info(int argc, char **argv, const struct common_options *common)
{
	struct show_options options = {0};
	struct map_finder found = {0};
	struct bmap_error err = {0};
	const char *words[1];
	enum cli_outcome outcome;

	(void)common;
	outcome = cli_parse(&command, argc, argv, show_options_take, &options, words, NULL);
	if (outcome != CLI_GO_ON)
		return outcome;
	if (show(words[0], &options, &found, &err) < 0)
		bmap_log(BMAP_LOG_ERROR, "%s", err.message);
	map_finder_fini(&found);
	return err.code ? EXIT_FAILURE : EXIT_SUCCESS;
}
