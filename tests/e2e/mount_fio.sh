#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fio reads with eight jobs what it has written into the image, and verifies each
# block; through an overlay it writes and verifies as well.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_command fio
job() { fio --minimal --name=job --filename="$1" --size=16M --bs=16k --verify=crc32c --numjobs=1 "${@:2}" >fio.out 2>&1; }
truncate -s 16M disk.wic
job disk.wic --rw=write --do_verify=0 || skip "fio does not run here: $(tail -1 fio.out)"
sync disk.wic
run 0 "$BMAPTOOL" create --range-size 1M -o disk.wic.bmap disk.wic
for form in xz-blocks gzip; do
	compress "$form" disk.wic "disk.wic.$(suffix_of "$form")"
	mount_image "disk.wic.$(suffix_of "$form")" mnt
	run 0 fio --name=job --filename=mnt/disk.wic --size=16M --bs=16k --verify=crc32c --readonly \
		--rw=randread --numjobs=8 --thread --verify_state_load=0
	grep -q 'err= *[1-9]' stdout && fail "fio: $(cat stdout)"
	unmount mnt
done
mount_image --overlay=changes disk.wic.xz mnt
job mnt/disk.wic --rw=randwrite --do_verify=1 || fail "fio: $(cat fio.out)"
unmount mnt
same_extents disk.wic changes
