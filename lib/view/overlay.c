/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bmap/overlay.h: a sparse_store over a view. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/sparse_store.h"
#include "bmap/overlay.h"
#include "view/view_identity.h"

#define BLOCK_SIZE 4096

struct bmap_overlay {
	struct bmap_view *view;
	struct sparse_store *store;
	char *name;
	uint64_t size_bytes;
	pthread_mutex_t write_lock; /* a block that is not written yet is completed by one writer */
};

int bmap_overlay_open(struct bmap_overlay **overlay_out, struct bmap_view *view, const char *path,
		      struct bmap_error *err)
{
	struct bmap_overlay *overlay = calloc(1, sizeof(*overlay));
	CLEANUP_FREE char *blocks_path = NULL;
	CLEANUP_FREE char *identity = NULL;
	struct sparse_store_options options = {
		.size_bytes = bmap_view_size(view),
		.block_size_bytes = BLOCK_SIZE,
	};

	if (!overlay)
		return bmap_error_set(err, ENOMEM, "out of memory");
	overlay->view = view;
	overlay->size_bytes = bmap_view_size(view);
	overlay->name = strdup(path);
	pthread_mutex_init(&overlay->write_lock, NULL);
	if (asprintf(&blocks_path, "%s.blocks", path) < 0)
		blocks_path = NULL;
	identity = view_identity(view);
	options.identity = identity;
	if (!overlay->name || !blocks_path || !identity)
		bmap_error_set(err, ENOMEM, "out of memory");
	if (err->code || sparse_store_open(&overlay->store, path, blocks_path, &options, err) < 0) {
		bmap_overlay_close(overlay);
		return bmap_error_prefix(err, "cannot use the overlay");
	}
	*overlay_out = overlay;
	return 0;
}

void bmap_overlay_close(struct bmap_overlay *overlay)
{
	if (!overlay)
		return;
	sparse_store_close(overlay->store);
	pthread_mutex_destroy(&overlay->write_lock);
	free(overlay->name);
	free(overlay);
}

static int failed(const struct bmap_overlay *overlay, int code, const char *what,
		  struct bmap_error *err)
{
	return bmap_error_set_system(err, code, "cannot %s the overlay '%s'", what, overlay->name);
}

ssize_t bmap_overlay_pread(struct bmap_overlay *overlay, void *buf, size_t len,
			   uint64_t offset_bytes, struct bmap_error *err)
{
	uint64_t at = offset_bytes, end;

	if (offset_bytes >= overlay->size_bytes)
		return 0;
	end = offset_bytes + MIN(len, overlay->size_bytes - offset_bytes);
	while (at < end) {
		uint64_t block = at / BLOCK_SIZE;
		bool is_ours = sparse_store_find(overlay->store, block, true) == block;
		uint64_t border = sparse_store_find(overlay->store, block, !is_ours) * BLOCK_SIZE;
		uint8_t *data = (uint8_t *)buf + (at - offset_bytes);
		size_t part;

		if (border <= at)
			continue; /* it was written in between */
		part = (size_t)(MIN(end, border) - at);
		if (is_ours) {
			int r = sparse_store_pread(overlay->store, data, part, at);

			if (r < 0)
				return failed(overlay, -r, "read", err);
		} else {
			ssize_t n = bmap_view_pread(overlay->view, data, part, at, err);

			if (n < 0)
				return n;
		}
		at += part;
	}
	return (ssize_t)(end - offset_bytes);
}

/* Writes a part of one block; what is not written yet is completed by the image's bytes. */
static int write_part(struct bmap_overlay *overlay, const uint8_t *buf, size_t len,
		      uint64_t offset_bytes, struct bmap_error *err)
{
	uint64_t first = offset_bytes / BLOCK_SIZE * BLOCK_SIZE;
	size_t block_len = (size_t)MIN(BLOCK_SIZE, overlay->size_bytes - first);
	uint8_t block[BLOCK_SIZE];
	ssize_t n = bmap_overlay_pread(overlay, block, block_len, first, err);
	int r;

	if (n < 0)
		return (int)n;
	memcpy(block + (offset_bytes - first), buf, len);
	r = sparse_store_pwrite(overlay->store, block, block_len, first);
	return r < 0 ? failed(overlay, -r, "write to", err) : 0;
}

int bmap_overlay_pwrite(struct bmap_overlay *overlay, const void *buf, size_t len,
			uint64_t offset_bytes, struct bmap_error *err)
{
	LOCKED(&overlay->write_lock);
	const uint8_t *data = buf;
	uint64_t end;
	int r;

	if (ckd_add(&end, offset_bytes, len) || end > overlay->size_bytes)
		return bmap_error_set(err, EFBIG, "an image cannot be made longer");
	while (len) {
		size_t in_block = (size_t)(offset_bytes % BLOCK_SIZE), part;
		bool is_whole = in_block == 0 && (len >= BLOCK_SIZE || end == overlay->size_bytes);

		if (is_whole && end == overlay->size_bytes)
			part = len;
		else if (is_whole)
			part = ROUND_DOWN(len, BLOCK_SIZE);
		else
			part = MIN(len, BLOCK_SIZE - in_block);
		if (!is_whole) {
			if (write_part(overlay, data, part, offset_bytes, err) < 0)
				return -err->code;
		} else {
			r = sparse_store_pwrite(overlay->store, data, part, offset_bytes);
			if (r < 0)
				return failed(overlay, -r, "write to", err);
		}
		data += part;
		len -= part;
		offset_bytes += part;
	}
	return 0;
}

int bmap_overlay_sync(struct bmap_overlay *overlay, struct bmap_error *err)
{
	int r = sparse_store_sync(overlay->store);

	return r < 0 ? failed(overlay, -r, "sync", err) : 0;
}

bool bmap_overlay_find_data(struct bmap_overlay *overlay, uint64_t offset_bytes,
			    uint64_t *data_bytes)
{
	uint64_t ours, theirs;
	bool has_theirs = bmap_view_find_data(overlay->view, offset_bytes, &theirs);

	if (offset_bytes >= overlay->size_bytes)
		return false;
	ours = sparse_store_find(overlay->store, offset_bytes / BLOCK_SIZE, true) * BLOCK_SIZE;
	ours = MAX(ours, offset_bytes);
	if (!has_theirs && ours >= overlay->size_bytes)
		return false;
	*data_bytes = has_theirs ? MIN(ours, theirs) : ours;
	return true;
}

bool bmap_overlay_find_hole(struct bmap_overlay *overlay, uint64_t offset_bytes,
			    uint64_t *hole_bytes)
{
	uint64_t at = offset_bytes, next;

	if (offset_bytes >= overlay->size_bytes)
		return false;
	/* Data of the one may begin where data of the other ends. */
	for (;;) {
		if (!bmap_view_find_hole(overlay->view, at, &next))
			break;
		if (next < overlay->size_bytes)
			next = MAX(next,
				   sparse_store_find(overlay->store, next / BLOCK_SIZE, false) *
					   BLOCK_SIZE);
		if (next == at)
			break;
		at = next;
	}
	*hole_bytes = MIN(at, overlay->size_bytes);
	return true;
}

uint64_t bmap_overlay_data_bytes(struct bmap_overlay *overlay)
{
	uint64_t n_bytes = bmap_view_mapped_bytes(overlay->view);
	uint64_t block = sparse_store_find(overlay->store, 0, true);

	/* Written blocks that are not mapped come on top. */
	while (block * BLOCK_SIZE < overlay->size_bytes) {
		uint64_t at = block * BLOCK_SIZE, data;
		uint64_t end = sparse_store_find(overlay->store, block, false) * BLOCK_SIZE;

		end = MIN(end, overlay->size_bytes);
		while (at < end) {
			if (!bmap_view_find_data(overlay->view, at, &data) || data > end)
				data = end;
			n_bytes += data - at;
			at = data;
			if (at < end && bmap_view_find_hole(overlay->view, at, &data))
				at = data;
		}
		block = sparse_store_find(overlay->store, DIV_ROUND_UP(end, BLOCK_SIZE), true);
	}
	return n_bytes;
}
