/* fuzz_encoded_word.c - RFC 2047: what is encoded comes back, whatever is decoded is UTF-8. */
#include "fuzz.h"

#include <string.h>

#include "base/utf8.h"
#include "syntax/encoded_word.h"

enum {
	CEILING = 1 << 20,
	LOW_CEILING = 7,
};

static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f)
			return true;
	return false;
}

static void check_token(struct slice token)
{
	struct buf whole, cut;
	enum syntax_code code;
	bool as_it_is;

	buf_init(&whole, CEILING);
	buf_init(&cut, LOW_CEILING);
	code = encoded_word_decode(token, &whole);
	as_it_is = code == SYNTAX_ENCODED_MALFORMED || code == SYNTAX_ENCODED_CHARSET;
	MUST((code == SYNTAX_ENCODED_MALFORMED) == !encoded_word_is(token));
	MUST(!encoded_word_is(token) || encoded_word_looks_like(token));
	if (as_it_is)
		MUST(slice_equal(buf_slice(&whole), token));
	else
		MUST(utf8_first_invalid(buf_slice(&whole)) == whole.len);
	if (!as_it_is)
		MUST(has_control(buf_slice(&whole)) == (code == SYNTAX_ENCODED_CONTROL));
	if (code == SYNTAX_OK)
		MUST(token.len <= ENCODED_WORD_MAX);
	/* a low ceiling cuts the text and changes nothing else */
	MUST(encoded_word_decode(token, &cut) == code);
	MUST(cut.len <= LOW_CEILING && memcmp(buf_text(&cut), buf_text(&whole), cut.len) == 0);
	buf_free(&cut);
	buf_free(&whole);
}

/* Every octet that an encoded-word of a phrase may hold, RFC 2047 5 (3). */
static bool fits_a_phrase(struct slice word)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789!*+-/=_?";

	for (size_t i = 0; i < word.len; i++)
		if (word.data[i] == '\0' || strchr(allowed, word.data[i]) == NULL)
			return false;
	return true;
}

static void check_encoding(struct slice utf8)
{
	struct buf encoded, back, all;
	struct slice rest;

	buf_init(&encoded, CEILING);
	buf_init(&back, CEILING);
	buf_init(&all, CEILING);
	encoded_words_encode(utf8, &encoded);
	for (rest = buf_slice(&encoded); rest.len > 0;) {
		size_t end = slice_find(rest, ' ');
		struct slice word = slice_part(rest, 0, end);
		enum syntax_code code = encoded_word_decode(word, &back);

		MUST(word.len <= ENCODED_WORD_MAX);
		MUST(fits_a_phrase(word));
		MUST(code == SYNTAX_OK || code == SYNTAX_ENCODED_CONTROL);
		rest = slice_part(rest, end + 1, rest.len);
	}
	MUST(slice_equal(buf_slice(&back), utf8));
	encoded_words_decode(buf_slice(&encoded), &all);
	MUST(slice_equal(buf_slice(&all), utf8));
	buf_free(&encoded);
	buf_free(&back);
	buf_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct buf out;

	if (size > CEILING / 16)
		return 0;
	check_token(text);
	buf_init(&out, CEILING);
	encoded_words_decode(text, &out);
	buf_reset(&out);
	encoded_words_encode(text, &out);
	MUST(!utf8_has_8bit(buf_slice(&out)) && !out.truncated);
	buf_free(&out);
	if (utf8_first_invalid(text) == size)
		check_encoding(text);
	return 0;
}
