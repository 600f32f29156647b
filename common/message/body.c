/*
 * body.c - what a body is made of, as far as it matters on its way.
 *
 * Each octet is looked at by memchr and by a sum over words, a fraction of a
 * nanosecond: a body may have megabytes, and hashing it costs five an octet.
 */
#include "message/body.h"

#include <stdint.h>
#include <string.h>

static bool has_eight_bit(struct slice s)
{
	uint64_t sum = 0;
	size_t i = 0;

	for (; i + sizeof sum <= s.len; i += sizeof sum) {
		uint64_t word;

		memcpy(&word, s.data + i, sizeof word);
		sum |= word;
	}
	for (; i < s.len; i++)
		sum |= (unsigned char)s.data[i];
	return (sum & UINT64_C(0x8080808080808080)) != 0;
}

/* A CR without an LF behind it; one that ends a piece is looked at with the next. */
static bool has_bare_cr(struct slice piece)
{
	for (size_t at = 0; at < piece.len; at++) {
		struct slice rest = slice_part(piece, at, piece.len);

		at += slice_find(rest, '\r');
		if (at + 1 < piece.len && piece.data[at + 1] != '\n')
			return true;
	}
	return false;
}

/* Takes the octets up to the next LF, or all; returns how many. */
static size_t take_line(struct body_facts *f, struct slice rest)
{
	size_t len = slice_find(rest, '\n');
	char before = len > 0 ? rest.data[len - 1] : f->last;

	f->line += len;
	if (len == rest.len) {
		f->last = rest.data[len - 1];
		return len;
	}
	if (before == '\r')
		f->line--;
	else
		f->bare_lf = true;
	if (f->line > f->longest_line)
		f->longest_line = f->line;
	f->line = 0;
	f->last = '\n';
	return len + 1;
}

void body_look(struct body_facts *f, struct slice piece)
{
	if (piece.len == 0)
		return;
	f->octets += piece.len;
	f->eight_bit |= has_eight_bit(piece);
	f->bare_cr |= (f->last == '\r' && piece.data[0] != '\n') || has_bare_cr(piece);
	for (size_t at = 0; at < piece.len;)
		at += take_line(f, slice_part(piece, at, piece.len));
}

void body_end(struct body_facts *f)
{
	if (f->last == '\r')
		f->bare_cr = true;
	if (f->line > f->longest_line)
		f->longest_line = f->line;
}
