#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed while it fills the cache: the next mount reads right bytes,
# never zeros that were called valid.  COMPAT B2 httpdirfs, yas3fs.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

mkdir www
make_image www/disk.wic 8388608 0:2048
xz -0 -T2 --block-size=262144 -c www/disk.wic >www/disk.wic.xz
start_server www
for file in disk.wic disk.wic.xz; do
	rm -rf cache
	for round in 1 2 3; do
		rules "/$file slow=30000000"
		mount_image --nobmap --cache=cache "$URL/$file" mnt
		cat mnt/disk.wic >/dev/null 2>&1 &
		reader=$!
		# shellcheck disable=SC2317 # called by wait_for
		fetching() { [ "$(n_requests "/$file" GET)" -gt $((round + 1)) ] || _gone "$reader"; }
		wait_for 20 fetching || failed "nothing is fetched"
		kill -KILL "$(daemons)"
		wait $reader
		umount -l mnt
		wait_for 10 no_daemons || fail "not dead"
	done
	rules ""
	mount_image --nobmap --cache=cache "$URL/$file" mnt
	same www/disk.wic mnt/disk.wic
	unmount mnt
	# Bits without bytes, and files that are none: passed over.
	for damaged in cache/*; do [ ! -f "$damaged" ] || head -c 5000 /dev/urandom >"$damaged"; done
	mount_image --nobmap --cache=cache "$URL/$file" mnt
	same www/disk.wic mnt/disk.wic
	unmount mnt
done
