/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which record is that of a file, mounted or not. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "trace/trace_private.h"

/* The path that the mounted folder names; false: it is none. */
static bool read_attribute(int fd, char *path, size_t size)
{
	ssize_t n = fgetxattr(fd, BMAP_TRACE_ATTRIBUTE, path, size - 1);

	if (n <= 0)
		return false;
	path[n] = '\0';
	return true;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* In the folders of records from that of @image upwards.  NULL: it is not there. */
static char *look_above(const char *image, const char *name)
{
	CLEANUP_FREE char *folder = realpath(image, NULL);
	char *slash;

	while (folder && (slash = strrchr(folder, '/'))) {
		char *path;

		*slash = '\0';
		if (asprintf(&path, "%s/" BMAP_TRACE_FOLDER "/%s", folder, name) < 0)
			return NULL;
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* In a folder that was named: of records, or the traced one.  NULL: it is not there. */
static char *look_in(const char *folder, const char *name)
{
	static const char *const places[] = {"", BMAP_TRACE_FOLDER "/"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *path;

		if (asprintf(&path, "%s/%s%s", folder, places[i], name) < 0)
			return NULL;
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static bool is_within(const char *image, const char *folder)
{
	CLEANUP_FREE char *path = realpath(image, NULL), *above = realpath(folder, NULL);
	size_t len = above ? strlen(above) : 0;

	return path && above && strncmp(path, above, len) == 0 && path[len] == '/';
}

/* Where the record is by what the options and the file say. */
static int locate(char **path, const char *image, const char *record, const char *attribute,
		  const struct trace_header *now, struct bmap_error *err)
{
	char name[TRACE_NAME_LEN];

	trace_file_name(&now->identity, name);
	*path = NULL;
	if (record && !is_folder(record))
		*path = strdup(record);
	else if (record)
		*path = look_in(record, attribute ? basename(attribute) : name);
	else if (!attribute)
		*path = look_above(image, name);
	/* Of a folder mounted over itself only the mount knows where its records are. */
	if (!*path && attribute && (!record || is_within(image, record)))
		*path = strdup(attribute);
	if (*path)
		return 0;
	if (record)
		return bmap_error_set(err, ENOENT, "there is no record of '%s' in '%s'", image,
				      record);
	return bmap_error_set(err, ENOENT,
			      "there is no record of '%s': it was not made in a traced folder, or "
			      "its record lies elsewhere",
			      image);
}

/* Is the record that of the file? */
static int check(const struct bmap_trace *trace, const char *image, const char *attribute,
		 const struct trace_header *now, struct bmap_error *err)
{
	const struct trace_header *then = &trace->header;

	if (attribute && path_is_same_file(attribute, trace->name))
		return 0;
	if (then->identity.inode && !trace_identity_equals(&then->identity, &now->identity))
		return bmap_error_set(err, ESTALE,
				      "the record '%s' is not that of '%s' but of another file",
				      trace->name, image);
	if ((!then->is_in_use || !then->identity.inode) && then->size_bytes != now->size_bytes)
		return bmap_error_set(err, ESTALE,
				      "the record '%s' is of %llu bytes, '%s' has %llu",
				      trace->name, (unsigned long long)then->size_bytes, image,
				      (unsigned long long)now->size_bytes);
	if (then->identity.inode && !then->is_in_use && !trace_header_is_current(then, now))
		return bmap_error_set(err, ESTALE,
				      "'%s' was changed while nobody recorded it: its record '%s' "
				      "no longer says what happened to it",
				      image, trace->name);
	return 0;
}

int bmap_trace_find(struct bmap_trace **trace_out, const char *image, const char *record,
		    struct bmap_error *err)
{
	CLEANUP_CLOSE int fd = open(image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char attribute[PATH_MAX], *attribute_path = NULL;
	CLEANUP_FREE char *path = NULL;
	struct trace_header now;
	struct bmap_trace *trace;
	int r;

	if (fd < 0)
		return bmap_error_set_system(err, errno, "cannot open image file '%s'", image);
	r = trace_header_of_file(&now, fd);
	if (r < 0)
		return bmap_error_set_system(err, -r, "cannot read the attributes of '%s'", image);
	if (read_attribute(fd, attribute, sizeof(attribute)))
		attribute_path = attribute;
	if (locate(&path, image, record, attribute_path, &now, err) < 0 ||
	    bmap_trace_open(&trace, path, err) < 0)
		return -err->code;
	if (check(trace, image, attribute_path, &now, err) < 0) {
		bmap_trace_close(trace);
		return -err->code;
	}
	trace->header.size_bytes = now.size_bytes;
	*trace_out = trace;
	return 0;
}
