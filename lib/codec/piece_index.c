/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "codec/piece_index.h"

int piece_index_add(struct piece_index *index, const struct piece *piece, struct bmap_error *err)
{
	if (index->n_pieces == index->capacity) {
		size_t capacity = index->capacity ? 2 * index->capacity : 64;
		void *larger = reallocarray(index->pieces, capacity, sizeof(*piece));

		if (!larger)
			return bmap_error_set(err, ENOMEM, "out of memory");
		index->pieces = larger;
		index->capacity = capacity;
	}
	index->pieces[index->n_pieces++] = *piece;
	return 0;
}

void piece_index_fini(struct piece_index *index)
{
	free(index->pieces);
	*index = (struct piece_index){0};
}
