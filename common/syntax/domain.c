/*
 * domain.c - domain names as host names of a sender, in U- and A-form.
 *
 * A name is walked once, label for label.  Plain ASCII is judged here, without
 * any allocation; only labels with octets over 127 or "xn--" in front go to
 * libidn2, each one alone, because it takes other characters than "." for dots
 * too.  What comes back is believed only if it is an A-label.
 */
#include "syntax/domain.h"

#include <idn2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/utf8.h"

enum { NAME_MAX_OCTETS = 4 * DOMAIN_MAX }; /* a longer name is not looked into */

/* What was found so far; of each kind the first is kept. */
struct faults {
	struct syntax_error form;
	struct syntax_error length;
	size_t octets; /* of the A-form, dots between labels included */
};

static void note(struct syntax_error *first, enum syntax_code code, size_t offset, size_t length)
{
	if (first->code == SYNTAX_OK)
		*first = (struct syntax_error){ code, offset, length };
}

static bool has_a_prefix(struct slice label)
{
	return slice_starts_nocase(label, SLICE("xn--"));
}

static bool all_digits(struct slice label)
{
	for (size_t i = 0; i < label.len; i++)
		if (label.data[i] < '0' || label.data[i] > '9')
			return false;
	return true;
}

/* A-label: "xn--" and more letters, digits and hyphens, 63 octets at most. */
static bool is_a_label(struct slice label)
{
	if (label.len > LABEL_MAX || !has_a_prefix(label))
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!is_alnum(label.data[i]) && label.data[i] != '-')
			return false;
	return true;
}

/* Asks libidn2 for the A-form; out gets a NUL behind it. */
static enum syntax_code ask_idn2(const char *label, int flags, char out[LABEL_MAX + 1])
{
	uint8_t *result = NULL;
	int rc = idn2_lookup_u8((const uint8_t *)label, &result, flags);
	struct slice a_label = slice_of((const char *)result);
	enum syntax_code code = SYNTAX_DOMAIN_IDN;

	if (rc == IDN2_MALLOC)
		abort(); /* as must_alloc would: no memory is not "no such name" */
	if (rc == IDN2_PUNYCODE_BIG_OUTPUT || rc == IDN2_TOO_BIG_LABEL ||
	    rc == IDN2_TOO_BIG_DOMAIN) {
		code = SYNTAX_LABEL_LONG;
	} else if (rc == IDN2_OK && is_a_label(a_label)) {
		memcpy(out, a_label.data, a_label.len);
		out[a_label.len] = '\0';
		code = SYNTAX_OK;
	}
	idn2_free(result);
	return code;
}

/* Is there a character that mapping may swallow or that nobody sees? */
static bool has_hidden(struct slice label)
{
	uint32_t code;
	size_t len;

	for (size_t at = 0; at < label.len; at += len) {
		len = utf8_decode(label, at, &code);
		if (len == 0 || !utf8_is_printable(code))
			return true;
	}
	return false;
}

/*
 * The A-form of a U-label or A-label.  First as IDNA2008 has it, strictly;
 * then with the mapping of UTS 46, which makes small letters of capital ones,
 * as mail programs and MTAs do, but never where it would drop a character that
 * the reader does not see.  An A-label is decoded, judged and encoded again.
 */
static enum syntax_code idn_to_ascii(struct slice label, char out[LABEL_MAX + 1])
{
	char text[NAME_MAX_OCTETS + 1];
	enum syntax_code code;

	if (label.len >= sizeof text)
		return SYNTAX_LABEL_LONG;
	for (size_t i = 0; i < label.len; i++) {
		if (label.data[i] == '\0')
			return SYNTAX_DOMAIN_CHARACTER;
		text[i] = ascii_lower(label.data[i]);
	}
	text[label.len] = '\0';
	code = ask_idn2(text, IDN2_NFC_INPUT | IDN2_NO_TR46, out);
	if (code == SYNTAX_OK || !utf8_has_8bit(label) || has_hidden(label))
		return code;
	return ask_idn2(text, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL, out);
}

/* sub-domain = Let-dig [Ldh-str] / U-label, as far as single octets tell */
static struct syntax_error check_octets(struct slice label)
{
	struct syntax_error fault = { SYNTAX_OK, 0, 0 };
	size_t invalid = label.len;

	if (utf8_has_8bit(label))
		invalid = utf8_first_invalid(label);
	for (size_t i = 0; i < label.len && fault.code == SYNTAX_OK; i++) {
		char c = label.data[i];

		if (c == '-' && (i == 0 || i + 1 == label.len))
			note(&fault, SYNTAX_DOMAIN_HYPHEN, i, 1);
		else if (c == '_')
			note(&fault, SYNTAX_DOMAIN_UNDERSCORE, i, 1);
		else if (i == invalid)
			note(&fault, SYNTAX_DOMAIN_IDN, i, 1);
		else if (c != '-' && !is_alnum(c) && !is_8bit(c))
			note(&fault, SYNTAX_DOMAIN_CHARACTER, i, 1);
	}
	return fault;
}

static void check_label(struct faults *f, struct slice name, size_t begin, size_t end, bool host)
{
	struct slice label = slice_part(name, begin, end);
	struct syntax_error fault = check_octets(label);
	enum syntax_code code = SYNTAX_OK;
	size_t octets = label.len;
	char ascii[LABEL_MAX + 1];

	if (fault.code != SYNTAX_OK)
		note(&f->form, fault.code, begin + fault.offset, fault.length);
	else if (name.len <= NAME_MAX_OCTETS &&
		 (utf8_has_8bit(label) || (host && octets <= LABEL_MAX && has_a_prefix(label)))) {
		code = idn_to_ascii(label, ascii);
		if (code == SYNTAX_OK)
			octets = strlen(ascii);
		else if (code != SYNTAX_LABEL_LONG)
			note(&f->form, code, begin, label.len);
	}
	if (octets > LABEL_MAX || code == SYNTAX_LABEL_LONG)
		note(&f->length, SYNTAX_LABEL_LONG, begin, label.len);
	f->octets += octets;
}

static void check_empty_label(struct faults *f, struct slice name, size_t at)
{
	if (at == 0)
		note(&f->form, SYNTAX_DOMAIN_EDGE_DOT, 0, 1);
	else if (at == name.len)
		note(&f->form, SYNTAX_DOMAIN_EDGE_DOT, at - 1, 1);
	else
		note(&f->form, SYNTAX_DOMAIN_CHARACTER, at, 1);
}

/* Domain = sub-domain *("." sub-domain); host: with the rules of a host name */
static void check_name(struct faults *f, struct slice name, bool host)
{
	if (name.len == 0) {
		note(&f->form, SYNTAX_DOMAIN_ONE_LABEL, 0, 0);
		return;
	}
	for (size_t begin = 0, end; begin <= name.len; begin = end + 1) {
		struct slice rest = slice_part(name, begin, name.len);

		end = begin + slice_find(rest, '.');
		if (begin == end) {
			check_empty_label(f, name, begin);
			continue;
		}
		if (begin > 0)
			f->octets++;
		/* a final dot makes no label */
		if (host && end + 1 >= name.len && all_digits(slice_part(name, begin, end)))
			note(&f->form, SYNTAX_DOMAIN_NUMERIC, begin, end - begin);
		check_label(f, name, begin, end, host);
	}
	if (f->octets > DOMAIN_MAX || name.len > NAME_MAX_OCTETS)
		f->length = (struct syntax_error){ SYNTAX_DOMAIN_LONG, 0, name.len };
}

struct syntax_error domain_check(struct slice name)
{
	struct faults f = { 0 };
	size_t dot;

	if (name.len > 0 && name.data[0] == '[')
		return (struct syntax_error){ SYNTAX_DOMAIN_LITERAL, 0, name.len };
	if (name.len > NAME_MAX_OCTETS)
		return (struct syntax_error){ SYNTAX_DOMAIN_LONG, 0, name.len };
	dot = slice_find(name, '.');
	if (dot > 0 && dot + 1 >= name.len)
		note(&f.form, SYNTAX_DOMAIN_ONE_LABEL, 0, name.len);
	check_name(&f, name, true);
	if (f.length.code == SYNTAX_DOMAIN_LONG || f.form.code == SYNTAX_OK)
		return f.length;
	if (f.length.code != SYNTAX_OK && f.length.offset < f.form.offset)
		return f.length;
	return f.form;
}

struct syntax_error domain_syntax(struct slice name, struct syntax_error *too_long)
{
	struct faults f = { 0 };

	check_name(&f, name, false);
	*too_long = f.length;
	return f.form;
}

/* The A-form of any label of visible octets, for comparing; out gets a NUL behind it. */
static bool label_to_ascii(struct slice label, char out[LABEL_MAX + 1])
{
	if (utf8_has_8bit(label) || has_a_prefix(label))
		return idn_to_ascii(label, out) == SYNTAX_OK;
	if (label.len == 0 || label.len > LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (label.data[i] <= ' ' || label.data[i] == 0x7f)
			return false;
		out[i] = ascii_lower(label.data[i]);
	}
	out[label.len] = '\0';
	return true;
}

static struct slice without_final_dot(struct slice name)
{
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	return name;
}

bool domain_to_ascii(struct arena *arena, struct slice name, struct slice *out)
{
	char ascii[DOMAIN_MAX + 1], label[LABEL_MAX + 1];
	size_t len = 0;

	name = without_final_dot(name);
	if (name.len > NAME_MAX_OCTETS)
		return false;
	for (size_t begin = 0, end; begin <= name.len; begin = end + 1) {
		struct slice rest = slice_part(name, begin, name.len);
		size_t octets;

		end = begin + slice_find(rest, '.');
		if (!label_to_ascii(slice_part(name, begin, end), label))
			return false;
		octets = strlen(label);
		if (len + octets + (begin > 0) > DOMAIN_MAX)
			return false;
		if (begin > 0)
			ascii[len++] = '.';
		memcpy(ascii + len, label, octets);
		len += octets;
	}
	*out = arena_copy(arena, (struct slice){ ascii, len });
	return true;
}

/* Appends the label, as a U-label if it is a valid A-label; false if it only pretends to be. */
static bool add_unicode_label(struct buf *out, struct slice label)
{
	char ascii[LABEL_MAX + 1], *unicode = NULL;
	int rc;

	if (!has_a_prefix(label)) {
		buf_add_slice(out, label);
		return true;
	}
	if (idn_to_ascii(label, ascii) != SYNTAX_OK)
		return false;
	rc = idn2_to_unicode_8z8z(ascii, &unicode, 0);
	if (rc == IDN2_MALLOC)
		abort();
	if (rc == IDN2_OK)
		buf_add_text(out, unicode);
	idn2_free(unicode);
	return rc == IDN2_OK;
}

struct slice domain_to_unicode(struct arena *arena, struct slice name)
{
	struct slice result = name;
	struct buf text;
	bool good = name.len <= NAME_MAX_OCTETS;

	buf_init(&text, (size_t)4 * NAME_MAX_OCTETS);
	for (size_t begin = 0, end; good && begin <= name.len; begin = end + 1) {
		struct slice rest = slice_part(name, begin, name.len);

		end = begin + slice_find(rest, '.');
		if (begin > 0)
			buf_add_char(&text, '.');
		good = add_unicode_label(&text, slice_part(name, begin, end));
	}
	if (good && !text.truncated)
		result = arena_copy(arena, buf_slice(&text));
	buf_free(&text);
	return result;
}

bool domain_equal(struct arena *arena, struct slice a, struct slice b)
{
	a = without_final_dot(a);
	b = without_final_dot(b);
	if (slice_equal_nocase(a, b))
		return true;
	/* two names in ASCII are the same only letter for letter */
	if (!utf8_has_8bit(a) && !utf8_has_8bit(b))
		return false;
	return domain_to_ascii(arena, a, &a) && domain_to_ascii(arena, b, &b) && slice_equal(a, b);
}

bool domain_is_within(struct slice name, struct slice parent)
{
	size_t below;

	if (parent.len == 0 || name.len < parent.len)
		return false;
	below = name.len - parent.len;
	if (below > 0 && name.data[below - 1] != '.')
		return false;
	return slice_equal(slice_part(name, below, name.len), parent);
}
