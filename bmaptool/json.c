/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "json.h"

/* The length of the UTF-8 character at @text; 0: it is none. */
static int character_len(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int n = p[0] < 0x80                   ? 1
		: p[0] >= 0xc2 && p[0] < 0xe0 ? 2
		: p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		: p[0] >= 0xf0 && p[0] < 0xf5 ? 4
					      : 0;

	for (int i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Not the shortest form, a surrogate, beyond the last character. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return n;
}

void json_print_string(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		int n = character_len(text);

		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (n == 0 || (unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(out, "\\u%04x", (unsigned int)(unsigned char)*text);
		else
			fprintf(out, "%.*s", n, text);
		text += MAX(n, 1);
	}
	fputc('"', out);
}

static void print_name(FILE *out, const char *name, int first)
{
	fputs(first ? "" : ", ", out);
	json_print_string(out, name);
	fputs(": ", out);
}

void json_print_number(FILE *out, const char *name, uint64_t value, int first)
{
	print_name(out, name, first);
	fprintf(out, "%" PRIu64, value);
}

void json_print_text(FILE *out, const char *name, const char *value, int first)
{
	print_name(out, name, first);
	json_print_string(out, value);
}
