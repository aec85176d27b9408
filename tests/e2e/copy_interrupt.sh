#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A signal while standard input is awaited ends the copy at once and cleanly.
# COMPAT B1-24.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkfifo pipe
for signal in INT TERM; do
	rm -f out
	# A background job of a script has SIGINT ignored; programs inherit that.
	env --default-signal=INT "$BMAPTOOL" copy --nobmap - out <pipe >stdout 2>stderr &
	pid=$!
	exec 9>pipe
	head -c 1000000 /dev/urandom >&9
	wait_for 10 [ -e out ] || fail "the copy does not begin"
	kill -"$signal" "$pid"
	wait_exit 5 "$pid" || fail "SIG$signal does not end it"
	exec 9>&-
	no_crash
	! grep -q 'Fatal' stderr || fail "fatal"
	case $ENDED in
	1 | 130 | 143) ;;
	*) fail "status $ENDED after SIG$signal" ;;
	esac
	[ "$signal" != INT ] || says "interrupted, exiting"
	says_not "copying time"
done
