/*
 * addr_spec.c - the address of a mailbox, RFC 5322 3.4.1.
 *
 *   addr-spec  = local-part "@" domain
 *   local-part = dot-atom / quoted-string / obs-local-part
 *   domain     = dot-atom / domain-literal / obs-domain
 *
 * Of the obsolete forms only blanks and comments beside the @ are old but
 * harmless; all others are faults.
 */
#include <string.h>

#include "base/utf8.h"
#include "syntax/addr_spec.h"
#include "syntax/domain.h"
#include "syntax/encoded_word.h"
#include "syntax/from_parser.h"

/* Notes octets over 127 where the message may not have them; false if they are no UTF-8. */
static bool check_8bit(struct from_parser *p, struct range r)
{
	struct slice text = range_text(p, r);
	size_t offset = p->list[r.begin].offset, at = utf8_first_invalid(text);

	if (at < text.len) {
		from_note(p, SYNTAX_ADDRESS_UTF8, offset + at, 1);
		return false;
	}
	if (!p->smtputf8 && utf8_has_8bit(text)) {
		for (at = 0; (unsigned char)text.data[at] < 128;)
			at++;
		from_note(p, SYNTAX_ADDRESS_8BIT, offset + at, utf8_decode(text, at, NULL));
	}
	return true;
}

/* What one half of an addr-spec calls its faults. */
struct half {
	enum syntax_code space, comment, character;
};

static const struct half local_half = { SYNTAX_LOCAL_PART_SPACE, SYNTAX_LOCAL_PART_COMMENT,
	SYNTAX_LOCAL_PART_CHARACTER };
static const struct half domain_half = { SYNTAX_DOMAIN_SPACE, SYNTAX_DOMAIN_COMMENT,
	SYNTAX_DOMAIN_SPECIAL };

/* Notes a token that stands in neither half of an addr-spec; true if it was one. */
static bool check_foreign(struct from_parser *p, size_t index, const struct half *half)
{
	const struct token *t = &p->list[index];

	switch (t->type) {
	case TOKEN_SPACE: from_note(p, half->space, t->offset, t->length); return true;
	case TOKEN_COMMENT: from_note(p, half->comment, t->offset, t->length); return true;
	case TOKEN_STRAY: /* noted for the whole field */
	case TOKEN_CONTROL: /* likewise */ return true;
	case TOKEN_SPECIAL:
		if (t->octet == '.')
			return false;
		from_note(p, half->character, t->offset, t->length);
		return true;
	default: return false;
	}
}

/*
 * dot-atom-text  = 1*atext *("." 1*atext)
 * obs-local-part = word *("." word)
 */
static bool check_local_part(struct from_parser *p, struct range r)
{
	bool good = true, words = false;
	size_t atoms = 0;

	for (size_t i = r.begin; i < r.end; i++) {
		const struct token *t = &p->list[i];

		if (t->type == TOKEN_LITERAL) {
			from_note(p, SYNTAX_LOCAL_PART_CHARACTER, t->offset, 1);
			good = false;
		} else if (check_foreign(p, i, &local_half)) {
			good = false;
		} else if (t->type == TOKEN_QUOTED) {
			words = r.end - r.begin > 1;
		} else if (t->type == TOKEN_ATOM) {
			atoms++;
		} else if (i == r.begin || i + 1 == r.end || token_is_special(t - 1, '.')) {
			from_note(p, SYNTAX_LOCAL_PART_DOT, t->offset, 1);
			good = false;
		}
	}
	if (words && good) {
		from_note_range(p, SYNTAX_LOCAL_PART_WORDS, r);
		good = false;
	}
	return check_8bit(p, r) && good;
}

/*
 * domain = dot-atom / domain-literal
 *
 * A dot at either end is left to domain_check, which names it as a fault of
 * the host name.
 */
static bool check_domain(struct from_parser *p, struct range r)
{
	bool good = true;

	for (size_t i = r.begin; i < r.end; i++) {
		const struct token *t = &p->list[i];

		if (check_foreign(p, i, &domain_half)) {
			good = false;
		} else if (t->type == TOKEN_QUOTED ||
			   (t->type == TOKEN_LITERAL && r.end - r.begin > 1)) {
			from_note(p, SYNTAX_DOMAIN_SPECIAL, t->offset, 1);
			good = false;
		} else if (i > r.begin && token_is_special(t, '.') &&
			   token_is_special(t - 1, '.')) {
			from_note(p, SYNTAX_DOMAIN_DOTS, t->offset, 1);
			good = false;
		}
	}
	return check_8bit(p, r) && good;
}

/* RFC 5321 4.5.3.1: 64 octets of local part, 254 of address; the domain's by domain_check. */
static void check_lengths(struct from_parser *p, struct range local, struct range domain)
{
	size_t local_len = range_text(p, local).len, domain_len = range_text(p, domain).len;

	if (local_len > LOCAL_PART_MAX)
		from_note_range(p, SYNTAX_LOCAL_PART_LONG, local);
	if (local_len + 1 + domain_len > ADDRESS_MAX)
		from_note(p, SYNTAX_ADDRESS_LONG, p->list[local.begin].offset,
		    local_len + 1 + domain_len);
}

static void add_mailbox(
    struct from_parser *p, struct range local, struct range domain, struct slice name, bool shaky)
{
	struct mailbox *m;
	const struct token *first = &p->list[local.begin], *last = &p->list[domain.end - 1];

	if (p->from->count++ >= FROM_MAILBOXES_MAX)
		return;
	m = arena_alloc(p->arena, sizeof *m);
	m->display_name = name;
	m->local_part = local.end - local.begin == 1
			    ? token_content(p->arena, &p->from->tokens, local.begin)
			    : range_text(p, local);
	m->domain = range_text(p, domain);
	m->address = address_format(p->arena, m->local_part, m->domain);
	m->offset = first->offset;
	m->length = last->offset + last->length - first->offset;
	m->shaky = shaky;
	*p->next_mailbox = m;
	p->next_mailbox = &m->next;
}

/*
 * Is the range an encoded-word, or one of its atoms?  As a whole it counts too,
 * because a dot or an @ inside cuts an encoded-word into several tokens.
 */
static bool holds_encoded(const struct from_parser *p, struct range r)
{
	for (size_t i = r.begin; i < r.end; i++)
		if (p->list[i].type == TOKEN_ATOM &&
		    encoded_word_is(token_text(&p->from->tokens, i)))
			return true;
	return encoded_word_is(range_text(p, r));
}

/* RFC 2047 5(3): an encoded-word must not be any part of an addr-spec. */
static void check_encoded(struct from_parser *p, struct range local, struct range domain)
{
	const struct range whole = { local.begin, domain.end };

	if (encoded_word_is(range_text(p, whole)))
		from_note_range(p, SYNTAX_ENCODED_ADDRESS, whole);
	else if (holds_encoded(p, local))
		from_note_range(p, SYNTAX_ENCODED_ADDRESS, local);
	else if (holds_encoded(p, domain))
		from_note_range(p, SYNTAX_ENCODED_ADDRESS, domain);
}

/* Both halves are there: checks them and keeps the address if it can be told. */
static void read_halves(
    struct from_parser *p, struct range local, struct range domain, struct slice name, bool shaky)
{
	bool good = check_local_part(p, local);
	struct slice host = range_text(p, domain);
	size_t offset = p->list[domain.begin].offset;
	struct syntax_error error;

	good = check_domain(p, domain) && good;
	check_encoded(p, local, domain);
	if (!good)
		return;
	check_lengths(p, local, domain);
	error = domain_check(host);
	if (error.code != SYNTAX_OK)
		from_note(p, error.code, offset + error.offset, error.length);
	add_mailbox(p, local, domain, name, shaky);
}

/*
 * obs-route = obs-domain-list ":", as in <@a.example,@b.example:user@c.example>
 *
 * Returns what stands behind the route; the whole range where there is none.
 */
static struct range skip_route(struct from_parser *p, struct range r)
{
	size_t colon;

	if (r.begin == r.end || !token_is_special(&p->list[r.begin], '@'))
		return r;
	colon = range_find(p, r, ':');
	if (colon == r.end)
		return r;
	from_note_range(p, SYNTAX_ROUTE, (struct range){ r.begin, colon + 1 });
	return range_trim(p, (struct range){ colon + 1, r.end });
}

/* Cuts the CFWS that stands beside the @ off one half and notes it. */
static struct range trim_beside_at(struct from_parser *p, struct range half)
{
	struct range trimmed = range_trim(p, half);

	if (trimmed.begin > half.begin)
		from_note_range(p, SYNTAX_AT_BLANKS, (struct range){ half.begin, trimmed.begin });
	if (trimmed.end < half.end)
		from_note_range(p, SYNTAX_AT_BLANKS, (struct range){ trimmed.end, half.end });
	return trimmed;
}

/* No @ in the range.  Where nothing is in it, what opened the bracket or the route is meant. */
static void read_no_at(struct from_parser *p, struct range r)
{
	if (r.begin == r.end) {
		from_note(p, SYNTAX_NO_ADDRESS, p->list[r.begin - 1].offset, 1);
		return;
	}
	from_note_range(p, SYNTAX_AT_MISSING, r);
	if (holds_encoded(p, r))
		from_note_range(p, SYNTAX_ENCODED_ADDRESS, r);
}

void addr_spec_read(struct from_parser *p, struct range r, struct slice name, bool shaky)
{
	struct range local, domain;
	size_t at, extra;

	r = skip_route(p, range_trim(p, r));
	at = range_find(p, r, '@');
	if (at == r.end) {
		read_no_at(p, r);
		return;
	}
	extra = range_find(p, (struct range){ at + 1, r.end }, '@');
	if (extra < r.end) {
		from_note(p, SYNTAX_AT_EXTRA, p->list[extra].offset, 1);
		return;
	}
	local = trim_beside_at(p, (struct range){ r.begin, at });
	domain = trim_beside_at(p, (struct range){ at + 1, r.end });
	if (local.begin == local.end)
		from_note(p, SYNTAX_LOCAL_PART_MISSING, p->list[at].offset, 1);
	if (domain.begin == domain.end)
		from_note(p, SYNTAX_DOMAIN_MISSING, p->list[at].offset, 1);
	if (local.begin < local.end && domain.begin < domain.end)
		read_halves(p, local, domain, name, shaky);
}

/* Is the text 1*atext *("." 1*atext)?  Octets over 127 count as atext. */
static bool is_dot_atom(struct slice text)
{
	bool after_dot = true;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '.' && after_dot)
			return false;
		if (c != '.' && c < 128 && !is_atext(c))
			return false;
		after_dot = c == '.';
	}
	return !after_dot;
}

struct slice address_format(struct arena *arena, struct slice local_part, struct slice domain)
{
	bool quote = !is_dot_atom(local_part);
	char *text = arena_alloc(arena, 2 * local_part.len + domain.len + 4);
	size_t len = 0;

	if (quote)
		text[len++] = '"';
	for (size_t i = 0; i < local_part.len; i++) {
		if (quote && (local_part.data[i] == '"' || local_part.data[i] == '\\'))
			text[len++] = '\\';
		text[len++] = local_part.data[i];
	}
	if (quote)
		text[len++] = '"';
	text[len++] = '@';
	if (domain.len > 0)
		memcpy(text + len, domain.data, domain.len);
	return (struct slice){ text, len + domain.len };
}
