#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disk fails in the middle of real generators, that of the data or that of the records: it is
# full, or each write is EIO.  The daemon stays, the records cover what reached the data, and the
# next mount goes on.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/cut_generators.sh"
requires_cut
# shellcheck disable=SC2086 # words are meant
${CC:-cc} -shared -fPIC -o fail_pwrite.so "$TOOLS/fail_pwrite.c" -ldl 2>cc.stderr || fail "cc: $(cat cc.stderr)"
counting=(LD_PRELOAD="$WORK/fail_pwrite.so" FAIL_COUNT="$WORK/calls")

for folder in data records; do
	mount -t tmpfs -o size=1g none $folder || fail "tmpfs"
	at_exit "umount $WORK/$folder || umount -l $WORK/$folder"
done
room() { mount -o "remount,size=$2" "$1" || fail "room of $2 for $1"; }
used_kib() { df --output=used -k "$1" | tail -n 1; }
# share_kib KIB PERCENT: in pages of 4 KiB, rather more: the first page of a record is its header.
share_kib() { local pages=$((($1 * $2 + 399) / 400)); echo $((pages * 4)); }

# begin CASE [NAME=VALUE...]: mounted and prepared, by a daemon that has done nothing else.
begin() {
	local name=$1; shift
	if has_second_phase "$name"; then
		mount_cut "$name"
		prepare "$name"
		unmount_cut "$name"
		mount_cut "$name" "$@"
	else
		mount_cut "$name" "$@"
		prepare "$name"
	fi
}
# goes_through CASE: until it ends, well or not; the daemon stays.
goes_through() {
	start_generator "$1"
	await_generator "$1"
	clear_up
	is_alive
}
# end CASE: once the disk is whole again.
end() {
	mount_cut "$1"
	goes_on "$1"
	rm -r "mnt/$1" || fail "$1: rm"
	unmount_cut "$1"
}
n_runs=0 n_met=0 missed=''
# count CASE WHAT 0|1: whether it met the disk that failed.
count() {
	n_runs=$((n_runs + 1)) n_met=$((n_met + $3))
	[ "$3" = 1 ] || missed+=" $1 ($2)"
}

# full CASE FOLDER KIB
full() {
	begin "$1"
	room "$2" "${3}k"
	goes_through "$1"
	[ -e generator.end ]
	count "$1" "$2 full" $?
	unmount_cut "$1"
	all_covered "$1" stored
	room "$2" 1g
	end "$1"
}
# broken CASE FOLDER CALLS: EIO after so many calls.
broken() {
	: >calls
	begin "$1" "${counting[@]}" FAIL_ON="$WORK/$2" FAIL_AFTER="$3"
	goes_through "$1"
	unmount_cut "$1"
	# Some generators do not look at every error.
	read -r _ n_failed <calls
	count "$1" "$2 broken" $((n_failed > 0))
	all_covered "$1" stored
	end "$1"
}

mapfile -t cases < <(cut_cases)
for name in "${cases[@]}"; do
	begin "$name" "${counting[@]}"
	goes_through "$name"
	[ -e generator.end ] || fail "$name: not even with a whole disk: $(tail -n 5 generator.log)"
	data_kib=$(used_kib data) records_kib=$(used_kib records)
	rm -r "mnt/$name" || fail "$name: rm"
	unmount_cut "$name"
	read -r n_calls _ <calls
	# Most of what is done to a loop device is mkfs; it should fail while it is mounted.
	share=50
	case $name in loop_*) share=90 ;; esac
	# What is there already needs no more room.
	if ! has_second_phase "$name"; then
		full "$name" data "$(share_kib "$data_kib" $share)"
		full "$name" records "$(share_kib "$records_kib" 50)"
	fi
	broken "$name" data $((n_calls * share / 100))
	broken "$name" records $((n_calls * share / 100))
done
no_reports
echo "$n_met of $n_runs runs of ${#cases[@]} generators met a disk that failed (missed:${missed:- none})"
# What no generator notices is no test.
[ $((n_met * 3)) -ge $((n_runs * 2)) ] || fail "too few generators met a disk that failed"
