#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is copied inside a traced folder keeps its map: zeros that are mapped, by every program that
# copies files with holes, whatever becomes of punches.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_root

# Zeros and data of every length, between holes; the last block ends in the middle, in a hole.
make_source() {
	truncate -s $((40 * 1048576 + 100)) "$1"
	dd if=/dev/zero of="$1" bs=1M count=4 conv=notrunc status=none
	dd if=/dev/urandom of="$1" bs=4096 count=1 seek=300 conv=notrunc status=none
	dd if=/dev/zero of="$1" bs=4096 count=1 seek=1500 conv=notrunc status=none
	dd if=/dev/urandom of="$1" bs=4096 count=100 seek=2000 conv=notrunc status=none
	dd if=/dev/zero of="$1" bs=4096 count=3 seek=2100 conv=notrunc status=none
	dd if=/dev/zero of="$1" bs=1M count=7 seek=20 conv=notrunc status=none
	dd if=/dev/urandom of="$1" bs=4096 count=2 seek=9000 conv=notrunc status=none
}
# has_map_of FILE SOURCE: where SEEK_DATA finds data, which is where the map has blocks.
has_map_of() {
	extents "$1" >got
	extents "$2" >wanted
	same wanted got
	same "$2" "$1"
	[ "$(stat -c %b "$1")" = "$(stat -c %b "$2")" ] || fail "$1: not as many blocks as $2"
}

[ "$(cp --version | sed -nE '1s/.* ([0-9]+)\..*/\1/p')" -ge 9 ] || skip "needs cp of coreutils 9"
for punch in refuse forget zero; do
	mkdir data
	mount_traced --punch=$punch data mnt
	make_source mnt/source
	[ "$(extents mnt/source | wc -l)" = 5 ] || fail "not five extents: $(extents mnt/source)"
	cp mnt/source mnt/cp || fail "cp"
	has_map_of mnt/cp mnt/source
	cp -a mnt/source mnt/cp-a || fail "cp -a"
	has_map_of mnt/cp-a mnt/source
	dd if=/dev/urandom of=mnt/old bs=1M count=50 status=none
	cp mnt/source mnt/old || fail "cp over another file"
	has_map_of mnt/old mnt/source
	cp mnt/cp mnt/twice || fail "cp of a copy"
	has_map_of mnt/twice mnt/source
	(cd mnt && tar -cSf - source) | tar -xSf - -C mnt --transform 's/source/tar/' || fail "tar"
	has_map_of mnt/tar mnt/source
	mv mnt/tar mnt/moved
	has_map_of mnt/moved mnt/source
	run 0 "$BMAPTOOL" create --trace -o source.bmap mnt/source
	run 0 "$BMAPTOOL" create --trace -o cp.bmap mnt/cp
	diff <(grep '<Range' source.bmap) <(grep '<Range' cp.bmap) >&2 || fail "the maps differ"
	unmount mnt
	rm -r data
done

# What lies behind the end is not the file's: neither in its blocks nor in its map, until it grows.
mkdir data
mount_traced data mnt
echo hello >mnt/file
fallocate -p -o 8192 -l 1M mnt/file 2>/dev/null
[ "$(stat -c %b mnt/file)" = 8 ] || fail "a file of 6 bytes has $(stat -c %b mnt/file) blocks"
run 0 "$BMAPTOOL" create --trace mnt/file
grep -q '<Range[^>]*> *0 *</Range>' stdout || fail "not one block is mapped: $(cat stdout)"
truncate -s 2M mnt/file
[ "$(stat -c %b mnt/file)" = $((257 * 8)) ] || fail "not 257 but $(stat -c %b mnt/file) blocks of 512"
# Facts behind the end, of which each takes memory, are those of 16 GiB at most.
for ((i = 0; i < 16; i++)); do
	fallocate -p -o $((1 + i))G -l 1G mnt/file 2>stderr && fail "the punch was granted"
	grep -q 'unsupported' stderr || fail "$(cat stderr)"
done
fallocate -p -o 17G -l 1G mnt/file 2>stderr && fail "more than 16 GiB of zeros behind the end"
grep -q 'File too large' stderr || fail "$(cat stderr)"
[ "$(stat -c %b mnt/file)" = $((257 * 8)) ] || fail "they count as the file's: $(stat -c %b mnt/file)"
# They go with what is behind the end, also when that is all.
: >mnt/file
: >mnt/file
truncate -s 8G mnt/file
[ "$(stat -c %b mnt/file)" = 0 ] || fail "$(stat -c %b mnt/file) blocks of a file of nothing"
# A hole may be as large as any.
truncate -s 2T mnt/huge
dd if=/dev/urandom of=mnt/huge bs=4096 count=1 seek=$((1 << 28)) conv=notrunc status=none
cp mnt/huge mnt/huge.cp || fail "cp of a file of 2 TiB"
[ "$(stat -c %b mnt/huge.cp)" = 8 ] || fail "$(stat -c %b mnt/huge.cp) blocks of one"
is_alive
unmount mnt
rm -r data

# What there is no room for takes no facts either, but those of the step that failed.
mkdir host
mount -t tmpfs -o size=32m none host || fail "tmpfs"
at_exit "umount host || umount -l host"
mkdir host/data records
mount_traced --trace=records host/data mnt
: >mnt/file
for how in "" --keep-size; do
	# shellcheck disable=SC2086 # none or one
	fallocate -z $how -o 4096 -l 4T mnt/file 2>stderr && fail "4 TiB of zeros"
	grep -q 'No space left' stderr || fail "$(cat stderr)"
done
is_alive
unmount mnt
record=$(record_of host/data/file records)
[ "$(stat -c %s "$record")" -le $((262144 + 8192)) ] || fail "a record of $(stat -c %s "$record") bytes"
