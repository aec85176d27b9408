# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the trace_ tests share, on top of common.sh: folders that are traced, and
# their records, read by a program of our own (trace_record.py).
. "$TOOLS/mount.sh"
EXERCISE=${EXERCISE:-${top_builddir:-${BMAPFS%/*}/..}/tests/tools/exercise_folder}

requires_traced_folder() {
	requires_fuse
	"$BMAPFS" --help 2>/dev/null | grep -q -- --trace || skip "needs bmapfs --trace"
}
requires_exercise() {
	requires_traced_folder
	[ -x "$EXERCISE" ] || fail "there is no $EXERCISE (EXERCISE names it; make check builds it)"
	EXERCISE=$(realpath "$EXERCISE")
}
# has_create_trace: whether bmaptool create knows --trace.
has_create_trace() { "$BMAPTOOL" create --help 2>/dev/null | grep -q -- --trace; }

# mount_traced [OPTION...] FOLDER MOUNTPOINT, after which $DAEMON is its process
# and mount.log its log.  Records lie in FOLDER unless --trace=DIR says where.
mount_traced() {
	case " $* " in
	*" --trace="*) mount_foreground "$@" ;;
	*) mount_foreground --trace "$@" ;;
	esac
}
# kill_daemon MOUNTPOINT: without warning.
kill_daemon() {
	kill -9 "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	umount -l "$1" || fail "umount -l $1"
}
is_alive() { ! _gone "$DAEMON" || fail "the daemon is gone: $(cat mount.log)"; }

# Commands that the exerciser may run, in files of these names:
# mount_commands [OPTION...] FOLDER MOUNTPOINT: ./mount-it mounts and writes the
# file pid, ./unmount-it unmounts a mount that is alive or dead and waits.
mount_commands() {
	local point=${*: -1}
	[ -e "$point" ] || mkdir "$point"
	at_exit "_clear $(realpath "$point")"
	case " $* " in *" --trace="*) ;; *) set -- --trace "$@" ;; esac
	cat >mount-it <<-END
	#!/bin/bash
	cd '$WORK' || exit 99
	'$BMAPFS' -f $(printf '%q ' "$@") >mount.stdout 2>mount.log </dev/null &
	echo \$! >pid
	for ((i = 0; i < 400; i++)); do
		! grep -qF ' $(realpath -m "$point") ' /proc/self/mounts || exit 0
		[ -d "/proc/\$(cat pid)" ] || break
		sleep 0.05
	done
	cat mount.log >&2
	exit 1
	END
	cat >unmount-it <<-END
	#!/bin/bash
	cd '$WORK' || exit 99
	umount '$point' 2>unmount.stderr || umount -l '$point' || exit 1
	for ((i = 0; i < 400; i++)); do
		[ -d "/proc/\$(cat pid)" ] || exit 0
		! grep -qs '^State:.Z' "/proc/\$(cat pid)/status" || exit 0
		sleep 0.05
	done
	echo "the daemon is still there after unmounting" >&2
	exit 1
	END
	chmod +x mount-it unmount-it
}

# trace_record.py; see its head.
record() { "$PY" "$TOOLS/trace_record.py" "$@" || fail "trace_record.py $*"; }
# record_of FILE [RECORDS]: the record's path, FILE being seen in its own folder,
# not through a mount.  Without RECORDS: that of a traced folder which holds it.
record_of() { record path "$@"; }
# facts FILE [RECORDS]: its runs of blocks, "0-3:1 7:16", blocks without facts left out.
facts() { record facts "$(record_of "$@")"; }
# has_facts WANT FILE [RECORDS]
has_facts() {
	local want=$1 seen; shift
	seen=$(facts "$@") || exit 1
	[ "$seen" = "$want" ] || fail "the record of $1 says '$seen', not '$want'"
}
