#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disk below the traced folder loses its second half: who reads or syncs gets EIO, the daemon
# stays, and what was written is in the record.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder
requires_loop
requires_command mkfs.ext4

truncate -s 64M disk
LOOP=$(losetup --show -f disk) || fail "losetup"
at_exit "losetup -d $LOOP"
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 "$LOOP" || fail "mkfs.ext4"
mkdir host records
mount -o errors=continue "$LOOP" host || fail "mount"
at_exit "umount host || umount -l host"
mkdir host/data
mount_traced --trace=records host/data mnt
dd if=/dev/urandom of=mnt/image bs=1M count=48 status=none || fail "dd"
sync -f host
truncate -s 24M disk
losetup -c "$LOOP" || true
echo 3 >/proc/sys/vm/drop_caches
cat mnt/image >/dev/null 2>cat.stderr && fail "all could be read"
grep -q 'Input/output error' cat.stderr || fail "not EIO: $(cat cat.stderr)"
is_alive
# Overwriting is taken into the cache; syncing it fails, once.
dd if=/dev/zero of=mnt/image bs=1M count=48 conv=notrunc,fsync 2>dd.stderr && fail "48 MiB were synced"
grep -q 'Input/output error' dd.stderr || fail "not EIO: $(cat dd.stderr)"
is_alive
unmount mnt
has_facts 0-12287:1 host/data/image records
