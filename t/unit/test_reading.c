/*
 * test_reading.c - the readings found in the wild, and what a valid field shows.
 *
 * A row names the addresses that the two readings of the pair must report, or
 * none where every reading agrees.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "syntax/reading.h"
#include "unit.h"

enum { FIELDS = 3 };

struct pair_row {
	const char *label;
	const char *bodies[FIELDS];
	enum reading_kind kinds[2];
	const char *addresses[2]; /* no first one: not ambiguous */
};

static const struct pair_row pair_rows[] = {
	/* the kinds of reading */
	{ "an address as the name of another", { "ceo@bank.example <me@x.com>" },
	    { READING_STRICT, READING_FIRST_AT }, { "me@x.com", "ceo@bank.example" } },
	{ "two bracketed addresses", { "A <a@good.example> <b@bad.example>" },
	    { READING_FIRST_ANGLE, READING_LAST_ANGLE }, { "a@good.example", "b@bad.example" } },
	{ "brackets before the name", { "<a@x.com> Some <b@y.com>" },
	    { READING_FIRST_ANGLE, READING_LAST_ANGLE }, { "a@x.com", "b@y.com" } },
	{ "brackets inside quotes", { "\"A <ceo@bank.example>\" <me@x.com>," },
	    { READING_STRICT, READING_FIRST_ANGLE }, { "me@x.com", "ceo@bank.example" } },
	{ "an address behind the brackets", { "<me@x.com> ceo@bank.example" },
	    { READING_FIRST_ANGLE, READING_LAST_AT }, { "me@x.com", "ceo@bank.example" } },
	{ "an address in a comment", { "Foo, (foo@bar.com) <baz@baz.com>" },
	    { READING_STRICT, READING_FIRST_AT }, { "baz@baz.com", "foo@bar.com" } },
	{ "in a comment between others", { "a@x.com, (c@z.com), a@x.com" },
	    { READING_FIRST_AT, READING_COMMENT }, { "a@x.com", "c@z.com" } },
	{ "in a quoted string between others", { "a@x.com, \"c@z.com\" b, a@x.com" },
	    { READING_FIRST_AT, READING_QUOTED }, { "a@x.com", "c@z.com" } },
	{ "a quoted string with a quoted @", { "\"c\\@z.com\" <a@x.com>," },
	    { READING_STRICT, READING_QUOTED }, { "a@x.com", "c@z.com" } },
	{ "in an encoded-word", { "=?utf-8?q?ceo=40bank.example?= <me@x.com>," },
	    { READING_STRICT, READING_DECODED }, { "me@x.com", "ceo@bank.example" } },
	{ "brackets in an encoded-word", { "=?utf-8?q?=3Cceo=40bank.example=3E?= <me@x.com>," },
	    { READING_STRICT, READING_DECODED }, { "me@x.com", "ceo@bank.example" } },
	{ "split over two encoded-words",
	    { "=?utf-8?q?ceo=40?= =?utf-8?q?bank.example?= <me@x.com>," },
	    { READING_STRICT, READING_DECODED }, { "me@x.com", "ceo@bank.example" } },
	{ "an encoded-word beside a comma", { "=?utf-8?q?ceo=40bank.example?=, <me@x.com>" },
	    { READING_STRICT, READING_DECODED }, { "me@x.com", "ceo@bank.example" } },
	{ "an encoded-word in quotes", { "\"=?utf-8?q?ceo=40bank.example?=\", <me@x.com>" },
	    { READING_STRICT, READING_DECODED }, { "me@x.com", "ceo@bank.example" } },
	{ "an encoded-word with a dot", { "=?utf-8?q?ceo=40bank.example?= <me@x.com>" },
	    { READING_STRICT, READING_DECODED }, { "me@x.com", "ceo@bank.example" } },
	{ "the scheme of a URI", { "mailto:a@x.com <b@x.com>" },
	    { READING_STRICT, READING_FIRST_AT }, { "b@x.com", "a@x.com" } },
	{ "quotes around a bracketed address", { "b@y.com <\"a@x.com\">" },
	    { READING_FIRST_ANGLE, READING_FIRST_AT }, { "a@x.com", "b@y.com" } },
	{ "no address by the grammar", { "(a@x.com) \"b@y.com\"" },
	    { READING_FIRST_AT, READING_LAST_AT }, { "a@x.com", "b@y.com" } },
	{ "a quote that is not closed", { "\"ceo@bank.example <me@x.com>" },
	    { READING_STRICT, READING_FIRST_AT }, { "me@x.com", "ceo@bank.example" } },
	{ "a comment that is not closed", { "(ceo@bank.example <me@x.com>" },
	    { READING_STRICT, READING_FIRST_AT }, { "me@x.com", "ceo@bank.example" } },
	{ "two authors and an unquoted comma", { "Doe, John <a@x.com>, b@y.com" },
	    { READING_FIRST_ANGLE, READING_LAST_AT }, { "a@x.com", "b@y.com" } },
	{ "other local parts", { "b@x.com, , a@x.com" }, { READING_FIRST_AT, READING_LAST_AT },
	    { "b@x.com", "a@x.com" } },
	{ "a quoted local part beside another", { "<\"j d\"@x.com>, b@x.com," },
	    { READING_FIRST_ANGLE, READING_FIRST_AT }, { "\"j d\"@x.com", "b@x.com" } },
	{ "a domain that is a parent of the other", { "a@x.com <a@mail.x.com>" },
	    { READING_STRICT, READING_FIRST_AT }, { "a@mail.x.com", "a@x.com" } },

	/* one address only, whatever else is wrong */
	{ "an unquoted comma", { "Doe, John <john@example.com>" }, { 0 }, { 0 } },
	{ "a comma behind", { "\"Doe, John\" <j@x.com>, " }, { 0 }, { 0 } },
	{ "an unquoted dot", { "John Q. Public <j@x.com>" }, { 0 }, { 0 } },
	{ "the name is the address", { "yagmailtest@WORK.com <yagmailtest@WORK.com>" }, { 0 },
	    { 0 } },
	{ "the name is the address in other case", { "J@X.com <j@x.COM>" }, { 0 }, { 0 } },
	{ "U-label and A-label",
	    { "j@b\xc3\xbc"
	      "cher.example <j@xn--bcher-kva.example>" },
	    { 0 }, { 0 } },
	{ "a final dot", { "j@x.com. <j@x.com>" }, { 0 }, { 0 } },
	{ "apostrophes around", { "'j@x.com' <j@x.com>" }, { 0 }, { 0 } },
	{ "apostrophes in brackets", { "<'j@x.com'>" }, { 0 }, { 0 } },
	{ "quotes in brackets", { "<\"j@x.com\">" }, { 0 }, { 0 } },
	{ "mailto:", { "mailto:j@x.com <mailto:j@x.com>" }, { 0 }, { 0 } },
	{ "words without brackets", { "John john@x.com" }, { 0 }, { 0 } },
	{ "nested brackets", { "John <<john@x.com>>" }, { 0 }, { 0 } },
	{ "a bracket never closed", { "John <john@x.com" }, { 0 }, { 0 } },
	{ "brackets in the name", { "John <3 <john@x.com>" }, { 0 }, { 0 } },
	{ "white space in the local part", { "John <john doe@x.com>" }, { 0 }, { 0 } },
	{ "white space beside the @", { "John <john @ x.com>, " }, { 0 }, { 0 } },
	{ "two @ together", { "a@@b <me@x.com>" }, { 0 }, { 0 } },
	{ "two @ in a word", { "a@b@c <me@x.com>" }, { 0 }, { 0 } },
	{ "an @ alone", { "John @ Work <me@x.com>" }, { 0 }, { 0 } },
	{ "an @ in first place", { "@john <me@x.com>" }, { 0 }, { 0 } },
	{ "an @ in last place", { "john@ <me@x.com>" }, { 0 }, { 0 } },
	{ "nothing but dashes behind the @", { "john@-- <me@x.com>" }, { 0 }, { 0 } },
	{ "a local part in quotes", { "Doe, J <\"john doe\"@example.com>" }, { 0 }, { 0 } },
	{ "a bare local part in quotes", { "\"john doe\"@example.com," }, { 0 }, { 0 } },
	{ "quotes that need not be", { "j@x.com, <\"j\"@x.com>" }, { 0 }, { 0 } },
	{ "a quoted-pair in the local part", { "<\"j\\d\"@x.com>, , jd@x.com" }, { 0 }, { 0 } },
	{ "a source route", { "<@a.example,@b.example:j@x.com>" }, { 0 }, { 0 } },
	{ "the comment is the address", { "Doe, <j@x.com> (j@x.com)" }, { 0 }, { 0 } },
	{ "an address literal", { "Doe, J <j@[192.0.2.1]>" }, { 0 }, { 0 } },
	{ "an underscore", { "Doe, J <j@a_b.com>" }, { 0 }, { 0 } },
	{ "an encoded name", { "=?utf-8?q?J=C3=B6rg=2C?= x, <j@x.com>" }, { 0 }, { 0 } },
	{ "the encoded name is the address", { "=?utf-8?q?j=40x.com?= <j@x.com>," }, { 0 }, { 0 } },
	{ "no address at all", { "John Doe" }, { 0 }, { 0 } },
	{ "cron", { "root (Cron Daemon)" }, { 0 }, { 0 } },
	{ "empty brackets", { "MAILER-DAEMON <>" }, { 0 }, { 0 } },
	{ "nothing", { "" }, { 0 }, { 0 } },
	{ "white space", { " \r\n " }, { 0 }, { 0 } },
	{ "brackets alone", { "<" }, { 0 }, { 0 } },
	{ "a quote in brackets alone", { "<\"" }, { 0 }, { 0 } },
	{ "a backslash at the end", { "<\"a\\" }, { 0 }, { 0 } },

	/* a valid field */
	{ "two authors", { "a@x.com, b@y.com" }, { 0 }, { 0 } },
	{ "an address as quoted name", { "\"ceo@bank.example\" <me@x.com>" }, { 0 }, { 0 } },
	{ "an address as comment", { "me@x.com (ceo@bank.example)" }, { 0 }, { 0 } },
	{ "a group of two", { "Us: a@x.com, b@y.com;" }, { 0 }, { 0 } },

	/* several fields */
	{ "the same twice", { "a@x.com", "A <a@X.com>" }, { 0 }, { 0 } },
	{ "the same thrice, one faulty", { "a@x.com", "A, B <a@x.com>", "a@x.com" }, { 0 }, { 0 } },
	{ "two valid ones that differ", { "a@x.com", "b@x.com" },
	    { READING_STRICT, READING_STRICT }, { "a@x.com", "b@x.com" } },
	{ "the third differs", { "a@x.com", "a@x.com", "A <b@x.com>" },
	    { READING_STRICT, READING_STRICT }, { "a@x.com", "b@x.com" } },
	{ "a valid and a faulty one", { "a@x.com", "B, C <b@x.com>" },
	    { READING_STRICT, READING_STRICT }, { "a@x.com", "b@x.com" } },
	{ "what valid ones quote is not read", { "\"c@z.com\" <a@x.com>", "a@x.com (d@z.com)" },
	    { 0 }, { 0 } },
	{ "a blank one first", { "", "a@x.com", "b@x.com" }, { READING_STRICT, READING_STRICT },
	    { "a@x.com", "b@x.com" } },
	{ "a blank one", { " ", "a@x.com" }, { 0 }, { 0 } },
	{ "two authors in the second", { "a@x.com", "a@x.com, b@x.com" },
	    { READING_STRICT, READING_STRICT }, { "a@x.com", "b@x.com" } },
	{ "an empty group beside an author", { "none:;", "a@x.com" }, { 0 }, { 0 } },
};

static void expect_reading(const char *label, const struct reading *got, enum reading_kind kind,
    const char *address, const struct slice *bodies)
{
	expect_slice(
	    label, "the kind of reading", slice_of(reading_name(got->kind)), reading_name(kind));
	expect_slice(label, "the address", got->address, address);
	ck_assert_msg(got->offset + got->length <= bodies[got->field].len,
	    "%s: the octets are not in the body", label);
	ck_assert_msg(got->length > 0, "%s: no octets", label);
}

START_TEST(ambiguous)
{
	const struct pair_row *row = &pair_rows[_i];
	struct arena *arena = arena_new();
	struct slice bodies[FIELDS];
	const struct from_field *fields[FIELDS];
	struct reading pair[2];
	size_t count = 0;
	bool found;

	for (; count < FIELDS && row->bodies[count] != NULL; count++) {
		bodies[count] = exact_text(row->bodies[count]);
		fields[count] = from_parse(arena, bodies[count], false);
	}
	found = from_is_ambiguous(arena, fields, count, pair);
	if (row->addresses[0] == NULL && found)
		ck_abort_msg("%s: ambiguous: %.*s by %s, %.*s by %s", row->label,
		    SLICE_ARG(pair[0].address), reading_name(pair[0].kind),
		    SLICE_ARG(pair[1].address), reading_name(pair[1].kind));
	ck_assert_msg(found == (row->addresses[0] != NULL), "%s: not ambiguous", row->label);
	for (size_t i = 0; found && i < 2; i++)
		expect_reading(row->label, &pair[i], row->kinds[i], row->addresses[i], bodies);
	for (size_t i = 0; i < count; i++)
		exact_free(bodies[i]);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *bodies[2];
	size_t fields[2];
	const char *tokens[2];
} places[] = {
	{ "a word and brackets", { "ceo@bank.example <me@x.com>" }, { 0, 0 },
	    { "me@x.com", "ceo@bank.example" } },
	{ "brackets", { "A <a@x.com> < b@x.com >" }, { 0, 0 }, { "a@x.com", "b@x.com" } },
	{ "a comment", { "a@x.com, (see c@z.com), a@x.com" }, { 0, 0 },
	    { "a@x.com", "(see c@z.com)" } },
	{ "an encoded-word", { "A =?utf-8?q?c=40z.com?= <a@x.com>," }, { 0, 0 },
	    { "a@x.com", "=?utf-8?q?c=40z.com?=" } },
	{ "two fields", { "A <a@x.com>", "B <b@x.com>" }, { 0, 1 }, { "a@x.com", "b@x.com" } },
};

START_TEST(place)
{
	struct arena *arena = arena_new();
	const struct from_field *fields[2];
	struct reading pair[2];
	size_t count = places[_i].bodies[1] != NULL ? 2 : 1;

	for (size_t i = 0; i < count; i++)
		fields[i] = from_parse(arena, slice_of(places[_i].bodies[i]), false);
	ck_assert_msg(
	    from_is_ambiguous(arena, fields, count, pair), "%s: not ambiguous", places[_i].label);
	for (size_t i = 0; i < 2; i++) {
		struct slice body = slice_of(places[_i].bodies[pair[i].field]);

		ck_assert_msg(pair[i].field == places[_i].fields[i], "%s: field %zu",
		    places[_i].label, pair[i].field);
		expect_slice(places[_i].label, "the octets",
		    slice_part(body, pair[i].offset, pair[i].offset + pair[i].length),
		    places[_i].tokens[i]);
	}
	arena_free(arena);
}
END_TEST

/* ---- what a valid field shows ------------------------------------------- */

static const struct show_row {
	const char *label;
	const char *body;
	const char *address; /* NULL: nothing is shown */
	const char *token;
	enum reading_kind kind;
} show_rows[] = {
	{ "a quoted name", "\"ceo@bank.example\" <me@x.com>", "ceo@bank.example",
	    "\"ceo@bank.example\"", READING_QUOTED },
	{ "in the middle of a quoted name", "\"The boss, ceo@bank.example!\" <me@x.com>",
	    "ceo@bank.example", "\"The boss, ceo@bank.example!\"", READING_QUOTED },
	{ "in brackets in a quoted name", "\"Boss <ceo@bank.example>\" <me@x.com>",
	    "ceo@bank.example", "\"Boss <ceo@bank.example>\"", READING_QUOTED },
	{ "a second quoted string", "\"A\" B \"c@bank.example\" <me@x.com>", "c@bank.example",
	    "\"c@bank.example\"", READING_QUOTED },
	{ "a quoted @", "\"ceo\\@bank.example\" <me@x.com>", "ceo@bank.example",
	    "\"ceo\\@bank.example\"", READING_QUOTED },
	{ "a comment", "me@x.com (ceo@bank.example)", "ceo@bank.example", "(ceo@bank.example)",
	    READING_COMMENT },
	{ "a comment in front", "(ceo@bank.example) me@x.com", "ceo@bank.example",
	    "(ceo@bank.example)", READING_COMMENT },
	{ "a nested comment", "me@x.com (a (ceo@bank.example))", "ceo@bank.example",
	    "(a (ceo@bank.example))", READING_COMMENT },
	{ "an encoded-word", "=?utf-8?q?ceo=40bank=2Eexample?= <me@x.com>", "ceo@bank.example",
	    "=?utf-8?q?ceo=40bank=2Eexample?=", READING_DECODED },
	{ "two encoded-words", "A =?utf-8?q?ceo=40?= =?utf-8?q?bank=2Eexample?= B <me@x.com>",
	    "ceo@bank.example", "=?utf-8?q?ceo=40?= =?utf-8?q?bank=2Eexample?=", READING_DECODED },
	{ "three encoded-words, folded",
	    "=?utf-8?q?ceo?=\r\n =?utf-8?q?=40?=\r\n =?utf-8?q?bank=2Eexample?= <me@x.com>",
	    "ceo@bank.example",
	    "=?utf-8?q?ceo?=\r\n =?utf-8?q?=40?=\r\n =?utf-8?q?bank=2Eexample?=", READING_DECODED },
	{ "an encoded-word in a comment", "me@x.com (=?utf-8?q?ceo=40bank=2Eexample?=)",
	    "ceo@bank.example", "(=?utf-8?q?ceo=40bank=2Eexample?=)", READING_DECODED },
	{ "an encoded-word in quotes", "\"=?utf-8?q?ceo=40bank=2Eexample?=\" <me@x.com>",
	    "ceo@bank.example", "\"=?utf-8?q?ceo=40bank=2Eexample?=\"", READING_DECODED },
	{ "full-width @", "=?utf-8?q?ceo=EF=BC=A0bank=2Eexample?= <me@x.com>", "ceo@bank.example",
	    "=?utf-8?q?ceo=EF=BC=A0bank=2Eexample?=", READING_DECODED },
	{ "small @",
	    "\"ceo\xef\xb9\xab"
	    "bank.example\" <me@x.com>",
	    "ceo@bank.example",
	    "\"ceo\xef\xb9\xab"
	    "bank.example\"",
	    READING_QUOTED },
	{ "full-width dot in an atom",
	    "ceo\xef\xbc\xa0"
	    "bank\xef\xbc\x8e"
	    "example <me@x.com>",
	    "ceo@bank.example",
	    "ceo\xef\xbc\xa0"
	    "bank\xef\xbc\x8e"
	    "example",
	    READING_FIRST_AT },
	{ "an invisible character", "\"ceo\xe2\x80\x8b@bank.example\" <me@x.com>",
	    "ceo@bank.example", "\"ceo\xe2\x80\x8b@bank.example\"", READING_QUOTED },
	{ "a top label in its A-form", "\"a@b.xn--p1ai\" <me@x.com>", "a@b.xn--p1ai",
	    "\"a@b.xn--p1ai\"", READING_QUOTED },
	{ "the own address and another", "\"me@x.com ceo@bank.example\" <me@x.com>",
	    "ceo@bank.example", "\"me@x.com ceo@bank.example\"", READING_QUOTED },
	{ "of another user of the domain", "\"ceo@x.com\" <me@x.com>", "ceo@x.com", "\"ceo@x.com\"",
	    READING_QUOTED },
	{ "one author of two", "\"ceo@bank.example\" <me@x.com>, you@x.com", "ceo@bank.example",
	    "\"ceo@bank.example\"", READING_QUOTED },
	{ "the name of the second author", "me@x.com, \"ceo@bank.example\" <you@x.com>",
	    "ceo@bank.example", "\"ceo@bank.example\"", READING_QUOTED },
	{ "the name of a group", "\"ceo@bank.example\": me@x.com;", "ceo@bank.example",
	    "\"ceo@bank.example\"", READING_QUOTED },

	{ "the own address", "\"me@x.com\" <me@x.com>", NULL, NULL, 0 },
	{ "the own address in other case", "\"Me@X.Com\" <me@x.com>", NULL, NULL, 0 },
	{ "the own address in a sentence", "\"Write to me@x.com.\" <me@x.com>", NULL, NULL, 0 },
	{ "the own address, punctuated", "\"*me@x.com*, 'me@x.com'!\" <me@x.com>", NULL, NULL, 0 },
	{ "the own address and a no-break space", "\"me@x.com\xc2\xa0(Work)\" <me@x.com>", NULL,
	    NULL, 0 },
	{ "the own address and a dash", "\"me@x.com\xe2\x80\x93Work\" <me@x.com>", NULL, NULL, 0 },
	{ "the own address in its U-form",
	    "\"me@b\xc3\xbc"
	    "cher.example\" <me@xn--bcher-kva.example>",
	    NULL, NULL, 0 },
	{ "the other author's", "\"you@y.com\" <me@x.com>, me@x.com (y), you@y.com", NULL, NULL,
	    0 },
	{ "the own one in an encoded-word", "=?utf-8?q?me=40x=2Ecom?= <me@x.com>", NULL, NULL, 0 },
	{ "no @ in front", "\"@john\" <me@x.com>", NULL, NULL, 0 },
	{ "an @ between blanks", "\"John @ Work.com\" <me@x.com>", NULL, NULL, 0 },
	{ "a domain of one label", "\"a@b\" <me@x.com>", NULL, NULL, 0 },
	{ "a top label of one letter", "\"a@b.c\" <me@x.com>", NULL, NULL, 0 },
	{ "a top label with a digit", "\"tool@1.2rc\" <me@x.com>", NULL, NULL, 0 },
	{ "a number", "\"a@192.0.2.1\" <me@x.com>", NULL, NULL, 0 },
	{ "two @ in a word", "\"a@b.com@c.com\" <me@x.com>", NULL, NULL, 0 },
	{ "no name", "me@x.com", NULL, NULL, 0 },
	{ "a plain name", "John <me@x.com>", NULL, NULL, 0 },
	{ "a quoted local part", "\"ceo@bank.example\"@x.com", NULL, NULL, 0 },
	{ "encoded-words with a word between",
	    "=?utf-8?q?ceo=40?= and =?utf-8?q?bank=2Eexample?= <me@x.com>", NULL, NULL, 0 },
	{ "a field that is not valid", "\"ceo@bank.example\", <me@x.com>", NULL, NULL, 0 },
	{ "no author", "\"ceo@bank.example\":;", NULL, NULL, 0 },
	{ "nothing", "", NULL, NULL, 0 },
};

START_TEST(impersonates)
{
	const struct show_row *row = &show_rows[_i];
	struct arena *arena = arena_new();
	struct slice body = exact_text(row->body);
	struct reading shown;
	bool found = from_impersonates(arena, from_parse(arena, body, true), &shown);

	if (row->address == NULL && found)
		ck_abort_msg("%s: shows %.*s", row->label, SLICE_ARG(shown.address));
	ck_assert_msg(found == (row->address != NULL), "%s: nothing found", row->label);
	if (found) {
		expect_reading(row->label, &shown, row->kind, row->address, &body);
		expect_slice(row->label, "the octets",
		    slice_part(body, shown.offset, shown.offset + shown.length), row->token);
	}
	exact_free(body);
	arena_free(arena);
}
END_TEST

/* ---- hostile bodies ----------------------------------------------------- */

static const char *const hostile[] = { "<", "a@b.com ", "<a@b.com", "\"", "(a@b.com)",
	"\"a@b.com\" ", "=?utf-8?q?a=40b.com?= ", "=?", "\xef\xbc\xa0", "@", "a@b.com,", "'", "\\",
	"\xff" };

START_TEST(reads_hostile)
{
	static const size_t lengths[] = { 1000, FROM_OCTETS_MAX, FROM_OCTETS_MAX + 1 };

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct arena *arena = arena_new();
		char *text = must_alloc(lengths[i]);
		struct slice body = { text, lengths[i] };
		const struct from_field *fields[2];
		struct reading pair[2];

		for (size_t j = 0; j < body.len; j++)
			text[j] = hostile[_i][j % strlen(hostile[_i])];
		fields[0] = fields[1] = from_parse(arena, body, true);
		from_is_ambiguous(arena, fields, 2, pair);
		from_impersonates(arena, fields[0], pair);
		ck_assert_uint_lt(arena_used(arena), 200 * body.len + 100000);
		free(text);
		arena_free(arena);
	}
}
END_TEST

/* A field that is too long counts for nothing beside one that is not. */
START_TEST(leaves_out_too_long)
{
	enum { LENGTH = FROM_OCTETS_MAX + 1 };
	struct arena *arena = arena_new();
	char *text = must_alloc(LENGTH);
	const struct from_field *fields[3];
	struct reading pair[2];

	memset(text, ' ', LENGTH);
	memcpy(text, "a@x.com <b@y.com>", 17);
	fields[0] = from_parse(arena, (struct slice){ text, LENGTH }, true);
	fields[1] = from_parse(arena, SLICE("c@z.com"), true);
	fields[2] = from_parse(arena, SLICE("d@z.com"), true);
	ck_assert(fields[0]->unparsed);
	ck_assert(!from_is_ambiguous(arena, fields, 1, pair));
	ck_assert(!from_is_ambiguous(arena, fields, 2, pair));
	ck_assert(from_is_ambiguous(arena, fields, 3, pair));
	free(text);
	arena_free(arena);
}
END_TEST

START_TEST(kinds_have_names)
{
	for (int i = 0; i < READING_KINDS; i++)
		ck_assert_str_ne(reading_name((enum reading_kind)i), "");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("reading");
	TCase *tcase = tcase_create("reading");

	tcase_add_loop_test(tcase, ambiguous, 0, ROWS(pair_rows));
	tcase_add_loop_test(tcase, place, 0, ROWS(places));
	tcase_add_loop_test(tcase, impersonates, 0, ROWS(show_rows));
	tcase_add_loop_test(tcase, reads_hostile, 0, ROWS(hostile));
	tcase_add_test(tcase, leaves_out_too_long);
	tcase_add_test(tcase, kinds_have_names);
	suite_add_tcase(suite, tcase);
	return suite;
}
