#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes docs/exactness.md: every case of the garbage test with today's maps (SEEK_HOLE and FIEMAP, the
# folder on a plain ext4) and with the traced folder's, and what the test says of each.
#
#   tests/tools/exactness.sh [-o FILE] [CASE...]     as root; BMAPTOOL and BMAPFS name the programs
. "${0%/*}/../e2e/common.sh" || exit 99
GARBAGE_UUID=5aa5c3d2-7b1e-4c53-9c1b-0123456789ab
. "$TOOLS/garbage.sh"
requires_loop
requires_trace

output=/dev/stdout
if [ "${1:-}" = -o ]; then output=$2; shift 2; case $output in /*) ;; *) output=$OLDPWD/$output ;; esac; fi
[ $# -gt 0 ] || set -- "${CASES[@]}"
rows=$WORK/rows notes=$WORK/notes left_out=$WORK/left-out
: >"$rows"; : >"$notes"; : >"$left_out"

# possible CASE: else the reason.
possible() {
	local needs=needs_$1 command
	for command in ${!needs}; do
		command -v "$command" >/dev/null || { echo "needs $command"; return 1; }
	done
	case $1 in
	loop_*) command=${1#loop_}; command=${command%%_*}; kernel_has "$command" || { echo "the kernel has no $command"; return 1; } ;;
	esac
}

# judge CASE HOW IMAGE MAP: "12345 ok" for the table; what is wrong goes into the notes.
judge() {
	local name=$1 how=$2 image=$3 map=$4 mapped
	read -r _ mapped < <(gpy count "$map")
	if ! prove "$name" "$image" "$map"; then
		printf '%s\n' "- \`$name\`, $how: **$VERDICT**, $(one_line "$WHY")" >>"$notes"
		VERDICT="**$VERDICT**"
	fi
	echo "$name $mapped ${VERDICT//[* ]/}" >>"$WORK/verdicts.$how"
	CELL="$mapped $VERDICT"
}
one_line() { tr '\n' ' ' <<<"${1//$WORK\//}" | sed -E 's/prove\.[a-z0-9_]*\///g; s/;+/; /g; s/ +/ /g; s/[; ]+$//; s/\|/ /g'; }

requires_garbage
for name; do
	if why=$(possible "$name"); then names+=("$name"); else echo "- \`$name\`: $why" >>"$left_out"; fi
done

host_up ext4
folder=$WORK/host/ext4
mkdir "$folder/plain"
build_traced "$folder/traced" "${names[@]}"
for name in "${names[@]}"; do
	build "$name" 1 "$folder/plain/$name"
	! declare -F "phase2_$name" >/dev/null || in_folder "$name" "$folder/plain/$name" "phase2_$name"
	image=$folder/plain/$name/image
	row="| \`$name\` | $(of_case about "$name") | $((($(stat -c %s "$image") + 4095) / 4096)) | $(gpy count-nonzero "$image") |"
	for how in seek fiemap; do
		map_by $how "$image" "$WORK/$how.bmap"
		judge "$name" $how "$image" "$WORK/$how.bmap"
		row+=" $CELL |"
	done
	judge "$name" trace "$folder/traced/$name/image" "$folder/traced.maps/$name"
	echo "$row $CELL |" >>"$rows"
	echo "$row $CELL |" >&2
	rm -rf "${folder:?}/plain/$name" "$WORK/stale/$name"
done

# Right, but of more blocks than are needed: 32 and a tenth more than another right map of it, or than the
# case that shows how few they are.
fewest() {
	awk -v name="$1" '$1 == name && $3 == "ok" { print $2 }' "$WORK/verdicts.seek" "$WORK/verdicts.fiemap"
	awk -v name="$(of_case floor "$1")" '$1 == name && $3 == "ok" { print $2 }' "$WORK/verdicts.floor"
}
cp "$WORK/verdicts.trace" "$WORK/verdicts.floor"
while read -r name mapped verdict; do
	[ "$verdict" = ok ] || continue
	least=$(fewest "$name" | sort -n | head -n 1)
	[ -n "$least" ] || continue
	[ $((mapped * 10)) -gt $((least * 11)) ] || continue
	[ $((mapped - least)) -gt 32 ] || continue
	sed -i "/^| \`$name\` /s/ $mapped ok |\$/ $mapped **too much** |/" "$rows"
	printf '%s\n' "- \`$name\`, trace: **too much**, $least are enough" >>"$notes"
done <"$WORK/verdicts.trace"

version() { "$@" 2>&1 </dev/null | grep -m 1 -oE '[0-9]+\.[0-9]+[0-9.]*' | head -n 1; }
{
	cat <<-'TEXT'
	# How exact the maps are

	Made by `tests/tools/exactness.sh -o docs/exactness.md` (as root, about five minutes; with names of cases behind it,
	only those); do not edit. Each case builds an image with a real tool twice: in a plain folder on ext4 for a
	map by SEEK_HOLE and one by FIEMAP, as today's tools make them, and in a traced folder for `bmaptool create --trace`
	(punches refused, policy `safe`, unless the case says otherwise). Then each map has to pass the garbage test:

	- the image is copied with the map to a target of noise, and to one that holds another generation of the same image
	  (same UUIDs, other files, used); and every bit of unmapped blocks of the image itself is turned over;
	- the filesystem's own checker must be silent, the files must be the very files, then files are written and deleted
	  there, and both must hold again; unmapped blocks must still hold the garbage;
	- every ext group flagged ITABLE_ZEROED must have zeros in the inode table behind the inodes it uses;
	- flashed, used, flashed, used, power cut: nothing of the first life may come back.

	| verdict | |
	|---|---|
	| ok | passes all of it |
	| **broken** | the checker complains, or files are lost, on a target that was not zeros before |
	| **latent** | fine today: but inode tables trusted to be zero are not, or a journal of the card's previous life is replayed after a power cut |
	| **too much** | right, but more than 32 blocks and a tenth more than another right map of it |

	Numbers are blocks of 4096 bytes. "Not zero" is how many blocks hold something: the least that a map can have, and
	for most filesystems not enough.

	TEXT
	echo "| case | made by | blocks | not zero | SEEK_HOLE | FIEMAP | trace |"
	echo "|---|---|--:|--:|--:|--:|--:|"
	cat "$rows"
	cat <<-'TEXT'

	The map of a traced folder does not depend on the filesystem below it: the tests `tests/e2e/garbage_*.sh` make each of
	these on ext4, tmpfs, btrfs and xfs, and compare the maps block by block. Where the kernel decides by its clock where
	files go (images built in a loop mount), two builds on one host differ as well; there the map has to pass the test on
	each host. (The controls, and `loop_*_trimmed`, are built on ext4 only.)

	## Where it is not minimal, or needs a hand

	- **Punches counted as zeros** (`--punch=zero`) are right for `mke2fs`, but it begins by punching all of the file
	  (`ext2_zero`).
	- **Punches are refused** unless asked otherwise, because nobody can tell a punch that means "nobody cares" from one
	  that means "zeros, please": `mke2fs` relies on its punches (`ext2_forget`, `ext4_forget`: wrong), and the kernel
	  zeroes by punching. So what a tool punches without caring it may zero instead, and then that is mapped.
	- **genimage** asks for the holes of its parts by FIEMAP, which no FUSE mount can answer, and without an answer writes
	  every block of them: all of its disk is mapped, however punches are treated. Its parts lie beside the disk and have
	  exact maps; put together by a copy that asks SEEK_DATA, the disk has one, too (`genimage_assembled`; wic copies like
	  that by itself).
	- **What was deleted in a loop mount stays mapped**, since `fstrim` is a punch. Two phases cure it: build with punches
	  refused, mount the folder again with `--punch=forget`, the image with `-o noinit_itable`, `fstrim`, unmount
	  (`loop_*_trimmed`).
	- **Looked at by a writer**: `sfdisk`, `parted`, `mkswap`, `mkfs.f2fs` look for old signatures with the descriptor that
	  they write with, the kernel and `mcopy` read what they will not use. That is up to some hundred blocks of zeros, and
	  mapped, because such a read may as well be one that is relied on. `--trace-policy=written` leaves them out, at your
	  own risk.
	- **A new file is zeros, and some tools rely on it without a word**: `qemu-img convert` into a file that it makes itself,
	  `dd conv=sparse` and the `cp` of coreutils 8 neither write nor read the zeros of what they copy. No trace can know
	  (`qemu`: broken). Use `qemu-img convert -S 0`, or `-n` into a file that `truncate` made; plain `dd` and `cp`. Then
	  all is mapped that the source holds: exactness begins where the image is made, not where it is copied.
	- **A hash tree in a file of its own** is made by reading data that nobody has open for writing, as any reader does.
	  `safe` does not count that (`verity_apart_safe`: broken); `create --trace --trace-policy=strict` does. In one file
	  (`verity_ext4`) `safe` is enough.
	- f2fs and vfat are checked by their tools where the kernel has no driver (f2fs: `fsck.f2fs`, and files read by inode;
	  vfat: `fsck.vfat`, `mcopy`), so there is no power cut for f2fs. LUKS and dm-verity are checked in user space.

	## What was wrong

	TEXT
	cat "$notes"
	if [ -s "$left_out" ]; then
		printf '\n## Not tried here\n\n'
		cat "$left_out"
	fi
	cat <<-TEXT

	## With what

	$(date -u +%Y-%m-%d), Linux $(uname -r | cut -d- -f1), e2fsprogs $(version mke2fs -V), dosfstools $(version mkfs.vfat --help),
	mtools $(version mcopy -V), btrfs-progs $(version mkfs.btrfs --version), xfsprogs $(version mkfs.xfs -V), f2fs-tools $(version mkfs.f2fs -V),
	squashfs-tools $(version mksquashfs -version), erofs-utils $(version fsck.erofs -V), cryptsetup $(version cryptsetup --version),
	util-linux $(version sfdisk -v), gdisk $(version sgdisk -V), parted $(version parted -v), genimage $(genimage -v 2>/dev/null), qemu-img $(version qemu-img -V).
	TEXT
} >"$WORK/exactness.md"
cat "$WORK/exactness.md" >"$output"
