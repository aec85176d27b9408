# SPDX-License-Identifier: GPL-2.0-or-later
"""RESULTS.md has two authors, bench/run and bench/run-mount: each keeps the other's part."""

import contextlib
import os

BEGIN = "<!-- begin: made by bench/run-mount -->\n"
END = "<!-- end: made by bench/run-mount -->\n"


def read(path):
    """Return (what bench/run wrote, what bench/run-mount wrote); "" for what is not there."""
    text = ""
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        text = file.read()
    copies, _, rest = text.partition(BEGIN)
    return copies.rstrip("\n"), rest.partition(END)[0].strip("\n")


def write(path, copies=None, mounts=None):
    """Replace the part that is given."""
    old_copies, old_mounts = read(path)
    copies = old_copies if copies is None else copies.rstrip("\n")
    mounts = old_mounts if mounts is None else mounts.strip("\n")
    parts = [copies + "\n"] if copies else []
    if mounts:
        parts.append(BEGIN + mounts + "\n" + END)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write("\n".join(parts))
    os.rename(path + ".tmp", path)
