#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A clear-signed map on standard input is verified, and the image copied by it.
. "${0%/*}/common.sh" || exit 99
make_key "Image Builder"
make_image image 1000000 0:1 10:5
run 0 "$BMAPTOOL" create -o plain.bmap image
sign "$KEY" -o signed.bmap --clearsign plain.bmap

run_stdin signed.bmap 0 "$BMAPTOOL" copy --bmap - image out
silent_stdout
says "successfully verified bmap file signature of Image Builder (fingerprint $KEY)"
says "mapped 6 blocks"
same image out
rm out
# Through a pipe as well, and with all that may be asked for.
# shellcheck disable=SC2002 # a pipe is meant
cat signed.bmap | timeout 30 "$BMAPTOOL" copy --fingerprint "$KEY" --bmap - image out >stdout 2>stderr
[ "${PIPESTATUS[1]}" = 0 ] || fail "through a pipe"
says "successfully verified"
same image out
rm out
# A signature beside it is not looked for; an unsigned one is used as ever.
run_stdin plain.bmap 0 "$BMAPTOOL" copy --bmap - image out
says_not "verified"
same image out

echo precious >keep
sed 's/ 10-14 / 11-14 /' signed.bmap >bad.bmap
run_stdin bad.bmap 1 "$BMAPTOOL" copy --bmap - image keep
no_crash
says "discovered a BAD GPG signature"
[ "$(cat keep)" = precious ] || fail "the destination was touched"
