#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks at block maps for the tests, with nothing but Python's library.

    check-map.py same A B           the same elements and values (not bytes)
    check-map.py verify MAP IMAGE   the map agrees with itself and with IMAGE
    check-map.py layout MAP         the text looks as readers of 2.0 expect it
    check-map.py get MAP NAME       an element's value; also `version`,
                                    `ranges` (first-last, one a line),
                                    `longest` (blocks in the longest range)
    check-map.py blocks MAP         the numbers of the mapped blocks, as
                                    joined runs "first-last" in one line
    check-map.py mapped MAP N...    blocks N (or A-B) are all mapped
    check-map.py unmapped MAP N...  blocks N (or A-B) are all unmapped
    check-map.py seal MAP           put a right BmapFileChecksum into MAP
                                    (after a test has edited the map)

Leaves with 0 when it is so, 1 (and a sentence) when not.
"""
import hashlib
import re
import sys
import xml.etree.ElementTree as ET

SINGLE = ("ImageSize", "BlockSize", "BlocksCount", "MappedBlocksCount",
          "ChecksumType", "BmapFileChecksum")


def die(sentence):
    sys.exit("check-map.py: " + sentence)


class Map:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            self.raw = f.read()
        try:
            self.root = ET.fromstring(self.raw)
        except ET.ParseError as e:
            die("%s: %s" % (path, e))
        if self.root.tag != "bmap":
            die("%s: the root element is <%s>" % (path, self.root.tag))
        self.version = self.root.get("version")
        self.values = {}
        for name in SINGLE:
            elements = self.root.findall(name)
            if len(elements) != 1:
                die("%s: %d elements <%s>" % (path, len(elements), name))
            self.values[name] = elements[0].text.strip()
        self.ranges = []
        for r in self.root.findall("BlockMap/Range"):
            first, _, last = r.text.strip().partition("-")
            self.ranges.append((int(first), int(last or first),
                                r.get("chksum")))

    def number(self, name):
        return int(self.values[name])

    def blocks(self):
        s = set()
        for first, last, _ in self.ranges:
            s.update(range(first, last + 1))
        return s

    def digest(self, data=b""):
        return hashlib.new(self.values["ChecksumType"], data)

    def file_checksum(self):
        was = self.values["BmapFileChecksum"].encode()
        zeroed = self.raw.replace(was, b"0" * len(was), 1)
        return self.digest(zeroed).hexdigest()


def same(a, b):
    for name in SINGLE[:-1]:
        if a.values[name] != b.values[name]:
            die("%s is %s in %s but %s in %s" % (
                name, a.values[name], a.path, b.values[name], b.path))
    if a.version != b.version:
        die("version %s and version %s" % (a.version, b.version))
    if a.ranges != b.ranges:
        for x, y in zip(a.ranges + [None], b.ranges + [None]):
            if x != y:
                die("range %s in %s but %s in %s" % (x, a.path, y, b.path))
    for m in (a, b):
        if m.file_checksum() != m.values["BmapFileChecksum"]:
            die("%s: BmapFileChecksum is wrong" % m.path)


def verify(m, image):
    if m.version != "2.0":
        die("version %s" % m.version)
    if m.file_checksum() != m.values["BmapFileChecksum"]:
        die("%s: BmapFileChecksum is wrong" % m.path)
    size, block = m.number("ImageSize"), m.number("BlockSize")
    if m.number("BlocksCount") != -(-size // block):
        die("BlocksCount %d for %d bytes" % (m.number("BlocksCount"), size))
    end, n = -1, 0
    for first, last, _ in m.ranges:
        if not end < first <= last < m.number("BlocksCount"):
            die("range %d-%d: not in order or not in the image"
                % (first, last))
        end, n = last, n + last - first + 1
    if n != m.number("MappedBlocksCount"):
        die("MappedBlocksCount %d, but the ranges hold %d"
            % (m.number("MappedBlocksCount"), n))
    with open(image, "rb") as f:
        f.seek(0, 2)
        if f.tell() != size:
            die("ImageSize %d, but %s has %d bytes" % (size, image, f.tell()))
        for first, last, checksum in m.ranges:
            if checksum is None:
                continue
            f.seek(first * block)
            data = f.read(min((last + 1) * block, size) - first * block)
            if m.digest(data).hexdigest() != checksum:
                die("checksum of range %d-%d is wrong" % (first, last))


def layout(m):
    """One value, one space on either side; the order of the elements."""
    text = m.raw.decode("ascii")
    if not text.startswith("<?xml "):
        die("does not begin with <?xml")
    if not re.search(r'^<bmap version="2\.0">$', text, re.M):
        die('no line <bmap version="2.0">')
    names = [e.tag for e in m.root]
    if names != list(SINGLE) + ["BlockMap"]:
        die("elements are %s" % names)
    for name in SINGLE:
        if not re.search(r"<%s> [0-9a-z_-]+ </%s>" % (name, name), text):
            die("<%s>: not one space on either side" % name)
    for r in m.root.findall("BlockMap/Range"):
        if not re.fullmatch(r" [0-9]+(-[0-9]+)? ", r.text):
            die("range text is %r" % r.text)
        first, _, last = r.text.strip().partition("-")
        if last and int(first) >= int(last):
            die("range text is %r, a single block is ' N '" % r.text)
    if "\r" in text or not text.endswith("</bmap>\n"):
        die("line ends are odd")
    comments = re.findall(r"<!--.*?-->", text, re.S)
    if len(comments) < 5:
        die("%d comments explain the elements" % len(comments))


def runs(blocks):
    out = []
    for b in sorted(blocks):
        if out and out[-1][1] == b - 1:
            out[-1][1] = b
        else:
            out.append([b, b])
    return " ".join("%d-%d" % (a, b) if a != b else str(a) for a, b in out)


def numbers(args):
    s = set()
    for a in args:
        first, _, last = a.partition("-")
        s.update(range(int(first), int(last or first) + 1))
    return s


def main():
    verb, args = sys.argv[1], sys.argv[2:]
    m = Map(args[0])
    if verb == "same":
        same(m, Map(args[1]))
    elif verb == "verify":
        verify(m, args[1])
    elif verb == "layout":
        layout(m)
    elif verb == "get":
        if args[1] == "version":
            print(m.version)
        elif args[1] == "ranges":
            for first, last, _ in m.ranges:
                print("%d-%d" % (first, last))
        elif args[1] == "longest":
            print(max([b - a + 1 for a, b, _ in m.ranges], default=0))
        else:
            print(m.values[args[1]])
    elif verb == "blocks":
        print(runs(m.blocks()))
    elif verb == "mapped":
        missing = numbers(args[1:]) - m.blocks()
        if missing:
            die("%s: not mapped: %s" % (m.path, runs(missing)))
    elif verb == "unmapped":
        there = numbers(args[1:]) & m.blocks()
        if there:
            die("%s: mapped: %s" % (m.path, runs(there)))
    elif verb == "seal":
        was = m.values["BmapFileChecksum"].encode()
        sealed = m.raw.replace(was, m.file_checksum().encode(), 1)
        with open(m.path, "wb") as f:
            f.write(sealed)
    else:
        die("no such verb: " + verb)


main()
