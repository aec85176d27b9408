#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# copy --retries, --threads and --memory are taken, change no byte of the result,
# and are refused with 2 where they make no sense.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 8
make_map image
for how in gzip xz-blocks $(has_codec zstd && echo zstd-frames) $(has_codec bzip2 && echo bzip2); do
	file=image.$(suffix_of "$how")
	compress "$how" image "$file"
	for options in "--threads 1" "--threads=4" "--memory 8M" "--threads 4 --memory 4M" "--retries 0" "--memory 1G --retries 3"; do
		rm -f out
		# shellcheck disable=SC2086 # several words
		run 0 "$BMAPTOOL" copy $options "$file" out
		cmp image out >&2 || fail "$options $file"
	done
done
for options in "--threads x" "--threads -1" "--memory x" "--memory -5M" "--retries x" "--retries -1"; do
	rm -f out
	# shellcheck disable=SC2086
	run 2 "$BMAPTOOL" copy $options image out
	no_crash
	[ ! -e out ] || fail "$options: out was made"
done
