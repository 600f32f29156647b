/* fuzz_domain.c - domain names: one A-form, and it leads back to itself. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "syntax/domain.h"

static bool is_inside(struct syntax_error error, struct slice name)
{
	return error.offset <= name.len && error.length <= name.len - error.offset;
}

static void check_faults(struct slice name)
{
	struct syntax_error too_long, host = domain_check(name);
	struct syntax_error grammar = domain_syntax(name, &too_long);

	MUST(is_inside(host, name));
	MUST(is_inside(grammar, name));
	MUST(is_inside(too_long, name));
	MUST(host.code == SYNTAX_OK || host.code == SYNTAX_DOMAIN_LONG ||
	     host.code == SYNTAX_LABEL_LONG ||
	     syntax_rule(host.code)->class == SYNTAX_CLASS_DOMAIN);
	/* a host name is a Domain of the grammar */
	if (host.code == SYNTAX_OK)
		MUST(grammar.code == SYNTAX_OK && too_long.code == SYNTAX_OK);
}

static void check_ascii(struct arena *arena, struct slice name, struct slice ascii)
{
	struct slice again = { NULL, 0 };

	MUST(ascii.len > 0 && ascii.len <= DOMAIN_MAX);
	MUST(ascii.data[ascii.len - 1] != '.');
	for (size_t i = 0; i < ascii.len; i++) {
		MUST(ascii.data[i] > ' ' && ascii.data[i] < 0x7f);
		MUST(ascii.data[i] == ascii_lower(ascii.data[i]));
	}
	MUST(domain_to_ascii(arena, ascii, &again) && slice_equal(again, ascii));
	MUST(domain_equal(arena, name, ascii) && domain_equal(arena, ascii, name));
	MUST(domain_is_within(ascii, ascii));
}

static void check_unicode(struct arena *arena, struct slice ascii)
{
	struct slice unicode = domain_to_unicode(arena, ascii), back = { NULL, 0 };

	MUST(utf8_first_invalid(unicode) == unicode.len);
	MUST(domain_to_ascii(arena, unicode, &back) && slice_equal(back, ascii));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct slice name = { (const char *)data, size }, ascii = { NULL, 0 };

	check_faults(name);
	MUST(domain_equal(arena, name, name));
	domain_to_unicode(arena, name);
	if (domain_to_ascii(arena, name, &ascii)) {
		check_ascii(arena, name, ascii);
		check_unicode(arena, ascii);
		if (domain_check(name).code == SYNTAX_OK)
			MUST(domain_check(ascii).code == SYNTAX_OK);
	} else {
		MUST(domain_check(name).code != SYNTAX_OK);
		MUST(ascii.data == NULL);
	}
	arena_free(arena);
	return 0;
}
