/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmaptool create: the map of an image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "base/units.h"
#include "bmap/job.h"
#include "bmap/log.h"
#include "cli/option_table.h"
#include "commands.h"
#include "monitor.h"

#define MAX_NOMAP 64

#define MAX_IMAGES 256

enum {
	OUTPUT,
	NO_CHECKSUM,
	CHKSUM_TYPE,
	RANGE_SIZE,
	DETECT_ZEROES,
	NOMAP,
	MEMBER,
	TRACE,
	TRACE_POLICY,
	PUNCHED,
};

static const struct cli_option option_table[] = {
	[OUTPUT] = {"output", 'o', "OUTPUT", "standard output",
		    "the file to write the map to; of several images the folder for IMAGE.bmap, by "
		    "default that of each"},
	[NO_CHECKSUM] = {"no-checksum", 0, NULL, NULL, "leave the checksums of ranges out"},
	[CHKSUM_TYPE] = {"chksum-type", 0, "TYPE", "sha256",
			 "the checksum: any that libcrypto knows"},
	[RANGE_SIZE] = {"range-size", 0, "SIZE", "no limit",
			"make no range longer, so that readers can verify small pieces"},
	[DETECT_ZEROES] = {"detect-zeroes", 0, NULL, NULL,
			   "do not map blocks of zeros: for compressed, remote and dense images"},
	[NOMAP] = {"nomap", 0, "START:END", NULL,
		   "map all blocks from byte START up to END (K, M, G may follow), or of partition "
		   "pN; may be repeated"},
	[MEMBER] = {"member", 0, "NAME", "the only image", "the image in an archive"},
	[TRACE] = {"trace", 0, "RECORD", "looked for in and above the image's folder",
		   "map what the record of a traced folder says; RECORD is one, or that folder",
		   true},
	[TRACE_POLICY] =
		{"trace-policy", 0, "POLICY", "safe",
		 "what of the record is mapped: written, zeroed or read by a writer (safe), "
		 "also read by readers (strict), only written or zeroed (written)"},
	[PUNCHED] =
		{"punched", 0, "HOW", "keep",
		 "what punched blocks are: what else the record says (keep), mapped (zero), not "
		 "mapped (dontcare)"},
};

static const char *const positionals[] = {"image"};

static const struct cli_command command = {
	.name = "bmaptool create",
	.summary = "Write the block map of an image: which of its blocks have to be copied, and "
		   "their checksums.",
	.options = option_table,
	.n_options = ARRAY_SIZE(option_table),
	.positionals = positionals,
	.n_positionals = ARRAY_SIZE(positionals),
	.max_positionals = MAX_IMAGES,
};

struct create_options {
	const char *output;
	bool is_traced;
	const char *record;
	struct bmap_create_options create;
	struct bmap_image_options image;
	struct bmap_nomap nomap[MAX_NOMAP];
};

/* "START:END" in bytes, or "pN". */
static int take_nomap(struct create_options *create, const char *value)
{
	struct bmap_nomap *nomap = &create->nomap[create->create.n_nomap];
	struct bmap_error err = {0};
	char start[64];
	size_t len = strcspn(value, ":");
	uint64_t number;

	if (create->create.n_nomap == MAX_NOMAP)
		return cli_usage_error(&command, "argument --nomap: more than %d of them",
				       MAX_NOMAP);
	if (value[0] == 'p' && value[len] == '\0') {
		if (cli_parse_number(&command, &option_table[NOMAP], value + 1, 1000, &number) < 0)
			return -1;
		*nomap = (struct bmap_nomap){
			.is_partition = true,
			.partition = (unsigned int)number,
		};
	} else {
		if (value[len] != ':' || len >= sizeof(start))
			return cli_usage_error(&command,
					       "argument --nomap: '%s' is neither START:END nor pN",
					       value);
		memcpy(start, value, len);
		start[len] = '\0';
		if (size_parse(start, &nomap->first_bytes, "argument --nomap", &err) < 0 ||
		    size_parse(value + len + 1, &nomap->end_bytes, "argument --nomap", &err) < 0)
			return cli_usage_error(&command, "%s", err.message);
		if (nomap->first_bytes >= nomap->end_bytes)
			return cli_usage_error(
				&command, "argument --nomap: '%s' ends before it begins", value);
	}
	create->create.n_nomap++;
	return 0;
}

static int take_policy(struct create_options *create, const char *value)
{
	static const char *const words[] = {
		[BMAP_TRACE_SAFE] = "safe",
		[BMAP_TRACE_STRICT] = "strict",
		[BMAP_TRACE_WRITTEN] = "written",
	};
	unsigned int which;

	if (cli_parse_word(&command, &option_table[TRACE_POLICY], value, words, ARRAY_SIZE(words),
			   &which) < 0)
		return -1;
	create->create.policy = (enum bmap_trace_policy)which;
	return 0;
}

static int take_punched(struct create_options *create, const char *value)
{
	static const char *const words[] = {
		[BMAP_PUNCHED_KEEP] = "keep",
		[BMAP_PUNCHED_ZERO] = "zero",
		[BMAP_PUNCHED_DONTCARE] = "dontcare",
	};
	unsigned int which;

	if (cli_parse_word(&command, &option_table[PUNCHED], value, words, ARRAY_SIZE(words),
			   &which) < 0)
		return -1;
	create->create.punched = (enum bmap_punched)which;
	return 0;
}

static int take_option(void *opaque, size_t option, const char *value)
{
	struct create_options *create = opaque;

	switch (option) {
	case OUTPUT:
		create->output = value;
		return 0;
	case NO_CHECKSUM:
		create->create.no_checksum = true;
		return 0;
	case CHKSUM_TYPE:
		create->create.checksum_type = value;
		return 0;
	case RANGE_SIZE:
		if (cli_parse_size(&command, &option_table[option], value,
				   &create->create.max_range_bytes) < 0)
			return -1;
		return create->create.max_range_bytes
			       ? 0
			       : cli_usage_error(&command, "argument --range-size: 0 is too small");
	case DETECT_ZEROES:
		create->create.detect_zeroes = true;
		return 0;
	case NOMAP:
		return take_nomap(create, value);
	case TRACE:
		create->is_traced = true;
		create->record = value;
		return 0;
	case TRACE_POLICY:
		return take_policy(create, value);
	case PUNCHED:
		return take_punched(create, value);
	default:
		create->image.member = value;
		return 0;
	}
}

/* A map that says that everything matters is often a mistake. */
static void warn_when_all_mapped(const struct bmap *map, const struct bmap_image *image)
{
	if (bmap_n_mapped_blocks(map) < bmap_n_blocks(map))
		return;
	bmap_log(BMAP_LOG_WARNING, "all %s are mapped, no holes in '%s'",
		 human_size(bmap_image_size_bytes(map)).text, bmap_image_name(image));
	bmap_log(BMAP_LOG_WARNING, "was the image handled incorrectly and holes were expanded?");
	if (!bmap_image_is_raw(image))
		bmap_log(BMAP_LOG_WARNING, "a packed image shows no holes: --detect-zeroes leaves "
					   "blocks of zeros out");
}

static int write_map(const struct bmap *map, const char *output, struct bmap_error *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;

	if (bmap_format(map, &text, &len, err) < 0)
		return -err->code;
	if (output)
		return fd_replace_file(output, text, len, err);
	fwrite(text, 1, len, stdout); /* main() asks whether all of it arrived */
	return 0;
}

static int check_output(const struct bmap_image *image, const char *output, struct bmap_error *err)
{
	struct stat st;

	if (bmap_image_is_same_file(image, output ? output : "/dev/stdout"))
		return bmap_error_set(
			err, EINVAL,
			"the map would overwrite the image: '%s' and %s%s%s are the same "
			"file",
			bmap_image_name(image), output ? "'" : "",
			output ? output : "standard output", output ? "'" : "");
	if (output && stat(output, &st) == 0 && S_ISDIR(st.st_mode))
		return bmap_error_set_system(err, EISDIR, "cannot open '%s' for writing", output);
	return 0;
}

static int make_map(const char *location, struct create_options *create, struct bmap_error *err)
{
	struct bmap_trace *trace = NULL;
	const struct monitor_options watch = {0};
	struct monitor *monitor = monitor_start();
	struct bmap_job *job = bmap_job_new();
	struct bmap_image *image = NULL;
	struct bmap *map = NULL;

	if (!monitor || !job)
		bmap_error_set(err, ENOMEM, "out of memory");
	else if (bmap_image_open(&image, location, &create->image, err) < 0)
		bmap_error_prefix(err, "cannot open image file '%s'", location);
	if (err->code == 0)
		(void)!check_output(image, create->output, err);
	if (err->code == 0 && create->is_traced)
		(void)!bmap_trace_find(&trace, location, create->record, err);
	create->create.trace = trace;
	if (err->code == 0) {
		if (create->create.detect_zeroes)
			bmap_log(
				BMAP_LOG_INFO,
				"blocks of zeros become \"don't care\" in the map: a copy will not "
				"write them");
		monitor_watch(monitor, job, &watch);
		(void)!bmap_create(job, image, &create->create, &map, err);
		monitor_watch(monitor, NULL, NULL);
	}
	if (err->code == 0) {
		if (!trace)
			warn_when_all_mapped(map, image);
		(void)!write_map(map, create->output, err);
	}
	if (err->code && monitor && monitor_is_interrupted(monitor))
		err->message[0] = '\0'; /* the monitor has said it */
	bmap_free(map);
	bmap_trace_close(trace);
	bmap_image_close(image);
	bmap_job_free(job);
	return -err->code;
}

/* Of several images: each map lies beside its image, or in the folder that was named. */
static int make_map_beside(const char *image, const struct create_options *create,
			   struct bmap_error *err)
{
	const char *slash = strrchr(image, '/');
	const char *name = create->output && slash ? slash + 1 : image;
	struct create_options one = *create;
	CLEANUP_FREE char *path = NULL;

	if (asprintf(&path, "%s%s%s.bmap", create->output ? create->output : "",
		     create->output ? "/" : "", name) < 0) {
		path = NULL;
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	one.output = path;
	return make_map(image, &one, err);
}

int command_create(int argc, char **argv, const struct common_options *common)
{
	struct create_options create = {.image = {.n_retries = BMAP_DEFAULT_RETRIES}};
	struct bmap_error err = {0};
	const char *images[MAX_IMAGES + 1] = {NULL};
	enum cli_outcome outcome;

	(void)common;
	outcome = cli_parse(&command, argc, argv, take_option, &create, images, NULL);
	if (outcome != CLI_GO_ON)
		return outcome;
	/* Without a trace more than one is a mistake, as it always was. */
	if (images[1] && !create.is_traced) {
		cli_usage_error(&command, "unrecognized arguments: %s", images[1]);
		return 2;
	}
	create.create.nomap = create.nomap;
	if (!images[1])
		(void)!make_map(images[0], &create, &err);
	for (size_t i = 0; images[1] && images[i] && !err.code; i++)
		(void)!make_map_beside(images[i], &create, &err);
	if (err.code == 0)
		return EXIT_SUCCESS;
	if (err.message[0])
		bmap_log(BMAP_LOG_ERROR, "%s", err.message);
	return EXIT_FAILURE;
}
