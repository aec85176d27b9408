# SPDX-License-Identifier: GPL-2.0-or-later
"""The forms of the image that are measured, as make-image makes them."""

import os

CPUS = str(len(os.sched_getaffinity(0)))

# Format: file name, and the programs that may decode it fastest, of which those
# that are installed are tried.
FORMATS = {
    "raw": ("disk.img", []),
    "gz": ("disk.img.gz", [["igzip", "-dc"], ["pigz", "-dc"], ["gzip", "-dc"]]),
    "xz1": ("disk-1block.img.xz", [["xz", "-T" + CPUS, "-dc"]]),
    "xz8": ("disk-8mib.img.xz", [["xz", "-T" + CPUS, "-dc"]]),
    "zst": ("disk.img.zst", [["zstd", "-q", "-dc"]]),
    "bz2": ("disk.img.bz2", [["lbzip2", "-dc"], ["pbzip2", "-dc"], ["bzip2", "-dc"]]),
    "lz4": ("disk.img.lz4", [["lz4", "-q", "-dc"]]),
}

# Those whose decoding takes minutes.
SLOW = ("xz1", "xz8", "bz2")
