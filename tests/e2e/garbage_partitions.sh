#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The garbage test: GPT and MBR by sfdisk, sgdisk and parted, and a partition of zeros that were
# written.
. "${0%/*}/common.sh" || exit 99
. "$TOOLS/garbage.sh"
requires_trace
cases=(gpt_sfdisk gpt_sgdisk gpt_parted mbr_sfdisk mbr_parted raw_zeros)
requires_garbage "${cases[@]}"
must_break nonzero gpt_sfdisk gpt_sgdisk gpt_parted raw_zeros
garbage_test "${cases[@]}"
