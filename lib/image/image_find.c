/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What lies beside an image (bmap/image.h): maps and signatures, by their names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bmap/log.h"
#include "codec/decoder.h"
#include "image/image_parts.h"

int bmap_document_new(struct bmap_document **document_out, const char *location, const char *name,
		      const char *text, size_t len, struct bmap_error *err)
{
	struct bmap_document *document = calloc(1, sizeof(*document));

	if (document) {
		document->location = strdup(location);
		document->name = strdup(name);
		document->text = malloc(len + 1);
	}
	if (!document || !document->location || !document->name || !document->text) {
		bmap_document_free(document);
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	memcpy(document->text, text, len);
	document->text[len] = '\0';
	document->len = len;
	*document_out = document;
	return 0;
}

void bmap_document_free(struct bmap_document *document)
{
	if (!document)
		return;
	free(document->location);
	free(document->name);
	free(document->text);
	free(document);
}

int bmap_document_read(struct bmap_document **document, const char *location,
		       const struct bmap_image_options *options, struct bmap_error *err)
{
	CLEANUP(source_closep) struct source *source = NULL;
	CLEANUP_FREE char *text = NULL;
	const struct source_options source_options = image_source_options(options);
	const struct codec *codec;
	const uint8_t *head;
	ssize_t n;
	size_t len;

	if (source_open(&source, location, &source_options, err) < 0)
		return -err->code;
	n = source_peek(source, &head, CODEC_HEAD_LEN, err);
	if (n < 0 || codec_find(&codec, head, (size_t)n, source_name(source), err) < 0 ||
	    image_decode_whole(source, codec, BMAP_MAX_DOCUMENT_LEN, &text, &len, err) < 0)
		return err->code == ENOMEM || strstr(err->message, source_name(source))
			       ? -err->code
			       : bmap_error_prefix(err, "'%s'", source_name(source));
	return bmap_document_new(document, location, source_name(source), text, len, err);
}

/* Where the path of a location ends: at the query or fragment of a URL. */
static size_t path_len(const char *location)
{
	return bmap_location_is_remote(location) ? strcspn(location, "?#") : strlen(location);
}

/* The first @stem_len characters of a location, a suffix, and the query of a URL. */
static char *with_suffix(const char *location, size_t stem_len, const char *suffix)
{
	char *whole;

	if (asprintf(&whole, "%.*s%s%s", (int)stem_len, location, suffix,
		     location + path_len(location)) < 0)
		return NULL;
	return whole;
}

char *image_location_beside(const char *location, const char *suffix)
{
	return with_suffix(location, path_len(location), suffix);
}

/* Opens a candidate: 0 found, 1 not there, -errno. */
static int try_candidate(struct bmap_document **document, const char *location, size_t stem_len,
			 const char *suffix, bool may_be_closed,
			 const struct bmap_image_options *options, struct bmap_error *err)
{
	struct bmap_error why = {0};
	CLEANUP_FREE char *candidate = with_suffix(location, stem_len, suffix);
	int r;

	if (!candidate)
		return bmap_error_set(err, ENOMEM, "out of memory");
	r = bmap_document_read(document, candidate, options, &why);
	if (r == 0)
		return 0;
	bmap_log(BMAP_LOG_DEBUG, "%s", why.message);
	if (r == -ENOENT || r == -ENOTDIR || r == -ENAMETOOLONG)
		return 1;
	/* Stores of files answer 403 for what is not there. */
	if (r == -EACCES && may_be_closed)
		return 1;
	*err = why;
	return r;
}

/* Where the last suffix of the path's last part begins; 0: it has none. */
static size_t last_suffix(const char *location, size_t len)
{
	for (size_t i = len; i > 0 && location[i - 1] != '/'; i--) {
		/* A name that only begins with a dot has no suffix. */
		if (location[i - 1] == '.')
			return i > 1 && location[i - 2] != '/' ? i - 1 : 0;
	}
	return 0;
}

int bmap_find_map(struct bmap_document **document, const char *image_location,
		  const struct bmap_image_options *options, struct bmap_error *err)
{
	*document = NULL;
	if (!strcmp(image_location, "-"))
		return 0;
	for (size_t len = path_len(image_location); len > 0;
	     len = last_suffix(image_location, len)) {
		int r = try_candidate(document, image_location, len, ".bmap", true, options, err);

		if (r <= 0)
			return r;
	}
	return 0;
}

int bmap_find_signature(struct bmap_document **document, const char *map_location,
			const struct bmap_image_options *options, struct bmap_error *err)
{
	static const char *const suffixes[] = {".asc", ".sig"};

	*document = NULL;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		int r = try_candidate(document, map_location, path_len(map_location), suffixes[i],
				      bmap_location_is_remote(map_location), options, err);

		if (r <= 0)
			return r;
	}
	return 0;
}
