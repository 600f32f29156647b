/*
 * buf.h - a growing text with a ceiling.
 *
 * Every buffer is made with the most it may hold.  What does not fit is left
 * out and `truncated` says so; nothing fails and nothing overruns.  The text
 * always has a NUL behind it.
 */
#ifndef PRESEND_BASE_BUF_H
#define PRESEND_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buf {
	char *data;     /* NULL until something is added */
	size_t len;     /* octets in use, the NUL behind them not counted */
	size_t size;    /* octets allocated */
	size_t ceiling; /* len never exceeds it */
	bool truncated;
};

/* An empty buffer that never holds more than ceiling octets; buf_free ends it. */
void buf_init(struct buf *b, size_t ceiling);
void buf_free(struct buf *b);

/* Empties it, keeping what is allocated. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_char(struct buf *b, char c);
void buf_add_slice(struct buf *b, struct slice s);
void buf_add_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text as a C string, "" when nothing was added. */
const char *buf_text(const struct buf *b);
struct slice buf_slice(const struct buf *b);

#endif
