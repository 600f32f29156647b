/*
 * encoded_word.c - RFC 2047 encoded-words, read and written.
 *
 * Reading goes in three steps: the form, the transfer encoding (Q or B) into
 * octets, the octets into UTF-8.  The most common character sets are converted
 * here, the others by iconv(3) under a name from the table below: no name that
 * a message brings ever reaches iconv_open.
 */
#include "syntax/encoded_word.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"

enum {
	REPLACEMENT = 0xfffd,                             /* U+FFFD, for what cannot be decoded */
	FRAME = 12,                                       /* octets of "=?UTF-8?Q?" and "?=" */
	BASE64_LINE = (ENCODED_WORD_MAX - FRAME) / 4 * 3, /* octets that one B word holds */
};

struct charset {
	const char *name;  /* as messages have it, small letters */
	const char *iconv; /* the name for iconv_open, or one of the three below */
};

static const char by_utf8[] = "UTF-8", by_ascii[] = "US-ASCII", by_latin1[] = "ISO-8859-1";

/*
 * Names that mail uses.  Where senders of a region commonly label a set with
 * the name of the smaller one inside it, it is read as the larger one, as mail
 * programs do.  UTF-7 is left out on purpose: it hides ASCII in ASCII.
 */
static const struct charset charsets[] = {
	{ "utf-8", by_utf8 },
	{ "utf8", by_utf8 },
	{ "us-ascii", by_ascii },
	{ "ascii", by_ascii },
	{ "ansi_x3.4-1968", by_ascii },
	{ "iso-8859-1", by_latin1 },
	{ "iso8859-1", by_latin1 },
	{ "iso_8859-1", by_latin1 },
	{ "latin1", by_latin1 },
	{ "iso-8859-2", "ISO-8859-2" },
	{ "iso8859-2", "ISO-8859-2" },
	{ "latin2", "ISO-8859-2" },
	{ "iso-8859-3", "ISO-8859-3" },
	{ "iso-8859-4", "ISO-8859-4" },
	{ "iso-8859-5", "ISO-8859-5" },
	{ "iso-8859-6", "ISO-8859-6" },
	{ "iso-8859-7", "ISO-8859-7" },
	{ "iso-8859-8", "ISO-8859-8" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-9", "ISO-8859-9" },
	{ "iso8859-9", "ISO-8859-9" },
	{ "latin5", "ISO-8859-9" },
	{ "iso-8859-10", "ISO-8859-10" },
	{ "iso-8859-11", "ISO-8859-11" },
	{ "iso-8859-13", "ISO-8859-13" },
	{ "iso-8859-14", "ISO-8859-14" },
	{ "iso-8859-15", "ISO-8859-15" },
	{ "iso8859-15", "ISO-8859-15" },
	{ "latin9", "ISO-8859-15" },
	{ "iso-8859-16", "ISO-8859-16" },
	{ "windows-874", "CP874" },
	{ "cp874", "CP874" },
	{ "windows-1250", "CP1250" },
	{ "cp1250", "CP1250" },
	{ "windows-1251", "CP1251" },
	{ "cp1251", "CP1251" },
	{ "windows-1252", "CP1252" },
	{ "cp1252", "CP1252" },
	{ "windows-1253", "CP1253" },
	{ "cp1253", "CP1253" },
	{ "windows-1254", "CP1254" },
	{ "cp1254", "CP1254" },
	{ "windows-1255", "CP1255" },
	{ "cp1255", "CP1255" },
	{ "windows-1256", "CP1256" },
	{ "cp1256", "CP1256" },
	{ "windows-1257", "CP1257" },
	{ "cp1257", "CP1257" },
	{ "windows-1258", "CP1258" },
	{ "cp1258", "CP1258" },
	{ "cp437", "CP437" },
	{ "ibm437", "CP437" },
	{ "cp850", "CP850" },
	{ "ibm850", "CP850" },
	{ "cp852", "CP852" },
	{ "ibm852", "CP852" },
	{ "cp866", "CP866" },
	{ "ibm866", "CP866" },
	{ "koi8-r", "KOI8-R" },
	{ "koi8-u", "KOI8-U" },
	{ "macintosh", "MACINTOSH" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "x-mac-cyrillic", "MAC-CYRILLIC" },
	{ "x-mac-ce", "MAC-CENTRALEUROPE" },
	{ "gb2312", "GBK" },
	{ "gbk", "GBK" },
	{ "x-gbk", "GBK" },
	{ "cp936", "GBK" },
	{ "gb18030", "GB18030" },
	{ "big5", "BIG5" },
	{ "big5-hkscs", "BIG5-HKSCS" },
	{ "cp950", "CP950" },
	{ "euc-tw", "EUC-TW" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "cp932", "CP932" },
	{ "windows-31j", "CP932" },
	{ "euc-jp", "EUC-JP" },
	{ "x-euc-jp", "EUC-JP" },
	{ "iso-2022-jp", "ISO-2022-JP" },
	{ "iso-2022-jp-1", "ISO-2022-JP-2" },
	{ "iso-2022-jp-2", "ISO-2022-JP-2" },
	{ "euc-kr", "UHC" },
	{ "cp949", "UHC" },
	{ "ks_c_5601-1987", "UHC" },
	{ "ks_c_5601-1989", "UHC" },
	{ "ksc5601", "UHC" },
	{ "iso-2022-kr", "ISO-2022-KR" },
	{ "tis-620", "TIS-620" },
	{ "viscii", "VISCII" },
	{ "armscii-8", "ARMSCII-8" },
};

enum encoding { ENCODING_Q, ENCODING_B };

/* The parts of a token of the right form. */
struct parts {
	struct slice charset;
	struct slice text;
	enum encoding encoding;
};

/* Where converted text goes, and what was met on the way. */
struct sink {
	struct buf *out;
	bool control;
	bool undecodable;
};

/*
 * token    = 1*<Any CHAR except SPACE, CTLs, and especials>
 * especials = "(" / ")" / "<" / ">" / "@" / "," / ";" / ":" / "\" / <"> /
 *             "/" / "[" / "]" / "?" / "." / "="
 * RFC 2231 takes "*" out as well.
 */
static bool is_token(struct slice s)
{
	static const char especials[] = "()<>@,;:\\\"/[]?.=*";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (c <= ' ' || c >= 0x7f || strchr(especials, c) != NULL)
			return false;
	}
	return s.len > 0;
}

/* encoded-text = 1*<Any printable ASCII character other than "?" or SPACE> */
static bool is_encoded_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] >= 0x7f || s.data[i] == '?')
			return false;
	return s.len > 0;
}

/* Takes what stands before the next "?" off the front of *rest, and the "?". */
static bool take_part(struct slice *rest, struct slice *part)
{
	size_t end = slice_find(*rest, '?');

	if (end == rest->len)
		return false;
	*part = slice_part(*rest, 0, end);
	*rest = slice_part(*rest, end + 1, rest->len);
	return true;
}

/* encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?=" */
static bool split(struct slice token, struct parts *parts)
{
	struct slice rest, name, encoding;
	size_t star;
	char letter;

	if (!encoded_word_looks_like(token))
		return false;
	rest = slice_part(token, 2, token.len);
	if (!take_part(&rest, &name) || !take_part(&rest, &encoding) ||
	    !take_part(&rest, &parts->text) || !slice_equal(rest, SLICE("=")))
		return false;
	star = slice_find(name, '*');
	if (star < name.len && !is_token(slice_part(name, star + 1, name.len)))
		return false;
	parts->charset = slice_part(name, 0, star);
	letter = encoding.len == 1 ? ascii_lower(encoding.data[0]) : '\0';
	parts->encoding = letter == 'b' ? ENCODING_B : ENCODING_Q;
	return (letter == 'q' || letter == 'b') && is_token(parts->charset) &&
	       is_encoded_text(parts->text);
}

bool encoded_word_looks_like(struct slice token)
{
	return token.len >= 2 && token.data[0] == '=' && token.data[1] == '?';
}

bool encoded_word_is(struct slice token)
{
	struct parts parts;

	return split(token, &parts);
}

static int hex_value(char c)
{
	c = ascii_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Q: "_" is a space, =XX an octet.  False if a "=" is not followed by two hexadecimal digits. */
static bool decode_q(struct slice text, struct buf *octets)
{
	bool good = true;

	for (size_t i = 0; i < text.len; i++) {
		int high, low;

		if (text.data[i] != '=') {
			buf_add_char(octets, text.data[i] == '_' ? ' ' : text.data[i]);
			continue;
		}
		high = i + 1 < text.len ? hex_value(text.data[i + 1]) : -1;
		low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;
		if (high < 0 || low < 0) {
			good = false;
			buf_add_char(octets, '=');
			continue;
		}
		buf_add_char(octets, (char)(high << 4 | low));
		i += 2;
	}
	return good;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/*
 * B: base64 as RFC 4648 4 has it.  False for any other octet, for wrong padding
 * and for more text behind it; what can be decoded is, as many readers do.
 */
static bool decode_b(struct slice text, struct buf *octets)
{
	unsigned bits = 0, digits = 0, padding = 0;
	bool good = true;

	for (size_t i = 0; i < text.len; i++) {
		int value = base64_value(text.data[i]);

		if (text.data[i] == '=') {
			padding++;
			continue;
		}
		if (padding > 0) {
			good = false;
			digits = padding = 0;
		}
		if (value < 0) {
			good = false;
			continue;
		}
		bits = bits << 6 | (unsigned)value;
		if (++digits > 1)
			buf_add_char(octets, (char)(bits >> (8 - digits * 2)));
		digits %= 4;
	}
	return good && (digits == 0 ? padding == 0 : digits + padding == 4 && digits > 1);
}

static const struct charset *find_charset(struct slice name)
{
	for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++)
		if (slice_equal_nocase(slice_of(charsets[i].name), name))
			return &charsets[i];
	return NULL;
}

/* Appends converted text and looks for controls, also in what no longer fits. */
static void put_text(struct sink *sink, struct slice utf8)
{
	for (size_t i = 0; i < utf8.len; i++) {
		unsigned char c = (unsigned char)utf8.data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			sink->control = true;
	}
	buf_add_slice(sink->out, utf8);
}

static void put_replacement(struct sink *sink)
{
	sink->undecodable = true;
	utf8_encode(sink->out, REPLACEMENT);
}

static void convert_utf8(struct slice octets, struct sink *sink)
{
	while (octets.len > 0) {
		size_t good = utf8_first_invalid(octets);

		put_text(sink, slice_part(octets, 0, good));
		if (good < octets.len)
			put_replacement(sink);
		octets = slice_part(octets, good + 1, octets.len);
	}
}

static void convert_ascii(struct slice octets, struct sink *sink)
{
	for (size_t i = 0; i < octets.len; i++) {
		if (is_8bit(octets.data[i]))
			put_replacement(sink);
		else
			put_text(sink, slice_part(octets, i, i + 1));
	}
}

/*
 * Octets 0x80 to 0x9f are C1 controls in ISO 8859-1; nearly always they are
 * quotes of a mislabelled windows-1252, so they pass as the characters they are.
 */
static void convert_latin1(struct slice octets, struct sink *sink)
{
	for (size_t i = 0; i < octets.len; i++) {
		if (is_8bit(octets.data[i]))
			utf8_encode(sink->out, (unsigned char)octets.data[i]);
		else
			put_text(sink, slice_part(octets, i, i + 1));
	}
}

/* One call of iconv; *in NULL asks for what the converter still holds back. */
static int convert_piece(iconv_t cd, char **in, size_t *left, struct sink *sink)
{
	char text[256], *to = text;
	size_t room = sizeof text;
	size_t n = iconv(cd, in, left, &to, &room);
	int error = n == (size_t)-1 ? errno : 0;

	put_text(sink, (struct slice){ text, sizeof text - room });
	/* full and yet nothing written: no step forward will come */
	return error == E2BIG && room == sizeof text ? EILSEQ : error;
}

static bool convert_iconv(const char *name, struct slice octets, struct sink *sink)
{
	iconv_t cd = iconv_open("UTF-8", name);
	char *in = (char *)octets.data;
	size_t left = octets.len;

	if (cd == (iconv_t)-1)
		return false;
	while (left > 0) {
		int error = convert_piece(cd, &in, &left, sink);

		if (error == EILSEQ || error == EINVAL) {
			put_replacement(sink);
			if (error == EINVAL || left == 0)
				break; /* cut in the middle of a character */
			in++;
			left--;
		}
	}
	convert_piece(cd, NULL, NULL, sink);
	iconv_close(cd);
	return true;
}

/* Appends the octets of that character set as UTF-8; false if iconv lacks the set. */
static bool convert(const struct charset *charset, struct slice octets, struct sink *sink)
{
	if (charset->iconv == by_utf8)
		convert_utf8(octets, sink);
	else if (charset->iconv == by_ascii)
		convert_ascii(octets, sink);
	else if (charset->iconv == by_latin1)
		convert_latin1(octets, sink);
	else
		return convert_iconv(charset->iconv, octets, sink);
	return true;
}

static bool decode_transfer(const struct parts *parts, struct buf *octets)
{
	return parts->encoding == ENCODING_Q ? decode_q(parts->text, octets)
					     : decode_b(parts->text, octets);
}

enum syntax_code encoded_word_decode(struct slice token, struct buf *out)
{
	struct parts parts;
	struct sink sink = { .out = out };
	const struct charset *charset;
	struct buf octets;
	bool known;

	if (!split(token, &parts)) {
		buf_add_slice(out, token);
		return SYNTAX_ENCODED_MALFORMED;
	}
	charset = find_charset(parts.charset);
	buf_init(&octets, token.len);
	sink.undecodable = !decode_transfer(&parts, &octets);
	known = charset != NULL && convert(charset, buf_slice(&octets), &sink);
	buf_free(&octets);
	if (!known) {
		buf_add_slice(out, token);
		return SYNTAX_ENCODED_CHARSET;
	}
	if (sink.control)
		return SYNTAX_ENCODED_CONTROL;
	if (sink.undecodable)
		return SYNTAX_ENCODED_UNDECODABLE;
	return token.len > ENCODED_WORD_MAX ? SYNTAX_ENCODED_LONG : SYNTAX_OK;
}

/* Offset behind the run of blanks, or of other octets, that begins at from. */
static size_t run_end(struct slice text, size_t from, bool blank)
{
	while (from < text.len && is_fws(text.data[from]) == blank)
		from++;
	return from;
}

void encoded_words_decode(struct slice text, struct buf *out)
{
	bool after_encoded = false;

	for (size_t at = 0; at < text.len;) {
		size_t begin = run_end(text, at, true);
		size_t end = run_end(text, begin, false);
		struct slice word = slice_part(text, begin, end);
		bool encoded = encoded_word_is(word);

		if (!(encoded && after_encoded))
			buf_add_slice(out, slice_part(text, at, begin));
		if (encoded)
			encoded_word_decode(word, out);
		else
			buf_add_slice(out, word);
		after_encoded = encoded;
		at = end;
	}
}

/* May the octet stand for itself in a Q word of a phrase?  RFC 2047 5 (3) */
static bool is_plain_q(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t q_length(struct slice text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++)
		len += is_plain_q(text.data[i]) || text.data[i] == ' ' ? 1 : 3;
	return len;
}

/*
 * The end of the longest run of whole characters from at on that fits in one
 * word.  An octet that is no UTF-8 counts as a character.
 */
static size_t piece_end(struct slice utf8, size_t at, enum encoding encoding)
{
	size_t end = at, used = 0;

	while (end < utf8.len) {
		size_t len = utf8_decode(utf8, end, NULL);
		size_t most = encoding == ENCODING_B ? BASE64_LINE : ENCODED_WORD_MAX - FRAME;

		if (len == 0)
			len = 1;
		used += encoding == ENCODING_B ? len : q_length(slice_part(utf8, end, end + len));
		if (used > most)
			break;
		end += len;
	}
	return end;
}

/* Octets that the whole text takes in that encoding, with the spaces between words. */
static size_t encoded_length(struct slice utf8, enum encoding encoding)
{
	size_t total = 0;

	for (size_t at = 0, end; at < utf8.len; at = end) {
		end = piece_end(utf8, at, encoding);
		total += (at > 0) + FRAME;
		total += encoding == ENCODING_B ? (end - at + 2) / 3 * 4
						: q_length(slice_part(utf8, at, end));
	}
	return total;
}

static void write_q(struct slice piece, struct buf *out)
{
	for (size_t i = 0; i < piece.len; i++) {
		char c = piece.data[i];

		if (c == ' ')
			buf_add_char(out, '_');
		else if (is_plain_q(c))
			buf_add_char(out, c);
		else
			buf_printf(out, "=%02X", (unsigned)(unsigned char)c);
	}
}

static void write_b(struct slice piece, struct buf *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < piece.len; i += 3) {
		unsigned group = 0;

		for (size_t k = i; k < i + 3; k++)
			group = group << 8 | (k < piece.len ? (unsigned char)piece.data[k] : 0);
		buf_add_char(out, digits[group >> 18]);
		buf_add_char(out, digits[group >> 12 & 63]);
		buf_add_char(out, i + 1 < piece.len ? digits[group >> 6 & 63] : '=');
		buf_add_char(out, i + 2 < piece.len ? digits[group & 63] : '=');
	}
}

void encoded_words_encode(struct slice utf8, struct buf *out)
{
	bool base64 = encoded_length(utf8, ENCODING_B) < encoded_length(utf8, ENCODING_Q);
	enum encoding encoding = base64 ? ENCODING_B : ENCODING_Q;

	for (size_t at = 0, end; at < utf8.len; at = end) {
		struct slice piece;

		end = piece_end(utf8, at, encoding);
		piece = slice_part(utf8, at, end);
		if (at > 0)
			buf_add_char(out, ' ');
		buf_add_text(out, base64 ? "=?UTF-8?B?" : "=?UTF-8?Q?");
		if (base64)
			write_b(piece, out);
		else
			write_q(piece, out);
		buf_add_text(out, "?=");
	}
}
