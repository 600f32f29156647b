/* utf8.c - decoding, checking and escaping UTF-8. */
#include "base/utf8.h"

#include "base/ascii.h"

static uint32_t octet(struct slice s, size_t at)
{
	return (unsigned char)s.data[at];
}

/*
 * UTF8-1 = %x00-7F                 UTF8-2 = %xC2-DF UTF8-tail
 * UTF8-3 = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) / %xED %x80-9F UTF8-tail / ...
 * UTF8-4 = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) / %xF4 %x80-8F 2( UTF8-tail )
 */
size_t utf8_decode(struct slice s, size_t at, uint32_t *code)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c, value;
	size_t len;

	if (at >= s.len)
		return 0;
	c = octet(s, at);
	if (c < 0x80) {
		len = 1;
		value = c;
	} else if (c >= 0xc2 && c <= 0xdf) {
		len = 2;
		value = c & 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		len = 3;
		value = c & 0x0f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		len = 4;
		value = c & 0x07;
	} else {
		return 0;
	}
	if (len > s.len - at)
		return 0;
	for (size_t i = 1; i < len; i++) {
		c = octet(s, at + i);
		if ((c & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (c & 0x3f);
	}
	if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	if (code != NULL)
		*code = value;
	return len;
}

size_t utf8_first_invalid(struct slice s)
{
	size_t at = 0, len;

	while (at < s.len && (len = utf8_decode(s, at, NULL)) > 0)
		at += len;
	return at;
}

bool utf8_has_8bit(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_8bit(s.data[i]))
			return true;
	return false;
}

void utf8_encode(struct buf *out, uint32_t code)
{
	char text[4];
	size_t len;

	if (code < 0x80) {
		text[0] = (char)code;
		len = 1;
	} else if (code < 0x800) {
		text[0] = (char)(0xc0 | code >> 6);
		len = 2;
	} else if (code < 0x10000) {
		text[0] = (char)(0xe0 | code >> 12);
		len = 3;
	} else {
		text[0] = (char)(0xf0 | code >> 18);
		len = 4;
	}
	for (size_t i = 1; i < len; i++)
		text[i] = (char)(0x80 | (code >> 6 * (len - 1 - i) & 0x3f));
	buf_add(out, text, len);
}

/* Ranges of characters that are well-formed and yet not shown, in order. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0000, 0x001f },   /* C0 */
	{ 0x007f, 0x009f },   /* DEL, C1 */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x180e, 0x180e },   /* Mongolian vowel separator */
	{ 0x200b, 0x200f },   /* zero width, direction marks */
	{ 0x2028, 0x202e },   /* separators, direction embeddings and overrides */
	{ 0x2060, 0x206f },   /* invisible operators, direction isolates */
	{ 0xfdd0, 0xfdef },   /* noncharacters */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0xe0000, 0xe0fff }, /* tags and variation selectors */
};

bool utf8_is_printable(uint32_t code)
{
	if ((code & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
		if (code <= hidden[i].last)
			return code < hidden[i].first;
	return true;
}

void utf8_escape(struct buf *out, struct slice text)
{
	size_t at = 0;

	while (at < text.len) {
		uint32_t code;
		size_t len = utf8_decode(text, at, &code);

		if (len > 0 && utf8_is_printable(code)) {
			buf_add(out, text.data + at, len);
			at += len;
			continue;
		}
		for (size_t end = at + (len > 0 ? len : 1); at < end; at++)
			buf_printf(out, "\\x%02x", (unsigned)octet(text, at));
	}
}
