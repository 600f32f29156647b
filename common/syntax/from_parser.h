/*
 * from_parser.h - what the files of the From parser share; nobody else includes it.
 *
 * The parser works on ranges of tokens.  A range never includes TOKEN_END, so
 * `list[range.end]` may always be looked at.
 */
#ifndef PRESEND_SYNTAX_FROM_PARSER_H
#define PRESEND_SYNTAX_FROM_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "syntax/from.h"
#include "syntax/token.h"

struct from_parser {
	struct arena *arena;
	const struct token *list;
	struct from_field *from;
	struct mailbox **next_mailbox;
	bool smtputf8;
	struct syntax_error first[SYNTAX_CODES]; /* by code; SYNTAX_OK where there was none */
};

/* Tokens [begin, end). */
struct range {
	size_t begin, end;
};

/* Notes an error at octets of the body; of each code the one at the lowest offset is kept. */
void from_note(struct from_parser *p, enum syntax_code code, size_t offset, size_t length);

/* Notes an error whose token is a range of tokens that is not empty. */
void from_note_range(struct from_parser *p, enum syntax_code code, struct range r);

bool token_is_cfws(const struct token *t);
bool token_is_special(const struct token *t, char c);

/* The range without CFWS at its ends. */
struct range range_trim(const struct from_parser *p, struct range r);

/* The octets of the body that a range covers. */
struct slice range_text(const struct from_parser *p, struct range r);

/* Index of the first special c in the range, or its end. */
size_t range_find(const struct from_parser *p, struct range r, char c);

/*
 * Where the encoded-word that begins at index i ends, or i where none does.
 * Such a word may hold specials, a dot above all: RFC 2047 5(3) forbids them in
 * a phrase, writers leave them, readers decode the word all the same.  Only a
 * word behind white space is one, so that each octet is looked at once.
 */
size_t encoded_word_end(const struct from_parser *p, struct range r, size_t i);

/*
 * Checks the words of a display name (phrase.c) and notes what breaks its
 * rules, encoded-words included.
 */
void phrase_check(struct from_parser *p, struct range r);

/* Notes what is wrong with the comments and encoded-words of the whole field. */
void comments_check(struct from_parser *p);

/*
 * What the words of a display name say: unquoted, decoded, runs of white space
 * as one space, comments and stray quotes left out.  Not there for an empty range.
 */
struct slice phrase_text(const struct from_parser *p, struct range r);

/*
 * Reads an addr-spec (addr_spec.c): the whole range is meant to be one.  Adds
 * a mailbox with that name to the field if the local part and the domain could
 * be told; shaky is kept with it.  Notes what breaks the rules.
 */
void addr_spec_read(struct from_parser *p, struct range r, struct slice name, bool shaky);

#endif
