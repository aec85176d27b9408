/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "trace/record_map.h"

#define PAGE_LEN 4096
/* What one window shows: the facts of 4 GiB of a file. */
#define WINDOW_LEN (1 << 20)
#define N_PAGES    (WINDOW_LEN / PAGE_LEN)
/*
 * Of all records together, of the 65530 mappings that a process may have (vm.max_map_count); what
 * does not fit is written as if nothing could be mapped.
 */
#define MAX_PLACES 1024
/* A look is a system call, a store is none. */
#define CHECK_EACH 256

struct record_window {
	uint64_t number;             /* of the window in the file */
	size_t place;                /* of what the handler knows */
	uint8_t *data;               /* WINDOW_LEN bytes */
	bool is_page_whole[N_PAGES]; /* it is stored, and may be written to */
};

/* What the handler knows of a window.  data NULL: the place is free. */
struct place {
	_Atomic(uint8_t *) data;
	atomic_bool is_broken;
};

/* Global, because a signal handler is given nothing. */
static struct place places[MAX_PLACES];
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER; /* of who takes and gives them */
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;
static struct sigaction old_action;
static atomic_bool is_allowed;

/* ---- SIGBUS ---- */

static struct place *find_place(const uint8_t *address)
{
	for (size_t i = 0; i < MAX_PLACES; i++) {
		const uint8_t *data = atomic_load(&places[i].data);

		if (data && address >= data && address < data + WINDOW_LEN)
			return &places[i];
	}
	return NULL;
}

/*
 * A page of a record is gone: who writes to it goes on with another that nobody keeps, and then
 * sees that the window is broken.
 */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
	uint8_t *address = info->si_addr;
	struct place *place = find_place(address);
	uint8_t *page = address - (uintptr_t)address % PAGE_LEN;

	(void)number;
	(void)context;
	/* One that was sent says nothing of a page. */
	if (info->si_code > 0 && place &&
	    mmap(page, PAGE_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == page) {
		atomic_store(&place->is_broken, true);
		return;
	}
	/* It is none of ours: a fault comes again, what was sent has to be sent again. */
	sigaction(SIGBUS, &old_action, NULL);
	if (info->si_code <= 0)
		raise(SIGBUS);
}

static void set_handler(void)
{
	const struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	atomic_store(&is_allowed, sigaction(SIGBUS, &action, &old_action) == 0);
}

void record_map_allow(void)
{
	pthread_once(&handler_once, set_handler);
}

/* ---- windows ---- */

/* true: the window has a place. */
static bool take_place(struct record_window *window)
{
	LOCKED(&places_lock);

	for (size_t i = 0; i < MAX_PLACES; i++) {
		if (atomic_load(&places[i].data))
			continue;
		atomic_store(&places[i].is_broken, false);
		atomic_store(&places[i].data, window->data);
		window->place = i;
		return true;
	}
	return false;
}

static void close_window(struct record_window *window)
{
	if (!window)
		return;
	if (window->data && atomic_load(&places[window->place].data) == window->data)
		atomic_store(&places[window->place].data, NULL);
	if (window->data)
		munmap(window->data, WINDOW_LEN);
	free(window);
}

static struct record_window *open_window(int fd, uint64_t number)
{
	struct record_window *window = calloc(1, sizeof(*window));
	void *data = MAP_FAILED;

	if (window)
		data = mmap(NULL, WINDOW_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    (off_t)(number * WINDOW_LEN));
	if (data != MAP_FAILED) {
		window->number = number;
		window->data = data;
		if (take_place(window))
			return window;
	}
	close_window(window);
	return NULL;
}

/* The window @number, opened if there is room.  NULL: it cannot be mapped. */
static struct record_window *get_window(struct record_map *map, int fd, uint64_t number)
{
	struct record_window *window;
	size_t i = map->n_windows;

	while (i > 0 && map->windows[i - 1]->number > number)
		i--;
	if (i > 0 && map->windows[i - 1]->number == number)
		return map->windows[i - 1];
	if (!map->may_map || map->n_windows == ARRAY_SIZE(map->windows))
		return NULL;
	window = open_window(fd, number);
	/* Nor will the next. */
	map->may_map = window != NULL;
	if (!window)
		return NULL;
	memmove(&map->windows[i + 1], &map->windows[i],
		(map->n_windows - i) * sizeof(map->windows[0]));
	map->windows[i] = window;
	map->n_windows++;
	return window;
}

void record_map_open(struct record_map *map, int fd)
{
	struct statfs below;
	struct stat st;

	*map = (struct record_map){.len_bytes = fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size};
	map->may_map = atomic_load(&is_allowed) && sysconf(_SC_PAGESIZE) == PAGE_LEN &&
		       fstatfs(fd, &below) == 0 &&
		       (below.f_type == EXT4_SUPER_MAGIC || below.f_type == TMPFS_MAGIC);
}

void record_map_close(struct record_map *map)
{
	for (size_t i = 0; i < map->n_windows; i++)
		close_window(map->windows[i]);
	*map = (struct record_map){0};
}

/* ---- writing ---- */

/*
 * A store behind the end of the file that lies in its last page raises no signal, and is lost: now
 * and then, and before the file becomes longer, it is looked at whether somebody has cut it.
 */
static bool is_cut(struct record_map *map, int fd)
{
	struct stat st;

	if (!map->is_cut && (fstat(fd, &st) < 0 || (uint64_t)st.st_size < map->len_bytes))
		map->is_cut = true;
	return map->is_cut;
}

int record_map_check(struct record_map *map, int fd)
{
	return is_cut(map, fd) ? -EIO : 0;
}

static int write_bytes(struct record_map *map, int fd, const uint8_t *bytes, size_t n,
		       uint64_t offset_bytes)
{
	int r = fd_pwrite_full(fd, bytes, n, offset_bytes);

	if (r == 0)
		map->len_bytes = MAX(map->len_bytes, offset_bytes + n);
	return r;
}

/* Stores the page whole, so that its place on the disk is its own from now on. */
static bool make_page_whole(struct record_map *map, int fd, uint64_t page_bytes)
{
	uint8_t page[PAGE_LEN] = {0};

	return fd_pread_full(fd, page, PAGE_LEN, page_bytes) >= 0 &&
	       write_bytes(map, fd, page, PAGE_LEN, page_bytes) == 0;
}

/* Within one page. */
static int write_in_page(struct record_map *map, int fd, const uint8_t *bytes, size_t n,
			 uint64_t offset_bytes)
{
	const size_t at = offset_bytes % WINDOW_LEN, page = at / PAGE_LEN;
	struct record_window *window = get_window(map, fd, offset_bytes / WINDOW_LEN);
	const bool is_whole = window && window->is_page_whole[page];

	if (((window && !is_whole) || ++map->n_stores % CHECK_EACH == 0) && is_cut(map, fd))
		return -EIO;
	/* Where there is no room for the page there may be some for these bytes. */
	if (!window || (!is_whole && !make_page_whole(map, fd, ROUND_DOWN(offset_bytes, PAGE_LEN))))
		return write_bytes(map, fd, bytes, n, offset_bytes);
	window->is_page_whole[page] = true;
	memcpy(window->data + at, bytes, n);
	/* The store comes first, for the handler runs within it. */
	atomic_signal_fence(memory_order_seq_cst);
	map->is_cut = map->is_cut || atomic_load(&places[window->place].is_broken);
	return map->is_cut ? -EIO : 0;
}

int record_map_write(struct record_map *map, int fd, const uint8_t *bytes, size_t n,
		     uint64_t offset_bytes)
{
	while (n) {
		const size_t part = MIN(n, (size_t)(PAGE_LEN - offset_bytes % PAGE_LEN));
		int r = write_in_page(map, fd, bytes, part, offset_bytes);

		if (r < 0)
			return r;
		bytes += part;
		n -= part;
		offset_bytes += part;
	}
	return 0;
}
