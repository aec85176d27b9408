/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory at the end of a zip archive (APPNOTE.TXT sections 4.3.12 to 4.3.16). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "codec/archive.h"
#include "codec/archive_zip.h"
#include "codec/zip_format.h"

#define MAX_DIRECTORY_LEN (16 << 20)

bool zip_matches(const uint8_t *head, size_t len)
{
	return len >= 4 && (load_le32(head) == ZIP_LOCAL || load_le32(head) == ZIP_END);
}

static int broken(const struct source *source, const char *what, struct bmap_error *err)
{
	return bmap_error_set(err, EPROTO, "the zip archive '%s' is broken: %s",
			      source_name(source), what);
}

static int read_exactly(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			struct bmap_error *err)
{
	ssize_t n = source_pread(source, buf, len, offset_bytes, err);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : broken(source, "it ends early", err);
}

struct directory_place {
	uint64_t offset_bytes, len_bytes, n_members;
};

/* The record of a directory with 64-bit places, which a locator in front of the end points to. */
static int find_zip64(struct source *source, uint64_t end_offset, struct directory_place *place,
		      struct bmap_error *err)
{
	uint8_t locator[20], record[56];

	if (end_offset < sizeof(locator))
		return broken(source, "it has no directory", err);
	if (read_exactly(source, locator, sizeof(locator), end_offset - sizeof(locator), err) < 0)
		return -err->code;
	if (load_le32(locator) != ZIP64_LOCATOR)
		return broken(source, "it has no directory", err);
	if (read_exactly(source, record, sizeof(record), load_le64(locator + 8), err) < 0)
		return -err->code;
	if (load_le32(record) != ZIP64_END)
		return broken(source, "it has no directory", err);
	place->n_members = load_le64(record + 32);
	place->len_bytes = load_le64(record + 40);
	place->offset_bytes = load_le64(record + 48);
	return 0;
}

/* The end record stands at the end, but for a comment of up to 64 KiB. */
static int find_directory(struct source *source, struct directory_place *place,
			  struct bmap_error *err)
{
	uint64_t size = 0, tail_offset, end;
	CLEANUP_FREE uint8_t *tail = malloc(ZIP_END_LEN + UINT16_MAX);
	size_t tail_len, at;
	const uint8_t *record;

	if (!tail)
		return bmap_error_set(err, ENOMEM, "out of memory");
	source_size(source, &size);
	tail_len = (size_t)MIN(size, (uint64_t)ZIP_END_LEN + UINT16_MAX);
	tail_offset = size - tail_len;
	if (tail_len < ZIP_END_LEN)
		return broken(source, "it ends early", err);
	if (read_exactly(source, tail, tail_len, tail_offset, err) < 0)
		return -err->code;
	for (at = tail_len - ZIP_END_LEN;; at--) {
		record = tail + at;
		if (load_le32(record) == ZIP_END &&
		    at + ZIP_END_LEN + load_le16(record + 20) == tail_len)
			break;
		if (at == 0)
			return broken(source, "it has no directory (is it whole?)", err);
	}
	*place = (struct directory_place){
		.n_members = load_le16(record + 10),
		.len_bytes = load_le32(record + 12),
		.offset_bytes = load_le32(record + 16),
	};
	if ((place->n_members == UINT16_MAX || place->len_bytes == UINT32_MAX ||
	     place->offset_bytes == UINT32_MAX) &&
	    find_zip64(source, tail_offset + at, place, err) < 0)
		return -err->code;
	if (place->len_bytes > MAX_DIRECTORY_LEN ||
	    place->n_members > place->len_bytes / ZIP_CENTRAL_LEN ||
	    ckd_add(&end, place->offset_bytes, place->len_bytes) || end > tail_offset + at)
		return broken(source, "its directory does not fit", err);
	return 0;
}

static int parse_member(struct source *source, const uint8_t *entry, size_t len,
			struct zip_member *member, size_t *entry_len, struct bmap_error *err)
{
	size_t name_len, extra_len;

	if (len < ZIP_CENTRAL_LEN || load_le32(entry) != ZIP_CENTRAL)
		return broken(source, "its directory is damaged", err);
	name_len = load_le16(entry + 28);
	extra_len = load_le16(entry + 30);
	*entry_len = ZIP_CENTRAL_LEN + name_len + extra_len + load_le16(entry + 32);
	if (*entry_len > len)
		return broken(source, "its directory is damaged", err);
	*member = (struct zip_member){
		.is_stored = load_le16(entry + 10) == ZIP_STORED,
		.is_deflated = load_le16(entry + 10) == ZIP_DEFLATED,
		.is_encrypted = load_le16(entry + 8) & ZIP_ENCRYPTED,
		.crc = load_le32(entry + 16),
		.data_len_bytes = load_le32(entry + 20),
		.image_len_bytes = load_le32(entry + 24),
		.offset_bytes = load_le32(entry + 42),
	};
	if (zip_parse_zip64(entry + ZIP_CENTRAL_LEN + name_len, extra_len, &member->image_len_bytes,
			    &member->data_len_bytes, &member->offset_bytes) < 0)
		return broken(source, "a size in its directory does not fit", err);
	member->name = strndup((const char *)entry + ZIP_CENTRAL_LEN, name_len);
	return member->name ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

/* A member reaches to the next one, or to the directory. */
static int set_stretches(struct zip_directory *directory, struct source *source,
			 uint64_t directory_offset, struct bmap_error *err)
{
	for (size_t i = 0; i < directory->n_members; i++) {
		struct zip_member *member = &directory->members[i];
		uint64_t end = directory_offset;

		for (size_t j = 0; j < directory->n_members; j++) {
			uint64_t other = directory->members[j].offset_bytes;

			if (other > member->offset_bytes && other < end)
				end = other;
		}
		if (member->offset_bytes >= end ||
		    member->data_len_bytes > end - member->offset_bytes)
			return broken(source, "a member does not fit into it", err);
		member->stretch_bytes = end - member->offset_bytes;
	}
	return 0;
}

int zip_directory_read(struct zip_directory *directory, struct source *source,
		       struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *entries = NULL;
	struct directory_place place = {0};
	size_t at = 0;
	int r = find_directory(source, &place, err);

	*directory = (struct zip_directory){0};
	if (r < 0)
		return r;
	/* set_stretches() is quadratic; archives of images have few members. */
	if (place.n_members > 10000)
		return broken(source, "it has more than 10000 members", err);
	entries = malloc(place.len_bytes + 1);
	directory->members = calloc(place.n_members + 1, sizeof(*directory->members));
	if (!entries || !directory->members)
		r = bmap_error_set(err, ENOMEM, "out of memory");
	else
		r = read_exactly(source, entries, place.len_bytes, place.offset_bytes, err);
	while (r == 0 && directory->n_members < place.n_members) {
		size_t entry_len = 0;

		r = parse_member(source, entries + at, place.len_bytes - at,
				 &directory->members[directory->n_members], &entry_len, err);
		if (r == 0) {
			directory->n_members++;
			at += entry_len;
		}
	}
	if (r == 0 && at != place.len_bytes)
		r = broken(source, "its directory holds more members than it says", err);
	if (r == 0)
		r = set_stretches(directory, source, place.offset_bytes, err);
	if (r < 0)
		zip_directory_fini(directory);
	return r;
}

void zip_directory_fini(struct zip_directory *directory)
{
	for (size_t i = 0; i < directory->n_members; i++)
		free(directory->members[i].name);
	free(directory->members);
	*directory = (struct zip_directory){0};
}

int zip_find_image(const struct zip_directory *directory, const char *archive, const char *wanted,
		   const struct zip_member **member, struct bmap_error *err)
{
	const struct zip_member *found = NULL;

	for (size_t i = 0; i < directory->n_members; i++) {
		const struct zip_member *candidate = &directory->members[i];

		if (!zip_is_image(candidate->name, wanted))
			continue;
		if (found)
			return archive_two_images(archive, found->name, candidate->name, err);
		found = candidate;
	}
	if (!found)
		return archive_no_image(archive, wanted, err);
	if (found->is_encrypted)
		return bmap_error_set(err, EOPNOTSUPP, "'%s' in the archive '%s' is encrypted",
				      found->name, archive);
	if (!found->is_stored && !found->is_deflated)
		return bmap_error_set(err, EOPNOTSUPP,
				      "'%s' in the archive '%s' is neither stored nor deflated, "
				      "and other methods cannot be read",
				      found->name, archive);
	*member = found;
	return 0;
}

const struct zip_member *zip_find_map(const struct zip_directory *directory, const char *image)
{
	for (size_t i = 0; i < directory->n_members; i++) {
		const struct zip_member *member = &directory->members[i];

		if (archive_is_map_of(member->name, image) &&
		    member->image_len_bytes <= ARCHIVE_MAX_MAP_LEN)
			return member;
	}
	return NULL;
}

int zip_data_offset(const struct zip_member *member, struct source *source, uint64_t *offset_bytes,
		    struct bmap_error *err)
{
	uint8_t header[ZIP_LOCAL_LEN];
	uint64_t header_len;

	if (read_exactly(source, header, sizeof(header), member->offset_bytes, err) < 0)
		return -err->code;
	header_len = (uint64_t)ZIP_LOCAL_LEN + load_le16(header + 26) + load_le16(header + 28);
	if (load_le32(header) != ZIP_LOCAL || header_len > member->stretch_bytes ||
	    member->data_len_bytes > member->stretch_bytes - header_len)
		return broken(source, "a member does not fit into it", err);
	*offset_bytes = member->offset_bytes + header_len;
	return 0;
}
