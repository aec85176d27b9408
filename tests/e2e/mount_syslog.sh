#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In the background the log goes to syslog: what could not be read, in one line.
# (In a /dev of our own, with a socket in it that we listen to.)
if [ "$(id -u)" = 0 ] && [ -z "${IN_NAMESPACE:-}" ] && unshare -m true 2>/dev/null; then
	IN_NAMESPACE=1 exec unshare -m bash "$0"
fi
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

requires_root
[ -n "${IN_NAMESPACE:-}" ] || skip "needs unshare"
mount -t tmpfs none /mnt || fail "tmpfs"
dev() { mknod -m 666 "/mnt/$1" c "$2" "$3" || fail "mknod $1"; }
dev null 1 3
dev urandom 1 9
dev fuse 10 229
ln -s /proc/self/fd /mnt/fd
mount --bind /mnt /dev || fail "mount --bind"
cat >listener.py <<'END'
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
open("ready", "w").close()
with open("messages", "wb", buffering=0) as log:
    while True:
        log.write(s.recv(65536).rstrip(b"\0\n") + b"\n")
END
"$PY" listener.py &
at_exit "kill $!; wait $!"
wait_for 10 [ -e ready ] || fail "no listener"

make_image disk.wic 1048576 0:100 200:10
a_map disk.wic
printf 'Z' | dd of=disk.wic bs=1 seek=$((205 * 4096)) conv=notrunc status=none
mount_image disk.wic mnt
eio mnt/disk.wic $((200 * 4096)) 4096
wait_for 5 grep -q 'checksum mismatch' messages || fail "nothing in syslog: $(cat messages)"
eio mnt/disk.wic $((204 * 4096)) 4096
unmount mnt
[ "$(grep -c 'checksum mismatch for blocks range 200-209' messages)" = 1 ] || fail "syslog: $(cat messages)"
grep -E '^<[0-9]+>.*bmapfs(\[[0-9]+\])?: .*range 200-209.*disk.wic' messages || fail "syslog: $(cat messages)"
