/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bmap/view.h: puts together what is known of an image (image_index.h), the two ways to its bytes
 * (piece_store.h, spill.h), and what the map says of them (range_ledger.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "base/processors.h"
#include "bmap/log.h"
#include "codec/decoder.h"
#include "map/digest.h"
#include "map/slice.h"
#include "source/source_url.h"
#include "view/image_index.h"
#include "view/piece_store.h"
#include "view/range_ledger.h"
#include "view/spill.h"
#include "view/view_identity.h"

#define MAX_THREADS 16
/* Verifying goes through a range in steps of this size. */
#define VERIFY_STEP (256 << 10)
/*
 * The end of a large range waits for so much of it that has not come yet: the kernel reads 1 MiB
 * ahead (session.c) in up to 16 requests at a time.
 */
#define MAX_MISSING (16 << 20)
/* An image in fewer pieces than this gains nothing from them. */
#define MIN_PIECES 2

struct bmap_view {
	char *location;
	struct bmap_view_options options;
	char *folder, *index_folder, *cache_folder, *member; /* copies of the options' */
	const struct bmap *map;                              /* NULL: all is mapped */
	struct bmap_image *image;
	uint64_t size_bytes;
	int64_t mtime_sec;
	struct image_index index;
	struct source_pool *pool;
	struct piece_store *pieces;     /* NULL: nothing can be read by pieces, or all directly */
	uint64_t pieces_end_bytes;      /* of the image: what comes before it is read by pieces */
	struct spill *spill;            /* NULL: all can be read by pieces */
	struct gzip_index *checkpoints; /* made by the spill; NULL: none */
	struct piece_index learned;     /* by the spill */
	struct range_ledger *ledger;    /* NULL: nothing is verified */
	_Atomic uint64_t fetched_bytes, decoded_bytes;
	atomic_bool cancelled;
};

/* ---- opening ---- */

static int copy_text(char **copy, const char **text, struct bmap_error *err)
{
	if (!*text)
		return 0;
	*copy = strdup(*text);
	if (!*copy)
		return bmap_error_set(err, ENOMEM, "out of memory");
	*text = *copy;
	return 0;
}

static int make_folder(const char *folder, struct bmap_error *err)
{
	fd_make_folders(folder);
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return bmap_error_set_system(err, errno, "cannot make the folder '%s'", folder);
	return 0;
}

static int set_options(struct bmap_view *view, const struct bmap_view_options *options,
		       struct bmap_error *err)
{
	view->options = *options;
	view->options.temporary_folder = view_temporary_folder(options);
	if (view->options.n_threads == 0)
		view->options.n_threads = count_processors();
	view->options.n_threads = MIN(view->options.n_threads, MAX_THREADS);
	if (view->options.memory_bytes == 0)
		view->options.memory_bytes = BMAP_DEFAULT_VIEW_MEMORY;
	if (view->options.verify_window_bytes == 0)
		view->options.verify_window_bytes = BMAP_DEFAULT_VERIFY_WINDOW;
	if (view->options.index_step_bytes == 0)
		view->options.index_step_bytes = BMAP_DEFAULT_INDEX_STEP;
	view->options.index_step_bytes = MAX(view->options.index_step_bytes, BMAP_MIN_INDEX_STEP);
	if (copy_text(&view->folder, &view->options.temporary_folder, err) < 0 ||
	    copy_text(&view->index_folder, &view->options.index_folder, err) < 0 ||
	    copy_text(&view->cache_folder, &view->options.cache_folder, err) < 0 ||
	    copy_text(&view->member, &view->options.member, err) < 0)
		return -err->code;
	return view->cache_folder ? make_folder(view->cache_folder, err) : 0;
}

static bool is_verified(const struct bmap_view *view)
{
	return view->map && view->options.verify != BMAP_VERIFY_OFF &&
	       bmap_checksum_type(view->map);
}

static int open_image(struct bmap_view *view, struct bmap_image **image, struct bmap_error *err)
{
	const struct bmap_image_options image_options = {
		.member = view->options.member,
		.n_retries = view->options.n_retries,
		.is_verified = is_verified(view),
		.n_threads = view->options.n_threads,
		.memory_bytes = MIN(view->options.memory_bytes, BMAP_DEFAULT_MEMORY),
	};
	const struct source_options source_options = {
		.n_retries = view->options.n_retries,
		.is_verified = is_verified(view),
		.is_random = true,
		.timeout_sec = view->options.timeout_sec,
		.fetched_bytes = &view->fetched_bytes,
		.cache_folder = view->options.cache_folder,
		.cache_bytes = view->options.cache_bytes,
	};

	return image_open(image, view->location, &image_options, &source_options, err);
}

/* For the spill's new tries: the image must be what it was. */
static int reopen_image(void *opaque, struct bmap_image **image_out, struct bmap_error *err)
{
	struct bmap_view *view = opaque;
	struct bmap_image *image;

	if (open_image(view, &image, err) < 0)
		return -err->code;
	if (strcmp(source_identity(image_source(image)),
		   source_identity(image_source(view->image))) != 0) {
		bmap_image_close(image);
		return bmap_error_set(err, EBADMSG, "'%s' changed since it was opened",
				      bmap_image_name(view->image));
	}
	*image_out = image;
	return 0;
}

static int make_ledger(struct bmap_view *view, struct bmap_error *err)
{
	const struct bmap *map = view->map;

	if (view->options.verify == BMAP_VERIFY_STRICT && (!map || !bmap_is_verifiable(map)))
		return bmap_error_set(err, EINVAL, "'%s' cannot be verified strictly: %s",
				      bmap_image_name(view->image),
				      map ? "not all ranges of its map have a checksum"
					  : "there is no map");
	if (!is_verified(view))
		return 0;
	return range_ledger_new(&view->ledger, map, view->options.verify,
				view->options.verify_window_bytes, bmap_image_name(view->image),
				err);
}

static int find_index(struct bmap_view *view, struct bmap_error *err)
{
	uint64_t size = view->map ? view->size_bytes : PIECE_LEN_UNKNOWN;

	if (image_index_find(&view->index, view->image, view->location, size, &view->options, err) <
	    0)
		return -err->code;
	if (view->index.is_whole) {
		if (image_check_size(view->image, piece_index_end(&view->index.pieces), view->map,
				     err) < 0)
			return -err->code;
		view->size_bytes = piece_index_end(&view->index.pieces);
	}
	/* One piece that holds it all is decoded as it comes, not as a whole. */
	if (view->index.pieces.n_pieces < MIN_PIECES) {
		view->index.has_rest = false;
		view->index.is_whole = false;
		piece_index_fini(&view->index.pieces);
	}
	return 0;
}

static bool is_raw(const struct bmap_view *view)
{
	return bmap_image_is_raw(view->image) && source_is_seekable(image_source(view->image));
}

/* Raw local images need no pieces: the kernel keeps what was read. */
static bool is_direct(const struct bmap_view *view)
{
	uint64_t offset;

	return is_raw(view) && source_local_fd(image_source(view->image), &offset) >= 0;
}

static int open_pieces(struct bmap_view *view, struct bmap_error *err)
{
	bool is_whole = is_raw(view) || view->index.is_whole;
	struct piece_store_options options = {
		.codec = image_codec(view->image),
		.index = is_raw(view) ? NULL : &view->index.pieces,
		.map = view->map,
		.size_bytes = view->size_bytes,
		.memory_bytes = view->options.memory_bytes,
		.decoder_memory_bytes = image_decoder_memory(image_options(view->image)),
		.n_threads = view->options.n_threads,
		.is_verified = view->ledger != NULL,
		.folder = view->options.temporary_folder,
		.name = bmap_image_name(view->image),
		.decoded_bytes = &view->decoded_bytes,
	};

	view->pool = source_pool_new(image_source(view->image), is_whole);
	if (!view->pool)
		return bmap_error_set(err, ENOMEM, "out of memory");
	view->pieces_end_bytes = is_whole ? view->size_bytes : piece_index_end(&view->index.pieces);
	options.pool = view->pool;
	return is_direct(view) ? 0 : piece_store_new(&view->pieces, &options, err);
}

static int open_spill(struct bmap_view *view, struct bmap_error *err)
{
	struct spill_options options = {
		.map = view->map,
		.ledger = view->ledger,
		.from = view->index.rest,
		.has_from = view->index.has_rest,
		.folder = view->options.temporary_folder,
		.decoded_bytes = &view->decoded_bytes,
		.reopen = reopen_image,
		.opaque = view,
	};

	if (image_is_gzip(view->image)) {
		if (gzip_index_new(&view->checkpoints, view->options.index_step_bytes, view->map,
				   view->options.temporary_folder, err) < 0)
			return -err->code;
		if (view->index.has_rest &&
		    gzip_index_copy(view->checkpoints, view->index.gzip, err) < 0)
			return -err->code;
		options.checkpoints = view->checkpoints;
	} else {
		options.learned = &view->learned;
	}
	return spill_new(&view->spill, view->image, &options, err);
}

/* Without a map the end of the data is what says how long the image is. */
static int learn_size(struct bmap_view *view, struct bmap_error *err)
{
	if (bmap_image_size(view->image, &view->size_bytes))
		return 0;
	bmap_log(BMAP_LOG_WARNING,
		 "without a map nobody knows how long '%s' is: it is decoded to its end first",
		 bmap_image_name(view->image));
	if (spill_reach(view->spill, UINT64_MAX, err) < 0)
		return -err->code;
	spill_size(view->spill, &view->size_bytes);
	return 0;
}

static int open_view(struct bmap_view *view, struct bmap_error *err)
{
	uint64_t size;

	if (view->map)
		view->size_bytes = bmap_image_size_bytes(view->map);
	if (open_image(view, &view->image, err) < 0)
		return bmap_error_prefix(err, "cannot open image");
	if (make_ledger(view, err) < 0)
		return -err->code;
	view->mtime_sec = source_mtime(image_source(view->image));
	if (bmap_image_size(view->image, &size) &&
	    image_check_size(view->image, size, view->map, err) < 0)
		return -err->code;
	if (is_raw(view))
		view->size_bytes = size;
	if (find_index(view, err) < 0)
		return -err->code;
	if ((is_raw(view) || view->index.pieces.n_pieces) && open_pieces(view, err) < 0)
		return -err->code;
	if (is_raw(view) || view->index.is_whole)
		return 0;
	if (open_spill(view, err) < 0)
		return -err->code;
	return view->map ? 0 : learn_size(view, err);
}

int bmap_view_open(struct bmap_view **view_out, const char *location, const struct bmap *map,
		   const struct bmap_view_options *options, struct bmap_error *err)
{
	struct bmap_view *view = calloc(1, sizeof(*view));

	if (!view)
		return bmap_error_set(err, ENOMEM, "out of memory");
	view->map = map;
	view->location = strdup(location);
	if (!view->location)
		bmap_error_set(err, ENOMEM, "out of memory");
	if (err->code || set_options(view, options, err) < 0 || open_view(view, err) < 0) {
		bmap_view_close(view);
		return -err->code;
	}
	*view_out = view;
	return 0;
}

/* What was learned of the pieces is worth keeping. */
static void keep_index(struct bmap_view *view)
{
	uint64_t encoded_size, image_size;
	bool is_over = spill_size(view->spill, &image_size);

	if (is_over && !view->checkpoints)
		image_index_keep_pieces(&view->index, &view->learned, view->image);
	if (view->checkpoints && source_size(image_source(view->image), &encoded_size))
		image_index_keep(&view->index, view->checkpoints, encoded_size,
				 is_over ? image_size : 0);
}

void bmap_view_close(struct bmap_view *view)
{
	if (!view)
		return;
	if (view->spill) {
		spill_stop(view->spill);
		keep_index(view);
	}
	spill_free(view->spill);
	piece_store_free(view->pieces);
	source_pool_free(view->pool);
	gzip_index_free(view->checkpoints);
	piece_index_fini(&view->learned);
	image_index_fini(&view->index);
	range_ledger_free(view->ledger);
	bmap_image_close(view->image);
	free(view->location);
	free(view->folder);
	free(view->index_folder);
	free(view->cache_folder);
	free(view->member);
	free(view);
}

void bmap_view_cancel(struct bmap_view *view)
{
	atomic_store(&view->cancelled, true);
	source_cancel(image_source(view->image));
	if (view->spill)
		spill_cancel(view->spill);
	if (view->pieces)
		piece_store_cancel(view->pieces);
	if (view->ledger)
		range_ledger_cancel(view->ledger);
}

/* ---- reading ---- */

static int read_direct(struct bmap_view *view, uint8_t *buf, size_t len, uint64_t offset_bytes,
		       struct bmap_error *err)
{
	struct source *source;
	ssize_t n;

	if (source_pool_take(view->pool, offset_bytes, &source, err) < 0)
		return -err->code;
	n = source_pread(source, buf, len, offset_bytes, err);
	source_pool_put(view->pool, source, offset_bytes + len, 0);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0
				: bmap_error_set(err, ENODATA, "'%s' ends early",
						 bmap_image_name(view->image));
}

static int read_spilled(struct bmap_view *view, uint8_t *buf, size_t len, uint64_t offset_bytes,
			struct bmap_error *err)
{
	if (spill_reach(view->spill, offset_bytes + len, err) < 0)
		return -err->code;
	return spill_pread(view->spill, buf, len, offset_bytes, err);
}

/* Mapped bytes, by whichever way leads to them. */
static int read_bytes(struct bmap_view *view, uint8_t *buf, size_t len, uint64_t offset_bytes,
		      struct bmap_error *err)
{
	size_t by_pieces = 0;

	if (offset_bytes < view->pieces_end_bytes) {
		by_pieces = (size_t)MIN(len, view->pieces_end_bytes - offset_bytes);
		if (view->pieces
			    ? piece_store_pread(view->pieces, buf, by_pieces, offset_bytes, err) < 0
			    : read_direct(view, buf, by_pieces, offset_bytes, err) < 0)
			return -err->code;
	}
	if (by_pieces == len)
		return 0;
	return read_spilled(view, buf + by_pieces, len - by_pieces, offset_bytes + by_pieces, err);
}

/* Reads a range through and compares it. */
static int verify_range(struct bmap_view *view, const struct ledger_range *range,
			struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *buf = malloc(VERIFY_STEP);
	uint64_t at = range->first_bytes, ahead = at;

	if (!buf)
		return bmap_error_set(err, ENOMEM, "out of memory");
	while (at < range->end_bytes) {
		size_t len = (size_t)MIN(VERIFY_STEP, range->end_bytes - at);

		/* In large steps, so that pieces are fetched together. */
		if (view->pieces && ahead <= at + view->options.memory_bytes / 4)
			ahead = piece_store_read_ahead(
				view->pieces, at, ahead,
				MIN(range->end_bytes, view->pieces_end_bytes));
		if (read_bytes(view, buf, len, at, err) < 0)
			return -err->code;
		range_ledger_feed_range(view->ledger, range->index, buf, len, at);
		at += len;
	}
	return 0;
}

/* Verifies what must be before a byte of [offset, offset + len) is handed out. */
static int verify_due(struct bmap_view *view, uint64_t offset_bytes, size_t len,
		      struct bmap_error *err)
{
	struct ledger_range range;
	size_t last = SIZE_MAX;
	int r;

	while (range_ledger_next_due(view->ledger, offset_bytes, len, &range)) {
		if (range.index == last)
			return bmap_error_set(err, ENOMEM, "out of memory");
		last = range.index;
		/* What the spill decodes from its first byte on is verified as it passes. */
		if (view->spill && range.first_bytes >= view->pieces_end_bytes &&
		    spill_reach(view->spill, range.end_bytes, err) < 0)
			return -err->code;
		r = range_ledger_begin(view->ledger, range.index, err);
		if (r == 1) {
			r = verify_range(view, &range, err);
			range_ledger_end(view->ledger, range.index);
		}
		if (r < 0)
			return r;
	}
	return range_ledger_check(view->ledger, offset_bytes, len, err);
}

/* More of a range that is followed, from @offset_bytes on, as far as it is at hand. */
static bool follow_on(struct bmap_view *view, const struct ledger_range *range,
		      uint64_t offset_bytes, uint64_t read_to)
{
	uint64_t end = MIN(range->end_bytes, view->pieces_end_bytes);
	const uint8_t *data;
	struct cached_piece *cached;
	size_t len;

	if (view->pieces) {
		cached = piece_store_peek(view->pieces, offset_bytes, &data, &len);
		if (!cached)
			return false;
		/* Who feeds it meanwhile may need the room that this piece takes. */
		range_ledger_feed(view->ledger, data, (size_t)MIN(len, end - offset_bytes),
				  offset_bytes, false);
		piece_store_unpin(view->pieces, cached);
	} else {
		CLEANUP_FREE uint8_t *buf = malloc(VERIFY_STEP);
		struct bmap_error err = {0};

		/* What lies before the last read is in the kernel's memory. */
		end = MIN(end, read_to);
		if (!buf || offset_bytes >= end)
			return false;
		len = (size_t)MIN(VERIFY_STEP, end - offset_bytes);
		if (read_direct(view, buf, len, offset_bytes, &err) < 0)
			return false;
		range_ledger_feed(view->ledger, buf, len, offset_bytes, true);
	}
	return true;
}

/*
 * The kernel shuffles reads that were asked for in order: when the last byte of a range that is
 * followed is read before some others, it is not handed out before those were looked at.
 */
static bool is_nearly_read(const struct ledger_range *range, uint64_t next_bytes, uint64_t read_to)
{
	return read_to >= range->end_bytes && range->end_bytes - next_bytes <= MAX_MISSING;
}

static bool read_missing(struct bmap_view *view, const struct ledger_range *range,
			 uint64_t offset_bytes)
{
	CLEANUP_FREE uint8_t *buf = malloc(VERIFY_STEP);
	size_t len = (size_t)MIN(VERIFY_STEP, range->end_bytes - offset_bytes);
	struct bmap_error err = {0};

	if (!buf || read_bytes(view, buf, len, offset_bytes, &err) < 0)
		return false;
	range_ledger_feed(view->ledger, buf, len, offset_bytes, true);
	return true;
}

/* Large ranges are followed while they are read in order. */
static void follow(struct bmap_view *view, const uint8_t *buf, size_t len, uint64_t offset_bytes)
{
	struct ledger_range range;
	uint64_t next, last = UINT64_MAX, read_to = offset_bytes + len;

	range_ledger_feed(view->ledger, buf, len, offset_bytes, true);
	while (range_ledger_wants(view->ledger, offset_bytes, len, &range, &next) &&
	       next < view->pieces_end_bytes) {
		/* Without progress somebody else was about to feed it. */
		bool goes_on = next != last && follow_on(view, &range, next, read_to);

		if (!goes_on &&
		    (!is_nearly_read(&range, next, read_to) || !read_missing(view, &range, next)))
			break;
		last = next;
	}
}

static int read_mapped(struct bmap_view *view, uint8_t *buf, size_t len, uint64_t offset_bytes,
		       struct bmap_error *err)
{
	if (view->ledger && verify_due(view, offset_bytes, len, err) < 0)
		return -err->code;
	if (read_bytes(view, buf, len, offset_bytes, err) < 0)
		return -err->code;
	if (view->pieces && offset_bytes < view->pieces_end_bytes)
		piece_store_note_read(view->pieces, offset_bytes, len);
	if (!view->ledger)
		return 0;
	if (offset_bytes < view->pieces_end_bytes)
		follow(view, buf, len, offset_bytes);
	return range_ledger_check(view->ledger, offset_bytes, len, err);
}

ssize_t bmap_view_pread(struct bmap_view *view, void *buf, size_t len, uint64_t offset_bytes,
			struct bmap_error *err)
{
	struct slice slice = {0};
	uint64_t done;

	if (atomic_load(&view->cancelled))
		return bmap_error_set(err, ECANCELED, "cancelled");
	if (offset_bytes >= view->size_bytes)
		return 0;
	len = (size_t)MIN(len, view->size_bytes - offset_bytes);
	done = offset_bytes;
	while (slice_next(view->map, offset_bytes, len, &slice)) {
		uint64_t first = slice.first_bytes, end;

		/* Ranges that touch are read together. */
		while (first + slice.len < offset_bytes + len) {
			struct slice next = slice;

			if (!slice_next(view->map, offset_bytes, len, &next) ||
			    next.first_bytes != slice.first_bytes + slice.len)
				break;
			slice = next;
		}
		end = slice.first_bytes + slice.len;
		memset((uint8_t *)buf + (done - offset_bytes), 0, (size_t)(first - done));
		if (read_mapped(view, (uint8_t *)buf + (first - offset_bytes),
				(size_t)(end - first), first, err) < 0)
			return -err->code;
		done = end;
	}
	memset((uint8_t *)buf + (done - offset_bytes), 0, (size_t)(offset_bytes + len - done));
	return (ssize_t)len;
}

/* ---- what is known ---- */

const char *bmap_view_name(const struct bmap_view *view)
{
	return bmap_image_name(view->image);
}

/* The suffixes that compressions and archives put behind the name of an image. */
static size_t without_suffix(const char *name, size_t len)
{
	static const char *const suffixes[] = {".gz",  ".xz",  ".zst", ".bz2", ".lz4", ".lzo",
					       ".zip", ".tar", ".tgz", ".txz", ".tbz2"};
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t suffix_len = strlen(suffixes[i]);

		if (len > suffix_len && !strcasecmp(name + len - suffix_len, suffixes[i]))
			return len - suffix_len;
	}
	return len;
}

int bmap_view_file_name(const struct bmap_view *view, char **name, struct bmap_error *err)
{
	CLEANUP(source_url_fini) struct source_url url = {0};
	const char *path = image_member_name(view->image), *slash;
	size_t len;

	if (!path) {
		path = view->location;
		if (bmap_location_is_remote(path)) {
			if (source_url_parse(&url, path, err) < 0)
				return -err->code;
			path = url.path;
		}
	}
	slash = strrchr(path, '/');
	path = slash ? slash + 1 : path;
	/* "image.tar.xz" has two. */
	len = without_suffix(path, without_suffix(path, strlen(path)));
	if (len == 0 || !strcmp(path, "-") || !strcmp(path, ".") || !strcmp(path, "..")) {
		path = "image";
		len = strlen(path);
	}
	*name = strndup(path, MIN(len, NAME_MAX - strlen(".bmap")));
	return *name ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

uint64_t bmap_view_size(const struct bmap_view *view)
{
	return view->size_bytes;
}

uint64_t bmap_view_mapped_bytes(const struct bmap_view *view)
{
	return view->map ? bmap_mapped_bytes(view->map) : view->size_bytes;
}

int64_t bmap_view_mtime(const struct bmap_view *view)
{
	return view->mtime_sec;
}

bool bmap_view_is_forward(const struct bmap_view *view)
{
	uint64_t size;

	return view->spill && !spill_size(view->spill, &size);
}

bool bmap_view_find_data(const struct bmap_view *view, uint64_t offset_bytes, uint64_t *data_bytes)
{
	uint64_t block_size;
	size_t i;

	if (offset_bytes >= view->size_bytes)
		return false;
	*data_bytes = offset_bytes;
	if (!view->map)
		return true;
	block_size = bmap_block_size_bytes(view->map);
	i = bmap_find_range(view->map, offset_bytes / block_size);
	if (i == bmap_n_ranges(view->map))
		return false;
	*data_bytes = MAX(offset_bytes,
			  bmap_get_range(view->map, i, NULL, NULL).first_block * block_size);
	return true;
}

bool bmap_view_find_hole(const struct bmap_view *view, uint64_t offset_bytes, uint64_t *hole_bytes)
{
	uint64_t block_size, end;

	if (offset_bytes >= view->size_bytes)
		return false;
	*hole_bytes = view->size_bytes;
	if (!view->map)
		return true;
	block_size = bmap_block_size_bytes(view->map);
	end = offset_bytes;
	for (size_t i = bmap_find_range(view->map, offset_bytes / block_size);
	     i < bmap_n_ranges(view->map); i++) {
		struct bmap_range range = bmap_get_range(view->map, i, NULL, NULL);

		if (range.first_block * block_size > end)
			break;
		end = (range.first_block + range.n_blocks) * block_size;
	}
	*hole_bytes = MIN(end, view->size_bytes);
	return true;
}

void bmap_view_get_statistics(struct bmap_view *view, struct bmap_view_statistics *statistics)
{
	const struct codec *codec = image_codec(view->image);

	*statistics = (struct bmap_view_statistics){
		.codec = codec ? codec_name(codec) : "raw",
		.n_pieces = view->pieces ? piece_store_n_pieces(view->pieces) : is_direct(view),
		.fetched_bytes = atomic_load(&view->fetched_bytes),
		.decoded_bytes = atomic_load(&view->decoded_bytes),
		.cache_hits = view->pieces ? piece_store_hits(view->pieces) : 0,
		.verified_ranges = view->ledger ? range_ledger_n_verified(view->ledger) : 0,
	};
}

char *view_identity(const struct bmap_view *view)
{
	CLEANUP(digest_type_freep) struct digest_type *type = NULL;
	CLEANUP_FREE char *text = NULL;
	uint8_t digest[BMAP_MAX_DIGEST_LEN];
	char hex[2 * BMAP_MAX_DIGEST_LEN + 1], *identity;
	struct bmap_error err = {0};
	size_t len;

	if (!view->map || !bmap_is_verifiable(view->map))
		return strdup(source_identity(image_source(view->image)));
	if (bmap_format(view->map, &text, &len, &err) < 0 ||
	    digest_type_new(&type, "sha256", &err) < 0 || digest_of(type, text, len, digest) < 0)
		return NULL;
	digest_format(digest, digest_type_len(type), hex);
	return asprintf(&identity, "map %s", hex) < 0 ? NULL : identity;
}
