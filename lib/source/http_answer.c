/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "source/http_answer.h"

int http_status_errno(long status)
{
	switch (status) {
	case 404:
	case 410:
		return ENOENT;
	case 401:
	case 403:
	case 407:
		return EACCES;
	default:
		return EIO;
	}
}

bool http_status_is_passing(long status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	       status == 504;
}

/* Copies a header's value; one that is too long counts as none. */
static void keep_value(char *out, const char *value, size_t len)
{
	while (len && (*value == ' ' || *value == '\t')) {
		value++;
		len--;
	}
	while (len && (value[len - 1] == '\r' || value[len - 1] == '\n' || value[len - 1] == ' '))
		len--;
	if (len >= MAX_VALIDATOR)
		len = 0;
	memcpy(out, value, len);
	out[len] = '\0';
}

void http_answer_take_header(struct http_answer *answer, const char *line, size_t len)
{
	size_t name_len;
	const char *colon = memchr(line, ':', len);
	char value[MAX_VALIDATOR];

	if (len >= 5 && !strncasecmp(line, "HTTP/", 5)) /* a new answer, after a redirect say */
		*answer = (struct http_answer){0};
	if (!colon)
		return;
	name_len = (size_t)(colon - line);
	keep_value(value, colon + 1, len - name_len - 1);
	if (name_len == 4 && !strncasecmp(line, "etag", 4)) {
		strcpy(answer->etag, value);
	} else if (name_len == 13 && !strncasecmp(line, "last-modified", 13)) {
		strcpy(answer->last_modified, value);
	} else if (name_len == 13 && !strncasecmp(line, "accept-ranges", 13)) {
		answer->accepts_ranges = !strcasecmp(value, "bytes");
	} else if (name_len == 13 && !strncasecmp(line, "content-range", 13)) {
		answer->has_content_range =
			sscanf(value, "bytes %" SCNu64 "-", &answer->range_first) == 1;
		colon = strchr(value, '/');
		answer->has_total =
			colon && sscanf(colon + 1, "%" SCNu64, &answer->range_total) == 1;
	}
}

bool http_answer_agrees(const struct http_answer *answer, const struct http_answer *first)
{
	if (first->etag[0] && strcmp(first->etag, answer->etag))
		return false;
	if (first->last_modified[0] && answer->last_modified[0])
		return strcmp(first->last_modified, answer->last_modified) == 0;
	return first->etag[0] || !first->last_modified[0];
}
