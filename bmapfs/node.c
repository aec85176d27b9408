/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "bmap/log.h"
#include "node.h"

#define N_BUCKETS 4096

struct node_table {
	const struct bmap_trace_folder *records;
	enum assumed assumed;
	pthread_mutex_t lock;
	struct node *buckets[N_BUCKETS]; /* guarded by lock */
};

struct node_table *node_table_new(const struct bmap_trace_folder *records, enum assumed assumed)
{
	struct node_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->records = records;
	table->assumed = assumed;
	pthread_mutex_init(&table->lock, NULL);
	return table;
}

static void free_node(struct node *node)
{
	bmap_trace_close(node->trace);
	close(node->fd);
	pthread_mutex_destroy(&node->lock);
	pthread_rwlock_destroy(&node->data_lock);
	free(node);
}

void node_table_free(struct node_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < N_BUCKETS; i++) {
		while (table->buckets[i]) {
			struct node *node = table->buckets[i];

			table->buckets[i] = node->next;
			free_node(node);
		}
	}
	pthread_mutex_destroy(&table->lock);
	free(table);
}

/* The place of an inode, or where it would be.  The lock is held. */
static struct node **find_slot(struct node_table *table, dev_t device, ino_t inode)
{
	struct node **slot = &table->buckets[inode % N_BUCKETS];

	while (*slot && ((*slot)->inode != inode || (*slot)->device != device))
		slot = &(*slot)->next;
	return slot;
}

struct node *node_take(struct node_table *table, int fd, struct stat *st)
{
	struct node **slot, *node;

	if (fstat(fd, st) < 0) {
		int code = errno;

		close(fd);
		errno = code;
		return NULL;
	}
	LOCKED(&table->lock);
	slot = find_slot(table, st->st_dev, st->st_ino);
	node = *slot;
	if (node) {
		close(fd);
		node->n_lookups++;
		return node;
	}
	node = calloc(1, sizeof(*node));
	if (!node) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	node->n_lookups = 1;
	node->device = st->st_dev;
	node->inode = st->st_ino;
	node->type = st->st_mode & S_IFMT;
	node->fd = fd;
	pthread_mutex_init(&node->lock, NULL);
	pthread_rwlock_init(&node->data_lock, NULL);
	*slot = node;
	return node;
}

void node_forget(struct node_table *table, struct node *node, uint64_t n_lookups)
{
	struct node **slot;

	{
		LOCKED(&table->lock);
		node->n_lookups -= MIN(node->n_lookups, n_lookups);
		if (node->n_lookups > 0)
			return;
		slot = find_slot(table, node->device, node->inode);
		*slot = node->next;
	}
	free_node(node);
}

struct node_path node_path(const struct node *node)
{
	struct node_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", node->fd);
	return path;
}

char *node_name(const struct node *node)
{
	char name[PATH_MAX];
	ssize_t n = readlink(node_path(node).text, name, sizeof(name) - 1);

	name[n > 0 ? n : 0] = '\0';
	return strdup(name);
}

/* Looks for the record, or makes it.  The node's lock is held. */
static int begin_trace(struct node_table *table, struct node *node, enum node_need need)
{
	CLEANUP_FREE char *name = node_name(node);
	struct bmap_error err = {0};
	int r = -ENOENT;

	if (!name)
		return -ENOMEM;
	if (need != NODE_NEW && !node->has_no_record)
		r = bmap_trace_begin(&node->trace, table->records, node->fd, name, BMAP_TRACE_GO_ON,
				     &err);
	if (r == -ENOENT) {
		err = (struct bmap_error){0};
		node->has_no_record = need == NODE_LOOK;
		if (need == NODE_LOOK)
			return 0;
		r = bmap_trace_begin(&node->trace, table->records, node->fd, name,
				     need == NODE_NEW || table->assumed == ASSUME_UNWRITTEN
					     ? BMAP_TRACE_NEW
					     : BMAP_TRACE_ALL_WRITTEN,
				     &err);
	}
	if (r == 0)
		return 0;
	bmap_log(BMAP_LOG_ERROR, "%s", err.message);
	/* A full disk may have room the next time. */
	node->is_refused = r == -ESTALE || r == -EPROTO || r == -EOPNOTSUPP || r == -EBUSY;
	return node->is_refused ? -EIO : r;
}

int node_trace(struct node_table *table, struct node *node, enum node_need need,
	       struct bmap_trace **trace)
{
	LOCKED(&node->lock);
	int r = 0;

	if (node->is_refused)
		r = -EIO;
	else if (!node->trace && (need != NODE_LOOK || !node->has_no_record))
		r = begin_trace(table, node, need);
	*trace = node->trace;
	return r;
}

uint64_t node_mapped_blocks(struct node_table *table, struct node *node, uint64_t size_bytes)
{
	struct bmap_trace *trace;

	if (node_trace(table, node, NODE_LOOK, &trace) == 0 && trace)
		return bmap_trace_n_mapped(trace, size_bytes);
	return table->assumed == ASSUME_WRITTEN ? DIV_ROUND_UP(size_bytes, BMAP_TRACE_BLOCK_BYTES)
						: 0;
}

int node_hold(struct node_table *table, struct node *node, enum node_need need,
	      struct bmap_trace **trace)
{
	struct bmap_error err = {0};
	int r = 0;

	*trace = NULL;
	if (S_ISREG(node->type))
		r = node_trace(table, node, need, trace);
	if (r == 0 && *trace)
		r = bmap_trace_hold(*trace, &err);
	if (err.code)
		bmap_log(BMAP_LOG_ERROR, "%s", err.message);
	/* What is not held is not to be released. */
	if (r < 0)
		*trace = NULL;
	return r;
}

void node_release(struct node *node, struct bmap_trace *trace)
{
	if (trace)
		bmap_trace_release(trace, node->fd);
}
