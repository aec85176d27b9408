/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes that the public headers use. */
#ifndef BMAP_MACROS_H
#define BMAP_MACROS_H

/* Exported; the list in lib/libbmap.map must name it too (tests/lint/symbols.sh). */
#define BMAP_API __attribute__((visibility("default")))

/* The result says whether the call failed: it must be looked at. */
#define BMAP_MUST_CHECK __attribute__((warn_unused_result))

#define BMAP_PRINTF(format_arg, first_arg) __attribute__((format(printf, format_arg, first_arg)))

/* Around the declarations of each header, for programs in C++. */
#ifdef __cplusplus
#define BMAP_BEGIN_DECLS extern "C" {
#define BMAP_END_DECLS   }
#else
#define BMAP_BEGIN_DECLS
#define BMAP_END_DECLS
#endif

#endif
