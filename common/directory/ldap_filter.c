/* ldap_filter.c - the operator's LDAP filters: a template in, a filter out (RFC 4515). */
#include "directory/ldap_filter.h"

#include <string.h>

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

const char *ldap_filter_fault(const char *template)
{
	static const struct store_question nothing;
	bool in_value = false, any = false;

	for (const char *at = template; *at != '\0'; at++) {
		size_t len;

		if (*at == '=')
			in_value = true;
		else if (*at == '(' || *at == ')')
			in_value = false;
		if (*at != '%')
			continue;
		if (at[1] == '%') {
			at++;
			continue;
		}
		if (placeholder_at(at, &nothing, &len) == NULL)
			return "has a percent sign that is none of %{address}, %{local_part}, "
			       "%{domain}, %%";
		if (!in_value)
			return "has a placeholder that is no value";
		any = true;
		at += len - 1;
	}
	return any ? NULL : "has no placeholder: it would say the same of every address";
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
