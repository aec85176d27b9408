# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done in a traced folder and, the same, in a plain one; and the end of it in every case."""

import collections
import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time

from cost import CommandFailed
from mounts import BLOCK, Mount, Tool, clean_environment, is_mounted, limited, timed
from places import PIECE_BYTES, WrongCopy, remove

SEED = 4
BATCH_BLOCKS = 64
HUGE_BYTES = 1 << 40
N_HUGE_WRITES = 2000

# What one use of a folder gave: {row: seconds}, {row: (seconds of writes with a note, without)},
# MiB of the daemon's memory (None of a plain folder).
Sample = collections.namedtuple("Sample", "seconds pairs peak")

# What mke2fs waits for, and the seconds that it takes when each request is answered at once.
Floor = collections.namedtuple("Floor", "n_writes n_reads seconds")
N_FLOOR_REQUESTS = 20000

# What is common to all jobs: bytes of an image, the tree to put in, how many random reads or
# writes, where commands may write what they say.
Work = collections.namedtuple("Work", "size_bytes tree n_random log")


# Reads and writes of a block


def random_offsets(size_bytes, n, seed=SEED):
    """Return n different offsets of blocks."""
    return [block * BLOCK for block in random.Random(seed).sample(range(size_bytes // BLOCK), n)]


@contextlib.contextmanager
def opened(path, flags):
    fd = os.open(path, flags, 0o644)
    try:
        yield fd
    finally:
        os.close(fd)


def write_blocks(fd, offsets, data):
    """Return the seconds it took."""
    start = time.monotonic()
    for offset in offsets:
        if os.pwrite(fd, data, offset) != len(data):
            raise CommandFailed("a short write at %d" % offset)
    return time.monotonic() - start


def read_blocks(fd, offsets):
    start = time.monotonic()
    for offset in offsets:
        if len(os.pread(fd, BLOCK, offset)) != BLOCK:
            raise CommandFailed("a short read at %d" % offset)
    return time.monotonic() - start


# The jobs.  Each does its work in a folder and returns ({row: seconds}, {row: pair}).


class Job:
    rows = ()
    pairs = ()
    needs_root = False

    def __init__(self, work):
        self.work = work

    def image_bytes(self):
        return self.work.size_bytes

    def run(self, folder):
        raise NotImplementedError

    def check(self, folder):
        """Raise WrongCopy if the image is not what it should be."""

    def timed(self, *command):
        return timed(list(command), self.work.log)


def image(folder):
    return os.path.join(folder, "image")


def check_filesystem(folder):
    with tempfile.TemporaryFile() as log:
        if subprocess.call(["e2fsck", "-fn", image(folder)], stdin=subprocess.DEVNULL, stdout=log,
                           stderr=log) != 0:
            raise WrongCopy("e2fsck finds the image broken")


class Stream(Job):
    """The whole image in order, 1 MiB at a time."""

    rows = ("write", "read")

    def run(self, folder):
        path = image(folder)
        count = "count=%d" % (self.work.size_bytes // PIECE_BYTES)
        return {"write": self.timed("dd", "if=/dev/zero", "of=" + path, "bs=1M", count,
                                    "status=none"),
                "read": self.timed("dd", "if=" + path, "of=/dev/null", "bs=1M",
                                   "status=none")}, {}

    def check(self, folder):
        if os.path.getsize(image(folder)) != self.work.size_bytes:
            raise WrongCopy("the image has another size")


class Random(Job):
    """Blocks in random order: written to a sparse file, then the same ones read in another order."""

    rows = ("random-write", "random-read")

    def run(self, folder):
        offsets = random_offsets(self.work.size_bytes, self.work.n_random)
        with opened(image(folder), os.O_RDWR | os.O_CREAT) as fd:
            os.ftruncate(fd, self.work.size_bytes)
            written = write_blocks(fd, offsets, os.urandom(BLOCK))
            random.Random(SEED + 1).shuffle(offsets)
            return {"random-write": written, "random-read": read_blocks(fd, offsets)}, {}


class Mke2fs(Job):
    rows = ("mke2fs",)

    def image_bytes(self):
        return self.work.size_bytes * 3 // 2

    def run(self, folder):
        with open(image(folder), "wb") as file:
            file.truncate(self.image_bytes())
        return {"mke2fs": self.timed("mke2fs", "-q", "-F", "-t", "ext4", "-d", self.work.tree,
                                     image(folder))}, {}

    def check(self, folder):
        check_filesystem(folder)


class Copy(Job):
    """A filesystem on a loop device over the image; the unmount counts, it is what writes."""

    rows = ("cp",)
    needs_root = True

    def image_bytes(self):
        return self.work.size_bytes * 3 // 2

    def run(self, folder):
        with open(image(folder), "wb") as file:
            file.truncate(self.image_bytes())
        self.timed("mke2fs", "-q", "-F", "-t", "ext4", image(folder))
        point = image(folder) + ".mnt"
        os.mkdir(point)
        loop = subprocess.run(["losetup", "--show", "-f", image(folder)], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()
        try:
            return {"cp": self.timed("sh", "-ec", "mount \"$0\" \"$1\"; cp -a \"$2\" \"$1\"; "
                                     "umount \"$1\"", loop, point, self.work.tree)}, {}
        finally:
            subprocess.run(["losetup", "-d", loop], check=True)

    def check(self, folder):
        check_filesystem(folder)


class Huge(Job):
    """Single blocks here and there in a file of 1 TiB."""

    rows = ("huge",)

    def image_bytes(self):
        return HUGE_BYTES

    def run(self, folder):
        with opened(image(folder), os.O_RDWR | os.O_CREAT) as fd:
            os.ftruncate(fd, HUGE_BYTES)
            return {"huge": write_blocks(fd, random_offsets(HUGE_BYTES, N_HUGE_WRITES),
                                         os.urandom(BLOCK))}, {}


class Record(Job):
    """Writes that are noted against the same without a note (no_record.c), in one file of one mount.

    As a build writes them: into a sparse file, no block twice, so that each note changes the record.
    """

    batch_blocks = BATCH_BLOCKS
    data = bytes(BLOCK)

    def offsets(self):
        raise NotImplementedError

    def run(self, folder):
        offsets = self.offsets()
        sums = [0, 0]
        with opened(image(folder), os.O_RDWR | os.O_CREAT) as fd:
            os.ftruncate(fd, self.work.size_bytes)
            for number, at in enumerate(range(0, len(offsets), self.batch_blocks)):
                sums[number % 2] += write_blocks(fd, offsets[at:at + self.batch_blocks], self.data)
        return {}, {self.pairs[0]: tuple(sums)}


class RecordRandom(Record):
    """4 KiB in random order."""

    pairs = ("record-4k",)

    def offsets(self):
        n_blocks = self.work.size_bytes // BLOCK
        n = min(n_blocks, 4 * self.work.n_random)
        return random_offsets(self.work.size_bytes, n // (2 * BATCH_BLOCKS) * 2 * BATCH_BLOCKS)


class RecordStream(Record):
    """1 MiB in order."""

    pairs = ("record-1m",)
    batch_blocks = 1
    data = bytes(PIECE_BYTES)

    def offsets(self):
        return list(range(0, self.work.size_bytes, PIECE_BYTES))


JOBS = [Stream, Random, Mke2fs, Copy, Huge, RecordRandom, RecordStream]


# Places


class Plain:
    """A folder of the host."""

    def __init__(self, bench_dir):
        self.data = tempfile.mkdtemp(prefix="trace.", dir=bench_dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Also after a job that was killed."""
        clear_loops(self.data)
        shutil.rmtree(self.data)

    def peak(self):
        return None


def clear_loops(folder):
    """Unmount what is mounted below a folder, but for a traced one, and free its loop devices."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            point = os.path.join(folder, name)
            if name.endswith(".mnt") and is_mounted(point):
                subprocess.run(["umount", "-l", point], check=False)
    listing = subprocess.run(["losetup", "-l", "-n", "-O", "NAME,BACK-FILE"], text=True,
                             check=False, stdout=subprocess.PIPE).stdout
    for line in listing.split("\n"):
        name, _, back_file = line.strip().partition(" ")
        if back_file.strip().startswith(folder + "/"):
            subprocess.run(["losetup", "-d", name], check=False)


@contextlib.contextmanager
def null_file(null_fuse, folder, size_bytes):
    """A file whose daemon does nothing (null_fuse.c)."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        subprocess.run([null_fuse, file.name, str(size_bytes)], check=True)
        try:
            yield file.name
        finally:
            subprocess.run(["fusermount3", "-u", file.name], check=True)


def null_seconds(null_fuse, folder):
    """Return the seconds of a write and of a read of a block."""
    offsets = [n * BLOCK for n in range(N_FLOOR_REQUESTS)]
    with null_file(null_fuse, folder, N_FLOOR_REQUESTS * BLOCK) as path, \
            opened(path, os.O_RDWR) as fd:
        return (write_blocks(fd, offsets, bytes(BLOCK)) / N_FLOOR_REQUESTS,
                read_blocks(fd, offsets) / N_FLOOR_REQUESTS)


def traced_tool(options, library_path, job, data, *more):
    command = [options.bmapfs, "--trace", *more, data, "{mount}"]
    if job.pairs:
        command = ["env", "LD_PRELOAD=" + options.no_record,
                   "BMAP_BENCH_BATCH=%d" % job.batch_blocks] + command
    return Tool(command, "", True, library_path)


class Runner:
    def __init__(self, options, library_path, tool_library_path):
        self.options = options
        self.library_path = library_path
        self.tool_library_path = tool_library_path
        self.log = os.path.join(options.bench_dir, "mount.log")

    def limited(self, function):
        return limited(self.options.timeout, function)

    def on_host(self, job, with_check):
        with Plain(self.options.bench_dir) as plain:
            os.sync()
            seconds, pairs = self.limited(lambda: job.run(plain.data))
            if with_check:
                job.check(plain.data)
            return Sample(seconds, pairs, None)

    def traced(self, job, with_check):
        with Plain(self.options.bench_dir) as plain:
            os.sync()
            tool = traced_tool(self.options, self.library_path, job, plain.data)
            with Mount(tool, self.options.bench_dir, self.log) as mount:
                try:
                    sample = self.limited(lambda: self.in_mount(job, mount))
                finally:
                    clear_loops(mount.point)
            if with_check:
                job.check(plain.data)
                self.check_map(plain.data)
            return sample

    def floor(self, job):
        """Return the Floor of a job that waits for each of its requests."""
        with Plain(self.options.bench_dir) as plain, tempfile.NamedTemporaryFile() as events:
            tool = traced_tool(self.options, self.library_path, job, plain.data,
                               "--events=" + events.name)
            with Mount(tool, self.options.bench_dir, self.log) as mount:
                self.limited(lambda: self.in_mount(job, mount))
            actions = collections.Counter(line.split()[2] for line in events if line.count(b" ") > 1)
        write, read = self.limited(
            lambda: null_seconds(self.options.null_fuse, self.options.bench_dir))
        n_writes, n_reads = actions[b"write"], actions[b"read"]
        return Floor(n_writes, n_reads, n_writes * write + n_reads * read)

    def in_mount(self, job, mount):
        mount.start()
        seconds, pairs = job.run(mount.point)
        return Sample(seconds, pairs, mount.peak())

    def check_map(self, folder):
        """The record is whole and belongs to the image."""
        bmap = os.path.join(folder, "image.bmap")
        env = clean_environment()
        if self.tool_library_path:
            env["LD_LIBRARY_PATH"] = self.tool_library_path
        done = subprocess.run([self.options.bmaptool, "create", "--trace", "--no-checksum", "-o", bmap,
                               image(folder)], env=env, check=False, text=True,
                              timeout=self.options.timeout, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise WrongCopy(done.stderr.strip().split("\n")[-1])
        remove(bmap)
