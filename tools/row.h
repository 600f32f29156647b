/*
 * row.h - a table for people, row by row: what it is about in the first
 * column, the others as wide as their owner wants.
 *
 * Columns are counted in octets: what stands in them is ASCII but for names
 * and texts from outside, of which most are.
 */
#ifndef PRESEND_TOOLS_ROW_H
#define PRESEND_TOOLS_ROW_H

#include "base/buf.h"

enum { ROW_COLUMN = 9 }; /* width of the first column */

/* Indented by two columns; "" goes on with what the row above is about. */
void row_begin(struct buf *out, const char *what);

/*
 * Fills what was added since out->len was begin up to the column; a text that
 * is longer is followed by one blank.
 */
void row_pad(struct buf *out, size_t begin, size_t column);

#endif
