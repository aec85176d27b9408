#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Records that are damaged, cut, foreign, newer, or of a file that was changed behind the mount's
# back are refused, with one sentence each; the file is not touched.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

# fresh: data/image with a closed record, whose path is $RECORD.
fresh() {
	rm -rf data
	mkdir data
	mount_traced data mnt
	truncate -s 1M mnt/image
	dd if=/dev/urandom of=mnt/image bs=4096 count=5 seek=3 conv=notrunc status=none || fail "dd"
	sync mnt/image
	unmount mnt
	RECORD=$(record_of data/image)
	has_facts 3-7:1 data/image
}

# refused WHAT REGEX: the record of data/image, when it is mounted or when the
# image is opened; and by bmaptool create.
refused() {
	local what=$1 regex=$2
	cp data/image kept
	if [ -z "${ONLY_MOUNT:-}" ] && has_create_trace; then
		run 1 "$BMAPTOOL" create --trace -o image.bmap data/image
		no_crash
		silent_stdout
		[ "$(grep -c ERROR stderr)" = 1 ] || fail "$what: create: not one ERROR line"
		says_re "^bmaptool: ERROR: .*($regex)"
		[ ! -e image.bmap ] || fail "$what: there is a map"
	fi
	[ -e mnt ] || mkdir mnt
	at_exit "_clear $PWD/mnt"
	"$BMAPFS" -f --trace data mnt >mount.stdout 2>mount.log </dev/null &
	DAEMON=$!
	wait_for 20 _mounted_or_gone mnt $DAEMON
	if is_mounted mnt; then
		# Other files of the folder can be used.
		echo other >mnt/other || fail "$what: no other file can be made"
		if dd if=mnt/image of=/dev/null 2>dd.stderr; then
			fail "$what: the image can be read: $(cat mount.log)"
		fi
		grep -q 'Input/output error' dd.stderr || fail "$what: not EIO: $(cat dd.stderr)"
		(echo more >>mnt/image) 2>/dev/null && fail "$what: the image can be written"
		is_alive
		unmount mnt
		rm -f data/other
	else
		wait $DAEMON
		[ $? = 1 ] || fail "$what: another status than 1"
	fi
	cp mount.log stderr
	no_crash
	[ "$(grep -cE 'ERROR|WARNING' stderr)" -ge 1 ] || fail "$what: nothing is said"
	says_re "($regex)"
	cmp kept data/image >&2 || fail "$what: the image was changed"
}
patched() { # WHAT OFFSET HEX REGEX
	fresh
	record patch "$RECORD" "$2" "$3"
	refused "$1" "$4"
}

patched "another magic" 0 58 "record|trace"
patched "a newer version" 8 02000000 "version"
patched "another header" 12 00200000 "record|header"
patched "another block size" 16 00020000 "record|block"
patched "an unknown flag" 20 80000000 "record|flag"
patched "another size" 24 0000200000000000 "size|changed|belong|damaged"
patched "another device" 32 1122334455 "record|belong|another|other|not that of"
patched "another inode" 40 1122334455 "record|belong|another|other|not that of"
patched "another birth" 48 1122334455 "record|belong|another|other|not that of"
patched "another mtime" 64 11 "changed|modified|time|damaged"
patched "another ctime" 88 112233 "changed|modified|time|damaged"
patched "something behind the header's fields" 96 01 "record|header"
patched "an unknown fact" 4200 40 "record|fact|damaged"

fresh
truncate -s 100 "$RECORD"
refused "cut in its header" "record|cut|short"
fresh
truncate -s 0 "$RECORD"
refused "empty" "record|cut|short|empty"
fresh
head -c 8192 /dev/urandom >"$RECORD"
refused "noise" "record|not a"
# A record of another file of the same folder.
fresh
mount_traced data mnt
echo text >mnt/second
unmount mnt
cp "$(record_of data/second)" "$RECORD"
rm data/second
refused "foreign" "belong|another|other|not that of"

fresh
echo more >>data/image
refused "a longer file" "changed|size|belong|bytes"
fresh
truncate -s 4096 data/image
refused "a shorter file" "changed|size|belong|bytes"
fresh
dd if=/dev/zero of=data/image bs=4096 count=1 conv=notrunc status=none
refused "changed bytes" "changed|modified|time"
fresh
dd if=/dev/zero of=data/image bs=4096 count=1 conv=notrunc status=none
touch -d @1000000000 data/image
refused "changed bytes and an old date" "changed|modified|time"

# A copy of the file is another file: it has no record, and all of it counts as written.
fresh
cp data/image data/copy
mount_traced data mnt
[ "$(stat -c %b mnt/copy)" = 2048 ] || fail "the copy has $(stat -c %b mnt/copy) blocks"
dd if=/dev/zero of=mnt/copy bs=4096 count=1 conv=notrunc status=none || fail "the copy cannot be written"
unmount mnt
has_facts 0-255:1 data/copy
has_facts 3-7:1 data/image

# In use when the daemon was killed: size and times say nothing then, and the next mount goes on.
fresh
mount_traced data mnt
dd if=/dev/urandom of=mnt/image bs=4096 count=1 seek=100 conv=notrunc status=none || fail "dd"
kill_daemon mnt
mount_traced data mnt
dd if=/dev/urandom of=mnt/image bs=4096 count=1 seek=102 conv=notrunc status=none || fail "dd"
unmount mnt
has_facts "3-7:1 100:1 102:1" data/image
