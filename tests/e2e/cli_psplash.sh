#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --psplash-pipe: lines "PROGRESS N" go to the FIFO; what is no FIFO gets a
# warning; nobody at its other end does no harm (COMPAT.md C7).
. "${0%/*}/common.sh" || exit 99
make_image image 8M 0:2048
run 0 "$BMAPTOOL" create -o image.bmap image
mkfifo psplash

# Held open for reading, as psplash does.
exec 8<>psplash
run 0 "$BMAPTOOL" copy --psplash-pipe psplash image copy
same image copy
says_not WARNING
exec 9>psplash
echo END >&9
exec 9>&-
sed '/^END$/q' <&8 | sed '$d' >updates
exec 8>&-
[ -s updates ] || fail "no updates"
! grep -vE '^PROGRESS [0-9]+$' updates >&2 || fail "not only PROGRESS lines"
cut -d' ' -f2 updates | sort -n -c || fail "it goes backwards"
[ "$(tail -1 updates)" = "PROGRESS 100" ] || fail "it ends with $(tail -1 updates)"

# With -q as well.
exec 8<>psplash
run 0 "$BMAPTOOL" -q copy --psplash-pipe psplash image copy
echo END >&8
sed '/^END$/q' <&8 | grep -q PROGRESS || fail "no updates with -q"
exec 8>&-

# Nobody reads.
RUN_TIMEOUT=10 run 0 "$BMAPTOOL" copy --psplash-pipe psplash image copy
same image copy
# No FIFO.
echo text >file
run 0 "$BMAPTOOL" copy --psplash-pipe file image copy
says "bmaptool: WARNING: 'file' is not a pipe, so psplash progress will not be updated"
[ "$(cat file)" = text ] || fail "the file was written"
run 0 "$BMAPTOOL" copy --psplash-pipe missing image copy
says "bmaptool: WARNING: 'missing' is not a pipe, so psplash progress will not be updated"
[ ! -e missing ] || fail "it was made"
