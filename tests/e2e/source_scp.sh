#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scp:// against a real sshd: with the user's key, raw and compressed, with names that have spaces;
# what is not there is named, and a host whose key is not known is refused.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/helpers.sh"

curl --version | grep -q '^Protocols:.* scp' || skip "libcurl without scp"
start_sshd
mkdir -p "remote/a folder"
make_image remote/image.wic 1048576 0:4 100:3
make_map remote/image.wic
gzip -1k remote/image.wic
cp remote/image.wic* "remote/a folder"
base=scp://$(id -un)@127.0.0.1:$SSH_PORT$PWD/remote
for url in "$base/image.wic" "$base/image.wic.gz" "$base/a%20folder/image.wic.gz"; do
	rm -f out
	run 0 "$BMAPTOOL" copy "$url" out
	same remote/image.wic out
	says "discovered bmap file"
done
run 1 "$BMAPTOOL" copy --nobmap --retries 0 "$base/nosuch.wic" new
no_crash
says "nosuch.wic"
[ ! -e new ] || fail "new was made"

echo >"$HOME/.ssh/known_hosts"
run 1 "$BMAPTOOL" copy --nobmap --retries 0 "$base/image.wic" new
no_crash
[ ! -e new ] || fail "a host with an unknown key was trusted"
