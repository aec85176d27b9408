/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "copy/range_hasher.h"
#include "unit.h"

#define BLOCK 4096

static int hash(struct bmap_job *job, struct bytes file, uint64_t size,
		const struct range_set *ranges, unsigned int n_threads, uint8_t **digests,
		struct bmap_error *err)
{
	struct range_file place = {.name = "f",
				   .offset_bytes = 100,
				   .image_size_bytes = size,
				   .block_size_bytes = BLOCK};
	struct digest_type *type;
	int r;

	write_file("f", file);
	place.fd = open("f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(digest_type_new(&type, "sha256", err), 0);
	r = range_hasher_run(job, &place, ranges, type, n_threads, digests, err);
	digest_type_free(type);
	close(place.fd);
	return r;
}

START_TEST(each_range_has_its_digest)
{
	struct bytes image = bytes_random(200 * BLOCK + 7, 1);
	struct bytes file = bytes_join(bytes_zeros(100), image);
	struct bmap_error err = {0};

	for (unsigned int n_threads = 0; n_threads < 6; n_threads++) {
		struct bmap_job *job = bmap_job_new();
		struct range_set ranges = {0};
		uint8_t *digests = NULL;
		struct bmap *map;

		for (uint64_t i = 0; i < 30; i++)
			ck_assert_int_eq(
				range_set_append(&ranges, (struct bmap_range){6 * i, 1 + i % 6}),
				0);
		/* long, and with the partial block */
		ck_assert_int_eq(range_set_append(&ranges, (struct bmap_range){190, 11}), 0);
		map = map_of(&image, image.len, BLOCK, ranges.ranges, ranges.n_ranges);
		OK(hash(job, file, image.len, &ranges, n_threads, &digests, &err));
		for (size_t i = 0; i < ranges.n_ranges; i++) {
			const uint8_t *expected;

			bmap_get_range(map, i, &expected, NULL);
			ck_assert_mem_eq(digests + 32 * i, expected, 32);
		}
		ck_assert_uint_eq(bmap_job_progress(job).done_bytes, bmap_mapped_bytes(map));
		bmap_free(map);
		free(digests);
		range_set_fini(&ranges);
		bmap_job_free(job);
	}
}
END_TEST

START_TEST(failures_are_reported_once_all_threads_ended)
{
	struct bytes file = bytes_zeros(100 + 50 * BLOCK);
	struct bmap_job *job = bmap_job_new();
	struct range_set ranges = {0};
	struct bmap_error err = {0};
	uint8_t *digests = NULL;

	OK(hash(job, file, 0, &ranges, 4, &digests, &err)); /* no ranges */
	free(digests);
	digests = NULL;
	for (uint64_t i = 0; i < 60; i += 2)
		ck_assert_int_eq(range_set_add(&ranges, i, 1), 0);
	FAILS(hash(job, file, 60 * BLOCK, &ranges, 4, &digests, &err), ENODATA,
	      "the image file 'f' became shorter while it was being read");
	bmap_job_cancel(job);
	FAILS(hash(job, file, 50 * BLOCK, &ranges, 4, &digests, &err), ECANCELED, "cancelled");
	ck_assert_ptr_null(digests);
	range_set_fini(&ranges);
	bmap_job_free(job);
}
END_TEST

UNIT_MAIN("range_hasher", each_range_has_its_digest, failures_are_reported_once_all_threads_ended)
