# SPDX-License-Identifier: GPL-2.0-or-later
"""The table: on the terminal as it grows, and as Markdown with all that explains it."""

import datetime
import os
import platform
import shlex
import statistics
import subprocess
import sys

import results

MAX_PEAK_MIB = 96
MAX_START_SECONDS = 0.010

HEADS = ["row", "ours s", "peer s", "floor s", "ours/peer", "ours/floor",
         "CPU s ours", "CPU s peer", "MiB ours", "MiB peer"]
WIDTHS = [22, 8, 8, 15, 18, 10, 10, 10, 8, 8]

# Debian packages of the programs that take part.
PACKAGES = ["bmap-tools", "nginx", "openssl", "coreutils", "pigz", "isal", "gzip", "xz-utils",
            "zstd", "lz4", "lbzip2", "pbzip2", "bzip2"]


def say(line):
    print(line, flush=True)


def seconds(value):
    if value is None:
        return "-"
    return "%.2f" % value if value >= 1 else "%.3f" % value if value >= 0.1 else "%.4f" % value


def ratio(values, spread=False):
    if not values:
        return "-"
    text = "%.2f" % statistics.median(values)
    if spread and len(values) > 1:
        text += " (%.2f-%.2f)" % (min(values), max(values))
    return text


def mib(value):
    return "-" if value is None else "%.1f" % value


def cells(row):
    floor, stage = row.floor()
    wall = {side: "FAILED" if side in row.failed else seconds(row.median(side, "wall"))
            for side in ("ours", "peer")}
    return [row.name, wall["ours"], wall["peer"],
            "%s %s" % (seconds(floor), stage) if stage else "-",
            ratio(row.ratios_to_peer(), spread=True), ratio(row.ratios_to_floor()),
            seconds(row.median("ours", "cpu")), seconds(row.median("peer", "cpu")),
            mib(row.peak("ours")), mib(row.peak("peer"))]


def output_of(*command):
    """Return what a command prints, or None where it is missing or fails."""
    try:
        return subprocess.run(command, check=True, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def field_of(path, name, separator):
    with open(path, encoding="utf-8") as file:
        for line in file:
            key, found, value = line.partition(separator)
            if found and key.strip() == name:
                return value.strip().strip('"')
    return "unknown"


def command_line():
    names = [n for n in ("BMAPTOOL", "BMAPFS", "PEER", "BENCH_DIR") if n in os.environ]
    return " ".join(["%s=%s" % (n, shlex.quote(os.environ[n])) for n in names]
                    + [shlex.join(sys.argv)])


def load():
    return "%.2f" % os.getloadavg()[0]


def machine(bench_dir):
    kib = int(field_of("/proc/meminfo", "MemTotal", ":").split()[0])
    yield "CPU: %s, %d cores" % (field_of("/proc/cpuinfo", "model name", ":"),
                                 len(os.sched_getaffinity(0)))
    yield "memory: %.1f GiB" % (kib / 1048576)
    yield "disk: " + (output_of("findmnt", "-n", "-o", "SOURCE,FSTYPE", "-T", bench_dir)
                      or "unknown")
    yield "kernel: " + platform.release()
    debian = output_of("cat", "/etc/debian_version")
    yield "system: %s%s" % (field_of("/etc/os-release", "PRETTY_NAME", "="),
                            ", debian_version " + debian if debian else "")


def our_version(program):
    here = os.path.dirname(os.path.abspath(__file__))
    commit = output_of("git", "-C", here, "describe", "--always", "--dirty")
    # Past libtool's script the library of the build is named here (places.resolve_libtool).
    library = os.path.join(os.path.dirname(program), "../../lib/.libs")
    version = output_of("env", "LD_LIBRARY_PATH=" + library, program, "--version")
    return "%s%s" % ((version or "no version").split("\n")[0],
                     ", source at " + commit if commit else "")


def image(folder):
    mapped = os.path.getsize(os.path.join(folder, "mapped.bin"))
    with open(os.path.join(folder, "disk.bmap"), encoding="utf-8") as file:
        n_ranges = file.read().count("<Range")
    return "%.0f MiB mapped in %d ranges" % (mapped / 1048576, n_ranges)


def versions(packages):
    for package in packages:
        version = output_of("dpkg-query", "-W", "-f", "${Version}", package)
        if version:
            yield "%s %s" % (package, version)


class Table:
    def __init__(self, options):
        self.options = options
        self.rows = []
        self.decoders = {}
        self.started = datetime.datetime.now().astimezone()
        self.load_at_start = load()

    @property
    def n_failed(self):
        return sum(len(row.failed) for row in self.rows)

    # On the terminal

    def begin(self):
        self.line(HEADS)

    def line(self, texts):
        say(" ".join([texts[0].ljust(WIDTHS[0])]
                     + [t.rjust(w) for t, w in zip(texts[1:], WIDTHS[1:])]))

    def add(self, rows):
        """Print the rows, and write the file anew: a run that is stopped leaves what it has."""
        for row in rows:
            self.line(cells(row))
        self.rows += rows
        self.write(finished=False)

    def end(self):
        self.write(finished=True)
        say("")
        for line in self.goals():
            say("- " + line)
        say("bench/run: table written to %s" % self.options.output)

    # As Markdown

    def write(self, finished):
        lines = ["# bmaptool against bmap-tools and the floors", ""]
        if not finished:
            lines += ["**This run did not come to its end.**", ""]
        lines += ["Made by `bench/run`, the part \"Mounts\" by `bench/run-mount`, \"Traced folder\" by "
                  "`bench/run-trace`; do not edit.", ""]
        lines += ["## Machine", ""]
        lines += ["- " + line for line in self.machine()]
        lines += ["", "## Results", ""] + self.markdown_rows() + [""] + EXPLANATION
        lines += ["", "## To reach", ""] + ["- " + line for line in self.goals()]
        lines += ["", "## Floors", ""] + self.markdown_floors()
        lines += ["", "## Repeat", ""] + REPEAT
        results.write(self.options.output, "run", "\n".join(lines))

    def machine(self):
        yield from machine(self.options.bench_dir)
        yield "ours: `%s`, %s" % (self.options.ours, our_version(self.options.ours))
        yield "peer: `%s`, %s" % (self.options.peer, output_of(self.options.peer, "--version"))
        yield "packages: " + ", ".join(versions(PACKAGES))
        yield "image: %s, %s" % (self.options.size, image(self.options.bmap_dir))
        yield "date: %s; load average %s at the start, %s at the end" % (
            self.started.strftime("%Y-%m-%d %H:%M %z"), self.load_at_start, load())
        yield "command: `%s`" % command_line()
        yield "rounds: %d (xz and bz2: %d)" % (self.options.rounds, self.options.slow_rounds)

    def markdown_rows(self):
        lines = list(markdown(HEADS, map(cells, self.rows)))
        failures = ["- %s, %s: %s" % (row.name, side, reason)
                    for row in self.rows for side, reason in row.failed.items()]
        return lines + ([""] + failures if failures else [])

    def markdown_floors(self):
        """One line per row that has floors: the median of every stage."""
        lines = ["| row | decode | by | hash | write |", "|---|--:|---|--:|--:|"]
        for row in self.rows:
            if not row.floors:
                continue
            medians = {s: statistics.median(f[s] for f in row.floors) for s in row.floors[0]}
            decoder = self.decoders.get((row.name.split("-") + [""])[1], [])[:-1]
            write = next((medians[s] for s in ("disk", "loop") if s in medians), None)
            lines.append("| %s | %s | %s | %s | %s |" % (
                row.name, seconds(medians.get("decode")), "`%s`" % shlex.join(decoder)
                if decoder else "-", seconds(medians.get("hash")), seconds(write)))
        return lines

    def goals(self):
        """The goals of the issue, each with what this run says of it."""
        paired = [row for row in self.rows if row.ratios_to_peer()]
        slower = ["%s %s" % (row.name, ratio(row.ratios_to_peer(), spread=True))
                  for row in paired if statistics.median(row.ratios_to_peer()) > 1]
        yield "never slower than the peer: %s" % verdict(slower, len(paired))
        ours = [row for row in self.rows if row.costs["ours"]]
        fat = ["%s %s MiB" % (row.name, mib(row.peak("ours")))
               for row in ours if row.peak("ours") >= MAX_PEAK_MIB]
        yield "peak memory below %d MiB: %s" % (MAX_PEAK_MIB, verdict(fat, len(ours)))
        for row in self.rows:
            if row.name == "version" and row.costs["ours"]:
                median = row.median("ours", "wall")
                yield "`--version` in under %.0f ms: %s (%.1f ms)" % (
                    MAX_START_SECONDS * 1e3, "yes" if median < MAX_START_SECONDS else "NO",
                    median * 1e3)
        if self.n_failed:
            yield "**%d of the measurements failed**" % self.n_failed


def markdown(heads, lines):
    """Yield the lines of a table: names on the left, numbers on the right."""
    yield "| " + " | ".join(heads) + " |"
    yield "|---" + "|--:" * (len(heads) - 1) + "|"
    for cells_of_line in lines:
        yield "| " + " | ".join(cells_of_line) + " |"


def verdict(names, n_measured):
    if not n_measured:
        return "not measured"
    return "NO, see " + ", ".join(names) if names else "yes, on every row measured"


EXPLANATION = """\
Row `copy-zst-http-loop`: `bmaptool copy` of the zstd image from nginx on loopback to a loop
device over tmpfs, whose pages are already in memory; `file` is a local file with a warm page cache,
`disk` a new regular file on the local disk. `xz1` is xz in one block, `xz8` in blocks of 8 MiB. `create-raw` makes the bmap.
`version` is `--version`, 50 starts of each.

Seconds are the median wall time of whole processes. Ratios are made within each round; the median
is shown, and in brackets the smallest and largest. CPU is user + system of all processes of the
command, also of those it leaves behind. MiB is the largest resident set of any single process in
all rounds: the whole for ours, which is one process; for the peer, which starts decompressors,
the largest of its processes, so less than their sum. The web server counts for neither.

The floor is the slowest stage of the work when nothing else is done: `decode` with the fastest
program here to /dev/null, `hash` by `openssl dgst -sha256` of the mapped bytes on one core,
`disk` and `loop` the mapped bytes written there by `dd conv=fsync`. Every row was checked once for
each program: the copy by the checksum of each range, the map by comparing it with the peer's.""".split("\n")

REPEAT = """\
    apt-get install bmap-tools nginx-light openssl gcc e2fsprogs pigz isal xz-utils zstd lz4 lbzip2 pbzip2
    bench/run              # as root, for the loop device; two hours on a quiet machine of two cores
    bench/run --quick      # one round with a small image: a look, not a measurement

`bench/README.md` says more.""".split("\n")
