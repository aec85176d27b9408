/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer of bmap files, version 2.0 (bmap(5)). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bmap/bmap.h"
#include "map/digest.h"

#define DEFAULT_CHECKSUM "sha256"

static void write_head(FILE *out, const struct bmap *map, const char *type, const char *zeros)
{
	uint64_t n_blocks = bmap_n_blocks(map), n_mapped = bmap_n_mapped_blocks(map);
	double percent = n_blocks ? 100.0 * (double)n_mapped / (double)n_blocks : 100.0;

	fprintf(out,
		"<?xml version=\"1.0\" ?>\n"
		"<!-- A block map (bmap): which blocks of a disk image have to be written, and "
		"their\n"
		"     checksums.  What is not listed may keep whatever the disk holds.\n"
		"     Written by bmaptool %s; the format is described in bmap(5). -->\n"
		"\n"
		"<bmap version=\"2.0\">\n"
		"    <!-- The size of the image in bytes: %s -->\n"
		"    <ImageSize> %" PRIu64 " </ImageSize>\n"
		"\n"
		"    <!-- The unit of all that follows, in bytes -->\n"
		"    <BlockSize> %" PRIu64 " </BlockSize>\n"
		"\n"
		"    <!-- The blocks of the image; the last one may be partial -->\n"
		"    <BlocksCount> %" PRIu64 " </BlocksCount>\n"
		"\n",
		bmap_version(), human_size(bmap_image_size_bytes(map)).text,
		bmap_image_size_bytes(map), bmap_block_size_bytes(map), n_blocks);
	fprintf(out,
		"    <!-- The blocks that are mapped: %s, %.1f%% of the image -->\n"
		"    <MappedBlocksCount> %" PRIu64 " </MappedBlocksCount>\n"
		"\n"
		"    <!-- What the checksums below are -->\n"
		"    <ChecksumType> %s </ChecksumType>\n"
		"\n"
		"    <!-- The checksum of this file, taken while zeros stand in its place -->\n"
		"    <BmapFileChecksum> %s </BmapFileChecksum>\n"
		"\n"
		"    <!-- The mapped blocks: one block, or the first and the last of a run of "
		"blocks -->\n"
		"    <BlockMap>\n",
		human_size(bmap_mapped_bytes(map)).text, percent, n_mapped, type, zeros);
}

static void write_range(FILE *out, const struct bmap *map, size_t i)
{
	const uint8_t *digest;
	size_t digest_len;
	struct bmap_range range = bmap_get_range(map, i, &digest, &digest_len);
	char hex[2 * BMAP_MAX_DIGEST_LEN + 1];

	fputs("        <Range", out);
	if (digest) {
		digest_format(digest, digest_len, hex);
		fprintf(out, " chksum=\"%s\"", hex);
	}
	fprintf(out, "> %" PRIu64, range.first_block);
	if (range.n_blocks > 1)
		fprintf(out, "-%" PRIu64, range.first_block + range.n_blocks - 1);
	fputs(" </Range>\n", out);
}

/* Puts the checksum of the whole where its zeros stand. */
static int seal(char *text, size_t len, const struct digest_type *type, const char *zeros)
{
	size_t digest_len = digest_type_len(type);
	uint8_t digest[BMAP_MAX_DIGEST_LEN];
	char hex[2 * BMAP_MAX_DIGEST_LEN + 1];
	char *at = memmem(text, len, zeros, 2 * digest_len);
	int r = digest_of(type, text, len, digest);

	if (r < 0)
		return r;
	digest_format(digest, digest_len, hex);
	memcpy(at, hex, 2 * digest_len);
	return 0;
}

int bmap_format(const struct bmap *map, char **text_out, size_t *len_out, struct bmap_error *err)
{
	const char *name = bmap_checksum_type(map) ? bmap_checksum_type(map) : DEFAULT_CHECKSUM;
	CLEANUP(digest_type_freep) struct digest_type *type = NULL;
	CLEANUP_FREE char *text = NULL;
	char zeros[2 * BMAP_MAX_DIGEST_LEN + 1] = "";
	size_t len;
	FILE *out;
	int r = digest_type_new(&type, name, err);

	if (r < 0)
		return r;
	memset(zeros, '0', 2 * digest_type_len(type));
	out = open_memstream(&text, &len);
	if (!out)
		return bmap_error_set(err, ENOMEM, "out of memory");
	write_head(out, map, name, zeros);
	for (size_t i = 0; i < bmap_n_ranges(map); i++)
		write_range(out, map, i);
	fputs("    </BlockMap>\n</bmap>\n", out);
	if (fclose(out) != 0 || seal(text, len, type, zeros) < 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	*text_out = STEAL_PTR(text);
	*len_out = len;
	return 0;
}
