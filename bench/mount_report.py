# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of the mounts: on the terminal as they grow, and as a section of RESULTS.md."""

import collections
import datetime
import shlex
import statistics

import results
from report import command_line, image, load, machine, markdown, mib, our_version, ratio, say, \
    seconds, verdict, versions

MIB = 1 << 20
WIDTH = 10
HELD = ["off", "window"]  # the sides of ours that the goals speak of

# Debian packages of the programs that take part.
PACKAGES = ["nbdkit", "libnbd-bin", "httpdirfs", "fuse3", "nginx", "curl", "coreutils", "pigz",
            "isal", "xz-utils", "zstd", "lz4", "lbzip2", "pbzip2", "bzip2"]

Cost = collections.namedtuple("Cost", "seconds fetched peak kib")  # fetched in bytes, peak in MiB


class Row:
    """One thing read from one form of the image: costs by side, a list entry a round."""

    def __init__(self, kind, read):
        self.kind = kind
        self.read = read
        self.name = kind + "-" + read
        self.costs = collections.defaultdict(list)
        self.floors = []
        self.failed = {}
        self.limits = {}

    def add(self, side, sample, n_bytes):
        self.costs[side].append(Cost(sample.seconds[self.read], n_bytes, sample.peak, sample.kib))

    def fail(self, side, reason):
        self.failed[side] = reason
        self.costs[side] = []

    def values(self, side, field):
        return [getattr(cost, field) for cost in self.costs[side]]

    def median(self, side, field="seconds"):
        values = self.values(side, field)
        return statistics.median(values) if values else None

    def best_of(self, sides):
        measured = [side for side in sides if self.costs[side]]
        return min(measured, key=self.median, default=None)

    def ratios(self, side, others):
        return [a / b for a, b in zip(self.values(side, "seconds"), others)]

    def ratios_to_peer(self, side, peers):
        best = self.best_of(peers)
        return self.ratios(side, self.values(best, "seconds")) if best else []

    def ratios_to_floor(self, side):
        return self.ratios(side, self.floors)

    def cell(self, side, field, text):
        return "FAILED" if side in self.failed else text(self.median(side, field))


def fetched(n_bytes):
    return "-" if n_bytes is None else "%.3f" % (n_bytes / MIB)


def kib(value):
    return "-" if value is None else "%d" % value


class Table:
    def __init__(self, options, bench, ours, peers):
        self.options = options
        self.bench = bench
        self.ours = [side for side in ours if side in options.sides]
        self.peers = [side for side in peers if side in options.sides]
        self.sides = self.ours + self.peers
        self.rows = []
        self.started = datetime.datetime.now().astimezone()
        self.load_at_start = load()

    @property
    def n_failed(self):
        """Of ours: what a peer cannot do is a result."""
        return sum(side in row.failed for row in self.rows for side in self.ours)

    # On the terminal

    def begin(self):
        self.line(self.heads())

    def line(self, texts):
        say(" ".join([texts[0].ljust(14)] + [t.rjust(max(WIDTH, len(h)))
                                             for t, h in zip(texts[1:], self.heads()[1:])]))

    def add(self, rows):
        """Print the rows, and write the file anew: a run that is stopped leaves what it has."""
        for row in rows:
            self.line(self.cells(row))
        self.rows += rows
        self.write(finished=False)

    def end(self):
        self.write(finished=True)
        say("")
        for line in self.goals():
            say("- " + line)
        say("bench/run-mount: section written to %s" % self.options.output)

    # The cells

    def heads(self):
        return (["row"] + [side + " s" for side in self.sides] + ["floor s"]
                + [side + "/peer" for side in self.ours] + [side + "/floor" for side in self.ours])

    def cells(self, row):
        floor = statistics.median(row.floors) if row.floors else None
        return ([row.name] + [row.cell(side, "seconds", seconds) for side in self.sides]
                + [seconds(floor)]
                + [ratio(row.ratios_to_peer(side, self.peers), spread=True) for side in self.ours]
                + [ratio(row.ratios_to_floor(side), spread=True) for side in self.ours])

    def traffic(self):
        """One line per mount; "reads" is the same mount as "random"."""
        for row in self.rows:
            if row.read != "reads":
                limits = [fetched(row.limits.get(side)) for side in HELD]
                yield ([row.name] + [row.cell(side, "fetched", fetched) for side in self.sides]
                       + limits)

    def peak(self, rows, side):
        return max((peak for row in rows for peak in row.values(side, "peak")), default=None)

    def peaks(self):
        for kind in dict.fromkeys(row.kind for row in self.rows):
            rows = [row for row in self.rows if row.kind == kind]
            yield [kind] + [mib(self.peak(rows, side)) for side in self.sides]

    def sizes(self):
        for row in self.rows:
            if row.read in ("mapped", "copy"):
                yield [row.name] + [row.cell(side, "kib", kib) for side in self.sides]

    # As Markdown

    def write(self, finished):
        lines = ["## Mounts", ""]
        if not finished:
            lines += ["**This run did not come to its end.**", ""]
        lines += ["- " + line for line in self.machine()]
        lines += ["", "### Seconds", "", *markdown(self.heads(), map(self.cells, self.rows)), ""]
        lines += self.failures() + EXPLANATION + ["", "### To reach", ""]
        lines += ["- " + line for line in self.goals()]
        lines += ["", "### MiB sent by the server", ""]
        lines += markdown(["row"] + self.sides + ["limit " + side for side in HELD], self.traffic())
        lines += ["", *TRAFFIC, "", "### Peak memory, MiB", ""]
        lines += [*markdown(["image"] + self.sides, self.peaks()), "", *PEAKS]
        lines += ["", "### KiB of data found, KiB on disk of the copy", ""]
        lines += markdown(["row"] + self.sides, self.sizes())
        results.write(self.options.output, "run-mount", "\n".join(lines))

    def failures(self):
        """One line for what fails in several rows for the same reason."""
        names = collections.defaultdict(list)
        for row in self.rows:
            for side, reason in row.failed.items():
                names[row.kind, side, reason].append(row.read)
        lines = ["- %s, %s: %s: %s" % (kind, side, ", ".join(reads), reason)
                 for (kind, side, reason), reads in names.items()]
        return lines + [""] if lines else []

    def machine(self):
        yield from machine(self.options.bench_dir)
        yield "ours: `%s`, %s" % (self.options.bmapfs, our_version(self.options.bmapfs))
        yield "packages: " + ", ".join(versions(PACKAGES))
        yield "image: %s, %s" % (self.options.size, image(self.options.bmap_dir))
        yield "date: %s; load average %s at the start, %s at the end" % (
            self.started.strftime("%Y-%m-%d %H:%M %z"), self.load_at_start, load())
        yield "command: `%s`" % command_line()
        yield "rounds: %d (xz and bz2: %d)" % (self.options.rounds, self.options.slow_rounds)
        decoders = {kind: shlex.join(d) for kind, d in self.bench.decoders.items() if d}
        yield "decoders of the floors: " + (", ".join(
            "%s `%s`" % item for item in decoders.items()) or "none")

    # The goals of the issue, each with what this run says of it

    def held(self):
        return [side for side in HELD if side in self.ours]

    def slower(self, reads, ratios):
        """Return a verdict on the medians of the ratios, which must not be above 1."""
        found = [(row, side, ratios(row, side)) for row in self.rows if row.read in reads
                 for side in self.held()]
        found = [(row, side, values) for row, side, values in found if values]
        return verdict(["%s %s %s" % (row.name, side, ratio(values, spread=True))
                        for row, side, values in found if statistics.median(values) > 1],
                       len(found))

    def goals(self):
        def to_peer(row, side):
            return row.ratios_to_peer(side, self.peers)

        yield "first read ahead of every peer: " + self.slower(["first"], to_peer)
        yield "1000 random reads ahead of every peer: " + self.slower(["random", "reads"], to_peer)
        yield "the mapped part in order no slower than the floor for the whole: " + self.slower(
            ["mapped"], Row.ratios_to_floor)
        yield "the same with all holes, through dd: " + self.slower(
            ["sequence"], Row.ratios_to_floor)
        yield "a first read fetches at most one piece, index and map: " + self.greedy()
        if self.n_failed:
            yield "**%d of our measurements failed**" % self.n_failed

    def greedy(self):
        found = [(row, side, row.median(side, "fetched")) for row in self.rows
                 for side in self.held() if side in row.limits and row.costs[side]]
        return verdict(["%s %s %s of %s MiB" % (row.name, side, fetched(n_bytes),
                                                fetched(row.limits[side]))
                        for row, side, n_bytes in found if n_bytes > row.limits[side]], len(found))


EXPLANATION = """\
Row `xz8-first`: the image as xz in blocks of 8 MiB (`xz1`: one block; `gzidx`: gzip with a published
index, `IMAGE.gzidx`), served by nginx on loopback; seconds from the start of the mount command to the
first 4 KiB from the middle. `random`: from the start to the end of that read and 1000 random reads of
4 KiB in mapped blocks, the same ones for all; `reads`: those 1000 alone. `mapped`: from the start to
the end of what SEEK_DATA finds, read in order by 1 MiB (of a peer the whole, it shows no holes);
`sequence`: to the end of `dd bs=1M` of the whole file, holes too; `copy`: to the end of
`cp --sparse=auto` to a file on the local disk. Each comes from a fresh mount with an empty cache
folder, with all options at their defaults but for these:

- `off`: `bmapfs --verify=off` with the image's usual map;
- `window`: `bmapfs` with a map made by `bmaptool create --range-size 1M`, each range verified before
  it is read;
- `large`: `bmapfs` with the usual map, whose ranges up to 64 MiB are verified before they are read;
- `nbdkit`: its curl plugin, for gz and xz with the filter of that name, under `nbdfuse -r`; it has no
  filter for zst, bz2 and lz4;
- `httpdirfs`: the raw image, for it decodes nothing; for all but `first` with `--cache`, without which
  1000 reads take minutes; with `--no-range-check`, without which it ends at the first read from nginx.

The floor is `curl | decoder > /dev/null`. Ratios are made within each round, to the peer with the best
median; the median is shown, and in brackets the smallest and largest. Each side read the image's own
bytes: all that `first`, `random` and `mapped` read, and once the whole file of `sequence` and `copy`.""".split("\n")

TRAFFIC = """\
Sums of nginx's `$bytes_sent`, HTTP heads included, up to the unmount. The limit of a first read is the
map, the index, each piece that the read (or, with verification, its range) touches, and 128 KiB for
the ends of the file, by which its form is known, and for HTTP heads. A form without an index beside or
inside it is one piece; of a raw image a piece is 1 MiB; of an indexed gzip 4 MiB.""".split("\n")

PEAKS = """\
Peak memory is `VmHWM` of all processes of the tool together (nbdfuse and nbdkit are two), the largest
of all rounds and reads.""".split("\n")
