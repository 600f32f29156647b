/*
 * json_members.c - some strings out of one JSON text.
 *
 *	value  = false / null / true / object / array / number / string
 *	object = "{" [ member *( "," member ) ] "}"      member = string ":" value
 *	array  = "[" [ value *( "," value ) ] "]"
 *
 * with blanks around each token (RFC 8259 2 to 7).
 */
#include "tools/json_members.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

struct reader {
	struct slice text;
	size_t at;
	struct arena *arena;
	struct json_member *members;
	size_t count;
	struct buf string; /* the string read last */
};

/* Where a value stands: the names of the members around it. */
struct place {
	unsigned depth;
	struct slice object; /* at depth 2: the member of the text that it is in */
	struct slice name;
};

static bool read_value(struct reader *r, const struct place *place);

/* The octet at hand, or NUL at the end; a NUL in the text is no token either. */
static char peek(const struct reader *r)
{
	return r->at < r->text.len ? r->text.data[r->at] : '\0';
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->text.len && memchr(" \t\r\n", r->text.data[r->at], 4) != NULL)
		r->at++;
}

static bool take(struct reader *r, char c)
{
	if (r->at >= r->text.len || r->text.data[r->at] != c)
		return false;
	r->at++;
	return true;
}

/* ---- strings -------------------------------------------------------------------- */

/* 4HEXDIG */
static bool read_hex(struct reader *r, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		char c = ascii_lower(peek(r));

		if (c >= '0' && c <= '9')
			*code = *code * 16 + (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*code = *code * 16 + (uint32_t)(c - 'a') + 10;
		else
			return false;
	}
	return true;
}

/* What follows "\u": a character of the basic plane, or the two halves of another one. */
static bool read_unicode(struct reader *r)
{
	uint32_t code, low;

	if (!read_hex(r, &code) || (code >= 0xdc00 && code <= 0xdfff))
		return false;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (!take(r, '\\') || !take(r, 'u') || !read_hex(r, &low) || low < 0xdc00 ||
		    low > 0xdfff)
			return false;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	utf8_encode(&r->string, code);
	return true;
}

/* What follows a backslash. */
static bool read_escape(struct reader *r)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *found = peek(r) == '\0' ? NULL : strchr(names, peek(r));

	if (take(r, 'u'))
		return read_unicode(r);
	if (found == NULL)
		return false;
	r->at++;
	buf_add_char(&r->string, values[found - names]);
	return true;
}

/*
 *	string = quotation-mark *char quotation-mark
 *
 * into r->string.
 */
static bool read_string(struct reader *r)
{
	buf_reset(&r->string);
	if (!take(r, '"'))
		return false;
	while (r->at < r->text.len && r->text.data[r->at] != '"') {
		if ((unsigned char)r->text.data[r->at] < ' ')
			return false;
		if (take(r, '\\')) {
			if (!read_escape(r))
				return false;
		} else {
			buf_add_char(&r->string, r->text.data[r->at++]);
		}
	}
	return take(r, '"');
}

/* ---- numbers and words ---------------------------------------------------------- */

static size_t read_digits(struct reader *r)
{
	size_t begin = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at - begin;
}

/*
 *	number = [ "-" ] ( "0" / digit1-9 *DIGIT ) [ "." 1*DIGIT ] [ ( "e" / "E" ) [ "-" / "+" ]
 *	         1*DIGIT ]
 */
static bool read_number(struct reader *r)
{
	take(r, '-');
	if (!take(r, '0') && read_digits(r) == 0)
		return false;
	if (take(r, '.') && read_digits(r) == 0)
		return false;
	if (!take(r, 'e') && !take(r, 'E'))
		return true;
	if (!take(r, '-'))
		take(r, '+');
	return read_digits(r) > 0;
}

static bool read_word(struct reader *r, struct slice word)
{
	bool good = slice_equal(slice_part(r->text, r->at, r->at + word.len), word);

	r->at += good ? word.len : 0;
	return good;
}

/* ---- what holds others ---------------------------------------------------------- */

static bool read_member(struct reader *r, const struct place *around)
{
	struct place place = { .depth = around->depth, .object = around->name };

	skip_blanks(r);
	if (!read_string(r))
		return false;
	/* deeper down no names are wanted */
	if (place.depth <= 2)
		place.name = arena_copy(r->arena, buf_slice(&r->string));
	skip_blanks(r);
	return take(r, ':') && read_value(r, &place);
}

/* The members or elements up to the closing bracket. */
static bool read_list(struct reader *r, const struct place *around, bool object)
{
	char close = object ? '}' : ']';
	struct place place = { .depth = around->depth + 1, .name = around->name };

	if (place.depth > JSON_MEMBERS_DEPTH_MAX)
		return false;
	/* an object in an array is not the member that the array is */
	if (!object)
		place.depth = place.depth < 3 ? 3 : place.depth;
	skip_blanks(r);
	if (take(r, close))
		return true;
	do {
		if (object ? !read_member(r, &place) : !read_value(r, &place))
			return false;
		skip_blanks(r);
	} while (take(r, ','));
	return take(r, close);
}

/* Keeps the string if it is wanted; false if it is there already. */
static bool keep_string(struct reader *r, const struct place *place)
{
	for (size_t i = 0; i < r->count && place->depth == 2; i++) {
		struct json_member *m = &r->members[i];

		if (!slice_equal(slice_of(m->object), place->object) ||
		    !slice_equal(slice_of(m->name), place->name))
			continue;
		if (m->value.data != NULL)
			return false;
		m->value = arena_copy(r->arena, buf_slice(&r->string));
	}
	return true;
}

static bool read_value(struct reader *r, const struct place *place)
{
	skip_blanks(r);
	switch (peek(r)) {
	case '{': r->at++; return read_list(r, place, true);
	case '[': r->at++; return read_list(r, place, false);
	case '"': return read_string(r) && keep_string(r, place);
	case 't': return read_word(r, SLICE("true"));
	case 'f': return read_word(r, SLICE("false"));
	case 'n': return read_word(r, SLICE("null"));
	default: return read_number(r);
	}
}

bool json_members_find(
    struct arena *arena, struct slice text, struct json_member *members, size_t count)
{
	struct reader r = { .text = text, .arena = arena, .members = members, .count = count };
	bool good;

	for (size_t i = 0; i < count; i++)
		members[i].value = (struct slice){ 0 };
	buf_init(&r.string, text.len);
	skip_blanks(&r);
	good = utf8_first_invalid(text) == text.len && peek(&r) == '{' &&
	       read_value(&r, &(struct place){ 0 });
	skip_blanks(&r);
	good = good && r.at == text.len;
	buf_free(&r.string);
	return good;
}
