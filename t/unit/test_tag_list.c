/*
 * test_tag_list.c - "tag=value; tag=value", RFC 6376 3.2.
 *
 * A list is shown as "[name|value][name|value]", with "!" in front when the
 * text is no list: what stands before the fault is kept.
 */
#include <string.h>

#include "base/buf.h"
#include "syntax/tag_list.h"
#include "unit.h"

static const struct {
	const char *label;
	const char *text;
	const char *wanted;
} rows[] = {
	{ "one", "a=b", "[a|b]" },
	{ "two", "a=b; c=d", "[a|b][c|d]" },
	{ "a final semicolon", "a=b;", "[a|b]" },
	{ "a final semicolon and blanks", "a=b; \r\n ", "[a|b]" },
	{ "blanks wherever they may be", " \t a = b \r\n\t; c\r\n =\r\n d ", "[a|b][c|d]" },
	{ "an empty value", "a=; b=", "[a|][b|]" },
	{ "blanks inside a value", "a=b \r\n c", "[a|b \r\n c]" },
	{ "an equals sign inside a value", "b=YQ==", "[b|YQ==]" },
	{ "case of letters stays", "A=b; a=B", "[A|b][a|B]" },
	{ "a name with a digit and an underscore", "a1_=b", "[a1_|b]" },

	{ "nothing", "", "!" },
	{ "blanks alone", " \r\n ", "!" },
	{ "a semicolon alone", ";", "!" },
	{ "two semicolons at the end", "a=b;;", "![a|b]" },
	{ "two semicolons inside", "a=b;;c=d", "![a|b]" },
	{ "no equals sign", "a=b; c", "![a|b]" },
	{ "no name", "=b", "!" },
	{ "a name with a digit first", "1a=b", "!" },
	{ "a name with a hyphen", "a-b=c", "!" },
	{ "a name with a blank inside", "a b=c", "!" },
	{ "twice the same", "a=b; c=d; a=e", "![a|b][c|d]" },
	{ "8-bit", "a=\xc3\xbc", "!" },
	{ "a control character", "a=b\x01", "!" },
};

static void show(struct buf *out, const struct tag_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		buf_add_char(out, '[');
		buf_add_slice(out, list->tags[i].name);
		buf_add_char(out, '|');
		buf_add_slice(out, list->tags[i].value);
		buf_add_char(out, ']');
	}
}

START_TEST(reads)
{
	struct slice text = exact_text(rows[_i].text);
	struct tag_list list;
	struct buf shown;

	buf_init(&shown, 1000);
	if (!tag_list_read(text, &list))
		buf_add_char(&shown, '!');
	show(&shown, &list);
	expect_slice(rows[_i].label, "the list", buf_slice(&shown), rows[_i].wanted);
	buf_free(&shown);
	exact_free(text);
}
END_TEST

START_TEST(has_a_ceiling)
{
	struct tag_list list;
	struct buf text;

	buf_init(&text, 10000);
	for (int i = 0; i < TAGS_MAX; i++)
		buf_printf(&text, "a%d=x;", i);
	ck_assert(tag_list_read(buf_slice(&text), &list));
	buf_add_text(&text, "b=x");
	ck_assert(!tag_list_read(buf_slice(&text), &list));
	ck_assert_uint_eq(list.count, TAGS_MAX);
	buf_free(&text);
}
END_TEST

START_TEST(finds)
{
	struct tag_list list;

	ck_assert(tag_list_read(SLICE("a=x; B=y; c="), &list));
	ck_assert(slice_equal(tag_list_find(&list, "a"), SLICE("x")));
	ck_assert_ptr_null(tag_list_find(&list, "b").data);
	ck_assert_ptr_nonnull(tag_list_find(&list, "c").data);
}
END_TEST

START_TEST(takes_blanks_out)
{
	struct arena *arena = arena_new();

	ck_assert(slice_equal(tag_value_plain(arena, SLICE("a b\r\n\tc")), SLICE("abc")));
	ck_assert_ptr_null(tag_value_plain(arena, (struct slice){ NULL, 0 }).data);
	ck_assert_ptr_nonnull(tag_value_plain(arena, SLICE("")).data);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *value;
	bool good;
	uint64_t number;
} numbers[] = {
	{ "0", true, 0 },
	{ "1790000000", true, 1790000000 },
	{ "18446744073709551615", true, UINT64_MAX },
	{ "18446744073709551616", false, 0 },
	{ "99999999999999999999", false, 0 },
	{ "00000000000000000001", true, 1 },
	{ "000000000000000000001", false, 0 },
	{ "", false, 0 },
	{ "-1", false, 0 },
	{ "1a", false, 0 },
	{ " 1", false, 0 },
};

START_TEST(reads_numbers)
{
	struct slice value = exact_text(numbers[_i].value);
	uint64_t number = 0;

	ck_assert_msg(
	    tag_value_number(value, &number) == numbers[_i].good, "%s", numbers[_i].value);
	ck_assert_uint_eq(number, numbers[_i].number);
	exact_free(value);
}
END_TEST

static const struct {
	const char *value, *word;
	bool has;
} words[] = {
	{ "from", "from", true },
	{ "to:From :x", "from", true },
	{ "to: FROM", "from", true },
	{ "from2:xfrom", "from", false },
	{ "", "from", false },
	{ "y:s", "s", true },
	{ "::", "s", false },
};

START_TEST(finds_words)
{
	struct slice value = exact_text(words[_i].value);

	ck_assert_msg(
	    tag_value_has(value, slice_of(words[_i].word)) == words[_i].has, "%s", words[_i].value);
	exact_free(value);
	ck_assert(!tag_value_has((struct slice){ NULL, 0 }, SLICE("")));
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("tag_list");
	TCase *tcase = tcase_create("tag_list");

	tcase_add_loop_test(tcase, reads, 0, ROWS(rows));
	tcase_add_test(tcase, has_a_ceiling);
	tcase_add_test(tcase, finds);
	tcase_add_test(tcase, takes_blanks_out);
	tcase_add_loop_test(tcase, reads_numbers, 0, ROWS(numbers));
	tcase_add_loop_test(tcase, finds_words, 0, ROWS(words));
	suite_add_tcase(suite, tcase);
	return suite;
}
