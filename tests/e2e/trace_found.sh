#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where create --trace finds a record: of a file that was there before, and in the folder that was
# traced, whether that is mounted, mounted over itself or not mounted at all.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

mapped() { sed -nE 's/.*<MappedBlocksCount> ([0-9]+) .*/\1/p' stdout; }
# makes_map N OPTION... IMAGE
makes_map() {
	local n=$1; shift
	run 0 "$BMAPTOOL" create "$@"
	[ "$(mapped)" = "$n" ] || fail "create $*: $(mapped) blocks are mapped, not $n"
}

# A file that was there before and that nobody has opened: all of it counts as written.
mkdir data
truncate -s 1M data/before
for assume in written:256 unwritten:0; do
	rm -rf data/.bmap-trace
	mount_traced --assume="${assume%:*}" data mnt
	makes_map "${assume#*:}" --trace mnt/before
	# The record that was made for that is closed: the file may be used and mapped again.
	makes_map "${assume#*:}" --trace mnt/before
	unmount mnt
	[ ! -s mount.log ] || fail "the mount says $(cat mount.log)"
	run 0 "$BMAPTOOL" create --trace data/before
	[ "$(mapped)" = "${assume#*:}" ] || fail "later $(mapped) blocks are mapped"
	grep -q 'not closed' stderr && fail "$(cat stderr)"
done

# The traced folder named instead of its folder of records.
rm -r data
mkdir data other
mount_traced data mnt
truncate -s 1M mnt/image
dd if=/dev/urandom of=mnt/image bs=4096 count=3 seek=5 conv=notrunc status=none
makes_map 3 --trace=data mnt/image
makes_map 3 --trace=data/.bmap-trace mnt/image
unmount mnt
makes_map 3 --trace=data data/image
makes_map 3 --trace=data/.bmap-trace data/image
run 1 "$BMAPTOOL" create --trace=other data/image
says "there is no record of 'data/image' in 'other'"
mount_traced data data
makes_map 3 --trace data/image
makes_map 3 --trace=data data/image
unmount data

# Records among the files would be traced themselves.
run 1 "$BMAPFS" --trace=data data mnt
says "the records cannot lie among the traced files of 'data'"
[ "$(ls data)" = image ] || fail "something was made there: $(ls data)"
# In a folder within they are hidden like those in .bmap-trace.
mkdir data/records
mount_traced --trace=data/records data mnt
[ "$(ls mnt)" = image ] || fail "the mount shows $(ls mnt)"
unmount mnt
