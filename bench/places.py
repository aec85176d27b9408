# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the copies come from and go to: targets, web server, page cache, and their checks."""

import contextlib
import fcntl
import hashlib
import mmap
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

PIECE_BYTES = 1 << 20


class WrongCopy(Exception):
    """A measured command ended well, but what it wrote is wrong."""


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def warm(path):
    """Bring a file into the page cache."""
    if path == os.devnull:
        return
    with open(path, "rb", buffering=0) as file:
        while file.read(PIECE_BYTES):
            pass


def lock(folder):
    """Return a descriptor that keeps a second run out: it would write the same files."""
    os.makedirs(folder, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("bench: another one is running in " + folder)
    return fd


def touch_memory(n_bytes):
    """Take and give back, in huge pages, as much memory as the next command will fill.

    A virtual machine may return free pages to its host, and each costs a visit there when it is
    used again: equal runs of dd to a file (1.3 GiB, kernel 6.18 under Firecracker) took 1.0 to
    3.7 s without this, 1.0 to 1.1 s with it, 1.0 to 2.9 s with small pages.
    """
    if n_bytes > os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return
    with mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
        for offset in range(0, n_bytes, mmap.PAGESIZE):
            memory[offset] = 1


class DiskTarget:
    """A regular file on the local disk, made anew by each copy."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "target.img")

    def reset(self):
        remove(self.path)
        os.sync()

    def close(self):
        self.reset()


class LoopTarget:
    """A loop device over a sparse file on tmpfs: a block device as fast as memory.

    What was written once stays in memory, in the file and in the device's page cache: finding new
    pages is the machine's work, not the tool's, and varies most of all.  touch_memory() does not
    help here, a block device takes other pages than those that a process gives back: equal runs of
    dd took 0.9 to 4.2 s with new pages, 0.8 to 1.1 s with kept ones.
    """

    def __init__(self, bmap):
        _, size_bytes, self.ranges = read_map(bmap)
        fd, self.file = tempfile.mkstemp(prefix="bmap-bench.", suffix=".img", dir="/dev/shm")
        os.ftruncate(fd, size_bytes)
        os.close(fd)
        try:
            self.path = subprocess.run(["losetup", "-f", "--show", self.file], check=True,
                                       stdout=subprocess.PIPE, text=True).stdout.strip()
        except subprocess.CalledProcessError:
            remove(self.file)
            raise
        self.fd = os.open(self.path, os.O_RDWR)  # the last to close it would drop its page cache

    def reset(self):
        """Write zeros where a copy will write."""
        zeros = bytes(PIECE_BYTES)
        for start, length, _ in self.ranges:
            for done in range(0, length, PIECE_BYTES):
                os.pwrite(self.fd, zeros[:min(PIECE_BYTES, length - done)], start + done)
        os.fsync(self.fd)

    def close(self):
        os.close(self.fd)
        subprocess.run(["losetup", "-d", self.path], check=True)
        remove(self.file)


class Targets(contextlib.ExitStack):
    """The targets by name: "disk", and "loop" where that is allowed."""

    def __init__(self, options):
        super().__init__()
        self.options = options

    def __enter__(self):
        super().__enter__()
        targets = {"disk": DiskTarget(self.options.bench_dir)}
        self.callback(targets["disk"].close)
        if os.geteuid() == 0:
            targets["loop"] = LoopTarget(os.path.join(self.options.bmap_dir, "disk.bmap"))
            self.callback(targets["loop"].close)
        else:
            print("bench/run: no loop device without root, its rows are left out", flush=True)
        return targets


NGINX_CONF = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ }}
http {{
    {logging}
    sendfile on;
    tcp_nopush on;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; {locations} }}
}}
"""


class WebServer:
    """nginx on a free port of the loopback interface, serving the folder of the images."""

    logging = "access_log off;"
    locations = ""

    def __init__(self, options):
        self.root = options.bmap_dir
        self.folder = tempfile.mkdtemp(prefix="bmap-bench-nginx.")
        self.process = None
        self.url = None

    def __enter__(self):
        port = free_port()
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(NGINX_CONF.format(folder=self.folder, root=self.root, port=port,
                                         logging=self.logging.format(folder=self.folder),
                                         locations=self.locations,
                                         user="user root;" if os.geteuid() == 0 else ""))
        self.process = subprocess.Popen(
            ["nginx", "-p", self.folder, "-e", self.folder + "/error.log", "-c", conf])
        self.url = "http://127.0.0.1:%d" % port
        self.await_port(port)
        return self

    def await_port(self, port):
        for _ in range(100):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.__exit__()
        raise RuntimeError("nginx did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_map(path):
    """Return (block size, image size, [(first byte, length, checksum)]) of a bmap."""
    root = xml.etree.ElementTree.parse(path).getroot()
    block = int(root.findtext("BlockSize"))
    size = int(root.findtext("ImageSize"))
    ranges = []
    for element in root.find("BlockMap"):
        first, _, last = element.text.strip().partition("-")
        start = int(first) * block
        end = min((int(last or first) + 1) * block, size)
        ranges.append((start, end - start, element.get("chksum")))
    return block, size, ranges


def check_ranges(path, bmap):
    """Hash every mapped range of a copy and compare with the bmap."""
    with open(path, "rb") as file:
        for start, length, checksum in read_map(bmap)[2]:
            file.seek(start)
            digest = hashlib.sha256()
            while length > 0:
                data = file.read(min(length, PIECE_BYTES))
                if not data:
                    raise WrongCopy("%s ends early" % path)
                digest.update(data)
                length -= len(data)
            if digest.hexdigest() != checksum:
                raise WrongCopy("%s: the bytes from %d on are wrong" % (path, start))


def check_same_map(path, bmap):
    if read_map(path) != read_map(bmap):
        raise WrongCopy("%s differs from %s" % (path, bmap))


def resolve_libtool(program):
    """Return (program, library path): past the shell script that libtool puts in its place.

    The script costs a start of the shell, which is not what a user of an installed program sees.
    """
    program = shutil.which(program)
    with open(program, "rb") as file:
        if b"libtool" not in file.read(4096):
            return program, None
    folder = os.path.dirname(os.path.realpath(program))
    real = os.path.join(folder, ".libs", os.path.basename(program))
    return real, os.path.join(folder, "../lib/.libs")
