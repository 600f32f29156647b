/* excerpt.c - one line for a text that came from outside, and a caret. */
#include "config.h" /* wcwidth is declared with the system's extensions alone */

#include "tools/excerpt.h"

#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"

#define RED "1;31"

enum { WIDTH_DEFAULT = 100, WIDTH_LEAST = 40 };

/* The least piece of a text that is shown as a whole. */
struct piece {
	size_t octets; /* it stands for so many */
	size_t columns;
	enum { PIECE_SHOWN, PIECE_HEX, PIECE_BLANK, PIECE_NOTHING } as;
};

/* A fold vanishes but for its blank, a tab is one blank, what cannot be shown is \xNN. */
static struct piece piece_at(struct slice text, size_t at)
{
	uint32_t code;
	size_t len = utf8_decode(text, at, &code);
	int columns;

	if (text.data[at] == '\t')
		return (struct piece){ 1, 1, PIECE_BLANK };
	if (text.len - at > 2 && memcmp(text.data + at, "\r\n", 2) == 0 &&
	    (text.data[at + 2] == ' ' || text.data[at + 2] == '\t'))
		return (struct piece){ 2, 0, PIECE_NOTHING };
	if (len == 0 || !utf8_is_printable(code))
		return (struct piece){ 1, 4, PIECE_HEX };
	columns = wcwidth((wchar_t)code);
	return (struct piece){ len, columns < 0 ? 1 : (size_t)columns, PIECE_SHOWN };
}

/* Columns that the octets before end take; one inside a piece counts as its first. */
static size_t columns_before(struct slice text, size_t end)
{
	size_t columns = 0;

	for (size_t at = 0; at < text.len;) {
		struct piece p = piece_at(text, at);

		at += p.octets;
		if (at > end)
			break;
		columns += p.columns;
	}
	return columns;
}

/* The part of a line that is shown: columns first to last, the second not included. */
struct window {
	size_t first, last;
};

/* As much as fits, with the mark a third of the way in when not all does. */
static struct window choose_window(size_t room, size_t columns, size_t mark)
{
	struct window w = { 0, columns };

	if (columns <= room)
		return w;
	if (mark > room / 3)
		w.first = mark - room / 3;
	if (w.first > columns - room)
		w.first = columns - room;
	w.last = w.first + room;
	return w;
}

static void add_blanks(struct buf *out, size_t count)
{
	while (count-- > 0)
		buf_add_char(out, ' ');
}

static void add_piece(struct buf *out, struct slice text, size_t at, const struct piece *p)
{
	switch (p->as) {
	case PIECE_SHOWN: buf_add(out, text.data + at, p->octets); break;
	case PIECE_HEX: buf_printf(out, "\\x%02x", (unsigned)(unsigned char)text.data[at]); break;
	case PIECE_BLANK: buf_add_char(out, ' '); break;
	case PIECE_NOTHING: break;
	}
}

/* The pieces inside the window; one that an edge cuts leaves blanks in its place. */
static void add_window(struct buf *out, struct slice text, struct window w)
{
	size_t column = 0;

	for (size_t at = 0; at < text.len && column < w.last;) {
		struct piece p = piece_at(text, at);
		size_t end = column + p.columns;

		if (column >= w.first && end <= w.last)
			add_piece(out, text, at, &p);
		else if (end > w.first)
			add_blanks(out,
			    (end < w.last ? end : w.last) - (column > w.first ? column : w.first));
		at += p.octets;
		column = end;
	}
}

void excerpt_mark(struct buf *out, const struct excerpt *e)
{
	size_t indent = 2 + strlen(e->head) + strlen(e->gap);
	size_t mark = columns_before(e->text, e->offset);
	size_t end = columns_before(e->text, e->offset + e->length);
	size_t columns = columns_before(e->text, e->text.len);
	struct window w =
	    choose_window(e->width > indent + 2 ? e->width - indent - 2 : 1, columns, mark);

	buf_printf(out, "  %s%s%s", e->head, e->gap, w.first > 0 ? "…" : "");
	add_window(out, e->text, w);
	buf_add_text(out, w.last < columns ? "…\n" : "\n");
	add_blanks(out, indent + (w.first > 0) + mark - w.first);
	buf_add_text(out, e->colour ? "\033[" RED "m^" : "^");
	for (size_t at = mark + 1; at < end && at < w.last; at++)
		buf_add_char(out, '~');
	buf_add_text(out, e->colour ? "\033[0m\n" : "\n");
}

void excerpt_begin(struct buf *out, struct slice text, size_t width)
{
	size_t columns = columns_before(text, text.len);

	add_window(out, text, choose_window(width, columns, 0));
	if (columns > width)
		buf_add_text(out, "…");
}

size_t excerpt_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 ||
	    size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col;
}
