/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one sentence that a failure leaves (bmap/error.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bmap/error.h"

static void set_message(struct bmap_error *err, int code, const char *format, va_list args)
{
	err->code = code;
	vsnprintf(err->message, sizeof(err->message), format, args);
	/* Names come from outside: a newline in one must not make two lines of one. */
	for (char *p = err->message; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
}

int bmap_error_set(struct bmap_error *err, int code, const char *format, ...)
{
	if (err->code == 0) {
		va_list args;

		va_start(args, format);
		set_message(err, code, format, args);
		va_end(args);
	}
	return -err->code;
}

int bmap_error_set_system(struct bmap_error *err, int code, const char *format, ...)
{
	if (err->code == 0) {
		va_list args;
		size_t len;

		va_start(args, format);
		set_message(err, code, format, args);
		va_end(args);
		len = strlen(err->message);
		snprintf(err->message + len, sizeof(err->message) - len, ": %s", strerror(code));
	}
	return -err->code;
}

int bmap_error_prefix(struct bmap_error *err, const char *format, ...)
{
	struct bmap_error whole = {0};
	va_list args;
	size_t len;

	va_start(args, format);
	set_message(&whole, err->code, format, args);
	va_end(args);
	/* What does not fit is cut off at the end. */
	len = strlen(whole.message);
	strncat(whole.message, ": ", sizeof(whole.message) - 1 - len);
	len = strlen(whole.message);
	strncat(whole.message, err->message, sizeof(whole.message) - 1 - len);
	*err = whole;
	return -err->code;
}
