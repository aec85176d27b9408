#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Later formats and no version at all (COMPAT.md B1-4).
. "${0%/*}/common.sh" || exit 99
python3 "$DATA/make-maps.py" maps
refuses_maps "unsupported-*"
refuses_maps "bad-version-*"
