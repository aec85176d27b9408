/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd_io.h"
#include "bmap/log.h"
#include "codec/decoder_ops.h"
#include "codec/piece_index_file.h"
#include "map/digest.h"
#include "view/image_index.h"

#define COPY_LEN (64 << 10)
/* A window each 64 KiB of a 16 TiB image would be more; such an index is hostile. */
#define MAX_INDEX_LEN (UINT64_C(4) << 30)

void image_index_fini(struct image_index *index)
{
	piece_index_fini(&index->pieces);
	gzip_index_free(index->gzip);
	free(index->kept_path);
	*index = (struct image_index){0};
}

const char *view_temporary_folder(const struct bmap_view_options *options)
{
	const char *folder = getenv("TMPDIR");

	if (options->temporary_folder)
		return options->temporary_folder;
	if (options->cache_folder)
		return options->cache_folder;
	return folder && folder[0] ? folder : "/var/tmp";
}

/* A file for this content at this location; NULL: nothing is kept. */
static char *kept_path(struct source *source, const char *folder, const char *suffix)
{
	char key[DIGEST_KEY_LEN], *path;

	if (!folder || !source_identity(source)[0] ||
	    digest_key(source_name(source), source_identity(source), key) < 0)
		return NULL;
	return asprintf(&path, "%s/%s%s", folder, key, suffix) < 0 ? NULL : path;
}

/* Downloads what lies beside a remote image into a file without a name. */
static int fetch(struct source *source, const char *folder, struct bmap_error *err)
{
	CLEANUP_CLOSE int fd = fd_temporary_file(folder);
	CLEANUP_FREE uint8_t *buf = malloc(COPY_LEN);
	uint64_t offset = 0;
	ssize_t n;

	if (!buf)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (fd < 0)
		return bmap_error_set_system(err, -fd, "cannot make a file in '%s'", folder);
	while ((n = source_pread_some(source, buf, COPY_LEN, offset, err)) > 0) {
		int r = fd_pwrite_full(fd, buf, (size_t)n, offset);

		if (r < 0)
			return bmap_error_set_system(err, -r, "cannot write to '%s'", folder);
		offset += (uint64_t)n;
		if (offset > MAX_INDEX_LEN)
			return bmap_error_set(err, EFBIG, "'%s' is too large", source_name(source));
	}
	return n < 0 ? (int)n : steal_fd(&fd);
}

/* A descriptor of IMAGE.gzidx, and what to call it; -ENOENT: there is none. */
static int open_beside(const char *location, const struct bmap_view_options *options, char **name,
		       struct bmap_error *err)
{
	const struct source_options source_options = {
		.n_retries = options->n_retries,
		.timeout_sec = options->timeout_sec,
	};
	CLEANUP_FREE char *beside = image_location_beside(location, ".gzidx");
	CLEANUP(source_closep) struct source *source = NULL;
	uint64_t offset;
	int fd;

	if (!beside)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (source_open(&source, beside, &source_options, err) < 0)
		return -err->code;
	*name = strdup(source_name(source));
	if (!*name)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (source_local_fd(source, &offset) < 0)
		return fetch(source, options->temporary_folder, err);
	fd = fcntl(source_local_fd(source, &offset), F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? bmap_error_set_system(err, errno, "cannot open '%s'", beside) : fd;
}

/* Takes @fd.  false: it is no index of this image. */
static bool use_gzip_index(struct image_index *index, int fd, const char *name,
			   uint64_t encoded_size, uint64_t image_size_bytes)
{
	struct bmap_error err = {0};

	if (gzip_index_open(&index->gzip, fd, name, encoded_size, image_size_bytes, &err) < 0 ||
	    gzip_index_pieces(index->gzip, &index->pieces, &index->rest, &err) < 0) {
		bmap_log(BMAP_LOG_WARNING, "%s: it is not used", err.message);
		piece_index_fini(&index->pieces);
		gzip_index_free(STEAL_PTR(index->gzip));
		return false;
	}
	index->has_rest = index->rest.is_checkpoint;
	index->is_whole = !index->has_rest;
	return true;
}

/* An index that was kept before, or lies beside the image. */
static void find_gzip(struct image_index *index, struct source *source, const char *location,
		      uint64_t image_size_bytes, const struct bmap_view_options *options)
{
	CLEANUP_FREE char *name = NULL;
	struct bmap_error err = {0};
	uint64_t size;
	int fd;

	if (!source_size(source, &size))
		return;
	index->kept_path = kept_path(source, options->index_folder, ".gzidx");
	fd = index->kept_path ? open(index->kept_path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0 && use_gzip_index(index, fd, index->kept_path, size, image_size_bytes) &&
	    index->is_whole)
		return;
	fd = open_beside(location, options, &name, &err);
	if (fd < 0) {
		if (fd == -ENOENT || fd == -EACCES)
			bmap_log(BMAP_LOG_DEBUG, "%s", err.message);
		else
			bmap_log(BMAP_LOG_WARNING, "%s: the index is not used", err.message);
		return;
	}
	piece_index_fini(&index->pieces);
	gzip_index_free(STEAL_PTR(index->gzip));
	index->has_rest = false;
	use_gzip_index(index, fd, name, size, image_size_bytes);
}

/* Pieces that were learned when the image was decoded before. */
static void find_pieces(struct image_index *index, const struct codec *codec, struct source *source,
			uint64_t image_size_bytes, const struct bmap_view_options *options)
{
	struct bmap_error err = {0};
	uint64_t size;
	int r;

	if (!source_size(source, &size))
		return;
	index->kept_path = kept_path(source, options->index_folder, ".pieces");
	if (!index->kept_path)
		return;
	r = piece_index_read(&index->pieces, index->kept_path, codec_name(codec), size, &err);
	if (r == 0 && image_size_bytes != PIECE_LEN_UNKNOWN &&
	    piece_index_end(&index->pieces) != image_size_bytes)
		r = bmap_error_set(&err, EBADMSG, "the index '%s' is of another image",
				   index->kept_path);
	index->is_whole = r == 0;
	if (r == 0)
		return;
	piece_index_fini(&index->pieces);
	if (r != -ENOENT)
		bmap_log(BMAP_LOG_WARNING, "%s: it is not used", err.message);
}

int image_index_find(struct image_index *index, struct bmap_image *image, const char *location,
		     uint64_t image_size_bytes, const struct bmap_view_options *options,
		     struct bmap_error *err)
{
	const struct codec *codec = image_codec(image);
	struct source *source = image_source(image);
	struct bmap_error why = {0};
	int r = -EOPNOTSUPP;

	*index = (struct image_index){0};
	if (!codec || image_is_tar(image) || !source_is_seekable(source))
		return 0;
	if (codec->index)
		r = codec->index(source, image_size_bytes, &index->pieces, &why);
	index->is_whole = r == 0;
	if (r == 0)
		return 0;
	piece_index_fini(&index->pieces);
	if (r != -EOPNOTSUPP) {
		*err = why;
		return bmap_error_prefix(err, "image file '%s'", bmap_image_name(image));
	}
	bmap_log(BMAP_LOG_DEBUG, "the image itself has no index: %s", why.message);
	if (image_is_member(image))
		return 0;
	if (image_is_gzip(image))
		find_gzip(index, source, location, image_size_bytes, options);
	else
		find_pieces(index, codec, source, image_size_bytes, options);
	return 0;
}

void image_index_keep_pieces(const struct image_index *index, const struct piece_index *pieces,
			     const struct bmap_image *image)
{
	struct bmap_error err = {0};
	uint64_t size;

	if (!index->kept_path || pieces->n_pieces < 2 || !source_size(image_source(image), &size))
		return;
	fd_make_folders(index->kept_path);
	if (piece_index_write(pieces, index->kept_path, codec_name(image_codec(image)), size,
			      &err) < 0)
		bmap_log(BMAP_LOG_WARNING, "the index is not kept: %s", err.message);
}

void image_index_keep(const struct image_index *index, const struct gzip_index *checkpoints,
		      uint64_t encoded_size, uint64_t image_size_bytes)
{
	struct bmap_error err = {0};

	/* The first point is the beginning of the file: it says nothing. */
	if (!index->kept_path || gzip_index_n_points(checkpoints) < 2)
		return;
	fd_make_folders(index->kept_path);
	if (gzip_index_write(checkpoints, index->kept_path, encoded_size, image_size_bytes, &err) <
	    0)
		bmap_log(BMAP_LOG_WARNING, "the gzip index is not kept: %s", err.message);
}
