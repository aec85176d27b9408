#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A folder, a FIFO, a socket, a missing folder as the destination: exit 1 and
# a sentence (COMPAT.md C5).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image

refused() {
	local sentence=$1 dest=$2
	RUN_TIMEOUT=10 run 1 "$BMAPTOOL" copy image "$dest"
	no_crash
	silent_stdout
	says_re "^bmaptool: ERROR: .*$dest"
	grep -qi -- "$sentence" stderr || fail "$dest: not '$sentence'"
}
mkdir folder
refused "Is a directory" folder
refused "cannot open destination file 'folder'" folder
[ -z "$(ls -A folder)" ] || fail "something was made in the folder"
refused "No such file or directory" no/such/folder/copy
refused "Not a directory" image.bmap/copy

mkfifo fifo
refused "not seekable" fifo
# With a reader at its end as well: nothing gets there.
timeout 10 cat fifo >arrived 2>/dev/null &
reader=$!
refused "not seekable" fifo
kill "$reader" 2>/dev/null
wait "$reader" 2>/dev/null
[ ! -s arrived ] || fail "the FIFO was written"

python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
refused "" socket
refused "" /dev/tty0/x
run 1 "$BMAPTOOL" copy image ''
no_crash
