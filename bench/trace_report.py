# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of the traced folder: on the terminal as they grow, and as a section of RESULTS.md."""

import collections
import datetime
import statistics

import results
from report import command_line, load, machine, markdown, mib, our_version, ratio, say, seconds, \
    verdict, versions

MIB = 1 << 20
SIDES = ["host", "traced"]
HEADS = ["row", "host s", "traced s", "traced/host", "peak MiB", "limit MiB"]
PAIR_HEADS = ["row", "noted s", "not s", "noted/not", "host, the same", "peak MiB",
              "limit MiB"]
WIDTHS = [14, 9, 9, 20, 18, 9, 9]

MAX_RATIO = {"mke2fs": 1.5, "cp": 1.5}
MAX_RECORDING = 1.03
BASE_MIB = 64  # and a byte for each block

# Debian packages of the programs that take part.
PACKAGES = ["fuse3", "libfuse3-3", "coreutils", "e2fsprogs", "mount"]


class Row:
    """Seconds of each side, a list entry a round; of a pair two numbers an entry."""

    def __init__(self, name, image_bytes, is_pair):
        self.name = name
        self.is_pair = is_pair
        self.limit = BASE_MIB + image_bytes / 4096 / MIB
        self.costs = collections.defaultdict(list)
        self.peaks = []
        self.failed = {}

    def add(self, side, sample):
        self.costs[side].append((sample.pairs if self.is_pair else sample.seconds)[self.name])
        if sample.peak is not None:
            self.peaks.append(sample.peak)

    def fail(self, side, reason):
        self.failed[side] = reason
        self.costs[side] = []

    def ratios(self):
        return [traced / host for traced, host in zip(self.costs["traced"], self.costs["host"])]

    def pair_ratios(self, side):
        return [noted / bare for noted, bare in self.costs[side]]

    def peak(self):
        return max(self.peaks, default=None)

    def cells(self):
        memory = [mib(self.peak()), mib(self.limit)]
        if self.is_pair:
            medians = [self.median([cost[i] for cost in self.costs["traced"]]) for i in (0, 1)]
            return [self.name] + [self.cell("traced", value) for value in medians] + [
                ratio(self.pair_ratios(side), spread=True) for side in ("traced", "host")] + memory
        return [self.name] + [self.cell(side, self.median(self.costs[side])) for side in SIDES] + [
            ratio(self.ratios(), spread=True)] + memory

    @staticmethod
    def median(values):
        return statistics.median(values) if values else None

    def cell(self, side, value):
        return "FAILED" if side in self.failed else seconds(value)


class Table:
    def __init__(self, options):
        self.options = options
        self.rows = []
        self.floor = None  # of mke2fs
        self.started = datetime.datetime.now().astimezone()
        self.load_at_start = load()

    @property
    def n_failed(self):
        return sum(len(row.failed) for row in self.rows)

    # On the terminal

    def line(self, texts):
        say(" ".join([texts[0].ljust(WIDTHS[0])]
                     + [t.rjust(w) for t, w in zip(texts[1:], WIDTHS[1:])]))

    def begin(self):
        self.line(HEADS)

    def add(self, rows):
        """Print the rows, and write the file anew: a run that is stopped leaves what it has."""
        for row in rows:
            if row.is_pair and not any(other.is_pair for other in self.rows):
                self.line(PAIR_HEADS)
            self.line(row.cells())
            self.rows.append(row)
        self.write(finished=False)

    def end(self):
        self.write(finished=True)
        say("")
        for line in self.goals():
            say("- " + line)
        say("bench/run-trace: section written to %s" % self.options.output)

    # As Markdown

    def write(self, finished):
        lines = ["## Traced folder", ""]
        if not finished:
            lines += ["**This run did not come to its end.**", ""]
        lines += ["- " + line for line in self.machine()]
        lines += ["", *self.tables()]
        lines += ["- %s, %s: %s" % (row.name, side, reason)
                  for row in self.rows for side, reason in row.failed.items()]
        lines += ["", *EXPLANATION, "", "### To reach", ""] + ["- " + line for line in self.goals()]
        results.write(self.options.output, "run-trace", "\n".join(lines))

    def tables(self):
        yield from markdown(HEADS, [row.cells() for row in self.rows if not row.is_pair])
        yield ""
        yield from markdown(PAIR_HEADS, [row.cells() for row in self.rows if row.is_pair])

    def machine(self):
        yield from machine(self.options.bench_dir)
        yield "ours: `%s`, %s" % (self.options.bmapfs, our_version(self.options.bmapfs))
        yield "packages: " + ", ".join(versions(PACKAGES))
        yield "image and tree: %s" % self.options.size
        yield "date: %s; load average %s at the start, %s at the end" % (
            self.started.strftime("%Y-%m-%d %H:%M %z"), self.load_at_start, load())
        yield "command: `%s`" % command_line()
        yield "rounds: %d" % self.options.rounds

    # The goals of the issue, each with what this run says of it

    def goals(self):
        for name, limit in MAX_RATIO.items():
            yield "%s within %.1f times of the plain host: %s" % (name, limit, self.above(
                [(row, row.ratios()) for row in self.rows if row.name == name], limit))
        if self.floor:
            host = statistics.median(
                [cost for row in self.rows if row.name == "mke2fs" for cost in row.costs["host"]])
            yield ("mke2fs waits for each of %d writes and %d reads: where all are answered at once, and "
                   "nothing is done (`null_fuse.c`), they take %.1f s, and with the host's %.1f s of "
                   "work %.1f times as long as on the host" % (
                       *self.floor, host, (self.floor.seconds + host) / host))
        yield "recording within %.0f %%: %s" % (100 * (MAX_RECORDING - 1), self.above(
            [(row, row.pair_ratios("traced")) for row in self.rows if row.is_pair], MAX_RECORDING))
        measured = [row for row in self.rows if row.peaks]
        yield "memory below %d MiB and a byte a block: %s" % (BASE_MIB, verdict(
            ["%s %s MiB" % (row.name, mib(row.peak())) for row in measured
             if row.peak() >= row.limit], len(measured)))
        if self.n_failed:
            yield "**%d of the measurements failed**" % self.n_failed

    @staticmethod
    def above(found, limit):
        found = [(row, values) for row, values in found if values]
        return verdict(["%s %s" % (row.name, ratio(values, spread=True))
                        for row, values in found if statistics.median(values) > limit], len(found))


EXPLANATION = """\
The same is done in a new folder under `bmapfs --trace` and in a plain one on the same filesystem, in
turn, the first of the two changing with each round. Ratios are made within each round; the median is
shown, and in brackets the smallest and largest. `write` and `read`: `dd bs=1M` of the whole image;
`random-write` and `random-read`: single blocks of 4 KiB by one thread, written to a sparse file and read
again in another order; `mke2fs`: `mke2fs -t ext4 -d` of the tree; `cp`: mount of a loop device over an
image with an empty ext4, `cp -a` of the tree, unmount; `huge`: 2000 single blocks all over a sparse file
of 1 TiB. Nothing is synchronized but by the unmount of `cp`: both sides write to the page cache of the
host. Of the first round the images are checked by `e2fsck`, and all are mapped by
`bmaptool create --trace`. Peak memory is `VmHWM` of the daemon, the largest of all rounds, its limit 64
MiB and a byte for each block of the image.

What recording costs: blocks are written through one mount to one sparse file, in batches, and every
other batch has its note taken away (`bench/no_record.c`): the same pass-through without a record. No
block is written twice, so that each note changes a byte of the record. The same on the
plain host is the control. `record-4k`: 64 blocks of 4 KiB a batch, in random order; `record-1m`: 1 MiB,
in order.""".split("\n")
