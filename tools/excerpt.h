/*
 * excerpt.h - one line of the terminal for a text that came from outside, and
 * a caret under the octets that matter.
 *
 * Folds vanish but for their blank, a tab is one blank, and what cannot be
 * shown is \xNN; a text that is too long for the line is shown around the mark.
 */
#ifndef PRESEND_TOOLS_EXCERPT_H
#define PRESEND_TOOLS_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

struct excerpt {
	const char *head, *gap; /* stand before the text: ASCII */
	struct slice text;
	size_t offset, length; /* octets that are marked; the first one always is */
	size_t width;          /* columns of the line */
	bool colour;
};

/* Two lines: head, gap and text, and the mark; indented by two columns. */
void excerpt_mark(struct buf *out, const struct excerpt *e);

/* The text from its beginning, as much as fits; "…" says that there is more. */
void excerpt_begin(struct buf *out, struct slice text, size_t width);

/* Columns of the terminal that standard output is, or a usual number. */
size_t excerpt_width(void);

#endif
