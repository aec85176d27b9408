/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/units.h"
#include "cli/option_table.h"

#define MAX_OPTIONS 40
#define COLUMNS     79
#define HELP_INDENT 24

/* Above all letters, so that a long option without one has a value of its own. */
#define FIRST_LONG 256

static const struct cli_option help_option = {
	.name = "help",
	.letter = 'h',
	.help = "show this help and leave",
};

static const struct cli_option *get_option(const struct cli_command *command, size_t i)
{
	return i < command->n_options ? &command->options[i] : &help_option;
}

/* Prints words from column *@column on, in lines of COLUMNS that begin with @indent spaces. */
static void print_words(FILE *out, const char *text, int indent, int *column)
{
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (*column > indent && *column + 1 + len > COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			*column = indent;
		} else if (*column > indent) {
			fputc(' ', out);
			(*column)++;
		}
		fprintf(out, "%.*s", len, text);
		*column += len;
		text += len;
		text += strspn(text, " ");
	}
}

static void print_usage(const struct cli_command *command, FILE *out)
{
	int indent = (int)strlen("usage: ") + (int)strlen(command->name);
	int column = indent + 1; /* so that the first word gets its space */
	char word[128];

	fprintf(out, "usage: %s", command->name);
	for (size_t i = 0; i <= command->n_options; i++) {
		const struct cli_option *option =
			get_option(command, i == 0 ? command->n_options : i - 1);

		if (option->letter && !option->argument)
			snprintf(word, sizeof(word), "[-%c]", option->letter);
		else
			snprintf(word, sizeof(word), "[--%s%s%s%s%s]", option->name,
				 option->is_optional ? "[" : "", option->argument ? "=" : "",
				 option->argument ? option->argument : "",
				 option->is_optional ? "]" : "");
		print_words(out, word, indent, &column);
	}
	for (size_t i = 0; i < command->n_positionals; i++)
		print_words(out, command->positionals[i], indent, &column);
	if (command->max_positionals)
		print_words(out, "...", indent, &column);
	if (!command->positionals)
		print_words(out, "COMMAND ...", indent, &column);
	fputc('\n', out);
}

static void print_option(const struct cli_option *option, FILE *out)
{
	char form[64], help[512];
	int column;

	snprintf(form, sizeof(form), "%c%c%s--%s%s%s%s", option->letter ? '-' : ' ',
		 option->letter ? option->letter : ' ', option->letter ? ", " : "  ", option->name,
		 option->is_optional ? "[="
		 : option->argument  ? " "
				     : "",
		 option->argument ? option->argument : "", option->is_optional ? "]" : "");
	snprintf(help, sizeof(help), "%s%s%s%s", option->help, option->initial ? " (default: " : "",
		 option->initial ? option->initial : "", option->initial ? ")" : "");
	column = 2 + (int)strlen(form);
	fprintf(out, "  %s", form);
	if (column >= HELP_INDENT - 1) {
		fputc('\n', out);
		column = 0;
	}
	fprintf(out, "%*s", HELP_INDENT - column, "");
	column = HELP_INDENT;
	print_words(out, help, HELP_INDENT, &column);
	fputc('\n', out);
}

void cli_print_help(const struct cli_command *command, FILE *out)
{
	int column = 0;

	print_usage(command, out);
	fputc('\n', out);
	print_words(out, command->summary, 0, &column);
	fputs("\n\noptions:\n", out);
	print_option(&help_option, out);
	for (size_t i = 0; i < command->n_options; i++)
		print_option(&command->options[i], out);
	if (command->epilog)
		fprintf(out, "\n%s\n", command->epilog);
}

int cli_usage_error(const struct cli_command *command, const char *format, ...)
{
	va_list args;

	print_usage(command, stderr);
	fprintf(stderr, "%s: error: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

int cli_parse_number(const struct cli_command *command, const struct cli_option *option,
		     const char *value, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end || errno || *number > max)
		return cli_usage_error(command,
				       "argument --%s: '%s' is not a number from 0 to %llu",
				       option->name, value, (unsigned long long)max);
	return 0;
}

int cli_parse_size(const struct cli_command *command, const struct cli_option *option,
		   const char *value, uint64_t *n_bytes)
{
	char what[64];
	struct bmap_error err = {0};

	snprintf(what, sizeof(what), "argument --%s", option->name);
	if (size_parse(value, n_bytes, what, &err) < 0)
		return cli_usage_error(command, "%s", err.message);
	return 0;
}

int cli_parse_word(const struct cli_command *command, const struct cli_option *option,
		   const char *value, const char *const *words, size_t n, unsigned int *which)
{
	char known[128] = "";

	for (*which = 0; *which < n; ++*which) {
		size_t len = strlen(known);

		if (strcmp(value, words[*which]) == 0)
			return 0;
		snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "", words[*which]);
	}
	return cli_usage_error(command, "argument --%s: '%s' is none of %s", option->name, value,
			       known);
}

/* getopt's arrays, made from the table. */
static void make_getopt(const struct cli_command *command, char *letters, struct option *longs)
{
	*letters++ = command->positionals ? '-' : '+';
	*letters++ = ':';
	for (size_t i = 0; i <= command->n_options; i++) {
		const struct cli_option *option = get_option(command, i);

		longs[i] = (struct option){
			.name = option->name,
			.has_arg = option->is_optional ? optional_argument
				   : option->argument  ? required_argument
						       : no_argument,
			.val = FIRST_LONG + (int)i,
		};
		if (!option->letter)
			continue;
		*letters++ = option->letter;
		if (option->argument)
			*letters++ = ':';
	}
	*letters = '\0';
}

static size_t find_letter(const struct cli_command *command, int letter)
{
	size_t i = 0;

	while (i < command->n_options && command->options[i].letter != letter)
		i++;
	return i;
}

/* What getopt could not take, in a sentence. */
static enum cli_outcome bad_option(const struct cli_command *command, int code, char **argv)
{
	const char *word = argv[optind - 1];

	if (code == ':')
		cli_usage_error(command, "argument %s: expected one argument", word);
	else if (optopt >= FIRST_LONG)
		cli_usage_error(command, "argument --%s: ignored explicit argument",
				get_option(command, (size_t)(optopt - FIRST_LONG))->name);
	else if (optopt)
		cli_usage_error(command, "unrecognized arguments: -%c", optopt);
	else
		cli_usage_error(command, "unrecognized or ambiguous argument: %s", word);
	return CLI_USAGE;
}

static enum cli_outcome check_positionals(const struct cli_command *command, size_t n)
{
	if (command->positionals && n < command->n_positionals) {
		cli_usage_error(command, "the following arguments are required: %s",
				command->positionals[n]);
		return CLI_USAGE;
	}
	return CLI_GO_ON;
}

static int take_positional(const struct cli_command *command, const char *word,
			   const char **positionals, size_t *n)
{
	if (*n == MAX(command->n_positionals, command->max_positionals))
		return cli_usage_error(command, "unrecognized arguments: %s", word);
	positionals[(*n)++] = word;
	return 0;
}

enum cli_outcome cli_parse(const struct cli_command *command, int argc, char **argv,
			   cli_option_taker *take, void *opaque, const char **positionals,
			   int *first_word)
{
	struct option longs[MAX_OPTIONS] = {0};
	char letters[3 * MAX_OPTIONS];
	size_t n_words = 0;
	int code;

	make_getopt(command, letters, longs);
	optind = 0; /* start anew: the program's own options were parsed before */
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		size_t i;

		if (code == '?' || code == ':')
			return bad_option(command, code, argv);
		if (code == 1) { /* a word that is no option */
			if (take_positional(command, optarg, positionals, &n_words) < 0)
				return CLI_USAGE;
			continue;
		}
		i = code >= FIRST_LONG ? (size_t)(code - FIRST_LONG) : find_letter(command, code);
		if (i == command->n_options) {
			cli_print_help(command, stdout);
			return CLI_DONE;
		}
		if (take(opaque, i, optarg) < 0)
			return CLI_USAGE;
	}
	if (first_word)
		*first_word = optind;
	for (; command->positionals && optind < argc; optind++) {
		if (take_positional(command, argv[optind], positionals, &n_words) < 0)
			return CLI_USAGE;
	}
	return check_positionals(command, n_words);
}

/* Takes the backslashes out, where it stands. */
static void unescape(char *value)
{
	char *to = value;

	for (const char *from = value; *from; from++) {
		if (from[0] == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

/* One of them. */
static int take_mount_option(const struct cli_command *command, char *word, cli_option_taker *take,
			     int (*take_other)(void *opaque, const char *word), void *opaque)
{
	char *value = strchr(word, '=');
	size_t name_len = value ? (size_t)(value - word) : strlen(word);

	for (size_t i = 0; i < command->n_options; i++) {
		const struct cli_option *option = &command->options[i];

		if (strlen(option->name) != name_len || strncmp(option->name, word, name_len) != 0)
			continue;
		if (!value != !option->argument && !(option->is_optional && !value))
			return cli_usage_error(command, "argument -o %s: %s", option->name,
					       value ? "ignored explicit argument"
						     : "expected one argument");
		if (value)
			unescape(++value);
		return take(opaque, i, value);
	}
	return take_other(opaque, word);
}

int cli_take_mount_options(const struct cli_command *command, char *text, cli_option_taker *take,
			   int (*take_other)(void *opaque, const char *word), void *opaque)
{
	bool is_last = false;
	int r = 0;

	for (char *word = text; !is_last && r >= 0; word = text) {
		while (*text && *text != ',')
			text += text[0] == '\\' && text[1] ? 2 : 1;
		is_last = !*text;
		*text++ = '\0';
		if (word[0])
			r = take_mount_option(command, word, take, take_other, opaque);
	}
	return r < 0 ? r : 0;
}
