/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "source/source_ops.h"
#include "source/source_url.h"

int source_init(struct source *source, const struct source_ops *ops, const char *name,
		struct bmap_error *err)
{
	source->ops = ops;
	source->local_fd = -1;
	source->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (source->cancel_fd < 0)
		return bmap_error_set_system(err, errno, "cannot open '%s'", name);
	source->name = strdup(name);
	if (!source->name) {
		close(source->cancel_fd);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

int source_init_clone(struct source *clone, const struct source *source, struct bmap_error *err)
{
	if (source_init(clone, source->ops, source->name, err) < 0)
		return -err->code;
	/* Who cancels the source cancels its clones. */
	if (dup3(source->cancel_fd, clone->cancel_fd, O_CLOEXEC) < 0) {
		bmap_error_set_system(err, errno, "cannot open '%s'", source->name);
		source_fini(clone);
		return -err->code;
	}
	clone->seekable = source->seekable;
	clone->has_size = source->has_size;
	clone->size_bytes = source->size_bytes;
	clone->mtime_sec = source->mtime_sec;
	strcpy(clone->identity, source->identity);
	clone->fetched_bytes = source->fetched_bytes;
	return 0;
}

void source_count(const struct source *source, size_t n_bytes)
{
	if (source->fetched_bytes)
		atomic_fetch_add_explicit(source->fetched_bytes, n_bytes, memory_order_relaxed);
}

void source_fini(struct source *source)
{
	close(source->cancel_fd);
	free(source->name);
	free(source->head);
}

void source_close(struct source *source)
{
	if (source)
		source->ops->close(source);
}

void source_closep(struct source **source)
{
	source_close(*source);
}

int source_clone(struct source **clone, const struct source *source, struct bmap_error *err)
{
	if (!source->seekable || !source->ops->clone)
		return bmap_error_set(err, ESPIPE, "'%s' can only be read forwards", source->name);
	return source->ops->clone(clone, source, err);
}

int64_t source_mtime(const struct source *source)
{
	return source->mtime_sec;
}

const char *source_identity(const struct source *source)
{
	return source->identity;
}

const char *source_name(const struct source *source)
{
	return source->name;
}

bool source_size(const struct source *source, uint64_t *size_bytes)
{
	if (source->has_size)
		*size_bytes = source->size_bytes;
	return source->has_size;
}

bool source_is_seekable(const struct source *source)
{
	return source->seekable;
}

int source_local_fd(const struct source *source, uint64_t *offset_bytes)
{
	*offset_bytes = source->local_offset_bytes;
	return source->local_fd;
}

void source_cancel(struct source *source)
{
	eventfd_write(source->cancel_fd, 1);
}

void source_expect(struct source *source, uint64_t end_bytes)
{
	source->expected_end_bytes = end_bytes;
}

static bool is_cancelled(const struct source *source)
{
	struct pollfd cancel = {.fd = source->cancel_fd, .events = POLLIN};

	return poll(&cancel, 1, 0) > 0;
}

ssize_t source_read_fd(struct source *source, int fd, void *buf, size_t len, struct bmap_error *err)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = source->cancel_fd, .events = POLLIN}};
	size_t done = 0;

	for (;;) {
		ssize_t n;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return bmap_error_set_system(err, errno, "cannot read '%s'", source->name);
		if (fds[1].revents)
			return bmap_error_set(err, ECANCELED, "'%s': cancelled", source->name);
		if (!fds[0].revents)
			continue;
		n = read(fd, (uint8_t *)buf + done, len - done);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return bmap_error_set_system(err, errno, "cannot read '%s'", source->name);
		if (n < 0)
			continue;
		source_count(source, (size_t)n);
		done += (size_t)n;
		if (n == 0 || done == len || poll(fds, 1, 0) <= 0)
			return (ssize_t)done;
	}
}

/* Asks the back end until @len bytes are there, or @min_len at least, or the source ends. */
static ssize_t read_full(struct source *source, void *buf, size_t len, size_t min_len,
			 uint64_t offset_bytes, struct bmap_error *err)
{
	size_t done = 0;

	while (done < min_len) {
		ssize_t n = source->ops->pread(source, (uint8_t *)buf + done, len - done,
					       offset_bytes + done, err);
		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	if (!source->seekable)
		source->next_offset_bytes += done;
	return (ssize_t)done;
}

/* Brings a source that only goes forwards to @offset_bytes; 0 at the end of the source. */
static int skip_to(struct source *source, uint64_t offset_bytes, struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *scratch = NULL;
	const size_t scratch_len = 64 << 10;

	if (offset_bytes == source->next_offset_bytes)
		return 0;
	if (offset_bytes < source->next_offset_bytes)
		return bmap_error_set(err, ESPIPE, "'%s' can only be read forwards", source->name);
	scratch = malloc(scratch_len);
	if (!scratch)
		return bmap_error_set(err, ENOMEM, "out of memory");
	while (source->next_offset_bytes < offset_bytes) {
		size_t len = MIN(scratch_len, offset_bytes - source->next_offset_bytes);
		ssize_t n = read_full(source, scratch, len, len, source->next_offset_bytes, err);

		if (n < 0)
			return (int)n;
		if ((size_t)n < len)
			break;
	}
	return 0;
}

/* As source_pread(), but content with @min_len bytes. */
static ssize_t read_at(struct source *source, void *buf, size_t len, size_t min_len,
		       uint64_t offset_bytes, struct bmap_error *err)
{
	size_t from_head = 0;
	ssize_t n;

	if (is_cancelled(source))
		return bmap_error_set(err, ECANCELED, "'%s': cancelled", source->name);
	if (offset_bytes < source->head_len) {
		from_head = MIN(len, source->head_len - (size_t)offset_bytes);
		memcpy(buf, source->head + offset_bytes, from_head);
		if (from_head >= min_len)
			return (ssize_t)from_head;
	}
	offset_bytes += from_head;
	if (!source->seekable) {
		int r = skip_to(source, offset_bytes, err);

		if (r < 0)
			return r;
		if (source->next_offset_bytes < offset_bytes)
			return (ssize_t)from_head;
	}
	n = read_full(source, (uint8_t *)buf + from_head, len - from_head, min_len - from_head,
		      offset_bytes, err);
	return n < 0 ? n : n + (ssize_t)from_head;
}

ssize_t source_pread(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
		     struct bmap_error *err)
{
	return read_at(source, buf, len, len, offset_bytes, err);
}

ssize_t source_pread_some(struct source *source, void *buf, size_t len, uint64_t offset_bytes,
			  struct bmap_error *err)
{
	return read_at(source, buf, len, MIN(len, 1u), offset_bytes, err);
}

ssize_t source_peek(struct source *source, const uint8_t **head, size_t len, struct bmap_error *err)
{
	if (source->head_len < len) {
		uint8_t *larger;
		ssize_t n;

		if (!source->seekable && source->next_offset_bytes > source->head_len)
			return bmap_error_set(err, ESPIPE, "'%s' can only be read forwards",
					      source->name);
		larger = realloc(source->head, len);
		if (!larger)
			return bmap_error_set(err, ENOMEM, "out of memory");
		source->head = larger;
		n = read_full(source, larger + source->head_len, len - source->head_len,
			      len - source->head_len, source->head_len, err);
		if (n < 0)
			return n;
		source->head_len += (size_t)n;
	}
	*head = source->head;
	return (ssize_t)MIN(len, source->head_len);
}

bool source_location_is_remote(const char *location)
{
	return strstr(location, "://") && access(location, F_OK) < 0 && errno == ENOENT &&
	       strncasecmp(location, "file://", 7) != 0;
}

/* A descriptor of our own: number 0 must not become free for something else. */
static int open_stdin(struct source **source, struct bmap_error *err)
{
	CLEANUP_CLOSE int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd < 0)
		return bmap_error_set_system(err, errno, "cannot read standard input");
	if (source_open_stream(source, fd, "standard input", err) < 0)
		return -err->code;
	steal_fd(&fd);
	return 0;
}

static int open_file_url(struct source **source, const char *url,
			 const struct source_options *options, struct bmap_error *err)
{
	CLEANUP(source_url_fini) struct source_url parts = {0};
	int r = source_url_parse(&parts, url, err);

	return r < 0 ? r : source_open_file(source, parts.path, options, err);
}

static int open_by_kind(struct source **source, const char *location,
			const struct source_options *options, struct bmap_error *err)
{
	if (!strcmp(location, "-"))
		return open_stdin(source, err);
	if (!strncasecmp(location, "file://", 7) && access(location, F_OK) < 0)
		return open_file_url(source, location, options, err);
	if (!source_location_is_remote(location))
		return source_open_file(source, location, options, err);
	if (!strncasecmp(location, "ssh://", 6))
		return source_open_ssh(source, location, err);
	return source_open_http(source, location, options, err);
}

int source_open(struct source **source, const char *location, const struct source_options *options,
		struct bmap_error *err)
{
	struct source *opened;

	if (open_by_kind(&opened, location, options, err) < 0)
		return -err->code;
	opened->fetched_bytes = options->fetched_bytes;
	if (options->cache_folder && opened->local_fd < 0 && opened->seekable &&
	    opened->identity[0])
		return source_open_cache(source, opened, options, err);
	*source = opened;
	return 0;
}
