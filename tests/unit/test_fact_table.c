/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "trace/fact_table.h"
#include "unit.h"

#define N_CHUNKS 2000

START_TEST(an_empty_table_has_nothing)
{
	struct fact_table table = {0};
	uint64_t i = 0;

	ck_assert_ptr_null(fact_table_get(&table, 0));
	ck_assert_ptr_null(fact_table_get(&table, MAX_CHUNKS - 1));
	ck_assert_ptr_null(fact_table_next(&table, &i));
	fact_table_clear(&table);
}
END_TEST

START_TEST(chunks_begin_as_zeros_and_stay_where_they_are)
{
	static const uint64_t numbers[] = {5, 0, 64, 63, 4096, UINT64_C(1) << 30, MAX_CHUNKS - 1};
	struct fact_table table = {0};
	uint8_t *chunks[ARRAY_SIZE(numbers)];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		chunks[i] = fact_table_add(&table, numbers[i]);
		ck_assert_ptr_nonnull(chunks[i]);
		for (size_t k = 0; k < CHUNK_BLOCKS; k++)
			ck_assert_uint_eq(chunks[i][k], 0);
		memset(chunks[i], (int)i + 1, CHUNK_BLOCKS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		ck_assert_ptr_eq(fact_table_add(&table, numbers[i]), chunks[i]);
		ck_assert_ptr_eq(fact_table_get(&table, numbers[i]), chunks[i]);
		ck_assert_uint_eq(chunks[i][CHUNK_BLOCKS - 1], i + 1);
	}
	ck_assert_ptr_null(fact_table_get(&table, 1));
	ck_assert_ptr_null(fact_table_get(&table, MAX_CHUNKS - 2));
	fact_table_clear(&table);
	ck_assert_ptr_null(fact_table_get(&table, 5));
}
END_TEST

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* By next: all of them, in order, from anywhere. */
START_TEST(chunks_follow_each_other)
{
	uint64_t numbers[N_CHUNKS], at = 0;
	struct fact_table table = {0};
	unsigned int seed = 7;

	for (size_t i = 0; i < N_CHUNKS; i++) {
		uint64_t number = (uint64_t)rand_r(&seed) << 31 | (uint64_t)rand_r(&seed);

		/* near each other and far away */
		numbers[i] = number % (MAX_CHUNKS >> (number % 43));
		ck_assert_ptr_nonnull(fact_table_add(&table, numbers[i]));
	}
	qsort(numbers, N_CHUNKS, sizeof(numbers[0]), compare);
	for (size_t i = 0; i < N_CHUNKS; i++) {
		if (i && numbers[i] == numbers[i - 1])
			continue;
		ck_assert_ptr_eq(fact_table_next(&table, &at), fact_table_get(&table, numbers[i]));
		ck_assert_uint_eq(at, numbers[i]);
		at++;
	}
	ck_assert_ptr_null(fact_table_next(&table, &at));
	fact_table_clear(&table);
}
END_TEST

UNIT_MAIN("fact_table", an_empty_table_has_nothing, chunks_begin_as_zeros_and_stay_where_they_are,
	  chunks_follow_each_other)
