#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A server that serves one connection at a time does not bring a copy to a halt:
# HTTP/1.0 and 1.1, raw and compressed.  COMPAT B1-13.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

RUN_TIMEOUT=30
mkdir www
a_disk www/image.wic 4
make_map www/image.wic
compress gzip www/image.wic www/image.wic.gz
for kind in "--single --http10" --single --http10; do
	# shellcheck disable=SC2086 # several words
	start_server $kind www
	for file in image.wic image.wic.gz; do
		rm -f out
		run 0 "$BMAPTOOL" copy "$URL/$file" out
		same www/image.wic out
		rm -f out
		run 0 "$BMAPTOOL" copy --nobmap "$URL/$file" out
		same www/image.wic out
	done
done

# Python's own server as people start it on their desk.
"$PY" -u -c '
import functools, http.server
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="www")
server = http.server.HTTPServer(("127.0.0.1", 0), handler)
open("desk.new", "w").write(str(server.server_address[1]))
__import__("os").rename("desk.new", "desk")
server.serve_forever()' 2>desk.log &
at_exit "kill $!; wait $!"
wait_for 10 [ -e desk ] || fail "http.server does not start"
for file in image.wic image.wic.gz; do
	rm -f out
	run 0 "$BMAPTOOL" copy "http://127.0.0.1:$(cat desk)/$file" out
	same www/image.wic out
done
