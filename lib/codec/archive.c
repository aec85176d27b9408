/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "codec/archive.h"

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && !strcasecmp(name + len - suffix_len, suffix);
}

bool archive_is_side_file(const char *name)
{
	static const char *const suffixes[] = {
		".bmap", ".asc", ".sig",   ".gpg", ".txt",    ".md",     ".rst",
		".html", ".pdf", ".json",  ".xml", ".yml",    ".yaml",   ".csv",
		".log",  ".md5", ".sha1",  ".sum", ".sha256", ".sha512", ".png",
		".svg",  ".jpg", ".gzidx", "sums", ".spdx",   ".zsync",  ".manifest",
	};
	static const char *const texts[] = {"readme",  "license", "copying", "changelog",
					    "changes", "news",    "install", "notice"};
	const char *base = last_part(name);

	if (!strncmp(name, ".meta/", 6) || strstr(name, "/.meta/") || !strncmp(base, "._", 2) ||
	    !strncmp(name, "__MACOSX/", 9))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (has_suffix(base, suffixes[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!strcasecmp(base, texts[i]))
			return true;
	}
	return false;
}

static const char *without_dot(const char *name)
{
	return strncmp(name, "./", 2) ? name : name + 2;
}

bool archive_is_member(const char *name, const char *wanted)
{
	return !strcmp(without_dot(name), without_dot(wanted)) || !strcmp(last_part(name), wanted);
}

bool archive_is_map_of(const char *name, const char *image)
{
	size_t len = strlen(image);

	name = without_dot(name);
	image = without_dot(image);
	len = strlen(image);
	return (!strncmp(name, image, len) && !strcmp(name + len, ".bmap")) ||
	       !strcmp(name, ".meta/image.bmap");
}

int archive_no_image(const char *archive, const char *wanted, struct bmap_error *err)
{
	if (wanted)
		return bmap_error_set(err, ENOENT, "the archive '%s' has no member '%s'", archive,
				      wanted);
	return bmap_error_set(err, EPROTO, "there is no image in the archive '%s'", archive);
}

int archive_two_images(const char *archive, const char *first, const char *second,
		       struct bmap_error *err)
{
	return bmap_error_set(err, EPROTO,
			      "there is more than one image in the archive '%.150s' ('%.100s' and "
			      "'%.100s'): choose one with --member",
			      archive, first, second);
}
