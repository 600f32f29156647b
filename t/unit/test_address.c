/*
 * test_address.c - addresses as a site compares them.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "directory/domains.h"
#include "store/address.h"
#include "store/store.h"
#include "unit.h"

static const struct {
	const char *label, *delimiters, *text;
	const char *wanted; /* key|base|unicode; NULL: no address */
	bool case_sensitive, at_domain;
} rows[] = {
	{ "plain", "", "ann@example.com", "ann@example.com||", false, false },
	{ "folded", "", "Ann@Example.COM.", "ann@example.com||", false, false },
	{ "case kept", "", "Ann@Example.COM", "Ann@example.com||", true, false },
	{ "needless quotes", "", "\"ann\"@example.com", "ann@example.com||", false, false },
	{ "needed quotes", "", "\"a b\"@example.com", "\"a b\"@example.com||", false, false },
	{ "needless escape", "", "\"a\\nn\"@example.com", "ann@example.com||", false, false },
	{ "escaped quote", "", "\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com||", false, false },
	{ "at in quotes", "", "\"a@b\"@example.com", "\"a@b\"@example.com||", false, false },
	{ "at without quotes", "", "a@b@example.com", "\"a@b\"@example.com||", false, false },
	{ "dots at the edge", "", "\".a\"@example.com", "\".a\"@example.com||", false, false },
	{ "two dots", "", "a..b@example.com", "\"a..b\"@example.com||", false, false },
	{ "umlaut folded", "", "\xc3\x9cml@example.com", "\xc3\xbcml@example.com||", false, false },
	{ "Greek folded", "", "\xce\x91@example.com", "\xce\xb1@example.com||", false, false },
	{ "Cyrillic folded", "", "\xd0\x90@example.com", "\xd0\xb0@example.com||", false, false },
	{ "dotless i stays", "", "\xc4\xb1@example.com", "\xc4\xb1@example.com||", false, false },
	{ "U-form", "",
	    "a@B\xc3\x9c"
	    "cher.example",
	    "a@xn--bcher-kva.example||b\xc3\xbc"
	    "cher.example",
	    false, false },
	{ "A-form", "", "a@xn--bcher-kva.example",
	    "a@xn--bcher-kva.example||b\xc3\xbc"
	    "cher.example",
	    false, false },
	{ "sub-address", "+", "ann+x@example.com", "ann+x@example.com|ann|", false, false },
	{ "first delimiter", "+-", "ann-a+b@example.com", "ann-a+b@example.com|ann|", false,
	    false },
	{ "nothing before it", "+", "+x@example.com", "+x@example.com||", false, false },
	{ "nothing behind it", "+", "ann+@example.com", "ann+@example.com|ann|", false, false },
	{ "other delimiter", "-", "ann+x@example.com", "ann+x@example.com||", false, false },
	{ "owner", "-", "owner-list@example.com", "owner-list@example.com||", false, false },
	{ "request", "-", "list-request@example.com", "list-request@example.com||", false, false },
	{ "request alone", "-", "-request@example.com", "-request@example.com||", false, false },
	{ "mailer-daemon", "-", "MAILER-DAEMON@example.com", "mailer-daemon@example.com||", false,
	    false },
	{ "delimiter in quotes", "+", "\"a b+c\"@example.com", "\"a b+c\"@example.com|a b|", false,
	    false },
	{ "literal", "", "ann@[192.0.2.1]", "ann@[192.0.2.1]||", false, false },
	{ "the whole domain", "+", "@example.com", "@example.com||", false, true },
	{ "the whole domain, not asked for", "", "@example.com", NULL, false, false },
	{ "nobody in quotes", "", "\"\"@example.com", NULL, false, true },
	{ "no at", "", "ann", NULL, false, false },
	{ "no domain", "", "ann@", NULL, false, false },
	{ "at in quotes alone", "", "\"a@b\"", NULL, false, false },
	{ "line end", "", "a\nb@example.com", NULL, false, false },
	{ "tab", "", "\"a\tb\"@example.com", NULL, false, false },
	{ "delete", "", "a\x7f@example.com", NULL, false, false },
	{ "C1", "", "a\xc2\x85@example.com", NULL, false, false },
	{ "bad UTF-8", "", "a\xff@example.com", NULL, false, false },
	{ "empty label", "", "a@b..example", NULL, false, false },
	{ "blank in the domain", "", "a@b c.example", NULL, false, false },
	{ "nothing", "", "", NULL, false, false },
};

START_TEST(test_row)
{
	struct address_rules rules = { rows[_i].delimiters, rows[_i].case_sensitive, false };
	struct slice input = exact_text(rows[_i].text);
	struct arena *arena = arena_new();
	struct address a;
	bool good = address_read(arena, &rules, input, rows[_i].at_domain, &a);

	ck_assert_msg(good == (rows[_i].wanted != NULL), "%s: %s", rows[_i].label,
	    good ? "it was taken" : "it was not taken");
	if (good) {
		struct slice got = arena_printf(arena, "%.*s|%.*s|%.*s", SLICE_ARG(a.key),
		    SLICE_ARG(a.base), SLICE_ARG(a.unicode));

		/* an empty base would be the key of the whole domain */
		ck_assert_msg(a.base.data == NULL || a.base.len > 0, "%s", rows[_i].label);

		expect_slice(rows[_i].label, "address", got, rows[_i].wanted);
	}
	exact_free(input);
	arena_free(arena);
}
END_TEST

/* What was read is read again to the same: keys are a normal form. */
START_TEST(test_idempotent)
{
	struct address_rules rules = { "+", false, false };
	struct arena *arena = arena_new();
	struct address a, b;

	if (rows[_i].wanted != NULL && !rows[_i].at_domain && !rows[_i].case_sensitive) {
		ck_assert(address_read(arena, &rules, slice_of(rows[_i].text), false, &a));
		ck_assert(address_read(arena, &rules, a.key, false, &b));
		ck_assert_msg(slice_equal(a.key, b.key), "%s", rows[_i].label);
		ck_assert_msg(slice_equal(a.local_part, b.local_part), "%s", rows[_i].label);
	}
	arena_free(arena);
}
END_TEST

START_TEST(test_nul)
{
	struct address_rules rules = { "", false, false };
	struct slice input = exact("a\0b@example.com", 15);
	struct arena *arena = arena_new();
	struct address a;

	ck_assert(!address_read(arena, &rules, input, false, &a));
	exact_free(input);
	input = exact("ab@exam\0le.com", 14);
	ck_assert(!address_read(arena, &rules, input, false, &a));
	exact_free(input);
	arena_free(arena);
}
END_TEST

START_TEST(test_long)
{
	struct address_rules rules = { "+", false, false };
	struct arena *arena = arena_new();
	char text[STORE_KEY_MAX + 100];
	struct address a;

	memset(text, '"', sizeof text);
	memcpy(text + sizeof text - 12, "@example.com", 12);
	ck_assert(!address_read(arena, &rules, (struct slice){ text, sizeof text }, false, &a));
	/* within the limit, and over it with the quotes that it needs */
	memset(text, '(', STORE_KEY_MAX - 12);
	memcpy(text + STORE_KEY_MAX - 12, "@example.com", 12);
	ck_assert(!address_read(arena, &rules, (struct slice){ text, STORE_KEY_MAX }, false, &a));
	arena_free(arena);
}
END_TEST

START_TEST(test_domains)
{
	static const char *const in[] = { "example.com", "*.sub.example", "\xc3\xbc.example",
		"z.example", "a.example" };
	static const struct {
		const char *domain;
		bool wanted;
	} asked[] = {
		{ "example.com", true },
		{ "a.example.com", false },
		{ "sub.example", false },
		{ "a.sub.example", true },
		{ "a.b.sub.example", true },
		{ "asub.example", false },
		{ "xn--tda.example", true },
		{ "example.co", false },
		{ "example.comm", false },
		{ "z.example", true },
		{ "example", false },
		{ "", false },
	};
	struct domains d = { 0 };

	ck_assert(!domains_has(&d, SLICE("example.com")));
	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
		ck_assert(domains_add(&d, slice_of(in[i])));
	ck_assert(!domains_add(&d, SLICE("a b")));
	domains_sort(&d);
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		struct slice domain = exact_text(asked[i].domain);

		ck_assert_msg(domains_has(&d, domain) == asked[i].wanted, "%s", asked[i].domain);
		exact_free(domain);
	}
	domains_free(&d);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *tests = tcase_create("address");

	tcase_add_loop_test(tests, test_row, 0, ROWS(rows));
	tcase_add_loop_test(tests, test_idempotent, 0, ROWS(rows));
	tcase_add_test(tests, test_nul);
	tcase_add_test(tests, test_long);
	tcase_add_test(tests, test_domains);
	suite_add_tcase(suite, tests);
	return suite;
}
