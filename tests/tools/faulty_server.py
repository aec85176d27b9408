#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A web server that serves a folder and misbehaves on request.

    faulty_server.py --port-file P --log L --rules R [--single] [--http10] FOLDER

listens on a free port of 127.0.0.1 and writes its number to P once it answers.
R is read again at each request; each of its lines is

    GLOB WORD[=VALUE] ...

and says how requests whose path matches GLOB (no query) are answered.  The
words of all lines that match are put together, the earliest line wins.

which requests a line is for
    times=K         only the first K that match (all, if not given)
    skip=K          not the first K that match
    ranged          only those with a Range header
what is answered
    status=N        this status and a small page (retryafter=S adds the header)
    html            200 and an HTML page
    redirect=URL    302 to URL; redirect=self for a loop
    auth=USER:PW    401 unless the request carries these (Basic)
    needquery=TEXT  403 unless this is the query
    swap=FILE       the content of FOLDER/FILE instead (its ETag is another)
    delay=S         S seconds pass first
how a file is described
    etag=none|weak|changing|TEXT    (usual: a strong one from size and mtime)
    lastmod=none    without Last-Modified
    encoding=TEXT   with Content-Encoding: TEXT, the bytes as they are
    nolength        without Content-Length, the end is the connection's end
    noranges        Range is ignored
    noifrange       If-Range is ignored, Range is not
    range416        416 for each request with a Range
    lie=start       206 that begins one byte late, and says so
    lie=total       206 with another total
    lie=missing     206 without Content-Range
how it is sent
    drop=N          the connection is closed after N bytes of this body
    reset=N         the same with a TCP reset
    cutat=N         no byte of the file from offset N on is ever sent
    stall=N         after N bytes nothing, until the client leaves
    slow=N          N bytes a second
    longer          100 bytes more than Content-Length says
    endless         the file, then spaces for ever; no Content-Length
    chunked         Transfer-Encoding: chunked;  chunked=cut: no terminator

The log L has one line a request, written before the body,

    METHOD TARGET STATUS range=R if-range=E auth=USER:PW|none host=H conn=N

and, when a body has been sent or given up, "SENT TARGET BYTES".

A TARGET of the form http://host/path (the client thinks that this is a proxy)
is served by its path.  --single: one connection at a time; --http10: answers
are HTTP/1.0 and each closes its connection.
"""

import argparse
import base64
import fnmatch
import http.server
import itertools
import os
import socket
import struct
import threading
import time
import urllib.parse
from email.utils import formatdate

CHUNK = 65536
lock = threading.Lock()
seen = {}
connections = itertools.count(1)
versions = itertools.count(1)


def words_for(rules_file, path, ranged):
    """The words that hold for this request; counts it."""
    result = {}
    try:
        with open(rules_file, encoding="utf-8") as lines:
            written = os.fstat(lines.fileno()).st_mtime_ns
            rules = [line.split() for line in lines if line.strip()]
    except FileNotFoundError:
        return result
    for glob, *words in rules:
        words = dict((w.partition("=")[0], w.partition("=")[2]) for w in words)
        if not fnmatch.fnmatchcase(path, glob):
            continue
        if "ranged" in words and not ranged:
            continue
        key = (written, glob, *sorted(words.items()))
        with lock:
            n = seen[key] = seen.get(key, 0) + 1
        skip = int(words.pop("skip", 0))
        times = int(words.pop("times", 1 << 60))
        if n <= skip or n > skip + times:
            continue
        for name, value in words.items():
            result.setdefault(name, value)
    return result


def parse_range(text, size):
    """(first, end) of "bytes=a-b", or None where it is to be ignored."""
    if not text or not text.startswith("bytes=") or "," in text:
        return None
    first, dash, last = text[6:].strip().partition("-")
    try:
        if not dash:
            return None
        if not first:
            return max(0, size - int(last)), size
        return int(first), min(int(last) + 1, size) if last else size
    except ValueError:
        return None


class Dropped(Exception):
    pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.number = next(connections)

    def log_message(self, *_):
        pass

    def note(self, line):
        with lock, open(self.server.log_file, "a", encoding="utf-8") as log:
            log.write(line + "\n")

    def credentials(self):
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if kind != "Basic":
            return "none"
        return base64.b64decode(value).decode("utf-8", "replace")

    def answer(self, status, headers):
        self.note("%s %s %d range=%s if-range=%s auth=%s host=%s conn=%d" % (
            self.command, self.path, status, self.headers.get("Range", "-"),
            self.headers.get("If-Range", "-"), self.credentials(),
            self.headers.get("Host", "-"), self.number))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def page(self, status, headers=None):
        body = b"<!DOCTYPE html>\n<html><body><h1>%d</h1></body></html>\n" % status
        headers = dict(headers or {})
        headers.update({"Content-Type": "text/html",
                        "Content-Length": str(len(body))})
        self.answer(status, headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.serve()

    def do_GET(self):
        self.serve()

    def serve(self):
        target = urllib.parse.urlsplit(self.path)
        name = urllib.parse.unquote(target.path)
        words = words_for(self.server.rules, name, "Range" in self.headers)
        time.sleep(float(words.get("delay", 0)))
        if "auth" in words and self.credentials() != words["auth"]:
            return self.page(401, {"WWW-Authenticate": 'Basic realm="test"'})
        if "needquery" in words and target.query != words["needquery"]:
            return self.page(403)
        if "redirect" in words:
            to = words["redirect"]
            return self.page(302, {"Location": self.path if to == "self" else to})
        if "status" in words:
            extra = {}
            if "retryafter" in words:
                extra["Retry-After"] = words["retryafter"]
            return self.page(int(words["status"]), extra)
        if "html" in words:
            return self.page(200)
        file_name = os.path.join(self.server.folder,
                                 (words.get("swap") or name).lstrip("/"))
        if not os.path.isfile(file_name):
            return self.page(404)
        with open(file_name, "rb") as file:
            return self.serve_file(file, words)

    def serve_file(self, file, words):
        info = os.fstat(file.fileno())
        size = info.st_size
        etag = '"%x-%x"' % (size, info.st_mtime_ns)
        kind = words.get("etag", "")
        if kind == "weak":
            etag = "W/" + etag
        elif kind == "changing":
            etag = '"v%d"' % next(versions)
        elif kind == "none":
            etag = None
        elif kind:
            etag = '"%s"' % kind
        modified = formatdate(info.st_mtime, usegmt=True)
        headers = {"Content-Type": "application/octet-stream"}
        if "noranges" not in words:
            headers["Accept-Ranges"] = "bytes"
        if etag:
            headers["ETag"] = etag
        if words.get("lastmod") != "none":
            headers["Last-Modified"] = modified
        else:
            modified = None
        if "encoding" in words:
            headers["Content-Encoding"] = words["encoding"]

        wanted = parse_range(self.headers.get("Range"), size)
        condition = self.headers.get("If-Range")
        if "noranges" in words:
            wanted = None
        if (condition and "noifrange" not in words
                and condition not in (etag, modified)):
            wanted = None
        status, first, end = 200, 0, size
        if wanted:
            first, end = wanted
            if "range416" in words or first >= size:
                return self.page(416, {"Content-Range": "bytes */%d" % size})
            status = 206
            total = size
            lie = words.get("lie")
            if lie == "start":
                first = min(first + 1, end - 1)
            elif lie == "total":
                total = size + 4096
            if lie != "missing":
                headers["Content-Range"] = "bytes %d-%d/%d" % (first, end - 1, total)
        chunked = "chunked" in words
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif "endless" in words or "nolength" in words:
            headers["Connection"] = "close"
            self.close_connection = True
        else:
            headers["Content-Length"] = str(end - first)
        self.answer(status, headers)
        if self.command == "HEAD":
            return None
        file.seek(first)
        self.sent = 0
        try:
            self.send_body(file, first, end, words, chunked)
        except (Dropped, ConnectionError):
            self.close_connection = True
        finally:
            self.note("SENT %s %d" % (self.path, self.sent))
        return None

    def send_body(self, file, first, end, words, chunked):
        stops = [(int(words[w]), w) for w in ("drop", "reset", "stall") if w in words]
        if "cutat" in words:
            stops.append((max(0, int(words["cutat"]) - first), "drop"))
        stop, how = min(stops, default=(1 << 62, None))
        rate = int(words.get("slow", 0))
        left = end - first
        while left or self.sent == stop:
            if self.sent == stop:
                self.stop(how)
            n = min(CHUNK, left, stop - self.sent)
            if rate:
                n = min(n, max(1, rate // 20))
                time.sleep(n / rate)
            self.put(file.read(n), chunked)
            left -= n
        if "longer" in words:
            self.put(b"x" * 100, chunked)
            raise Dropped
        while "endless" in words:
            self.put(b" " * CHUNK, chunked)
        if chunked:
            if words["chunked"] == "cut":
                raise Dropped
            self.wfile.write(b"0\r\n\r\n")

    def put(self, data, chunked):
        if chunked:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        else:
            self.wfile.write(data)
        self.sent += len(data)

    def stop(self, how):
        if how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            self.connection.close()
        elif how == "stall":
            self.connection.recv(1)
        raise Dropped


class Many(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


class Single(http.server.HTTPServer):
    request_queue_size = 64

    def handle_error(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rules", required=True)
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--http10", action="store_true")
    parser.add_argument("folder")
    args = parser.parse_args()
    if args.http10:
        Handler.protocol_version = "HTTP/1.0"
    server = (Single if args.single else Many)(("127.0.0.1", 0), Handler)
    server.folder = os.path.realpath(args.folder)
    server.log_file = args.log
    server.rules = args.rules
    with open(args.port_file + ".new", "w", encoding="ascii") as file:
        file.write("%d\n" % server.server_address[1])
    os.rename(args.port_file + ".new", args.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
