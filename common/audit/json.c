/*
 * json.c - writing JSON, straight into a buffer.
 *
 * A record is written for every message, so a string goes out in runs: all that
 * stands for itself up to the next octet that does not is added in one piece.
 */
#include "audit/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void json_begin(struct json *j, struct buf *out, size_t cut)
{
	*j = (struct json){ .out = out, .cut = cut };
}

/* The comma before a member, and its name. */
static void member(struct json *j, const char *key)
{
	if (j->comma[j->depth])
		buf_add_char(j->out, ',');
	j->comma[j->depth] = true;
	if (key != NULL) {
		buf_add_char(j->out, '"');
		buf_add_text(j->out, key);
		buf_add(j->out, "\":", 2);
	}
}

static void open(struct json *j, const char *key, char bracket)
{
	member(j, key);
	buf_add_char(j->out, bracket);
	if (++j->depth == JSON_DEPTH_MAX)
		abort();
	j->comma[j->depth] = false;
}

static void end(struct json *j, char bracket)
{
	if (j->depth-- == 0)
		abort();
	buf_add_char(j->out, bracket);
}

void json_open_object(struct json *j, const char *key)
{
	open(j, key, '{');
}

void json_open_array(struct json *j, const char *key)
{
	open(j, key, '[');
}

void json_close_object(struct json *j)
{
	end(j, '}');
}

void json_close_array(struct json *j)
{
	end(j, ']');
}

/* unescaped = %x20-21 / %x23-5B / %x5D-10FFFF (RFC 8259 7), of which here the ASCII but DEL. */
static bool stands_for_itself(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/*
 * What one character becomes: at most 20 octets, for one of four octets of
 * which none is shown.  Returns how many octets of value it stands for.
 */
struct piece {
	char text[20];
	size_t len;
};

static size_t escape(struct slice value, size_t at, bool breaks, struct piece *p)
{
	static const char hex[] = "0123456789abcdef";
	char c = value.data[at];
	uint32_t code;
	size_t len;

	if (c == '"' || c == '\\') {
		*p = (struct piece){ { '\\', c }, 2 };
		return 1;
	}
	if (breaks && (c == '\r' || c == '\n' || c == '\t')) {
		*p = (struct piece){ { '\\', c == '\r' ? 'r' : c == '\n' ? 'n' : 't' }, 2 };
		return 1;
	}
	len = utf8_decode(value, at, &code);
	p->len = 0;
	if (len > 0 && utf8_is_printable(code)) {
		memcpy(p->text, value.data + at, len);
		p->len = len;
		return len;
	}
	if (len == 0)
		len = 1;
	for (size_t i = at; i < at + len; i++) {
		unsigned char octet = (unsigned char)value.data[i];
		const char text[] = { '\\', '\\', 'x', hex[octet >> 4], hex[octet & 15] };

		memcpy(p->text + p->len, text, sizeof text);
		p->len += sizeof text;
	}
	return len;
}

/* breaks: CR, LF and TAB as JSON's own escapes. */
static void string(struct json *j, const char *key, struct slice value, bool breaks)
{
	size_t room = j->cut == 0 ? SIZE_MAX : j->cut;
	size_t at = 0;

	member(j, key);
	buf_add_char(j->out, '"');
	while (at < value.len && !j->out->truncated) {
		struct piece p;
		size_t run = at, taken;

		while (run < value.len && run - at < room && stands_for_itself(value.data[run]))
			run++;
		buf_add(j->out, value.data + at, run - at);
		room -= run - at;
		at = run;
		if (at == value.len)
			break;
		taken = escape(value, at, breaks, &p);
		if (p.len > room) {
			buf_add_text(j->out, "…");
			break;
		}
		buf_add(j->out, p.text, p.len);
		room -= p.len;
		at += taken;
	}
	buf_add_char(j->out, '"');
}

void json_add_string(struct json *j, const char *key, struct slice value)
{
	string(j, key, value, false);
}

void json_add_text(struct json *j, const char *key, const char *value)
{
	string(j, key, slice_of(value), false);
}

void json_add_body(struct json *j, const char *key, struct slice value)
{
	string(j, key, value, true);
}

void json_add_string_or_null(struct json *j, const char *key, struct slice value)
{
	if (value.data == NULL)
		json_add_null(j, key);
	else
		string(j, key, value, false);
}

void json_add_number(struct json *j, const char *key, long long value)
{
	char digits[24];
	size_t at = sizeof digits;
	unsigned long long rest =
	    value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;

	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (value < 0)
		digits[--at] = '-';
	member(j, key);
	buf_add(j->out, digits + at, sizeof digits - at);
}

void json_add_bool(struct json *j, const char *key, bool value)
{
	member(j, key);
	buf_add_text(j->out, value ? "true" : "false");
}

void json_add_null(struct json *j, const char *key)
{
	member(j, key);
	buf_add_text(j->out, "null");
}
