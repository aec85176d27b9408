#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Entities that point to a file or to a server are never read (issue 2: no
# network, no entity expansion).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
mkdir www
printf 1000000 >www/size
echo '<!ENTITY size "1000000">' >www/size.dtd
start_nginx www
: >nginx/access.log

# entity NAME DOCTYPE [SIZE]: a map with this DOCTYPE, its checksum right.
entity() {
	python3 - "$2" "${3:-&size;}" >"maps/$1" <<-'PYTHON'
	import hashlib, sys
	text = open("maps/good-2.0.bmap").read()
	old = text.split("<BmapFileChecksum> ")[1][:64]
	text = text.replace("<bmap ", sys.argv[1] + "\n<bmap ", 1)
	text = text.replace(" 1000000 ", " %s " % sys.argv[2], 1).replace(old, "0" * 64)
	sys.stdout.write(text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1))
	PYTHON
}
printf 1000000 >size-file
entity file.bmap "<!DOCTYPE bmap [<!ENTITY size SYSTEM \"file://$WORK/size-file\">]>"
refuses_map maps/file.bmap
entity relative.bmap '<!DOCTYPE bmap [<!ENTITY size SYSTEM "../size-file">]>'
refuses_map maps/relative.bmap
entity http.bmap "<!DOCTYPE bmap [<!ENTITY size SYSTEM \"$URL/size\">]>"
refuses_map maps/http.bmap
entity dtd.bmap "<!DOCTYPE bmap SYSTEM \"$URL/size.dtd\">"
refuses_map maps/dtd.bmap
entity parameter.bmap "<!DOCTYPE bmap [<!ENTITY % p SYSTEM \"$URL/size.dtd\"> %p;]>"
refuses_map maps/parameter.bmap

echo "very secret" >secret
entity secret.bmap "<!DOCTYPE bmap [<!ENTITY size SYSTEM \"file://$WORK/secret\">]>"
refuses_map maps/secret.bmap
says_not "very secret"

# A DOCTYPE alone may be refused or ignored; it is never fetched.
entity plain.bmap "<!DOCTYPE bmap SYSTEM \"$URL/size.dtd\">" 1000000
"$BMAPTOOL" copy --bmap maps/plain.bmap maps/image copy >stdout 2>stderr </dev/null
no_crash
[ ! -s nginx/access.log ] || fail "the server was asked: $(cat nginx/access.log)"
