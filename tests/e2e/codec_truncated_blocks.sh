#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The same for streams of several blocks, frames or members, whose last one is
# cut: nothing of the parallel decoding takes that for an end.  COMPAT B1-1.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 2
make_map image map
for how in xz-blocks pigz $(has_codec zstd && echo zstd-frames) $(has_codec bzip2 && echo bzip2 pbzip2) $(has_codec lz4 && echo lz4-frames); do
	compress "$how" image whole
	size=$(stat -c %s whole)
	for keep in $((size / 3)) $((size - 30)) $((size - 1)); do
		head -c "$keep" whole >part
		for options in --nobmap "--bmap map" "--threads 4 --nobmap"; do
			rm -f out
			# shellcheck disable=SC2086 # several words
			run 1 "$BMAPTOOL" copy $options part out
			no_crash
			says_not "copying time"
		done
		run_stdin part 1 "$BMAPTOOL" copy --nobmap - out
		no_crash
	done
done
