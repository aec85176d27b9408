# SPDX-License-Identifier: GPL-2.0-or-later
"""One image under one tool: its mount, what is read from it, and the end of it in every case."""

import collections
import contextlib
import errno
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time

from cost import CommandFailed, last_words
from places import PIECE_BYTES, WrongCopy, remove

BLOCK = 4096
MARKER = "BMAP_BENCH_MOUNT"  # in the environment of a tool's processes: by it they are found

# A tool's command; the file that it shows below the mount point; whether the command
# returns when the mount is ready, or stays and is the mount.
Tool = collections.namedtuple("Tool", "command file returns library_path")

# What one fresh mount gave: {row: seconds since the start of the command}, MiB of memory,
# KiB of data found.
Sample = collections.namedtuple("Sample", "seconds peak kib")

# What is read: the image itself, the offset of the first read, those of the random reads.
Work = collections.namedtuple("Work", "image first offsets copy")


def clean_environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    env.update(more)
    return env


# Time limits


def answer(sender, function):
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        sender.send(function())
    except (CommandFailed, WrongCopy, OSError) as e:
        sender.send(e)


def kill_group(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join(5)


def limited(seconds, function):
    """Return what a function returns, called in a process of its own.

    A mount that does not answer stops who reads from it; that process can be killed.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(sender, function))
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            raise CommandFailed("not ready after %d s" % seconds)
        result = receiver.recv()
    except EOFError:
        raise CommandFailed("ended without a result") from None
    finally:
        kill_group(process)
    if isinstance(result, Exception):
        raise result
    return result


def timed(command, log):
    """Return the wall time of a command."""
    start = time.monotonic()
    with open(log, "wb") as file:
        status = subprocess.call(command, stdin=subprocess.DEVNULL, stderr=file,
                                 stdout=subprocess.DEVNULL, env=clean_environment())
    seconds = time.monotonic() - start
    if status != 0:
        raise CommandFailed("status %d: %s" % (status, last_words(log)))
    return seconds


def seconds_of(command, limit, log):
    """The same, when nobody else limits it."""
    return limited(limit, lambda: timed(command, log))


# The mount


def is_mounted(path):
    """Not os.path.ismount(): a mount whose daemon is gone or hangs must not be touched."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return any(line.split()[4] == path for line in file)


class Mount:
    """A mount point, a cache folder and the processes of a tool, all of them for one use."""

    def __init__(self, tool, bench_dir, log):
        self.tool = tool
        self.log = log
        self.folder = tempfile.mkdtemp(prefix="mount.", dir=bench_dir)
        self.point = os.path.join(self.folder, "point")
        self.cache = os.path.join(self.folder, "cache")
        self.path = os.path.join(self.point, tool.file)

    def __enter__(self):
        os.mkdir(self.point)
        os.mkdir(self.cache)
        return self

    def __exit__(self, kind, *_):
        stubborn = self.unmount()
        stubborn = not self.await_end() or stubborn
        self.kill()
        if is_mounted(self.point):
            subprocess.run(["umount", "-l", self.point], check=False)
        if not is_mounted(self.point):
            os.rmdir(self.point)
            shutil.rmtree(self.folder)
        if stubborn and kind is None:
            raise CommandFailed("still there 10 s after 'fusermount3 -u'")

    # In the process that reads

    def start(self):
        """Start the tool and return when its file is there."""
        env = clean_environment(XDG_CACHE_HOME=self.cache, **{MARKER: self.folder})
        if self.tool.library_path:
            env["LD_LIBRARY_PATH"] = self.tool.library_path
        command = [word.format(mount=self.point, cache=self.cache) for word in self.tool.command]
        with open(self.log, "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=env, start_new_session=True)
        if self.tool.returns:
            process.wait()
        while not self.is_ready(process):
            time.sleep(0.0005)

    def is_ready(self, process):
        if process.poll() is not None and not (self.tool.returns and process.returncode == 0):
            raise CommandFailed("status %d: %s" % (process.returncode, last_words(self.log)))
        if self.tool.returns and not os.path.exists(self.path):
            raise CommandFailed("the mount shows no '%s': %s"
                                % (self.tool.file, last_words(self.log)))
        return is_mounted(self.point) and os.path.exists(self.path)

    def peak(self):
        """Return the largest resident sets of all processes of the tool together, in MiB."""
        return sum(peak_kib(pid) for pid in self.processes()) / 1024

    # In every case

    def processes(self):
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and self.owns(pid)]

    def owns(self, pid):
        mark = ("%s=%s" % (MARKER, self.folder)).encode()
        with contextlib.suppress(OSError), open("/proc/%s/environ" % pid, "rb") as file:
            return mark in file.read().split(b"\0")
        return False

    def unmount(self):
        """Return whether it did not work."""
        for _ in range(100):
            if not is_mounted(self.point):
                return False
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(["fusermount3", "-q", "-u", self.point], check=False, timeout=30,
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.02)
        return is_mounted(self.point)

    def await_end(self):
        """Return whether the tool ended by itself."""
        for _ in range(500):
            if not self.processes():
                return True
            time.sleep(0.02)
        return False

    def kill(self):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.await_end()


def peak_kib(pid):
    with contextlib.suppress(OSError), open("/proc/%d/status" % pid, encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


# What is read.  Each returns ({row: seconds}, KiB of data found or None).


def compare(what, got, image, offset):
    with open(image, "rb") as file:
        if os.pread(file.fileno(), BLOCK, offset) != got:
            raise WrongCopy("%s at %d: other bytes than in the image" % (what, offset))


def compare_files(path, image):
    if subprocess.call(["cmp", "-s", path, image]) != 0:
        raise WrongCopy("%s is not equal to the image" % os.path.basename(path))


def compare_size(path, image):
    if os.path.getsize(path) != os.path.getsize(image):
        raise WrongCopy("the size is %d" % os.path.getsize(path))


def start_and_read(mount, work):
    """Return (start, time of the first read, descriptor)."""
    start = time.monotonic()
    mount.start()
    fd = os.open(mount.path, os.O_RDONLY)
    data = os.pread(fd, BLOCK, work.first)
    end = time.monotonic()
    compare("first read", data, work.image, work.first)
    compare_size(mount.path, work.image)
    return start, end - start, fd


def read_first(mount, work):
    _, seconds, fd = start_and_read(mount, work)
    os.close(fd)
    return {"first": seconds}, None


def read_random(mount, work):
    start, seconds, fd = start_and_read(mount, work)
    second_start = time.monotonic()
    blocks = [os.pread(fd, BLOCK, offset) for offset in work.offsets]
    end = time.monotonic()
    os.close(fd)
    for block, offset in zip(blocks, work.offsets):
        compare("random read", block, work.image, offset)
    reads = end - second_start
    return {"random": seconds + reads, "reads": reads}, None


def data_ranges(fd, size):
    """Yield (start, end) of what the file system says is not a hole."""
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as e:
            if e.errno == errno.ENXIO:  # a hole up to the end
                return
            raise
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, end


def data_pieces(fd, size):
    """Yield (offset, length) of reads of at most 1 MiB."""
    for start, end in data_ranges(fd, size):
        for offset in range(start, end, PIECE_BYTES):
            yield offset, min(PIECE_BYTES, end - offset)


def read_mapped(mount, work):
    """Read in order what is data; then once more, from the page cache, to compare it."""
    start = time.monotonic()
    mount.start()
    with open(mount.path, "rb") as file, open(work.image, "rb") as image:
        pieces = []
        for offset, length in data_pieces(file.fileno(), os.path.getsize(mount.path)):
            os.pread(file.fileno(), length, offset)
            pieces.append((offset, length))
        seconds = time.monotonic() - start
        for offset, length in pieces:
            data = os.pread(file.fileno(), length, offset)
            if data != os.pread(image.fileno(), length, offset):
                raise WrongCopy("other bytes than in the image from %d on" % offset)
    return {"mapped": seconds}, sum(length for _, length in pieces) // 1024


def run_reader(mount, *command):
    """Return the seconds from the start of the mount to the end of a command that reads it."""
    start = time.monotonic()
    mount.start()
    process = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, check=False)
    end = time.monotonic()
    if process.returncode != 0:
        raise CommandFailed(process.stderr.decode(errors="replace").strip().split("\n")[-1])
    return end - start


def read_sequence(mount, _):
    return {"sequence": run_reader(mount, "dd", "if=" + mount.path, "of=/dev/null", "bs=1M",
                                   "status=none")}, None


def copy_sparse(mount, work):
    remove(work.copy)
    seconds = run_reader(mount, "cp", "--sparse=auto", mount.path, work.copy)
    return {"copy": seconds}, os.stat(work.copy).st_blocks // 2


def compare_whole(mount, work):
    mount.start()
    compare_files(mount.path, work.image)
    return {}, None


READERS = {"first": read_first, "random": read_random, "mapped": read_mapped,
           "sequence": read_sequence, "copy": copy_sparse}


def use(tool, bench_dir, limit, read, work):
    """Mount, read, unmount, and return a Sample."""
    log = os.path.join(bench_dir, "mount.log")

    def read_and_measure():
        seconds, kib = read(mount, work)
        return Sample(seconds, mount.peak(), kib)

    with Mount(tool, bench_dir, log) as mount:
        try:
            return limited(limit, read_and_measure)
        except OSError as e:
            raise CommandFailed("%s (%s)" % (e.strerror, last_words(log))) from e
