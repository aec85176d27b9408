/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/checked.h"
#include "bmap/trace.h"
#include "trace/trace_file.h"

#define MAGIC_LEN   8
#define FORMAT      1
#define FLAG_IN_USE 1

static struct trace_time time_of(struct statx_timestamp time)
{
	return (struct trace_time){.sec = time.tv_sec, .nsec = time.tv_nsec};
}

int trace_header_of_file(struct trace_header *header, int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return -errno;
	*header = (struct trace_header){
		.size_bytes = st.stx_size,
		.identity.device = makedev(st.stx_dev_major, st.stx_dev_minor),
		.identity.inode = st.stx_ino,
		.mtime = time_of(st.stx_mtime),
		.ctime = time_of(st.stx_ctime),
	};
	if (st.stx_mask & STATX_BTIME)
		header->identity.birth = time_of(st.stx_btime);
	return 0;
}

void trace_file_name(const struct trace_identity *identity, char name[TRACE_NAME_LEN])
{
	snprintf(name, TRACE_NAME_LEN, "%" PRIx64 "-%" PRIx64 "-%" PRId64 ".%09" PRIu64 ".trace",
		 identity->device, identity->inode, identity->birth.sec, identity->birth.nsec);
}

static uint8_t *put_time(uint8_t *p, struct trace_time time)
{
	return put_le(put_le(p, (uint64_t)time.sec, 8), time.nsec, 8);
}

static struct trace_time load_time(const uint8_t *p)
{
	return (struct trace_time){.sec = (int64_t)load_le64(p), .nsec = load_le64(p + 8)};
}

void trace_header_format(const struct trace_header *header, uint8_t *bytes)
{
	uint8_t *p;

	memset(bytes, 0, TRACE_HEADER_LEN);
	p = mempcpy(bytes, BMAP_TRACE_MAGIC, MAGIC_LEN);
	p = put_le(p, FORMAT, 4);
	p = put_le(p, TRACE_HEADER_LEN, 4);
	p = put_le(p, BMAP_TRACE_BLOCK_BYTES, 4);
	p = put_le(p, header->is_in_use ? FLAG_IN_USE : 0, 4);
	p = put_le(p, header->size_bytes, 8);
	p = put_le(p, header->identity.device, 8);
	p = put_le(p, header->identity.inode, 8);
	p = put_time(p, header->identity.birth);
	p = put_time(p, header->mtime);
	p = put_time(p, header->ctime);
	p = put_le(p, header->record_len, 8);
	memcpy(p, header->digest, TRACE_DIGEST_LEN);
}

int trace_header_parse(struct trace_header *header, const uint8_t *bytes, const char *name,
		       struct bmap_error *err)
{
	uint32_t version = load_le32(bytes + 8), flags = load_le32(bytes + 20);

	if (memcmp(bytes, BMAP_TRACE_MAGIC, MAGIC_LEN) != 0)
		return bmap_error_set(err, EPROTO, "'%s' is no record of a trace", name);
	if (version > FORMAT)
		return bmap_error_set(err, EOPNOTSUPP,
				      "the record '%s' has version %" PRIu32
				      " of the format, this program knows version %d",
				      name, version, FORMAT);
	if (version != FORMAT || load_le32(bytes + 12) != TRACE_HEADER_LEN ||
	    load_le32(bytes + 16) != BMAP_TRACE_BLOCK_BYTES || (flags & ~(uint32_t)FLAG_IN_USE))
		return bmap_error_set(err, EPROTO, "the header of the record '%s' is damaged",
				      name);
	*header = (struct trace_header){
		.is_in_use = flags & FLAG_IN_USE,
		.size_bytes = load_le64(bytes + 24),
		.identity.device = load_le64(bytes + 32),
		.identity.inode = load_le64(bytes + 40),
		.identity.birth = load_time(bytes + 48),
		.mtime = load_time(bytes + 64),
		.ctime = load_time(bytes + 80),
		.record_len = load_le64(bytes + 96),
	};
	memcpy(header->digest, bytes + TRACE_FIELDS_LEN, TRACE_DIGEST_LEN);
	return 0;
}

static bool is_same_time(struct trace_time a, struct trace_time b)
{
	return a.sec == b.sec && a.nsec == b.nsec;
}

bool trace_identity_equals(const struct trace_identity *a, const struct trace_identity *b)
{
	return a->device == b->device && a->inode == b->inode && is_same_time(a->birth, b->birth);
}

bool trace_header_is_current(const struct trace_header *then, const struct trace_header *now)
{
	return then->size_bytes == now->size_bytes && is_same_time(then->mtime, now->mtime) &&
	       is_same_time(then->ctime, now->ctime);
}
