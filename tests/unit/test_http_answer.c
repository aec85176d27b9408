/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source/http_answer.h"
#include "unit.h"

static struct http_answer answer_of(const char *const *lines)
{
	struct http_answer answer = {0};

	for (; *lines; lines++)
		http_answer_take_header(&answer, *lines, strlen(*lines));
	return answer;
}
#define ANSWER(...) answer_of((const char *const[]){__VA_ARGS__, NULL})

START_TEST(headers_are_taken)
{
	struct http_answer answer = ANSWER(
		"HTTP/1.1 206 Partial Content\r\n", "ETAG:\t \"a:b\"  \r\n",
		"last-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "Accept-Ranges: Bytes\r\n",
		"content-range: bytes 17-20/9000000000000\r\n", "no header", "\r\n");

	ck_assert_str_eq(answer.etag, "\"a:b\"");
	ck_assert_str_eq(answer.last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
	ck_assert(answer.accepts_ranges && answer.has_content_range && answer.has_total);
	ck_assert_uint_eq(answer.range_first, 17);
	ck_assert_uint_eq(answer.range_total, UINT64_C(9000000000000));
}
END_TEST

START_TEST(each_answer_begins_anew)
{
	struct http_answer answer = ANSWER("HTTP/1.1 302 Found", "ETag: \"old\"",
					   "Accept-Ranges: bytes", "HTTP/1.1 200 OK");

	ck_assert_str_eq(answer.etag, "");
	ck_assert(!answer.accepts_ranges);
}
END_TEST

START_TEST(what_is_wrong_or_too_long_counts_as_none)
{
	char line[1000] = "ETag: ";
	struct http_answer answer = ANSWER("Accept-Ranges: none", "Content-Range: bytes */500",
					   "Content-Rang: bytes 1-2/3");

	ck_assert(!answer.accepts_ranges && !answer.has_content_range && answer.has_total);
	ck_assert_uint_eq(answer.range_total, 500);
	answer = ANSWER("Content-Range: pages 1-2/x");
	ck_assert(!answer.has_content_range && !answer.has_total);
	memset(line + 6, 'x', sizeof(line) - 6);
	http_answer_take_header(&answer, line, sizeof(line));
	ck_assert_str_eq(answer.etag, "");
	/* a line needs no end, and none is looked for */
	http_answer_take_header(&answer, line, 9);
	ck_assert_str_eq(answer.etag, "xxx");
}
END_TEST

/* What the first answer said the file is, each later one says again. */
START_TEST(answers_agree_on_a_file)
{
	const struct http_answer none = {0}, etag = ANSWER("ETag: a"), other = ANSWER("ETag: b"),
				 date = ANSWER("Last-Modified: 1"),
				 later = ANSWER("Last-Modified: 2"),
				 both = ANSWER("ETag: a", "Last-Modified: 1"),
				 newer = ANSWER("ETag: a", "Last-Modified: 2");

	ck_assert(http_answer_agrees(&none, &none) && http_answer_agrees(&etag, &none));
	ck_assert(http_answer_agrees(&etag, &etag) && http_answer_agrees(&both, &etag));
	ck_assert(!http_answer_agrees(&other, &etag) && !http_answer_agrees(&none, &etag));
	ck_assert(http_answer_agrees(&date, &date) && http_answer_agrees(&both, &date));
	ck_assert(!http_answer_agrees(&later, &date) && !http_answer_agrees(&none, &date));
	ck_assert(http_answer_agrees(&etag, &both) && !http_answer_agrees(&newer, &both));
}
END_TEST

START_TEST(statuses_mean_something)
{
	ck_assert_int_eq(http_status_errno(404), ENOENT);
	ck_assert_int_eq(http_status_errno(410), ENOENT);
	ck_assert_int_eq(http_status_errno(403), EACCES);
	ck_assert_int_eq(http_status_errno(500), EIO);
	ck_assert(http_status_is_passing(503) && http_status_is_passing(429));
	ck_assert(!http_status_is_passing(404) && !http_status_is_passing(200));
}
END_TEST

UNIT_MAIN("http_answer", headers_are_taken, each_answer_begins_anew,
	  what_is_wrong_or_too_long_counts_as_none, answers_agree_on_a_file,
	  statuses_mean_something)
