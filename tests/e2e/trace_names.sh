#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names with any byte, names and paths as long as they can be, and ten thousand files: each has
# its record, and each record goes with its file.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

mkdir data
mount_traced data mnt
"$PY" - <<'END' || fail "names"
import errno, os
def say(what): raise SystemExit(what)
root = os.open(b"mnt", os.O_RDONLY)
def make(name, folder=root, data=None):
    fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, dir_fd=folder)
    os.write(fd, data or name)
    os.close(fd)
# One of each byte, first, last, and alone.
names = []
for byte in range(1, 256):
    if byte == ord("/"):
        continue
    c = bytes([byte])
    names += [b"a" + c, c + b"b"] + ([c] if c != b"." else [])
names += [b"\xff" * 255, b"n" * 255, b"-rf", b"...", b" ", b"a\nb", "gr\u00fc\u00dfe".encode(), b"x.trace", b".bmap-trace2"]
names = list(dict.fromkeys(names))
for name in names:
    make(name)
if sorted(os.listdir(b"mnt")) != sorted(names):
    say("the mount lists other names")
if sorted(os.listdir(b"data")) != sorted(names + [b".bmap-trace"]):
    say("the folder lists other names")
for name in names:
    if open(b"mnt/" + name, "rb").read() != name or os.getxattr(b"mnt/" + name, "user.bmapfs.trace")[:1] != b"/":
        say("file %r" % name)
for name, want in ((b"n" * 256, errno.ENAMETOOLONG), (b"", errno.ENOENT)):
    try:
        os.open(b"mnt/" + name, os.O_CREAT | os.O_RDWR)
    except OSError as error:
        if error.errno in (want, errno.EISDIR):
            continue
    say("a name of %d bytes" % len(name))
# Exactly 255 bytes are renamed to other 255 bytes.
os.rename(b"mnt/" + b"n" * 255, b"mnt/" + b"m" * 255)
# Folders in folders, far beyond what a path can name.
folder = root
part = b"d" * 200
for depth in range(40):
    os.mkdir(part, dir_fd=folder)
    below = os.open(part, os.O_RDONLY, dir_fd=folder)
    if folder != root:
        os.close(folder)
    folder = below
make(b"deep", folder, b"deep down")
fd = os.open(b"deep", os.O_RDWR, dir_fd=folder)
os.pwrite(fd, b"!" * 5000, 9000)
if os.pread(fd, 9, 0) != b"deep down" or os.fstat(fd).st_blocks != 8 * 3 and os.fstat(fd).st_blocks != 8 * 4:
    say("deep down: %d blocks" % os.fstat(fd).st_blocks)
os.rename(b"deep", b"deeper", src_dir_fd=folder, dst_dir_fd=folder)
os.link(b"deeper", b"up", src_dir_fd=folder, dst_dir_fd=root)
if not os.path.samestat(os.fstat(fd), os.stat(b"up", dir_fd=root)):
    say("two links are two files")
os.close(fd)
END
is_alive
# A path of PATH_MAX - 1 bytes.
"$PY" - <<'END' || fail "a path at the limit"
import os
path = os.path.realpath("mnt").encode()
while len(path) < 4095 - 202:
    path += b"/" + b"p" * 200
    os.mkdir(path)
path += b"/" + b"q" * (4095 - 1 - len(path))
assert len(path) == 4095
with open(path, "wb") as file:
    file.write(b"x" * 10000)
if os.stat(path).st_blocks != 24 or open(path, "rb").read() != b"x" * 10000:
    raise SystemExit("%d blocks" % os.stat(path).st_blocks)
os.unlink(path)
END
unmount mnt
[ "$(facts "data/up" data/.bmap-trace)" = "0:1 2-3:1" ] || fail "up: $(facts data/up data/.bmap-trace)"
rm -rf data

# Ten thousand files, in two folders.
mkdir data
mount_traced data mnt
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt 4000 ] || skip "needs more descriptors than $(ulimit -Hn)"
"$PY" - <<'END' || fail "10000 files"
import os, resource
os.mkdir("mnt/a"); os.mkdir("mnt/b")
for n in range(10000):
    with open("mnt/%s/%d" % ("ab"[n % 2], n), "wb") as file:
        file.write(b"%d" % n)
for n in range(0, 10000, 2):
    os.rename("mnt/a/%d" % n, "mnt/b/%d" % n)
if sorted(map(int, os.listdir("mnt/b"))) != list(range(10000)):
    raise SystemExit("not 10000 files")
for n in range(10000):
    if os.stat("mnt/b/%d" % n).st_blocks != 8:
        raise SystemExit("file %d" % n)
# Three thousand of them open at once.
resource.setrlimit(resource.RLIMIT_NOFILE, (4000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
files = [open("mnt/b/%d" % n, "r+b") for n in range(3000)]
for n, file in enumerate(files):
    if file.read() != b"%d" % n:
        raise SystemExit("file %d" % n)
END
is_alive
peak=$(awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$DAEMON/status")
BMAPTOOL=$BMAPFS sanitized || [ "$peak" -le 64 ] || fail "the daemon took $peak MiB"
unmount mnt
[ "$(find data/.bmap-trace -name '*.trace' | wc -l)" = 10000 ] || fail "not 10000 records"
has_facts 0:1 data/b/9999 data/.bmap-trace
mount_traced data mnt
[ "$(cat mnt/b/1234)" = 1234 ] || fail "mounted again: $(cat mnt/b/1234)"
rm -r mnt/a mnt/b || fail "rm"
unmount mnt
[ "$(find data/.bmap-trace -name '*.trace' | wc -l)" = 0 ] || fail "records are left"
