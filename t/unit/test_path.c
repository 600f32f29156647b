/*
 * test_path.c - the paths of MAIL FROM and RCPT TO, rule by rule of RFC 5321.
 *
 * A wanted fault is written as in the table of rules, so "at-extra 4 1" is an
 * @ too many at octet 4, length 1; "ok" is a Mailbox or the null path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "syntax/from.h"
#include "syntax/path.h"
#include "unit.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"
#define A64 A60 "aaaa"
#define UE  "\xc3\xbc"

struct row {
	const char *label;
	const char *raw;
	const char *fault;
	const char *local_part; /* NULL: not there */
	const char *domain;
};

static const struct row ascii[] = {
	{ "a mailbox", "<ann@example.com>", "ok", "ann", "example.com" },
	{ "without brackets", "ann@example.com", "ok", "ann", "example.com" },
	{ "dots", "<a.b.c@example.com>", "ok", "a.b.c", "example.com" },
	{ "all of atext", "<!#$%&'*+-/=?^_`{|}~9@x.y>", "ok", "!#$%&'*+-/=?^_`{|}~9", "x.y" },
	{ "one label", "<root@localhost>", "ok", "root", "localhost" },
	{ "a number on top", "<a@192.0.2.1>", "ok", "a", "192.0.2.1" },
	{ "two hyphens", "<a@r3--x.example>", "ok", "a", "r3--x.example" },
	{ "an A-label", "<a@xn--bcher-kva.example>", "ok", "a", "xn--bcher-kva.example" },
	{ "an A-label that is none", "<a@xn--999999b.example>", "ok", "a", "xn--999999b.example" },

	{ "quoted", "<\"ann\"@x.y>", "ok", "ann", "x.y" },
	{ "quoted and empty", "<\"\"@x.y>", "ok", "", "x.y" },
	{ "a quoted blank", "<\"a b\"@x.y>", "ok", "a b", "x.y" },
	{ "a quoted @", "<\"a@b\"@x.y>", "ok", "a@b", "x.y" },
	{ "quoted brackets", "<\"<a>\"@x.y>", "ok", "<a>", "x.y" },
	{ "quoted pairs", "<\"a\\\"b\\\\c\\d\"@x.y>", "ok", "a\"b\\cd", "x.y" },
	{ "quoted without brackets", "\"a b\"@x.y", "ok", "a b", "x.y" },
	{ "a quoted backslash at the end", "<\"a\\\\\"@x.y>", "ok", "a\\", "x.y" },

	{ "an IPv4 literal", "<a@[192.0.2.1]>", "ok", "a", "[192.0.2.1]" },
	{ "an IPv4 literal with zeros in front", "<a@[192.000.002.001]>", "ok", "a",
	    "[192.000.002.001]" },
	{ "an IPv6 literal", "<a@[IPv6:2001:db8::1]>", "ok", "a", "[IPv6:2001:db8::1]" },
	{ "IPv6 in small letters", "<a@[ipv6:::1]>", "ok", "a", "[ipv6:::1]" },
	{ "IPv4 in IPv6", "<a@[IPv6:::ffff:192.0.2.1]>", "ok", "a", "[IPv6:::ffff:192.0.2.1]" },
	{ "the largest numbers", "<a@[255.0.255.0]>", "ok", "a", "[255.0.255.0]" },
	{ "a tag of edge letters", "<a@[aZ0-9z:!~]>", "ok", "a", "[aZ0-9z:!~]" },
	{ "a general literal", "<a@[x-tag:any!thing]>", "ok", "a", "[x-tag:any!thing]" },

	{ "local part alone", "<root>", "at-missing 1 4", "root", NULL },
	{ "Postmaster", "<Postmaster>", "at-missing 1 10", "Postmaster", NULL },
	{ "local part alone without brackets", "root", "at-missing 0 4", "root", NULL },
	{ "quoted local part alone", "<\"a b\">", "at-missing 1 5", "a b", NULL },

	{ "two @", "<a@b@c.org>", "at-extra 4 1", NULL, "c.org" },
	{ "two @ together", "<a@@c.org>", "at-extra 3 1", NULL, "c.org" },
	{ "three @", "<a@b@c@d>", "at-extra 4 1", NULL, "d" },
	{ "an @ at the end", "<a@b.org@>", "at-extra 8 1", NULL, NULL },
	{ "no local part", "<@x.y>", "local-part-missing 1 1", NULL, "x.y" },
	{ "an @ alone", "<@>", "local-part-missing 1 1", NULL, NULL },
	{ "a literal without local part", "<@[IPv6:::1]>", "local-part-missing 1 1", NULL,
	    "[IPv6:::1]" },
	{ "no domain behind the @", "<ann@>", "domain-missing 4 1", NULL, NULL },
	{ "no domain, without brackets", "ann@", "domain-missing 3 1", NULL, NULL },

	{ "a source route", "<@a.b:c@d.org>", "route 1 5", NULL, "d.org" },
	{ "a longer source route", "<@a,@b:c@d.org>", "route 1 6", NULL, "d.org" },
	{ "a route and no @", "<@a:c>", "route 1 3", NULL, NULL },

	{ "a blank inside", "<an n@x.y>", "local-part-space 3 1", NULL, "x.y" },
	{ "a blank and no @", "<an n>", "local-part-space 3 1", NULL, NULL },
	{ "blanks and a TAB", "<an \t n@x.y>", "local-part-space 3 3", NULL, "x.y" },
	{ "a blank first", "< ann@x.y>", "local-part-space 1 1", NULL, "x.y" },
	{ "a blank before the @", "<ann @x.y>", "local-part-space 4 1", NULL, "x.y" },
	{ "a blank behind a quoted one", "<\"a\" @x.y>", "local-part-space 4 1", NULL, "x.y" },
	{ "nothing but a blank", "< >", "local-part-space 1 1", NULL, NULL },
	{ "a dot first", "<.ann@x.y>", "local-part-dot 1 1", NULL, "x.y" },
	{ "a dot last", "<ann.@x.y>", "local-part-dot 4 1", NULL, "x.y" },
	{ "a dot last and no @", "<ann.>", "local-part-dot 4 1", NULL, NULL },
	{ "two dots", "<a..b@x.y>", "local-part-dot 3 1", NULL, "x.y" },
	{ "a comma", "<a,b@x.y>", "local-part-character 2 1", NULL, "x.y" },
	{ "a colon", "<mailto:a@x.y>", "local-part-character 7 1", NULL, "x.y" },
	{ "a backslash", "<a\\b@x.y>", "local-part-character 2 1", NULL, "x.y" },
	{ "square brackets", "<[a]@x.y>", "local-part-character 1 1", NULL, "x.y" },
	{ "a comment", "<(c)a@x.y>", "local-part-comment 1 1", NULL, "x.y" },
	{ "a quote alone", "<a\"b@x.y>", "local-part-character 2 1", NULL, "x.y" },
	{ "quoted in pieces", "<a.\"b\"@x.y>", "local-part-words 3 3", NULL, "x.y" },
	{ "quoted in front", "<\"a\".b@x.y>", "local-part-words 1 3", NULL, "x.y" },
	{ "a quote never closed", "<\"a@x.y>", "quote-unbalanced 1 6", NULL, "x.y" },
	{ "a quote closed by a quoted one", "<\"a\\\"@x.y>", "quote-unbalanced 1 8", NULL, "x.y" },
	{ "a backslash last", "<\"a\\>", "quote-unbalanced 1 3", NULL, NULL },

	{ "a blank in the domain", "<a@x .y>", "domain-space 4 1", NULL, NULL },
	{ "a blank behind the @", "<a@ x.y>", "domain-space 3 1", NULL, NULL },
	{ "a blank at the end", "<a@x.y >", "domain-space 6 1", NULL, NULL },
	{ "a second address", "<a@x.y,b@x.y>", "domain-special 6 1", NULL, "x.y" },
	{ "a comment in the domain", "<a@x.y(c)>", "domain-comment 6 1", NULL, NULL },
	{ "a quote in the domain", "<a@\"x\".y>", "domain-special 3 1", NULL, NULL },
	{ "two dots in the domain", "<a@x..y>", "domain-dots 4 2", NULL, NULL },
	{ "two dots before the domain", "<a@..x>", "domain-edge-dot 3 1", NULL, NULL },
	{ "a dot before the domain", "<a@.x.y>", "domain-edge-dot 3 1", NULL, NULL },
	{ "a dot behind the domain", "<a@x.y.>", "domain-edge-dot 6 1", NULL, NULL },
	{ "an underscore", "<a@x_y.z>", "domain-underscore 4 1", NULL, NULL },
	{ "a hyphen first", "<a@-x.y>", "domain-hyphen 3 1", NULL, NULL },
	{ "a hyphen last", "<a@x.y->", "domain-hyphen 6 1", NULL, NULL },
	{ "atext that no host name has", "<a@x!y.z>", "domain-character 4 1", NULL, NULL },

	{ "a literal out of range", "<a@[192.0.2.256]>", "domain-literal 3 13", NULL, NULL },
	{ "three numbers", "<a@[192.0.2]>", "domain-literal 3 9", NULL, NULL },
	{ "five numbers", "<a@[1.2.3.4.5]>", "domain-literal 3 11", NULL, NULL },
	{ "four digits", "<a@[1.2.3.0004]>", "domain-literal 3 12", NULL, NULL },
	{ "a number missing", "<a@[1..3.4]>", "domain-literal 3 8", NULL, NULL },
	{ "an empty literal", "<a@[]>", "domain-literal 3 2", NULL, NULL },
	{ "IPv6 without its tag", "<a@[2001:db8::1]>", "domain-literal 3 13", NULL, NULL },
	{ "bad IPv6", "<a@[IPv6:2001:db8::g]>", "domain-literal 3 18", NULL, NULL },
	{ "IPv6 far too long", "<a@[IPv6:" A60 "]>", "domain-literal 3 67", NULL, NULL },
	{ "a tag and nothing", "<a@[tag:]>", "domain-literal 3 6", NULL, NULL },
	{ "a bad tag", "<a@[t_g:x]>", "domain-literal 3 7", NULL, NULL },
	{ "a tag that ends with a hyphen", "<a@[t-:x]>", "domain-literal 3 6", NULL, NULL },
	{ "a bracket in a literal", "<a@[tag:[x]>", "domain-literal 3 8", NULL, NULL },
	{ "a literal never closed", "<a@[192.0.2.1>", "domain-special 3 1", NULL, NULL },
	{ "text behind a literal", "<a@[192.0.2.1]x>", "domain-special 14 1", NULL, NULL },
	{ "a blank in a literal", "<a@[192 .0.2.1]>", "domain-space 7 1", NULL, NULL },
	{ "an @ behind a literal", "<a@[192.0.2.1]@x.y>", "at-extra 14 1", NULL, "x.y" },

	{ "no right bracket", "<ann@x.y", "path-brackets 0 1", NULL, "x.y" },
	{ "no left bracket", "ann@x.y>", "path-brackets 7 1", NULL, NULL },
	{ "a left bracket alone", "<", "path-brackets 0 1", NULL, NULL },
	{ "a right bracket alone", ">", "path-brackets 0 1", NULL, NULL },
	{ "text before the path", "Ann <ann@x.y>", "path-brackets 0 4", NULL, NULL },
	{ "text behind the path", "<ann@x.y> SIZE=1", "path-brackets 9 7", NULL, NULL },
	{ "text behind a quoted bracket", "<\"a>\"@x.y> z", "path-brackets 10 2", NULL, NULL },
	{ "text behind a bracket in a quoted pair", "<\"a\\\">\"@x.y> z", "path-brackets 12 2",
	    NULL, NULL },
	{ "a blank before the path", " <ann@x.y>", "path-brackets 0 1", NULL, NULL },
	{ "brackets in brackets", "<<ann@x.y>>", "path-brackets 1 1", NULL, NULL },
	{ "a bracket inside", "<ann<@x.y>", "path-brackets 4 1", NULL, "x.y" },
	{ "a bracket in the domain", "<ann@x>.y>", "path-brackets 6 1", NULL, NULL },
	{ "two paths", "<a@x.y><b@x.y>", "path-brackets 6 1", NULL, "x.y" },

	{ "ESC", "<a\x1b@x.y>", "control 2 1", NULL, "x.y" },
	{ "CR", "<a@x.y\r>", "control 6 1", NULL, NULL },
	{ "LF at the end, outside", "<a@x.y>\n", "path-brackets 7 1", NULL, NULL },
	{ "DEL in quotes", "<\"a\x7f\"@x.y>", "control 3 1", NULL, "x.y" },
	{ "TAB in quotes", "<\"a\tb\"@x.y>", "control 3 1", NULL, "x.y" },
	{ "a quoted control", "<\"\\\x07\"@x.y>", "control 3 1", NULL, "x.y" },
	{ "a control in a literal", "<a@[1.2.3.\x01]>", "control 10 1", NULL, NULL },

	{ "8-bit local part", "<" UE "@x.y>", "address-8bit 1 2", NULL, "x.y" },
	{ "8-bit in quotes", "<\"" UE "\"@x.y>", "address-8bit 2 2", NULL, "x.y" },
	{ "8-bit domain", "<a@" UE ".y>", "address-8bit 3 2", NULL, NULL },
	{ "8-bit that is not UTF-8", "<\xfc@x.y>", "address-utf8 1 1", NULL, "x.y" },
};

/* With SMTPUTF8, RFC 6531 3.3. */
static const struct row utf8[] = {
	{ "ASCII as ever", "<ann@example.com>", "ok", "ann", "example.com" },
	{ "local part", "<" UE "@x.y>", "ok", UE, "x.y" },
	{ "in quotes", "<\"" UE " a\"@x.y>", "ok", UE " a", "x.y" },
	{ "U-label", "<a@b" UE "cher.example>", "ok", "a", "b" UE "cher.example" },
	{ "not UTF-8", "<a\xfc@x.y>", "address-utf8 2 1", NULL, "x.y" },
	{ "not UTF-8 in quotes", "<\"\xfc\"@x.y>", "address-utf8 2 1", NULL, "x.y" },
	{ "not UTF-8 in the domain", "<a@\xc3.y>", "address-utf8 3 1", NULL, NULL },
	{ "cut at the bracket", "<a@x.\xc3>", "address-utf8 5 1", NULL, NULL },
	{ "no quoted pair", "<\"\\" UE "\"@x.y>", "local-part-character 2 3", NULL, "x.y" },
	{ "no U-label", "<a@x.\xe2\x98\x83>", "domain-idn 5 3", NULL, NULL },
	{ "no literal", "<a@[tag:" UE "]>", "domain-literal 3 8", NULL, NULL },
};

static void expect_fault(
    const char *label, const char *what, struct syntax_error error, const char *wanted)
{
	char text[64] = "ok";

	if (error.code != SYNTAX_OK)
		snprintf(text, sizeof text, "%s %zu %zu", syntax_rule(error.code)->name,
		    error.offset, error.length);
	expect_slice(label, what, slice_of(text), wanted);
}

static void expect_part(const char *label, const char *what, struct slice got, const char *wanted)
{
	ck_assert_msg((got.data != NULL) == (wanted != NULL), "%s: %s is %sthere", label, what,
	    got.data != NULL ? "" : "not ");
	if (wanted != NULL)
		expect_slice(label, what, got, wanted);
}

static void run_row(const struct row *row, bool smtputf8)
{
	struct arena *arena = arena_new();
	struct slice raw = exact_text(row->raw);
	struct path path = path_parse(arena, raw, smtputf8);

	expect_fault(row->label, "the fault", path.error, row->fault);
	expect_part(row->label, "the local part", path.local_part, row->local_part);
	expect_part(row->label, "the domain", path.domain, row->domain);
	expect_fault(row->label, "the length", path.too_long, "ok");
	ck_assert_msg(!path.null, "%s: null", row->label);
	ck_assert_msg(
	    path.no_domain == (path.error.code == SYNTAX_AT_MISSING), "%s: no_domain", row->label);
	ck_assert_msg(path.raw.data == raw.data && path.raw.len == raw.len, "%s: raw", row->label);
	exact_free(raw);
	arena_free(arena);
}

START_TEST(reads_ascii)
{
	run_row(&ascii[_i], false);
}
END_TEST

START_TEST(reads_utf8)
{
	run_row(&utf8[_i], true);
}
END_TEST

START_TEST(knows_null)
{
	static const char *const raws[] = { "<>", "" };
	struct arena *arena = arena_new();

	for (int i = 0; i < ROWS(raws); i++) {
		struct slice raw = exact_text(raws[i]);
		struct path path = path_parse(arena, raw, false);

		ck_assert_msg(path.null && !path.no_domain, "\"%s\" is not null", raws[i]);
		ck_assert_int_eq(path.error.code, SYNTAX_OK);
		ck_assert_ptr_null(path.local_part.data);
		ck_assert_ptr_null(path.domain.data);
		exact_free(raw);
	}
	arena_free(arena);
}
END_TEST

START_TEST(keeps_the_address)
{
	struct arena *arena = arena_new();
	struct path path = path_parse(arena, SLICE("<\"a\\b\"@x.y>"), false);

	expect_slice("in brackets", "the address", path.address, "\"a\\b\"@x.y");
	path = path_parse(arena, SLICE("a@@b"), false);
	expect_slice("without brackets", "the address", path.address, "a@@b");
	arena_free(arena);
}
END_TEST

START_TEST(sees_nul)
{
	struct arena *arena = arena_new();
	struct slice raw = exact("<a\0b@x.y>", 9), literal = exact("<a@[IPv6:\0::1]>", 15);
	struct path path = path_parse(arena, raw, true);

	expect_fault("NUL", "the fault", path.error, "control 2 1");
	path = path_parse(arena, literal, true);
	expect_fault("NUL in a literal", "the fault", path.error, "control 9 1");
	exact_free(raw);
	exact_free(literal);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *raw;
	const char *too_long;
	const char *fault;
} lengths[] = {
	{ "64 octets of local part", "<" A64 "@x.y>", "ok", "ok" },
	{ "65 octets of local part", "<" A64 "a@x.y>", "local-part-long 1 65", "ok" },
	{ "quotes count", "<\"" A63 "\"@x.y>", "local-part-long 1 65", "ok" },
	{ "65 octets and no domain", "<" A64 "a>", "local-part-long 1 65", "at-missing 1 65" },
	{ "65 octets and a fault", "<" A64 "a@x_y>", "local-part-long 1 65",
	    "domain-underscore 68 1" },
	{ "a label of 63", "<a@" A63 ".y>", "ok", "ok" },
	{ "a label of 64", "<a@x." A64 ">", "label-long 5 64", "ok" },
	{ "a label of 64 and a fault", "<a@" A64 ".x_y>", "label-long 3 64",
	    "domain-underscore 69 1" },
	{ "254 octets", "<aa@" A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 "aaaaaaaaa>", "ok",
	    "ok" },
	{ "255 octets", "<aaa@" A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 "aaaaaaaaa>",
	    "address-long 1 255", "ok" },
	{ "a domain of 256", "<a@" A63 "." A63 "." A63 "." A63 ".>", "address-long 1 258",
	    "domain-edge-dot 258 1" },
	{ "a longer domain", "<a@" A63 "." A63 "." A63 "." A63 ".x>", "domain-long 3 257", "ok" },
	{ "a long address with a fault first", "<a b@" A63 "." A63 "." A63 "." A63 ">",
	    "address-long 1 259", "local-part-space 2 1" },
};

START_TEST(measures)
{
	struct arena *arena = arena_new();
	struct slice raw = exact_text(lengths[_i].raw);
	struct path path = path_parse(arena, raw, false);

	expect_fault(lengths[_i].label, "the length", path.too_long, lengths[_i].too_long);
	expect_fault(lengths[_i].label, "the fault", path.error, lengths[_i].fault);
	exact_free(raw);
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("path");
	TCase *tcase = tcase_create("path");

	tcase_add_loop_test(tcase, reads_ascii, 0, ROWS(ascii));
	tcase_add_loop_test(tcase, reads_utf8, 0, ROWS(utf8));
	tcase_add_test(tcase, knows_null);
	tcase_add_test(tcase, keeps_the_address);
	tcase_add_test(tcase, sees_nul);
	tcase_add_loop_test(tcase, measures, 0, ROWS(lengths));
	suite_add_tcase(suite, tcase);
	return suite;
}
