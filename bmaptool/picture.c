/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd_io.h"
#include "base/units.h"
#include "picture.h"

#define COLUMNS   64
#define ROWS      8
#define SVG_CELLS 1000
#define MARGIN    10
#define BAR_TOP   60
#define BAR_LEN   120

int picture_add(struct picture *picture, uint64_t first_bytes, uint64_t end_bytes,
		unsigned int kind)
{
	if (picture->n_spans == picture->capacity) {
		size_t capacity = picture->capacity ? 2 * picture->capacity : 64;
		void *larger = reallocarray(picture->spans, capacity, sizeof(*picture->spans));

		if (!larger)
			return -ENOMEM;
		picture->spans = larger;
		picture->capacity = capacity;
	}
	picture->spans[picture->n_spans++] = (struct picture_span){first_bytes, end_bytes, kind};
	return 0;
}

void picture_fini(struct picture *picture)
{
	free(picture->spans);
}

/* How much of a cell is of each kind, from 0 to 1. */
struct cell {
	double shares[PICTURE_MAX_KINDS];
};

static void fill_cells(const struct picture *picture, struct cell *cells, size_t n_cells)
{
	double cell_bytes = (double)picture->size_bytes / (double)n_cells;

	memset(cells, 0, n_cells * sizeof(*cells));
	for (size_t i = 0; i < picture->n_spans; i++) {
		const struct picture_span *span = &picture->spans[i];
		double first = (double)span->first_bytes / cell_bytes;
		double end = (double)span->end_bytes / cell_bytes;

		for (size_t k = (size_t)first; k < n_cells && (double)k < end; k++) {
			double from = MAX(first, (double)k), to = MIN(end, (double)(k + 1));

			if (to > from)
				cells[k].shares[span->kind] += to - from;
		}
	}
	for (size_t k = 0; k < n_cells; k++) {
		double rest = 1;

		for (size_t kind = 1; kind < picture->n_kinds; kind++)
			rest -= cells[k].shares[kind];
		cells[k].shares[0] = MAX(rest, 0);
	}
}

/* What a character shows: of what is in the cell, but for the first kind, what it has most of. */
static size_t shown_kind(const struct picture *picture, const struct cell *cell)
{
	size_t shown = 0;

	for (size_t kind = 1; kind < picture->n_kinds; kind++) {
		if (cell->shares[kind] > 0 &&
		    (shown == 0 || cell->shares[kind] > cell->shares[shown]))
			shown = kind;
	}
	return shown;
}

static void print_glyph(const struct picture_kind *kind, bool colored, FILE *out)
{
	if (colored)
		fprintf(out, "\033[%sm%c\033[0m", kind->terminal_color, kind->glyph);
	else
		fputc(kind->glyph, out);
}

void picture_print_bar(const struct picture *picture, FILE *out)
{
	struct cell cells[ROWS * COLUMNS];
	const char *no_color = getenv("NO_COLOR");
	bool colored = isatty(fileno(out)) && !(no_color && no_color[0]);

	if (picture->size_bytes == 0)
		return;
	fill_cells(picture, cells, ARRAY_SIZE(cells));
	for (size_t row = 0; row < ROWS; row++) {
		fprintf(out, "%10s  ", human_size(picture->size_bytes / ROWS * row).text);
		for (size_t i = 0; i < COLUMNS; i++)
			print_glyph(&picture->kinds[shown_kind(picture, &cells[row * COLUMNS + i])],
				    colored, out);
		fputc('\n', out);
	}
	fprintf(out, "%12s", "");
	for (size_t kind = 0; kind < picture->n_kinds; kind++) {
		print_glyph(&picture->kinds[kind], colored, out);
		fprintf(out, " %s%s", picture->kinds[kind].label,
			kind + 1 < picture->n_kinds ? "   " : "\n");
	}
}

/* ---- SVG ---- */

static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '&' || c == '<' || c == '>' || c == '"')
			fprintf(out, "&#%u;", c);
		else
			fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
	}
}

static void print_rectangle(FILE *out, double x, double y, double width, double height,
			    const char *color)
{
	fprintf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n",
		x, y, width, height, color);
}

static void print_svg_cells(const struct picture *picture, const struct cell *cells, FILE *out)
{
	print_rectangle(out, MARGIN, BAR_TOP, SVG_CELLS, BAR_LEN, picture->kinds[0].svg_color);
	for (size_t i = 0; i < SVG_CELLS; i++) {
		double y = BAR_TOP + BAR_LEN;

		for (size_t kind = picture->n_kinds; kind-- > 1;) {
			/* So that one block of a terabyte is seen. */
			double height = cells[i].shares[kind] * BAR_LEN;

			if (height <= 0)
				continue;
			height = MAX(height, 3);
			y -= height;
			print_rectangle(out, (double)(MARGIN + i), MAX(y, BAR_TOP), 1, height,
					picture->kinds[kind].svg_color);
		}
	}
}

static void print_svg_partitions(const struct picture *picture, FILE *out)
{
	for (size_t i = 0; i < picture->n_partitions; i++) {
		const struct bmap_partition *partition = &picture->partitions[i];
		double scale = SVG_CELLS / (double)picture->size_bytes;
		double x = MARGIN + (double)partition->first_bytes * scale;
		double width = (double)partition->len_bytes * scale;

		/* A table may say what it likes. */
		if (x > MARGIN + SVG_CELLS)
			continue;
		width = MIN(width, MARGIN + SVG_CELLS - x);
		fprintf(out,
			"<rect x=\"%.2f\" y=\"38\" width=\"%.2f\" height=\"18\" fill=\"#e8e8e8\" "
			"stroke=\"#888888\"/>\n<text x=\"%.2f\" y=\"51\">p%u ",
			x, width, x + 3, partition->number);
		print_escaped(out, partition->name);
		fputs("</text>\n", out);
	}
}

static void print_svg(const struct picture *picture, const struct cell *cells, FILE *out)
{
	double x = MARGIN;

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n<text x=\"%d\" "
		"y=\"24\" "
		"font-size=\"15\">",
		SVG_CELLS + 2 * MARGIN, BAR_TOP + BAR_LEN + 50, MARGIN);
	print_escaped(out, picture->title);
	fprintf(out, ", %s</text>\n", human_size(picture->size_bytes).text);
	print_svg_partitions(picture, out);
	print_svg_cells(picture, cells, out);
	for (size_t kind = 0; kind < picture->n_kinds; kind++) {
		print_rectangle(out, x, BAR_TOP + BAR_LEN + 18, 12, 12,
				picture->kinds[kind].svg_color);
		fprintf(out, "<text x=\"%.2f\" y=\"%d\">%s</text>\n", x + 18,
			BAR_TOP + BAR_LEN + 28, picture->kinds[kind].label);
		x += 160;
	}
	fputs("</svg>\n", out);
}

int picture_write_svg(const struct picture *picture, const char *path, struct bmap_error *err)
{
	CLEANUP_FREE struct cell *cells = calloc(SVG_CELLS, sizeof(*cells));
	CLEANUP_FREE char *text = NULL;
	size_t len = 0;
	FILE *out = cells ? open_memstream(&text, &len) : NULL;

	if (!out)
		return bmap_error_set(err, ENOMEM, "out of memory");
	if (picture->size_bytes)
		fill_cells(picture, cells, SVG_CELLS);
	print_svg(picture, cells, out);
	if (fclose(out) != 0)
		return bmap_error_set(err, ENOMEM, "out of memory");
	return fd_replace_file(path, text, len, err);
}
