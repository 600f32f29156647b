/*
 * reading.c - how programs in the wild read a From field.
 *
 * The readings are naive on purpose: they look for brackets and for words with
 * an "@" in the raw octets, blind to quotes and comments, as many programs do.
 * What they have in common with the parser is only what counts as an address:
 * one "@", a local part of atext and dots (or one quoted string), a domain of
 * letters, digits, hyphens, dots and octets over 127.  A reading that finds no
 * such thing takes nothing.
 *
 * Of each kind of reading only the first and the last address are compared, so
 * the time is linear in the body and the memory of a verdict is fixed.
 */
#include "syntax/reading.h"

#include <stdint.h>
#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "syntax/addr_spec.h"
#include "syntax/domain.h"
#include "syntax/encoded_word.h"

enum { DECODED_GROWTH = 4 }; /* the most octets that one octet of an encoded-word becomes */

/* An address in parts, as it was read. */
struct addr_spec {
	struct slice local_part; /* without quotes */
	struct slice domain;     /* as written */
	struct slice ascii;      /* the domain in the form that is compared */
};

const char *reading_name(enum reading_kind kind)
{
	static const char *const names[READING_KINDS] = {
		[READING_STRICT] = "the address by the grammar",
		[READING_FIRST_ANGLE] = "the text in the first <...>",
		[READING_LAST_ANGLE] = "the text in the last <...>",
		[READING_FIRST_AT] = "the first word with an @",
		[READING_LAST_AT] = "the last word with an @",
		[READING_COMMENT] = "the address in a comment",
		[READING_QUOTED] = "the address in a quoted string",
		[READING_DECODED] = "the address in the decoded text",
	};

	return kind < READING_KINDS ? names[kind] : "";
}

/* ---- what is an address ------------------------------------------------- */

static bool is_local_octet(char c)
{
	return is_atext((unsigned char)c) || c == '.' || is_8bit(c);
}

static bool is_domain_octet(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || is_8bit(c);
}

/* What ends a word for readers that do not parse. */
static bool is_word_end(char c)
{
	return c != '\0' && strchr(" \t\r\n,;<>()\"[]:", c) != NULL;
}

/* Ornament that stands before an address in running text and is no part of it. */
static bool is_ornament(char c)
{
	return c != '\0' && strchr(".'`*|", c) != NULL;
}

static bool all_octets(struct slice s, bool (*allowed)(char))
{
	for (size_t i = 0; i < s.len; i++)
		if (!allowed(s.data[i]))
			return false;
	return true;
}

static struct slice skip_ornament(struct slice s)
{
	while (s.len > 0 && is_ornament(s.data[0]))
		s = slice_part(s, 1, s.len);
	return s;
}

/* The domain without whatever cannot end one: dots, quotes, exclamation marks. */
static struct slice cut_domain_end(struct slice s)
{
	while (s.len > 0 && (!is_domain_octet(s.data[s.len - 1]) || s.data[s.len - 1] == '.' ||
				s.data[s.len - 1] == '-')) {
		if (s.data[s.len - 1] == '@')
			break;
		s.len--;
	}
	return s;
}

static bool read_domain(struct slice text, struct addr_spec *out)
{
	out->domain = cut_domain_end(slice_trim(text));
	return out->domain.len > 0 && all_octets(out->domain, is_domain_octet);
}

/* The address of an unquoted text: a word, or a word with blanks beside the "@". */
static bool read_plain(struct slice text, struct addr_spec *out)
{
	size_t at = slice_find(text, '@');

	if (at == text.len)
		return false;
	out->local_part = skip_ornament(slice_trim(slice_part(text, 0, at)));
	return out->local_part.len > 0 && all_octets(out->local_part, is_local_octet) &&
	       read_domain(slice_part(text, at + 1, text.len), out);
}

/*
 * The address of a text that begins with a quote: "john doe"@example.com, or
 * the whole address in quotes.
 */
static bool read_quoted(struct arena *arena, struct slice text, struct addr_spec *out)
{
	char *content = arena_alloc(arena, text.len);
	size_t len = 0, i = 1;
	struct slice rest;

	for (; i < text.len && text.data[i] != '"'; i++) {
		if (text.data[i] == '\\' && i + 1 < text.len)
			i++;
		content[len++] = text.data[i];
	}
	rest = slice_trim(slice_part(text, i + 1, text.len));
	out->local_part = (struct slice){ content, len };
	if (rest.len == 0)
		return read_plain(slice_trim(out->local_part), out);
	return len > 0 && rest.data[0] == '@' && read_domain(slice_part(rest, 1, rest.len), out);
}

/* The form of a domain in which equal ones are equal octets, case of letters aside. */
static struct slice comparable_domain(struct arena *arena, struct slice domain)
{
	struct slice ascii;

	if (domain_to_ascii(arena, domain, &ascii))
		return ascii;
	if (domain.len > 0 && domain.data[domain.len - 1] == '.')
		domain.len--;
	return domain;
}

/* Both must have their `ascii`. */
static bool same_address(const struct addr_spec *a, const struct addr_spec *b)
{
	return slice_equal_nocase(skip_ornament(a->local_part), skip_ornament(b->local_part)) &&
	       slice_equal_nocase(a->ascii, b->ascii);
}

/*
 * Finds the next word of the text that is an address, from *at on, and moves
 * *at behind it.
 */
static bool next_address(struct slice text, size_t *at, struct addr_spec *out, struct slice *word)
{
	while (*at < text.len) {
		size_t begin = *at;

		while (*at < text.len && !is_word_end(text.data[*at]))
			++*at;
		*word = slice_part(text, begin, *at);
		if (read_plain(*word, out))
			return true;
		if (*at < text.len)
			++*at;
	}
	return false;
}

/* ---- decoding ----------------------------------------------------------- */

/* Offset of the first a at or behind `from` with a b next to it, or text.len. */
static size_t find_pair(struct slice text, size_t from, char a, char b)
{
	for (size_t i = from; i + 1 < text.len; i++)
		if (text.data[i] == a && text.data[i + 1] == b)
			return i;
	return text.len;
}

static bool has_encoded_word(struct slice text)
{
	return find_pair(text, 0, '=', '?') < text.len;
}

/* "=?" charset "?" encoding "?" encoded-text "?=": where the one at begin ends, or begin. */
static size_t encoded_word_end(struct slice text, size_t begin)
{
	size_t end = begin + 2;

	for (int part = 0; part < 3; part++) {
		struct slice rest = slice_part(text, end, text.len);

		end += slice_find(rest, '?') + 1;
		if (end >= text.len)
			return begin;
	}
	return text.data[end] == '=' && encoded_word_is(slice_part(text, begin, end + 1)) ? end + 1
											  : begin;
}

/*
 * The text with its encoded-words decoded wherever they stand: many readers
 * search for them, blind to quotes and to what touches them.  White space
 * between two falls away (RFC 2047 6.2).
 */
static struct slice decode_text(struct arena *arena, struct slice text)
{
	struct buf out;
	struct slice decoded;
	size_t done = 0, at = find_pair(text, 0, '=', '?');

	buf_init(&out, text.len * DECODED_GROWTH);
	while (at < text.len) {
		size_t end = encoded_word_end(text, at);
		struct slice between = slice_part(text, done, at);

		if (end == at) {
			at = find_pair(text, at + 1, '=', '?');
			continue;
		}
		if (done == 0 || slice_trim(between).len > 0)
			buf_add_slice(&out, between);
		encoded_word_decode(slice_part(text, at, end), &out);
		done = end;
		at = find_pair(text, end, '=', '?');
	}
	buf_add_slice(&out, slice_part(text, done, text.len));
	decoded = arena_copy(arena, buf_slice(&out));
	buf_free(&out);
	return decoded;
}

/* ---- ambiguity ---------------------------------------------------------- */

/* What one reading took. */
struct taken {
	struct addr_spec address;
	struct reading reading; /* its address is made only for a report */
};

/* The first reading that took something, and the first that took something else. */
struct comparison {
	struct arena *arena;
	const struct from_field *from; /* the field at hand */
	size_t field;
	struct taken first, other;
	bool any, differ;
};

/* The first and the last address of one kind of reading. */
struct span {
	struct taken first, last;
	bool any;
};

static void offer(struct comparison *c, struct taken taken)
{
	if (c->differ)
		return;
	taken.reading.field = c->field;
	taken.address.ascii = comparable_domain(c->arena, taken.address.domain);
	if (!c->any) {
		c->first = taken;
		c->any = true;
	} else if (!same_address(&c->first.address, &taken.address)) {
		c->other = taken;
		c->differ = true;
	}
}

static void offer_span(struct comparison *c, const struct span *span)
{
	if (!span->any)
		return;
	offer(c, span->first);
	offer(c, span->last);
}

static void offer_mailbox(struct comparison *c, const struct mailbox *m)
{
	offer(
	    c, (struct taken){
		   .address = { .local_part = m->local_part, .domain = m->domain },
		   .reading = { .kind = READING_STRICT, .offset = m->offset, .length = m->length },
	       });
}

static void widen(struct span *span, const struct taken *taken)
{
	if (!span->any)
		span->first = *taken;
	span->last = *taken;
	span->any = true;
}

/* From the bracket at `open` to the next ">", or to the end. */
static bool read_angle(struct arena *arena, struct slice text, size_t open, struct addr_spec *out,
    struct slice *inside)
{
	struct slice rest = slice_part(text, open + 1, text.len);

	if (open >= text.len)
		return false;
	*inside = slice_trim(slice_part(rest, 0, slice_find(rest, '>')));
	if (inside->len > 0 && inside->data[0] == '"')
		return read_quoted(arena, *inside, out);
	return read_plain(*inside, out);
}

static void offer_angle(struct comparison *c, enum reading_kind kind, size_t open)
{
	struct slice body = c->from->body, inside;
	struct taken taken = { .reading = { .kind = kind } };

	if (!read_angle(c->arena, body, open, &taken.address, &inside))
		return;
	taken.reading.offset = (size_t)(inside.data - body.data);
	taken.reading.length = inside.len;
	offer(c, taken);
}

static void offer_words(struct comparison *c)
{
	struct slice body = c->from->body, word;
	struct taken taken = { 0 };
	struct span span = { 0 };
	size_t at = 0;

	while (next_address(body, &at, &taken.address, &word)) {
		taken.reading.kind = span.any ? READING_LAST_AT : READING_FIRST_AT;
		taken.reading.offset = (size_t)(word.data - body.data);
		taken.reading.length = word.len;
		widen(&span, &taken);
	}
	offer_span(c, &span);
}

/* The addresses inside all tokens of a type. */
static void offer_tokens(struct comparison *c, enum token_type type, enum reading_kind kind)
{
	const struct tokens *tokens = &c->from->tokens;
	struct span span = { 0 };

	for (size_t i = 0; i < tokens->count; i++) {
		const struct token *t = &tokens->list[i];
		struct taken taken = {
			.reading = { .kind = kind, .offset = t->offset, .length = t->length },
		};
		struct slice content, word;
		size_t at = 0;

		if (t->type != type)
			continue;
		content = token_content(c->arena, tokens, i);
		while (next_address(content, &at, &taken.address, &word))
			widen(&span, &taken);
	}
	offer_span(c, &span);
}

/*
 * Decoding comes first, then the first <...> or the first word.  Decoded
 * octets have no offset in the body: the reading points at all encoded-words.
 */
static void offer_decoded(struct comparison *c)
{
	struct slice body = c->from->body, decoded, word;
	size_t begin = find_pair(body, 0, '=', '?'), end = body.len, at = 0;
	struct taken taken = { .reading = { .kind = READING_DECODED, .offset = begin } };

	if (begin == body.len)
		return;
	while (end > begin + 2 && !(body.data[end - 2] == '?' && body.data[end - 1] == '='))
		end--;
	taken.reading.length = end - begin;
	decoded = decode_text(c->arena, body);
	if (read_angle(c->arena, decoded, slice_find(decoded, '<'), &taken.address, &word))
		offer(c, taken);
	if (next_address(decoded, &at, &taken.address, &word))
		offer(c, taken);
}

static void offer_valid_field(struct comparison *c)
{
	const struct mailbox *m = c->from->mailboxes;

	if (m == NULL)
		return;
	offer_mailbox(c, m);
	while (m->next != NULL)
		m = m->next;
	offer_mailbox(c, m);
}

static void offer_field(struct comparison *c)
{
	const struct from_field *from = c->from;
	size_t first = slice_find(from->body, '<');
	size_t last = slice_find_last(from->body, '<');

	if (from->count == 1 && !from->mailboxes->shaky)
		offer_mailbox(c, from->mailboxes);
	offer_angle(c, READING_FIRST_ANGLE, first);
	if (last != first)
		offer_angle(c, READING_LAST_ANGLE, last);
	offer_words(c);
	offer_tokens(c, TOKEN_COMMENT, READING_COMMENT);
	offer_tokens(c, TOKEN_QUOTED, READING_QUOTED);
	offer_decoded(c);
}

static struct reading report(struct arena *arena, const struct taken *taken)
{
	struct reading reading = taken->reading;

	reading.address = address_format(arena, taken->address.local_part, taken->address.domain);
	return reading;
}

bool from_is_ambiguous(struct arena *arena, const struct from_field *const *fields, size_t count,
    struct reading pair[2])
{
	struct comparison c = { .arena = arena };

	if (count == 1 && fields[0]->valid)
		return false;
	for (size_t i = 0; i < count && !c.differ; i++) {
		if (fields[i]->unparsed)
			continue;
		c.field = i;
		c.from = fields[i];
		if (fields[i]->valid)
			offer_valid_field(&c);
		else
			offer_field(&c);
	}
	if (!c.differ)
		return false;
	pair[0] = report(arena, &c.first);
	pair[1] = report(arena, &c.other);
	return true;
}

/* ---- impersonation ------------------------------------------------------ */

/* Characters outside ASCII that people read as something of ASCII. */
static const struct {
	uint32_t first, last;
	char seen_as;
} look_alikes[] = {
	{ 0x00a0, 0x00a0, ' ' }, /* no-break space */
	{ 0x00ab, 0x00ab, '"' },
	{ 0x00bb, 0x00bb, '"' },
	{ 0x1680, 0x1680, ' ' },
	{ 0x2000, 0x200a, ' ' }, /* spaces by their width */
	{ 0x2012, 0x2027, ' ' }, /* dashes, quotation marks, bullets, ellipses */
	{ 0x202f, 0x202f, ' ' },
	{ 0x2039, 0x203a, '"' },
	{ 0x205f, 0x205f, ' ' },
	{ 0x3000, 0x3001, ' ' },
	{ 0x3002, 0x3002, '.' }, /* full stops that IDNA takes for a dot, UTS 46 4 */
	{ 0x3008, 0x3011, '"' }, /* CJK brackets */
	{ 0xfe6b, 0xfe6b, '@' },
	{ 0xff08, 0xff09, '"' }, /* full-width parentheses */
	{ 0xff0c, 0xff0c, ',' },
	{ 0xff0e, 0xff0e, '.' },
	{ 0xff1a, 0xff1b, ':' },
	{ 0xff1c, 0xff1c, '<' },
	{ 0xff1e, 0xff1e, '>' },
	{ 0xff20, 0xff20, '@' },
	{ 0xff61, 0xff61, '.' },
};

/* The octet that people see in the character, or 0 for the character itself. */
static char seen_as(uint32_t code)
{
	for (size_t i = 0; i < sizeof look_alikes / sizeof look_alikes[0]; i++)
		if (code <= look_alikes[i].last)
			return code >= look_alikes[i].first ? look_alikes[i].seen_as : '\0';
	return '\0';
}

/* The text as it looks: look-alikes replaced, what is invisible left out. */
static struct slice text_as_seen(struct arena *arena, struct slice text)
{
	char *out;
	size_t len = 0, at = 0;

	if (!utf8_has_8bit(text))
		return text;
	out = arena_alloc(arena, text.len);
	while (at < text.len) {
		uint32_t code = 0;
		size_t octets = utf8_decode(text, at, &code);
		char octet = octets > 1 ? seen_as(code) : text.data[at];

		if (octets < 2 || octet != '\0') {
			out[len++] = octet;
		} else if (utf8_is_printable(code)) {
			memcpy(out + len, text.data + at, octets);
			len += octets;
		}
		at += octets > 0 ? octets : 1;
	}
	return (struct slice){ out, len };
}

/* Could the domain be one of the public Internet?  Words such as "a@b" are no address. */
static bool looks_public(struct slice domain)
{
	size_t dot = slice_find_last(domain, '.');
	struct slice top = slice_part(domain, dot + 1, domain.len);

	if (dot == domain.len || dot == 0 || top.len < 2)
		return false;
	if (slice_starts_nocase(top, SLICE("xn--")))
		return true;
	for (size_t i = 0; i < top.len; i++)
		if (!is_alpha(top.data[i]) && !is_8bit(top.data[i]))
			return false;
	return true;
}

/* The authors of a field, made comparable once. */
struct authors {
	struct addr_spec list[FROM_MAILBOXES_MAX];
	size_t count;
};

static bool is_author(const struct authors *authors, const struct addr_spec *address)
{
	for (size_t i = 0; i < authors->count; i++)
		if (same_address(&authors->list[i], address))
			return true;
	return false;
}

/* A look at one field: what it may show, and what was found to be shown. */
struct look {
	struct arena *arena;
	const struct from_field *from;
	struct authors *authors; /* made at the first address */
	struct reading *shown;
};

static const struct authors *authors_of(struct look *look)
{
	struct authors *a = look->authors;

	if (a != NULL)
		return a;
	a = look->authors = arena_alloc(look->arena, sizeof *a);
	for (const struct mailbox *m = look->from->mailboxes;
	     m != NULL && a->count < FROM_MAILBOXES_MAX; m = m->next)
		a->list[a->count++] = (struct addr_spec){
			.local_part = m->local_part,
			.domain = m->domain,
			.ascii = comparable_domain(look->arena, m->domain),
		};
	return a;
}

/* Does the text show an address that is no author's?  where: kind and octets to report. */
static bool shows_another(struct look *look, struct slice text, struct reading where)
{
	struct addr_spec address;
	struct slice word;
	size_t at = 0;

	text = text_as_seen(look->arena, text);
	while (next_address(text, &at, &address, &word)) {
		if (!looks_public(address.domain))
			continue;
		address.ascii = comparable_domain(look->arena, address.domain);
		if (is_author(authors_of(look), &address))
			continue;
		*look->shown = where;
		look->shown->address =
		    address_format(look->arena, address.local_part, address.domain);
		return true;
	}
	return false;
}

/* A quoted string or a comment, as it is and with the encoded-words that many decode there. */
static bool token_shows_another(struct look *look, size_t index, enum reading_kind kind)
{
	const struct token *t = &look->from->tokens.list[index];
	struct slice text = token_content(look->arena, &look->from->tokens, index);
	struct reading where = { .kind = kind, .offset = t->offset, .length = t->length };

	if (shows_another(look, text, where))
		return true;
	if (!has_encoded_word(text))
		return false;
	where.kind = READING_DECODED;
	return shows_another(look, decode_text(look->arena, text), where);
}

static bool is_encoded_word(const struct tokens *tokens, size_t index)
{
	return tokens->list[index].type == TOKEN_ATOM && encoded_word_is(token_text(tokens, index));
}

/* The last of the encoded-words from `first` on with only white space between them. */
static size_t run_end(const struct tokens *tokens, size_t first)
{
	size_t last = first;

	while (last + 2 < tokens->count && tokens->list[last + 1].type == TOKEN_SPACE &&
	       is_encoded_word(tokens, last + 2))
		last += 2;
	return last;
}

/* Encoded-words that stand together are shown as one text (RFC 2047 6.2). */
static bool run_shows_another(struct look *look, size_t first, size_t last)
{
	const struct token *list = look->from->tokens.list;
	size_t begin = list[first].offset, end = (size_t)list[last].offset + list[last].length;
	struct slice text = slice_part(look->from->body, begin, end);

	return shows_another(look, decode_text(look->arena, text),
	    (struct reading){ .kind = READING_DECODED, .offset = begin, .length = end - begin });
}

/* An atom of raw UTF-8, whose characters may look like an "@" and a dot. */
static bool atom_shows_another(struct look *look, size_t index)
{
	const struct token *t = &look->from->tokens.list[index];

	return t->has_8bit &&
	       shows_another(look, token_text(&look->from->tokens, index),
		   (struct reading){
		       .kind = READING_FIRST_AT, .offset = t->offset, .length = t->length });
}

/* Looks at the token, or run of tokens, at *index, which is moved to its last one. */
static bool name_shows_another(struct look *look, size_t *index)
{
	const struct tokens *tokens = &look->from->tokens;
	size_t first = *index;

	if (tokens->list[first].type == TOKEN_QUOTED)
		return token_shows_another(look, first, READING_QUOTED);
	if (tokens->list[first].type != TOKEN_ATOM)
		return false;
	if (!is_encoded_word(tokens, first))
		return atom_shows_another(look, first);
	*index = run_end(tokens, first);
	return run_shows_another(look, first, *index);
}

/*
 * Only quoted strings, comments, encoded-words and raw UTF-8 of a valid field
 * can show an "@" and a dot that belong to no address of its own.
 */
bool from_impersonates(struct arena *arena, const struct from_field *from, struct reading *shown)
{
	struct look look = { .arena = arena, .from = from, .shown = shown };
	const struct tokens *tokens = &from->tokens;
	const struct mailbox *m = from->mailboxes;

	if (!from->valid || m == NULL)
		return false;
	for (size_t i = 0; i < tokens->count; i++) {
		const struct token *t = &tokens->list[i];

		while (m != NULL && t->offset >= m->offset + m->length)
			m = m->next;
		if (t->type == TOKEN_COMMENT) {
			if (token_shows_another(&look, i, READING_COMMENT))
				return true;
		} else if (m == NULL || t->offset < m->offset) { /* outside the addresses */
			if (name_shows_another(&look, &i))
				return true;
		}
	}
	return false;
}
