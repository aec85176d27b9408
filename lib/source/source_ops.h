/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a back end of source.h provides. */
#ifndef SOURCE_SOURCE_OPS_H
#define SOURCE_SOURCE_OPS_H

#include "source/source.h"

#define SOURCE_MAX_IDENTITY 320

struct source_ops {
	/*
	 * Reads up to @len bytes at @offset_bytes, 0 only at the end.  A source that is not
	 * seekable is only ever asked for the byte behind the last one it gave.
	 */
	ssize_t (*pread)(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			 struct bmap_error *err);
	void (*close)(struct source *source); /* frees the whole structure */
	/* See source_clone(), which has looked whether the source is seekable; NULL: it cannot. */
	int (*clone)(struct source **clone, const struct source *source, struct bmap_error *err);
};

/* The first member of every back end's structure. */
struct source {
	const struct source_ops *ops;
	char *name;
	bool seekable, has_size;
	uint64_t size_bytes;
	int local_fd;                       /* -1: not a local file */
	uint64_t local_offset_bytes;        /* where the source begins in local_fd */
	int cancel_fd;                      /* an eventfd, readable once the source was cancelled */
	int64_t mtime_sec;                  /* 0: not known */
	char identity[SOURCE_MAX_IDENTITY]; /* "": not known */
	_Atomic uint64_t *fetched_bytes;    /* NULL: nobody counts */
	uint64_t expected_end_bytes;        /* see source_expect(); 0: no hint */
	uint64_t next_offset_bytes; /* not seekable: the next byte that the back end gives */
	uint8_t *head;              /* what was read ahead by source_peek() */
	size_t head_len;
};

/* Fills in what all back ends share; @name is copied.  -ENOMEM, -EMFILE. */
BMAP_MUST_CHECK int source_init(struct source *source, const struct source_ops *ops,
				const char *name, struct bmap_error *err);

/* The same for a clone of @source, which it takes all from that both share. */
BMAP_MUST_CHECK int source_init_clone(struct source *clone, const struct source *source,
				      struct bmap_error *err);

/* Counts bytes that came from where the source really lies. */
void source_count(const struct source *source, size_t n_bytes);

/* Undoes source_init(); called by the back end's close. */
void source_fini(struct source *source);

/* Reads from a pipe or the like, or notices that the source was cancelled. */
ssize_t source_read_fd(struct source *source, int fd, void *buf, size_t len,
		       struct bmap_error *err);

BMAP_MUST_CHECK int source_open_file(struct source **source, const char *path,
				     const struct source_options *options, struct bmap_error *err);
/*
 * Takes @origin, which is seekable and has an identity, and keeps what is read of it in the
 * options' folder.  When that cannot be done it warns and gives @origin itself.
 */
BMAP_MUST_CHECK int source_open_cache(struct source **source, struct source *origin,
				      const struct source_options *options, struct bmap_error *err);
BMAP_MUST_CHECK int source_open_stream(struct source **source, int fd, const char *name,
				       struct bmap_error *err);
BMAP_MUST_CHECK int source_open_http(struct source **source, const char *url,
				     const struct source_options *options, struct bmap_error *err);
BMAP_MUST_CHECK int source_open_ssh(struct source **source, const char *url,
				    struct bmap_error *err);

#endif
