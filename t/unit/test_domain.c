/*
 * test_domain.c - host names: which fault is named, and where; A- and U-form.
 *
 * A wanted fault is written as in the table of rules, so "domain-hyphen 4 1"
 * is a hyphen at octet 4, length 1; "ok" is a good name.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "syntax/domain.h"
#include "unit.h"

#define A10     "aaaaaaaaaa"
#define A60     A10 A10 A10 A10 A10 A10
#define A63     A60 "aaa"
#define A64     A60 "aaaa"
#define U10     "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
#define BUECHER "b\303\274cher"

struct row {
	const char *label;
	const char *name;
	const char *wanted;
};

static const struct row hosts[] = {
	{ "two labels", "example.com", "ok" },
	{ "three labels", "mail.example.com", "ok" },
	{ "capital letters", "Example.COM", "ok" },
	{ "digits first", "3com.com", "ok" },
	{ "a label of digits", "163.com", "ok" },
	{ "a hyphen inside", "a-b.example", "ok" },
	{ "two hyphens as third and fourth", "r3--host.example", "ok" },
	{ "one-letter labels", "x.y", "ok" },
	{ "the first and last of each range", "az.AZ.09.zZ", "ok" },
	{ "63 octets", A63 ".com", "ok" },
	{ "255 octets", A63 "." A63 "." A63 "." A63, "ok" },

	{ "nothing", "", "domain-one-label 0 0" },
	{ "one label", "localhost", "domain-one-label 0 9" },
	{ "one label and a dot", "localhost.", "domain-one-label 0 10" },
	{ "one label before its own faults", "host_1", "domain-one-label 0 6" },
	{ "a literal", "[192.0.2.1]", "domain-literal 0 11" },
	{ "a literal never closed", "[192", "domain-literal 0 4" },
	{ "dotted quad", "192.0.2.1", "domain-numeric 8 1" },
	{ "a number on top", "example.123", "domain-numeric 8 3" },
	{ "the first and last digit on top", "example.90", "domain-numeric 8 2" },
	{ "a number on top, and a dot", "example.123.", "domain-numeric 8 3" },
	{ "a dot in front", ".example.com", "domain-edge-dot 0 1" },
	{ "a dot in front of one label", ".com", "domain-edge-dot 0 1" },
	{ "a dot at the end", "example.com.", "domain-edge-dot 11 1" },
	{ "a dot alone", ".", "domain-edge-dot 0 1" },
	{ "two dots at the end", "example.com..", "domain-character 12 1" },
	{ "two dots inside", "example..com", "domain-character 8 1" },
	{ "a hyphen in front", "-a.example", "domain-hyphen 0 1" },
	{ "a hyphen at a label's end", "a-.example", "domain-hyphen 1 1" },
	{ "a hyphen in the top label", "example.-com", "domain-hyphen 8 1" },
	{ "a hyphen alone", "a.-.com", "domain-hyphen 2 1" },
	{ "an underscore", "my_host.example", "domain-underscore 2 1" },
	{ "an underscore first", "_dmarc.example", "domain-underscore 0 1" },
	{ "an exclamation mark", "exam!ple.com", "domain-character 4 1" },
	{ "a blank", "exam ple.com", "domain-character 4 1" },
	{ "DEL", "a\x7f.com", "domain-character 1 1" },
	{ "the first fault counts", "a!b.c_d.e-.com", "domain-character 1 1" },

	{ "64 octets", "a." A64 ".com", "label-long 2 64" },
	{ "64 octets before a later fault", A64 ".c_m.org", "label-long 0 64" },
	{ "64 octets with a fault at its first", "-" A63 ".com", "domain-hyphen 0 1" },
	{ "64 octets behind a fault", "a_b." A64 ".com", "domain-underscore 1 1" },
	{ "256 octets", A63 "." A63 "." A63 "." A63 "a", "domain-long 0 256" },
	{ "256 octets with a fault", "_." A63 "." A63 "." A63 "." A63, "domain-long 0 257" },
	{ "a final dot does not count", A63 "." A63 "." A63 "." A63 ".", "domain-edge-dot 255 1" },

	{ "a U-label", BUECHER ".example", "ok" },
	{ "a U-label on top", "example.\xe4\xb8\xad\xe5\x9b\xbd", "ok" },
	{ "capital U umlaut", "B\303\234CHER.example", "ok" },
	{ "not composed", "bu\314\210cher.example", "ok" },
	{ "eszett", "fa\xc3\x9f.example", "ok" },
	{ "a right-to-left label", "\xd9\x85\xd8\xab\xd8\xa7\xd9\x84.example", "ok" },
	{ "one U-label alone", "m\xc3\xbcnchen", "domain-one-label 0 8" },
	{ "not UTF-8", "b\374cher.example", "domain-idn 1 1" },
	{ "a snowman", "a.\xe2\x98\x83.example", "domain-idn 2 3" },
	{ "a soft hyphen", "b\303\274\302\255cher.example", "domain-idn 0 9" },
	{ "a soft hyphen in ASCII", "exam\xc2\xadple.com", "domain-idn 0 9" },
	{ "wide letters that map to ASCII", "\xef\xbd\x81\xef\xbd\x82.com", "domain-idn 0 6" },
	{ "wide underscore", "\xc3\xbc\xef\xbc\xbfx.com", "domain-idn 0 6" },
	{ "ideographic dot", "\xc3\xbc\xe3\x80\x82\xc3\xbc.com", "domain-idn 0 7" },
	{ "a combining mark first", "\xcc\x88\xc3\xbc.com", "domain-idn 0 4" },
	{ "mixed direction", "1\xd9\x85\xd8\xab.com", "domain-idn 0 5" },
	{ "zero width joiner", "a\342\200\215b.com", "domain-idn 0 5" },
	{ "a hyphen in a U-label", "-\xc3\xbc.com", "domain-hyphen 0 1" },
	{ "an underscore in a U-label", "\xc3\xbc_x.com", "domain-underscore 2 1" },
	{ "a U-label of 63 octets as A-label", A10 A10 A10 A10 A10 "aaaaa\xc3\xbc.com", "ok" },
	{ "a U-label of 64 octets as A-label", A10 A10 A10 A10 A10 "aaaaaa\xc3\xbc.com",
	    "label-long 0 58" },
	{ "a U-label over 63 octets as A-label", "x." A60 "\xc3\xbc.com", "label-long 2 62" },
	{ "over 255 octets as A-form",
	    A10 A10 A10 A10 A10 "aaa\xc3\xbc." A10 A10 A10 A10 A10
				"aaa\xc3\xbc." A10 A10 A10 A10 A10
				"aaa\xc3\xbc." A10 A10 A10 A10 A10 "aaa\xc3\xbc." A10 ".com",
	    "domain-long 0 238" },

	{ "an A-label", "xn--bcher-kva.example", "ok" },
	{ "an A-label in capitals", "XN--BCHER-KVA.example", "ok" },
	{ "bad Punycode", "xn--999999b.example", "domain-idn 0 11" },
	{ "an A-label of nothing", "xn--.example", "domain-hyphen 3 1" },
	{ "an A-label of ASCII", "a.xn--abc.example", "domain-idn 2 7" },
	{ "an A-label that does not come back", "xn--a-ecp.example", "domain-idn 0 9" },
	{ "an A-label of a symbol", "xn--n3h.example", "domain-idn 0 7" },
	{ "an A-label with an underscore", "xn--b_cher-kva.example", "domain-underscore 5 1" },
};

static const char *show(struct syntax_error error, char out[64])
{
	if (error.code == SYNTAX_OK)
		return "ok";
	snprintf(out, 64, "%s %zu %zu", syntax_rule(error.code)->name, error.offset, error.length);
	return out;
}

START_TEST(names_the_fault)
{
	const struct row *row = &hosts[_i];
	struct slice name = exact_text(row->name);
	char text[64];

	expect_slice(
	    row->label, "the fault", slice_of(show(domain_check(name), text)), row->wanted);
	exact_free(name);
}
END_TEST

/* RFC 5321's Domain: what differs from a host name. */
static const struct {
	const char *label;
	const char *name;
	const char *wanted, *too_long;
} grammar[] = {
	{ "two labels", "example.com", "ok", "ok" },
	{ "one label", "localhost", "ok", "ok" },
	{ "nothing", "", "domain-one-label 0 0", "ok" },
	{ "a number on top", "192.0.2.1", "ok", "ok" },
	{ "an A-label is not decoded", "xn--999999b.example", "ok", "ok" },
	{ "a U-label is", "\xe2\x98\x83.example", "domain-idn 0 3", "ok" },
	{ "an underscore", "a_b", "domain-underscore 1 1", "ok" },
	{ "a final dot", "localhost.", "domain-edge-dot 9 1", "ok" },
	{ "a long label", A64, "ok", "label-long 0 64" },
	{ "a long label and a fault", A64 ".a_b", "domain-underscore 66 1", "label-long 0 64" },
	{ "a long U-label", A60 "\xc3\xbc", "ok", "label-long 0 62" },
	{ "a long name", A64 "." A63 "." A63 "." A63, "ok", "domain-long 0 256" },
	{ "a long name and a fault", A63 "." A63 "." A63 "." A63 ".-", "domain-hyphen 256 1",
	    "domain-long 0 257" },
};

START_TEST(follows_the_grammar)
{
	struct slice name = exact_text(grammar[_i].name);
	struct syntax_error too_long, error = domain_syntax(name, &too_long);
	char text[64];

	expect_slice(
	    grammar[_i].label, "the fault", slice_of(show(error, text)), grammar[_i].wanted);
	expect_slice(
	    grammar[_i].label, "the length", slice_of(show(too_long, text)), grammar[_i].too_long);
	exact_free(name);
}
END_TEST

START_TEST(does_not_look_into_giants)
{
	enum { OCTETS = 100000 };
	char *text = must_alloc(OCTETS);
	struct slice name = { text, OCTETS };
	struct slice ascii = { NULL, 0 };
	struct arena *arena = arena_new();
	struct syntax_error too_long, error;

	/* labels that would each cost a question to libidn2 */
	for (size_t i = 0; i < OCTETS; i++)
		text[i] = "\xc3\xbc."[i % 3];
	error = domain_check(name);
	ck_assert_int_eq(error.code, SYNTAX_DOMAIN_LONG);
	ck_assert_uint_eq(error.length, OCTETS);
	domain_syntax(name, &too_long);
	ck_assert_int_eq(too_long.code, SYNTAX_DOMAIN_LONG);
	ck_assert(!domain_to_ascii(arena, name, &ascii));
	ck_assert_ptr_eq(domain_to_unicode(arena, name).data, text);
	exact_free(name);
	arena_free(arena);
}
END_TEST

START_TEST(nul_is_a_character)
{
	struct arena *arena = arena_new();
	struct slice plain = exact("a\0b.com", 7), idn = exact("\xc3\xbc\0.com", 7);
	struct slice out;

	ck_assert_int_eq(domain_check(plain).code, SYNTAX_DOMAIN_CHARACTER);
	ck_assert_int_eq(domain_check(idn).code, SYNTAX_DOMAIN_CHARACTER);
	ck_assert_uint_eq(domain_check(idn).offset, 2);
	ck_assert(!domain_to_ascii(arena, plain, &out));
	ck_assert(!domain_to_ascii(arena, idn, &out));
	exact_free(plain);
	exact_free(idn);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *name;
	const char *ascii; /* NULL: there is none */
} to_ascii[] = {
	{ "small letters", "Example.COM", "example.com" },
	{ "without a final dot", "example.com.", "example.com" },
	{ "underscores stay", "_DMARC.example.com", "_dmarc.example.com" },
	{ "visible ASCII stays", "!~.com", "!~.com" },
	{ "a literal stays", "[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]" },
	{ "one label", "localhost", "localhost" },
	{ "a U-label", BUECHER ".Example", "xn--bcher-kva.example" },
	{ "a U-label in capitals", "B\303\234CHER.example", "xn--bcher-kva.example" },
	{ "a U-label not composed", "bu\314\210cher.example", "xn--bcher-kva.example" },
	{ "an A-label", "XN--Bcher-KVA.example", "xn--bcher-kva.example" },
	{ "eszett is a letter of its own", "fa\xc3\x9f.example", "xn--fa-hia.example" },
	{ "255 octets", A63 "." A63 "." A63 "." A63, A63 "." A63 "." A63 "." A63 },
	{ "256 octets", A63 "." A63 "." A63 "." A60 ".aaa", NULL },
	{ "64 octets", A64 ".com", NULL },
	{ "a label too long as A-label", U10 U10 U10 U10 U10 U10 U10 ".com", NULL },
	{ "nothing", "", NULL },
	{ "a dot", ".", NULL },
	{ "two final dots", "example.com..", NULL },
	{ "an empty label", "a..b", NULL },
	{ "a blank", "a b.com", NULL },
	{ "no IDN", "\xe2\x98\x83.example", NULL },
	{ "no A-label", "xn--999999b.example", NULL },
	{ "ASCII in disguise", "\xef\xbd\x81\xef\xbd\x82.com", NULL },
};

START_TEST(converts_to_ascii)
{
	struct arena *arena = arena_new();
	struct slice name = exact_text(to_ascii[_i].name);
	struct slice untouched = SLICE("untouched"), out = untouched;
	bool done = domain_to_ascii(arena, name, &out);
	const char *wanted = to_ascii[_i].ascii;

	ck_assert_msg(done == (wanted != NULL), "%s: done is %d", to_ascii[_i].label, done);
	expect_slice(
	    to_ascii[_i].label, "the A-form", out, wanted != NULL ? wanted : untouched.data);
	exact_free(name);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *name;
	const char *unicode;
} to_unicode[] = {
	{ "ASCII as it is", "Example.com", "Example.com" },
	{ "an A-label", "xn--bcher-kva.Example", BUECHER ".Example" },
	{ "an A-label in capitals", "mail.XN--BCHER-KVA.example", "mail." BUECHER ".example" },
	{ "a U-label as it is", BUECHER ".example", BUECHER ".example" },
	{ "a final dot stays", "xn--bcher-kva.example.", BUECHER ".example." },
	{ "one bad A-label", "xn--bcher-kva.xn--999999b", "xn--bcher-kva.xn--999999b" },
	{ "a symbol is not shown", "xn--n3h.example", "xn--n3h.example" },
	{ "nothing", "", "" },
};

START_TEST(converts_to_unicode)
{
	struct arena *arena = arena_new();
	struct slice name = exact_text(to_unicode[_i].name);

	expect_slice(to_unicode[_i].label, "the U-form", domain_to_unicode(arena, name),
	    to_unicode[_i].unicode);
	exact_free(name);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *a, *b;
	bool equal;
} pairs[] = {
	{ "the same", "example.com", "example.com", true },
	{ "case", "Example.com", "eXAMPLE.COM", true },
	{ "a final dot", "example.com", "example.com.", true },
	{ "two final dots", "example.com", "example.com..", false },
	{ "another", "example.com", "example.org", false },
	{ "below", "example.com", "a.example.com", false },
	{ "U- and A-label", BUECHER ".example", "xn--bcher-kva.EXAMPLE.", true },
	{ "two U-labels", BUECHER ".example", "B\303\234CHER.example", true },
	{ "another U-label", BUECHER ".example", "bucher.example", false },
	{ "no IDN, the same octets", "\xe2\x98\x83.example", "\xe2\x98\x83.Example", true },
	{ "no IDN, others", "\xe2\x98\x83.example", "xn--n3h.example", false },
	{ "nothing and something", "", "a", false },
	{ "literals", "[192.0.2.1]", "[192.0.2.1]", true },
};

START_TEST(compares)
{
	struct arena *arena = arena_new();
	struct slice a = exact_text(pairs[_i].a), b = exact_text(pairs[_i].b);

	ck_assert_msg(domain_equal(arena, a, b) == pairs[_i].equal, "%s", pairs[_i].label);
	ck_assert_msg(
	    domain_equal(arena, b, a) == pairs[_i].equal, "%s, turned round", pairs[_i].label);
	exact_free(a);
	exact_free(b);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *name, *parent;
	bool within;
} families[] = {
	{ "the same", "example.com", "example.com", true },
	{ "below", "a.b.example.com", "example.com", true },
	{ "not at a dot", "badexample.com", "example.com", false },
	{ "above", "com", "example.com", false },
	{ "a brother", "example.org", "example.com", false },
	{ "no parent", "example.com", "", false },
	{ "nothing", "", "example.com", false },
};

START_TEST(knows_families)
{
	struct slice name = exact_text(families[_i].name);
	struct slice parent = exact_text(families[_i].parent);

	ck_assert_msg(
	    domain_is_within(name, parent) == families[_i].within, "%s", families[_i].label);
	exact_free(name);
	exact_free(parent);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("domain");
	TCase *tcase = tcase_create("domain");

	tcase_add_loop_test(tcase, names_the_fault, 0, ROWS(hosts));
	tcase_add_loop_test(tcase, follows_the_grammar, 0, ROWS(grammar));
	tcase_add_test(tcase, does_not_look_into_giants);
	tcase_add_test(tcase, nul_is_a_character);
	tcase_add_loop_test(tcase, converts_to_ascii, 0, ROWS(to_ascii));
	tcase_add_loop_test(tcase, converts_to_unicode, 0, ROWS(to_unicode));
	tcase_add_loop_test(tcase, compares, 0, ROWS(pairs));
	tcase_add_loop_test(tcase, knows_families, 0, ROWS(families));
	suite_add_tcase(suite, tcase);
	return suite;
}
