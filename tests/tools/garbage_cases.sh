# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The cases of the garbage test, a generator each.  CASE stands for
#
#   needs_CASE            the commands that it takes
#   gen_CASE              makes the file `image` in the current folder, which may be a traced one, from
#                         the files of generation $GEN; nothing but the files differs between generations
#   check_CASE TARGET IMAGE   the target is a whole and right one, also after something was written
#                         there; else bad SENTENCE.  IMAGE is what was copied
# and if there is something to it:
#   age_CASE IMAGE        uses another generation's image, so that journals and tables are not fresh
#   latent_CASE TARGET    what the checker does not look at today
#   reflash_CASE          says the checker to run after a power cut: see reflash in garbage.sh
#   phase2_CASE           works on the image in the folder when it is mounted again, granting punches
#   punch_CASE            how the folder treats punches, if they are not refused
#   policy_CASE           options of create --trace
#   varies_CASE           two builds on one host differ in their blocks
#   floor_CASE            a case that makes the same image, and maps only what is needed
#   about_CASE            what docs/exactness.md calls it
#
# Everything is as fixed as the tools let it be, so that two builds differ in nothing that decides
# about blocks.
# shellcheck disable=SC2034,SC2317 # used and called by name, in garbage.sh
# shellcheck disable=SC2015 # A && B || bad: that is meant
CASES=()
# One UUID for all generations of one run, but no two runs at a time with the same: the kernel mounts no two
# of xfs, and mkfs.btrfs looks at all loop devices for it.
UUID=${GARBAGE_UUID:-$(printf '5aa5c3d2-7b1e-4c53-9c1b-%011xb' $$)}
HASH_SEED=5aa5c3d2-7b1e-4c53-9c1b-0123456789ab
GEN=1
export E2FSPROGS_FAKE_TIME=1700000000 SOURCE_DATE_EPOCH=1700000000

# ---- what several have in common ----

# same_files FOLDER KIND FIELDS: the files of generation 1, as garbage.py lists them.
same_files() {
	gpy list "$1" "$3" >"$WORK/files.got" 2>"$WORK/check.log" || bad "reading the files: $(said)" || return
	[ -s "$WORK/files.$2.$3" ] || gpy list "$(tree_of "$2" 1)" "$3" >"$WORK/files.$2.$3" || fail "listing"
	same_lists "$WORK/files.$2.$3" "$WORK/files.got"
}
same_lists() {
	diff "$1" "$2" >"$WORK/check.log" || bad "the files differ: $(grep -c '^[<>]' "$WORK/check.log") lines: $(said)"
}

# check_mounted TARGET KIND FIELDS CHECKER: the checker, the files, writing, the checker and the files.
check_mounted() {
	local target=$1 kind=$2 fields=$3 checker=$4 at=$WORK/check.mnt status=0
	mkdir -p "$at"
	"$checker" "$target" || return
	quiet mount -o loop "$target" "$at" || bad "mount: $(said)" || return
	same_files "$at" "$kind" "$fields" && write_there "$at" && gpy list "$at" "$fields" >"$WORK/files.written" ||
		status=1
	umount "$at" || fail "unmounting the target"
	[ "$status" = 0 ] || return
	"$checker" "$target" || bad "after writing to it: $WHY" || return
	quiet mount -o loop,ro "$target" "$at" || bad "the second mount: $(said)" || return
	gpy list "$at" "$fields" >"$WORK/files.got" 2>&1
	umount "$at" || fail "unmounting the target"
	same_lists "$WORK/files.written" "$WORK/files.got" || bad "after writing to it: $WHY"
}
write_there() {
	quiet cp -a "$(tree_of plain 2)" "$1/new" && sync -f "$1" && quiet rm -r "$1/large" "$1/new/small/g2-00"* &&
		quiet dd if="$1/new/program" of="$1/empty" bs=1 status=none && quiet touch "$1/a/b/c/touched" &&
		sync -f "$1" || bad "writing to it: $(said)"
}
# age_mounted IMAGE: written to and partly deleted again, in several transactions.
age_mounted() {
	local at=$WORK/age.mnt i
	mkdir -p "$at"
	quiet mount -o loop "$1" "$at" || bad "mount: $(said)" || return
	for i in 1 2 3 4; do
		cp -a "$(tree_of plain 2)/small" "$at/aged-$i" 2>/dev/null
		sync -f "$at"
		[ "$i" != 3 ] || rm -r "$at/aged-1" "$at/aged-2"
	done
	umount "$at" || fail "unmounting"
}

# part_of TARGET OFFSET SIZE FILE (bytes)
part_of() { dd if="$1" of="$4" bs=1M iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none; }

# on_loop COMMAND...: with `image` attached as $LOOP_DEVICE and mounted at ./mnt of a folder outside; what
# was written is in the image afterwards.  For generators: set -e holds.
on_loop() {
	POINT=$(mktemp -d "$WORK/loop.XXXXXX")
	LOOP_DEVICE=$(losetup --show -f image)
	trap 'umount "$POINT"; losetup -d "$LOOP_DEVICE"' EXIT
	mount -o "${mount_options:-defaults}" "$LOOP_DEVICE" "$POINT"
	"$@"
	umount "$POINT"
	losetup -d "$LOOP_DEVICE"
	# Detached in the background: the file is closed when nobody lists it.
	while [ -n "$(losetup -n -j image)" ]; do sleep 0.05; done
	trap - EXIT
	rmdir "$POINT"
}
copy_in() { cp -a "$(tree_of full "$GEN")/." "$POINT"; sync -f "$POINT"; }
# The way of build systems that install and clean up: half of what was written goes again.
copy_and_delete() {
	mkdir "$POINT/build"
	cp -a "$(tree_of plain 2)" "$POINT/build/1"; cp -a "$(tree_of plain 2)" "$POINT/build/2"
	sync -f "$POINT"
	cp -a "$(tree_of full "$GEN")/." "$POINT"
	rm -r "$POINT/build"
	sync -f "$POINT"
	# Refused where punches are.
	fstrim "$POINT" || true
}

# ---- ext2, ext3, ext4 ----

# make_ext SIZE OPTION...: EXT_E are further extended options.
make_ext() {
	truncate -s "$1" image; shift
	mke2fs -q -F -U "$UUID" -E "hash_seed=$HASH_SEED${EXT_E:+,$EXT_E}" -d "$(tree_of full "$GEN")" "$@" image
}
fsck_ext() { quiet e2fsck -fn "$1" || bad "e2fsck: $(said)"; }
check_ext() { check_mounted "$1" full mode,owner,mtime,xattr,links,device fsck_ext; }
latent_ext() { gpy itables "$1" "${2:-0}" >"$WORK/check.log" 2>&1 || bad "trusted zeros: $(said)"; }

# define_ext NAME EXT_E OPTION...
define_ext() {
	local name=$1
	eval "needs_$name='mke2fs e2fsck'
	gen_$name() { EXT_E=$2 make_ext ${*:3}; }
	check_$name() { check_ext \"\$1\"; }
	latent_$name() { latent_ext \"\$1\"; }
	age_$name() { age_mounted \"\$1\"; }"
	case $name in
	ext2*) ;;
	*) eval "reflash_$name() { echo fsck_ext; }" ;;
	esac
}
# 1 KiB blocks, groups of 8 MiB: mke2fs's own choice for small ones.
define_ext ext2 '' 24M -t ext2
define_ext ext2_nodiscard nodiscard 24M -t ext2
define_ext ext2_4k '' 32M -t ext2 -b 4096 -g 2048
define_ext ext3 '' 24M -t ext3
define_ext ext3_nodiscard nodiscard 24M -t ext3
define_ext ext4 '' 24M -t ext4
define_ext ext4_nodiscard nodiscard 24M -t ext4
define_ext ext4_4k '' 32M -t ext4 -b 4096 -g 2048
define_ext ext4_nocsum '' 24M -t ext4 -O '^metadata_csum'
define_ext ext4_bare '' 24M -t ext4 -O '^metadata_csum,^uninit_bg'
define_ext ext4_eager lazy_itable_init=0,lazy_journal_init=0 24M -t ext4
define_ext ext4_eager_nodiscard lazy_itable_init=0,lazy_journal_init=0,nodiscard 24M -t ext4

# The other ways to treat punches: mke2fs relies on the zeros of what it punches, so they may not be
# forgotten.
define_ext ext2_forget '' 24M -t ext2
define_ext ext2_zero '' 24M -t ext2
define_ext ext4_forget '' 24M -t ext4
punch_ext2_forget=forget punch_ext4_forget=forget punch_ext2_zero=zero
floor_ext2_zero=ext2

# ---- vfat ----

define_vfat() {
	eval "needs_$1='mkfs.vfat mcopy mdel fsck.vfat'
	gen_$1() { make_vfat ${*:2}; }
	check_$1() { check_vfat \"\$1\"; }
	age_$1() { age_vfat \"\$1\"; }"
}
make_vfat() {
	truncate -s "$1" image; shift
	mkfs.vfat --invariant "$@" image
	mcopy -s -m -i image "$(tree_of flat "$GEN")"/* ::
}
# Deleted entries and clusters of files that are gone.
age_vfat() {
	quiet mcopy -s -m -i "$1" "$(tree_of flat 2)/large" ::/aged && quiet mdeltree -i "$1" ::/aged ::/small || bad "$(said)"
}
fsck_vfat() { quiet fsck.vfat -n "$1" || bad "fsck.vfat: $(said)"; }
files_vfat() {
	rm -rf "$WORK/vfat.files"; mkdir "$WORK/vfat.files"
	quiet mcopy -s -n -i "$1" '::*' "$WORK/vfat.files" || bad "mcopy: $(said)"
}
check_vfat() {
	fsck_vfat "$1" && files_vfat "$1" && same_files "$WORK/vfat.files" flat "" || return
	quiet mcopy -s -i "$1" "$(tree_of flat 2)/zeros" ::/new && quiet mcopy -i "$1" "$(tree_of flat 2)/program" ::/again &&
		quiet mdel -i "$1" ::/large/g1-0.bin || bad "writing to it: $(said)" || return
	fsck_vfat "$1" && files_vfat "$1" || bad "after writing to it: $WHY" || return
	quiet diff -r "$(tree_of flat 2)/zeros" "$WORK/vfat.files/new" || bad "after writing to it: $(said)"
}
define_vfat vfat12 6M -F 12 -s 8 -n GARBAGE
define_vfat vfat16 24M -F 16 -s 2 -n GARBAGE
define_vfat vfat32 40M -F 32 -s 1 -n GARBAGE

# ---- btrfs ----

needs_btrfs='mkfs.btrfs btrfs'
gen_btrfs() {
	truncate -s 128M image
	loops_settled
	mkfs.btrfs -q -U "$UUID" --rootdir "$(tree_of full "$GEN")" image
}
fsck_btrfs() { quiet btrfs check --readonly --check-data-csum "$1" || bad "btrfs check: $(said)"; }
check_btrfs() {
	kernel_has btrfs || { fsck_btrfs "$1" && restore_btrfs "$1"; return; }
	# --rootdir of btrfs-progs 6.2 keeps neither links nor the numbers of devices.
	check_mounted "$1" full mode,owner,mtime,xattr fsck_btrfs
}
restore_btrfs() {
	rm -rf "$WORK/btrfs.files"; mkdir "$WORK/btrfs.files"
	quiet btrfs restore -iSmx "$1" "$WORK/btrfs.files" || bad "btrfs restore: $(said)" || return
	same_files "$WORK/btrfs.files" full ""
}
age_btrfs() { age_mounted "$1"; }
reflash_btrfs() { echo fsck_btrfs; }

# ---- xfs ----

# mkfs.xfs below 300 MiB, as its own tests make them.
small_xfs() { TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1 mkfs.xfs -q -m "uuid=$UUID" "$@"; }
needs_xfs='mkfs.xfs xfs_repair'
gen_xfs() {
	truncate -s 64M image
	gpy protofile "$(tree_of plain "$GEN")" >"$WORK/protofile.$GEN"
	small_xfs -p "$WORK/protofile.$GEN" image
}
fsck_xfs() { quiet xfs_repair -n "$1" || bad "xfs_repair: $(said)"; }
check_xfs() { check_mounted "$1" plain mode fsck_xfs; }
age_xfs() { age_mounted "$1"; }
reflash_xfs() { echo fsck_xfs; }

# ---- f2fs: this kernel may have none, so the tools read it ----

needs_f2fs='mkfs.f2fs sload.f2fs fsck.f2fs dump.f2fs'
gen_f2fs() {
	truncate -s 100M image
	mkfs.f2fs -q -f -r -U "$UUID" -T 1700000000 image
	sload.f2fs -P -T 1700000000 -f "$(tree_of plain "$GEN")" image
}
fsck_f2fs() {
	local status=0 wrong
	quiet fsck.f2fs --dry-run "$1" || status=$?
	wrong=$(grep -aE '\[Fail\]|ASSERT|\[FIX\]|corrupted$' "$WORK/check.log" | head -n 3)
	[ "$status$wrong" = 0 ] || bad "fsck.f2fs: status $status: $wrong"
}
# files_f2fs IMAGE TREE PREFIX: the names and each file of TREE by its inode.
files_f2fs() {
	fsck.f2fs -t "$1" >"$WORK/f2fs.list" 2>&1 </dev/null
	"$PY" "$TOOLS/f2fs_files.py" "$1" "$WORK/f2fs.list" "$2" "${3:-}" >"$WORK/check.log" 2>&1 || bad "the files differ: $(said)"
}
check_f2fs() {
	fsck_f2fs "$1" && files_f2fs "$1" "$(tree_of plain 1)" || return
	[ -d "$WORK/f2fs.more" ] || { mkdir "$WORK/f2fs.more" && cp -a "$(tree_of plain 2)" "$WORK/f2fs.more/new"; }
	quiet sload.f2fs -P -f "$WORK/f2fs.more" "$1" || bad "writing to it: $(said)" || return
	fsck_f2fs "$1" && files_f2fs "$1" "$(tree_of plain 2)" new && files_f2fs "$1" "$(tree_of plain 1)" || bad "after writing to it: $WHY"
}

# ---- squashfs, erofs ----

needs_squashfs='mksquashfs unsquashfs'
gen_squashfs() { mksquashfs "$(tree_of full "$GEN")" image -noappend -quiet -no-progress -processors 1 "$@"; }
files_squashfs() {
	rm -rf "$WORK/squashfs.files"
	quiet unsquashfs -n -q -d "$WORK/squashfs.files" "$1" || bad "unsquashfs: $(said)" || return
	same_files "$WORK/squashfs.files" full mode,owner,mtime,xattr,links,device
}
read_mounted() {
	local at=$WORK/check.mnt status
	kernel_has "$2" || return 0
	mkdir -p "$at"
	quiet mount -o loop,ro "$1" "$at" || bad "mount: $(said)" || return
	same_files "$at" full mode,owner,mtime,xattr,links,device
	status=$?
	umount "$at" || fail "unmounting"
	return "$status"
}
check_squashfs() { files_squashfs "$1" && read_mounted "$1" squashfs; }
needs_squashfs_raw=$needs_squashfs
gen_squashfs_raw() { gen_squashfs -noI -noD -noF -noX; }
check_squashfs_raw() { check_squashfs "$1"; }

needs_erofs='mkfs.erofs fsck.erofs'
gen_erofs() { mkfs.erofs --quiet -T 1700000000 -U "$UUID" "$@" image "$(tree_of full "$GEN")"; }
check_erofs() {
	quiet fsck.erofs --extract="$WORK/erofs.files" --overwrite --preserve "$1" || bad "fsck.erofs: $(said)" || return
	same_files "$WORK/erofs.files" full owner || return
	rm -rf "$WORK/erofs.files"
	read_mounted "$1" erofs
}
needs_erofs_lz4=$needs_erofs
gen_erofs_lz4() { gen_erofs -zlz4hc; }
check_erofs_lz4() { check_erofs "$1"; }

# ---- swap, LUKS, verity, U-Boot, zeros ----

needs_swap='mkswap swaplabel'
gen_swap() { truncate -s 4M image; chmod 600 image; mkswap -q -U "$UUID" -L "garbage$GEN" image; }
check_swap() {
	local loop
	chmod 600 "$1"
	quiet swaplabel "$1" || bad "swaplabel: $(said)" || return
	grep -q garbage1 "$WORK/check.log" || bad "another label: $(said)" || return
	loop=$(losetup --show -f "$1") || fail "losetup"
	if quiet swapon "$loop"; then swapoff "$loop" || fail "swapoff"; else bad "swapon: $(said)"; fi
	set -- $?
	losetup -d "$loop"
	return "$1"
}

# No device mapper is needed: keys are tried, and what stands for encrypted data is compared.
define_luks() {
	eval "needs_$1='cryptsetup'
	gen_$1() { make_luks ${*:2}; }
	check_$1() { check_luks \"\$@\"; }"
}
luks_quick='--pbkdf pbkdf2 --pbkdf-force-iterations 1000'
make_luks() {
	truncate -s 24M image
	printf 'first %s' "$GEN" >key.1; printf 'second %s' "$GEN" >key.2
	# shellcheck disable=SC2086 # words are meant
	cryptsetup -q luksFormat "$@" --uuid "$UUID" $luks_quick image key.1
	# shellcheck disable=SC2086
	cryptsetup -q luksAddKey $luks_quick --key-file key.1 image key.2
	gpy fill cipher 1048576 "cipher $GEN"
	dd if=cipher of=image bs=1M seek=20 conv=notrunc status=none
}
check_luks() {
	local folder=${2%/*} key
	for key in 1 2; do
		quiet cryptsetup luksOpen --test-passphrase --key-file "$folder/key.$key" "$1" || bad "key $key: $(said)" || return
	done
	quiet cryptsetup luksDump "$1" || bad "luksDump: $(said)" || return
	cmp -i 20971520:0 -n 1048576 "$1" "$folder/cipher" || bad "the data differ" || return
	printf 'third' >"$WORK/key.3"
	# shellcheck disable=SC2086
	quiet cryptsetup -q luksAddKey $luks_quick --key-file "$folder/key.1" "$1" "$WORK/key.3" || bad "adding a key: $(said)" || return
	for key in "$folder/key.1" "$folder/key.2" "$WORK/key.3"; do
		quiet cryptsetup luksOpen --test-passphrase --key-file "$key" "$1" || bad "key ${key##*.} after adding one: $(said)" || return
	done
}
define_luks luks1 --type luks1
define_luks luks2 --type luks2

# Data and hash tree in one image; the data are a squashfs with zeros in it.
verity_options="--uuid=$UUID --salt=5aa5c3d27b1e4c53"
needs_verity='veritysetup mksquashfs unsquashfs'
gen_verity() {
	gen_squashfs_raw
	make_verity image
}
make_verity() {
	local size
	size=$(stat -c %s image)
	# shellcheck disable=SC2086 # words are meant
	veritysetup format $verity_options --data-blocks=$((size / 4096)) --hash-offset="$size" image image |
		awk '/^Root hash/ { print $3 }' >root-hash
	echo "$size" >data-size
	[ -s root-hash ]
}
verify_verity() {
	local folder=${2%/*}
	quiet veritysetup verify --hash-offset="$(cat "$folder/data-size")" "$1" "$1" "$(cat "$folder/root-hash")" ||
		bad "veritysetup verify: $(said)"
}
check_verity() { verify_verity "$@" && check_squashfs "$1"; }
# The data are an ext4: the hashes are of its untouched blocks, too.
needs_verity_ext4='veritysetup mke2fs e2fsck'
gen_verity_ext4() { EXT_E='' make_ext 24M -t ext4; make_verity image; }
check_verity_ext4() { verify_verity "$@" && check_ext "$1"; }

# The hash tree in a file of its own: veritysetup reads the data while nobody writes to them, so only
# the strict policy knows that they are relied on.
policy_verity_apart=--trace-policy=strict
needs_verity_apart=$needs_verity_ext4
gen_verity_apart() {
	EXT_E='' make_ext 24M -t ext4
	# shellcheck disable=SC2086
	veritysetup format $verity_options image hashes | awk '/^Root hash/ { print $3 }' >root-hash
	[ -s root-hash ]
}
needs_verity_apart_safe=$needs_verity_apart
gen_verity_apart_safe() { gen_verity_apart; }
check_verity_apart_safe() { check_verity_apart "$@"; }
check_verity_apart() {
	local folder=${2%/*}
	quiet veritysetup verify "$1" "$folder/hashes" "$(cat "$folder/root-hash")" || bad "veritysetup verify: $(said)" || return
	check_ext "$1"
}

# An environment at 4 MiB, and its redundant twin that is zeros until it is first saved.
needs_uboot='mkenvimage'
gen_uboot() {
	truncate -s 8M image
	printf 'bootdelay=2\nbootcmd=run mmc%s\n' "$GEN" | mkenvimage -s 0x10000 -p 0x00 -o env -
	dd if=env of=image bs=64K seek=64 conv=notrunc status=none
	dd if=/dev/zero of=image bs=64K seek=65 count=1 conv=notrunc status=none
}
check_uboot() {
	part_of "$1" 4194304 65536 "$WORK/env" && quiet "$PY" "$TOOLS/garbage.py" env "$WORK/env" || bad "the environment: $(said)" || return
	cmp -i 4194304:0 -n 65536 "$1" "${2%/*}/env" || bad "the environment differs" || return
	cmp -i 4259840:0 -n 65536 "$1" /dev/zero || bad "the zeros of the second environment are not there"
}

# ---- partition tables ----

# check_table TARGET IMAGE TOOL...
check_table() {
	local target=$1 image=$2 tool; shift 2
	for tool; do
		case $tool in
		sfdisk)
			quiet sfdisk --verify "$target" || bad "sfdisk --verify: $(said)" || return
			same_output "$target" "$image" sfdisk --dump || return
			;;
		sgdisk)
			quiet sgdisk -v "$target" || bad "sgdisk -v: $(said)" || return
			grep -q 'No problems found' "$WORK/check.log" || bad "sgdisk -v: $(said)" || return
			same_output "$target" "$image" sgdisk -p || return
			;;
		parted) same_output "$target" "$image" parted -sm || return ;;
		esac
	done
}
# same_output TARGET IMAGE COMMAND...: parted takes the file before the command.
same_output() {
	local target=$1 image=$2 after=(); shift 2
	[ "$1" != parted ] || after=(print)
	"$@" "$target" "${after[@]}" 2>&1 </dev/null | sed "s:$target:FILE:g" >"$WORK/check.1"
	"$@" "$image" "${after[@]}" 2>&1 </dev/null | sed "s:$image:FILE:g" >"$WORK/check.2"
	[ -s "$WORK/check.1" ] && diff "$WORK/check.2" "$WORK/check.1" >"$WORK/check.log" || bad "$1 says another thing: $(said)"
}

needs_gpt_sfdisk='sfdisk sgdisk parted'
gen_gpt_sfdisk() {
	truncate -s 16M image
	printf 'label: gpt\nlabel-id: %s\nstart=2048, size=%s, name=boot, uuid=%s\nsize=4096, name=root%s, uuid=%s\n' \
		"$UUID" $((GEN * 2048)) "${UUID%b}c" "$GEN" "${UUID%b}d" | sfdisk -q image
}
check_gpt_sfdisk() { check_table "$1" "$2" sfdisk sgdisk parted; }
needs_gpt_sgdisk=$needs_gpt_sfdisk
gen_gpt_sgdisk() {
	truncate -s 16M image
	sgdisk -U "$UUID" -n "1:2048:+${GEN}M" -c 1:boot -u "1:${UUID%b}c" -n 2:0:+2M -c "2:root$GEN" -u "2:${UUID%b}d" image
}
check_gpt_sgdisk() { check_table "$1" "$2" sfdisk sgdisk parted; }
needs_gpt_parted=$needs_gpt_sfdisk
gen_gpt_parted() {
	truncate -s 16M image
	parted -s image mklabel gpt mkpart boot fat32 1MiB "$((GEN + 1))MiB" mkpart "root$GEN" ext4 4MiB 8MiB
}
check_gpt_parted() { check_table "$1" "$2" sfdisk sgdisk parted; }
needs_mbr_sfdisk='sfdisk parted'
gen_mbr_sfdisk() {
	truncate -s 16M image
	printf 'label: dos\nlabel-id: 0x5aa5c3d2\nstart=2048, size=%s, type=c, bootable\nsize=10240, type=5\nsize=2048, type=83\nsize=2048, type=83\n' \
		$((GEN * 2048)) | sfdisk -q image
}
check_mbr_sfdisk() { check_table "$1" "$2" sfdisk parted; }
needs_mbr_parted=$needs_mbr_sfdisk
gen_mbr_parted() {
	truncate -s 16M image
	parted -s image mklabel msdos mkpart primary fat32 1MiB "$((GEN + 1))MiB" mkpart extended 4MiB 12MiB \
		mkpart logical ext4 5MiB 7MiB mkpart logical ext4 8MiB 9MiB
}
check_mbr_parted() { check_table "$1" "$2" sfdisk parted; }

# A partition of zeros that were written, between two that were not touched.
needs_raw_zeros='sfdisk sgdisk parted'
gen_raw_zeros() {
	gen_gpt_sfdisk
	dd if=/dev/zero of=image bs=1M seek=2 count=2 conv=notrunc status=none
}
check_raw_zeros() {
	check_table "$1" "$2" sfdisk sgdisk parted || return
	cmp -i 2097152:0 -n 2097152 "$1" /dev/zero || bad "the zeros of the second partition are not there"
}

# ---- disks with filesystems ----

# check_disk TARGET OFFSET SIZE CHECK...: the part is right.
check_part() {
	local target=$1 offset=$2 size=$3; shift 3
	part_of "$target" "$offset" "$size" "$WORK/part" || fail "dd"
	"$@" "$WORK/part" || bad "the part at $offset: $WHY"
}

needs_genimage='genimage mkdosfs mcopy mke2fs e2fsck fsck.vfat sfdisk parted debugfs'
make_genimage() {
	mkdir genimage.tmp genimage.in genimage.out
	cat >genimage.cfg <<-CFG
	image boot.vfat {
	  vfat { label = "BOOT" extraargs = "-i 5aa5c3d2 -F 16" files = { "program" } }
	  size = 16M
	  mountpoint = "/small"
	}
	image root.ext4 {
	  ext4 { use-mke2fs = true label = "root" fs-timestamp = "20231114000000"
	         extraargs = "-U $UUID -E hash_seed=$HASH_SEED" }
	  size = 24M
	}
	image disk.img {
	  hdimage { align = 1M partition-table-type = "mbr" disk-signature = 0x5aa5c3d2 }
	  partition boot { partition-type = 0xC bootable = true image = "boot.vfat" }
	  partition root { partition-type = 0x83 image = "root.ext4" }
	}
	CFG
	cp "$(tree_of flat "$GEN")/program" genimage.in
	genimage --config genimage.cfg --rootpath "$(tree_of full "$GEN")" --tmppath genimage.tmp \
		--inputpath genimage.in --outputpath genimage.out
	mv genimage.out/disk.img image
}
gen_genimage() { make_genimage; }
# starts_of DISK: start and size of its partitions in bytes, a line each.
starts_of() { sfdisk --dump "$1" | sed -nE 's/.*start= *([0-9]+), size= *([0-9]+).*/\1 \2/p' | awk '{ print $1 * 512, $2 * 512 }'; }
check_genimage() {
	local parts
	check_table "$1" "$2" sfdisk parted || return
	mapfile -t parts < <(starts_of "$1")
	# shellcheck disable=SC2086 # words are meant
	check_part "$1" ${parts[0]} check_boot && check_part "$1" ${parts[1]} check_root
}
check_boot() {
	fsck_vfat "$1" && files_vfat "$1" || return
	quiet cmp "$(tree_of flat 1)/program" "$WORK/vfat.files/program" || bad "the files differ: $(said)"
}
# genimage copies the files with cp and runs mke2fs on the copy, without what is mounted elsewhere.
check_root() {
	local at=$WORK/check.mnt status=0
	mkdir -p "$at"
	fsck_ext "$1" || return
	quiet mount -o loop "$1" "$at" || bad "mount: $(said)" || return
	mkdir -p "$at/small"
	quiet diff -r --no-dereference --exclude small --exclude lost+found --exclude null --exclude pipe \
		"$(tree_of full 1)" "$at" || bad "the files differ: $(said)" || status=1
	[ "$status" = 1 ] || write_root "$at" || status=1
	umount "$at" || fail "unmounting"
	[ "$status" = 0 ] && fsck_ext "$1"
}
write_root() { quiet cp -a "$(tree_of plain 2)" "$1/new" && sync -f "$1" || bad "writing to it: $(said)"; }
latent_genimage() {
	local parts
	mapfile -t parts < <(starts_of "$2")
	latent_ext "$1" "${parts[1]%% *}"
}
# genimage asks for the holes of its parts by FIEMAP, which no FUSE mount can answer, and then writes them
# out.  So its parts are put together once more, by a copy that asks SEEK_DATA.
floor_genimage=genimage_assembled
needs_genimage_assembled=$needs_genimage
gen_genimage_assembled() {
	local parts
	make_genimage
	mv image disk.whole
	truncate -r disk.whole image
	dd if=disk.whole of=image bs=512 count=1 conv=notrunc status=none
	mapfile -t parts < <(starts_of disk.whole)
	"$PY" "$TOOLS/filemap_copy.py" genimage.out/boot.vfat image "${parts[0]%% *}"
	"$PY" "$TOOLS/filemap_copy.py" genimage.out/root.ext4 image "${parts[1]%% *}"
}
check_genimage_assembled() { check_genimage "$@"; }
latent_genimage_assembled() { latent_genimage "$@"; }

# qemu-img: everything is written; into a file that is there; and as people call it.
define_qemu() {
	eval "needs_$1='qemu-img mke2fs e2fsck'
	gen_$1() { make_qemu $2; }
	check_$1() { check_ext \"\$1\"; }
	latent_$1() { latent_ext \"\$1\"; }
	age_$1() { age_mounted \"\$1\"; }"
}
make_qemu() {
	local source
	source=$(mktemp -d "$WORK/qemu.XXXXXX")
	(cd "$source" && EXT_E=nodiscard make_ext 24M -t ext2 && qemu-img convert -q -f raw -O qcow2 image disk.qcow2)
	case $* in -n) truncate -s 24M image ;; esac
	qemu-img convert -q -f qcow2 -O raw "$@" "$source/disk.qcow2" image
	rm -r "$source"
}
define_qemu qemu_all '-S 0'
define_qemu qemu_into -n
define_qemu qemu ''
floor_qemu_all=ext2 floor_qemu_into=ext2

# wic's way: parts beside each other, copied sparsely into the disk by a program of ours that does to
# files what wic's filemap.py does.
needs_wic='mkfs.vfat mcopy mke2fs e2fsck fsck.vfat sfdisk sgdisk parted'
gen_wic() {
	local tree
	truncate -s 26M disk.tmp
	printf 'label: gpt\nlabel-id: %s\nstart=1MiB, size=4MiB, name=boot, uuid=%s\nstart=5MiB, size=20MiB, name=root, uuid=%s\n' \
		"$UUID" "${UUID%b}c" "${UUID%b}d" | sfdisk -q disk.tmp
	truncate -s 4M boot.part
	mkfs.vfat --invariant -F 12 -n BOOT boot.part
	tree=$(tree_of flat "$GEN")
	mcopy -i boot.part "$tree/program" ::
	truncate -s 20M root.part
	mke2fs -q -F -t ext2 -U "$UUID" -E hash_seed=$HASH_SEED -d "$(tree_of full "$GEN")" root.part
	"$PY" "$TOOLS/filemap_copy.py" boot.part disk.tmp 1048576
	"$PY" "$TOOLS/filemap_copy.py" root.part disk.tmp 5242880
	mv disk.tmp image
}
check_wic() {
	check_table "$1" "$2" sfdisk sgdisk parted && check_part "$1" 1048576 4194304 check_boot &&
		check_part "$1" 5242880 20971520 check_root
}
latent_wic() { latent_ext "$1" 5242880; }

# ---- built in a mounted filesystem ----

# mkfs.btrfs refuses a UUID that a loop device has, and unmounted ones are detached in the background.
loops_settled() {
	local i
	for ((i = 0; i < 100; i++)); do
		losetup -n -O BACK-FILE | grep -F "$WORK/" | grep -qvF "$WORK/host." || return 0
		sleep 0.05
	done
}
loop_mkfs_btrfs() { loops_settled; mkfs.btrfs -q -U "$UUID" "$@"; }

# define_loop NAME SIZE FILL CHECKER TOOLS MKFS...
define_loop() {
	local name=$1 size=$2 fill=$3 checker=$4; shift 4
	eval "needs_$name='losetup fstrim $1'
	gen_$name() { truncate -s $size image; ${*:2} image; on_loop $fill; }
	check_$name() { check_mounted \"\$1\" full mode,owner,mtime,xattr,links,device fsck_$checker; }
	age_$name() { age_mounted \"\$1\"; }
	reflash_$name() { echo fsck_$checker; }
	varies_$name=yes"
	[ "$checker" != ext ] || eval "latent_$name() { latent_ext \"\$1\"; }"
}
define_loop loop_ext4 32M copy_in ext 'mke2fs e2fsck' mke2fs -q -t ext4 -U "$UUID" -E hash_seed=$HASH_SEED
define_loop loop_ext4_deleted 48M copy_and_delete ext 'mke2fs e2fsck' mke2fs -q -t ext4 -U "$UUID" -E hash_seed=$HASH_SEED
define_loop loop_xfs 64M copy_in xfs 'mkfs.xfs xfs_repair' small_xfs
define_loop loop_xfs_deleted 64M copy_and_delete xfs 'mkfs.xfs xfs_repair' small_xfs
define_loop loop_btrfs 128M copy_in btrfs 'mkfs.btrfs btrfs' loop_mkfs_btrfs
define_loop loop_btrfs_deleted 128M copy_and_delete btrfs 'mkfs.btrfs btrfs' loop_mkfs_btrfs
# Deleted data in two phases: built while punches are refused, trimmed while they are granted.
# noinit_itable: the kernel initialises tables by what arrives as punches, too.
define_trimmed() {
	local name=$1 of=$2 options=$3
	eval "needs_$name=\$needs_$of varies_$name=yes floor_$of=$name
	gen_$name() { gen_$of; }
	check_$name() { check_$of \"\$@\"; }
	age_$name() { age_mounted \"\$1\"; }
	reflash_$name() { reflash_$of; }
	phase2_$name() { mount_options=$options on_loop fstrim_there; }"
	! declare -F "latent_$of" >/dev/null || eval "latent_$name() { latent_$of \"\$@\"; }"
}
fstrim_there() { fstrim "$POINT"; }
define_trimmed loop_ext4_trimmed loop_ext4_deleted noinit_itable
define_trimmed loop_xfs_trimmed loop_xfs_deleted defaults
define_trimmed loop_btrfs_trimmed loop_btrfs_deleted defaults

# Few kernels of test machines have it.
define_loop loop_vfat 40M copy_in_flat vfat 'mkfs.vfat fsck.vfat mcopy mdel' mkfs.vfat --invariant -F 32 -s 1
copy_in_flat() {
	cp -r "$(tree_of flat 2)" "$POINT/build"; sync -f "$POINT"
	cp -r "$(tree_of flat "$GEN")/." "$POINT"; rm -r "$POINT/build"; sync -f "$POINT"
	fstrim "$POINT" || true
}
check_loop_vfat() { check_vfat "$1"; }
age_loop_vfat() { age_vfat "$1"; }
unset -f reflash_loop_vfat

# ---- all of them, as docs/exactness.md calls them ----

while IFS='|' read -r _case _about; do
	CASES+=("$_case")
	declare "about_$_case=$_about"
done <<-'LIST'
	ext2|mke2fs -t ext2 -d
	ext2_nodiscard|mke2fs -t ext2 -E nodiscard -d
	ext2_forget|mke2fs -t ext2 -d, --punch=forget
	ext2_zero|mke2fs -t ext2 -d, --punch=zero
	ext2_4k|mke2fs -t ext2 -b 4096 -d
	ext3|mke2fs -t ext3 -d
	ext3_nodiscard|mke2fs -t ext3 -E nodiscard -d
	ext4|mke2fs -t ext4 -d
	ext4_nodiscard|mke2fs -t ext4 -E nodiscard -d
	ext4_forget|mke2fs -t ext4 -d, --punch=forget
	ext4_4k|mke2fs -t ext4 -b 4096 -d
	ext4_nocsum|mke2fs -t ext4 -O ^metadata_csum -d
	ext4_bare|mke2fs -t ext4 -O ^metadata_csum,^uninit_bg -d
	ext4_eager|mke2fs -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 -d
	ext4_eager_nodiscard|the same with nodiscard
	vfat12|mkfs.vfat -F 12, mcopy
	vfat16|mkfs.vfat -F 16, mcopy
	vfat32|mkfs.vfat -F 32, mcopy
	btrfs|mkfs.btrfs --rootdir
	xfs|mkfs.xfs -p
	f2fs|mkfs.f2fs, sload.f2fs
	squashfs|mksquashfs
	squashfs_raw|mksquashfs -noI -noD -noF -noX
	erofs|mkfs.erofs
	erofs_lz4|mkfs.erofs -zlz4hc
	swap|mkswap
	luks1|cryptsetup luksFormat --type luks1, data
	luks2|cryptsetup luksFormat --type luks2, data
	verity|veritysetup format behind a squashfs
	verity_ext4|veritysetup format behind an ext4
	verity_apart|an ext4, its hash tree in another file (strict policy)
	verity_apart_safe|the same (safe policy)
	uboot|U-Boot environments (mkenvimage; zeros)
	gpt_sfdisk|GPT, sfdisk
	gpt_sgdisk|GPT, sgdisk
	gpt_parted|GPT, parted
	mbr_sfdisk|MBR, sfdisk
	mbr_parted|MBR, parted
	raw_zeros|a partition of zeros, dd
	genimage|genimage: MBR, vfat, ext4
	genimage_assembled|the same, parts put together by SEEK_DATA
	qemu_all|qemu-img convert -S 0
	qemu_into|qemu-img convert -n
	qemu|qemu-img convert
	wic|wic's way: GPT, vfat, ext2
	loop_ext4|mkfs.ext4, loop, mount, cp -a
	loop_ext4_deleted|the same, other files deleted, fstrim
	loop_ext4_trimmed|the same, fstrim again with --punch=forget
	loop_xfs|mkfs.xfs, loop, mount, cp -a
	loop_xfs_deleted|the same, other files deleted, fstrim
	loop_xfs_trimmed|the same, fstrim again with --punch=forget
	loop_btrfs|mkfs.btrfs, loop, mount, cp -a
	loop_btrfs_deleted|the same, other files deleted, fstrim
	loop_btrfs_trimmed|the same, fstrim again with --punch=forget
	loop_vfat|mkfs.vfat, loop, mount, cp, some deleted
LIST
