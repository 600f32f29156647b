/* ldap_filter.c - the operator's LDAP filters: a template in, a filter out (RFC 4515). */
#include "store/ldap_filter.h"

#include <string.h>

enum { FILTER_DEPTH_MAX = 20 };

/* The placeholder at that place: its value, and *len octets long; NULL: it is none. */
static const struct slice *placeholder_at(
    const char *at, const struct store_question *question, size_t *len)
{
	const struct {
		const char *name;
		const struct slice *value;
	} all[] = { { "%{address}", &question->key }, { "%{local_part}", &question->local_part },
		{ "%{domain}", &question->domain } };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		*len = strlen(all[i].name);
		if (strncmp(at, all[i].name, *len) == 0)
			return all[i].value;
	}
	return NULL;
}

static bool is_hex(char c)
{
	c = ascii_lower(c);
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * item = attr filtertype assertionvalue; up to the ")" behind it.  Values may hold "*" (substring,
 * present); an attribute holds no placeholder.
 */
static bool skip_item(const char **at, size_t *placeholders)
{
	const char *p = *at;

	while (*p != '\0' && strchr("=()%*\\", *p) == NULL)
		p++;
	if (p == *at || *p != '=')
		return false;
	for (p++; *p != '\0' && *p != '(' && *p != ')'; p++) {
		static const struct store_question nothing;
		size_t len;

		if (*p == '\\' && !(is_hex(p[1]) && is_hex(p[2])))
			return false;
		if (*p != '%')
			continue;
		if (p[1] == '%') {
			p++;
		} else if (placeholder_at(p, &nothing, &len) != NULL) {
			++*placeholders;
			p += len - 1;
		} else {
			return false;
		}
	}
	*at = p;
	return true;
}

/*
 * filter     = LPAREN filtercomp RPAREN
 * filtercomp = and / or / not / item
 * and, or    = ("&" / "|") 1*filter
 * not        = "!" filter
 */
static bool skip_filter(const char **at, size_t *placeholders, int depth)
{
	bool many;

	if (**at != '(' || depth > FILTER_DEPTH_MAX)
		return false;
	++*at;
	many = **at == '&' || **at == '|';
	if (many || **at == '!') {
		do {
			*at += **at != '(';
			if (!skip_filter(at, placeholders, depth + 1))
				return false;
		} while (many && **at == '(');
	} else if (!skip_item(at, placeholders)) {
		return false;
	}
	if (**at != ')')
		return false;
	++*at;
	return true;
}

const char *ldap_filter_fault(const char *template)
{
	const char *at = template;
	size_t placeholders = 0;

	if (!skip_filter(&at, &placeholders, 0) || *at != '\0')
		return "is no filter of RFC 4515, with %{address}, %{local_part}, %{domain} for "
		       "values and %% for a percent sign";
	return placeholders > 0 ? NULL
				: "has no placeholder: it would say the same of every address";
}

static void add_escaped(struct buf *out, struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.data[i], lower = ascii_lower(c);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '@' ||
		    c == '.' || c == '-' || c == '_')
			buf_add_char(out, c);
		else
			buf_printf(out, "\\%02x", (unsigned char)c);
	}
}

bool ldap_filter_fill(struct buf *out, const char *template, const struct store_question *question)
{
	for (const char *at = template; *at != '\0'; at++) {
		size_t len;
		const struct slice *value = *at == '%' ? placeholder_at(at, question, &len) : NULL;

		if (value == NULL) {
			buf_add_char(out, *at);
			at += at[0] == '%' && at[1] == '%';
		} else if (value->data == NULL) {
			return false;
		} else {
			add_escaped(out, *value);
			at += len - 1;
		}
	}
	return true;
}
