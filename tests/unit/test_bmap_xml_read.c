/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "map/digest.h"
#include "unit.h"

#define SUM256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SUM1   "0123456789abcdef0123456789abcdef01234567"

/*
 * A map of the format @version with @body in it.  Where the body has '@' for each digit of the
 * file's checksum, the right one is put in.
 */
static struct bytes make(const char *version, const char *body)
{
	static const char ats[] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
				  "@@@@@@@@@@@@@@@@@@@@@@@@";
	char text[8192], hex[2 * BMAP_MAX_DIGEST_LEN + 1];
	struct bmap_error err = {0};
	uint8_t sum[BMAP_MAX_DIGEST_LEN];
	struct digest_type *type;
	size_t n_digits;
	char *at;

	snprintf(text, sizeof(text), "<?xml version=\"1.0\" ?>\n<bmap version=\"%s\">\n%s</bmap>\n",
		 version, body);
	at = strchr(text, '@');
	n_digits = at ? strspn(at, ats) : 0;
	if (n_digits) {
		memset(at, '0', n_digits);
		OK(digest_type_new(&type, n_digits == 40 ? "sha1" : "sha256", &err));
		ck_assert_uint_eq(2 * digest_type_len(type), n_digits);
		OK(digest_of(type, text, strlen(text), sum));
		digest_format(sum, digest_type_len(type), hex);
		memcpy(at, hex, n_digits);
		digest_type_free(type);
	}
	return bytes_of(text);
}

#define AT40 "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define AT64 AT40 "@@@@@@@@@@@@@@@@@@@@@@@@"
#define SIZES(size, block, blocks, mapped) \
	"<ImageSize> " size " </ImageSize><BlockSize>" block "</BlockSize>\n" \
	"<BlocksCount>" blocks "</BlocksCount><MappedBlocksCount>" mapped "</MappedBlocksCount>\n"
#define SEAL \
	"<ChecksumType> sha256 </ChecksumType><BmapFileChecksum> " AT64 " </BmapFileChecksum>\n"
#define RANGES "<BlockMap><Range chksum=\"" SUM256 "\"> 0-1 </Range><Range> 4 </Range></BlockMap>\n"

static int parse(struct bytes text, struct bmap **map, struct bmap_error *err)
{
	return bmap_parse(map, (char *)text.data, text.len, "m", err);
}

static struct bmap *parsed(struct bytes text)
{
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	OK(parse(text, &map, &err));
	return map;
}

static void check_ranges(struct bmap *map)
{
	ck_assert_uint_eq(bmap_image_size_bytes(map), 20000);
	ck_assert_uint_eq(bmap_block_size_bytes(map), 4096);
	ck_assert_uint_eq(bmap_n_blocks(map), 5);
	ck_assert_uint_eq(bmap_n_ranges(map), 2);
	ck_assert_uint_eq(bmap_get_range(map, 0, NULL, NULL).first_block, 0);
	ck_assert_uint_eq(bmap_get_range(map, 0, NULL, NULL).n_blocks, 2);
	ck_assert_uint_eq(bmap_get_range(map, 1, NULL, NULL).first_block, 4);
	ck_assert_uint_eq(bmap_get_range(map, 1, NULL, NULL).n_blocks, 1);
}

START_TEST(version_2_has_its_checksums)
{
	static const char *const versions[] = {"2.0", "1.4", "2.9", "2"};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct bmap *map =
			parsed(make(versions[i], SIZES("20000", "4096", "5", "3") SEAL RANGES));
		const uint8_t *digest;
		size_t len;

		check_ranges(map);
		ck_assert_str_eq(bmap_checksum_type(map), "sha256");
		bmap_get_range(map, 0, &digest, &len);
		ck_assert_uint_eq(len, 32);
		ck_assert_mem_eq(digest, "\x01\x23\x45\x67\x89\xab\xcd\xef\x01", 9);
		bmap_get_range(map, 1, &digest, NULL);
		ck_assert_ptr_null(digest);
		ck_assert_str_eq(bmap_format_version(map), i == 3 ? "2.0" : versions[i]);
		bmap_free(map);
	}
}
END_TEST

START_TEST(versions_1_0_to_1_3_are_read)
{
	struct bmap *map = parsed(make("1.0", SIZES("20000", "4096", "5", "3") RANGES));
	const uint8_t *digest;

	check_ranges(map);
	ck_assert_ptr_null(bmap_checksum_type(map));
	bmap_free(map);
	map = parsed(make("1.2", SIZES("20000", "4096", "5",
				       "3") "<BlockMap><Range sha1=\"" SUM1
					    "\">0-1</Range><Range>4</Range></BlockMap>"));
	check_ranges(map);
	ck_assert_str_eq(bmap_checksum_type(map), "sha1");
	bmap_get_range(map, 0, &digest, NULL);
	ck_assert_mem_eq(digest, "\x01\x23\x45\x67", 4);
	bmap_free(map);
	map = parsed(make("1.3", SIZES("20000", "4096", "5",
				       "3") "<BmapFileSHA1>" AT40
					    "</BmapFileSHA1><BlockMap><Range sha1=\"" SUM1
					    "\">0-1</Range><Range>4</Range></BlockMap>"));
	check_ranges(map);
	bmap_free(map);
}
END_TEST

START_TEST(ranges_may_come_in_any_order_and_spacing)
{
	struct bmap *map = parsed(
		make("1.0", SIZES("20000", "4096", "5",
				  "3") "<BlockMap><Range>\n4\t</Range><!-- c --><Range>0 - <!-- "
				       "c -->1</Range></BlockMap>"));

	check_ranges(map);
	bmap_free(map);
}
END_TEST

START_TEST(no_blocks_and_the_largest_image)
{
	struct bmap *map = parsed(make("1.0", SIZES("8192", "4096", "2", "0") "<BlockMap/>"));

	ck_assert_uint_eq(bmap_n_ranges(map), 0);
	bmap_free(map);
	map = parsed(
		make("1.0", SIZES("9223372036854775807", "1", "9223372036854775807",
				  "1") "<BlockMap><Range>9223372036854775806</Range></BlockMap>"));
	ck_assert_uint_eq(bmap_mapped_bytes(map), 1);
	bmap_free(map);
}
END_TEST

#define REFUSED(errno_code, text, version, body) \
	FAILS(parse(make(version, body), &map, &err), errno_code, text)

START_TEST(maps_that_contradict_themselves_are_refused)
{
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	REFUSED(EPROTO,
		"image size does not match blocks count (20000 bytes != 6 blocks * 4096 bytes)",
		"1.0", SIZES("20000", "4096", "6", "0"));
	REFUSED(EPROTO, "Inconsistent bmap", "1.0", SIZES("20000", "0", "5", "0"));
	REFUSED(EPROTO, "MappedBlocksCount is 4, but the ranges hold 3 blocks", "1.0",
		SIZES("20000", "4096", "5", "4") RANGES);
	REFUSED(EPROTO, "the range 4-5 lies outside the image of 5 blocks", "1.0",
		SIZES("20000", "4096", "5", "2") "<BlockMap><Range>4-5</Range></BlockMap>");
	REFUSED(EPROTO, "lies outside", "1.0",
		SIZES("20000", "4096", "5",
		      "2") "<BlockMap><Range>0-18446744073709551615</Range></BlockMap>");
	REFUSED(EINVAL, "overlap", "1.0",
		SIZES("20000", "4096", "5",
		      "5") "<BlockMap><Range>1-3</Range><Range>3-4</Range></BlockMap>");
	REFUSED(EOVERFLOW, "is too large", "1.0",
		SIZES("18446744073709551615", "1", "18446744073709551615", "0"));
	ck_assert_ptr_null(map);
}
END_TEST

START_TEST(values_that_are_none_are_refused)
{
	static const char *const ranges[] = {"",
					     "x",
					     "1-",
					     "-1",
					     "1--2",
					     "1-2-3",
					     "1 2",
					     "0x1",
					     "99999999999999999999",
					     "1-99999999999999999999"};
	struct bmap_error err = {0};
	struct bmap *map = NULL;
	char body[1024];

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		snprintf(body, sizeof(body), "%s<BlockMap><Range>%s</Range></BlockMap>",
			 SIZES("20000", "4096", "5", "1"), ranges[i]);
		REFUSED(EPROTO, "is not a range of blocks", "1.0", body);
	}
	REFUSED(EPROTO, "bad range (first > last): '3-1'", "1.0",
		SIZES("20000", "4096", "5", "3") "<BlockMap><Range> 3-1 </Range></BlockMap>");
	REFUSED(EPROTO, "BlockSize is '4k', which is not a number", "1.0",
		SIZES("20000", "4k", "5", "0"));
	REFUSED(EPROTO, "ImageSize is '-1', which is not a number", "1.0",
		SIZES("-1", "4096", "5", "0"));
	REFUSED(EPROTO, "ImageSize is '99999999999999999999'", "1.0",
		SIZES("99999999999999999999", "4096", "5", "0"));
	REFUSED(EPROTO, "the element ImageSize is missing", "1.0", "<BlockSize>1</BlockSize>");
	REFUSED(EPROTO, "the element MappedBlocksCount is missing", "1.0",
		"<ImageSize>1</ImageSize><BlockSize>1</BlockSize><BlocksCount>1</BlocksCount>");
	REFUSED(EPROTO, "the element BlockSize stands there twice", "1.0",
		"<BlockSize>1</BlockSize><BlockSize>1</BlockSize>");
	REFUSED(EPROTO, "a value was expected here", "1.0", "<ImageSize><b/></ImageSize>");
	memset(body, '1', sizeof(body));
	memcpy(body, "<ImageSize>", 11);
	strcpy(body + 600, "</ImageSize>");
	REFUSED(EPROTO, "is too long", "1.0", body);
	ck_assert_ptr_null(map);
}
END_TEST

START_TEST(checksums_that_are_none_are_refused)
{
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	REFUSED(EPROTO, "'abc' is not a checksum of the map's type", "2.0",
		SIZES("20000", "4096", "5", "1") SEAL
		"<BlockMap><Range chksum=\"abc\">0</Range></BlockMap>");
	REFUSED(EPROTO, "the element ChecksumType is missing", "2.0",
		SIZES("20000", "4096", "5", "1") "<BlockMap><Range>0</Range></BlockMap>");
	REFUSED(EPROTO, "the element BmapFileChecksum is missing", "2.0",
		SIZES("20000", "4096", "5", "0") "<ChecksumType>sha256</ChecksumType>");
	REFUSED(EPROTO, "the element BmapFileSHA1 is missing", "1.3",
		SIZES("20000", "4096", "5", "0"));
	REFUSED(EPROTO, "BmapFileChecksum 'zz' is not a checksum", "2.0",
		SIZES("20000", "4096", "5",
		      "0") "<ChecksumType>sha256</ChecksumType><BmapFileChecksum>zz</"
			   "BmapFileChecksum>");
	REFUSED(EOPNOTSUPP, "cannot initialize hash function \"sha257\"", "2.0",
		SIZES("20000", "4096", "5", "0") "<ChecksumType>sha257</ChecksumType>");
	REFUSED(EBADMSG, "checksum mismatch for bmap file 'm': calculated '", "2.0",
		SIZES("20000", "4096", "5",
		      "0") "<ChecksumType>sha256</ChecksumType><BmapFileChecksum>" SUM256
			   "</BmapFileChecksum>");
	REFUSED(EBADMSG, "should be '" SUM256 "' (its line endings were converted to CR LF)", "2.0",
		SIZES("20000", "4096", "5",
		      "0") "\r\n"
			   "<ChecksumType>sha256</ChecksumType><BmapFileChecksum>" SUM256
			   "</BmapFileChecksum>");
	REFUSED(EPROTO, "are not in one piece", "2.0",
		SIZES("20000", "4096", "5",
		      "0") "<ChecksumType>sha256</ChecksumType><BmapFileChecksum>&#48;"
			   "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
			   "</BmapFileChecksum>");
}
END_TEST

START_TEST(a_changed_digit_is_noticed)
{
	struct bytes text = make("2.0", SIZES("20000", "4096", "5", "3") SEAL RANGES);
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	*strstr((char *)text.data, "0-1") = '1';
	FAILS(parse(text, &map, &err), EBADMSG, "checksum mismatch for bmap file 'm'");
}
END_TEST

START_TEST(versions_from_the_future_are_refused)
{
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	REFUSED(EOPNOTSUPP,
		"only bmap format version up to 2.0 is supported, version 3 is not supported",
		"3.0", "");
	REFUSED(EPROTO, "is not a version: x", "x", "");
	REFUSED(EPROTO, "is not a version: 0.9", "0.9", "");
	REFUSED(EPROTO, "is not a version: 1.", "1.", "");
	REFUSED(EPROTO, "is not a version", "", "");
	FAILS(parse(bytes_of("<bmap/>"), &map, &err), EPROTO,
	      "the version of the format is missing");
}
END_TEST

START_TEST(what_is_no_map_is_refused)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"<bmap", "m"},
		{"not xml", "m"},
		{"<html><body>404</body></html>",
		 "this is not a bmap file: its first element is <html>"},
		{"<!DOCTYPE bmap [<!ENTITY a \"aaa\">]><bmap version=\"1.0\">&a;</bmap>",
		 "a document type has no place"},
		{"<bmap version=\"1.0\"><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>"
		 "</a></a></bmap>",
		 "elements lie more than 8 deep"},
	};
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		FAILS(parse(bytes_of(cases[i].text), &map, &err), EPROTO,
		      i == 3 ? "document type" : cases[i].sentence);
	FAILS(bmap_parse(&map, "", 0, "m", &err), EPROTO, "'m'");
	FAILS(bmap_parse(&map, "<bmap version=\"1.0\">\0</bmap>", 28, "m", &err), EPROTO,
	      "a zero byte");
	ck_assert_ptr_null(map);
}
END_TEST

/* Every way in which a file can be cut off. */
START_TEST(truncation_is_noticed_everywhere)
{
	struct bytes text = make("1.0", SIZES("20000", "4096", "5", "3") RANGES);
	struct bmap_error err = {0};
	struct bmap *map = NULL;

	for (size_t len = 0; len + strlen("\n") < text.len; len++)
		FAILS(parse(bytes_part(text, 0, len), &map, &err), EPROTO, "m");
	ck_assert_ptr_null(map);
}
END_TEST

UNIT_MAIN("bmap_xml_read", version_2_has_its_checksums, versions_1_0_to_1_3_are_read,
	  ranges_may_come_in_any_order_and_spacing, no_blocks_and_the_largest_image,
	  maps_that_contradict_themselves_are_refused, values_that_are_none_are_refused,
	  checksums_that_are_none_are_refused, a_changed_digit_is_noticed,
	  versions_from_the_future_are_refused, what_is_no_map_is_refused,
	  truncation_is_noticed_everywhere)
