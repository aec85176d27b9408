#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# create -> copy -> compare, for sizes around block borders, nothing mapped,
# all mapped; the copy has the image's holes (issue 2).
. "${0%/*}/common.sh" || exit 99
while read -r size runs; do
	# shellcheck disable=SC2086 # words are meant
	make_image image "$size" $runs
	run 0 "$BMAPTOOL" create -o image.bmap image
	check_map verify image.bmap image
	run 0 "$BMAPTOOL" copy image copy
	silent_stdout
	same image copy
	sync copy
	[ "$(stat -c %b copy)" -le "$(($(stat -c %b image) + 16))" ] || fail "$size: the copy takes more room"
	rm copy
done <<-'LIST'
	1 0:1
	4095 0:1
	4096 0:1
	4096
	4097 0:2
	4097 1:1
	1048576
	1048576 0:256
	1048576 0:1 255:1
	1048575 0:1 255:1
	1048577 256:1
	8388608 3:700 1024:1 1026:1000
	13000001 7:1 2000:100 3173:1
LIST
