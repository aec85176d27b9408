#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image that does not fit the device is refused before a byte is written
# (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_image image 2M 0:1 10:5 511:1
run 0 "$BMAPTOOL" create -o image.bmap image
loop_device disk 1M
untouched() {
	cmp "$LOOP" <(head -c 1048576 /dev/zero | tr '\0' '\252') >&2 || fail "the device was touched"
}
gzip -k image
for arguments in "image" "--nobmap image" "image.gz" "--bmap image.bmap image.gz"; do
	# shellcheck disable=SC2086 # words are meant
	run 1 "$BMAPTOOL" copy $arguments "$LOOP"
	no_crash
	says_re "ERROR: .*the image file '[^']*image[^']*' has size 2.0 MiB and it will not fit the block device '$LOOP' which has 1.0 MiB capacity"
	untouched
done
run_stdin image 1 "$BMAPTOOL" copy --bmap image.bmap - "$LOOP"
says "will not fit the block device '$LOOP'"
untouched

# One byte too many, and exactly as large.
make_image image 1048577 0:1 10:5
run 1 "$BMAPTOOL" copy --nobmap image "$LOOP"
says "will not fit the block device"
untouched
make_image image 1048576 0:1 255:1
run 0 "$BMAPTOOL" copy --nobmap image "$LOOP"
same image "$LOOP"

# A size that is not known before: an error when the device is full.
head -c 2097152 /dev/urandom | gzip -1 >big.gz
run_stdin big.gz 1 "$BMAPTOOL" copy --nobmap - "$LOOP"
no_crash
says "bmaptool: ERROR: "
