/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/units.h"

struct human_text human_size(uint64_t n_bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	struct human_text human;
	double size = (double)n_bytes;

	if (n_bytes == 1) {
		snprintf(human.text, sizeof(human.text), "1 byte");
		return human;
	}
	if (n_bytes < 512) {
		snprintf(human.text, sizeof(human.text), "%" PRIu64 " bytes", n_bytes);
		return human;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size /= 1024;
		if (size < 1024 || i == ARRAY_SIZE(units) - 1) {
			snprintf(human.text, sizeof(human.text), "%.1f %s", size, units[i]);
			break;
		}
	}
	return human;
}

struct human_text human_time(double seconds)
{
	struct human_text human;
	uint64_t minutes = (uint64_t)(seconds / 60);
	uint64_t hours = minutes / 60;
	size_t len = 0;

	seconds -= 60.0 * (double)minutes;
	minutes %= 60;
	if (hours)
		len = (size_t)snprintf(human.text, sizeof(human.text), "%" PRIu64 "h ", hours);
	if (minutes)
		len += (size_t)snprintf(human.text + len, sizeof(human.text) - len, "%" PRIu64 "m ",
					minutes);
	snprintf(human.text + len, sizeof(human.text) - len, "%.1fs", seconds);
	return human;
}

int size_parse(const char *text, uint64_t *n_bytes, const char *what, struct bmap_error *err)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	char *end;
	uint64_t n, unit = 1;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || (*end && end[1]))
		return bmap_error_set(err, EINVAL, "%s: '%s' is not a size (like 4096, 64K, 1M)",
				      what, text);
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix)
			return bmap_error_set(err, EINVAL,
					      "%s: '%s' is not a size (like 4096, 64K, 1M)", what,
					      text);
		unit = UINT64_C(1) << 10 * (suffix - suffixes + 1);
	}
	if (errno == ERANGE || ckd_mul(&n, n, unit) || n > INT64_MAX)
		return bmap_error_set(err, EOVERFLOW, "%s: %s is too large", what, text);
	*n_bytes = n;
	return 0;
}
