/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <stdlib.h>

#include "trace/fact_table.h"

#define SLOT_BITS 6
#define N_SLOTS   (1U << SLOT_BITS)

struct fact_node {
	void *slots[N_SLOTS]; /* nodes one level lower; at level 1: chunks */
};

/* Which slot of a node of @level leads to chunk @i. */
static unsigned int slot_of(uint64_t i, unsigned int level)
{
	return (unsigned int)(i >> (SLOT_BITS * (level - 1))) % N_SLOTS;
}

static bool has_room(const struct fact_table *table, uint64_t i)
{
	return i >> (SLOT_BITS * table->height) == 0;
}

static void free_node(struct fact_node *node, unsigned int level)
{
	for (unsigned int slot = 0; slot < N_SLOTS; slot++) {
		if (level > 1 && node->slots[slot])
			free_node(node->slots[slot], level - 1);
		else
			free(node->slots[slot]);
	}
	free(node);
}

void fact_table_clear(struct fact_table *table)
{
	if (table->root)
		free_node(table->root, table->height);
	*table = (struct fact_table){0};
}

uint8_t *fact_table_get(const struct fact_table *table, uint64_t i)
{
	void *below = table->root;

	if (!has_room(table, i))
		return NULL;
	for (unsigned int level = table->height; below && level > 0; level--)
		below = ((struct fact_node *)below)->slots[slot_of(i, level)];
	return below;
}

/* One level more, so that what is there keeps its place. */
static bool grow(struct fact_table *table)
{
	struct fact_node *root = calloc(1, sizeof(*root));

	if (!root)
		return false;
	root->slots[0] = table->root;
	table->root = root;
	table->height++;
	return true;
}

uint8_t *fact_table_add(struct fact_table *table, uint64_t i)
{
	void **at = (void **)&table->root;

	while (table->height == 0 || !has_room(table, i)) {
		if (!grow(table))
			return NULL;
	}
	for (unsigned int level = table->height; level > 0; level--) {
		at = &((struct fact_node *)*at)->slots[slot_of(i, level)];
		if (!*at)
			*at = calloc(1, level > 1 ? sizeof(struct fact_node) : CHUNK_BLOCKS);
		if (!*at)
			return NULL;
	}
	return *at;
}

/* In a part of the tree.  *@i: behind the part if there is none. */
static uint8_t *next_below(const struct fact_node *node, unsigned int level, uint64_t *i)
{
	const unsigned int shift = SLOT_BITS * (level - 1);

	for (unsigned int slot = slot_of(*i, level); slot < N_SLOTS; slot++) {
		const uint64_t next_slot = ((*i >> shift) + 1) << shift;
		void *below = node->slots[slot];
		uint8_t *chunk = below && level > 1 ? next_below(below, level - 1, i) : below;

		if (chunk)
			return chunk;
		*i = next_slot;
	}
	return NULL;
}

uint8_t *fact_table_next(const struct fact_table *table, uint64_t *i)
{
	return table->root && has_room(table, *i) ? next_below(table->root, table->height, i)
						  : NULL;
}
