/*
 * test_token.c - the tokens of structured fields, rule by rule of RFC 5322 3.2.
 *
 * A row's tokens are written one letter each: a atom, q quoted-string,
 * l domain-literal, s white space, c comment, x special, ! stray, # control.
 * Whatever comes, the tokens must cover the body without a gap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "syntax/token.h"
#include "unit.h"

struct row {
	const char *label;
	const char *body;
	size_t len; /* 0: as strlen counts */
	const char *types;
	const char *lengths; /* of each token, apart by spaces */
};

static const struct row rows[] = {
	{ "nothing", "", 0, "", "" },
	{ "an atom", "john", 0, "a", "4" },
	{ "all of atext", "azAZ09!#$%&'*+-/=?^_`{|}~", 0, "a", "25" },
	{ "octets over 127 are of an atom", "J\xc3\xb6rg\xff", 0, "a", "6" },
	{ "an addr-spec", "john@example.com", 0, "axaxa", "4 1 7 1 3" },
	{ "a name-addr", "John <j@x>", 0, "asxaxax", "4 1 1 1 1 1 1" },
	{ "every special", "<>@,;:.\\]", 0, "xxxxxxxxx", "1 1 1 1 1 1 1 1 1" },

	{ "white space", " \t ", 0, "s", "3" },
	{ "a fold", "a\r\n b", 0, "asa", "1 3 1" },
	{ "white space around a fold", "a \t\r\n\t b", 0, "asa", "1 6 1" },
	{ "folds one behind the other", "a\r\n \r\n b", 0, "asa", "1 6 1" },
	{ "a CRLF that folds nothing", "a\r\nb", 0, "a##a", "1 1 1 1" },
	{ "a CRLF at the end", "a\r\n", 0, "a##", "1 1 1" },
	{ "a bare LF before white space", "a\n b", 0, "a#sa", "1 1 1 1" },
	{ "a bare CR", "a\rb", 0, "a#a", "1 1 1" },

	{ "a quoted string", "\"a b\"", 0, "q", "5" },
	{ "an empty quoted string", "\"\"", 0, "q", "2" },
	{ "a quoted quote", "\"a\\\"b\"", 0, "q", "6" },
	{ "a quoted backslash ends before the quote", "\"a\\\\\"b", 0, "qa", "5 1" },
	{ "specials in quotes", "\"<a@b>, (c)\"", 0, "q", "12" },
	{ "a fold in quotes", "\"a\r\n b\"", 0, "q", "7" },
	{ "a quote never closed", "\"ab c", 0, "!asa", "1 2 1 1" },
	{ "a closing quote that is quoted", "\"ab\\\"", 0, "!ax!", "1 2 1 1" },
	{ "a backslash as last octet of an open quote", "\"a\\", 0, "!ax", "1 1 1" },
	{ "a closed string, then a stray quote", "\"a\"\"", 0, "q!", "3 1" },
	{ "a backslash before a fold quotes nothing", "\"a\\\r\n b\"", 0, "q", "8" },

	{ "a comment", "(a b)", 0, "c", "5" },
	{ "nested comments", "(a(b)c(d(e)))", 0, "c", "13" },
	{ "a quoted parenthesis in a comment", "(a\\)b)", 0, "c", "6" },
	{ "a quote in a comment is text", "(a\"b)c\"", 0, "ca!", "5 1 1" },
	{ "a comment never closed", "(ab", 0, "!a", "1 2" },
	{ "the inner one closed only", "(a(b)", 0, "!a!a!", "1 1 1 1 1" },
	{ "a closing parenthesis alone", "a)b", 0, "a!a", "1 1 1" },

	{ "a domain literal", "[192.0.2.1]", 0, "l", "11" },
	{ "a bracket never closed", "[1.2", 0, "xaxa", "1 1 1 1" },
	{ "a bracket inside brackets", "[a[b]", 0, "xal", "1 1 3" },
	{ "a closing bracket alone", "a]", 0, "ax", "1 1" },
	{ "a quoted bracket in a literal", "[a\\]b]", 0, "l", "6" },

	{ "a NUL", "a\0b", 3, "a#a", "1 1 1" },
	{ "a NUL in quotes", "\"a\0b\"", 5, "q", "5" },
	{ "ESC and DEL", "\x1b\x7f", 0, "##", "1 1" },
};

static char letter(enum token_type type)
{
	static const char letters[] = "aqlscx!#";

	return type < TOKEN_END ? letters[type] : '?';
}

static struct slice row_body(const struct row *row)
{
	return exact(row->body, row->len > 0 ? row->len : strlen(row->body));
}

START_TEST(splits)
{
	const struct row *row = &rows[_i];
	struct arena *arena = arena_new();
	struct slice body = row_body(row);
	struct tokens tokens = tokenize(arena, body);
	char types[64] = "", lengths[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < tokens.count; i++) {
		size_t used = strlen(lengths);

		ck_assert_msg(i + 1 < sizeof types, "%s: too many tokens", row->label);
		types[i] = letter(tokens.list[i].type);
		snprintf(lengths + used, sizeof lengths - used, i > 0 ? " %u" : "%u",
		    tokens.list[i].length);
		ck_assert_msg(
		    tokens.list[i].offset == at, "%s: a gap before token %zu", row->label, i);
		at += tokens.list[i].length;
	}
	ck_assert_msg(at == body.len, "%s: %zu octets of %zu covered", row->label, at, body.len);
	ck_assert_msg(tokens.list[tokens.count].type == TOKEN_END, "%s: no end", row->label);
	ck_assert_msg(
	    tokens.list[tokens.count].offset == body.len, "%s: the end's offset", row->label);
	expect_slice(row->label, "the tokens", slice_of(types), row->types);
	expect_slice(row->label, "the lengths", slice_of(lengths), row->lengths);
	exact_free(body);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *body;
	const char *content;
} contents[] = {
	{ "an atom stands for itself", "a", "a" },
	{ "quotes are left out", "\"a b\"", "a b" },
	{ "an empty string", "\"\"", "" },
	{ "quoted-pairs lose the backslash", "\"a\\\"b\\\\c\\d\"", "a\"b\\cd" },
	{ "a fold loses its CRLF", "\"a\r\n b\"", "a b" },
	{ "a comment keeps the inner parentheses", "(a (b) \\) c)", "a (b) ) c" },
	{ "a literal", "[1.2\\]3]", "1.2]3" },
	{ "a stray stands for itself", "\"a", "\"" },
};

START_TEST(content)
{
	struct arena *arena = arena_new();
	struct slice body = exact_text(contents[_i].body);
	struct tokens tokens = tokenize(arena, body);

	expect_slice(contents[_i].label, "the content", token_content(arena, &tokens, 0),
	    contents[_i].content);
	exact_free(body);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *body;
	size_t len; /* 0: as strlen counts */
	bool has_8bit, obsolete;
	uint32_t control; /* all three of the last token */
} marks[] = {
	{ "nothing to note", "abc", 0, false, false, 0 },
	{ "8-bit atom", "ab\x80", 0, true, false, 0 },
	{ "8-bit in quotes", "\"a\xc3\xa9\"", 0, true, false, 0 },
	{ "8-bit in a comment", "(a\xc3\xa9)", 0, true, false, 0 },
	{ "one fold alone", " \r\n ", 0, false, false, 0 },
	{ "two folds", "a \r\n \r\n ", 0, false, true, 0 },
	{ "two folds in first place", " \r\n \r\n ", 0, false, true, 0 },
	{ "a fold with nothing behind it", "a\r\n ", 0, false, true, 0 },
	{ "control in quotes", "\"ab\x07\x08\"", 0, false, false, 4 },
	{ "control in a comment", "(\x1b)", 0, false, false, 2 },
	{ "NUL in quotes", "\"\0\"", 3, false, false, 2 },
	{ "a quoted control is one too", "\"a\\\x07\"", 0, false, false, 4 },
	{ "a bare LF in quotes", "\"a\nb\"", 0, false, false, 3 },
	{ "TAB is no control", "\"a\tb\"", 0, false, false, 0 },
	{ "a fold is no control", "\"a\r\n b\"", 0, false, false, 0 },
};

START_TEST(mark)
{
	struct arena *arena = arena_new();
	struct slice body =
	    exact(marks[_i].body, marks[_i].len > 0 ? marks[_i].len : strlen(marks[_i].body));
	struct tokens tokens = tokenize(arena, body);
	const struct token *t = &tokens.list[tokens.count - 1];

	ck_assert_msg(t->has_8bit == marks[_i].has_8bit, "%s: has_8bit", marks[_i].label);
	ck_assert_msg(t->obsolete == marks[_i].obsolete, "%s: obsolete", marks[_i].label);
	ck_assert_msg(t->control == marks[_i].control, "%s: control is %u, wanted %u",
	    marks[_i].label, t->control, marks[_i].control);
	exact_free(body);
	arena_free(arena);
}
END_TEST

/* What can never be closed must not be searched for again at each opening. */
static const char *const hostile[] = { "\"", "(", "[", "\"(", "([", "\\\"", ")", "(\\", "\r\n " };

START_TEST(covers_hostile)
{
	enum { ROUNDS = 20000 };
	struct arena *arena = arena_new();
	const char *piece = hostile[_i];
	size_t len = strlen(piece), at = 0;
	char *text = must_alloc(len * ROUNDS);
	struct slice body = { text, len * ROUNDS };
	struct tokens tokens;

	for (size_t i = 0; i < ROUNDS; i++)
		memcpy(text + i * len, piece, len);
	tokens = tokenize(arena, body);
	for (size_t i = 0; i < tokens.count; i++) {
		ck_assert_uint_eq(tokens.list[i].offset, at);
		ck_assert_uint_gt(tokens.list[i].length, 0);
		at += tokens.list[i].length;
	}
	ck_assert_uint_eq(at, body.len);
	free(text);
	arena_free(arena);
}
END_TEST

/* atext by the list of RFC 5322 3.2.3, octet by octet. */
START_TEST(atext)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789!#$%&'*+-/=?^_`{|}~";

	for (int c = 0; c < 256; c++)
		ck_assert_msg(is_atext((unsigned char)c) == (c != 0 && strchr(allowed, c) != NULL),
		    "octet %d", c);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("token");
	TCase *tcase = tcase_create("token");

	tcase_add_loop_test(tcase, splits, 0, ROWS(rows));
	tcase_add_loop_test(tcase, content, 0, ROWS(contents));
	tcase_add_loop_test(tcase, mark, 0, ROWS(marks));
	tcase_add_loop_test(tcase, covers_hostile, 0, ROWS(hostile));
	tcase_add_test(tcase, atext);
	suite_add_tcase(suite, tcase);
	return suite;
}
