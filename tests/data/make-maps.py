#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the block maps that the tests read: make-maps.py FOLDER

FOLDER gets `image` (one million bytes: 245 blocks, the last one partial),
`good-*.bmap` (maps that describe it), `bad-*.bmap` and `unsupported-*.bmap`
(maps that must be refused) and `expected` (a line a refused map: its name, a
tab, an extended regular expression that the error message matches).
The README beside this script says what each is for.  Same output every time.
"""
import gzip
import hashlib
import os
import sys

BLOCK = 4096
SIZE = 1000000
COUNT = -(-SIZE // BLOCK)
RANGES = [(0, 4), (10, 10), (100, 163), (200, 200), (240, 244)]
MAPPED = sum(b - a + 1 for a, b in RANGES)

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
expected = []


def make_image():
    image = bytearray(SIZE)
    for first, last in RANGES:
        end = min((last + 1) * BLOCK, SIZE)
        seed = b"bmap test image, block %d" % first
        image[first * BLOCK:end] = hashlib.shake_128(seed).digest(
            end - first * BLOCK)
    return bytes(image)


IMAGE = make_image()


def save(name, data, message=None):
    if isinstance(data, str):
        data = data.encode()
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
    if message is not None:
        expected.append("%s\t%s\n" % (name, message))


def checksum(kind, first, last):
    data = IMAGE[first * BLOCK:min((last + 1) * BLOCK, SIZE)]
    return hashlib.new(kind, data).hexdigest()


def seal(text, kind):
    """Put the file's checksum in place of its stand-in, @@@."""
    n = hashlib.new(kind).digest_size * 2
    zeroed = text.replace("@@@", "0" * n, 1)
    return text.replace("@@@", hashlib.new(kind, zeroed.encode()).hexdigest(),
                        1)


def old_map(version, attribute=None, file_checksum=False, short=True):
    out = ['<?xml version="1.0" ?>', '<!-- An old block map. -->',
           '<bmap version="%s">' % version,
           '    <ImageSize> %d </ImageSize>' % SIZE,
           '    <BlockSize> %d </BlockSize>' % BLOCK,
           '    <BlocksCount> %d </BlocksCount>' % COUNT,
           '    <MappedBlocksCount> %d </MappedBlocksCount>' % MAPPED]
    if file_checksum:
        out.append('    <BmapFileSHA1> @@@ </BmapFileSHA1>')
    out.append('    <BlockMap>')
    for first, last in RANGES:
        sum_ = ' %s="%s"' % (attribute, checksum("sha1", first, last)) \
            if attribute else ''
        text = str(first) if short and first == last \
            else "%d-%d" % (first, last)
        out.append('        <Range%s> %s </Range>' % (sum_, text))
    out += ['    </BlockMap>', '</bmap>', '']
    return seal("\n".join(out), "sha1")


def range_xml(first, last, kind="sha256", text=None, sums=True):
    sum_ = ' chksum="%s"' % checksum(kind, first, last) if sums else ''
    if text is None:
        text = " %d " % first if first == last else " %d-%d " % (first, last)
    return '        <Range%s>%s</Range>\n' % (sum_, text)


def new_map(version="2.0", kind="sha256", kind_name=None, ranges=None,
            size=SIZE, block=BLOCK, count=COUNT, mapped=MAPPED, head="",
            sums=True, extra="", sealed=True, name="bmap"):
    if ranges is None:
        ranges = "".join(range_xml(a, b, kind, sums=sums) for a, b in RANGES)
    text = """<?xml version="1.0" ?>
%s<%s version="%s">
    <ImageSize> %s </ImageSize>
    <BlockSize> %s </BlockSize>
    <BlocksCount> %s </BlocksCount>
    <MappedBlocksCount> %s </MappedBlocksCount>
    <ChecksumType> %s </ChecksumType>
    <BmapFileChecksum> @@@ </BmapFileChecksum>
%s    <BlockMap>
%s    </BlockMap>
</%s>
""" % (head, name, version, size, block, count, mapped, kind_name or kind,
       extra, ranges, name)
    return seal(text, kind) if sealed else text


def plus(text, first=300, last=None):
    """The good ranges and one more, `text`, without a checksum."""
    return "".join(range_xml(a, b) for a, b in RANGES) \
        + "        <Range>%s</Range>\n" % text


# ---- good ------------------------------------------------------------------

save("image", IMAGE)
save("good-1.0.bmap", old_map("1.0"))
save("good-1.1.bmap", old_map("1.1"))
save("good-1.2.bmap", old_map("1.2", "sha1"))
save("good-1.3.bmap", old_map("1.3", "sha1", True, short=False))
save("good-1.4.bmap", new_map("1.4"))
save("good-2.0.bmap", new_map())
save("good-2.1-minor.bmap", new_map("2.1"))
save("good-2.0-unordered.bmap", new_map(ranges="".join(
    range_xml(*RANGES[i]) for i in (3, 0, 4, 1, 2))))
save("good-2.0-adjacent.bmap", new_map(ranges="".join(
    range_xml(a, b) for a, b in [(0, 1), (2, 4), (10, 10), (100, 131),
                                 (132, 163), (200, 200), (240, 244)])))
save("good-2.0-no-range-checksums.bmap", new_map(sums=False))
save("good-2.0-some-range-checksums.bmap", new_map(ranges="".join(
    range_xml(a, b, sums=i % 2 == 0) for i, (a, b) in enumerate(RANGES))))
save("good-2.0-odd-spaces.bmap", new_map(
    size="\n\t%d\n" % SIZE, block="%d" % BLOCK, mapped="\t %d  " % MAPPED,
    ranges=range_xml(0, 4, text="0-4") + range_xml(10, 10, text="10")
    + range_xml(100, 163, text="\n\t\t100 - 163\n\t")
    + range_xml(200, 200, text="  200-200") + "\n\n"
    + range_xml(240, 244, text=" 240 -244 ")))
save("good-2.0-one-line.bmap", seal(" ".join(
    new_map(sealed=False).split("\n")), "sha256"))
save("good-2.0-comments.bmap", new_map(
    head="<!-- -\n--->\n".replace("--->", "-->"),
    ranges="<!-- <Range> 0-999 </Range> -->\n"
    + "".join(range_xml(a, b) for a, b in RANGES)))
save("good-2.0-unknown-element.bmap", new_map(
    extra="    <Generator> somebody else's program </Generator>\n"))
save("good-2.0-utf8.bmap", new_map(head="<!-- Gerät für den Fußgänger -->\n"))
for kind in ("md5", "sha1", "sha224", "sha384", "sha512", "sha3_256"):
    save("good-2.0-%s.bmap" % kind, new_map(kind=kind))
save("good-2.0-sha3-dash-256.bmap",
     new_map(kind="sha3_256", kind_name="sha3-256"))
save("good-2.0-SHA256.bmap", new_map(kind_name="SHA256"))
save("good-2.0.bmap.gz", gzip.compress(new_map().encode(), mtime=0))
for n, body in (("", "    <BlockMap>\n    </BlockMap>"),
                ("-short", "    <BlockMap/>")):
    text = new_map(ranges="", mapped=0, sealed=False)
    save("good-2.0-nothing-mapped%s.bmap" % n, seal(
        text.replace("    <BlockMap>\n    </BlockMap>", body), "sha256"))

# ---- bad: not XML, or not a map ----------------------------------------------

GOOD = new_map()
save("bad-xml-empty.bmap", "", "empty|parse|XML")
save("bad-xml-blank.bmap", "\n\n  \n", "")
save("bad-xml-cut-tag.bmap", "<bmap", "")
save("bad-xml-half.bmap", GOOD[:len(GOOD) // 2], "")
save("bad-xml-no-end.bmap", GOOD.replace("</bmap>", ""), "")
save("bad-xml-html.bmap", "<!DOCTYPE html>\n<html><head><title>404 Not Found"
     "</title></head>\n<body><h1>Not Found</h1><hr><p>nginx<br></body></html>"
     "\n", "")
save("bad-xml-xhtml.bmap", '<?xml version="1.0"?>\n<html><body><p>Please log '
     'in</p></body></html>\n', "")
save("bad-xml-other-root.bmap", new_map(name="map"), "")
save("bad-xml-text-after.bmap", GOOD + "trailing\n", "")
save("bad-xml-binary.bmap", hashlib.shake_128(b"noise").digest(5000), "")
save("bad-xml-nul.bmap", GOOD.replace(" 100-163 ", " 100\0-163 "), "")
save("bad-xml-nul-after.bmap", GOOD + "\0" * 512, "")
save("bad-xml-not-utf8.bmap", GOOD.encode().replace(
    b"<BlockMap>", b"<BlockMap><!-- \xff\xfe\xc0 -->"), "")
save("bad-xml-deep.bmap", new_map(extra="<a>" * 100000 + "</a>" * 100000), "")
save("bad-xml-huge-attribute.bmap", new_map(
    ranges=plus(" 20 ").replace("<Range> 20", '<Range x="%s"> 20'
                                % ("a" * 20000000))), "")
save("bad-xml-billion-laughs.bmap", new_map(
    size="&l9;", head="<!DOCTYPE bmap [\n<!ENTITY l0 'lol'>\n" + "".join(
        "<!ENTITY l%d '%s'>\n" % (i, "&l%d;" % (i - 1) * 10)
        for i in range(1, 10)) + "]>\n"), "")
save("bad-xml-entity.bmap", new_map(
    head='<!DOCTYPE bmap [<!ENTITY size "%d">]>\n' % SIZE, size="&size;"), "")

# ---- bad: elements and numbers -------------------------------------------------

for name in ("ImageSize", "BlockSize", "BlocksCount", "MappedBlocksCount",
             "ChecksumType", "BmapFileChecksum", "BlockMap"):
    text = new_map(sealed=False)
    start = text.index("    <%s>" % name)
    end = text.index("</%s>\n" % name) + len("</%s>\n" % name)
    save("bad-element-no-%s.bmap" % name, seal(
        text[:start] + text[end:], "sha256"), name)
for name, value in (("abc", "many"), ("nothing", ""), ("negative", "-1"),
                    ("hex", "0xf4240"), ("fraction", "1000000.0"),
                    ("overflow", str(2 ** 64 + SIZE)), ("zero", "0"),
                    ("int64", str(2 ** 63)), ("junk", "1000000 bytes")):
    save("bad-number-size-%s.bmap" % name, new_map(size=value), "")
for name, value in (("zero", 0), ("negative", -4096),
                    ("overflow", 2 ** 64 + 4096), ("huge", 2 ** 63)):
    save("bad-number-block-%s.bmap" % name, new_map(block=value), "")
save("bad-number-product.bmap", new_map(
    size=2 ** 64 - 1, block=2 ** 33, count=2 ** 31), "")
INCONSISTENT = (r"Inconsistent bmap - image size does not match blocks count "
                r"\(%d bytes != %d blocks \* %d bytes\)")
save("bad-count-size-smaller.bmap", new_map(size=SIZE - 8192),
     INCONSISTENT % (SIZE - 8192, COUNT, BLOCK))
save("bad-count-size-larger.bmap", new_map(size=SIZE + 8192),
     INCONSISTENT % (SIZE + 8192, COUNT, BLOCK))
save("bad-count-blocks.bmap", new_map(count=COUNT + 1),
     INCONSISTENT % (SIZE, COUNT + 1, BLOCK))
save("bad-count-blocks-zero.bmap", new_map(count=0), "")
save("bad-count-mapped-less.bmap", new_map(mapped=MAPPED - 1), "")
save("bad-count-mapped-more.bmap", new_map(mapped=MAPPED + 1), "")
save("bad-count-mapped-over-all.bmap", new_map(mapped=COUNT + 1), "")
save("bad-count-mapped-negative.bmap", new_map(mapped=-MAPPED), "")

# ---- bad: ranges -----------------------------------------------------------------

for name, text, message in (
        ("past-end", " 245 ", ""), ("over-end", " 230-300 ", ""),
        ("far-past-end", " 1000000-2000000 ", ""),
        ("backwards", " 60-50 ", r"bad range \(first > last\): '60-50'"),
        ("overlap", " 150-170 ", ""), ("twice", " 10 ", ""),
        ("inside", " 120-130 ", ""),
        ("negative", " -5 ", ""), ("negative-last", " 50--3 ", ""),
        ("open", " 50- ", ""), ("comma", " 50,60 ", ""),
        ("word", " all ", ""), ("empty", "", ""), ("blank", "   ", ""),
        ("dash", " - ", ""), ("three", " 50-60-70 ", ""),
        ("hex", " 0x32-0x33 ", ""),
        ("overflow", " 18446744073709551666 ", ""),
        ("overflow-last", " 50-18446744073709551667 ", ""),
        ("int64", " 50-9223372036854775807 ", ""),
        ("uint64", " 50-18446744073709551615 ", "")):
    n = 1
    if name in ("overlap",):
        n = 21
    elif name in ("inside", "backwards"):
        n = 11
    elif name == "over-end":
        n = 71
    save("bad-range-%s.bmap" % name,
         new_map(ranges=plus(text), mapped=MAPPED + n), message)

# ---- bad: checksums ----------------------------------------------------------------

i = GOOD.index("<BmapFileChecksum> ") + len("<BmapFileChecksum> ") + 7
digit = "1" if GOOD[i] != "1" else "2"
save("bad-checksum-file-digit.bmap", GOOD[:i] + digit + GOOD[i + 1:],
     "checksum mismatch for bmap file '[^']*bad-checksum-file-digit.bmap': "
     "calculated '[0-9a-f]{64}', should be '[0-9a-f]{64}'")
save("bad-checksum-edited.bmap", GOOD.replace(" 200 ", " 201 "),
     "checksum mismatch for bmap file '[^']*bad-checksum-edited.bmap'")
save("bad-checksum-1.3-edited.bmap",
     old_map("1.3", "sha1", True).replace(" 200 ", " 201 "),
     "checksum mismatch for bmap file '[^']*bad-checksum-1.3-edited.bmap'")
save("bad-checksum-md5-edited.bmap",
     new_map(kind="md5").replace(" 200 ", " 201 "),
     "checksum mismatch for bmap file '[^']*bad-checksum-md5-edited.bmap'")
save("bad-checksum-crlf.bmap", GOOD.replace("\n", "\r\n"),
     "line endings")
save("bad-checksum-file-short.bmap",
     GOOD.replace(GOOD[i - 7:i + 57], GOOD[i - 7:i + 56]), "")
save("bad-checksum-file-empty.bmap", GOOD.replace(GOOD[i - 7:i + 57], ""), "")
save("bad-checksum-file-not-hex.bmap",
     GOOD.replace(GOOD[i - 7:i + 57], "g" * 64), "")
save("bad-checksum-type.bmap", new_map(kind_name="crc7"),
     'cannot initialize hash function "crc7"')
save("bad-checksum-type-empty.bmap",
     new_map(sealed=True).replace(" sha256 ", "  "), "")
save("bad-checksum-type-other.bmap", new_map(kind_name="sha512"), "")
save("bad-checksum-range-short.bmap", new_map(ranges=plus(" 20 ").replace(
    "<Range> 20", '<Range chksum="abc"> 20'), mapped=MAPPED + 1), "")
save("bad-checksum-range-not-hex.bmap", new_map(ranges=plus(" 20 ").replace(
    "<Range> 20", '<Range chksum="%s"> 20' % ("z" * 64)),
    mapped=MAPPED + 1), "")

# ---- bad and unsupported versions -----------------------------------------------------

ONLY = ("only bmap format version up to 2.0 is supported, version %d is not "
        "supported")
save("unsupported-3.0.bmap", new_map("3.0"), ONLY % 3)
save("unsupported-17.5.bmap", new_map("17.5"), ONLY % 17)
for name, value in (("word", "new"), ("empty", ""), ("negative", "-2.0")):
    save("bad-version-%s.bmap" % name, new_map(value), "version")
save("bad-version-none.bmap", new_map("2.0").replace(' version="2.0"', "", 1),
     "version")

with open(os.path.join(folder, "expected"), "w") as f:
    f.writelines(sorted(expected))
