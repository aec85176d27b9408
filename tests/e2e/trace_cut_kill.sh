#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed in the middle of real generators: the record covers every block that reached
# the data, and the next mount goes on.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/cut_generators.sh"
requires_cut

# whole CASE: runs it uncut; $FIRST_MSEC and $LAST_MSEC after its start files were made and last
# changed, $TOOK_MSEC after it, it ended.
whole() {
	prepare "$1"
	start_generator "$1"
	await_generator "$1"
	[ -e generator.end ] || fail "$1: not even when it is left alone: $(tail -n 5 generator.log)"
	TOOK_MSEC=$((($(cat generator.end) - STARTED) / 1000))
	read -r FIRST_MSEC LAST_MSEC < <(find "data/$1" -type f -printf '%C@ %B@\n' | awk -v started="$STARTED" '
		{ last = $1 > last ? $1 : last; first = NR == 1 || $2 < first ? $2 : first }
		END { printf "%d %d\n", first * 1000 - started / 1000, last * 1000 - started / 1000 }')
	# In a second phase they are older, and not every filesystem knows when.
	[ "$FIRST_MSEC" -gt 0 ] || FIRST_MSEC=0
	[ "$LAST_MSEC" -gt "$FIRST_MSEC" ] || LAST_MSEC=$TOOK_MSEC
}
sleep_msec() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

# cut CASE MSEC: killed when the generator has run for so long; $TOO is early or late, unless it was
# in the middle.
cut() {
	local name=$1
	TOO=
	prepare "$name"
	start_generator "$name"
	sleep_msec "$2"
	kill -9 "$DAEMON"
	wait "$DAEMON" 2>wait.log
	case $name in loop_*) give_up ;; esac
	await_generator "$name"
	clear_up
	timeout -k 5 20 umount mnt 2>unmount.stderr || timeout -k 5 20 umount -l mnt || fail "$name: umount -l"
	[ ! -e generator.end ] || TOO=late
	[ -n "$(find "data/$name" -type f -newer prepared)" ] || TOO=early
	all_covered "$name"
	[ "$BLOCKS" -gt 0 ] || TOO=early
	mount_cut "$name"
	goes_on "$name"
}

n_cuts=0 n_kills=0 n_middle=0 missed=''
mapfile -t cases < <(cut_cases)
for name in "${cases[@]}"; do
	mount_cut "$name"
	whole "$name"
	for share in 30 70; do
		n_cuts=$((n_cuts + 1))
		early=0 late=$TOOK_MSEC at=$((FIRST_MSEC + (LAST_MSEC - FIRST_MSEC) * share / 100))
		# No run takes as long as another.
		for _ in 1 2 3; do
			n_kills=$((n_kills + 1))
			cut "$name" $at
			[ -n "$TOO" ] || break
			declare "$TOO=$at"
			at=$(((early + late) / 2))
		done
		if [ -z "$TOO" ]; then n_middle=$((n_middle + 1)); else missed+=" $name"; fi
	done
	rm -r "mnt/$name" || fail "$name: rm"
	unmount_cut "$name"
done
no_reports
echo "$n_middle of $n_cuts cuts were in the middle of one of ${#cases[@]} generators ($n_kills kills, missed:${missed:- none})"
# What is always cut too early or too late is no test.
[ $((n_middle * 3)) -ge "$n_cuts" ] || fail "hardly any cut was in the middle"
