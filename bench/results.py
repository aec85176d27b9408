# SPDX-License-Identifier: GPL-2.0-or-later
"""RESULTS.md has several authors, bench/run and others: each keeps the others' parts."""

import contextlib
import os

FIRST = "run"  # its part is what stands outside of the others' marks
OTHERS = ["run-mount", "run-trace"]


def marks(author):
    return ("<!-- begin: made by bench/%s -->\n" % author,
            "<!-- end: made by bench/%s -->\n" % author)


def read(path):
    """Return {author: what it wrote}, without those that wrote nothing."""
    text = ""
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        text = file.read()
    parts = {}
    for author in OTHERS:
        begin, end = marks(author)
        before, _, rest = text.partition(begin)
        parts[author], _, after = rest.partition(end)
        text = before + after
    parts[FIRST] = text
    return {author: part.strip("\n") for author, part in parts.items() if part.strip("\n")}


def write(path, author, part):
    """Replace the part of one author."""
    parts = read(path)
    parts[author] = part.strip("\n")
    texts = [parts[FIRST] + "\n"] if parts.get(FIRST) else []
    for other in OTHERS:
        if parts.get(other):
            begin, end = marks(other)
            texts.append(begin + parts[other] + "\n" + end)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write("\n".join(texts))
    os.rename(path + ".tmp", path)
