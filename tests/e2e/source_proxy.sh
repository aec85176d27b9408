#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# http_proxy and no_proxy of the environment are obeyed.  COMPAT C4.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

mkdir www
make_image www/image.wic 1048576 0:4 100:3
make_map www/image.wic
gzip -1k www/image.wic
start_server www
run 0 env http_proxy="$URL" "$BMAPTOOL" copy http://images.invalid/image.wic.gz out
same www/image.wic out
[ "$(n_requests http://images.invalid/image.wic.gz GET)" = 1 ] || failed "not through the proxy"
[ "$(n_requests http://images.invalid/image.wic.bmap GET)" = 1 ] || failed "the map came not through the proxy"

# Not for hosts in no_proxy: nothing listens at that proxy.
rules ""
run 0 env http_proxy=http://127.0.0.1:9 no_proxy=127.0.0.1,localhost "$BMAPTOOL" copy "$URL/image.wic.gz" out
same www/image.wic out
run 1 env http_proxy=http://127.0.0.1:9 "$BMAPTOOL" copy --retries 0 --nobmap "$URL/image.wic.gz" new
no_crash
says "ERROR"
[ ! -e new ] || fail "new was made"
