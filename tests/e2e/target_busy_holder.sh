#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A device that another process has opened exclusively is refused
# (COMPAT.md C2).
. "${0%/*}/common.sh" || exit 99
make_image image 1M 0:1 10:5
run 0 "$BMAPTOOL" create -o image.bmap image
loop_device disk 2M
mkfifo go
python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_EXCL)
print("ready", flush=True)
sys.stdin.read()' "$LOOP" <go >ready &
holder=$!
exec 7>go
for ((i = 0; i < 200; i++)); do [ -s ready ] && break; sleep 0.05; done
[ -s ready ] || fail "the holder does not hold"

run 1 "$BMAPTOOL" copy image "$LOOP"
no_crash
says "cannot open block device '$LOOP' in exclusive mode: "
exec 7>&-
wait "$holder"
cmp -n 1048576 "$LOOP" <(head -c 2097152 /dev/zero | tr '\0' '\252') || fail "the device was touched"
run 0 "$BMAPTOOL" copy image "$LOOP"
