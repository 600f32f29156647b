/*
 * test_proposal.c - the corrected From field.
 *
 * Besides the wanted text every proposal is held to its promise: it parses
 * without a fault, names the same author, and nothing more can be corrected.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "syntax/domain.h"
#include "syntax/proposal.h"
#include "unit.h"

enum { UTF8 = 1 }; /* the message asks for SMTPUTF8 */

static const struct row {
	const char *label;
	const char *body;
	const char *wanted; /* NULL: no proposal */
	int flags;
} rows[] = {
	/* the name */
	{ "an unquoted comma", "Doe, John <john@example.com>", "\"Doe, John\" <john@example.com>",
	    0 },
	{ "blanks around the field", "  Doe, John <john@example.com> ",
	    "\"Doe, John\" <john@example.com>", 0 },
	{ "an unquoted dot", "John Q. Public <j@x.com>", "\"John Q. Public\" <j@x.com>", 0 },
	{ "an unquoted colon", "Chris's Wiki :: blog <feed@x.com>",
	    "\"Chris's Wiki :: blog\" <feed@x.com>", 0 },
	{ "an unquoted @", "yagmailtest@WORK.com <yagmailtest@WORK.com>",
	    "\"yagmailtest@WORK.com\" <yagmailtest@WORK.com>", 0 },
	{ "words without brackets", "John john@x.com", "John <john@x.com>", 0 },
	{ "two words without brackets", "John Doe john@x.com", "John Doe <john@x.com>", 0 },
	{ "a quote that is not closed", "\"John Doe <j@x.com>", "John Doe <j@x.com>", 0 },
	{ "a quote inside quotes", "\"a \\\"b\\\" c\", <j@x.com>", "\"a \\\"b\\\" c\" <j@x.com>",
	    0 },
	{ "a backslash", "\"a\\\\b\" x. <j@x.com>", "\"a\\\\b x.\" <j@x.com>", 0 },
	{ "a comma behind the quotes", "\"Doe, John\", <j@x.com>", "\"Doe, John\" <j@x.com>", 0 },
	{ "a name before a comma", "Doe, j@x.com", "Doe <j@x.com>", 0 },
	{ "nothing but separators", ", ; <j@x.com>", "j@x.com", 0 },
	{ "folds become blanks", "Doe,\r\n John\r\n\t<j@x.com>", "\"Doe, John\" <j@x.com>", 0 },
	{ "a fold of white space alone", "John\r\n \r\n <j@x.com>", "John <j@x.com>", 0 },
	{ "a fold inside quotes", "\"John\r\n\tDoe\". <j@x.com>", "\"John Doe.\" <j@x.com>", 0 },

	{ "blanks inside quotes", "\"John \t Doe\". <j@x.com>", "\"John Doe.\" <j@x.com>", 0 },

	/* the name is not ASCII */
	{ "raw UTF-8", "J\xc3\xb6rg <j@x.com>", "=?UTF-8?B?SsO2cmc=?= <j@x.com>", 0 },
	{ "raw UTF-8 and a comma", "D\xc3\xb6, J <j@x.com>", "=?UTF-8?B?RMO2LCBK?= <j@x.com>", 0 },
	{ "raw UTF-8 in quotes", "\"D\xc3\xb6, J\" <j@x.com>", "=?UTF-8?B?RMO2LCBK?= <j@x.com>",
	    0 },
	{ "raw UTF-8 where it may be", "D\xc3\xb6, J <j@x.com>", "\"D\xc3\xb6, J\" <j@x.com>",
	    UTF8 },
	{ "words of raw UTF-8 where it may be", "J\xc3\xb6rg j@x.com", "J\xc3\xb6rg <j@x.com>",
	    UTF8 },
	{ "an encoded name and a comma", "=?utf-8?q?J=C3=B6rg?= , B <j@x.com>",
	    "=?UTF-8?B?SsO2cmcgLCBC?= <j@x.com>", 0 },
	{ "an encoded name in quotes", "\"=?utf-8?q?J=C3=B6rg?=\" <j@x.com>",
	    "=?UTF-8?B?SsO2cmc=?= <j@x.com>", 0 },
	{ "an encoded ASCII name in quotes", "\"=?utf-8?q?Doe=2C_J?=\" <j@x.com>",
	    "\"Doe, J\" <j@x.com>", 0 },
	{ "octets that are no UTF-8", "J\xf6rg <j@x.com>", NULL, 0 },
	{ "an encoded control character", "=?utf-8?q?a=07b?= <j@x.com>", NULL, 0 },
	{ "an encoded control character of C1", "=?utf-8?q?a=C2=85b?= c. <j@x.com>", NULL, 0 },
	{ "a character set that is not known", "=?x-none?q?a?=, b <j@x.com>", NULL, 0 },
	{ "an encoded-word that decodes to another",
	    "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?= b. <j@x.com>", NULL, 0 },
	{ "octets that the character set lacks", "=?utf-8?q?a=FFb?= c. <j@x.com>", NULL, 0 },

	/* the address */
	{ "a comma behind", "\"Doe, John\" <j@x.com>, ", "\"Doe, John\" <j@x.com>", 0 },
	{ "an address and a comma", "j@x.com,", "j@x.com", 0 },
	{ "a comma in front", ", j@x.com", "j@x.com", 0 },
	{ "white space beside the @", "John <john @ x.com>", "John <john@x.com>", 0 },
	{ "a source route", "<@a.example:j@x.com>", "j@x.com", 0 },
	{ "a bracket never closed", "John <j@x.com", "John <j@x.com>", 0 },
	{ "nested brackets", "John <<j@x.com>>", "John <j@x.com>", 0 },
	{ "text behind the address", "<j@x.com> John", "j@x.com", 0 },
	{ "a final dot", "John <j@x.com.>", "John <j@x.com>", 0 },
	{ "a local part that must stay quoted", "D, J <\"j d\"@x.com>", "\"D, J\" <\"j d\"@x.com>",
	    0 },
	{ "a domain that is not ASCII",
	    "J <j@b\xc3\xbc"
	    "cher.example>",
	    "J <j@xn--bcher-kva.example>", 0 },
	{ "a domain that may be so",
	    "D, J <j@b\xc3\xbc"
	    "cher.example>",
	    "\"D, J\" <j@b\xc3\xbc"
	    "cher.example>",
	    UTF8 },
	{ "a group of one", "Team: John <j@x.com>;", "John <j@x.com>", 0 },
	{ "a group of one without a name", "Team: j@x.com;", "j@x.com", 0 },

	/* nothing can be told */
	{ "nothing", "", NULL, 0 },
	{ "no address", "John Doe", NULL, 0 },
	{ "cron", "root (Cron Daemon)", NULL, 0 },
	{ "empty brackets", "MAILER-DAEMON <>", NULL, 0 },
	{ "no domain", "A, B <john@>", NULL, 0 },
	{ "a domain of one label", "A, B <john@host>", NULL, 0 },
	{ "an underscore in the domain", "A, B <john@a_b.com>", NULL, 0 },
	{ "an address literal", "A, B <john@[192.0.2.1]>", NULL, 0 },
	{ "two addresses", "A, B <a@x.com>, b@y.com", NULL, 0 },
	{ "two brackets", "A <a@good.com> <b@bad.com>", NULL, 0 },
	{ "a bad address and a good one", "a@b@c.com, d@x.com", NULL, 0 },
	{ "a good address and a bad one", "A, B <d@x.com>, a..b@c.com", NULL, 0 },
	{ "a bad address, then a good one", "<a@b@c.com> <d@x.com>", NULL, 0 },
	{ "two @", "A, B <a@b@c.com>", NULL, 0 },
	{ "white space in the local part", "John <john doe@x.com>", NULL, 0 },
	{ "a local part that is not ASCII", "A, B <j\xc3\xb6@x.com>", NULL, 0 },
	{ "a local part too long",
	    "A, B <aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg@x.com>", NULL,
	    0 },
	{ "a control character in the local part",
	    "A, B <\"a\x07"
	    "b\"@x.com>",
	    NULL, 0 },

	/* nothing is wrong that could be seen */
	{ "an empty line at the end", "j@x.com\r\n ", NULL, 0 },

	/* nothing is wrong */
	{ "an address", "j@x.com", NULL, 0 },
	{ "an address in brackets", "<j@x.com>", NULL, 0 },
	{ "a name", "John <j@x.com>", NULL, 0 },
	{ "a quoted name", "\"Doe, John\" <j@x.com>", NULL, 0 },
	{ "a comment", "j@x.com (John)", NULL, 0 },
	{ "two authors", "a@x.com, b@y.com", NULL, 0 },
};

/* What every proposal owes. */
static void expect_right(struct arena *arena, const char *label, const struct from_field *from,
    struct slice proposal, bool smtputf8)
{
	const struct from_field *again = from_parse(arena, proposal, smtputf8);

	ck_assert_msg(
	    again->valid && again->error_count == 0, "%s: the proposal has a fault", label);
	ck_assert_msg(again->count == 1, "%s: the proposal has %zu authors", label, again->count);
	ck_assert_msg(slice_equal(again->mailboxes->local_part, from->mailboxes->local_part) &&
			  domain_equal(arena, again->mailboxes->domain, from->mailboxes->domain),
	    "%s: the proposal has another author", label);
	ck_assert_msg(from_proposal(arena, again, smtputf8).data == NULL,
	    "%s: the proposal is corrected again", label);
}

START_TEST(proposes)
{
	const struct row *row = &rows[_i];
	bool smtputf8 = row->flags & UTF8;
	struct arena *arena = arena_new();
	struct slice body = exact_text(row->body);
	const struct from_field *from = from_parse(arena, body, smtputf8);
	struct slice got = from_proposal(arena, from, smtputf8);

	if (row->wanted == NULL) {
		ck_assert_msg(
		    got.data == NULL, "%s: proposes \"%.*s\"", row->label, SLICE_ARG(got));
	} else {
		ck_assert_msg(got.data != NULL, "%s: no proposal", row->label);
		expect_slice(row->label, "the proposal", got, row->wanted);
		expect_right(arena, row->label, from, got, smtputf8);
	}
	exact_free(body);
	arena_free(arena);
}
END_TEST

/* A name of `length` octets, as `piece` again and again, without quotes around its comma. */
static struct slice long_body(struct arena *arena, const char *piece, size_t length)
{
	static const struct slice end = SLICE(", <j@x.com>");
	char *text = arena_alloc(arena, length + end.len);

	for (size_t i = 0; i < length; i++)
		text[i] = piece[i % strlen(piece)];
	memcpy(text + length, end.data, end.len);
	return (struct slice){ text, length + end.len };
}

static const struct {
	const char *label;
	const char *piece;
	size_t length;
	bool proposed;
} lengths[] = {
	{ "a long name", "aaaaaaaaa ", 900, true },
	{ "a name too long", "aaaaaaaaa ", 1100, false },
	{ "a name far too long", "aaaaaaaaa ", 30000, false },
	{ "a long name to encode", "\xc3\xbc", 200, true },
	{ "a name too long when encoded", "\xc3\xbc", 900, false },
};

START_TEST(keeps_to_length)
{
	struct arena *arena = arena_new();
	struct slice body = long_body(arena, lengths[_i].piece, lengths[_i].length);
	const struct from_field *from = from_parse(arena, body, false);
	struct slice got = from_proposal(arena, from, false);

	ck_assert_msg((got.data != NULL) == lengths[_i].proposed, "%s", lengths[_i].label);
	ck_assert_msg(got.len <= FROM_LINE_MAX, "%s: %zu octets", lengths[_i].label, got.len);
	if (got.data != NULL)
		expect_right(arena, lengths[_i].label, from, got, false);
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("proposal");
	TCase *tcase = tcase_create("proposal");

	tcase_add_loop_test(tcase, proposes, 0, ROWS(rows));
	tcase_add_loop_test(tcase, keeps_to_length, 0, ROWS(lengths));
	suite_add_tcase(suite, tcase);
	return suite;
}
