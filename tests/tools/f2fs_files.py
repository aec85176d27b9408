#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the files of an f2fs image with a folder, where the kernel has no f2fs.

    f2fs_files.py IMAGE LIST FOLDER [PREFIX]

LIST is what `fsck.f2fs -t IMAGE` said, PREFIX a folder inside.  Where an inode lies is asked of `dump.f2fs -n`
(dump.f2fs -i refuses what sload.f2fs made: it has no names in its inodes); the inode itself is struct f2fs_inode of
linux/f2fs_fs.h: its size, data inside it, or 923 addresses of blocks.
"""
import os
import re
import stat
import struct
import subprocess
import sys
import tempfile

BLOCK = 4096


def inodes_of(text):
    """Path -> inode number."""
    out, stack = {}, []
    for line in text.splitlines():
        m = re.match(r"((?:\|   )*)\|-- (.*) <ino = 0x([0-9a-f]+)>", line)
        if not m:
            continue
        depth = len(m.group(1)) // 4
        stack[depth:] = [m.group(2)]
        out["/".join(stack)] = int(m.group(3), 16)
    return out


def addresses_of(image):
    """Inode number -> block."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dump.f2fs", "-n", "0~-1", os.path.abspath(image)], cwd=folder, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        with open(os.path.join(folder, "dump_nat")) as f:
            text = f.read()
    return {int(n): int(b, 0) for n, b in re.findall(r"nid:\s*(\d+)\s+ino:\s*\d+\s+offset:\s*\d+\s+blkaddr:\s*(\d+)", text)}


def content(f, block):
    f.seek(block * BLOCK)
    node = f.read(BLOCK)
    mode, inline = struct.unpack_from("<H", node)[0], node[3]
    size = struct.unpack_from("<Q", node, 16)[0]
    if inline & 2:
        return mode, node[364:364 + size]
    data = b""
    for address in struct.unpack_from("<%dI" % -(-size // BLOCK), node, 360):
        f.seek(address * BLOCK)
        data += f.read(BLOCK) if address not in (0, 0xFFFFFFFF) else bytes(BLOCK)
    return mode, data[:size]


def main():
    image, list_path, folder = sys.argv[1:4]
    prefix = sys.argv[4] if len(sys.argv) > 4 else ""
    with open(list_path, errors="replace") as f:
        inodes = inodes_of(f.read())
    if prefix:
        inodes = {k[len(prefix) + 1:]: v for k, v in inodes.items() if k.startswith(prefix + "/")}
    at = addresses_of(image)
    want = {os.path.relpath(os.path.join(base, n), folder)
            for base, dirs, files in os.walk(folder) for n in dirs + files}
    got = {k for k in inodes if not prefix or k}
    if not prefix:
        got = {k for k in got if k != "new" and not k.startswith("new/")}
    if want != got:
        sys.exit("names differ: %s" % " ".join(sorted(want ^ got)[:8]))
    with open(image, "rb") as f:
        for name in sorted(want):
            path = os.path.join(folder, name)
            s = os.lstat(path)
            if inodes[name] not in at:
                sys.exit("%s: inode %d has no address" % (name, inodes[name]))
            mode, data = content(f, at[inodes[name]])
            if stat.S_IFMT(mode) != stat.S_IFMT(s.st_mode):
                sys.exit("%s: its kind is %o" % (name, mode))
            if stat.S_ISREG(mode):
                if stat.S_IMODE(mode) != stat.S_IMODE(s.st_mode):
                    sys.exit("%s: its mode is %o" % (name, mode))
                with open(path, "rb") as g:
                    if data != g.read():
                        sys.exit("%s differs" % name)
            elif stat.S_ISLNK(mode) and data.rstrip(b"\0") != os.fsencode(os.readlink(path)):
                sys.exit("%s leads to %r" % (name, data))


if __name__ == "__main__":
    main()
