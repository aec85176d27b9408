/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making the index of a gzip image, to lie beside it (bmap/view.h). */
#include <errno.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "view/forward_reader.h"
#include "view/image_index.h"
#include "view/range_ledger.h"

/* The things of one index. */
struct making {
	struct bmap_image *image;
	struct gzip_index *index;
	struct range_ledger *ledger; /* NULL: nothing is verified */
	struct forward_reader *reader;
};

static void making_fini(struct making *making)
{
	forward_reader_close(making->reader);
	range_ledger_free(making->ledger);
	gzip_index_free(making->index);
	bmap_image_close(making->image);
}

static int open_gzip(struct making *making, const char *location,
		     const struct bmap_view_options *options, struct bmap_error *err)
{
	const struct bmap_image_options image_options = {
		.member = options->member,
		.n_retries = options->n_retries,
	};

	if (bmap_image_open(&making->image, location, &image_options, err) < 0)
		return bmap_error_prefix(err, "cannot open image");
	if (!image_is_gzip(making->image))
		return bmap_error_set(err, EOPNOTSUPP,
				      "'%s' is not a gzip image: only of these there are indexes",
				      bmap_image_name(making->image));
	return 0;
}

/* Decodes all of it. */
static int decode(struct making *making, uint64_t *image_size_bytes, struct bmap_error *err)
{
	const uint8_t *data;
	size_t len;
	int r;

	while ((r = forward_reader_next(making->reader, &data, &len, image_size_bytes, err)) == 1) {
		if (making->ledger)
			range_ledger_feed(making->ledger, data, len, *image_size_bytes, false);
	}
	return r;
}

static int check(struct making *making, const struct bmap *map, uint64_t image_size_bytes,
		 struct bmap_error *err)
{
	if (image_check_size(making->image, image_size_bytes, map, err) < 0)
		return -err->code;
	return making->ledger ? range_ledger_check(making->ledger, 0, image_size_bytes, err) : 0;
}

int bmap_index_write(const char *location, const struct bmap *map,
		     const struct bmap_view_options *options, const char *path,
		     struct bmap_error *err)
{
	CLEANUP(making_fini) struct making making = {0};
	uint64_t step =
		options->index_step_bytes ? options->index_step_bytes : BMAP_DEFAULT_INDEX_STEP;
	uint64_t encoded_size, image_size;
	struct forward_options forward;

	if (open_gzip(&making, location, options, err) < 0)
		return -err->code;
	if (map && bmap_checksum_type(map) &&
	    range_ledger_new(&making.ledger, map, BMAP_VERIFY_WINDOW, 0,
			     bmap_image_name(making.image), err) < 0)
		return -err->code;
	if (gzip_index_new(&making.index, MAX(step, BMAP_MIN_INDEX_STEP), map,
			   view_temporary_folder(options), err) < 0)
		return -err->code;
	forward = (struct forward_options){.map = map, .checkpoints = making.index};
	if (forward_reader_open(&making.reader, making.image, &forward, err) < 0 ||
	    decode(&making, &image_size, err) < 0 || check(&making, map, image_size, err) < 0)
		return -err->code;
	if (!source_size(image_source(making.image), &encoded_size))
		encoded_size = forward_reader_encoded_bytes(making.reader);
	return gzip_index_write(making.index, path, encoded_size, image_size, err);
}
