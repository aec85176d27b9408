# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Generators that are cut in the middle, on top of common.sh: what trace_cut_kill.sh and
# trace_cut_disk.sh share.  The generators are those of the garbage test; each works in mnt/CASE,
# which is data/CASE seen through the traced mount, its records in the folder records.
. "$TOOLS/garbage.sh"
. "$TOOLS/traced.sh"

# One of each kind: those that differ in an option only write in the same way.
read -ra CUT_CASES <<<"${CUT_CASES:-ext2 ext2_zero ext3 ext4_eager vfat32 btrfs xfs f2fs squashfs erofs \
	swap luks2 verity verity_apart uboot gpt_sfdisk gpt_sgdisk gpt_parted mbr_parted raw_zeros genimage \
	qemu_all qemu_into qemu wic loop_ext4 loop_xfs loop_btrfs loop_vfat loop_ext4_trimmed loop_xfs_trimmed}"

# cut_cases: those that this kernel can mount.
cut_cases() {
	local name of
	for name in "${CUT_CASES[@]}"; do
		of=${name#loop_}
		case $name in
		loop_ext4*) ;;
		loop_*) kernel_has "${of%%_*}" || continue ;;
		esac
		echo "$name"
	done
}

# An ext4 that went on after errors would allocate by what it cannot read: that has crashed kernels.
EXT4_OPTIONS=errors=remount-ro
phase2_loop_ext4_trimmed() { mount_options=noinit_itable,$EXT4_OPTIONS on_loop fstrim_there; }

requires_cut() {
	local name tree
	requires_traced_folder
	requires_garbage "${CUT_CASES[@]}"
	# So that the time of a generator is its own.
	for tree in full.1 plain.1 plain.2 flat.1 flat.2; do
		tree_of "${tree%.*}" "${tree#*.}" >tree.log || fail "tree_of $tree"
	done
	mkdir data mnt records
	: >empty
	at_exit "_clear $WORK/mnt"
	# In a shell of its own: what fails there leaves it.
	at_exit "(clear_up)"
	GENERATOR=
	# shellcheck disable=SC2016 # it is looked at in the end
	at_exit '[ -z "$GENERATOR" ] || kill -9 -- "-$GENERATOR"'
	# Whatever waits for the mount no longer does when its daemon is gone.
	set -m
	(sleep 900; echo "FAIL: it hangs" >&2; kill $$; daemons | xargs -r kill -9) &
	at_exit "kill -- -$!"
	set +m
}

# wait_for, for what takes a few milliseconds: there are many mounts.
soon() {
	local i n=$(($1 * 100)); shift
	for ((i = 0; i < n; i++)); do
		if "$@"; then return 0; fi
		sleep 0.01
	done
	return 1
}
has_second_phase() { declare -F "phase2_$1" >phase2.log; }

# mount_cut CASE [NAME=VALUE...]: ./mnt, by a daemon with these in its environment, as CASE wants
# punches treated.  (mount_traced would note one more thing to clear away each time.)
mount_cut() {
	local name=$1 punch=refuse; shift
	! has_second_phase "$name" || punch=forget
	env "$@" "$BMAPFS" -f "--punch=$(of_case punch "$name" $punch)" --trace=records data mnt \
		>mount.stdout 2>mount.log </dev/null &
	DAEMON=$!
	soon 20 _mounted_or_gone mnt $DAEMON
	is_mounted mnt || fail "$name: not mounted: $(cat mount.log)"
}
unmount_cut() {
	timeout -k 5 20 umount mnt 2>unmount.stderr || fail "$1: unmounting: $(cat unmount.stderr)"
	soon 20 _gone "$DAEMON" || fail "$1: the daemon is left after unmounting"
	wait "$DAEMON" || fail "$1: the daemon ended with $?: $(cat mount.log)"
}

# ---- generators ----

# prepare CASE: an empty mnt/CASE; where the second phase is what will be cut, the first one in it.
prepare() {
	rm -rf "mnt/$1"
	mkdir "mnt/$1" || fail "$1: no folder"
	if has_second_phase "$1"; then
		start_generator "$1" "gen_$1"
		await_generator "$1"
		[ -e generator.end ] || fail "$1: the first phase failed: $(tail -n 5 generator.log)"
	fi
	: >prepared
}
# start_generator CASE [FUNCTION]: $GENERATOR is its process and its group of processes.  When it
# was successful the file generator.end holds the time.  (set -e holds unless this is called in a
# condition, as in garbage.sh.)
start_generator() {
	local name=$1 what=gen_$1
	! has_second_phase "$name" || what=phase2_$name
	what=${2:-$what}
	rm -f generator.end
	STARTED=${EPOCHREALTIME/./}
	set -m
	(
		set -e
		case $name in loop_ext4*) mount_options=$EXT4_OPTIONS ;; esac
		cd "mnt/$name"
		"$what"
		echo "${EPOCHREALTIME/./}" >"$WORK/generator.end"
	) >generator.log 2>&1 </dev/null &
	GENERATOR=$!
	set +m
}
# await_generator CASE: it may fail, but not hang.
await_generator() {
	if ! soon 60 _gone "$GENERATOR"; then
		kill -9 -- "-$GENERATOR"
		fail "$1: the generator hangs: $(tail -n 5 generator.log)"
	fi
	wait "$GENERATOR" 2>wait.log
	GENERATOR=
}

# give_up: filesystems on loop devices whose file is dead are told so, before they work with what
# they cannot read (FS_IOC_SHUTDOWN; btrfs has none, and stops by itself).
give_up() {
	"$PY" - "$WORK/loop." <<-'END'
	import fcntl, os, struct, sys
	for line in open("/proc/self/mounts"):
	    point = line.split()[1]
	    if point.startswith(sys.argv[1]):
	        try:
	            fcntl.ioctl(os.open(point, os.O_RDONLY), 0x8004587d, struct.pack("I", 2))
	        except OSError:
	            pass
	END
}
# clear_up: what is mounted or attached because a generator could not end; nothing waits for a dead
# file for long.
clear_up() {
	local point loop file
	awk -v w="$WORK/loop." 'index($2, w) == 1 { print $2 }' /proc/self/mounts | while read -r point; do
		timeout -k 1 20 umount "$point" || timeout -k 1 20 umount -l "$point"
	done 2>clear.log
	our_loops | while read -r loop; do timeout -k 1 20 losetup -d "$loop"; done 2>>clear.log
	# They are detached in the background, and hold the file open until then.
	soon 20 no_loops || fail "loop devices are left: $(losetup -l): $(cat clear.log)"
}
# Devices with a file of the mount, which may be dead.
our_loops() { losetup -n -O NAME,BACK-FILE | awk -v w="$WORK/mnt/" 'index($2, w) == 1 { print $1 }'; }
# shellcheck disable=SC2317 # called by soon
no_loops() { [ -z "$(our_loops)" ]; }

# ---- afterwards ----

# all_covered CASE [stored]: in each file of data/CASE the blocks that are not as before, when all
# were zeros, are written or zeroed, says its record; $BLOCKS is their number.  With stored, so are
# all that the filesystem stores: zeros that were written (tmpfs, where it stores single blocks).
all_covered() {
	BLOCKS=$("$PY" -B - "$TOOLS" empty records "data/$1" "${2:-}" <<-'END'
	import io, os, sys
	tools, empty, records, folder, stored = sys.argv[1:]
	# It is a program and does something when it is imported: it counts the facts of no record.
	sys.argv[1:] = ["counts", empty]
	sys.stdout, stdout = io.StringIO(), sys.stdout
	sys.path.insert(0, tools)
	import trace_record
	sys.stdout = stdout
	changed = 0
	for parent, _, names in os.walk(folder):
	    for name in names:
	        path = os.path.join(parent, name)
	        if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) == 0:
	            continue
	        record = trace_record.find(path, records)
	        changed += int(trace_record.covered(empty, path, record).split()[0])
	        if stored:
	            said = {n for n, byte in trace_record.facts(record).items() if byte & 3}
	            for at, data in trace_record.chunks(path):
	                for n in range(at // 4096, (at + len(data) + 4095) // 4096):
	                    if n not in said:
	                        sys.exit("%s: block %d is stored, and not in the record" % (path, n))
	print(changed)
	END
	) || fail "$1: the record says too little"
}

# goes_on CASE: in the mount after the one that was cut, the largest file of data/CASE can be read
# and written, and a new one made.  A mount may refuse what was changed behind its back; but here
# all changes came through a daemon, which says in a record that it is in use before it goes on.
goes_on() {
	local name=$1 file size at
	read -r size file < <(find "data/$name" -type f -size +0 -printf '%s %P\n' | sort -rn)
	if [ -n "$size" ]; then
		at=$((size / 8192))
		head -c 4096 /dev/urandom >block
		dd if=block of="mnt/$name/$file" bs=4096 seek=$at conv=notrunc,fsync 2>dd.stderr ||
			fail "$name: $file cannot be written: $(cat dd.stderr mount.log)"
		# cmp alone would ask for 4 KiB at a time.
		dd if="mnt/$name/$file" bs=1M status=none | cmp - "data/$name/$file" >&2 ||
			fail "$name: $file is another one in the mount"
		cmp -n 4096 -i $((at * 4096)):0 "data/$name/$file" block >&2 || fail "$name: $file was not written"
	fi
	echo hello >"mnt/$name/after" || fail "$name: no new file: $(cat mount.log)"
	[ "$(cat "mnt/$name/after")" = hello ] || fail "$name: another new file"
	all_covered "$name"
}
