/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "bmap/image.h"
#include "unit.h"

static const struct bmap_image_options options;

/* Which document is found beside @image; "" for none. */
static void check_map(const char *image, const char *expected)
{
	struct bmap_document *document = NULL;
	struct bmap_error err = {0};

	OK(bmap_find_map(&document, image, &options, &err));
	ck_assert_str_eq(document ? document->location : "", expected);
	bmap_document_free(document);
}

/* Takes the names away in the order in which they are looked for (COMPAT C3). */
START_TEST(maps_are_found_by_ever_shorter_names)
{
	static const char *const names[] = {"d.x/a.wic.gz.bmap", "d.x/a.wic.bmap", "d.x/a.bmap"};

	ck_assert_int_eq(mkdir("d.x", 0777), 0);
	write_file("d.bmap", bytes_of("of a folder, not of the image"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		write_file(names[i], bytes_of("map"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		check_map("d.x/a.wic.gz", names[i]);
		ck_assert_int_eq(unlink(names[i]), 0);
	}
	check_map("d.x/a.wic.gz", "");
	check_map("-", "");
	check_map("no/such/folder/a", "");
}
END_TEST

START_TEST(names_without_suffix_and_odd_ones)
{
	write_file("image.bmap", bytes_of("map"));
	write_file(".bmap", bytes_of("nobody's map"));
	write_file("what?x.bmap", bytes_of("map"));
	check_map("image", "image.bmap");
	check_map(".hidden", "");
	check_map("what?x.img", "what?x.bmap"); /* a file's name is no URL */
}
END_TEST

START_TEST(signatures_have_two_names)
{
	struct bmap_document *document = NULL;
	struct bmap_error err = {0};

	OK(bmap_find_signature(&document, "a.bmap", &options, &err));
	ck_assert_ptr_null(document);
	write_file("a.bmap.sig", bytes_of("sig"));
	OK(bmap_find_signature(&document, "a.bmap", &options, &err));
	ck_assert_str_eq(document->location, "a.bmap.sig");
	bmap_document_free(document);
	write_file("a.bmap.asc", bytes_of("asc"));
	OK(bmap_find_signature(&document, "a.bmap", &options, &err));
	ck_assert_str_eq(document->location, "a.bmap.asc");
	ck_assert_str_eq(document->text, "asc");
	bmap_document_free(document);
}
END_TEST

START_TEST(documents_may_be_compressed)
{
	struct bytes text = bytes_text(200000);

	for (const char *const *name = codec_names; *name; name++) {
		struct bmap_document *document = NULL;
		struct bmap_error err = {0};

		if (!codec_or_note(*name))
			continue;
		write_file("doc", encode(*name, text));
		OK(bmap_document_read(&document, "doc", &options, &err));
		ASSERT_BYTES(((struct bytes){(uint8_t *)document->text, document->len}), text);
		ck_assert_int_eq(document->text[document->len], '\0');
		bmap_document_free(document);
	}
	bmap_document_free(NULL);
}
END_TEST

START_TEST(documents_that_cannot_be_read)
{
	struct bmap_document *document = NULL;
	struct bmap_error err = {0};
	struct bytes cut = encode("gzip", bytes_text(1000));

	FAILS(bmap_document_read(&document, "none", &options, &err), ENOENT, "cannot open 'none'");
	cut.len /= 2;
	write_file("cut", cut);
	FAILS(bmap_document_read(&document, "cut", &options, &err), ENODATA,
	      "'cut': the gzip data ends early");
	write_file("bomb", encode("gzip", bytes_zeros(BMAP_MAX_DOCUMENT_LEN + 1)));
	FAILS(bmap_document_read(&document, "bomb", &options, &err), EFBIG,
	      "'bomb' is larger than 64 MiB");
	write_file("a.bmap", cut);
	FAILS(bmap_find_map(&document, "a.img", &options, &err), ENODATA, "ends early");
	ck_assert_ptr_null(document);
}
END_TEST

UNIT_MAIN("image_find", maps_are_found_by_ever_shorter_names, names_without_suffix_and_odd_ones,
	  signatures_have_two_names, documents_may_be_compressed, documents_that_cannot_be_read)
