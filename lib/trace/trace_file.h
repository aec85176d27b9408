/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file of a record (bmap-trace(5)): its name and its header.
 *
 * Threads: any.
 */
#ifndef TRACE_TRACE_FILE_H
#define TRACE_TRACE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "bmap/error.h"

#define TRACE_HEADER_LEN 4096
#define TRACE_DIGEST_LEN 32
#define TRACE_NAME_LEN   96
/* The part of the header before the digest, which is of it too. */
#define TRACE_FIELDS_LEN 104

struct trace_time {
	int64_t sec;
	uint64_t nsec;
};

/* What a file is known by.  inode 0: it is no local file. */
struct trace_identity {
	uint64_t device, inode;
	struct trace_time birth; /* zeros: the filesystem has none */
};

struct trace_header {
	bool is_in_use;
	uint64_t size_bytes;
	struct trace_identity identity;
	struct trace_time mtime, ctime;
	uint64_t record_len; /* of the whole file, when it was closed; in use: at least */
	uint8_t digest[TRACE_DIGEST_LEN];
};

/* Fills all but the record's own fields from the file @fd.  0 or -errno. */
BMAP_MUST_CHECK int trace_header_of_file(struct trace_header *header, int fd);

/* The name of the record of a file. */
void trace_file_name(const struct trace_identity *identity, char name[TRACE_NAME_LEN]);

/* @bytes: TRACE_HEADER_LEN of them. */
void trace_header_format(const struct trace_header *header, uint8_t *bytes);

/* -EPROTO, -EOPNOTSUPP; @name is that of the record. */
BMAP_MUST_CHECK int trace_header_parse(struct trace_header *header, const uint8_t *bytes,
				       const char *name, struct bmap_error *err);

bool trace_identity_equals(const struct trace_identity *a, const struct trace_identity *b);

/* Was the file of @now not changed since @then was closed? */
bool trace_header_is_current(const struct trace_header *then, const struct trace_header *now);

#endif
