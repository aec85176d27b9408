/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * zip archives from their first byte on: the image among the members is decoded, the others are
 * read over, and the directory at the end must be there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "codec/archive.h"
#include "codec/decoder_ops.h"
#include "codec/decoder_zip.h"
#include "codec/inflater.h"
#include "codec/zip_format.h"

#define SCRATCH_LEN (64 << 10)
#define MAX_RECORD  (ZIP_CENTRAL_LEN + 64)

enum step {
	SIGNATURE,  /* of the next record */
	LOCAL,      /* the rest of a local header */
	NAMES,      /* its name and extra field */
	STORED,     /* data */
	DEFLATED,   /* data */
	DESCRIPTOR, /* behind the data */
	CENTRAL,    /* the rest of an entry of the directory */
	END_RECORD,
	OTHER_LEN_8, /* a record that begins with a length of 8, 4 or 2 bytes */
	OTHER_LEN_4,
	OTHER_LEN_2,
	PASS, /* bytes without a meaning here */
	ENDED,
};

struct zip_state {
	enum step step;
	uint8_t record[MAX_RECORD + 2 * UINT16_MAX];
	size_t record_len, want;
	uint64_t pass_bytes;

	unsigned int flags, method;
	uint32_t expected_crc, crc;
	uint64_t data_len, image_len, made_bytes;
	size_t name_len;
	bool is_zip64, is_wanted, is_over; /* is_over: the end record was seen */
	char *image;                       /* the name of the member that is the image, once seen */
	struct inflater *inflater;
	uint8_t unread[INFLATER_MAX_UNREAD]; /* behind a member, to be looked at before the input */
	size_t unread_at, n_unread;
	uint8_t scratch[SCRATCH_LEN];
};

static int damaged(const struct decoder *decoder, const char *what, struct bmap_error *err)
{
	return bmap_error_set(err, EBADMSG, "the zip archive '%s' is damaged: %s",
			      decoder->choice.archive, what);
}

static void want(struct zip_state *state, enum step step, size_t len)
{
	state->step = step;
	state->record_len = 0;
	state->want = len;
}

static void pass(struct zip_state *state, uint64_t len)
{
	state->step = PASS;
	state->pass_bytes = len;
}

static int zip_start(struct decoder *decoder, struct bmap_error *err)
{
	struct zip_state *state = decoder->state;

	if (decoder->n_members)
		return bmap_error_set(err, EBADMSG,
				      "the zip archive '%s' is followed by something else",
				      decoder->choice.archive);
	if (!state) {
		decoder->state = state = calloc(1, sizeof(*state));
		if (!state)
			return bmap_error_set(err, ENOMEM, "out of memory");
		state->inflater = inflater_new(false);
		if (!state->inflater)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	free(state->image);
	state->image = NULL;
	state->is_over = false;
	state->n_unread = 0;
	want(state, SIGNATURE, 4);
	return 0;
}

static int take_local(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	const uint8_t *p = state->record; /* behind the signature */

	state->flags = load_le16(p + 2);
	state->method = load_le16(p + 4);
	state->expected_crc = load_le32(p + 10);
	state->data_len = load_le32(p + 14);
	state->image_len = load_le32(p + 18);
	state->name_len = load_le16(p + 22);
	want(state, NAMES, state->name_len + load_le16(p + 24));
	if (state->flags & ZIP_ENCRYPTED)
		return bmap_error_set(err, EOPNOTSUPP, "the zip archive '%s' is encrypted",
				      decoder->choice.archive);
	return 0;
}

static int choose_member(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	char *name = strndup((const char *)state->record, state->name_len);

	if (!name)
		return bmap_error_set(err, ENOMEM, "out of memory");
	state->is_wanted =
		decoder->choice.is_one_member || zip_is_image(name, decoder->choice.member);
	if (state->is_wanted && state->image)
		archive_two_images(decoder->choice.archive, state->image, name, err);
	else if (state->is_wanted)
		state->image = strdup(name);
	free(name);
	return -err->code;
}

/* A size of 0xffffffff means that the real one stands in the extra field. */
static int take_names(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	bool deferred = state->flags & ZIP_HAS_DESCRIPTOR;

	state->is_zip64 = state->data_len == UINT32_MAX || state->image_len == UINT32_MAX;
	if (zip_parse_zip64(state->record + state->name_len, state->want - state->name_len,
			    &state->image_len, &state->data_len, NULL) < 0)
		return damaged(decoder, "a size does not fit", err);
	if (choose_member(decoder, state, err) < 0)
		return -err->code;
	state->crc = 0;
	state->made_bytes = 0;
	if (state->method == ZIP_STORED) {
		if (deferred && state->data_len == 0)
			return bmap_error_set(
				err, EOPNOTSUPP,
				"the zip archive '%s' can only be read from a file: a "
				"member is stored without its size in front",
				decoder->choice.archive);
		state->step = STORED;
		return 0;
	}
	if (state->method != ZIP_DEFLATED)
		return bmap_error_set(err, EOPNOTSUPP,
				      "the zip archive '%s' uses compression method %u, and only "
				      "stored and deflated members can be read",
				      decoder->choice.archive, state->method);
	inflater_reset(state->inflater);
	state->step = DEFLATED;
	return 0;
}

/* The member's data is whole. */
static int finish_data(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	if (decoder->choice.is_one_member && state->crc != decoder->choice.crc)
		return damaged(decoder, "the checksum of a member is wrong", err);
	if (state->flags & ZIP_HAS_DESCRIPTOR) {
		want(state, DESCRIPTOR, 4);
		return 0;
	}
	if (state->crc != state->expected_crc)
		return damaged(decoder, "the checksum of a member is wrong", err);
	if (state->made_bytes != state->image_len)
		return damaged(decoder, "a member has not the size that it should have", err);
	want(state, SIGNATURE, 4);
	return 0;
}

/* [signature] crc, two sizes of 4 or 8 bytes (section 4.3.9) */
static int take_descriptor(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	size_t at = load_le32(state->record) == ZIP_DESCRIPTOR ? 4 : 0;
	size_t size_len = state->is_zip64 ? 8 : 4;
	uint64_t image_len;

	if (state->want == 4) {
		state->want = at + 4 + 2 * size_len;
		return 0;
	}
	image_len = size_len == 8 ? load_le64(state->record + at + 4 + size_len)
				  : load_le32(state->record + at + 4 + size_len);
	if (load_le32(state->record + at) != state->crc)
		return damaged(decoder, "the checksum of a member is wrong", err);
	if (image_len != (size_len == 8 ? state->made_bytes : (uint32_t)state->made_bytes))
		return damaged(decoder, "a member has not the size that it should have", err);
	want(state, SIGNATURE, 4);
	return 0;
}

static int take_signature(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	switch (load_le32(state->record)) {
	case ZIP_LOCAL:
		want(state, LOCAL, ZIP_LOCAL_LEN - 4);
		return 0;
	case ZIP_CENTRAL:
		want(state, CENTRAL, ZIP_CENTRAL_LEN - 4);
		return 0;
	case ZIP_END:
		want(state, END_RECORD, ZIP_END_LEN - 4);
		return 0;
	case ZIP64_END:
		want(state, OTHER_LEN_8, 8);
		return 0;
	case ZIP_EXTRA_DATA:
		want(state, OTHER_LEN_4, 4);
		return 0;
	case ZIP_SIGNATURE:
		want(state, OTHER_LEN_2, 2);
		return 0;
	case ZIP64_LOCATOR:
		pass(state, 16);
		return 0;
	default:
		return damaged(decoder, "something stands between its members", err);
	}
}

static int take_record(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	const uint8_t *record = state->record;

	switch (state->step) {
	case SIGNATURE:
		return take_signature(decoder, state, err);
	case LOCAL:
		return take_local(decoder, state, err);
	case NAMES:
		return take_names(decoder, state, err);
	case DESCRIPTOR:
		return take_descriptor(decoder, state, err);
	case CENTRAL:
		pass(state, (uint64_t)load_le16(record + 24) + load_le16(record + 26) +
				    load_le16(record + 28));
		return 0;
	case END_RECORD:
		state->is_over = true;
		pass(state, load_le16(record + 16));
		return 0;
	case OTHER_LEN_8:
		pass(state, load_le64(record));
		return 0;
	case OTHER_LEN_4:
		pass(state, load_le32(record));
		return 0;
	default:
		pass(state, load_le16(record));
		return 0;
	}
}

/* Makes bytes of the current member, into the caller's room or, unwanted, to nowhere. */
static int make_bytes(struct decoder *decoder, struct zip_state *state, struct decoder_io *io,
		      struct bmap_error *err)
{
	struct decoder_io scratch = {.out = state->scratch, .out_left = SCRATCH_LEN};
	uint8_t *out = state->is_wanted ? io->out : state->scratch;
	size_t out_len = state->is_wanted ? io->out_left : SCRATCH_LEN, made;
	int r = 0;

	if (state->step == STORED) {
		made = (size_t)MIN(MIN((uint64_t)io->in_left, (uint64_t)out_len),
				   state->data_len - state->made_bytes);
		if (made)
			memcpy(out, io->in, made);
		io->in += made;
		io->in_left -= made;
		r = state->made_bytes + made == state->data_len;
	} else {
		scratch.in = io->in;
		scratch.in_left = io->in_left;
		scratch.out = out;
		scratch.out_left = out_len;
		r = inflater_run(state->inflater, &scratch, err);
		made = out_len - scratch.out_left;
		io->in = scratch.in;
		io->in_left = scratch.in_left;
	}
	if (r < 0)
		return r;
	state->crc = inflater_crc32(state->crc, out, made);
	state->made_bytes += made;
	if (state->is_wanted) {
		io->out += made;
		io->out_left -= made;
	}
	if (r == 1 && state->step == DEFLATED) {
		state->n_unread = inflater_unread(state->inflater, state->unread);
		state->unread_at = 0;
	}
	return r == 1 ? finish_data(decoder, state, err) : 0;
}

/* Adds to the current record, first what the inflater left.  true: it is whole. */
static bool fill_record(struct zip_state *state, struct decoder_io *io)
{
	size_t n;

	while (state->n_unread && state->record_len < state->want) {
		state->record[state->record_len++] = state->unread[state->unread_at++];
		state->n_unread--;
	}
	n = MIN(io->in_left, state->want - state->record_len);
	if (n)
		memcpy(state->record + state->record_len, io->in, n);
	io->in += n;
	io->in_left -= n;
	state->record_len += n;
	return state->record_len == state->want;
}

static int finish(struct decoder *decoder, struct zip_state *state, struct bmap_error *err)
{
	if (!state->image)
		return archive_no_image(decoder->choice.archive, decoder->choice.member, err);
	return DECODE_MEMBER_END;
}

static int zip_decode(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	struct zip_state *state = decoder->state;

	for (;;) {
		size_t n, in_left = io->in_left;

		if (state->step == ENDED)
			return finish(decoder, state, err);
		if (state->step == PASS) {
			n = (size_t)MIN((uint64_t)io->in_left, state->pass_bytes);
			io->in += n;
			io->in_left -= n;
			state->pass_bytes -= n;
			if (state->pass_bytes)
				return DECODE_MORE;
			want(state, SIGNATURE, 4);
			if (state->is_over)
				state->step = ENDED;
			continue;
		}
		if (state->step == STORED || state->step == DEFLATED) {
			enum step step = state->step;
			uint64_t made_bytes = state->made_bytes;

			if (make_bytes(decoder, state, io, err) < 0)
				return -err->code;
			if (state->step == step &&
			    ((state->is_wanted && !io->out_left) ||
			     (io->in_left == in_left && state->made_bytes == made_bytes)))
				return DECODE_MORE;
			continue;
		}
		if (!fill_record(state, io)) {
			/* The stretch of one member ends where the next would begin. */
			if (decoder->choice.is_one_member && state->step == SIGNATURE &&
			    state->record_len == 0 && io->in_end && state->image)
				return DECODE_MEMBER_END;
			return DECODE_MORE;
		}
		if (take_record(decoder, state, err) < 0)
			return -err->code;
	}
}

static void zip_stop(struct decoder *decoder)
{
	struct zip_state *state = decoder->state;

	inflater_free(state->inflater);
	free(state->image);
	free(state);
}

const struct codec codec_zip = {
	.name = "zip",
	.start = zip_start,
	.decode = zip_decode,
	.stop = zip_stop,
};
