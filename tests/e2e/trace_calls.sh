#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The other calls: the same program, run in a plain folder and in a traced one, sees the same
# results and the same errors.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_traced_folder

cat >calls.py <<'END'
import ctypes, errno, fcntl, os, socket, stat, struct, sys, time
os.chdir(sys.argv[1])
os.umask(0o022)
libc = ctypes.CDLL(None, use_errno=True)
def renameat2(old, new, flags):
    if libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags) < 0:
        raise OSError(ctypes.get_errno(), "")
def fallocate(fd, mode, at, n):
    if libc.fallocate(fd, mode, ctypes.c_long(at), ctypes.c_long(n)) < 0:
        raise OSError(ctypes.get_errno(), "")
def say(what, call, *args, **named):
    try:
        result = call(*args, **named)
    except OSError as error:
        result = errno.errorcode.get(error.errno, error.errno)
    print(what, result)
    return result
def kind(path):
    st = os.lstat(path)
    return stat.filemode(st.st_mode), st.st_nlink, st.st_uid, st.st_gid, st.st_size if not stat.S_ISDIR(st.st_mode) else 0, st.st_rdev
def put(name, data=b"data"):
    with open(name, "wb") as file:
        file.write(data)

# Kinds of files.
say("mkfifo", os.mkfifo, "fifo", 0o640)
say("mknod", os.mknod, "node", 0o600 | stat.S_IFREG)
say("device", os.mknod, "device", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
sock = socket.socket(socket.AF_UNIX); say("bind", sock.bind, "socket")
say("symlink", os.symlink, "any text at all", "link")
say("long link", os.symlink, "t" * 4095, "long")
say("readlink", lambda: len(os.readlink("long")))
say("mkdir", os.mkdir, "folder", 0o2750)
for name in "fifo", "node", "device", "socket", "link", "folder", ".":
    say("kind " + name, kind, name)
def through_fifo():
    if os.fork() == 0:
        with open("fifo", "wb") as file:
            file.write(b"hello")
        os._exit(0)
    data = open("fifo", "rb").read()
    os.wait()
    return data
say("through the fifo", through_fifo)

# Opening.
put("file", b"0123456789" * 1000)
for name, flags in ("file", os.O_CREAT | os.O_EXCL | os.O_RDWR), ("nothing", os.O_RDWR), ("folder", os.O_RDWR), ("folder", os.O_RDONLY), \
        ("file", os.O_DIRECTORY), ("link", os.O_NOFOLLOW), ("link", os.O_PATH | os.O_NOFOLLOW), ("file/x", os.O_RDONLY), \
        ("file", os.O_RDWR | os.O_TRUNC), ("file", os.O_WRONLY | os.O_APPEND), ("socket", os.O_RDWR), ("file", os.O_RDWR | os.O_NOATIME), \
        ("file", os.O_RDWR | os.O_SYNC), ("nothing/x", os.O_CREAT | os.O_RDWR), ("new", os.O_CREAT | os.O_WRONLY):
    say("open %s %o" % (name, flags), lambda: os.close(os.open(name, flags, 0o4751)))
say("mode of new", kind, "new")
say("size after O_TRUNC", kind, "file")
fd = os.open("read-only", os.O_CREAT | os.O_RDWR, 0o444)
say("write to 0444 that was made", os.write, fd, b"x" * 10)
say("read-only kind", kind, "read-only")
os.close(fd)

# Bytes.
put("file", b"0123456789" * 1000)
fd = os.open("file", os.O_RDWR)
ro = os.open("file", os.O_RDONLY)
say("pread behind the end", os.pread, fd, 10, 20000)
say("pread over the end", os.pread, fd, 10, 9995)
say("pwrite to a read-only one", os.pwrite, ro, b"x", 0)
say("ftruncate a read-only one", os.ftruncate, ro, 5)
say("negative offset", os.pwrite, fd, b"x", -1)
say("preadv", lambda: os.preadv(fd, [bytearray(5), bytearray(7)], 9990))
say("pwritev", os.pwritev, fd, [b"abc", b"", b"defg"], 100)
say("pread of it", os.pread, fd, 9, 99)
say("SEEK_END", os.lseek, fd, 0, os.SEEK_END)
say("SEEK_CUR", os.lseek, fd, -5, os.SEEK_CUR)
say("SEEK_SET", os.lseek, fd, -5, os.SEEK_SET)
say("SEEK_DATA behind the end", os.lseek, fd, 10000, os.SEEK_DATA)
say("SEEK_HOLE behind the end", os.lseek, fd, 99999, os.SEEK_HOLE)
say("SEEK_HOLE", os.lseek, fd, 0, os.SEEK_HOLE)
for mode, at, n in (0, 0, 0), (0, -1, 5), (0, 0, 20000), (1, 30000, 5), (2, 0, 4096), (0x40, 0, 4096):
    say("fallocate %x" % mode, fallocate, fd, mode, at, n)
    say("size", lambda: os.fstat(fd).st_size)
say("fallocate of a read-only one", fallocate, ro, 0, 0, 5)
say("copy_file_range", os.copy_file_range, fd, fd, 1000, 0, 15000)
say("copied", lambda: os.pread(fd, 1010, 15000))
say("overlapping", os.copy_file_range, fd, fd, 1000, 0, 500)
say("fsync read-only", os.fsync, ro)
say("fdatasync", os.fdatasync, fd)
say("truncate", os.truncate, "file", 12345)
say("truncate negative", os.truncate, "file", -1)
say("truncate a folder", os.truncate, "folder", 0)
say("sendfile", lambda: os.sendfile(os.open("sent", os.O_CREAT | os.O_RDWR), ro, 0, 5000))
say("size", kind, "sent")
say("flags", lambda: fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE)
say("FIGETBSZ", lambda: struct.unpack("i", fcntl.ioctl(fd, 2, struct.pack("i", 0)))[0])
say("statfs", lambda: (os.statvfs(".").f_bsize, os.statvfs(".").f_namemax, os.statvfs(".").f_blocks > 0))
say("file too large", os.ftruncate, fd, 1 << 62)

# Locks.
def locked_by_child(lock):
    read, write = os.pipe()
    if os.fork() == 0:
        other = os.open("file", os.O_RDWR)
        try:
            lock(other)
            os.write(write, b"free")
        except OSError as error:
            os.write(write, errno.errorcode[error.errno].encode())
        os._exit(0)
    os.wait()
    return os.read(read, 100)
say("flock", fcntl.flock, fd, fcntl.LOCK_EX)
say("flock of another", locked_by_child, lambda other: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB))
say("flock unlocked", fcntl.flock, fd, fcntl.LOCK_UN)
say("flock of another", locked_by_child, lambda other: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB))
say("lockf", fcntl.lockf, fd, fcntl.LOCK_EX, 100, 50)
say("lockf of another", locked_by_child, lambda other: fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 100))
say("lockf of another elsewhere", locked_by_child, lambda other: fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 150))

# Attributes.
say("chmod", os.chmod, "file", 0o4755); say("kind", kind, "file")
say("fchmod", os.fchmod, fd, 0o640); say("kind", kind, "file")
say("utime", os.utime, "file", ns=(123456789012345678, 987654321098765432))
say("times", lambda: (os.stat("file").st_atime_ns, os.stat("file").st_mtime_ns))
say("utime of a link", os.utime, "link", ns=(5, 6), follow_symlinks=False)
say("times of a link", lambda: os.lstat("link").st_mtime_ns)
def mtime_moves():
    before = os.stat("file").st_mtime_ns
    os.pwrite(fd, b"x", 0)
    return os.stat("file").st_mtime_ns > before and abs(os.stat("file").st_mtime - time.time()) < 100
say("mtime moves", mtime_moves)
if os.getuid() == 0:
    say("chown", os.chown, "file", 1234, 5678); say("kind", kind, "file")
    say("lchown", os.lchown, "link", 12, 34); say("kind", kind, "link")
for name in "user.a", "user.b", "trusted.x", "security.x", "nothing", "user." + "n" * 250, "user." + "n" * 251:
    say("setxattr " + name, os.setxattr, "file", name, b"value")
say("create", os.setxattr, "file", "user.a", b"v", os.XATTR_CREATE)
say("replace", os.setxattr, "file", "user.z", b"v", os.XATTR_REPLACE)
say("listxattr", lambda: sorted(n for n in os.listxattr("file") if not n.startswith("user.bmapfs")))
say("getxattr", os.getxattr, "file", "user.b")
say("getxattr of nothing", os.getxattr, "file", "user.nothing")
say("removexattr", os.removexattr, "file", "user.b")
say("removexattr again", os.removexattr, "file", "user.b")
say("large", os.setxattr, "file", "user.large", b"v" * 3000)
say("large", lambda: len(os.getxattr("file", "user.large")))
say("of a folder", os.setxattr, "folder", "user.a", b"v")
say("of a link", os.setxattr, "link", "user.a", b"v", follow_symlinks=False)
say("access", lambda: [os.access("file", mode) for mode in (os.R_OK, os.W_OK, os.X_OK)])

# Names.
put("folder/inner")
say("rmdir of what is not empty", os.rmdir, "folder")
say("unlink of a folder", os.unlink, "folder")
say("rmdir of a file", os.rmdir, "file")
say("link", os.link, "file", "folder/hard"); say("kind", kind, "folder/hard")
say("link over", os.link, "file", "folder/hard")
say("link of a folder", os.link, "folder", "folder2")
say("rename into itself", os.rename, "folder", "folder/below")
say("rename over a folder", os.rename, "file", "folder")
say("rename a folder over a file", os.rename, "folder", "file")
os.mkdir("empty")
say("rename a folder over an empty one", os.rename, "folder", "empty")
say("listdir", lambda: sorted(os.listdir("empty")))
say("NOREPLACE", renameat2, "file", "new", 1)
say("EXCHANGE", renameat2, "file", "empty", 2); say("kind", kind, "file"); say("kind", kind, "empty")
say("EXCHANGE with nothing", renameat2, "file", "nothing", 2)
say("EXCHANGE and NOREPLACE", renameat2, "file", "empty", 3)
say("two links renamed", os.rename, "file/hard", "empty"); say("kind", kind, "empty")
say("unlink", os.unlink, "empty"); say("open file", lambda: os.fstat(fd).st_nlink)
say("write to it", os.pwrite, fd, b"gone", 50); say("read of it", os.pread, fd, 4, 50)
say("utime of it", os.utime, fd, ns=(1, 2)); say("truncate it", os.ftruncate, fd, 77)
say("its size", lambda: (os.fstat(fd).st_size, os.fstat(fd).st_mtime_ns > 2))
say("read only", lambda: (os.pread(ro, 4, 50), os.fstat(ro).st_size))
os.close(fd); os.close(ro)
say("rmdir", os.rmdir, "file"); say("rename of nothing", os.rename, "nothing", "x")

# Folders: many entries, read in parts while they go.
os.mkdir("many")
for n in range(3000):
    os.mknod("many/%d" % n)
say("many", lambda: len(os.listdir("many")))
gone = 0
for entry in os.scandir("many"):
    os.unlink(entry.path)
    gone += 1
say("all were seen once", lambda: (gone, os.listdir("many")))
say("types", lambda: sorted((e.name, e.is_file(follow_symlinks=False), e.is_dir(follow_symlinks=False), e.is_symlink()) for e in os.scandir(".")))
say("inodes", lambda: all(e.inode() == os.lstat(e.name).st_ino for e in os.scandir(".")))
folder = os.open("many", os.O_RDONLY)
say("fsync of a folder", os.fsync, folder)
os.rmdir("many")
say("in a folder that is gone", lambda: os.open("x", os.O_CREAT | os.O_RDWR, dir_fd=folder))
say("links of the root", lambda: os.stat(".").st_nlink)
END
mkdir plain data records
mount_traced --punch=forget --trace=records data mnt
run 0 "$PY" calls.py plain
mv stdout plain.out
run 0 "$PY" calls.py mnt
mv stdout traced.out
is_alive
diff plain.out traced.out >difference || fail "$(cat difference)"
unmount mnt
no_reports
