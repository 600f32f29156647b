/* config_text.c - the text of a configuration file, made safe for libconfuse. */
#include "policy/config_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

enum { BRACES_MAX = 8 }; /* open at once; the deepest list stands in a section of a section */

struct brace {
	unsigned line;
	bool list; /* it opens a list, not a section */
};

struct scan {
	struct config_text *out;
	struct slice text;
	size_t at;
	unsigned line;
	bool value_next; /* "=" was the last token */
	struct brace braces[BRACES_MAX];
	size_t depth;
};

static bool fault(struct scan *s, unsigned line, const char *why)
{
	s->out->line = line;
	s->out->why = why;
	return false;
}

static int peek(const struct scan *s, size_t ahead)
{
	return s->at + ahead < s->text.len ? (unsigned char)s->text.data[s->at + ahead] : -1;
}

static bool is_control(int c)
{
	return (c >= 0 && c < ' ' && c != '\t' && c != '\n') || c == 127;
}

/* The next octet to the output, as it is or as a blank. */
static void pass(struct scan *s, bool as_blank)
{
	int c = peek(s, 0);

	if (c == '\n')
		s->line++;
	buf_add_char(&s->out->clean, as_blank && c != '\n' ? ' ' : (char)c);
	s->at++;
}

/* comment = ("#" / "//") *(any but LF) / "/" "*" *any "*" "/" */
static bool skip_comment(struct scan *s)
{
	unsigned line = s->line;

	if (peek(s, 0) == '#' || peek(s, 1) == '/') {
		while (peek(s, 0) != -1 && peek(s, 0) != '\n')
			pass(s, true);
		return true;
	}
	pass(s, true);
	pass(s, true);
	while (peek(s, 0) != '*' || peek(s, 1) != '/') {
		if (peek(s, 0) == -1)
			return fault(s, line, "the comment that begins here is not closed");
		pass(s, true);
	}
	pass(s, true);
	pass(s, true);
	return true;
}

/* A backslash in a string: what libconfuse makes of it must be the octet behind it. */
static bool copy_escape(struct scan *s, int quote)
{
	int next = peek(s, 1);

	if (quote == '"' && next != '"' && next != '\\')
		return fault(s, s->line,
		    "in double quotes a backslash stands only before \" or another backslash");
	pass(s, false);
	if (next == quote || next == '\\')
		pass(s, false);
	return true;
}

/* string = DQUOTE *(any but DQUOTE, "\" / "\" DQUOTE / "\\") DQUOTE, and the like in "'" */
static bool copy_string(struct scan *s)
{
	int quote = peek(s, 0);

	pass(s, false);
	while (peek(s, 0) != quote) {
		int c = peek(s, 0);

		if (c == -1 || c == '\n' || (c == '\r' && peek(s, 1) == '\n'))
			return fault(s, s->line, "a quoted string is not closed on its line");
		if (is_control(c))
			return fault(s, s->line, "a control character in a string");
		if (c == '\\') {
			if (!copy_escape(s, quote))
				return false;
			continue;
		}
		if (c == '$' && quote == '"')
			buf_add_char(&s->out->clean, '\\');
		pass(s, false);
	}
	pass(s, false);
	s->value_next = false;
	return true;
}

static bool open_brace(struct scan *s)
{
	if (s->depth == BRACES_MAX)
		return fault(s, s->line, "braces are nested too deep");
	s->braces[s->depth++] = (struct brace){ s->line, s->value_next };
	s->value_next = false;
	pass(s, false);
	return true;
}

static bool close_brace(struct scan *s)
{
	struct config_text *t = s->out;

	if (s->depth == 0)
		return fault(s, s->line, "\"}\" closes nothing");
	s->depth--;
	s->value_next = false;
	pass(s, false);
	if (s->braces[s->depth].list)
		return true;
	if (t->sections == t->sections_room) {
		t->sections_room = t->sections_room == 0 ? 64 : 2 * t->sections_room;
		t->opened = must_realloc(t->opened, t->sections_room * sizeof *t->opened);
	}
	t->opened[t->sections++] = s->braces[s->depth].line;
	return true;
}

/* "=" or "+=" */
static bool copy_equals(struct scan *s)
{
	if (peek(s, 0) == '+') {
		if (peek(s, 1) != '=')
			return fault(s, s->line, "a text with \"+\" must stand in quotes");
		pass(s, false);
	}
	pass(s, false);
	s->value_next = true;
	return true;
}

static bool ends_word(const struct scan *s)
{
	int c = peek(s, 0);

	return c <= ' ' || c == 127 || strchr("#\"'={}()+,*$", c) != NULL ||
	       (c == '/' && peek(s, 1) == '*');
}

/* word = 1*(any but blanks, control characters and # " ' = { } ( ) + , * $) */
static bool copy_word(struct scan *s)
{
	switch (peek(s, 0)) {
	case '*': return fault(s, s->line, "a text with \"*\" must stand in quotes");
	case '$': return fault(s, s->line, "a text with \"$\" must stand in quotes");
	case '(':
	case ')': return fault(s, s->line, "a text with parentheses must stand in quotes");
	default: break;
	}
	if (ends_word(s))
		return fault(s, s->line, "a control character outside a comment");
	while (!ends_word(s))
		pass(s, false);
	s->value_next = false;
	return true;
}

static bool copy_token(struct scan *s)
{
	int c = peek(s, 0), next = peek(s, 1);

	switch (c) {
	case ' ':
	case '\t':
	case '\n':
	case ',': pass(s, false); return true;
	case '"':
	case '\'': return copy_string(s);
	case '{': return open_brace(s);
	case '}': return close_brace(s);
	case '+':
	case '=': return copy_equals(s);
	default: break;
	}
	if (c == '\r' && next == '\n') {
		pass(s, true);
		return true;
	}
	if (c == '#' || (c == '/' && (next == '/' || next == '*')))
		return skip_comment(s);
	return copy_word(s);
}

static unsigned line_at(struct slice text, size_t at)
{
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += text.data[i] == '\n';
	return line;
}

bool config_text_read(struct config_text *t, struct slice text)
{
	struct scan s = { .out = t, .text = text, .line = 1 };
	size_t invalid = utf8_first_invalid(text);

	*t = (struct config_text){ 0 };
	/* a "$" takes two octets, any other one at most */
	buf_init(&t->clean, 2 * text.len);
	if (invalid < text.len)
		return fault(&s, line_at(text, invalid), "not valid UTF-8");
	if (slice_starts_nocase(text, SLICE("\xef\xbb\xbf"))) /* a byte order mark */
		s.at = 3;
	while (s.at < text.len)
		if (!copy_token(&s))
			return false;
	if (s.depth > 0)
		return fault(
		    &s, s.braces[s.depth - 1].line, "the \"{\" on this line is not closed");
	return true;
}

void config_text_free(struct config_text *t)
{
	buf_free(&t->clean);
	free(t->opened);
}
