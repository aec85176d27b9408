#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# /dev/null takes an image, /dev/full does not (COMPAT.md C5).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
for option in "" --nobmap; do
	# shellcheck disable=SC2086 # words are meant
	run 0 "$BMAPTOOL" copy $option image /dev/null
	silent_stdout
	says "copying time: "
	# shellcheck disable=SC2086 # words are meant
	run 1 "$BMAPTOOL" copy $option image /dev/full
	no_crash
	says_re "ERROR: .*/dev/full"
	says "No space left on device"
	says_not "copying time"
done
[ -c /dev/null ] || fail "/dev/null was replaced"
[ -c /dev/full ] || fail "/dev/full was replaced"
# What does not verify is an error on /dev/null too.
printf x | dd of=image bs=1 seek=41000 conv=notrunc status=none
run 1 "$BMAPTOOL" copy image /dev/null
says "checksum mismatch for blocks range 10-14"
