#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Random sequences of what programs do to files, for a fixed set of seeds and each way of answering
# punches: data, sizes, holes and records are those of a model, mount after mount.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/traced.sh"
requires_exercise

for punch in refuse forget zero; do
	# Records beside the data, the folder seen in another place.
	mount_commands --punch=$punch data mnt
	for seed in 1 105; do
		mkdir data
		./mount-it || fail "not mounted"
		RUN_TIMEOUT=120 run 0 "$EXERCISE" --seed=$seed --steps=4000 --punch=$punch --mount=./mount-it \
			--unmount=./unmount-it mnt data/.bmap-trace data
		cat stdout
		no_reports
		rm -r data
	done

	# Mounted over itself, records below or elsewhere, files that were there before.
	mkdir data records data/sub
	make_image data/f1 100000 3:5
	make_image data/f2 4096 0:1
	make_image data/sub/f8 70001
	ln data/f2 data/f3
	if [ "$punch" = zero ]; then
		records=data/.bmap-trace
		mount_commands --punch=$punch data data
	else
		records=records
		mount_commands --punch=$punch --trace=records data data
	fi
	./mount-it || fail "not mounted"
	RUN_TIMEOUT=120 run 0 "$EXERCISE" --seed=2 --steps=3000 --punch=$punch --mount=./mount-it \
		--unmount=./unmount-it data $records data
	cat stdout
	no_reports
	rm -r data records
done

# Nothing was written of what was there before.
mkdir data data/sub
make_image data/f1 100000 3:5
make_image data/sub/f8 70001
mount_commands --assume=unwritten data mnt
./mount-it || fail "not mounted"
run 0 "$EXERCISE" --seed=3 --steps=1500 --assume=unwritten --unmount=./unmount-it mnt data/.bmap-trace data
cat stdout
no_reports

# A host filesystem that cannot zero a range.
[ "$(id -u)" = 0 ] || exit 0
mkdir host
mount -t tmpfs -o size=1g none host || fail "no tmpfs"
at_exit "umount host || umount -l host"
mkdir host/data
mount_commands host/data mnt
./mount-it || fail "not mounted"
run 0 "$EXERCISE" --seed=4 --steps=1500 --unmount=./unmount-it mnt host/data/.bmap-trace host/data
cat stdout
no_reports
