/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was read of a remote source, kept in a folder from one run to the next: a decorator.
 *
 * FOLDER/KEY.data holds the bytes where they lie in the source, FOLDER/KEY.blocks says which are
 * there (sparse_store.h); the key stands for location and content, so another content has other
 * files.  What was used longest ago goes when the folder gets too large.
 *
 * Threads: clones share the files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/sparse_store.h"
#include "bmap/log.h"
#include "map/digest.h"
#include "source/source_ops.h"

/* Bytes are kept and asked for in blocks of this size. */
#define BLOCK_SIZE (16 << 10)
/* So much more is synced at a time, so that little is lost with the machine. */
#define SYNC_BYTES (64 << 20)

/* The files, and who shares them. */
struct shared {
	struct sparse_store *store;
	uint64_t max_blocks; /* that may be kept */
	pthread_mutex_t lock;
	unsigned int n_refs;     /* guarded by lock */
	uint64_t unsynced_bytes; /* guarded by lock */
	bool has_failed;         /* guarded by lock: nothing more is written */
};

struct source_cache {
	struct source base;
	struct source *origin;
	struct shared *shared;
	uint8_t *block; /* NULL: not needed yet */
};

static void shared_unref(struct shared *shared)
{
	bool is_last;

	pthread_mutex_lock(&shared->lock);
	is_last = --shared->n_refs == 0;
	pthread_mutex_unlock(&shared->lock);
	if (!is_last)
		return;
	sparse_store_close(shared->store);
	pthread_mutex_destroy(&shared->lock);
	free(shared);
}

/* ---- the folder ---- */

struct kept_file {
	char key[DIGEST_KEY_LEN];
	uint64_t n_bytes;
	struct timespec used;
};

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* The bytes that others than @key keep in the folder; *@oldest is the one used longest ago. */
static uint64_t look_at_folder(const char *folder, const char *key, struct kept_file *oldest)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	uint64_t sum = 0;

	*oldest = (struct kept_file){0};
	while (dir && (entry = readdir(dir))) {
		struct kept_file file = {0};
		struct stat st;
		size_t len = strlen(entry->d_name);

		if (len != DIGEST_KEY_LEN - 1 + strlen(".data") ||
		    strcmp(entry->d_name + DIGEST_KEY_LEN - 1, ".data") != 0 ||
		    !strncmp(entry->d_name, key, DIGEST_KEY_LEN - 1) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		memcpy(file.key, entry->d_name, DIGEST_KEY_LEN - 1);
		file.n_bytes = (uint64_t)st.st_blocks * 512;
		file.used = st.st_mtim;
		sum += file.n_bytes;
		if (!oldest->key[0] || is_earlier(&file.used, &oldest->used))
			*oldest = file;
	}
	if (dir)
		closedir(dir);
	return sum;
}

/* false: it is in use, or cannot be removed. */
static bool remove_kept(const char *folder, const struct kept_file *file)
{
	char path[PATH_MAX];
	CLEANUP_CLOSE int fd = -1;
	int len = snprintf(path, sizeof(path), "%s/%s.data", folder, file->key);

	if (len >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || unlink(path) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/%s.blocks", folder, file->key);
	unlink(path);
	return true;
}

/* Makes room for a source of @size_bytes; returns how much of it may be kept. */
static uint64_t make_room(const struct source_options *options, const char *key,
			  uint64_t size_bytes)
{
	struct kept_file oldest;
	uint64_t others;

	if (options->cache_bytes == 0)
		return UINT64_MAX;
	for (;;) {
		others = look_at_folder(options->cache_folder, key, &oldest);
		if (others + MIN(size_bytes, options->cache_bytes) <= options->cache_bytes ||
		    !oldest.key[0] || !remove_kept(options->cache_folder, &oldest))
			break;
		bmap_log(BMAP_LOG_DEBUG, "'%s/%s.data' made room", options->cache_folder,
			 oldest.key);
	}
	return options->cache_bytes - MIN(others, options->cache_bytes);
}

static int open_store(struct shared *shared, const struct source *origin,
		      const struct source_options *options, struct bmap_error *err)
{
	const struct sparse_store_options store_options = {
		.size_bytes = origin->size_bytes,
		.block_size_bytes = BLOCK_SIZE,
		.identity = origin->identity,
	};
	char key[DIGEST_KEY_LEN], path[PATH_MAX], blocks_path[PATH_MAX];

	if (digest_key(origin->name, origin->identity, key) < 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (snprintf(path, sizeof(path), "%s/%s.data", options->cache_folder, key) >=
		    (int)sizeof(path) ||
	    snprintf(blocks_path, sizeof(blocks_path), "%s/%s.blocks", options->cache_folder,
		     key) >= (int)sizeof(blocks_path))
		return bmap_error_set_system(err, ENAMETOOLONG, "'%s'", options->cache_folder);
	shared->max_blocks = make_room(options, key, origin->size_bytes) / BLOCK_SIZE;
	if (sparse_store_open(&shared->store, path, blocks_path, &store_options, err) == 0) {
		utimensat(AT_FDCWD, path, NULL, 0); /* it is used */
		return 0;
	}
	if (err->code != EPROTO && err->code != EBADMSG)
		return -err->code;
	/* It was damaged: it is only a copy. */
	bmap_log(BMAP_LOG_WARNING, "%s: it is made anew", err->message);
	err->code = 0;
	unlink(path);
	unlink(blocks_path);
	return sparse_store_open(&shared->store, path, blocks_path, &store_options, err);
}

/* ---- reading ---- */

/* Keeps a block; a failure only means that it will be fetched again. */
static void keep(struct shared *shared, const uint8_t *block, size_t len, uint64_t offset)
{
	bool is_full = sparse_store_n_blocks(shared->store) >= shared->max_blocks, has_failed, sync;
	int r;

	pthread_mutex_lock(&shared->lock);
	has_failed = shared->has_failed;
	pthread_mutex_unlock(&shared->lock);
	if (is_full || has_failed)
		return;
	r = sparse_store_pwrite(shared->store, block, len, offset);
	pthread_mutex_lock(&shared->lock);
	shared->has_failed = r < 0;
	shared->unsynced_bytes += len;
	sync = shared->unsynced_bytes >= SYNC_BYTES;
	if (sync)
		shared->unsynced_bytes = 0;
	pthread_mutex_unlock(&shared->lock);
	if (r == 0 && sync)
		r = sparse_store_sync(shared->store);
	if (r < 0)
		bmap_log(BMAP_LOG_WARNING, "nothing more is kept in the cache: %s", strerror(-r));
}

/* The block that holds @offset_bytes, from where it comes from, and a part of it for the caller. */
static ssize_t fetch_block(struct source_cache *cache, uint8_t *buf, size_t len,
			   uint64_t offset_bytes, struct bmap_error *err)
{
	uint64_t first = ROUND_DOWN(offset_bytes, (uint64_t)BLOCK_SIZE);
	size_t block_len = (size_t)MIN(BLOCK_SIZE, cache->base.size_bytes - first);
	ssize_t n;

	if (!cache->block)
		cache->block = malloc(BLOCK_SIZE);
	if (!cache->block)
		return bmap_error_set(err, ENOMEM, "out of memory");
	source_expect(cache->origin,
		      MIN(DIV_ROUND_UP(MAX(cache->base.expected_end_bytes, first + block_len),
				       BLOCK_SIZE) *
				  BLOCK_SIZE,
			  cache->base.size_bytes));
	n = source_pread(cache->origin, cache->block, block_len, first, err);
	if (n < 0)
		return n;
	if ((size_t)n == block_len)
		keep(cache->shared, cache->block, block_len, first);
	if (first + (size_t)n <= offset_bytes)
		return 0;
	len = (size_t)MIN(len, first + (size_t)n - offset_bytes);
	memcpy(buf, cache->block + (offset_bytes - first), len);
	return (ssize_t)len;
}

static ssize_t cache_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			   struct bmap_error *err)
{
	struct source_cache *cache = (struct source_cache *)source;
	struct sparse_store *store = cache->shared->store;
	uint64_t block = offset_bytes / BLOCK_SIZE, end;
	int r;

	if (offset_bytes >= source->size_bytes)
		return 0;
	len = (size_t)MIN(len, source->size_bytes - offset_bytes);
	if (sparse_store_find(store, block, true) != block)
		return fetch_block(cache, buf, len, offset_bytes, err);
	end = sparse_store_find(store, block, false) * BLOCK_SIZE;
	len = (size_t)MIN(len, end - offset_bytes);
	r = sparse_store_pread(store, buf, len, offset_bytes);
	return r < 0 ? bmap_error_set_system(err, -r, "cannot read what is kept of '%s'",
					     source->name)
		     : (ssize_t)len;
}

static void cache_close(struct source *source)
{
	struct source_cache *cache = (struct source_cache *)source;

	source_close(cache->origin);
	shared_unref(cache->shared);
	free(cache->block);
	source_fini(source);
	free(cache);
}

static int cache_clone(struct source **clone, const struct source *source, struct bmap_error *err);

/* Takes @origin. */
static int cache_new(struct source **source, struct source *origin, struct shared *shared,
		     struct bmap_error *err)
{
	static const struct source_ops ops = {
		.pread = cache_pread,
		.close = cache_close,
		.clone = cache_clone,
	};
	struct source_cache *cache = calloc(1, sizeof(*cache));

	if (!cache || source_init_clone(&cache->base, origin, err) < 0) {
		free(cache);
		source_close(origin);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	cache->base.ops = &ops;
	cache->base.fetched_bytes = NULL; /* what is here already is not fetched */
	cache->origin = origin;
	cache->shared = shared;
	pthread_mutex_lock(&shared->lock);
	shared->n_refs++;
	pthread_mutex_unlock(&shared->lock);
	*source = &cache->base;
	return 0;
}

static int cache_clone(struct source **clone, const struct source *source, struct bmap_error *err)
{
	const struct source_cache *cache = (const struct source_cache *)source;
	struct source *origin;

	if (source_clone(&origin, cache->origin, err) < 0)
		return -err->code;
	return cache_new(clone, origin, cache->shared, err);
}

int source_open_cache(struct source **source, struct source *origin,
		      const struct source_options *options, struct bmap_error *err)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	struct bmap_error why = {0};
	int r;

	if (!shared) {
		source_close(origin);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	pthread_mutex_init(&shared->lock, NULL);
	shared->n_refs = 1;
	if (open_store(shared, origin, options, &why) < 0) {
		bmap_log(BMAP_LOG_WARNING, "nothing is kept of '%s': %s", origin->name,
			 why.message);
		*source = origin;
		r = 0;
	} else {
		r = cache_new(source, origin, shared, err);
	}
	shared_unref(shared);
	return r;
}
