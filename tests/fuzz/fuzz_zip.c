/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* zip archives: as a stream, and by the directory at the end with the image's stretch decoded. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd_io.h"
#include "codec/archive_zip.h"
#include "codec/decoder_zip.h"
#include "fuzz.h"
#include "source/source.h"

#define STEP       1000
#define MAX_OUTPUT (4 << 20)

/* @member: whose stretch it is; NULL: a whole archive. */
static void decode(const uint8_t *data, size_t size, const struct zip_member *member)
{
	const struct archive_choice choice = {
		.archive = "fuzz",
		.is_one_member = member != NULL,
		.crc = member ? member->crc : 0,
	};
	struct decoder_io io = {.in = data, .in_left = size, .in_end = true};
	struct decoder *decoder = NULL;
	struct bmap_error err = {0};
	uint8_t room[STEP];
	int r = decoder_new(&decoder, &codec_zip, 1 << 20, &err);

	if (r < 0)
		abort();
	decoder_choose(decoder, &choice);
	r = decoder_start(decoder, NULL, &err);
	for (size_t made = 0; r == 0 && made < MAX_OUTPUT; made += STEP) {
		io.out = room;
		io.out_left = STEP;
		r = decoder_run(decoder, &io, &err);
	}
	if (r < 0 && (err.code != -r || !err.message[0]))
		abort();
	decoder_free(decoder);
}

static void read_directory(struct source *source, const uint8_t *data, size_t size)
{
	struct zip_directory directory;
	const struct zip_member *member;
	struct bmap_error err = {0};
	uint64_t offset;

	if (zip_directory_read(&directory, source, &err) < 0)
		return;
	if (zip_find_image(&directory, "fuzz", NULL, &member, &err) == 0) {
		zip_find_map(&directory, member->name);
		if (member->offset_bytes > size ||
		    member->stretch_bytes > size - member->offset_bytes)
			abort();
		if (member->is_stored && zip_data_offset(member, source, &offset, &err) == 0 &&
		    (offset > size || member->data_len_bytes > size - offset))
			abort();
		decode(data + member->offset_bytes, member->stretch_bytes, member);
	}
	zip_directory_fini(&directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source_options options = {0};
	struct source *source = NULL;
	struct bmap_error err = {0};
	char path[32];
	int fd = fd_memory_file("fuzz", data, size);

	if (fd < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (source_open(&source, path, &options, &err) < 0)
		abort();
	close(fd);
	decode(data, size, NULL);
	read_directory(source, data, size);
	source_close(source);
	return 0;
}
