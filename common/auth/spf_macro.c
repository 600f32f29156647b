/*
 * spf_macro.c - macros of SPF records, RFC 7208 7.
 *
 *   macro-string  = *( macro-expand / macro-literal )
 *   macro-expand  = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
 *   macro-literal = %x21-24 / %x26-7E
 *   transformers  = *DIGIT [ "r" ]
 *   delimiter     = "." / "-" / "+" / "," / "/" / "_" / "="
 *
 * Expansion works on what the evaluator has already found out: asks nobody.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "auth/spf_record.h"
#include "base/ascii.h"
#include "base/buf.h"

enum {
	EXPANDED_MAX = 16384, /* octets; what is longer expands to nothing */
	MACROS_MAX = 500,     /* of one text; what has more expands to nothing */
	NUMBER_MAX = 9999,
};

/* One macro-expand, taken apart. */
struct macro {
	char letter;    /* lower case; '%', '_' or '-' for the escapes */
	bool url;       /* the letter was upper case: the value is URL-escaped */
	unsigned parts; /* right-hand parts to keep; 0: all */
	bool reverse;
	struct slice delimiters;
	size_t len; /* octets of the macro-expand */
};

static bool one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Reads the macro-expand at the begin of text, which is a "%". */
static bool parse_macro(struct slice text, bool in_exp, struct macro *m)
{
	size_t at = 3, begin;
	unsigned digits = 0;

	*m = (struct macro){ .len = 2 };
	if (text.len < 2)
		return false;
	m->letter = ascii_lower(text.data[1]);
	if (one_of(m->letter, "%_-"))
		return true;
	if (text.data[1] != '{' || text.len < 4)
		return false;
	m->letter = ascii_lower(text.data[2]);
	m->url = m->letter != text.data[2];
	if (!one_of(m->letter, in_exp ? "slodiphvcrt" : "slodiphv"))
		return false;
	for (; at < text.len && is_digit(text.data[at]); at++, digits++)
		m->parts = m->parts > NUMBER_MAX ? m->parts
						 : m->parts * 10 + (unsigned)(text.data[at] - '0');
	if (digits > 0 && m->parts == 0)
		return false;
	if (at < text.len && ascii_lower(text.data[at]) == 'r') {
		m->reverse = true;
		at++;
	}
	begin = at;
	while (at < text.len && one_of(text.data[at], ".-+,/_="))
		at++;
	m->delimiters = slice_part(text, begin, at);
	m->len = at + 1;
	return at < text.len && text.data[at] == '}';
}

bool spf_macro_string_valid(struct slice text, bool in_exp)
{
	struct macro m;

	for (size_t i = 0; i < text.len;) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '%') {
			if (!parse_macro(slice_part(text, i, text.len), in_exp, &m))
				return false;
			i += m.len;
		} else if ((c < 0x21 && !(in_exp && c == ' ')) || c > 0x7e) {
			return false;
		} else {
			i++;
		}
	}
	return true;
}

/*
 * toplabel = ( *alphanum ALPHA *alphanum ) /
 *            ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
 */
static bool is_toplabel(struct slice s)
{
	bool letter = false;

	if (s.len == 0 || !is_alnum(s.data[0]) || !is_alnum(s.data[s.len - 1]))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.data[i]) && s.data[i] != '-')
			return false;
		letter |= s.data[i] == '-' || !is_digit(s.data[i]);
	}
	return letter;
}

/* Does a macro-expand end the text?  The text is a valid macro-string. */
static bool ends_in_macro(struct slice text)
{
	struct macro m = { 0 };
	bool last = false;

	for (size_t i = 0; i < text.len;) {
		last = text.data[i] == '%';
		if (last)
			parse_macro(slice_part(text, i, text.len), false, &m);
		i += last ? m.len : 1;
	}
	return last;
}

bool spf_domain_spec_valid(struct slice text)
{
	size_t dot;

	if (text.len == 0 || !spf_macro_string_valid(text, false))
		return false;
	if (ends_in_macro(text))
		return true;
	if (text.data[text.len - 1] == '.')
		text.len--;
	dot = slice_find_last(text, '.');
	return dot < text.len && is_toplabel(slice_part(text, dot + 1, text.len));
}

bool spf_uses_p(struct slice text)
{
	struct macro m;

	for (size_t i = slice_find(text, '%'); i < text.len; i++) {
		if (text.data[i] != '%' || !parse_macro(slice_part(text, i, text.len), true, &m))
			continue;
		if (m.letter == 'p')
			return true;
		i += m.len - 1;
	}
	return false;
}

/*
 * The address as labels: dotted quad, or 32 nibbles with dots (RFC 7208 7.3).
 * The nibbles are capitals, as others write them; only exp= shows it.
 */
static struct slice ip_labels(struct arena *arena, const struct ip *ip)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[64];
	size_t len = 0;

	if (ip->family != AF_INET6) {
		ip_format(ip, text);
		return arena_copy(arena, slice_of(text));
	}
	for (size_t i = 0; i < 16; i++) {
		text[len++] = hex[ip->octets[i] >> 4];
		text[len++] = '.';
		text[len++] = hex[ip->octets[i] & 15];
		text[len++] = '.';
	}
	return arena_copy(arena, (struct slice){ text, len - 1 });
}

static struct slice macro_value(struct arena *arena, const struct spf_macros *macros, char letter)
{
	const struct spf_query *q = macros->query;
	char text[IP_TEXT_SIZE];

	switch (letter) {
	case 's': return macros->sender;
	case 'l': return macros->local_part;
	case 'o': return macros->sender_domain;
	case 'd': return macros->domain;
	case 'i': return ip_labels(arena, &q->ip);
	case 'p': return macros->validated;
	case 'h': return q->helo;
	case 'c': return arena_copy(arena, slice_of(ip_format(&q->ip, text)));
	case 'r': return q->receiver.data != NULL ? q->receiver : SLICE("unknown");
	case 't': return arena_printf(arena, "%lld", (long long)q->now);
	default: return q->ip.family == AF_INET6 ? SLICE("ip6") : SLICE("in-addr");
	}
}

/* URL-escapes all but the unreserved set of RFC 3986 2.3. */
static void add_url(struct buf *out, struct slice text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len && !out->truncated; i++) {
		unsigned char c = (unsigned char)text.data[i];
		char escape[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (is_alnum(text.data[i]) || one_of(text.data[i], "-._~"))
			buf_add_char(out, text.data[i]);
		else
			buf_add(out, escape, sizeof escape);
	}
}

/*
 * The value split at the delimiters: the parts, in order or from the last one
 * to the first, of which the right-hand ones are kept.
 */
static size_t split(
    struct arena *arena, const struct macro *m, struct slice value, struct slice **parts)
{
	struct slice delimiters = m->delimiters.len > 0 ? m->delimiters : SLICE(".");
	size_t count = 1, begin = 0, n = 0;

	for (size_t i = 0; i < value.len; i++)
		count += slice_find(delimiters, value.data[i]) < delimiters.len;
	*parts = arena_alloc(arena, count * sizeof **parts);
	for (size_t i = 0; i <= value.len; i++) {
		if (i < value.len && slice_find(delimiters, value.data[i]) == delimiters.len)
			continue;
		(*parts)[m->reverse ? count - 1 - n : n] = slice_part(value, begin, i);
		begin = i + 1;
		n++;
	}
	if (m->parts == 0 || m->parts >= count)
		return count;
	*parts += count - m->parts;
	return m->parts;
}

/* Splits the value and joins what is kept with dots, RFC 7208 7.3. */
static struct slice transform(struct arena *arena, const struct macro *m, struct slice value)
{
	struct slice *parts;
	size_t count, len = 0;
	char *out;

	if (m->parts == 0 && !m->reverse && m->delimiters.len == 0)
		return value;
	count = split(arena, m, value, &parts);
	/* parts and the dots between them are never longer than the value */
	out = arena_alloc(arena, value.len + 1);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			out[len++] = '.';
		if (parts[i].len > 0)
			memcpy(out + len, parts[i].data, parts[i].len);
		len += parts[i].len;
	}
	return (struct slice){ out, len };
}

static void add_macro(
    struct arena *arena, const struct spf_macros *macros, const struct macro *m, struct buf *out)
{
	struct slice value;

	if (m->letter == '%') {
		buf_add_char(out, '%');
	} else if (m->letter == '_') {
		buf_add_char(out, ' ');
	} else if (m->letter == '-') {
		buf_add_text(out, "%20");
	} else {
		value = transform(arena, m, macro_value(arena, macros, m->letter));
		if (m->url)
			add_url(out, value);
		else
			buf_add_slice(out, value);
	}
}

struct slice spf_expand(struct arena *arena, const struct spf_macros *macros, struct slice text)
{
	struct buf out;
	struct slice result;
	struct macro m;
	size_t count = 0;

	if (slice_find(text, '%') == text.len)
		return text;
	buf_init(&out, EXPANDED_MAX);
	for (size_t i = 0; i < text.len && !out.truncated;) {
		if (text.data[i] == '%' && parse_macro(slice_part(text, i, text.len), true, &m)) {
			add_macro(arena, macros, &m, &out);
			out.truncated |= ++count > MACROS_MAX;
			i += m.len;
		} else {
			buf_add_char(&out, text.data[i++]);
		}
	}
	result = out.truncated ? SLICE("") : arena_copy(arena, buf_slice(&out));
	buf_free(&out);
	return result;
}
