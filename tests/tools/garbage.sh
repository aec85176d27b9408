# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: is a map right?  On top of common.sh; the cases (how images
# are made, how they are checked) stand in garbage_cases.sh.
#
# An image is made, a map of it, and a target that holds garbage; the image is
# copied there with the map.  Then the filesystem's own checker must be silent,
# the files must be the very files, also after something was written there, and
# unmapped blocks must still hold the garbage.  Garbage is of three kinds:
#
#   random   noise
#   stale    noise, and over it another generation of the same kind of image,
#            with the same UUIDs, used: metadata whose checksums are right
#   flip     the image itself with every bit of unmapped blocks turned over
#
# and what checkers do not see today (latent): latent_CASE, reflash.
. "$TOOLS/mount.sh"
. "$TOOLS/garbage_cases.sh"

# How the maps are made that have to be right: for tries without a traced folder.
GARBAGE_BY=${GARBAGE_BY:-trace}

gpy() { "$PY" "$TOOLS/garbage.py" "$@"; }

# Everything below $WORK that is mounted or attached is gone afterwards.
# shellcheck disable=SC2317 # called by at_exit
_garbage_clear() {
	local point loop file
	awk -v w="$WORK/" 'index($2, w) == 1 { print $2 }' /proc/self/mounts | tac | while read -r point; do
		umount "$point" || umount -l "$point"
	done
	losetup -n -O NAME,BACK-FILE | while read -r loop file; do
		case $file in "$WORK"/*) losetup -d "$loop" ;; esac
	done
}

# requires_garbage CASE...: root, loop devices and the tools of these cases.
requires_garbage() {
	local name needs
	requires_loop
	for name; do
		needs=needs_$name
		# shellcheck disable=SC2086 # words are meant
		requires_command ${!needs}
	done
	at_exit _garbage_clear
}
requires_trace() {
	[ "$GARBAGE_BY" = trace ] || return 0
	requires_fuse
	"$BMAPFS" --help 2>/dev/null | grep -q -- --trace || skip "needs bmapfs --trace"
}
# Whether the kernel has a filesystem; those that it lacks are checked by tools.
kernel_has() { grep -qw "$1" /proc/filesystems || modprobe -q "$1" 2>/dev/null; }

# ---- making images ----

# tree_of KIND GENERATION: a folder with files, made once; its path.
tree_of() {
	local folder=$WORK/trees/$1.$2
	[ -d "$folder" ] || gpy tree "$folder" "$2" "$1" || return 1
	echo "$folder"
}
# build CASE GENERATION FOLDER: makes FOLDER and FOLDER/image in it.
build() {
	local name=$1 folder=$3
	mkdir "$folder" || fail "$name: no folder $folder"
	GEN=$2
	in_folder "$name" "$folder" "gen_$name"
	[ "$GEN" = 1 ] || ! declare -F "phase2_$name" >/dev/null || in_folder "$name" "$folder" "phase2_$name"
	GEN=1
	[ -s "$folder/image" ] || fail "$name: there is no image"
}
# in_folder CASE FOLDER COMMAND...: in a shell of its own with set -e, and before
# no "||": else a failure in the middle is lost.
in_folder() {
	local name=$1 folder=$2 log=$WORK/build.log status; shift 2
	(
		set -e
		cd "$folder"
		"$@"
	) >"$log" 2>&1 </dev/null
	status=$?
	[ "$status" = 0 ] || fail "$name: building the image failed (status $status): $(tail -n 12 "$log")"
}

# map_by HOW IMAGE MAP [CASE]: HOW is seek, fiemap, nonzero, all (ours, independent of
# the program), create (bmaptool create) or trace (with the policy of CASE).
map_by() {
	case $1 in
	create) "$BMAPTOOL" -q create -o "$3" "$2" 2>map.stderr || fail "create of $2: $(cat map.stderr)" ;;
	trace)
		# shellcheck disable=SC2046 # words are meant
		"$BMAPTOOL" -q create --trace $(of_case policy "${4:-}" '') -o "$3" "$2" 2>map.stderr ||
			fail "create --trace of $2: $(cat map.stderr)"
		;;
	*) gpy map "$1" "$2" "$3" || fail "map of $2 by $1" ;;
	esac
}

# ---- is a map right? ----

# In checks: bad SENTENCE says what is wrong; quiet COMMAND... runs it and
# keeps what it says for bad.
bad() { WHY=$*; return 1; }
quiet() { timeout -k 5 120 "$@" >"$WORK/check.log" 2>&1 </dev/null; }
said() {
	grep -avE '^($|e2fsck [0-9]|Pass [0-9]|Phase [0-9]|        - |Info: |fsck.fat [0-9]|Cannot get host|Repair may fail|the image and the host)' "$WORK/check.log" |
		tr -cd '\n\40-\176' | cut -c1-160 | head -n 3 | tr '\n' ';'
}

# make_target CASE KIND IMAGE MAP FILE
make_target() {
	local name=$1 kind=$2 image=$3 map=$4 file=$5 stale=$WORK/stale/$1 size
	size=$(stat -c %s "$image")
	case $kind in
	random) gpy fill "$file" "$size" "random $name" || fail "fill" ;;
	stale)
		if [ ! -e "$stale/image" ]; then
			mkdir -p "$WORK/stale"
			build "$name" 2 "$stale"
			! declare -F "age_$name" >/dev/null || "age_$name" "$stale/image" ||
				fail "$name: the other generation cannot be used: $WHY"
		fi
		gpy fill "$file" "$size" "stale $name" || fail "fill"
		gpy lay-over "$file" "$stale/image" || fail "lay-over"
		truncate -s "$size" "$file"
		;;
	flip) gpy flip "$image" "$map" "$file" || fail "flip" ;;
	esac
}

# flash IMAGE MAP FILE: copies to FILE by way of a loop device, as to a card.
# (A copy over an existing file empties it.)
flash() {
	local loop status
	loop=$(losetup --show -f "$3") || fail "losetup"
	timeout -k 5 120 "$BMAPTOOL" -q copy --bmap "$2" "$1" "$loop" 2>copy.stderr </dev/null
	status=$?
	losetup -d "$loop" || fail "losetup -d"
	[ "$status" = 0 ] || fail "copy of $1: $(cat copy.stderr)"
}

# prove CASE IMAGE MAP [KIND...]: 0 if the map is right; else $VERDICT (broken,
# latent) and $WHY.  With kinds of garbage named, it is those, and no power cut.  Whether an unmapped block was written fails at once: that
# is never the map's fault.
prove() {
	local name=$1 image=$2 map=$3 kind latent='' all='' dir=$WORK/prove.$1; shift 3
	VERDICT=ok WHY=
	[ $# -gt 0 ] || { all=yes; set -- random stale flip; }
	rm -rf "$dir"; mkdir "$dir"
	for kind; do
		prove_one "$name" "$image" "$map" "$kind" "$dir" || { VERDICT=broken; WHY="$kind garbage: $WHY"; break; }
		[ -z "$LATENT" ] || latent="$kind garbage: $LATENT"
	done
	rm -rf "$dir"
	[ "$VERDICT" = ok ] || return 1
	[ -z "$latent" ] || { VERDICT=latent WHY=$latent; return 1; }
	[ -n "$all" ] && declare -F "reflash_$name" >/dev/null || return 0
	reflash "$name" "$image" "$map" || { VERDICT=latent; return 1; }
}
prove_one() {
	local name=$1 image=$2 map=$3 kind=$4 dir=$5
	LATENT=
	make_target "$name" "$kind" "$image" "$map" "$dir/target"
	if [ "$kind" != flip ]; then
		cp --sparse=never "$dir/target" "$dir/before"
		flash "$image" "$map" "$dir/target"
		gpy kept "$map" "$dir/before" "$dir/target" || fail "$name: the copy wrote to unmapped blocks"
		rm "$dir/before"
	fi
	if declare -F "latent_$name" >/dev/null; then
		"latent_$name" "$dir/target" "$image" || LATENT=$WHY
	fi
	WHY=
	"check_$name" "$dir/target" "$image"
}

# reflash CASE IMAGE MAP: flashed, used, flashed, used, and the power is cut.
# The previous life has many transactions in the journal, of the same shape as
# the few of the second; nothing of them may come back.
reflash() {
	local name=$1 image=$2 map=$3 checker dir=$WORK/reflash.$1 at=$WORK/reflash.mnt i left
	checker=$("reflash_$name")
	WHY=
	rm -rf "$dir"; mkdir -p "$dir" "$at"
	make_target "$name" random "$image" "$map" "$dir/target"
	flash "$image" "$map" "$dir/target"
	quiet mount -o loop "$dir/target" "$at" || bad "first life: mount: $(said)" || return
	for ((i = 0; i < 24; i++)); do mkdir "$at/old-$i" && sync -f "$at"; done
	umount "$at" || fail "umount"
	flash "$image" "$map" "$dir/target"
	quiet mount -o loop "$dir/target" "$at" || bad "second life: mount: $(said)" || return
	for ((i = 0; i < 3; i++)); do mkdir "$at/new-$i" && sync -f "$at"; done
	echo kept >"$at/new-file" && sync "$at/new-file"
	cp "$dir/target" "$dir/cut" || fail "cp"
	umount "$at" || fail "umount"
	quiet mount -o loop "$dir/cut" "$at" || bad "after the power cut: mount: $(said)" || return
	left=$(ls "$at")
	[ "$(cat "$at/new-file" 2>/dev/null)" = kept ] || WHY="after the power cut: what was synced is lost"
	umount "$at" || fail "umount"
	case $left in *old-*) WHY="after the power cut: files of the previous life are back" ;; esac
	[ -n "$WHY" ] || "$checker" "$dir/cut" || WHY="after the power cut: $WHY"
	rm -rf "$dir"
	[ -z "$WHY" ]
}

# ---- what the tests call ----

# hosts: the filesystems below the traced folder.  host_up NAME makes one and
# mounts it at $WORK/host/NAME.
hosts() {
	local name
	for name in ${GARBAGE_HOSTS:-ext4 tmpfs btrfs xfs}; do
		case $name in
		tmpfs) ;;
		*) { command -v "mkfs.$name" >/dev/null && kernel_has "$name"; } || continue ;;
		esac
		echo "$name"
	done
}
host_up() {
	local name=$1 at=$WORK/host/$1
	mkdir -p "$at"
	case $name in
	tmpfs) mount -t tmpfs -o size=1536m tmpfs "$at" || fail "mounting tmpfs"; return ;;
	esac
	truncate -s 2G "$WORK/host.$name"
	quiet "mkfs.$name" "$WORK/host.$name" || fail "mkfs.$name: $(said)"
	quiet mount -o loop "$WORK/host.$name" "$at" || fail "mounting the host's $name: $(said)"
}
host_down() {
	umount "$WORK/host/$1" || fail "unmounting the host's $1"
	rm -f "$WORK/host.$1"
}

# trace_on FOLDER PUNCH, trace_off FOLDER: the traced mount, over FOLDER itself.
trace_on() { [ "$GARBAGE_BY" != trace ] || mount_image "--punch=$2" --trace "$1" "$1"; }
trace_off() { [ "$GARBAGE_BY" != trace ] || unmount "$1"; }
# of_case WHAT CASE DEFAULT: the case's variable WHAT_CASE.
of_case() { local name=$1_$2; echo "${!name:-${3:-}}"; }

# build_traced FOLDER CASE...: FOLDER/CASE/image and FOLDER.maps/CASE for each,
# FOLDER being a traced mount meanwhile, as the cases want punches treated.
build_traced() {
	local folder=$1 punch name names; shift
	mkdir -p "$folder" "$folder.maps"
	for punch in refuse forget zero; do
		names=()
		for name; do [ "$(of_case punch "$name" refuse)" != "$punch" ] || names+=("$name"); done
		[ "${#names[@]}" = 0 ] || build_phase "$folder" "$punch" first_phase "${names[@]}"
	done
	names=()
	for name; do ! declare -F "phase2_$name" >/dev/null || names+=("$name"); done
	[ "${#names[@]}" = 0 ] || build_phase "$folder" forget second_phase "${names[@]}"
}
# build_phase FOLDER PUNCH WHAT CASE...: the map is made in the living mount,
# there once more by SEEK_DATA, and again after the mount has ended.
build_phase() {
	local folder=$1 punch=$2 what=$3 name map; shift 3
	trace_on "$folder" "$punch"
	for name; do
		"$what" "$name" "$folder/$name"
		map=$folder.maps/$name
		map_by "$GARBAGE_BY" "$folder/$name/image" "$map" "$name"
		[ "$GARBAGE_BY$(of_case policy "$name")" = trace ] || continue
		map_by create "$folder/$name/image" seen.bmap
		gpy same-map "$map" seen.bmap || fail "$name: SEEK_DATA in the mount tells another map"
	done
	trace_off "$folder"
	[ "$GARBAGE_BY" = trace ] || return 0
	for name; do
		map_by trace "$folder/$name/image" after.bmap "$name"
		gpy same-map "$folder.maps/$name" after.bmap || fail "$name: the map is another one after unmounting"
	done
}
# shellcheck disable=SC2317 # called by build_phase
first_phase() { build "$1" 1 "$2"; }
# shellcheck disable=SC2317 # called by build_phase
second_phase() { in_folder "$1" "$2" "phase2_$1"; }

# garbage_test CASE...: the whole of it.  The map must not depend on the host
# filesystem.  (Where two builds on one host differ, because the kernel places
# files by its clock, the map has to be right on each host.)
garbage_test() {
	local name host first=
	mkdir -p "$WORK/maps"
	for host in $(hosts); do
		[ -z "$first" ] || ! sanitized || break
		host_up "$host"
		build_traced "$WORK/host/$host/folder" "$@"
		for name; do
			garbage_on_host "$name" "$host" "$first"
		done
		host_down "$host"
		first=${first:-$host}
	done
	[ -n "$first" ] || fail "no host filesystem was tried"
}
garbage_on_host() {
	local name=$1 host=$2 first=$3 image=$WORK/host/$2/folder/$1/image map=$WORK/host/$2/folder.maps/$1 kinds=()
	gpy covers "$map" "$image" || fail "$name on $host: the map leaves out what is not zero"
	if [ -z "$first" ]; then
		cp "$map" "$WORK/maps/$name"
	elif [ -z "$(of_case varies "$name")" ]; then
		gpy same-map "$WORK/maps/$name" "$map" || fail "$name: the map depends on the host filesystem: $first and $host"
		return
	else
		kinds=(random)
	fi
	prove "$name" "$image" "$map" "${kinds[@]}" || fail "$name on $host: $VERDICT: $WHY"
}

# must_not_pass VERDICT CASE...: built in a traced folder, the map gets VERDICT.
must_not_pass() {
	local want=$1 name folder=$WORK/must_not/folder; shift
	[ "$GARBAGE_BY" = trace ] || return 0
	rm -rf "$WORK/must_not"
	build_traced "$folder" "$@"
	for name; do
		! prove "$name" "$folder/$name/image" "$folder.maps/$name" || fail "$name: passes, which the documents deny"
		[ "$VERDICT" = "$want" ] || fail "$name: $VERDICT, not $want: $WHY"
		echo "control: $name: $VERDICT: $WHY"
	done
	rm -rf "$WORK/must_not"
}

# must_break HOW CASE...: a map by HOW (of what is not zero, or of today's
# kinds) does not pass the same test; else the test tests nothing.
must_break() {
	local how=$1 name dir=$WORK/control; shift
	for name; do
		rm -rf "$dir"
		build "$name" 1 "$dir"
		map_by "$how" "$dir/image" control.bmap
		! prove "$name" "$dir/image" control.bmap || fail "$name: a map by $how passes: the test tests nothing"
		echo "control: $name by $how: $VERDICT: $WHY"
	done
	rm -rf "$dir"
}
# must_come_back CASE...: with the journal left out, a previous life comes back
# after a power cut; else reflash tests nothing.
must_come_back() {
	local name dir=$WORK/control
	for name; do
		rm -rf "$dir"
		build "$name" 1 "$dir"
		map_by nonzero "$dir/image" control.bmap
		! reflash "$name" "$dir/image" control.bmap || fail "$name: nothing comes back: the test tests nothing"
		case $WHY in *previous\ life*) ;; *) fail "$name: not a previous life: $WHY" ;; esac
		echo "control: $name without its journal: $WHY"
	done
	rm -rf "$dir"
}
