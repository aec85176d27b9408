/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bmapfs: a disk image, mounted as one sparse file. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/log.h"
#include "bmap/overlay.h"
#include "cli/log_terminal.h"
#include "cli/standard_streams.h"
#include "image_mount.h"
#include "mount_options.h"
#include "trace_command.h"

#define MIN_MEMORY (UINT64_C(8) << 20)
/*
 * Pieces come and go in all sizes, allocated by one thread and freed by another.  Without these
 * limits malloc keeps what was freed, in an arena a thread.
 */
#define MAX_ARENAS        2
#define LARGE_BLOCK_BYTES (256 << 10) /* goes back to the kernel when it is freed */

/* The things of one mount. */
struct image_command {
	struct mount_options *options;
	char *mountpoint, *source, *cache_folder; /* absolute: the daemon leaves its folder */
	char *index_folder;
	struct map_finder found;
	struct bmap_view *view;
	struct bmap_overlay *overlay;
	struct bmap_trace *trace; /* of what is read; NULL: nobody wants to know */
	char *trace_path;         /* absolute */
	char *name;
	mode_t mode; /* of the mount point */
};

static void image_command_fini(struct image_command *image)
{
	if (image->trace)
		bmap_trace_release(image->trace, -1);
	bmap_trace_close(image->trace);
	free(image->trace_path);
	bmap_overlay_close(image->overlay);
	bmap_view_close(image->view);
	map_finder_fini(&image->found);
	free(image->mountpoint);
	free(image->source);
	free(image->cache_folder);
	free(image->index_folder);
	free(image->name);
}

static int out_of_memory(struct bmap_error *err)
{
	return bmap_error_set(err, ENOMEM, "out of memory");
}

static int check_mountpoint(struct image_command *image, struct bmap_error *err)
{
	const char *path = image->options->mountpoint;
	struct stat st;

	image->mountpoint = realpath(path, NULL);
	if (!image->mountpoint || stat(image->mountpoint, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot mount at '%s'", path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return bmap_error_set(err, EINVAL,
				      "cannot mount at '%s': it is neither a folder nor a regular "
				      "file",
				      path);
	image->mode = st.st_mode & S_IFMT;
	return 0;
}

/* A local path that holds from any folder. */
static int make_absolute(char **absolute, const char *path, struct bmap_error *err)
{
	char *folder;
	int r;

	if (!strcmp(path, "-") || path[0] == '/' || bmap_location_is_remote(path) ||
	    !strncmp(path, "file://", 7)) {
		*absolute = strdup(path);
		return *absolute ? 0 : out_of_memory(err);
	}
	folder = getcwd(NULL, 0);
	if (!folder)
		return bmap_error_set_system(err, errno, "cannot read the name of this folder");
	r = asprintf(absolute, "%s/%s", folder, path);
	free(folder);
	if (r < 0) {
		*absolute = NULL;
		return out_of_memory(err);
	}
	return 0;
}

/* Where indexes that had to be made are kept. */
static int find_index_folder(struct image_command *image, struct bmap_error *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int r = 0;

	if (cache && cache[0] == '/')
		r = asprintf(&image->index_folder, "%s/bmapfs", cache);
	else if (home && home[0] == '/')
		r = asprintf(&image->index_folder, "%s/.cache/bmapfs", home);
	if (r < 0) {
		image->index_folder = NULL;
		return out_of_memory(err);
	}
	return 0;
}

/* Where the suffix ".bmap" of a location begins, before the query of a URL; NULL: it has none. */
static const char *find_map_suffix(const char *location)
{
	size_t len = bmap_location_is_remote(location) ? strcspn(location, "?#") : strlen(location);
	const size_t suffix_len = strlen(".bmap");

	if (len <= suffix_len || strncmp(location + len - suffix_len, ".bmap", suffix_len) != 0)
		return NULL;
	return location + len - suffix_len;
}

static int open_view(struct image_command *image, const char *location, struct bmap_error *err)
{
	return bmap_view_open(&image->view, location, image->found.map, &image->options->view, err);
}

/* The image that lies beside its map: its name without ".bmap", or that in a compressed form. */
static int open_beside_map(struct image_command *image, struct bmap_error *err)
{
	static const char *const suffixes[] = {"",     ".gz",  ".xz",  ".zst",
					       ".bz2", ".lz4", ".lzo", ".zip"};
	const char *location = image->source;
	const char *suffix = find_map_suffix(location);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		struct bmap_error why = {0};
		CLEANUP_FREE char *candidate = NULL;
		int r;

		if (asprintf(&candidate, "%.*s%s%s", (int)(suffix - location), location,
			     suffixes[i], suffix + strlen(".bmap")) < 0) {
			candidate = NULL;
			return out_of_memory(err);
		}
		r = open_view(image, candidate, &why);
		if (r == 0)
			return 0;
		/* Stores of files answer 403 for what is not there. */
		if (r != -ENOENT && r != -ENOTDIR &&
		    !(r == -EACCES && bmap_location_is_remote(candidate))) {
			*err = why;
			return r;
		}
		bmap_log(BMAP_LOG_DEBUG, "%s", why.message);
	}
	return bmap_error_set(err, ENOENT,
			      "there is no image beside the map '%s': neither '%.*s' nor that with "
			      "the suffix of a compression",
			      image->options->source, (int)(suffix - location), location);
}

/* No map beside the image: it may lie in an archive, together with it. */
static int find_map_inside(struct image_command *image, const struct bmap_image_options *options,
			   struct bmap_error *err)
{
	struct bmap_image *archive;
	int r;

	if (bmap_image_open(&archive, image->source, options, err) < 0)
		return bmap_error_prefix(err, "cannot open image");
	r = bmap_find_map_inside(&image->found.document, archive, err);
	bmap_image_close(archive);
	if (r < 0)
		return r;
	if (!image->found.document)
		return map_finder_not_found(&image->options->map, "mount", err);
	bmap_log(BMAP_LOG_INFO, "discovered bmap file '%s'", image->found.document->name);
	return map_finder_read(&image->found, &image->options->map, options, err);
}

/* Map and image, found and good. */
static int open_source(struct image_command *image, struct bmap_error *err)
{
	struct map_choice *choice = &image->options->map;
	const struct bmap_image_options options = {
		.member = image->options->view.member,
		.n_retries = image->options->view.n_retries,
	};
	const struct bmap_image_options document_options = {.n_retries = options.n_retries};
	bool is_map = !choice->bmap && find_map_suffix(image->source);

	if (is_map && choice->nobmap)
		return bmap_error_set(err, EINVAL, "'%s' is a map, which --nobmap says not to use",
				      image->options->source);
	if (is_map)
		choice->bmap = image->source;
	if (map_finder_find(&image->found, choice, image->source, &document_options, err) < 0)
		return -err->code;
	if (is_map)
		return open_beside_map(image, err);
	if (!image->found.map && !choice->nobmap && find_map_inside(image, &options, err) < 0)
		return -err->code;
	return open_view(image, image->source, err);
}

/* What would make an image that can only be decoded forwards one that can be read anywhere. */
static void warn_of_forward(const struct image_command *image)
{
	static const struct {
		const char *codec, *remedy;
	} remedies[] = {
		{"gzip", "'bmaptool index' makes an index of it to lie beside it"},
		{"xz", "'xz -T0 --block-size=8MiB' makes blocks that can be read on their own"},
		{"zstd",
		 "the seekable format has frames that can be read on their own, and so has xz "
		 "with '-T0 --block-size=8MiB'"},
		{"lz4",
		 "without -BD, and with --content-size, its blocks can be read on their own"},
		{"bzip2", "'xz -T0 --block-size=8MiB' makes blocks that can be read on their own"},
	};
	struct bmap_view_statistics statistics;
	const char *remedy = "'xz -T0 --block-size=8MiB' makes an image that can be read anywhere";

	bmap_view_get_statistics(image->view, &statistics);
	if (!bmap_view_is_forward(image->view))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++) {
		if (strcmp(statistics.codec, remedies[i].codec) == 0)
			remedy = remedies[i].remedy;
	}
	bmap_log(BMAP_LOG_WARNING,
		 "'%s' (%s) can only be decoded forwards: reading a place waits for all before "
		 "it to be decoded once; %s",
		 bmap_view_name(image->view), statistics.codec, remedy);
}

/* The record of what is read. */
static int open_trace(struct image_command *image, struct bmap_error *err)
{
	struct bmap_trace *trace;

	if (!image->options->is_traced)
		return 0;
	if (!image->options->trace)
		return bmap_error_set(err, EINVAL,
				      "--trace of an image needs the name of the record: "
				      "--trace=FILE");
	if (make_absolute(&image->trace_path, image->options->trace, err) < 0 ||
	    bmap_trace_begin_at(&trace, image->trace_path, bmap_view_size(image->view), err) < 0)
		return -err->code;
	if (bmap_trace_hold(trace, err) < 0) {
		bmap_trace_close(trace);
		return -err->code;
	}
	image->trace = trace;
	return 0;
}

static int prepare(struct image_command *image, struct bmap_error *err)
{
	struct mount_options *options = image->options;

	if (map_choice_check(&options->map, err) < 0 ||
	    make_absolute(&image->source, options->source, err) < 0 ||
	    find_index_folder(image, err) < 0)
		return -err->code;
	options->view.index_folder = image->index_folder;
	if (options->view.cache_folder) {
		if (make_absolute(&image->cache_folder, options->view.cache_folder, err) < 0)
			return -err->code;
		options->view.cache_folder = image->cache_folder;
	}
	if (options->view.memory_bytes && options->view.memory_bytes < MIN_MEMORY)
		options->view.memory_bytes = MIN_MEMORY;
	if (open_source(image, err) < 0)
		return -err->code;
	if (bmap_view_file_name(image->view, &image->name, err) < 0)
		return -err->code;
	if (options->overlay &&
	    bmap_overlay_open(&image->overlay, image->view, options->overlay, err) < 0)
		return -err->code;
	if (open_trace(image, err) < 0)
		return -err->code;
	warn_of_forward(image);
	return 0;
}

static int run(struct image_command *image, struct daemon *daemon, struct bmap_error *err)
{
	const struct mount_options *options = image->options;
	struct image_mount mount = {.root_mode = 0};
	struct session_options session;

	if (check_mountpoint(image, err) < 0)
		return -err->code;
	if (is_trace_command(options))
		return trace_command_run(options, image->mountpoint, daemon, err);
	if (prepare(image, err) < 0)
		return -err->code;
	mount = (struct image_mount){
		.view = image->view,
		.overlay = image->overlay,
		.trace = image->trace,
		.name = image->name,
		.map_text = image->found.document ? image->found.document->text : NULL,
		.map_len = image->found.document ? image->found.document->len : 0,
		.root_mode = image->mode,
	};
	session = (struct session_options){
		.mountpoint = image->mountpoint,
		.source = bmap_view_name(image->view),
		.mount_options = options->others,
		.is_read_only = !options->overlay,
	};
	return image_mount_run(&mount, &session, daemon, err);
}

static int mount_image(struct mount_options *options)
{
	struct image_command image = {.options = options};
	struct bmap_error err = {0};
	struct daemon daemon;

	daemon_start(&daemon, options->foreground, options->mountpoint);
	if (run(&image, &daemon, &err) < 0) {
		bmap_log(BMAP_LOG_ERROR, "%s", err.message);
		map_finder_explain(&image.found, &err);
	}
	image_command_fini(&image);
	return err.code ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct mount_options options;
	int status;

	standard_streams_open();
	mallopt(M_ARENA_MAX, MAX_ARENAS);
	mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
	log_terminal_start("bmapfs", BMAP_LOG_INFO);
	switch (mount_options_parse(&options, argc, argv)) {
	case CLI_DONE:
		return standard_streams_close(EXIT_SUCCESS);
	case CLI_USAGE:
		return 2;
	case CLI_GO_ON:
		break;
	}
	if (options.version) {
		printf("bmapfs %s\n", bmap_version());
		return standard_streams_close(EXIT_SUCCESS);
	}
	log_terminal_start("bmapfs", options.debug        ? BMAP_LOG_DEBUG
				     : options.foreground ? BMAP_LOG_INFO
							  : BMAP_LOG_WARNING);
	status = mount_image(&options);
	mount_options_fini(&options);
	return standard_streams_close(status);
}
