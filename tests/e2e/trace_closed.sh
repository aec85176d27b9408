#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# After unmounting every record is closed, also those of files that were closed a moment before, and
# the next mount takes it, also when all that had happened to a part of the file was taken back.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

all_closed() {
	local file
	for file in data/f*; do
		case $(record header "$(record_of "$file")") in
		"flags 0 size $(stat -c %s "$file")") ;;
		*) fail "$file: its record is not closed: $(record header "$(record_of "$file")")" ;;
		esac
	done
}

# Read, and cut off again: no fact is left.
mkdir data
mount_traced data mnt
truncate -s 1M mnt/f
dd if=mnt/f of=/dev/null bs=4096 count=3 status=none || fail "dd"
"$PY" -c 'import os; os.pread(os.open("mnt/f", os.O_RDWR), 5000, 40960)' || fail "read"
truncate -s 0 mnt/f
unmount mnt
all_closed
has_facts "" data/f
mount_traced data mnt
echo x >>mnt/f
unmount mnt
has_facts 0:1 data/f

# The kernel does not send all that it has to say when it is unmounted.
for round in 1 2 3; do
	rm -r data
	mkdir data
	mount_traced data mnt
	"$PY" - <<-'END' || fail "round $round"
	import ctypes, os
	umount = ctypes.CDLL(None).umount2
	files = [os.open("mnt/f%d" % n, os.O_RDWR | os.O_CREAT) for n in range(60)]
	for file in files:
	    os.pwrite(file, b"x" * 5000, 0)
	os.closerange(min(files), max(files) + 1)
	if umount(b"mnt", 0) and os.system("exec fusermount3 -u mnt"):
	    raise SystemExit("umount")
	END
	wait "$DAEMON" || fail "the daemon left with $?: $(cat mount.log)"
	no_reports
	all_closed
done
