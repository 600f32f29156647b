/*
 * tag_list.c - "tag=value; tag=value": what DKIM signatures and keys are
 * written in (RFC 6376 3.2).
 */
#include "syntax/tag_list.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_letter(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* tag-name = ALPHA *ALNUMPUNC; ALNUMPUNC = ALPHA / DIGIT / "_" */
static bool is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_letter(s.data[i]) && (i == 0 || (!is_digit(s.data[i]) && s.data[i] != '_')))
			return false;
	return s.len > 0;
}

/* VALCHARs, with blanks and folds between them */
static bool is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_blank(s.data[i]) && (s.data[i] < 0x21 || s.data[i] > 0x7e))
			return false;
	return true;
}

static bool read_tag(struct slice piece, struct tag_list *list)
{
	size_t equals = slice_find(piece, '=');
	struct tag tag = { slice_trim(slice_part(piece, 0, equals)),
		slice_trim(slice_part(piece, equals + 1, piece.len)) };

	if (equals == piece.len || !is_name(tag.name) || !is_value(tag.value) ||
	    list->count == TAGS_MAX)
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal(list->tags[i].name, tag.name))
			return false;
	list->tags[list->count++] = tag;
	return true;
}

bool tag_list_read(struct slice text, struct tag_list *list)
{
	list->count = 0;
	for (size_t begin = 0, end; begin <= text.len; begin = end + 1) {
		struct slice piece = slice_part(text, begin, text.len);

		piece = slice_part(piece, 0, slice_find(piece, ';'));
		end = begin + piece.len;
		/* only behind the last semicolon may nothing stand */
		if (end == text.len && list->count > 0 && slice_trim(piece).len == 0)
			break;
		if (!read_tag(piece, list))
			return false;
	}
	return true;
}

struct slice tag_list_find(const struct tag_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal(list->tags[i].name, slice_of(name)))
			return list->tags[i].value;
	return (struct slice){ NULL, 0 };
}

struct slice tag_value_plain(struct arena *arena, struct slice value)
{
	char *plain;
	size_t len = 0;

	if (value.data == NULL)
		return value;
	plain = arena_alloc(arena, value.len + 1);
	for (size_t i = 0; i < value.len; i++)
		if (!is_blank(value.data[i]))
			plain[len++] = value.data[i];
	return (struct slice){ plain, len };
}

bool tag_value_number(struct slice value, uint64_t *number)
{
	uint64_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		uint64_t digit = (uint64_t)(value.data[i] - '0');

		if (!is_digit(value.data[i]) || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (value.len == 0 || value.len > 20)
		return false;
	*number = n;
	return true;
}

bool tag_value_has(struct slice value, struct slice word)
{
	if (value.data == NULL)
		return false;
	for (size_t begin = 0, end; begin <= value.len; begin = end + 1) {
		struct slice rest = slice_part(value, begin, value.len);

		end = begin + slice_find(rest, ':');
		if (slice_equal_nocase(slice_trim(slice_part(value, begin, end)), word))
			return true;
	}
	return false;
}
