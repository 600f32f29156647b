/*
 * spf_record.c - the grammar of an SPF record, RFC 7208 12.
 *
 *   record   = version terms *SP
 *   version  = "v=spf1"
 *   terms    = *( 1*SP ( directive / modifier ) )
 *
 * Octets in, terms out; asks nobody.
 */
#include "auth/spf_record.h"

#include <string.h>

#include "base/ascii.h"

enum {
	VERSION_LEN = 6,
	TEXT_MAX = 64, /* of an IP address with its prefix, as a C string */
};

/* What a mechanism may have behind its name. */
static const struct form {
	const char *name;
	bool takes_domain, needs_value, takes_prefix;
} forms[SPF_MECHANISMS] = {
	[SPF_ALL] = { "all", false, false, false },
	[SPF_INCLUDE] = { "include", true, true, false },
	[SPF_A] = { "a", true, false, true },
	[SPF_MX] = { "mx", true, false, true },
	[SPF_PTR] = { "ptr", true, false, false },
	[SPF_IP4] = { "ip4", false, true, false },
	[SPF_IP6] = { "ip6", false, true, false },
	[SPF_EXISTS] = { "exists", true, true, false },
};

bool spf_is_record(struct slice text)
{
	return slice_starts_nocase(text, SLICE("v=spf1")) &&
	       (text.len == VERSION_LEN || text.data[VERSION_LEN] == ' ');
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static bool is_name(struct slice s)
{
	if (s.len == 0 || !is_alpha(s.data[0]))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.data[i]) && !is_digit(s.data[i]) &&
		    (s.data[i] == '\0' || strchr("-_.", s.data[i]) == NULL))
			return false;
	return true;
}

/*
 * Cuts a prefix length off the end of the text: the mark ("/" or "//") and
 * digits without a leading zero.  False when a number is there and is none that
 * can be; true with *prefix unchanged when there is no such end.
 */
static bool cut_prefix(struct slice *text, const char *mark, unsigned most, unsigned *prefix)
{
	size_t digits = text->len, mark_len = strlen(mark);
	unsigned value = 0;

	while (digits > 0 && is_digit(text->data[digits - 1]))
		digits--;
	if (digits == text->len || digits < mark_len ||
	    memcmp(text->data + digits - mark_len, mark, mark_len) != 0)
		return true;
	if (text->len - digits > 3 || (text->data[digits] == '0' && text->len - digits > 1))
		return false;
	for (size_t i = digits; i < text->len; i++)
		value = value * 10 + (unsigned)(text->data[i] - '0');
	if (value > most)
		return false;
	*prefix = value;
	text->len = digits - mark_len;
	return true;
}

/*
 * dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
 * ip4-cidr-length  = "/" ("0" / %x31-39 0*1DIGIT)
 * ip6-cidr-length  = "/" ("0" / %x31-39 0*2DIGIT)
 */
static bool parse_prefixes(struct spf_term *term, struct slice *rest)
{
	term->prefix4 = 32;
	term->prefix6 = 128;
	return cut_prefix(rest, "//", 128, &term->prefix6) &&
	       cut_prefix(rest, "/", 32, &term->prefix4);
}

/*
 * ip4 = "ip4" ":" ip4-network [ ip4-cidr-length ]
 * ip6 = "ip6" ":" ip6-network [ ip6-cidr-length ]
 *
 * Bits behind the prefix do not count; inet_pton's forms are those of the RFC.
 */
static bool parse_network(struct spf_term *term, struct slice value)
{
	bool four = term->mechanism == SPF_IP4;
	char text[TEXT_MAX];

	term->network.prefix = four ? 32 : 128;
	if (!cut_prefix(&value, "/", four ? 32 : 128, &term->network.prefix) ||
	    value.len >= sizeof text || memchr(value.data, '\0', value.len) != NULL)
		return false;
	memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	return ip_parse_as(four ? AF_INET : AF_INET6, text, &term->network.ip);
}

/* What stands behind the name of a mechanism: ":" value, or prefix lengths. */
static const char *parse_value(struct spf_term *term, const struct form *form, struct slice rest)
{
	if (form->takes_prefix && !parse_prefixes(term, &rest))
		return "the prefix length is wrong";
	if (rest.len == 0)
		return form->needs_value ? "the mechanism needs a value" : NULL;
	if (rest.data[0] != ':' || rest.len == 1)
		return "the mechanism cannot be read";
	rest = slice_part(rest, 1, rest.len);
	if (term->mechanism == SPF_IP4 || term->mechanism == SPF_IP6)
		return parse_network(term, rest) ? NULL : "the address is wrong";
	if (!form->takes_domain)
		return "the mechanism takes no value";
	term->domain = rest;
	return spf_domain_spec_valid(rest) ? NULL : "the domain is not well formed";
}

/*
 * directive = [ qualifier ] mechanism
 * qualifier = "+" / "-" / "?" / "~"
 */
static const char *parse_directive(struct spf_term *term)
{
	static const struct {
		char sign;
		enum spf_result result;
	} qualifiers[] = { { '+', SPF_PASS }, { '-', SPF_FAIL }, { '?', SPF_NEUTRAL },
		{ '~', SPF_SOFTFAIL } };
	struct slice text = term->text;
	size_t end = 0;

	term->result = SPF_PASS;
	for (size_t i = 0; i < 4; i++) {
		if (text.data[0] != qualifiers[i].sign)
			continue;
		term->result = qualifiers[i].result;
		text = slice_part(text, 1, text.len);
		break;
	}
	while (end < text.len && text.data[end] != ':' && text.data[end] != '/')
		end++;
	for (int m = 0; m < SPF_MECHANISMS; m++) {
		term->mechanism = m;
		if (slice_equal_nocase(slice_part(text, 0, end), slice_of(forms[m].name)))
			return parse_value(term, &forms[m], slice_part(text, end, text.len));
	}
	return "the mechanism is not known";
}

/*
 * modifier         = redirect / explanation / unknown-modifier
 * unknown-modifier = name "=" macro-string
 */
static const char *parse_modifier(struct spf_record *record, struct slice name, struct slice value)
{
	struct slice *place = NULL;

	if (slice_equal_nocase(name, SLICE("redirect")))
		place = &record->redirect;
	else if (slice_equal_nocase(name, SLICE("exp")))
		place = &record->exp;
	if (place == NULL)
		return spf_macro_string_valid(value, false) ? NULL
							    : "the modifier is not well formed";
	if (place->data != NULL)
		return "the modifier is there twice";
	if (!spf_domain_spec_valid(value))
		return "the domain is not well formed";
	*place = value;
	return NULL;
}

static const char *parse_term(
    struct arena *arena, struct spf_record *record, struct slice text, struct spf_term ***tail)
{
	size_t equals = slice_find(text, '=');
	struct spf_term *term;
	const char *problem;

	if (equals < text.len && is_name(slice_part(text, 0, equals)))
		return parse_modifier(
		    record, slice_part(text, 0, equals), slice_part(text, equals + 1, text.len));
	term = arena_alloc(arena, sizeof *term);
	term->text = text;
	problem = parse_directive(term);
	if (problem == NULL) {
		**tail = term;
		*tail = &term->next;
	}
	return problem;
}

struct spf_record *spf_record_parse(struct arena *arena, struct slice text)
{
	struct spf_record *record = arena_alloc(arena, sizeof *record);
	struct spf_term **tail = &record->terms;
	size_t at = VERSION_LEN;

	while (at < text.len) {
		size_t end = at;
		const char *problem;

		if (text.data[at] == ' ') {
			at++;
			continue;
		}
		while (end < text.len && text.data[end] != ' ')
			end++;
		problem = parse_term(arena, record, slice_part(text, at, end), &tail);
		if (problem != NULL) {
			record->problem = slice_of(problem);
			record->offset = at;
			return record;
		}
		at = end;
	}
	return record;
}

struct slice spf_record_problem(struct arena *arena, struct slice text, size_t *offset)
{
	const struct spf_record *record;

	*offset = 0;
	if (!spf_is_record(text))
		return SLICE("the record does not begin with v=spf1");
	record = spf_record_parse(arena, text);
	*offset = record->offset;
	return record->problem;
}
