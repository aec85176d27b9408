/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libFuzzer calls, and run_corpus.c with every file of a folder. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
