/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The records of zip archives (APPNOTE.TXT section 4.3) and how to read a few of their fields. */
#ifndef CODEC_ZIP_FORMAT_H
#define CODEC_ZIP_FORMAT_H

#include <string.h>

#include "base/checked.h"
#include "codec/archive.h"

#define ZIP_LOCAL      0x04034b50
#define ZIP_CENTRAL    0x02014b50
#define ZIP_DESCRIPTOR 0x08074b50
#define ZIP_END        0x06054b50
#define ZIP64_END      0x06064b50
#define ZIP64_LOCATOR  0x07064b50
#define ZIP_SIGNATURE  0x05054b50
#define ZIP_EXTRA_DATA 0x08064b50

/* With the signature, without what has a length of its own */
#define ZIP_LOCAL_LEN   30
#define ZIP_CENTRAL_LEN 46
#define ZIP_END_LEN     22

#define ZIP_STORED   0
#define ZIP_DEFLATED 8

/* Flags */
#define ZIP_ENCRYPTED      0x0001
#define ZIP_HAS_DESCRIPTOR 0x0008

#define ZIP64_EXTRA_ID 1

/* Could @name be the image? */
static inline bool zip_is_image(const char *name, const char *wanted)
{
	size_t len = strlen(name);

	if (len == 0 || name[len - 1] == '/')
		return false;
	return wanted ? archive_is_member(name, wanted) : !archive_is_side_file(name);
}

/*
 * Takes 64-bit sizes from an extra field (section 4.5.3): in this order, each only where the
 * 32-bit field was all ones.  -1: it is too short, or a size does not fit into an int64_t.
 */
static inline int zip_parse_zip64(const uint8_t *extra, size_t len, uint64_t *image_len,
				  uint64_t *data_len, uint64_t *offset)
{
	uint64_t *const fields[] = {image_len, data_len, offset};
	size_t at = 0;

	while (at + 4 <= len) {
		size_t field_len = load_le16(extra + at + 2), used = 0;
		const uint8_t *field = extra + at + 4;

		if (at + 4 + field_len > len)
			return -1;
		at += 4 + field_len;
		if (load_le16(field - 4) != ZIP64_EXTRA_ID)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
			if (!fields[i] || *fields[i] != UINT32_MAX)
				continue;
			if (used + 8 > field_len || load_le64(field + used) > INT64_MAX)
				return -1;
			*fields[i] = load_le64(field + used);
			used += 8;
		}
	}
	return 0;
}

#endif
