/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a command in one table, from which parsing and --help are made.
 *
 * Threads: one.
 */
#ifndef CLI_OPTION_TABLE_H
#define CLI_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cli_option {
	const char *name;
	char letter;          /* 0: only the long form */
	const char *argument; /* what --help calls it; NULL: it takes none */
	const char *initial;  /* its default in words; NULL: off, or nothing */
	const char *help;     /* one sentence without full stop */
	bool is_optional;     /* the argument may be left out; given, it stands behind a "=" */
};

struct cli_command {
	const char *name;                 /* "bmaptool copy" */
	const char *summary;              /* a sentence or two */
	const struct cli_option *options; /* --help is added */
	size_t n_options;
	const char *const *positionals; /* their names; NULL: what follows is not parsed here */
	size_t n_positionals;
	size_t max_positionals; /* more of the last one may follow; 0: no more */
	const char *epilog;     /* printed behind the options; NULL: nothing */
};

/* What the caller does with an option: 0, or -1 after cli_usage_error(). */
typedef int cli_option_taker(void *opaque, size_t option, const char *value);

/* What cli_parse() asks the caller to do: to go on, or to leave with this status. */
enum cli_outcome {
	CLI_GO_ON = -1,
	CLI_DONE = 0, /* help was printed */
	CLI_USAGE = 2
};

/*
 * Parses argv[1] and on.  Long options may be cut short as long as they are unique; they may follow
 * the positionals, which are put into @positionals (those that are not there stay as they are), but
 * for commands without any: these end at the first word that is no option, whose index is put into
 * *@first_word (may be NULL).
 */
enum cli_outcome cli_parse(const struct cli_command *command, int argc, char **argv,
			   cli_option_taker *take, void *opaque, const char **positionals,
			   int *first_word);

/*
 * Parses "NAME[=VALUE],...", as mount(8) gives it behind -o: what the table knows is taken as if it
 * were --NAME=VALUE, all else goes to @take_other as it stands; a backslash makes a comma part of a
 * value.  @text is cut where it stands, and has to live as long as what is taken of it.  -1 after
 * cli_usage_error(), or what @take or @take_other returned when it was negative.
 */
int cli_take_mount_options(const struct cli_command *command, char *text, cli_option_taker *take,
			   int (*take_other)(void *opaque, const char *word), void *opaque);

/* Prints the usage and the sentence on standard error. Returns -1. */
int cli_usage_error(const struct cli_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void cli_print_help(const struct cli_command *command, FILE *out);

/* A whole number of at most @max; -1 after cli_usage_error(). */
int cli_parse_number(const struct cli_command *command, const struct cli_option *option,
		     const char *value, uint64_t max, uint64_t *number);

/* A size such as 64K; -1 after cli_usage_error(). */
int cli_parse_size(const struct cli_command *command, const struct cli_option *option,
		   const char *value, uint64_t *n_bytes);

/* One of @n words: its place among them.  -1 after cli_usage_error(). */
int cli_parse_word(const struct cli_command *command, const struct cli_option *option,
		   const char *value, const char *const *words, size_t n, unsigned int *which);

#endif
