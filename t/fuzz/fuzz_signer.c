/*
 * fuzz_signer.c - any octets as a configuration of OpenDKIM and as its tables.
 *
 * The input is cut at NULs: the configuration, a table, an address to look for.
 * No file is opened: an Include stands too deep to be followed.
 */
#include "fuzz.h"

#include <string.h>

#include "signer/signer_config.h"
#include "signer/signer_table.h"

static struct slice next_part(struct slice *rest)
{
	struct slice part = slice_part(*rest, 0, slice_find(*rest, '\0'));

	*rest = slice_part(*rest, part.len + 1, rest->len);
	return part;
}

/* One line that names the file and the line, or values with a place. */
static void check_config(struct slice text)
{
	struct signer_config config = { 0 };
	struct arena *arena = arena_new();
	struct buf errors;
	bool good;

	buf_init(&errors, 1000);
	good = signer_config_parse(arena, "fuzz", text, CONFIG_LEVELS, &config, &errors);
	MUST(good == (errors.len == 0));
	if (!good) {
		MUST(slice_starts_nocase(buf_slice(&errors), SLICE("fuzz:")));
		MUST(errors.truncated || slice_find(buf_slice(&errors), '\n') == errors.len - 1);
	}
	for (int p = 0; p < SIGNER_PARAMETERS; p++) {
		struct slice value = signer_config_value(&config, (enum signer_parameter)p);

		MUST(value.data == NULL || (value.len > 0 && config.settings[p].line > 0));
		MUST(value.data == NULL || value.data[value.len] == '\0');
	}
	MUST(config.settings[SIGNER_SUBDOMAINS].value.data != NULL ||
	     signer_config_is(&config, SIGNER_SUBDOMAINS, true));
	buf_free(&errors);
	arena_free(arena);
}

/* The first entry that equals the key, by walking along. */
static const struct table_entry *first_of(const struct signer_table *table, struct slice key)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->exact ? slice_equal(table->entries[i].key, key)
				 : slice_equal_nocase(table->entries[i].key, key))
			return &table->entries[i];
	return NULL;
}

static void check_lookup(const struct signer_table *table, struct slice key)
{
	const struct table_entry *found = NULL;
	enum table_answer answer = signer_table_find(table, key, &found);
	size_t position = 0;

	MUST((answer == TABLE_FOUND) == (found != NULL));
	if (table->kind != TABLE_PATTERNS) {
		MUST(found == first_of(table, key));
		return;
	}
	while (signer_table_next(table, key, &position, &found) != TABLE_NOTFOUND)
		MUST(position > 0 && position <= table->count);
}

static void check_table(enum table_kind kind, bool exact, struct slice text, struct slice key)
{
	struct arena *arena = arena_new();
	struct signer_table *table = signer_table_parse(arena, kind, text, exact);

	MUST(table->why.data == NULL || table->count == 0);
	MUST(table->count <= TABLE_ENTRIES_MAX && table->count <= text.len);
	for (size_t i = 0; i < table->count; i++) {
		const struct table_entry *e = &table->entries[i];

		MUST(kind == TABLE_LIST || e->key.len > 0);
		MUST(slice_equal(e->value, signer_table_trim(e->value)));
		if (kind != TABLE_LIST)
			MUST(slice_find(e->key, '#') == e->key.len &&
			     slice_find(e->value, '#') == e->value.len);
		/* what an entry is called finds it, or one before it */
		if (i < 50)
			check_lookup(table, e->key);
	}
	check_lookup(table, key);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size };
	struct slice config = next_part(&rest), text = next_part(&rest), key = next_part(&rest);

	check_config(config);
	for (int exact = 0; exact < 2; exact++) {
		check_table(TABLE_FILE, exact, text, key);
		check_table(TABLE_PATTERNS, exact, text, key);
		check_table(TABLE_LIST, exact, text, key);
	}
	return 0;
}
