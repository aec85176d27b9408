/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the headers of a server's answer say of a file (RFC 9110).
 *
 * Threads: any, each with its own.
 */
#ifndef SOURCE_HTTP_ANSWER_H
#define SOURCE_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_VALIDATOR 256

struct http_answer {
	long status;
	bool accepts_ranges, has_content_range, has_total;
	uint64_t range_first, range_total;
	char etag[MAX_VALIDATOR]; /* "": it gave none */
	char last_modified[MAX_VALIDATOR];
};

/* Takes a line of the headers, which needs no end; the first line of an answer begins it anew. */
void http_answer_take_header(struct http_answer *answer, const char *line, size_t len);

/* Does it speak of the same file as the @first answer?  What that one said, it must say again. */
bool http_answer_agrees(const struct http_answer *answer, const struct http_answer *first);

/* What a status of failure is as an errno. */
int http_status_errno(long status);

/* Is it a failure that may be over soon? */
bool http_status_is_passing(long status);

#endif
