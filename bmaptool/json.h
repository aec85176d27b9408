/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of JSON (RFC 8259) on a stream.  Threads: one. */
#ifndef BMAPTOOL_JSON_H
#define BMAPTOOL_JSON_H

#include <stdint.h>
#include <stdio.h>

/* A string in quotes; bytes that are no UTF-8 are written as if they were Latin-1. */
void json_print_string(FILE *out, const char *text);

/* "NAME": VALUE, with a comma before it unless it is the @first one. */
void json_print_number(FILE *out, const char *name, uint64_t value, int first);
void json_print_text(FILE *out, const char *name, const char *value, int first);

#endif
