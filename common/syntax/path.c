/*
 * path.c - the paths of MAIL FROM and RCPT TO, by the grammar of RFC 5321 4.1.2.
 *
 * The path is read from left to right and the first octet that no rule allows
 * is the fault, under the name that tells the most about it.  Nothing is
 * repaired.  A fault does not depend on what a mail system would make of it.
 */
#include "syntax/path.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "syntax/domain.h"
#include "syntax/from.h"
#include "syntax/token.h"

/* A cursor over the path; offsets count in text, and text ends where the address ends. */
struct cursor {
	struct slice text;
	size_t at;
	bool smtputf8;
};

static struct syntax_error fault(enum syntax_code code, size_t offset, size_t length)
{
	return (struct syntax_error){ code, offset, length };
}

static struct syntax_error none(void)
{
	return fault(SYNTAX_OK, 0, 0);
}

static bool at_end(const struct cursor *c)
{
	return c->at >= c->text.len;
}

/* The octet at the cursor, or NUL behind the end. */
static char here(const struct cursor *c)
{
	return at_end(c) ? '\0' : c->text.data[c->at];
}

/* How many octets from the cursor on are blanks. */
static size_t blanks(const struct cursor *c)
{
	size_t end = c->at;

	while (end < c->text.len && is_wsp(c->text.data[end]))
		end++;
	return end - c->at;
}

/*
 * Steps over a character beyond ASCII (UTF8-non-ascii of RFC 6531 3.3), if one
 * begins at the cursor and is allowed there.
 */
static struct syntax_error skip_utf8(struct cursor *c)
{
	size_t len = utf8_decode(c->text, c->at, NULL);

	if (len == 0)
		return fault(SYNTAX_ADDRESS_UTF8, c->at, 1);
	if (!c->smtputf8)
		return fault(SYNTAX_ADDRESS_8BIT, c->at, len);
	c->at += len;
	return none();
}

/* Offset of the first octet of that kind outside a quoted string, or s.len. */
static size_t find_unquoted(struct slice s, char wanted)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (quoted && s.data[i] == '\\')
			i++;
		else if (s.data[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.data[i] == wanted)
			return i;
	}
	return s.len;
}

/* qtextSMTP = %d32-33 / %d35-91 / %d93-126; quoted-pairSMTP = %d92 %d32-126 */
static struct syntax_error skip_quoted_octet(struct cursor *c)
{
	bool pair = here(c) == '\\';

	if (pair)
		c->at++;
	if (at_end(c))
		return none(); /* the quote is not closed: said by the caller */
	if (is_ctl(here(c)))
		return fault(SYNTAX_CONTROL, c->at, 1);
	if (is_8bit(here(c))) {
		size_t begin = c->at;
		struct syntax_error error = skip_utf8(c);

		if (error.code == SYNTAX_OK && pair)
			return fault(SYNTAX_LOCAL_PART_CHARACTER, begin - 1, c->at - begin + 1);
		return error;
	}
	c->at++;
	return none();
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE */
static struct syntax_error skip_quoted_string(struct cursor *c)
{
	size_t begin = c->at++;

	while (!at_end(c) && here(c) != '"') {
		struct syntax_error error = skip_quoted_octet(c);

		if (error.code != SYNTAX_OK)
			return error;
	}
	if (at_end(c))
		return fault(SYNTAX_QUOTE_UNBALANCED, begin, c->text.len - begin);
	c->at++;
	if (at_end(c) || here(c) == '@')
		return none();
	if (is_wsp(here(c)))
		return fault(SYNTAX_LOCAL_PART_SPACE, c->at, blanks(c));
	return fault(SYNTAX_LOCAL_PART_WORDS, begin, c->at - begin);
}

/* What an octet is that no Dot-string may hold. */
static struct syntax_error local_part_fault(const struct cursor *c)
{
	struct slice rest = slice_part(c->text, c->at + 1, c->text.len);

	if (is_wsp(here(c)))
		return fault(SYNTAX_LOCAL_PART_SPACE, c->at, blanks(c));
	if (is_ctl(here(c)))
		return fault(SYNTAX_CONTROL, c->at, 1);
	if (here(c) == '<' || here(c) == '>')
		return fault(SYNTAX_PATH_BRACKETS, c->at, 1);
	if (here(c) == '(')
		return fault(SYNTAX_LOCAL_PART_COMMENT, c->at, 1);
	if (here(c) == '"' && slice_find(rest, '"') < rest.len)
		return fault(SYNTAX_LOCAL_PART_WORDS, c->at, slice_find(rest, '"') + 2);
	return fault(SYNTAX_LOCAL_PART_CHARACTER, c->at, 1);
}

/* Dot-string = Atom *("." Atom) */
static struct syntax_error skip_dot_string(struct cursor *c)
{
	bool after_dot = true;

	while (!at_end(c) && here(c) != '@') {
		struct syntax_error error = none();
		bool dot = here(c) == '.';

		if (dot && after_dot)
			return fault(SYNTAX_LOCAL_PART_DOT, c->at, 1);
		if (is_8bit(here(c)))
			error = skip_utf8(c);
		else if (dot || is_atext((unsigned char)here(c)))
			c->at++;
		else
			error = local_part_fault(c);
		if (error.code != SYNTAX_OK)
			return error;
		after_dot = dot;
	}
	return after_dot ? fault(SYNTAX_LOCAL_PART_DOT, c->at - 1, 1) : none();
}

/*
 * Local-part = Dot-string / Quoted-string
 *
 * A-d-l = At-domain *( "," At-domain ) is told apart by its colon.
 */
static struct syntax_error skip_local_part(struct cursor *c)
{
	struct slice rest = slice_part(c->text, c->at, c->text.len);
	size_t colon = slice_find(rest, ':');

	if (here(c) == '"')
		return skip_quoted_string(c);
	if (here(c) != '@')
		return skip_dot_string(c);
	if (colon < rest.len && slice_find(rest, '[') > colon)
		return fault(SYNTAX_ROUTE, c->at, colon + 1);
	return fault(SYNTAX_LOCAL_PART_MISSING, c->at, 1);
}

/*
 * IPv4-address-literal = Snum 3("." Snum)
 * Snum                 = 1*3DIGIT            ; at most 255
 */
static bool is_ipv4(struct slice s)
{
	unsigned numbers = 0, digits = 0, value = 0;

	for (size_t i = 0; i <= s.len; i++) {
		if (i < s.len && is_digit(s.data[i])) {
			value = value * 10 + (unsigned)(s.data[i] - '0');
			if (++digits > 3 || value > 255)
				return false;
		} else if (digits > 0 && (i == s.len || s.data[i] == '.')) {
			numbers++;
			digits = value = 0;
		} else {
			return false;
		}
	}
	return numbers == 4;
}

/* IPv6-addr, as inet_pton(3) has it. */
static bool is_ipv6(struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.len >= sizeof text || memchr(s.data, '\0', s.len) != NULL)
		return false;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

/*
 * General-address-literal = Standardized-tag ":" 1*dcontent
 * Standardized-tag        = Ldh-str
 * dcontent                = %d33-90 / %d94-126
 */
static bool is_general_literal(struct slice s)
{
	size_t colon = slice_find(s, ':');

	if (colon == 0 || colon + 1 >= s.len || !is_alnum(s.data[colon - 1]))
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!is_alnum(s.data[i]) && s.data[i] != '-')
			return false;
	for (size_t i = colon + 1; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] >= 0x7f || strchr("[\\]", s.data[i]) != NULL)
			return false;
	return true;
}

/*
 * IPv6-address-literal = "IPv6:" IPv6-addr
 *
 * An IPv6 address that lacks its tag would pass as a general literal with a
 * tag like "2001", which nobody has registered: it is refused.
 */
static bool is_literal_content(struct slice s)
{
	if (slice_starts_nocase(s, SLICE("IPv6:")))
		return is_ipv6(slice_part(s, 5, s.len));
	return is_ipv4(s) || (is_general_literal(s) && !is_ipv6(s));
}

/* What an octet is that cannot stand in a domain at all. */
static struct syntax_error domain_fault(const struct cursor *c)
{
	if (is_wsp(here(c)))
		return fault(SYNTAX_DOMAIN_SPACE, c->at, blanks(c));
	if (is_ctl(here(c)))
		return fault(SYNTAX_CONTROL, c->at, 1);
	switch (here(c)) {
	case '<':
	case '>': return fault(SYNTAX_PATH_BRACKETS, c->at, 1);
	case '@': return fault(SYNTAX_AT_EXTRA, c->at, 1);
	case '(': return fault(SYNTAX_DOMAIN_COMMENT, c->at, 1);
	default: return fault(SYNTAX_DOMAIN_SPECIAL, c->at, 1);
	}
}

/* address-literal = "[" ( IPv4-address-literal / IPv6-... / General-... ) "]" */
static struct syntax_error skip_literal(struct cursor *c)
{
	struct slice rest = slice_part(c->text, c->at, c->text.len);
	size_t begin = c->at, close = slice_find(rest, ']');

	for (; c->at < begin + close; c->at++)
		if (is_wsp(here(c)) || is_ctl(here(c)))
			return domain_fault(c);
	if (close == rest.len)
		return fault(SYNTAX_DOMAIN_SPECIAL, begin, 1);
	c->at++;
	if (!at_end(c))
		return domain_fault(c);
	if (!is_literal_content(slice_part(rest, 1, close)))
		return fault(SYNTAX_DOMAIN_LITERAL, begin, rest.len);
	return none();
}

/* Domain = sub-domain *("." sub-domain); the sub-domains' own rules are domain_syntax's. */
static struct syntax_error skip_domain(struct cursor *c, struct syntax_error *too_long)
{
	size_t begin = c->at;
	struct syntax_error error = none();

	while (!at_end(c) && error.code == SYNTAX_OK) {
		bool dot = here(c) == '.';

		if (is_8bit(here(c)))
			error = skip_utf8(c);
		else if (!dot && !is_atext((unsigned char)here(c)))
			error = domain_fault(c);
		else if (dot && c->at > begin + 1 && c->text.data[c->at - 1] == '.')
			error = fault(SYNTAX_DOMAIN_DOTS, c->at - 1, 2);
		else
			c->at++;
	}
	if (error.code != SYNTAX_OK)
		return error;
	error = domain_syntax(slice_part(c->text, begin, c->at), too_long);
	error.offset += begin;
	too_long->offset += begin;
	return error;
}

/* "@" ( Domain / address-literal ), at the "@" */
static struct syntax_error skip_at_domain(struct cursor *c, struct syntax_error *too_long)
{
	c->at++;
	if (at_end(c))
		return fault(SYNTAX_DOMAIN_MISSING, c->at - 1, 1);
	return here(c) == '[' ? skip_literal(c) : skip_domain(c, too_long);
}

/* The text without its quotes and backslashes. */
static struct slice unquote(struct arena *arena, struct slice s)
{
	char *text;
	size_t len = 0;

	if (s.len < 2 || s.data[0] != '"')
		return s;
	text = arena_alloc(arena, s.len);
	for (size_t i = 1; i + 1 < s.len; i++) {
		if (s.data[i] == '\\')
			i++;
		text[len++] = s.data[i];
	}
	return (struct slice){ text, len };
}

/* Mailbox = Local-part "@" ( Domain / address-literal ) */
static void parse_mailbox(struct arena *arena, struct path *path, struct cursor c)
{
	size_t begin = c.at;
	struct slice local_part;

	if (c.text.len - begin > ADDRESS_MAX)
		path->too_long = fault(SYNTAX_ADDRESS_LONG, begin, c.text.len - begin);
	path->error = skip_local_part(&c);
	if (path->error.code != SYNTAX_OK)
		return;
	local_part = slice_part(c.text, begin, c.at);
	if (local_part.len > LOCAL_PART_MAX)
		path->too_long = fault(SYNTAX_LOCAL_PART_LONG, begin, local_part.len);
	if (at_end(&c)) {
		path->no_domain = true;
		path->error = fault(SYNTAX_AT_MISSING, begin, local_part.len);
	} else {
		struct syntax_error too_long = none();

		path->error = skip_at_domain(&c, &too_long);
		if (too_long.code != SYNTAX_OK && path->too_long.code != SYNTAX_LOCAL_PART_LONG)
			path->too_long = too_long;
	}
	if (path->error.code == SYNTAX_OK)
		path->domain = slice_part(c.text, begin + local_part.len + 1, c.text.len);
	if (path->error.code == SYNTAX_OK || path->no_domain)
		path->local_part = unquote(arena, local_part);
}

/* Beside an error: what follows the last "@", if that is a Domain, since policy asks for it. */
static struct slice find_domain(struct slice text, bool smtputf8)
{
	struct cursor c = { text, slice_find_last(text, '@'), smtputf8 };
	struct slice domain = slice_part(text, c.at + 1, text.len);
	struct syntax_error too_long;

	if (at_end(&c) || skip_at_domain(&c, &too_long).code != SYNTAX_OK)
		return (struct slice){ NULL, 0 };
	return domain;
}

/* "<" on the left without ">" on the right, or the other way round. */
static struct syntax_error one_sided(struct slice raw, bool opened)
{
	size_t found = find_unquoted(raw, opened ? '>' : '<');

	if (opened && found < raw.len)
		return fault(SYNTAX_PATH_BRACKETS, found + 1, raw.len - found - 1);
	if (opened)
		return fault(SYNTAX_PATH_BRACKETS, 0, 1);
	if (found < raw.len)
		return fault(SYNTAX_PATH_BRACKETS, 0, found);
	return fault(SYNTAX_PATH_BRACKETS, raw.len - 1, 1);
}

struct path path_parse(struct arena *arena, struct slice raw, bool smtputf8)
{
	struct path path = { .raw = raw, .address = raw };
	struct cursor c = { raw, 0, smtputf8 };
	bool opened = raw.len > 0 && raw.data[0] == '<';
	bool closed = raw.len > 1 && raw.data[raw.len - 1] == '>';

	if (opened != closed) {
		path.error = one_sided(raw, opened);
		path.domain = find_domain(raw, smtputf8);
		return path;
	}
	if (opened) {
		c.at = 1;
		c.text.len--;
		path.address = slice_part(raw, 1, raw.len - 1);
	}
	path.null = path.address.len == 0;
	if (path.null)
		return path;
	parse_mailbox(arena, &path, c);
	if (path.error.code != SYNTAX_OK)
		path.domain = find_domain(c.text, smtputf8);
	return path;
}
