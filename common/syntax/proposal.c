/*
 * proposal.c - the corrected From field.
 *
 * Built from what the parser read, never from the raw text: one mailbox, its
 * address written in the shortest right form, its name quoted or encoded as it
 * must be.  Whatever was built is parsed again, and thrown away unless it has
 * no fault, the same address, and shows no other one; so a proposal can be wrong
 * only where the parser is.
 */
#include "syntax/proposal.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "syntax/addr_spec.h"
#include "syntax/domain.h"
#include "syntax/encoded_word.h"
#include "syntax/reading.h"

enum { REPLACEMENT_CHARACTER = 0xfffd };

/* These errors say that something meant as an address was not read. */
static const enum syntax_code unread[] = {
	SYNTAX_NO_ADDRESS,
	SYNTAX_ANGLE_EMPTY,
	SYNTAX_AT_MISSING,
	SYNTAX_AT_EXTRA,
	SYNTAX_LOCAL_PART_MISSING,
	SYNTAX_LOCAL_PART_SPACE,
	SYNTAX_LOCAL_PART_COMMENT,
	SYNTAX_LOCAL_PART_DOT,
	SYNTAX_LOCAL_PART_CHARACTER,
	SYNTAX_LOCAL_PART_WORDS,
	SYNTAX_DOMAIN_MISSING,
	SYNTAX_DOMAIN_SPACE,
	SYNTAX_DOMAIN_COMMENT,
	SYNTAX_DOMAIN_DOTS,
	SYNTAX_DOMAIN_SPECIAL,
	SYNTAX_ADDRESS_UTF8,
	SYNTAX_ENCODED_ADDRESS,
};

static bool has_encoded_word(struct slice text)
{
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.data[i] == '=' && text.data[i + 1] == '?')
			return true;
	return false;
}

/*
 * Does the text say something that can be written again?  Not where it is no
 * UTF-8, has control characters, or holds what was left undecoded.
 */
static bool is_sayable(struct slice text)
{
	size_t at = 0;

	while (at < text.len) {
		uint32_t code = 0;
		size_t len = utf8_decode(text, at, &code);

		if (len == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
		    code == REPLACEMENT_CHARACTER)
			return false;
		at += len;
	}
	return !has_encoded_word(text);
}

/* The text with each run of white space as one space, none at its ends. */
static struct slice join_lines(struct arena *arena, struct slice text)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;

	text = slice_trim(text);
	for (size_t i = 0; i < text.len; i++) {
		if (!is_fws(text.data[i]))
			out[len++] = text.data[i];
		else if (!is_fws(text.data[i - 1]))
			out[len++] = ' ';
	}
	return (struct slice){ out, len };
}

static bool has_error(const struct from_field *from, enum syntax_code code)
{
	for (size_t i = 0; i < from->error_count; i++)
		if (from->errors[i].code == code)
			return true;
	return false;
}

/* Is the mailbox that was read the only one that was meant? */
static bool is_sole_author(const struct from_field *from)
{
	for (size_t i = 0; i < sizeof unread / sizeof unread[0]; i++)
		if (has_error(from, unread[i]))
			return false;
	return from->count == 1 && !from->mailboxes->shaky;
}

static bool is_separator(char c)
{
	return c == ' ' || c == ',';
}

/* The name without the separators at its ends, as in `"Doe, John", <john@example.com>`. */
static struct slice cut_separators(struct slice name)
{
	while (name.len > 0 && is_separator(name.data[name.len - 1]))
		name.len--;
	while (name.len > 0 && is_separator(name.data[0]))
		name = slice_part(name, 1, name.len);
	/* a semicolon ends many a name (`Foo &amp;`), alone it is a separator too */
	return slice_equal(name, SLICE(";")) ? SLICE("") : name;
}

/*
 * The name to write, empty if there is none; false if it cannot be told.  A
 * quoted encoded-word, which the grammar leaves undecoded, was meant to be
 * decoded.
 */
static bool plain_name(struct arena *arena, const struct from_field *from, struct slice *name)
{
	struct slice written = from->mailboxes->display_name;
	struct buf decoded;

	if (has_error(from, SYNTAX_ENCODED_QUOTED)) {
		buf_init(&decoded, FROM_OCTETS_MAX);
		encoded_words_decode(written, &decoded);
		written = arena_copy(arena, buf_slice(&decoded));
		buf_free(&decoded);
	}
	*name = cut_separators(join_lines(arena, written));
	return is_sayable(*name);
}

/* phrase = 1*word, each word an atom; octets over 127 count as atext (RFC 6532 3.2) */
static bool is_atoms(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c != ' ' && c < 128 && !is_atext(c))
			return false;
	}
	return true;
}

/* quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE */
static void write_quoted(struct buf *out, struct slice name)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == '"' || name.data[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, name.data[i]);
	}
	buf_add_char(out, '"');
}

static void write_name(struct buf *out, struct slice name, bool smtputf8)
{
	if (!smtputf8 && utf8_has_8bit(name))
		encoded_words_encode(name, out);
	else if (is_atoms(name))
		buf_add_slice(out, name);
	else
		write_quoted(out, name);
}

/* The domain as the field can carry it; false if it has no such form. */
static bool plain_domain(
    struct arena *arena, struct slice written, bool smtputf8, struct slice *domain)
{
	if (written.len > 0 && written.data[written.len - 1] == '.')
		written.len--;
	*domain = written;
	return smtputf8 || !utf8_has_8bit(written) || domain_to_ascii(arena, written, domain);
}

/* Is the body a field without fault, with this author and no other address to be seen? */
static bool reads_as(struct arena *arena, struct slice body, bool smtputf8, struct slice local_part,
    struct slice domain)
{
	const struct from_field *from = from_parse(arena, body, smtputf8);
	struct reading shown;

	return from->valid && from->error_count == 0 && from->count == 1 &&
	       slice_equal(from->mailboxes->local_part, local_part) &&
	       slice_equal(from->mailboxes->domain, domain) &&
	       !from_impersonates(arena, from, &shown);
}

/* [display-name "<"] addr-spec [">"], or the slice that is not there when it is too long */
static struct slice write_mailbox(
    struct arena *arena, struct slice name, struct slice address, bool smtputf8)
{
	struct slice body = { 0 };
	struct buf out;

	buf_init(&out, FROM_LINE_MAX);
	if (name.len > 0) {
		write_name(&out, name, smtputf8);
		buf_add_text(&out, " <");
	}
	buf_add_slice(&out, address);
	if (name.len > 0)
		buf_add_char(&out, '>');
	if (!out.truncated)
		body = arena_copy(arena, buf_slice(&out));
	buf_free(&out);
	return body;
}

struct slice from_proposal(struct arena *arena, const struct from_field *from, bool smtputf8)
{
	const struct slice none = { 0 };
	const struct mailbox *m = from->mailboxes;
	struct slice name, domain, body;

	if (from->error_count == 0 || !is_sole_author(from))
		return none;
	if (!plain_domain(arena, m->domain, smtputf8, &domain) || !plain_name(arena, from, &name))
		return none;
	body = write_mailbox(arena, name, address_format(arena, m->local_part, domain), smtputf8);
	if (body.data == NULL || slice_equal(body, slice_trim(from->body)) ||
	    !reads_as(arena, body, smtputf8, m->local_part, domain))
		return none;
	return body;
}
