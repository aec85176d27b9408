/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "mount_options.h"

enum {
	FIRST_MAP_OPTION,
	LAST_MAP_OPTION = FIRST_MAP_OPTION + N_MAP_OPTIONS - 1,
	MEMBER,
	VERIFY,
	VERIFY_WINDOW,
	OVERLAY,
	CACHE,
	CACHE_SIZE,
	INDEX_STEP,
	MEMORY,
	THREADS,
	RETRIES,
	TIMEOUT,
	TRACE,
	PUNCH,
	ASSUME,
	EVENTS,
	FOREGROUND,
	DEBUG,
	OPTIONS,
	SHOW_VERSION,
};

static const struct cli_option option_table[] = {
	MAP_OPTION_ROWS(FIRST_MAP_OPTION, "mount without a map: every block is data"),
	[MEMBER] = {"member", 0, "NAME", "the only image", "the image in an archive"},
	[VERIFY] = {"verify", 0, "HOW", "window",
		    "compare ranges with their checksums before they are read: those within the "
		    "window (window), all (strict), none (off)"},
	[VERIFY_WINDOW] = {"verify-window", 0, "SIZE", "64M",
			   "larger ranges are compared once they were read to their end"},
	[OVERLAY] = {"overlay", 0, "FILE", NULL,
		     "make the mount writable; what is written goes to this file"},
	[CACHE] = {"cache", 0, "DIR", NULL,
		   "keep what was fetched of a remote image in this folder"},
	[CACHE_SIZE] = {"cache-size", 0, "SIZE", "no limit", "how much that folder may hold"},
	[INDEX_STEP] = {"index-step", 0, "SIZE", "4M",
			"how far apart the checkpoints of a gzip image are"},
	[MEMORY] = {"memory", 0, "SIZE", "64M", "the memory for decoded pieces, 8M at least"},
	[THREADS] = {"threads", 0, "N", "one a processor", "the threads that decode in advance"},
	[RETRIES] = {"retries", 0, "N", "5",
		     "how often to try again when a transfer breaks and gets no further"},
	[TIMEOUT] = {"timeout", 0, "SECONDS", "30",
		     "a transfer that brings nothing for so long is broken"},
	[TRACE] =
		{"trace", 0, "WHERE", BMAP_TRACE_FOLDER " beside the data",
		 "record what happens to the blocks of the files of a folder, or of one raw file; "
		 "WHERE is the folder of records. Of an image: what is read of it, in the file "
		 "WHERE",
		 true},
	[PUNCH] = {"punch", 0, "HOW", "refuse",
		   "what becomes of blocks that a program punches while it is traced: it may not "
		   "(refuse), nobody cares for them (forget), they are zeros (zero)"},
	[ASSUME] = {"assume", 0, "WHAT", "written",
		    "what the blocks of files without a record are: written or unwritten"},
	[EVENTS] =
		{"events", 0, "FILE", NULL,
		 "write a journal of what happens in a traced folder: an iolog that fio replays"},
	[FOREGROUND] = {"foreground", 'f', NULL, NULL, "stay in the foreground"},
	[DEBUG] = {"debug", 'd', NULL, NULL, "stay in the foreground and say what is being done"},
	[OPTIONS] = {"options", 'o', "OPTION[,OPTION...]", NULL,
		     "options of mount(8), and all of these without their dashes"},
	[SHOW_VERSION] = {"version", 'V', NULL, NULL, "print the version and leave"},
};

static const char *const positionals[] = {"source", "mountpoint"};

static const struct cli_command command = {
	.name = "bmapfs",
	.summary =
		"Mount a disk image, local or remote, raw or compressed, as one sparse file whose "
		"holes come from its map. The source is the image or its map (NAME.bmap); the "
		"mount point is a folder, which then shows the image and its map, or a regular "
		"file, which then is the image.",
	.options = option_table,
	.n_options = ARRAY_SIZE(option_table),
	.positionals = positionals,
	.n_positionals = ARRAY_SIZE(positionals),
	.epilog = "'fusermount3 -u MOUNTPOINT' or 'umount MOUNTPOINT' ends it.",
};

static int take_number(size_t option, const char *value, uint64_t max, unsigned int *number)
{
	uint64_t wide;

	if (cli_parse_number(&command, &option_table[option], value, max, &wide) < 0)
		return -1;
	*number = (unsigned int)wide;
	return 0;
}

static int take_size(size_t option, const char *value, uint64_t *n_bytes)
{
	return cli_parse_size(&command, &option_table[option], value, n_bytes);
}

static int take_word(size_t option, const char *value, const char *const *words, size_t n_words,
		     unsigned int *which)
{
	return cli_parse_word(&command, &option_table[option], value, words, n_words, which);
}

static int take_verify(const char *value, enum bmap_verify *verify)
{
	static const char *const words[] = {
		[BMAP_VERIFY_WINDOW] = "window",
		[BMAP_VERIFY_STRICT] = "strict",
		[BMAP_VERIFY_OFF] = "off",
	};

	unsigned int which;

	if (take_word(VERIFY, value, words, ARRAY_SIZE(words), &which) < 0)
		return -1;
	*verify = (enum bmap_verify)which;
	return 0;
}

static int take_punch(const char *value, enum bmap_punch *punch)
{
	static const char *const words[] = {
		[BMAP_PUNCH_REFUSED] = "refuse",
		[BMAP_PUNCH_FORGETS] = "forget",
		[BMAP_PUNCH_ZEROES] = "zero",
	};
	unsigned int which;

	if (take_word(PUNCH, value, words, ARRAY_SIZE(words), &which) < 0)
		return -1;
	*punch = (enum bmap_punch)which;
	return 0;
}

static int take_assume(const char *value, enum assumed *assumed)
{
	static const char *const words[] = {
		[ASSUME_WRITTEN] = "written",
		[ASSUME_UNWRITTEN] = "unwritten",
	};
	unsigned int which;

	if (take_word(ASSUME, value, words, ARRAY_SIZE(words), &which) < 0)
		return -1;
	*assumed = (enum assumed)which;
	return 0;
}

/* What fstab says to others than us: mount(8) and systemd pass some of it on. */
static bool is_for_fstab(const char *word)
{
	static const char *const words[] = {"defaults", "auto",  "noauto", "user",
					    "nouser",   "users", "nofail", "_netdev"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return strncmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0;
}

static int take_other(void *opaque, const char *word)
{
	struct mount_options *options = opaque;
	char *longer;

	if (is_for_fstab(word))
		return 0;
	if (asprintf(&longer, "%s%s%s", options->others ? options->others : "",
		     options->others ? "," : "", word) < 0)
		return -1;
	free(options->others);
	options->others = longer;
	return 0;
}

static int take_option(void *opaque, size_t option, const char *value)
{
	struct mount_options *options = opaque;
	struct bmap_view_options *view = &options->view;

	if (option <= LAST_MAP_OPTION) {
		map_choice_take(&options->map, option - FIRST_MAP_OPTION, value);
		return 0;
	}
	switch (option) {
	case MEMBER:
		view->member = value;
		return 0;
	case VERIFY:
		return take_verify(value, &view->verify);
	case VERIFY_WINDOW:
		return take_size(option, value, &view->verify_window_bytes);
	case OVERLAY:
		options->overlay = value;
		return 0;
	case CACHE:
		view->cache_folder = value;
		return 0;
	case CACHE_SIZE:
		return take_size(option, value, &view->cache_bytes);
	case INDEX_STEP:
		return take_size(option, value, &view->index_step_bytes);
	case MEMORY:
		return take_size(option, value, &view->memory_bytes);
	case THREADS:
		return take_number(option, value, 1024, &view->n_threads);
	case RETRIES:
		return take_number(option, value, 1000, &view->n_retries);
	case TIMEOUT:
		return take_number(option, value, 86400, &view->timeout_sec);
	case TRACE:
		options->is_traced = true;
		options->trace = value;
		return 0;
	case PUNCH:
		return take_punch(value, &options->punch);
	case ASSUME:
		return take_assume(value, &options->assumed);
	case EVENTS:
		options->events = value;
		return 0;
	case FOREGROUND:
		options->foreground = true;
		return 0;
	case DEBUG:
		options->foreground = options->debug = true;
		return 0;
	case OPTIONS:
		/* It is a word of argv. */
		return cli_take_mount_options(&command, (char *)value, take_option, take_other,
					      options);
	default:
		options->version = true;
		return 0;
	}
}

enum cli_outcome mount_options_parse(struct mount_options *options, int argc, char **argv)
{
	const char *words[2] = {NULL, NULL};
	enum cli_outcome outcome;

	*options = (struct mount_options){.view = {.n_retries = BMAP_DEFAULT_RETRIES}};
	/* The version is asked for without the words that a mount needs. */
	if (argc == 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		options->version = true;
		return CLI_GO_ON;
	}
	outcome = cli_parse(&command, argc, argv, take_option, options, words, NULL);
	options->source = words[0];
	options->mountpoint = words[1];
	if (outcome == CLI_GO_ON && !options->others) {
		options->others = strdup("");
		if (!options->others)
			outcome = CLI_USAGE;
	}
	return outcome;
}

void mount_options_fini(struct mount_options *options)
{
	free(options->others);
}
