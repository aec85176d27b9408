/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image: its source, what is around it, and what that says before anything is decoded
 * (bmap/image.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "codec/archive_tar.h"
#include "codec/archive_zip.h"
#include "codec/decoder_zip.h"
#include "image/image_parts.h"
#include "image/image_reader.h"

/* The decoders' windows: xz -9 takes 65 MiB, zstd --ultra -22 128 MiB. */
#define DECODER_MEMORY (UINT64_C(160) << 20)
/* A tar header shows with the first decoded block: at most so much must be seen for it (lz4). */
#define MAX_PEEK_LEN    (5 << 20)
#define RANDOM_PEEK_LEN (64 << 10)
/* An image may be compressed inside an archive, but archives do not go on and on. */
#define MAX_NESTING   4
#define DOCUMENT_STEP (64 << 10)

struct bmap_image {
	char *name;
	char *member; /* copy of the option */
	struct bmap_image_options options;
	struct source *source;
	const struct codec *codec;
	bool is_tar;
	bool is_random; /* see struct source_options, of a remote source */
	char *inside;   /* the text of a map that was seen in the archive */
	size_t inside_len;
	char *inside_name;
	struct archive_choice choice;
	char *chosen;    /* the member that is the image, once known */
	bool is_scanned; /* the archive was read to its end: there is one image in it */
	bool has_size;
	uint64_t size_bytes;
};

struct source *image_source(const struct bmap_image *image)
{
	return image->source;
}

const struct codec *image_codec(const struct bmap_image *image)
{
	return image->codec;
}

bool image_is_tar(const struct bmap_image *image)
{
	return image->is_tar;
}

const struct archive_choice *image_choice(const struct bmap_image *image)
{
	return &image->choice;
}

const struct bmap_image_options *image_options(const struct bmap_image *image)
{
	return &image->options;
}

const char *bmap_image_name(const struct bmap_image *image)
{
	return image->name;
}

bool bmap_image_size(const struct bmap_image *image, uint64_t *size_bytes)
{
	if (image->has_size)
		*size_bytes = image->size_bytes;
	return image->has_size;
}

bool bmap_image_is_raw(const struct bmap_image *image)
{
	return !image->codec && !image->is_tar;
}

/* The disk that a block device is, or is a partition of. */
static dev_t whole_disk(dev_t device)
{
	char path[64], number[32];
	unsigned int disk_major, disk_minor;
	FILE *file;
	int n = 0;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(device),
		 minor(device));
	if (access(path, F_OK) < 0)
		return device;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(device), minor(device));
	file = fopen(path, "re");
	if (file) {
		n = fgets(number, sizeof(number), file)
			    ? sscanf(number, "%u:%u", &disk_major, &disk_minor)
			    : 0;
		fclose(file);
	}
	return n == 2 ? makedev(disk_major, disk_minor) : device;
}

/* The file behind a loop device; false: it is none. */
static bool loop_file(dev_t device, struct stat *st)
{
	char path[64], name[4096] = "";
	FILE *file;

	device = whole_disk(device);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/loop/backing_file", major(device),
		 minor(device));
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
	return stat(name, st) == 0;
}

bool bmap_image_is_same_file(const struct bmap_image *image, const char *path)
{
	struct stat ours, theirs;
	uint64_t offset;
	int fd = source_local_fd(image->source, &offset);

	if (fd < 0 && !strcmp(image->name, "standard input"))
		fd = STDIN_FILENO;
	if (fd < 0 || fstat(fd, &ours) < 0 || stat(path, &theirs) < 0)
		return false;
	if (S_ISBLK(ours.st_mode) && S_ISBLK(theirs.st_mode))
		return whole_disk(ours.st_rdev) == whole_disk(theirs.st_rdev) &&
		       (ours.st_rdev == theirs.st_rdev ||
			whole_disk(ours.st_rdev) == ours.st_rdev ||
			whole_disk(theirs.st_rdev) == theirs.st_rdev);
	/* A loop device is the file behind it. */
	if (S_ISBLK(ours.st_mode) && !loop_file(ours.st_rdev, &ours))
		return false;
	if (S_ISBLK(theirs.st_mode) && !loop_file(theirs.st_rdev, &theirs))
		return false;
	return S_ISREG(ours.st_mode) && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

bool bmap_location_is_remote(const char *location)
{
	return source_location_is_remote(location);
}

struct source_options image_source_options(const struct bmap_image_options *options)
{
	return (struct source_options){
		.n_retries = options->n_retries,
		.is_verified = options->is_verified,
	};
}

uint64_t image_decoder_memory(const struct bmap_image_options *options)
{
	return MAX(options->memory_bytes, DECODER_MEMORY);
}

/*
 * Decodes @io->in into @io->out until that is full or all is decoded.  Returns 1 when the stream
 * ended where the input does, else 0.
 */
static int decode_some(const struct bmap_image *image, const struct codec *codec,
		       const struct archive_choice *choice, struct decoder_io *io,
		       struct bmap_error *err)
{
	CLEANUP(decoder_freep) struct decoder *decoder = NULL;

	if (decoder_new(&decoder, codec, image_decoder_memory(&image->options), err) < 0)
		return -err->code;
	decoder_choose(decoder, choice);
	if (decoder_start(decoder, NULL, err) < 0)
		return -err->code;
	return decoder_run(decoder, io, err);
}

/* The first bytes of what the codec gives; of a tar archive around the image, its own. */
static ssize_t read_head(struct bmap_image *image, uint8_t *buf, size_t len, size_t max_peek,
			 struct bmap_error *err)
{
	for (size_t want = 64 << 10;; want *= 4) {
		struct decoder_io io = {.out = buf, .out_left = len};
		ssize_t n = source_peek(image->source, &io.in, image->codec ? want : len, err);

		if (n < 0)
			return n;
		if (!image->codec) {
			memcpy(buf, io.in, (size_t)n);
			return n;
		}
		io.in_left = (size_t)n;
		io.in_end = (size_t)n < want;
		if (decode_some(image, image->codec, &image->choice, &io, err) < 0)
			return -err->code;
		if (io.out_left == 0 || (size_t)n < want || want >= max_peek)
			return (ssize_t)(len - io.out_left);
	}
}

ssize_t image_read_head(struct bmap_image *image, uint8_t *buf, size_t len, struct bmap_error *err)
{
	if (image->is_tar)
		return bmap_error_set(err, EOPNOTSUPP,
				      "'%s' is a compressed archive: its first bytes cannot be "
				      "looked at in advance",
				      image->name);
	return read_head(image, buf, len, MAX_PEEK_LEN, err);
}

/* ---- small things, decoded whole ---- */

/* A text that grows. */
struct growing {
	uint8_t *bytes;
	size_t len, capacity;
};

static int grow(struct growing *text, size_t max_len, const char *name, struct bmap_error *err)
{
	size_t capacity = MIN(MAX(2 * text->capacity, (size_t)64 << 10), max_len + 1);
	void *larger;

	if (text->len < text->capacity)
		return 0;
	if (text->len > max_len)
		return bmap_error_set(err, EFBIG, "'%s' is larger than %zu MiB", name,
				      max_len >> 20);
	larger = realloc(text->bytes, capacity);
	if (!larger)
		return bmap_error_set(err, ENOMEM, "out of memory");
	text->bytes = larger;
	text->capacity = capacity;
	return 0;
}

/* As decoder_run(), also for no decoder: the bytes as they are. */
static int decode_step(struct decoder *decoder, struct decoder_io *io, struct bmap_error *err)
{
	size_t n = MIN(io->in_left, io->out_left);

	if (decoder)
		return decoder_run(decoder, io, err);
	memcpy(io->out, io->in, n);
	io->in += n;
	io->in_left -= n;
	io->out += n;
	io->out_left -= n;
	return io->in_left == 0 && io->in_end;
}

int image_decode_whole(struct source *source, const struct codec *codec, size_t max_len,
		       char **text_out, size_t *len, struct bmap_error *err)
{
	CLEANUP(decoder_freep) struct decoder *decoder = NULL;
	CLEANUP_FREE uint8_t *in = malloc(DOCUMENT_STEP);
	struct growing text = {0};
	struct decoder_io io = {0};
	uint64_t offset = 0;
	int r = 0;

	if (!in)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (codec && (decoder_new(&decoder, codec, DECODER_MEMORY, err) < 0 ||
		      decoder_start(decoder, NULL, err) < 0))
		return -err->code;
	while (r == 0) {
		r = grow(&text, max_len, source_name(source), err);
		if (r == 0 && io.in_left == 0 && !io.in_end) {
			ssize_t n = source_pread(source, in, DOCUMENT_STEP, offset, err);

			r = n < 0 ? (int)n : 0;
			io.in = in;
			io.in_left = n < 0 ? 0 : (size_t)n;
			io.in_end = n < DOCUMENT_STEP;
			offset += io.in_left;
		}
		io.out = text.bytes + text.len;
		io.out_left = text.capacity - text.len;
		if (r == 0)
			r = decode_step(decoder, &io, err);
		text.len = text.capacity - io.out_left;
	}
	if (r == 1 && text.len > max_len)
		r = grow(&text, max_len, source_name(source), err);
	if (r < 0) {
		free(text.bytes);
		return -err->code;
	}
	*text_out = (char *)text.bytes;
	*len = text.len;
	return 0;
}

static bool has_suffix(const char *name, size_t len, const char *suffix, size_t suffix_len)
{
	return len >= suffix_len && !strncasecmp(name + len - suffix_len, suffix, suffix_len);
}

/* Does the name say that there is a tar archive: .tar, .tar.gz, .tgz and so on? */
static bool is_named_tar(const char *name)
{
	static const char *const short_names[] = {".tgz", ".taz",  ".tbz",  ".tbz2", ".tb2",
						  ".txz", ".tzst", ".tlz4", ".tzo"};
	size_t len = bmap_location_is_remote(name) ? strcspn(name, "?#") : strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(short_names); i++) {
		if (has_suffix(name, len, short_names[i], strlen(short_names[i])))
			return true;
	}
	if (has_suffix(name, len, ".tar", 4))
		return true;
	for (size_t end = len; end > 0 && name[end - 1] != '/'; end--) {
		if (name[end - 1] == '.')
			return has_suffix(name, end - 1, ".tar", 4);
	}
	return false;
}

static int keep_chosen(struct bmap_image *image, const char *member, struct bmap_error *err)
{
	free(image->chosen);
	image->chosen = strdup(member);
	return image->chosen ? 0 : bmap_error_set(err, ENOMEM, "out of memory");
}

static int keep_map(struct bmap_image *image, const char *text, size_t len, const char *name,
		    struct bmap_error *err)
{
	if (!text || image->inside)
		return 0;
	image->inside = malloc(len + 1);
	image->inside_name = strdup(name);
	if (!image->inside || !image->inside_name)
		return bmap_error_set(err, ENOMEM, "out of memory");
	memcpy(image->inside, text, len);
	image->inside_len = len;
	return 0;
}

/* From now on the image lies in a stretch of what was its source. */
static int narrow(struct bmap_image *image, uint64_t offset, uint64_t len, struct bmap_error *err)
{
	struct source *slice;
	int r = source_open_slice(&slice, STEAL_PTR(image->source), offset, len, err);

	if (r == 0)
		image->source = slice;
	return r;
}

/* Walks over the headers of a tar archive that can be read anywhere. */
static int walk_tar(struct bmap_image *image, struct tar_reader *tar, struct bmap_error *err)
{
	CLEANUP_FREE uint8_t *buf = malloc(64 << 10);
	uint64_t offset = 0, size = 0;
	ssize_t n;

	if (!buf)
		return bmap_error_set(err, ENOMEM, "out of memory");
	source_size(image->source, &size);
	do {
		const uint8_t *data = buf;
		struct tar_span span;
		size_t len;
		uint64_t skip;

		n = source_pread(image->source, buf, 64 << 10, offset, err);
		if (n < 0)
			return (int)n;
		len = (size_t)n;
		offset += len;
		while (tar_reader_feed(tar, &data, &len, &span, err) == 1)
			tar_reader_leave_image(tar);
		if (err->code)
			return -err->code;
		offset -= len;
		skip = MIN(tar_reader_skippable(tar), size - MIN(size, offset));
		tar_reader_skip_data(tar, skip);
		offset += skip;
	} while (n > 0);
	return tar_reader_end(tar, err);
}

static void tar_reader_freep(struct tar_reader **tar)
{
	tar_reader_free(*tar);
}

/* A tar archive that can be read anywhere: the image is a stretch of it, unless it is sparse. */
static int open_tar(struct bmap_image *image, struct bmap_error *err)
{
	CLEANUP(tar_reader_freep) struct tar_reader *tar = NULL;
	const char *map, *map_name = NULL;
	size_t map_len = 0;
	uint64_t offset;

	if (tar_reader_new(&tar, image->name, image->member, err) < 0 ||
	    walk_tar(image, tar, err) < 0 || keep_chosen(image, tar_reader_member(tar), err) < 0)
		return -err->code;
	map = tar_reader_map(tar, &map_len, &map_name);
	if (keep_map(image, map, map_len, map_name, err) < 0)
		return -err->code;
	if (tar_reader_extent(tar, &offset))
		return narrow(image, offset, tar_reader_image_size(tar), err);
	image->is_tar = image->is_scanned = true;
	image->has_size = true;
	image->size_bytes = tar_reader_image_size(tar);
	return 0;
}

/* Is what is stored at @offset packed once more, in a way that has checksums of its own? */
static bool is_packed(struct bmap_image *image, uint64_t offset, struct bmap_error *err)
{
	uint8_t head[CODEC_HEAD_LEN];
	const struct codec *codec = NULL;
	ssize_t n = source_pread(image->source, head, sizeof(head), offset, err);

	return n > 0 && codec_find(&codec, head, (size_t)n, image->name, err) == 0 && codec;
}

/* The image's member of a zip archive: decoded by codec_zip, which compares its checksum. */
static int enter_zip_member(struct bmap_image *image, const struct zip_member *member,
			    struct bmap_error *err)
{
	uint64_t offset;

	if (member->is_stored) {
		if (zip_data_offset(member, image->source, &offset, err) < 0)
			return -err->code;
		if (is_packed(image, offset, err))
			return narrow(image, offset, member->data_len_bytes, err);
		if (err->code)
			return -err->code;
	}
	image->codec = &codec_zip;
	image->choice.is_one_member = true;
	image->choice.crc = member->crc;
	image->has_size = true;
	image->size_bytes = member->image_len_bytes;
	return narrow(image, member->offset_bytes, member->stretch_bytes, err);
}

static int read_zip_map(struct bmap_image *image, const struct zip_member *member,
			struct bmap_error *err)
{
	const struct archive_choice choice = {
		.archive = image->name,
		.is_one_member = true,
		.crc = member->crc,
	};
	CLEANUP_FREE uint8_t *stretch = NULL;
	CLEANUP_FREE char *text = NULL;
	struct decoder_io io;
	ssize_t n;
	int r;

	if (member->stretch_bytes > BMAP_MAX_DOCUMENT_LEN)
		return bmap_error_set(err, EFBIG, "the map in '%s' is too large", image->name);
	stretch = malloc(member->stretch_bytes);
	text = malloc(member->image_len_bytes + 1);
	if (!stretch || !text)
		return bmap_error_set(err, ENOMEM, "out of memory");
	n = source_pread(image->source, stretch, member->stretch_bytes, member->offset_bytes, err);
	if (n < 0)
		return (int)n;
	io = (struct decoder_io){
		.in = stretch,
		.in_left = (size_t)n,
		.in_end = true,
		.out = (uint8_t *)text,
		.out_left = member->image_len_bytes + 1,
	};
	r = decode_some(image, &codec_zip, &choice, &io, err);
	if (r == 0)
		r = bmap_error_set(err, EPROTO, "the map in the archive '%s' is damaged",
				   image->name);
	return r < 0 ? r
		     : keep_map(image, text, member->image_len_bytes + 1 - io.out_left,
				member->name, err);
}

static int open_zip(struct bmap_image *image, struct bmap_error *err)
{
	struct zip_directory directory;
	const struct zip_member *member, *map;
	int r;

	if (!source_is_seekable(image->source)) {
		image->codec = &codec_zip;
		return 0;
	}
	if (zip_directory_read(&directory, image->source, err) < 0)
		return -err->code;
	r = zip_find_image(&directory, image->name, image->member, &member, err);
	if (r == 0) {
		map = zip_find_map(&directory, member->name);
		r = map ? read_zip_map(image, map, err) : 0;
	}
	if (r == 0)
		r = keep_chosen(image, member->name, err);
	if (r == 0)
		r = enter_zip_member(image, member, err);
	zip_directory_fini(&directory);
	return r;
}

/* Looks at the first bytes.  1: the image lies in a stretch of the source: look again. */
static int look_inside(struct bmap_image *image, bool named_tar, struct bmap_error *err)
{
	struct source *before = image->source;
	uint8_t head[TAR_BLOCK_LEN];
	const uint8_t *encoded;
	ssize_t n = source_peek(image->source, &encoded, CODEC_HEAD_LEN, err);

	if (n < 0)
		return (int)n;
	if (zip_matches(encoded, (size_t)n)) {
		if (open_zip(image, err) < 0)
			return -err->code;
		return image->source != before && !image->codec;
	}
	if (codec_find(&image->codec, encoded, (size_t)n, image->name, err) < 0)
		return -err->code;
	/*
	 * Of what is read here and there not much is fetched to see that it is no archive: an lz4
	 * block of 4 MiB shows nothing before it is whole.
	 */
	n = read_head(image, head, sizeof(head),
		      image->is_random && !named_tar ? RANDOM_PEEK_LEN : MAX_PEEK_LEN, err);
	if (n < 0)
		return bmap_error_prefix(err, "'%s'", image->name);
	if (!tar_matches(head, (size_t)n, named_tar)) {
		if (named_tar && !image->chosen)
			return bmap_error_set(err, EPROTO,
					      "'%s' is named like a tar archive, but what is in it "
					      "is not one",
					      image->name);
		if (image->member && !image->chosen)
			return bmap_error_set(err, EINVAL,
					      "'%s' is not an archive, so it has no member '%s'",
					      image->name, image->member);
		return 0;
	}
	if (!image->codec && source_is_seekable(image->source)) {
		if (open_tar(image, err) < 0)
			return -err->code;
		return !image->is_tar;
	}
	image->is_tar = true;
	return 0;
}

static int set_options(struct bmap_image *image, const struct bmap_image_options *options,
		       struct bmap_error *err)
{
	image->options = *options;
	if (image->options.memory_bytes == 0)
		image->options.memory_bytes = BMAP_DEFAULT_MEMORY;
	image->options.memory_bytes = MAX(image->options.memory_bytes, BMAP_MIN_MEMORY);
	if (options->member) {
		image->member = strdup(options->member);
		if (!image->member)
			return bmap_error_set(err, ENOMEM, "out of memory");
	}
	image->options.member = image->member;
	image->choice.member = image->member;
	return 0;
}

static int open_image(struct bmap_image *image, const char *location,
		      const struct source_options *source_options, struct bmap_error *err)
{
	int r;

	if (source_open(&image->source, location, source_options, err) < 0)
		return -err->code;
	image->name = strdup(source_name(image->source));
	if (!image->name)
		return bmap_error_set(err, ENOMEM, "out of memory");
	image->choice.archive = image->name;
	image->is_random = source_options->is_random && bmap_location_is_remote(location);
	for (int depth = 0; (r = look_inside(image, is_named_tar(location), err)) == 1; depth++) {
		if (depth == MAX_NESTING)
			return bmap_error_set(err, EPROTO, "'%s': archives in archives",
					      image->name);
	}
	if (r == 0 && bmap_image_is_raw(image))
		image->has_size = source_size(image->source, &image->size_bytes);
	return r;
}

int image_open(struct bmap_image **image_out, const char *location,
	       const struct bmap_image_options *options,
	       const struct source_options *source_options, struct bmap_error *err)
{
	struct bmap_image *image = calloc(1, sizeof(*image));

	if (!image)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (set_options(image, options, err) < 0 ||
	    open_image(image, location, source_options, err) < 0) {
		bmap_image_close(image);
		return -err->code;
	}
	*image_out = image;
	return 0;
}

int bmap_image_open(struct bmap_image **image, const char *location,
		    const struct bmap_image_options *options, struct bmap_error *err)
{
	const struct source_options source_options = image_source_options(options);

	return image_open(image, location, options, &source_options, err);
}

bool image_is_member(const struct bmap_image *image)
{
	return image->is_tar || image->chosen;
}

bool image_is_gzip(const struct bmap_image *image)
{
	return image->codec && !strcmp(codec_name(image->codec), "gzip") && !image_is_member(image);
}

int image_check_size(const struct bmap_image *image, uint64_t size_bytes, const struct bmap *map,
		     struct bmap_error *err)
{
	if (!map || size_bytes == bmap_image_size_bytes(map))
		return 0;
	return bmap_error_set(err, EBADMSG,
			      "the image '%s' has %" PRIu64 " bytes, but its map is of one with "
			      "%" PRIu64 ": they do not belong together",
			      image->name, size_bytes, bmap_image_size_bytes(map));
}

const char *image_member_name(const struct bmap_image *image)
{
	return image->chosen ? image->chosen : image->member;
}

void bmap_image_close(struct bmap_image *image)
{
	if (!image)
		return;
	source_close(image->source);
	free(image->name);
	free(image->member);
	free(image->chosen);
	free(image->inside);
	free(image->inside_name);
	free(image);
}

/* Decodes a whole archive to see what is in it; it can be read again afterwards. */
static int scan_archive(struct bmap_image *image, struct bmap_error *err)
{
	struct image_reader *reader;
	const char *map, *map_name = NULL;
	size_t map_len = 0;
	struct chunk chunk;
	int r = image_reader_open(&reader, image, &(struct image_reader_options){0}, err);

	if (r < 0)
		return r;
	while ((r = image_reader_next(reader, &chunk, err)) == 1)
		chunk_fini(&chunk);
	if (r == 0) {
		map = image_reader_map_inside(reader, &map_len, &map_name);
		r = keep_map(image, map, map_len, map_name, err);
		image->is_scanned = true;
	}
	image_reader_close(reader);
	return r;
}

int bmap_image_check_archive(struct bmap_image *image, struct bmap_error *err)
{
	uint64_t offset;

	/* What is remote comes once, and a second image shows at its end. */
	if (!image->is_tar || image->is_scanned || source_local_fd(image->source, &offset) < 0)
		return 0;
	return scan_archive(image, err);
}

int bmap_find_map_inside(struct bmap_document **document, struct bmap_image *image,
			 struct bmap_error *err)
{
	CLEANUP_FREE char *name = NULL;

	*document = NULL;
	if (!image->inside && image->is_tar && !image->is_scanned &&
	    source_is_seekable(image->source) && scan_archive(image, err) < 0)
		return -err->code;
	if (!image->inside)
		return 0;
	if (asprintf(&name, "%s in %s", image->inside_name, image->name) < 0) {
		name = NULL;
		return bmap_error_set(err, ENOMEM, "out of memory");
	}
	return bmap_document_new(document, "", name, image->inside, image->inside_len, err);
}
