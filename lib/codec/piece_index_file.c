/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "codec/piece_index_file.h"

#define MAGIC "bmappcs1"

struct file_header {
	char magic[8];
	char codec[16];
	uint64_t encoded_size, n_pieces;
};

struct file_piece {
	uint64_t encoded_offset_bytes, encoded_len_bytes, image_len_bytes, window_bytes;
	uint32_t param;
	uint8_t first_bit, n_last_bits, reserved[2];
};

int piece_index_write(const struct piece_index *index, const char *path, const char *codec,
		      uint64_t encoded_size, struct bmap_error *err)
{
	size_t len = sizeof(struct file_header) + index->n_pieces * sizeof(struct file_piece);
	CLEANUP_FREE uint8_t *bytes = calloc(1, len);
	struct file_header *header = (struct file_header *)bytes;
	struct file_piece *to;

	if (!bytes)
		return bmap_error_set(err, ENOMEM, "out of memory");
	memcpy(header->magic, MAGIC, sizeof(header->magic));
	snprintf(header->codec, sizeof(header->codec), "%s", codec);
	header->encoded_size = encoded_size;
	header->n_pieces = index->n_pieces;
	to = (struct file_piece *)(header + 1);
	for (size_t i = 0; i < index->n_pieces; i++, to++) {
		const struct piece *piece = &index->pieces[i];

		*to = (struct file_piece){
			.encoded_offset_bytes = piece->encoded_offset_bytes,
			.encoded_len_bytes = piece->encoded_len_bytes,
			.image_len_bytes = piece->image_len_bytes,
			.window_bytes = piece->window_bytes,
			.param = piece->param,
			.first_bit = (uint8_t)piece->first_bit,
			.n_last_bits = (uint8_t)piece->n_last_bits,
		};
	}
	return fd_replace_file(path, bytes, len, err);
}

static int damaged(const char *path, struct bmap_error *err)
{
	return bmap_error_set(err, EPROTO, "the index '%s' is damaged", path);
}

static int add_piece(struct piece_index *index, const struct file_piece *from,
		     uint64_t encoded_size, const char *path, struct bmap_error *err)
{
	const struct piece piece = {
		.encoded_offset_bytes = from->encoded_offset_bytes,
		.encoded_len_bytes = from->encoded_len_bytes,
		.image_len_bytes = from->image_len_bytes,
		.window_bytes = from->window_bytes,
		.param = from->param,
		.first_bit = from->first_bit,
		.n_last_bits = from->n_last_bits,
	};
	uint64_t end;

	if (from->first_bit > 7 || from->n_last_bits > 7 ||
	    ckd_add(&end, from->encoded_offset_bytes, from->encoded_len_bytes) ||
	    end > encoded_size)
		return damaged(path, err);
	return piece_index_add(index, &piece, err);
}

int piece_index_read(struct piece_index *index, const char *path, const char *codec,
		     uint64_t encoded_size, struct bmap_error *err)
{
	const size_t max_len =
		sizeof(struct file_header) + PIECE_INDEX_MAX_PIECES * sizeof(struct file_piece);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE char *bytes = NULL;
	struct file_header header;
	size_t len;
	int r;

	if (fd < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", path);
	r = fd_read_text(fd, &bytes, &len, max_len);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot read '%s'", path);
	if (len < sizeof(header))
		return damaged(path, err);
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0 ||
	    header.n_pieces != (len - sizeof(header)) / sizeof(struct file_piece) ||
	    (len - sizeof(header)) % sizeof(struct file_piece) != 0)
		return damaged(path, err);
	if (header.encoded_size != encoded_size ||
	    strncmp(header.codec, codec, sizeof(header.codec)) != 0)
		return bmap_error_set(err, EBADMSG, "the index '%s' is of another file", path);
	for (uint64_t i = 0; i < header.n_pieces; i++) {
		struct file_piece piece;

		memcpy(&piece, bytes + sizeof(header) + i * sizeof(piece), sizeof(piece));
		if (add_piece(index, &piece, encoded_size, path, err) < 0)
			return -err->code;
	}
	return 0;
}
