/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd_io.h"
#include "map/slice.h"
#include "view/mapped_file.h"

int mapped_file_open(struct mapped_file *file, const char *folder, const struct bmap *map,
		     struct bmap_error *err)
{
	int fd = fd_temporary_file(folder);

	if (fd < 0)
		return bmap_error_set_system(err, -fd, "cannot make a file in '%s'", folder);
	*file = (struct mapped_file){.is_open = true, .fd = fd, .folder = folder, .map = map};
	return 0;
}

void mapped_file_close(struct mapped_file *file)
{
	if (file->is_open)
		close(file->fd);
	file->is_open = false;
}

int mapped_file_write(const struct mapped_file *file, const uint8_t *data, size_t len,
		      uint64_t offset_bytes, struct bmap_error *err)
{
	struct slice slice = {0};

	while (slice_next(file->map, offset_bytes, len, &slice)) {
		int r = fd_pwrite_full(file->fd, data + (slice.first_bytes - offset_bytes),
				       slice.len, slice.first_bytes);

		if (r < 0)
			return bmap_error_set_system(err, -r, "cannot keep decoded blocks in '%s'",
						     file->folder);
	}
	return 0;
}

int mapped_file_read(const struct mapped_file *file, uint8_t *buf, size_t len,
		     uint64_t offset_bytes, struct bmap_error *err)
{
	struct slice slice = {0};
	size_t done = 0;

	while (slice_next(file->map, offset_bytes, len, &slice)) {
		size_t at = (size_t)(slice.first_bytes - offset_bytes);
		ssize_t n = fd_pread_full(file->fd, buf + at, slice.len, slice.first_bytes);

		if (n < 0 || (size_t)n < slice.len)
			return bmap_error_set_system(err, n < 0 ? (int)-n : EIO,
						     "cannot read decoded blocks in '%s'",
						     file->folder);
		memset(buf + done, 0, at - done);
		done = at + slice.len;
	}
	memset(buf + done, 0, len - done);
	return 0;
}
