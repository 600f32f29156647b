/*
 * token.h - the lexical tokens of structured header fields, RFC 5322 3.2.
 *
 * Any octets become tokens; nothing is refused here.  What the grammar has no
 * name for (a quote that is never closed, a control character) is a token too,
 * so that the parser above can point at it.  Linear time: each octet is looked
 * at a fixed number of times, whatever comes.
 */
#ifndef PRESEND_SYNTAX_TOKEN_H
#define PRESEND_SYNTAX_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum token_type {
	TOKEN_ATOM,    /* atext and octets over 127, one or more */
	TOKEN_QUOTED,  /* quoted-string, with its quotes */
	TOKEN_LITERAL, /* domain-literal, with its brackets */
	TOKEN_SPACE,   /* FWS, or obs-FWS */
	TOKEN_COMMENT, /* comment, nested ones included, with its parentheses */
	TOKEN_SPECIAL, /* one octet of < > @ , ; : . \ ] or [ that opens no literal */
	TOKEN_STRAY,   /* a " that is not closed, a ( that is not closed, a ) not opened */
	TOKEN_CONTROL, /* a control character, or a CR or LF that folds no line */
	TOKEN_END,     /* behind the last octet, length 0 */
};

struct token {
	uint8_t type;  /* enum token_type */
	bool has_8bit; /* an octet over 127 is in it */
	bool obsolete; /* a fold into a line of white space alone is in it */
	char octet;    /* the first octet */
	uint32_t offset;
	uint32_t length;
	uint32_t
	    control; /* QUOTED, COMMENT, LITERAL: 1 + offset of the first control in it, or 0 */
};

struct tokens {
	struct slice body;  /* what the offsets count in */
	struct token *list; /* count tokens and TOKEN_END behind them */
	size_t count;
};

/* atext of RFC 5322 3.2.3, without the octets over 127. */
bool is_atext(unsigned char c);

/* Splits the body, which must outlive the result and be shorter than 4 GB. */
struct tokens tokenize(struct arena *arena, struct slice body);

/* The octets of a token. */
struct slice token_text(const struct tokens *tokens, size_t index);

/*
 * The text that a quoted-string, comment or literal stands for: the outer
 * delimiters, the backslashes of quoted-pairs and the CRLF of folds are left
 * out.  Other tokens stand for themselves.
 */
struct slice token_content(struct arena *arena, const struct tokens *tokens, size_t index);

#endif
