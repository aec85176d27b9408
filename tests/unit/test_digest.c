/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "map/digest.h"
#include "unit.h"

/* Of "abc": FIPS 180-4, FIPS 202, RFC 1321, RFC 7693. */
START_TEST(known_answers)
{
	static const struct {
		const char *name, *hex;
	} cases[] = {
		{"md5", "900150983cd24fb0d6963f7d28e17f72"},
		{"sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"sha3_256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
		{"sha512_256", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
		{"blake2s", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"},
		{"blake2b", "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
			    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"},
	};
	struct bmap_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char hex[2 * BMAP_MAX_DIGEST_LEN + 1];
		uint8_t sum[BMAP_MAX_DIGEST_LEN];
		struct digest_type *type;
		struct digest *digest;

		OK(digest_type_new(&type, cases[i].name, &err));
		ck_assert_uint_eq(2 * digest_type_len(type), strlen(cases[i].hex));
		OK(digest_of(type, "abc", 3, sum));
		digest_format(sum, digest_type_len(type), hex);
		ck_assert_str_eq(hex, cases[i].hex);
		digest = digest_new(type);
		for (int round = 0; round < 2; round++) { /* it starts anew */
			digest_update(digest, "a", 1);
			digest_update(digest, "", 0);
			digest_update(digest, "bc", 2);
			digest_finish(digest, sum);
			digest_format(sum, digest_type_len(type), hex);
			ck_assert_str_eq(hex, cases[i].hex);
		}
		digest_free(digest);
		digest_type_free(type);
	}
	digest_type_free(NULL);
	digest_free(NULL);
}
END_TEST

START_TEST(unknown_names_are_refused)
{
	static const char *const names[] = {"crc32", "", "sha256 ", "none", "sha-999"};
	struct bmap_error err = {0};
	struct digest_type *type = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		FAILS(digest_type_new(&type, names[i], &err), EOPNOTSUPP,
		      "cannot initialize hash function");
	ck_assert_ptr_null(type);
}
END_TEST

START_TEST(hex_is_parsed_exactly)
{
	uint8_t sum[2] = {9, 9};

	ck_assert_int_eq(digest_parse("00fF", sum, 2), 0);
	ck_assert_mem_eq(sum, "\x00\xff", 2);
	ck_assert_int_eq(digest_parse("", sum, 0), 0);
	ck_assert_int_eq(digest_parse("00f", sum, 2), -EINVAL);
	ck_assert_int_eq(digest_parse("00fff", sum, 2), -EINVAL);
	ck_assert_int_eq(digest_parse("00fg", sum, 2), -EINVAL);
	ck_assert_int_eq(digest_parse("0x00", sum, 2), -EINVAL);
	ck_assert_int_eq(digest_parse(" 0ff", sum, 2), -EINVAL);
}
END_TEST

START_TEST(keys_tell_contents_apart)
{
	static const char *const contents[][2] = {
		{"https://host/a", "\"1\""},
		{"https://host/b", "\"1\""},
		{"https://host/a", "\"2\""},
		{"https://host/a\"1", "\""}, /* the same characters, cut elsewhere */
		{"https://host/", "a\"1\""},
		{"https://host/a", ""},
		{"", "https://host/a"},
		{"", ""},
	};
	char keys[ARRAY_SIZE(contents)][DIGEST_KEY_LEN], again[DIGEST_KEY_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		memset(keys[i], 'x', DIGEST_KEY_LEN);
		ck_assert_int_eq(digest_key(contents[i][0], contents[i][1], keys[i]), 0);
		ck_assert_uint_eq(strspn(keys[i], "0123456789abcdef"), DIGEST_KEY_LEN - 1);
		ck_assert_int_eq(keys[i][DIGEST_KEY_LEN - 1], '\0');
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(keys[i], keys[j]);
		ck_assert_int_eq(digest_key(contents[i][0], contents[i][1], again), 0);
		ck_assert_str_eq(again, keys[i]);
	}
}
END_TEST

UNIT_MAIN("digest", known_answers, unknown_names_are_refused, hex_is_parsed_exactly,
	  keys_tell_contents_apart)
