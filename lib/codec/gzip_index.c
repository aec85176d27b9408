/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "codec/gzip_index.h"

#define MAGIC       "GZIDX"
#define MAX_VERSION 1
#define HEADER_LEN  35
#define POINT_LEN   18

struct point {
	struct gzip_border border;
	uint64_t window_offset; /* in the windows' file; UINT64_MAX: it needs none */
};

struct gzip_index {
	struct point *points;
	size_t n_points, capacity;
	uint64_t step_bytes;
	const struct bmap *map;
	int fd; /* of the windows */
	uint64_t fd_len;
	uint8_t *mapped; /* the file; NULL: the index is being made */
	size_t mapped_len;
	uint64_t encoded_size, image_size_bytes; /* 0: not known */
};

int gzip_index_new(struct gzip_index **index_out, uint64_t step_bytes, const struct bmap *map,
		   const char *folder, struct bmap_error *err)
{
	CLEANUP_FREE struct gzip_index *index = calloc(1, sizeof(*index));

	if (!index)
		return bmap_error_set(err, ENOMEM, "out of memory");
	index->step_bytes = step_bytes;
	index->map = map;
	index->fd = fd_temporary_file(folder);
	if (index->fd < 0)
		return bmap_error_set_system(err, -index->fd, "cannot make a file in '%s'", folder);
	*index_out = STEAL_PTR(index);
	return 0;
}

void gzip_index_free(struct gzip_index *index)
{
	if (!index)
		return;
	if (index->mapped)
		munmap(index->mapped, index->mapped_len);
	close(index->fd);
	free(index->points);
	free(index);
}

size_t gzip_index_n_points(const struct gzip_index *index)
{
	return index->n_points;
}

static int add_point(struct gzip_index *index, const struct point *point, struct bmap_error *err)
{
	if (index->n_points == index->capacity) {
		size_t capacity = index->capacity ? 2 * index->capacity : 64;
		void *larger = reallocarray(index->points, capacity, sizeof(*point));

		if (!larger)
			return bmap_error_set(err, ENOMEM, "out of memory");
		index->points = larger;
		index->capacity = capacity;
	}
	index->points[index->n_points++] = *point;
	return 0;
}

/* NULL: there is none. */
static const struct point *last_point(const struct gzip_index *index)
{
	return index->n_points ? &index->points[index->n_points - 1] : NULL;
}

/* ---- making ---- */

/* Is anything of the image's bytes [first, end) mapped? */
static bool is_mapped(const struct gzip_index *index, uint64_t first, uint64_t end)
{
	const struct bmap *map = index->map;
	uint64_t block_size;
	size_t i;

	if (!map)
		return true;
	block_size = bmap_block_size_bytes(map);
	i = bmap_find_range(map, first / block_size);
	return i < bmap_n_ranges(map) &&
	       bmap_get_range(map, i, NULL, NULL).first_block * block_size < end;
}

/* Puts the window of a point where there is room: at @offset, or with UINT64_MAX at the end. */
static int keep_window(struct gzip_index *index, const uint8_t *window, uint64_t offset,
		       struct point *point, struct bmap_error *err)
{
	bool is_new = offset == UINT64_MAX;
	int r;

	if (is_new)
		offset = index->fd_len;
	r = fd_pwrite_full(index->fd, window, GZIP_WINDOW_LEN, offset);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot keep the gzip index");
	point->window_offset = offset;
	if (is_new)
		index->fd_len += GZIP_WINDOW_LEN;
	return 0;
}

int gzip_index_copy(struct gzip_index *index, const struct gzip_index *from, struct bmap_error *err)
{
	for (size_t i = 0; i < from->n_points; i++) {
		struct point point = from->points[i];
		uint64_t window_offset = point.window_offset;

		if (window_offset != UINT64_MAX &&
		    keep_window(index, from->mapped + window_offset, UINT64_MAX, &point, err) < 0)
			return -err->code;
		if (add_point(index, &point, err) < 0)
			return -err->code;
	}
	return 0;
}

int gzip_index_take_border(void *opaque, const struct gzip_border *border, struct bmap_error *err)
{
	struct gzip_index_maker *maker = opaque;
	struct gzip_index *index = maker->index;
	const struct point *last = last_point(index);
	struct point point = {.border = *border, .window_offset = UINT64_MAX};
	uint64_t reuse = UINT64_MAX;
	uint8_t window[GZIP_WINDOW_LEN];

	/* What is decoded a second time has its points already. */
	if (last &&
	    border->image_offset_bytes < last->border.image_offset_bytes + index->step_bytes) {
		gzip_stream_want_border(maker->stream,
					last->border.image_offset_bytes + index->step_bytes);
		return 0;
	}
	gzip_stream_want_border(maker->stream, border->image_offset_bytes + index->step_bytes);
	/* A point behind which nothing is mapped until here is of no use: this one is nearer. */
	if (index->n_points > 1 &&
	    !is_mapped(index, last->border.image_offset_bytes, border->image_offset_bytes)) {
		reuse = last->window_offset;
		index->n_points--;
	}
	if (last && gzip_stream_window(maker->stream, window) &&
	    keep_window(index, window, reuse, &point, err) < 0)
		return -err->code;
	return add_point(index, &point, err);
}

/* ---- the file ---- */

static size_t format_head(const struct gzip_index *index, uint8_t *p, uint64_t encoded_size,
			  uint64_t image_size_bytes)
{
	const uint8_t *first = p;

	p = mempcpy(p, MAGIC "\1", 7);
	p = put_le(p, encoded_size, 8);
	p = put_le(p, image_size_bytes, 8);
	p = put_le(p, MIN(index->step_bytes, UINT32_MAX), 4);
	p = put_le(p, GZIP_WINDOW_LEN, 4);
	p = put_le(p, index->n_points, 4);
	for (size_t i = 0; i < index->n_points; i++) {
		const struct point *point = &index->points[i];

		p = put_le(p, point->border.encoded_offset_bytes, 8);
		p = put_le(p, point->border.image_offset_bytes, 8);
		*p++ = (uint8_t)point->border.n_bits;
		*p++ = point->window_offset != UINT64_MAX;
	}
	return (size_t)(p - first);
}

/* What is being written. */
struct writing {
	const struct gzip_index *index;
	const uint8_t *head;
	size_t head_len;
};

/* The head, and the windows in the order of the points. */
static int write_content(int fd, void *opaque)
{
	const struct writing *writing = opaque;
	const struct gzip_index *index = writing->index;
	uint8_t window[GZIP_WINDOW_LEN];
	int r = fd_write_full(fd, writing->head, writing->head_len);

	for (size_t i = 0; r == 0 && i < index->n_points; i++) {
		uint64_t from = index->points[i].window_offset;

		if (from == UINT64_MAX)
			continue;
		if (fd_pread_full(index->fd, window, sizeof(window), from) != sizeof(window))
			return -EIO;
		r = fd_write_full(fd, window, sizeof(window));
	}
	return r;
}

int gzip_index_write(const struct gzip_index *index, const char *path, uint64_t encoded_size,
		     uint64_t image_size_bytes, struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *head = malloc(HEADER_LEN + index->n_points * POINT_LEN);
	struct writing writing = {.index = index, .head = head};

	if (!head)
		return bmap_error_set(err, ENOMEM, "out of memory");
	writing.head_len = format_head(index, head, encoded_size, image_size_bytes);
	return fd_replace_file_by(path, write_content, &writing, err);
}

static int damaged(const char *name, const char *what, struct bmap_error *err)
{
	return bmap_error_set(err, EPROTO, "the gzip index '%s' is damaged: %s", name, what);
}

static int parse_point(struct gzip_index *index, const uint8_t *p, unsigned int version,
		       uint64_t *window_offset, const char *name, struct bmap_error *err)
{
	const struct point *last = last_point(index);
	struct point point = {
		.border =
			{
				.encoded_offset_bytes = load_le64(p),
				.image_offset_bytes = load_le64(p + 8),
				.n_bits = p[16],
			},
		.window_offset = UINT64_MAX,
	};
	bool has_window = version ? p[17] : index->n_points > 0;

	if (point.border.n_bits > 7 || (point.border.n_bits && !point.border.encoded_offset_bytes))
		return damaged(name, "a point begins at no bit", err);
	if (point.border.encoded_offset_bytes > index->encoded_size ||
	    (index->image_size_bytes && point.border.image_offset_bytes > index->image_size_bytes))
		return damaged(name, "a point lies outside of the file", err);
	if (last ? point.border.image_offset_bytes <= last->border.image_offset_bytes ||
			    point.border.encoded_offset_bytes < last->border.encoded_offset_bytes
		 : point.border.image_offset_bytes != 0)
		return damaged(name, "its points are not in order", err);
	if (has_window) {
		if (index->mapped_len - *window_offset < GZIP_WINDOW_LEN)
			return damaged(name, "it ends early", err);
		point.window_offset = *window_offset;
		*window_offset += GZIP_WINDOW_LEN;
	}
	return add_point(index, &point, err);
}

static int parse_file(struct gzip_index *index, const char *name, uint64_t encoded_size,
		      uint64_t image_size_bytes, struct bmap_error *err)
{
	const uint8_t *bytes = index->mapped;
	size_t point_len;
	uint64_t n_points, offset;

	if (index->mapped_len < HEADER_LEN || memcmp(bytes, MAGIC, 5) != 0)
		return damaged(name, "it is no GZIDX file", err);
	if (bytes[5] > MAX_VERSION)
		return bmap_error_set(err, EOPNOTSUPP,
				      "the gzip index '%s' is of version %u, which is too new",
				      name, bytes[5]);
	point_len = bytes[5] ? POINT_LEN : POINT_LEN - 1;
	index->encoded_size = load_le64(bytes + 7);
	index->image_size_bytes = load_le64(bytes + 15);
	index->step_bytes = load_le32(bytes + 23);
	n_points = load_le32(bytes + 31);
	if (load_le32(bytes + 27) != GZIP_WINDOW_LEN)
		return damaged(name, "its windows are not of 32 KiB", err);
	if (index->encoded_size != encoded_size ||
	    (index->image_size_bytes && image_size_bytes != PIECE_LEN_UNKNOWN &&
	     index->image_size_bytes != image_size_bytes))
		return bmap_error_set(err, EBADMSG, "the gzip index '%s' is of another file", name);
	if (n_points == 0 || n_points > (index->mapped_len - HEADER_LEN) / point_len)
		return damaged(name, "it ends early", err);
	offset = HEADER_LEN + n_points * point_len;
	for (uint64_t i = 0; i < n_points; i++) {
		if (parse_point(index, bytes + HEADER_LEN + i * point_len, bytes[5], &offset, name,
				err) < 0)
			return -err->code;
	}
	return offset == index->mapped_len ? 0 : damaged(name, "something lies behind it", err);
}

int gzip_index_open(struct gzip_index **index_out, int fd, const char *name, uint64_t encoded_size,
		    uint64_t image_size_bytes, struct bmap_error *err)
{
	CLEANUP(gzip_index_freep) struct gzip_index *index = calloc(1, sizeof(*index));
	struct stat st;
	void *mapped;

	if (!index) {
		close(fd);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	index->fd = fd;
	if (fstat(fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot read '%s'", name);
	if (st.st_size < HEADER_LEN)
		return damaged(name, "it is no GZIDX file", err);
	mapped = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED)
		return bmap_error_set_system(err, errno, "cannot read '%s'", name);
	index->mapped = mapped;
	index->mapped_len = (size_t)st.st_size;
	if (parse_file(index, name, encoded_size, image_size_bytes, err) < 0)
		return -err->code;
	*index_out = STEAL_PTR(index);
	return 0;
}

static struct piece piece_at(const struct gzip_index *index, const struct point *point)
{
	bool is_split = point->border.n_bits > 0;

	return (struct piece){
		.is_checkpoint = true,
		.image_offset_bytes = point->border.image_offset_bytes,
		.encoded_offset_bytes = point->border.encoded_offset_bytes - is_split,
		.first_bit = is_split ? 8 - point->border.n_bits : 0,
		.window = point->window_offset != UINT64_MAX ? index->mapped + point->window_offset
							     : NULL,
	};
}

int gzip_index_pieces(const struct gzip_index *index, struct piece_index *pieces,
		      struct piece *rest, struct bmap_error *err)
{
	for (size_t i = 0; i < index->n_points; i++) {
		struct piece piece = piece_at(index, &index->points[i]);
		bool is_last = i + 1 == index->n_points;
		const struct gzip_border *next = &index->points[i + !is_last].border;
		uint64_t end = is_last ? index->image_size_bytes : next->image_offset_bytes;

		if (is_last && end == 0) {
			piece.encoded_len_bytes = index->encoded_size - piece.encoded_offset_bytes;
			piece.image_len_bytes = PIECE_LEN_UNKNOWN;
			*rest = piece;
			return 0;
		}
		piece.image_len_bytes = end - piece.image_offset_bytes;
		piece.encoded_len_bytes =
			(is_last ? index->encoded_size : next->encoded_offset_bytes) -
			piece.encoded_offset_bytes;
		if (piece_index_add(pieces, &piece, err) < 0)
			return -err->code;
	}
	return 0;
}
