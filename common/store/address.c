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
#include "syntax/addr_spec.h"
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

/* ---- the whole ------------------------------------------------------------------ */

/* "@domain" where there is no local part: address_format would quote that. */
static struct slice key_of(struct arena *arena, struct slice local_part, struct slice domain)
{
	char *key;

	if (local_part.len > 0)
		return address_format(arena, local_part, domain);
	key = arena_alloc(arena, domain.len + 2);
	key[0] = '@';
	memcpy(key + 1, domain.data, domain.len);
	return (struct slice){ key, domain.len + 1 };
}

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
	struct slice base = { 0 };
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
	address->key = key_of(arena, address->local_part, address->domain);
	if (at > 0)
		base = address_base(rules, address->local_part);
	if (base.data != NULL)
		address->base = arena_copy(arena, base);
	address->unicode = domain_to_unicode(arena, address->domain);
	if (slice_equal(address->unicode, address->domain))
		address->unicode = (struct slice){ 0 };
	return address->key.len <= STORE_KEY_MAX;
}

/* ---- the keys of an address ----------------------------------------------------- */

enum key_form { FORM_ASCII, FORM_UNICODE, FORM_LOCAL_PART };

/* The order in which tables are asked. */
static const struct key_step {
	unsigned wanted;
	enum address_key_kind kind;
	enum key_form form;
} key_steps[ADDRESS_KEYS_MAX] = {
	{ KEYS_FULL, ADDRESS_KEY_WHOLE, FORM_ASCII },
	{ KEYS_FULL | KEYS_UNICODE, ADDRESS_KEY_WHOLE, FORM_UNICODE },
	{ KEYS_FULL | KEYS_BASE, ADDRESS_KEY_BASE, FORM_ASCII },
	{ KEYS_FULL | KEYS_BASE | KEYS_UNICODE, ADDRESS_KEY_BASE, FORM_UNICODE },
	{ KEYS_LOCAL_PART, ADDRESS_KEY_WHOLE, FORM_LOCAL_PART },
	{ KEYS_LOCAL_PART | KEYS_BASE, ADDRESS_KEY_BASE, FORM_LOCAL_PART },
	{ KEYS_AT_DOMAIN, ADDRESS_KEY_AT_DOMAIN, FORM_ASCII },
	{ KEYS_AT_DOMAIN | KEYS_UNICODE, ADDRESS_KEY_AT_DOMAIN, FORM_UNICODE },
};

static bool has_key(const struct address *a, const struct key_step *step)
{
	return (step->kind != ADDRESS_KEY_BASE || a->base.data != NULL) &&
	       (step->form != FORM_UNICODE || a->unicode.data != NULL);
}

static struct address_key make_key(
    struct arena *arena, const struct address *a, const struct key_step *step)
{
	struct address_key key = { .kind = step->kind };

	if (step->kind != ADDRESS_KEY_AT_DOMAIN)
		key.local_part = step->kind == ADDRESS_KEY_BASE ? a->base : a->local_part;
	if (step->form != FORM_LOCAL_PART)
		key.domain = step->form == FORM_UNICODE ? a->unicode : a->domain;
	if (step->form == FORM_LOCAL_PART)
		key.key = key.local_part;
	else if (step->form == FORM_UNICODE || step->kind == ADDRESS_KEY_BASE)
		key.key = key_of(arena, key.local_part, key.domain);
	else if (step->kind == ADDRESS_KEY_WHOLE)
		key.key = a->key;
	else /* the end of that: most addresses are found before it is asked for */
		key.key = slice_part(a->key, a->key.len - a->domain.len - 1, a->key.len);
	return key;
}

size_t address_keys(struct arena *arena, const struct address *address, unsigned wanted,
    struct address_key keys[ADDRESS_KEYS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ADDRESS_KEYS_MAX; i++)
		if ((key_steps[i].wanted & ~wanted) == 0 && has_key(address, &key_steps[i]))
			keys[n++] = make_key(arena, address, &key_steps[i]);
	return n;
}
