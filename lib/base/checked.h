/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arithmetic that notices overflow, under the names of C23's <stdckdint.h> (the compilers of
 * today's distributions do not have it yet), and a few helpers for offsets and sizes.
 */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* true: the exact result does not fit into *result. */
#define ckd_add(result, a, b) __builtin_add_overflow((a), (b), (result))
#define ckd_sub(result, a, b) __builtin_sub_overflow((a), (b), (result))
#define ckd_mul(result, a, b) __builtin_mul_overflow((a), (b), (result))

#define MIN(a, b)           ((a) < (b) ? (a) : (b))
#define MAX(a, b)           ((a) > (b) ? (a) : (b))
#define ARRAY_SIZE(a)       (sizeof(a) / sizeof((a)[0]))
#define ROUND_DOWN(n, to)   ((n) / (to) * (to))
#define DIV_ROUND_UP(n, by) ((n) / (by) + ((n) % (by) != 0))

/* Little- and big-endian numbers as they lie in file formats. */
static inline uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t load_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t load_le64(const uint8_t *p)
{
	return load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

/* Writes the lowest @n_bytes of @value.  Returns where the next field begins. */
static inline uint8_t *put_le(uint8_t *p, uint64_t value, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		*p++ = (uint8_t)(value >> (8 * i));
	return p;
}

static inline uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void store_be32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

#endif
