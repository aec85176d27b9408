/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copy/job_state.h"
#include "unit.h"

START_TEST(progress_is_what_was_told)
{
	struct bmap_job *job = bmap_job_new();

	ck_assert(!bmap_job_progress(job).has_total);
	ck_assert_uint_eq(bmap_job_progress(job).done_bytes, 0);
	job_set_total(job, 100);
	job_add_done(job, 30);
	job_add_done(job, 12);
	ck_assert(bmap_job_progress(job).has_total);
	ck_assert_uint_eq(bmap_job_progress(job).total_bytes, 100);
	ck_assert_uint_eq(bmap_job_progress(job).done_bytes, 42);
	bmap_job_free(job);
	bmap_job_free(NULL);
}
END_TEST

START_TEST(a_target_brings_its_own_progress)
{
	struct bmap_job *job = bmap_job_new();
	struct bmap_target *target = NULL;
	struct bmap_error err = {0};

	OK(bmap_target_open(&target, "f", &(struct bmap_target_options){0}, &err));
	job_set_target(job, target);
	OK(target_begin(target, 3, &err));
	OK(target_write(target, "abc", 3, 0, &err));
	OK(target_end(target, 3, &err));
	ck_assert_uint_eq(bmap_job_progress(job).done_bytes, 3);
	job_set_target(job, NULL);
	bmap_target_close(target);
	ck_assert_uint_eq(bmap_job_progress(job).done_bytes, 3); /* also when it is gone */
	bmap_job_free(job);
}
END_TEST

START_TEST(cancelling_is_remembered)
{
	struct bmap_job *job = bmap_job_new();

	ck_assert(!job_is_cancelled(job));
	bmap_job_cancel(job);
	ck_assert(job_is_cancelled(job));
	bmap_job_free(job);
}
END_TEST

START_TEST(zeros_are_recognized)
{
	struct bytes block = bytes_zeros(4096);

	ck_assert(block_is_zero(block.data, 0));
	for (size_t len = 1; len <= 4096; len = 2 * len + 1) {
		ck_assert(block_is_zero(block.data, len));
		for (size_t at = 0; at < len; at += len / 5 + 1) {
			block.data[at] = 0x80;
			ck_assert(!block_is_zero(block.data, len));
			block.data[at] = 0;
		}
	}
}
END_TEST

UNIT_MAIN("job", progress_is_what_was_told, a_target_brings_its_own_progress,
	  cancelling_is_remembered, zeros_are_recognized)
