#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies a part into a disk image as wic does, call by call.

    filemap_copy.py PART DISK OFFSET [--temporary-name]

wic (openembedded-core, scripts/lib/wic/filemap.py) opens the part, syncs the descriptor it has for reading, asks
FIGETBSZ, tries FIEMAP, and where there is none looks whether SEEK_HOLE can be trusted by asking it of a new file
beside the part; then copies what is data, and leaves the rest of the disk alone.  Written from what those calls are,
not from its text.
"""
import array
import errno
import fcntl
import os
import struct
import sys
import tempfile

FIGETBSZ = 2
FS_IOC_FIEMAP = 0xC020660B


def fiemap_ranges(fd, size):
    head = struct.Struct("=QQLLLL")
    extent = struct.Struct("=QQQQQLLLL")
    at, last = 0, False
    while at < size and not last:
        buf = bytearray(head.pack(at, size - at, 1, 0, 256, 0) + bytes(extent.size * 256))
        fcntl.ioctl(fd, FS_IOC_FIEMAP, buf)
        n = head.unpack_from(buf)[3]
        if not n:
            return
        for i in range(n):
            logical, _, length, _, _, flags, _, _, _ = extent.unpack_from(buf, head.size + i * extent.size)
            yield logical, min(logical + length, size)
            at, last = logical + length, bool(flags & 1)


def seek_ranges(fd, size):
    at = 0
    while at < size:
        try:
            data = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as e:
            if e.errno == errno.ENXIO:
                return
            raise
        at = os.lseek(fd, data, os.SEEK_HOLE)
        yield data, min(at, size)


def probe_seek_hole(folder, block_size):
    with tempfile.TemporaryFile("w+", dir=folder) as f:
        os.ftruncate(f.fileno(), block_size)
        if os.lseek(f.fileno(), 0, os.SEEK_HOLE) != 0:
            sys.exit("filemap_copy.py: SEEK_HOLE of a new file in %s is a stub" % folder)


def ranges_of(part, fd, size, block_size):
    try:
        return list(fiemap_ranges(fd, size))
    except OSError as e:
        if e.errno not in (errno.EOPNOTSUPP, errno.ENOTTY):
            raise
    probe_seek_hole(os.path.dirname(part) or ".", block_size)
    return list(seek_ranges(fd, size))


def main():
    part, disk, offset = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(part, "rb") as f, open(disk, "r+b") as out:
        size = os.fstat(f.fileno()).st_size
        os.fsync(f.fileno())
        number = array.array("i", [0])
        fcntl.ioctl(f.fileno(), FIGETBSZ, number, True)
        block_size = number[0]
        if block_size < 512 or size % 512:
            sys.exit("filemap_copy.py: blocks of %d bytes, %d bytes" % (block_size, size))
        for first, end in ranges_of(part, f.fileno(), size, block_size):
            first -= first % block_size
            end = min(size, -(-end // block_size) * block_size)
            f.seek(first)
            out.seek(offset + first)
            while first < end:
                data = f.read(min(1 << 20, end - first))
                if not data:
                    sys.exit("filemap_copy.py: %s ends early" % part)
                out.write(data)
                first += len(data)
        out.flush()
        os.fsync(out.fileno())


if __name__ == "__main__":
    main()
