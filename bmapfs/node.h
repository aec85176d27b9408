/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a traced folder as the kernel knows them: an inode is a node, whatever its names
 * are. A node of a regular file has the file's record once it is needed.
 *
 * Threads: any.
 */
#ifndef BMAPFS_NODE_H
#define BMAPFS_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "bmap/trace.h"

struct node {
	struct node *next;  /* guarded by the table's lock */
	uint64_t n_lookups; /* guarded by the table's lock */
	dev_t device;
	ino_t inode;
	mode_t type;
	int fd; /* O_PATH */

	pthread_mutex_t lock;
	struct bmap_trace *trace; /* guarded by lock until it is there: it stays */
	bool has_no_record;       /* guarded by lock: there was none */
	bool is_refused;          /* guarded by lock: its record cannot be used */
	atomic_flag is_in_journal;
	atomic_uint n_writers; /* handles that are open for writing */
	/* Shared: the file gets data; exclusive: facts are taken back. */
	pthread_rwlock_t data_lock;
};

struct node_table;

/* What the files are taken for that have no record. */
enum assumed { ASSUME_WRITTEN, ASSUME_UNWRITTEN };

/* @records lent.  NULL when out of memory. */
struct node_table *node_table_new(const struct bmap_trace_folder *records, enum assumed assumed);

/* Closes all nodes. */
void node_table_free(struct node_table *table);

/*
 * The node of @fd (O_PATH, taken), looked up once more; its attributes in *@st.  NULL: errno.
 */
struct node *node_take(struct node_table *table, int fd, struct stat *st);

/* Undoes so many lookups. */
void node_forget(struct node_table *table, struct node *node, uint64_t n_lookups);

/* Why the record of a file is wanted. */
enum node_need {
	NODE_LOOK,  /* to see what it says, if there is one */
	NODE_WRITE, /* the file may change: there must be one */
	NODE_NEW,   /* the file was just made */
};

/*
 * The record of a regular file; *@trace NULL: it has none.  0 or -errno; why it cannot be used was
 * logged.
 */
int node_trace(struct node_table *table, struct node *node, enum node_need need,
	       struct bmap_trace **trace);

/* How many blocks of a regular file of this size are mapped. */
uint64_t node_mapped_blocks(struct node_table *table, struct node *node, uint64_t size_bytes);

/*
 * Between these the file may change, which its record has to hear of.  *@trace: NULL when there is
 * none, as of all that is no regular file.  0 or -errno; why was logged.
 */
int node_hold(struct node_table *table, struct node *node, enum node_need need,
	      struct bmap_trace **trace);
void node_release(struct node *node, struct bmap_trace *trace);

/* The path "/proc/self/fd/N" of a node: for calls that take no O_PATH descriptor. */
struct node_path {
	char text[32];
};
struct node_path node_path(const struct node *node);

/* What the file is called now; the caller frees it.  NULL when out of memory. */
char *node_name(const struct node *node);

#endif
