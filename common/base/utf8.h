/*
 * utf8.h - UTF-8 as RFC 3629 defines it, and what of it is safe to show.
 */
#ifndef PRESEND_BASE_UTF8_H
#define PRESEND_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/*
 * Length of the well-formed character that begins at s.data[at], 1 to 4, and
 * the code point in *code (if not NULL); 0 if none begins there: a stray or
 * cut sequence, an overlong form, a surrogate, or beyond U+10FFFF.
 */
size_t utf8_decode(struct slice s, size_t at, uint32_t *code);

/* Offset of the first octet that belongs to no well-formed character, or s.len. */
size_t utf8_first_invalid(struct slice s);

/* Is there an octet over 127? */
bool utf8_has_8bit(struct slice s);

/* Appends the character; code must be a Unicode scalar value. */
void utf8_encode(struct buf *out, uint32_t code);

/*
 * May the character be shown as it is?  Not the control characters (C0, DEL,
 * C1), line and paragraph separators, the marks that turn the direction of
 * writing, the invisible ones that hide text, nor noncharacters.
 */
bool utf8_is_printable(uint32_t code);

/*
 * Appends text that came from outside so that it cannot leave its place:
 * printable UTF-8 as it is, every other octet as \xNN.  Nothing else is
 * escaped, a backslash stays a backslash.
 */
void utf8_escape(struct buf *out, struct slice text);

#endif
