#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing under a mount without an overlay can be changed: EROFS.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/mount.sh"
requires_fuse

make_image disk.img 1000000 0:1 10:5
a_map disk.img
mount_image disk.img mnt
"$PY" - <<'END' || fail "not EROFS"
import errno, os, sys
image, wrong = "mnt/disk.img", []
tries = {
    "open for writing": lambda: os.open(image, os.O_WRONLY),
    "open for both": lambda: os.open(image, os.O_RDWR),
    "truncate": lambda: os.truncate(image, 5),
    "open to truncate": lambda: os.open(image, os.O_RDONLY | os.O_TRUNC),
    "open of the map": lambda: os.open(image + ".bmap", os.O_WRONLY),
    "create": lambda: os.open("mnt/new", os.O_WRONLY | os.O_CREAT),
    "unlink": lambda: os.unlink(image),
    "rename": lambda: os.rename(image, "mnt/new"),
    "mkdir": lambda: os.mkdir("mnt/new"),
    "rmdir": lambda: os.mkdir("mnt/new"),
    "symlink": lambda: os.symlink("x", "mnt/new"),
    "link": lambda: os.link(image, "mnt/new"),
    "mknod": lambda: os.mknod("mnt/new"),
    "chmod": lambda: os.chmod(image, 0o600),
    "chown": lambda: os.chown(image, 1, 1),
    "utime": lambda: os.utime(image, (1, 1)),
    "setxattr": lambda: os.setxattr(image, "user.x", b"y"),
}
for name, call in tries.items():
    try:
        call()
        wrong.append(name + ": no error")
    except OSError as e:
        if e.errno != errno.EROFS:
            wrong.append("%s: %s" % (name, e))
sys.exit("\n".join(wrong) or 0)
END
# fsync of a file opened for reading is no error.  COMPAT D2.
sync mnt/disk.img || fail "fsync"
same disk.img mnt/disk.img
