/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * zip archives (PKWARE's APPNOTE.TXT 6.3) around an image: members stored or deflated, zip64 sizes.
 *
 * A seekable source has a directory at its end; codec_zip decodes what streams by, and also the
 * stretch of a single member.  Threads: one.
 */
#ifndef CODEC_ARCHIVE_ZIP_H
#define CODEC_ARCHIVE_ZIP_H

#include "codec/decoder.h"
#include "source/source.h"

struct zip_member {
	char *name;
	bool is_stored, is_deflated, is_encrypted;
	uint32_t crc;
	uint64_t image_len_bytes;
	uint64_t data_len_bytes;
	uint64_t offset_bytes;  /* of its local header */
	uint64_t stretch_bytes; /* from there to the next member */
};

struct zip_directory {
	struct zip_member *members;
	size_t n_members;
};

bool zip_matches(const uint8_t *head, size_t len);

/* Reads the directory at the end of a seekable source.  -EPROTO. */
BMAP_MUST_CHECK int zip_directory_read(struct zip_directory *directory, struct source *source,
				       struct bmap_error *err);
void zip_directory_fini(struct zip_directory *directory);

/* The member that is the image: the one named @wanted, or the only one. -EPROTO, -ENOENT. */
BMAP_MUST_CHECK int zip_find_image(const struct zip_directory *directory, const char *archive,
				   const char *wanted, const struct zip_member **member,
				   struct bmap_error *err);

/* The map of @image in the archive; NULL: there is none. */
const struct zip_member *zip_find_map(const struct zip_directory *directory, const char *image);

/* Where the data of a stored member begins in the source.  -EPROTO. */
BMAP_MUST_CHECK int zip_data_offset(const struct zip_member *member, struct source *source,
				    uint64_t *offset_bytes, struct bmap_error *err);

#endif
