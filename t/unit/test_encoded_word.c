/* test_encoded_word.c - RFC 2047: form, decoding, character sets, encoding. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "syntax/encoded_word.h"
#include "unit.h"

#define X10   "xxxxxxxxxx"
#define FFFD  "\xef\xbf\xbd"
#define JOERG "J\xc3\xb6rg"

static const struct {
	const char *label;
	const char *token;
	bool is;
} forms[] = {
	{ "Q", "=?utf-8?Q?a?=", true },
	{ "q", "=?utf-8?q?a?=", true },
	{ "B", "=?utf-8?B?YQ==?=", true },
	{ "b", "=?utf-8?b?YQ==?=", true },
	{ "a language", "=?utf-8*de-CH?Q?a?=", true },
	{ "any character set", "=?x!?Q?a?=", true },
	{ "any printable text", "=?utf-8?Q?~!@#$%^&*()[]{}<>,.;:\"'/\\|?=", true },
	{ "one question mark short", "=?utf-8?Q?=", false },
	{ "no text", "=?utf-8?Q?\077=", false },
	{ "no character set", "=??Q?a?=", false },
	{ "a language without a set", "=?*de?Q?a?=", false },
	{ "an empty language", "=?utf-8*?Q?a?=", false },
	{ "no encoding", "=?utf-8??a?=", false },
	{ "another encoding", "=?utf-8?X?a?=", false },
	{ "an encoding of two letters", "=?utf-8?QB?a?=", false },
	{ "a blank in the text", "=?utf-8?Q?a b?=", false },
	{ "a blank in the set", "=?utf 8?Q?a?=", false },
	{ "a question mark in the text", "=?utf-8?Q?a?b?=", false },
	{ "8-bit in the text", "=?utf-8?Q?\xc3\xb6?=", false },
	{ "8-bit in the set", "=?utf\x80?Q?a?=", false },
	{ "a control in the text", "=?utf-8?Q?\x07?=", false },
	{ "DEL in the text", "=?utf-8?Q?\x7f?=", false },
	{ "DEL in the set", "=?utf\x7f?Q?a?=", false },
	{ "the last of ASCII in the set", "=?~?Q?a?=", true },
	{ "an especial in the set", "=?utf.8?Q?a?=", false },
	{ "more behind it", "=?utf-8?Q?a?=b", false },
	{ "more before it", "a=?utf-8?Q?a?=", false },
	{ "never closed", "=?utf-8?Q?a", false },
	{ "closed by half", "=?utf-8?Q?a?", false },
	{ "two in one", "=?utf-8?Q?a?==?utf-8?Q?a?=", false },
	{ "the beginning alone", "=?", false },
	{ "nothing", "", false },
};

START_TEST(knows_the_form)
{
	struct slice token = exact_text(forms[_i].token);

	ck_assert_msg(encoded_word_is(token) == forms[_i].is, "%s", forms[_i].label);
	exact_free(token);
}
END_TEST

START_TEST(knows_the_beginning)
{
	ck_assert(encoded_word_looks_like(SLICE("=?")));
	ck_assert(encoded_word_looks_like(SLICE("=?x")));
	ck_assert(!encoded_word_looks_like(SLICE("=")));
	ck_assert(!encoded_word_looks_like(SLICE("?=")));
	ck_assert(!encoded_word_looks_like(SLICE("")));
}
END_TEST

struct decoding {
	const char *label;
	const char *token;
	enum syntax_code code;
	const char *text;
};

static const struct decoding decodings[] = {
	{ "Q", "=?utf-8?Q?J=C3=B6rg?=", SYNTAX_OK, JOERG },
	{ "Q, small hexadecimals", "=?UTF-8?q?J=c3=b6rg?=", SYNTAX_OK, JOERG },
	{ "Q, a space", "=?utf-8?Q?a_b?=", SYNTAX_OK, "a b" },
	{ "Q, an underscore", "=?utf-8?Q?a=5Fb?=", SYNTAX_OK, "a_b" },
	{ "Q, a TAB", "=?utf-8?Q?a=09b?=", SYNTAX_OK, "a\tb" },
	{ "Q, no digits", "=?utf-8?Q?a=?=", SYNTAX_ENCODED_UNDECODABLE, "a=" },
	{ "Q, one digit", "=?utf-8?Q?a=4?=", SYNTAX_ENCODED_UNDECODABLE, "a=4" },
	{ "Q, bad digits", "=?utf-8?Q?a=4Gb?=", SYNTAX_ENCODED_UNDECODABLE, "a=4Gb" },
	{ "Q, bad and then good", "=?utf-8?Q?==41?=", SYNTAX_ENCODED_UNDECODABLE, "=A" },
	{ "B", "=?utf-8?B?SsO2cmc=?=", SYNTAX_OK, JOERG },
	{ "B, no padding needed", "=?utf-8?B?YWJj?=", SYNTAX_OK, "abc" },
	{ "B, two of padding", "=?utf-8?B?YQ==?=", SYNTAX_OK, "a" },
	{ "B, all digits", "=?iso-8859-1?B?+/8A/z8=?=", SYNTAX_ENCODED_CONTROL, NULL },
	{ "B, the first and last of each range",
	    "=?iso-8859-1?B?azAZ0z9z?=", SYNTAX_ENCODED_CONTROL, "k0\x19\xc3\x93?s" },
	{ "B, padding missing", "=?utf-8?B?SsO2cmc?=", SYNTAX_ENCODED_UNDECODABLE, JOERG },
	{ "B, one of two missing", "=?utf-8?B?YQ=?=", SYNTAX_ENCODED_UNDECODABLE, "a" },
	{ "B, too much padding", "=?utf-8?B?YWI==?=", SYNTAX_ENCODED_UNDECODABLE, "ab" },
	{ "B, padding alone", "=?utf-8?B?====?=", SYNTAX_ENCODED_UNDECODABLE, "" },
	{ "B, one digit", "=?utf-8?B?YWJjY?=", SYNTAX_ENCODED_UNDECODABLE, "abc" },
	{ "B, one digit padded", "=?utf-8?B?Y===?=", SYNTAX_ENCODED_UNDECODABLE, "" },
	{ "B, a foreign octet", "=?utf-8?B?YW-Jj?=", SYNTAX_ENCODED_UNDECODABLE, "abc" },
	{ "B, text behind padding", "=?utf-8?B?YQ==Yg==?=", SYNTAX_ENCODED_UNDECODABLE, "ab" },
	{ "a language", "=?utf-8*de?Q?a?=", SYNTAX_OK, "a" },

	{ "ASCII", "=?us-ascii?Q?abc?=", SYNTAX_OK, "abc" },
	{ "ASCII with 8-bit", "=?US-ASCII?Q?a=E9b?=", SYNTAX_ENCODED_UNDECODABLE, "a" FFFD "b" },
	{ "UTF-8 cut", "=?utf-8?Q?a=C3?=", SYNTAX_ENCODED_UNDECODABLE, "a" FFFD },
	{ "UTF-8 overlong", "=?utf-8?Q?=C0=AF?=", SYNTAX_ENCODED_UNDECODABLE, FFFD FFFD },
	{ "a surrogate", "=?utf-8?Q?=ED=A0=80?=", SYNTAX_ENCODED_UNDECODABLE, FFFD FFFD FFFD },
	{ "Latin-1", "=?ISO-8859-1?Q?J=F6rg?=", SYNTAX_OK, JOERG },
	{ "Latin-1 with windows-1252 quotes", "=?iso-8859-1?Q?=93a=94?=", SYNTAX_OK,
	    "\302\223a\xc2\x94" },
	{ "Latin-9", "=?iso-8859-15?Q?=A4?=", SYNTAX_OK, "\xe2\x82\xac" },
	{ "windows-1252", "=?windows-1252?Q?=80=93?=", SYNTAX_OK, "\xe2\x82\xac\xe2\x80\x9c" },
	{ "windows-1252, a hole", "=?cp1252?Q?a=81b?=", SYNTAX_ENCODED_UNDECODABLE, "a" FFFD "b" },
	{ "KOI8-R", "=?koi8-r?B?z8s=?=", SYNTAX_OK, "\xd0\xbe\xd0\xba" },
	{ "GB2312", "=?gb2312?B?1tA=?=", SYNTAX_OK, "\xe4\xb8\xad" },
	{ "GB2312 as GBK", "=?GB2312?B?6Ec=?=", SYNTAX_OK, "\xe9\x90\xb6" },
	{ "GB18030", "=?gb18030?B?1tCBMIEw?=", SYNTAX_OK, "\xe4\xb8\xad\xc2\x80" },
	{ "Big5", "=?big5?B?pKQ=?=", SYNTAX_OK, "\xe4\xb8\xad" },
	{ "Shift_JIS", "=?Shift_JIS?B?k/o=?=", SYNTAX_OK, "\xe6\x97\xa5" },
	{ "EUC-JP", "=?euc-jp?B?xvw=?=", SYNTAX_OK, "\xe6\x97\xa5" },
	{ "ISO-2022-JP", "=?ISO-2022-JP?B?GyRCRnwbKEI=?=", SYNTAX_OK, "\xe6\x97\xa5" },
	{ "ISO-2022-JP left open", "=?ISO-2022-JP?B?GyRCRnw=?=", SYNTAX_OK, "\xe6\x97\xa5" },
	{ "EUC-KR", "=?euc-kr?B?x9E=?=", SYNTAX_OK, "\xed\x95\x9c" },
	{ "KS C 5601", "=?ks_c_5601-1987?B?x9E=?=", SYNTAX_OK, "\xed\x95\x9c" },
	{ "TIS-620", "=?tis-620?Q?=A1?=", SYNTAX_OK, "\xe0\xb8\x81" },
	{ "windows-1258 holds its last letter back", "=?windows-1258?Q?a=EC?=", SYNTAX_OK,
	    "\xc3\xa1" },
	{ "cut in a character", "=?gb2312?B?1tDW?=", SYNTAX_ENCODED_UNDECODABLE,
	    "\xe4\xb8\xad" FFFD },
	{ "three octets cut from four are one fault",
	    "=?gb18030?B?gTCB?=", SYNTAX_ENCODED_UNDECODABLE, FFFD },
	{ "a bad pair inside", "=?euc-kr?B?Yf9i?=", SYNTAX_ENCODED_UNDECODABLE, "a" FFFD "b" },

	{ "LF", "=?utf-8?Q?a=0Ab?=", SYNTAX_ENCODED_CONTROL, "a\nb" },
	{ "CR", "=?us-ascii?Q?a=0Db?=", SYNTAX_ENCODED_CONTROL, "a\rb" },
	{ "DEL", "=?iso-8859-1?Q?=7F?=", SYNTAX_ENCODED_CONTROL, "\x7f" },
	{ "ESC by base64", "=?utf-8?B?G1s=?=", SYNTAX_ENCODED_CONTROL, "\x1b[" },
	{ "a control by iconv", "=?koi8-r?Q?=07?=", SYNTAX_ENCODED_CONTROL, "\x07" },
	{ "a control beside what does not decode", "=?utf-8?Q?=FF=07?=", SYNTAX_ENCODED_CONTROL,
	    FFFD "\x07" },

	{ "a set nobody knows", "=?x-unknown?Q?a=07?=", SYNTAX_ENCODED_CHARSET,
	    "=?x-unknown?Q?a=07?=" },
	{ "UTF-7 is not decoded", "=?utf-7?Q?+AEA-?=", SYNTAX_ENCODED_CHARSET,
	    "=?utf-7?Q?+AEA-?=" },
	{ "a set of iconv that no mail uses", "=?UCS-2?Q?a?=", SYNTAX_ENCODED_CHARSET,
	    "=?UCS-2?Q?a?=" },
	{ "iconv's suffixes are no names", "=?utf-8//IGNORE?Q?a?=", SYNTAX_ENCODED_MALFORMED,
	    "=?utf-8//IGNORE?Q?a?=" },
	{ "malformed", "=?utf-8?Q?a", SYNTAX_ENCODED_MALFORMED, "=?utf-8?Q?a" },
	{ "malformed beats a control", "=?utf-8?Q?=07?=x", SYNTAX_ENCODED_MALFORMED,
	    "=?utf-8?Q?=07?=x" },
	{ "75 octets", "=?utf-8?Q?" X10 X10 X10 X10 X10 X10 "xxx?=", SYNTAX_OK,
	    X10 X10 X10 X10 X10 X10 "xxx" },
	{ "76 octets", "=?utf-8?Q?" X10 X10 X10 X10 X10 X10 "xxxx?=", SYNTAX_ENCODED_LONG,
	    X10 X10 X10 X10 X10 X10 "xxxx" },
	{ "long and undecodable", "=?utf-8?Q?" X10 X10 X10 X10 X10 X10 "xxxx=FF?=",
	    SYNTAX_ENCODED_UNDECODABLE, X10 X10 X10 X10 X10 X10 "xxxx" FFFD },
};

START_TEST(decodes)
{
	const struct decoding *row = &decodings[_i];
	struct slice token = exact_text(row->token);
	enum syntax_code code;
	struct buf out;

	buf_init(&out, 1000);
	buf_add_text(&out, "before ");
	code = encoded_word_decode(token, &out);
	ck_assert_msg(code == row->code, "%s: the code is %s, wanted %s", row->label,
	    syntax_rule(code)->name, syntax_rule(row->code)->name);
	expect_slice(row->label, "the beginning", slice_part(buf_slice(&out), 0, 7), "before ");
	if (row->text != NULL)
		expect_slice(
		    row->label, "the text", slice_part(buf_slice(&out), 7, out.len), row->text);
	buf_free(&out);
	exact_free(token);
}
END_TEST

/* A NUL cannot stand in the table above. */
START_TEST(decodes_nul)
{
	struct buf out;

	buf_init(&out, 100);
	ck_assert_int_eq(
	    encoded_word_decode(SLICE("=?utf-8?Q?a=00b?="), &out), SYNTAX_ENCODED_CONTROL);
	ck_assert(slice_equal(buf_slice(&out), SLICE("a\0b")));
	buf_free(&out);
}
END_TEST

/* Every name of the table must be one that iconv knows. */
START_TEST(has_all_sets)
{
	static const char *const names[] = { "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1",
		"iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7",
		"iso-8859-8", "iso-8859-8-i", "iso-8859-9", "iso-8859-10", "iso-8859-11",
		"iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "windows-874",
		"windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
		"windows-1255", "windows-1256", "windows-1257", "windows-1258", "cp1250", "cp1251",
		"cp1252", "cp850", "cp866", "koi8-r", "koi8-u", "macintosh", "x-mac-cyrillic",
		"x-mac-ce", "gb2312", "gbk", "gb18030", "big5", "big5-hkscs", "cp950", "euc-tw",
		"shift_jis", "cp932", "windows-31j", "euc-jp", "iso-2022-jp", "iso-2022-jp-1",
		"iso-2022-jp-2", "euc-kr", "cp949", "ks_c_5601-1987", "iso-2022-kr", "tis-620",
		"viscii", "armscii-8" };
	struct buf token, out;

	buf_init(&token, 100);
	buf_init(&out, 100);
	for (int i = 0; i < ROWS(names); i++) {
		buf_reset(&token);
		buf_reset(&out);
		buf_printf(&token, "=?%s?q?Abc_z?=", names[i]);
		ck_assert_msg(
		    encoded_word_decode(buf_slice(&token), &out) == SYNTAX_OK, "%s", names[i]);
		expect_slice(names[i], "the text", buf_slice(&out), "Abc z");
	}
	buf_free(&token);
	buf_free(&out);
}
END_TEST

/* A control is seen even where the text no longer fits, and the ceiling holds. */
START_TEST(keeps_the_ceiling)
{
	static const char *const tokens[] = { "=?utf-8?Q?abcdef=07?=", "=?iso-8859-1?Q?abcdef=07?=",
		"=?us-ascii?Q?abcdef=07?=", "=?gbk?Q?abcdef=07?=" };

	for (int i = 0; i < ROWS(tokens); i++) {
		struct slice token = exact_text(tokens[i]);
		struct buf out;

		buf_init(&out, 4);
		ck_assert_int_eq(encoded_word_decode(token, &out), SYNTAX_ENCODED_CONTROL);
		ck_assert(out.truncated);
		expect_slice(tokens[i], "the text", buf_slice(&out), "abcd");
		buf_free(&out);
		exact_free(token);
	}
}
END_TEST

/* More than one call of iconv, and a character across two of its pieces. */
START_TEST(decodes_long_words)
{
	enum { CHARACTERS = 5000 };
	struct buf token, out;

	buf_init(&token, 100000);
	buf_init(&out, 100000);
	buf_add_text(&token, "=?gbk?Q?x");
	for (int i = 0; i < CHARACTERS; i++)
		buf_add_text(&token, "=D6=D0");
	buf_add_text(&token, "?=");
	ck_assert_int_eq(encoded_word_decode(buf_slice(&token), &out), SYNTAX_ENCODED_LONG);
	ck_assert_uint_eq(out.len, 1 + 3 * CHARACTERS);
	ck_assert_uint_eq(utf8_first_invalid(buf_slice(&out)), out.len);
	buf_free(&token);
	buf_free(&out);
}
END_TEST

static const struct {
	const char *label;
	const char *text;
	const char *decoded;
} running[] = {
	{ "plain text", "  John  Doe ", "  John  Doe " },
	{ "one word", "=?utf-8?Q?J=C3=B6rg?=", JOERG },
	{ "beside plain text", "a =?utf-8?Q?b?= c", "a b c" },
	{ "blanks between two fall away", "=?utf-8?Q?a?= \r\n\t =?utf-8?Q?b?=", "ab" },
	{ "blanks around stay", " =?utf-8?Q?a?=\t", " a\t" },
	{ "plain between two", "=?utf-8?Q?a?= x =?utf-8?Q?b?=", "a x b" },
	{ "a bad one stays", "=?utf-8?Q?a =?utf-8?Q?b?=", "=?utf-8?Q?a b" },
	{ "an unknown set stays", "=?x-no?Q?a?= =?utf-8?Q?b?=", "=?x-no?Q?a?=b" },
	{ "not a whole word", "x=?utf-8?Q?a?=", "x=?utf-8?Q?a?=" },
	{ "nothing", "", "" },
	{ "blanks alone", " \t", " \t" },
};

START_TEST(decodes_running_text)
{
	struct slice text = exact_text(running[_i].text);
	struct buf out;

	buf_init(&out, 1000);
	encoded_words_decode(text, &out);
	expect_slice(running[_i].label, "the text", buf_slice(&out), running[_i].decoded);
	buf_free(&out);
	exact_free(text);
}
END_TEST

static const struct {
	const char *label;
	const char *text;
	const char *encoded; /* NULL: only the properties are looked at */
} encodings[] = {
	{ "nothing", "", "" },
	{ "mostly ASCII by Q", "J\xc3\xb6rg-Emil", "=?UTF-8?Q?J=C3=B6rg-Emil?=" },
	{ "a space", "J\xc3\xb6rg Emil", "=?UTF-8?Q?J=C3=B6rg_Emil?=" },
	{ "half of it not ASCII: B", JOERG, "=?UTF-8?B?SsO2cmc=?=" },
	{ "specials of a phrase", "a(b),_\"?=.!*+-/", "=?UTF-8?B?YShiKSxfIj89LiEqKy0v?=" },
	{ "what may stand plain", "azAZ09!*+-/", "=?UTF-8?Q?azAZ09!*+-/?=" },
	{ "an underscore is no space", "abc_def", "=?UTF-8?Q?abc=5Fdef?=" },
	{ "a question mark", "abcdef?", "=?UTF-8?Q?abcdef=3F?=" },
	{ "Chinese by B", "\xe4\xb8\xad\xe5\x9b\xbd", "=?UTF-8?B?5Lit5Zu9?=" },
	{ "one octet of padding", "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6", "=?UTF-8?B?w7bDtsO2w7Y=?=" },
	{ "as long by B as by Q: Q", "aa.aaa", "=?UTF-8?Q?aa=2Eaaa?=" },
	{ "63 octets in one word", X10 X10 X10 X10 X10 X10 "xxx",
	    "=?UTF-8?Q?" X10 X10 X10 X10 X10 X10 "xxx?=" },
	{ "64 octets in two", X10 X10 X10 X10 X10 X10 "xxxy",
	    "=?UTF-8?Q?" X10 X10 X10 X10 X10 X10 "xxx?= =?UTF-8?Q?y?=" },
	{ "Q never splits a character", X10 X10 X10 X10 X10 "xxxxxxxxx\xc3\xb6",
	    "=?UTF-8?Q?" X10 X10 X10 X10 X10 "xxxxxxxxx?= =?UTF-8?Q?=C3=B6?=" },
	{ "B never splits a character",
	    "x\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
	    "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
	    "\xe4\xb8\xad",
	    "=?UTF-8?B?eOS4reS4reS4reS4reS4reS4reS4reS4reS4reS4reS4reS4reS4reS4rQ==?= "
	    "=?UTF-8?B?5Lit?=" },
	{ "four-octet characters", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80 \xf0\x9f\x98\x80", NULL },
	{ "controls", "a\r\n\x1b\x7f", NULL },
};

START_TEST(encodes)
{
	struct slice text = exact_text(encodings[_i].text), rest;
	struct buf out, back;

	buf_init(&out, 1000);
	buf_init(&back, 1000);
	encoded_words_encode(text, &out);
	if (encodings[_i].encoded != NULL)
		expect_slice(encodings[_i].label, "the encoded form", buf_slice(&out),
		    encodings[_i].encoded);
	rest = buf_slice(&out);
	while (rest.len > 0) {
		size_t end = slice_find(rest, ' ');
		enum syntax_code code = encoded_word_decode(slice_part(rest, 0, end), &back);

		ck_assert_msg(code == SYNTAX_OK || code == SYNTAX_ENCODED_CONTROL, "%s: %s",
		    encodings[_i].label, syntax_rule(code)->name);
		rest = slice_part(rest, end + 1, rest.len);
	}
	expect_slice(encodings[_i].label, "what comes back", buf_slice(&back), encodings[_i].text);
	buf_free(&out);
	buf_free(&back);
	exact_free(text);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("encoded-word");
	TCase *tcase = tcase_create("encoded-word");

	tcase_add_loop_test(tcase, knows_the_form, 0, ROWS(forms));
	tcase_add_test(tcase, knows_the_beginning);
	tcase_add_loop_test(tcase, decodes, 0, ROWS(decodings));
	tcase_add_test(tcase, decodes_nul);
	tcase_add_test(tcase, has_all_sets);
	tcase_add_test(tcase, keeps_the_ceiling);
	tcase_add_test(tcase, decodes_long_words);
	tcase_add_loop_test(tcase, decodes_running_text, 0, ROWS(running));
	tcase_add_loop_test(tcase, encodes, 0, ROWS(encodings));
	suite_add_tcase(suite, tcase);
	return suite;
}
