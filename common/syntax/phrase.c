/*
 * phrase.c - display names and comments of the From field.
 *
 * Names are where applications fail: a comma, a parenthesis or an @ that
 * should have been quoted.  Checks the words as written and says what they
 * mean; knows nothing of addresses.
 */
#include "base/buf.h"
#include "base/utf8.h"
#include "syntax/encoded_word.h"
#include "syntax/from_parser.h"

/* Notes the first octet over 127 of a token that may not have it. */
static void check_8bit(struct from_parser *p, size_t index)
{
	struct slice text = token_text(&p->from->tokens, index);
	size_t offset = p->list[index].offset, at;

	if (!p->list[index].has_8bit)
		return;
	at = utf8_first_invalid(text);
	if (at < text.len) {
		from_note(p, SYNTAX_NAME_UTF8, offset + at, 1);
	} else if (!p->smtputf8) {
		for (at = 0; (unsigned char)text.data[at] < 128;)
			at++;
		from_note(p, SYNTAX_NAME_8BIT, offset + at, utf8_decode(text, at, NULL));
	}
}

/* RFC 2047 2: encoded-word = "=?" charset "?" encoding "?" encoded-text "?=" */
static void check_encoded(struct from_parser *p, struct slice word, size_t offset)
{
	struct buf text;
	enum syntax_code code;

	if (!encoded_word_looks_like(word))
		return;
	buf_init(&text, FROM_OCTETS_MAX);
	code = encoded_word_decode(word, &text);
	if (code != SYNTAX_OK)
		from_note(p, code, offset, word.len);
	buf_free(&text);
}

/*
 * Looks for encoded-words in the text between delimiters.  In a comment each
 * is decoded by readers (RFC 2047 5(2)), in a quoted string none is (5(3)).
 */
static void check_encoded_inside(struct from_parser *p, size_t index)
{
	struct slice text = token_text(&p->from->tokens, index);
	size_t offset = p->list[index].offset, at = 1, end;

	while (at + 1 < text.len) {
		struct slice word;

		for (end = at; end + 1 < text.len && text.data[end] != ' ' &&
			       text.data[end] != '\t' && text.data[end] != '\r' &&
			       text.data[end] != '\n' && text.data[end] != '(' &&
			       text.data[end] != ')';)
			end++;
		word = slice_part(text, at, end);
		if (p->list[index].type == TOKEN_COMMENT)
			check_encoded(p, word, offset + at);
		else if (encoded_word_is(word))
			from_note(p, SYNTAX_ENCODED_QUOTED, offset + at, word.len);
		at = end + 1;
	}
}

void comments_check(struct from_parser *p)
{
	for (size_t i = 0; i < p->from->tokens.count; i++) {
		if (p->list[i].type != TOKEN_COMMENT)
			continue;
		check_8bit(p, i);
		check_encoded_inside(p, i);
	}
}

size_t encoded_word_end(const struct from_parser *p, struct range r, size_t i)
{
	size_t end = i;

	if (p->list[i].type != TOKEN_ATOM || (i > r.begin && !token_is_cfws(&p->list[i - 1])) ||
	    !encoded_word_looks_like(token_text(&p->from->tokens, i)))
		return i;
	while (end < r.end && !token_is_cfws(&p->list[end]) && p->list[end].type != TOKEN_QUOTED)
		end++;
	if (encoded_word_is(range_text(p, (struct range){ i, end })))
		return end;
	return encoded_word_is(token_text(&p->from->tokens, i)) ? i + 1 : i;
}

/*
 * A special that stands in a name unquoted.  A dot is allowed by the obsolete
 * grammar where a word comes before it; a > is a bracket without a partner,
 * whatever it was meant to be.
 */
static void check_special(struct from_parser *p, size_t index, bool word_before)
{
	const struct token *t = &p->list[index];
	enum syntax_code code = SYNTAX_NAME_SPECIAL;

	if (t->octet == '.')
		code = word_before ? SYNTAX_PHRASE_DOT : SYNTAX_NAME_DOT_FIRST;
	else if (t->octet == '>')
		code = SYNTAX_ANGLE_UNBALANCED;
	from_note(p, code, t->offset, t->length);
}

/*
 * display-name = phrase
 * phrase       = 1*word / obs-phrase
 * obs-phrase   = word *(word / "." / CFWS)
 * word         = atom / quoted-string
 */
void phrase_check(struct from_parser *p, struct range r)
{
	bool word_before = false;
	size_t encoded = r.begin; /* up to here words have been decoded */

	for (size_t i = r.begin; i < r.end; i++) {
		const struct token *t = &p->list[i];

		switch (t->type) {
		case TOKEN_ATOM:
			check_8bit(p, i);
			if (i >= encoded) {
				size_t end = encoded_word_end(p, r, i);

				encoded = end > i ? end : i + 1;
				check_encoded(
				    p, range_text(p, (struct range){ i, encoded }), t->offset);
			}
			word_before = true;
			break;
		case TOKEN_QUOTED:
			check_8bit(p, i);
			check_encoded_inside(p, i);
			word_before = true;
			break;
		case TOKEN_LITERAL:
			from_note(p, SYNTAX_NAME_SPECIAL, t->offset, 1);
			check_8bit(p, i);
			break;
		case TOKEN_SPECIAL: check_special(p, i, word_before); break;
		default: break; /* noted once for the whole field, or nothing is wrong */
		}
	}
}

/* Appends what one token of a name says. */
static void add_token(const struct from_parser *p, size_t i, struct buf *text)
{
	struct slice content = token_content(p->arena, &p->from->tokens, i);

	switch (p->list[i].type) {
	case TOKEN_COMMENT:
	case TOKEN_CONTROL: break;
	case TOKEN_LITERAL: buf_add_slice(text, token_text(&p->from->tokens, i)); break;
	case TOKEN_STRAY:
		if (p->list[i].octet != '"')
			buf_add_slice(text, content);
		break;
	default: buf_add_slice(text, content); break;
	}
}

/* Appends the name, white space between two encoded-words left out (RFC 2047 6.2). */
static void add_phrase(const struct from_parser *p, struct range r, struct buf *text)
{
	bool encoded = false; /* the last word was an encoded-word */
	bool space = false;   /* white space waits to be written */

	for (size_t i = r.begin; i < r.end;) {
		size_t end = encoded_word_end(p, r, i);

		if (p->list[i].type == TOKEN_SPACE) {
			space = true;
			i++;
			continue;
		}
		if (space && text->len > 0 && !(encoded && end > i) &&
		    p->list[i].type != TOKEN_COMMENT) {
			buf_add_char(text, ' ');
			space = false;
		}
		encoded = end > i;
		if (encoded) {
			encoded_word_decode(range_text(p, (struct range){ i, end }), text);
			space = false;
			i = end;
		} else {
			add_token(p, i++, text);
		}
	}
}

struct slice phrase_text(const struct from_parser *p, struct range r)
{
	struct buf text;
	struct slice name = { 0 };

	r = range_trim(p, r);
	if (r.begin == r.end)
		return name;
	buf_init(&text, 4 * FROM_OCTETS_MAX);
	add_phrase(p, r, &text);
	name = slice_trim(arena_copy(p->arena, buf_slice(&text)));
	buf_free(&text);
	return name;
}
