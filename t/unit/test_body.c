/* test_body.c - what a body is made of, in whatever pieces it comes. */
#include "message/body.h"
#include "unit.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
	const char *label;
	const char *body;
	size_t len;
	size_t longest_line;
	bool bare_cr, bare_lf, eight_bit;
} rows[] = {
	{ "nothing", TEXT(""), 0, false, false, false },
	{ "a line", TEXT("Hello.\r\n"), 6, false, false, false },
	{ "no line end at the end", TEXT("Hello."), 6, false, false, false },
	{ "the longest in the middle", TEXT("a\r\nabc\r\nab\r\n"), 3, false, false, false },
	{ "the longest at the end, without a line end", TEXT("a\r\nabc"), 3, false, false, false },
	{ "empty lines", TEXT("\r\n\r\n\r\n"), 0, false, false, false },
	{ "a bare CR", TEXT("a\rb\r\n"), 3, true, false, false },
	{ "a bare CR at the beginning", TEXT("\ra\r\n"), 2, true, false, false },
	{ "a bare CR at the end", TEXT("a\r"), 2, true, false, false },
	{ "two CR before an LF", TEXT("a\r\r\n"), 2, true, false, false },
	{ "two CR", TEXT("\r\r"), 2, true, false, false },
	{ "a bare LF", TEXT("a\nb\r\n"), 1, false, true, false },
	{ "a bare LF at the beginning", TEXT("\na\r\n"), 1, false, true, false },
	{ "a bare LF behind a line end", TEXT("a\r\n\nb"), 1, false, true, false },
	{ "LF and CR", TEXT("a\n\rb"), 2, true, true, false },
	{ "8-bit first",
	    TEXT("\xfc"
		 "abcdefghijklmno\r\n"),
	    16, false, false, true },
	{ "8-bit last of a word",
	    TEXT("abcdefg\xfc"
		 "abcdefgh"),
	    16, false, false, true },
	{ "8-bit behind the last word", TEXT("abcdefghabc\x80"), 12, false, false, true },
	{ "DEL is not 8-bit", TEXT("\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f"), 9, false, false,
	    false },
	{ "a NUL", TEXT("a\0b\r\n"), 3, false, false, false },
};

static void expect_facts(int row, const struct body_facts *f, size_t first, size_t second)
{
	ck_assert_msg(f->octets == rows[row].len && f->longest_line == rows[row].longest_line &&
			  f->bare_cr == rows[row].bare_cr && f->bare_lf == rows[row].bare_lf &&
			  f->eight_bit == rows[row].eight_bit,
	    "%s, cut at %zu and %zu: %zu octets, longest %zu,%s%s%s", rows[row].label, first,
	    second, f->octets, f->longest_line, f->bare_cr ? " bare CR" : "",
	    f->bare_lf ? " bare LF" : "", f->eight_bit ? " 8-bit" : "");
}

static void look(struct body_facts *f, const char *body, size_t len)
{
	struct slice piece = exact(body, len);

	body_look(f, piece);
	exact_free(piece);
}

/* Cut in three in every way, pieces of nothing among them. */
START_TEST(test_pieces)
{
	const char *body = rows[_i].body;
	size_t len = rows[_i].len;

	for (size_t first = 0; first <= len; first++)
		for (size_t second = first; second <= len; second++) {
			struct body_facts f = { 0 };

			look(&f, body, first);
			look(&f, body + first, second - first);
			look(&f, body + second, len - second);
			body_end(&f);
			expect_facts(_i, &f, first, second);
		}
}
END_TEST

START_TEST(test_octets)
{
	const char *body = rows[_i].body;
	struct body_facts f = { 0 };

	for (size_t i = 0; i < rows[_i].len; i++)
		look(&f, body + i, 1);
	body_end(&f);
	expect_facts(_i, &f, 1, 1);
}
END_TEST

/* Every octet at every place of a word and behind it. */
START_TEST(test_every_octet)
{
	for (size_t at = 0; at < 19; at++) {
		char body[19] = "abcdefghijklmnopqrs";
		struct body_facts f = { 0 };

		body[at] = (char)_i;
		look(&f, body, sizeof body);
		body_end(&f);
		ck_assert_msg(f.eight_bit == (_i > 127), "octet %d at %zu", _i, at);
		ck_assert_msg(f.bare_cr == (_i == '\r'), "octet %d at %zu", _i, at);
		ck_assert_msg(f.bare_lf == (_i == '\n'), "octet %d at %zu", _i, at);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("body");
	TCase *c = tcase_create("body");

	tcase_add_loop_test(c, test_pieces, 0, ROWS(rows));
	tcase_add_loop_test(c, test_octets, 0, ROWS(rows));
	tcase_add_loop_test(c, test_every_octet, 0, 256);
	suite_add_tcase(suite, c);
	return suite;
}
