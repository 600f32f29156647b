/* row.c - a table for people, row by row. */
#include "tools/row.h"

void row_pad(struct buf *out, size_t begin, size_t column)
{
	do
		buf_add_char(out, ' ');
	while (out->len - begin < column && !out->truncated);
}

void row_begin(struct buf *out, const char *what)
{
	size_t begin = out->len + 2;

	buf_printf(out, "  %s", what);
	row_pad(out, begin, ROW_COLUMN);
}
