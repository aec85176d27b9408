#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# No room: on the filesystem of the data, and on that of the records.  The program that writes is
# told so, data and record agree, and once there is room everything goes on.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_root

small() {
	mkdir "$1"
	mount -t tmpfs -o "size=$2" none "$1" || fail "tmpfs"
	at_exit "umount $1 || umount -l $1"
}
no_room() { grep -qiE 'No space left|ENOSPC' dd.stderr || fail "not ENOSPC: $(cat dd.stderr)"; }

# The data: all that dd could write is there, and said to be written.
small host 8m
mkdir host/data records
mount_traced --trace=records host/data mnt
dd if=/dev/urandom of=mnt/image bs=64k count=400 2>dd.stderr && fail "more than 8 MiB were written"
no_room
is_alive
size=$(stat -c %s mnt/image)
[ "$size" -ge 4194304 ] || fail "only $size bytes were written"
same host/data/image mnt/image
# In a file with holes: a block that was not written is not there; it may be said to be.
rm mnt/image
truncate -s 64M mnt/sparse
for ((i = 0; i < 5000; i++)); do
	dd if=/dev/urandom of=mnt/sparse bs=4096 count=1 seek=$((i * 3)) conv=notrunc 2>dd.stderr || break
done
[ "$i" -lt 5000 ] || fail "5000 blocks were written into 8 MiB"
no_room
# Zeroing and reserving fail, too.
fallocate -l 32M mnt/reserved 2>dd.stderr && fail "32 MiB were reserved"
no_room
fallocate -z -o 40M -l 16M mnt/sparse 2>dd.stderr && fail "16 MiB were zeroed"
no_room
is_alive
rm -f mnt/reserved
truncate -s 0 before
truncate -s 64M before
# Room again.
rm -f mnt/image
truncate -s 1M mnt/sparse
dd if=/dev/urandom of=mnt/sparse bs=4096 count=4 seek=1000 conv=notrunc 2>dd.stderr || fail "$(cat dd.stderr)"
unmount mnt
record covered before host/data/sparse "$(record_of host/data/sparse records)"

# The records: a page of a record is 4096 blocks of data, 16 MiB.
small narrow 256k
mkdir data
mount_traced --trace=narrow data mnt
truncate -s 8G mnt/image
written=0
head -c 4096 /dev/urandom >block
for ((i = 0; i < 500; i++)); do
	dd if=block of=mnt/image bs=4096 count=1 seek=$((i * 4096)) conv=notrunc 2>dd.stderr || break
	written=$i
done
[ "$i" -lt 500 ] || fail "the record takes 2 MiB, and 256 KiB are there"
grep -qiE 'No space left|Input/output' dd.stderr || fail "neither ENOSPC nor EIO: $(cat dd.stderr)"
[ -d "/proc/$DAEMON" ] && is_alive
# What is not in the record is not in the file.
dd if=data/image bs=4096 count=1 skip=$(((written + 1) * 4096)) status=none | cmp -n 4096 - /dev/zero >&2 ||
	fail "block $(((written + 1) * 4096)) reached the file, and the record had no room"
# Nor do zeroing and reading it pass without a record.
for try in "fallocate -z -o $(((written + 3) * 16777216)) -l 4096 mnt/image" \
	"dd if=mnt/image iflag=direct of=/dev/null bs=4096 count=1 skip=$(((written + 5) * 4096))"; do
	if $try 2>dd.stderr; then
		[ "$(facts data/image narrow | wc -w)" -gt "$((written + 1))" ] || fail "done, and not in the record: $try"
	fi
	is_alive
done
# Nor does a new file.
if (echo hello >mnt/new) 2>dd.stderr; then
	has_facts 0:1 data/new narrow
fi
is_alive
# What fitted can be written again and read; room again, all can.
dd if=block of=mnt/image bs=4096 count=1 seek=$((written * 4096 + 1)) conv=notrunc 2>dd.stderr || fail "$(cat dd.stderr)"
dd if=mnt/image bs=4096 count=1 skip=$((written * 4096)) status=none | cmp - block >&2 || fail "block $((written * 4096))"
mount -o remount,size=1m narrow
dd if=block of=mnt/image bs=4096 count=1 seek=$(((written + 1) * 4096)) conv=notrunc 2>dd.stderr || fail "$(cat dd.stderr)"
unmount mnt
truncate -s 0 before
truncate -s 8G before
record covered before data/image "$(record_of data/image narrow)" 3
