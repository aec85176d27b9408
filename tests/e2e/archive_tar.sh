#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One image in a tar, plain and around it every compression, is copied: with a
# map and without, from a file, standard input and HTTP.  COMPAT B1-10, C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

make_image disk.wic 1500001 0:4 100:30 300:1
make_map disk.wic map
tar -cf plain.tar disk.wic
mkdir www
start_server www
for how in none $(codecs) xz-blocks; do
	if [ "$how" = none ]; then
		name=image.tar
		cp plain.tar "www/$name"
	else
		name=image.tar.$(suffix_of "$how")
		compress "$how" plain.tar "www/$name"
	fi
	for options in "--bmap map" --nobmap; do
		rm -f out
		# shellcheck disable=SC2086 # several words
		run 0 "$BMAPTOOL" copy $options "www/$name" out
		cmp disk.wic out >&2 || fail "$name $options"
		rm -f out
		# shellcheck disable=SC2086
		run_stdin "www/$name" 0 "$BMAPTOOL" copy $options - out
		cmp disk.wic out >&2 || fail "$name $options from standard input"
	done
	rm -f out
	rules ""
	run 0 "$BMAPTOOL" copy --bmap map "$URL/$name" out
	cmp disk.wic out >&2 || fail "$name over HTTP"
done
# The short suffixes, with the map found by its usual names.
gzip -c plain.tar >image.tgz
cp map image.bmap
rm -f out
run 0 "$BMAPTOOL" copy image.tgz out
says "discovered bmap file 'image.bmap'"
same disk.wic out
