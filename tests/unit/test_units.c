/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/units.h"
#include "unit.h"

#define KIB (UINT64_C(1) << 10)
#define PIB (UINT64_C(1) << 50)

START_TEST(sizes_as_people_read_them)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = {
		{0, "0 bytes"},
		{1, "1 byte"},
		{2, "2 bytes"},
		{511, "511 bytes"},
		{512, "0.5 KiB"},
		{1536, "1.5 KiB"},
		{4 * KIB * KIB, "4.0 MiB"},
		{5 * KIB * KIB * KIB / 2, "2.5 GiB"},
		{KIB * KIB * KIB * KIB, "1.0 TiB"},
		{PIB, "1.0 PiB"}, /* Python's said EiB here (COMPAT B1-32) */
		{PIB * KIB, "1.0 EiB"},
		{UINT64_MAX, "16.0 EiB"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_str_eq(human_size(cases[i].n).text, cases[i].text);
}
END_TEST

START_TEST(times_leave_out_what_is_zero)
{
	ck_assert_str_eq(human_time(0).text, "0.0s");
	ck_assert_str_eq(human_time(3.44).text, "3.4s");
	ck_assert_str_eq(human_time(60).text, "1m 0.0s");
	ck_assert_str_eq(human_time(3600 + 2 * 60 + 3.4).text, "1h 2m 3.4s");
	ck_assert_str_eq(human_time(7200.5).text, "2h 0.5s");
	ck_assert_str_eq(human_time(1e9).text, "277777h 46m 40.0s");
}
END_TEST

START_TEST(sizes_are_parsed)
{
	static const struct {
		const char *text;
		uint64_t n;
	} cases[] = {
		{"0", 0},
		{"4096", 4096},
		{"64K", 64 * KIB},
		{"2g", 2 * KIB * KIB * KIB},
		{"1M", KIB * KIB},
		{"3T", 3 * KIB * KIB * KIB * KIB},
		{"9223372036854775807", INT64_MAX},
	};
	struct bmap_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t n = 1;

		OK(size_parse(cases[i].text, &n, "--x", &err));
		ck_assert_uint_eq(n, cases[i].n);
	}
}
END_TEST

START_TEST(what_is_no_size_is_refused)
{
	static const char *const bad[] = {"",   "K",   "-1", "+1",   " 1",
					  "1 ", "1KB", "1P", "0x10", "1.5M"};
	static const char *const large[] = {"9223372036854775808", "8388608T",
					    "99999999999999999999", "18446744073709551615K"};
	struct bmap_error err = {0};
	uint64_t n = 42;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		FAILS(size_parse(bad[i], &n, "--memory", &err), EINVAL,
		      "is not a size (like 4096, 64K, 1M)");
	for (size_t i = 0; i < ARRAY_SIZE(large); i++)
		FAILS(size_parse(large[i], &n, "--memory", &err), EOVERFLOW, "is too large");
	ck_assert_uint_eq(n, 42);
}
END_TEST

UNIT_MAIN("units", sizes_as_people_read_them, times_leave_out_what_is_zero, sizes_are_parsed,
	  what_is_no_size_is_refused)
