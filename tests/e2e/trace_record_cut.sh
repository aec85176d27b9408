#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody else cuts the record of a file that is being written: its page in memory is gone.  The
# writer gets an error, the daemon stays, other files go on, and the record is refused later.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_root

for kind in here tmpfs; do
	mkdir data
	if [ $kind = tmpfs ]; then
		mkdir records
		mount -t tmpfs -o size=4m none records || fail "tmpfs"
		at_exit "umount records || umount -l records"
		mount_traced --trace=records data mnt
		records=records
	else
		mount_traced data mnt
		records=data/.bmap-trace
	fi
	truncate -s 1G mnt/image mnt/other
	# As long as these are open the records are held.
	exec 3<>mnt/image 4<>mnt/other
	put() { dd if=/dev/urandom of="mnt/$1" bs=4096 count=1 seek="$2" conv=notrunc status=none 2>dd.stderr; }
	put image 5 || fail "$kind: $(cat dd.stderr)"
	put other 5 || fail "$kind: $(cat dd.stderr)"
	record=$(record_of data/image $records)
	truncate -s 0 "$record"
	# Each time, in the page that is gone and in others.
	for at in 6 7 5000; do
		put image $at && fail "$kind: block $at was written without its fact"
		grep -q 'Input/output error' dd.stderr || fail "$kind: not EIO: $(cat dd.stderr)"
		cmp -n 4096 -i $((at * 4096)):0 data/image /dev/zero >&2 || fail "$kind: block $at is in the file"
		is_alive
	done
	put other 6 || fail "$kind: the other file: $(cat dd.stderr)"
	exec 3>&- 4>&-
	unmount mnt
	has_facts 5-6:1 data/other $records
	if [ $kind = tmpfs ]; then set -- --trace=records; else set --; fi
	run 1 "$BMAPTOOL" create "${@:---trace}" data/image
	says "$(basename "$record")"
	[ $kind = here ] || { umount records; rmdir records; }
	rm -r data
done
no_reports
