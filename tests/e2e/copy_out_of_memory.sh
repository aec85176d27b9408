#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where memory is scarce a copy is right or fails: never "success" with wrong
# content.  COMPAT B1-25.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 8
make_map image
xz -9 -T1 -k image
gzip -1 -k image
# Address space of a sanitizer's program is not to be limited.
if sanitized; then exit 0; fi
failed=0
for limit in 20000 30000 45000 60000 90000 130000 200000; do
	for file in image.xz image.gz; do
		rm -f out
		(
			ulimit -v "$limit"
			timeout 30 "$BMAPTOOL" copy "$file" out >stdout 2>stderr
		)
		status=$?
		case $status in
		0) cmp image out >&2 || fail "exit 0 with wrong content at ulimit -v $limit of $file" ;;
		1 | 127) failed=1; no_crash ;;
		124 | 137) fail "hangs at ulimit -v $limit of $file" ;;
		*) fail "status $status at ulimit -v $limit of $file" ;;
		esac
	done
done
[ "$failed" = 1 ] || fail "the limits never bit"
