/* buf.c - a growing text with a ceiling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { FIRST_SIZE = 256 };

void buf_init(struct buf *b, size_t ceiling)
{
	*b = (struct buf){ .ceiling = ceiling };
}

void buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->size = 0;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->truncated = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/* Makes room for more octets and a NUL; returns how many of them fit. */
static size_t make_room(struct buf *b, size_t more)
{
	size_t want;

	if (more > b->ceiling - b->len) {
		more = b->ceiling - b->len;
		b->truncated = true;
	}
	want = b->len + more + 1;
	if (want > b->size) {
		size_t size = b->size == 0 ? FIRST_SIZE : b->size * 2;

		b->size = size > want ? size : want;
		b->data = must_realloc(b->data, b->size);
	}
	return more;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	len = make_room(b, len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.data, s.len);
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	int n;
	size_t fits;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n <= 0)
		return;
	fits = make_room(b, (size_t)n);
	va_start(ap, format);
	vsnprintf(b->data + b->len, fits + 1, format, ap);
	va_end(ap);
	b->len += fits;
}

const char *buf_text(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ buf_text(b), b->len };
}
