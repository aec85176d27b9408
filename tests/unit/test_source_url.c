/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source/source_url.h"
#include "unit.h"

START_TEST(all_parts_are_taken_apart)
{
	struct source_url parts = {0};
	struct bmap_error err = {0};

	OK(source_url_parse(&parts, "SSH://us%40er:p%3aw@host.example:2222/a%20b/c;d", &err));
	ck_assert_str_eq(parts.scheme, "ssh");
	ck_assert_str_eq(parts.user, "us@er");
	ck_assert_str_eq(parts.password, "p:w");
	ck_assert_str_eq(parts.host, "host.example");
	ck_assert_str_eq(parts.port, "2222");
	ck_assert_str_eq(parts.path, "/a b/c;d");
	ck_assert_str_eq(parts.url, "ssh://host.example:2222/a%20b/c;d");
	source_url_fini(&parts);
	ck_assert_ptr_null(parts.url);
}
END_TEST

START_TEST(what_is_missing_is_null)
{
	struct source_url parts = {0};
	struct bmap_error err = {0};

	OK(source_url_parse(&parts, "http://h/p?query=1#f", &err));
	ck_assert_ptr_null(parts.user);
	ck_assert_ptr_null(parts.password);
	ck_assert_ptr_null(parts.port);
	ck_assert_str_eq(parts.path, "/p");
	ck_assert_ptr_nonnull(strstr(parts.url, "http://h/p?query=1"));
	source_url_fini(&parts);
}
END_TEST

START_TEST(no_password_is_ever_shown)
{
	static const char *const urls[] = {"http://u:secret@h/p", "ftp://:secret@h/p",
					   "https://u:secret@[::1]:8080/p?x",
					   "sftp://u:secret@h/p"};
	struct bmap_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct source_url parts = {0};

		OK(source_url_parse(&parts, urls[i], &err));
		ck_assert_ptr_null(strstr(parts.url, "secret"));
		ck_assert_ptr_null(strchr(parts.url, '@'));
		ck_assert_str_eq(parts.password, "secret");
		source_url_fini(&parts);
	}
}
END_TEST

START_TEST(what_is_no_url_is_refused)
{
	static const char *const bad[] = {"", "http://", "http://h:99999999/p", "http://h:port/p"};
	struct bmap_error err = {0};
	struct source_url parts = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		FAILS(source_url_parse(&parts, bad[i], &err), EINVAL, "is not a URL");
	ck_assert_ptr_null(parts.url);
}
END_TEST

UNIT_MAIN("source_url", all_parts_are_taken_apart, what_is_missing_is_null,
	  no_password_is_ever_shown, what_is_no_url_is_refused)
