#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the garbage test (tests/tools/garbage.sh) does with blocks, maps and trees.

    garbage.py fill FILE SIZE SEED        SIZE bytes of noise: no block of it is zero, none like another
    garbage.py lay-over TARGET IMAGE      blocks of IMAGE that are not zero replace those of TARGET
    garbage.py map HOW IMAGE MAP          a map of today's kinds: HOW is seek, fiemap, nonzero or all
    garbage.py flip IMAGE MAP FILE        FILE is IMAGE with every bit of unmapped blocks turned over
    garbage.py kept MAP BEFORE AFTER      the unmapped blocks of AFTER are those of BEFORE
    garbage.py same-map A B               both map the same blocks of the same image size
    garbage.py covers MAP A B             every block in which A and B differ is mapped (B may be missing: zeros)
    garbage.py count MAP                  blocks and mapped blocks: "16384 5308"
    garbage.py count-nonzero IMAGE        blocks of IMAGE that are not zero
    garbage.py tree FOLDER GENERATION KIND   files: KIND is full (links, attributes, devices), plain or flat
    garbage.py list FOLDER FIELDS         what a tree is, a line a file; FIELDS of mode,owner,mtime,xattr,links,device
    garbage.py protofile FOLDER           FOLDER as mkfs.xfs -p wants it
    garbage.py itables IMAGE [OFFSET]     groups flagged ITABLE_ZEROED have zeros in what no inode uses
    garbage.py env FILE                   a U-Boot environment whose checksum is right

Leaves with 0 when it is so, with 1 and a sentence when not.
"""
import errno
import fcntl
import hashlib
import os
import random
import stat
import struct
import sys
import xml.etree.ElementTree as ET
import zlib

BLOCK = 4096
CHUNK = 256 * BLOCK
ZEROS = bytes(BLOCK)


def die(sentence):
    sys.exit("garbage.py: " + sentence)


def runs(blocks):
    """Numbers in rising order as pairs (first, last)."""
    out = []
    for b in blocks:
        if out and out[-1][1] == b - 1:
            out[-1][1] = b
        else:
            out.append([b, b])
    return out


def text_of(ranges, most=12):
    parts = ["%d" % a if a == b else "%d-%d" % (a, b) for a, b in ranges]
    if len(parts) > most:
        parts[most:] = ["and %d more" % (len(parts) - most)]
    return " ".join(parts) or "none"


# ---- maps ----

def read_map(path):
    """(image size, sorted list of (first, last))"""
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as e:
        die("%s: %s" % (path, e))
    if int(root.find("BlockSize").text) != BLOCK:
        die("%s: blocks are not of %d bytes" % (path, BLOCK))
    ranges = []
    for r in root.findall("BlockMap/Range"):
        first, _, last = r.text.strip().partition("-")
        ranges.append((int(first), int(last or first)))
    return int(root.find("ImageSize").text), ranges


def mapped_set(ranges):
    return {b for first, last in ranges for b in range(first, last + 1)}


def unmapped_ranges(size, ranges):
    n = -(-size // BLOCK)
    at = 0
    for first, last in ranges:
        if at < first:
            yield at, first - 1
        at = last + 1
    if at < n:
        yield at, n - 1


def write_map(path, image, ranges):
    size = os.stat(image).st_size
    n = -(-size // BLOCK)
    lines = []
    with open(image, "rb") as f:
        for first, last in ranges:
            f.seek(first * BLOCK)
            data = f.read((last - first + 1) * BLOCK)
            what = "%d" % first if first == last else "%d-%d" % (first, last)
            lines.append('        <Range chksum="%s">%s</Range>' % (hashlib.sha256(data).hexdigest(), what))
    zeros = "0" * 64
    text = """<?xml version="1.0" ?>
<bmap version="2.0">
    <ImageSize> %d </ImageSize>
    <BlockSize> %d </BlockSize>
    <BlocksCount> %d </BlocksCount>
    <MappedBlocksCount> %d </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> %s </BmapFileChecksum>
    <BlockMap>
%s
    </BlockMap>
</bmap>
""" % (size, BLOCK, n, sum(b - a + 1 for a, b in ranges), zeros, "\n".join(lines))
    digest = hashlib.sha256(text.encode()).hexdigest()
    with open(path, "w") as f:
        f.write(text.replace(zeros, digest, 1))


def blocks_of_bytes(extents, size):
    """Byte ranges (from, to) as block ranges."""
    out = []
    for a, b in extents:
        b = min(b, size)
        if a >= b:
            continue
        first, last = a // BLOCK, (b - 1) // BLOCK
        if out and first <= out[-1][1] + 1:
            out[-1][1] = max(out[-1][1], last)
        else:
            out.append([first, last])
    return out


def seek_ranges(fd, size):
    out, at = [], 0
    while at < size:
        try:
            data = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as e:
            if e.errno == errno.ENXIO:
                break
            raise
        at = os.lseek(fd, data, os.SEEK_HOLE)
        out.append((data, at))
    return blocks_of_bytes(out, size)


def fiemap_ranges(fd, size):
    """As Python's bmaptool 3: every extent that the host filesystem names is mapped, unwritten ones too."""
    fs_ioc_fiemap, last_flag, n = 0xC020660B, 1, 512
    head = struct.Struct("=QQLLLL")
    extent = struct.Struct("=QQQQQLLLL")
    out, at, done = [], 0, False
    while not done and at < size:
        buf = bytearray(head.pack(at, size - at, 1, 0, n, 0) + bytes(extent.size * n))
        fcntl.ioctl(fd, fs_ioc_fiemap, buf)
        got = head.unpack_from(buf)[3]
        if not got:
            break
        for i in range(got):
            logical, _, length, _, _, flags, _, _, _ = extent.unpack_from(buf, head.size + i * extent.size)
            out.append((logical, logical + length))
            at = logical + length
            done = done or bool(flags & last_flag)
    return blocks_of_bytes(out, size)


def nonzero_blocks(path):
    with open(path, "rb") as f:
        block = 0
        while True:
            data = f.read(CHUNK)
            if not data:
                return
            if data.count(0) != len(data):
                for at in range(0, len(data), BLOCK):
                    piece = data[at:at + BLOCK]
                    if piece != ZEROS[:len(piece)]:
                        yield block + at // BLOCK
            block += CHUNK // BLOCK


def make_map(how, image, path):
    size = os.stat(image).st_size
    fd = os.open(image, os.O_RDONLY)
    if how == "nonzero":
        ranges = runs(nonzero_blocks(image))
    elif how == "all":
        ranges = [(0, -(-size // BLOCK) - 1)]
    else:
        # What SEEK_DATA says of preallocated blocks depends on the page cache: nothing of it there.
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        try:
            ranges = {"seek": seek_ranges, "fiemap": fiemap_ranges}[how](fd, size)
        except OSError as e:
            if e.errno not in (errno.EOPNOTSUPP, errno.ENOTTY):
                raise
            # As Python's bmaptool, where there is no FIEMAP.
            ranges = seek_ranges(fd, size)
    os.close(fd)
    write_map(path, image, ranges)


def same_map(a, b):
    (size_a, ranges_a), (size_b, ranges_b) = read_map(a), read_map(b)
    if size_a != size_b:
        die("%s is of an image of %d bytes, %s of %d" % (a, size_a, b, size_b))
    set_a, set_b = mapped_set(ranges_a), mapped_set(ranges_b)
    if set_a != set_b:
        die("mapped only in %s: %s; only in %s: %s" % (
            a, text_of(runs(sorted(set_a - set_b))), b, text_of(runs(sorted(set_b - set_a)))))


# ---- targets ----

def fill(path, size, seed):
    """Noise that is cheap: one stretch, and behind each block's first bytes its number, so that blocks differ."""
    noise = bytearray(random.Random(seed).randbytes(CHUNK))
    with open(path, "wb") as f:
        at = 0
        while at < size:
            for b in range(0, CHUNK, BLOCK):
                struct.pack_into("<Q", noise, b + 8, at + b + 1)
            f.write(noise[:min(CHUNK, size - at)])
            at += CHUNK


def lay_over(target, image):
    with open(target, "r+b") as out, open(image, "rb") as f:
        for first, last in runs(nonzero_blocks(image)):
            f.seek(first * BLOCK)
            out.seek(first * BLOCK)
            out.write(f.read((last - first + 1) * BLOCK))


def flip(image, map_path, path):
    size, ranges = read_map(map_path)
    if os.stat(image).st_size != size:
        die("%s is of another size" % map_path)
    turned = bytes(255 - i for i in range(256))
    with open(image, "rb") as f, open(path, "wb") as out:
        at = 0
        for first, last in unmapped_ranges(size, ranges):
            copy(f, out, first * BLOCK - at, None)
            copy(f, out, min((last + 1) * BLOCK, size) - first * BLOCK, turned)
            at = (last + 1) * BLOCK
        copy(f, out, max(size - at, 0), None)


def copy(f, out, n, table):
    while n > 0:
        data = f.read(min(n, CHUNK))
        if not data:
            die("%s ends early" % f.name)
        out.write(data.translate(table) if table else data)
        n -= len(data)


def kept(map_path, before, after):
    size, ranges = read_map(map_path)
    bad = []
    with open(before, "rb") as a, open(after, "rb") as b:
        for first, last in unmapped_ranges(size, ranges):
            for at in range(first, last + 1, CHUNK // BLOCK):
                n = min(CHUNK, min((last + 1) * BLOCK, size) - at * BLOCK)
                a.seek(at * BLOCK)
                b.seek(at * BLOCK)
                x, y = a.read(n), b.read(n)
                if x != y:
                    bad += [at + i // BLOCK for i in range(0, n, BLOCK) if x[i:i + BLOCK] != y[i:i + BLOCK]]
    if bad:
        die("unmapped blocks were written: %s" % text_of(runs(bad)))


def covers(map_path, a, b):
    size, ranges = read_map(map_path)
    inside = mapped_set(ranges)
    if b is None:
        bad = [x for x in nonzero_blocks(a) if x not in inside]
    else:
        bad = []
        with open(a, "rb") as f, open(b, "rb") as g:
            for block in range(-(-size // BLOCK)):
                x, y = f.read(BLOCK), g.read(BLOCK)
                if x != y and block not in inside:
                    bad.append(block)
    if bad:
        die("blocks that hold something are not mapped: %s" % text_of(runs(bad)))


# ---- trees ----

def tree(folder, generation, kind):
    """About 3 MiB; other names, sizes and bytes in each generation, and the later the more files."""
    rng = random.Random("%s generation %d" % (kind, generation))
    when = 1600000000 + generation * 86400
    os.makedirs(folder)
    made = []

    def put(name, data, mode=0o644):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        made.append(path)
        return path

    gen = "g%d" % generation
    for i in range(150 * generation):
        put("small/%s-%03d.txt" % (gen, i), (b"line %d of %s\n" % (i, gen.encode())) * rng.randrange(1, 120))
    for i in range(6):
        put("large/%s-%d.bin" % (gen, i), rng.randbytes(rng.randrange(150000, 300000)), 0o600)
    # Zeros that were meant: a map of what is not zero loses them.
    put("zeros/all", bytes(300000))
    put("zeros/inside", rng.randbytes(5000) + bytes(120000) + rng.randbytes(5000))
    put("empty", b"")
    put("a/b/c/d/e/f/deep", b"deep\n")
    put("program", b"#!/bin/sh\necho %s\n" % gen.encode(), 0o755)
    if kind != "flat":
        os.symlink("small", os.path.join(folder, "short-link"))
        os.symlink("/a/long/way/" * 12 + gen, os.path.join(folder, "long-link"))
        os.chmod(os.path.join(folder, "large"), 0o1770 if kind == "full" else 0o770)
    if kind == "full":
        os.link(os.path.join(folder, "program"), os.path.join(folder, "a", "hard-link"))
        put("a name with spaces/and \u00fcml\u00e4ut", b"names\n", 0o4755)
        with open(put("sparse", b""), "r+b") as f:
            f.seek(1 << 20)
            f.write(b"behind a hole")
        os.utime(os.path.join(folder, "sparse"), (when, when))
        try:
            for i, path in enumerate(made[:20]):
                os.setxattr(path, "user.note", b"attribute %d of %s" % (i, gen.encode()))
            os.setxattr(made[0], "user.long", rng.randbytes(300).hex().encode())
        except OSError as e:
            if e.errno != errno.EOPNOTSUPP:
                raise
        if os.geteuid() == 0:
            os.mknod(os.path.join(folder, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
            os.mkfifo(os.path.join(folder, "pipe"), 0o640)
            for path in made[:10]:
                mode = stat.S_IMODE(os.stat(path).st_mode)
                os.chown(path, 1000 + generation, 100)
                os.chmod(path, mode)
    for base, dirs, files in os.walk(folder, topdown=False):
        for name in dirs + files:
            os.utime(os.path.join(base, name), (when, when), follow_symlinks=False)
    os.utime(folder, (when, when))


def list_tree(folder, fields):
    fields = set(fields.split(",")) - {""}
    folder = os.fsencode(folder)
    out = []
    for base, dirs, files in os.walk(folder):
        if base == folder and b"lost+found" in dirs:
            dirs.remove(b"lost+found")
        for name in dirs + files:
            path = os.path.join(base, name)
            s = os.lstat(path)
            kind = "%o" % stat.S_IFMT(s.st_mode)
            line = [repr(os.path.relpath(path, folder))[1:], kind]
            if "mode" in fields and not stat.S_ISLNK(s.st_mode):
                line.append("mode=%o" % stat.S_IMODE(s.st_mode))
            if "owner" in fields:
                line.append("owner=%d:%d" % (s.st_uid, s.st_gid))
            if "mtime" in fields and not stat.S_ISDIR(s.st_mode):
                line.append("mtime=%d" % s.st_mtime)
            if "links" in fields and not stat.S_ISDIR(s.st_mode):
                line.append("links=%d" % s.st_nlink)
            if stat.S_ISLNK(s.st_mode):
                line.append("to=" + repr(os.readlink(path))[1:])
            elif stat.S_ISREG(s.st_mode):
                with open(path, "rb") as f:
                    line.append("size=%d %s" % (s.st_size, hashlib.sha256(f.read()).hexdigest()))
            elif stat.S_ISCHR(s.st_mode) or stat.S_ISBLK(s.st_mode):
                line += ["device=%d" % s.st_rdev] if "device" in fields else []
            if "xattr" in fields:
                for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
                    if attribute.startswith("user."):
                        value = os.getxattr(path, attribute, follow_symlinks=False)
                        line.append("%s=%s" % (attribute, hashlib.sha256(value).hexdigest()[:16]))
            out.append(" ".join(line))
    print("\n".join(sorted(out)))


def protofile(folder):
    """xfsprogs' mkfs.xfs(8), "-p": no spaces in names, and a file ends with a $ only where it is a folder."""
    def mode_of(s, letter):
        mode = stat.S_IMODE(s.st_mode)
        return "%s%s%s%03o" % (letter, "u" if mode & 0o4000 else "-", "g" if mode & 0o2000 else "-", mode & 0o777)

    def folder_lines(path, depth):
        indent = "  " * depth
        for name in sorted(os.listdir(path)):
            full = os.path.join(path, name)
            s = os.lstat(full)
            if stat.S_ISLNK(s.st_mode):
                print("%s%s %s 0 0 %s" % (indent, name, mode_of(s, "l"), os.readlink(full)))
            elif stat.S_ISDIR(s.st_mode):
                print("%s%s %s 0 0" % (indent, name, mode_of(s, "d")))
                folder_lines(full, depth + 1)
                print("%s$" % indent)
            else:
                print("%s%s %s 0 0 %s" % (indent, name, mode_of(s, "-"), os.path.realpath(full)))

    print("/stand/diskboot\n0 0\n%s 0 0" % mode_of(os.stat(folder), "d"))
    folder_lines(folder, 1)
    print("$")


# ---- what checkers do not see today ----

def itables(image, offset=0):
    """ext4's bg_flags 0x4 (linux/fs/ext4/ext4.h): the table is zero behind bg_itable_unused inodes from its end."""
    bad, n_flagged = [], 0
    with open(image, "rb") as f:
        def at(where, n):
            f.seek(offset + where)
            return f.read(n)
        sb = at(1024, 1024)
        n_blocks, first_block, log_size = struct.unpack_from("<I", sb, 4)[0], *struct.unpack_from("<II", sb, 20)
        per_group, inodes_per_group = struct.unpack_from("<I", sb, 32)[0], struct.unpack_from("<I", sb, 40)[0]
        if struct.unpack_from("<H", sb, 56)[0] != 0xEF53:
            die("%s is no ext filesystem" % image)
        inode_size = struct.unpack_from("<H", sb, 88)[0]
        incompat, ro_compat = struct.unpack_from("<II", sb, 96)
        wide = bool(incompat & 0x80)
        n_blocks |= struct.unpack_from("<I", sb, 0x150)[0] << 32 if wide else 0
        desc_size = struct.unpack_from("<H", sb, 254)[0] if wide else 32
        size = 1024 << log_size
        if not ro_compat & 0x410:
            print("0 groups are flagged: the filesystem has no group checksums")
            return
        for g in range(-(-(n_blocks - first_block) // per_group)):
            d = at((first_block + 1) * size + g * desc_size, desc_size)
            flags = struct.unpack_from("<H", d, 18)[0]
            unused = struct.unpack_from("<H", d, 28)[0]
            table = struct.unpack_from("<I", d, 8)[0]
            if desc_size >= 64:
                table |= struct.unpack_from("<I", d, 40)[0] << 32
                unused |= struct.unpack_from("<H", d, 50)[0] << 16
            if flags & 1:
                unused = inodes_per_group
            if not flags & 4:
                continue
            n_flagged += 1
            tail = at(table * size + (inodes_per_group - unused) * inode_size, unused * inode_size)
            if tail.count(0) != len(tail):
                bad.append(g)
    if bad:
        die("ITABLE_ZEROED, but the inode tables of groups %s (of %d flagged) are not zero" % (text_of(runs(bad)), n_flagged))
    print("%d groups are flagged, their tables are zero" % n_flagged)


def env(path):
    with open(path, "rb") as f:
        data = f.read()
    if struct.unpack_from("<I", data)[0] != zlib.crc32(data[4:]):
        die("%s: the environment's checksum is wrong" % path)


def main():
    command, args = (sys.argv + [""])[1], sys.argv[2:]
    if command == "fill":
        fill(args[0], int(args[1]), args[2])
    elif command == "lay-over":
        lay_over(*args)
    elif command == "map":
        make_map(*args)
    elif command == "flip":
        flip(*args)
    elif command == "kept":
        kept(*args)
    elif command == "same-map":
        same_map(*args)
    elif command == "covers":
        covers(args[0], args[1], args[2] if len(args) > 2 else None)
    elif command == "count":
        size, ranges = read_map(args[0])
        print(-(-size // BLOCK), sum(b - a + 1 for a, b in ranges))
    elif command == "count-nonzero":
        print(sum(1 for _ in nonzero_blocks(args[0])))
    elif command == "tree":
        tree(args[0], int(args[1]), args[2])
    elif command == "list":
        list_tree(*args)
    elif command == "protofile":
        protofile(*args)
    elif command == "itables":
        itables(args[0], int(args[1]) if len(args) > 1 else 0)
    elif command == "env":
        env(*args)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
