#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the fuzz targets over their corpus, which is made anew.  Called by make check.
set -eu
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
"${srcdir:-.}/tests/fuzz/make-corpus.sh" "$corpus"
failed=0
for target in xml codec tar zip sign index trace; do
	"${FUZZ_BUILDDIR:-tests/fuzz}/corpus_$target" "$corpus/$target" || {
		echo "$target: exit $?"
		failed=1
	}
done
exit $failed
