/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "codec/frame_splitter.h"

#define SKIPPABLE_HEADER_LEN 8

bool frame_is_skippable(const uint8_t *in)
{
	return (load_le32(in) & 0xfffffff0) == 0x184d2a50;
}

bool frame_matches(const uint8_t *head, size_t len, uint32_t magic)
{
	uint64_t at = 0;

	while (at + SKIPPABLE_HEADER_LEN <= len && frame_is_skippable(head + at))
		at += (uint64_t)SKIPPABLE_HEADER_LEN + load_le32(head + at + 4);
	/* A frame to be skipped may be longer than what is shown; what follows it is one of ours.
	 */
	return at + 4 <= len ? load_le32(head + at) == magic : at > 0;
}

static int split_header(struct frame_splitter *splitter, const struct frame_format *format,
			const uint8_t *in, size_t len, bool end, struct split *split,
			struct bmap_error *err)
{
	uint8_t header[MAX_FRAME_HEADER] = {0};
	uint64_t content_len, window_bytes = 0;
	size_t header_len;

	if (len < sizeof(header) && !end)
		return 0;
	memcpy(header, in, MIN(len, sizeof(header)));
	if (len >= SKIPPABLE_HEADER_LEN && frame_is_skippable(header)) {
		splitter->pass_bytes = (uint64_t)SKIPPABLE_HEADER_LEN + load_le32(in + 4);
		return 0;
	}
	if (load_le32(header) != format->magic)
		return bmap_error_set(err, EBADMSG, "the %s data is %s", format->name,
				      splitter->has_frame ? "followed by something else"
							  : "damaged");
	header_len = format->parse_header(header, &content_len, &window_bytes, &splitter->flags);
	if (len < header_len)
		return 0;
	splitter->has_frame = splitter->in_frame = true;
	splitter->at = BLOCK_HEADER;
	split->begins = true;
	split->piece = (struct piece){
		.image_len_bytes = content_len,
		.window_bytes = window_bytes,
	};
	split->n_bytes = split->n_used = header_len;
	return 0;
}

int frame_split(struct frame_splitter *splitter, const struct frame_format *format,
		const uint8_t *in, size_t len, bool end, struct split *split,
		struct bmap_error *err)
{
	if (splitter->pass_bytes == 0 && splitter->at == FRAME_HEADER && len > 0) {
		int r = split_header(splitter, format, in, len, end, split, err);

		if (r < 0 || split->n_used)
			return r;
	} else if (splitter->pass_bytes == 0 && splitter->at == BLOCK_HEADER &&
		   len >= format->block_header_len) {
		splitter->ends_frame =
			format->parse_block(in, splitter->flags, &splitter->pass_bytes);
	}
	split->n_used = MIN(len, splitter->pass_bytes);
	split->n_bytes = splitter->in_frame ? split->n_used : 0;
	splitter->pass_bytes -= split->n_used;
	if (split->n_used && splitter->pass_bytes == 0 && splitter->ends_frame) {
		split->ends = true;
		splitter->in_frame = splitter->ends_frame = false;
		splitter->at = FRAME_HEADER;
	}
	if (end && split->n_used == 0 &&
	    (len > 0 || splitter->in_frame || splitter->pass_bytes || !splitter->has_frame))
		return bmap_error_set(err, ENODATA, "the %s data ends early", format->name);
	return 0;
}

/* Headers that lie close together come with one read: those of zeros take a few bytes each. */
#define WALK_LEN 4096

/* The part of a source that a walk looks at. */
struct walk {
	struct source *source;
	uint64_t offset_bytes, len;
	uint8_t bytes[WALK_LEN];
};

/* Shows @len bytes at @offset_bytes, fewer at the end of the source.  Returns the count. */
static ssize_t walk_to(struct walk *walk, uint64_t offset_bytes, size_t len, const uint8_t **bytes,
		       struct bmap_error *err)
{
	if (offset_bytes < walk->offset_bytes ||
	    offset_bytes + len > walk->offset_bytes + walk->len) {
		ssize_t n = source_pread(walk->source, walk->bytes, WALK_LEN, offset_bytes, err);

		if (n < 0)
			return n;
		walk->offset_bytes = offset_bytes;
		walk->len = (uint64_t)n;
	}
	*bytes = walk->bytes + (offset_bytes - walk->offset_bytes);
	return (ssize_t)MIN(len, walk->len - (offset_bytes - walk->offset_bytes));
}

int frame_index(struct source *source, const struct frame_format *format, struct piece_index *index,
		struct bmap_error *err)
{
	struct frame_splitter splitter = {0};
	struct walk walk = {.source = source};
	struct piece piece = {0};
	uint64_t offset = 0, size = 0;

	source_size(source, &size);
	for (;;) {
		const uint8_t *bytes;
		struct split split = {0};
		ssize_t n = walk_to(&walk, offset, MAX_FRAME_HEADER, &bytes, err);
		bool end = n < MAX_FRAME_HEADER;

		if (n < 0)
			return (int)n;
		if (frame_split(&splitter, format, bytes, (size_t)n, end, &split, err) < 0)
			return -err->code;
		if (split.begins) {
			piece = split.piece;
			piece.encoded_offset_bytes = offset;
			if (piece.image_len_bytes == PIECE_LEN_UNKNOWN)
				return bmap_error_set(err, EOPNOTSUPP,
						      "a frame does not say how much it holds");
		}
		/* What the splitter would only pass over need not be read. */
		offset += split.n_used + splitter.pass_bytes;
		if (offset > size)
			return bmap_error_set(err, ENODATA, "the %s data ends early", format->name);
		if (splitter.pass_bytes && splitter.ends_frame) {
			split.ends = true;
			splitter.in_frame = splitter.ends_frame = false;
			splitter.at = FRAME_HEADER;
		}
		splitter.pass_bytes = 0;
		if (split.ends) {
			piece.encoded_len_bytes = offset - piece.encoded_offset_bytes;
			if (piece_index_add(index, &piece, err) < 0)
				return -err->code;
		}
		if (split.n_used == 0 && n == 0)
			return 0;
	}
}
