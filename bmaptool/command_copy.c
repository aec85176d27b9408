/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmaptool copy: an image to a device or file, by its map. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd_io.h"
#include "base/units.h"
#include "bmap/job.h"
#include "bmap/log.h"
#include "cli/log_terminal.h"
#include "cli/map_finder.h"
#include "cli/option_table.h"
#include "commands.h"
#include "monitor.h"

enum {
	FIRST_MAP_OPTION,
	LAST_MAP_OPTION = FIRST_MAP_OPTION + N_MAP_OPTIONS - 1,
	NO_VERIFY,
	PSPLASH_PIPE,
	REMOVABLE_DEVICE,
	FORCE,
	MEMBER,
	RETRIES,
	THREADS,
	MEMORY,
};

static const struct cli_option option_table[] = {
	MAP_OPTION_ROWS(FIRST_MAP_OPTION, "copy without a map: every block"),
	[NO_VERIFY] = {"no-verify", 0, NULL, NULL, "do not compare checksums while copying"},
	[PSPLASH_PIPE] = {"psplash-pipe", 0, "PIPE", NULL,
			  "write the progress to this pipe of psplash"},
	[REMOVABLE_DEVICE] = {"removable-device", 0, NULL, NULL,
			      "copy only to a removable block device"},
	[FORCE] = {"force", 0, NULL, NULL,
		   "make a regular file when the destination under /dev does not exist"},
	[MEMBER] = {"member", 0, "NAME", "the only image", "the image in an archive"},
	[RETRIES] = {"retries", 0, "N", "5",
		     "how often to try again when a transfer breaks and gets no further"},
	[THREADS] = {"threads", 0, "N", "one a processor", "the threads that decompress"},
	[MEMORY] = {"memory", 0, "SIZE", "48M",
		    "the memory for data in flight, 8M at least; the window of a decompressor may "
		    "take as much, and 160M anyway"},
};

static const char *const positionals[] = {"image", "dest"};

static const struct cli_command command = {
	.name = "bmaptool copy",
	.summary = "Copy the mapped blocks of an image, a file or URL, to a block device or file. "
		   "The image may be compressed or in an archive: uncompressed, bz2, gz, xz, lzo, "
		   "lz4, zst, tar.gz, tar.bz2, tar.xz, tar.lzo, tar.lz4, tar.zst, zip. \"-\" is "
		   "standard input.",
	.options = option_table,
	.n_options = ARRAY_SIZE(option_table),
	.positionals = positionals,
	.n_positionals = ARRAY_SIZE(positionals),
};

struct copy_options {
	const char *image, *dest;
	const char *psplash_pipe;
	struct map_choice map;
	struct bmap_copy_options copy;
	struct bmap_target_options target;
	struct bmap_image_options image_options;
	bool show_progress;
};

static int take_number(size_t option, const char *value, uint64_t max, unsigned int *number)
{
	uint64_t wide;

	if (cli_parse_number(&command, &option_table[option], value, max, &wide) < 0)
		return -1;
	*number = (unsigned int)wide;
	return 0;
}

static int take_option(void *opaque, size_t option, const char *value)
{
	struct copy_options *copy = opaque;

	if (option <= LAST_MAP_OPTION) {
		map_choice_take(&copy->map, option - FIRST_MAP_OPTION, value);
		return 0;
	}
	switch (option) {
	case NO_VERIFY:
		copy->copy.no_verify = true;
		return 0;
	case PSPLASH_PIPE:
		copy->psplash_pipe = value;
		return 0;
	case REMOVABLE_DEVICE:
		copy->target.removable = true;
		return 0;
	case FORCE:
		copy->target.force = true;
		return 0;
	case MEMBER:
		copy->image_options.member = value;
		return 0;
	case RETRIES:
		return take_number(option, value, 1000, &copy->image_options.n_retries);
	case THREADS:
		return take_number(option, value, 1024, &copy->image_options.n_threads);
	default:
		return cli_parse_size(&command, &option_table[option], value,
				      &copy->image_options.memory_bytes);
	}
}

/* ---- the things of one copy ---- */

struct copy {
	const struct copy_options *options;
	struct monitor *monitor;
	struct bmap_job *job;
	struct bmap_image *image;
	struct map_finder found;
	struct bmap_target *target;
	struct bmap_copy_result result;
	bool sync_failed;
};

static void copy_fini(struct copy *copy)
{
	bmap_target_close(copy->target);
	if (copy->monitor)
		monitor_watch(copy->monitor, NULL, NULL);
	map_finder_fini(&copy->found);
	bmap_image_close(copy->image);
	bmap_job_free(copy->job);
}

static const char *base_name(const char *location)
{
	const char *slash = strrchr(location, '/');

	return slash && slash[1] ? slash + 1 : location;
}

static int open_image(struct copy *copy, struct bmap_error *err)
{
	struct bmap_image_options options = copy->options->image_options;

	options.is_verified = copy->found.map && bmap_is_verifiable(copy->found.map) &&
			      !copy->options->copy.no_verify;
	if (bmap_image_open(&copy->image, copy->options->image, &options, err) < 0)
		return bmap_error_prefix(err, "cannot open image");
	return 0;
}

/* No map beside the image: the last place is the archive that it may lie in. */
static int find_map_inside(struct copy *copy, struct bmap_error *err)
{
	const struct copy_options *options = copy->options;
	struct map_finder *found = &copy->found;

	if (bmap_find_map_inside(&found->document, copy->image, err) < 0)
		return -err->code;
	if (!found->document)
		return map_finder_not_found(&options->map, "flash", err);
	bmap_log(BMAP_LOG_INFO, "discovered bmap file '%s'", found->document->name);
	return map_finder_read(found, &options->map, &options->image_options, err);
}

/*
 * Image and map, opened and found good.  A local image comes first, since its sentence is the more
 * useful one; a remote one last, so that its connection does not stand idle: some servers have
 * but one.
 */
static int open_sources(struct copy *copy, struct bmap_error *err)
{
	const struct copy_options *options = copy->options;
	bool is_remote = bmap_location_is_remote(options->image);

	if (options->map.bmap && (!strcmp(options->map.bmap, options->image) ||
				  path_is_same_file(options->map.bmap, options->image)))
		return bmap_error_set(err, EINVAL,
				      "Make sure you are writing your image and not the bmap file "
				      "(you specified the same path for them)");
	if (!is_remote && open_image(copy, err) < 0)
		return -err->code;
	if (map_finder_find(&copy->found, &options->map, options->image, &options->image_options,
			    err) < 0)
		return -err->code;
	if (is_remote && open_image(copy, err) < 0)
		return -err->code;
	if (copy->found.map)
		return 0;
	return options->map.nobmap ? bmap_image_check_archive(copy->image, err)
				   : find_map_inside(copy, err);
}

/* ---- the target ---- */

/* Nothing that the copy reads may be what it writes. */
static int check_target(struct copy *copy, struct bmap_error *err)
{
	const char *dest = copy->options->dest;

	if (bmap_image_is_same_file(copy->image, dest))
		return bmap_error_set(err, EINVAL,
				      "the image and the destination are the same: '%s' and '%s'",
				      bmap_image_name(copy->image), dest);
	if (copy->found.document && path_is_same_file(copy->found.document->location, dest))
		return bmap_error_set(
			err, EINVAL,
			"the bmap file and the destination are the same: '%s' and '%s'",
			copy->found.document->name, dest);
	if (copy->found.signature && path_is_same_file(copy->found.signature->location, dest))
		return bmap_error_set(
			err, EINVAL,
			"the signature and the destination are the same: '%s' and '%s'",
			copy->found.signature->name, dest);
	return bmap_target_open(&copy->target, dest, &copy->options->target, err);
}

static void announce(const struct copy *copy)
{
	const struct copy_options *options = copy->options;
	const struct bmap *map = copy->found.map;
	bool is_device = bmap_target_is_block_device(copy->target);
	uint64_t n_blocks, n_mapped;

	if (!map) {
		bmap_log(BMAP_LOG_INFO, "no bmap given, copy entire image to '%s'", options->dest);
		return;
	}
	n_blocks = bmap_n_blocks(map);
	n_mapped = bmap_n_mapped_blocks(map);
	bmap_log(BMAP_LOG_INFO, "block map format version %s", bmap_format_version(map));
	bmap_log(BMAP_LOG_INFO,
		 "%" PRIu64 " blocks of size %" PRIu64 " (%s), mapped %" PRIu64
		 " blocks (%s or %.1f%%)",
		 n_blocks, bmap_block_size_bytes(map), human_size(bmap_image_size_bytes(map)).text,
		 n_mapped, human_size(n_mapped * bmap_block_size_bytes(map)).text,
		 n_blocks ? 100.0 * (double)n_mapped / (double)n_blocks : 0.0);
	bmap_log(BMAP_LOG_INFO, "copying image '%s' to %s '%s' using bmap file '%s'",
		 base_name(bmap_image_name(copy->image)), is_device ? "block device" : "file",
		 is_device ? options->dest : base_name(options->dest),
		 base_name(copy->found.document->name));
}

/* After a failure: exactly what the user has now. */
static void report_target(const struct copy *copy)
{
	const struct bmap_copy_result *result = &copy->result;
	const char *dest = copy->options->dest;

	if (!copy->target)
		return;
	if (!result->target_changed)
		bmap_log(BMAP_LOG_INFO, "nothing was written to '%s'", dest);
	else if (copy->sync_failed)
		bmap_log(BMAP_LOG_WARNING,
			 "all was written to '%s', but what of it has reached the medium is not "
			 "known: write it again",
			 dest);
	else if (result->mapped_bytes && result->copied_bytes == result->mapped_bytes)
		bmap_log(BMAP_LOG_WARNING,
			 "'%s' holds all %s that had to be written, but the copy did not end well",
			 dest, human_size(result->copied_bytes).text);
	else if (result->mapped_bytes)
		bmap_log(BMAP_LOG_WARNING,
			 "'%s' is incomplete: it holds %s of the %s that had to be written, "
			 "everything before byte %" PRIu64 " of the image",
			 dest, human_size(result->copied_bytes).text,
			 human_size(result->mapped_bytes).text, result->end_bytes);
	else
		bmap_log(BMAP_LOG_WARNING,
			 "'%s' is incomplete: it holds the first %" PRIu64 " bytes of the image",
			 dest, result->end_bytes);
}

/* LAVA waits for this line; its older jobs know no unit above MiB. */
static void report_speed(const struct copy *copy, uint64_t start_nsec)
{
	uint64_t bytes = copy->result.mapped_bytes ? copy->result.mapped_bytes
						   : copy->result.image_size_bytes;
	const double seconds = clock_seconds_since(start_nsec);
	const double speed = seconds > 0 ? (double)bytes / seconds : 0;
	char text[32];

	if (speed >= 1 << 20)
		snprintf(text, sizeof(text), "%.1f MiB", speed / (1 << 20));
	else
		snprintf(text, sizeof(text), "%s", human_size((uint64_t)speed).text);
	bmap_log(BMAP_LOG_INFO, "copying time: %s, copying speed %s/sec", human_time(seconds).text,
		 text);
}

static int write_image(struct copy *copy, struct bmap_error *err)
{
	uint64_t start_nsec;

	announce(copy);
	start_nsec = clock_nsec();
	if (bmap_copy(copy->job, copy->image, copy->found.map, copy->target, &copy->options->copy,
		      &copy->result, err) < 0) {
		if (monitor_is_interrupted(copy->monitor))
			err->message[0] = '\0'; /* the monitor has said it */
		return -err->code;
	}
	monitor_finish_progress(copy->monitor);
	bmap_log(BMAP_LOG_INFO, "synchronizing '%s'", copy->options->dest);
	if (bmap_target_sync(copy->target, err) < 0) {
		copy->sync_failed = true;
		return -err->code;
	}
	if (monitor_is_interrupted(copy->monitor)) {
		err->code = ECANCELED;
		return -err->code;
	}
	report_speed(copy, start_nsec);
	return 0;
}

static int run_copy(struct copy *copy, struct bmap_error *err)
{
	const struct copy_options *options = copy->options;
	const struct monitor_options watch = {
		.show_progress = options->show_progress,
		.psplash_pipe = options->psplash_pipe,
	};

	if (!copy->monitor || !copy->job)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (open_sources(copy, err) < 0)
		return -err->code;
	/* From here on a signal must not end the program before the device is put back. */
	monitor_watch(copy->monitor, copy->job, &watch);
	if (check_target(copy, err) < 0)
		return -err->code;
	return write_image(copy, err);
}

static void report_failure(const struct copy *copy, const struct bmap_error *err)
{
	if (err->message[0])
		bmap_log(BMAP_LOG_ERROR, "%s", err->message);
	map_finder_explain(&copy->found, err);
	report_target(copy);
}

/* psplash's pipe must be one. */
static void check_psplash(struct copy_options *options)
{
	struct stat st;

	if (!options->psplash_pipe)
		return;
	if (stat(options->psplash_pipe, &st) == 0 && S_ISFIFO(st.st_mode))
		return;
	bmap_log(BMAP_LOG_WARNING, "'%s' is not a pipe, so psplash progress will not be updated",
		 options->psplash_pipe);
	options->psplash_pipe = NULL;
}

int command_copy(int argc, char **argv, const struct common_options *common)
{
	struct copy_options options = {.image_options = {.n_retries = BMAP_DEFAULT_RETRIES}};
	struct copy copy = {.options = &options};
	struct bmap_error err = {0};
	const char *words[2];
	enum cli_outcome outcome;

	outcome = cli_parse(&command, argc, argv, take_option, &options, words, NULL);
	if (outcome != CLI_GO_ON)
		return outcome;
	options.image = words[0];
	options.dest = words[1];
	options.show_progress =
		!common->quiet && !common->debug && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
	if (map_choice_check(&options.map, &err) < 0) {
		bmap_log(BMAP_LOG_ERROR, "%s", err.message);
		return EXIT_FAILURE;
	}
	check_psplash(&options);
	copy.monitor = monitor_start();
	copy.job = bmap_job_new();
	if (run_copy(&copy, &err) < 0)
		report_failure(&copy, &err);
	copy_fini(&copy);
	return err.code ? EXIT_FAILURE : EXIT_SUCCESS;
}
