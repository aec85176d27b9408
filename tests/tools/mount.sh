# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the mount_ tests share, on top of common.sh and helpers.sh.
. "$TOOLS/helpers.sh"
BMAPFS=${BMAPFS:-bmapfs}
# Nobody sees the stderr of a daemon: what a sanitizer says goes into files.
for _san in ASAN LSAN TSAN UBSAN; do
	declare -x "${_san}_OPTIONS=$(printenv ${_san}_OPTIONS):log_path=$WORK/sanitizer"
done
no_reports() {
	local report
	for report in "$WORK"/sanitizer.*; do
		[ ! -s "$report" ] || fail "a sanitizer's report: $(head -n 60 "$report")"
	done
}

requires_fuse() {
	[ -e /dev/fuse ] || skip "needs /dev/fuse"
	[ "$(id -u)" = 0 ] || command -v fusermount3 >/dev/null || skip "needs root or fusermount3"
}

is_mounted() { grep -qF " $(realpath -m "$1") " /proc/self/mounts; }
_unmount() { umount "$1" || fusermount3 -u "$1"; }
# bmapfs of this test that run: their HOME is its own.
daemons() {
	local p name
	for p in /proc/[0-9]*; do
		read -r name 2>/dev/null <"$p/comm" || continue
		case $name in bmapfs | lt-bmapfs) ;; *) continue ;; esac
		! grep -qzsF "HOME=$HOME" "$p/environ" || echo "${p##*/}"
	done
}
no_daemons() { [ -z "$(daemons)" ]; }
# Whatever is there, dead or stalled, is gone afterwards.
_clear() {
	_unmount "$1" || umount -l "$1" || fusermount3 -uz "$1"
	wait_for 5 no_daemons || daemons | xargs -r kill -9
}
unmount() {
	_unmount "$1" 2>unmount.stderr || fail "unmounting $1: $(cat unmount.stderr)"
	! is_mounted "$1" || fail "$1 is still mounted"
	wait_for 10 no_daemons || fail "a daemon is left after unmounting $1"
	no_reports
}

# mount_image [OPTION...] SOURCE MOUNTPOINT: in the background; MOUNTPOINT is
# made unless it is there.  What it said is in the file stderr.
mount_image() {
	local point=${*: -1}
	[ -e "$point" ] || mkdir "$point"
	at_exit "_clear $(realpath "$point")"
	run 0 "$BMAPFS" "$@"
	no_crash
	is_mounted "$point" || fail "nothing is mounted at $point: $*"
}
# The same with -f: $DAEMON is its process, its log is the file mount.log.
mount_foreground() {
	local point=${*: -1}
	[ -e "$point" ] || mkdir "$point"
	at_exit "_clear $(realpath "$point")"
	"$BMAPFS" -f "$@" >mount.stdout 2>mount.log </dev/null &
	DAEMON=$!
	wait_for 20 _mounted_or_gone "$point" $DAEMON
	is_mounted "$point" || fail "not mounted: $*: $(cat mount.log)"
}
# shellcheck disable=SC2317 # called by wait_for
_mounted_or_gone() { is_mounted "$1" || _gone "$2"; }
# refuses_mount REGEX [OPTION...] SOURCE MOUNTPOINT: exit 1, one sentence that
# matches, nothing mounted and no process left.
refuses_mount() {
	local regex=$1 point=${*: -1}; shift
	[ -e "$point" ] || mkdir "$point"
	at_exit "_clear $(realpath "$point")"
	run 1 "$BMAPFS" "$@"
	no_crash
	silent_stdout
	[ "$(grep -c ERROR stderr)" = 1 ] || fail "not one ERROR line: $*"
	says_re "^bmapfs: ERROR: .*($regex)"
	! is_mounted "$point" || fail "mounted all the same: $*"
	ls "$point" >/dev/null || fail "a dead mount point: $*"
	wait_for 5 no_daemons || fail "a daemon is left: $*"
	no_reports
}

statistic() { getfattr --only-values -n "user.bmapfs.$2" "$1" 2>/dev/null || fail "no user.bmapfs.$2 of $1"; }
# same_part A B OFFSET LENGTH
same_part() { cmp -i "$3" -n "$4" "$1" "$2" >&2 || fail "$1 and $2 differ at $3, $4 bytes"; }
# read_part FILE OFFSET LENGTH: to stdout.  The status is dd's.
read_part() { dd if="$1" bs=1M iflag=fullblock,skip_bytes,count_bytes skip="$2" count="$3" status=none; }
# eio FILE OFFSET LENGTH: reading it is EIO, in time.
eio() {
	timeout -k 1 "${EIO_TIMEOUT:-20}" dd if="$1" of=/dev/null bs="$3" iflag=skip_bytes,count_bytes skip="$2" count="$3" 2>dd.stderr
	case $? in
	0) fail "$1: no error at $2, $3 bytes" ;;
	124 | 137) fail "$1: the read at $2 does not come back" ;;
	esac
	grep -q 'Input/output error' dd.stderr || fail "$1: not EIO at $2: $(cat dd.stderr)"
}
# a_map IMAGE [MAP]: by the program under test.
a_map() { "$BMAPTOOL" -q create -o "${2:-$1.bmap}" "$1" 2>map.stderr || fail "map of $1: $(cat map.stderr)"; }
# same_map MOUNTED MAP: what create sees there is exactly the map.
same_map() {
	"$BMAPTOOL" -q create -o seen.bmap "$1" 2>map.stderr || fail "create of $1: $(cat map.stderr)"
	cmp "$2" seen.bmap >&2 || { diff "$2" seen.bmap | head -20 >&2; fail "$1: another map"; }
}

# The forms that can be read anywhere (pieces of at most 1 MiB), and those that
# cannot.  gzip is of neither kind: it becomes one of the first when it was read.
seekable_forms() {
	echo xz-blocks
	! has_codec zstd || echo zstd-sized zstd-seekable
	! has_codec lz4 || echo lz4-blocks lz4-sized
	echo bgzf
}
forward_forms() {
	echo xz
	! has_codec zstd || echo zstd zstd-frames
	! has_codec bzip2 || echo bzip2 pbzip2
	! has_codec lz4 || echo lz4-linked
	! has_codec lzo || ! command -v lzop >/dev/null || echo lzop
}
form_suffix() {
	case $1 in bgzf) echo gz ;; zstd-*) echo zst ;; lz4-*) echo lz4 ;; *) suffix_of "$1" ;; esac
}
# compress_form FORM IN OUT
compress_form() {
	case $1 in
	bgzf | zstd-seekable) "$PY" "$DATA/make-seekable.py" "$1" "$2" "$3" || fail "$1 of $2" ;;
	zstd-sized) in_parts "$2" "$3" zstd -q -1 -c ;;
	lz4-sized) in_parts "$2" "$3" lz4 -q -1 -c --content-size ;;
	lz4-blocks) lz4 -q -1 -BI -B4 -c "$2" >"$3" ;;
	*) compress "$@" ;;
	esac
}
# in_parts IN OUT COMMAND...: one after the other, each of 256 KiB of IN, a file
# (the tool then writes its length into the header).
in_parts() {
	local in=$1 out=$2 part; shift 2
	mkdir parts
	split -b 262144 "$in" parts/
	for part in parts/*; do "$@" "$part" || fail "$* $part"; done >"$out"
	rm -r parts
}
