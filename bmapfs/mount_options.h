/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of bmapfs.  Threads: one. */
#ifndef BMAPFS_MOUNT_OPTIONS_H
#define BMAPFS_MOUNT_OPTIONS_H

#include <stdbool.h>

#include "bmap/view.h"
#include "cli/map_finder.h"
#include "cli/option_table.h"
#include "node.h"

struct mount_options {
	const char *source, *mountpoint;
	struct map_choice map;
	struct bmap_view_options view;
	const char *overlay; /* NULL: the mount is read-only */
	bool is_traced;
	const char *trace;  /* where the record is, or are; NULL: beside the data */
	const char *events; /* NULL: no journal */
	enum bmap_punch punch;
	enum assumed assumed;
	bool foreground, debug, version;
	char *others; /* for mount and libfuse, separated by commas; "": none */
};

/* As cli_parse(), with the defaults filled in. */
enum cli_outcome mount_options_parse(struct mount_options *options, int argc, char **argv);
void mount_options_fini(struct mount_options *options);

#endif
