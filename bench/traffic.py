# SPDX-License-Identifier: GPL-2.0-or-later
"""What crosses the network: a web server that counts, and how much a first read may fetch."""

import os
import struct
import subprocess
import time
import urllib.request

import places
from cost import CommandFailed

MIB = 1 << 20
# To find out what a file is takes its first and last bytes and a few HTTP heads.
HEADS_BYTES = 128 << 10
REQUEST_BYTES = 300  # the head of nginx's answer
INDEX_STEP = 4 * MIB  # of bmapfs, by default


class CountingServer(places.WebServer):
    """nginx with a log of the bytes it sends, heads included."""

    logging = ("log_format sent '$bytes_sent $request_method $status $request_uri $http_range';\n"
               "    access_log {folder}/access.log sent;")
    locations = "location = /.status { stub_status; access_log off; }"

    def __enter__(self):
        super().__enter__()
        self.log = open(os.path.join(self.folder, "access.log"), "rb")
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return self

    def __exit__(self, *what):
        if hasattr(self, "log"):
            self.log.close()
        super().__exit__(*what)

    def take_sent_bytes(self):
        """Return what was sent since the last call, once no client is connected any more.

        A request is logged when it ends, also one that its client breaks off.
        """
        self.await_silence()
        return sum(int(line.split()[0]) for line in self.log)

    def await_silence(self):
        for _ in range(500):
            with self.opener.open(self.url + "/.status", timeout=10) as answer:
                if b"Active connections: 1 " in answer.read():  # this one
                    return
            time.sleep(0.02)
        raise CommandFailed("a connection stays open after the unmount")


# How much the first read may fetch: at most one piece, the index and the map.


def xz_pieces(path):
    """Return ([(image offset, length, encoded length)], bytes of the index)."""
    listing = subprocess.run(["xz", "--robot", "--list", "-vv", path], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    blocks = [line.split("\t") for line in listing.split("\n") if line.startswith("block\t")]
    pieces = [(int(b[5]), int(b[7]), int(b[6])) for b in blocks]
    return pieces, os.path.getsize(path) - sum(encoded for _, _, encoded in pieces)


def lz4_pieces(path):
    """As xz_pieces(); the index is the lengths before the blocks, each fetched by itself."""
    pieces = []
    with open(path, "rb") as file:
        magic, flags, block = struct.unpack("<IBB", file.read(6))
        if magic != 0x184D2204 or not flags & 0x20:
            raise ValueError("%s: not one frame of independent blocks" % path)
        block_bytes = 1 << (8 + 2 * (block >> 4 & 7))
        file.seek(1 + (8 if flags & 8 else 0), os.SEEK_CUR)
        while True:
            length = struct.unpack("<I", file.read(4))[0] & 0x7FFFFFFF
            if length == 0:
                return pieces, (4 + REQUEST_BYTES) * len(pieces)
            pieces.append((len(pieces) * block_bytes, block_bytes, length))
            file.seek(length + (4 if flags & 0x10 else 0), os.SEEK_CUR)


def even_pieces(size_bytes, step, index_bytes):
    """Pieces that are taken to be as long encoded as decoded."""
    return [(start, step, step) for start in range(0, size_bytes, step)], index_bytes


def piece_table(kind, path, image_bytes):
    if kind == "raw":
        return even_pieces(image_bytes, MIB, 0)
    if kind == "xz8":
        return xz_pieces(path)
    if kind == "lz4":
        return lz4_pieces(path)
    if kind == "gzidx":
        return even_pieces(image_bytes, INDEX_STEP, os.path.getsize(path + ".gzidx"))
    return [(0, image_bytes, os.path.getsize(path))], 0  # one piece, or no index without a pass


def needed_range(bmap, offset, verified):
    """Return (start, end) of what must be decoded to hand out the block at offset."""
    if verified:
        for start, length, _ in places.read_map(bmap)[2]:
            if start <= offset < start + length:
                return start, start + length
    return offset, offset + 4096


def first_read_limit(kind, path, bmap, offset, verified):
    """Return the bytes that a first read at an offset may fetch."""
    start, end = needed_range(bmap, offset, verified)
    pieces, index_bytes = piece_table(kind, path, places.read_map(bmap)[1])
    encoded = sum(n for at, length, n in pieces if at < end and at + length > start)
    return os.path.getsize(bmap) + index_bytes + encoded + HEADS_BYTES
