/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader of bmap files, versions 1.0 to 2.0 (bmap(5)): the border at which everything that a
 * map says is checked, once.  The only file that includes libxml2.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlreader.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/bmap.h"
#include "map/bmap_private.h"
#include "map/digest.h"

/* About 500000 ranges with SHA-256; one of an image that needs more is not seen in the world. */
#define MAX_TEXT_LEN (64 << 20)
#define MAX_DEPTH    8
#define MAX_VALUE    256

/* The map may come compressed: what is made of it has a limit as well. */
#define MAX_RANGES (1 << 20)

struct xml_range {
	uint64_t first, last;
	size_t digest; /* which of xml_map's digests, counted from 1; 0: it has none */
};

/* The elements with one value each, in the order of the table below. */
enum field {
	IMAGE_SIZE,
	BLOCK_SIZE,
	BLOCKS_COUNT,
	MAPPED_COUNT,
	CHECKSUM_TYPE,
	FILE_CHECKSUM,
	FILE_SHA1,
	N_FIELDS
};

static const char *const field_names[N_FIELDS] = {
	"ImageSize",    "BlockSize",        "BlocksCount",  "MappedBlocksCount",
	"ChecksumType", "BmapFileChecksum", "BmapFileSHA1",
};

struct xml_map {
	const char *name;
	struct bmap_error *err;
	xmlTextReader *reader;
	unsigned int major, minor;
	char values[N_FIELDS][MAX_VALUE];
	bool has_value[N_FIELDS];
	struct digest_type *digest_type; /* NULL: the format carries no checksums */
	struct xml_range *ranges;
	size_t n_ranges, capacity;
	uint8_t *digests; /* one behind the other */
	size_t n_digests, digests_capacity;
};

static void xml_map_fini(struct xml_map *xml)
{
	if (xml->reader)
		xmlFreeTextReader(xml->reader);
	digest_type_free(xml->digest_type);
	free(xml->ranges);
	free(xml->digests);
}

#define BROKEN(xml, ...) broken(xml, bmap_error_set((xml)->err, EPROTO, __VA_ARGS__))

static int broken(struct xml_map *xml, int r)
{
	(void)r;
	return bmap_error_prefix(xml->err, "bmap file '%s', line %d", xml->name,
				 xml->reader ? xmlTextReaderGetParserLineNumber(xml->reader) : 1);
}

/* Copies @text without the space around it; -EOVERFLOW when it does not fit. */
static int strip(const char *text, char *out, size_t size)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (len >= size)
		return -EOVERFLOW;
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

/* A decimal number from *@text on, which moves behind it. */
static int parse_number(const char **text, uint64_t *number)
{
	const char *p = *text;
	uint64_t n = 0;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		if (ckd_mul(&n, n, 10u) || ckd_add(&n, n, (unsigned int)(*p - '0')))
			return -EOVERFLOW;
	}
	*text = p;
	*number = n;
	return 0;
}

static int number_of(struct xml_map *xml, enum field field, uint64_t *number)
{
	const char *p = xml->values[field];

	if (!xml->has_value[field])
		return BROKEN(xml, "the element %s is missing", field_names[field]);
	if (parse_number(&p, number) < 0 || *p)
		return BROKEN(xml, "%s is '%.40s', which is not a number of 64 bits",
			      field_names[field], xml->values[field]);
	return 0;
}

/* "17" or "17-42", spaces allowed. */
static int parse_range_text(struct xml_map *xml, const char *text, struct xml_range *range)
{
	char value[MAX_VALUE];
	const char *p = value;

	if (strip(text, value, sizeof(value)) < 0 || parse_number(&p, &range->first) < 0)
		return BROKEN(xml, "'%.60s' is not a range of blocks", text);
	while (isspace((unsigned char)*p))
		p++;
	range->last = range->first;
	if (*p == '-') {
		p++;
		while (isspace((unsigned char)*p))
			p++;
		if (parse_number(&p, &range->last) < 0)
			return BROKEN(xml, "'%.60s' is not a range of blocks", value);
	}
	if (*p)
		return BROKEN(xml, "'%.60s' is not a range of blocks", value);
	if (range->first > range->last)
		return BROKEN(xml, "bad range (first > last): '%.60s'", value);
	return 0;
}

static bool version_from(const struct xml_map *xml, unsigned int major, unsigned int minor)
{
	return xml->major > major || (xml->major == major && xml->minor >= minor);
}

/* The checksum of ranges: fixed to SHA-1 before 1.4, named by ChecksumType since. */
static int set_digest_type(struct xml_map *xml)
{
	const char *type = xml->values[CHECKSUM_TYPE];

	if (xml->digest_type || !version_from(xml, 1, 2))
		return 0;
	if (!version_from(xml, 1, 4))
		type = "sha1";
	else if (!xml->has_value[CHECKSUM_TYPE])
		return BROKEN(xml, "the element ChecksumType is missing before the first range");
	if (digest_type_new(&xml->digest_type, type, xml->err) < 0)
		return broken(xml, 0);
	return 0;
}

static int out_of_memory(struct xml_map *xml)
{
	return bmap_error_set(xml->err, ENOMEM, "bmap file '%s': out of memory", xml->name);
}

/* Makes room for one more element; NULL: out of memory. */
static void *grow(void *array, size_t n, size_t *capacity, size_t element_size)
{
	size_t larger = n ? 2 * n : 64;
	void *grown = array;

	if (n < *capacity)
		return array;
	grown = reallocarray(array, larger, element_size);
	if (grown)
		*capacity = larger;
	return grown;
}

static int add_digest(struct xml_map *xml, const char *text, struct xml_range *range)
{
	size_t len = digest_type_len(xml->digest_type);
	char value[2 * BMAP_MAX_DIGEST_LEN + 1];
	uint8_t *grown = grow(xml->digests, xml->n_digests, &xml->digests_capacity, len);

	if (!grown)
		return out_of_memory(xml);
	xml->digests = grown;
	if (strip(text, value, sizeof(value)) < 0 ||
	    digest_parse(value, xml->digests + xml->n_digests * len, len) < 0)
		return BROKEN(xml, "'%.140s' is not a checksum of the map's type", text);
	range->digest = ++xml->n_digests;
	return 0;
}

static int parse_range_digest(struct xml_map *xml, struct xml_range *range)
{
	const char *attribute = version_from(xml, 1, 4) ? "chksum" : "sha1";
	xmlChar *text = xmlTextReaderGetAttribute(xml->reader, (const xmlChar *)attribute);
	int r = 0;

	if (text && xml->digest_type)
		r = add_digest(xml, (const char *)text, range);
	xmlFree(text);
	return r;
}

/* The text inside the current element; the reader stands at its end tag afterwards. */
static int read_value(struct xml_map *xml, char *value)
{
	char text[4 * MAX_VALUE];
	size_t len = 0;
	int r;

	text[0] = '\0';
	if (xmlTextReaderIsEmptyElement(xml->reader)) {
		value[0] = '\0';
		return 0;
	}
	while ((r = xmlTextReaderRead(xml->reader)) == 1) {
		int type = xmlTextReaderNodeType(xml->reader);
		const char *piece = (const char *)xmlTextReaderConstValue(xml->reader);

		if (type == XML_READER_TYPE_END_ELEMENT)
			return strip(text, value, MAX_VALUE) < 0
				       ? BROKEN(xml, "the value '%.40s...' is too long", text)
				       : 0;
		if (type == XML_READER_TYPE_COMMENT)
			continue;
		if (type != XML_READER_TYPE_TEXT && type != XML_READER_TYPE_CDATA &&
		    type != XML_READER_TYPE_WHITESPACE &&
		    type != XML_READER_TYPE_SIGNIFICANT_WHITESPACE)
			return BROKEN(xml, "a value was expected here");
		if (len + strlen(piece) >= sizeof(text))
			return BROKEN(xml, "the value '%.40s...' is too long", piece);
		strcpy(text + len, piece);
		len += strlen(piece);
	}
	return r < 0 ? -EPROTO : BROKEN(xml, "the file ends inside an element");
}

static int read_range(struct xml_map *xml)
{
	struct xml_range range = {0}, *grown;
	char value[MAX_VALUE];

	if (set_digest_type(xml) < 0 || parse_range_digest(xml, &range) < 0 ||
	    read_value(xml, value) < 0 || parse_range_text(xml, value, &range) < 0)
		return -EPROTO;
	if (xml->n_ranges == MAX_RANGES)
		return BROKEN(xml, "there are more than %d ranges", MAX_RANGES);
	grown = grow(xml->ranges, xml->n_ranges, &xml->capacity, sizeof(range));
	if (!grown)
		return out_of_memory(xml);
	xml->ranges = grown;
	xml->ranges[xml->n_ranges++] = range;
	return 0;
}

static int read_version(struct xml_map *xml)
{
	xmlChar *text = xmlTextReaderGetAttribute(xml->reader, (const xmlChar *)"version");
	char value[32] = "";
	const char *p = value;
	uint64_t major = 0, minor = 0;
	int r = 0;

	if (!text || strip((const char *)text, value, sizeof(value)) < 0 ||
	    parse_number(&p, &major) < 0 || (*p == '.' && (p++, parse_number(&p, &minor) < 0)) ||
	    *p || major == 0)
		r = BROKEN(xml, "the version of the format is %s%.40s",
			   text ? "not a version: " : "missing", text ? (const char *)text : "");
	else if (major > 2)
		r = bmap_error_set(xml->err, EOPNOTSUPP,
				   "bmap file '%s': only bmap format version up to 2.0 is "
				   "supported, version %" PRIu64 " is not supported",
				   xml->name, major);
	xmlFree(text);
	xml->major = (unsigned int)major;
	xml->minor = (unsigned int)MIN(minor, 1000u);
	return r;
}

/* An element directly below the root, or a range. */
static int read_element(struct xml_map *xml, const char *element)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		if (strcmp(element, field_names[i]))
			continue;
		if (xml->has_value[i])
			return BROKEN(xml, "the element %s stands there twice", element);
		xml->has_value[i] = true;
		return read_value(xml, xml->values[i]);
	}
	return strcmp(element, "Range") ? 0 : read_range(xml);
}

static int read_node(struct xml_map *xml)
{
	int type = xmlTextReaderNodeType(xml->reader);
	int depth = xmlTextReaderDepth(xml->reader);
	const char *element;

	if (type == XML_READER_TYPE_DOCUMENT_TYPE || type == XML_READER_TYPE_ENTITY_REFERENCE)
		return BROKEN(xml, "a document type or entity has no place in a bmap file");
	if (depth > MAX_DEPTH)
		return BROKEN(xml, "elements lie more than %d deep", MAX_DEPTH);
	if (type != XML_READER_TYPE_ELEMENT)
		return 0;
	element = (const char *)xmlTextReaderConstLocalName(xml->reader);
	if (depth > 0)
		return read_element(xml, element);
	if (strcmp(element, "bmap"))
		return BROKEN(xml, "this is not a bmap file: its first element is <%.40s>",
			      element);
	return read_version(xml);
}

/* The parser's first complaint. */
static void on_xml_error(void *opaque, xmlError *error)
{
	struct xml_map *xml = opaque;
	size_t len;

	if (xml->err->code || error->level < XML_ERR_ERROR)
		return;
	bmap_error_set(xml->err, EPROTO,
		       "cannot parse the bmap file '%s' which should be a proper XML file: line "
		       "%d: %.200s",
		       xml->name, error->line, error->message ? error->message : "no reason given");
	/* libxml2's sentences end with a newline, which bmap_error_set() has shown as '?'. */
	len = strlen(xml->err->message);
	if (len && xml->err->message[len - 1] == '?')
		xml->err->message[len - 1] = '\0';
}

static int read_xml(struct xml_map *xml, const char *text, size_t len)
{
	int r;

	if (len == 0)
		return bmap_error_set(xml->err, EPROTO, "the bmap file '%s' is empty", xml->name);
	if (len > MAX_TEXT_LEN)
		return bmap_error_set(xml->err, EFBIG, "the bmap file '%s' is larger than %s",
				      xml->name, "64 MiB");
	/* Before the parser sees anything of it: entities are the door to most XML attacks. */
	if (memchr(text, 0, len) || memmem(text, len, "<!DOCTYPE", 9))
		return BROKEN(xml, "a zero byte or a document type has no place in a bmap file");
	xml->reader = xmlReaderForMemory(text, (int)len, NULL, NULL, XML_PARSE_NONET);
	if (!xml->reader)
		return bmap_error_set(xml->err, ENOMEM, "bmap file '%s': out of memory", xml->name);
	xmlTextReaderSetStructuredErrorHandler(xml->reader, on_xml_error, xml);
	while ((r = xmlTextReaderRead(xml->reader)) == 1) {
		if (read_node(xml) < 0)
			break;
	}
	if (r < 0)
		BROKEN(xml, "it cannot be parsed");
	return -xml->err->code;
}

/* The file's own checksum is taken with its digits replaced by zeros where they stand first. */
static int verify_file_checksum(struct xml_map *xml, const char *text, size_t len)
{
	enum field field = version_from(xml, 1, 4) ? FILE_CHECKSUM : FILE_SHA1;
	const char *expected = xml->values[field];
	size_t n_digits = strlen(expected);
	uint8_t digest[BMAP_MAX_DIGEST_LEN], sum[BMAP_MAX_DIGEST_LEN];
	char hex[2 * BMAP_MAX_DIGEST_LEN + 1];
	CLEANUP_FREE char *blank = NULL;
	const char *at;

	if (!version_from(xml, 1, 3))
		return 0;
	if (set_digest_type(xml) < 0)
		return -xml->err->code;
	if (!xml->has_value[field])
		return BROKEN(xml, "the element %s is missing", field_names[field]);
	if (digest_parse(expected, sum, digest_type_len(xml->digest_type)) < 0)
		return BROKEN(xml, "%s '%.140s' is not a checksum of the map's type",
			      field_names[field], expected);
	at = memmem(text, len, expected, n_digits);
	blank = malloc(len);
	if (!at || !blank)
		return at ? bmap_error_set(xml->err, ENOMEM, "out of memory")
			  : BROKEN(xml, "the digits of %s are not in one piece",
				   field_names[field]);
	memcpy(blank, text, len);
	memset(blank + (at - text), '0', n_digits);
	if (digest_of(xml->digest_type, blank, len, digest) < 0)
		return bmap_error_set(xml->err, ENOMEM, "out of memory");
	if (!memcmp(digest, sum, digest_type_len(xml->digest_type)))
		return 0;
	digest_format(digest, digest_type_len(xml->digest_type), hex);
	return bmap_error_set(
		xml->err, EBADMSG,
		"checksum mismatch for bmap file '%.100s': calculated '%s', should be "
		"'%s'%s",
		xml->name, hex, expected,
		memmem(text, len, "\r\n", 2) ? " (its line endings were converted to CR LF)" : "");
}

static int compare_ranges(const void *a, const void *b)
{
	uint64_t first = ((const struct xml_range *)a)->first;
	uint64_t second = ((const struct xml_range *)b)->first;

	return first < second ? -1 : first > second;
}

static int add_ranges(struct xml_map *xml, struct bmap *map)
{
	if (xml->n_ranges)
		qsort(xml->ranges, xml->n_ranges, sizeof(*xml->ranges), compare_ranges);
	for (size_t i = 0; i < xml->n_ranges; i++) {
		const struct xml_range *range = &xml->ranges[i];
		const uint8_t *digest =
			range->digest ? xml->digests + (range->digest - 1) *
							       digest_type_len(xml->digest_type)
				      : NULL;

		if (range->last >= bmap_n_blocks(map))
			return BROKEN(xml,
				      "the range %" PRIu64 "-%" PRIu64
				      " lies outside the image of %" PRIu64 " blocks",
				      range->first, range->last, bmap_n_blocks(map));
		if (bmap_add_range(map, range->first, range->last - range->first + 1, digest,
				   xml->err) < 0)
			return broken(xml, 0);
	}
	return 0;
}

static int make_map(struct xml_map *xml, struct bmap **map_out)
{
	uint64_t image_size, block_size, n_blocks, n_mapped;
	char version[32];
	struct bmap *map;

	if (number_of(xml, IMAGE_SIZE, &image_size) < 0 ||
	    number_of(xml, BLOCK_SIZE, &block_size) < 0 ||
	    number_of(xml, BLOCKS_COUNT, &n_blocks) < 0 ||
	    number_of(xml, MAPPED_COUNT, &n_mapped) < 0)
		return -xml->err->code;
	if (block_size == 0 || DIV_ROUND_UP(image_size, block_size) != n_blocks)
		return BROKEN(xml,
			      "Inconsistent bmap - image size does not match blocks count "
			      "(%" PRIu64 " bytes != %" PRIu64 " blocks * %" PRIu64 " bytes)",
			      image_size, n_blocks, block_size);
	if (bmap_new(&map, image_size, block_size,
		     !xml->digest_type         ? NULL
		     : version_from(xml, 1, 4) ? xml->values[CHECKSUM_TYPE]
					       : "sha1",
		     xml->err) < 0)
		return broken(xml, 0);
	snprintf(version, sizeof(version), "%u.%u", xml->major, xml->minor);
	bmap_set_format_version(map, version);
	if (add_ranges(xml, map) == 0 && bmap_n_mapped_blocks(map) != n_mapped)
		BROKEN(xml,
		       "MappedBlocksCount is %" PRIu64 ", but the ranges hold %" PRIu64 " blocks",
		       n_mapped, bmap_n_mapped_blocks(map));
	if (xml->err->code) {
		bmap_free(map);
		return -xml->err->code;
	}
	*map_out = map;
	return 0;
}

int bmap_parse(struct bmap **map, const char *text, size_t len, const char *name,
	       struct bmap_error *err)
{
	CLEANUP(xml_map_fini) struct xml_map xml = {.name = name, .err = err};

	if (read_xml(&xml, text, len) < 0 || verify_file_checksum(&xml, text, len) < 0 ||
	    make_map(&xml, map) < 0)
		return -err->code;
	return 0;
}
