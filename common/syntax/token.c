/*
 * token.c - the lexical tokens of structured header fields, RFC 5322 3.2.
 *
 * A quote or a parenthesis without a partner costs one scan to the end of the
 * body.  After the first such scan every further one that would have to be
 * closed is a stray at once (`no_quote`, `no_comment`), so hostile input does
 * not make the time quadratic.
 */
#include "syntax/token.h"

#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"

enum { FIRST_ROOM = 32 };

struct lexer {
	struct slice body;
	struct arena *arena;
	struct token *list;
	size_t count, room;
	bool no_quote, no_comment, no_literal; /* an opening one can find no partner any more */
};

/*
 * atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" /
 *         "/" / "=" / "?" / "^" / "_" / "`" / "{" / "|" / "}" / "~"
 */
bool is_atext(unsigned char c)
{
	unsigned char letter = c | 0x20;

	return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static unsigned char octet(const struct lexer *lx, size_t at)
{
	return (unsigned char)lx->body.data[at];
}

/* Does a CRLF with white space behind it, a fold, stand here? */
static bool is_fold(const struct lexer *lx, size_t at)
{
	return at + 2 < lx->body.len && octet(lx, at) == '\r' && octet(lx, at + 1) == '\n' &&
	       is_wsp((char)octet(lx, at + 2));
}

/* Control characters other than TAB; a CR or LF counts unless it is part of a fold. */
static bool is_control(unsigned char c)
{
	return is_ctl((char)c) && c != '\t';
}

static struct token *push(struct lexer *lx, enum token_type type, size_t begin, size_t end)
{
	struct token *t;

	if (lx->count == lx->room) {
		size_t room = lx->room == 0 ? FIRST_ROOM : lx->room * 2;
		struct token *list = arena_alloc(lx->arena, room * sizeof *list);

		if (lx->count > 0)
			memcpy(list, lx->list, lx->count * sizeof *list);
		lx->list = list;
		lx->room = room;
	}
	t = &lx->list[lx->count++];
	*t = (struct token){
		.type = (uint8_t)type,
		.octet = begin < lx->body.len ? lx->body.data[begin] : '\0',
		.offset = (uint32_t)begin,
		.length = (uint32_t)(end - begin),
	};
	return t;
}

/*
 * FWS     = ([*WSP CRLF] 1*WSP) / obs-FWS
 * obs-FWS = 1*WSP *(CRLF 1*WSP)
 *
 * A fold behind another fold with nothing but white space between is what
 * only obs-FWS allows: it makes a line of white space alone.  So does a fold
 * with nothing behind it.
 */
static size_t lex_space(struct lexer *lx, size_t at)
{
	size_t begin = at, folds = 0;

	for (;;) {
		if (at < lx->body.len && is_wsp((char)octet(lx, at))) {
			at++;
		} else if (is_fold(lx, at)) {
			at += 3;
			folds++;
		} else {
			break;
		}
	}
	push(lx, TOKEN_SPACE, begin, at)->obsolete =
	    folds > 1 || (folds == 1 && at == lx->body.len && begin > 0);
	return at;
}

/* atom without its CFWS = 1*atext, here with every octet over 127 (RFC 6532 3.2) */
static size_t lex_atom(struct lexer *lx, size_t at)
{
	size_t begin = at;
	bool has_8bit = false;

	while (at < lx->body.len && (is_atext(octet(lx, at)) || octet(lx, at) > 127))
		has_8bit |= octet(lx, at++) > 127;
	push(lx, TOKEN_ATOM, begin, at)->has_8bit = has_8bit;
	return at;
}

/* What the inside of a quoted-string, comment or literal holds. */
struct inside {
	bool has_8bit;
	bool blank_line; /* a fold into a line of white space alone */
	bool folded;     /* nothing but white space since the last fold */
	size_t control;  /* 1 + offset of the first control character */
};

static void note_control(struct inside *in, size_t at)
{
	if (in->control == 0)
		in->control = at + 1;
}

/*
 * Steps over one octet, a quoted-pair or a fold of the inside.
 *
 * quoted-pair = ("\\" (VCHAR / WSP)) / obs-qp; a backslash before a fold is the
 * obsolete form that quotes the CR.
 */
static size_t step_inside(const struct lexer *lx, size_t at, struct inside *in)
{
	if (is_fold(lx, at)) {
		in->blank_line |= in->folded;
		in->folded = true;
		return at + 3;
	}
	in->folded &= is_wsp((char)octet(lx, at));
	if (octet(lx, at) == '\\' && is_fold(lx, at + 1))
		note_control(in, at + 1);
	else if (octet(lx, at) == '\\' && at + 1 < lx->body.len)
		at++;
	if (octet(lx, at) > 127)
		in->has_8bit = true;
	else if (is_control(octet(lx, at)))
		note_control(in, at);
	return at + 1;
}

static void note_inside(struct token *t, const struct inside *in)
{
	t->has_8bit = in->has_8bit;
	t->obsolete = in->blank_line;
	t->control = (uint32_t)in->control;
}

/* quoted-string without its CFWS = DQUOTE *([FWS] qcontent) [FWS] DQUOTE */
static size_t lex_quoted(struct lexer *lx, size_t at)
{
	struct inside in = { 0 };
	size_t end = at + 1;

	while (!lx->no_quote && end < lx->body.len && octet(lx, end) != '"')
		end = step_inside(lx, end, &in);
	if (lx->no_quote || end >= lx->body.len) {
		lx->no_quote = true;
		push(lx, TOKEN_STRAY, at, at + 1);
		return at + 1;
	}
	note_inside(push(lx, TOKEN_QUOTED, at, end + 1), &in);
	return end + 1;
}

/* comment = "(" *([FWS] ccontent) [FWS] ")"; ccontent = ctext / quoted-pair / comment */
static size_t lex_comment(struct lexer *lx, size_t at)
{
	struct inside in = { 0 };
	size_t end = at + 1, depth = 1;

	while (!lx->no_comment && end < lx->body.len && depth > 0) {
		unsigned char c = octet(lx, end);

		if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		end = step_inside(lx, end, &in);
	}
	if (lx->no_comment || depth > 0) {
		lx->no_comment = true;
		push(lx, TOKEN_STRAY, at, at + 1);
		return at + 1;
	}
	note_inside(push(lx, TOKEN_COMMENT, at, end), &in);
	return end;
}

/* domain-literal without its CFWS = "[" *([FWS] dtext) [FWS] "]" */
static size_t lex_literal(struct lexer *lx, size_t at)
{
	struct inside in = { 0 };
	size_t end = at + 1;

	while (
	    !lx->no_literal && end < lx->body.len && octet(lx, end) != ']' && octet(lx, end) != '[')
		end = step_inside(lx, end, &in);
	if (end >= lx->body.len)
		lx->no_literal = true;
	if (lx->no_literal || octet(lx, end) != ']') {
		push(lx, TOKEN_SPECIAL, at, at + 1);
		return at + 1;
	}
	note_inside(push(lx, TOKEN_LITERAL, at, end + 1), &in);
	return end + 1;
}

static size_t lex_one(struct lexer *lx, size_t at)
{
	unsigned char c = octet(lx, at);

	if (is_wsp((char)c) || is_fold(lx, at))
		return lex_space(lx, at);
	if (is_atext(c) || c > 127)
		return lex_atom(lx, at);
	switch (c) {
	case '"': return lex_quoted(lx, at);
	case '(': return lex_comment(lx, at);
	case '[': return lex_literal(lx, at);
	case ')': push(lx, TOKEN_STRAY, at, at + 1); break;
	default: push(lx, is_control(c) ? TOKEN_CONTROL : TOKEN_SPECIAL, at, at + 1); break;
	}
	return at + 1;
}

struct tokens tokenize(struct arena *arena, struct slice body)
{
	struct lexer lx = { .body = body, .arena = arena };
	size_t at = 0;

	while (at < body.len)
		at = lex_one(&lx, at);
	push(&lx, TOKEN_END, body.len, body.len);
	return (struct tokens){ body, lx.list, lx.count - 1 };
}

struct slice token_text(const struct tokens *tokens, size_t index)
{
	const struct token *t = &tokens->list[index];

	return slice_part(tokens->body, t->offset, (size_t)t->offset + t->length);
}

struct slice token_content(struct arena *arena, const struct tokens *tokens, size_t index)
{
	struct slice text = token_text(tokens, index);
	uint8_t type = tokens->list[index].type;
	char *out;
	size_t len = 0;

	if (type != TOKEN_QUOTED && type != TOKEN_COMMENT && type != TOKEN_LITERAL)
		return text;
	text = slice_part(text, 1, text.len - 1);
	out = arena_alloc(arena, text.len + 1);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\\' && i + 1 < text.len && text.data[i + 1] != '\r')
			i++;
		else if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
			continue;
		else if (text.data[i] == '\n' && i > 0 && text.data[i - 1] == '\r')
			continue;
		out[len++] = text.data[i];
	}
	return (struct slice){ out, len };
}
