/*
 * address.c - addresses as a site compares them.
 *
 * Folding is that of ASCII, and of UTF-8 by the simple one-to-one pairs of Latin,
 * Greek and Cyrillic that towlower knows in no locale of ours: see fold_code.
 */
#include "store/address.h"

#include <string.h>

#include "base/utf8.h"
#include "store/store.h"
#include "syntax/domain.h"

/* ---- local parts ---------------------------------------------------------------- */

/*
 * Lower case of the letters that local parts are written with beyond ASCII.  Nothing that
 * changes its length, and no letter that two capitals would share.
 */
static uint32_t fold_code(uint32_t c)
{
	if (c < 0x80)
		return (uint32_t)(unsigned char)ascii_lower((char)c);
	if (c >= 0xc0 && c <= 0xde && c != 0xd7)
		return c + 32;
	if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) || (c >= 0x14a && c <= 0x177))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2)
		return c + 32;
	if (c >= 0x410 && c <= 0x42f)
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	return c;
}

/* text, unquoted and folded, into out; false for what no site can have. */
static bool fold(const struct address_rules *rules, struct slice text, struct buf *out)
{
	bool quoted = text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"';

	if (quoted)
		text = slice_part(text, 1, text.len - 1);
	for (size_t at = 0, len; at < text.len; at += len) {
		uint32_t code;

		if (quoted && text.data[at] == '\\' && at + 1 < text.len)
			at++;
		len = utf8_decode(text, at, &code);
		if (len == 0 || code < ' ' || (code >= 0x7f && code < 0xa0))
			return false;
		utf8_encode(out, rules->case_sensitive ? code : fold_code(code));
	}
	return !out->truncated;
}

bool address_local_part(struct arena *arena, const struct address_rules *rules, struct slice text,
    struct slice *local_part)
{
	struct buf out;
	bool good;

	buf_init(&out, STORE_KEY_MAX);
	good = fold(rules, text, &out);
	if (good)
		*local_part = arena_copy(arena, buf_slice(&out));
	buf_free(&out);
	return good;
}

static bool is_word(struct slice s, const char *word)
{
	return slice_equal_nocase(s, slice_of(word));
}

struct slice address_base(const struct address_rules *rules, struct slice local_part)
{
	static const struct slice none = { 0 };
	struct slice request = SLICE("-request");
	size_t at = 0;

	if (rules->delimiters == NULL || rules->delimiters[0] == '\0')
		return none;
	if (is_word(local_part, "mailer-daemon") || is_word(local_part, "postmaster") ||
	    is_word(local_part, "double-bounce"))
		return none;
	if (!rules->split_owner_request && strchr(rules->delimiters, '-') != NULL &&
	    (slice_starts_nocase(local_part, SLICE("owner-")) ||
		(local_part.len > request.len &&
		    slice_equal_nocase(
			slice_part(local_part, local_part.len - request.len, local_part.len),
			request))))
		return none;
	while (at < local_part.len && strchr(rules->delimiters, local_part.data[at]) == NULL)
		at++;
	return at == 0 || at == local_part.len ? none : slice_part(local_part, 0, at);
}

/* ---- quoting -------------------------------------------------------------------- */

/*
 *   Dot-string = Atom *("." Atom)
 *   atext      = ALPHA / DIGIT / "!#$%&'*+-/=?^_`{|}~" / UTF8-non-ascii
 *
 * RFC 5321 4.1.2, RFC 6531 3.3
 */
static bool is_dot_string(struct slice s)
{
	char before = '.';

	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '.'             ? before == '.'
		    : c <= ' ' && c >= 0 ? true
					 : strchr("\"(),:;<>@[\\]\x7f", c) != NULL)
			return false;
		before = c;
	}
	return before != '.';
}

struct slice address_join(struct arena *arena, struct slice local_part, struct slice domain)
{
	char *out = arena_alloc(arena, 2 * local_part.len + domain.len + 4), *p = out;
	bool quoted = local_part.len > 0 && !is_dot_string(local_part);

	if (quoted)
		*p++ = '"';
	for (size_t i = 0; i < local_part.len; i++) {
		if (quoted && (local_part.data[i] == '"' || local_part.data[i] == '\\'))
			*p++ = '\\';
		*p++ = local_part.data[i];
	}
	if (quoted)
		*p++ = '"';
	*p++ = '@';
	memcpy(p, domain.data, domain.len);
	return (struct slice){ out, (size_t)(p - out) + domain.len };
}

/* ---- the whole ------------------------------------------------------------------ */

/* The last "@" that no quotes hold, or text.len. */
static size_t find_at(struct slice text)
{
	size_t found = text.len;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\\' && quoted)
			i++;
		else if (text.data[i] == '"')
			quoted = !quoted;
		else if (text.data[i] == '@' && !quoted)
			found = i;
	}
	return found;
}

bool address_read(struct arena *arena, const struct address_rules *rules, struct slice text,
    bool at_domain, struct address *address)
{
	size_t at = find_at(text);

	*address = (struct address){ 0 };
	if (text.len > STORE_KEY_MAX || at == text.len || (at == 0 && !at_domain))
		return false;
	if (!address_local_part(arena, rules, slice_part(text, 0, at), &address->local_part) ||
	    !domain_to_ascii(arena, slice_part(text, at + 1, text.len), &address->domain))
		return false;
	/* "" with quotes must not become the key that stands for everybody */
	if (at > 0 && address->local_part.len == 0)
		return false;
	address->key = address_join(arena, address->local_part, address->domain);
	if (at > 0)
		address->base = address_base(rules, address->local_part);
	address->unicode = domain_to_unicode(arena, address->domain);
	if (slice_equal(address->unicode, address->domain))
		address->unicode = (struct slice){ 0 };
	return address->key.len <= STORE_KEY_MAX;
}
