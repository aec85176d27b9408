/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/option_table.h"
#include "unit.h"

static const struct cli_option options[] = {
	{"bmap", 0, "FILE", NULL, "the map of the image", false},
	{"bmap-sig", 0, "FILE", NULL, "the signature of the map", false},
	{"quiet", 'q', NULL, NULL, "say nothing", false},
	{"memory", 'm', "SIZE", "48M",
	 "what is in flight may take so much memory, which is a long "
	 "sentence for a line of help",
	 false},
};
static const char *const names[] = {"IMAGE", "DEST"};
static const struct cli_command copy = {
	.name = "tool copy",
	.summary = "Copies an image.",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.positionals = names,
	.n_positionals = 2,
	.epilog = "That is all.",
};
static const struct cli_command tool = {
	.name = "tool",
	.summary = "Does things.",
	.options = options + 2,
	.n_options = 1,
};

static char taken[256]; /* "name=value " of every option that was taken */

static int take(void *opaque, size_t option, const char *value)
{
	const struct cli_command *command = opaque;
	size_t len = strlen(taken);

	snprintf(taken + len, sizeof(taken) - len, "%s=%s ", command->options[option].name,
		 value ? value : "");
	return value && !strcmp(value, "bad") ? -1 : 0;
}

/* What was printed goes to "stdout" and "stderr". */
static enum cli_outcome parse(const struct cli_command *command, const char *words,
			      const char **positionals, int *first_word)
{
	char *copy_of_words = unit_alloc(strlen(words) + 1), program[] = "tool";
	char *argv[20] = {program};
	int argc = 1, saved[2] = {dup(1), dup(2)};
	enum cli_outcome outcome;

	strcpy(copy_of_words, words);
	for (char *word = strtok(copy_of_words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	taken[0] = '\0';
	ck_assert(freopen("stdout", "w", stdout) && freopen("stderr", "w", stderr));
	outcome = cli_parse(command, argc, argv, take, (void *)command, positionals, first_word);
	fflush(stdout);
	fflush(stderr);
	dup2(saved[0], 1);
	dup2(saved[1], 2);
	return outcome;
}

static void check_says(const char *path, const char *text)
{
	struct bytes said = bytes_join(read_file(path), bytes_zeros(1));

	ck_assert_msg(strstr((char *)said.data, text) != NULL, "'%s' does not say '%s'", said.data,
		      text);
}

START_TEST(options_and_positionals_in_any_order)
{
	static const char *const lines[] = {"--bmap f -q img dst", "img --bmap=f dst -q",
					    "img dst --bmap f --quiet", "--bmap f --qui -- img dst",
					    "--bmap f -q img -- dst"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *positionals[2] = {NULL, NULL};

		ck_assert_int_eq(parse(&copy, lines[i], positionals, NULL), CLI_GO_ON);
		ck_assert_str_eq(taken, "bmap=f quiet= ");
		ck_assert_str_eq(positionals[0], "img");
		ck_assert_str_eq(positionals[1], "dst");
		ck_assert_uint_eq(read_file("stderr").len, 0);
	}
}
END_TEST

START_TEST(behind_two_dashes_nothing_is_an_option)
{
	const char *positionals[2];

	ck_assert_int_eq(parse(&copy, "-- -q --bmap", positionals, NULL), CLI_GO_ON);
	ck_assert_str_eq(positionals[0], "-q");
	ck_assert_str_eq(positionals[1], "--bmap");
	ck_assert_int_eq(parse(&copy, "- -q -", positionals, NULL), CLI_GO_ON);
	ck_assert_str_eq(positionals[0], "-");
	ck_assert_str_eq(taken, "quiet= ");
}
END_TEST

START_TEST(a_letter_takes_its_value)
{
	const char *positionals[2];

	ck_assert_int_eq(parse(&copy, "-m64K img dst -qm 1M", positionals, NULL), CLI_GO_ON);
	ck_assert_str_eq(taken, "memory=64K quiet= memory=1M ");
}
END_TEST

START_TEST(usage_errors_are_said)
{
	static const struct {
		const char *line, *sentence;
	} cases[] = {
		{"img", "error: the following arguments are required: DEST"},
		{"", "error: the following arguments are required: IMAGE"},
		{"a b c", "error: unrecognized arguments: c"},
		{"a b -- c", "error: unrecognized arguments: c"},
		{"a b --none", "error: unrecognized or ambiguous argument: --none"},
		{"a b --bm=x", "error: unrecognized or ambiguous argument: --bm=x"},
		{"a b -z", "error: unrecognized arguments: -z"},
		{"a b --bmap", "error: argument --bmap: expected one argument"},
		{"a b --quiet=1", "error: argument --quiet: ignored explicit argument"},
		{"a b --bmap bad", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *positionals[2];

		ck_assert_msg(parse(&copy, cases[i].line, positionals, NULL) == CLI_USAGE, "%s",
			      cases[i].line);
		check_says("stderr", cases[i].sentence);
		if (cases[i].sentence[0])
			check_says("stderr", "usage: tool copy [-h]");
		ck_assert_uint_eq(read_file("stdout").len, 0);
	}
}
END_TEST

START_TEST(a_command_ends_the_options_in_front_of_it)
{
	int first_word = 0;

	ck_assert_int_eq(parse(&tool, "-q copy -q img", NULL, &first_word), CLI_GO_ON);
	ck_assert_int_eq(first_word, 2);
	ck_assert_str_eq(taken, "quiet= ");
	ck_assert_int_eq(parse(&tool, "", NULL, &first_word), CLI_GO_ON);
	ck_assert_int_eq(first_word, 1);
}
END_TEST

START_TEST(help_tells_all)
{
	struct bytes said;
	size_t column = 0;

	ck_assert_int_eq(parse(&copy, "img --help", (const char *[2]){0}, NULL), CLI_DONE);
	ck_assert_uint_eq(read_file("stderr").len, 0);
	check_says("stdout", "usage: tool copy [-h] [--bmap=FILE] [--bmap-sig=FILE] [-q]");
	check_says("stdout", "Copies an image.");
	check_says("stdout", "-h, --help");
	check_says("stdout", "-m, --memory SIZE");
	check_says("stdout", "(default: 48M)");
	check_says("stdout", "That is all.");
	said = read_file("stdout");
	for (size_t i = 0; i < said.len; i++) {
		column = said.data[i] == '\n' ? 0 : column + 1;
		ck_assert_uint_lt(column, 80);
	}
}
END_TEST

START_TEST(numbers_and_sizes)
{
	uint64_t n = 7;

	ck_assert(freopen("stderr", "w", stderr));
	ck_assert_int_eq(cli_parse_number(&copy, &options[3], "16", 16, &n), 0);
	ck_assert_uint_eq(n, 16);
	ck_assert_int_eq(cli_parse_number(&copy, &options[3], "17", 16, &n), -1);
	ck_assert_int_eq(cli_parse_number(&copy, &options[3], "-1", 16, &n), -1);
	ck_assert_int_eq(cli_parse_number(&copy, &options[3], "", 16, &n), -1);
	ck_assert_int_eq(cli_parse_number(&copy, &options[3], "1x", 16, &n), -1);
	ck_assert_int_eq(
		cli_parse_number(&copy, &options[3], "99999999999999999999", UINT64_MAX, &n), -1);
	ck_assert_int_eq(cli_parse_size(&copy, &options[3], "8M", &n), 0);
	ck_assert_uint_eq(n, 8 << 20);
	ck_assert_int_eq(cli_parse_size(&copy, &options[3], "lots", &n), -1);
	fflush(stderr);
	check_says("stderr", "argument --memory: '17' is not a number from 0 to 16");
	check_says("stderr", "argument --memory: 'lots' is not a size");
}
END_TEST

/* ---- as mount(8) gives them ---- */

static int take_other(void *opaque, const char *word)
{
	size_t len = strlen(taken);

	ck_assert_ptr_eq(opaque, &copy);
	snprintf(taken + len, sizeof(taken) - len, "(%s) ", word);
	return !strcmp(word, "stop") ? -5 : 0;
}

static int take_mount(const char *words)
{
	char *text = unit_alloc(strlen(words) + 1);
	int saved = dup(2), r;

	strcpy(text, words);
	taken[0] = '\0';
	ck_assert(freopen("stderr", "w", stderr));
	r = cli_take_mount_options(&copy, text, take, take_other, (void *)&copy);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	return r;
}

START_TEST(mount_options_are_taken)
{
	static const struct {
		const char *words, *taken;
	} cases[] = {
		{"", ""},
		{"quiet", "quiet= "},
		{"bmap=f", "bmap=f "},
		{"bmap=", "bmap= "},
		{"bmap=a=b", "bmap=a=b "},
		{"quiet,memory=1M,bmap-sig=x", "quiet= memory=1M bmap-sig=x "},
		{"ro,quiet,uid=5,allow_other", "(ro) quiet= (uid=5) (allow_other) "},
		{"bmap=a\\,b,quiet", "bmap=a,b quiet= "},
		{"bmap=\\,", "bmap=, "},
		{"fsname=a\\,b", "(fsname=a\\,b) "}, /* as it stands */
		{"qui,bma=x", "(qui) (bma=x) "},     /* nothing is cut short here */
		{"q", "(q) "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(take_mount(cases[i].words) == 0, "%s", cases[i].words);
		ck_assert_msg(!strcmp(taken, cases[i].taken), "'%s' gave '%s', not '%s'",
			      cases[i].words, taken, cases[i].taken);
		ck_assert_uint_eq(read_file("stderr").len, 0);
	}
}
END_TEST

START_TEST(mount_options_can_be_wrong)
{
	static const struct {
		const char *words, *sentence;
	} cases[] = {
		{"bmap", "expected one argument"},
		{"ro,quiet=1", "ignored explicit argument"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(take_mount(cases[i].words) == -1, "%s", cases[i].words);
		check_says("stderr", "usage: tool copy");
		check_says("stderr", cases[i].sentence);
	}
	ck_assert_int_eq(take_mount("ro,stop,quiet"), -5);
	ck_assert_str_eq(taken, "(ro) (stop) ");
	ck_assert_int_eq(take_mount("quiet,bmap=bad,ro"), -1);
	ck_assert_str_eq(taken, "quiet= bmap=bad ");
}
END_TEST

UNIT_MAIN("option_table", options_and_positionals_in_any_order,
	  behind_two_dashes_nothing_is_an_option, a_letter_takes_its_value, usage_errors_are_said,
	  a_command_ends_the_options_in_front_of_it, help_tells_all, numbers_and_sizes,
	  mount_options_are_taken, mount_options_can_be_wrong)
