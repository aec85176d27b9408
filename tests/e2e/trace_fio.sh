#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fio writes and verifies with eight jobs at once, each in a file of its own and all in one file;
# the record then says that all is written, and nothing is written that was not.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_command fio

# job NAME OPTION...
job() {
	timeout -k 5 100 fio --name="$1" --directory=mnt --verify=crc32c --verify_fatal=1 --thread --group_reporting \
		--fallocate=none --output=fio.out "${@:2}" >fio.stderr 2>&1 || fail "fio $*: $(tail -n 5 fio.out fio.stderr)"
	! grep -q 'err= *[1-9]' fio.out || fail "fio $*: $(cat fio.out)"
}
mkdir data
mount_traced data mnt
job own --numjobs=8 --size=4M --bs=4k --rw=randwrite --iodepth=8 --ioengine=libaio --direct=1
job mixed --numjobs=8 --size=4M --bsrange=512-64k --bs_unaligned=1 --rw=randrw
job synced --numjobs=8 --size=1M --bs=4k --rw=write --fsync=64
# Eight jobs, each in its part of one file, the parts of 2 MiB lie apart.
job common --filename=common --numjobs=8 --offset=0 --offset_increment=3M --size=2M --bs=8k --rw=randwrite
is_alive
unmount mnt

for i in 0 7; do
	has_facts 0-1023:1 "data/own.$i.0"
done
has_facts "$(for i in 0 1 2 3 4 5 6 7; do printf '%d-%d:1 ' $((i * 768)) $((i * 768 + 511)); done | sed 's/ $//')" data/common
# Verified once more, from the folder itself.
for i in 0 1 2 3 4 5 6 7; do
	[ "$(stat -c %s "data/own.$i.0")" = 4194304 ] || fail "own.$i.0 has $(stat -c %s "data/own.$i.0") bytes"
done
no_reports
