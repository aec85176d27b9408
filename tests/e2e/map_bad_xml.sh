#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files that are no XML or no map: one sentence, destination untouched
# (COMPAT.md B1-5).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
refuses_maps "bad-xml-*"
