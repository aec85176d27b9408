/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/checked.h"
#include "codec/piece_index.h"

int piece_index_add(struct piece_index *index, const struct piece *piece, struct bmap_error *err)
{
	uint64_t offset = piece_index_end(index), end;

	if (ckd_add(&end, offset, piece->image_len_bytes) || end > INT64_MAX)
		return bmap_error_set(err, EOVERFLOW, "the image is too large");
	if (index->n_pieces == PIECE_INDEX_MAX_PIECES)
		return bmap_error_set(err, EPROTO, "there are too many pieces in the data");
	if (index->n_pieces == index->capacity) {
		size_t capacity = index->capacity ? 2 * index->capacity : 64;
		void *larger = reallocarray(index->pieces, capacity, sizeof(*piece));

		if (!larger)
			return bmap_error_set(err, ENOMEM, "out of memory");
		index->pieces = larger;
		index->capacity = capacity;
	}
	index->pieces[index->n_pieces] = *piece;
	index->pieces[index->n_pieces++].image_offset_bytes = offset;
	return 0;
}

uint64_t piece_index_end(const struct piece_index *index)
{
	const struct piece *last;

	if (index->n_pieces == 0)
		return 0;
	last = &index->pieces[index->n_pieces - 1];
	return last->image_offset_bytes + last->image_len_bytes;
}

size_t piece_index_find(const struct piece_index *index, uint64_t offset_bytes)
{
	size_t low = 0, high = index->n_pieces;

	/* The first piece that ends behind the offset: those of no length are passed over. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct piece *piece = &index->pieces[middle];

		if (piece->image_offset_bytes + piece->image_len_bytes > offset_bytes)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void piece_index_fini(struct piece_index *index)
{
	free(index->pieces);
	*index = (struct piece_index){0};
}
