#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where create writes: -o, --output, standard output (COMPAT.md C1, C2).
. "${0%/*}/common.sh" || exit 99
make_image image 1000000 0:1 10:5

run 0 "$BMAPTOOL" create image
check_map verify stdout image
cp stdout one.bmap
run 0 "$BMAPTOOL" create -o two.bmap image
silent_stdout
same one.bmap two.bmap
for option in "--output three.bmap" "--output=three.bmap" "-othree.bmap" "--out three.bmap"; do
	rm -f three.bmap
	# shellcheck disable=SC2086 # words are meant
	run 0 "$BMAPTOOL" create image $option
	silent_stdout
	same one.bmap three.bmap
done

# A longer file that is there already is replaced, none of it stays.
head -c 100000 /dev/urandom >two.bmap
run 0 "$BMAPTOOL" create -o two.bmap image
same one.bmap two.bmap
# The same image gives the same map.
run 0 "$BMAPTOOL" create image
same one.bmap stdout

# A FIFO and /dev/null are written as well.
run 0 "$BMAPTOOL" create -o /dev/null image
mkfifo fifo
cat fifo >through &
run 0 "$BMAPTOOL" create -o fifo image
wait $!
same one.bmap through
