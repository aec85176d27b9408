# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads records of traced files, as bmap-trace(5) defines them; shares nothing with the programs.

    trace_record.py path FILE [RECORDS]     the record of a file, by its identity
    trace_record.py facts RECORD            runs of blocks with facts: 0-3:1 7:16
    trace_record.py counts RECORD           how many blocks have each value: 1:4 16:1
    trace_record.py header RECORD           flags, size
    trace_record.py patch RECORD OFFSET HEX bytes of it
    trace_record.py covered OLD NEW RECORD [MAX]
        each block of NEW that is not as in OLD is written or zeroed; at most MAX blocks have one of
        these facts and are as they were
"""
import ctypes
import os
import struct
import sys

BLOCK = 4096
HEADER = 4096


class Statx(ctypes.Structure):
    _fields_ = [("mask", ctypes.c_uint32), ("_a", ctypes.c_uint8 * 76),
                ("birth_sec", ctypes.c_int64), ("birth_nsec", ctypes.c_uint32),
                ("_b", ctypes.c_uint8 * 164)]


def birth(path):
    """Seconds and nanoseconds; 0, 0 where the filesystem has none."""
    libc = ctypes.CDLL(None, use_errno=True)
    found = Statx()
    if libc.statx(-100, os.fsencode(path), 0x100, 0x800, ctypes.byref(found)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return (found.birth_sec, found.birth_nsec) if found.mask & 0x800 else (0, 0)


def find(path, records=None):
    st = os.lstat(path)
    born = birth(path)
    if records is None:
        records = os.path.dirname(os.path.realpath(path))
        while not os.path.isdir(os.path.join(records, ".bmap-trace")):
            if records == "/":
                sys.exit("%s: no .bmap-trace beside it or above" % path)
            records = os.path.dirname(records)
        records = os.path.join(records, ".bmap-trace")
    for name in os.listdir(records):
        if not name.endswith(".trace"):
            continue
        try:
            device, inode, time = name[:-len(".trace")].split("-")
            sec, nsec = time.split(".")
            if (int(device, 16), int(inode, 16), int(sec), int(nsec)) == (st.st_dev, st.st_ino) + born:
                return os.path.join(records, name)
        except ValueError:
            sys.exit("%s: not named DEVICE-INODE-SECONDS.NANOSECONDS.trace" % name)
    sys.exit("%s: no record in %s" % (path, records))


def chunks(path, skip=0):
    """(place, bytes) of what the file has; the rest of it is zeros."""
    fd = os.open(path, os.O_RDONLY)
    at = skip
    while True:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
            end = os.lseek(fd, at, os.SEEK_HOLE)
        except OSError:
            break
        while at < end:
            data = os.pread(fd, min(1 << 20, end - at), at)
            if not data:
                break
            yield at, data
            at += len(data)
    os.close(fd)


def facts(record):
    """Block: its byte, for bytes that are not 0."""
    found = {}
    for at, data in chunks(record, HEADER):
        if data.strip(b"\0"):
            found.update((at - HEADER + i, byte) for i, byte in enumerate(data) if byte)
    return found


def blocks(path):
    found = {}
    for at, data in chunks(path):
        for i in range(0, len(data), BLOCK):
            block = data[i:i + BLOCK].rstrip(b"\0")
            if block:
                found[(at + i) // BLOCK] = block
    return found


def runs(found):
    run = []
    for n in sorted(found):
        if run and n == run[-1][1] + 1 and found[n] == run[-1][2]:
            run[-1][1] = n
        else:
            run.append([n, n, found[n]])
    return " ".join("%d:%d" % (a, f) if a == b else "%d-%d:%d" % (a, b, f) for a, b, f in run)


def covered(old, new, record, most=None):
    said = {n for n, byte in facts(record).items() if byte & 3}
    before, after = blocks(old), blocks(new)
    changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    if changed - said:
        sys.exit("%s: block %d was changed, but the record says %s" %
                 (new, min(changed - said), facts(record).get(min(changed - said), 0)))
    known = {n for n in said if n not in changed}
    if most is not None and len(known) > int(most):
        sys.exit("%s: %d blocks are said to be written, and are as they were (block %d)" %
                 (new, len(known), min(known)))
    return "%d blocks changed, %d more said to be" % (len(changed), len(known))


def main():
    command, args = sys.argv[1], sys.argv[2:]
    if command == "path":
        print(find(*args))
    elif command == "facts":
        print(runs(facts(*args)))
    elif command == "counts":
        values = list(facts(*args).values())
        print(" ".join("%d:%d" % (v, values.count(v)) for v in sorted(set(values))))
    elif command == "header":
        with open(args[0], "rb") as file:
            head = file.read(HEADER)
        print("flags %d size %d" % (struct.unpack_from("<I", head, 20) + struct.unpack_from("<Q", head, 24)))
    elif command == "patch":
        with open(args[0], "r+b") as file:
            file.seek(int(args[1], 0))
            file.write(bytes.fromhex(args[2]))
    elif command == "covered":
        print(covered(*args))
    else:
        sys.exit(__doc__)


main()
