#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A map, a signature or an image that never ends is bounded: an error in little
# time and memory.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

RUN_TIMEOUT=30
mkdir www
make_image www/image 1048576 0:100
make_map www/image
cp www/image.bmap good.bmap
start_server www
sent() { awk -v p="$1" '$1 == "SENT" && $2 == p { n += $3 } END { print n + 0 }' "$LOG"; }

rules "/image.bmap endless"
run_small 1 128 "$BMAPTOOL" copy "$URL/image" new
no_crash
says "bmaptool: ERROR: "
wait_for 5 grep -q '^SENT /image.bmap' "$LOG" || failed "the connection was left open"
[ "$(sent /image.bmap)" -lt 600000000 ] || failed "$(sent /image.bmap) bytes of the map were taken"
[ ! -e new ] || fail "new was made"

# Tags without end, of every kind.
"$PY" - <<'END'
head = '<?xml version="1.0" ?>\n<bmap version="2.0">\n'
open("www/deep.bmap", "w").write(head + "<a>" * 5000000)
open("www/long.bmap", "w").write(head + '<a b="' + "x" * 20000000)
entities = "".join('<!ENTITY e%d "%s">' % (i + 1, ("&e%d;" % i) * 50) for i in range(9))
open("www/laugh.bmap", "w").write('<?xml version="1.0" ?>\n<!DOCTYPE bmap [<!ENTITY e0 "ha">'
    + entities + ']>\n<bmap version="2.0"><ImageSize>&e9;</ImageSize></bmap>')
open("www/file.bmap", "w").write('<?xml version="1.0" ?>\n<!DOCTYPE bmap [<!ENTITY f SYSTEM "file:///etc/passwd">]>\n'
    '<bmap version="2.0"><ImageSize>&f;</ImageSize></bmap>')
END
for map in deep long laugh file; do
	run_small 1 192 "$BMAPTOOL" copy --bmap "$URL/$map.bmap" "$URL/image" new
	no_crash
	says "bmaptool: ERROR: "
	says_not "root:"
	[ ! -e new ] || fail "new was made"
done

# A signature without end.
rules "/image.bmap.asc endless"
: >www/image.bmap.asc
run_small 1 128 "$BMAPTOOL" copy "$URL/image" new
no_crash
[ "$(sent /image.bmap.asc)" -lt 600000000 ] || failed "$(sent /image.bmap.asc) bytes of the signature were taken"
[ ! -e new ] || fail "new was made"
rm www/image.bmap.asc

# An image without end: the map knows where it ends.
rules "/image endless noranges"
timeout 30 "$BMAPTOOL" copy --bmap good.bmap "$URL/image" out >stdout 2>stderr </dev/null
case $? in
0) same www/image out ;;
1) no_crash; says "bmaptool: ERROR: " ;;
*) failed "neither 0 nor 1" ;;
esac
[ "$(stat -c %s out 2>/dev/null || echo 0)" -le 1048576 ] || fail "written behind ImageSize"
