#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A device that fails in the middle (a loop device over a file on a full
# filesystem): exit 1 and a sentence, never "copying time" (COMPAT.md B2,
# MediaWriter, rpi-imager).
. "${0%/*}/common.sh" || exit 99
requires_loop
mkdir mnt
mount -t tmpfs -o size=2m none mnt || skip "cannot mount a tmpfs"
at_exit "umount $WORK/mnt"
truncate -s 8M mnt/disk
LOOP=$(losetup --show -f mnt/disk) || fail "losetup"
at_exit "losetup -d $LOOP"
make_image image 8M 0:2048
run 0 "$BMAPTOOL" create -o image.bmap image

for option in "" --nobmap; do
	# shellcheck disable=SC2086 # words are meant
	run 1 "$BMAPTOOL" copy $option image "$LOOP"
	no_crash
	silent_stdout
	says_re "^bmaptool: ERROR: .*$LOOP"
	says_re "error while writing blocks [0-9]+-[0-9]+ of '|cannot synchronize '"
	says_re "No space left on device|Input/output error"
	says_not "copying time"
done

# A regular file on the full filesystem.
losetup -d "$LOOP"
rm mnt/disk
run 1 "$BMAPTOOL" copy image mnt/copy
no_crash
says_re "ERROR: .*mnt/copy"
says "No space left on device"
says_not "copying time"
