/*
 * encoded_word.h - RFC 2047 encoded-words.
 *
 *   encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
 *
 * Character sets are converted by iconv(3), only those of a list of names that
 * mail uses; any other is "not known".
 */
#ifndef PRESEND_SYNTAX_ENCODED_WORD_H
#define PRESEND_SYNTAX_ENCODED_WORD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "syntax/error.h"

enum { ENCODED_WORD_MAX = 75 };

/* Does the token begin like an encoded-word, with "=?"? */
bool encoded_word_looks_like(struct slice token);

/*
 * Is the token as a whole of the form of an encoded-word?  Neither the
 * character set nor the text are looked at.
 */
bool encoded_word_is(struct slice token);

/*
 * Decodes one token (no blanks around it) and appends its text to out as
 * UTF-8.  Returns SYNTAX_OK, or the worst that was met, in this order:
 *   SYNTAX_ENCODED_MALFORMED    not of the form: the token is appended as it is
 *   SYNTAX_ENCODED_CONTROL      the text has C0 control characters other than
 *                               TAB, or DEL; it is appended all the same
 *   SYNTAX_ENCODED_CHARSET      character set not known: the token as it is
 *   SYNTAX_ENCODED_UNDECODABLE  bad base64, bad =XX, or octets that the
 *                               character set does not have (U+FFFD for them)
 *   SYNTAX_ENCODED_LONG         over ENCODED_WORD_MAX octets, otherwise good
 */
enum syntax_code encoded_word_decode(struct slice token, struct buf *out);

/*
 * Decodes running text: words that are encoded-words are decoded, white space
 * between two of them falls away, everything else stays as it is.  For showing
 * and for comparing what a reader would see; errors are not reported.
 */
void encoded_words_decode(struct slice text, struct buf *out);

/*
 * Appends the UTF-8 text as encoded-words of at most ENCODED_WORD_MAX octets,
 * with one space between them, never splitting a character (RFC 2047 2, 5).
 */
void encoded_words_encode(struct slice utf8, struct buf *out);

#endif
