#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Streams of many blocks or frames (xz, zstd, lz4, bzip2, pbzip2, pigz) decode to
# the same bytes with one thread and with several, from a file, standard input
# and HTTP.  COMPAT B1-1, B2 nbdkit, async-compression.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 3
make_map image map
mkdir www
start_server www
for how in xz-blocks pigz $(has_codec zstd && echo zstd-frames) $(has_codec bzip2 && echo bzip2 pbzip2) $(has_codec lz4 && echo lz4-frames lz4-linked); do
	file=image.$(suffix_of "$how")
	compress "$how" image "www/$file"
	for threads in 1 4; do
		rm -f out
		run 0 "$BMAPTOOL" copy --threads $threads --bmap map "www/$file" out
		cmp image out >&2 || fail "$how, $threads threads, file"
		rm -f out
		run_stdin "www/$file" 0 "$BMAPTOOL" copy --threads $threads --bmap map - out
		cmp image out >&2 || fail "$how, $threads threads, standard input"
	done
	rm -f out
	run 0 "$BMAPTOOL" copy --nobmap "$URL/$file" out
	cmp image out >&2 || fail "$how over HTTP, without a map"
	rm -f out
	rules ""
	run 0 "$BMAPTOOL" copy --bmap map "$URL/$file" out
	cmp image out >&2 || fail "$how over HTTP"
	[ "$(n_requests "/$file" GET)" = 1 ] || failed "$how: $(n_requests "/$file" GET) GETs of the image"
done
