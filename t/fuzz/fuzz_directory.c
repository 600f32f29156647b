/*
 * fuzz_directory.c - addresses as keys, and the texts of tables.
 *
 * The first octet says what the rest is: an address, a text of a `file` store, a table or
 * aliases of Postfix, a list of main.cf.
 */
#include "fuzz.h"

#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "store/address.h"
#include "store/file_text.h"
#include "store/table/postfix_text.h"
#include "store/table/text_table.h"

enum { TABLE_MAX = 1024 * 1024 };

static void check_clean(struct slice s)
{
	MUST(utf8_first_invalid(s) == s.len);
	for (size_t i = 0; i < s.len; i++)
		MUST((unsigned char)s.data[i] >= ' ' && s.data[i] != 0x7f);
}

/* A key is clean, is nobody else's, and reads back as itself. */
static void check_address(struct slice text)
{
	struct address_rules rules = { .delimiters = "+-" };
	struct arena *arena = arena_new();
	struct address a, again;

	if (address_read(arena, &rules, text, false, &a)) {
		check_clean(a.key);
		check_clean(a.local_part);
		check_clean(a.domain);
		MUST(a.key.len <= STORE_KEY_MAX && a.key.data[a.key.len] == '\0');
		MUST(a.key.data[0] != '@' && a.local_part.len > 0);
		MUST(address_read(arena, &rules, a.key, false, &again));
		MUST(slice_equal(a.key, again.key) && slice_equal(a.local_part, again.local_part));
		if (a.base.data != NULL) {
			struct slice base = address_join(arena, a.base, a.domain);

			MUST(a.base.len > 0 && a.base.len < a.local_part.len);
			MUST(address_read(arena, &rules, base, false, &again));
			MUST(slice_equal(again.local_part, a.base));
		}
	}
	arena_free(arena);
}

static bool sink(void *context, struct slice key, struct slice value, bool weak)
{
	(void)weak;
	MUST(key.len > 0 && value.len > 0);
	if (slice_starts_nocase(key, SLICE("@@")))
		file_text_match(value, SLICE("sales-1"));
	return text_table_add(context, key, value);
}

static void check_file(struct slice text)
{
	struct text_table *table = text_table_new(TABLE_MAX);
	struct buf why;

	buf_init(&why, 200);
	MUST(file_text_read(text, false, sink, table, &why) == (why.len == 0));
	buf_free(&why);
	text_table_free(table);
}

static void check_table(struct slice text, bool (*read)(struct slice, struct text_table *))
{
	struct text_table *table = text_table_new(TABLE_MAX);

	read(text, table);
	text_table_find(table, text);
	text_table_free(table);
}

static void check_list(struct slice text)
{
	size_t at = 0, before = 0;

	for (struct slice word; (word = postfix_text_next(text, &at)).len > 0; before = at)
		MUST(at > before && at <= text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = { (const char *)data, size }, rest = slice_part(all, 1, size);

	switch (size == 0 ? 0 : data[0]) {
	case 'a': check_address(rest); break;
	case 'f': check_file(rest); break;
	case 't': check_table(rest, postfix_text_table); break;
	case 'A': check_table(rest, postfix_text_aliases); break;
	case 'p': check_table(rest, postfix_text_passwd); break;
	case 'l': check_list(rest); break;
	default: break;
	}
	return 0;
}
