/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/archive.h"
#include "unit.h"

START_TEST(side_files_are_told_from_images)
{
	static const char *const side[] = {
		"image.wic.bmap",   "image.wic.asc",
		"a/b/README",       "readme.md",
		"LICENSE",          "SHA256SUMS",
		"md5sums",          "image.sha256",
		".meta/image.bmap", "./.meta/manifest.json",
		"x/.meta/y",        "__MACOSX/image",
		"._image.img",      "dir/._image.img",
		"Changelog.TXT",    "image.img.MD5",
	};
	static const char *const images[] = {
		"image.wic", "sdcard.img",     "./a/b/disk.raw", "rootfs.ext4",  "image",
		"bmap",      "image.bmap.wic", "a.txt/image",    "image.img.xz", "meta/image.img",
	};

	for (size_t i = 0; i < ARRAY_SIZE(side); i++)
		ck_assert_msg(archive_is_side_file(side[i]), "%s", side[i]);
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		ck_assert_msg(!archive_is_side_file(images[i]), "%s", images[i]);
}
END_TEST

START_TEST(a_member_is_named_whole_or_by_its_last_part)
{
	ck_assert(archive_is_member("a/b/disk.img", "disk.img"));
	ck_assert(archive_is_member("a/b/disk.img", "a/b/disk.img"));
	ck_assert(archive_is_member("./disk.img", "disk.img"));
	ck_assert(archive_is_member("disk.img", "./disk.img"));
	ck_assert(!archive_is_member("a/b/disk.img", "b/disk.img"));
	ck_assert(!archive_is_member("disk.img.xz", "disk.img"));
	ck_assert(!archive_is_member("adisk.img", "disk.img"));
}
END_TEST

START_TEST(the_map_of_an_image)
{
	ck_assert(archive_is_map_of("disk.img.bmap", "disk.img"));
	ck_assert(archive_is_map_of("./disk.img.bmap", "disk.img"));
	ck_assert(archive_is_map_of("a/disk.img.bmap", "./a/disk.img"));
	ck_assert(archive_is_map_of(".meta/image.bmap", "disk.img"));
	ck_assert(archive_is_map_of("./.meta/image.bmap", "disk.img"));
	ck_assert(!archive_is_map_of("disk.bmap", "disk.img"));
	ck_assert(!archive_is_map_of("other.img.bmap", "disk.img"));
	ck_assert(!archive_is_map_of("disk.img", "disk.img"));
}
END_TEST

START_TEST(none_and_several_are_said)
{
	struct bmap_error err = {0};

	FAILS(archive_no_image("a.tar", NULL, &err), EPROTO,
	      "there is no image in the archive 'a.tar'");
	FAILS(archive_no_image("a.tar", "x", &err), ENOENT,
	      "the archive 'a.tar' has no member 'x'");
	FAILS(archive_two_images("a.tar", "x", "y", &err), EPROTO,
	      "more than one image in the archive 'a.tar' ('x' and 'y'): choose one with --member");
}
END_TEST

UNIT_MAIN("archive", side_files_are_told_from_images, a_member_is_named_whole_or_by_its_last_part,
	  the_map_of_an_image, none_and_several_are_said)
