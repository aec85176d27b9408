#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make-seekable.py bgzf|zstd-seekable IN OUT

Compressed forms that carry an index of their own and have no tool in Debian's
base: BGZF (SAMv1.pdf, 4.1: gzip members of at most 64 KiB, each with its size
in an extra field), and zstd with a seek table (frames of 256 KiB and a
skippable frame that lists them, zstd's contrib/seekable_format)."""

import struct
import subprocess
import sys
import zlib


def bgzf(data):
    for at in range(0, len(data) + 1, 0xFF00):
        part = data[at:at + 0xFF00]
        z = zlib.compressobj(1, zlib.DEFLATED, -15)
        body = z.compress(part) + z.flush()
        yield (struct.pack("<4BI2BH2sHH", 31, 139, 8, 4, 0, 0, 255, 6, b"BC", 2,
                           len(body) + 25)
               + body + struct.pack("<II", zlib.crc32(part), len(part)))
    yield bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def zstd_seekable(data):
    table = b""
    count = 0
    for at in range(0, len(data), 262144):
        part = data[at:at + 262144]
        # From a pipe: only the table knows the lengths.
        frame = subprocess.run(["zstd", "-q", "-1", "-c"], input=part,
                               stdout=subprocess.PIPE, check=True).stdout
        table += struct.pack("<II", len(frame), len(part))
        count += 1
        yield frame
    table += struct.pack("<IBI", count, 0, 0x8F92EAB1)
    yield struct.pack("<II", 0x184D2A5E, len(table)) + table


kind, source, target = sys.argv[1:]
with open(source, "rb") as file:
    content = file.read()
with open(target, "wb") as file:
    for chunk in bgzf(content) if kind == "bgzf" else zstd_seekable(content):
        file.write(chunk)
