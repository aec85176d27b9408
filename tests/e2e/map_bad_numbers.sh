#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Elements that are missing, are no numbers, overflow or contradict each
# other: one sentence, destination untouched (COMPAT.md B1-6).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
refuses_maps "bad-element-*"
refuses_maps "bad-number-*"
refuses_maps "bad-count-*"
