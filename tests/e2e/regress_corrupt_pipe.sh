#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed data that turn out to be damaged end the copy at once, although the
# pipe they came through stays open.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

a_disk image 8
mkfifo pipe
for how in xz-blocks $(has_codec zstd && echo zstd-frames) $(has_codec bzip2 && echo bzip2); do
	compress "$how" image packed
	# In its middle something else; its end is kept back.
	"$PY" - <<-'END'
	data = bytearray(open("packed", "rb").read())
	at = len(data) // 3
	data[at:at + 200] = b"\xff" * 200
	open("damaged", "wb").write(data[:-100])
	END
	for option in "" "--threads 1"; do
		# shellcheck disable=SC2086 # several words
		"$BMAPTOOL" copy $option --nobmap - out <pipe >stdout 2>stderr &
		pid=$!
		exec 9>pipe
		# The reader may be gone before it has taken all.
		cat damaged >&9 2>/dev/null &
		cat=$!
		wait_exit 5 "$pid" || fail "$how $option: the damage does not end it"
		exec 9>&-
		wait "$cat"
		[ "$ENDED" = 1 ] || fail "$how $option: status $ENDED"
		no_crash
		says "bmaptool: ERROR: "
		says_not "copying time"
		rm -f out
	done
done
