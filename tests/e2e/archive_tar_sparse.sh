#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sparse members, as `tar -S` writes them (GNU's own format and pax 0.0, 0.1 and
# 1.0), come out with their holes as zeros and at full size.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

# More than the four extents that a GNU header itself holds, and more than the
# 21 of one extension; a trailing hole; an odd size.
ranges=()
for ((i = 1; i < 60; i++)); do ranges+=("$((i * 16)):1"); done
make_image many.img $((4 * 1048576 + 777)) "${ranges[@]}"
make_image few.img 3145728 0:2 100:3
make_image tail.img 2000000 480:9
make_image empty.img 1048576
for image in many few tail empty; do
	make_map $image.img
	mv $image.img.bmap $image.map
	for format in --format=gnu --sparse-version=0.0 --sparse-version=0.1 --sparse-version=1.0; do
		[ "$format" = --format=gnu ] || format="--format=pax $format"
		# shellcheck disable=SC2086 # several words
		tar $format -Scf image.tar $image.img
		[ "$(stat -c %s image.tar)" -lt 500000 ] || fail "the test's own tar is not sparse"
		gzip -1kf image.tar
		for file in image.tar image.tar.gz; do
			rm -f out
			run 0 "$BMAPTOOL" copy --bmap $image.map "$file" out
			cmp $image.img out >&2 || fail "$format $file $image with a map"
		done
		rm -f out
		run 0 "$BMAPTOOL" copy --nobmap image.tar.gz out
		cmp $image.img out >&2 || fail "$format $image without a map"
		run_stdin image.tar.gz 0 "$BMAPTOOL" copy --bmap $image.map - out
		cmp $image.img out >&2 || fail "$format $image from standard input"
	done
done
