/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "base/sparse_store.h"

#define MAGIC        "bmapblk1"
#define HEADER_LEN   4096
#define BOOT_ID_LEN  40
#define MAX_IDENTITY 1024

/* Numbers as the machine has them: the file stays where it was made. */
struct header {
	char magic[8];
	uint64_t size_bytes;
	uint32_t block_size_bytes, reserved;
	char boot_id[BOOT_ID_LEN];
	char identity[MAX_IDENTITY];
};

struct sparse_store {
	char *path, *blocks_path;
	bool is_ours; /* they are what the descriptors are, and nobody else has them */
	int fd, blocks_fd;
	struct header header;
	uint64_t n_blocks;
	size_t bits_len;        /* bytes of one bitmap */
	uint64_t synced_offset; /* of the second bitmap */
	pthread_mutex_t lock;
	uint8_t *written;          /* guarded by lock */
	uint64_t n_written;        /* guarded by lock */
	bool is_dirty;             /* guarded by lock: something is written that is not synced */
	pthread_mutex_t sync_lock; /* before lock: one sync at a time */
};

static void read_boot_id(char *boot_id)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(boot_id, 0, BOOT_ID_LEN);
	/* Without one every end counts as an end of the machine: nothing is ever equal to "". */
	if (fd >= 0 && fd_read_full(fd, boot_id, BOOT_ID_LEN - 1) < 0)
		boot_id[0] = '\0';
	if (fd >= 0)
		close(fd);
}

static int set_sizes(struct sparse_store *store, const struct sparse_store_options *options,
		     struct bmap_error *err)
{
	struct header *header = &store->header;

	memcpy(header->magic, MAGIC, sizeof(header->magic));
	header->size_bytes = options->size_bytes;
	header->block_size_bytes = options->block_size_bytes;
	snprintf(header->identity, sizeof(header->identity), "%s", options->identity);
	read_boot_id(header->boot_id);
	store->n_blocks = DIV_ROUND_UP(options->size_bytes, options->block_size_bytes);
	store->bits_len = (size_t)DIV_ROUND_UP(store->n_blocks, 8);
	store->synced_offset = HEADER_LEN + DIV_ROUND_UP(store->bits_len, 4096) * 4096;
	store->written = calloc(1, store->bits_len + 1);
	return store->written ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

static uint64_t count_bits(const uint8_t *bits, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += (uint64_t)__builtin_popcount(bits[i]);
	return n;
}

/* The files exist already: they must be what was asked for. */
static int load(struct sparse_store *store, const char *path, const char *blocks_path,
		struct bmap_error *err)
{
	const struct header *wanted = &store->header;
	struct header found = {0};
	bool same_boot;
	struct stat st;
	ssize_t n = fd_pread_full(store->blocks_fd, &found, sizeof(found), 0);

	if (n < 0)
		return bmap_error_set_system(err, (int)-n, "cannot read '%s'", blocks_path);
	if (n < (ssize_t)sizeof(found) || memcmp(found.magic, MAGIC, sizeof(found.magic)) != 0)
		return bmap_error_set(err, EPROTO, "'%s' does not say which blocks of '%s' count",
				      blocks_path, path);
	if (found.size_bytes != wanted->size_bytes ||
	    found.block_size_bytes != wanted->block_size_bytes ||
	    strncmp(found.identity, wanted->identity, MAX_IDENTITY) != 0)
		return bmap_error_set(err, EBADMSG, "'%s' is of another image", path);
	if (fstat(store->fd, &st) < 0 || (uint64_t)st.st_size != wanted->size_bytes)
		return bmap_error_set(err, EPROTO, "'%s' was cut, or replaced", path);
	same_boot = wanted->boot_id[0] && memcmp(found.boot_id, wanted->boot_id, BOOT_ID_LEN) == 0;
	n = fd_pread_full(store->blocks_fd, store->written, store->bits_len,
			  same_boot ? HEADER_LEN : store->synced_offset);
	if (n < (ssize_t)store->bits_len)
		return bmap_error_set(err, EPROTO, "'%s' ends early", blocks_path);
	/* Bits behind the last block are no blocks. */
	if (store->n_blocks % 8)
		store->written[store->bits_len - 1] &= (uint8_t)((1u << (store->n_blocks % 8)) - 1);
	store->n_written = count_bits(store->written, store->bits_len);
	store->is_dirty = true;
	return 0;
}

static int write_header(struct sparse_store *store, const char *blocks_path, struct bmap_error *err)
{
	uint64_t len = store->synced_offset + store->bits_len;
	int r = fd_pwrite_full(store->blocks_fd, store->written, store->bits_len, HEADER_LEN);

	if (r == 0 && ftruncate(store->blocks_fd, (off_t)len) < 0)
		r = -errno;
	if (r == 0)
		r = fd_pwrite_full(store->blocks_fd, &store->header, sizeof(store->header), 0);
	return r < 0 ? bmap_error_set_system(err, -r, "cannot write '%s'", blocks_path) : 0;
}

/* Did somebody end while the files were made?  Nothing was written then, and they are made anew. */
static bool is_unfinished(const struct sparse_store *store, const struct stat *st)
{
	char magic[sizeof(store->header.magic)] = {0};

	return st->st_blocks == 0 &&
	       fd_pread_full(store->blocks_fd, magic, sizeof(magic), 0) >= 0 && !magic[0] &&
	       (st->st_size == 0 || (uint64_t)st->st_size == store->header.size_bytes);
}

static int open_files(struct sparse_store *store, const char *path, const char *blocks_path,
		      struct bmap_error *err)
{
	struct stat st, blocks_st;
	bool is_new;

	store->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	is_new = store->fd < 0 && errno == ENOENT;
	if (is_new && stat(blocks_path, &blocks_st) == 0)
		return bmap_error_set(err, EPROTO,
				      "'%s' is there, but not '%s', of which it speaks",
				      blocks_path, path);
	if (is_new)
		store->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	store->is_ours = is_new && store->fd >= 0;
	if (store->fd < 0 || fstat(store->fd, &st) < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return bmap_error_set(err, EINVAL, "'%s' is not a regular file", path);
	if (flock(store->fd, LOCK_EX | LOCK_NB) < 0)
		return bmap_error_set(err, EBUSY, "'%s' is in use by another process", path);
	store->blocks_fd = open(blocks_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->blocks_fd < 0 || fstat(store->blocks_fd, &blocks_st) < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", blocks_path);
	if ((st.st_size > 0 || blocks_st.st_size > 0) && !is_unfinished(store, &st))
		return load(store, path, blocks_path, err);
	if (ftruncate(store->fd, (off_t)store->header.size_bytes) < 0)
		return bmap_error_set_system(err, errno, "cannot make '%s' as long as the image",
					     path);
	return 0;
}

static void store_free(struct sparse_store *store)
{
	/* Files that hold nothing leave nothing behind. */
	if (store->is_ours && store->n_written == 0) {
		unlink(store->path);
		unlink(store->blocks_path);
	}
	free(store->path);
	free(store->blocks_path);
	if (store->fd >= 0)
		close(store->fd);
	if (store->blocks_fd >= 0)
		close(store->blocks_fd);
	pthread_mutex_destroy(&store->lock);
	pthread_mutex_destroy(&store->sync_lock);
	free(store->written);
	free(store);
}

int sparse_store_open(struct sparse_store **store_out, const char *path, const char *blocks_path,
		      const struct sparse_store_options *options, struct bmap_error *err)
{
	struct sparse_store *store = calloc(1, sizeof(*store));

	if (!store)
		return bmap_error_set(err, ENOMEM, "out of memory");
	store->fd = store->blocks_fd = -1;
	store->path = strdup(path);
	store->blocks_path = strdup(blocks_path);
	if (!store->path || !store->blocks_path)
		bmap_error_set(err, ENOMEM, "out of memory");
	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->sync_lock, NULL);
	if (err->code || set_sizes(store, options, err) < 0 ||
	    open_files(store, path, blocks_path, err) < 0 ||
	    write_header(store, blocks_path, err) < 0) {
		store_free(store);
		return -err->code;
	}
	*store_out = store;
	return 0;
}

void sparse_store_close(struct sparse_store *store)
{
	if (!store)
		return;
	/* Nobody is left to hear of a failure; what is not synced counts as long as the machine
	 * runs. */
	(void)!sparse_store_sync(store);
	store_free(store);
}

static bool get_bit(const struct sparse_store *store, uint64_t block)
{
	return store->written[block / 8] >> (block % 8) & 1;
}

uint64_t sparse_store_find(struct sparse_store *store, uint64_t block, bool counts)
{
	LOCKED(&store->lock);
	const uint8_t nothing = counts ? 0x00 : 0xff;

	while (block < store->n_blocks && get_bit(store, block) != counts) {
		/* Whole bytes at a time where there is nothing. */
		if (block % 8 == 0 && store->written[block / 8] == nothing)
			block += 8;
		else
			block++;
	}
	return MIN(block, store->n_blocks);
}

uint64_t sparse_store_n_blocks(struct sparse_store *store)
{
	LOCKED(&store->lock);

	return store->n_written;
}

int sparse_store_pread(struct sparse_store *store, void *buf, size_t len, uint64_t offset_bytes)
{
	ssize_t n = fd_pread_full(store->fd, buf, len, offset_bytes);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

/* From now on the blocks count, in memory and in the file. */
static int mark(struct sparse_store *store, uint64_t first, uint64_t last)
{
	LOCKED(&store->lock);
	bool is_new = false;

	store->is_dirty = true;
	for (uint64_t block = first; block <= last; block++) {
		if (get_bit(store, block))
			continue;
		store->written[block / 8] |= (uint8_t)(1u << (block % 8));
		store->n_written++;
		is_new = true;
	}
	if (!is_new)
		return 0;
	return fd_pwrite_full(store->blocks_fd, store->written + first / 8,
			      (size_t)(last / 8 - first / 8 + 1), HEADER_LEN + first / 8);
}

int sparse_store_pwrite(struct sparse_store *store, const void *buf, size_t len,
			uint64_t offset_bytes)
{
	const uint32_t block_size = store->header.block_size_bytes;
	int r;

	if (len == 0)
		return 0;
	r = fd_pwrite_full(store->fd, buf, len, offset_bytes);
	return r < 0 ? r
		     : mark(store, offset_bytes / block_size,
			    (offset_bytes + len - 1) / block_size);
}

int sparse_store_sync(struct sparse_store *store)
{
	LOCKED(&store->sync_lock);
	CLEANUP_FREE uint8_t *bits = malloc(store->bits_len + 1);
	bool is_dirty;
	int r;

	if (!bits)
		return -ENOMEM;
	pthread_mutex_lock(&store->lock);
	is_dirty = store->is_dirty;
	store->is_dirty = false;
	memcpy(bits, store->written, store->bits_len);
	pthread_mutex_unlock(&store->lock);
	if (!is_dirty)
		return 0;
	/* The bytes first, then the word that they are there. */
	r = fdatasync(store->fd) < 0 ? -errno : 0;
	if (r == 0)
		r = fd_pwrite_full(store->blocks_fd, bits, store->bits_len, store->synced_offset);
	if (r == 0 && fdatasync(store->blocks_fd) < 0)
		r = -errno;
	if (r < 0) {
		pthread_mutex_lock(&store->lock);
		store->is_dirty = true;
		pthread_mutex_unlock(&store->lock);
	}
	return r;
}
