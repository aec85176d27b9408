/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One state machine over 512-byte records.  Sources: POSIX.1-2017 "pax" and "ustar" interchange
 * formats; the GNU tar manual, "Basic Tar Format" and "Storing Sparse Files".
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "codec/archive.h"
#include "codec/archive_tar.h"

#define MAX_EXTENDED_LEN (1 << 20) /* a pax header or a long name */
#define MAX_SPARSE       (1 << 20) /* entries of a sparse map */
#define MAX_MAPS         4
#define ZEROS_LEN        (64 << 10)
/* A header's fields, in bytes from its start */
#define NAME_AT          0
#define SIZE_AT          124
#define CHECKSUM_AT      148
#define TYPE_AT          156
#define MAGIC_AT         257
#define PREFIX_AT        345
#define OLD_SPARSE_AT    386
#define OLD_EXTENDED_AT  482
#define OLD_REAL_SIZE_AT 483

struct sparse_entry {
	uint64_t offset_bytes, len_bytes;
};

struct side_map {
	char *name, *text;
	size_t len;
};

/* What pax headers and long names say of the next member. */
struct extended {
	char *name;
	bool has_size, has_real_size, is_sparse_1_0;
	uint64_t size, real_size;
};

struct tar_reader {
	char *archive, *wanted;
	uint64_t position_bytes; /* in the archive */
	enum { HEADER, EXTENDED, OLD_SPARSE, SPARSE_MAP, DATA, COLLECT, SKIP, END } at;

	uint8_t record[TAR_BLOCK_LEN];
	size_t record_len;
	bool had_zero_record;

	struct extended next;
	char *text; /* collected: a pax header, a long name, a map */
	size_t text_len, text_want;
	char text_type;
	uint64_t left_bytes;    /* of the current member's data */
	uint64_t padding_bytes; /* behind it */

	char *member; /* the image, once seen */
	uint64_t image_size_bytes, image_at_bytes;
	bool is_sparse;
	struct sparse_entry *sparse;
	size_t n_sparse, sparse_capacity, sparse_at;
	uint64_t image_position_bytes;
	uint64_t sparse_count; /* format 1.0: entries still to be parsed */
	bool sparse_has_count;
	uint64_t sparse_number;
	bool sparse_in_number, sparse_has_offset;
	uint64_t sparse_offset; /* of an entry whose length has not come yet */

	struct side_map maps[MAX_MAPS];
	size_t n_maps;
	char *map_name; /* of the map that is being collected */
	uint8_t zeros[ZEROS_LEN];
};

static int out_of_memory(struct bmap_error *err)
{
	return bmap_error_set(err, ENOMEM, "out of memory");
}

static int damaged(const struct tar_reader *tar, const char *what, struct bmap_error *err)
{
	return bmap_error_set(err, EPROTO,
			      "the tar archive '%s' is damaged at byte %" PRIu64 ": %s",
			      tar->archive, tar->position_bytes, what);
}

/* Octal digits, or GNU's base 256 with the highest bit of the first byte set. */
static int parse_field(const uint8_t *field, size_t len, uint64_t *number)
{
	uint64_t n = 0;
	size_t i = 0;

	if (field[0] & 0x80) {
		if (field[0] != 0x80)
			return -EOVERFLOW; /* negative, or more than 2^63 */
		for (i = 1; i < len; i++) {
			if (ckd_mul(&n, n, 256u) || ckd_add(&n, n, field[i]))
				return -EOVERFLOW;
		}
	} else {
		while (i < len && field[i] == ' ')
			i++;
		for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
			if (ckd_mul(&n, n, 8u) || ckd_add(&n, n, (unsigned int)(field[i] - '0')))
				return -EOVERFLOW;
		}
		if (i < len && field[i] != ' ' && field[i] != 0)
			return -EINVAL;
	}
	if (n > INT64_MAX)
		return -EOVERFLOW;
	*number = n;
	return 0;
}

static bool checksum_is_right(const uint8_t *header)
{
	uint64_t expected;
	unsigned int sum = 0;
	int signed_sum = 0;

	for (size_t i = 0; i < TAR_BLOCK_LEN; i++) {
		uint8_t byte = i >= CHECKSUM_AT && i < CHECKSUM_AT + 8 ? ' ' : header[i];

		sum += byte;
		signed_sum += (int8_t)byte; /* some old tars had it so */
	}
	return parse_field(header + CHECKSUM_AT, 8, &expected) == 0 &&
	       (expected == sum || (int64_t)expected == signed_sum);
}

bool tar_matches(const uint8_t *head, size_t len, bool named_tar)
{
	return len >= TAR_BLOCK_LEN && head[0] && checksum_is_right(head) &&
	       (named_tar || !memcmp(head + MAGIC_AT, "ustar", 5));
}

int tar_reader_new(struct tar_reader **tar_out, const char *name, const char *member,
		   struct bmap_error *err)
{
	struct tar_reader *tar = calloc(1, sizeof(*tar));

	if (!tar)
		return out_of_memory(err);
	tar->archive = strdup(name);
	tar->wanted = member ? strdup(member) : NULL;
	if (!tar->archive || (member && !tar->wanted)) {
		tar_reader_free(tar);
		return out_of_memory(err);
	}
	*tar_out = tar;
	return 0;
}

void tar_reader_free(struct tar_reader *tar)
{
	if (!tar)
		return;
	for (size_t i = 0; i < tar->n_maps; i++) {
		free(tar->maps[i].name);
		free(tar->maps[i].text);
	}
	free(tar->archive);
	free(tar->wanted);
	free(tar->next.name);
	free(tar->text);
	free(tar->member);
	free(tar->map_name);
	free(tar->sparse);
	free(tar);
}

static int add_sparse(struct tar_reader *tar, uint64_t offset, uint64_t len, struct bmap_error *err)
{
	uint64_t end;

	if (ckd_add(&end, offset, len) || end > INT64_MAX ||
	    (tar->n_sparse && offset < tar->sparse[tar->n_sparse - 1].offset_bytes +
					       tar->sparse[tar->n_sparse - 1].len_bytes))
		return damaged(tar, "the sparse map is out of order", err);
	if (tar->n_sparse == tar->sparse_capacity) {
		size_t capacity = tar->sparse_capacity ? 2 * tar->sparse_capacity : 64;
		void *larger = NULL;

		if (capacity <= MAX_SPARSE)
			larger = reallocarray(tar->sparse, capacity, sizeof(*tar->sparse));
		if (!larger)
			return damaged(tar, "the sparse map is too long", err);
		tar->sparse = larger;
		tar->sparse_capacity = capacity;
	}
	tar->sparse[tar->n_sparse++] = (struct sparse_entry){offset, len};
	return 0;
}

/* The pairs of an old GNU sparse header; both zero ends them early. */
static int add_old_sparse(struct tar_reader *tar, const uint8_t *entries, size_t n,
			  struct bmap_error *err)
{
	for (size_t i = 0; i < n; i++, entries += 24) {
		uint64_t offset, len;

		if (entries[0] == 0)
			break;
		if (parse_field(entries, 12, &offset) < 0 ||
		    parse_field(entries + 12, 12, &len) < 0)
			return damaged(tar, "the sparse map is not one", err);
		if (add_sparse(tar, offset, len, err) < 0)
			return -err->code;
	}
	return 0;
}

/* ---- pax headers: records "LEN KEY=VALUE\n" ---- */

static int parse_decimal(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || !isdigit((unsigned char)*text) || (*end && *end != ',') ||
			       *number > INT64_MAX
		       ? -EINVAL
		       : 0;
}

/* GNU.sparse.map of format 0.1: "offset,len,offset,len" */
static int add_sparse_list(struct tar_reader *tar, const char *list, struct bmap_error *err)
{
	while (*list) {
		const char *comma = strchr(list, ',');
		uint64_t offset, len;

		if (!comma || parse_decimal(list, &offset) < 0 ||
		    parse_decimal(comma + 1, &len) < 0)
			return damaged(tar, "the sparse map is not one", err);
		if (add_sparse(tar, offset, len, err) < 0)
			return -err->code;
		comma = strchr(comma + 1, ',');
		list = comma ? comma + 1 : "";
	}
	tar->is_sparse = true;
	return 0;
}

/* Sparse maps are kept for the image alone, which comes once. */
static bool is_sparse_key(const char *key)
{
	return !strcmp(key, "GNU.sparse.map") || !strcmp(key, "GNU.sparse.offset") ||
	       !strcmp(key, "GNU.sparse.numbytes");
}

static int take_pax_record(struct tar_reader *tar, const char *key, const char *value,
			   struct bmap_error *err)
{
	struct extended *next = &tar->next;
	int r = 0;

	if (tar->member && is_sparse_key(key))
		return 0;
	if (!strcmp(key, "path") || !strcmp(key, "GNU.sparse.name")) {
		if (strcmp(key, "path") || !next->is_sparse_1_0 || !next->name) {
			free(next->name);
			next->name = strdup(value);
			if (!next->name)
				return out_of_memory(err);
		}
	} else if (!strcmp(key, "size")) {
		r = parse_decimal(value, &next->size);
		next->has_size = true;
	} else if (!strcmp(key, "GNU.sparse.size") || !strcmp(key, "GNU.sparse.realsize")) {
		r = parse_decimal(value, &next->real_size);
		next->has_real_size = true;
	} else if (!strcmp(key, "GNU.sparse.major")) {
		next->is_sparse_1_0 = !strcmp(value, "1");
	} else if (!strcmp(key, "GNU.sparse.map")) {
		return add_sparse_list(tar, value, err);
	} else if (!strcmp(key, "GNU.sparse.offset")) { /* format 0.0: one entry after the other */
		tar->sparse_has_offset = true;
		r = parse_decimal(value, &tar->sparse_offset);
	} else if (!strcmp(key, "GNU.sparse.numbytes") && tar->sparse_has_offset) {
		uint64_t len;

		tar->sparse_has_offset = false;
		tar->is_sparse = true;
		r = parse_decimal(value, &len);
		if (r == 0)
			return add_sparse(tar, tar->sparse_offset, len, err);
	}
	return r < 0 ? damaged(tar, "a pax record is not a number", err) : 0;
}

static int parse_pax(struct tar_reader *tar, struct bmap_error *err)
{
	char *p = tar->text, *end = tar->text + tar->text_len;

	while (p < end) {
		char *key;
		uint64_t len = 0;
		char *at = p, *equals;

		for (; at < end && isdigit((unsigned char)*at) && len < MAX_EXTENDED_LEN; at++)
			len = 10 * len + (uint64_t)(*at - '0');
		if (at == p || at == end || *at != ' ' || len > (uint64_t)(end - p) ||
		    len < (uint64_t)(at - p) + 3 || p[len - 1] != '\n')
			return damaged(tar, "a pax header is not one", err);
		p[len - 1] = '\0';
		key = at + 1;
		equals = strchr(key, '=');
		if (!equals)
			return damaged(tar, "a pax header is not one", err);
		*equals = '\0';
		if (take_pax_record(tar, key, equals + 1, err) < 0)
			return -err->code;
		p += len;
	}
	return 0;
}

/* ---- members ---- */

static int collect(struct tar_reader *tar, char type, uint64_t len, uint64_t max_len,
		   struct bmap_error *err)
{
	if (len > max_len)
		return damaged(tar, "a header is too long", err);
	free(tar->text);
	tar->text = malloc(len + 1);
	if (!tar->text)
		return out_of_memory(err);
	tar->text_len = 0;
	tar->text_want = len;
	tar->text_type = type;
	return 0;
}

static void reset_extended(struct tar_reader *tar)
{
	free(tar->next.name);
	tar->next = (struct extended){0};
}

/* The name in the header, with its ustar prefix. */
static char *header_name(const uint8_t *header)
{
	bool is_ustar = !memcmp(header + MAGIC_AT, "ustar\0", 6);
	char *name = NULL;

	if (asprintf(&name, "%.*s%s%.*s", is_ustar ? 155 : 0, (const char *)header + PREFIX_AT,
		     is_ustar && header[PREFIX_AT] ? "/" : "", 100,
		     (const char *)header + NAME_AT) < 0)
		return NULL;
	return name;
}

/* Begins the member that is the image. */
static int begin_image(struct tar_reader *tar, char type, const char *name, uint64_t size,
		       struct bmap_error *err)
{
	uint64_t real_size = size;

	if (tar->member)
		return archive_two_images(tar->archive, tar->member, name, err);
	tar->member = strdup(name);
	if (!tar->member)
		return out_of_memory(err);
	tar->at = DATA;
	tar->image_at_bytes = tar->position_bytes;
	if (type == 'S') {
		tar->is_sparse = true;
		if (parse_field(tar->record + OLD_REAL_SIZE_AT, 12, &real_size) < 0)
			return damaged(tar, "a size is not a number", err);
		if (add_old_sparse(tar, tar->record + OLD_SPARSE_AT, 4, err) < 0)
			return -err->code;
		if (tar->record[OLD_EXTENDED_AT])
			tar->at = OLD_SPARSE;
	} else if (tar->next.is_sparse_1_0) {
		tar->is_sparse = true;
		tar->at = SPARSE_MAP;
	}
	if (tar->next.has_real_size)
		real_size = tar->next.real_size;
	/* A size of its own goes with a sparse map, else it would cut the image or add to it. */
	if (!tar->is_sparse && real_size != size)
		return damaged(tar, "the size of a member contradicts itself", err);
	tar->image_size_bytes = real_size;
	return 0;
}

static bool is_map_name(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".bmap");
}

static int begin_member(struct tar_reader *tar, char type, uint64_t size, struct bmap_error *err)
{
	CLEANUP_FREE char *name =
		tar->next.name ? STEAL_PTR(tar->next.name) : header_name(tar->record);
	bool is_file = type == '0' || type == '\0' || type == '7' || type == 'S';
	int r = 0;

	if (!name)
		return out_of_memory(err);
	if (type == '\0' && name[0] && name[strlen(name) - 1] == '/')
		is_file = false; /* a folder, as v7 has it */
	if (!is_file || strlen(name) > ARCHIVE_MAX_NAME) {
		tar->at = SKIP;
	} else if (tar->wanted ? archive_is_member(name, tar->wanted)
			       : !archive_is_side_file(name)) {
		r = begin_image(tar, type, name, size, err);
	} else if (is_map_name(name) && size <= ARCHIVE_MAX_MAP_LEN && tar->n_maps < MAX_MAPS &&
		   type != 'S' && !tar->next.is_sparse_1_0) {
		tar->at = COLLECT;
		free(tar->map_name);
		tar->map_name = STEAL_PTR(name);
		r = collect(tar, 'm', size, ARCHIVE_MAX_MAP_LEN, err);
	} else {
		tar->at = SKIP;
	}
	/* What a pax header said of a sparse file was of this member. */
	if (tar->at != DATA && tar->at != SPARSE_MAP && tar->at != OLD_SPARSE && !tar->member) {
		tar->n_sparse = 0;
		tar->is_sparse = false;
	}
	return r;
}

static int take_header(struct tar_reader *tar, struct bmap_error *err)
{
	const uint8_t *header = tar->record;
	char type = (char)header[TYPE_AT];
	bool is_zero = true;
	uint64_t size;
	int r = 0;

	for (size_t i = 0; i < TAR_BLOCK_LEN && is_zero; i++)
		is_zero = header[i] == 0;
	if (is_zero) {
		tar->at = tar->had_zero_record ? END : HEADER;
		tar->had_zero_record = true;
		return 0;
	}
	if (!checksum_is_right(header) || parse_field(header + SIZE_AT, 12, &size) < 0)
		return damaged(tar, "a member's header is not one", err);
	tar->had_zero_record = false;
	if (type != 'x' && type != 'g' && type != 'L' && type != 'K' && tar->next.has_size)
		size = tar->next.size;
	if (type >= '1' && type <= '6' && type != '5')
		size = 0; /* links and devices have no data, whatever the field says */
	tar->left_bytes = size;
	tar->padding_bytes = (TAR_BLOCK_LEN - size % TAR_BLOCK_LEN) % TAR_BLOCK_LEN;
	if (type == 'x' || type == 'L') {
		tar->at = EXTENDED;
		r = collect(tar, type, size, MAX_EXTENDED_LEN, err);
	} else if (type == 'g' || type == 'K') {
		tar->at = SKIP;
	} else {
		r = begin_member(tar, type, size, err);
		reset_extended(tar);
	}
	return r;
}

/* A collected text is whole. */
static int take_text(struct tar_reader *tar, struct bmap_error *err)
{
	tar->text[tar->text_len] = '\0';
	if (tar->text_type == 'x')
		return parse_pax(tar, err);
	if (tar->text_type == 'L') {
		free(tar->next.name);
		tar->next.name = STEAL_PTR(tar->text);
		return 0;
	}
	tar->maps[tar->n_maps++] = (struct side_map){
		.name = STEAL_PTR(tar->map_name),
		.text = STEAL_PTR(tar->text),
		.len = tar->text_len,
	};
	return 0;
}

static void use(struct tar_reader *tar, const uint8_t **data, size_t *len, size_t n)
{
	*data += n;
	*len -= n;
	tar->position_bytes += n;
}

/* Collects a record.  true: it is whole. */
static bool fill_record(struct tar_reader *tar, const uint8_t **data, size_t *len)
{
	size_t n = MIN(*len, TAR_BLOCK_LEN - tar->record_len);

	if (n)
		memcpy(tar->record + tar->record_len, *data, n);
	use(tar, data, len, n);
	tar->record_len += n;
	if (tar->record_len < TAR_BLOCK_LEN)
		return false;
	tar->record_len = 0;
	return true;
}

static int feed_text(struct tar_reader *tar, const uint8_t **data, size_t *len,
		     struct bmap_error *err)
{
	size_t n = MIN(*len, tar->text_want - tar->text_len);

	if (n)
		memcpy(tar->text + tar->text_len, *data, n);
	use(tar, data, len, n);
	tar->text_len += n;
	tar->left_bytes -= n;
	if (tar->left_bytes)
		return 0;
	tar->at = SKIP;
	return take_text(tar, err);
}

/* Format 1.0: the map stands in front of the data, decimal numbers on lines, padded to a record. */
static int feed_sparse_map(struct tar_reader *tar, struct bmap_error *err)
{
	for (size_t i = 0; i < TAR_BLOCK_LEN; i++) {
		uint8_t c = tar->record[i];

		if (tar->sparse_has_count && tar->sparse_count == 0)
			break;
		if (isdigit(c)) {
			uint64_t *n = &tar->sparse_number;

			if (!tar->sparse_in_number)
				*n = 0;
			tar->sparse_in_number = true;
			if (ckd_mul(n, *n, 10u) || ckd_add(n, *n, (unsigned int)(c - '0')) ||
			    *n > INT64_MAX)
				return damaged(tar, "the sparse map is not one", err);
			continue;
		}
		if (c != '\n' || !tar->sparse_in_number)
			return damaged(tar, "the sparse map is not one", err);
		tar->sparse_in_number = false;
		if (!tar->sparse_has_count) {
			tar->sparse_has_count = true;
			tar->sparse_count = tar->sparse_number;
			if (tar->sparse_count > MAX_SPARSE)
				return damaged(tar, "the sparse map is too long", err);
			tar->sparse_count *= 2;
			continue;
		}
		if (tar->sparse_count-- % 2 == 0)
			tar->sparse_offset = tar->sparse_number;
		else if (add_sparse(tar, tar->sparse_offset, tar->sparse_number, err) < 0)
			return -err->code;
	}
	return 0;
}

/* The next bytes of the image: of its data, or of a hole, or none when it is whole. */
static bool next_span(struct tar_reader *tar, const uint8_t **data, size_t *len,
		      struct tar_span *span)
{
	uint64_t data_end = tar->image_size_bytes, data_begin = 0;
	uint64_t position = tar->image_position_bytes;

	if (position >= tar->image_size_bytes)
		return false;
	if (tar->is_sparse) {
		const struct sparse_entry *entry;

		while (tar->sparse_at < tar->n_sparse &&
		       position >= tar->sparse[tar->sparse_at].offset_bytes +
					   tar->sparse[tar->sparse_at].len_bytes)
			tar->sparse_at++;
		entry = &tar->sparse[tar->sparse_at];
		data_begin = tar->sparse_at < tar->n_sparse
				     ? MIN(entry->offset_bytes, tar->image_size_bytes)
				     : tar->image_size_bytes;
		if (tar->sparse_at < tar->n_sparse)
			data_end = MIN(data_end, entry->offset_bytes + entry->len_bytes);
	}
	span->offset_bytes = position;
	span->is_zeros = position < data_begin;
	if (span->is_zeros) {
		span->data = tar->zeros;
		span->len = (size_t)MIN((uint64_t)ZEROS_LEN, data_begin - position);
	} else {
		span->data = *data;
		span->len = (size_t)MIN(MIN((uint64_t)*len, data_end - position), tar->left_bytes);
		use(tar, data, len, span->len);
		tar->left_bytes -= span->len;
	}
	tar->image_position_bytes += span->len;
	return span->len > 0;
}

/* The sparse map must account for all of the member's data. */
static int check_sparse(struct tar_reader *tar, struct bmap_error *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < tar->n_sparse; i++)
		sum += tar->sparse[i].len_bytes;
	if (tar->is_sparse &&
	    (sum != tar->left_bytes ||
	     (tar->n_sparse && tar->sparse[tar->n_sparse - 1].offset_bytes +
					       tar->sparse[tar->n_sparse - 1].len_bytes >
				       tar->image_size_bytes)))
		return damaged(tar, "the sparse map does not fit the data", err);
	return 0;
}

static int feed_record(struct tar_reader *tar, struct bmap_error *err)
{
	switch (tar->at) {
	case HEADER:
		if (take_header(tar, err) < 0)
			return -err->code;
		return tar->at == DATA ? check_sparse(tar, err) : 0;
	case OLD_SPARSE:
		if (add_old_sparse(tar, tar->record, 21, err) < 0)
			return -err->code;
		if (tar->record[504] == 0) {
			tar->at = DATA;
			return check_sparse(tar, err);
		}
		return 0;
	default: /* SPARSE_MAP: its records count as data of the member */
		if (tar->left_bytes < TAR_BLOCK_LEN)
			return damaged(tar, "the sparse map does not fit the data", err);
		tar->left_bytes -= TAR_BLOCK_LEN;
		if (feed_sparse_map(tar, err) < 0)
			return -err->code;
		if (tar->sparse_has_count && tar->sparse_count == 0) {
			tar->at = DATA;
			return check_sparse(tar, err);
		}
		return 0;
	}
}

int tar_reader_feed(struct tar_reader *tar, const uint8_t **data, size_t *len,
		    struct tar_span *span, struct bmap_error *err)
{
	for (;;) {
		uint64_t skip;

		switch (tar->at) {
		case HEADER:
		case OLD_SPARSE:
		case SPARSE_MAP:
			if (!fill_record(tar, data, len))
				return 0;
			if (feed_record(tar, err) < 0)
				return -err->code;
			break;
		case EXTENDED:
		case COLLECT:
			if (*len == 0 && tar->left_bytes)
				return 0;
			if (feed_text(tar, data, len, err) < 0)
				return -err->code;
			break;
		case DATA:
			if (next_span(tar, data, len, span))
				return 1;
			if (tar->image_position_bytes < tar->image_size_bytes)
				return 0;
			tar->at = SKIP;
			break;
		case SKIP:
			skip = tar_reader_skippable(tar);
			tar_reader_skip_data(tar, MIN(skip, *len));
			*data += MIN(skip, *len);
			*len -= MIN(skip, *len);
			if (tar->left_bytes + tar->padding_bytes)
				return 0;
			tar->at = HEADER;
			break;
		case END: /* tar pads its last record; what stands there means nothing */
			use(tar, data, len, *len);
			return 0;
		}
	}
}

uint64_t tar_reader_skippable(const struct tar_reader *tar)
{
	return tar->at == SKIP || tar->at == DATA ? tar->left_bytes + tar->padding_bytes : 0;
}

void tar_reader_skip_data(struct tar_reader *tar, uint64_t len)
{
	uint64_t of_data = MIN(len, tar->left_bytes);

	assert(len <= tar_reader_skippable(tar));
	if (len == 0)
		return;
	tar->left_bytes -= of_data;
	tar->padding_bytes -= len - of_data;
	tar->position_bytes += len;
	tar->at = SKIP;
}

void tar_reader_leave_image(struct tar_reader *tar)
{
	assert(tar->at == DATA);
	tar->at = SKIP;
}

int tar_reader_end(struct tar_reader *tar, struct bmap_error *err)
{
	/* An archive may end without its two records of zeros, but not inside a member. */
	if ((tar->at != HEADER && tar->at != END &&
	     !(tar->at == SKIP && tar->left_bytes + tar->padding_bytes == 0)) ||
	    tar->record_len)
		return bmap_error_set(err, ENODATA, "the tar archive '%s' ends early",
				      tar->archive);
	return tar->member ? 0 : archive_no_image(tar->archive, tar->wanted, err);
}

const char *tar_reader_member(const struct tar_reader *tar)
{
	return tar->member;
}

uint64_t tar_reader_image_size(const struct tar_reader *tar)
{
	return tar->image_size_bytes;
}

bool tar_reader_extent(const struct tar_reader *tar, uint64_t *offset_bytes)
{
	*offset_bytes = tar->image_at_bytes;
	return !tar->is_sparse;
}

const char *tar_reader_map(const struct tar_reader *tar, size_t *len, const char **name)
{
	for (size_t i = 0; tar->member && i < tar->n_maps; i++) {
		if (archive_is_map_of(tar->maps[i].name, tar->member)) {
			*len = tar->maps[i].len;
			*name = tar->maps[i].name;
			return tar->maps[i].text;
		}
	}
	return NULL;
}
