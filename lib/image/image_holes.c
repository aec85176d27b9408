/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/log.h"
#include "image/image_holes.h"

#define N_EXTENTS 1024

/* Filesystems by their magic; what they do with zeros is what matters (statfs(2)). */
static const struct {
	uint64_t type;
	const char *name;
	bool eats_zeros;
	bool has_no_holes; /* and says by SEEK_DATA that all is data */
} filesystems[] = {
	{.type = 0x2fc12fc1, .name = "ZFS", .eats_zeros = true},
	{.type = 0x24051905, .name = "UBIFS", .eats_zeros = true},
	{.type = 0xf15f, .name = "ecryptfs", .has_no_holes = true},
	{.type = 0x858458f6, .name = "ramfs", .has_no_holes = true},
	{.type = 0x4d44, .name = "FAT", .has_no_holes = true},
	{.type = 0x2011bab0, .name = "exFAT", .has_no_holes = true},
};

const char *image_holes_zero_eater(uint64_t filesystem_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(filesystems); i++) {
		if (filesystems[i].type == filesystem_type && filesystems[i].eats_zeros)
			return filesystems[i].name;
	}
	return NULL;
}

static const char *without_holes(uint64_t filesystem_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(filesystems); i++) {
		if (filesystems[i].type == filesystem_type && filesystems[i].has_no_holes)
			return filesystems[i].name;
	}
	return NULL;
}

int image_block_size(int fd, const char *name, uint64_t *block_size_bytes, struct bmap_error *err)
{
	struct stat st;
	int size;

	if (fstat(fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot open image file '%s'", name);
	/* Of a block device FIGETBSZ says what its page cache uses; 4096 suits every target. */
	if (S_ISBLK(st.st_mode))
		size = 4096;
	else if (ioctl(fd, FIGETBSZ, &size) < 0)
		size = (int)st.st_blksize;
	if (size <= 0)
		return bmap_error_set(err, EINVAL, "the block size of '%s' is not known", name);
	*block_size_bytes = (uint64_t)size;
	return 0;
}

/* Adds the bytes [offset, offset + len) as whole blocks, as far as the image goes. */
static int add_bytes(struct range_set *mapped, uint64_t offset, uint64_t len, uint64_t image_size,
		     uint64_t block_size)
{
	uint64_t end, first, last;

	if (ckd_add(&end, offset, len) || end > image_size)
		end = image_size;
	if (offset >= end)
		return 0;
	first = offset / block_size;
	last = (end - 1) / block_size;
	/* Two extents may meet inside a block. */
	if (mapped->n_ranges) {
		const struct bmap_range *before = &mapped->ranges[mapped->n_ranges - 1];

		first = MAX(first, before->first_block + before->n_blocks);
	}
	return first > last ? 0 : range_set_add(mapped, first, last - first + 1);
}

/* One ioctl's worth of extents from *@offset on.  1: that was the last. */
static int add_extents(int fd, struct fiemap *request, uint64_t *offset, uint64_t image_size,
		       uint64_t block_size, struct range_set *mapped)
{
	memset(request, 0, sizeof(*request));
	request->fm_start = *offset;
	request->fm_length = image_size - *offset;
	request->fm_flags = FIEMAP_FLAG_SYNC;
	request->fm_extent_count = N_EXTENTS;
	if (ioctl(fd, FS_IOC_FIEMAP, request) < 0)
		return -errno;
	for (uint32_t i = 0; i < request->fm_mapped_extents; i++) {
		const struct fiemap_extent *extent = &request->fm_extents[i];
		uint64_t end;

		if (add_bytes(mapped, extent->fe_logical, extent->fe_length, image_size,
			      block_size) < 0)
			return -ENOMEM;
		if (extent->fe_flags & FIEMAP_EXTENT_LAST)
			return 1;
		if (ckd_add(&end, extent->fe_logical, extent->fe_length) || end <= *offset)
			return -EOPNOTSUPP; /* an answer without sense: ask in another way */
		*offset = end;
	}
	return request->fm_mapped_extents == 0 || *offset >= image_size;
}

static int read_fiemap(int fd, uint64_t image_size, uint64_t block_size, struct range_set *mapped)
{
	CLEANUP_FREE struct fiemap *request =
		malloc(sizeof(*request) + N_EXTENTS * sizeof(struct fiemap_extent));
	uint64_t offset = 0;
	int r;

	if (!request)
		return -ENOMEM;
	do {
		r = add_extents(fd, request, &offset, image_size, block_size, mapped);
	} while (r == 0);
	return r < 0 ? r : 0;
}

int image_holes_seek(int fd, uint64_t size_bytes, uint64_t block_size_bytes,
		     struct range_set *mapped)
{
	off_t data = 0, hole = 0;

	/* A filesystem that cannot tell says EINVAL, or that all is data, which is right too. */
	while ((uint64_t)hole < size_bytes) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data >= 0)
			hole = lseek(fd, data, SEEK_HOLE);
		if (data < 0 || hole < 0)
			return errno == EINVAL ? -EOPNOTSUPP : -errno;
		if (hole <= data)
			return -EIO;
		if (add_bytes(mapped, (uint64_t)data, (uint64_t)(hole - data), size_bytes,
			      block_size_bytes) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool is_unsupported(int r)
{
	return r == -EOPNOTSUPP || r == -ENOTTY || r == -EINVAL || r == -ENOSYS;
}

/* @is_known: the filesystem gave an answer; some give one without knowing. */
static void warn_about(int fd, const char *name, bool is_known)
{
	struct statfs fs;
	const char *eater, *plain;

	if (fstatfs(fd, &fs) < 0)
		return;
	eater = image_holes_zero_eater((uint64_t)fs.f_type);
	plain = without_holes((uint64_t)fs.f_type);
	if (eater)
		bmap_log(BMAP_LOG_WARNING,
			 "'%s' lies on %s, which turns blocks of zeros into holes: zeros that the "
			 "image needs may be missing from the map, and only a map made from a "
			 "trace is exact",
			 name, eater);
	if (plain || !is_known)
		bmap_log(BMAP_LOG_WARNING,
			 "%s (filesystem type 0x%llx), on which '%s' lies, cannot tell holes from "
			 "data: all blocks are mapped",
			 plain ? plain : "the filesystem", (unsigned long long)fs.f_type, name);
}

int image_holes_read(int fd, const char *name, uint64_t size_bytes, uint64_t block_size_bytes,
		     struct range_set *mapped, struct bmap_error *err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot read '%s'", name);
	if (S_ISBLK(st.st_mode)) {
		r = range_set_add(mapped, 0, DIV_ROUND_UP(size_bytes, block_size_bytes));
		return r < 0 ? bmap_error_set(err, ENOMEM, "out of memory") : 0;
	}
	/* What is still in memory has no extents yet; FIEMAP_FLAG_SYNC is not honoured everywhere.
	 */
	if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		return bmap_error_set_system(err, errno, "cannot synchronize '%s'", name);
	r = read_fiemap(fd, size_bytes, block_size_bytes, mapped);
	if (is_unsupported(r)) {
		range_set_fini(mapped);
		r = image_holes_seek(fd, size_bytes, block_size_bytes, mapped);
	}
	warn_about(fd, name, !is_unsupported(r));
	if (is_unsupported(r)) {
		range_set_fini(mapped);
		r = range_set_add(mapped, 0, DIV_ROUND_UP(size_bytes, block_size_bytes));
	}
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot read the extents of '%s'", name);
	return 0;
}
