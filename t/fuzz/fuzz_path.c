/* fuzz_path.c - envelope paths: offsets lie inside, what is valid stays valid. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "syntax/addr_spec.h"
#include "syntax/from.h"
#include "syntax/path.h"

static bool inside(struct syntax_error error, struct slice raw)
{
	return error.offset <= raw.len && error.length <= raw.len - error.offset;
}

static bool part_of(struct slice part, struct slice raw)
{
	return part.data >= raw.data && part.data + part.len <= raw.data + raw.len;
}

/* The parts written down again are a path with the same parts. */
static void check_again(struct arena *arena, const struct path *path, bool smtputf8)
{
	struct slice address = address_format(arena, path->local_part, path->domain);
	struct path again = path_parse(arena, address, smtputf8);

	MUST(again.error.code == SYNTAX_OK);
	MUST(slice_equal(again.local_part, path->local_part));
	MUST(slice_equal(again.domain, path->domain));
}

static struct path check_path(struct arena *arena, struct slice raw, bool smtputf8)
{
	struct path path = path_parse(arena, raw, smtputf8);
	bool good = path.error.code == SYNTAX_OK;

	MUST(path.raw.data == raw.data && path.raw.len == raw.len);
	MUST(inside(path.error, raw));
	MUST(inside(path.too_long, raw));
	MUST(part_of(path.address, raw));
	MUST(path.null == (raw.len == 0 || slice_equal(raw, SLICE("<>"))));
	MUST(!path.null || good);
	MUST(path.no_domain == (path.error.code == SYNTAX_AT_MISSING));
	MUST((path.local_part.data != NULL) == ((good && !path.null) || path.no_domain));
	MUST(path.too_long.code == SYNTAX_OK ||
	     syntax_rule(path.too_long.code)->class == SYNTAX_CLASS_LENGTH);
	MUST(syntax_rule(path.error.code)->class != SYNTAX_CLASS_LENGTH);
	if (path.domain.data != NULL)
		MUST(part_of(path.domain, raw) && path.domain.len > 0);
	if (good && !path.null)
		check_again(arena, &path, smtputf8);
	if (good && !smtputf8)
		MUST(!utf8_has_8bit(raw));
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct slice raw = { (const char *)data, size };
	struct path ascii = check_path(arena, raw, false);
	struct path utf8 = check_path(arena, raw, true);

	/* SMTPUTF8 allows more and nothing less */
	if (ascii.error.code == SYNTAX_OK)
		MUST(utf8.error.code == SYNTAX_OK);
	if (ascii.error.code == SYNTAX_ADDRESS_8BIT)
		MUST(utf8.error.code != SYNTAX_ADDRESS_8BIT);
	arena_free(arena);
	return 0;
}
