#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A signal, and a lazy unmounting, end the daemon while readers wait for a server
# that is silent; the readers get an error, no process is left.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image disk.wic 4194304 0:1024
a_map disk.wic map
gzip -1nk disk.wic
xz -0 -T2 --block-size=262144 -c disk.wic >disk.wic.xz
mv disk.wic* www
start_server www
for file in disk.wic disk.wic.xz disk.wic.gz; do
	for how in TERM unmount; do
		rules ""
		mount_image --bmap map "$URL/$file" mnt
		rules "/$file stall=100"
		readers=()
		for at in 2000000 3000000 1500000; do
			# dd itself, so that it is what is killed.
			dd if=mnt/disk.wic of=/dev/null bs=4096 iflag=skip_bytes skip=$at count=1 2>/dev/null &
			readers+=($!)
		done
		wait_for 5 grep -q "GET /$file" "$LOG" || fail "$file: not asked for"
		if [ $how = TERM ]; then kill -TERM "$(daemons)"; else umount -l mnt; fi
		if [ $how = unmount ]; then
			# Those who read still hold it: it goes with them.
			kill "${readers[@]}"
		fi
		for pid in "${readers[@]}"; do
			wait_exit 10 "$pid" || fail "$file, $how: a reader waits for ever"
			[ "$ENDED" != 0 ] || fail "$file, $how: a reader got bytes"
		done
		wait_for 10 no_daemons || fail "$file, $how: the daemon is left"
		! is_mounted mnt || fail "$file, $how: still mounted"
		ls mnt >/dev/null || fail "$file, $how: a dead mount point"
	done
done
