/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records of what happened to blocks, by what bmap/trace.h and bmap-trace(5) say of them: the bytes
 * of a record are read and made here by code of its own, and a table of facts is kept beside.  Over
 * 800 lines: what is noted, what the file then is and who finds it share these.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/checked.h"
#include "bmap/log.h"
#include "bmap/trace.h"
#include "unit.h"

#define BLOCK    4096
#define HEADER   4096
#define PORTION  256 /* bytes that the digest is made of at once */
#define FLAGS_AT 20
#define N_FACTS  64
#define N_BLOCKS 600 /* of tables: more than two portions */

enum { W = 1, Z = 2, RW = 4, RR = 8, P = 16, F = 32 };

static struct bmap_error err;

/* ---- the bytes of a record ---- */

struct record {
	uint64_t version, header_len, block_len, flags;
	uint64_t size, device, inode, birth, birth_nsec, mtime, mtime_nsec, ctime, ctime_nsec, len;
	struct bytes facts;
};

static uint64_t get_number(struct bytes bytes, size_t at, size_t n_bytes)
{
	uint64_t value = 0;

	ck_assert_uint_le(at + n_bytes, bytes.len);
	while (n_bytes--)
		value = value << 8 | bytes.data[at + n_bytes];
	return value;
}

static void put_number(struct bytes bytes, size_t at, size_t n_bytes, uint64_t value)
{
	ck_assert_uint_le(at + n_bytes, bytes.len);
	for (size_t i = 0; i < n_bytes; i++, value >>= 8)
		bytes.data[at + i] = (uint8_t)value;
}

static void digest_of(struct bytes record, uint8_t digest[32])
{
	static const uint8_t zeros[PORTION];
	EVP_MD_CTX *sum = EVP_MD_CTX_new();

	ck_assert(sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL));
	ck_assert(EVP_DigestUpdate(sum, record.data, 104));
	for (uint64_t i = 0; HEADER + i * PORTION < record.len; i++) {
		size_t at = HEADER + i * PORTION;
		uint8_t portion[8 + PORTION] = {0};

		memcpy(portion + 8, record.data + at, MIN(PORTION, record.len - at));
		put_number((struct bytes){portion, 8}, 0, 8, i);
		if (memcmp(portion + 8, zeros, PORTION) != 0)
			ck_assert(EVP_DigestUpdate(sum, portion, sizeof(portion)));
	}
	ck_assert(EVP_DigestFinal_ex(sum, digest, NULL));
	EVP_MD_CTX_free(sum);
}

/* Gives a closed record its length and digest. */
static struct bytes seal(struct bytes record)
{
	put_number(record, 96, 8, record.len);
	digest_of(record, record.data + 104);
	return record;
}

static struct record parse_record(struct bytes bytes)
{
	static const uint8_t zeros[HEADER - 136];
	struct record record = {
		.version = get_number(bytes, 8, 4),
		.header_len = get_number(bytes, 12, 4),
		.block_len = get_number(bytes, 16, 4),
		.flags = get_number(bytes, FLAGS_AT, 4),
		.size = get_number(bytes, 24, 8),
		.device = get_number(bytes, 32, 8),
		.inode = get_number(bytes, 40, 8),
		.birth = get_number(bytes, 48, 8),
		.birth_nsec = get_number(bytes, 56, 8),
		.mtime = get_number(bytes, 64, 8),
		.mtime_nsec = get_number(bytes, 72, 8),
		.ctime = get_number(bytes, 80, 8),
		.ctime_nsec = get_number(bytes, 88, 8),
		.len = get_number(bytes, 96, 8),
	};

	ck_assert_mem_eq(bytes.data, "BMAPTRCE", 8);
	ck_assert_uint_eq(record.version, 1);
	ck_assert_uint_eq(record.header_len, HEADER);
	ck_assert_uint_eq(record.block_len, BLOCK);
	ck_assert_uint_le(record.flags, 1);
	ck_assert_mem_eq(bytes.data + 136, zeros, sizeof(zeros));
	record.facts = bytes_part(bytes, HEADER, bytes.len - HEADER);
	return record;
}

/* Of a record that is closed: its length and digest are right. */
static struct record parse_closed(const char *path)
{
	struct bytes bytes = read_file(path);
	struct record record = parse_record(bytes);
	uint8_t digest[32];

	ck_assert_uint_eq(record.flags, 0);
	ck_assert_uint_eq(record.len, bytes.len);
	digest_of(bytes, digest);
	ck_assert_mem_eq(bytes.data + 104, digest, sizeof(digest));
	return record;
}

static uint8_t byte_of(struct record record, size_t block)
{
	return block < record.facts.len ? record.facts.data[block] : 0;
}

/* A record of no local file, closed. */
static struct bytes make_record(uint64_t size, struct bytes facts)
{
	struct bytes bytes = bytes_join(bytes_zeros(HEADER), facts);

	memcpy(bytes.data, "BMAPTRCE", 8);
	put_number(bytes, 8, 4, 1);
	put_number(bytes, 12, 4, HEADER);
	put_number(bytes, 16, 4, BLOCK);
	put_number(bytes, 24, 8, size);
	return seal(bytes);
}

/* ---- what the library is told, and what it must make of it ---- */

enum op_kind { WRITE, ZERO, READ_BY_WRITER, READ_BY_READER, REFUSE, FORGET, ZERO_PUNCH, N_OPS };

struct op {
	enum op_kind kind;
	uint64_t offset, len;
};

static int note(struct bmap_trace *trace, struct op op)
{
	switch (op.kind) {
	case WRITE:
		return bmap_trace_note_write(trace, op.offset, op.len);
	case ZERO:
		return bmap_trace_note_zero(trace, op.offset, op.len);
	case READ_BY_WRITER:
	case READ_BY_READER:
		return bmap_trace_note_read(trace, op.offset, op.len, op.kind == READ_BY_WRITER);
	case REFUSE:
		return bmap_trace_note_punch(trace, op.offset, op.len, BMAP_PUNCH_REFUSED);
	case FORGET:
		return bmap_trace_note_punch(trace, op.offset, op.len, BMAP_PUNCH_FORGETS);
	default:
		return bmap_trace_note_punch(trace, op.offset, op.len, BMAP_PUNCH_ZEROES);
	}
}

/* @whole: all of the block, else a part of it. */
static uint8_t model_byte(uint8_t facts, enum op_kind kind, bool whole)
{
	switch (kind) {
	case WRITE:
		return (facts | W) & ~(P | F);
	case ZERO:
		return (facts | Z) & ~(P | F);
	case READ_BY_WRITER:
		return facts & (W | Z) ? facts : facts | RW;
	case READ_BY_READER:
		return facts & (W | Z) ? facts : facts | RR;
	case REFUSE:
		return whole ? facts | P : facts;
	case FORGET:
		return !whole ? facts : facts & (W | Z | F) ? P | F : P;
	default: /* what is punched in part has zeros there that count */
		facts = (facts | Z) & ~(P | F);
		return whole ? facts | P : facts;
	}
}

static void model(uint8_t *facts, size_t n_blocks, struct op op)
{
	for (uint64_t i = 0; i < n_blocks && op.len; i++) {
		uint64_t first = MAX(i * BLOCK, op.offset);
		uint64_t end = MIN((i + 1) * BLOCK, op.offset + op.len);

		if (first < end)
			facts[i] = model_byte(facts[i], op.kind, end - first == BLOCK);
	}
}

static unsigned int facts_at(const struct bmap_trace *trace, uint64_t block)
{
	struct bmap_trace_run run;

	ck_assert(bmap_trace_next(trace, block, block + 1, &run));
	ck_assert_uint_eq(run.first_block, block);
	ck_assert_uint_eq(run.n_blocks, 1);
	return run.facts;
}

static bool is_safe(unsigned int facts)
{
	return facts & (W | Z | RW);
}

/* In memory, in the file, and counted. */
static void check_facts(const struct bmap_trace *trace, const uint8_t *facts, size_t n_blocks)
{
	struct record record = parse_record(read_file(bmap_trace_name(trace)));
	uint64_t n_mapped = 0;

	for (size_t i = 0; i < n_blocks; i++) {
		ck_assert_msg(facts_at(trace, i) == facts[i], "block %zu: facts %u, not %u", i,
			      facts_at(trace, i), facts[i]);
		ck_assert_msg(byte_of(record, i) == facts[i], "block %zu: byte %u, not %u", i,
			      byte_of(record, i), facts[i]);
		n_mapped += is_safe(facts[i]);
	}
	ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), n_mapped);
}

#define CHECK(trace, ...) \
	check_facts(trace, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* A record of no local file, held, in which each block has its facts. */
static struct bmap_trace *begin_with(const char *path, const uint8_t *facts, size_t n_blocks)
{
	struct bmap_trace *trace = NULL;

	write_file(path, make_record(n_blocks * BLOCK, (struct bytes){(uint8_t *)facts, n_blocks}));
	OK(bmap_trace_begin_at(&trace, path, n_blocks * BLOCK, &err));
	OK(bmap_trace_hold(trace, &err));
	return trace;
}

static struct bmap_trace *begin_empty(const char *path, uint64_t size)
{
	struct bmap_trace *trace = NULL;

	OK(bmap_trace_begin_at(&trace, path, size, &err));
	OK(bmap_trace_hold(trace, &err));
	return trace;
}

/* Closes a record, which then can be read and says the same. */
static void finish(struct bmap_trace *trace, const uint8_t *facts, size_t n_blocks)
{
	char *path = strdup(bmap_trace_name(trace));

	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
	parse_closed(path);
	OK(bmap_trace_open(&trace, path, &err));
	check_facts(trace, facts, n_blocks);
	bmap_trace_close(trace);
	free(path);
}

static void random_facts(uint8_t *facts, size_t n_blocks, unsigned int *seed)
{
	for (size_t i = 0; i < n_blocks; i++) {
		/* runs, some of them long */
		bool goes_on = i && rand_r(seed) % 4;

		facts[i] = goes_on ? facts[i - 1] : (uint8_t)(rand_r(seed) % N_FACTS);
		if (!goes_on && rand_r(seed) % 2)
			facts[i] = 0;
	}
}

/* ---- policies ---- */

START_TEST(policies_say_what_is_mapped)
{
	static const unsigned int mapping[] = {
		[BMAP_TRACE_SAFE] = W | Z | RW,
		[BMAP_TRACE_STRICT] = W | Z | RW | RR,
		[BMAP_TRACE_WRITTEN] = W | Z,
	};

	ck_assert_int_eq(W, BMAP_WRITTEN);
	ck_assert_int_eq(Z, BMAP_ZEROED);
	ck_assert_int_eq(RW, BMAP_READ_BY_WRITER);
	ck_assert_int_eq(RR, BMAP_READ_BY_READER);
	ck_assert_int_eq(P, BMAP_PUNCHED);
	ck_assert_int_eq(F, BMAP_FORGOTTEN);
	for (unsigned int facts = 0; facts < N_FACTS; facts++) {
		for (size_t policy = 0; policy < ARRAY_SIZE(mapping); policy++) {
			enum bmap_trace_policy p = (enum bmap_trace_policy)policy;
			bool keep = facts & mapping[policy];

			ck_assert_int_eq(bmap_trace_is_mapped(facts, p, BMAP_PUNCHED_KEEP), keep);
			ck_assert_int_eq(bmap_trace_is_mapped(facts, p, BMAP_PUNCHED_ZERO),
					 facts & P ? true : keep);
			ck_assert_int_eq(bmap_trace_is_mapped(facts, p, BMAP_PUNCHED_DONTCARE),
					 facts & P ? false : keep);
		}
	}
}
END_TEST

/* ---- what is noted ---- */

START_TEST(every_note_changes_every_sum_of_facts_as_it_should)
{
	uint8_t facts[N_FACTS], expected[N_FACTS];

	for (unsigned int kind = 0; kind < N_OPS; kind++) {
		for (unsigned int whole = 0; whole < 2; whole++) {
			struct op op = {.kind = (enum op_kind)kind, .len = N_FACTS * BLOCK};
			struct bmap_trace *trace;

			for (uint8_t i = 0; i < N_FACTS; i++) {
				facts[i] = i;
				expected[i] = model_byte(i, op.kind, whole);
			}
			trace = begin_with("r", facts, N_FACTS);
			check_facts(trace, facts, N_FACTS);
			for (uint64_t i = 0; !whole && i < N_FACTS; i++) {
				op.offset = i * BLOCK + i % 2;
				op.len = BLOCK - 1;
				OK(note(trace, op));
			}
			if (whole)
				OK(note(trace, op));
			check_facts(trace, expected, N_FACTS);
			finish(trace, expected, N_FACTS);
		}
	}
}
END_TEST

START_TEST(parts_of_blocks_are_written_and_read_but_not_punched)
{
	struct bmap_trace *trace = begin_empty("r", 8 * BLOCK);

	CHECK(trace, 0, 0, 0, 0, 0, 0, 0, 0);
	OK(bmap_trace_note_write(trace, BLOCK, 1));
	OK(bmap_trace_note_write(trace, 4 * BLOCK - 1, 2));
	CHECK(trace, 0, W, 0, W, W, 0, 0, 0);
	OK(bmap_trace_note_zero(trace, 4 * BLOCK + 5, BLOCK));
	CHECK(trace, 0, W, 0, W, W | Z, Z, 0, 0);
	OK(bmap_trace_note_read(trace, BLOCK - 1, 5 * BLOCK + 2, true));
	CHECK(trace, RW, W, RW, W, W | Z, Z, RW, 0);
	OK(bmap_trace_note_read(trace, 6 * BLOCK, 2 * BLOCK, false));
	CHECK(trace, RW, W, RW, W, W | Z, Z, RW | RR, RR);
	/* nothing of no bytes */
	for (unsigned int kind = 0; kind < N_OPS; kind++) {
		OK(note(trace, (struct op){(enum op_kind)kind, 2 * BLOCK, 0}));
		OK(note(trace, (struct op){(enum op_kind)kind, 2 * BLOCK + 7, 0}));
	}
	CHECK(trace, RW, W, RW, W, W | Z, Z, RW | RR, RR);
	OK(bmap_trace_note_punch(trace, 1, 3 * BLOCK - 1, BMAP_PUNCH_FORGETS));
	CHECK(trace, RW, P | F, P, W, W | Z, Z, RW | RR, RR);
	OK(bmap_trace_note_punch(trace, BLOCK + 1, BLOCK - 1, BMAP_PUNCH_REFUSED));
	OK(bmap_trace_note_punch(trace, 3 * BLOCK, BLOCK - 1, BMAP_PUNCH_FORGETS));
	OK(bmap_trace_note_punch(trace, 3 * BLOCK + 1, BLOCK - 1, BMAP_PUNCH_FORGETS));
	CHECK(trace, RW, P | F, P, W, W | Z, Z, RW | RR, RR);
	OK(bmap_trace_note_punch(trace, 6 * BLOCK - 1, BLOCK + 2, BMAP_PUNCH_ZEROES));
	CHECK(trace, RW, P | F, P, W, W | Z, Z, RW | RR | Z | P, RR | Z);
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
}
END_TEST

START_TEST(the_order_of_what_happens_counts)
{
	struct bmap_trace *trace = begin_empty("r", 2 * BLOCK);

	OK(bmap_trace_note_write(trace, 0, BLOCK));
	OK(bmap_trace_note_read(trace, 0, 2 * BLOCK, true));
	OK(bmap_trace_note_read(trace, 0, BLOCK, false));
	CHECK(trace, W, RW);
	OK(bmap_trace_note_write(trace, BLOCK, BLOCK));
	CHECK(trace, W, RW | W);
	OK(bmap_trace_note_punch(trace, 0, 2 * BLOCK, BMAP_PUNCH_REFUSED));
	CHECK(trace, W | P, RW | W | P);
	OK(bmap_trace_note_write(trace, 100, 100));
	CHECK(trace, W, RW | W | P);
	OK(bmap_trace_note_punch(trace, 0, 2 * BLOCK, BMAP_PUNCH_FORGETS));
	CHECK(trace, P | F, P | F);
	OK(bmap_trace_note_read(trace, 0, 1, false));
	OK(bmap_trace_note_punch(trace, BLOCK, BLOCK, BMAP_PUNCH_FORGETS));
	CHECK(trace, RR | P | F, P | F);
	OK(bmap_trace_note_zero(trace, 0, 1));
	OK(bmap_trace_note_write(trace, BLOCK, BLOCK));
	CHECK(trace, RR | Z, W);
	OK(bmap_trace_note_punch(trace, 0, BLOCK, BMAP_PUNCH_ZEROES));
	CHECK(trace, RR | Z | P, W);
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
}
END_TEST

START_TEST(what_was_cut_off_is_forgotten_also_when_the_file_grows_again)
{
	static const uint8_t facts[] = {W, W, Z, RW | W, F, 0};
	struct bmap_trace *trace = begin_with("r", facts, 6);

	/* the last block that is left keeps what it has, whole or not */
	OK(bmap_trace_note_shrink(trace, 6 * BLOCK));
	OK(bmap_trace_note_shrink(trace, 5 * BLOCK + 1));
	OK(bmap_trace_note_shrink(trace, UINT64_MAX));
	check_facts(trace, facts, 6);
	OK(bmap_trace_note_shrink(trace, BLOCK + 1));
	CHECK(trace, W, W, F, F, F, 0);
	/* growing is not noted; what is written then counts */
	OK(bmap_trace_note_write(trace, 3 * BLOCK, 1));
	CHECK(trace, W, W, F, W, F, 0);
	OK(bmap_trace_note_shrink(trace, 0));
	CHECK(trace, F, F, F, F, F, 0);
	finish(trace, (const uint8_t[]){F, F, F, F, F, 0}, 6);
}
END_TEST

START_TEST(thousands_of_notes_are_as_a_table_says)
{
	unsigned int seed = 1;
	uint8_t facts[N_BLOCKS];
	struct bmap_trace *trace;

	random_facts(facts, N_BLOCKS, &seed);
	trace = begin_with("r", facts, N_BLOCKS);
	for (unsigned int i = 0; i < 3000; i++) {
		struct op op = {(enum op_kind)(rand_r(&seed) % N_OPS), 0, 0};
		uint64_t n = (uint64_t)(rand_r(&seed) % 20 ? 5 : 300) * BLOCK;

		op.offset = (uint64_t)rand_r(&seed) % (N_BLOCKS * BLOCK);
		op.len = (uint64_t)rand_r(&seed) % n;
		if (rand_r(&seed) % 2) {
			op.offset -= op.offset % BLOCK;
			op.len -= op.len % BLOCK;
		}
		op.len = MIN(op.len, N_BLOCKS * BLOCK - op.offset);
		OK(note(trace, op));
		model(facts, N_BLOCKS, op);
		if (i % 50 == 0)
			check_facts(trace, facts, N_BLOCKS);
	}
	check_facts(trace, facts, N_BLOCKS);
	finish(trace, facts, N_BLOCKS);
}
END_TEST

START_TEST(a_record_whose_facts_were_all_taken_back_can_be_read)
{
	static const uint8_t nothing[3] = {0};
	struct bmap_trace *trace = begin_empty("r", 3 * BLOCK);

	OK(bmap_trace_note_read(trace, 0, 3 * BLOCK, true));
	OK(bmap_trace_note_read(trace, 0, 3 * BLOCK, false));
	OK(bmap_trace_note_shrink(trace, 0));
	check_facts(trace, nothing, 3);
	finish(trace, nothing, 3);
	trace = begin_empty("r", 3 * BLOCK);
	OK(bmap_trace_note_write(trace, 0, BLOCK));
	OK(bmap_trace_note_copy(trace, 0, trace, BLOCK, BLOCK, true));
	check_facts(trace, nothing, 3);
	finish(trace, nothing, 3);
}
END_TEST

START_TEST(what_is_cut_off_loses_every_fact)
{
	uint8_t facts[N_FACTS], expected[N_FACTS];
	struct bmap_trace *trace;

	for (uint8_t i = 0; i < N_FACTS; i++) {
		facts[i] = i;
		expected[i] = i & (W | Z | F) ? F : 0;
	}
	trace = begin_with("r", facts, N_FACTS);
	OK(bmap_trace_note_shrink(trace, 0));
	check_facts(trace, expected, N_FACTS);
	finish(trace, expected, N_FACTS);
}
END_TEST

/* ---- copies ---- */

START_TEST(whole_blocks_that_are_copied_bring_their_byte)
{
	uint8_t from_facts[N_FACTS], to_facts[N_FACTS];

	for (unsigned int shift = 0; shift < N_FACTS; shift += 7) {
		struct bmap_trace *from, *to;

		for (unsigned int i = 0; i < N_FACTS; i++) {
			from_facts[i] = (uint8_t)i;
			to_facts[i] = (uint8_t)((i + shift) % N_FACTS);
		}
		from = begin_with("from", from_facts, N_FACTS);
		to = begin_with("to", to_facts, N_FACTS);
		OK(bmap_trace_note_copy(to, 0, from, 0, N_FACTS * BLOCK, true));
		check_facts(to, from_facts, N_FACTS);
		check_facts(from, from_facts, N_FACTS);
		/* elsewhere, and beside it nothing changes */
		OK(bmap_trace_note_copy(to, 10 * BLOCK, from, 40 * BLOCK, 3 * BLOCK, true));
		memcpy(from_facts + 10, (const uint8_t[]){40, 41, 42}, 3);
		check_facts(to, from_facts, N_FACTS);
		OK(bmap_trace_note_copy(to, 0, from, 0, 0, true));
		check_facts(to, from_facts, N_FACTS);
		finish(to, from_facts, N_FACTS);
		bmap_trace_close(from);
	}
}
END_TEST

/* By each rule what holds old data or new is mapped whenever either of them is. */
static void check_joined(unsigned int now, unsigned int from, unsigned int to)
{
	for (unsigned int rule = 0; rule < 9; rule++) {
		const enum bmap_trace_policy policy = (enum bmap_trace_policy)(rule % 3);
		const enum bmap_punched punched = (enum bmap_punched)(rule / 3);

		if (bmap_trace_is_mapped(from, policy, punched) ||
		    bmap_trace_is_mapped(to, policy, punched))
			ck_assert_msg(bmap_trace_is_mapped(now, policy, punched),
				      "%u over %u: %u is not mapped by rule %u", from, to, now,
				      rule);
	}
	/* and by those that look at no punches only then */
	ck_assert_msg((now & (W | Z | RW | RR)) == ((from | to) & (W | Z | RW | RR)) ||
			      ((from ^ to) & P),
		      "%u over %u: %u", from, to, now);
}

START_TEST(before_a_copy_old_and_new_facts_hold)
{
	uint8_t from_facts[N_FACTS * N_FACTS], to_facts[N_FACTS * N_FACTS];
	struct bmap_trace *from, *to, *parts;

	for (unsigned int i = 0; i < sizeof(to_facts); i++) {
		from_facts[i] = (uint8_t)(i % N_FACTS);
		to_facts[i] = (uint8_t)(i / N_FACTS);
	}
	from = begin_with("from", from_facts, sizeof(to_facts));
	to = begin_with("to", to_facts, sizeof(to_facts));
	parts = begin_with("parts", to_facts, sizeof(to_facts));
	OK(bmap_trace_note_copy(to, 0, from, 0, sizeof(to_facts) * BLOCK, false));
	for (unsigned int i = 0; i < sizeof(to_facts); i++) {
		OK(bmap_trace_note_copy(parts, i * BLOCK + 1, from, i * BLOCK, 1, true));
		check_joined(facts_at(to, i), from_facts[i], to_facts[i]);
		ck_assert_uint_eq(facts_at(parts, i), facts_at(to, i));
	}
	/* and once it is done, those of the new alone */
	OK(bmap_trace_note_copy(to, 0, from, 0, sizeof(to_facts) * BLOCK, true));
	check_facts(to, from_facts, sizeof(to_facts));
	bmap_trace_close(from);
	bmap_trace_release(parts, -1);
	bmap_trace_close(parts);
	finish(to, from_facts, sizeof(to_facts));
}
END_TEST

START_TEST(what_is_copied_into_parts_of_blocks_is_added)
{
	static const uint8_t from_facts[] = {W, 0, RW, Z, 0, RR},
			     to_facts[] = {0, W, 0, Z, P | F, 0};
	struct bmap_trace *from = begin_with("from", from_facts, 6);
	struct bmap_trace *to = begin_with("to", to_facts, 6);

	for (unsigned int is_done = 0; is_done < 2; is_done++) {
		/* the end of the first block and the begin of the second go into one */
		OK(bmap_trace_note_copy(to, 10, from, BLOCK - 10, 20, is_done));
		CHECK(to, W, W, 0, Z, P | F, 0);
	}
	for (unsigned int is_done = 0; is_done < 2; is_done++) {
		/* all of a block, from parts of two */
		OK(bmap_trace_note_copy(to, BLOCK, from, 2 * BLOCK + 1, BLOCK, is_done));
		CHECK(to, W, W | RW | Z, 0, Z, P | F, 0);
	}
	for (unsigned int is_done = 0; is_done < 2; is_done++) {
		/* what has a value gives it */
		OK(bmap_trace_note_copy(to, 4 * BLOCK + 1, from, 3 * BLOCK + 1, 1, is_done));
		CHECK(to, W, W | RW | Z, 0, Z, Z, 0);
	}
	/* a part at each end, one that is whole between them */
	OK(bmap_trace_note_copy(to, 2 * BLOCK - 1, from, 3 * BLOCK - 1, BLOCK + 2, true));
	CHECK(to, W, W | RW | Z, Z, Z, Z, 0);
	OK(bmap_trace_note_copy(to, 5 * BLOCK, from, 5 * BLOCK, 100, true));
	CHECK(to, W, W | RW | Z, Z, Z, Z, RR);
	check_facts(from, from_facts, 6);
	bmap_trace_close(from);
	finish(to, (const uint8_t[]){W, W | RW | Z, Z, Z, Z, RR}, 6);
}
END_TEST

START_TEST(copies_within_one_file_and_of_less_than_was_asked_for)
{
	static const uint8_t facts[] = {W, Z | P, RW, 0, 0, W, W, 0};
	struct bmap_trace *trace = begin_with("r", facts, 8);

	OK(bmap_trace_note_copy(trace, 4 * BLOCK, trace, 0, 4 * BLOCK, false));
	CHECK(trace, W, Z | P, RW, 0, W, W | Z, W | RW, 0);
	/* of the four blocks only two were copied */
	OK(bmap_trace_note_copy(trace, 4 * BLOCK, trace, 0, 2 * BLOCK, true));
	CHECK(trace, W, Z | P, RW, 0, W, Z | P, W | RW, 0);
	OK(bmap_trace_note_copy(trace, 3 * BLOCK, trace, BLOCK, BLOCK, true));
	CHECK(trace, W, Z | P, RW, Z | P, W, Z | P, W | RW, 0);
	OK(bmap_trace_note_copy(trace, 0, trace, 7 * BLOCK, BLOCK, true));
	CHECK(trace, 0, Z | P, RW, Z | P, W, Z | P, W | RW, 0);
	finish(trace, (const uint8_t[]){0, Z | P, RW, Z | P, W, Z | P, W | RW, 0}, 8);
}
END_TEST

/* ---- what it says ---- */

START_TEST(data_and_holes_are_found_from_anywhere)
{
	uint8_t facts[N_BLOCKS];
	unsigned int seed = 2;
	struct bmap_trace *trace;

	random_facts(facts, N_BLOCKS, &seed);
	trace = begin_with("r", facts, N_BLOCKS);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t size = (uint64_t)rand_r(&seed) % (N_BLOCKS * BLOCK), found = 0;
		uint64_t offset = (uint64_t)rand_r(&seed) % (size + 1), data, hole;

		if (i % 3 == 0)
			offset -= offset % BLOCK;
		if (i % 5 == 0)
			offset = size;
		data = hole = offset;
		while (data < size && !is_safe(facts[data / BLOCK]))
			data = (data / BLOCK + 1) * BLOCK;
		while (hole < size && is_safe(facts[hole / BLOCK]))
			hole = (hole / BLOCK + 1) * BLOCK;
		ck_assert_int_eq(bmap_trace_find_data(trace, offset, size, &found), data < size);
		if (data < size)
			ck_assert_uint_eq(found, data);
		ck_assert_uint_eq(bmap_trace_find_hole(trace, offset, size), MIN(hole, size));
	}
	/* behind all that ever happened */
	ck_assert_uint_eq(bmap_trace_find_hole(trace, N_BLOCKS * BLOCK, UINT64_C(1) << 60),
			  N_BLOCKS * BLOCK);
	finish(trace, facts, N_BLOCKS);
}
END_TEST

START_TEST(runs_are_as_long_as_they_can_be)
{
	uint8_t facts[N_BLOCKS + 1];
	unsigned int seed = 3;

	for (size_t round = 0; round < 20; round++) {
		struct bmap_trace *trace;

		random_facts(facts, N_BLOCKS, &seed);
		trace = begin_with("r", facts, N_BLOCKS);
		for (unsigned int i = 0; i < 500; i++) {
			uint64_t first = (uint64_t)rand_r(&seed) % N_BLOCKS;
			uint64_t end = first + (uint64_t)rand_r(&seed) % 300, last = first;
			struct bmap_trace_run run;

			end = MIN(end, N_BLOCKS);
			ck_assert_int_eq(bmap_trace_next(trace, first, end, &run), first < end);
			if (first == end)
				continue;
			while (last < end && facts[last] == facts[first])
				last++;
			ck_assert_uint_eq(run.first_block, first);
			ck_assert_uint_eq(run.n_blocks, last - first);
			ck_assert_uint_eq(run.facts, facts[first]);
		}
		bmap_trace_close(trace);
	}
}
END_TEST

START_TEST(blocks_behind_the_end_of_the_record_were_never_touched)
{
	const uint64_t many = UINT64_C(1) << 50;
	struct bmap_trace *trace = NULL;
	struct bmap_trace_run run;
	uint64_t found;

	write_file("r", make_record(many * BLOCK, (struct bytes){(uint8_t[]){0, W}, 2}));
	OK(bmap_trace_open(&trace, "r", &err));
	ck_assert_uint_eq(bmap_trace_size(trace), many * BLOCK);
	ck_assert_str_eq(bmap_trace_name(trace), "r");
	ck_assert(bmap_trace_next(trace, 2, many, &run));
	ck_assert_uint_eq(run.n_blocks, many - 2);
	ck_assert_uint_eq(run.facts, 0);
	ck_assert(!bmap_trace_next(trace, many, many, &run));
	ck_assert(!bmap_trace_next(trace, many + 1, many, &run));
	ck_assert(bmap_trace_next(trace, many, UINT64_MAX, &run));
	ck_assert_uint_eq(run.n_blocks, UINT64_MAX - many);
	ck_assert(!bmap_trace_find_data(trace, 2 * BLOCK, many * BLOCK, &found));
	ck_assert_uint_eq(bmap_trace_find_hole(trace, BLOCK, many * BLOCK), 2 * BLOCK);
	bmap_trace_close(trace);
	bmap_trace_close(NULL);
}
END_TEST

/* ---- far offsets ---- */

static uint64_t memory_bytes(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return (uint64_t)usage.ru_maxrss * 1024;
}

START_TEST(a_terabyte_takes_little)
{
	const uint64_t far = UINT64_C(1) << 40, block = far / BLOCK;
	struct bmap_trace *trace = begin_empty("r", far + BLOCK);
	uint64_t before = memory_bytes(), found;
	struct bmap_trace_run run;
	struct stat st;

	OK(bmap_trace_note_write(trace, 0, 1));
	OK(bmap_trace_note_write(trace, far, 1));
	OK(bmap_trace_note_read(trace, far / 2, 1, true));
	for (unsigned int twice = 0; twice < 2; twice++) {
		ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), 3);
		ck_assert(bmap_trace_find_data(trace, BLOCK, far + BLOCK, &found));
		ck_assert_uint_eq(found, far / 2);
		ck_assert(bmap_trace_next(trace, block / 2 + 1, block + 1, &run));
		ck_assert_uint_eq(run.n_blocks, block / 2 - 1);
		ck_assert_uint_eq(facts_at(trace, block), W);
		ck_assert_uint_eq(bmap_trace_find_hole(trace, far, far + BLOCK), far + BLOCK);
		if (twice)
			continue;
		bmap_trace_release(trace, -1);
		bmap_trace_close(trace);
		OK(bmap_trace_begin_at(&trace, "r", far + BLOCK, &err));
		OK(bmap_trace_hold(trace, &err));
	}
	OK(bmap_trace_note_shrink(trace, 1));
	ck_assert_uint_eq(facts_at(trace, block), F);
	ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), 1);
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
	ck_assert_int_eq(stat("r", &st), 0);
	ck_assert_int_lt(st.st_blocks, 1024);
	ck_assert_msg(memory_bytes() - before < (64 << 20), "%llu bytes of memory",
		      (unsigned long long)(memory_bytes() - before));
}
END_TEST

START_TEST(what_is_too_far_is_an_error)
{
	static const uint64_t far[] = {UINT64_C(1) << 61, INT64_MAX - BLOCK, INT64_MAX,
				       UINT64_MAX - BLOCK, UINT64_MAX};
	struct bmap_trace *trace = begin_empty("r", UINT64_MAX);
	uint64_t before = memory_bytes();

	OK(bmap_trace_note_write(trace, BLOCK, 1));
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		for (unsigned int kind = 0; kind < N_OPS; kind++) {
			struct op op = {(enum op_kind)kind, far[i] & ~(uint64_t)(BLOCK - 1), BLOCK};
			int r = note(trace, op);

			/* blocks of which nothing is known may need no note */
			ck_assert_msg(r == -EFBIG || r == 0, "%d for %llu", r,
				      (unsigned long long)far[i]);
		}
		ck_assert_int_eq(bmap_trace_note_write(trace, far[i], UINT64_MAX), -EFBIG);
		ck_assert_int_eq(bmap_trace_note_copy(trace, far[i], trace, 0, UINT64_MAX, false),
				 -EFBIG);
		ck_assert_int_eq(bmap_trace_note_copy(trace, 0, trace, far[i], UINT64_MAX, true),
				 -EFBIG);
	}
	CHECK(trace, 0, W);
	ck_assert_msg(memory_bytes() - before < (64 << 20), "%llu bytes of memory",
		      (unsigned long long)(memory_bytes() - before));
	finish(trace, (const uint8_t[]){0, W}, 2);
}
END_TEST

/* ---- records of files ---- */

static struct bmap_trace_folder make_folder(const char *path)
{
	struct bmap_trace_folder folder = {.path = path};

	ck_assert_int_eq(mkdir(path, 0700), 0);
	folder.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(folder.fd, 0);
	return folder;
}

static int make_image(const char *path, size_t len)
{
	int fd;

	write_file(path, bytes_random(len, 1));
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct statx attributes(int fd)
{
	struct statx st;

	ck_assert_int_eq(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st), 0);
	return st;
}

/* Is what the closed record says that of the file? */
static struct record check_record(const char *path, int fd)
{
	struct record record = parse_closed(path);
	struct statx st = attributes(fd);

	ck_assert_uint_eq(record.size, st.stx_size);
	ck_assert_uint_eq(record.device, makedev(st.stx_dev_major, st.stx_dev_minor));
	ck_assert_uint_eq(record.inode, st.stx_ino);
	if (!(st.stx_mask & STATX_BTIME))
		st.stx_btime = (struct statx_timestamp){0};
	ck_assert_uint_eq(record.birth, (uint64_t)st.stx_btime.tv_sec);
	ck_assert_uint_eq(record.birth_nsec, st.stx_btime.tv_nsec);
	ck_assert_uint_eq(record.mtime, (uint64_t)st.stx_mtime.tv_sec);
	ck_assert_uint_eq(record.mtime_nsec, st.stx_mtime.tv_nsec);
	ck_assert_uint_eq(record.ctime, (uint64_t)st.stx_ctime.tv_sec);
	ck_assert_uint_eq(record.ctime_nsec, st.stx_ctime.tv_nsec);
	return record;
}

/* The name of a file's record. */
static void check_name(const char *path, int fd)
{
	const char *name = strrchr(path, '/') + 1;
	unsigned long long device, inode, sec, nsec;
	struct statx st = attributes(fd);
	int n = 0;

	ck_assert_int_eq(
		sscanf(name, "%llx-%llx-%llu.%llu.trace%n", &device, &inode, &sec, &nsec, &n), 4);
	ck_assert_uint_eq((size_t)n, strlen(name));
	ck_assert_uint_eq(device, makedev(st.stx_dev_major, st.stx_dev_minor));
	ck_assert_uint_eq(inode, st.stx_ino);
	if (st.stx_mask & STATX_BTIME) {
		ck_assert_uint_eq(sec, (uint64_t)st.stx_btime.tv_sec);
		ck_assert_uint_eq(nsec, st.stx_btime.tv_nsec);
	}
}

static int begin(struct bmap_trace **trace, const struct bmap_trace_folder *folder, int fd,
		 enum bmap_trace_begin how)
{
	struct bmap_trace *before = *trace;
	int r = bmap_trace_begin(trace, folder, fd, "disk.img", how, &err);

	ck_assert(r == 0 || *trace == before);
	return r;
}

/* Makes a record of @fd that is closed: its first block was written.  Its path. */
static char *make_closed(const struct bmap_trace_folder *folder, int fd)
{
	struct bmap_trace *trace = NULL;
	char *path;

	OK(begin(&trace, folder, fd, BMAP_TRACE_NEW));
	OK(bmap_trace_hold(trace, &err));
	OK(bmap_trace_note_write(trace, 0, 1));
	path = unit_alloc(strlen(bmap_trace_name(trace)) + 1);
	strcpy(path, bmap_trace_name(trace));
	bmap_trace_release(trace, fd);
	bmap_trace_close(trace);
	return path;
}

START_TEST(a_record_is_as_the_manual_says)
{
	struct bmap_trace_folder folder = make_folder("records");
	int fd = make_image("disk.img", 3 * BLOCK + 5);
	struct bmap_trace *trace = NULL;
	struct record record;
	const char *path;

	OK(begin(&trace, &folder, fd, BMAP_TRACE_NEW));
	path = bmap_trace_name(trace);
	check_name(path, fd);
	OK(bmap_trace_hold(trace, &err));
	ck_assert_uint_eq(parse_record(read_file(path)).flags, 1);
	OK(bmap_trace_note_write(trace, 2 * BLOCK, 1));
	ck_assert_int_eq(ftruncate(fd, 300 * BLOCK), 0);
	OK(bmap_trace_note_zero(trace, 280 * BLOCK, BLOCK));
	OK(bmap_trace_sync(trace));
	ck_assert_uint_eq(byte_of(parse_record(read_file(path)), 280), Z);
	ck_assert_uint_eq(parse_record(read_file(path)).flags, 1);
	bmap_trace_release(trace, fd);
	record = check_record(path, fd);
	for (size_t i = 0; i < 300; i++)
		ck_assert_uint_eq(byte_of(record, i), i == 2 ? W : i == 280 ? Z : 0);
	/* of a file that became smaller, its bytes are still there */
	OK(bmap_trace_hold(trace, &err));
	ck_assert_uint_eq(parse_record(read_file(path)).flags, 1);
	ck_assert_int_eq(ftruncate(fd, BLOCK), 0);
	OK(bmap_trace_note_shrink(trace, BLOCK));
	bmap_trace_release(trace, fd);
	record = check_record(path, fd);
	ck_assert_uint_eq(byte_of(record, 2), F);
	ck_assert_uint_eq(byte_of(record, 280), F);
	bmap_trace_close(trace);
	close(fd);
	close(folder.fd);
}
END_TEST

START_TEST(holds_are_nested)
{
	struct bmap_trace_folder folder = make_folder("records");
	int fd = make_image("disk.img", BLOCK), path_fd = open("disk.img", O_PATH | O_CLOEXEC);
	struct bmap_trace *trace = NULL, *other = NULL;

	OK(begin(&trace, &folder, path_fd, BMAP_TRACE_ALL_WRITTEN)); /* O_PATH will do */
	OK(bmap_trace_hold(trace, &err));
	OK(bmap_trace_hold(trace, &err));
	bmap_trace_release(trace, path_fd);
	ck_assert_uint_eq(parse_record(read_file(bmap_trace_name(trace))).flags, 1);
	OK(bmap_trace_note_zero(trace, 0, BLOCK));
	/* somebody else must wait, also to begin anew */
	FAILS(begin(&other, &folder, fd, BMAP_TRACE_GO_ON), EBUSY, bmap_trace_name(trace));
	FAILS(begin(&other, &folder, fd, BMAP_TRACE_NEW), EBUSY, bmap_trace_name(trace));
	FAILS(begin(&other, &folder, fd, BMAP_TRACE_ALL_WRITTEN), EBUSY, bmap_trace_name(trace));
	CHECK(trace, W | Z);
	bmap_trace_release(trace, path_fd);
	ck_assert_uint_eq(byte_of(check_record(bmap_trace_name(trace), fd), 0), W | Z);
	/* closed and not held: both may take it in turn */
	OK(begin(&other, &folder, fd, BMAP_TRACE_GO_ON));
	CHECK(other, W | Z);
	OK(bmap_trace_hold(trace, &err));
	FAILS(bmap_trace_hold(other, &err), EBUSY, bmap_trace_name(trace));
	bmap_trace_release(trace, fd);
	bmap_trace_close(trace);
	bmap_trace_close(other);
	close(path_fd);
	close(fd);
	close(folder.fd);
}
END_TEST

START_TEST(records_begin_empty_full_or_as_they_were)
{
	struct bmap_trace_folder folder = make_folder("records");
	int fd = make_image("disk.img", 2 * BLOCK + 1), empty = make_image("empty.img", 0);
	struct bmap_trace *trace = NULL;

	FAILS(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON), ENOENT, "records/");
	OK(begin(&trace, &folder, fd, BMAP_TRACE_ALL_WRITTEN));
	CHECK(trace, W, W, W, 0);
	ck_assert_uint_eq(bmap_trace_size(trace), 2 * BLOCK + 1);
	OK(bmap_trace_hold(trace, &err));
	bmap_trace_release(trace, fd);
	bmap_trace_close(trace);
	OK(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON));
	CHECK(trace, W, W, W, 0);
	bmap_trace_close(trace);
	OK(begin(&trace, &folder, fd, BMAP_TRACE_NEW));
	CHECK(trace, 0, 0, 0, 0);
	OK(bmap_trace_hold(trace, &err));
	bmap_trace_release(trace, fd);
	check_record(bmap_trace_name(trace), fd);
	bmap_trace_close(trace);
	OK(begin(&trace, &folder, empty, BMAP_TRACE_ALL_WRITTEN));
	CHECK(trace, 0);
	bmap_trace_close(trace);
	/* and are gone, once or twice */
	bmap_trace_remove(&folder, fd);
	bmap_trace_remove(&folder, fd);
	FAILS(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON), ENOENT, "records/");
	OK(begin(&trace, &folder, empty, BMAP_TRACE_GO_ON));
	bmap_trace_close(trace);
	close(fd);
	close(empty);
	close(folder.fd);
}
END_TEST

/* The times of files change by ticks. */
static void change_ctime(int fd)
{
	struct statx before = attributes(fd), now;

	do {
		ck_assert_int_eq(fchmod(fd, 0600), 0);
		now = attributes(fd);
	} while (now.stx_ctime.tv_sec == before.stx_ctime.tv_sec &&
		 now.stx_ctime.tv_nsec == before.stx_ctime.tv_nsec);
}

START_TEST(a_file_that_was_changed_behind_the_back_is_stale)
{
	struct bmap_trace_folder folder = make_folder("records");
	int fd = make_image("disk.img", 2 * BLOCK);
	struct bmap_trace *trace = NULL;
	char *path;

	for (unsigned int what = 0; what < 4; what++) {
		struct timespec times[] = {{0, UTIME_OMIT}, {1, 2}};

		path = make_closed(&folder, fd);
		OK(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON)); /* of which it is not yet */
		bmap_trace_close(trace);
		trace = NULL;
		OK(bmap_trace_find(&trace, "disk.img", "records", &err));
		bmap_trace_close(trace);
		trace = NULL;
		if (what == 0) {
			ck_assert_int_eq(ftruncate(fd, 3 * BLOCK), 0);
		} else if (what == 1) {
			ck_assert_int_eq(futimens(fd, times), 0);
		} else if (what == 2) {
			change_ctime(fd);
		} else {
			change_ctime(fd);
			ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
		}
		FAILS(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON), ESTALE, path);
		FAILS(bmap_trace_find(&trace, "disk.img", "records", &err), ESTALE, path);
		FAILS(bmap_trace_find(&trace, "disk.img", path, &err), ESTALE, path);
		ck_assert_ptr_null(trace);
	}
	/* the record of another file under this name */
	write_file("other.img", bytes_random(2 * BLOCK, 2));
	path = make_closed(&folder, fd);
	fd = (close(fd), open("other.img", O_RDWR | O_CLOEXEC));
	ck_assert_int_eq(rename(path, make_closed(&folder, fd)), 0);
	FAILS(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON), ESTALE, "disk.img");
	close(fd);
	close(folder.fd);
}
END_TEST

static atomic_uint n_warnings;

static void count_warning(enum bmap_log_level level, const char *file, int line,
			  const char *message, void *opaque)
{
	(void)file;
	(void)line;
	(void)opaque;
	ck_assert_int_eq(level, BMAP_LOG_WARNING);
	ck_assert_ptr_nonnull(strstr(message, "record"));
	n_warnings++;
}

START_TEST(what_a_crash_left_is_gone_on_with)
{
	struct bmap_trace_folder folder = make_folder("records");
	int fd = make_image("disk.img", 4 * BLOCK);
	struct bmap_trace *trace = NULL, *reader = NULL;
	char *path;

	bmap_log_set_sink(BMAP_LOG_WARNING, count_warning, NULL);
	path = make_closed(&folder, fd);
	OK(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON));
	OK(bmap_trace_hold(trace, &err));
	OK(bmap_trace_note_zero(trace, BLOCK, BLOCK));
	OK(bmap_trace_note_write(trace, 5 * BLOCK, BLOCK)); /* and never came to be */
	/* It can be read while it is in use, and that is nothing to warn of. */
	OK(bmap_trace_open(&reader, path, &err));
	CHECK(reader, W, Z, 0, 0, 0, W);
	bmap_trace_close(reader);
	OK(bmap_trace_find(&reader, "disk.img", "records", &err));
	bmap_trace_close(reader);
	ck_assert_uint_eq(n_warnings, 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, 2 * BLOCK), 1);
	bmap_trace_close(trace); /* as if it had been killed */
	ck_assert_uint_eq(parse_record(read_file(path)).flags, 1);
	OK(bmap_trace_open(&reader, path, &err));
	CHECK(reader, W, Z, 0, 0, 0, W);
	bmap_trace_close(reader);
	ck_assert_uint_eq(n_warnings, 1);
	OK(bmap_trace_find(&reader, "disk.img", "records", &err));
	CHECK(reader, W, Z, 0, 0, 0, W);
	bmap_trace_close(reader);
	ck_assert_uint_eq(n_warnings, 2);
	OK(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON));
	ck_assert_uint_eq(n_warnings, 3);
	CHECK(trace, W, Z, 0, 0, 0, F);
	OK(bmap_trace_hold(trace, &err));
	OK(bmap_trace_note_write(trace, 3 * BLOCK, 1));
	bmap_trace_release(trace, fd);
	bmap_trace_close(trace);
	check_record(path, fd);
	OK(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON));
	CHECK(trace, W, Z, 0, W, 0, F);
	bmap_trace_close(trace);
	ck_assert_uint_eq(n_warnings, 3);
	close(fd);
	close(folder.fd);
}
END_TEST

/* ---- records that are no good ---- */

/* Reading fails with one clear sentence. */
static void check_refused(struct bytes bytes, int errno_code, const char *text)
{
	struct bmap_trace *trace = NULL;

	write_file("r", bytes);
	FAILS(bmap_trace_open(&trace, "r", &err), errno_code, text);
	ck_assert_int_eq(bmap_trace_open(&trace, "r", &err), -errno_code);
	ck_assert_ptr_nonnull(strstr(err.message, "'r'"));
	ck_assert_ptr_null(strchr(err.message, '\n'));
	err = (struct bmap_error){0};
	FAILS(bmap_trace_begin_at(&trace, "r", 300 * BLOCK, &err), errno_code, text);
	ck_assert_ptr_null(trace);
	ASSERT_BYTES(read_file("r"), bytes);
}

static struct bytes with_number(struct bytes good, size_t at, size_t n_bytes, uint64_t value)
{
	struct bytes bytes = bytes_join(good, bytes_zeros(0));

	put_number(bytes, at, n_bytes, value);
	return seal(bytes);
}

static struct bytes good_record(void)
{
	struct bytes facts = bytes_zeros(300);

	for (size_t i = 0; i < 300; i += 3)
		facts.data[i] = (uint8_t)(i % N_FACTS);
	return make_record(300 * BLOCK, facts);
}

START_TEST(other_versions_lengths_flags_and_facts_are_refused)
{
	struct bytes good = good_record();
	struct bmap_trace *trace = NULL;

	write_file("r", good);
	OK(bmap_trace_open(&trace, "r", &err));
	bmap_trace_close(trace);
	check_refused(with_number(good, 0, 1, 'b'), EPROTO, "no record");
	check_refused(with_number(good, 8, 4, 2), EOPNOTSUPP, "version 2");
	check_refused(with_number(good, 8, 4, UINT32_MAX), EOPNOTSUPP, "version 4294967295");
	check_refused(with_number(good, 8, 4, 0), EPROTO, "damaged");
	check_refused(with_number(good, 12, 4, 8192), EPROTO, "damaged");
	check_refused(with_number(good, 16, 4, 512), EPROTO, "damaged");
	for (unsigned int flag = 1; flag < 32; flag++)
		check_refused(with_number(good, FLAGS_AT, 4, UINT32_C(1) << flag), EPROTO,
			      "damaged");
	for (unsigned int fact = 64; fact <= 128; fact += fact) {
		check_refused(with_number(good, HEADER, 1, fact), EPROTO, "damaged");
		check_refused(with_number(good, HEADER + 299, 1, fact | W), EPROTO, "damaged");
	}
}
END_TEST

START_TEST(every_changed_byte_of_a_closed_record_is_noticed)
{
	struct bytes good = good_record();

	for (size_t at = 0; at < good.len; at += at < 140 || at >= HEADER ? 1 : HEADER - 140) {
		struct bytes bytes = bytes_join(good, bytes_zeros(0));
		bool is_version = at >= 8 && at < 12;

		if (at >= 136 && at < HEADER) /* zeros */
			continue;
		bytes.data[at] ^= 2; /* flag 1 would make it one that was not closed */
		check_refused(bytes, is_version ? EOPNOTSUPP : EPROTO, "");
	}
}
END_TEST

START_TEST(records_that_were_cut_or_are_none_are_refused)
{
	struct bytes good = good_record(), in_use;
	struct bmap_trace *trace = NULL;

	for (size_t len = 1; len < good.len; len += len < HEADER ? 45 : 1) {
		check_refused(bytes_part(good, 0, len), EPROTO,
			      len < HEADER ? "ends within its header" : "damaged");
	}
	check_refused(bytes_join(good, bytes_zeros(1)), EPROTO, "damaged");
	check_refused(bytes_join(bytes_zeros(0), bytes_random(10000, 1)), EPROTO, "no record");
	/* nothing at all is no record, but one can begin there */
	write_file("r", bytes_zeros(0));
	FAILS(bmap_trace_open(&trace, "r", &err), EPROTO, "'r' is no record");
	FAILS(bmap_trace_open(&trace, "none", &err), ENOENT, "'none'");
	FAILS(bmap_trace_open(&trace, ".", &err), EPROTO, "'.' is no record");
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	FAILS(bmap_trace_open(&trace, "fifo", &err), EPROTO, "'fifo' is no record");
	/* of one that was not closed the digest says nothing, and the length only so much */
	in_use = bytes_join(good, bytes_zeros(0));
	put_number(in_use, FLAGS_AT, 4, 1);
	put_number(in_use, 104, 8, 1);
	check_refused(bytes_part(in_use, 0, HEADER + 4), EPROTO, "cut or damaged");
	put_number(in_use, 96, 8, HEADER + 3);
	write_file("r", bytes_part(in_use, 0, HEADER + 4));
	OK(bmap_trace_open(&trace, "r", &err));
	CHECK(trace, 0, 0, 0, 3, 0, 0);
	bmap_trace_close(trace);
	trace = NULL;
	put_number(in_use, HEADER + 5, 1, 64);
	check_refused(in_use, EPROTO, "damaged");
}
END_TEST

START_TEST(records_of_no_local_file_have_a_size)
{
	struct bmap_trace *trace = begin_empty("r", 5 * BLOCK);
	struct bmap_trace_folder folder;
	struct record record;
	char *path;
	int fd;

	OK(bmap_trace_note_write(trace, 4 * BLOCK, 1));
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
	record = parse_closed("r");
	ck_assert_uint_eq(record.size, 5 * BLOCK);
	ck_assert_uint_eq(record.inode, 0);
	ck_assert_uint_eq(byte_of(record, 4), W);
	trace = NULL;
	FAILS(bmap_trace_begin_at(&trace, "r", 5 * BLOCK + 1, &err), ESTALE, "'r'");
	FAILS(bmap_trace_begin_at(&trace, "no/r", 1, &err), ENOENT, "'no/r'");
	folder = make_folder("records");
	fd = make_image("disk.img", BLOCK);
	path = make_closed(&folder, fd);
	FAILS(bmap_trace_begin_at(&trace, path, BLOCK, &err), ESTALE, path);
	trace = begin_empty("r", 5 * BLOCK);
	CHECK(trace, 0, 0, 0, 0, W);
	FAILS(bmap_trace_begin_at(&trace, "r", 5 * BLOCK, &err), EBUSY, "'r'");
	bmap_trace_close(trace);
	trace = begin_empty("r", 5 * BLOCK); /* after a crash */
	CHECK(trace, 0, 0, 0, 0, W);
	bmap_trace_close(trace);
	close(fd);
	close(folder.fd);
}
END_TEST

/* ---- finding ---- */

static void check_found(const char *image, const char *record, const char *path)
{
	struct bmap_trace *trace = NULL;
	struct stat found, expected;

	OK(bmap_trace_find(&trace, image, record, &err));
	ck_assert_int_eq(stat(bmap_trace_name(trace), &found), 0);
	ck_assert_int_eq(stat(path, &expected), 0);
	ck_assert_uint_eq(found.st_ino, expected.st_ino);
	ck_assert_uint_eq(facts_at(trace, 0), W);
	ck_assert_int_eq(stat(image, &expected), 0);
	ck_assert_uint_eq(bmap_trace_size(trace), (uint64_t)expected.st_size);
	bmap_trace_close(trace);
}

static char *path_in(const char *folder, const char *name)
{
	size_t len = strlen(folder) + strlen(name) + 2;
	char *path = unit_alloc(len);

	snprintf(path, len, "%s/%s", folder, name);
	return path;
}

START_TEST(a_record_is_found_above_by_its_folder_and_by_its_path)
{
	struct bmap_trace_folder folder;
	struct bmap_trace *trace = NULL;
	char *path, here[4096];
	int fd, other;

	ck_assert(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && mkdir("a/b/c", 0700) == 0);
	folder = make_folder("a/" BMAP_TRACE_FOLDER);
	fd = make_image("a/b/c/disk.img", 3 * BLOCK);
	other = make_image("a/b/other.img", 3 * BLOCK);
	FAILS(bmap_trace_find(&trace, "a/b/c/disk.img", NULL, &err), ENOENT, "a/b/c/disk.img");
	path = make_closed(&folder, fd);
	check_found("a/b/c/disk.img", NULL, path);
	check_found("a/b/c/disk.img", "a/" BMAP_TRACE_FOLDER, path);
	check_found("a/b/c/disk.img", path, path);
	ck_assert(getcwd(here, sizeof(here)) && chdir("a/b/c") == 0);
	check_found("disk.img", NULL, path_in(here, path));
	ck_assert_int_eq(chdir(here), 0);
	ck_assert_int_eq(symlink("a/b/c/disk.img", "link.img"), 0);
	check_found("link.img", NULL, path);
	/* a name does not matter */
	ck_assert_int_eq(link("a/b/c/disk.img", "a/hard.img"), 0);
	path = make_closed(&folder, fd);
	check_found("a/hard.img", NULL, path);
	/* wrong files, and none */
	FAILS(bmap_trace_find(&trace, "a/b/other.img", NULL, &err), ENOENT, "a/b/other.img");
	FAILS(bmap_trace_find(&trace, "a/b/other.img", path, &err), ESTALE, "another file");
	FAILS(bmap_trace_find(&trace, "a/b/other.img", "a/" BMAP_TRACE_FOLDER, &err), ENOENT,
	      BMAP_TRACE_FOLDER);
	FAILS(bmap_trace_find(&trace, "none", NULL, &err), ENOENT, "'none'");
	FAILS(bmap_trace_find(&trace, "a/hard.img", "a/none", &err), ENOENT, "'a/none'");
	FAILS(bmap_trace_find(&trace, "a/hard.img", "a/b", &err), ENOENT, "in 'a/b'");
	FAILS(bmap_trace_find(&trace, "a/hard.img", "a/b/other.img", &err), EPROTO, "no record");
	ck_assert_ptr_null(trace);
	close(fd);
	close(other);
	close(folder.fd);
}
END_TEST

START_TEST(a_record_of_no_local_file_fits_any_of_its_size)
{
	struct bmap_trace *trace = NULL;

	write_file("r", make_record(3 * BLOCK, (struct bytes){(uint8_t[]){W}, 1}));
	close(make_image("right.img", 3 * BLOCK));
	close(make_image("short.img", 3 * BLOCK - 1));
	check_found("right.img", "r", "r");
	FAILS(bmap_trace_find(&trace, "short.img", "r", &err), ESTALE, "'short.img'");
	ck_assert_ptr_null(trace);
}
END_TEST

/* ---- no room ---- */

/* Whatever it is that lets no more be written: nothing changes but what could be. */
static void check_failed_notes(struct bmap_trace *trace, uint64_t first_block, int errno_code)
{
	uint64_t n_mapped = bmap_trace_n_mapped(trace, UINT64_MAX);

	for (unsigned int kind = 0; kind < N_OPS; kind++) {
		struct op op = {(enum op_kind)kind, first_block * BLOCK, 3 * BLOCK};

		ck_assert_int_eq(note(trace, op), -errno_code);
	}
	ck_assert_int_eq(bmap_trace_note_copy(trace, first_block * BLOCK, trace, 0, BLOCK, false),
			 -errno_code);
	ck_assert_int_eq(bmap_trace_note_copy(trace, first_block * BLOCK, trace, 0, BLOCK, true),
			 -errno_code);
	for (uint64_t i = 0; i < 3; i++)
		ck_assert_uint_eq(facts_at(trace, first_block + i), 0);
	ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), n_mapped);
}

START_TEST(a_record_that_may_not_grow_stays_as_it_is)
{
	const struct rlimit limit = {HEADER + 1000, RLIM_INFINITY};
	const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
	struct bmap_trace *trace = begin_empty("r", 8000 * BLOCK);

	signal(SIGXFSZ, SIG_IGN);
	OK(bmap_trace_note_write(trace, 0, 1));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_failed_notes(trace, 4000, EFBIG);
	bmap_trace_release(trace, -1);
	parse_closed("r");
	OK(bmap_trace_hold(trace, &err));
	OK(bmap_trace_note_write(trace, BLOCK, 1));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &no_limit), 0);
	OK(bmap_trace_note_write(trace, 4000 * BLOCK, 1));
	for (uint64_t i = 0; i < 8000; i++)
		ck_assert_uint_eq(facts_at(trace, i), i < 2 || i == 4000 ? W : 0);
	ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), 3);
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
	parse_closed("r");
}
END_TEST

/* A filesystem on which a file may be as long as any; false: this cannot be tried here. */
static bool mount_memory(const char *size)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdir("small", 0700) < 0 || mount("tmpfs", "small", "tmpfs", 0, size) < 0) {
		unit_note("no filesystem of its own: it takes a mount (%s)", strerror(errno));
		return false;
	}
	return true;
}

/* A disk with a record; false: this cannot be tried here. */
static bool make_small_disk(int *filler)
{
	if (!mount_memory("size=64k"))
		return false;
	write_file("small/r", make_record(8000 * BLOCK, (struct bytes){(uint8_t[]){W}, 1}));
	*filler = open("small/filler", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(*filler, 0);
	return true;
}

static void fill_disk(int filler)
{
	struct bytes block = bytes_zeros(BLOCK);

	while (write(filler, block.data, block.len) == BLOCK)
		;
	ck_assert_int_eq(errno, ENOSPC);
}

START_TEST(a_full_disk_is_an_error_and_no_more)
{
	int filler, fd = make_image("disk.img", BLOCK);
	struct bmap_trace_folder folder;
	struct bmap_trace *trace = NULL;
	char *path;

	if (!make_small_disk(&filler)) {
		close(fd);
		return;
	}
	folder = make_folder("small/records");
	path = make_closed(&folder, fd);
	fill_disk(filler);
	/* of a record that cannot begin anew the old one is left */
	FAILS(begin(&trace, &folder, fd, BMAP_TRACE_NEW), ENOSPC, path);
	OK(begin(&trace, &folder, fd, BMAP_TRACE_GO_ON));
	CHECK(trace, W);
	bmap_trace_close(trace);
	trace = begin_empty("small/r", 8000 * BLOCK);
	check_failed_notes(trace, 4500, ENOSPC);
	FAILS(bmap_trace_begin_at(&(struct bmap_trace *){NULL}, "small/new", BLOCK, &err), ENOSPC,
	      "'small/new'");
	ck_assert_int_eq(ftruncate(filler, 0), 0);
	OK(bmap_trace_note_zero(trace, 4500 * BLOCK, 1));
	ck_assert_uint_eq(facts_at(trace, 4500), Z);
	ck_assert_uint_eq(facts_at(trace, 4501), 0);
	ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), 2);
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
	parse_closed("small/r");
	OK(bmap_trace_open(&trace, "small/r", &err));
	ck_assert_uint_eq(facts_at(trace, 4500), Z);
	bmap_trace_close(trace);
	close(filler);
	close(fd);
	close(folder.fd);
	umount("small");
}
END_TEST

/* Records on a filesystem that lets files be as long as any. */
START_TEST(facts_at_the_end_of_the_longest_file_take_little)
{
	const uint64_t last = (UINT64_C(1) << 51) - 1;
	uint64_t before = memory_bytes(), found;
	struct bmap_trace_run run;
	struct bmap_trace *trace;

	if (!mount_memory("size=1m"))
		return;
	trace = begin_empty("small/r", INT64_MAX);
	OK(bmap_trace_note_write(trace, 0, 1));
	for (unsigned int bit = 13; bit < 63; bit++)
		OK(bmap_trace_note_write(trace, UINT64_C(1) << bit, 1));
	OK(bmap_trace_note_zero(trace, last * BLOCK, BLOCK - 1));
	for (unsigned int twice = 0; twice < 2; twice++) {
		ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), 52);
		for (uint64_t block = 2; block < last / 2; block *= 2) {
			ck_assert_uint_eq(facts_at(trace, block), W);
			ck_assert(bmap_trace_next(trace, block + 1, UINT64_MAX, &run));
			ck_assert_uint_eq(run.n_blocks, block - 1);
			ck_assert(bmap_trace_find_data(trace, (block + 1) * BLOCK, INT64_MAX,
						       &found));
			ck_assert_uint_eq(found, block * 2 * BLOCK);
		}
		ck_assert_uint_eq(facts_at(trace, last), Z);
		ck_assert_uint_eq(bmap_trace_n_mapped(trace, last * BLOCK + 1), 52);
		ck_assert_uint_eq(bmap_trace_n_mapped(trace, last * BLOCK), 51);
		ck_assert_uint_eq(bmap_trace_n_mapped(trace, 4 * BLOCK + 1), 3);
		ck_assert_uint_eq(bmap_trace_n_mapped(trace, 0), 0);
		ck_assert(!bmap_trace_next(trace, UINT64_MAX, UINT64_MAX, &run));
		ck_assert(bmap_trace_next(trace, last + 1, UINT64_MAX, &run));
		ck_assert_uint_eq(run.n_blocks, UINT64_MAX - last - 1);
		if (twice)
			continue;
		bmap_trace_release(trace, -1);
		bmap_trace_close(trace);
		OK(bmap_trace_begin_at(&trace, "small/r", INT64_MAX, &err));
		OK(bmap_trace_hold(trace, &err));
	}
	OK(bmap_trace_note_shrink(trace, 1));
	ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), 1);
	ck_assert_uint_eq(facts_at(trace, last), F);
	bmap_trace_release(trace, -1);
	bmap_trace_close(trace);
	ck_assert_msg(memory_bytes() - before < (32 << 20), "%llu bytes of memory",
		      (unsigned long long)(memory_bytes() - before));
	umount("small");
}
END_TEST

/* ---- threads ---- */

#define N_THREADS 4
#define N_PART    700 /* blocks of each thread; behind them as many for all */
#define SHARED    ((uint64_t)N_THREADS * N_PART)

struct noter {
	struct bmap_trace *trace;
	unsigned int number;
	uint8_t facts[N_PART];
};

static void look(struct bmap_trace *trace, uint64_t block)
{
	uint64_t size = SHARED * BLOCK, found;
	struct bmap_trace_run run;

	ck_assert_uint_le(bmap_trace_n_mapped(trace, UINT64_MAX), SHARED + N_PART);
	if (bmap_trace_find_data(trace, block * BLOCK, size, &found))
		ck_assert(found >= block * BLOCK && found < size);
	found = bmap_trace_find_hole(trace, block * BLOCK, size);
	ck_assert(found >= block * BLOCK && found <= size);
	ck_assert(bmap_trace_next(trace, block, SHARED + N_PART, &run));
	ck_assert(run.first_block == block && run.n_blocks > 0 && run.facts < N_FACTS);
}

/* In its own part each thread knows what must be there; in that of all no fact gets lost. */
static void *note_much(void *opaque)
{
	struct noter *noter = opaque;
	struct bmap_trace *trace = noter->trace;
	uint64_t first = (uint64_t)noter->number * N_PART;
	struct bmap_error failed = {0};
	unsigned int seed = noter->number;

	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t at = (uint64_t)rand_r(&seed) % N_PART;
		uint64_t n = (uint64_t)rand_r(&seed) % MIN(30, N_PART - at) + 1;
		struct op op = {(enum op_kind)(rand_r(&seed) % N_OPS), at * BLOCK, n * BLOCK};

		ck_assert_int_eq(bmap_trace_hold(trace, &failed), 0);
		model(noter->facts, N_PART, op);
		op.offset += first * BLOCK;
		ck_assert_int_eq(note(trace, op), 0);
		ck_assert_int_eq(bmap_trace_note_read(trace, (SHARED + at) * BLOCK, n * BLOCK,
						      noter->number % 2),
				 0);
		if (i % 10 == 0)
			look(trace, first + at);
		if (i % 100 == 0) {
			uint64_t from = (first + N_PART) % SHARED * BLOCK;

			/* of another's: what comes is not known, but that it is the same twice */
			ck_assert_int_eq(bmap_trace_note_copy(trace, SHARED * BLOCK, trace, from,
							      BLOCK, false),
					 0);
			ck_assert_int_eq(bmap_trace_sync(trace), 0);
		}
		bmap_trace_release(trace, -1);
	}
	return NULL;
}

START_TEST(threads_note_at_once)
{
	struct noter *noters = unit_alloc(N_THREADS * sizeof(*noters));
	struct bmap_trace *trace = NULL;
	pthread_t threads[N_THREADS];
	struct record record;
	uint64_t n_mapped = 0;

	OK(bmap_trace_begin_at(&trace, "r", (SHARED + N_PART) * BLOCK, &err));
	for (unsigned int i = 0; i < N_THREADS; i++) {
		noters[i] = (struct noter){.trace = trace, .number = i};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, note_much, &noters[i]), 0);
	}
	for (unsigned int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	record = parse_closed("r");
	for (uint64_t i = 0; i < SHARED + N_PART; i++) {
		unsigned int facts = facts_at(trace, i);

		if (i < SHARED)
			ck_assert_uint_eq(facts, noters[i / N_PART].facts[i % N_PART]);
		ck_assert_uint_eq(byte_of(record, i), facts);
		n_mapped += is_safe(facts);
	}
	ck_assert_uint_eq(bmap_trace_n_mapped(trace, UINT64_MAX), n_mapped);
	bmap_trace_close(trace);
}
END_TEST

UNIT_MAIN("trace", policies_say_what_is_mapped, every_note_changes_every_sum_of_facts_as_it_should,
	  parts_of_blocks_are_written_and_read_but_not_punched, the_order_of_what_happens_counts,
	  what_was_cut_off_is_forgotten_also_when_the_file_grows_again,
	  thousands_of_notes_are_as_a_table_says,
	  a_record_whose_facts_were_all_taken_back_can_be_read, what_is_cut_off_loses_every_fact,
	  whole_blocks_that_are_copied_bring_their_byte, before_a_copy_old_and_new_facts_hold,
	  what_is_copied_into_parts_of_blocks_is_added,
	  copies_within_one_file_and_of_less_than_was_asked_for,
	  data_and_holes_are_found_from_anywhere, runs_are_as_long_as_they_can_be,
	  blocks_behind_the_end_of_the_record_were_never_touched, a_terabyte_takes_little,
	  what_is_too_far_is_an_error, a_record_is_as_the_manual_says, holds_are_nested,
	  records_begin_empty_full_or_as_they_were,
	  a_file_that_was_changed_behind_the_back_is_stale, what_a_crash_left_is_gone_on_with,
	  other_versions_lengths_flags_and_facts_are_refused,
	  every_changed_byte_of_a_closed_record_is_noticed,
	  records_that_were_cut_or_are_none_are_refused, records_of_no_local_file_have_a_size,
	  a_record_is_found_above_by_its_folder_and_by_its_path,
	  a_record_of_no_local_file_fits_any_of_its_size, a_record_that_may_not_grow_stays_as_it_is,
	  a_full_disk_is_an_error_and_no_more, facts_at_the_end_of_the_longest_file_take_little,
	  threads_note_at_once)
